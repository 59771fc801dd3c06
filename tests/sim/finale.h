/*  finale.h - the end of a run: the faults stop, everything settles, and what is left is held against the history.
 *
 *  Checkers: `lost-write`, `false-siblings`, `resurrection`, `invented`, `equal-replicas`, `listing`, `answered`.
 */
#ifndef CARTWHEEL_SIM_FINALE_H
#define CARTWHEEL_SIM_FINALE_H

#include "sim.h"

void finale_run (sim_t *sim);

#endif
