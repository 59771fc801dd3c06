/*  tour.h - what the parts of the tour share: what was asked for, the clock, and how it speaks.
 *
 *  The tour is what README runs first: real data into three nodes, one of them killed in the middle of the load, every
 *  byte read back without it, its return, and Dynamo's shopping cart (section 4.4). It says what it does, and fails if anything differs.
 */
#ifndef CARTWHEEL_TOUR_H
#define CARTWHEEL_TOUR_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/histogram.h"

typedef struct {
    const char *program; /* cartwheeld; NULL: the one beside this program */
    const char *data;    /* an empty folder for the nodes, kept; NULL: a temporary one */
    const char *file;    /* records; NULL: `apt-cache dumpavail` */
    size_t limit;        /* of records; 0: all */
    size_t clients;      /* threads */
    size_t wait_s;       /* how long hints and replicas may take */
    sigset_t signals;    /* those that end the tour; blocked in all its threads */
} tour_t;

typedef enum { TOUR_FINE, TOUR_FAILED, TOUR_USAGE, TOUR_INTERRUPTED } tour_exit_t;

/*  A line on standard output; a sentence on standard error, `tour: ...`. */
void tour_tell (const char *format, ...) __attribute__ ((format (printf, 1, 2)));
void tour_complain (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/*  Microseconds since the machine started. */
uint64_t tour_now_us (void);

/*  Waits `wait_ms`, or until somebody wants the tour to end: then true. From the main thread only. */
bool tour_wait (const tour_t *tour, unsigned wait_ms);

/*  Prints the line with count, rate and percentiles of what took `took_us` in all. */
void tour_report (const char *what, const histogram_t *latency, uint64_t bytes, uint64_t took_us);
/*  Prints a line with the percentiles alone. */
void tour_report_latency (const char *what, const histogram_t *latency);

#endif
