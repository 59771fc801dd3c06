/*  histogram.h - latencies in microseconds, counted in log-linear buckets (as HdrHistogram does): exact to 1/64 of the
 *  value, from 0 to about 19 hours, in a fixed 9 KB. Percentiles are read from all values, never from samples of them.
 */
#ifndef CARTWHEEL_HISTOGRAM_H
#define CARTWHEEL_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS 2048

typedef struct {
    uint32_t buckets[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t sum_us;
    uint64_t max_us;
} histogram_t;

void histogram_init (histogram_t *self);
void histogram_clear (histogram_t *self);
void histogram_add (histogram_t *self, uint64_t us);
void histogram_merge (histogram_t *self, const histogram_t *other);
/*  The smallest value that at least `percent` of all values do not exceed (to 1/64); 0 when there are none. */
uint64_t histogram_percentile (const histogram_t *self, double percent);
uint64_t histogram_mean (const histogram_t *self);
uint64_t histogram_max (const histogram_t *self);

#endif
