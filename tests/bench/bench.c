/*  bench.c - the price of one node, and of three, beside a bare ROUTER echo, interleaved in one run (docs/benchmarks.md says how to read it).
 *
 *  bench CARTWHEELD [ROUNDS [OPERATIONS]]
 *
 *  A child process echoes; a node in each durability serves, and clusters of three (n=3, r=w=2). Each round runs every load once, so that a machine whose
 *  speed drifts drifts for all of them; what is printed are medians over the rounds, and medians of ratios to the echo of
 *  the same round.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages/memory.h"
#include "servers.h"

#define ROUNDS_MOST 101

/*  The clusters, and what the rows about them are called. */
static const struct {
    size_t nodes;
    const char *durability;
    const char *put;
    const char *get; /* NULL: not measured, it would be the same */
} CLUSTERS[] = {
    {1, "batch", "put batch", NULL},
    {1, "periodic", "put periodic", "get"},
    {1, "none", "put none", NULL},
    {3, "batch", "3: put batch", NULL},
    {3, "periodic", "3: put periodic", "3: get"},
};
enum { CLUSTERS_COUNT = sizeof CLUSTERS / sizeof *CLUSTERS };
static const unsigned CLIENTS[] = {1, 64};
enum { SIZES = 2 };

/*  One row of the table: a load against a server, at one number of clients. */
typedef struct {
    const char *name;
    const servers_t *servers;
    load_kind_t kind;
    unsigned clients;
    size_t echo; /* the row that it is compared with */
    double p50[ROUNDS_MOST];
    double p99[ROUNDS_MOST];
    double cpu[ROUNDS_MOST];
    double rate[ROUNDS_MOST];
    uint64_t failed;
} row_t;

static int s_compare (const void *a, const void *b)
{
    double x = *(const double *) a;
    double y = *(const double *) b;
    return (x > y) - (x < y);
}

static double s_median (const double *values, size_t count)
{
    double sorted[ROUNDS_MOST];
    memcpy (sorted, values, count * sizeof *sorted);
    qsort (sorted, count, sizeof *sorted, s_compare);
    return sorted[count / 2];
}

static double s_median_ratio (const double *values, const double *base, size_t count)
{
    double ratios[ROUNDS_MOST];
    for (size_t i = 0; i < count; i++)
        ratios[i] = base[i] > 0 ? values[i] / base[i] : 0;
    return s_median (ratios, count);
}

static void s_round (row_t *rows, size_t count, size_t round, uint64_t operations)
{
    for (size_t i = 0; i < count; i++) {
        row_t *row = &rows[i];
        outcome_t *outcome = memory_new (1, sizeof *outcome);
        /* One client waits for each flush: fewer operations say as much. */
        uint64_t share = row->clients == 1 ? operations / 8 : operations;
        load_t load = {.endpoint = row->servers->endpoint,
                       .kind = row->kind,
                       .clients = row->clients,
                       .operations = share,
                       .servers = row->servers->pids,
                       .servers_count = row->servers->count};
        bench_load (&load, outcome);
        row->p50[round] = (double) histogram_percentile (&outcome->latency, 50);
        row->p99[round] = (double) histogram_percentile (&outcome->latency, 99);
        row->cpu[round] = outcome->cpu_us;
        row->rate[round] = outcome->rate;
        row->failed += outcome->failed;
        if (outcome->failed > 0)
            fprintf (stderr, "bench: %s at %u clients: %llu operations failed, one with %s\n",
                     row->name, row->clients, (unsigned long long) outcome->failed, outcome->why);
        free (outcome);
    }
}

static uint64_t s_print (const row_t *rows, size_t count, size_t rounds)
{
    uint64_t failed = 0;
    printf ("%-16s %7s %9s %9s %9s %9s | %9s %9s\n", "load", "clients", "p50 us", "p99 us", "ops/s",
            "CPU us/op", "p50/echo", "CPU/echo");
    for (size_t i = 0; i < count; i++) {
        const row_t *row = &rows[i];
        const row_t *echo = &rows[row->echo];
        printf ("%-16s %7u %9.0f %9.0f %9.0f %9.1f | %9.2f %9.2f\n", row->name, row->clients,
                s_median (row->p50, rounds), s_median (row->p99, rounds),
                s_median (row->rate, rounds), s_median (row->cpu, rounds),
                s_median_ratio (row->p50, echo->p50, rounds),
                s_median_ratio (row->cpu, echo->cpu, rounds));
        failed += row->failed;
    }
    return failed;
}

/*  What is run in each round; returns how many rows. */
static size_t s_rows (row_t *rows, const servers_t *echo, const servers_t *clusters)
{
    size_t count = 0;
    for (size_t size = 0; size < SIZES; size++) {
        size_t base = count;
        rows[count++] = (row_t){.name = "echo", .servers = echo, .kind = LOAD_ECHO};
        for (size_t i = 0; i < CLUSTERS_COUNT; i++) {
            rows[count++] =
                (row_t){.name = CLUSTERS[i].put, .servers = &clusters[i], .kind = LOAD_PUT};
            if (CLUSTERS[i].get != NULL)
                rows[count++] =
                    (row_t){.name = CLUSTERS[i].get, .servers = &clusters[i], .kind = LOAD_GET};
        }
        for (size_t i = base; i < count; i++) {
            rows[i].clients = CLIENTS[size];
            rows[i].echo = base;
        }
    }
    return count;
}

int main (int argc, char **argv)
{
    if (argc < 2) {
        fprintf (stderr, "usage: bench CARTWHEELD [ROUNDS [OPERATIONS]]\n");
        return 2;
    }
    size_t rounds = argc > 2 ? strtoul (argv[2], NULL, 10) : 5;
    uint64_t operations = argc > 3 ? strtoull (argv[3], NULL, 10) : 40000;
    if (rounds == 0 || rounds > ROUNDS_MOST || operations < 1000) {
        fprintf (stderr, "bench: 1 to %d rounds of at least 1000 operations\n", ROUNDS_MOST);
        return 2;
    }
    servers_t echo;
    servers_t clusters[CLUSTERS_COUNT];
    servers_start_echo (&echo);
    for (size_t i = 0; i < CLUSTERS_COUNT; i++)
        servers_start_nodes (&clusters[i], argv[1], CLUSTERS[i].nodes, CLUSTERS[i].durability);
    row_t *rows = memory_new (SIZES * (2 * CLUSTERS_COUNT + 1), sizeof *rows);
    size_t count = s_rows (rows, &echo, clusters);
    for (size_t round = 0; round < rounds; round++)
        s_round (rows, count, round, operations);
    printf ("values of %u bytes, %u keys, %zu rounds interleaved, medians\n", BENCH_VALUE_BYTES,
            BENCH_KEYS, rounds);
    uint64_t failed = s_print (rows, count, rounds);
    for (size_t i = 0; i < CLUSTERS_COUNT; i++)
        servers_stop (&clusters[i]);
    servers_stop (&echo);
    free (rows);
    return failed > 0;
}
