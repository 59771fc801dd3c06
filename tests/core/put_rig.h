/*  put_rig.h - for tests of writes: puts, and replicas that mint and store as the test says.
 */
#ifndef CARTWHEEL_TEST_PUT_RIG_H
#define CARTWHEEL_TEST_PUT_RIG_H

#include "coordinator_rig.h"

static inline void put_ask (rig_t *rig, uint32_t w)
{
    request_t request = rig_put ("milk");
    GIVE (request, &request, w, w);
    rig_ask (rig, &request);
}

/*  The mint of this step, which went to this node alone. */
static inline const mint_t *put_mint (rig_t *rig, uint64_t node)
{
    cr_assert_eq (rig_asked (rig, MESSAGE_mint), NODE (node));
    const mint_t *mint = &drive_sent (&rig->drive, MESSAGE_mint, 0)->message->mint;
    cr_assert_eq (mint->request, rig->request);
    cr_assert_eq (mint->slot, node - 1);
    cr_assert (bytes_equal (mint->key, bytes_text (KEY)));
    return mint;
}

/*  `node` has minted for a slot, under this actor; `others` tells whether the state goes on to others, or this was all. */
static inline void put_minted_for (rig_t *rig, uint64_t node, uint8_t slot, uint64_t actor,
                                   bool others)
{
    dot_t dot = {.actor = actor, .counter = 1};
    context_t context = {.vv = {&dot, 1}};
    message_t *message = message_new (MESSAGE_mint_reply);
    message->mint_reply.request = rig->request;
    message->mint_reply.slot = slot;
    message->mint_reply.durable = !others;
    message->mint_reply.hlc = 5;
    codec_copy (&context_schema, &context, &message->mint_reply.context);
    if (others)
        message->mint_reply.state = drive_state (&actor, 1, bytes_text ("milk"));
    rig_from (rig, node, message);
}

static inline void put_minted (rig_t *rig, uint64_t node, bool others)
{
    put_minted_for (rig, node, (uint8_t) (node - 1), 10, others);
}

static inline void put_refuse (rig_t *rig, uint64_t node, status_t status)
{
    message_t *message = message_new (MESSAGE_mint_reply);
    message->mint_reply.request = rig->request;
    message->mint_reply.slot = (uint8_t) (node - 1);
    message->mint_reply.status = (uint8_t) status;
    rig_from (rig, node, message);
}

/*  The nodes that were sent the state. */
static inline unsigned put_spread (rig_t *rig)
{
    bytes_t state = drive_state ((uint64_t[]){10}, 1, bytes_text ("milk"));
    for (size_t i = 0; i < drive_sent_count (&rig->drive, MESSAGE_replicate); i++) {
        const replicate_t *sent =
            &drive_sent (&rig->drive, MESSAGE_replicate, i)->message->replicate;
        cr_assert (bytes_equal (sent->state, state));
        cr_assert (bytes_equal (sent->key, bytes_text (KEY)));
        cr_assert_eq (sent->request, rig->request);
    }
    bytes_clear (&state);
    return rig_asked (rig, MESSAGE_replicate);
}

static inline void put_written (rig_t *rig, uint32_t acks)
{
    written_t written;
    rig_reply (rig, &written_schema, &written, "ok");
    cr_assert (HAS (written, &written, acks));
    cr_assert_eq (written.acks, acks);
    context_t context = rig_context (written.context);
    cr_assert (context_covers (&context, (dot_t){.actor = 10, .counter = 1}));
    context_clear (&context);
    codec_clear (&written_schema, &written);
}

/*  Five nodes, n = 3, one partition: nodes 1 to 3 own it, and `fallbacks` gets the other two in order. */
static inline void put_open_five (rig_t *rig, unsigned unreachable, uint64_t *fallbacks)
{
    settings_t settings = drive_settings (1, 3, 2, 2);
    uint64_t nodes[5];
    rig_open_with (rig, &settings, 5, unreachable);
    rig_fallbacks (rig, 5, nodes);
    fallbacks[0] = nodes[0];
    fallbacks[1] = nodes[1];
}

static inline void put_strict (rig_t *rig, uint32_t w)
{
    request_t request = rig_put ("milk");
    GIVE (request, &request, w, w);
    GIVE (request, &request, strict, true);
    rig_ask (rig, &request);
}

/*  Ticks until a message of this type is sent; the time of it since the step before. */
static inline uint64_t put_until (rig_t *rig, message_type_t type)
{
    uint64_t began_us = rig->drive.now_us;
    do
        rig_tick (rig);
    while (drive_sent_count (&rig->drive, type) == 0 && !rig_answered (rig));
    return rig->drive.now_us - began_us;
}

#endif
