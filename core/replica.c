/*  replica.c - see replica.h. */
#include "replica.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"
#include "writes.h"

#define COMPLAINT_US 10000000u          /* between two lines about the same kind of trouble */
#define FLUSH_PATIENCE_US 100000u       /* a sync that got lost on its way is asked for again */
#define DISK_RESERVE_BYTES (256u << 20) /* less free: writes are refused before the store breaks */
#define DISK_RESUME_BYTES (288u << 20)  /* this much free again: they are taken */

/* ---- life ---- */

static void *replica_create (const setup_t *setup)
{
    replica_t *self = memory_new (1, sizeof *self);
    self->settings = *setup->settings;
    self->store = setup->store;
    self->rng = setup->rng;
    self->nonce = setup->nonce;
    self->actor = rng_next (&self->rng);
    holdings_init (&self->holdings, setup->store);
    hints_init (&self->hints, setup->store, setup->settings->hints_bytes);
    return self;
}

static void replica_destroy (void **core_p)
{
    replica_t *self = *core_p;
    if (self == NULL)
        return;
    ring_destroy (&self->ring);
    free (self->enacted.items);
    holdings_clear (&self->holdings);
    hints_clear (&self->hints);
    held_clear (&self->commits);
    held_clear (&self->flushes);
    free (self);
    *core_p = NULL;
}

static bool replica_busy (const void *core)
{
    const replica_t *self = core;
    return !self->halted && (self->commits.count > 0 || self->flushes.count > 0);
}

void replica_halt (replica_t *self, effects_t *effects)
{
    if (!self->halted)
        effects_halt (effects, "%s", store_error (self->store));
    self->halted = true;
}

bool replica_may_complain (replica_t *self)
{
    if (self->complained_us != 0 && self->now_us - self->complained_us < COMPLAINT_US)
        return false;
    self->complained_us = self->now_us;
    return true;
}

void replica_damaged (replica_t *self, place_t place, effects_t *effects)
{
    if (!replica_may_complain (self))
        return;
    effects_log (effects, LEVEL_ERROR,
                 "a record of partition %u (key hash %016llx) is damaged; requests for it are "
                 "refused; restore the data folder from a backup",
                 place.partition, (unsigned long long) place.hash);
}

/* ---- reads ---- */

bool replica_serves (const replica_t *self, uint32_t partition, uint8_t slot, bool hint)
{
    if (self->ring == NULL || slot >= ring_charter (self->ring)->n)
        return false;
    bool owned = ring_slot (self->ring, partition, slot)->owner == ring_self (self->ring);
    return owned != hint;
}

int replica_load (replica_t *self, place_t place, uint8_t slot, bool hint, stored_t *record)
{
    if (hint)
        return hints_load (&self->hints, place, slot, record);
    return holdings_load (&self->holdings, place, record);
}

static void s_read (replica_t *self, const message_t *message, effects_t *effects)
{
    const read_t *read = &message->read;
    message_t *reply = message_new (MESSAGE_read_reply);
    reply->read_reply.request = read->request;
    reply->read_reply.slot = read->slot;
    reply->read_reply.result = RESULT_REFUSED;
    reply->read_reply.status = STATUS_UNAVAILABLE;
    place_t place = place_of (self->settings.partitions, read->key);
    if (replica_serves (self, place.partition, read->slot, read->hint)) {
        stored_t record;
        int rc = replica_load (self, place, read->slot, read->hint, &record);
        if (rc == STORE_OK) {
            reply->read_reply.result = RESULT_FOUND;
            reply->read_reply.state = bytes_copy (record.object.data, record.object.size);
        } else if (rc == STORE_ABSENT)
            reply->read_reply.result = RESULT_ABSENT;
        else if (rc == HOLDINGS_DAMAGED) {
            reply->read_reply.status = STATUS_INTERNAL;
            replica_damaged (self, place, effects);
        } else {
            message_destroy (&reply);
            replica_halt (self, effects);
            return;
        }
    }
    effects_send (effects, message->from, &reply);
}

static void s_scan (replica_t *self, const message_t *message, effects_t *effects)
{
    const scan_t *scan = &message->scan;
    message_t *reply = message_new (MESSAGE_scan_reply);
    reply->scan_reply.request = scan->request;
    reply->scan_reply.slot = scan->slot;
    reply->scan_reply.result = RESULT_REFUSED;
    reply->scan_reply.status = STATUS_UNAVAILABLE;
    if (scan->partition < self->settings.partitions &&
        replica_serves (self, scan->partition, scan->slot, false)) {
        reply->scan_reply.result = RESULT_FOUND;
        if (holdings_list (&self->holdings, scan->partition, self->settings.partitions, scan->after,
                           scan->limit, &reply->scan_reply.keys,
                           &reply->scan_reply.next) != STORE_OK) {
            message_destroy (&reply);
            replica_halt (self, effects);
            return;
        }
    }
    effects_send (effects, message->from, &reply);
}

static void s_survey (replica_t *self, const event_t *event, effects_t *effects)
{
    message_t *message = message_new (MESSAGE_survey_reply);
    survey_reply_t *reply = &message->survey_reply;
    reply->request = event->message->survey.request;
    reply->keys = self->holdings.keys;
    reply->tombstones = self->holdings.tombstones;
    reply->hints = self->hints.count;
    reply->hint_oldest = hints_oldest_s (&self->hints, event->wall_ms);
    reply->read_only = self->read_only;
    reply->hints_stored = self->hints.stored;
    reply->hints_delivered = self->hints.delivered;
    effects_send (effects, event->message->from, &message);
}

/* ---- hints, for the handoff ---- */

static void s_hint_page (replica_t *self, const message_t *message, effects_t *effects)
{
    message_t *reply = message_new (MESSAGE_hint_page_reply);
    reply->hint_page_reply.request = message->hint_page.request;
    uint64_t damaged = 0;
    if (hints_page (&self->hints, &message->hint_page, &reply->hint_page_reply, &damaged) !=
        STORE_OK) {
        message_destroy (&reply);
        replica_halt (self, effects);
        return;
    }
    if (damaged > 0 && replica_may_complain (self))
        effects_log (
            effects, LEVEL_ERROR,
            "%llu hints (writes kept for other nodes) are damaged and cannot be delivered; "
            "the other replicas of their keys have them",
            (unsigned long long) damaged);
    effects_send (effects, message->from, &reply);
}

static void s_hint_drop (replica_t *self, const message_t *message, effects_t *effects)
{
    const hint_id_list_t *ids = &message->hint_drop.hints;
    for (size_t i = 0; i < ids->count; i++) {
        place_t place = place_of (self->settings.partitions, ids->items[i].key);
        if (hints_drop (&self->hints, place, &ids->items[i]) != STORE_OK) {
            replica_halt (self, effects);
            return;
        }
    }
}

/* ---- ring and membership, for gossip ---- */

static void s_recall (replica_t *self, const message_t *message, effects_t *effects)
{
    message_t *reply = message_new (MESSAGE_recall_reply);
    int rc = registry_recall (self->store, &reply->recall_reply);
    if (rc == STORE_OK) {
        effects_send (effects, message->from, &reply);
        return;
    }
    message_destroy (&reply);
    if (rc == REGISTRY_DAMAGED) {
        self->halted = true;
        effects_halt (effects, "the data folder's own records of the cluster are damaged: restore "
                               "it from a backup, or move it aside and start empty");
    } else
        replica_halt (self, effects);
}

/*  Appends copies of rows to a list that owns its items. */
static void s_append (slot_list_t *list, const slot_list_t *rows)
{
    if (rows->count == 0)
        return;
    list->items = memory_resize (list->items, list->count + rows->count, sizeof *list->items);
    memcpy (list->items + list->count, rows->items, rows->count * sizeof *rows->items);
    list->count += rows->count;
}

/*  The row that the ring has at this one's place; NULL when it has no such place. */
static const slot_t *s_counterpart (const replica_t *self, const slot_t *row)
{
    const charter_t *charter = self->ring != NULL ? ring_charter (self->ring) : NULL;
    if (charter == NULL || row->partition >= charter->partitions || row->slot >= charter->n)
        return NULL;
    return ring_slot (self->ring, row->partition, row->slot);
}

/*  Whether this row gives away a slot of ours in which nothing is stored. 1, 0, or -1 when the store failed. */
static int s_may_give (replica_t *self, const slot_t *row)
{
    const slot_t *now = s_counterpart (self, row);
    if (now == NULL)
        return 0;
    if (now->version == row->version && now->owner == row->owner)
        return 1; /* given already, and the answer was lost */
    if (now->owner != ring_self (self->ring) || row->version <= now->version)
        return 0;
    bool empty;
    if (holdings_empty (&self->holdings, row->partition, self->settings.partitions, &empty) !=
        STORE_OK)
        return -1;
    return empty;
}

/*  Gives away what can be given. From here on its reads and writes are refused, so it stays empty. `given` gets the rows.
 *  STORE_OK or STORE_FAILED. */
static int s_give (replica_t *self, const slot_list_t *gifts, slot_list_t *given)
{
    for (size_t i = 0; i < gifts->count; i++) {
        int may = s_may_give (self, &gifts->items[i]);
        if (may < 0)
            return STORE_FAILED;
        slot_list_t row = {.items = &gifts->items[i], .count = 1};
        if (may == 0)
            continue;
        ring_enact (self->ring, &row);
        s_append (given, &row);
    }
    const enact_t rows = {.slots = *given};
    return registry_enact (self->store, &rows);
}

/*  Forgets the cluster, if this node holds nothing of it. STORE_OK or STORE_FAILED. */
static int s_dissolve (replica_t *self, bool *dissolved)
{
    bytes_t all = bytes_view (NULL, 0);
    int rc = store_empty (self->store, STORE_DATA, all, all, dissolved);
    if (rc == STORE_OK && *dissolved)
        rc = store_empty (self->store, STORE_HINTS, all, all, dissolved);
    if (rc != STORE_OK || !*dissolved)
        return rc;
    if (self->ring != NULL)
        self->dissolved = ring_charter (self->ring)->cluster;
    ring_destroy (&self->ring);
    self->enacted.count = 0;
    return registry_dissolve (self->store);
}

/*  What is enacted holds here in the same step, because this node is the authority on its own slots. */
static void s_enact (replica_t *self, const message_t *message, effects_t *effects)
{
    const enact_t *enact = &message->enact;
    message_t *reply = message_new (MESSAGE_enact_reply);
    reply->enact_reply.request = enact->request;
    if (enact->charter.cluster == self->dissolved)
        self->dissolved = 0; /* it is in that cluster again */
    int rc;
    if (enact->dissolve)
        rc = s_dissolve (self, &reply->enact_reply.dissolved);
    else {
        rc = registry_enact (self->store, enact);
        if (rc == STORE_OK)
            rc = s_give (self, &enact->gifts, &reply->enact_reply.gifts);
        if (self->ring != NULL) {
            ring_enact (self->ring, &enact->slots);
            s_append (&self->enacted, &enact->slots);
            s_append (&self->enacted, &reply->enact_reply.gifts);
        }
    }
    if (rc != STORE_OK) {
        message_destroy (&reply);
        replica_halt (self, effects);
        return;
    }
    /* What a cluster agrees on is on disk before it takes effect elsewhere, in every durability. */
    held_add (&self->flushes, message->from, &reply, true);
}

/*  A snapshot may have been made before what was enacted here, and must not take it back. */
static void s_snapshot (replica_t *self, const message_t *message, effects_t *effects)
{
    if (self->dissolved != 0 && message->snapshot.charter.cluster == self->dissolved)
        return;
    ring_follow (&self->ring, message, effects);
    if (self->ring == NULL)
        return;
    slot_list_t *enacted = &self->enacted;
    size_t kept = 0;
    for (size_t i = 0; i < enacted->count; i++) {
        const slot_t *shown = s_counterpart (self, &enacted->items[i]);
        if (shown != NULL && shown->version < enacted->items[i].version)
            enacted->items[kept++] = enacted->items[i];
    }
    enacted->count = kept;
    ring_enact (self->ring, enacted);
}

/* ---- disk ---- */

static void s_host (replica_t *self, const host_t *host, uint64_t wall_ms, effects_t *effects)
{
    bool full = host->disk_free < (self->read_only ? DISK_RESUME_BYTES : DISK_RESERVE_BYTES);
    if (full == self->read_only)
        return;
    self->read_only = full;
    char text[LIMIT_SENTENCE_BYTES];
    if (full)
        snprintf (text, sizeof text,
                  "the disk is nearly full (%llu MB free): writes are refused until %u MB are "
                  "free; delete what is not Cartwheel's, or move the folder to a larger disk",
                  (unsigned long long) (host->disk_free >> 20), DISK_RESUME_BYTES >> 20);
    else
        snprintf (text, sizeof text, "the disk has room again: writes are taken");
    effects_log (effects, full ? LEVEL_ERROR : LEVEL_NOTICE, "%s", text);
    store_event_t event = {0};
    GIVE (store_event, &event, node, bytes_text (self->settings.name));
    GIVE (store_event, &event, time, wall_ms);
    GIVE (store_event, &event, event, bytes_text (full ? "disk_full" : "disk_room"));
    GIVE (store_event, &event, took, 0);
    GIVE (store_event, &event, message, bytes_text (text));
    effects_publish (effects, "store", &store_event_schema, &event);
}

static void s_release (replica_t *self, effects_t *effects)
{
    bool at_commit = self->settings.durability != DURABILITY_BATCH;
    const held_t *held;
    while ((held = held_first (&self->flushes)) != NULL) {
        bool flushed = held->sequence <= self->flushed;
        if (held->sequence == HELD_NOT_COMMITTED || (!flushed && (held->flush || !at_commit)))
            return;
        held_t ready = held_take (&self->flushes);
        effects_send (effects, ready.to, &ready.message);
    }
}

/*  Asks the syncer, unless it was asked for this much a moment ago. */
static void s_ask_flush (replica_t *self, uint64_t now_us, effects_t *effects)
{
    if (self->flushes.count == 0)
        return;
    uint64_t wanted = store_sequence (self->store);
    if (self->flush_asked < wanted || now_us - self->flush_asked_us >= FLUSH_PATIENCE_US) {
        message_t *sync = message_new (MESSAGE_sync);
        sync->sync.sequence = wanted;
        effects_send_here (effects, ROLE_SYNCER, &sync);
        self->flush_asked = wanted;
        self->flush_asked_us = now_us;
    }
}

/*  Ends the batch. */
static void s_drained (replica_t *self, uint64_t now_us, effects_t *effects)
{
    if (store_commit (self->store) != STORE_OK) {
        replica_halt (self, effects);
        return;
    }
    held_commit (&self->flushes, store_sequence (self->store));
    while (held_first (&self->commits) != NULL) {
        held_t ready = held_take (&self->commits);
        effects_send (effects, ready.to, &ready.message);
    }
    s_release (self, effects);
    s_ask_flush (self, now_us, effects);
}

static void s_synced (replica_t *self, uint64_t sequence, effects_t *effects)
{
    if (sequence > self->flushed)
        self->flushed = sequence;
    s_release (self, effects);
}

/*  A slice of the walks over what is stored, and a wish for the next one. */
static void s_walk (replica_t *self, const event_t *event, effects_t *effects)
{
    uint64_t wake_us = UINT64_MAX;
    bool due = !self->holdings.counted || hints_due (&self->hints, event->now_us, &wake_us);
    if (due && (event->kind == EVENT_START || event->kind == EVENT_TICK)) {
        int rc = holdings_count (&self->holdings);
        if (rc == STORE_OK && hints_due (&self->hints, event->now_us, &wake_us))
            rc = hints_walk (&self->hints, event->now_us);
        if (rc != STORE_OK) {
            replica_halt (self, effects);
            return;
        }
        wake_us = UINT64_MAX;
        due = !self->holdings.counted || hints_due (&self->hints, event->now_us, &wake_us);
    }
    effects_wake (effects, due ? event->now_us : wake_us);
}

/* ---- the step ---- */

static void s_peers (replica_t *self, const event_t *event)
{
    if (self->ring != NULL)
        ring_hear (self->ring, &event->message->peers, event->now_us);
}

static void s_message (replica_t *self, const event_t *event, effects_t *effects)
{
    const message_t *message = event->message;
    /* clang-format off */
    switch ((int) message->type) {
    case MESSAGE_read:      s_read (self, message, effects); break;
    case MESSAGE_mint:      writes_mint (self, event, effects); break;
    case MESSAGE_replicate: writes_replicate (self, event, effects); break;
    case MESSAGE_scan:      s_scan (self, message, effects); break;
    case MESSAGE_survey:    s_survey (self, event, effects); break;
    case MESSAGE_hint_page: s_hint_page (self, message, effects); break;
    case MESSAGE_hint_drop: s_hint_drop (self, message, effects); break;
    case MESSAGE_recall:    s_recall (self, message, effects); break;
    case MESSAGE_enact:     s_enact (self, message, effects); break;
    case MESSAGE_snapshot:  s_snapshot (self, message, effects); break;
    case MESSAGE_peers:     s_peers (self, event); break;
    case MESSAGE_host:      s_host (self, &message->host, event->wall_ms, effects); break;
    case MESSAGE_synced:    s_synced (self, message->synced.sequence, effects); break;
    default: break; /* not ours: someone else's mistake, and harmless */
    }
    /* clang-format on */
}

static void replica_step (void *core, const event_t *event, effects_t *effects)
{
    replica_t *self = core;
    if (self->halted)
        return;
    self->now_us = event->now_us;
    if (event->kind == EVENT_MESSAGE)
        s_message (self, event, effects);
    else if (event->kind == EVENT_DRAINED)
        s_drained (self, event->now_us, effects);
    s_walk (self, event, effects);
    if (self->flush_asked > self->flushed)
        effects_wake (effects, self->flush_asked_us + FLUSH_PATIENCE_US);
}

const role_t replica_role = {
    .id = ROLE_REPLICA,
    .create = replica_create,
    .step = replica_step,
    .busy = replica_busy,
    .destroy = replica_destroy,
};
