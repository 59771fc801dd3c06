/*  test_patience.c - a time-out that follows a peer's answers. */
#include <criterion/criterion.h>

#include "core/patience.h"

#define LEAST_US 20000u
#define MOST_US 2000000u

Test (patience, without_an_answer_it_waits_longest)
{
    patience_t patience = {0};
    cr_assert_eq (patience_timeout (&patience, LEAST_US, MOST_US), MOST_US);
    patience_miss (&patience);
    cr_assert_eq (patience_timeout (&patience, LEAST_US, MOST_US), MOST_US);
}

Test (patience, the_gains_are_an_eighth_and_a_quarter)
{
    patience_t patience = {0};
    patience_answer (&patience, 80000);
    cr_assert_eq (patience.mean_us, 80000);
    cr_assert_eq (patience.deviation_us, 40000);
    cr_assert_eq (patience_timeout (&patience, LEAST_US, MOST_US), 240000);
    patience_answer (&patience, 160000); /* an error of 80000 */
    cr_assert_eq (patience.mean_us, 90000);
    cr_assert_eq (patience.deviation_us, 50000);
    patience_answer (&patience, 10000); /* and of -80000 */
    cr_assert_eq (patience.mean_us, 80000);
    cr_assert_eq (patience.deviation_us, 57500);
    cr_assert_eq (patience_timeout (&patience, LEAST_US, MOST_US), 310000);
}

Test (patience, steady_answers_bring_it_down_to_them)
{
    patience_t patience = {0};
    patience_answer (&patience, 1000000);
    for (int i = 0; i < 100; i++)
        patience_answer (&patience, 50000);
    cr_assert_leq (patience.mean_us, 50010);
    cr_assert_leq (patience.deviation_us, 10);
    cr_assert_eq (patience_timeout (&patience, 100000, MOST_US), 100000, "not below the least");
    cr_assert_leq (patience_timeout (&patience, LEAST_US, MOST_US), 50100);
}

Test (patience, slow_answers_bring_it_up_to_the_most)
{
    patience_t patience = {0};
    for (int i = 0; i < 100; i++)
        patience_answer (&patience, 1000);
    uint64_t before = patience_timeout (&patience, 0, MOST_US);
    patience_answer (&patience, 400000);
    cr_assert_gt (patience_timeout (&patience, 0, MOST_US), before + 400000);
    for (int i = 0; i < 100; i++)
        patience_answer (&patience, UINT64_MAX);
    cr_assert_eq (patience_timeout (&patience, LEAST_US, MOST_US), MOST_US);
}

Test (patience, an_answer_forgives_the_misses)
{
    patience_t patience = {0};
    for (unsigned i = 1; i <= 3; i++) {
        patience_miss (&patience);
        cr_assert_eq (patience.misses, i);
    }
    patience_answer (&patience, 0);
    cr_assert_eq (patience.misses, 0);
    cr_assert_eq (patience.mean_us, 1, "an answer at once is one nevertheless");
    cr_assert_eq (patience_timeout (&patience, LEAST_US, MOST_US), LEAST_US);
    patience.misses = UINT32_MAX;
    patience_miss (&patience);
    cr_assert_eq (patience.misses, UINT32_MAX, "it does not wrap");
}
