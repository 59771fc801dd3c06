/*  inspect.h - each replica's state of a key, side by side, and each hint that a member keeps for one of its slots: always
 *  answered, with nil for what nobody told us.
 *
 *  Each function returns whether the operation is over and may be destroyed.
 */
#ifndef CARTWHEEL_INSPECT_H
#define CARTWHEEL_INSPECT_H

#include "coordinator.h"

bool inspect_begin (coordinator_t *self, operation_t *operation, uint64_t now_us,
                    effects_t *effects);
bool inspect_reply (coordinator_t *self, operation_t *operation, message_t *message,
                    uint64_t now_us, effects_t *effects);
bool inspect_tick (coordinator_t *self, operation_t *operation, uint64_t now_us,
                   effects_t *effects);

#endif
