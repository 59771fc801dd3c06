/*  put.h - writing and deleting a key (Dynamo 4.5, 5): one home mints, the others merge what it made.
 *
 *  The minter is this node where it is a home, else the first home that is reachable. Its replica drops what the context
 *  covers, adds the new version and answers with the resulting state, which goes to the other owners; the client is
 *  answered at w durable acknowledgements, and the operation goes on until each owner has acknowledged or the time is
 *  over. A mint is never tried twice, for the first try may have been carried out: only a home that refused, which means
 *  that nothing was written there, is passed over for the next.
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
