/*  table.c - see table.h. */
#include "table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"
#include "hash.h"
#include "ring.h"

#define VERSION_MOST ((uint64_t) 1 << 62) /* so that adding to one never wraps around */
#define WEIGHT_MOST 1000000.0
#define SLOT_BYTES 34u /* of a row, as it is hashed */

static size_t s_places (const table_t *self)
{
    return (size_t) self->charter.partitions * self->charter.n;
}

static size_t s_place (const table_t *self, const slot_t *row)
{
    return (size_t) row->partition * self->charter.n + row->slot;
}

void table_init (table_t *self, const charter_t *charter)
{
    assert (charter->partitions > 0 && charter->partitions <= LIMIT_PARTITIONS_COUNT);
    assert (charter->n > 0 && charter->n <= LIMIT_N);
    memset (self, 0, sizeof *self);
    codec_copy (&charter_schema, charter, &self->charter);
    self->charter_queued = true;
    self->slots = memory_new (s_places (self), sizeof *self->slots);
    self->newest = memory_new (s_places (self), sizeof *self->newest);
    self->queued = memory_new (s_places (self), sizeof *self->queued);
    for (size_t i = 0; i < s_places (self); i++) {
        self->slots[i].partition = (uint32_t) (i / charter->n);
        self->slots[i].slot = (uint8_t) (i % charter->n);
        self->newest[i] = self->slots[i];
    }
    memset (self->stale, true, sizeof self->stale);
}

void table_clear (table_t *self)
{
    codec_clear (&charter_schema, &self->charter);
    for (size_t i = 0; i < self->members_count; i++) {
        codec_clear (&member_schema, &self->members[i].now);
        codec_clear (&member_schema, &self->members[i].newest);
    }
    free (self->members);
    free (self->slots);
    free (self->newest);
    free (self->queued);
    memset (self, 0, sizeof *self);
}

/* ---- checks ---- */

/*  Whether a text can be shown on one line. */
static bool s_printable (bytes_t text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < ' ' || text.data[i] == 0x7f)
            return false;
    return true;
}

bool member_valid (const member_t *row)
{
    const bytes_t texts[] = {row->name, row->client, row->peer, row->gossip, row->zone};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!s_printable (texts[i]))
            return false;
    return row->node != 0 && row->name.size > 0 && row->gossip.size > 0 && row->weight > 0 &&
           row->weight < WEIGHT_MOST && row->state <= MEMBER_REMOVED && row->version > 0 &&
           row->version < VERSION_MOST && row->joined < VERSION_MOST && row->left < VERSION_MOST &&
           (row->public_key.size == 0 || row->public_key.size == LIMIT_PUBLIC_KEY_BYTES);
}

bool slot_valid (const table_t *self, const slot_t *row)
{
    return row->partition < self->charter.partitions && row->slot < self->charter.n &&
           row->version > 0 && row->version < VERSION_MOST && row->owner != 0 &&
           row->phase <= SLOT_REBUILD;
}

/* ---- members ---- */

/*  Where the node's entry is, or would be. */
static size_t s_index (const table_t *self, uint64_t node)
{
    size_t least = 0, most = self->members_count;
    while (least < most) {
        size_t middle = (least + most) / 2;
        if (self->members[middle].newest.node < node)
            least = middle + 1;
        else
            most = middle;
    }
    return least;
}

const entry_t *table_find (const table_t *self, uint64_t node)
{
    size_t index = s_index (self, node);
    if (index == self->members_count || self->members[index].newest.node != node)
        return NULL;
    return &self->members[index];
}

const member_t *table_member (const table_t *self, uint64_t node)
{
    const entry_t *entry = table_find (self, node);
    return entry == NULL || entry->now.node == 0 ? NULL : &entry->now;
}

bool table_active (const table_t *self, uint64_t node)
{
    const member_t *member = table_member (self, node);
    return member != NULL && member->state <= MEMBER_LEAVING;
}

/*  The node's entry, made when there is none yet; NULL when there are too many. */
static entry_t *s_entry (table_t *self, uint64_t node)
{
    size_t index = s_index (self, node);
    if (index < self->members_count && self->members[index].newest.node == node)
        return &self->members[index];
    if (self->members_count == LIMIT_MEMBERS_COUNT)
        return NULL;
    self->members = memory_resize (self->members, self->members_count + 1, sizeof *self->members);
    memmove (self->members + index + 1, self->members + index,
             (self->members_count - index) * sizeof *self->members);
    self->members_count++;
    memset (&self->members[index], 0, sizeof *self->members);
    return &self->members[index];
}

static void s_set_member (member_t *place, const member_t *row)
{
    member_t copy;
    codec_copy (&member_schema, row, &copy);
    codec_clear (&member_schema, place);
    *place = copy;
    place->reachable = false;
}

/*  To have left or been removed is for ever; else the higher version counts. What two wrote under one version is told apart
 *  by any rule that is the same everywhere; the member's own next row ends it. */
static bool s_member_wins (const member_t *row, const member_t *over)
{
    uint8_t end = row->state >= MEMBER_LEFT ? row->state : 0;
    uint8_t end_over = over->state >= MEMBER_LEFT ? over->state : 0;
    if (end != end_over)
        return end > end_over;
    if (row->version != over->version)
        return row->version > over->version;
    if (row->state != over->state)
        return row->state > over->state;
    return row->joined > over->joined;
}

void table_recall_member (table_t *self, const member_t *row)
{
    entry_t *entry = s_entry (self, row->node);
    if (entry == NULL)
        return;
    s_set_member (&entry->now, row);
    s_set_member (&entry->newest, row);
}

static void s_queue (table_t *self, bool *queued)
{
    self->queued_count += !*queued;
    *queued = true;
}

bool table_offer_member (table_t *self, const member_t *row)
{
    const entry_t *known = table_find (self, row->node);
    if (known != NULL && !s_member_wins (row, &known->newest))
        return false;
    entry_t *entry = s_entry (self, row->node);
    if (entry == NULL)
        return false;
    s_set_member (&entry->newest, row);
    s_queue (self, &entry->queued);
    return true;
}

void table_queue_member (table_t *self, uint64_t node)
{
    if (table_find (self, node) != NULL)
        s_queue (self, &s_entry (self, node)->queued);
}

member_list_t table_members (const table_t *self)
{
    member_list_t list = {.items = memory_new (self->members_count, sizeof (member_t))};
    for (size_t i = 0; i < self->members_count; i++)
        if (self->members[i].now.node != 0)
            list.items[list.count++] = self->members[i].now;
    return list;
}

/* ---- slots ---- */

const slot_t *table_slot (const table_t *self, uint32_t partition, uint8_t slot)
{
    return &self->slots[(size_t) partition * self->charter.n + slot];
}

static bool s_slot_wins (const slot_t *row, const slot_t *over)
{
    if (row->force != over->force)
        return row->force > over->force;
    if (row->version != over->version)
        return row->version > over->version;
    return row->owner > over->owner;
}

void table_recall_slot (table_t *self, const slot_t *row)
{
    self->slots[s_place (self, row)] = *row;
    self->newest[s_place (self, row)] = *row;
    self->stale[table_group (self, row->partition)] = true;
}

bool table_offer_slot (table_t *self, const slot_t *row)
{
    size_t place = s_place (self, row);
    if (!s_slot_wins (row, &self->newest[place]))
        return false;
    self->newest[place] = *row;
    s_queue (self, &self->queued[place]);
    return true;
}

/* ---- to the disk ---- */

bool table_waits (const table_t *self)
{
    return self->charter_queued || self->queued_count > 0;
}

void table_flush (table_t *self, enact_t *enact)
{
    if (self->charter_queued)
        codec_copy (&charter_schema, &self->charter, &enact->charter);
    self->charter_queued = false;
    enact->members.items = memory_new (self->queued_count, sizeof (member_t));
    for (size_t i = 0; i < self->members_count; i++) {
        entry_t *entry = &self->members[i];
        if (entry->queued)
            codec_copy (&member_schema, &entry->newest,
                        &enact->members.items[enact->members.count++]);
        entry->queued = false;
    }
    size_t slots = self->queued_count - enact->members.count;
    enact->slots.items = memory_new (slots, sizeof (slot_t));
    for (size_t i = 0; enact->slots.count < slots; i++) {
        if (self->queued[i])
            enact->slots.items[enact->slots.count++] = self->newest[i];
        self->queued[i] = false;
    }
    self->queued_count = 0;
}

void table_enacted (table_t *self, const member_list_t *members, const slot_list_t *slots)
{
    for (size_t i = 0; i < members->count; i++) {
        uint64_t node = members->items[i].node;
        if (table_find (self, node) != NULL)
            s_set_member (&s_entry (self, node)->now, &members->items[i]);
    }
    for (size_t i = 0; i < slots->count; i++) {
        const slot_t *row = &slots->items[i];
        if (!slot_valid (self, row))
            continue;
        self->slots[s_place (self, row)] = *row;
        if (s_slot_wins (row, &self->newest[s_place (self, row)]))
            self->newest[s_place (self, row)] = *row;
        self->stale[table_group (self, row->partition)] = true;
    }
}

void table_snapshot (const table_t *self, snapshot_t *snapshot)
{
    member_list_t members = table_members (self);
    snapshot_t view = {.charter = self->charter, .members = members};
    view.slots.items = memory_new (s_places (self), sizeof (slot_t));
    for (size_t i = 0; i < s_places (self); i++)
        if (self->slots[i].version != 0)
            view.slots.items[view.slots.count++] = self->slots[i];
    view.version = ring_sum (&view);
    codec_copy (&snapshot_schema, &view, snapshot);
    free (view.slots.items);
    free (members.items);
}

/* ---- digests ---- */

size_t table_groups (const table_t *self)
{
    return self->charter.partitions < LIMIT_GROUPS_COUNT ? self->charter.partitions
                                                         : LIMIT_GROUPS_COUNT;
}

size_t table_group (const table_t *self, uint32_t partition)
{
    return (size_t) ((uint64_t) partition * table_groups (self) / self->charter.partitions);
}

static uint8_t *s_pack (uint8_t *data, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        data[i] = (uint8_t) (number >> (8 * (bytes - 1 - i)));
    return data + bytes;
}

static uint64_t s_hash_group (const table_t *self, size_t group)
{
    size_t share = s_places (self) / table_groups (self); /* both are powers of two times n */
    uint8_t *data = memory_new (share, SLOT_BYTES);
    uint8_t *end = data;
    for (size_t i = group * share; i < (group + 1) * share; i++) {
        const slot_t *row = &self->slots[i];
        if (row->version == 0)
            continue;
        end = s_pack (end, row->partition, 4);
        end = s_pack (end, row->slot, 1);
        end = s_pack (end, row->version, 8);
        end = s_pack (end, row->force, 4);
        end = s_pack (end, row->owner, 8);
        end = s_pack (end, row->pending, 8);
        end = s_pack (end, row->phase, 1);
    }
    uint64_t hash = hash_bytes (bytes_view (data, (size_t) (end - data)));
    free (data);
    return hash;
}

uint64_t table_group_hash (table_t *self, size_t group)
{
    if (self->stale[group])
        self->groups[group] = s_hash_group (self, group);
    self->stale[group] = false;
    return self->groups[group];
}
