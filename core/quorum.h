/*  quorum.h - the replicas that one request asks, and what counts toward r or w (Dynamo 4.5, 4.6).
 *
 *  A quorum counts slots, on distinct nodes: the same slot never counts twice, whoever answered for it, and neither does
 *  the same node, whatever it answered for. Besides a slot's owner a fallback may be asked, for the hint that it keeps or
 *  is to keep for that slot (sloppy quorum); fallbacks come in rendezvous order, each node for one slot.
 */
#ifndef CARTWHEEL_QUORUM_H
#define CARTWHEEL_QUORUM_H

#include "ring.h"

typedef struct {
    uint8_t slot;
    uint64_t node;
    bool hint; /* a fallback: its hint for the slot is meant, not the slot itself */
    bool asked;
    bool minting; /* was asked to mint, and has not said what came of it */
    bool
        late; /* its time-out was over before it answered, or it is suspected: another may stand in */
    result_t result; /* PENDING until it answered; DOWN when it is not reachable */
    status_t status; /* why it refused */
    unsigned tries;
    uint64_t asked_us; /* the first time */
    uint64_t sent_us;  /* the last time */
    uint64_t due_us; /* when its time-out is over; UINT64_MAX: it was, and nothing more was sent */
    uint64_t took_us;
} attempt_state_t;

typedef struct {
    uint32_t partition;
    attempt_state_t items[LIMIT_ATTEMPTS_COUNT];
    size_t count;
} quorum_t;

/*  The preference list: the partition's filled slots, this node's first, the rest from a start that `turn` moves
 *  around so that load spreads; slots of unreachable nodes are DOWN. */
void quorum_init (quorum_t *self, const ring_t *ring, uint32_t partition, uint64_t turn);

/*  The attempt at a slot's owner (the last, when it had several), or NULL. */
attempt_state_t *quorum_slot (quorum_t *self, uint8_t slot);
/*  The attempt for a slot at a node, or NULL. */
attempt_state_t *quorum_find (quorum_t *self, uint8_t slot, uint64_t node);

/*  Another attempt for a slot, PENDING and not asked. NULL when there are LIMIT_ATTEMPTS_COUNT. */
attempt_state_t *quorum_add (quorum_t *self, uint8_t slot, uint64_t node, bool hint);
/*  The next fallback in rendezvous order that is reachable and not used yet, as an attempt for that slot. NULL when there
 *  is none. */
attempt_state_t *quorum_stand_in (quorum_t *self, const ring_t *ring, uint8_t slot);

/*  Slots on distinct nodes whose result is one of `results` (a bit for each result_t); of owners alone, or also of those
 *  who stand in for them. */
#define QUORUM_RESULT(result) (1u << (result))
#define QUORUM_READ (QUORUM_RESULT (RESULT_FOUND) | QUORUM_RESULT (RESULT_ABSENT))
#define QUORUM_STORED (QUORUM_RESULT (RESULT_STORED) | QUORUM_RESULT (RESULT_HINTED))
#define QUORUM_PENDING QUORUM_RESULT (RESULT_PENDING)
size_t quorum_count (const quorum_t *self, unsigned results, bool owners_only);

/*  Likewise those that have read, or were asked and are within their time-out. */
size_t quorum_hopeful (const quorum_t *self, bool owners_only);

/*  How many slots could still come to count, with all that is pending and, unless `owners_only`, all fallbacks that could
 *  yet stand in. */
size_t quorum_available (const quorum_t *self, const ring_t *ring, bool owners_only);

/*  Whether one of the slot's attempts has one of `results`. */
bool quorum_has (const quorum_t *self, uint8_t slot, unsigned results);
/*  Whether nobody is left to wait for about this slot: none of its attempts has answered well or is within its time-out. */
bool quorum_lacks (const quorum_t *self, uint8_t slot);

/*  Pending attempts that were asked already: answers that may still come. */
size_t quorum_outstanding (const quorum_t *self);

#endif
