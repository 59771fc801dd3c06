/*  ring.h - who holds what: Q equal partitions of the hash space, N slots each, and a table of slot records that names
 *  each slot's owner (Dynamo 6.2, strategy 3; there is no walk around a circle).
 *
 *  A slot is a logical replica; quorums count slots on distinct nodes. A slot's record is written by its owner alone,
 *  under a version that only rises, so two tables merge record by record. A ring_t is one snapshot of that table with
 *  the members, made anew from each MESSAGE_snapshot; what this node sees of the others comes with MESSAGE_peers.
 */
#ifndef CARTWHEEL_RING_H
#define CARTWHEEL_RING_H

#include "effects.h"
#include "settings.h"

typedef enum {
    MEMBER_JOINING,
    MEMBER_UP,
    MEMBER_LEAVING,
    MEMBER_LEFT,
    MEMBER_REMOVED
} member_state_t;
typedef enum { SLOT_READY, SLOT_REBUILD } slot_phase_t;

typedef struct ring ring_t;

/*  From a snapshot, deep-copied. NULL when it contradicts itself (a slot out of range or twice, no such partitions). */
ring_t *ring_new (const snapshot_t *snapshot);
void ring_destroy (ring_t **self_p);

/*  Takes a MESSAGE_snapshot in place of the ring that `ring_p` holds (or NULL) and tells its sender that it was seen. One
 *  that contradicts itself is passed over. */
void ring_follow (ring_t **ring_p, const message_t *message, effects_t *effects);

/*  Takes a MESSAGE_peers: who is reachable, and the newest stamp of each. `now_us` is when it came. */
void ring_hear (ring_t *self, const peers_t *peers, uint64_t now_us);

/*  Puts rows with higher versions in place: for the replica, which is the authority on its own slots. */
void ring_enact (ring_t *self, const slot_list_t *slots);

/*  Whether this node reaches `node`; itself always, a stranger never. */
bool ring_reachable (const ring_t *self, uint64_t node);
/*  The newest stamp of `node` (nonce 0: none yet), and how long ago we heard of it, in ms. For `ring_self`, none is
 *  needed and nonce is 0. */
stamp_t ring_stamp (const ring_t *self, uint64_t node, uint64_t now_us, uint32_t *age_ms);

/*  Members that are no owners of the partition, in rendezvous order of (partition, node), so that a dead node's load
 *  spreads over all (Dynamo 4.6). Returns how many there are, at most `most`. */
size_t ring_fallbacks (const ring_t *self, uint32_t partition, uint64_t *nodes, size_t most);

/*  Whether no slot is vacant, or held by another than the claim wants, that could be held. */
bool ring_settled (const ring_t *self);

uint64_t ring_version (const ring_t *self);
const charter_t *ring_charter (const ring_t *self);
/*  The node that this snapshot was made on. */
uint64_t ring_self (const ring_t *self);

const member_t *ring_members (const ring_t *self, size_t *count);
/*  NULL when there is none of that id. */
const member_t *ring_member (const ring_t *self, uint64_t node);
/*  Members that may hold slots: joining, up or leaving. */
size_t ring_member_count (const ring_t *self);

/*  The partition of a key's hash: its top log2 (Q) bits; 0 when Q is 1. */
uint32_t ring_partition (uint32_t partitions, uint64_t hash);

/*  The record of a slot; owner 0 when it is vacant. */
const slot_t *ring_slot (const ring_t *self, uint32_t partition, uint8_t slot);
/*  The slot of the partition that `node` owns, or -1. */
int ring_slot_of (const ring_t *self, uint32_t partition, uint64_t node);

/*  Fills `snapshot` (empty before, to be cleared) with the table of a cluster of one: slot 0 of each partition is
 *  `charter->node`'s and ready, the others are vacant. */
void ring_found (snapshot_t *snapshot, const charter_t *charter, const settings_t *settings);

/*  The version of a table: the sum of all its rows' versions, so it rises with each change and is equal where the
 *  tables are. */
uint64_t ring_sum (const snapshot_t *snapshot);

/*  "joining", "up", "leaving", "left", "removed". */
const char *member_state_name (uint8_t state);

#endif
