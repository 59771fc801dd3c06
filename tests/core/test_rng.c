/*  test_rng.c - the generator against its authors' published numbers and against a second implementation. */
#include <criterion/criterion.h>

#include "core/rng.h"

/*  xoshiro256** as the authors' paper has it, on an array, with rotations written the long way. */
static uint64_t s_second (uint64_t s[4])
{
    uint64_t product = s[1] * 5;
    uint64_t result = (product * 128 + product / ((uint64_t) 1 << 57)) * 9;
    uint64_t next[4];
    next[0] = s[0] ^ s[3] ^ s[1];
    next[1] = s[1] ^ s[2] ^ s[0];
    next[2] = s[2] ^ s[0] ^ (s[1] << 17);
    uint64_t mixed = s[3] ^ s[1];
    next[3] = (mixed << 45) + (mixed >> 19);
    for (int i = 0; i < 4; i++)
        s[i] = next[i];
    return result;
}

Test (rng, published_numbers_of_xoshiro)
{
    static const uint64_t wanted[] = {
        11520u,
        0u,
        1509978240u,
        1215971899390074240u,
        1216172134540287360u,
        607988272756665600u,
        16172922978634559625u,
        8476171486693032832u,
        10595114339597558777u,
        2904607092377533576u,
    };
    rng_t rng = {.state = {1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        cr_assert_eq (rng_next (&rng), wanted[i], "number %zu", i);
}

Test (rng, published_numbers_of_splitmix_are_the_seed)
{
    static const uint64_t wanted[] = {1985237415132408290u, 2979275885539914483u,
                                      13511426838097143398u, 8488337342461049707u};
    rng_t rng;
    rng_seed (&rng, 1477776061723855037u);
    for (int i = 0; i < 4; i++)
        cr_assert_eq (rng.state[i], wanted[i], "word %d", i);
}

Test (rng, a_second_implementation_agrees)
{
    for (uint64_t seed = 0; seed < 100; seed++) {
        rng_t rng;
        rng_seed (&rng, seed);
        uint64_t state[4] = {rng.state[0], rng.state[1], rng.state[2], rng.state[3]};
        for (int i = 0; i < 1000; i++)
            cr_assert_eq (rng_next (&rng), s_second (state));
    }
}

Test (rng, the_same_seed_gives_the_same_numbers)
{
    rng_t a, b, c;
    rng_seed (&a, 5);
    rng_seed (&b, 5);
    rng_seed (&c, 6);
    unsigned same = 0;
    for (int i = 0; i < 1000; i++) {
        uint64_t number = rng_next (&a);
        cr_assert_eq (number, rng_next (&b));
        same += number == rng_next (&c);
    }
    cr_assert_eq (same, 0);
}

Test (rng, below_is_in_range_and_reaches_all)
{
    rng_t rng;
    rng_seed (&rng, 7);
    for (uint64_t bound = 1; bound <= 40; bound++) {
        uint64_t seen = 0;
        for (int i = 0; i < 2000; i++) {
            uint64_t x = rng_below (&rng, bound);
            cr_assert_lt (x, bound);
            seen |= (uint64_t) 1 << x;
        }
        cr_assert_eq (seen, ((uint64_t) 1 << bound) - 1, "below %llu", (unsigned long long) bound);
    }
    for (int i = 0; i < 1000; i++)
        cr_assert_lt (rng_below (&rng, UINT64_MAX), UINT64_MAX);
}

Test (rng, below_has_no_bias)
{
    /* Of 3 * 2^62 numbers the lowest third would come half of the time if the remainder were taken as it is. */
    rng_t rng;
    rng_seed (&rng, 8);
    uint64_t third = (uint64_t) 1 << 62;
    unsigned low = 0;
    for (int i = 0; i < 30000; i++)
        low += rng_below (&rng, 3 * third) < third;
    cr_assert_gt (low, 9500);
    cr_assert_lt (low, 10500);
}
