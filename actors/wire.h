/*  wire.h - how a role's messages leave and arrive: an address is (node, role), and the wire picks the socket.
 *
 *      to a role here            a batch of pointers over inproc (mailbox.h), one frame a role and turn
 *      to replica, gossip there  a DEALER of ours, straight to the ROUTER that this role binds there (dealers.h)
 *      to any other role there   back through our own ROUTER, to where that role's last frame came from
 *      to gossip at an endpoint  the same DEALER that a member with this endpoint has
 *
 *  Nothing waits: what finds no room or nobody is lost and counted. Members are learnt from the ring snapshots that pass
 *  through the role. A frame is judged by its head before its record is decoded: one from another cluster or from a
 *  node that is no member is refused, but for gossip, which is where strangers introduce themselves; and so is one of
 *  a type that does not travel, or that is damaged.
 */
#ifndef CARTWHEEL_WIRE_H
#define CARTWHEEL_WIRE_H

#include "../messages/message.h"
#include "losses.h"
#include "mailbox.h"
#include "socket.h"

typedef struct {
    const prefix_t *prefix;
    role_id_t role;
    uint64_t nonce; /* of the process, in the head of each frame; not 0 */
    listen_t peers; /* the ROUTER for other nodes; without an endpoint there is none */
    bool
        eager; /* connects to a member when it learns of it, not at the first message: to its replica,
                       or gossip to its gossip */
    losses_t *losses; /* the caller's, as long as the wire lives */
} wire_options_t;

typedef struct wire wire_t;

/*  NULL when the ROUTER cannot be bound, with the sentence in `why`. */
wire_t *wire_new (const wire_options_t *options, char *why);
void wire_destroy (wire_t **self_p);

/*  Learns who this node is, and where the members are. */
void wire_learn (wire_t *self, const snapshot_t *snapshot);

/*  Takes the message, and makes this role its sender. To another node it leaves at once, to a role here with the next
 *  wire_flush. */
void wire_send (wire_t *self, address_t to, message_t **message_p);
/*  The same, to gossip at an endpoint, of whatever node that is. */
void wire_send_endpoint (wire_t *self, bytes_t endpoint, message_t **message_p);
void wire_flush (wire_t *self);

/*  What to poll before the next wire_next: the wire's sockets, with WIRE_SPARE items in front for the caller to fill.
 *  Good until the next call. */
#define WIRE_SPARE 2
zmq_pollitem_t *wire_items (wire_t *self, size_t *count);

/*  The next message of the sockets that the poll found readable, at most LIMIT_DRAIN_MESSAGES (and the rest of one
 *  batch) from each; the caller owns it. NULL: poll again. */
message_t *wire_next (wire_t *self);

#endif
