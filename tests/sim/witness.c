/*  witness.c - see witness.h. */
#include "witness.h"

#include <stdlib.h>
#include <string.h>

#include "core/claim.h"
#include "core/registry.h"
#include "core/ring.h"
#include "messages/memory.h"

static size_t s_slots_count (const sim_t *sim)
{
    return (size_t) sim->plan.settings.partitions * sim->plan.settings.n;
}

static size_t s_place (const sim_t *sim, const slot_t *row)
{
    return (size_t) row->partition * sim->plan.settings.n + row->slot;
}

static bool s_newer (const slot_t *row, const slot_t *than)
{
    return row->force != than->force ? row->force > than->force : row->version > than->version;
}

void witness_start (sim_t *sim)
{
    sim->witness.slots = memory_new (s_slots_count (sim), sizeof *sim->witness.slots);
    for (size_t i = 0; i < sim->plan.nodes_count; i++) {
        testimony_t *testimony = &sim->nodes[i].testimony;
        testimony->slots = memory_new (s_slots_count (sim), sizeof *testimony->slots);
        testimony->kept = memory_new (s_slots_count (sim), sizeof *testimony->kept);
    }
}

void witness_clear (sim_t *sim)
{
    for (size_t i = 0; i < s_slots_count (sim); i++)
        free (sim->witness.slots[i].items);
    for (size_t i = 0; i < sim->plan.nodes_count; i++) {
        testimony_t *testimony = &sim->nodes[i].testimony;
        free (testimony->slots);
        free (testimony->kept);
        message_destroy (&testimony->enacting);
    }
    free (sim->witness.slots);
    free (sim->witness.fixed);
}

void witness_ended (node_t *self)
{
    self->testimony.cluster = 0; /* nothing that it went by counts any more */
    self->testimony.reached_count = 0;
    self->testimony.settled = false;
}

/* ---- who owns what ---- */

/*  Under one version a slot has one owner, whoever says so. */
static void s_note (sim_t *sim, const node_t *self, uint64_t cluster, const slot_t *row)
{
    claim_notes_t *notes = &sim->witness.slots[s_place (sim, row)];
    for (size_t i = 0; i < notes->count; i++) {
        const claim_note_t *note = &notes->items[i];
        if (note->cluster != cluster || note->version != row->version || note->force != row->force)
            continue;
        if (note->owner != row->owner)
            sim_fail (sim, "one-owner",
                      "node%zu says that slot %u of partition %u has another owner in its version "
                      "%d than was said before",
                      self->index + 1, row->slot, row->partition, (int) row->version);
        return;
    }
    notes->items = memory_resize (notes->items, notes->count + 1, sizeof *notes->items);
    notes->items[notes->count++] = (claim_note_t){
        .cluster = cluster, .version = row->version, .force = row->force, .owner = row->owner};
}

/*  What this node goes by, against what the others go by at this moment. */
static void s_check_owned (sim_t *sim, const node_t *self)
{
    const testimony_t *mine = &self->testimony;
    uint8_t n = sim->plan.settings.n;
    for (size_t i = 0; i < s_slots_count (sim) && mine->cluster != 0; i++) {
        if (mine->slots[i].owner != mine->node)
            continue;
        /* While slots are given away two givers may think of the same node: it passes one on. */
        for (size_t k = i - i % n; k < i && sim->witness.fixed; k++)
            if (mine->slots[k].owner == mine->node)
                sim_fail (sim, "one-owner", "node%zu owns two slots of partition %zu",
                          self->index + 1, i / n);
        for (size_t k = 0; k < sim->plan.nodes_count; k++) {
            const testimony_t *other = &sim->nodes[k].testimony;
            if (&sim->nodes[k] != self && other->cluster == mine->cluster &&
                other->slots[i].owner == other->node)
                sim_fail (sim, "one-owner",
                          "node%zu and node%zu both own slot %zu of partition %zu", self->index + 1,
                          k + 1, i % n, i / n);
        }
    }
}

/*  A row of a node's table, once the cluster is complete. */
static void s_check_unmoved (sim_t *sim, const node_t *self, const slot_t *row)
{
    const slot_t *fixed = sim->witness.fixed ? &sim->witness.fixed[s_place (sim, row)] : NULL;
    if (fixed && (fixed->owner != row->owner || fixed->version != row->version))
        sim_fail (sim, "unmoved",
                  "by node%zu slot %u of partition %u has moved, in version %d, and nobody joined "
                  "or left",
                  self->index + 1, row->slot, row->partition, (int) row->version);
}

/*  Whether a row has a place in the table of this run. */
static bool s_fits (const sim_t *sim, const slot_t *row)
{
    return row->partition < sim->plan.settings.partitions && row->slot < sim->plan.settings.n;
}

static void s_take_snapshot (sim_t *sim, node_t *self, const snapshot_t *snapshot)
{
    testimony_t *testimony = &self->testimony;
    testimony->cluster = snapshot->charter.cluster;
    testimony->node = snapshot->charter.node;
    testimony->settled = snapshot->settled;
    testimony->up_count = testimony->known_count = 0;
    for (size_t i = 0; i < snapshot->members.count; i++) {
        testimony->up_count += snapshot->members.items[i].state == MEMBER_UP;
        testimony->known_count += snapshot->members.items[i].state <= MEMBER_LEAVING;
    }
    memset (testimony->slots, 0, s_slots_count (sim) * sizeof *testimony->slots);
    for (size_t i = 0; i < snapshot->slots.count && !sim->failed; i++) {
        const slot_t *row = &snapshot->slots.items[i];
        if (!s_fits (sim, row)) {
            sim_fail (sim, "contract", "node%zu has a slot that there is not", self->index + 1);
            return;
        }
        testimony->slots[s_place (sim, row)] = *row;
        s_note (sim, self, testimony->cluster, row);
        s_check_unmoved (sim, self, row);
    }
    s_check_owned (sim, self);
}

/*  The replica obeys rows from the moment that it takes them. */
static void s_obey (sim_t *sim, node_t *self, const slot_list_t *rows)
{
    testimony_t *testimony = &self->testimony;
    for (size_t i = 0; i < rows->count; i++) {
        const slot_t *row = &rows->items[i];
        if (testimony->cluster != 0 && s_fits (sim, row) &&
            s_newer (row, &testimony->slots[s_place (sim, row)]))
            testimony->slots[s_place (sim, row)] = *row;
    }
    s_check_owned (sim, self);
}

/* ---- what was persisted ---- */

static void s_keep_slots (sim_t *sim, testimony_t *testimony, const slot_list_t *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        const slot_t *row = &rows->items[i];
        if (s_fits (sim, row) && s_newer (row, &testimony->kept[s_place (sim, row)]))
            testimony->kept[s_place (sim, row)] = *row;
    }
}

static void s_keep_member (testimony_t *testimony, const member_t *row)
{
    size_t i = 0;
    while (i < testimony->members_count && testimony->member_ids[i] != row->node)
        i++;
    if (i == SIM_ROUTES)
        return;
    if (i == testimony->members_count) {
        testimony->member_ids[i] = row->node;
        testimony->member_versions[i] = 0;
        testimony->members_count++;
    }
    if (testimony->member_versions[i] < row->version)
        testimony->member_versions[i] = row->version;
}

static void s_forget (sim_t *sim, testimony_t *testimony)
{
    testimony->charter = (charter_t){0};
    testimony->members_count = 0;
    memset (testimony->kept, 0, s_slots_count (sim) * sizeof *testimony->kept);
}

/*  The replica says that what it was told is on its disk. */
static void s_confirmed (sim_t *sim, node_t *self, const enact_reply_t *reply)
{
    testimony_t *testimony = &self->testimony;
    if (!testimony->enacting || testimony->enacting->enact.request != reply->request)
        return;
    const enact_t *enact = &testimony->enacting->enact;
    if (reply->dissolved) {
        s_forget (sim, testimony);
        testimony->cluster = 0;
    } else if (!enact->dissolve) {
        if (enact->charter.node != 0)
            testimony->charter = (charter_t){.cluster = enact->charter.cluster,
                                             .node = enact->charter.node,
                                             .boots = enact->charter.boots};
        for (size_t i = 0; i < enact->members.count; i++)
            s_keep_member (testimony, &enact->members.items[i]);
        s_keep_slots (sim, testimony, &enact->slots);
        s_keep_slots (sim, testimony, &reply->gifts);
        s_obey (sim, self, &reply->gifts);
    }
    message_destroy (&testimony->enacting);
}

static bool s_recalls_members (const testimony_t *testimony, const recall_reply_t *reply)
{
    for (size_t i = 0; i < testimony->members_count; i++) {
        bool found = false;
        for (size_t k = 0; k < reply->members.count; k++)
            found = found || (reply->members.items[k].node == testimony->member_ids[i] &&
                              reply->members.items[k].version >= testimony->member_versions[i]);
        if (!found)
            return false;
    }
    return true;
}

static bool s_recalls_slots (const sim_t *sim, const testimony_t *testimony,
                             const recall_reply_t *reply)
{
    size_t count = 0, found = 0;
    for (size_t i = 0; i < s_slots_count (sim); i++)
        count += testimony->kept[i].version > 0;
    for (size_t i = 0; i < reply->slots.count; i++) {
        const slot_t *row = &reply->slots.items[i];
        const slot_t *kept = s_fits (sim, row) ? &testimony->kept[s_place (sim, row)] : NULL;
        if (kept && s_newer (kept, row))
            return false;
        found += kept && kept->version > 0;
    }
    return found == count;
}

/*  What the replica persisted must be what it said it had persisted, or what it was being told when it ended. */
static void s_recalled (sim_t *sim, node_t *self, const recall_reply_t *reply)
{
    testimony_t *testimony = &self->testimony;
    const message_t *enacting = testimony->enacting;
    bool dissolved = enacting && enacting->enact.dissolve && reply->charter.node == 0;
    bool whole = reply->charter.node == testimony->charter.node &&
                 reply->charter.cluster == testimony->charter.cluster;
    bool fresh = enacting && enacting->enact.charter.node == reply->charter.node;
    if (!dissolved &&
        !((whole || fresh) && reply->charter.boots >= testimony->charter.boots &&
          s_recalls_members (testimony, reply) && s_recalls_slots (sim, testimony, reply)))
        sim_fail (sim, "kept-ring",
                  "node%zu does not recall the ring that it had persisted: %zu members, %zu "
                  "slots, %d boots",
                  self->index + 1, reply->members.count, reply->slots.count,
                  (int) reply->charter.boots);
    if (dissolved)
        s_forget (sim, testimony);
    message_destroy (&testimony->enacting);
}

/* ---- minting ---- */

static void s_minting (sim_t *sim, const node_t *at, const mint_t *mint)
{
    uint32_t put = mint->remove ? NO_CHANGE : history_put (&sim->history, mint->value);
    if (put == NO_CHANGE)
        return;
    change_t *change = &sim->history.changes[put];
    if (change->minter != 0 && (change->minter != at->index + 1 || change->life != at->life)) {
        sim->score.twins += !change->twin;
        change->twin = true;
        change->scattered = change->scattered || change->minter != at->index + 1;
    }
    change->minter = (uint32_t) at->index + 1;
    change->life = at->life;
}

/* ---- all that is overheard ---- */

void witness_taken (sim_t *sim, node_t *self, role_id_t role, const message_t *message)
{
    if (role != ROLE_REPLICA)
        return;
    if (message->type == MESSAGE_snapshot)
        s_take_snapshot (sim, self, &message->snapshot);
    else if (message->type == MESSAGE_enact) {
        message_destroy (&self->testimony.enacting);
        self->testimony.enacting = message_copy (message);
        if (!message->enact.dissolve)
            s_obey (sim, self, &message->enact.slots);
    }
}

static void s_heard_of_peers (node_t *self, const peers_t *peers)
{
    testimony_t *testimony = &self->testimony;
    testimony->reached_count = 0;
    for (size_t i = 0; i < peers->peers.count; i++)
        testimony->reached_count +=
            peers->peers.items[i].reachable && peers->peers.items[i].node != testimony->node;
}

void witness_said (sim_t *sim, node_t *self, role_id_t role, const node_t *to,
                   const message_t *message)
{
    if (message->type == MESSAGE_mint)
        s_minting (sim, to, &message->mint);
    else if (role == ROLE_REPLICA && message->type == MESSAGE_enact_reply)
        s_confirmed (sim, self, &message->enact_reply);
    else if (role == ROLE_REPLICA && message->type == MESSAGE_recall_reply)
        s_recalled (sim, self, &message->recall_reply);
    else if (role == ROLE_GOSSIP && message->type == MESSAGE_peers)
        s_heard_of_peers (self, &message->peers);
}

bool witness_complete (const sim_t *sim)
{
    const testimony_t *first = &sim->nodes[0].testimony;
    for (size_t i = 0; i < sim->plan.nodes_count; i++) {
        const testimony_t *testimony = &sim->nodes[i].testimony;
        if (!sim->nodes[i].up || testimony->cluster == 0 || testimony->cluster != first->cluster ||
            !testimony->settled || testimony->up_count != sim->plan.nodes_count ||
            testimony->known_count != sim->plan.nodes_count)
            return false;
        for (size_t k = 0; k < s_slots_count (sim); k++)
            if (testimony->slots[k].owner != first->slots[k].owner ||
                testimony->slots[k].version != first->slots[k].version)
                return false;
    }
    return true;
}

bool witness_united (const sim_t *sim)
{
    for (size_t i = 0; i < sim->plan.nodes_count; i++)
        if (!sim->nodes[i].up || sim->nodes[i].testimony.reached_count + 1 < sim->plan.nodes_count)
            return false;
    return true;
}

/*  The owners of a partition, as bits: the nodes that have a slot of it, or should have one by the claim. */
static unsigned s_owners (const sim_t *sim, size_t partition, const uint64_t *target)
{
    unsigned owners = 0;
    for (size_t i = 0; i < sim->plan.settings.n; i++) {
        size_t place = partition * sim->plan.settings.n + i;
        uint64_t owner = target ? target[place] : sim->witness.fixed[place].owner;
        for (size_t k = 0; k < sim->plan.nodes_count; k++)
            if (owner != 0 && sim->nodes[k].testimony.node == owner)
                owners |= 1u << k;
    }
    return owners;
}

/*  Each partition has the owners that the claim gives it, as many as there can be, and where zones leave it free each
 *  node has its share. */
static void s_check_shares (sim_t *sim)
{
    const settings_t *settings = &sim->plan.settings;
    uint32_t nodes = sim->plan.nodes_count, loads[SIM_NODES] = {0};
    uint32_t each = settings->n < nodes ? settings->n : nodes, share = settings->partitions * each;
    uint64_t *target = memory_new (s_slots_count (sim), sizeof *target);
    recall_reply_t table = {0};
    registry_recall (sim->nodes[0].store, &table);
    claim_target (settings->partitions, settings->n, &table.members, target);
    for (size_t p = 0; p < settings->partitions; p++) {
        unsigned owners = s_owners (sim, p, NULL);
        if (owners != s_owners (sim, p, target) || (uint32_t) __builtin_popcount (owners) != each)
            sim_fail (sim, "one-owner", "partition %zu has not the %u owners that the claim wants",
                      p, each);
        for (uint32_t i = 0; i < nodes; i++)
            loads[i] += owners >> i & 1;
    }
    for (uint32_t i = 0; i < nodes && sim->plan.zones_count == 1; i++)
        if (loads[i] < share / nodes || loads[i] > (share + nodes - 1) / nodes)
            sim_fail (sim, "one-owner", "node%u owns %u of %u slots, and there are %u nodes", i + 1,
                      loads[i], share, nodes);
    codec_clear (&recall_reply_schema, &table);
    free (target);
}

void witness_fix (sim_t *sim)
{
    size_t size = s_slots_count (sim) * sizeof (slot_t);
    sim->witness.fixed = memory_new (s_slots_count (sim), sizeof (slot_t));
    memcpy (sim->witness.fixed, sim->nodes[0].testimony.slots, size);
    s_check_shares (sim);
}

node_t *witness_owner (sim_t *sim, uint32_t partition, uint32_t slot)
{
    const slot_t *row = &sim->witness.fixed[(size_t) partition * sim->plan.settings.n + slot];
    for (size_t i = 0; i < sim->plan.nodes_count; i++)
        if (row->owner != 0 && sim->nodes[i].testimony.node == row->owner)
            return &sim->nodes[i];
    return NULL;
}
