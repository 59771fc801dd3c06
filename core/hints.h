/*  hints.h - what this node keeps for slots of others (Dynamo 4.6): a state for each key and slot, until its owner has it.
 *
 *  A hint is named by partition, slot and key, never by a node: whoever owns the slot when it is delivered gets it.
 *  States for the same key and slot are merged, so hints are bounded by the data. A hint is a counted copy of an
 *  acknowledged write: none is ever thrown away to make room, and one that would pass limits/hints is refused. They
 *  never enter this node's own slots.
 *
 *  A version that is minted into a hint is made under an actor that lives only as long as this process holds that hint:
 *  after the delivery a fresh one is drawn, for what the actor made is then no longer remembered here (algorithm rule:
 *  a fallback that goes on under the same actor makes a dot twice).
 */
#ifndef CARTWHEEL_HINTS_H
#define CARTWHEEL_HINTS_H

#include "holdings.h"
#include "rng.h"

enum { HINTS_FULL = 3 }; /* beside STORE_OK, STORE_ABSENT, STORE_FAILED and HOLDINGS_DAMAGED */

/*  Who makes the versions of one hint. In memory only; one that had to give way is drawn anew, which is always safe. */
typedef struct {
    uint64_t hash;    /* of the key */
    uint64_t actor;   /* 0: none */
    uint64_t counter; /* of its last dot */
    uint8_t slot;
} hint_actor_t;

#define HINTS_ACTOR_BUCKETS 4096u
#define HINTS_ACTOR_WAYS 8u

typedef struct {
    store_t *store; /* the node's */
    uint64_t most;  /* limits/hints: bytes of keys and values */
    uint64_t count;
    uint64_t bytes;
    uint64_t oldest_ms;   /* wall clock: no hint was stored earlier; UINT64_MAX: there is none */
    uint64_t stored;      /* hints that were made since the process started */
    uint64_t delivered;   /* hints that their slot's owner has since then */
    bytes_t cursor;       /* the last record that the census has passed */
    bool counted;         /* it has passed all */
    bool walking;         /* a walk that looks for the oldest is under way, from `cursor` */
    bool stale;           /* the oldest has gone */
    uint64_t found_ms;    /* the oldest that this walk has seen */
    uint64_t walked_us;   /* when the last walk began */
    uint64_t due_us;      /* when there may be another */
    hint_actor_t *actors; /* buckets, in each the newest first; NULL until one is needed */
    buffer_t buffer;      /* the record being written */
} hints_t;

void hints_init (hints_t *self, store_t *store, uint64_t most_bytes);
void hints_clear (hints_t *self);

/*  The encoded state, a view until the next call on the store. STORE_OK, STORE_ABSENT (`record` is then empty),
 *  STORE_FAILED, HOLDINGS_DAMAGED. */
int hints_load (hints_t *self, place_t place, uint8_t slot, stored_t *record);

/*  Writes a state into the open batch over `before`, which hints_load gave. STORE_OK, STORE_FAILED, or HINTS_FULL, with
 *  nothing written. */
int hints_save (hints_t *self, place_t place, uint8_t slot, const object_t *object,
                const stored_t *before, uint64_t wall_ms);

/*  The actor for the next version of this hint; `fresh` when there is no hint. Good until the next call. */
hint_actor_t *hints_actor (hints_t *self, place_t place, uint8_t slot, bool fresh, rng_t *rng);

/*  Fills `reply` with hints from that place on, all of one slot: at most `limit`, and no more once they have
 *  LIMIT_HINTS_BATCH_BYTES. `damaged` counts those passed over. STORE_OK or STORE_FAILED. */
int hints_page (hints_t *self, const hint_page_t *page, hint_page_reply_t *reply,
                uint64_t *damaged);

/*  Deletes the hint if it is still the state of that hash. STORE_OK or STORE_FAILED. */
int hints_drop (hints_t *self, place_t place, const hint_id_t *id);

/*  Whether a walk over the headers has work to do now, or `wake_us` gets the time when it will. */
bool hints_due (const hints_t *self, uint64_t now_us, uint64_t *wake_us);
/*  One slice of it. STORE_OK or STORE_FAILED. */
int hints_walk (hints_t *self, uint64_t now_us);

/*  How long the oldest has waited, in s; after it has gone too long until the next walk, which comes HINTS_WALK_US after
 *  the one before, or later where there are so many hints that a walk takes long. */
#define HINTS_WALK_US 10000000u
uint64_t hints_oldest_s (const hints_t *self, uint64_t wall_ms);

#endif
