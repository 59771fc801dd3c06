/*  criterion.h - a stand-in for Criterion, in one process, for builds under ThreadSanitizer.
 *
 *  Criterion runs each test in a child that shares memory at a fixed address, where ThreadSanitizer keeps its own, and
 *  so no test starts at all. With --enable-tsan this file is found first: the same macros, as far as our tests use
 *  them, every test in turn in this process, and the first failed assertion ends it. Tests that expect to crash
 *  (.signal, .exit_code) are passed over; the other builds run them.
 */
#ifndef CARTWHEEL_PLAIN_CRITERION_H
#define CARTWHEEL_PLAIN_CRITERION_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct criterion_test_extra_data {
    int sentinel_;
    void (*init) (void);
    void (*fini) (void);
    double timeout;
    int signal;
    int exit_code;
    bool disabled;
    const char *description;
};

typedef struct plain_test {
    const char *suite;
    const char *name;
    void (*run) (void);
    struct criterion_test_extra_data options;
    struct plain_test *next;
} plain_test_t;

/*  Weak: a helper of a test may include this file as well, and all of them share one list and one main. */
#define PLAIN_SHARED __attribute__ ((weak))

PLAIN_SHARED plain_test_t *plain_tests;
PLAIN_SHARED plain_test_t **plain_end = &plain_tests;
PLAIN_SHARED unsigned int plain_failures;
PLAIN_SHARED bool plain_skipped;

#define Test(suite_name, test_name, ...)                                                 \
    static void suite_name##_##test_name##_run (void);                                   \
    __attribute__ ((constructor)) static void suite_name##_##test_name##_register (void) \
    {                                                                                    \
        static plain_test_t test = {.suite = #suite_name,                                \
                                    .name = #test_name,                                  \
                                    .run = suite_name##_##test_name##_run,               \
                                    .options = {.sentinel_ = 0, ##__VA_ARGS__}};         \
        *plain_end = &test;                                                              \
        plain_end = &test.next;                                                          \
    }                                                                                    \
    static void suite_name##_##test_name##_run (void)

/*  The options of a suite: those of its tests that have none of their own. */
typedef struct plain_suite {
    const char *name;
    struct criterion_test_extra_data options;
    struct plain_suite *next;
} plain_suite_t;

PLAIN_SHARED plain_suite_t *plain_suites;

#define TestSuite(suite_name, ...)                                                 \
    __attribute__ ((constructor)) static void suite_name##_suite_register (void)   \
    {                                                                              \
        static plain_suite_t suite = {.name = #suite_name,                         \
                                      .options = {.sentinel_ = 0, ##__VA_ARGS__}}; \
        suite.next = plain_suites;                                                 \
        plain_suites = &suite;                                                     \
    }                                                                              \
    struct criterion_test_extra_data

/*  Says where and what failed; ends the process unless the test is to go on. */
__attribute__ ((format (printf, 5, 6))) static inline void plain_check (bool holds, bool fatal,
                                                                        const char *place,
                                                                        const char *text,
                                                                        const char *format, ...)
{
    if (holds)
        return;
    printf ("%s: failed: %s\n", place, text);
    if (format[1]) {
        va_list arguments;
        va_start (arguments, format);
        vprintf (format, arguments);
        va_end (arguments);
        putchar ('\n');
    }
    fflush (stdout);
    plain_failures++;
    if (fatal)
        exit (1);
}

#define PLAIN_TEXT(line) #line
#define PLAIN_PLACE(line) __FILE__ ":" PLAIN_TEXT (line)
#define PLAIN_CHECK(condition, fatal, ...) \
    plain_check ((bool) (condition), fatal, PLAIN_PLACE (__LINE__), #condition, " " __VA_ARGS__)
#define PLAIN_STRING(a, op, b) (strcmp (a, b) op 0)

#define cr_expect_lt(a, b, ...) PLAIN_CHECK ((a) < (b), false, __VA_ARGS__)
#define cr_expect_leq(a, b, ...) PLAIN_CHECK ((a) <= (b), false, __VA_ARGS__)
#define cr_expect_gt(a, b, ...) PLAIN_CHECK ((a) > (b), false, __VA_ARGS__)
#define cr_expect_geq(a, b, ...) PLAIN_CHECK ((a) >= (b), false, __VA_ARGS__)
#define cr_assert(condition, ...) PLAIN_CHECK (condition, true, __VA_ARGS__)
#define cr_assert_not(condition, ...) PLAIN_CHECK (!(condition), true, __VA_ARGS__)
#define cr_assert_null(value, ...) PLAIN_CHECK (!(value), true, __VA_ARGS__)
#define cr_assert_not_null(value, ...) PLAIN_CHECK (value, true, __VA_ARGS__)
#define cr_assert_eq(a, b, ...) PLAIN_CHECK ((a) == (b), true, __VA_ARGS__)
#define cr_assert_neq(a, b, ...) PLAIN_CHECK ((a) != (b), true, __VA_ARGS__)
#define cr_assert_lt(a, b, ...) PLAIN_CHECK ((a) < (b), true, __VA_ARGS__)
#define cr_assert_leq(a, b, ...) PLAIN_CHECK ((a) <= (b), true, __VA_ARGS__)
#define cr_assert_gt(a, b, ...) PLAIN_CHECK ((a) > (b), true, __VA_ARGS__)
#define cr_assert_geq(a, b, ...) PLAIN_CHECK ((a) >= (b), true, __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) PLAIN_CHECK (PLAIN_STRING (a, ==, b), true, __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...) PLAIN_CHECK (PLAIN_STRING (a, !=, b), true, __VA_ARGS__)
#define cr_assert_str_empty(a, ...) PLAIN_CHECK (*(a) == '\0', true, __VA_ARGS__)
#define cr_assert_str_not_empty(a, ...) PLAIN_CHECK (*(a) != '\0', true, __VA_ARGS__)
#define cr_assert_arr_eq(a, b, size, ...) PLAIN_CHECK (!memcmp (a, b, size), true, __VA_ARGS__)
#define cr_assert_float_eq(a, b, epsilon, ...) \
    PLAIN_CHECK ((a) - (b) <= (epsilon) && (b) - (a) <= (epsilon), true, __VA_ARGS__)
#define cr_assert_fail(...) PLAIN_CHECK (false, true, __VA_ARGS__)
#define cr_expect(condition, ...) PLAIN_CHECK (condition, false, __VA_ARGS__)
#define cr_expect_not(condition, ...) PLAIN_CHECK (!(condition), false, __VA_ARGS__)
#define cr_expect_null(value, ...) PLAIN_CHECK (!(value), false, __VA_ARGS__)
#define cr_expect_not_null(value, ...) PLAIN_CHECK (value, false, __VA_ARGS__)
#define cr_expect_eq(a, b, ...) PLAIN_CHECK ((a) == (b), false, __VA_ARGS__)
#define cr_expect_neq(a, b, ...) PLAIN_CHECK ((a) != (b), false, __VA_ARGS__)
#define cr_expect_lt(a, b, ...) PLAIN_CHECK ((a) < (b), false, __VA_ARGS__)
#define cr_expect_leq(a, b, ...) PLAIN_CHECK ((a) <= (b), false, __VA_ARGS__)
#define cr_expect_gt(a, b, ...) PLAIN_CHECK ((a) > (b), false, __VA_ARGS__)
#define cr_expect_geq(a, b, ...) PLAIN_CHECK ((a) >= (b), false, __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) PLAIN_CHECK (PLAIN_STRING (a, ==, b), false, __VA_ARGS__)
#define cr_expect_str_neq(a, b, ...) PLAIN_CHECK (PLAIN_STRING (a, !=, b), false, __VA_ARGS__)
#define cr_expect_str_empty(a, ...) PLAIN_CHECK (*(a) == '\0', false, __VA_ARGS__)
#define cr_expect_arr_eq(a, b, size, ...) PLAIN_CHECK (!memcmp (a, b, size), false, __VA_ARGS__)
#define cr_expect_float_eq(a, b, epsilon, ...) \
    PLAIN_CHECK ((a) - (b) <= (epsilon) && (b) - (a) <= (epsilon), false, __VA_ARGS__)
#define cr_expect_fail(...) PLAIN_CHECK (false, false, __VA_ARGS__)
#define cr_skip_test(...)     \
    do {                      \
        plain_skipped = true; \
        return;               \
    } while (0)

static inline bool plain_run (const plain_test_t *test)
{
    const struct criterion_test_extra_data *options = &test->options;
    struct criterion_test_extra_data none = {0};
    for (plain_suite_t *suite = plain_suites; suite; suite = suite->next)
        if (!strcmp (suite->name, test->suite) && !memcmp (options, &none, sizeof none))
            options = &suite->options;
    if (options->signal || options->exit_code || options->disabled)
        return false;
    printf ("%s::%s\n", test->suite, test->name);
    fflush (stdout);
    plain_skipped = false;
    if (options->init)
        options->init ();
    test->run ();
    if (options->fini)
        options->fini ();
    return !plain_skipped;
}

PLAIN_SHARED int main (void)
{
    unsigned int ran = 0;
    for (plain_test_t *test = plain_tests; test; test = test->next)
        ran += plain_run (test);
    printf ("Synthesis: Tested: %u | Passing: %u | Failing: %u | Crashing: 0\n", ran,
            ran - plain_failures, plain_failures);
    return plain_failures > 0;
}

#endif
