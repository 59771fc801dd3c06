/*  ring.c - see ring.h. */
#include "ring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"

struct ring {
    snapshot_t table; /* our own copy */
    slot_t *slots;    /* partition * n + slot: views of the rows, vacant where there is no row */
};

static bool s_power_of_two (uint32_t x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

/*  Puts each row at its place. False when a row has no place, or two have the same. */
static bool s_place (ring_t *self)
{
    const charter_t *charter = &self->table.charter;
    size_t count = (size_t) charter->partitions * charter->n;
    self->slots = memory_new (count, sizeof *self->slots);
    for (size_t i = 0; i < count; i++) {
        self->slots[i].partition = (uint32_t) (i / charter->n);
        self->slots[i].slot = (uint8_t) (i % charter->n);
    }
    for (size_t i = 0; i < self->table.slots.count; i++) {
        const slot_t *row = &self->table.slots.items[i];
        if (row->partition >= charter->partitions || row->slot >= charter->n)
            return false;
        slot_t *place = &self->slots[(size_t) row->partition * charter->n + row->slot];
        if (place->version != 0 || row->version == 0) /* 0 marks a place without a row */
            return false;
        *place = *row;
    }
    return true;
}

ring_t *ring_new (const snapshot_t *snapshot)
{
    const charter_t *charter = &snapshot->charter;
    if (!s_power_of_two (charter->partitions) || charter->partitions > LIMIT_PARTITIONS_COUNT ||
        charter->n == 0 || charter->n > LIMIT_N)
        return NULL;
    ring_t *self = memory_new (1, sizeof *self);
    codec_copy (&snapshot_schema, snapshot, &self->table);
    if (!s_place (self))
        ring_destroy (&self);
    return self;
}

void ring_destroy (ring_t **self_p)
{
    assert (self_p);
    ring_t *self = *self_p;
    if (self == NULL)
        return;
    codec_clear (&snapshot_schema, &self->table);
    free (self->slots);
    free (self);
    *self_p = NULL;
}

void ring_follow (ring_t **ring_p, const message_t *message, effects_t *effects)
{
    ring_t *ring = ring_new (&message->snapshot);
    if (ring == NULL)
        return;
    ring_destroy (ring_p);
    *ring_p = ring;
    message_t *seen = message_new (MESSAGE_seen);
    seen->seen.version = message->snapshot.version;
    effects_send (effects, message->from, &seen);
}

uint64_t ring_version (const ring_t *self)
{
    return self->table.version;
}

const charter_t *ring_charter (const ring_t *self)
{
    return &self->table.charter;
}

uint64_t ring_self (const ring_t *self)
{
    return self->table.charter.node;
}

const member_t *ring_members (const ring_t *self, size_t *count)
{
    *count = self->table.members.count;
    return self->table.members.items;
}

const member_t *ring_member (const ring_t *self, uint64_t node)
{
    for (size_t i = 0; i < self->table.members.count; i++)
        if (self->table.members.items[i].node == node)
            return &self->table.members.items[i];
    return NULL;
}

size_t ring_member_count (const ring_t *self)
{
    size_t count = 0;
    for (size_t i = 0; i < self->table.members.count; i++)
        count += self->table.members.items[i].state <= MEMBER_LEAVING;
    return count;
}

uint32_t ring_partition (uint32_t partitions, uint64_t hash)
{
    assert (s_power_of_two (partitions));
    if (partitions == 1)
        return 0;
    return (uint32_t) (hash >> (64 - (unsigned) __builtin_ctz (partitions)));
}

const slot_t *ring_slot (const ring_t *self, uint32_t partition, uint8_t slot)
{
    const charter_t *charter = &self->table.charter;
    assert (partition < charter->partitions && slot < charter->n);
    return &self->slots[(size_t) partition * charter->n + slot];
}

int ring_slot_of (const ring_t *self, uint32_t partition, uint64_t node)
{
    for (uint8_t slot = 0; slot < self->table.charter.n; slot++)
        if (ring_slot (self, partition, slot)->owner == node)
            return slot;
    return -1;
}

uint64_t ring_load (const ring_t *self, uint64_t node)
{
    uint64_t load = 0;
    size_t count = (size_t) self->table.charter.partitions * self->table.charter.n;
    for (size_t i = 0; i < count; i++)
        load += self->slots[i].owner == node;
    return load;
}

void ring_found (snapshot_t *snapshot, const charter_t *charter, const settings_t *settings)
{
    memset (snapshot, 0, sizeof *snapshot);
    codec_copy (&charter_schema, charter, &snapshot->charter);
    member_t self = {
        .node = charter->node,
        .name = bytes_text (settings->name),
        .client = bytes_text (settings->client),
        .peer = bytes_text (settings->peer),
        .gossip = bytes_text (settings->gossip),
        .zone = bytes_text (settings->zone),
        .weight = settings->weight,
        .state = MEMBER_UP,
        .version = 1,
        .reachable = true,
    };
    snapshot->members.items = memory_new (1, sizeof (member_t));
    snapshot->members.count = 1;
    codec_copy (&member_schema, &self, snapshot->members.items);
    snapshot->slots.items = memory_new (charter->partitions, sizeof (slot_t));
    snapshot->slots.count = charter->partitions;
    for (uint32_t partition = 0; partition < charter->partitions; partition++)
        snapshot->slots.items[partition] =
            (slot_t){.partition = partition, .slot = 0, .version = 1, .owner = charter->node};
    snapshot->version = ring_sum (snapshot);
}

uint64_t ring_sum (const snapshot_t *snapshot)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < snapshot->members.count; i++)
        sum += snapshot->members.items[i].version;
    for (size_t i = 0; i < snapshot->slots.count; i++)
        sum += snapshot->slots.items[i].version;
    return sum;
}

const char *member_state_name (uint8_t state)
{
    static const char *const names[] = {"joining", "up", "leaving", "left", "removed"};
    return state <= MEMBER_REMOVED ? names[state] : "removed";
}
