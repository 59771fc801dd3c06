/*  drive.h - for tests of roles: a role under hand-made events, and its effects to look at.
 *
 *  Each step forgets the effects of the step before. Time stands still unless a test moves it.
 */
#ifndef CARTWHEEL_TEST_DRIVE_H
#define CARTWHEEL_TEST_DRIVE_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/object.h"
#include "core/ring.h"
#include "core/role.h"
#include "messages/memory.h"
#include "messages/request.h"

#define MS 1000u             /* in microseconds */
#define DRIVE_NONCE 0x5eed0u /* of the process that the role is in */

typedef struct {
    const role_t *role;
    void *core;
    effects_t effects; /* of the last step */
    uint64_t now_us;
    uint64_t wall_ms;
} drive_t;

static inline settings_t drive_settings (uint32_t partitions, uint8_t n, uint8_t r, uint8_t w)
{
    return (settings_t){
        .name = "node1",
        .zone = "here",
        .weight = 1,
        .client = "tcp://127.0.0.1:1",
        .peer = "tcp://127.0.0.1:2",
        .gossip = "tcp://127.0.0.1:3",
        .cluster = "demo",
        .partitions = partitions,
        .n = n,
        .r = r,
        .w = w,
        .timeout_ms = 1000,
        .durability = DURABILITY_BATCH,
        .sync_ms = 100,
        .value_bytes = 1u << 20,
        .siblings_count = 100,
        .hints_bytes = 1u << 30,
        .in_flight_count = 64,
        .monitor_ms = 1000,
    };
}

static inline void drive_open (drive_t *self, const role_t *role, const settings_t *settings,
                               store_t *store, uint64_t seed)
{
    setup_t setup = {
        .settings = settings, .store = store, .nonce = DRIVE_NONCE, .version = "0.1-test"};
    rng_seed (&setup.rng, seed);
    memset (self, 0, sizeof *self);
    self->role = role;
    self->core = role->create (&setup);
    self->now_us = 5000 * (uint64_t) 1000000;
    self->wall_ms = 1700000000000;
    effects_init (&self->effects);
}

static inline void drive_close (drive_t *self)
{
    self->role->destroy (&self->core);
    cr_assert_null (self->core);
    self->role->destroy (&self->core); /* may be called twice */
    effects_clear (&self->effects);
}

static inline void drive_step (drive_t *self, event_t event)
{
    effects_reset (&self->effects);
    event.now_us = self->now_us;
    event.wall_ms = self->wall_ms;
    self->role->step (self->core, &event, &self->effects);
    cr_assert_eq (self->effects.lost, 0);
}

static inline void drive_kind (drive_t *self, event_kind_t kind)
{
    drive_step (self, (event_t){.kind = kind});
}

/*  Hands over a message as if it came from a role of `node` (0: of this one). Takes it. */
static inline void drive_message (drive_t *self, uint64_t node, role_id_t role, message_t *message)
{
    message->from = (address_t){.node = node, .role = role};
    drive_step (self, (event_t){.kind = EVENT_MESSAGE, .message = message});
    message_destroy (&message);
}

/*  Lets `us` pass, and a tick come. */
static inline void drive_tick (drive_t *self, uint64_t us)
{
    self->now_us += us;
    drive_kind (self, EVENT_TICK);
}

static inline bool drive_busy (const drive_t *self)
{
    return self->role->busy (self->core);
}

/* ---- effects ---- */

static inline size_t drive_count (const drive_t *self, effect_kind_t kind)
{
    size_t count = 0;
    for (size_t i = 0; i < self->effects.count; i++)
        count += self->effects.items[i].kind == kind;
    return count;
}

static inline effect_t *drive_effect (drive_t *self, effect_kind_t kind)
{
    for (size_t i = 0; i < self->effects.count; i++)
        if (self->effects.items[i].kind == kind)
            return &self->effects.items[i];
    return NULL;
}

static inline size_t drive_sent_count (const drive_t *self, message_type_t type)
{
    size_t count = 0;
    for (size_t i = 0; i < self->effects.count; i++)
        count += self->effects.items[i].kind == EFFECT_SEND &&
                 self->effects.items[i].message->type == type;
    return count;
}

/*  The effect that sent the message of that type number `index` in this step, or NULL. */
static inline effect_t *drive_sent (drive_t *self, message_type_t type, size_t index)
{
    for (size_t i = 0; i < self->effects.count; i++) {
        effect_t *effect = &self->effects.items[i];
        if (effect->kind == EFFECT_SEND && effect->message->type == type && index-- == 0)
            return effect;
    }
    return NULL;
}

/* ---- rings ---- */

/*  A snapshot as node 1 has it: members 1 to `count`, all up and reachable, and slot s of partition p with node
 *  (p + s) % count + 1, as far as there are nodes. */
static inline message_t *drive_snapshot (const settings_t *settings, size_t count)
{
    message_t *message = message_new (MESSAGE_snapshot);
    snapshot_t *snapshot = &message->snapshot;
    size_t filled = count < settings->n ? count : settings->n;
    snapshot->charter = (charter_t){.cluster = 99,
                                    .cluster_name = bytes_copy ("demo", 4),
                                    .node = 1,
                                    .node_name = bytes_copy ("node1", 5),
                                    .partitions = settings->partitions,
                                    .n = settings->n};
    snapshot->members.items = memory_new (count, sizeof (member_t));
    snapshot->members.count = count;
    for (size_t i = 0; i < count; i++) {
        char name[] = "node1";
        name[4] = (char) ('1' + i);
        snapshot->members.items[i] = (member_t){.node = i + 1,
                                                .name = bytes_copy (name, 5),
                                                .weight = 1,
                                                .state = MEMBER_UP,
                                                .version = 1,
                                                .reachable = true};
    }
    snapshot->slots.items = memory_new (settings->partitions * filled, sizeof (slot_t));
    for (uint32_t partition = 0; partition < settings->partitions; partition++)
        for (size_t slot = 0; slot < filled; slot++)
            snapshot->slots.items[snapshot->slots.count++] =
                (slot_t){.partition = partition,
                         .slot = (uint8_t) slot,
                         .version = 1,
                         .owner = (partition + slot) % count + 1};
    snapshot->version = ring_sum (snapshot);
    return message;
}

/*  Slots that a node owns, over all partitions; of node 0: vacant ones. */
static inline uint64_t drive_load (const ring_t *ring, uint64_t node)
{
    const charter_t *charter = ring_charter (ring);
    uint64_t load = 0;
    for (uint32_t partition = 0; partition < charter->partitions; partition++)
        for (uint8_t slot = 0; slot < charter->n; slot++)
            load += ring_slot (ring, partition, slot)->owner == node;
    return load;
}

/* ---- states ---- */

/*  The encoding of a state with one sibling for each of `count` dots (actor, 1) .. of the actors given. */
static inline bytes_t drive_state (const uint64_t *actors, size_t count, bytes_t value)
{
    object_t object = {0};
    for (size_t i = 0; i < count; i++) {
        object_t result;
        context_t nothing = {0}, reply;
        write_t write = {.context = &nothing,
                         .value = value,
                         .dot = {.actor = actors[i], .counter = 1},
                         .hlc = 1};
        object_mint (&object, &write, &result, &reply);
        context_clear (&reply);
        object_clear (&object);
        object = result;
    }
    bytes_t encoded = object_encode (&object);
    object_clear (&object);
    return encoded;
}

#endif
