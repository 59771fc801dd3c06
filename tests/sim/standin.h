/*  standin.h - what has no protocol of its own in a run: the syncer and the monitor of each node, and gossip where there is
 *  more than one.
 *
 *  The real gossip founds clusters of one node and no more so far, so worlds of several nodes have a fixed ring: the
 *  stand-in asks each replica what it persisted, has it persist the rows, and repeats the snapshot, as gossip does.
 */
#ifndef CARTWHEEL_SIM_STANDIN_H
#define CARTWHEEL_SIM_STANDIN_H

#include "sim.h"

void standin_start (sim_t *sim, node_t *self);
/*  Says again what it has to say: a ring, how full the disk is. */
void standin_beat (sim_t *sim, node_t *self);
/*  A letter to one of the helpers; it stays the caller's. */
void standin_take (sim_t *sim, node_t *self, letter_t *letter);
/*  The running flush ends. */
void standin_flushed (sim_t *sim, node_t *self);

/*  Tells coordinator and replica how the machine is doing. */
void standin_host (sim_t *sim, node_t *self);

/*  The owner of a slot in a world of several nodes, or NULL where it is vacant. */
node_t *standin_owner (sim_t *sim, uint32_t partition, uint32_t slot);

#endif
