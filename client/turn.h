/*  turn.h - whose turn it is: which node a call begins with, and which one is asked next.
 *
 *  Nodes that this call has not asked come first, and among them those that did not fail lately. A node that failed is
 *  avoided for half a second, and twice as long each further time, up to 16 s; an answer from it ends that. Being
 *  avoided is no ban: where no other node is left, it is asked all the same.
 */
#ifndef CARTWHEEL_TURN_H
#define CARTWHEEL_TURN_H

#include "call.h"

/*  The node that a call begins with: the one that answered last, unless it is avoided. */
size_t turn_first (const cw_client_t *client, uint64_t now_ms);
/*  The node after `from`; `from` itself where it is the only one. */
size_t turn_next (const cw_client_t *client, size_t from, uint64_t now_ms);

/*  The call of this moment, the last one begun, asks the node. */
void turn_asked (cw_client_t *client, size_t node);
/*  It failed: no connection, no answer, or an answer that sends the client elsewhere. */
void turn_failed (cw_client_t *client, size_t node, uint64_t now_ms);
void turn_served (cw_client_t *client, size_t node);

#endif
