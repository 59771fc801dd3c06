/*  history.h - what clients did, as explicit sets: the oracle (shared model putctx; Dynamo 4.4 as docs/consistency.md has it).
 *
 *  A version vector is a clever summary of a set of events. The oracle keeps the set itself: each put is an event, and with
 *  each context that a client holds goes the set of events that it was shown. A write removes what its context was shown,
 *  and nothing else, so that what must be there at rest and what must not follows without any clock:
 *
 *    acknowledged, and in no sent write's shown set       must be there     (else: lost write)
 *    in the shown set of an acknowledged write            must not be there (else: false sibling, resurrection)
 *    refused in each attempt, or never sent               must not be there (else: invented)
 *    anything else (unknown outcomes)                     may be there
 *
 *  A put that was sent more than once, or that a coordinator had minted in two places because the first said nothing, may
 *  show up again after it was replaced (docs/protocol.md, put_id).
 */
#ifndef CARTWHEEL_SIM_HISTORY_H
#define CARTWHEEL_SIM_HISTORY_H

#include "core/rng.h"
#include "messages/request.h"

#define NO_CHANGE UINT32_MAX
#define KNOWLEDGE_COUNT 6

/*  A put or a delete, however often it was sent. Its index in the history is its event. */
typedef struct {
    bool remove;
    uint32_t key;
    bytes_t value; /* owned; unlike every other put's */
    bool has_put_id;
    uint8_t put_id[16];
    bytes_t context; /* owned; empty: none */
    uint64_t *shown; /* events that the context's client was shown */
    uint8_t w;
    bool strict;
    uint32_t sent;     /* attempts */
    uint32_t refused;  /* attempts of which the node said that nothing was stored */
    uint64_t acked_us; /* when a node first answered `ok`; 0: never */
    uint8_t acked_w;   /* the quorum that this answer promised */
    uint32_t
        minter;    /* the node that a replica was last asked to mint it on, plus one; 0: none yet */
    uint64_t life; /* of that node, when it was asked */
    bool twin;     /* two processes were asked, so there may be two versions of it */
    bool scattered; /* on two nodes */
} change_t;

/*  One request frame to one node. Its index plus one is its id. */
typedef struct {
    uint32_t client;
    op_t op;
    uint32_t key;
    uint32_t change;   /* or NO_CHANGE */
    status_t expects;  /* of a request that is wrong on purpose; else STATUS_OK */
    bool nameless;     /* the id cannot be read, so the reply has none */
    bool late_mistake; /* the mistake is one that only a node with a ring can find */
    uint8_t r;
    bool strict;
    uint64_t *floor; /* events that the floor's client was shown, or NULL */
    bool explain;
    bool usual; /* the default time-out */
    bool quiet; /* when it was sent, nothing had changed for long enough to be found out */
    uint64_t sent_us;
    uint64_t due_us; /* once the coordinator has it; 0 before */
    uint32_t node;
    uint64_t life; /* of the node when its coordinator took the request */
    uint32_t answers;
} call_t;

/*  A context that some client holds. */
typedef struct {
    uint32_t client;
    bytes_t context; /* owned; empty: nothing held here */
    uint64_t *shown;
} knowledge_t;

typedef struct {
    size_t words; /* of a set */
    change_t *changes;
    uint32_t changes_count;
    uint32_t changes_most;
    call_t *attempts;
    uint32_t attempts_count;
    uint32_t attempts_capacity;
    knowledge_t *knowledge; /* KNOWLEDGE_COUNT a key */
    uint32_t keys_count;
    uint64_t
        *touched; /* events shown to the client of any write that was sent and may have happened */
} history_t;

void history_init (history_t *self, uint32_t keys_count, uint32_t changes_most);
void history_clear (history_t *self);

/*  A new change of the key, with a copy of what the knowledge (NULL: blind) shows. NO_CHANGE when there were too many. */
uint32_t history_add_change (history_t *self, uint32_t key, bool remove, const knowledge_t *basis);
uint32_t history_add_attempt (history_t *self, call_t attempt);

/*  Keeps a context and what its reply showed: the events of `shown`, and `event` unless NO_CHANGE. */
void history_learn (history_t *self, rng_t *rng, uint32_t key, uint32_t client, bytes_t context,
                    const uint64_t *shown, uint32_t event);
/*  A context for the key: mostly the client's own newest. NULL when nobody holds one. */
const knowledge_t *history_recall (history_t *self, rng_t *rng, uint32_t key, uint32_t client);

/*  Whether it cannot have made two versions: it was sent once, and minted in one place. */
bool history_is_single (const change_t *change);
/*  Whether each attempt of it was refused: nothing of it may ever be seen. */
bool history_is_void (const change_t *change);
/*  The put with that value, or NO_CHANGE. */
uint32_t history_put (const history_t *self, bytes_t value);
/*  The put of that key with that value, or NO_CHANGE. */
uint32_t history_find (const history_t *self, uint32_t key, bytes_t value);
/*  Makes `touched` true to the present. */
void history_touch (history_t *self);

/*  The value of an event: its number, its key, and padding that follows from both; owned by the caller. */
bytes_t history_value (uint32_t event, uint32_t key, size_t size);
#define HISTORY_VALUE_BYTES 8u /* the least size */

uint64_t *set_new (const history_t *self);
uint64_t *set_copy (const history_t *self, const uint64_t *set);
bool set_has (const uint64_t *set, uint32_t event);
void set_add (uint64_t *set, uint32_t event);
void set_unite (const history_t *self, uint64_t *set, const uint64_t *other);

#endif
