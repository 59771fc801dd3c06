/*  quorum.c - see quorum.h. */
#include "quorum.h"

#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"

#define QUORUM_GOOD (QUORUM_READ | QUORUM_STORED)

void quorum_init (quorum_t *self, const ring_t *ring, uint32_t partition, uint64_t turn)
{
    self->partition = partition;
    self->count = 0;
    uint8_t n = ring_charter (ring)->n;
    int own = ring_slot_of (ring, partition, ring_self (ring));
    uint8_t first = (uint8_t) (own >= 0 ? (unsigned) own : turn % n);
    for (uint8_t i = 0; i < n; i++) {
        uint8_t slot = (uint8_t) ((first + i) % n);
        uint64_t owner = ring_slot (ring, partition, slot)->owner;
        if (owner == 0)
            continue;
        attempt_state_t *attempt = quorum_add (self, slot, owner, false);
        if (!ring_reachable (ring, owner))
            attempt->result = RESULT_DOWN;
    }
}

attempt_state_t *quorum_slot (quorum_t *self, uint8_t slot)
{
    for (size_t i = self->count; i > 0; i--)
        if (self->items[i - 1].slot == slot && !self->items[i - 1].hint)
            return &self->items[i - 1];
    return NULL;
}

attempt_state_t *quorum_find (quorum_t *self, uint8_t slot, uint64_t node)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->items[i].slot == slot && self->items[i].node == node)
            return &self->items[i];
    return NULL;
}

attempt_state_t *quorum_add (quorum_t *self, uint8_t slot, uint64_t node, bool hint)
{
    if (self->count == LIMIT_ATTEMPTS_COUNT)
        return NULL;
    attempt_state_t *attempt = &self->items[self->count++];
    *attempt = (attempt_state_t){
        .slot = slot, .node = node, .hint = hint, .result = RESULT_PENDING, .due_us = UINT64_MAX};
    return attempt;
}

/* ---- fallbacks ---- */

static bool s_used (const quorum_t *self, uint64_t node)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->items[i].node == node)
            return true;
    return false;
}

/*  How many reachable fallbacks are left; `first` is the next in order. */
static size_t s_unused (const quorum_t *self, const ring_t *ring, uint64_t *first)
{
    size_t members, unused = 0;
    ring_members (ring, &members);
    uint64_t *nodes = memory_new (members, sizeof *nodes);
    size_t count = ring_fallbacks (ring, self->partition, nodes, members);
    for (size_t i = count; i > 0; i--) {
        if (!ring_reachable (ring, nodes[i - 1]) || s_used (self, nodes[i - 1]))
            continue;
        *first = nodes[i - 1];
        unused++;
    }
    free (nodes);
    return unused;
}

attempt_state_t *quorum_stand_in (quorum_t *self, const ring_t *ring, uint8_t slot)
{
    uint64_t node;
    /* The last places are for hints at this node itself. */
    if (self->count >= LIMIT_ATTEMPTS_COUNT - LIMIT_N || s_unused (self, ring, &node) == 0)
        return NULL;
    return quorum_add (self, slot, node, true);
}

/* ---- counting ---- */

/*  Of a set of attempts (a bit each) so many as have distinct slots and distinct nodes. Owners come first: that a node
 *  keeps another's hint must not take away from what it stored itself. */
static size_t s_distinct (const quorum_t *self, uint32_t set)
{
    unsigned slots = 0;
    uint64_t nodes[LIMIT_N];
    size_t count = 0;
    for (int hints = 0; hints < 2; hints++)
        for (size_t i = 0; i < self->count; i++) {
            const attempt_state_t *attempt = &self->items[i];
            if (!(set >> i & 1) || attempt->hint != (hints == 1) || (slots >> attempt->slot & 1))
                continue;
            bool again = false;
            for (size_t j = 0; j < count && !again; j++)
                again = nodes[j] == attempt->node;
            if (again)
                continue;
            slots |= 1u << attempt->slot;
            nodes[count++] = attempt->node; /* no more than there are slots */
        }
    return count;
}

size_t quorum_count (const quorum_t *self, unsigned results, bool owners_only)
{
    uint32_t set = 0;
    for (size_t i = 0; i < self->count; i++) {
        const attempt_state_t *attempt = &self->items[i];
        if ((QUORUM_RESULT (attempt->result) & results) && !(owners_only && attempt->hint))
            set |= (uint32_t) 1 << i;
    }
    return s_distinct (self, set);
}

size_t quorum_hopeful (const quorum_t *self, bool owners_only)
{
    uint32_t set = 0;
    for (size_t i = 0; i < self->count; i++) {
        const attempt_state_t *attempt = &self->items[i];
        bool waiting = attempt->result == RESULT_PENDING && attempt->asked && !attempt->late;
        bool read = (QUORUM_RESULT (attempt->result) & QUORUM_READ) != 0;
        if ((waiting || read) && !(owners_only && attempt->hint))
            set |= (uint32_t) 1 << i;
    }
    return s_distinct (self, set);
}

size_t quorum_available (const quorum_t *self, const ring_t *ring, bool owners_only)
{
    size_t count = quorum_count (self, QUORUM_PENDING | QUORUM_GOOD, owners_only);
    size_t lacking = 0;
    for (uint8_t slot = 0; slot < ring_charter (ring)->n; slot++)
        lacking += ring_slot (ring, self->partition, slot)->owner != 0 &&
                   !quorum_has (self, slot, QUORUM_PENDING | QUORUM_GOOD);
    if (owners_only || lacking == 0)
        return count;
    uint64_t first;
    size_t unused = s_unused (self, ring, &first);
    return count + (unused < lacking ? unused : lacking);
}

bool quorum_has (const quorum_t *self, uint8_t slot, unsigned results)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->items[i].slot == slot && (QUORUM_RESULT (self->items[i].result) & results))
            return true;
    return false;
}

bool quorum_lacks (const quorum_t *self, uint8_t slot)
{
    for (size_t i = 0; i < self->count; i++) {
        const attempt_state_t *attempt = &self->items[i];
        if (attempt->slot != slot)
            continue;
        if ((QUORUM_RESULT (attempt->result) & QUORUM_GOOD) ||
            (attempt->result == RESULT_PENDING && !attempt->late))
            return false;
    }
    return true;
}

size_t quorum_outstanding (const quorum_t *self)
{
    size_t count = 0;
    for (size_t i = 0; i < self->count; i++)
        count += self->items[i].asked && self->items[i].result == RESULT_PENDING;
    return count;
}
