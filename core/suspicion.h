/*  suspicion.h - how long the coordinator waits for each peer, and which peers it has stopped counting on.
 *
 *  A peer that let three time-outs pass in a row, one after another, is suspected until it says anything again. This only
 *  orders requests and has others asked beside it: whether a node is down is gossip's to say (Dynamo 4.8.3), which the
 *  coordinator asks to have a look (`accuse`). Requests that were in flight together miss their time-outs together; that
 *  is one miss, for it may have been one pause. Answers that wait for a disk have a pace of their own: next to quick reads
 *  each slow flush would be taken for silence.
 */
#ifndef CARTWHEEL_SUSPICION_H
#define CARTWHEEL_SUSPICION_H

#include "patience.h"
#include "quorum.h"

/*  What an answer waits for. */
typedef enum { PACE_QUICK, PACE_FLUSH, PACE_COUNT } pace_t;

typedef struct {
    uint64_t node;
    patience_t pace[PACE_COUNT];
    unsigned misses;     /* time-outs in a row since it last said anything */
    uint64_t missed_us;  /* when the last miss was counted */
    uint64_t accused_us; /* when gossip was last told */
    uint64_t repaired;   /* keys that were mended there since the last `repair` event */
} regard_t;

typedef struct {
    regard_t *items;
    size_t count;
} suspicion_t;

void suspicion_clear (suspicion_t *self);

/*  What is known of a peer; it is noted when it is new. At most LIMIT_MEMBERS_COUNT: beyond, NULL. */
regard_t *suspicion_regard (suspicion_t *self, uint64_t node);

/*  It said something: whatever it was, it is alive. */
void suspicion_heard (suspicion_t *self, uint64_t node);
/*  It answered something of this pace after so long. */
void suspicion_answer (suspicion_t *self, uint64_t node, pace_t pace, uint64_t took_us);
/*  What was sent at `sent_us` was not answered in its time. Returns whether gossip should be told: it is suspected, and
 *  gossip was not told for a while. */
bool suspicion_miss (suspicion_t *self, uint64_t node, uint64_t sent_us, uint64_t now_us);
/*  Gossip reaches it again: what was held against it is over. */
void suspicion_forgive (suspicion_t *self, uint64_t node);

bool suspicion_suspects (const suspicion_t *self, uint64_t node);
/*  Its time-out now; `first_us` when it never answered at this pace yet. */
uint64_t suspicion_timeout (const suspicion_t *self, uint64_t node, pace_t pace, uint64_t first_us);

/*  Orders a fresh quorum: suspects last, before them those that are much slower than the fastest; otherwise as it was, so
 *  `own`, this node, stays first while it is not suspected. */
void suspicion_order (const suspicion_t *self, uint64_t own, quorum_t *quorum);

/*  Forgets who is no member any more. */
void suspicion_follow (suspicion_t *self, const ring_t *ring);

#endif
