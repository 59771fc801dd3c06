/*  histogram.c - bucket layout: values below 64 have a bucket each; above, each power of two is cut into 64. */
#include "histogram.h"

#include <string.h>

#define SUB_BITS 6
#define SUB_COUNT (1u << SUB_BITS)

static unsigned s_bucket (uint64_t us)
{
    if (us < SUB_COUNT)
        return (unsigned) us;
    unsigned exponent = 63u - (unsigned) __builtin_clzll (us) - SUB_BITS;
    unsigned bucket = (exponent + 1) * SUB_COUNT + (unsigned) ((us >> exponent) - SUB_COUNT);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/*  The largest value that falls into the bucket. */
static uint64_t s_ceiling (unsigned bucket)
{
    if (bucket < SUB_COUNT)
        return bucket;
    unsigned exponent = bucket / SUB_COUNT - 1;
    return (((uint64_t) (bucket % SUB_COUNT) + SUB_COUNT + 1) << exponent) - 1;
}

void histogram_init (histogram_t *self)
{
    histogram_clear (self);
}

void histogram_clear (histogram_t *self)
{
    memset (self, 0, sizeof *self);
}

void histogram_add (histogram_t *self, uint64_t us)
{
    self->buckets[s_bucket (us)]++;
    self->count++;
    self->sum_us += us;
    if (us > self->max_us)
        self->max_us = us;
}

void histogram_merge (histogram_t *self, const histogram_t *other)
{
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        self->buckets[i] += other->buckets[i];
    self->count += other->count;
    self->sum_us += other->sum_us;
    if (other->max_us > self->max_us)
        self->max_us = other->max_us;
}

uint64_t histogram_percentile (const histogram_t *self, double percent)
{
    if (self->count == 0)
        return 0;
    /* 99.9 is no binary fraction: its rounding must not make the 999th of 1000 values the slowest. */
    double exact = percent / 100.0 * (double) self->count * (1 - 1e-12);
    uint64_t rank = (uint64_t) exact;
    if ((double) rank < exact || rank == 0)
        rank++;
    uint64_t seen = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += self->buckets[i];
        if (seen >= rank) {
            uint64_t ceiling = s_ceiling (i);
            return ceiling < self->max_us ? ceiling : self->max_us;
        }
    }
    return self->max_us;
}

uint64_t histogram_mean (const histogram_t *self)
{
    return self->count ? self->sum_us / self->count : 0;
}

uint64_t histogram_max (const histogram_t *self)
{
    return self->max_us;
}
