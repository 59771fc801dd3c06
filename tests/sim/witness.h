/*  witness.h - overhears what the roles of a node tell each other about the ring, and who is asked to mint what.
 *
 *  Checkers: `one-owner` (two nodes never go by owning the same slot, a version of a slot has one owner whoever speaks of it,
 *  and in a complete cluster none owns two of a partition and each has its share), `unmoved` (no fault moves a slot of a complete cluster), `kept-ring` (a replica
 *  recalls what it said it had persisted). It also answers who owns a slot, for the checkers that look into the stores.
 */
#ifndef CARTWHEEL_SIM_WITNESS_H
#define CARTWHEEL_SIM_WITNESS_H

#include "sim.h"

void witness_start (sim_t *sim);
void witness_clear (sim_t *sim);

/*  A role of the node is about to take the message. */
void witness_taken (sim_t *sim, node_t *self, role_id_t role, const message_t *message);
/*  A role of the node sends the message to `to`, which may be the node itself. */
void witness_said (sim_t *sim, node_t *self, role_id_t role, const node_t *to,
                   const message_t *message);
/*  The process has ended. */
void witness_ended (node_t *self);

/*  Whether every node knows every other as a member that is up, all tables are equal, and no slot is to move. */
bool witness_complete (const sim_t *sim);
/*  From now on the table stays as it is. */
void witness_fix (sim_t *sim);
/*  Whether every node's gossip reaches every other. */
bool witness_united (const sim_t *sim);

/*  The owner of a slot of the complete cluster, or NULL where it is vacant. */
node_t *witness_owner (sim_t *sim, uint32_t partition, uint32_t slot);

#endif
