/*  tour_tasks.h - what the clients of a load do with one record. */
#ifndef CARTWHEEL_TOUR_TASKS_H
#define CARTWHEEL_TOUR_TASKS_H

#include "tour_load.h"

/*  Writes it, at w = 2. The first error to a client ends the load: the nodes that are left have to do. */
load_task_t task_write;
/*  Reads it back at r = 2 and compares every byte. */
load_task_t task_read;
/*  Has its three replicas say what they hold: equal digests mean equal states. Where they differ, a read that asks all of
 *  them mends that, and they are asked again until they agree. */
load_task_t task_compare;

#endif
