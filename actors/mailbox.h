/*  mailbox.h - between two roles of a node: a batch of messages as pointers in one inproc frame.
 *
 *  A step's messages to one role go out together, once a turn, because a thread's wake costs far more than a message
 *  (0.23 us as a pointer, 20 us for a wake). Ownership goes with the frame: one that is dropped, or is in a socket
 *  that is closed, frees its messages. An inbox is a PULL socket that its role binds, an outbox a PUSH that connects.
 */
#ifndef CARTWHEEL_MAILBOX_H
#define CARTWHEEL_MAILBOX_H

#include "../messages/message.h"

/*  The name of a node's inproc endpoints, which no other node of the process has. */
#define PREFIX_BYTES 32
typedef struct {
    char text[PREFIX_BYTES];
} prefix_t;

prefix_t prefix_new (void);
/*  "inproc://PREFIX/NAME". */
typedef struct {
    char text[PREFIX_BYTES + 64];
} inproc_t;
inproc_t inproc_name (const prefix_t *prefix, const char *name);

/* ---- the taker's side ---- */

typedef struct inbox inbox_t;

/*  Binds the mailbox of `role`. Never NULL: the name is the node's own. */
inbox_t *inbox_new (const prefix_t *prefix, role_id_t role);
/*  Frees what was not taken. */
void inbox_destroy (inbox_t **self_p);
/*  The ZeroMQ socket, to be polled. */
void *inbox_handle (inbox_t *self);
/*  The next message of the batch at hand, which the caller then owns; NULL when the batch has no more. */
message_t *inbox_take (inbox_t *self);
/*  Takes the next batch from the queue in place of the one at hand, and frees what that still held. False: none. */
bool inbox_receive (inbox_t *self);

/* ---- the giver's side ---- */

typedef struct outbox outbox_t;

outbox_t *outbox_new (const prefix_t *prefix, role_id_t role);
void outbox_destroy (outbox_t **self_p);
/*  Takes the message into the open batch. Returns how many messages were lost: a full batch goes out first. */
size_t outbox_add (outbox_t *self, message_t **message_p);
/*  Sends the open batch, if there is one; never waits. Returns how many messages were lost to a full mailbox. */
size_t outbox_flush (outbox_t *self);

#endif
