/*  rng.c - xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018), seeded through
 *  splitmix64 (Steele, Lea and Flood 2014), as its authors advise.
 */
#include "rng.h"

#include <assert.h>

static uint64_t s_rotate (uint64_t x, unsigned bits)
{
    return (x << bits) | (x >> (64 - bits));
}

void rng_seed (rng_t *self, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += 0x9e3779b97f4a7c15u;
        uint64_t z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        self->state[i] = z ^ (z >> 31);
    }
}

uint64_t rng_next (rng_t *self)
{
    uint64_t *s = self->state;
    uint64_t result = s_rotate (s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s_rotate (s[3], 45);
    return result;
}

uint64_t rng_below (rng_t *self, uint64_t bound)
{
    assert (bound > 0);
    /* Numbers below this would make the first residues likelier than the others. */
    uint64_t least = -bound % bound;
    for (;;) {
        uint64_t x = rng_next (self);
        if (x >= least)
            return x % bound;
    }
}
