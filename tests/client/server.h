/*  server.h - a node for tests of the client library that misbehaves as it is told to.
 *
 *  A thread with a ROUTER. The nth request that it gets is answered as the nth step says, the ones after the last
 *  step as STEP_OK. What it got can be looked at once it was stopped.
 */
#ifndef CARTWHEEL_TESTS_SERVER_H
#define CARTWHEEL_TESTS_SERVER_H

#include <pthread.h>

#include "messages/codec.h"

#define SERVER_REQUESTS 64u

typedef enum {
    STEP_OK, /* what the op asks for; a get has one value, "v1" for the first request, "v2" ... */
    STEP_TWICE,     /* the same, two times */
    STEP_SIBLINGS,  /* a get with three values, one of them empty */
    STEP_NOT_FOUND, /* a get of a key without a value */
    STEP_SILENT,    /* nothing */
    STEP_LATE,      /* nothing now; the answer comes right before that of the next request */
    STEP_CLOSE, /* nothing, and the connection is closed; the server comes back at the same endpoint */
    STEP_GARBAGE,     /* five frames that are no replies, then a proper one */
    STEP_FLOOD,       /* replies with other ids, until the server is stopped */
    STEP_NO_STATUS,   /* the right id, and no status */
    STEP_ODD_STATUS,  /* a status that nobody knows */
    STEP_NO_FIELDS,   /* ok, without the fields that it should have */
    STEP_BAD_REQUEST, /* and the other statuses, with a sentence that holds control bytes */
    STEP_BAD_CONTEXT,
    STEP_TOO_LARGE,
    STEP_TOO_MANY_SIBLINGS,
    STEP_UNAVAILABLE,
    STEP_TIMEOUT,
    STEP_UNKNOWN,
    STEP_OVERLOADED,
    STEP_READ_ONLY,
    STEP_FORBIDDEN,
    STEP_INTERNAL
} step_t;

typedef struct {
    step_t *steps;
    size_t steps_count;
    char endpoint[64];
    void *context;
    void *stop; /* PAIR: a message on it ends the thread */
    pthread_t thread;
    bool running;
    /* After server_stop: */
    request_t requests[SERVER_REQUESTS]; /* views into frames */
    bytes_t frames[SERVER_REQUESTS];
    size_t count;
    /* The thread's own: */
    void *router;
    bytes_t late_client;
    bytes_t late_reply;
} server_t;

/*  Starts a server; STEPS (STEP_SILENT, STEP_OK) gives the steps. */
server_t *server_new (const step_t *steps, size_t count);
#define STEPS(...) \
    (const step_t[]){__VA_ARGS__}, sizeof ((const step_t[]){__VA_ARGS__}) / sizeof (step_t)

/*  Ends the thread; what the server got can be read afterwards. May be called twice. */
void server_stop (server_t *self);
void server_destroy (server_t **self_p);

#endif
