/*  hints.h - watches a replica delete hints that handoff says are delivered.
 *
 *  Checker: `hint-kept` (a hint goes only when the disk of its slot's owner has all that is in it: perhaps more was put into
 *  it while it was on its way).
 */
#ifndef CARTWHEEL_SIM_HINTS_H
#define CARTWHEEL_SIM_HINTS_H

#include "sim.h"

/*  A replica is about to take a hint_drop. */
void hints_before (sim_t *sim, const node_t *self, const hint_drop_t *drop);
/*  It has taken it. */
void hints_after (sim_t *sim, const node_t *self, const hint_drop_t *drop);

#endif
