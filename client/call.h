/*  call.h - one request through all its tries: the same node again, the next node, until the time is over.
 *
 *  The one rule that is easy to get wrong: once a try of a write went out and its outcome is not known, a later
 *  "nothing was stored" speaks for that later try alone, so the call as a whole ends as `unknown`.
 */
#ifndef CARTWHEEL_CALL_H
#define CARTWHEEL_CALL_H

#include "cartwheel.h"
#include "link.h"

struct cw_client {
    void *context; /* ZeroMQ's */
    bool context_owned;
    link_t *links;
    size_t count;
    size_t current; /* the node that answered last */
    int timeout_ms;
    uint64_t id; /* of the last try; starts at a random number */
    cw_traffic_t traffic;
    char error[LIMIT_SENTENCE_BYTES + 512];
};

typedef struct {
    request_t request;      /* all but id and timeout, which each try gets its own */
    bool write;             /* it may change something: a try without an answer leaves a doubt */
    int timeout_ms;         /* 0: the client's */
    const schema_t *schema; /* of the reply */
    void *
        reply; /* out: the reply's record, views into `frame`; clear it after CW_OK, CW_NOT_FOUND */
    bytes_t
        frame; /* out: the reply, owned by the caller after CW_OK and CW_NOT_FOUND, else empty */
} call_t;

/*  Carries the call out and says how it ended; after anything but CW_OK the client's error is a sentence. `check`
 *  refuses a reply that lacks what its op promises; NULL: nothing to check. */
cw_status_t call_run (cw_client_t *client, call_t *call, bool (*check) (const void *reply));

/*  Sets the client's error and returns the status. */
cw_status_t call_fail (cw_client_t *client, cw_status_t status, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

#endif
