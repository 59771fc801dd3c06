/*  replica.c - see replica.h. */
#include "replica.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"

#define NOT_COMMITTED UINT64_MAX
#define COMPLAINT_US 10000000u          /* between two lines about the same kind of trouble */
#define FLUSH_PATIENCE_US 100000u       /* a sync that got lost on its way is asked for again */
#define DISK_RESERVE_BYTES (256u << 20) /* less free: writes are refused before the store breaks */
#define DISK_RESUME_BYTES (288u << 20)  /* this much free again: they are taken */

/* ---- replies that wait ---- */

static void s_hold (held_list_t *list, address_t to, message_t *message)
{
    if (list->first > 0 && list->first == list->count + list->first)
        list->first = 0;
    if (list->first + list->count == list->capacity) {
        if (list->first > list->capacity / 2) {
            memmove (list->items, list->items + list->first, list->count * sizeof *list->items);
            list->first = 0;
        } else {
            list->capacity = list->capacity ? list->capacity * 2 : 64;
            list->items = memory_resize (list->items, list->capacity, sizeof *list->items);
        }
    }
    list->items[list->first + list->count++] =
        (held_t){.sequence = NOT_COMMITTED, .to = to, .message = message};
}

static held_t s_next (held_list_t *list)
{
    assert (list->count > 0);
    list->count--;
    return list->items[list->first++];
}

static void s_held_clear (held_list_t *list)
{
    while (list->count > 0) {
        held_t held = s_next (list);
        message_destroy (&held.message);
    }
    free (list->items);
    memset (list, 0, sizeof *list);
}

/* ---- life ---- */

static void *replica_create (const setup_t *setup)
{
    replica_t *self = memory_new (1, sizeof *self);
    self->settings = *setup->settings;
    self->store = setup->store;
    self->rng = setup->rng;
    self->actor = rng_next (&self->rng);
    holdings_init (&self->holdings, setup->store);
    return self;
}

static void replica_destroy (void **core_p)
{
    replica_t *self = *core_p;
    if (self == NULL)
        return;
    ring_destroy (&self->ring);
    holdings_clear (&self->holdings);
    s_held_clear (&self->commits);
    s_held_clear (&self->flushes);
    free (self);
    *core_p = NULL;
}

static bool replica_busy (const void *core)
{
    const replica_t *self = core;
    return !self->halted && (self->commits.count > 0 || self->flushes.count > 0);
}

/*  The store is broken: nothing more is acknowledged, and the node ends. */
static void s_halt (replica_t *self, effects_t *effects)
{
    if (!self->halted)
        effects_halt (effects, "%s", store_error (self->store));
    self->halted = true;
}

/*  Whether it is time for another line about what anyone can make happen at will. */
static bool s_may_complain (replica_t *self)
{
    if (self->complained_us != 0 && self->now_us - self->complained_us < COMPLAINT_US)
        return false;
    self->complained_us = self->now_us;
    return true;
}

/*  A record that cannot be read: refused, never taken for absence. */
static void s_damaged (replica_t *self, place_t place, effects_t *effects)
{
    if (!s_may_complain (self))
        return;
    effects_log (effects, LEVEL_ERROR,
                 "a record of partition %u (key hash %016llx) is damaged; requests for it are "
                 "refused; restore the data folder from a backup",
                 place.partition, (unsigned long long) place.hash);
}

/* ---- reads ---- */

/*  Whether slot `slot` of the partition is ours to answer for. */
static bool s_owns (const replica_t *self, uint32_t partition, uint8_t slot)
{
    if (self->ring == NULL || slot >= ring_charter (self->ring)->n)
        return false;
    return ring_slot (self->ring, partition, slot)->owner == ring_self (self->ring);
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
    if (s_owns (self, place.partition, read->slot)) {
        stored_t record;
        int rc = holdings_load (&self->holdings, place, &record);
        if (rc == STORE_OK) {
            reply->read_reply.result = RESULT_FOUND;
            reply->read_reply.state = bytes_copy (record.object.data, record.object.size);
        } else if (rc == STORE_ABSENT)
            reply->read_reply.result = RESULT_ABSENT;
        else if (rc == HOLDINGS_DAMAGED) {
            reply->read_reply.status = STATUS_INTERNAL;
            s_damaged (self, place, effects);
        } else {
            message_destroy (&reply);
            s_halt (self, effects);
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
    if (scan->partition < self->settings.partitions && s_owns (self, scan->partition, scan->slot)) {
        reply->scan_reply.result = RESULT_FOUND;
        if (holdings_list (&self->holdings, scan->partition, self->settings.partitions, scan->after,
                           scan->limit, &reply->scan_reply.keys,
                           &reply->scan_reply.next) != STORE_OK) {
            message_destroy (&reply);
            s_halt (self, effects);
            return;
        }
    }
    effects_send (effects, message->from, &reply);
}

static void s_survey (replica_t *self, const message_t *message, effects_t *effects)
{
    message_t *reply = message_new (MESSAGE_survey_reply);
    reply->survey_reply.request = message->survey.request;
    reply->survey_reply.keys = self->holdings.keys;
    reply->survey_reply.tombstones = self->holdings.tombstones;
    reply->survey_reply.read_only = self->read_only;
    effects_send (effects, message->from, &reply);
}

/* ---- writes ---- */

/*  Loads a key's state for a write, as an object that lends from the store until its next call. STATUS_OK, or why not. */
static status_t s_load (replica_t *self, place_t place, stored_t *record, object_t *object,
                        effects_t *effects)
{
    memset (object, 0, sizeof *object);
    int rc = holdings_load (&self->holdings, place, record);
    if (rc == STORE_FAILED) {
        s_halt (self, effects);
        return STATUS_INTERNAL;
    }
    if (rc == HOLDINGS_DAMAGED || object_decode (record->object, object) != 0) {
        s_damaged (self, place, effects);
        return STATUS_INTERNAL;
    }
    return STATUS_OK;
}

static bool s_save (replica_t *self, place_t place, const object_t *object, const stored_t *before,
                    uint64_t wall_ms, effects_t *effects)
{
    uint64_t hash;
    if (holdings_save (&self->holdings, place, object, before, wall_ms, &hash) == STORE_OK)
        return true;
    s_halt (self, effects);
    return false;
}

/*  Draws a new actor where someone has seen events of ours that we have no memory of (algorithm rule: the tripwire). */
static void s_check_memory (replica_t *self, const context_t *seen, effects_t *effects)
{
    if (context_counter (seen, self->actor) <= self->counter)
        return;
    if (s_may_complain (self))
        effects_log (effects, LEVEL_WARNING,
                     "a context names versions of this node that it did not make; it goes on under "
                     "a new actor; if the machine was reverted to a snapshot, wipe its folder");
    self->actor = rng_next (&self->rng);
    self->counter = 0;
}

/*  Whether a put made more of siblings that were at a limit without it. One that makes fewer, or smaller, is welcome. */
static bool s_too_many (const replica_t *self, const object_t *before, const object_t *after,
                        uint64_t value_bytes)
{
    uint64_t bytes = object_value_bytes (after);
    bool more = after->siblings.count > before->siblings.count;
    if (more && after->siblings.count > self->settings.siblings_count)
        return true;
    return (more || bytes > object_value_bytes (before)) &&
           bytes - value_bytes >= LIMIT_SIBLINGS_VALUES * self->settings.value_bytes;
}

/*  Makes the version, or deletes. `result` and the reply's context are to be cleared whatever it says. */
static status_t s_apply (replica_t *self, const mint_t *mint, const object_t *local,
                         uint64_t wall_ms, object_t *result, mint_reply_t *reply, bool *changed)
{
    reply->hlc = mint->hlc;
    if (mint->remove)
        *changed = object_delete (local, &mint->context, result, &reply->context);
    else {
        uint64_t newest = object_hlc (local);
        write_t write = {
            .context = &mint->context,
            .put_id = mint->put_id,
            .value = mint->value,
            .dot = {.actor = self->actor, .counter = self->counter + 1},
            .hlc = hlc_next (wall_ms, newest > mint->hlc ? newest : mint->hlc),
        };
        *changed = object_mint (local, &write, result, &reply->context);
        self->counter += *changed;
        reply->hlc = object_hlc (result);
        if (*changed && s_too_many (self, local, result, mint->value.size))
            return STATUS_TOO_MANY_SIBLINGS;
    }
    return object_fits (result) ? STATUS_OK : STATUS_TOO_LARGE;
}

/*  Queues the answer to a mint: with the state at the commit, and an acknowledgement when it is durable; or both as one. */
static void s_answer_mint (replica_t *self, const message_t *message, message_t *reply,
                           const object_t *result)
{
    const mint_t *mint = &message->mint;
    if (!mint->state_wanted) {
        reply->mint_reply.durable = true;
        s_hold (&self->flushes, message->from, reply);
        return;
    }
    reply->mint_reply.state = object_encode (result);
    s_hold (&self->commits, message->from, reply);
    message_t *ack = message_new (MESSAGE_replicate_reply);
    ack->replicate_reply.request = mint->request;
    ack->replicate_reply.slot = mint->slot;
    ack->replicate_reply.result = RESULT_STORED;
    s_hold (&self->flushes, message->from, ack);
}

static status_t s_try_mint (replica_t *self, const event_t *event, message_t *reply,
                            effects_t *effects)
{
    const mint_t *mint = &event->message->mint;
    place_t place = place_of (self->settings.partitions, mint->key);
    if (!s_owns (self, place.partition, mint->slot))
        return STATUS_UNAVAILABLE;
    if (self->read_only)
        return STATUS_READ_ONLY;
    /* A record with another put_id could not be read again. */
    if (mint->put_id.size != 0 && mint->put_id.size != LIMIT_PUT_ID_BYTES)
        return STATUS_BAD_REQUEST;
    if (!context_valid (&mint->context))
        return STATUS_BAD_CONTEXT;
    s_check_memory (self, &mint->context, effects);
    stored_t record;
    object_t local;
    status_t status = s_load (self, place, &record, &local, effects);
    if (status != STATUS_OK)
        return status;
    object_t result = {0};
    bool changed = false;
    status = s_apply (self, mint, &local, event->wall_ms, &result, &reply->mint_reply, &changed);
    if (status == STATUS_OK && changed &&
        !s_save (self, place, &result, &record, event->wall_ms, effects))
        status = STATUS_INTERNAL;
    if (status == STATUS_OK)
        s_answer_mint (self, event->message, reply, &result);
    object_clear (&result);
    object_clear (&local);
    return status;
}

/*  Whether this mint was taken before: a frame that came twice must not make a second version of a value that somebody
 *  has replaced in between. Notes it. */
static bool s_taken (replica_t *self, const message_t *message)
{
    uint64_t request = message->mint.request, node = message->from.node;
    /* Requests count up, so their bits are spread by a multiplication (Knuth 6.4) before they name a bucket. */
    uint64_t spread = (request ^ node) * 0x9e3779b97f4a7c15u;
    taken_t *bucket = &self->taken[(spread >> 32) % REPLICA_TAKEN_BUCKETS * REPLICA_TAKEN_WAYS];
    for (unsigned i = 0; i < REPLICA_TAKEN_WAYS; i++)
        if (bucket[i].request == request && bucket[i].node == node)
            return true;
    memmove (bucket + 1, bucket, (REPLICA_TAKEN_WAYS - 1) * sizeof *bucket);
    bucket[0] = (taken_t){.request = request, .node = node};
    return false;
}

static void s_mint (replica_t *self, const event_t *event, effects_t *effects)
{
    if (s_taken (self, event->message))
        return;
    message_t *reply = message_new (MESSAGE_mint_reply);
    reply->mint_reply.request = event->message->mint.request;
    reply->mint_reply.slot = event->message->mint.slot;
    status_t status = s_try_mint (self, event, reply, effects);
    if (status == STATUS_OK)
        return;
    reply->mint_reply.status = (uint8_t) status;
    effects_send (effects, event->message->from, &reply);
}

/*  Merges a state that another replica made or mended. Accepted whatever the limits on client puts say, for refusing it
 *  would keep replicas apart for good; only what no record could hold is not. */
static status_t s_try_replicate (replica_t *self, const event_t *event, effects_t *effects)
{
    const replicate_t *replicate = &event->message->replicate;
    place_t place = place_of (self->settings.partitions, replicate->key);
    if (!s_owns (self, place.partition, replicate->slot))
        return STATUS_UNAVAILABLE;
    if (self->read_only)
        return STATUS_READ_ONLY;
    object_t theirs;
    if (object_decode (replicate->state, &theirs) != 0)
        return STATUS_BAD_REQUEST;
    s_check_memory (self, &theirs.context, effects);
    stored_t record;
    object_t local;
    status_t status = s_load (self, place, &record, &local, effects);
    if (status == STATUS_OK) {
        object_t merged;
        object_merge (&local, &theirs, &merged);
        if (!object_fits (&merged))
            status = STATUS_TOO_LARGE;
        else if (!codec_equal (&object_schema, &merged, &local) &&
                 !s_save (self, place, &merged, &record, event->wall_ms, effects))
            status = STATUS_INTERNAL;
        object_clear (&merged);
    }
    object_clear (&local);
    object_clear (&theirs);
    return status;
}

static void s_replicate (replica_t *self, const event_t *event, effects_t *effects)
{
    const replicate_t *replicate = &event->message->replicate;
    status_t status = s_try_replicate (self, event, effects);
    message_t *reply = message_new (MESSAGE_replicate_reply);
    reply->replicate_reply.request = replicate->request;
    reply->replicate_reply.slot = replicate->slot;
    reply->replicate_reply.status = (uint8_t) status;
    reply->replicate_reply.result = status == STATUS_OK ? RESULT_STORED : RESULT_REFUSED;
    if (status == STATUS_OK)
        s_hold (&self->flushes, event->message->from, reply);
    else
        effects_send (effects, event->message->from, &reply);
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
        s_halt (self, effects);
}

static void s_enact (replica_t *self, const message_t *message, effects_t *effects)
{
    if (registry_enact (self->store, &message->enact) != STORE_OK) {
        s_halt (self, effects);
        return;
    }
    message_t *reply = message_new (MESSAGE_enact_reply);
    reply->enact_reply.request = message->enact.request;
    s_hold (&self->flushes, message->from, reply);
    /* What a cluster agrees on is on disk before it takes effect, in every durability. */
    self->flushes.items[self->flushes.first + self->flushes.count - 1].flush = true;
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
    buffer_t buffer;
    buffer_init (&buffer, LIMIT_EVENT_BYTES);
    codec_encode (&store_event_schema, &event, &buffer);
    bytes_t frame = buffer_take (&buffer);
    effects_publish (effects, "store", &frame);
}

static void s_release (replica_t *self, effects_t *effects)
{
    bool at_commit = self->settings.durability != DURABILITY_BATCH;
    while (self->flushes.count > 0) {
        const held_t *held = &self->flushes.items[self->flushes.first];
        bool flushed = held->sequence <= self->flushed;
        if (held->sequence == NOT_COMMITTED || (!flushed && (held->flush || !at_commit)))
            return;
        held_t ready = s_next (&self->flushes);
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
        s_halt (self, effects);
        return;
    }
    uint64_t sequence = store_sequence (self->store);
    for (size_t i = self->flushes.count; i > 0; i--) {
        held_t *held = &self->flushes.items[self->flushes.first + i - 1];
        if (held->sequence != NOT_COMMITTED)
            break;
        held->sequence = sequence;
    }
    while (self->commits.count > 0) {
        held_t ready = s_next (&self->commits);
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

static void s_census (replica_t *self, effects_t *effects)
{
    if (self->holdings.counted)
        return;
    if (holdings_count (&self->holdings) != STORE_OK)
        s_halt (self, effects);
}

/* ---- the step ---- */

static void s_message (replica_t *self, const event_t *event, effects_t *effects)
{
    const message_t *message = event->message;
    /* clang-format off */
    switch ((int) message->type) {
    case MESSAGE_read:      s_read (self, message, effects); break;
    case MESSAGE_mint:      s_mint (self, event, effects); break;
    case MESSAGE_replicate: s_replicate (self, event, effects); break;
    case MESSAGE_scan:      s_scan (self, message, effects); break;
    case MESSAGE_survey:    s_survey (self, message, effects); break;
    case MESSAGE_recall:    s_recall (self, message, effects); break;
    case MESSAGE_enact:     s_enact (self, message, effects); break;
    case MESSAGE_snapshot:  ring_follow (&self->ring, message, effects); break;
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
    if (event->kind == EVENT_START || event->kind == EVENT_TICK)
        s_census (self, effects);
    if (!self->holdings.counted)
        effects_wake (effects, event->now_us);
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
