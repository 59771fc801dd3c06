/*  replica.h - the storage role: the only one with a store (Dynamo 4.5, 4.6, 5).
 *
 *  Takes    read, mint, replicate, scan (coordinators anywhere; replicate also from handoff anywhere), survey
 *           (coordinator and gossip here), recall, enact, snapshot, peers (gossip here), hint_page, hint_drop (handoff
 *           here), host (monitor), synced (syncer).
 *  Emits    the replies; sync to the syncer; seen to gossip.
 *
 *  A batch of messages is one transaction: EVENT_DRAINED commits it. A read is answered at once; a minted state leaves
 *  at the commit; an acknowledgement leaves when what it acknowledges is as durable as `store/durability` says, so one
 *  flush serves many writes and no read ever waits for it. Any failure of the store halts the node: nothing more is
 *  acknowledged.
 */
#ifndef CARTWHEEL_REPLICA_H
#define CARTWHEEL_REPLICA_H

#include "held.h"
#include "hints.h"
#include "holdings.h"
#include "registry.h"
#include "ring.h"
#include "role.h"

/*  A mint that was carried out or refused lately. */
typedef struct {
    uint64_t node;
    uint64_t request;
    uint8_t slot;
    bool hint;
    uint8_t status; /* what came of it: refused once, it stays refused */
} taken_t;

#define REPLICA_TAKEN_BUCKETS 4096u
#define REPLICA_TAKEN_WAYS 8u

typedef struct {
    settings_t settings;
    store_t *store;
    taken_t taken[REPLICA_TAKEN_BUCKETS * REPLICA_TAKEN_WAYS]; /* each bucket: the newest first */
    rng_t rng;
    uint64_t nonce;      /* of this process */
    ring_t *ring;        /* NULL until gossip has sent one */
    slot_list_t enacted; /* rows that are persisted here, and that no snapshot has shown yet */
    uint64_t dissolved;  /* the cluster that this node has left behind; 0: none */
    holdings_t holdings;
    hints_t hints;
    uint64_t actor;   /* of the dots that this opening of the store mints; in memory only */
    uint64_t counter; /* of the last dot */
    bool read_only;   /* the disk is nearly full */
    bool halted;
    uint64_t now_us;         /* of the event at hand */
    uint64_t complained_us;  /* when the last line was logged about what others can make happen */
    held_list_t commits;     /* replies that leave at the next commit */
    held_list_t flushes;     /* replies that leave once their commit is flushed; sequences rise */
    uint64_t flush_asked;    /* the newest sequence that the syncer was asked for */
    uint64_t flush_asked_us; /* when */
    uint64_t flushed;        /* the newest sequence that is on disk */
} replica_t;

/*  For the replica's other file, writes.c. */

/*  The store is broken: nothing more is acknowledged, and the node ends. */
void replica_halt (replica_t *self, effects_t *effects);

/*  Whether it is time for another line about what anyone can make happen at will. */
bool replica_may_complain (replica_t *self);

/*  Says that a record cannot be read: it is refused, never taken for absence. */
void replica_damaged (replica_t *self, place_t place, effects_t *effects);

/*  Whether slot `slot` of the partition is ours to answer for; for a hint, whether it is another's. */
bool replica_serves (const replica_t *self, uint32_t partition, uint8_t slot, bool hint);

/*  The record of a key in slot `slot`, or of its hint. As holdings_load. */
int replica_load (replica_t *self, place_t place, uint8_t slot, bool hint, stored_t *record);

#endif
