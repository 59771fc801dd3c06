/*  coordinator.h - the role that clients talk to: any node coordinates any request (Dynamo 4.5, 5).
 *
 *  Takes    requests and garbage from clients; read_reply, mint_reply, replicate_reply, scan_reply (replicas anywhere);
 *           survey_reply (the replica here), snapshot, peers, admin_reply (gossip here), host (monitor).
 *  Emits    replies to clients; read, mint, replicate, scan to owners and fallbacks; survey, seen, accuse, admin; the
 *           `stats` and `repair` events.
 *
 *  Each request that needs others is an operation_t in the table: op.c files hold the state machine of one op, pure and
 *  small (get.c, put.c with spread.c, keys.c, inspect.c, report.c, wish.c), coordinator.c the table, the checks and the
 *  clock, asking.c what they share towards the replicas.
 */
#ifndef CARTWHEEL_COORDINATOR_H
#define CARTWHEEL_COORDINATOR_H

#include "operation.h"
#include "role.h"
#include "suspicion.h"
#include "tally.h"

typedef struct {
    settings_t settings;
    char version[32]; /* of the program */
    rng_t rng;
    ring_t *ring;        /* NULL: not a member yet */
    operation_t **table; /* by the low bits of an operation's id; NULL: free */
    size_t capacity;
    size_t used;          /* operations in the table */
    uint64_t bytes;       /* that the operations in the table came with, and keep */
    size_t unanswered;    /* of these, client requests without a reply yet */
    size_t free_hint;     /* where to look for a free place first */
    uint64_t generation;  /* the high bits of the next id */
    uint64_t next_due_us; /* the earliest due_us in the table, or earlier */
    uint64_t lag_us;      /* how much later than wished for the present tick came */
    uint64_t publish_us;  /* when the next `stats` event is due */
    uint64_t started_us;
    tally_state_t tally;
    host_t host;
    survey_reply_t survey; /* the replica's last */
    bool stopping;
    suspicion_t suspicion;
    uint64_t repairs;    /* that the budget of read repair has left */
    uint64_t repairs_us; /* when that was */
} coordinator_t;

/*  For the operations' files; in asking.c. Times are the event's. */

/*  The ring's slots of the operation's partition become its quorum, in the order in which they are best asked. False when
 *  fewer than `need` nodes are reachable, with fallbacks unless it is strict: the client then has its answer,
 *  `unavailable`. */
bool coordinator_open_quorum (coordinator_t *self, operation_t *operation, effects_t *effects);

/*  Adds an attempt for each slot that has another owner by now and is not acknowledged yet. */
void coordinator_follow (const coordinator_t *self, operation_t *operation);
/*  Whether the ring names another owner for the attempt's slot than the one that was asked. */
bool coordinator_is_elsewhere (const coordinator_t *self, const operation_t *operation,
                               const attempt_state_t *attempt);

/*  Moves bytes into an operation's own, and out of it again, counted with those of the requests in progress: whole states
 *  are kept after the client has its answer. */
void coordinator_keep (coordinator_t *self, operation_t *operation, bytes_t *place, bytes_t *bytes);
void coordinator_drop (coordinator_t *self, operation_t *operation, bytes_t *place);

/*  Sends a message to the replica of a node. Takes it. */
void coordinator_send (const coordinator_t *self, uint64_t node, message_t **message_p,
                       effects_t *effects);
/*  Sends a message about this operation to the node of an attempt, notes that it was asked, and waits. Takes it. */
void coordinator_ask (const coordinator_t *self, operation_t *operation, attempt_state_t *attempt,
                      message_t **message_p, uint64_t now_us, effects_t *effects);
/*  Gives an attempt that is alive its whole time-out again. */
void coordinator_wait (const coordinator_t *self, operation_t *operation, attempt_state_t *attempt,
                       uint64_t now_us);

/*  Whether an answer to the attempt may be expected: its node has not refused, is neither down nor suspected, and has not
 *  let several time-outs pass. */
bool coordinator_counts_on (const coordinator_t *self, const attempt_state_t *attempt);

/*  A moment of the clock of `node` that was over when the operation began (so it bounds the age of all that the operation
 *  has read or made), and for how long after it, in ms, somebody waits for an answer (NULL: not wanted). */
stamp_t coordinator_stamp (const coordinator_t *self, const operation_t *operation, uint64_t node,
                           uint64_t now_us, uint32_t *patience_ms);

/*  The attempt that a reply about `slot` belongs to, or NULL. */
attempt_state_t *coordinator_attempt (const coordinator_t *self, operation_t *operation,
                                      const message_t *message, uint8_t slot, uint64_t now_us);

/*  Whether an attempt's time-out has just ended: it is then late, and its node nearer to being suspected. */
bool coordinator_overdue (coordinator_t *self, attempt_state_t *attempt, uint64_t now_us,
                          effects_t *effects);
/*  The same for all attempts of an operation. */
void coordinator_note_overdue (coordinator_t *self, operation_t *operation, uint64_t now_us,
                               effects_t *effects);

/*  Whether the budget of read repair allows one more, of a key on `node`; it is then counted. */
bool coordinator_may_repair (coordinator_t *self, uint64_t node, uint64_t now_us);
/*  Publishes what was repaired since the last time, an event a peer. */
void coordinator_publish_repairs (coordinator_t *self, uint64_t wall_ms, effects_t *effects);

/*  Takes a MESSAGE_peers or MESSAGE_snapshot: requests do not wait for who is not reachable any more. */
void coordinator_hear (coordinator_t *self, const event_t *event, effects_t *effects);

#endif
