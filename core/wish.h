/*  wish.h - the operator's ops at the coordinator: join, leave, remove. Gossip decides and does them; here they are passed
 *  on, and its answer to the client. They need no ring, for a node that is no member asks to become one.
 *
 *  Each function returns whether the operation is over and may be destroyed.
 */
#ifndef CARTWHEEL_WISH_H
#define CARTWHEEL_WISH_H

#include "coordinator.h"

bool wish_begin (operation_t *operation, const request_t *request, effects_t *effects);
/*  Of an admin_reply. */
bool wish_reply (coordinator_t *self, operation_t *operation, const message_t *message,
                 effects_t *effects);
bool wish_tick (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects);

#endif
