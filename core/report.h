/*  report.h - what a node says of itself: ping, ring, status, stats, and the `stats` event.
 */
#ifndef CARTWHEEL_REPORT_H
#define CARTWHEEL_REPORT_H

#include "coordinator.h"

/*  Answered at once from what the coordinator knows. */
void report_ping (coordinator_t *self, operation_t *operation, effects_t *effects);
void report_ring (coordinator_t *self, operation_t *operation, effects_t *effects);

/*  Asks the replica here how much it holds; report_reply then answers `status` or `stats`, or publishes the event when
 *  the operation has no client. Returns whether the operation is over. */
bool report_begin (operation_t *operation, effects_t *effects);
bool report_reply (coordinator_t *self, operation_t *operation, const event_t *event,
                   effects_t *effects);
bool report_tick (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects);

#endif
