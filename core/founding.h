/*  founding.h - how this node comes into a cluster: it resumes its own, founds one, or asks its seeds for one.
 *
 *  A folder that knows a cluster goes on in it. A would-be founder (no seeds, or its own endpoint first among them) greets
 *  the other seeds for 3 s; of several the lowest gossip endpoint, as text, founds. Everybody else greets seeds until one
 *  knows a cluster, and asks to join that. The node's id is on disk before it asks, so that a crash in between does not
 *  leave a member that nobody is.
 */
#ifndef CARTWHEEL_FOUNDING_H
#define CARTWHEEL_FOUNDING_H

#include "gossip.h"

/*  What the folder remembers came. */
void founding_recalled (gossip_t *self, const recall_reply_t *recalled, effects_t *effects);
/*  The node's id is on disk, or the cluster that it was in is forgotten. */
void founding_enacted (gossip_t *self, effects_t *effects);
/*  Does what is due; `founding_wake` is when it wants its next tick. */
void founding_tick (gossip_t *self, effects_t *effects);
uint64_t founding_wake (const gossip_t *self);

/*  Another node said who it is, in a greeting of one kind or the other; what must agree does. */
void founding_hear (gossip_t *self, const hello_t *hello, effects_t *effects);
/*  The same node's id came from somewhere else. */
void founding_twin (gossip_t *self, const hello_t *hello, effects_t *effects);
/*  Our own row says that we are at another endpoint. While this process is new, whoever is there is asked, and goes on;
 *  returns whether it is. */
bool founding_look (gossip_t *self, bytes_t endpoint, effects_t *effects);
void founding_refused (gossip_t *self, const refusal_t *refusal, effects_t *effects);
void founding_welcome (gossip_t *self, const message_t *message, effects_t *effects);

/*  Leaves a cluster without data for the one of whoever says this, and passes the news on to its other members. */
void founding_dissolve (gossip_t *self, const hello_t *hello, effects_t *effects);
/*  The replica answered; `dissolved` is false when it held a record after all. */
void founding_dissolved (gossip_t *self, bool dissolved, effects_t *effects);

/*  An operator sends us to `seed`, or to our own seeds when that is empty. */
void founding_seek (gossip_t *self, bytes_t seed, effects_t *effects);
void founding_clear (gossip_t *self);

#endif
