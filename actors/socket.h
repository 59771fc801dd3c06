/*  socket.h - the few things that every ZeroMQ socket of ours has in common, with the reason for each option.
 */
#ifndef CARTWHEEL_SOCKET_H
#define CARTWHEEL_SOCKET_H

#include <czmq.h>

/*  A name in the configuration and what it says there, for a sentence that an operator can act on. */
typedef struct {
    const char *setting;  /* "listen/client" */
    const char *endpoint; /* NULL or empty: there is no such socket */
} listen_t;

/*  A socket that keeps nothing when it is closed. Ends the process when it may open no more files: a node whose roles
 *  cannot reach each other is worse than none. */
zsock_t *socket_new (int type);

/*  0, or -1 with the sentence in `why` (LIMIT_SENTENCE_BYTES). */
int socket_bind (zsock_t *self, listen_t listen, char *why);

/*  Options of a TCP socket: frames up to `frame_bytes`, `frames` in each queue, dead connections noticed. */
void socket_limit (zsock_t *self, uint64_t frame_bytes, uint32_t frames);

/*  Reads one frame without waiting into `frame`, which is initialised. Its size, or -1 when there is none. */
int socket_receive (void *handle, zmq_msg_t *frame);

/*  Reads the rest of a multi-part message and keeps none of it. */
void socket_skip (void *handle);

/*  Sends a frame without waiting. 0, or -1 with errno: EAGAIN the queue is full, EHOSTUNREACH nobody is there. */
int socket_send (void *handle, const void *data, size_t size, bool more);

/*  Sends `data` (from the heap) without copying it; takes it in every case. As socket_send. */
int socket_send_own (void *handle, void *data, size_t size);

#endif
