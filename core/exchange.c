/*  exchange.c - see exchange.h. */
#include "exchange.h"

#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"
#include "admission.h"
#include "founding.h"
#include "hello.h"
#include "ring.h"

#define PUSHES 3
#define ODDS 10            /* one beat in so many also looks further */
#define MEMBERS_MOST 1024u /* rows in one message: within LIMIT_GOSSIP_FRAME_BYTES */

/* ---- rows on their way out ---- */

/*  Rows for one node, in as many messages as it takes. */
typedef struct {
    gossip_t *gossip;
    uint64_t node;
    bytes_t endpoint;
    effects_t *effects;
    message_t *message; /* NULL: empty so far */
} parcel_t;

static void s_dispatch (parcel_t *self)
{
    if (self->message != NULL)
        gossip_send (self->gossip, self->node, self->endpoint, &self->message, self->effects);
}

static rows_t *s_open (parcel_t *self)
{
    if (self->message == NULL)
        self->message = message_new (MESSAGE_rows);
    return &self->message->rows;
}

static void s_put_member (parcel_t *self, const member_t *row)
{
    member_list_t *list = &s_open (self)->members;
    if (list->items == NULL)
        list->items = memory_new (MEMBERS_MOST, sizeof *list->items);
    codec_copy (&member_schema, row, &list->items[list->count++]);
    if (list->count == MEMBERS_MOST)
        s_dispatch (self);
}

static void s_put_partition (parcel_t *self, uint32_t partition)
{
    const table_t *table = &self->gossip->table;
    uint8_t n = table->charter.n;
    slot_list_t *list = &s_open (self)->slots;
    if (list->items == NULL)
        list->items = memory_new (LIMIT_GOSSIP_SLOTS, sizeof *list->items);
    for (uint8_t slot = 0; slot < n; slot++)
        if (table_slot (table, partition, slot)->version != 0)
            list->items[list->count++] = *table_slot (table, partition, slot);
    if (list->count + n > LIMIT_GOSSIP_SLOTS)
        s_dispatch (self);
}

/* ---- whom to talk to ---- */

typedef enum { WHO_REACHABLE, WHO_NEW, WHO_DOWN } who_t;

static who_t s_who (const sighting_t *peer)
{
    if (peer->reachable)
        return WHO_REACHABLE;
    return peer->settled ? WHO_DOWN : WHO_NEW;
}

/*  A random peer of that kind that is not marked; NULL when there is none. */
static const sighting_t *s_pick (gossip_t *self, who_t who, const bool *marked)
{
    const sightings_t *sightings = &self->sightings;
    size_t count = 0;
    for (size_t i = 0; i < sightings->count; i++)
        count += s_who (&sightings->items[i]) == who && (marked == NULL || !marked[i]);
    if (count == 0)
        return NULL;
    size_t chosen = (size_t) rng_below (&self->rng, count);
    for (size_t i = 0; i < sightings->count; i++)
        if (s_who (&sightings->items[i]) == who && (marked == NULL || !marked[i]) && chosen-- == 0)
            return &sightings->items[i];
    return NULL;
}

/* ---- digests ---- */

void exchange_digest (gossip_t *self, uint64_t node, bytes_t endpoint, bool answer,
                      effects_t *effects)
{
    message_t *message = message_new (MESSAGE_digest);
    digest_t *digest = &message->digest;
    gossip_hello (self, &digest->hello);
    digest->answer = answer;
    digest->members.items = memory_new (self->table.members_count, sizeof (row_id_t));
    for (size_t i = 0; i < self->table.members_count; i++) {
        const member_t *row = &self->table.members[i].now;
        if (row->node != 0)
            digest->members.items[digest->members.count++] =
                (row_id_t){.node = row->node, .version = row->version};
    }
    digest->groups.count = table_groups (&self->table);
    digest->groups.items = memory_new (digest->groups.count, sizeof (hash_t));
    for (size_t i = 0; i < digest->groups.count; i++)
        digest->groups.items[i].hash = table_group_hash (&self->table, i);
    gossip_send (self, node, endpoint, &message, effects);
}

/*  One of the seeds but our own; NULL when there is none. */
static const char *s_seed (gossip_t *self)
{
    const settings_t *settings = &self->settings;
    size_t others = 0;
    for (size_t i = 0; i < settings->seeds_count; i++)
        others += strcmp (settings->seeds[i], settings->gossip) != 0;
    size_t skipped = others > 0 ? rng_below (&self->rng, others) : 0;
    for (size_t i = 0; others > 0 && i < settings->seeds_count; i++)
        if (strcmp (settings->seeds[i], settings->gossip) != 0 && skipped-- == 0)
            return settings->seeds[i];
    return NULL;
}

static void s_greet_seed (gossip_t *self, effects_t *effects)
{
    const char *seed = s_seed (self);
    if (seed == NULL)
        return;
    message_t *greet = message_new (MESSAGE_greet);
    gossip_hello (self, &greet->greet.hello);
    effects_send_endpoint (effects, bytes_text (seed), &greet);
}

void exchange_beat (gossip_t *self, effects_t *effects)
{
    const sighting_t *peer = s_pick (self, WHO_REACHABLE, NULL);
    if (peer == NULL)
        peer = s_pick (self, WHO_NEW, NULL);
    bool alone = peer == NULL;
    if (peer != NULL)
        exchange_digest (self, peer->node, bytes_view (NULL, 0), false, effects);
    peer = rng_below (&self->rng, ODDS) == 0 ? s_pick (self, WHO_DOWN, NULL) : NULL;
    if (peer != NULL)
        exchange_digest (self, peer->node, bytes_view (NULL, 0), false, effects);
    if (alone || rng_below (&self->rng, ODDS) == 0)
        s_greet_seed (self, effects);
}

/*  The version that a digest has of a node's row; 0: none. Digests are sorted as tables are, but a stranger's order is not
 *  relied on: a row too many is sent at worst. */
static uint64_t s_version (const row_id_list_t *list, uint64_t node)
{
    size_t least = 0, most = list->count;
    while (least < most) {
        size_t middle = (least + most) / 2;
        if (list->items[middle].node == node)
            return list->items[middle].version;
        if (list->items[middle].node < node)
            least = middle + 1;
        else
            most = middle;
    }
    return 0;
}

/*  Whether the digest has a row that we lack, or have older. */
static bool s_lacking (const gossip_t *self, const digest_t *digest)
{
    for (size_t i = 0; i < digest->members.count; i++) {
        const entry_t *entry = table_find (&self->table, digest->members.items[i].node);
        if (entry == NULL || entry->now.version < digest->members.items[i].version)
            return true;
    }
    return false;
}

/*  Whether whoever sent the digest lacks our row of a member. Its own row, too, when that names another endpoint under the
 *  same version: then two processes of one node wrote it. */
static bool s_wanted (const digest_t *digest, const member_t *row)
{
    uint64_t version = s_version (&digest->members, row->node);
    bool twin = row->node == digest->hello.node && !bytes_equal (row->gossip, digest->hello.gossip);
    return row->version > version || (twin && row->version == version);
}

/*  Packs the slots of each group that differs. Whether one did. */
static bool s_put_groups (parcel_t *parcel, const digest_t *digest)
{
    table_t *table = &parcel->gossip->table;
    bool differs[LIMIT_GROUPS_COUNT];
    bool any = false;
    for (size_t i = 0; i < digest->groups.count; i++) {
        differs[i] = table_group_hash (table, i) != digest->groups.items[i].hash;
        any = any || differs[i];
    }
    for (uint32_t partition = 0; any && partition < table->charter.partitions; partition++)
        if (differs[table_group (table, partition)])
            s_put_partition (parcel, partition);
    return any;
}

void exchange_take_digest (gossip_t *self, const message_t *message, effects_t *effects)
{
    const digest_t *digest = &message->digest;
    if (!hello_valid (&digest->hello) || digest->hello.node != message->from.node ||
        digest->hello.cluster != message->origin.cluster)
        return;
    if (digest->hello.cluster !=
        gossip_cluster (self)) { /* we left that, or it knew another here */
        admission_greet (self, &digest->hello, message->origin.nonce, effects);
        return;
    }
    if (digest->groups.count != table_groups (&self->table))
        return;
    if (!table_active (&self->table, message->from.node)) {
        admission_unknown (self, &digest->hello, effects);
        return;
    }
    parcel_t parcel = {.gossip = self,
                       .node = message->from.node,
                       .endpoint = digest->hello.gossip,
                       .effects = effects};
    bool differs = s_lacking (self, digest);
    for (size_t i = 0; i < self->table.members_count; i++) {
        const member_t *row = &self->table.members[i].now;
        if (row->node == 0 || !s_wanted (digest, row))
            continue;
        s_put_member (&parcel, row);
        differs = true;
    }
    differs |= s_put_groups (&parcel, digest);
    s_dispatch (&parcel);
    if (differs && !digest->answer)
        exchange_digest (self, message->from.node, digest->hello.gossip, true, effects);
}

/* ---- pushes ---- */

static void s_push_to (gossip_t *self, uint64_t node, const member_list_t *members,
                       const bool *partitions, effects_t *effects)
{
    parcel_t parcel = {.gossip = self, .node = node, .effects = effects};
    for (size_t i = 0; i < members->count; i++) {
        const member_t *row = table_member (&self->table, members->items[i].node);
        if (row != NULL)
            s_put_member (&parcel, row);
    }
    for (uint32_t partition = 0; partition < self->table.charter.partitions; partition++)
        if (partitions[partition])
            s_put_partition (&parcel, partition);
    s_dispatch (&parcel);
}

void exchange_push (gossip_t *self, const member_list_t *members, const slot_list_t *slots,
                    const slot_list_t *gifts, effects_t *effects)
{
    if (members->count + slots->count + gifts->count == 0 || self->sightings.count == 0)
        return;
    bool *partitions = memory_new (self->table.charter.partitions, sizeof *partitions);
    bool *marked = memory_new (self->sightings.count, sizeof *marked);
    const slot_list_t *const lists[] = {slots, gifts};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < lists[k]->count; i++)
            partitions[lists[k]->items[i].partition] = true;
    for (size_t pushed = 0; pushed < PUSHES; pushed++) {
        const sighting_t *peer = s_pick (self, WHO_REACHABLE, marked);
        if (peer == NULL)
            peer = s_pick (self, WHO_NEW, marked);
        if (peer == NULL)
            break;
        marked[peer - self->sightings.items] = true;
        s_push_to (self, peer->node, members, partitions, effects);
    }
    free (marked);
    free (partitions);
}

/* ---- rows that came ---- */

/*  A row about ourselves that we did not write: it stands only if it says that we left for good; else ours is written
 *  anew above it. */
static void s_take_own (gossip_t *self, const message_t *message, const member_t *row,
                        effects_t *effects)
{
    const entry_t *own = table_find (&self->table, self->node);
    if (row->state >= MEMBER_LEFT) {
        if (table_offer_member (&self->table, row))
            effects_log (effects, LEVEL_ERROR,
                         "this node was taken out of the cluster for good: stop it, and start it "
                         "with an empty folder to join again");
        return;
    }
    if (own == NULL || own->newest.state >= MEMBER_LEFT || row->version < own->newest.version)
        return;
    bool elsewhere = !bytes_equal (row->gossip, own->newest.gossip);
    if (row->version == own->newest.version && row->state == own->newest.state && !elsewhere)
        return;
    if (elsewhere && founding_look (self, row->gossip, effects))
        return;
    member_t renewed;
    codec_copy (&member_schema, &own->newest, &renewed);
    const member_t *sender = table_member (&self->table, message->from.node);
    if (sender != NULL && gossip_may_complain (self, sender->gossip))
        effects_log (effects, LEVEL_WARNING,
                     "%.*s has a row about this node that this process did not write, with "
                     "gossip endpoint %.*s: does another process run from a copy of this folder?",
                     HELLO_TEXT (sender->name), HELLO_TEXT (row->gossip));
    renewed.version = row->version + 1;
    if (member_valid (&renewed)) /* else no row of ours would be taken any more */
        table_offer_member (&self->table, &renewed);
    codec_clear (&member_schema, &renewed);
}

/*  Takes the rows of one partition, from `first` on: all of them, or none when one names a member that we have not heard
 *  of yet. Returns where the next partition begins. */
static size_t s_take_partition (gossip_t *self, const slot_list_t *slots, size_t first)
{
    size_t end = first;
    bool known = true;
    while (end < slots->count && slots->items[end].partition == slots->items[first].partition)
        known &= table_find (&self->table, slots->items[end++].owner) != NULL;
    for (size_t i = first; known && i < end; i++)
        table_offer_slot (&self->table, &slots->items[i]);
    return end;
}

static bool s_rows_valid (const gossip_t *self, const rows_t *rows)
{
    for (size_t i = 0; i < rows->members.count; i++)
        if (!member_valid (&rows->members.items[i]))
            return false;
    for (size_t i = 0; i < rows->slots.count; i++)
        if (!slot_valid (&self->table, &rows->slots.items[i]))
            return false;
    return true;
}

void exchange_take_rows (gossip_t *self, const message_t *message, effects_t *effects)
{
    const rows_t *rows = &message->rows;
    const member_t *sender = table_member (&self->table, message->from.node);
    if (sender == NULL || sender->state > MEMBER_LEAVING)
        return;
    if (!s_rows_valid (self, rows)) {
        if (gossip_may_complain (self, sender->gossip))
            effects_log (effects, LEVEL_WARNING,
                         "rows from %.*s are malformed and refused; do both nodes run the same "
                         "version?",
                         HELLO_TEXT (sender->name));
        return;
    }
    for (size_t i = 0; i < rows->members.count; i++) {
        if (rows->members.items[i].node == self->node)
            s_take_own (self, message, &rows->members.items[i], effects);
        else
            table_offer_member (&self->table, &rows->members.items[i]);
    }
    for (size_t i = 0; i < rows->slots.count;)
        i = s_take_partition (self, &rows->slots, i);
}
