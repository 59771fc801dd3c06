/*  door.h - the ROUTER socket that clients connect to, and the framing that docs/protocol.md asks of them.
 *
 *  A request is [identity][empty][body], as a REQ socket makes it. What has no empty frame right after the identity is
 *  dropped; what has no body or more than one is for the role to answer. Nothing here waits, and a reply to a client
 *  that is gone, or that does not read, is dropped and counted.
 */
#ifndef CARTWHEEL_DOOR_H
#define CARTWHEEL_DOOR_H

#include "../core/event.h"
#include "losses.h"
#include "socket.h"

typedef struct door door_t;

/*  Binds it. `value_bytes` is limits/value: a message over twice that, and at least 1 MiB over it, is dropped by the
 *  transport with its connection. NULL when it cannot be bound, with the sentence in `why`. */
door_t *door_new (listen_t listen, uint64_t value_bytes, losses_t *losses, char *why);
/*  Closes it; replies that were sent have a second to leave. */
void door_destroy (door_t **self_p);
/*  The ZeroMQ socket, to be polled. */
void *door_handle (door_t *self);

typedef enum { DOOR_EMPTY, DOOR_DROPPED, DOOR_EVENT } door_outcome_t;
/*  Reads one message. DOOR_EVENT: `event` is a REQUEST or GARBAGE with views that end with the next call. */
door_outcome_t door_next (door_t *self, event_t *event);

/*  Sends a frame to a client; takes it. */
void door_reply (door_t *self, bytes_t client, bytes_t *frame);

#endif
