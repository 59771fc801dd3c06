/*  standin.h - what has no protocol of its own in a run: the syncer and the monitor of each node. */
#ifndef CARTWHEEL_SIM_STANDIN_H
#define CARTWHEEL_SIM_STANDIN_H

#include "sim.h"

/*  Says how the machine is doing, again and again. */
void standin_beat (sim_t *sim, node_t *self);
/*  A letter to one of the helpers; it stays the caller's. */
void standin_take (sim_t *sim, node_t *self, letter_t *letter);
/*  The running flush ends. */
void standin_flushed (sim_t *sim, node_t *self);

/*  Tells coordinator and replica how the machine is doing. */
void standin_host (sim_t *sim, node_t *self);

#endif
