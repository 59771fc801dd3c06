/*  patience.h - how long to wait for one peer: an adaptive time-out from its former answers (Jacobson 1988: mean plus four
 *  deviations), and how many answers in a row it owes.
 */
#ifndef CARTWHEEL_PATIENCE_H
#define CARTWHEEL_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint64_t mean_us; /* of the time to an answer, exponentially weighted; 0: none yet */
    uint64_t deviation_us;
    unsigned misses; /* time-outs in a row since its last answer */
} patience_t;

/*  An answer came after so long. */
void patience_answer (patience_t *self, uint64_t took_us);
/*  None came in time. */
void patience_miss (patience_t *self);
/*  The time-out now: mean + 4 deviations, within the bounds; `most_us` before the first answer. */
uint64_t patience_timeout (const patience_t *self, uint64_t least_us, uint64_t most_us);

#endif
