/*  writes.c - see writes.h. */
#include "writes.h"

#include <string.h>

#include "../messages/memory.h"
#include "hash.h"

/* ---- a key's state, in a slot of ours or in a hint ---- */

/*  Loads a key's state for a write, as an object that lends from the store until its next call. STATUS_OK, or why not. */
static status_t s_load (replica_t *self, place_t place, uint8_t slot, bool hint, stored_t *record,
                        object_t *object, effects_t *effects)
{
    memset (object, 0, sizeof *object);
    int rc = replica_load (self, place, slot, hint, record);
    if (rc == STORE_FAILED) {
        replica_halt (self, effects);
        return STATUS_INTERNAL;
    }
    if (rc == HOLDINGS_DAMAGED || object_decode (record->object, object) != 0) {
        replica_damaged (self, place, effects);
        return STATUS_INTERNAL;
    }
    return STATUS_OK;
}

static status_t s_save (replica_t *self, place_t place, uint8_t slot, bool hint,
                        const object_t *object, const stored_t *before, uint64_t wall_ms,
                        effects_t *effects)
{
    uint64_t hash;
    int rc = hint ? hints_save (&self->hints, place, slot, object, before, wall_ms)
                  : holdings_save (&self->holdings, place, object, before, wall_ms, &hash);
    if (rc == STORE_OK)
        return STATUS_OK;
    if (rc == HINTS_FULL)
        return STATUS_OVERLOADED;
    replica_halt (self, effects);
    return STATUS_INTERNAL;
}

/*  Whether a message is young enough to be carried out. One of this node that has no stamp is. */
static bool s_timely (const replica_t *self, const message_t *message, const stamp_t *stamp,
                      uint64_t patience_ms)
{
    if (message->from.node == 0 && stamp->nonce == 0)
        return true;
    if (stamp->nonce != self->nonce || stamp->nonce == 0)
        return false;
    uint64_t now_ms = self->now_us / 1000;
    return now_ms <= stamp->clock_ms || now_ms - stamp->clock_ms <= patience_ms;
}

/*  Draws a new actor where someone has seen events of ours that we have no memory of (algorithm rule: the tripwire). */
static void s_check_memory (replica_t *self, const context_t *seen, effects_t *effects)
{
    if (context_counter (seen, self->actor) <= self->counter)
        return;
    if (replica_may_complain (self))
        effects_log (effects, LEVEL_WARNING,
                     "a context names versions of this node that it did not make; it goes on under "
                     "a new actor; if the machine was reverted to a snapshot, wipe its folder");
    self->actor = rng_next (&self->rng);
    self->counter = 0;
}

/* ---- mints ---- */

/*  A mint under way. */
typedef struct {
    const mint_t *mint;
    place_t place;
    uint64_t wall_ms;
    bool again;      /* it was taken before */
    stored_t record; /* what is stored, and the object in it */
    object_t local;
    object_t result;
    bool changed;
} minting_t;

/*  The next dot. A hint has an actor of its own for as long as this process holds it. */
static dot_t s_dot (replica_t *self, const minting_t *minting)
{
    const mint_t *mint = minting->mint;
    if (!mint->hint)
        return (dot_t){.actor = self->actor, .counter = ++self->counter};
    bool fresh = minting->record.object.size == 0;
    hint_actor_t *own = hints_actor (&self->hints, minting->place, mint->slot, fresh, &self->rng);
    if (context_counter (&mint->context, own->actor) > own->counter ||
        context_counter (&minting->local.context, own->actor) > own->counter)
        own = hints_actor (&self->hints, minting->place, mint->slot, true, &self->rng);
    return (dot_t){.actor = own->actor, .counter = ++own->counter};
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

/*  Makes the version, or deletes. The result and the reply's context are to be cleared whatever it says. */
static status_t s_apply (replica_t *self, minting_t *minting, mint_reply_t *reply)
{
    const mint_t *mint = minting->mint;
    const object_t *local = &minting->local;
    object_t *result = &minting->result;
    reply->hlc = mint->hlc;
    if (mint->remove)
        minting->changed = object_delete (local, &mint->context, result, &reply->context);
    else {
        uint64_t newest = object_hlc (local);
        write_t write = {
            .context = &mint->context,
            .put_id = mint->put_id,
            .value = mint->value,
            .dot = s_dot (self, minting),
            .hlc = hlc_next (minting->wall_ms, newest > mint->hlc ? newest : mint->hlc),
        };
        minting->changed = object_mint (local, &write, result, &reply->context);
        reply->hlc = object_hlc (result);
        if (minting->changed && s_too_many (self, local, result, mint->value.size))
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
        held_add (&self->flushes, message->from, &reply, false);
        return;
    }
    reply->mint_reply.state = object_encode (result);
    held_add (&self->commits, message->from, &reply, false);
    message_t *ack = message_new (MESSAGE_replicate_reply);
    ack->replicate_reply.request = mint->request;
    ack->replicate_reply.slot = mint->slot;
    ack->replicate_reply.result = RESULT_STORED;
    held_add (&self->flushes, message->from, &ack, false);
}

/*  Whether the mint may be carried out here at all. */
static status_t s_admit (const replica_t *self, const mint_t *mint, place_t place)
{
    if (!replica_serves (self, place.partition, mint->slot, mint->hint))
        return STATUS_UNAVAILABLE;
    if (self->read_only)
        return STATUS_READ_ONLY;
    /* A record with another put_id could not be read again. */
    if (mint->put_id.size != 0 && mint->put_id.size != LIMIT_PUT_ID_BYTES)
        return STATUS_BAD_REQUEST;
    return context_valid (&mint->context) ? STATUS_OK : STATUS_BAD_CONTEXT;
}

/*  With the state loaded: makes, stores and answers. */
static status_t s_carry_out (replica_t *self, const message_t *message, minting_t *minting,
                             message_t *reply, effects_t *effects)
{
    const mint_t *mint = minting->mint;
    /* What was carried out and then replaced must not be made again: its sender gets no answer to go on by. */
    if (minting->again && !mint->remove && object_find_put (&minting->local, mint->put_id) == NULL)
        return STATUS_UNAVAILABLE;
    status_t status = s_apply (self, minting, &reply->mint_reply);
    if (status == STATUS_OK && minting->changed)
        status = s_save (self, minting->place, mint->slot, mint->hint, &minting->result,
                         &minting->record, minting->wall_ms, effects);
    if (status == STATUS_OK)
        s_answer_mint (self, message, reply, &minting->result);
    return status;
}

static status_t s_try_mint (replica_t *self, const event_t *event, bool again, message_t *reply,
                            effects_t *effects)
{
    const mint_t *mint = &event->message->mint;
    minting_t minting = {.mint = mint,
                         .place = place_of (self->settings.partitions, mint->key),
                         .wall_ms = event->wall_ms,
                         .again = again};
    status_t status = s_admit (self, mint, minting.place);
    if (status != STATUS_OK)
        return status;
    s_check_memory (self, &mint->context, effects);
    status = s_load (self, minting.place, mint->slot, mint->hint, &minting.record, &minting.local,
                     effects);
    if (status == STATUS_OK)
        status = s_carry_out (self, event->message, &minting, reply, effects);
    object_clear (&minting.result);
    object_clear (&minting.local);
    return status;
}

static taken_t *s_taken_bucket (replica_t *self, const message_t *message)
{
    /* Requests count up, so their bits are spread by a multiplication (Knuth 6.4) before they name a bucket. */
    uint64_t spread = (message->mint.request ^ message->from.node) * 0x9e3779b97f4a7c15u;
    return &self->taken[(spread >> 32) % REPLICA_TAKEN_BUCKETS * REPLICA_TAKEN_WAYS];
}

/*  The mint, if it was taken before: it came twice, or its sender, who had no answer, sent it again. It must not make a
 *  second version of a value that somebody has replaced in between. */
static const taken_t *s_taken (replica_t *self, const message_t *message)
{
    const mint_t *mint = &message->mint;
    const taken_t *bucket = s_taken_bucket (self, message);
    for (unsigned i = 0; i < REPLICA_TAKEN_WAYS; i++)
        if (bucket[i].request == mint->request && bucket[i].node == message->from.node &&
            bucket[i].slot == mint->slot && bucket[i].hint == mint->hint)
            return &bucket[i];
    return NULL;
}

static void s_take (replica_t *self, const message_t *message, status_t status)
{
    taken_t *bucket = s_taken_bucket (self, message);
    memmove (bucket + 1, bucket, (REPLICA_TAKEN_WAYS - 1) * sizeof *bucket);
    bucket[0] = (taken_t){.request = message->mint.request,
                          .node = message->from.node,
                          .slot = message->mint.slot,
                          .hint = message->mint.hint,
                          .status = (uint8_t) status};
}

void writes_mint (replica_t *self, const event_t *event, effects_t *effects)
{
    const message_t *message = event->message;
    const mint_t *mint = &message->mint;
    uint64_t patience_ms =
        mint->patience_ms < LIMIT_MESSAGE_AGE_MS ? mint->patience_ms : LIMIT_MESSAGE_AGE_MS;
    message_t *reply = message_new (MESSAGE_mint_reply);
    reply->mint_reply.request = mint->request;
    reply->mint_reply.slot = mint->slot;
    const taken_t *taken = s_taken (self, message);
    bool made = taken != NULL && taken->status == STATUS_OK;
    status_t status = STATUS_UNAVAILABLE;
    if (taken != NULL && !made)
        status = (status_t) taken->status; /* a client may have been told that nothing was stored */
    else if (s_timely (self, message, &mint->stamp, patience_ms)) {
        status = s_try_mint (self, event, made, reply, effects);
        if (!made)
            s_take (self, message, status);
    }
    if (status == STATUS_OK)
        return;
    if (made) { /* a refusal would send it to another home, where it would be made twice */
        message_destroy (&reply);
        return;
    }
    codec_clear (&context_schema, &reply->mint_reply.context);
    reply->mint_reply.status = (uint8_t) status;
    effects_send (effects, message->from, &reply);
}

/* ---- states of others ---- */

/*  Merges a state that another replica made or mended. Accepted whatever the limits on client puts say, for refusing it
 *  would keep replicas apart for good; only what no record could hold is not, and a hint beyond limits/hints. */
static status_t s_try_replicate (replica_t *self, const event_t *event, effects_t *effects)
{
    const replicate_t *replicate = &event->message->replicate;
    place_t place = place_of (self->settings.partitions, replicate->key);
    if (!s_timely (self, event->message, &replicate->stamp, LIMIT_MESSAGE_AGE_MS) ||
        !replica_serves (self, place.partition, replicate->slot, replicate->hint))
        return STATUS_UNAVAILABLE;
    if (self->read_only)
        return STATUS_READ_ONLY;
    object_t theirs;
    if (object_decode (replicate->state, &theirs) != 0)
        return STATUS_BAD_REQUEST;
    s_check_memory (self, &theirs.context, effects);
    stored_t record;
    object_t local;
    status_t status =
        s_load (self, place, replicate->slot, replicate->hint, &record, &local, effects);
    if (status == STATUS_OK) {
        object_t merged;
        object_merge (&local, &theirs, &merged);
        if (!object_fits (&merged))
            status = STATUS_TOO_LARGE;
        else if (!codec_equal (&object_schema, &merged, &local))
            status = s_save (self, place, replicate->slot, replicate->hint, &merged, &record,
                             event->wall_ms, effects);
        object_clear (&merged);
    }
    object_clear (&local);
    object_clear (&theirs);
    return status;
}

void writes_replicate (replica_t *self, const event_t *event, effects_t *effects)
{
    const message_t *message = event->message;
    const replicate_t *replicate = &message->replicate;
    status_t status = s_try_replicate (self, event, effects);
    message_t *reply = message_new (MESSAGE_replicate_reply);
    reply->replicate_reply.request = replicate->request;
    reply->replicate_reply.slot = replicate->slot;
    reply->replicate_reply.status = (uint8_t) status;
    reply->replicate_reply.result = status == STATUS_OK ? RESULT_STORED : RESULT_REFUSED;
    reply->replicate_reply.hash = hash_bytes (replicate->state);
    if (status == STATUS_OK)
        held_add (&self->flushes, message->from, &reply, false);
    else
        effects_send (effects, message->from, &reply);
}
