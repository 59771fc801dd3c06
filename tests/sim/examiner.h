/*  examiner.h - the client that asks before the load and after it, and takes no for no answer.
 *
 *  Checkers: `ready` (nodes that are left in peace become a cluster, and one again after any fault; each says so in
 *  `status`), `hints-drained` (then no node holds a hint), `answered` (at rest every request succeeds).
 */
#ifndef CARTWHEEL_SIM_EXAMINER_H
#define CARTWHEEL_SIM_EXAMINER_H

#include "client.h"

/*  Sends the wish to one node after the other and waits for the answer (sim->answer), asking again where that may help.
 *  False: no luck. */
bool examiner_ask (sim_t *sim, wish_t *wish);

/*  Lets the nodes find each other, in a network that may lose, double and reorder. */
void examiner_await_cluster (sim_t *sim);

/*  Faults are over: lets them find each other again, and deliver their hints. */
void examiner_await_peace (sim_t *sim);

#endif
