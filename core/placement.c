/*  placement.c - see placement.h. */
#include "placement.h"

#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"
#include "ring.h"

/*  One partition, as it is and as it should be. */
typedef struct {
    const slot_t *rows;        /* n of them */
    uint64_t missing[LIMIT_N]; /* who should own a slot and owns none */
    uint8_t missing_count;
    uint64_t decider; /* who assigns vacant slots; 0: nobody owns one */
} share_t;

static bool s_owns (const slot_t *rows, uint8_t count, uint64_t node)
{
    for (uint8_t i = 0; i < count; i++)
        if (rows[i].owner == node)
            return true;
    return false;
}

static void s_share (share_t *self, const slot_t *rows, const uint64_t *target, uint8_t n)
{
    *self = (share_t){.rows = rows};
    for (uint8_t i = 0; i < n; i++) {
        if (target[i] != 0 && !s_owns (rows, n, target[i]))
            self->missing[self->missing_count++] = target[i];
        if (self->decider == 0)
            self->decider = rows[i].owner;
    }
}

/*  Whether the slot's owner should not have it: it is not among the partition's, or has another slot of it. */
static bool s_misplaced (const slot_t *rows, const uint64_t *target, uint8_t n, uint8_t slot)
{
    uint64_t owner = rows[slot].owner;
    if (owner == 0)
        return false;
    if (s_owns (rows, slot, owner))
        return true;
    for (uint8_t i = 0; i < n; i++)
        if (target[i] == owner)
            return false;
    return true;
}

static void s_append (slot_list_t *list, const slot_t *row, uint64_t owner)
{
    if ((list->count & (list->count - 1)) == 0)
        list->items = memory_resize (list->items, list->count ? list->count * 2 : 1, sizeof *row);
    list->items[list->count] = *row;
    list->items[list->count].version++;
    list->items[list->count].owner = owner;
    list->items[list->count++].phase = SLOT_READY;
}

static void s_plan_partition (plan_t *self, const share_t *share, const uint64_t *target, uint8_t n,
                              uint64_t node, bool gifts)
{
    uint8_t next = 0;
    for (uint8_t slot = 0; slot < n && next < share->missing_count; slot++) {
        if (share->rows[slot].owner != 0)
            continue;
        uint64_t to = share->missing[next++];
        self->vacant++;
        self->coming += to == node;
        if (share->decider == node)
            s_append (&self->assigned, &share->rows[slot], to);
    }
    for (uint8_t slot = 0; gifts && slot < n && next < share->missing_count; slot++) {
        if (!s_misplaced (share->rows, target, n, slot))
            continue;
        uint64_t to = share->missing[next++];
        self->misplaced++;
        self->coming += to == node;
        if (share->rows[slot].owner == node)
            s_append (&self->gifts, &share->rows[slot], to);
    }
}

void plan_make (plan_t *self, const table_t *table, const uint64_t *target, uint64_t node,
                bool gifts)
{
    memset (self, 0, sizeof *self);
    self->whole = true;
    uint8_t n = table->charter.n;
    for (uint32_t partition = 0; partition < table->charter.partitions; partition++) {
        const uint64_t *wanted = target + (size_t) partition * n;
        share_t share;
        s_share (&share, table_slot (table, partition, 0), wanted, n);
        self->whole &= share.decider != 0;
        s_plan_partition (self, &share, wanted, n, node, gifts);
    }
}

void plan_clear (plan_t *self)
{
    free (self->assigned.items);
    free (self->gifts.items);
    memset (self, 0, sizeof *self);
}
