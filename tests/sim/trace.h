/*  trace.h - everything that happens in a run, as one running 64-bit hash, and as readable lines when asked.
 *
 *  Two runs of a seed must end with the same hash. If they don't, a role looked at something that no event gave it: memory
 *  that nobody wrote, an address, a clock.
 */
#ifndef CARTWHEEL_SIM_TRACE_H
#define CARTWHEEL_SIM_TRACE_H

#include "core/event.h"

typedef struct {
    bool verbose;
    uint64_t hash;
    uint64_t lines;
    buffer_t buffer; /* scratch */
} trace_t;

void trace_init (trace_t *self, bool verbose);
void trace_clear (trace_t *self);

/*  A role of a node takes an event. */
void trace_event (trace_t *self, uint64_t now_us, size_t node, role_id_t role,
                  const event_t *event);
/*  A role of a node sends a message to `place` (a node's number, or the own one). */
void trace_send (trace_t *self, uint64_t now_us, size_t node, role_id_t role, size_t place,
                 role_id_t to, const message_t *message);
/*  Bytes, with a sentence about them. */
void trace_bytes (trace_t *self, uint64_t now_us, bytes_t bytes, const char *format, ...)
    __attribute__ ((format (printf, 4, 5)));
/*  Only a sentence. */
void trace_say (trace_t *self, uint64_t now_us, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

#endif
