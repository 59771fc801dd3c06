/*  link.h - one endpoint and its socket: send a request, wait for the reply that carries its id.
 *
 *  A DEALER with an empty delimiter, and not a REQ: a REQ that got no reply is stuck, and one made to go on
 *  (ZMQ_REQ_RELAXED) needs a node that echoes ZeroMQ's own request ids. The id in the request is echoed by
 *  contract, so a late reply to a try that was given up is told from the one that is wanted.
 */
#ifndef CARTWHEEL_LINK_H
#define CARTWHEEL_LINK_H

#include "messages/codec.h"

/*  A request's id on the wire: a MessagePack bin of 8 bytes, which no node has a reason to write differently. */
#define LINK_ID_BYTES 10

typedef struct {
    char *endpoint;
    void *socket; /* DEALER, or NULL when it could not be opened */
    /* turn.c's: */
    uint64_t call;             /* the number of the last call that asked it */
    uint64_t avoided_until_ms; /* it failed, and is asked after the others until then */
    unsigned failures;         /* one after the other, up to where the time grows no more */
} link_t;

typedef enum {
    LINK_ANSWERED, /* `frame` is a well-formed map with the id that was asked for */
    LINK_UNSENT,   /* no connection within the time; nothing left this process */
    LINK_SILENT,   /* sent, and no answer in time */
    LINK_LOST      /* sent, and the connection broke: no answer will come on it */
} link_outcome_t;

/*  Milliseconds since the machine started. */
uint64_t link_now_ms (void);

/*  Copies the endpoint and begins to connect to it. -1 with ZeroMQ's errno when it is none that ZeroMQ knows, or there
 *  is no socket to be had; the link is to be cleared in every case. */
int link_init (link_t *self, void *context, const char *endpoint);
void link_clear (link_t *self);

/*  0 as soon as a connection is up, -1 when there is none by `deadline_ms`. */
int link_wait_connected (link_t *self, uint64_t deadline_ms);

/*  Sends `request` and waits for its reply. `frame` is owned by the caller after LINK_ANSWERED; `late` and `refused`
 *  are counted up. To be called after link_wait_connected. */
link_outcome_t link_exchange (link_t *self, bytes_t request, const uint8_t id[LINK_ID_BYTES],
                              uint64_t deadline_ms, bytes_t *frame, uint64_t *late,
                              uint64_t *refused);

#endif
