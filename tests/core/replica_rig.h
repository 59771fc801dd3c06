/*  replica_rig.h - for tests of the replica: one of three nodes with a store in memory, the messages that it is asked with,
 *  and what it answers. The syncer is the test.
 */
#ifndef CARTWHEEL_TEST_REPLICA_RIG_H
#define CARTWHEEL_TEST_REPLICA_RIG_H

#include "drive.h"

#include "core/holdings.h"
#include "core/replica.h"
#include "store/memory_store.h"

#define PEER 2u /* whose coordinator asks */
#define KEY "cart"

static const context_t NOTHING;

typedef struct {
    settings_t settings;
    store_t *store;
    drive_t drive;
    uint64_t request; /* the last that was asked */
} rig_t;

static inline void rig_restart (rig_t *rig, uint64_t seed)
{
    drive_open (&rig->drive, &replica_role, &rig->settings, rig->store, seed);
    drive_kind (&rig->drive, EVENT_START);
    while (rig->drive.effects.wake_us <= rig->drive.now_us)
        drive_tick (&rig->drive, 0);
    drive_message (&rig->drive, 0, ROLE_GOSSIP, drive_snapshot (&rig->settings, 3));
    cr_assert_eq (drive_sent_count (&rig->drive, MESSAGE_seen), 1);
}

/*  Node 1 of 3 with one partition of 3 slots, of which it owns slot 0. */
static inline void rig_open (rig_t *rig, durability_t durability)
{
    memset (rig, 0, sizeof *rig);
    rig->settings = drive_settings (1, 3, 2, 2);
    rig->settings.durability = durability;
    rig->store = memory_store_new (durability);
    rig->request = 1000;
    rig_restart (rig, 1);
}

static inline void rig_close (rig_t *rig)
{
    drive_close (&rig->drive);
    store_destroy (&rig->store);
}

/* ---- what is asked ---- */

static inline message_t *rig_read (rig_t *rig, const char *key)
{
    message_t *message = message_new (MESSAGE_read);
    message->read.request = ++rig->request;
    message->read.key = bytes_copy (key, strlen (key));
    return message;
}

static inline message_t *rig_mint (rig_t *rig, const char *value, const context_t *context)
{
    message_t *message = message_new (MESSAGE_mint);
    message->mint.request = ++rig->request;
    message->mint.key = bytes_copy (KEY, strlen (KEY));
    message->mint.value = bytes_copy (value, strlen (value));
    codec_copy (&context_schema, context, &message->mint.context);
    message->mint.state_wanted = true;
    return message;
}

/*  Gives a write that has none a stamp of now, and the patience of a second. */
static inline void rig_stamp (const rig_t *rig, message_t *message)
{
    stamp_t now = {.nonce = DRIVE_NONCE, .clock_ms = rig->drive.now_us / 1000};
    if (message->type == MESSAGE_mint && message->mint.stamp.nonce == 0) {
        message->mint.stamp = now;
        message->mint.patience_ms = 1000;
    } else if (message->type == MESSAGE_replicate && message->replicate.stamp.nonce == 0)
        message->replicate.stamp = now;
}

static inline message_t *rig_replicate (const uint64_t *actors, size_t count, const char *value)
{
    message_t *message = message_new (MESSAGE_replicate);
    message->replicate.request = 4;
    message->replicate.key = bytes_copy (KEY, strlen (KEY));
    message->replicate.state = drive_state (actors, count, bytes_text (value));
    return message;
}

/*  Sends as the peer's coordinator. */
static inline void rig_ask (rig_t *rig, message_t *message)
{
    rig_stamp (rig, message);
    drive_message (&rig->drive, PEER, ROLE_COORDINATOR, message);
}

static inline void rig_synced (rig_t *rig, uint64_t sequence)
{
    message_t *message = message_new (MESSAGE_synced);
    message->synced.sequence = sequence;
    drive_message (&rig->drive, 0, ROLE_SYNCER, message);
}

/* ---- what is answered ---- */

/*  The only effect of the step: a message of this type to the peer's coordinator. */
static inline const message_t *rig_only (rig_t *rig, message_type_t type)
{
    cr_assert_eq (rig->drive.effects.count, 1, "%zu effects", rig->drive.effects.count);
    effect_t *effect = drive_sent (&rig->drive, type, 0);
    cr_assert_not_null (effect);
    cr_assert_eq (effect->to.node, PEER);
    cr_assert_eq (effect->to.role, ROLE_COORDINATOR);
    return effect->message;
}

static inline void rig_silent (rig_t *rig)
{
    cr_assert_eq (rig->drive.effects.count, 0, "%zu effects", rig->drive.effects.count);
}

/*  Reads the key and gives its state, to be cleared with `frame`. */
static inline result_t rig_state (rig_t *rig, object_t *object, bytes_t *frame)
{
    rig_ask (rig, rig_read (rig, KEY));
    const read_reply_t *reply = &rig_only (rig, MESSAGE_read_reply)->read_reply;
    cr_assert_eq (reply->request, rig->request);
    *frame = bytes_copy (reply->state.data, reply->state.size);
    cr_assert_eq (object_decode (*frame, object), 0);
    return (result_t) reply->result;
}

static inline size_t rig_siblings (rig_t *rig)
{
    object_t object;
    bytes_t frame;
    rig_state (rig, &object, &frame);
    size_t count = object.siblings.count;
    object_clear (&object);
    bytes_clear (&frame);
    return count;
}

/*  Mints and commits; the reply's context is the caller's. Leaves the batch to be flushed. */
static inline context_t rig_minted (rig_t *rig, message_t *mint)
{
    rig_ask (rig, mint);
    rig_silent (rig);
    drive_kind (&rig->drive, EVENT_DRAINED);
    effect_t *effect = drive_sent (&rig->drive, MESSAGE_mint_reply, 0);
    cr_assert_not_null (effect);
    cr_assert_eq (effect->message->mint_reply.status, STATUS_OK);
    context_t context;
    codec_copy (&context_schema, &effect->message->mint_reply.context, &context);
    return context;
}

static inline void rig_refused (rig_t *rig, message_t *mint, status_t status)
{
    rig_ask (rig, mint);
    const mint_reply_t *reply = &rig_only (rig, MESSAGE_mint_reply)->mint_reply;
    cr_assert_eq (reply->status, status, "%s", status_name ((status_t) reply->status));
    cr_assert_eq (reply->request, rig->request);
    cr_assert_not (reply->durable);
    cr_assert_eq (reply->state.size, 0);
    drive_kind (&rig->drive, EVENT_DRAINED);
    cr_assert_eq (drive_sent_count (&rig->drive, MESSAGE_mint_reply), 0);
    cr_assert_eq (drive_sent_count (&rig->drive, MESSAGE_replicate_reply), 0);
}

#endif
