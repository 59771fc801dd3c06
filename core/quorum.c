/*  quorum.c - see quorum.h. */
#include "quorum.h"

#include <string.h>

void quorum_init (quorum_t *self, const ring_t *ring, uint32_t partition, uint64_t turn)
{
    memset (self, 0, sizeof *self);
    uint8_t n = ring_charter (ring)->n;
    int own = ring_slot_of (ring, partition, ring_self (ring));
    uint8_t first = (uint8_t) (own >= 0 ? (unsigned) own : turn % n);
    for (uint8_t i = 0; i < n; i++) {
        uint8_t slot = (uint8_t) ((first + i) % n);
        uint64_t owner = ring_slot (ring, partition, slot)->owner;
        if (owner == 0)
            continue;
        const member_t *member = ring_member (ring, owner);
        bool reachable = owner == ring_self (ring) || (member != NULL && member->reachable);
        self->items[self->count++] = (attempt_state_t){
            .slot = slot, .node = owner, .result = reachable ? RESULT_PENDING : RESULT_DOWN};
    }
}

attempt_state_t *quorum_slot (quorum_t *self, uint8_t slot)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->items[i].slot == slot)
            return &self->items[i];
    return NULL;
}

size_t quorum_count (const quorum_t *self, unsigned results)
{
    size_t count = 0;
    for (size_t i = 0; i < self->count; i++) {
        if (!(QUORUM_RESULT (self->items[i].result) & results))
            continue;
        bool again = false;
        for (size_t j = 0; j < i && !again; j++)
            again = self->items[j].node == self->items[i].node &&
                    (QUORUM_RESULT (self->items[j].result) & results);
        count += !again;
    }
    return count;
}

size_t quorum_outstanding (const quorum_t *self)
{
    size_t count = 0;
    for (size_t i = 0; i < self->count; i++)
        count += self->items[i].asked && self->items[i].result == RESULT_PENDING;
    return count;
}
