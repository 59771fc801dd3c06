/*  admin.h - what operators wish of the membership: join, leave, remove (docs/protocol.md, Requests).
 */
#ifndef CARTWHEEL_ADMIN_H
#define CARTWHEEL_ADMIN_H

#include "gossip.h"

/*  A wish came from the coordinator here. */
void admin_take (gossip_t *self, const message_t *message, effects_t *effects);
/*  The `join` that an operator waits for, if one does, has ended so. */
void admin_joined (gossip_t *self, status_t status, const char *sentence, effects_t *effects);

#endif
