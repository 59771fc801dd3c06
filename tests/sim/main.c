/*  main.c - runs seeds, each twice, and says what was found.
 *
 *      sim [--seeds N] [--first S] [--kept FILE] [--ops K]     seeds S .. S+N-1, after the kept ones
 *      sim --seed S [--ops K] [--verbose]                      one seed, with all that happens
 *      sim --stop [--checker NAME]                             up to the first failure; only this checker's count
 *
 *  Exit status: 0 when every checker is content with every seed, 1 when one is not, 2 for wrong usage.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"

#define REPORT_EVERY 25

typedef struct {
    uint64_t first;
    uint64_t count;
    uint32_t ops;
    bool verbose;
    bool stop;
    const char *kept;
    const char *checker;
} options_t;

typedef struct {
    uint64_t seeds;
    uint64_t failed;
    score_t score;
} totals_t;

static void s_add (score_t *sum, const score_t *score)
{
    sum->operations += score->operations;
    sum->attempts += score->attempts;
    sum->messages += score->messages;
    sum->actions += score->actions;
    sum->restarts += score->restarts;
    sum->notices += score->notices;
    sum->checked += score->checked;
    sum->siblings += score->siblings;
    sum->us += score->us;
    sum->refused += score->refused;
    sum->hints += score->hints;
    sum->twins += score->twins;
    for (int i = 0; i < FAULT_COUNT; i++)
        sum->faults[i] += score->faults[i];
    for (int i = 0; i < STATUS_COUNT; i++)
        sum->statuses[i] += score->statuses[i];
}

static void s_report_failure (const sim_t *sim, const options_t *options)
{
    printf ("FAILED seed %" PRIu64 " checker %s: %s\n    ", sim->plan.seed, sim->checker,
            sim->what);
    plan_print (&sim->plan);
    printf ("    replay: sim --seed %" PRIu64, sim->plan.seed);
    if (options->ops > 0)
        printf (" --ops %u", options->ops);
    printf (" --verbose\n");
    fflush (stdout);
}

/*  Runs the seed twice. */
static void s_run (uint64_t seed, const options_t *options, totals_t *totals)
{
    sim_t *first = sim_new (seed, options->ops, options->verbose);
    sim_t *second = sim_new (seed, options->ops, false);
    first->only = second->only = options->checker;
    if (options->verbose)
        plan_print (&first->plan);
    sim_run (first);
    sim_run (second);
    totals->seeds++;
    s_add (&totals->score, &first->score);
    bool same =
        first->trace.hash == second->trace.hash && first->trace.lines == second->trace.lines;
    if (!first->failed && !same)
        sim_fail (first, "same-trace", "two runs of this seed differ");
    if (first->failed) {
        totals->failed++;
        s_report_failure (first, options);
    }
    sim_destroy (&first);
    sim_destroy (&second);
}

static void s_print_counts (const totals_t *totals)
{
    const score_t *score = &totals->score;
    printf ("clients: %" PRIu64 " operations in %" PRIu64 " requests; replies:", score->operations,
            score->attempts);
    for (int i = 0; i < STATUS_COUNT; i++)
        if (score->statuses[i] > 0)
            printf (" %s %" PRIu64, status_name ((status_t) i), score->statuses[i]);
    printf ("\nfaults:");
    for (int i = 0; i < FAULT_COUNT; i++)
        printf (" %s %" PRIu64, fault_name ((fault_t) i), score->faults[i]);
    printf ("\n%" PRIu64 " messages between nodes, %" PRIu64 " restarts, %" PRIu64
            " actions, %.0f s of virtual time; "
            "%" PRIu64 " frames refused at the door, %" PRIu64 " puts minted in two places; "
            "%" PRIu64 " hints to deliver when the faults ended; "
            "at rest %" PRIu64 " keys compared, %" PRIu64 " siblings\n",
            score->messages, score->restarts, score->actions, (double) score->us / 1e6,
            score->refused, score->twins, score->hints, score->checked, score->siblings);
}

/*  The seeds that once failed: numbers, one a line, with comments after `#`. */
static int s_run_kept (const options_t *options, totals_t *totals)
{
    char line[256];
    FILE *file = fopen (options->kept, "r");
    if (!file) {
        fprintf (stderr, "sim: cannot read %s\n", options->kept);
        return -1;
    }
    while (fgets (line, sizeof line, file)) {
        char *end;
        uint64_t seed = strtoull (line, &end, 10);
        if (end != line)
            s_run (seed, options, totals);
    }
    fclose (file);
    return 0;
}

static int s_usage (void)
{
    fprintf (
        stderr,
        "usage: sim [--seeds N] [--first S] [--seed S] [--kept FILE] [--ops K] [--checker NAME] "
        "[--stop] [--verbose]\n");
    return 2;
}

static int s_options (int argc, char **argv, options_t *options)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp (argv[i], "--verbose") == 0) {
            options->verbose = true;
            continue;
        }
        if (strcmp (argv[i], "--stop") == 0) {
            options->stop = true;
            continue;
        }
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        char *end = "";
        uint64_t number = strtoull (value, &end, 10);
        bool numeric = *value && !*end;
        if (strcmp (argv[i], "--kept") == 0 && *value)
            options->kept = value;
        else if (strcmp (argv[i], "--checker") == 0 && *value)
            options->checker = value;
        else if (strcmp (argv[i], "--seeds") == 0 && numeric)
            options->count = number;
        else if (strcmp (argv[i], "--first") == 0 && numeric)
            options->first = number;
        else if (strcmp (argv[i], "--ops") == 0 && numeric && number <= 100000)
            options->ops = (uint32_t) number;
        else if (strcmp (argv[i], "--seed") == 0 && numeric) {
            options->first = number;
            options->count = 1;
        } else
            return -1;
        i++;
    }
    return 0;
}

int main (int argc, char **argv)
{
    options_t options = {.first = 1, .count = 20};
    totals_t totals = {0};
    if (s_options (argc, argv, &options) != 0)
        return s_usage ();
    if (options.kept && s_run_kept (&options, &totals) != 0)
        return 2;
    for (uint64_t i = 0; i < options.count && !(options.stop && totals.failed > 0); i++) {
        s_run (options.first + i, &options, &totals);
        if ((i + 1) % REPORT_EVERY == 0 && !options.verbose) {
            printf ("%" PRIu64 " seeds, %" PRIu64 " failed, %" PRIu64 " operations\n", totals.seeds,
                    totals.failed, totals.score.operations);
            fflush (stdout);
        }
    }
    s_print_counts (&totals);
    printf ("sim: %" PRIu64 " seeds, %" PRIu64 " failed, %" PRIu64
            " operations, each seed run twice to one trace\n",
            totals.seeds, totals.failed, totals.score.operations);
    return totals.failed > 0 ? 1 : 0;
}
