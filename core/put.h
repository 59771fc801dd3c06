/*  put.h - writing and deleting a key (Dynamo 4.5, 5): one home mints, the others merge what it made.
 *
 *  The minter is this node where it is a home, else a home that is reachable, not suspected and not slow. Its replica
 *  drops what the context covers, adds the new version and answers with the resulting state, which spread.c takes to the
 *  other slots; the client is answered at w durable acknowledgements on distinct nodes.
 *
 *  Each put has a put_id, the client's or a random one. So a mint that was not answered in its time is sent again, and
 *  when its home is down, or silent three times, another home mints with the same put_id: at worst the version has a
 *  twin, which goes wherever it goes. Where no home can be reached, a fallback mints into its hint. A write that may have
 *  been carried out somewhere is never called a failure.
 *
 *  Each function returns whether the operation is over and may be destroyed.
 */
#ifndef CARTWHEEL_PUT_H
#define CARTWHEEL_PUT_H

#include "coordinator.h"

bool put_begin (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects);
/*  Of a mint_reply or a replicate_reply. */
bool put_reply (coordinator_t *self, operation_t *operation, message_t *message, uint64_t now_us,
                effects_t *effects);
bool put_tick (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects);

#endif
