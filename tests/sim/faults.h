/*  faults.h - the nemesis: at drawn times it kills, pauses and cuts off nodes, fills and breaks disks, and moves clocks. */
#ifndef CARTWHEEL_SIM_FAULTS_H
#define CARTWHEEL_SIM_FAULTS_H

#include "sim.h"

/*  Makes the first appointment of each fault that the seed has. */
void faults_start (sim_t *sim);
/*  The fault strikes, and makes its next appointment, if its `campaign` is still on. */
void faults_strike (sim_t *sim, fault_t fault, uint64_t campaign);
/*  A write was answered `ok`. This is the worst moment for all nodes to go: what was acknowledged must be on disk by now. */
void faults_acknowledged (sim_t *sim);
/*  Parts the nodes into two sides, as FAULT_PARTITION does. */
void faults_part (sim_t *sim, uint64_t until_us);
/*  Those that strike at times stop, until faults_start; those of the network go on. */
void faults_pause (sim_t *sim);
/*  When a link or a node was last struck, or recovered. */
uint64_t faults_changed_us (const sim_t *sim);
/*  From now on nothing goes wrong any more: links are whole, nodes run, disks have room. */
void faults_heal (sim_t *sim);

#endif
