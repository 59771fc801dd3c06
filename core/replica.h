/*  replica.h - the storage role: the only one with a store (Dynamo 4.5, 5).
 *
 *  Takes    read, mint, replicate, scan (coordinators anywhere), survey (the coordinator here), recall, enact, snapshot
 *           (gossip here), host (monitor), synced (syncer).
 *  Emits    the replies; sync to the syncer; seen to gossip.
 *
 *  A batch of messages is one transaction: EVENT_DRAINED commits it. A read is answered at once; a minted state leaves
 *  at the commit; an acknowledgement leaves when what it acknowledges is as durable as `store/durability` says, so one
 *  flush serves many writes and no read ever waits for it. Any failure of the store halts the node: nothing more is
 *  acknowledged.
 */
#ifndef CARTWHEEL_REPLICA_H
#define CARTWHEEL_REPLICA_H

#include "holdings.h"
#include "registry.h"
#include "ring.h"
#include "role.h"

/*  A reply that waits for its commit, or for the flush of it. */
typedef struct {
    uint64_t sequence; /* of the commit, once made */
    bool flush;        /* waits for the flush in every durability */
    address_t to;
    message_t *message;
} held_t;

typedef struct {
    held_t *items; /* a queue: items[first .. first + count) */
    size_t first;
    size_t count;
    size_t capacity;
} held_list_t;

/*  A mint that was carried out or refused lately. */
typedef struct {
    uint64_t node;
    uint64_t request;
} taken_t;

#define REPLICA_TAKEN_BUCKETS 512u
#define REPLICA_TAKEN_WAYS 8u

typedef struct {
    settings_t settings;
    store_t *store;
    taken_t taken[REPLICA_TAKEN_BUCKETS * REPLICA_TAKEN_WAYS]; /* each bucket: the newest first */
    rng_t rng;
    ring_t *ring; /* NULL until gossip has sent one */
    holdings_t holdings;
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

#endif
