/*  dealers.h - our connections to the ROUTERs of other nodes: one DEALER an endpoint, whoever asks for it.
 *
 *  A frame to a peer that is not connected is lost at once, so that a dead peer costs nothing and a returning one gets
 *  no old news. Only while a connection is made for the first time one frame waits for it, for a second at most: who
 *  writes first should be heard. Endpoints come from other nodes too, so they may be anything, and connections that no
 *  member needs are few: the one that was idle longest gives way.
 */
#ifndef CARTWHEEL_DEALERS_H
#define CARTWHEEL_DEALERS_H

#include "../messages/bytes.h"
#include "socket.h"

typedef struct dealers dealers_t;
typedef struct dealer dealer_t;

typedef struct {
    uint64_t frame_bytes; /* the largest frame that may come back */
    uint32_t frames;      /* that wait in each queue */
    size_t spare;         /* connections beside those that are kept */
} dealers_options_t;

dealers_t *dealers_new (dealers_options_t options);
void dealers_destroy (dealers_t **self_p);

/*  The connection to `endpoint`, opened if need be. With `keep` it stays good until dealers_renew, else only until the
 *  next dealers_get. NULL when this is no tcp://HOST:PORT, or there are no more files: the peer is out of reach, the node
 *  goes on. */
dealer_t *dealers_get (dealers_t *self, bytes_t endpoint, bool keep);

/*  Says which ones are needed: after dealers_renew none is, until dealers_keep names its endpoint; dealers_prune then
 *  closes the others, but for `spare` of them. */
void dealers_renew (dealers_t *self);
void dealers_keep (dealers_t *self, bytes_t endpoint);
void dealers_prune (dealers_t *self);

/*  Sends a copy of the frame, or keeps it for the first connection. 0, or -1 when it is lost, or another one is that
 *  waited. Never waits. */
int dealer_send (dealer_t *self, bytes_t frame);

/*  Whether what dealers_items told last does not hold any more. */
bool dealers_changed (const dealers_t *self);
size_t dealers_count (const dealers_t *self);
/*  Fills dealers_count items of a poll. */
void dealers_items (dealers_t *self, zmq_pollitem_t *items);
/*  The poll found room in the socket of the i-th item: what waits for it leaves. 0, or -1 when that is lost. */
int dealers_connected (dealers_t *self, size_t i);

#endif
