/*  network.h - the wire between virtual nodes: frames that vanish, come twice, come late, and overtake each other.
 *
 *  Each message is encoded here and decoded where it arrives, so the codec is part of every run.
 */
#ifndef CARTWHEEL_SIM_NETWORK_H
#define CARTWHEEL_SIM_NETWORK_H

#include "sim.h"

/*  Sends a copy of the message on its way. */
void network_send (sim_t *sim, node_t *from, node_t *to, role_id_t role, const message_t *message);

#endif
