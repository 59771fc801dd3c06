/*  client.c - a client's birth and end, and what it says about itself. */
#include "call.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <zmq.h>

#include "messages/memory.h"

#define CLIENT_ENDPOINTS_COUNT 256u
#define CLIENT_TIMEOUT_MS 3600000

/* The public names are the node's own, number for number. */
#define STATUS(upper, lower) _Static_assert((int) CW_##upper == (int) STATUS_##upper, #lower);
STATUSES (STATUS)
#undef STATUS
_Static_assert((int) CW_NO_NODE == (int) STATUS_COUNT, "no_node follows the node's own");

const char *cw_status_name (cw_status_t status)
{
    return status == CW_NO_NODE ? "no_node" : status_name ((status_t) status);
}

/*  Random bytes; the system's generator does not fail for so few once the machine is up. */
static void s_random (void *data, size_t size)
{
    while (getrandom (data, size, 0) != (ssize_t) size)
        assert (errno == EINTR);
}

void cw_put_id (uint8_t put_id[CW_PUT_ID_BYTES])
{
    s_random (put_id, CW_PUT_ID_BYTES);
}

/*  Adds a link for each endpoint. -1 when there is none, too many, or one that ZeroMQ does not know. */
static int s_link_all (cw_client_t *self, const char *endpoints)
{
    char *copy = memory_string (endpoints);
    char *state = NULL;
    int rc = 0;
    for (char *endpoint = strtok_r (copy, " \t\n", &state); endpoint && !rc;
         endpoint = strtok_r (NULL, " \t\n", &state)) {
        if (self->count == CLIENT_ENDPOINTS_COUNT || strlen (endpoint) > LIMIT_ENDPOINT_BYTES) {
            rc = -1;
            break;
        }
        self->links = memory_resize (self->links, self->count + 1, sizeof *self->links);
        rc = link_init (&self->links[self->count++], self->context, endpoint);
    }
    free (copy);
    return self->count ? rc : -1;
}

static cw_client_t *s_new (void *context, bool owned, const char *endpoints, int timeout_ms)
{
    cw_client_t *self = memory_new (1, sizeof *self);
    self->context = context;
    self->context_owned = owned;
    self->timeout_ms = timeout_ms;
    s_random (&self->id, sizeof self->id);
    if (!endpoints || timeout_ms < 1 || timeout_ms > CLIENT_TIMEOUT_MS ||
        s_link_all (self, endpoints)) {
        cw_destroy (&self);
        errno = EINVAL;
    }
    return self;
}

cw_client_t *cw_new_in (void *zmq_context, const char *endpoints, int timeout_ms)
{
    assert (zmq_context);
    return s_new (zmq_context, false, endpoints, timeout_ms);
}

cw_client_t *cw_new (const char *endpoints, int timeout_ms)
{
    void *context = zmq_ctx_new ();
    return context ? s_new (context, true, endpoints, timeout_ms) : NULL;
}

void cw_destroy (cw_client_t **self_p)
{
    assert (self_p);
    cw_client_t *self = *self_p;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        link_clear (&self->links[i]);
    free (self->links);
    if (self->context_owned)
        while (zmq_ctx_term (self->context) == -1 && errno == EINTR)
            ;
    free (self);
    *self_p = NULL;
}

const char *cw_error (const cw_client_t *self)
{
    assert (self);
    return self->error;
}

void cw_traffic (const cw_client_t *self, cw_traffic_t *traffic)
{
    assert (self && traffic);
    *traffic = self->traffic;
}
