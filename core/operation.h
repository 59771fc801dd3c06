/*  operation.h - one request in progress: what the client asked, whom we asked, what came back.
 */
#ifndef CARTWHEEL_OPERATION_H
#define CARTWHEEL_OPERATION_H

#include "../messages/request.h"
#include "effects.h"
#include "quorum.h"

/*  A member that may hold a hint for a slot of the key, for `inspect`. */
typedef struct {
    uint64_t node;
    uint8_t slot;
    bool pending;
    bytes_t state; /* of the hint; empty: none, or it did not say */
} holder_t;

typedef struct {
    uint64_t id; /* `request` in the messages about it */
    op_t op;
    bytes_t client;   /* who gets the reply; empty: nobody, it is our own */
    bytes_t reply_id; /* RAW: the request's id, or empty */
    uint64_t bytes;   /* of the request, and of the states that are kept */
    bool answered;    /* the client has its reply; late answers may still be wanted */
    bool strict;      /* only owners count */
    bool explain;
    uint8_t need; /* r or w */
    uint64_t began_us;
    uint64_t deadline_us; /* the client's */
    uint64_t due_us;      /* when it next wants to be looked at; at most the deadline */
    bytes_t key;
    uint64_t hash; /* of the key */
    uint32_t partition;
    quorum_t quorum;

    /* get, inspect: what each attempt answered (encoded objects), by its place in the quorum */
    bytes_t states[LIMIT_ATTEMPTS_COUNT];
    bool has_floor;
    context_t floor;

    /* inspect */
    holder_t *holders;
    size_t holders_count;

    /* put, delete */
    bytes_t value;
    bytes_t put_id;
    context_t context; /* of the request, then of the reply */
    uint64_t hlc;
    bool minted;   /* some replica has made the version */
    bool doubtful; /* some replica may have made it: it was asked, and did not say in its time */
    bytes_t state; /* that the other slots are to merge */

    /* keys */
    bytes_t after;
    uint32_t limit;
    scan_reply_t pages[LIMIT_N]; /* by their place in the quorum, which has owners alone */
} operation_t;

operation_t *operation_new (op_t op);
void operation_destroy (operation_t **self_p);

/*  The attempt that a reply from `from` about `slot` belongs to: asked, of that node, and not answered yet. NULL when the
 *  reply is late, twice, or nobody's. Notes how long it took. */
attempt_state_t *operation_attempt (operation_t *self, uint64_t node, uint8_t slot,
                                    uint64_t now_us);

/*  Wants to be looked at by `at_us`. */
void operation_wake (operation_t *self, uint64_t at_us);

#endif
