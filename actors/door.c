/*  door.c - see door.h. */
#include "door.h"

#include "../messages/limits.h"
#include "../messages/memory.h"

/*  How long closing waits for replies that are on their way; what was acknowledged should also be heard. */
#define LINGER_MS 1000

struct door {
    zsock_t *socket;
    void *handle;
    losses_t *losses;
    zmq_msg_t identity; /* of the message at hand */
    zmq_msg_t body;
};

door_t *door_new (listen_t listen, uint64_t value_bytes, losses_t *losses, char *why)
{
    door_t *self = memory_new (1, sizeof *self);
    self->socket = socket_new (ZMQ_ROUTER);
    self->handle = zsock_resolve (self->socket);
    self->losses = losses;
    uint64_t least = value_bytes + 1024 * 1024;
    socket_limit (self->socket, 2 * value_bytes > least ? 2 * value_bytes : least,
                  LIMIT_CLIENT_FRAMES);
    zsock_set_linger (self->socket, LINGER_MS);
    zsock_set_router_mandatory (self->socket, 1); /* else a reply to nobody would pass for sent */
    zmq_msg_init (&self->identity);
    zmq_msg_init (&self->body);
    if (socket_bind (self->socket, listen, why) != 0)
        door_destroy (&self);
    return self;
}

void door_destroy (door_t **self_p)
{
    door_t *self = *self_p;
    if (!self)
        return;
    zmq_msg_close (&self->identity);
    zmq_msg_close (&self->body);
    zsock_destroy (&self->socket);
    free (self);
    *self_p = NULL;
}

void *door_handle (door_t *self)
{
    return self->handle;
}

static bytes_t s_view (zmq_msg_t *frame)
{
    return bytes_view (zmq_msg_data (frame), zmq_msg_size (frame));
}

door_outcome_t door_next (door_t *self, event_t *event)
{
    if (socket_receive (self->handle, &self->identity) < 0)
        return DOOR_EMPTY;
    /* The parts of one message arrive together, so what follows is there. */
    bool delimited =
        zmq_msg_more (&self->identity) && socket_receive (self->handle, &self->body) == 0;
    if (!delimited) {
        socket_skip (self->handle);
        losses_add (self->losses, LOSS_UNDELIMITED, 1, NULL);
        return DOOR_DROPPED;
    }
    event->client = s_view (&self->identity);
    event->kind = EVENT_GARBAGE;
    if (!zmq_msg_more (&self->body)) {
        event->text = "a request is one frame after the empty one; this message has none";
        return DOOR_EVENT;
    }
    socket_receive (self->handle, &self->body);
    if (zmq_msg_more (&self->body)) {
        socket_skip (self->handle);
        event->text = "a request is one frame after the empty one; this message has more";
        return DOOR_EVENT;
    }
    event->kind = EVENT_REQUEST;
    event->frame = s_view (&self->body);
    return DOOR_EVENT;
}

void door_reply (door_t *self, bytes_t client, bytes_t *frame)
{
    /* The first part finds the client and its room; the others then cannot fail. */
    bool sent = socket_send (self->handle, client.data, client.size, true) == 0;
    if (sent)
        sent = socket_send (self->handle, NULL, 0, true) == 0;
    if (sent) {
        bytes_t own = bytes_take (frame);
        sent = socket_send_own (self->handle, own.data, own.size) == 0;
    }
    bytes_clear (frame);
    if (!sent)
        losses_add (self->losses, LOSS_REPLIES, 1, NULL);
}
