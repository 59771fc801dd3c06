/*  spread.h - takes a minted state to the slots that do not have it yet, or to hints for them (Dynamo 4.6).
 *
 *  Each slot is to end acknowledged by its owner or kept as a hint. A fallback is asked at once for an owner that is down,
 *  refused or suspected, and for another when its whole time-out is over: counting stand-ins any earlier would make
 *  reads of r + w > n stale without any failure. Where no fallback is left, this node keeps the hint, which counts only
 *  where the node has not counted yet.
 */
#ifndef CARTWHEEL_SPREAD_H
#define CARTWHEEL_SPREAD_H

#include "coordinator.h"

/*  Sends the state wherever it is to go now: to whom it was not sent, to whom did not answer in time, to who stands in.
 *  Does nothing where there is no state to send. */
void spread_state (coordinator_t *self, operation_t *operation, uint64_t now_us,
                   effects_t *effects);

/*  Takes in what another replica has minted for the same put: the state becomes that of both, and everybody gets it. */
void spread_twin (coordinator_t *self, operation_t *operation, bytes_t state, uint64_t now_us,
                  effects_t *effects);

/*  Takes a replicate_reply in. False when it is late, twice, or nobody's. */
bool spread_take (coordinator_t *self, operation_t *operation, const message_t *message,
                  uint64_t now_us);

/*  The time is over: a slot with neither an acknowledgement nor a hint gets one here. */
void spread_end (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects);

/*  Whether each slot is acknowledged, or kept as a hint, or given up. */
bool spread_done (const operation_t *operation);

#endif
