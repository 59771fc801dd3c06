/*  coordinator_rig.h - for tests of the coordinator and its operations: node 1 of a few, asked by one client, its replicas
 *  played by the test. With one partition, slot s is node s + 1's.
 */
#ifndef CARTWHEEL_TEST_COORDINATOR_RIG_H
#define CARTWHEEL_TEST_COORDINATOR_RIG_H

#include "drive.h"

#include "core/coordinator.h"

#define CLIENT "client"
#define KEY "cart"

typedef struct {
    settings_t settings;
    drive_t drive;
    uint64_t request; /* what the replicas were last asked as */
    uint64_t hash;    /* of the state that rig_stored acknowledges */
} rig_t;

/*  Notes the number under which replicas were asked in this step. */
static inline void rig_note (rig_t *rig)
{
    for (size_t i = 0; i < rig->drive.effects.count; i++) {
        const message_t *message = rig->drive.effects.items[i].message;
        if (rig->drive.effects.items[i].kind != EFFECT_SEND)
            continue;
        if (message->type == MESSAGE_read)
            rig->request = message->read.request;
        else if (message->type == MESSAGE_mint)
            rig->request = message->mint.request;
        else if (message->type == MESSAGE_scan)
            rig->request = message->scan.request;
        else if (message->type == MESSAGE_survey)
            rig->request = message->survey.request;
        else if (message->type == MESSAGE_admin)
            rig->request = message->admin.request;
    }
}

/*  Tells the ring: `members` nodes, of which those in `unreachable` (a bit each) cannot be reached. */
static inline void rig_ring (rig_t *rig, size_t members, unsigned unreachable)
{
    message_t *snapshot = drive_snapshot (&rig->settings, members);
    for (size_t i = 0; i < members; i++)
        snapshot->snapshot.members.items[i].reachable = !(unreachable >> (i + 1) & 1);
    snapshot->snapshot.settled = true;
    drive_message (&rig->drive, 0, ROLE_GOSSIP, snapshot);
    cr_assert_eq (drive_sent_count (&rig->drive, MESSAGE_seen), 1);
}

/*  Gossip says whom it reaches now, of `members` nodes, and that each is in its first life, at `clock_ms` of its clock. */
static inline void rig_peers (rig_t *rig, size_t members, unsigned unreachable, uint64_t clock_ms)
{
    message_t *message = message_new (MESSAGE_peers);
    sight_list_t *peers = &message->peers.peers;
    peers->items = memory_new (members, sizeof (sight_t));
    for (uint64_t node = 2; node <= members; node++)
        peers->items[peers->count++] =
            (sight_t){.node = node,
                      .reachable = !(unreachable >> node & 1),
                      .stamp = {.nonce = 1000 + node, .clock_ms = clock_ms}};
    drive_message (&rig->drive, 0, ROLE_GOSSIP, message);
}

static inline void rig_open_with (rig_t *rig, const settings_t *settings, size_t members,
                                  unsigned unreachable)
{
    memset (rig, 0, sizeof *rig);
    rig->settings = *settings;
    drive_open (&rig->drive, &coordinator_role, &rig->settings, NULL, 1);
    drive_kind (&rig->drive, EVENT_START);
    rig_note (rig);
    if (members > 0)
        rig_ring (rig, members, unreachable);
}

/*  One partition, n = `members`. */
static inline void rig_open (rig_t *rig, uint8_t members, uint8_t r, uint8_t w)
{
    settings_t settings = drive_settings (1, members, r, w);
    rig_open_with (rig, &settings, members, 0);
}

static inline void rig_close (rig_t *rig)
{
    drive_close (&rig->drive);
}

static inline void rig_silent (const rig_t *rig)
{
    cr_assert_eq (rig->drive.effects.count, 0, "%zu effects", rig->drive.effects.count);
}

/* ---- the client ---- */

static inline request_t rig_request (const char *op)
{
    request_t request = {0};
    GIVE (request, &request, op, bytes_text (op));
    return request;
}

/*  A request about the key. */
static inline request_t rig_about (const char *op)
{
    request_t request = rig_request (op);
    GIVE (request, &request, key, bytes_text (KEY));
    return request;
}

static inline request_t rig_put (const char *value)
{
    request_t request = rig_about ("put");
    GIVE (request, &request, value, bytes_text (value));
    return request;
}

static inline void rig_ask (rig_t *rig, const request_t *request)
{
    buffer_t buffer;
    buffer_init (&buffer, SIZE_MAX);
    cr_assert_eq (codec_encode (&request_schema, request, &buffer), 0);
    drive_step (&rig->drive, (event_t){.kind = EVENT_REQUEST,
                                       .client = bytes_text (CLIENT),
                                       .frame = buffer_view (&buffer)});
    buffer_clear (&buffer);
    rig_note (rig);
}

/*  Whether this step answered the client. Never more than once. */
static inline bool rig_answered (rig_t *rig)
{
    cr_assert_leq (drive_count (&rig->drive, EFFECT_REPLY), 1);
    return drive_count (&rig->drive, EFFECT_REPLY) == 1;
}

/*  Decodes the step's reply, which has this status, into `reply`: to be cleared, with views until the next step. */
static inline void rig_reply (rig_t *rig, const schema_t *schema, void *reply, const char *status)
{
    cr_assert (rig_answered (rig), "no reply");
    const effect_t *effect = drive_effect (&rig->drive, EFFECT_REPLY);
    cr_assert (bytes_equal (effect->client, bytes_text (CLIENT)));
    failure_t head;
    cr_assert_eq (codec_decode (&failure_schema, effect->frame, &head, NULL), 0);
    cr_assert (bytes_equal (head.status, bytes_text (status)), "%.*s (%.*s), not %s",
               (int) head.status.size, (const char *) head.status.data, (int) head.message.size,
               (const char *) head.message.data, status);
    cr_assert_eq (codec_decode (schema, effect->frame, reply, NULL), 0);
}

/*  A reply that is a failure: it has a sentence. */
static inline failure_t rig_failure (rig_t *rig, const char *status)
{
    failure_t failure;
    rig_reply (rig, &failure_schema, &failure, status);
    cr_assert (HAS (failure, &failure, message));
    cr_assert_gt (failure.message.size, 10);
    return failure;
}

/*  Opens a context of the key. */
static inline context_t rig_context (bytes_t blob)
{
    context_t context;
    uint64_t hlc;
    cr_assert_eq (context_open (blob, hash_bytes (bytes_text (KEY)), &context, &hlc), 0);
    return context;
}

/*  A blob of the key that covers these actors' first dots; to be cleared. */
static inline bytes_t rig_blob (const uint64_t *actors, size_t count)
{
    bytes_t state = drive_state (actors, count, bytes_text ("v"));
    object_t object;
    cr_assert_eq (object_decode (state, &object), 0);
    bytes_t blob = context_seal (&object.context, hash_bytes (bytes_text (KEY)), 7);
    object_clear (&object);
    bytes_clear (&state);
    return blob;
}

/*  Lets the time pass that the coordinator wants to sleep. */
static inline void rig_tick (rig_t *rig)
{
    cr_assert_neq (rig->drive.effects.wake_us, UINT64_MAX, "it sleeps for ever");
    if (rig->drive.effects.wake_us > rig->drive.now_us)
        rig->drive.now_us = rig->drive.effects.wake_us;
    drive_kind (&rig->drive, EVENT_TICK);
}

/*  Ticks as asked for until the client is answered; the time of it since `began_us`. */
static inline uint64_t rig_wait (rig_t *rig, uint64_t began_us)
{
    while (!rig_answered (rig))
        rig_tick (rig);
    return rig->drive.now_us - began_us;
}

/* ---- the replicas ---- */

/*  As node `node` sends it: this node's own replica gives no id. */
static inline void rig_from (rig_t *rig, uint64_t node, message_t *message)
{
    drive_message (&rig->drive, node == 1 ? 0 : node, ROLE_REPLICA, message);
}

/*  Answers for slot `node` - 1. Takes the state; an empty one is absence. */
static inline void rig_found (rig_t *rig, uint64_t node, bytes_t state)
{
    message_t *message = message_new (MESSAGE_read_reply);
    message->read_reply.request = rig->request;
    message->read_reply.slot = (uint8_t) (node - 1);
    message->read_reply.result = state.size > 0 ? RESULT_FOUND : RESULT_ABSENT;
    message->read_reply.state = state;
    rig_from (rig, node, message);
}

/*  Answers a read of the hint for a slot. Takes the state; an empty one is absence. */
static inline void rig_found_hint (rig_t *rig, uint64_t node, uint8_t slot, bytes_t state)
{
    message_t *message = message_new (MESSAGE_read_reply);
    message->read_reply.request = rig->request;
    message->read_reply.slot = slot;
    message->read_reply.result = state.size > 0 ? RESULT_FOUND : RESULT_ABSENT;
    message->read_reply.state = state;
    rig_from (rig, node, message);
}

static inline void rig_absent (rig_t *rig, uint64_t node)
{
    rig_found (rig, node, bytes_view (NULL, 0));
}

static inline void rig_refused (rig_t *rig, uint64_t node, status_t status)
{
    message_t *message = message_new (MESSAGE_read_reply);
    message->read_reply.request = rig->request;
    message->read_reply.slot = (uint8_t) (node - 1);
    message->read_reply.result = RESULT_REFUSED;
    message->read_reply.status = (uint8_t) status;
    rig_from (rig, node, message);
}

/*  What `node` says of the state that it was sent for a slot. */
static inline void rig_stored_for (rig_t *rig, uint64_t node, uint8_t slot, status_t status)
{
    message_t *message = message_new (MESSAGE_replicate_reply);
    message->replicate_reply.request = rig->request;
    message->replicate_reply.slot = slot;
    message->replicate_reply.result = status == STATUS_OK ? RESULT_STORED : RESULT_REFUSED;
    message->replicate_reply.status = (uint8_t) status;
    message->replicate_reply.hash = rig->hash;
    rig_from (rig, node, message);
}

static inline void rig_stored (rig_t *rig, uint64_t node, status_t status)
{
    rig_stored_for (rig, node, (uint8_t) (node - 1), status);
}

/*  Gossip has decided about an operator's wish. */
static inline void rig_decided (rig_t *rig, status_t status, const char *sentence)
{
    message_t *message = message_new (MESSAGE_admin_reply);
    message->admin_reply.request = rig->request;
    message->admin_reply.status = (uint8_t) status;
    message->admin_reply.message = bytes_copy (sentence, strlen (sentence));
    drive_message (&rig->drive, 0, ROLE_GOSSIP, message);
}

/*  Answers the last survey: so many keys, and three tombstones. */
static inline void rig_surveyed (rig_t *rig, uint64_t keys)
{
    message_t *message = message_new (MESSAGE_survey_reply);
    message->survey_reply.request = rig->request;
    message->survey_reply.keys = keys;
    message->survey_reply.tombstones = 3;
    rig_from (rig, 1, message);
}

/*  Whether a message is about a hint, and of which slot. */
static inline bool rig_about_hint (const message_t *message, uint8_t *slot)
{
    *slot = message->type == MESSAGE_mint        ? message->mint.slot
            : message->type == MESSAGE_replicate ? message->replicate.slot
            : message->type == MESSAGE_read      ? message->read.slot
                                                 : message->scan.slot;
    return (message->type == MESSAGE_mint && message->mint.hint) ||
           (message->type == MESSAGE_replicate && message->replicate.hint) ||
           (message->type == MESSAGE_read && message->read.hint);
}

/*  The nodes (a bit each) that messages of a type went to in this step, each once; about hints or about owners' slots. */
static inline unsigned rig_sent (rig_t *rig, message_type_t type, bool hints)
{
    unsigned nodes = 0;
    for (size_t i = 0; i < drive_sent_count (&rig->drive, type); i++) {
        const effect_t *effect = drive_sent (&rig->drive, type, i);
        uint64_t node = effect->to.node == 0 ? 1 : effect->to.node;
        uint8_t slot;
        cr_assert_eq (effect->to.role, ROLE_REPLICA);
        cr_assert_neq (effect->to.node, 1, "this node is 0");
        if (rig_about_hint (effect->message, &slot) != hints)
            continue;
        cr_assert_not (nodes >> node & 1, "node %u was asked twice", (unsigned) node);
        nodes |= 1u << node;
    }
    return nodes;
}

static inline unsigned rig_asked (rig_t *rig, message_type_t type)
{
    return rig_sent (rig, type, false);
}

/*  The one node that a message of a type about the hint for a slot went to in this step; 0 when to none. */
static inline uint64_t rig_hinted (rig_t *rig, message_type_t type, uint8_t slot)
{
    uint64_t node = 0;
    for (size_t i = 0; i < drive_sent_count (&rig->drive, type); i++) {
        const effect_t *effect = drive_sent (&rig->drive, type, i);
        uint8_t about;
        if (!rig_about_hint (effect->message, &about) || about != slot)
            continue;
        cr_assert_eq (node, 0, "two were asked for one slot");
        node = effect->to.node == 0 ? 1 : effect->to.node;
    }
    return node;
}

/*  The fallbacks of the one partition of `members` nodes, n owners, in rendezvous order; the first n nodes are owners. */
static inline void rig_fallbacks (const rig_t *rig, size_t members, uint64_t *nodes)
{
    message_t *snapshot = drive_snapshot (&rig->settings, members);
    ring_t *ring = ring_new (&snapshot->snapshot);
    cr_assert_eq (ring_fallbacks (ring, 0, nodes, members), members - rig->settings.n);
    ring_destroy (&ring);
    message_destroy (&snapshot);
}

#define NODE(node) (1u << (node))

#endif
