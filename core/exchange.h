/*  exchange.h - how rows travel: pushed to a few when they change, and compared in pairs for what got lost (Dynamo 4.8.1).
 *
 *  A digest names the version of each member's row and a hash for each of up to 64 groups of partitions. The other sends
 *  what the first lacks, and its own digest, so that both end equal. A partition's rows always travel together: who
 *  learns that it has slot 0 learns in the same message which other slots are taken.
 */
#ifndef CARTWHEEL_EXCHANGE_H
#define CARTWHEEL_EXCHANGE_H

#include "gossip.h"

/*  Each second: a digest to a random member, now and then one that is down, now and then a greeting to a seed. */
void exchange_beat (gossip_t *self, effects_t *effects);
/*  Sends our digest to a member, by the endpoint that it gave, or where its row says when that is empty. */
void exchange_digest (gossip_t *self, uint64_t node, bytes_t endpoint, bool answer,
                      effects_t *effects);
/*  Sends these members' rows, and all of the partitions in which a slot changed, to three random members. */
void exchange_push (gossip_t *self, const member_list_t *members, const slot_list_t *slots,
                    const slot_list_t *gifts, effects_t *effects);

/*  What came from a member of our cluster. */
void exchange_take_digest (gossip_t *self, const message_t *message, effects_t *effects);
void exchange_take_rows (gossip_t *self, const message_t *message, effects_t *effects);

#endif
