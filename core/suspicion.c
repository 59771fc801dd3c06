/*  suspicion.c - see suspicion.h. */
#include "suspicion.h"

#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"

#define LEAST_US 20000u
#define MOST_US 2000000u
#define MISSES_MOST 3u
#define ACCUSE_EVERY_US 250000u
#define SLOW_FACTOR 2u
#define SLOW_MARGIN_US 1000u /* differences below this are not worth an uneven load */

void suspicion_clear (suspicion_t *self)
{
    free (self->items);
    memset (self, 0, sizeof *self);
}

static regard_t *s_find (const suspicion_t *self, uint64_t node)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->items[i].node == node)
            return &self->items[i];
    return NULL;
}

regard_t *suspicion_regard (suspicion_t *self, uint64_t node)
{
    regard_t *regard = s_find (self, node);
    if (regard != NULL || self->count == LIMIT_MEMBERS_COUNT)
        return regard;
    self->items = memory_resize (self->items, self->count + 1, sizeof *self->items);
    regard = &self->items[self->count++];
    *regard = (regard_t){.node = node};
    return regard;
}

void suspicion_heard (suspicion_t *self, uint64_t node)
{
    regard_t *regard = suspicion_regard (self, node);
    if (regard != NULL)
        regard->misses = 0;
}

void suspicion_answer (suspicion_t *self, uint64_t node, pace_t pace, uint64_t took_us)
{
    regard_t *regard = suspicion_regard (self, node);
    if (regard == NULL)
        return;
    regard->misses = 0;
    patience_answer (&regard->pace[pace], took_us);
}

bool suspicion_miss (suspicion_t *self, uint64_t node, uint64_t sent_us, uint64_t now_us)
{
    regard_t *regard = suspicion_regard (self, node);
    if (regard == NULL)
        return false;
    if (sent_us >= regard->missed_us) {
        regard->misses++;
        regard->missed_us = now_us;
    }
    if (regard->misses < MISSES_MOST ||
        (regard->accused_us != 0 && now_us - regard->accused_us < ACCUSE_EVERY_US))
        return false;
    regard->accused_us = now_us;
    return true;
}

void suspicion_forgive (suspicion_t *self, uint64_t node)
{
    regard_t *regard = s_find (self, node);
    if (regard == NULL)
        return;
    regard->misses = 0;
    regard->accused_us = 0;
}

bool suspicion_suspects (const suspicion_t *self, uint64_t node)
{
    const regard_t *regard = s_find (self, node);
    return regard != NULL && regard->misses >= MISSES_MOST;
}

uint64_t suspicion_timeout (const suspicion_t *self, uint64_t node, pace_t pace, uint64_t first_us)
{
    const regard_t *regard = s_find (self, node);
    if (regard == NULL || regard->pace[pace].mean_us == 0)
        return first_us;
    return patience_timeout (&regard->pace[pace], LEAST_US, MOST_US);
}

/* ---- order ---- */

/*  0 when it never answered: one has to ask to find out. */
static uint64_t s_mean (const suspicion_t *self, uint64_t node)
{
    const regard_t *regard = s_find (self, node);
    return regard != NULL ? regard->pace[PACE_QUICK].mean_us : 0;
}

void suspicion_order (const suspicion_t *self, uint64_t own, quorum_t *quorum)
{
    uint64_t fastest = UINT64_MAX;
    for (size_t i = 0; i < quorum->count; i++) {
        const attempt_state_t *attempt = &quorum->items[i];
        uint64_t mean = s_mean (self, attempt->node);
        if (attempt->node != own && attempt->result == RESULT_PENDING && mean != 0 &&
            mean < fastest)
            fastest = mean;
    }
    uint64_t slow = fastest < UINT64_MAX / 4 ? fastest * SLOW_FACTOR + SLOW_MARGIN_US : UINT64_MAX;
    attempt_state_t sorted[LIMIT_N];
    size_t count = 0;
    for (unsigned rank = 0; rank < 3; rank++)
        for (size_t i = 0; i < quorum->count; i++) {
            uint64_t node = quorum->items[i].node;
            unsigned its = suspicion_suspects (self, node) ? 2
                           : node != own                   ? s_mean (self, node) > slow
                                                           : 0;
            if (its == rank)
                sorted[count++] = quorum->items[i];
        }
    memcpy (quorum->items, sorted, count * sizeof *sorted);
}

void suspicion_follow (suspicion_t *self, const ring_t *ring)
{
    size_t kept = 0;
    for (size_t i = 0; i < self->count; i++)
        if (ring_member (ring, self->items[i].node) != NULL)
            self->items[kept++] = self->items[i];
    self->count = kept;
}
