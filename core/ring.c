/*  ring.c - see ring.h. */
#include "ring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"
#include "hash.h"

struct ring {
    snapshot_t table;  /* our own copy, without the slots */
    slot_t *slots;     /* partition * n + slot: vacant where there is no row */
    stamp_t *stamps;   /* of each member, in the order of the rows */
    uint64_t heard_us; /* when the stamps came */
};

static bool s_power_of_two (uint32_t x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

/*  Puts each row at its place. False when a row has no place, or two have the same. */
static bool s_place (ring_t *self, const slot_list_t *rows)
{
    const charter_t *charter = &self->table.charter;
    size_t count = (size_t) charter->partitions * charter->n;
    self->slots = memory_new (count, sizeof *self->slots);
    for (size_t i = 0; i < count; i++) {
        self->slots[i].partition = (uint32_t) (i / charter->n);
        self->slots[i].slot = (uint8_t) (i % charter->n);
    }
    for (size_t i = 0; i < rows->count; i++) {
        const slot_t *row = &rows->items[i];
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
    snapshot_t rest = *snapshot;
    rest.slots = (slot_list_t){0};
    codec_copy (&snapshot_schema, &rest, &self->table);
    self->stamps = memory_new (self->table.members.count, sizeof *self->stamps);
    if (!s_place (self, &snapshot->slots))
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
    free (self->stamps);
    free (self);
    *self_p = NULL;
}

/*  What `self` knows of who is reachable, taken over from the ring before. */
static void s_inherit (ring_t *self, const ring_t *before)
{
    self->heard_us = before->heard_us;
    for (size_t i = 0; i < self->table.members.count; i++)
        for (size_t k = 0; k < before->table.members.count; k++)
            if (self->table.members.items[i].node == before->table.members.items[k].node)
                self->stamps[i] = before->stamps[k];
}

void ring_follow (ring_t **ring_p, const message_t *message, effects_t *effects)
{
    ring_t *ring = ring_new (&message->snapshot);
    if (ring == NULL)
        return;
    if (*ring_p != NULL)
        s_inherit (ring, *ring_p);
    ring_destroy (ring_p);
    *ring_p = ring;
    message_t *seen = message_new (MESSAGE_seen);
    seen->seen.sequence = message->snapshot.sequence;
    effects_send (effects, message->from, &seen);
}

void ring_hear (ring_t *self, const peers_t *peers, uint64_t now_us)
{
    self->heard_us = now_us;
    for (size_t i = 0; i < peers->peers.count; i++) {
        const sight_t *sight = &peers->peers.items[i];
        for (size_t k = 0; k < self->table.members.count; k++) {
            if (self->table.members.items[k].node != sight->node)
                continue;
            self->table.members.items[k].reachable = sight->reachable;
            self->stamps[k] = sight->stamp;
        }
    }
}

void ring_enact (ring_t *self, const slot_list_t *slots)
{
    const charter_t *charter = &self->table.charter;
    for (size_t i = 0; i < slots->count; i++) {
        const slot_t *row = &slots->items[i];
        if (row->partition >= charter->partitions || row->slot >= charter->n)
            continue;
        slot_t *place = &self->slots[(size_t) row->partition * charter->n + row->slot];
        if (place->version < row->version)
            *place = *row;
    }
}

bool ring_reachable (const ring_t *self, uint64_t node)
{
    const member_t *member = ring_member (self, node);
    return node == ring_self (self) || (member != NULL && member->reachable);
}

stamp_t ring_stamp (const ring_t *self, uint64_t node, uint64_t now_us, uint32_t *age_ms)
{
    *age_ms = 0;
    if (node == ring_self (self))
        return (stamp_t){0};
    const member_t *member = ring_member (self, node);
    if (member == NULL)
        return (stamp_t){0};
    uint64_t age = (now_us - self->heard_us) / 1000;
    *age_ms = age < UINT32_MAX ? (uint32_t) age : UINT32_MAX;
    return self->stamps[member - self->table.members.items];
}

typedef struct {
    uint64_t score;
    uint64_t node;
} candidate_node_t;

/*  The same on every node, whatever its byte order. */
static uint64_t s_score (uint32_t partition, uint64_t node)
{
    uint8_t data[12];
    for (unsigned i = 0; i < 4; i++)
        data[i] = (uint8_t) (partition >> (24 - 8 * i));
    for (unsigned i = 0; i < 8; i++)
        data[4 + i] = (uint8_t) (node >> (56 - 8 * i));
    return hash_bytes (bytes_view (data, sizeof data));
}

static int s_by_score (const void *a, const void *b)
{
    const candidate_node_t *one = a, *other = b;
    if (one->score != other->score)
        return one->score < other->score ? -1 : 1;
    return (one->node > other->node) - (one->node < other->node);
}

size_t ring_fallbacks (const ring_t *self, uint32_t partition, uint64_t *nodes, size_t most)
{
    size_t count = 0;
    candidate_node_t *candidates = memory_new (self->table.members.count, sizeof *candidates);
    for (size_t i = 0; i < self->table.members.count; i++) {
        const member_t *member = &self->table.members.items[i];
        if (member->state > MEMBER_UP || ring_slot_of (self, partition, member->node) >= 0)
            continue;
        candidates[count++] =
            (candidate_node_t){.score = s_score (partition, member->node), .node = member->node};
    }
    qsort (candidates, count, sizeof *candidates, s_by_score);
    if (count > most)
        count = most;
    for (size_t i = 0; i < count; i++)
        nodes[i] = candidates[i].node;
    free (candidates);
    return count;
}

bool ring_settled (const ring_t *self)
{
    return self->table.settled;
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
