/*  quorum.h - the replicas that one request asks, and what counts toward r or w (Dynamo 4.5).
 *
 *  A quorum counts slots, on distinct nodes: the same node never counts twice, whatever it answered for.
 */
#ifndef CARTWHEEL_QUORUM_H
#define CARTWHEEL_QUORUM_H

#include "ring.h"

typedef struct {
    uint8_t slot;
    uint64_t node;
    bool asked;
    result_t result; /* PENDING until it answered; DOWN when it is not reachable */
    status_t status; /* why it refused */
    uint64_t asked_us;
    uint64_t took_us;
} attempt_state_t;

typedef struct {
    attempt_state_t items[LIMIT_N];
    size_t count;
} quorum_t;

/*  The preference list: the partition's filled slots, this node's first, the rest from a start that `turn` moves
 *  around so that load spreads; slots of unreachable nodes are DOWN. */
void quorum_init (quorum_t *self, const ring_t *ring, uint32_t partition, uint64_t turn);

/*  The attempt for a slot, or NULL. */
attempt_state_t *quorum_slot (quorum_t *self, uint8_t slot);

/*  Distinct nodes whose result is one of `results` (a bit for each result_t). */
#define QUORUM_RESULT(result) (1u << (result))
#define QUORUM_READ (QUORUM_RESULT (RESULT_FOUND) | QUORUM_RESULT (RESULT_ABSENT))
#define QUORUM_STORED QUORUM_RESULT (RESULT_STORED)
#define QUORUM_PENDING QUORUM_RESULT (RESULT_PENDING)
size_t quorum_count (const quorum_t *self, unsigned results);

/*  Pending attempts that were asked already: answers that may still come. */
size_t quorum_outstanding (const quorum_t *self);

#endif
