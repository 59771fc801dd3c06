/*  coordinator.h - the role that clients talk to: any node coordinates any request (Dynamo 4.5, 5).
 *
 *  Takes    requests and garbage from clients; read_reply, mint_reply, replicate_reply, scan_reply (replicas anywhere);
 *           survey_reply (the replica here), snapshot (gossip here), host (monitor).
 *  Emits    replies to clients; read, mint, replicate, scan to owners; survey, seen; the `stats` event.
 *
 *  Each request that needs others is an operation_t in the table: op.c files hold the state machine of one op, pure and
 *  small (get.c, put.c, keys.c, inspect.c, report.c), coordinator.c the table, the checks and the clock.
 */
#ifndef CARTWHEEL_COORDINATOR_H
#define CARTWHEEL_COORDINATOR_H

#include "operation.h"
#include "role.h"
#include "tally.h"

typedef struct {
    settings_t settings;
    char version[32]; /* of the program */
    rng_t rng;
    ring_t *ring;        /* NULL: not a member yet */
    operation_t **table; /* by the low bits of an operation's id; NULL: free */
    size_t capacity;
    size_t used;          /* operations in the table */
    uint64_t bytes;       /* that the operations in the table came with */
    size_t unanswered;    /* of these, client requests without a reply yet */
    size_t free_hint;     /* where to look for a free place first */
    uint64_t generation;  /* the high bits of the next id */
    uint64_t next_due_us; /* the earliest due_us in the table, or earlier */
    uint64_t publish_us;  /* when the next `stats` event is due */
    uint64_t started_us;
    tally_state_t tally;
    host_t host;
    survey_reply_t survey; /* the replica's last */
    bool stopping;
} coordinator_t;

/*  For the operations' files. */

/*  The ring's slots of the operation's partition become its quorum. False when fewer than `need` of them are reachable:
 *  the client then has its answer, `unavailable`. */
bool coordinator_open_quorum (coordinator_t *self, operation_t *operation, effects_t *effects);

/*  Sends a message about this operation to the owner of a slot and notes that it was asked. Takes the message. */
void coordinator_ask (const coordinator_t *self, operation_t *operation, attempt_state_t *attempt,
                      message_t **message_p, uint64_t now_us, effects_t *effects);

#endif
