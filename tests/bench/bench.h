/*  bench.h - a load of REQ-like clients against one endpoint, and what it cost the server.
 *
 *  Placement decides latency on a small machine, so what is compared runs interleaved in one call, and the figures to
 *  trust are ratios and CPU time per operation (docs/benchmarks.md).
 */
#ifndef CARTWHEEL_BENCH_H
#define CARTWHEEL_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/histogram.h"

#define BENCH_THREADS 2
#define BENCH_KEYS 10000u
#define BENCH_VALUE_BYTES 100u

typedef enum { LOAD_ECHO, LOAD_GET, LOAD_PUT } load_kind_t;

typedef struct {
    const char *endpoint;
    load_kind_t kind;
    unsigned clients; /* each with one request outstanding */
    uint64_t operations;
    const pid_t *servers; /* whose CPU time is counted */
    size_t servers_count;
} load_t;

typedef struct {
    histogram_t latency;
    double cpu_us; /* of all the servers' threads, per operation */
    double rate;   /* operations a second */
    uint64_t failed;
    char why[128]; /* the status and sentence of one that failed */
} outcome_t;

/*  Runs the load to its end. `outcome` is whole only when `failed` is 0. */
void bench_load (const load_t *load, outcome_t *outcome);

#endif
