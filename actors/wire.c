/*  wire.c - see wire.h. */
#include "wire.h"

#include "../core/ring.h"
#include "../messages/memory.h"
#include "host.h"

#define RECONNECT_MS 100
#define RECONNECT_MS_MOST 1000
#define BUFFER_BYTES_KEPT (1024u * 1024)
#define ROUTING_ID_BYTES 16

/*  Another member. Only two roles bind a ROUTER, so there are at most two DEALERs to it. */
typedef struct {
    uint64_t node;
    bytes_t endpoints[ROLE_COUNT]; /* where that role's ROUTER listens; empty: it has none */
    zsock_t *dealers[ROLE_COUNT];  /* NULL until needed */
    bytes_t routes[ROLE_COUNT];    /* routing id, at our ROUTER, of the role's newest frame */
} contact_t;

struct wire {
    wire_options_t options;
    inbox_t *inbox;
    outbox_t *outboxes[ROLE_COUNT]; /* to roles here; NULL until needed */
    zsock_t *router;                /* for peers, or NULL */
    uint64_t node;                  /* ours; 0 before the first snapshot */
    contact_t *peers;               /* the other members, sorted by node */
    size_t peer_count;
    buffer_t buffer; /* a frame on its way out */

    zmq_pollitem_t *items; /* spare, inbox, ROUTER, DEALERs */
    size_t item_count;
    bool stale;    /* the set of sockets changed: `items` must not be used any more */
    size_t cursor; /* the item that is being drained */
    size_t taken;  /* from it, this turn */
};

#define ITEM_INBOX WIRE_SPARE

/* ---- life ---- */

static void s_contact_clear (contact_t *peer)
{
    for (int role = 0; role < ROLE_COUNT; role++) {
        bytes_clear (&peer->endpoints[role]);
        bytes_clear (&peer->routes[role]);
        zsock_destroy (&peer->dealers[role]);
    }
}

static zsock_t *s_router_new (const wire_options_t *options, char *why)
{
    zsock_t *router = socket_new (ZMQ_ROUTER);
    socket_limit (router, LIMIT_PEER_FRAME_BYTES, LIMIT_PEER_FRAMES);
    zsock_set_router_mandatory (router, 1); /* else a message to nobody would pass for sent */
    zsock_set_router_handover (router,
                               1); /* a peer that reconnects before we notice keeps its id */
    if (socket_bind (router, options->peers, why) != 0)
        zsock_destroy (&router);
    return router;
}

wire_t *wire_new (const wire_options_t *options, char *why)
{
    wire_t *self = memory_new (1, sizeof *self);
    self->options = *options;
    self->stale = true;
    buffer_init (&self->buffer, LIMIT_PEER_FRAME_BYTES);
    self->inbox = inbox_new (options->prefix, options->role);
    if (options->peers.endpoint && *options->peers.endpoint) {
        self->router = s_router_new (options, why);
        if (!self->router)
            wire_destroy (&self);
    }
    return self;
}

void wire_destroy (wire_t **self_p)
{
    wire_t *self = *self_p;
    if (!self)
        return;
    for (int role = 0; role < ROLE_COUNT; role++)
        outbox_destroy (&self->outboxes[role]);
    for (size_t i = 0; i < self->peer_count; i++)
        s_contact_clear (&self->peers[i]);
    zsock_destroy (&self->router);
    inbox_destroy (&self->inbox);
    buffer_clear (&self->buffer);
    free (self->peers);
    free (self->items);
    free (self);
    *self_p = NULL;
}

/* ---- peers ---- */

static int s_contact_order (const void *a, const void *b)
{
    uint64_t one = ((const contact_t *) a)->node;
    uint64_t other = ((const contact_t *) b)->node;
    return (one > other) - (one < other);
}

static contact_t *s_contact (const wire_t *self, uint64_t node)
{
    const contact_t wanted = {.node = node};
    if (self->peer_count == 0)
        return NULL;
    return bsearch (&wanted, self->peers, self->peer_count, sizeof wanted, s_contact_order);
}

static zsock_t *s_dealer_new (const char *endpoint)
{
    zsock_t *dealer = zsock_new (ZMQ_DEALER);
    if (!dealer)
        return NULL; /* no more files: this peer is out of reach, the node goes on */
    socket_limit (dealer, LIMIT_PEER_FRAME_BYTES, LIMIT_PEER_FRAMES);
    zsock_set_linger (dealer, 0);
    zsock_set_immediate (dealer,
                         1); /* no queue for a peer that is not there: it would get old news */
    zsock_set_reconnect_ivl (dealer, RECONNECT_MS);
    zsock_set_reconnect_ivl_max (dealer, RECONNECT_MS_MOST);
    zsock_set_ipv6 (dealer, strchr (endpoint, '[') != NULL);
    uint8_t id[ROUTING_ID_BYTES];
    host_random (id, sizeof id);
    id[0] |= 1; /* ids that begin with 0 are ZeroMQ's own */
    void *handle = zsock_resolve (dealer);
    zmq_setsockopt (handle, ZMQ_ROUTING_ID, id, sizeof id);
    if (zmq_connect (handle, endpoint) != 0)
        zsock_destroy (&dealer); /* what a peer said of itself is no endpoint */
    return dealer;
}

/*  The socket to that role of the peer, connected; NULL when there is no way to it. */
static zsock_t *s_dealer (wire_t *self, contact_t *peer, role_id_t role)
{
    if (!peer->dealers[role] && peer->endpoints[role].size > 0) {
        char *endpoint = memory_text (peer->endpoints[role].data, peer->endpoints[role].size);
        peer->dealers[role] = s_dealer_new (endpoint);
        free (endpoint);
        self->stale = self->stale || peer->dealers[role];
    }
    return peer->dealers[role];
}

/*  Moves what still holds from the peer as it was known before. */
static void s_contact_inherit (contact_t *peer, contact_t *before)
{
    for (int role = 0; role < ROLE_COUNT; role++) {
        peer->routes[role] = bytes_take (&before->routes[role]);
        before->routes[role] = bytes_view (NULL, 0);
        if (bytes_equal (peer->endpoints[role], before->endpoints[role])) {
            peer->dealers[role] = before->dealers[role];
            before->dealers[role] = NULL;
        }
    }
}

static bool s_is_member (const member_t *member)
{
    return member->node != 0 && member->state != MEMBER_LEFT && member->state != MEMBER_REMOVED;
}

void wire_learn (wire_t *self, const snapshot_t *snapshot)
{
    self->node = snapshot->charter.node;
    contact_t *peers = memory_new (snapshot->members.count, sizeof *peers);
    size_t count = 0;
    for (size_t i = 0; i < snapshot->members.count; i++) {
        const member_t *member = &snapshot->members.items[i];
        if (!s_is_member (member) || member->node == self->node)
            continue;
        contact_t *peer = &peers[count++];
        peer->node = member->node;
        peer->endpoints[ROLE_REPLICA] = bytes_copy (member->peer.data, member->peer.size);
        peer->endpoints[ROLE_GOSSIP] = bytes_copy (member->gossip.data, member->gossip.size);
        contact_t *before = s_contact (self, member->node);
        if (before)
            s_contact_inherit (peer, before);
    }
    for (size_t i = 0; i < self->peer_count; i++)
        s_contact_clear (&self->peers[i]);
    free (self->peers);
    qsort (peers, count, sizeof *peers, s_contact_order);
    self->peers = peers;
    self->peer_count = count;
    self->stale = true;
    for (size_t i = 0; self->options.eager && i < count; i++)
        s_dealer (self, &peers[i], ROLE_REPLICA);
}

/* ---- out ---- */

static void s_send_here (wire_t *self, role_id_t role, message_t **message_p)
{
    if (!self->outboxes[role])
        self->outboxes[role] = outbox_new (self->options.prefix, role);
    size_t lost = outbox_add (self->outboxes[role], message_p);
    losses_add (self->options.losses, LOSS_MAILBOX, lost, role_name (role));
}

void wire_flush (wire_t *self)
{
    for (role_id_t role = 0; role < ROLE_COUNT; role++) {
        if (!self->outboxes[role])
            continue;
        size_t lost = outbox_flush (self->outboxes[role]);
        losses_add (self->options.losses, LOSS_MAILBOX, lost, role_name (role));
    }
}

/*  Sends the frame in the buffer. The socket through which it found nobody is a lost message's reason. */
static loss_t s_send_frame (wire_t *self, contact_t *peer, role_id_t role)
{
    bytes_t frame = buffer_view (&self->buffer);
    if (peer->endpoints[role].size > 0) {
        zsock_t *dealer = s_dealer (self, peer, role);
        if (!dealer)
            return LOSS_ADDRESS;
        int sent = socket_send (zsock_resolve (dealer), frame.data, frame.size, false);
        return sent == 0 ? LOSS_COUNT : LOSS_PEER;
    }
    bytes_t route = peer->routes[role];
    if (!self->router || route.size == 0)
        return LOSS_ADDRESS;
    void *router = zsock_resolve (self->router);
    if (socket_send (router, route.data, route.size, true) != 0)
        return LOSS_PEER;
    return socket_send (router, frame.data, frame.size, false) == 0 ? LOSS_COUNT : LOSS_PEER;
}

static void s_send_there (wire_t *self, address_t to, message_t *message)
{
    contact_t *peer = s_contact (self, to.node);
    if (!peer) {
        losses_add (self->options.losses, LOSS_ADDRESS, 1, "no such member");
        return;
    }
    self->buffer.size = 0;
    self->buffer.overflowed = false;
    if (message_encode (message, to.role, &self->buffer) != 0) {
        losses_add (self->options.losses, LOSS_SIZE, 1, NULL);
        return;
    }
    loss_t loss = s_send_frame (self, peer, to.role);
    if (loss != LOSS_COUNT)
        losses_add (self->options.losses, loss, 1, role_name (to.role));
    if (self->buffer.capacity > BUFFER_BYTES_KEPT) {
        buffer_clear (&self->buffer);
        buffer_init (&self->buffer, LIMIT_PEER_FRAME_BYTES);
    }
}

void wire_send (wire_t *self, address_t to, message_t **message_p)
{
    message_t *message = *message_p;
    assert ((unsigned) to.role < ROLE_COUNT);
    message->from.role = self->options.role;
    if (to.node == 0 || to.node == self->node) {
        message->from.node = 0;
        s_send_here (self, to.role, message_p);
        return;
    }
    message->from.node = self->node;
    s_send_there (self, to, message);
    message_destroy (message_p);
}

/* ---- in ---- */

/*  Whether a message may come from another node; the others would let a peer speak for a role of ours. */
static bool s_travels (message_type_t type)
{
    switch (type) {
    case MESSAGE_read:
    case MESSAGE_read_reply:
    case MESSAGE_mint:
    case MESSAGE_mint_reply:
    case MESSAGE_replicate:
    case MESSAGE_replicate_reply:
    case MESSAGE_scan:
    case MESSAGE_scan_reply: return true;
    case MESSAGE_survey:
    case MESSAGE_survey_reply:
    case MESSAGE_recall:
    case MESSAGE_recall_reply:
    case MESSAGE_enact:
    case MESSAGE_enact_reply:
    case MESSAGE_snapshot:
    case MESSAGE_seen:
    case MESSAGE_host:
    case MESSAGE_sync:
    case MESSAGE_synced:
    case MESSAGE_notice:
    case MESSAGE_COUNT: break;
    }
    return false;
}

/*  Remembers where answers to (node, role) go: the connection of its newest frame. */
static void s_remember (contact_t *peer, role_id_t role, bytes_t route)
{
    if (bytes_equal (peer->routes[role], route))
        return;
    bytes_clear (&peer->routes[role]);
    peer->routes[role] = bytes_copy (route.data, route.size);
}

/*  The message in a frame that came from outside through our ROUTER (`route` then has the connection) or a DEALER;
 *  NULL when it is refused. */
static message_t *s_admit (wire_t *self, bytes_t *frame, bytes_t route)
{
    losses_t *losses = self->options.losses;
    role_id_t to;
    const char *why = NULL;
    message_t *message = message_decode (frame, &to, &why);
    if (!message) {
        losses_add (losses, LOSS_FRAMES, 1, why);
        return NULL;
    }
    contact_t *peer = s_contact (self, message->from.node);
    if (!peer)
        losses_add (losses, LOSS_STRANGERS, 1, NULL);
    else if (to != self->options.role || !s_travels (message->type))
        losses_add (losses, LOSS_MISDIRECTED, 1, message_schema (message->type)->name);
    else {
        if (route.size > 0)
            s_remember (peer, message->from.role, route);
        return message;
    }
    message_destroy (&message);
    return NULL;
}

/*  Reads one message from a socket for peers. False: the socket is empty. NULL in `message`: it was refused. */
static bool s_receive (wire_t *self, void *handle, bool routed, message_t **message)
{
    zmq_msg_t route;
    zmq_msg_t body;
    zmq_msg_init (&route);
    zmq_msg_init (&body);
    bool got = !routed || socket_receive (handle, &route) >= 0;
    bool whole = got && (!routed || zmq_msg_more (&route));
    if (whole)
        got = socket_receive (handle, &body) >= 0;
    *message = NULL;
    if (got && (!whole || zmq_msg_more (&body))) {
        socket_skip (handle);
        losses_add (self->options.losses, LOSS_FRAMES, 1, "wrong number of parts");
    } else if (got) {
        bytes_t frame = bytes_copy (zmq_msg_data (&body), zmq_msg_size (&body));
        bytes_t from = bytes_view (zmq_msg_data (&route), zmq_msg_size (&route));
        *message = s_admit (self, &frame, from);
    }
    zmq_msg_close (&route);
    zmq_msg_close (&body);
    return got;
}

zmq_pollitem_t *wire_items (wire_t *self, size_t *count)
{
    if (self->stale) {
        size_t most = WIRE_SPARE + 2 + self->peer_count * ROLE_COUNT;
        free (self->items);
        self->items = memory_new (most, sizeof *self->items);
        size_t next = ITEM_INBOX;
        self->items[next++].socket = inbox_handle (self->inbox);
        if (self->router)
            self->items[next++].socket = zsock_resolve (self->router);
        for (size_t i = 0; i < self->peer_count; i++)
            for (int role = 0; role < ROLE_COUNT; role++)
                if (self->peers[i].dealers[role])
                    self->items[next++].socket = zsock_resolve (self->peers[i].dealers[role]);
        for (size_t i = 0; i < next; i++)
            self->items[i].events = ZMQ_POLLIN;
        self->item_count = next;
        self->stale = false;
    }
    self->cursor = ITEM_INBOX;
    self->taken = 0;
    *count = self->item_count;
    return self->items;
}

/*  The next message of the inbox: the batch at hand to its end, since the poll would not see what is left of it. */
static message_t *s_next_here (wire_t *self)
{
    message_t *message = inbox_take (self->inbox);
    if (!message && !self->stale && self->taken < LIMIT_DRAIN_MESSAGES &&
        inbox_receive (self->inbox))
        message = inbox_take (self->inbox);
    return message;
}

/*  The next message of a socket for peers. */
static message_t *s_next_there (wire_t *self, const zmq_pollitem_t *item)
{
    bool routed = self->router && item->socket == zsock_resolve (self->router);
    message_t *message = NULL;
    while (!message && self->taken < LIMIT_DRAIN_MESSAGES &&
           s_receive (self, item->socket, routed, &message))
        self->taken++;
    return message;
}

message_t *wire_next (wire_t *self)
{
    while (self->cursor < self->item_count) {
        const zmq_pollitem_t *item = &self->items[self->cursor];
        message_t *message = NULL;
        if (self->cursor == ITEM_INBOX) {
            if (item->revents & ZMQ_POLLIN)
                message = s_next_here (self);
            self->taken += message != NULL;
        } else if (self->stale)
            return NULL; /* the sockets of `items` may be closed: they have their turn after the next poll */
        else if (item->revents & ZMQ_POLLIN)
            message = s_next_there (self, item);
        if (message)
            return message;
        self->cursor++;
        self->taken = 0;
    }
    return NULL;
}
