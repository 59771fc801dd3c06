/*  network.h - the wire between virtual nodes: frames that vanish, come twice, come late, and overtake each other.
 *
 *  Each message is encoded here and decoded where it arrives, so the codec is part of every run.
 */
#ifndef CARTWHEEL_SIM_NETWORK_H
#define CARTWHEEL_SIM_NETWORK_H

#include "sim.h"

/*  What the wire of a role learns from a snapshot that passes: who the node is, and who the members are. */
void network_learn (sim_t *sim, actor_t *actor, const snapshot_t *snapshot);

/*  Who an effect of the actor means; NULL when nobody is there. */
node_t *network_find (sim_t *sim, node_t *self, const actor_t *actor, const effect_t *effect);

/*  Whether a frame may come in, by its head: replicas and coordinators hear members of their own cluster and nobody else.
 *  A frame whose head cannot be read does come in, as the garbage that it is. */
bool network_admits (sim_t *sim, const actor_t *actor, const letter_t *letter);

/*  A frame finds no process: its sender's queue may keep it for the next one. Takes the letter, or leaves it. */
void network_keep (sim_t *sim, const node_t *to, letter_t **letter_p);

/*  Sends a copy of the message on its way. */
void network_send (sim_t *sim, node_t *from, node_t *to, role_id_t role, const message_t *message);

#endif
