/*  replicas.h - checkers that look into the stores themselves: what a coordinator says of them is not evidence.
 *
 *  `equal-replicas`: at rest, each owner of a key holds the same state, whole and sound. `twins`: where a key has one
 *  minter, no two of its siblings come from one put_id. `durable`: when a put is answered `ok`, the disks of w nodes have
 *  it. `no-double-count`: and each of these for another slot, as owner, or, where that is not `strict`, with a hint.
 *  `delivered`: where no process died and no disk or mailbox was full, hints alone bring an acknowledged put to its owners.
 */
#ifndef CARTWHEEL_SIM_REPLICAS_H
#define CARTWHEEL_SIM_REPLICAS_H

#include "sim.h"

/*  At rest. */
void replicas_check (sim_t *sim);

/*  All hints are delivered, and nothing was read since. */
void replicas_check_delivered (sim_t *sim);

/*  The put was answered `ok` just now. */
void replicas_check_durable (sim_t *sim, uint32_t change);

#endif
