/*  socket.c - see socket.h. */
#include "socket.h"

#include "../messages/limits.h"
#include "handover.h"

/*  A peer that is gone without a word, as a machine that lost its power, is given up after this long. */
#define DEAD_PEER_MS \
    20000 /* the longest that a request may take: a client that is merely busy keeps its replies */
#define IDLE_PROBE_S 60

zsock_t *socket_new (int type)
{
    zsock_t *self = zsock_new (type);
    if (!self) {
        fprintf (stderr, "no more sockets: %s; raise the limit of open files (ulimit -n)\n",
                 zmq_strerror (zmq_errno ()));
        abort ();
    }
    zsock_set_linger (self, 0);
    return self;
}

static const char *s_advice (int error)
{
    switch (error) {
    case EADDRINUSE: return "another process listens there: stop it or choose another port";
    case EADDRNOTAVAIL:
    case ENODEV: return "this machine has no such address: choose one that `ip address` shows";
    case EACCES:
        return "ports below 1024 need the privilege CAP_NET_BIND_SERVICE: choose a higher one";
    case EINVAL:
    case EPROTONOSUPPORT: return "an endpoint is written tcp://ADDRESS:PORT";
    default: return "see errno(3)";
    }
}

int socket_bind (zsock_t *self, listen_t listen, char *why)
{
    zsock_set_ipv6 (self, strchr (listen.endpoint, '[') != NULL);
    if (zmq_bind (zsock_resolve (self), listen.endpoint) == 0)
        return 0;
    int error = zmq_errno ();
    snprintf (why, LIMIT_SENTENCE_BYTES, "%s: cannot bind %s: %s; %s", listen.setting,
              listen.endpoint, zmq_strerror (error), s_advice (error));
    return -1;
}

void socket_limit (zsock_t *self, uint64_t frame_bytes, uint32_t frames)
{
    int64_t most = (int64_t) frame_bytes; /* the option is 64 bits wide, CZMQ's setter only 32 */
    zmq_setsockopt (zsock_resolve (self), ZMQ_MAXMSGSIZE, &most, sizeof most);
    zsock_set_sndhwm (self, (int) frames);
    zsock_set_rcvhwm (self, (int) frames);
    /* The kernel's own timers and not ZeroMQ's heartbeats: those would wake an idle node for each connection. */
    zsock_set_tcp_maxrt (self, DEAD_PEER_MS);
    zsock_set_tcp_keepalive (self, 1);
    zsock_set_tcp_keepalive_idle (self, IDLE_PROBE_S);
}

int socket_receive (void *handle, zmq_msg_t *frame)
{
    int size;
    do
        size = zmq_msg_recv (frame, handle, ZMQ_DONTWAIT);
    while (size < 0 && zmq_errno () == EINTR);
    return size;
}

void socket_skip (void *handle)
{
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    int more = 0;
    size_t size = sizeof more;
    while (zmq_getsockopt (handle, ZMQ_RCVMORE, &more, &size) == 0 && more)
        if (socket_receive (handle, &frame) < 0)
            break;
    zmq_msg_close (&frame);
}

static int s_send (void *handle, zmq_msg_t *frame, bool more)
{
    int sent;
    do
        sent = zmq_msg_send (frame, handle, ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0));
    while (sent < 0 && zmq_errno () == EINTR);
    if (sent >= 0)
        return 0;
    int error = zmq_errno ();
    zmq_msg_close (frame);
    errno = error;
    return -1;
}

int socket_send (void *handle, const void *data, size_t size, bool more)
{
    zmq_msg_t frame;
    zmq_msg_init_size (&frame, size);
    if (size > 0)
        memcpy (zmq_msg_data (&frame), data, size);
    return s_send (handle, &frame, more);
}

static void s_free (void *data, void *hint)
{
    (void) hint;
    HANDOVER_TAKE (data);
    free (data);
}

int socket_send_own (void *handle, void *data, size_t size)
{
    zmq_msg_t frame;
    HANDOVER_GIVE (data);
    zmq_msg_init_data (&frame, data, size, s_free, NULL);
    return s_send (handle, &frame, false);
}
