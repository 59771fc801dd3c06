/*  gossip.c - see gossip.h. */
#include "gossip.h"

#include <stdio.h>

#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"

#define RETRY_US 1000000u

/*  Who works from the ring. */
static const role_id_t LISTENERS[] = {ROLE_COORDINATOR, ROLE_REPLICA, ROLE_HANDOFF,
                                      ROLE_ANTIENTROPY};
#define LISTENER_COUNT (sizeof LISTENERS / sizeof *LISTENERS)

static void *gossip_create (const setup_t *setup)
{
    gossip_t *self = memory_new (1, sizeof *self);
    self->settings = *setup->settings;
    self->rng = setup->rng;
    return self;
}

static void gossip_destroy (void **core_p)
{
    gossip_t *self = *core_p;
    if (self == NULL)
        return;
    codec_clear (&snapshot_schema, &self->table);
    free (self);
    *core_p = NULL;
}

static void s_halt (gossip_t *self, effects_t *effects, const char *what, const char *stored,
                    const char *configured)
{
    self->phase = GOSSIP_HALTED;
    effects_halt (
        effects,
        "the data folder belongs to %s %s, and the configuration says %s: use the folder's "
        "own configuration, or an empty folder",
        what, stored, configured);
}

static void s_halt_number (gossip_t *self, effects_t *effects, const char *what, uint64_t stored,
                           uint64_t configured)
{
    char stored_text[24];
    char configured_text[24];
    snprintf (stored_text, sizeof stored_text, "%llu", (unsigned long long) stored);
    snprintf (configured_text, sizeof configured_text, "%llu", (unsigned long long) configured);
    s_halt (self, effects, what, stored_text, configured_text);
}

/*  A name out of the folder, as a string of at most LIMIT_NAME_BYTES. */
static const char *s_text (bytes_t name, char *text)
{
    size_t size = name.size < LIMIT_NAME_BYTES ? name.size : LIMIT_NAME_BYTES;
    if (size > 0)
        memcpy (text, name.data, size);
    text[size] = 0;
    return text;
}

/*  Whether what the folder remembers is what the configuration says; halts otherwise. */
static bool s_agrees (gossip_t *self, const charter_t *charter, effects_t *effects)
{
    const settings_t *settings = &self->settings;
    char text[LIMIT_NAME_BYTES + 1];
    if (!bytes_equal (charter->node_name, bytes_text (settings->name)))
        s_halt (self, effects, "node", s_text (charter->node_name, text), settings->name);
    else if (!bytes_equal (charter->cluster_name, bytes_text (settings->cluster)))
        s_halt (self, effects, "cluster", s_text (charter->cluster_name, text), settings->cluster);
    else if (charter->partitions != settings->partitions)
        s_halt_number (self, effects, "a cluster with cluster/partitions =", charter->partitions,
                       settings->partitions);
    else if (charter->n != settings->n)
        s_halt_number (self, effects, "a cluster with cluster/n =", charter->n, settings->n);
    else if (charter->policy != settings->policy)
        s_halt_number (self, effects, "a cluster with conflict/policy number", charter->policy,
                       settings->policy);
    return self->phase != GOSSIP_HALTED;
}

static uint64_t s_draw (gossip_t *self)
{
    uint64_t id;
    do
        id = rng_next (&self->rng);
    while (id == 0);
    return id;
}

static void s_found (gossip_t *self, effects_t *effects)
{
    charter_t charter = {
        .cluster = s_draw (self),
        .cluster_name = bytes_text (self->settings.cluster),
        .node = s_draw (self),
        .node_name = bytes_text (self->settings.name),
        .partitions = self->settings.partitions,
        .n = self->settings.n,
        .policy = (uint8_t) self->settings.policy,
        .boots = 1,
    };
    ring_found (&self->table, &charter, &self->settings);
    self->founding = true;
    effects_log (effects, LEVEL_NOTICE, "founding cluster %s with %u partitions",
                 self->settings.cluster, self->settings.partitions);
}

/*  Replaces a field of our own row, and says whether it changed. */
static bool s_renew (bytes_t *field, const char *text)
{
    if (bytes_equal (*field, bytes_text (text)))
        return false;
    bytes_clear (field);
    *field = bytes_copy (text, strlen (text));
    return true;
}

/*  What the folder remembers, with this start and what the configuration changed about us. */
static void s_resume (gossip_t *self, const recall_reply_t *recalled)
{
    snapshot_t stored = {
        .charter = recalled->charter, .members = recalled->members, .slots = recalled->slots};
    codec_copy (&snapshot_schema, &stored, &self->table);
    self->table.charter.boots++;
    for (size_t i = 0; i < self->table.members.count; i++) {
        member_t *row = &self->table.members.items[i];
        if (row->node != self->table.charter.node)
            continue;
        bool changed = s_renew (&row->client, self->settings.client);
        changed |= s_renew (&row->peer, self->settings.peer);
        changed |= s_renew (&row->gossip, self->settings.gossip);
        changed |= s_renew (&row->zone, self->settings.zone);
        changed |= row->weight < self->settings.weight || row->weight > self->settings.weight;
        row->weight = self->settings.weight;
        row->version += changed;
        row->reachable = true;
    }
    self->table.version = ring_sum (&self->table);
}

static void s_ask_recall (effects_t *effects)
{
    message_t *recall = message_new (MESSAGE_recall);
    effects_send_here (effects, ROLE_REPLICA, &recall);
}

/*  Has what is new persisted: everything by a founder, charter and members after a restart. */
static void s_ask_enact (const gossip_t *self, effects_t *effects)
{
    message_t *message = message_new (MESSAGE_enact);
    snapshot_t copy;
    codec_copy (&snapshot_schema, &self->table, &copy);
    message->enact.request = self->table.version;
    message->enact.charter = copy.charter;
    message->enact.members = copy.members;
    if (self->founding)
        message->enact.slots = copy.slots;
    else
        free (copy.slots.items);
    effects_send_here (effects, ROLE_REPLICA, &message);
}

static void s_tell (const gossip_t *self, effects_t *effects)
{
    for (size_t i = 0; i < LISTENER_COUNT; i++) {
        if (self->seen[LISTENERS[i]])
            continue;
        message_t *message = message_new (MESSAGE_snapshot);
        codec_copy (&snapshot_schema, &self->table, &message->snapshot);
        effects_send_here (effects, LISTENERS[i], &message);
    }
}

static bool s_all_seen (const gossip_t *self)
{
    for (size_t i = 0; i < LISTENER_COUNT; i++)
        if (!self->seen[LISTENERS[i]])
            return false;
    return true;
}

/*  Does what the phase waits for, again if need be. */
static void s_push (gossip_t *self, uint64_t now_us, effects_t *effects)
{
    if (self->phase == GOSSIP_RECALLING)
        s_ask_recall (effects);
    else if (self->phase == GOSSIP_ENACTING)
        s_ask_enact (self, effects);
    else if (self->phase == GOSSIP_SERVING)
        s_tell (self, effects);
    self->retry_us = now_us + RETRY_US;
}

static void s_recalled (gossip_t *self, const recall_reply_t *recalled, effects_t *effects)
{
    if (recalled->charter.node == 0)
        s_found (self, effects);
    else if (s_agrees (self, &recalled->charter, effects))
        s_resume (self, recalled);
    else
        return;
    self->phase = GOSSIP_ENACTING;
}

static void s_message (gossip_t *self, const event_t *event, effects_t *effects)
{
    const message_t *message = event->message;
    if (message->type == MESSAGE_recall_reply && self->phase == GOSSIP_RECALLING)
        s_recalled (self, &message->recall_reply, effects);
    else if (message->type == MESSAGE_enact_reply && self->phase == GOSSIP_ENACTING &&
             message->enact_reply.request == self->table.version)
        self->phase = GOSSIP_SERVING;
    else if (message->type == MESSAGE_seen) {
        if (message->seen.version == self->table.version && message->from.role < ROLE_COUNT)
            self->seen[message->from.role] = true;
        return;
    } else
        return;
    s_push (self, event->now_us, effects);
}

static void gossip_step (void *core, const event_t *event, effects_t *effects)
{
    gossip_t *self = core;
    if (event->kind == EVENT_START)
        s_push (self, event->now_us, effects);
    else if (event->kind == EVENT_MESSAGE)
        s_message (self, event, effects);
    else if (event->kind == EVENT_TICK && event->now_us >= self->retry_us)
        s_push (self, event->now_us, effects);
    if (self->phase != GOSSIP_HALTED && !(self->phase == GOSSIP_SERVING && s_all_seen (self)))
        effects_wake (effects, self->retry_us);
}

const role_t gossip_role = {
    .id = ROLE_GOSSIP,
    .create = gossip_create,
    .step = gossip_step,
    .destroy = gossip_destroy,
};
