/*  replicas.h - the checker `equal-replicas`: at rest, each owner of a key holds the same state, whole and sound. */
#ifndef CARTWHEEL_SIM_REPLICAS_H
#define CARTWHEEL_SIM_REPLICAS_H

#include "sim.h"

void replicas_check (sim_t *sim);

#endif
