/*  gossip.h - who is a member, and the ring that follows from it (Dynamo 4.8).
 *
 *  Takes    recall_reply, enact_reply (the replica here); seen (whoever got a snapshot).
 *  Emits    recall, enact; a snapshot to every role here, again each second until all have seen it.
 *
 *  In this version a cluster has one node: an empty folder founds it, and what the folder remembers must agree with the
 *  configuration. Rows are on disk before they take effect.
 */
#ifndef CARTWHEEL_GOSSIP_H
#define CARTWHEEL_GOSSIP_H

#include "ring.h"
#include "role.h"

typedef enum { GOSSIP_RECALLING, GOSSIP_ENACTING, GOSSIP_SERVING, GOSSIP_HALTED } gossip_phase_t;

typedef struct {
    settings_t settings;
    rng_t rng;
    gossip_phase_t phase;
    snapshot_t table;      /* the charter, members and slots, as persisted or about to be */
    bool founding;         /* the slots' rows are new too */
    bool seen[ROLE_COUNT]; /* which roles have the present table */
    uint64_t retry_us;     /* when to ask or tell again */
} gossip_t;

#endif
