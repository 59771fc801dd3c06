/*  test_histogram.c - percentiles against those of the sorted values themselves: never below, and at most 1/64 above. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "core/histogram.h"
#include "core/rng.h"
#include "messages/memory.h"

#define MOST_US (((uint64_t) 1 << 37) - 1) /* what the last bucket ends with */

static int s_compare (const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *) a;
    uint64_t y = *(const uint64_t *) b;
    return (x > y) - (x < y);
}

/*  The exact percentile in thousandths of all, in whole numbers. */
static uint64_t s_exact (const uint64_t *sorted, size_t count, size_t thousandths)
{
    size_t rank = (count * thousandths + 999) / 1000;
    return sorted[rank > 0 ? rank - 1 : 0];
}

/*  Latencies of any magnitude, or of one. */
static uint64_t s_draw (rng_t *rng, unsigned kind)
{
    switch (kind) {
    case 0: return rng_below (rng, 100);
    case 1: return 200 + rng_below (rng, 300) * rng_below (rng, 300);
    case 2: return rng_next (rng) >> (27 + rng_below (rng, 37));
    default: return ((uint64_t) 1 << rng_below (rng, 37)) - rng_below (rng, 2);
    }
}

static void s_check (const histogram_t *histogram, const uint64_t *sorted, size_t count)
{
    static const size_t thousandths[] = {0, 1, 10, 250, 500, 750, 900, 950, 990, 999, 1000};
    for (size_t i = 0; i < sizeof thousandths / sizeof *thousandths; i++) {
        uint64_t exact = s_exact (sorted, count, thousandths[i]);
        uint64_t told = histogram_percentile (histogram, (double) thousandths[i] / 10.0);
        cr_assert_geq (told, exact, "p%zu/10 of %zu: %llu for %llu", thousandths[i], count,
                       (unsigned long long) told, (unsigned long long) exact);
        cr_assert_leq (told - exact, exact / 64, "p%zu/10 of %zu: %llu for %llu", thousandths[i],
                       count, (unsigned long long) told, (unsigned long long) exact);
    }
    cr_assert_eq (histogram_percentile (histogram, 100), sorted[count - 1]);
    cr_assert_eq (histogram_max (histogram), sorted[count - 1]);
}

Test (histogram, percentiles_are_exact_to_a_64th)
{
    rng_t rng;
    rng_seed (&rng, 1);
    for (unsigned round = 0; round < 200; round++) {
        size_t count = 1 + rng_below (&rng, round % 2 ? 3000 : 30);
        uint64_t *values = memory_new (count, sizeof *values);
        histogram_t histogram;
        histogram_init (&histogram);
        uint64_t sum = 0;
        for (size_t i = 0; i < count; i++) {
            values[i] = s_draw (&rng, round % 4);
            sum += values[i];
            histogram_add (&histogram, values[i]);
        }
        qsort (values, count, sizeof *values, s_compare);
        s_check (&histogram, values, count);
        cr_assert_eq (histogram_mean (&histogram), sum / count);
        free (values);
    }
}

Test (histogram, a_percentile_takes_the_rank_that_it_says)
{
    /* One slow call in a thousand is not the 99.9th percentile; two are. */
    for (unsigned thousands = 1; thousands <= 50; thousands++) {
        histogram_t histogram;
        histogram_init (&histogram);
        for (unsigned i = 0; i < 999 * thousands; i++)
            histogram_add (&histogram, 10);
        for (unsigned i = 0; i < thousands; i++)
            histogram_add (&histogram, 50000);
        cr_assert_eq (histogram_percentile (&histogram, 99.9), 10, "of %u", 1000 * thousands);
        histogram_add (&histogram, 50000);
        cr_assert_eq (histogram_percentile (&histogram, 99.9), 50000);
    }
}

Test (histogram, small_values_are_exact)
{
    for (uint64_t us = 0; us < 64; us++) {
        histogram_t histogram;
        histogram_init (&histogram);
        histogram_add (&histogram, us);
        histogram_add (&histogram, 1000);
        cr_assert_eq (histogram_percentile (&histogram, 50), us);
    }
}

Test (histogram, nothing_counted_is_nothing)
{
    histogram_t histogram;
    histogram_init (&histogram);
    cr_assert_eq (histogram_percentile (&histogram, 50), 0);
    cr_assert_eq (histogram_mean (&histogram), 0);
    cr_assert_eq (histogram_max (&histogram), 0);
    histogram_add (&histogram, 5);
    histogram_clear (&histogram);
    cr_assert_eq (histogram_percentile (&histogram, 100), 0);
    cr_assert_eq (histogram.count, 0);
}

Test (histogram, merging_is_counting_both)
{
    rng_t rng;
    rng_seed (&rng, 2);
    histogram_t a, b, all;
    histogram_init (&a);
    histogram_init (&b);
    histogram_init (&all);
    for (unsigned i = 0; i < 10000; i++) {
        uint64_t us = s_draw (&rng, i % 4);
        histogram_add (i % 3 ? &a : &b, us);
        histogram_add (&all, us);
    }
    histogram_merge (&a, &b);
    cr_assert_arr_eq (&a, &all, sizeof a);
}

Test (histogram, what_is_longer_than_all_buckets_counts_as_the_longest)
{
    histogram_t histogram;
    histogram_init (&histogram);
    histogram_add (&histogram, MOST_US);
    cr_assert_eq (histogram_percentile (&histogram, 50), MOST_US);
    histogram_add (&histogram, UINT64_MAX / 4);
    histogram_add (&histogram, UINT64_MAX / 4);
    cr_assert_geq (histogram_percentile (&histogram, 50), MOST_US);
    cr_assert_eq (histogram_max (&histogram), UINT64_MAX / 4);
}
