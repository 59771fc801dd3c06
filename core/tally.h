/*  tally.h - what a coordinator counts, and the `stats` that it tells of it (docs/protocol.md, The monitor stream).
 *
 *  Counters rise from 0 with the process. Latencies are those of the last whole interval: one pair of histograms fills
 *  while the other is read.
 */
#ifndef CARTWHEEL_TALLY_H
#define CARTWHEEL_TALLY_H

#include "../messages/codec.h"
#include "histogram.h"

typedef struct {
    histogram_t get;
    histogram_t put;
    histogram_t settle;
} latencies_t;

typedef struct {
    uint64_t gets;
    uint64_t puts;
    uint64_t deletes;
    uint64_t not_found;
    uint64_t conflicts;
    uint64_t read_repairs;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t errors[STATUS_COUNT];
    latencies_t filling;
    latencies_t last; /* the last whole interval */
} tally_state_t;

void tally_init (tally_state_t *self);

/*  An interval is over: what was filling is now the last. */
void tally_turn (tally_state_t *self);

/*  Fills the counters and latencies of `stats`, all of its fields given; the gauges are the caller's, set to 0 here. */
void tally_report (const tally_state_t *self, stats_t *stats);

#endif
