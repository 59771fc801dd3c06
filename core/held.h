/*  held.h - replies that wait in a queue for the commit of what they answer, and then perhaps for its flush.
 *
 *  One flush serves many writes: a reply is queued with its batch, gets the commit's number when there is one, and
 *  leaves once that number is as durable as was promised (group commit; algorithm rule: acknowledge after the flush).
 */
#ifndef CARTWHEEL_HELD_H
#define CARTWHEEL_HELD_H

#include "../messages/message.h"

#define HELD_NOT_COMMITTED UINT64_MAX

typedef struct {
    uint64_t sequence; /* of the commit; HELD_NOT_COMMITTED before it */
    bool flush;        /* waits for the flush in every durability */
    address_t to;
    message_t *message;
} held_t;

/*  Zeroed: empty. */
typedef struct {
    held_t *items; /* a queue: items[first .. first + count) */
    size_t first;
    size_t count;
    size_t capacity;
} held_list_t;

/*  Queues a reply that is not committed yet. Takes the message. */
void held_add (held_list_t *self, address_t to, message_t **message_p, bool flush);

/*  The oldest, or NULL. */
const held_t *held_first (const held_list_t *self);

/*  Takes the oldest out; its message is the caller's. There must be one. */
held_t held_take (held_list_t *self);

/*  What was queued since the last commit belongs to commit `sequence`. */
void held_commit (held_list_t *self, uint64_t sequence);

void held_clear (held_list_t *self);

#endif
