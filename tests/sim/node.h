/*  node.h - a virtual node: the shell of actors/actor.c on the queue of the simulator.
 *
 *  A role takes its mail in batches of a drawn size and is told EVENT_DRAINED after each; its effects are carried out in
 *  order, after the step that made them. A node may be killed after any step and after any effect. It then loses its roles
 *  and its mail; its store keeps what a disk would have kept.
 */
#ifndef CARTWHEEL_SIM_NODE_H
#define CARTWHEEL_SIM_NODE_H

#include "sim.h"

void node_init (sim_t *sim, size_t index);
void node_clear (node_t *self);

/*  Starts the process: fresh roles with fresh generators on the store as it is. */
void node_start (sim_t *sim, node_t *self);

/*  Ends the process at once. `fault`: KILL, POWER or BROKEN_DISK. It starts again after a while. */
void node_kill (sim_t *sim, node_t *self, fault_t fault);

/*  EVENT_STOP to all roles and time for what they owe; then nothing may be left. */
void node_stop (sim_t *sim, node_t *self);

/*  The letter comes to its mailbox. Takes it. */
void node_arrive (sim_t *sim, node_t *self, letter_t **letter_p);
/*  The role takes a batch. */
void node_wake (sim_t *sim, node_t *self, role_id_t role);
/*  The time that the role asked for has come. */
void node_tick (sim_t *sim, node_t *self, role_id_t role);

/*  A message between two roles of the node: reliable while it lives, in order for each pair, after a short while. */
void node_post (sim_t *sim, node_t *self, role_id_t from, role_id_t to, message_t **message_p);

bool node_paused (const sim_t *sim, const node_t *self);

#endif
