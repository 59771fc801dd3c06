/*  get.h - reading a key (Dynamo 4.5): ask r owners first, answer when r have answered, mend whoever differs.
 *
 *  One read in ten, and each whose answers differ from what is asked of it, goes to all owners. Whoever does not answer
 *  in its time-out is not waited for alone: the next owner is asked, or the same once more. Who is down, refuses or stays
 *  silent is stood in for by fallbacks with their hints, unless the request is strict. Stand-ins count toward r, but that
 *  there is no value takes r owners to say.
 *
 *  After the reply the operation waits a little for the others' answers and sends the merged state to each owner that
 *  holds another one (read repair, Dynamo 4.7), within a budget: equality is that of whole states, never of their
 *  contexts alone.
 *
 *  Each function returns whether the operation is over and may be destroyed.
 */
#ifndef CARTWHEEL_GET_H
#define CARTWHEEL_GET_H

#include "coordinator.h"

bool get_begin (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects);
bool get_reply (coordinator_t *self, operation_t *operation, message_t *message, uint64_t now_us,
                effects_t *effects);
bool get_tick (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects);

/*  Asks a replica to read the key, or its hint of it. */
void get_ask (coordinator_t *self, operation_t *operation, attempt_state_t *attempt,
              uint64_t now_us, effects_t *effects);

/*  Takes a read_reply in. False when it is late, twice, or nobody's. */
bool get_take (coordinator_t *self, operation_t *operation, message_t *message, uint64_t now_us);

#endif
