/*  link.c - see link.h. */
#include "link.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

#include "messages/memory.h"

/*  How often a waiting link looks whether its connection is still there: zmq_poll does not wake for that. Far less than
 *  ZeroMQ takes to connect again (100 to 200 ms), so that a connection that broke is always seen to be gone. */
#define LINK_LOOK_MS 25

typedef enum { RECEIVED_REPLY, RECEIVED_OTHER, RECEIVED_NOTHING } received_t;

uint64_t link_now_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_BOOTTIME, &now);
    return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}

void link_clear (link_t *self)
{
    if (self->socket)
        zmq_close (self->socket);
    free (self->endpoint);
    *self = (link_t){0};
}

int link_init (link_t *self, void *context, const char *endpoint)
{
    *self = (link_t){.endpoint = memory_string (endpoint)};
    self->socket = zmq_socket (context, ZMQ_DEALER);
    if (!self->socket)
        return -1;
    /* A request that has not left when the client goes away is of no use to anyone. */
    const int linger_ms = 0;
    /* Queue nothing for a node that is not there: what was sent and what was not stays known, and a request
     * cannot run minutes later when a dead node comes back. */
    const int immediate = 1;
    const int64_t frame_bytes = LIMIT_PEER_FRAME_BYTES;
    zmq_setsockopt (self->socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt (self->socket, ZMQ_IMMEDIATE, &immediate, sizeof immediate);
    zmq_setsockopt (self->socket, ZMQ_MAXMSGSIZE, &frame_bytes, sizeof frame_bytes);
    return zmq_connect (self->socket, self->endpoint);
}

/*  The socket's readiness now: ZMQ_POLLIN, ZMQ_POLLOUT. */
static int s_events (link_t *self)
{
    int events = 0;
    size_t size = sizeof events;
    if (zmq_getsockopt (self->socket, ZMQ_EVENTS, &events, &size))
        return 0;
    return events;
}

/*  Waits until the deadline, `most_ms` at the longest, for one of `events`. */
static void s_wait (link_t *self, short events, uint64_t deadline_ms, uint64_t most_ms)
{
    uint64_t now_ms = link_now_ms ();
    uint64_t wait_ms = deadline_ms > now_ms ? deadline_ms - now_ms : 0;
    zmq_pollitem_t item = {.socket = self->socket, .events = events};
    zmq_poll (&item, 1, (long) (wait_ms < most_ms ? wait_ms : most_ms));
}

int link_wait_connected (link_t *self, uint64_t deadline_ms)
{
    /* With ZMQ_IMMEDIATE a DEALER is writable exactly while a handshaken connection is up. */
    while (!(s_events (self) & ZMQ_POLLOUT)) {
        if (link_now_ms () >= deadline_ms)
            return -1;
        s_wait (self, ZMQ_POLLOUT, deadline_ms, 1000);
    }
    return 0;
}

/*  0, or -1 when the connection went away before the request was handed over. */
static int s_send (link_t *self, bytes_t request)
{
    if (zmq_send (self->socket, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) == -1)
        return -1;
    /* The second part goes where the first one went; if that is gone, libzmq drops it, and the wait sees it. */
    zmq_send (self->socket, request.data, request.size, ZMQ_DONTWAIT);
    return 0;
}

/*  Receives and drops the rest of a message. */
static void s_skip (link_t *self)
{
    int more = 0;
    size_t size = sizeof more;
    while (zmq_getsockopt (self->socket, ZMQ_RCVMORE, &more, &size) == 0 && more) {
        zmq_msg_t frame;
        zmq_msg_init (&frame);
        int rc = zmq_msg_recv (&frame, self->socket, ZMQ_DONTWAIT);
        zmq_msg_close (&frame);
        if (rc == -1)
            return;
    }
}

/*  Is it a map with this id? Any id that is not ours belongs to an earlier try. */
static received_t s_judge (bytes_t body, const uint8_t id[LINK_ID_BYTES], uint64_t *late,
                           uint64_t *refused)
{
    failure_t head;
    if (codec_decode (&failure_schema, body, &head, NULL)) {
        ++*refused;
        return RECEIVED_OTHER;
    }
    bool ours = bytes_equal (head.id, bytes_view (id, LINK_ID_BYTES));
    codec_clear (&failure_schema, &head);
    if (!ours)
        ++*late;
    return ours ? RECEIVED_REPLY : RECEIVED_OTHER;
}

/*  One message, if there is one: a delimiter and one frame. */
static received_t s_receive (link_t *self, const uint8_t id[LINK_ID_BYTES], bytes_t *frame,
                             uint64_t *late, uint64_t *refused)
{
    zmq_msg_t part;
    zmq_msg_init (&part);
    if (zmq_msg_recv (&part, self->socket, ZMQ_DONTWAIT) == -1) {
        zmq_msg_close (&part);
        return RECEIVED_NOTHING;
    }
    received_t received = RECEIVED_OTHER;
    bool delimiter = zmq_msg_size (&part) == 0 && zmq_msg_more (&part);
    zmq_msg_close (&part);
    zmq_msg_init (&part);
    if (delimiter && zmq_msg_recv (&part, self->socket, ZMQ_DONTWAIT) != -1 &&
        !zmq_msg_more (&part)) {
        bytes_t body = bytes_view (zmq_msg_data (&part), zmq_msg_size (&part));
        received = s_judge (body, id, late, refused);
        if (received == RECEIVED_REPLY)
            *frame = bytes_copy (body.data, body.size);
    } else
        ++*refused;
    zmq_msg_close (&part);
    s_skip (self);
    return received;
}

link_outcome_t link_exchange (link_t *self, bytes_t request, const uint8_t id[LINK_ID_BYTES],
                              uint64_t deadline_ms, bytes_t *frame, uint64_t *late,
                              uint64_t *refused)
{
    assert (self->socket);
    if (s_send (self, request))
        return LINK_UNSENT;
    for (;;) {
        received_t received = s_receive (self, id, frame, late, refused);
        if (received == RECEIVED_REPLY)
            return LINK_ANSWERED;
        /* Also after a message: a node that floods us with others must not keep us past the deadline. */
        if (link_now_ms () >= deadline_ms)
            return LINK_SILENT;
        if (received == RECEIVED_OTHER)
            continue;
        int events = s_events (self);
        if (!(events & (ZMQ_POLLIN | ZMQ_POLLOUT)))
            return LINK_LOST;
        if (!(events & ZMQ_POLLIN))
            s_wait (self, ZMQ_POLLIN, deadline_ms, LINK_LOOK_MS);
    }
}
