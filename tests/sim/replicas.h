/*  replicas.h - the checker `equal-replicas`: at rest, each owner of a key holds the same state, whole and sound.
 *
 *  And `twins`: where a key has one owner, no two of its siblings come from one put_id.
 */
#ifndef CARTWHEEL_SIM_REPLICAS_H
#define CARTWHEEL_SIM_REPLICAS_H

#include "sim.h"

void replicas_check (sim_t *sim);

#endif
