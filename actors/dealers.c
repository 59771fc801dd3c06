/*  dealers.c - see dealers.h. */
#include "dealers.h"

#include "../messages/limits.h"
#include "../messages/memory.h"
#include "endpoint.h"
#include "host.h"

#define RECONNECT_MS 100
#define RECONNECT_MS_MOST 1000
#define CONNECT_MS 2000  /* the kernel would try a machine without power for two minutes */
#define WAIT_US 1000000u /* for the first connection, and no more than WAIT_BYTES */
#define WAIT_BYTES (1024u * 1024)
#define IDLE_US 60000000u
#define ROUTING_ID_BYTES 16

struct dealer {
    dealers_t *dealers;
    bytes_t endpoint;
    zsock_t *socket;
    bool kept;
    bool met;         /* it was connected once */
    uint64_t used_us; /* the last time that someone asked for it */
    bytes_t waiting;  /* a frame for the first connection; empty: none */
    uint64_t waiting_us;
};

struct dealers {
    dealers_options_t options;
    dealer_t **items;
    size_t count;
    size_t capacity;
    bool changed;
};

/* ---- life ---- */

dealers_t *dealers_new (dealers_options_t options)
{
    dealers_t *self = memory_new (1, sizeof *self);
    self->options = options;
    self->changed = true;
    return self;
}

static void s_close (dealers_t *self, size_t i)
{
    dealer_t *dealer = self->items[i];
    zsock_destroy (&dealer->socket);
    bytes_clear (&dealer->endpoint);
    bytes_clear (&dealer->waiting);
    free (dealer);
    self->items[i] = self->items[--self->count];
    self->changed = true;
}

void dealers_destroy (dealers_t **self_p)
{
    dealers_t *self = *self_p;
    if (!self)
        return;
    while (self->count > 0)
        s_close (self, self->count - 1);
    free (self->items);
    free (self);
    *self_p = NULL;
}

/*  A socket that is on its way to `endpoint`; NULL when there is none to be had. */
static zsock_t *s_connect (const dealers_options_t *options, const char *endpoint)
{
    endpoint_t parts; /* without this check a peer could name an inproc:// or ipc:// of ours */
    zsock_t *socket = endpoint_parse (endpoint, &parts) == NULL ? zsock_new (ZMQ_DEALER) : NULL;
    if (!socket)
        return NULL;
    socket_limit (socket, options->frame_bytes, options->frames);
    zsock_set_linger (socket, 0);
    zsock_set_immediate (socket, 1); /* no queue for a peer that is not there */
    zsock_set_connect_timeout (socket, CONNECT_MS);
    zsock_set_reconnect_ivl (socket, RECONNECT_MS);
    zsock_set_reconnect_ivl_max (socket, RECONNECT_MS_MOST);
    zsock_set_ipv6 (socket, parts.kind == HOST_IPV6);
    uint8_t id[ROUTING_ID_BYTES];
    host_random (id, sizeof id);
    id[0] |= 1; /* ids that begin with 0 are ZeroMQ's own */
    void *handle = zsock_resolve (socket);
    zmq_setsockopt (handle, ZMQ_ROUTING_ID, id, sizeof id);
    if (zmq_connect (handle, endpoint) != 0)
        zsock_destroy (&socket);
    return socket;
}

/* ---- which ones there are ---- */

static dealer_t *s_find (const dealers_t *self, bytes_t endpoint)
{
    for (size_t i = 0; i < self->count; i++)
        if (bytes_equal (self->items[i]->endpoint, endpoint))
            return self->items[i];
    return NULL;
}

/*  Closes those that nobody keeps, but for `most` of the most recently used. */
static void s_shrink (dealers_t *self, size_t most)
{
    for (;;) {
        size_t spare = 0;
        size_t oldest = 0;
        for (size_t i = 0; i < self->count; i++) {
            if (self->items[i]->kept)
                continue;
            if (spare++ == 0 || self->items[i]->used_us < self->items[oldest]->used_us)
                oldest = i;
        }
        bool idle = spare > 0 && host_now_us () - self->items[oldest]->used_us > IDLE_US;
        if (spare <= most && !idle)
            return;
        s_close (self, oldest);
    }
}

static dealer_t *s_open (dealers_t *self, bytes_t endpoint)
{
    char *text = memory_text (endpoint.data, endpoint.size);
    zsock_t *socket = s_connect (&self->options, text);
    free (text);
    if (!socket)
        return NULL;
    dealer_t *dealer = memory_new (1, sizeof *dealer);
    dealer->dealers = self;
    dealer->endpoint = bytes_copy (endpoint.data, endpoint.size);
    dealer->socket = socket;
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? 2 * self->capacity : 8;
        self->items = memory_resize (self->items, self->capacity, sizeof *self->items);
    }
    self->items[self->count++] = dealer;
    self->changed = true;
    return dealer;
}

dealer_t *dealers_get (dealers_t *self, bytes_t endpoint, bool keep)
{
    dealer_t *dealer = s_find (self, endpoint);
    if (!dealer) {
        if (!keep)
            s_shrink (self, self->options.spare > 0 ? self->options.spare - 1 : 0);
        dealer = s_open (self, endpoint);
    }
    if (dealer) {
        dealer->kept = dealer->kept || keep;
        dealer->used_us = host_now_us ();
    }
    return dealer;
}

void dealers_renew (dealers_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        self->items[i]->kept = false;
}

void dealers_keep (dealers_t *self, bytes_t endpoint)
{
    dealer_t *dealer = s_find (self, endpoint);
    if (dealer)
        dealer->kept = true;
}

void dealers_prune (dealers_t *self)
{
    s_shrink (self, self->options.spare);
}

/* ---- frames ---- */

/*  Keeps the frame for the connection, instead of one that waits already: news replace old ones. */
static int s_keep_waiting (dealer_t *self, bytes_t frame)
{
    bool lost = self->waiting.size > 0;
    self->dealers->changed = self->dealers->changed || !lost;
    bytes_clear (&self->waiting);
    self->waiting = bytes_copy (frame.data, frame.size);
    self->waiting_us = host_now_us ();
    return lost ? -1 : 0;
}

int dealer_send (dealer_t *self, bytes_t frame)
{
    if (socket_send (zsock_resolve (self->socket), frame.data, frame.size, false) == 0) {
        self->met = true;
        return 0;
    }
    return self->met || frame.size > WAIT_BYTES ? -1 : s_keep_waiting (self, frame);
}

int dealers_connected (dealers_t *self, size_t i)
{
    dealer_t *dealer = self->items[i];
    bytes_t frame = dealer->waiting;
    if (frame.size == 0)
        return 0;
    int sent = -1;
    if (host_now_us () - dealer->waiting_us <= WAIT_US)
        sent = socket_send (zsock_resolve (dealer->socket), frame.data, frame.size, false);
    dealer->met = true;
    bytes_clear (&dealer->waiting);
    self->changed = true;
    return sent;
}

/* ---- poll ---- */

bool dealers_changed (const dealers_t *self)
{
    return self->changed;
}

size_t dealers_count (const dealers_t *self)
{
    return self->count;
}

void dealers_items (dealers_t *self, zmq_pollitem_t *items)
{
    for (size_t i = 0; i < self->count; i++) {
        bool waits = self->items[i]->waiting.size > 0;
        items[i] = (zmq_pollitem_t){
            .socket = zsock_resolve (self->items[i]->socket),
            .events = (short) (waits ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN),
        };
    }
    self->changed = false;
}
