/*  admission.h - how other nodes come in: who may join, who is refused and why, and what happens when two clusters meet.
 */
#ifndef CARTWHEEL_ADMISSION_H
#define CARTWHEEL_ADMISSION_H

#include "gossip.h"

/*  Somebody asks whether there is a cluster, or says that there is. `nonce` is of the asker's process. */
void admission_greet (gossip_t *self, const hello_t *hello, uint64_t nonce, effects_t *effects);
void admission_greeting (gossip_t *self, const message_t *message, effects_t *effects);

/*  Somebody asks to join. It is decided when the replica has said, asked after that, whether there is a record here. */
void admission_ask (gossip_t *self, const message_t *message, effects_t *effects);
void admission_decide (gossip_t *self, effects_t *effects);
/*  Welcomes those whose rows are in effect now. */
void admission_welcome (gossip_t *self, effects_t *effects);

/*  A node that says it is of our cluster is not in our table: it is told, and asks to be entered. */
void admission_unknown (const gossip_t *self, const hello_t *hello, effects_t *effects);

#endif
