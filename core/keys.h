/*  keys.h - a page of a partition's keys, as what any of r owners has live, in the order of (hash, key) on all of them.
 *
 *  An owner's page may end before the partition does; the merged page then ends there too, so that no key is passed over.
 *  Each function returns whether the operation is over and may be destroyed.
 */
#ifndef CARTWHEEL_KEYS_H
#define CARTWHEEL_KEYS_H

#include "coordinator.h"

bool keys_begin (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects);
bool keys_reply (coordinator_t *self, operation_t *operation, message_t *message, uint64_t now_us,
                 effects_t *effects);
bool keys_tick (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects);

#endif
