/*  writes.h - the writes of a replica: versions that it makes, and states of others that it merges (Dynamo 4.4, 4.5).
 *
 *  Both are refused when what they go by is too old: a message carries a stamp of this very process, which its sender
 *  had heard of before it began, so neither a frame that was under way for long nor one for a former life of this
 *  process is carried out (algorithm rule: message age; no clock of another node counts).
 */
#ifndef CARTWHEEL_WRITES_H
#define CARTWHEEL_WRITES_H

#include "replica.h"

void writes_mint (replica_t *self, const event_t *event, effects_t *effects);
void writes_replicate (replica_t *self, const event_t *event, effects_t *effects);

#endif
