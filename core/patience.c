/*  patience.c - see patience.h. The gains are Jacobson's: an eighth of the error for the mean, a quarter for the deviation.
 *
 *  In whole microseconds, a mean that is a few of them off stays so: nobody waits that precisely.
 */
#include "patience.h"

#include <assert.h>

#define GAIN_MEAN 8
#define GAIN_DEVIATION 4
#define DEVIATIONS 4
#define TOOK_US_MOST ((uint64_t) 1 << 40) /* twelve days: no sum of these overflows */

void patience_answer (patience_t *self, uint64_t took_us)
{
    self->misses = 0;
    if (took_us > TOOK_US_MOST)
        took_us = TOOK_US_MOST;
    if (took_us == 0)
        took_us = 1; /* a mean of 0 stands for none */
    if (self->mean_us == 0) {
        self->mean_us = took_us;
        self->deviation_us = took_us / 2;
        return;
    }
    int64_t error = (int64_t) took_us - (int64_t) self->mean_us;
    int64_t size = error < 0 ? -error : error;
    int64_t mean = (int64_t) self->mean_us + error / GAIN_MEAN;
    int64_t deviation = (int64_t) self->deviation_us;
    self->mean_us = mean > 0 ? (uint64_t) mean : 1;
    self->deviation_us = (uint64_t) (deviation + (size - deviation) / GAIN_DEVIATION);
}

void patience_miss (patience_t *self)
{
    if (self->misses < UINT32_MAX)
        self->misses++;
}

uint64_t patience_timeout (const patience_t *self, uint64_t least_us, uint64_t most_us)
{
    assert (least_us <= most_us);
    if (self->mean_us == 0)
        return most_us;
    uint64_t timeout_us = self->mean_us + DEVIATIONS * self->deviation_us;
    if (timeout_us < least_us)
        return least_us;
    return timeout_us < most_us ? timeout_us : most_us;
}
