/*  mailbox.c - see mailbox.h. */
#include "mailbox.h"

#include <inttypes.h>

#include "../messages/memory.h"
#include "handover.h"
#include "host.h"
#include "socket.h"

prefix_t prefix_new (void)
{
    uint64_t number;
    host_random (&number, sizeof number);
    prefix_t prefix;
    snprintf (prefix.text, sizeof prefix.text, "cartwheel-%016" PRIx64, number);
    return prefix;
}

inproc_t inproc_name (const prefix_t *prefix, const char *name)
{
    inproc_t endpoint;
    snprintf (endpoint.text, sizeof endpoint.text, "inproc://%s/%s", prefix->text, name);
    return endpoint;
}

/* ---- batch ---- */

typedef struct {
    size_t count;    /* messages that were added */
    size_t taken;    /* of them, from the front, no longer the batch's */
    size_t capacity; /* of items */
    message_t **items;
} batch_t;

static batch_t *s_batch_new (void)
{
    return memory_new (1, sizeof (batch_t));
}

static void s_batch_destroy (batch_t *batch)
{
    while (batch->taken < batch->count)
        message_destroy (&batch->items[batch->taken++]);
    free (batch->items);
    free (batch);
}

/*  Called by libzmq, in whichever thread lets go of the frame last. */
static void s_batch_free (void *data, void *hint)
{
    (void) hint;
    HANDOVER_TAKE (data);
    s_batch_destroy (data);
}

/* ---- inbox ---- */

struct inbox {
    zsock_t *socket;
    void *handle;
    zmq_msg_t frame; /* the batch at hand; empty before the first */
    batch_t *batch;  /* in `frame`, or NULL */
};

inbox_t *inbox_new (const prefix_t *prefix, role_id_t role)
{
    inbox_t *self = memory_new (1, sizeof *self);
    self->socket = socket_new (ZMQ_PULL);
    /* The queue is as long as both ends' marks together; the giver's is 1. */
    zsock_set_rcvhwm (self->socket, LIMIT_MAILBOX_FRAMES - 1);
    self->handle = zsock_resolve (self->socket);
    inproc_t endpoint = inproc_name (prefix, role_name (role));
    int bound = zmq_bind (self->handle, endpoint.text);
    assert (bound == 0); /* one actor a role */
    (void) bound;
    zmq_msg_init (&self->frame);
    return self;
}

void inbox_destroy (inbox_t **self_p)
{
    inbox_t *self = *self_p;
    if (!self)
        return;
    zmq_msg_close (&self->frame);
    zsock_destroy (&self->socket);
    free (self);
    *self_p = NULL;
}

void *inbox_handle (inbox_t *self)
{
    return self->handle;
}

message_t *inbox_take (inbox_t *self)
{
    batch_t *batch = self->batch;
    if (!batch || batch->taken == batch->count)
        return NULL;
    message_t *message = batch->items[batch->taken];
    batch->items[batch->taken++] = NULL;
    return message;
}

bool inbox_receive (inbox_t *self)
{
    self->batch = NULL;
    int received = socket_receive (self->handle, &self->frame); /* closes the frame at hand first */
    if (received < 0) {
        zmq_msg_close (&self->frame);
        zmq_msg_init (&self->frame);
        return false;
    }
    assert (received == sizeof (batch_t)); /* only an outbox connects */
    self->batch = zmq_msg_data (&self->frame);
    HANDOVER_TAKE (self->batch);
    return true;
}

/* ---- outbox ---- */

struct outbox {
    zsock_t *socket;
    void *handle;
    batch_t *batch; /* open; NULL when nothing was added */
};

outbox_t *outbox_new (const prefix_t *prefix, role_id_t role)
{
    outbox_t *self = memory_new (1, sizeof *self);
    self->socket = socket_new (ZMQ_PUSH);
    zsock_set_sndhwm (self->socket, 1);
    self->handle = zsock_resolve (self->socket);
    inproc_t endpoint = inproc_name (prefix, role_name (role));
    int connected = zmq_connect (self->handle, endpoint.text); /* also before it is bound */
    assert (connected == 0);
    (void) connected;
    return self;
}

void outbox_destroy (outbox_t **self_p)
{
    outbox_t *self = *self_p;
    if (!self)
        return;
    if (self->batch)
        s_batch_destroy (self->batch);
    zsock_destroy (&self->socket);
    free (self);
    *self_p = NULL;
}

size_t outbox_add (outbox_t *self, message_t **message_p)
{
    size_t lost = 0;
    if (self->batch && self->batch->count == LIMIT_BATCH_MESSAGES)
        lost = outbox_flush (self);
    if (!self->batch)
        self->batch = s_batch_new ();
    batch_t *batch = self->batch;
    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity ? batch->capacity * 4 : 8;
        batch->items = memory_resize (batch->items, batch->capacity, sizeof *batch->items);
    }
    batch->items[batch->count++] = *message_p;
    *message_p = NULL;
    return lost;
}

size_t outbox_flush (outbox_t *self)
{
    batch_t *batch = self->batch;
    if (!batch)
        return 0;
    self->batch = NULL;
    size_t count = batch->count; /* after the send the batch is the taker's */
    zmq_msg_t frame;
    zmq_msg_init_data (&frame, batch, sizeof *batch, s_batch_free, NULL);
    HANDOVER_GIVE (batch);
    int sent;
    do
        sent = zmq_msg_send (&frame, self->handle, ZMQ_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return 0;
    zmq_msg_close (&frame); /* frees the messages */
    return count;
}
