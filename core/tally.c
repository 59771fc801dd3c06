/*  tally.c - see tally.h. */
#include "tally.h"

#include <string.h>

void tally_init (tally_state_t *self)
{
    memset (self, 0, sizeof *self);
}

void tally_turn (tally_state_t *self)
{
    self->last = self->filling;
    memset (&self->filling, 0, sizeof self->filling);
}

static void s_errors (const tally_state_t *self, errors_t *errors)
{
#define ERRORS_OF(upper, lower) GIVE (errors, errors, lower, self->errors[STATUS_##upper]);
    ERRORS_OF (BAD_REQUEST, bad_request)
    ERRORS_OF (BAD_CONTEXT, bad_context)
    ERRORS_OF (TOO_LARGE, too_large)
    ERRORS_OF (TOO_MANY_SIBLINGS, too_many_siblings)
    ERRORS_OF (UNAVAILABLE, unavailable)
    ERRORS_OF (TIMEOUT, timeout)
    ERRORS_OF (UNKNOWN, unknown)
    ERRORS_OF (OVERLOADED, overloaded)
    ERRORS_OF (READ_ONLY, read_only)
    ERRORS_OF (FORBIDDEN, forbidden)
    ERRORS_OF (INTERNAL, internal)
#undef ERRORS_OF
}

void tally_report (const tally_state_t *self, stats_t *stats)
{
    memset (stats, 0, sizeof *stats);
    stats->gets = self->gets;
    stats->puts = self->puts;
    stats->deletes = self->deletes;
    stats->not_found = self->not_found;
    s_errors (self, &stats->errors);
    stats->conflicts = self->conflicts;
    stats->read_repairs = self->read_repairs;
    stats->bytes_in = self->bytes_in;
    stats->bytes_out = self->bytes_out;
#define LATENCY_OF(op)                                              \
    stats->op##_mean = histogram_mean (&self->last.op);             \
    stats->op##_p50 = histogram_percentile (&self->last.op, 50);    \
    stats->op##_p99 = histogram_percentile (&self->last.op, 99);    \
    stats->op##_p999 = histogram_percentile (&self->last.op, 99.9); \
    stats->op##_max = histogram_max (&self->last.op);
    LATENCY_OF (get)
    LATENCY_OF (put)
#undef LATENCY_OF
    stats->settle_p50 = histogram_percentile (&self->last.settle, 50);
    stats->settle_p99 = histogram_percentile (&self->last.settle, 99);
    stats->has = ((uint64_t) 1 << stats_schema.count) - 1;
}
