/*  event.h - what happens to a role: the only way in.
 *
 *  An event lends: everything that it points to is the shell's and ends with the step. A role keeps what it copies, or
 *  what it moves out of a message with bytes_take. The time is in the event, because a role has no clock.
 */
#ifndef CARTWHEEL_EVENT_H
#define CARTWHEEL_EVENT_H

#include "../messages/message.h"

typedef enum {
    EVENT_START,   /* once, before all others */
    EVENT_MESSAGE, /* `message` came, from here or from another node */
    EVENT_REQUEST, /* `frame` came from a client that answers to `client` */
    EVENT_GARBAGE, /* something came that is no message; `client` may be empty, `text` says what was wrong */
    EVENT_TICK,    /* the time that effects_wake asked for has come */
    EVENT_DRAINED, /* the mailbox is empty, or a batch is full: commit */
    EVENT_STOP /* take no new work; the shell ends once role_t.busy says so, or its patience does */
} event_kind_t;

typedef struct {
    event_kind_t kind;
    uint64_t now_us;    /* since the machine started, never goes back (CLOCK_BOOTTIME) */
    uint64_t wall_ms;   /* since 1970, may jump */
    message_t *message; /* MESSAGE */
    bytes_t client;     /* REQUEST, GARBAGE: the connection, as effects_reply wants it */
    bytes_t frame;      /* REQUEST */
    const char *text;   /* GARBAGE */
} event_t;

#endif
