/*  wire.c - see wire.h. */
#include "wire.h"

#include "../core/ring.h"
#include "../messages/memory.h"
#include "dealers.h"
#include "host.h"

#define BUFFER_BYTES_KEPT (1024u * 1024)
#define SPARE_DEALERS (2 * LIMIT_SEEDS_COUNT) /* to seeds and to those that want to join */

/*  Another member. Only two roles bind a ROUTER, so there are at most two DEALERs to it. */
typedef struct {
    uint64_t node;
    bytes_t endpoints[ROLE_COUNT]; /* where that role's ROUTER listens; empty: it has none */
    dealer_t *dealers[ROLE_COUNT]; /* to there, as `dealers` has it; NULL until needed */
    bytes_t routes[ROLE_COUNT];    /* routing id, at our ROUTER, of the role's newest frame */
} contact_t;

struct wire {
    wire_options_t options;
    inbox_t *inbox;
    outbox_t *outboxes[ROLE_COUNT]; /* to roles here; NULL until needed */
    zsock_t *router;                /* for peers, or NULL */
    dealers_t *dealers;
    uint64_t cluster; /* ours; 0 before the first snapshot */
    uint64_t node;    /* likewise */
    contact_t *peers; /* the other members, sorted by node */
    size_t peer_count;
    buffer_t buffer; /* a frame on its way out */

    zmq_pollitem_t *items; /* spare, inbox, ROUTER, DEALERs */
    size_t item_count;
    size_t first_dealer; /* the item of the first of `dealers` */
    size_t cursor;       /* the item that is being drained */
    size_t taken;        /* from it, this turn */
};

#define ITEM_INBOX WIRE_SPARE

/* ---- life ---- */

static void s_contact_clear (contact_t *peer)
{
    for (int role = 0; role < ROLE_COUNT; role++) {
        bytes_clear (&peer->endpoints[role]);
        bytes_clear (&peer->routes[role]);
    }
}

/*  Gossip hears strangers, so its frames are small. */
static uint64_t s_frame_bytes (role_id_t role)
{
    return role == ROLE_GOSSIP ? LIMIT_GOSSIP_FRAME_BYTES : LIMIT_PEER_FRAME_BYTES;
}

static uint32_t s_frames (role_id_t role)
{
    return role == ROLE_GOSSIP ? LIMIT_GOSSIP_FRAMES : LIMIT_PEER_FRAMES;
}

static zsock_t *s_router_new (const wire_options_t *options, char *why)
{
    zsock_t *router = socket_new (ZMQ_ROUTER);
    socket_limit (router, s_frame_bytes (options->role), s_frames (options->role));
    zsock_set_router_mandatory (router, 1); /* else a message to nobody would pass for sent */
    zsock_set_router_handover (router,
                               1); /* a peer that reconnects before we notice keeps its id */
    if (socket_bind (router, options->peers, why) != 0)
        zsock_destroy (&router);
    return router;
}

wire_t *wire_new (const wire_options_t *options, char *why)
{
    assert (options->nonce != 0);
    wire_t *self = memory_new (1, sizeof *self);
    self->options = *options;
    buffer_init (&self->buffer, s_frame_bytes (options->role));
    self->inbox = inbox_new (options->prefix, options->role);
    self->dealers = dealers_new ((dealers_options_t){
        .frame_bytes = s_frame_bytes (options->role),
        .frames = s_frames (options->role),
        .spare = options->role == ROLE_GOSSIP ? SPARE_DEALERS : 0,
    });
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
    dealers_destroy (&self->dealers);
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

/*  The connection to that role of the member; NULL when there is no way to it. */
static dealer_t *s_dealer (wire_t *self, contact_t *peer, role_id_t role)
{
    if (!peer->dealers[role] && peer->endpoints[role].size > 0)
        peer->dealers[role] = dealers_get (self->dealers, peer->endpoints[role], true);
    return peer->dealers[role];
}

static bool s_is_member (const member_t *member)
{
    return member->node != 0 && member->state != MEMBER_LEFT && member->state != MEMBER_REMOVED;
}

/*  The other members, sorted by node; what was known of them before is moved. */
static contact_t *s_contacts (const wire_t *self, const snapshot_t *snapshot, size_t *count)
{
    contact_t *peers = memory_new (snapshot->members.count, sizeof *peers);
    *count = 0;
    for (size_t i = 0; i < snapshot->members.count; i++) {
        const member_t *member = &snapshot->members.items[i];
        if (!s_is_member (member) || member->node == snapshot->charter.node)
            continue;
        contact_t *peer = &peers[(*count)++];
        peer->node = member->node;
        peer->endpoints[ROLE_REPLICA] = bytes_copy (member->peer.data, member->peer.size);
        peer->endpoints[ROLE_GOSSIP] = bytes_copy (member->gossip.data, member->gossip.size);
        contact_t *before = s_contact (self, member->node);
        for (int role = 0; before && role < ROLE_COUNT; role++) {
            peer->routes[role] = bytes_take (&before->routes[role]);
            before->routes[role] = bytes_view (NULL, 0);
        }
    }
    qsort (peers, *count, sizeof *peers, s_contact_order);
    return peers;
}

void wire_learn (wire_t *self, const snapshot_t *snapshot)
{
    size_t count;
    contact_t *peers = s_contacts (self, snapshot, &count);
    for (size_t i = 0; i < self->peer_count; i++)
        s_contact_clear (&self->peers[i]);
    free (self->peers);
    self->peers = peers;
    self->peer_count = count;
    self->node = snapshot->charter.node;
    self->cluster = snapshot->charter.cluster;
    dealers_renew (self->dealers);
    for (size_t i = 0; i < count; i++)
        for (int role = 0; role < ROLE_COUNT; role++)
            dealers_keep (self->dealers, peers[i].endpoints[role]);
    dealers_prune (self->dealers);
    role_id_t eager = self->options.role == ROLE_GOSSIP ? ROLE_GOSSIP : ROLE_REPLICA;
    for (size_t i = 0; self->options.eager && i < count; i++)
        s_dealer (self, &peers[i], eager);
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

/*  Sends the frame in the buffer. The reason for which it is lost; LOSS_COUNT: it is not. */
static loss_t s_send_frame (wire_t *self, contact_t *peer, role_id_t role)
{
    bytes_t frame = buffer_view (&self->buffer);
    if (peer->endpoints[role].size > 0) {
        dealer_t *dealer = s_dealer (self, peer, role);
        if (!dealer)
            return LOSS_ADDRESS;
        return dealer_send (dealer, frame) == 0 ? LOSS_COUNT : LOSS_PEER;
    }
    bytes_t route = peer->routes[role];
    if (!self->router || route.size == 0)
        return LOSS_ADDRESS;
    void *router = zsock_resolve (self->router);
    if (socket_send (router, route.data, route.size, true) != 0)
        return LOSS_PEER;
    return socket_send (router, frame.data, frame.size, false) == 0 ? LOSS_COUNT : LOSS_PEER;
}

static void s_count_loss (wire_t *self, loss_t loss, const char *detail)
{
    /* Gossip writes to the dead on purpose, to notice their return, and says itself who is not there. */
    bool expected = loss == LOSS_PEER && self->options.role == ROLE_GOSSIP;
    if (loss != LOSS_COUNT && !expected)
        losses_add (self->options.losses, loss, 1, detail);
}

/*  Puts the message as a frame into the buffer. False when it is too large for one. */
static bool s_encode (wire_t *self, message_t *message, role_id_t to)
{
    message->from.node = self->node;
    message->origin = (origin_t){
        .cluster = self->cluster,
        .nonce = self->options.nonce,
        .clock_ms = host_now_us () / 1000,
    };
    self->buffer.size = 0;
    self->buffer.overflowed = false;
    bool fits = message_encode (message, to, &self->buffer) == 0;
    if (!fits)
        s_count_loss (self, LOSS_SIZE, NULL);
    return fits;
}

static void s_trim_buffer (wire_t *self)
{
    if (self->buffer.capacity <= BUFFER_BYTES_KEPT)
        return;
    uint64_t maximum = self->buffer.maximum;
    buffer_clear (&self->buffer);
    buffer_init (&self->buffer, maximum);
}

static void s_send_there (wire_t *self, address_t to, message_t *message)
{
    contact_t *peer = s_contact (self, to.node);
    if (!peer)
        s_count_loss (self, LOSS_ADDRESS, "no such member");
    else if (s_encode (self, message, to.role))
        s_count_loss (self, s_send_frame (self, peer, to.role), role_name (to.role));
    s_trim_buffer (self);
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
    s_send_there (self, to, message);
    message_destroy (message_p);
}

void wire_send_endpoint (wire_t *self, bytes_t endpoint, message_t **message_p)
{
    message_t *message = *message_p;
    message->from.role = self->options.role;
    dealer_t *dealer = dealers_get (self->dealers, endpoint, false);
    if (!dealer)
        s_count_loss (self, LOSS_ADDRESS, "no endpoint");
    else if (s_encode (self, message, ROLE_GOSSIP) &&
             dealer_send (dealer, buffer_view (&self->buffer)) != 0)
        s_count_loss (self, LOSS_PEER, role_name (ROLE_GOSSIP));
    s_trim_buffer (self);
    message_destroy (message_p);
}

/* ---- in ---- */

/*  Whether a message may come from another node; the others would let a peer speak for a role of ours. */
static bool s_travels (message_type_t type)
{
    return type <= MESSAGE_TRAVELS_LAST;
}

/*  Remembers where answers to (node, role) go: the connection of its newest frame. */
static void s_remember (contact_t *peer, role_id_t role, bytes_t route)
{
    if (bytes_equal (peer->routes[role], route))
        return;
    bytes_clear (&peer->routes[role]);
    peer->routes[role] = bytes_copy (route.data, route.size);
}

/*  Why a frame with this head is refused; LOSS_COUNT: it is not. */
static loss_t s_judge (const wire_t *self, const head_t *head)
{
    if (head->to != self->options.role || !s_travels (head->type))
        return LOSS_MISDIRECTED;
    if (self->options.role == ROLE_GOSSIP)
        return LOSS_COUNT; /* it knows best who may say what */
    if (head->origin.cluster != self->cluster)
        return LOSS_FOREIGN;
    return s_contact (self, head->from.node) ? LOSS_COUNT : LOSS_STRANGERS;
}

/*  The message in a frame that came from outside through our ROUTER (`route` then has the connection) or a DEALER;
 *  NULL when it is refused. */
static message_t *s_admit (wire_t *self, bytes_t frame, bytes_t route)
{
    head_t head;
    role_id_t to;
    const char *why = NULL;
    if (message_peek (frame, &head, &why) != 0 || head.origin.nonce == 0) {
        s_count_loss (self, LOSS_FRAMES, why ? why : "no process has the nonce 0");
        return NULL;
    }
    loss_t loss = s_judge (self, &head);
    if (loss != LOSS_COUNT) {
        s_count_loss (self, loss, message_schema (head.type)->name);
        return NULL;
    }
    bytes_t copy = bytes_copy (frame.data, frame.size);
    message_t *message = message_decode (&copy, &to, &why);
    contact_t *peer = s_contact (self, head.from.node);
    if (!message)
        s_count_loss (self, LOSS_FRAMES, why);
    else if (peer && route.size > 0)
        s_remember (peer, head.from.role, route);
    return message;
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
        s_count_loss (self, LOSS_FRAMES, "wrong number of parts");
    } else if (got) {
        bytes_t frame = bytes_view (zmq_msg_data (&body), zmq_msg_size (&body));
        bytes_t from = bytes_view (zmq_msg_data (&route), zmq_msg_size (&route));
        *message = s_admit (self, frame, from);
    }
    zmq_msg_close (&route);
    zmq_msg_close (&body);
    return got;
}

/*  Whether the set of sockets changed, so that `items` must not be used any more. */
static bool s_stale (const wire_t *self)
{
    return !self->items || dealers_changed (self->dealers);
}

zmq_pollitem_t *wire_items (wire_t *self, size_t *count)
{
    if (s_stale (self)) {
        free (self->items);
        size_t most = ITEM_INBOX + 2 + dealers_count (self->dealers);
        self->items = memory_new (most, sizeof *self->items);
        size_t next = ITEM_INBOX;
        self->items[next++].socket = inbox_handle (self->inbox);
        if (self->router)
            self->items[next++].socket = zsock_resolve (self->router);
        for (size_t i = ITEM_INBOX; i < next; i++)
            self->items[i].events = ZMQ_POLLIN;
        self->first_dealer = next;
        dealers_items (self->dealers, &self->items[next]);
        self->item_count = next + dealers_count (self->dealers);
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
    if (!message && !s_stale (self) && self->taken < LIMIT_DRAIN_MESSAGES &&
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

/*  A connection was made, for which a frame waits. */
static void s_connected (wire_t *self)
{
    if (dealers_connected (self->dealers, self->cursor - self->first_dealer) != 0)
        s_count_loss (self, LOSS_PEER, NULL);
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
        } else if (s_stale (self))
            return NULL; /* the sockets of `items` may be closed: they have their turn after the next poll */
        else if (item->revents & ZMQ_POLLOUT)
            s_connected (self);
        else if (item->revents & ZMQ_POLLIN)
            message = s_next_there (self, item);
        if (message)
            return message;
        self->cursor++;
        self->taken = 0;
    }
    return NULL;
}
