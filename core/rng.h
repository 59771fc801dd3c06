/*  rng.h - a seeded generator (xoshiro256**, Blackman and Vigna 2018): the only randomness that a role has.
 *
 *  The shell seeds it from getrandom, the simulator from its seed; never from a node's name, time or process number,
 *  because an actor id that comes twice is a lost write (docs/consistency.md).
 */
#ifndef CARTWHEEL_RNG_H
#define CARTWHEEL_RNG_H

#include <stdint.h>

typedef struct {
    uint64_t state[4];
} rng_t;

/*  From one number (through splitmix64), for tests and the simulator. */
void rng_seed (rng_t *self, uint64_t seed);
uint64_t rng_next (rng_t *self);
/*  0 .. bound - 1, without bias; bound > 0. */
uint64_t rng_below (rng_t *self, uint64_t bound);

#endif
