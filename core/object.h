/*  object.h - the whole state of a key: a context and the siblings that nobody has replaced yet (Dynamo 4.4; the rules are
 *  in docs/consistency.md, with what breaks without each).
 *
 *  Whole states travel, never a bare sibling, and states are equal when their encodings are: encoding is canonical, so
 *  the hash of a state is the hash of its bytes. A state without siblings is a tombstone. No state at all (no bytes)
 *  merges as the empty one.
 *
 *  An object_t decoded from bytes holds views into them. Results of merge, mint and delete own their lists and lend
 *  their values: clear them with object_clear, and before what they were made from.
 */
#ifndef CARTWHEEL_OBJECT_H
#define CARTWHEEL_OBJECT_H

#include "version.h"

/*  Reads an encoded state; no bytes give the empty object. 0, or -1 for anything that is not a whole, sound state (its
 *  lists sorted, its siblings covered by its context). */
int object_decode (bytes_t state, object_t *object);

/*  Whether it is within what a record may hold (limits.h). Whatever may have grown by a merge is asked before it is encoded. */
bool object_fits (const object_t *object);

/*  The canonical encoding of an object that fits, owned by the caller. */
bytes_t object_encode (const object_t *object);

void object_clear (object_t *object);

/*  What two states are together: siblings that neither has seen replaced, and all that either has seen. Commutative,
 *  associative, idempotent. */
void object_merge (const object_t *a, const object_t *b, object_t *result);

/*  Bytes of all values together. */
uint64_t object_value_bytes (const object_t *object);
/*  The newest hybrid clock of its siblings, 0 when there are none. */
uint64_t object_hlc (const object_t *object);
/*  The sibling with this put_id (16 bytes), or NULL. */
const sibling_t *object_find_put (const object_t *object, bytes_t put_id);

/*  A client's write as a replica carries it out. */
typedef struct {
    const context_t *context; /* what the client has seen */
    bytes_t put_id;           /* 16 bytes, or empty */
    bytes_t value;
    dot_t dot;    /* fresh: never used before */
    uint64_t hlc; /* later than all that the client and this state have seen */
} write_t;

/*  Makes a new version: drops the siblings that the context covers (and every twin of one, by put_id), adds the value
 *  under the write's dot. When a sibling already carries the put_id nothing is new: `result` is the same state and the
 *  reply says the same as it did. `reply` gets the context for the client, to be cleared: it covers what the request's
 *  covered and the new version, and none of the other siblings.
 *  Whether anything changed. */
bool object_mint (const object_t *local, const write_t *write, object_t *result, context_t *reply);

/*  Removes the siblings that the context covers (and their twins); needs no dot, for nothing is added. As above. */
bool object_delete (const object_t *local, const context_t *context, object_t *result,
                    context_t *reply);

/*  The hybrid clock for a new event: after `seen`, and at or after the wall clock. */
uint64_t hlc_next (uint64_t wall_ms, uint64_t seen);

#endif
