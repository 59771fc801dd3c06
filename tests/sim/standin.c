/*  standin.c - see standin.h. */
#include "standin.h"

#include <string.h>

#include "core/ring.h"
#include "messages/memory.h"
#include "messages/skim.h"
#include "node.h"

#define BEAT_US 300000
#define PLENTY_BYTES ((uint64_t) 1 << 40)

/* ---- the ring ---- */

node_t *standin_owner (sim_t *sim, uint32_t partition, uint32_t slot)
{
    uint32_t count = sim->plan.nodes_count;
    return slot < count ? &sim->nodes[(partition + slot) % count] : NULL;
}

static void s_charter (const sim_t *sim, const node_t *self, charter_t *charter)
{
    const settings_t *settings = &self->settings;
    *charter = (charter_t){.cluster = sim->cluster,
                           .cluster_name = bytes_text (settings->cluster),
                           .node = self->id,
                           .node_name = bytes_text (settings->name),
                           .partitions = settings->partitions,
                           .n = settings->n,
                           .policy = (uint8_t) settings->policy,
                           .boots = self->life};
}

/*  Whether `self` believes that it reaches `node`. Without suspicion the coordinators find out by waiting. */
static bool s_believed (const sim_t *sim, const node_t *self, const node_t *node)
{
    if (node == self || sim->healed || !sim->plan.on[FAULT_SUSPICION])
        return true;
    return node->up && node->suspected_until_us <= sim->now_us;
}

/*  Every member, up for good: the ring of a run is fixed. */
static void s_members (sim_t *sim, const node_t *self, member_list_t *members)
{
    members->count = sim->plan.nodes_count;
    members->items = memory_new (members->count, sizeof *members->items);
    for (size_t i = 0; i < members->count; i++) {
        const node_t *node = &sim->nodes[i];
        members->items[i] = (member_t){.node = node->id,
                                       .name = bytes_text (node->settings.name),
                                       .client = bytes_text (node->settings.client),
                                       .peer = bytes_text (node->settings.peer),
                                       .gossip = bytes_text (node->settings.gossip),
                                       .zone = bytes_text (node->settings.zone),
                                       .weight = 1.0,
                                       .state = MEMBER_UP,
                                       .version = 1,
                                       .reachable = s_believed (sim, self, node)};
    }
}

static void s_slots (sim_t *sim, slot_list_t *slots)
{
    const settings_t *settings = &sim->plan.settings;
    slots->items = memory_new ((size_t) settings->partitions * settings->n, sizeof *slots->items);
    for (uint32_t p = 0; p < settings->partitions; p++)
        for (uint8_t s = 0; s < settings->n; s++) {
            const node_t *owner = standin_owner (sim, p, s);
            slots->items[slots->count++] = (slot_t){.partition = p,
                                                    .slot = s,
                                                    .version = 1,
                                                    .owner = owner ? owner->id : 0,
                                                    .phase = SLOT_READY};
        }
}

static void s_send (sim_t *sim, node_t *self, role_id_t from, role_id_t to, message_t **message_p)
{
    (*message_p)->from = (address_t){.node = 0, .role = from};
    node_post (sim, self, from, to, message_p);
}

static void s_send_recall (sim_t *sim, node_t *self)
{
    message_t *message = message_new (MESSAGE_recall);
    message->recall.request = self->life;
    s_send (sim, self, ROLE_GOSSIP, ROLE_REPLICA, &message);
}

static void s_send_enact (sim_t *sim, node_t *self)
{
    message_t *message = message_new (MESSAGE_enact);
    message->enact.request = self->life;
    s_charter (sim, self, &message->enact.charter);
    s_members (sim, self, &message->enact.members);
    s_slots (sim, &message->enact.slots);
    s_send (sim, self, ROLE_GOSSIP, ROLE_REPLICA, &message);
}

static void s_send_snapshots (sim_t *sim, node_t *self)
{
    const role_id_t to[] = {ROLE_COORDINATOR, ROLE_REPLICA, ROLE_HANDOFF, ROLE_ANTIENTROPY};
    for (size_t i = 0; i < sizeof to / sizeof to[0]; i++) {
        message_t *message = message_new (MESSAGE_snapshot);
        s_charter (sim, self, &message->snapshot.charter);
        message->snapshot.version = 7;
        s_members (sim, self, &message->snapshot.members);
        s_slots (sim, &message->snapshot.slots);
        s_send (sim, self, ROLE_GOSSIP, to[i], &message);
    }
}

/*  What the replica persisted must be what it said it had persisted: all of it, or nothing before the first time. */
static void s_check_recall (sim_t *sim, node_t *self, const recall_reply_t *reply)
{
    size_t slots = (size_t) self->settings.partitions * self->settings.n;
    bool blank = reply->charter.node == 0 && reply->members.count == 0 && reply->slots.count == 0;
    bool whole = reply->charter.node == self->id && reply->charter.cluster == sim->cluster &&
                 reply->charter.boots >= self->boots_kept && reply->charter.boots <= self->life &&
                 reply->members.count == sim->plan.nodes_count && reply->slots.count == slots;
    for (size_t i = 0; whole && i < slots; i++) {
        const slot_t *slot = &reply->slots.items[i];
        const node_t *owner = standin_owner (sim, slot->partition, slot->slot);
        whole = slot->owner == (owner ? owner->id : 0);
    }
    if (!whole && !(blank && self->boots_kept == 0))
        sim_fail (sim, "kept-ring",
                  "node%zu does not recall the ring that it had persisted: %zu members, %zu "
                  "slots, %d boots",
                  self->index + 1, reply->members.count, reply->slots.count,
                  (int) reply->charter.boots);
}

static void s_gossip (sim_t *sim, node_t *self, const message_t *message)
{
    if (message->type == MESSAGE_recall_reply && self->phase == STANDIN_RECALL) {
        s_check_recall (sim, self, &message->recall_reply);
        self->phase = STANDIN_ENACT;
        s_send_enact (sim, self);
    }
    if (message->type == MESSAGE_enact_reply && message->enact_reply.request == self->life &&
        self->phase == STANDIN_ENACT) {
        self->boots_kept = self->life;
        self->phase = STANDIN_SNAPSHOT;
        s_send_snapshots (sim, self);
    }
}

/* ---- the syncer ---- */

static void s_begin_flush (sim_t *sim, node_t *self)
{
    uint64_t length = plan_between (&sim->rng_nodes, 1, sim->plan.flush_us);
    if (self->slow_until_us > sim->now_us) {
        length += rng_below (&sim->rng_nodes, sim->plan.length_us[FAULT_SLOW_DISK]);
        sim->score.faults[FAULT_SLOW_DISK]++;
    }
    self->flushing = true;
    self->flush_again = false;
    self->flush_sequence = store_sequence (self->store);
    memory_store_begin_flush (self->store);
    sim_after (
        sim, length,
        (action_t){.kind = ACTION_FLUSHED, .who = (uint32_t) self->index, .life = self->life});
}

void standin_flushed (sim_t *sim, node_t *self)
{
    bool done;
    self->flushing = false;
    if (memory_store_end_flush (self->store) != STORE_OK) {
        node_kill (sim, self, FAULT_BROKEN_DISK);
        return;
    }
    if (rng_below (&sim->rng_nodes, 16) == 0)
        store_checkpoint (self->store, true, &done);
    message_t *message = message_new (MESSAGE_synced);
    message->synced.sequence = self->flush_sequence;
    s_send (sim, self, ROLE_SYNCER, ROLE_REPLICA, &message);
    if (self->flush_again)
        s_begin_flush (sim, self);
}

static void s_sync (sim_t *sim, node_t *self, const message_t *message)
{
    if (message->sync.sequence > store_sequence (self->store))
        sim_fail (sim, "contract", "node%zu wants commits on disk that it has not made",
                  self->index + 1);
    else if (self->flushing)
        self->flush_again = true;
    else
        s_begin_flush (sim, self);
}

/* ---- the monitor ---- */

static void s_notice (sim_t *sim, const node_t *self, const notice_t *notice)
{
    sim->score.notices++;
    const char *why = skim_check (notice->event, LIMIT_NESTING_DEPTH, LIMIT_REQUEST_ITEMS);
    if (why || notice->event.size == 0)
        sim_fail (sim, "contract", "node%zu publishes an event that is not MessagePack: %s",
                  self->index + 1, why ? why : "empty");
}

void standin_host (sim_t *sim, node_t *self)
{
    const role_id_t to[] = {ROLE_COORDINATOR, ROLE_REPLICA};
    for (size_t i = 0; i < sizeof to / sizeof to[0]; i++) {
        message_t *message = message_new (MESSAGE_host);
        message->host.rss = 1 << 24;
        message->host.disk = 1 << 20;
        message->host.disk_free =
            self->full_until_us > sim->now_us && !sim->healed ? 1000 : PLENTY_BYTES;
        s_send (sim, self, ROLE_MONITOR, to[i], &message);
    }
}

/* ---- all of them ---- */

void standin_take (sim_t *sim, node_t *self, letter_t *letter)
{
    const message_t *message = letter->message;
    if (!message)
        return; /* from another node, and nobody binds a socket for it */
    if (letter->role == ROLE_SYNCER && message->type == MESSAGE_sync)
        s_sync (sim, self, message);
    else if (letter->role == ROLE_MONITOR && message->type == MESSAGE_notice)
        s_notice (sim, self, &message->notice);
    else if (letter->role == ROLE_GOSSIP)
        s_gossip (sim, self, message);
}

void standin_beat (sim_t *sim, node_t *self)
{
    if (sim->plan.nodes_count > 1 && self->phase == STANDIN_RECALL)
        s_send_recall (sim, self);
    else if (sim->plan.nodes_count > 1 && self->phase == STANDIN_ENACT)
        s_send_enact (sim, self);
    else if (sim->plan.nodes_count > 1)
        s_send_snapshots (sim, self);
    standin_host (sim, self);
    sim_after (sim, plan_between (&sim->rng_nodes, BEAT_US / 2, BEAT_US),
               (action_t){.kind = ACTION_BEAT, .who = (uint32_t) self->index, .life = self->life});
}

void standin_start (sim_t *sim, node_t *self)
{
    self->phase = STANDIN_RECALL;
    standin_beat (sim, self);
}
