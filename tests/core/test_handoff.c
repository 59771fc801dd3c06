/*  test_handoff.c - the delivery of hints: when a walk begins, what is sent to whom, what is told to be dropped, and what is
 *  left. The replicas are the test.
 */
#include "drive.h"

#include <stdio.h>

#define PARTITIONS 2u
#define OUTSTANDING 64u
#define HINTS_MOST 1000u

/*  A hint that the replica here holds. */
typedef struct {
    uint32_t partition;
    uint8_t slot;
    char key[32];
    size_t bytes; /* of its state */
    bool held;
} kept_t;

typedef struct {
    settings_t settings;
    drive_t drive;
    uint64_t reachable; /* a bit for each node */
    uint64_t nonce;     /* of all others */
    kept_t kept[HINTS_MOST];
    size_t count;
    message_t *sent[HINTS_MOST]; /* replicates that are not answered */
    uint64_t to[HINTS_MOST];
    size_t sent_count;
    size_t pages;     /* that were asked for */
    size_t delivered; /* as the event of the last walk says, of all peers */
    size_t left;
    size_t events;
} rig_t;

static uint64_t s_state_hash (const kept_t *kept)
{
    return 1000 + kept->bytes + (uint64_t) kept->slot;
}

static void s_react (rig_t *rig);

/*  The page that the replica would answer with. */
static message_t *s_page (rig_t *rig, const hint_page_t *page)
{
    message_t *message = message_new (MESSAGE_hint_page_reply);
    hint_list_t *hints = &message->hint_page_reply.hints;
    message->hint_page_reply.request = page->request;
    hints->items = memory_new (page->limit, sizeof *hints->items);
    bool passed = page->after.size == 0;
    for (size_t i = 0; i < rig->count && hints->count < page->limit; i++) {
        const kept_t *kept = &rig->kept[i];
        uint32_t at = kept->partition * LIMIT_N + kept->slot;
        uint32_t from = page->partition * LIMIT_N + page->slot;
        if (at < from || (at == from && !passed)) {
            passed = passed || (at == from && bytes_equal (page->after, bytes_text (kept->key)));
            continue;
        }
        const hint_id_t *first = &hints->items[0].id;
        if (hints->count > 0 && (first->partition != kept->partition || first->slot != kept->slot))
            break;
        if (!kept->held)
            continue;
        hint_t *hint = &hints->items[hints->count++];
        hint->id = (hint_id_t){.partition = kept->partition,
                               .slot = kept->slot,
                               .key = bytes_copy (kept->key, strlen (kept->key)),
                               .hash = s_state_hash (kept)};
        hint->state = bytes_own (memory_new (kept->bytes, 1), kept->bytes);
    }
    return message;
}

static kept_t *s_kept (rig_t *rig, uint8_t slot, bytes_t key)
{
    for (size_t i = 0; i < rig->count; i++)
        if (rig->kept[i].slot == slot && bytes_equal (bytes_text (rig->kept[i].key), key))
            return &rig->kept[i];
    cr_assert (false, "no such hint");
    return NULL;
}

static void s_event (rig_t *rig, const notice_t *notice)
{
    cr_assert (bytes_equal (notice->topic, bytes_text ("handoff")));
    handoff_event_t event;
    cr_assert_eq (codec_decode (&handoff_event_schema, notice->event, &event, NULL), 0);
    cr_assert (bytes_equal (event.node, bytes_text ("node1")));
    cr_assert_eq (event.time, rig->drive.wall_ms);
    rig->events++;
    rig->delivered += event.delivered;
    rig->left += event.left;
    codec_clear (&handoff_event_schema, &event);
}

static void s_dropped (rig_t *rig, const hint_drop_t *drop)
{
    for (size_t i = 0; i < drop->hints.count; i++) {
        const hint_id_t *id = &drop->hints.items[i];
        kept_t *kept = s_kept (rig, id->slot, id->key);
        cr_assert (kept->held);
        if (id->hash == s_state_hash (kept))
            kept->held = false;
    }
}

/*  Plays the replica here, and keeps what goes to others, until nothing happens any more. */
static void s_react (rig_t *rig)
{
    message_t *pages[4];
    size_t count = 0;
    for (size_t i = 0; i < rig->drive.effects.count; i++) {
        effect_t *effect = &rig->drive.effects.items[i];
        cr_assert_eq (effect->kind, EFFECT_SEND);
        if (effect->message->type == MESSAGE_hint_page) {
            cr_assert_eq (effect->to.node, 0);
            pages[count++] = s_page (rig, &effect->message->hint_page);
            rig->pages++;
        } else if (effect->message->type == MESSAGE_replicate) {
            rig->to[rig->sent_count] = effect->to.node;
            rig->sent[rig->sent_count++] = message_copy (effect->message);
        } else if (effect->message->type == MESSAGE_hint_drop)
            s_dropped (rig, &effect->message->hint_drop);
        else if (effect->message->type == MESSAGE_notice)
            s_event (rig, &effect->message->notice);
        else
            cr_assert_eq (effect->message->type, MESSAGE_seen);
    }
    for (size_t i = 0; i < count; i++) {
        drive_message (&rig->drive, 0, ROLE_REPLICA, pages[i]);
        s_react (rig);
    }
}

static void s_tick (rig_t *rig, uint64_t us)
{
    drive_tick (&rig->drive, us);
    s_react (rig);
}

static void s_drained (rig_t *rig)
{
    drive_kind (&rig->drive, EVENT_DRAINED);
    s_react (rig);
}

/*  Answers the oldest that was sent. */
static void s_answer (rig_t *rig, bool stored, uint64_t hash_off)
{
    cr_assert_gt (rig->sent_count, 0);
    message_t *sent = rig->sent[0];
    uint64_t node = rig->to[0];
    rig->sent_count--;
    memmove (rig->sent, rig->sent + 1, rig->sent_count * sizeof *rig->sent);
    memmove (rig->to, rig->to + 1, rig->sent_count * sizeof *rig->to);
    message_t *reply = message_new (MESSAGE_replicate_reply);
    reply->replicate_reply.request = sent->replicate.request;
    reply->replicate_reply.slot = sent->replicate.slot;
    reply->replicate_reply.result = stored ? RESULT_STORED : RESULT_REFUSED;
    reply->replicate_reply.status = stored ? STATUS_OK : STATUS_UNAVAILABLE;
    reply->replicate_reply.hash =
        hash_off + s_state_hash (s_kept (rig, sent->replicate.slot, sent->replicate.key));
    message_destroy (&sent);
    drive_message (&rig->drive, node, ROLE_REPLICA, reply);
    s_react (rig);
}

/*  Forgets the oldest that were sent. */
static void s_lose (rig_t *rig, size_t count)
{
    for (size_t i = 0; i < count; i++)
        message_destroy (&rig->sent[i]);
    rig->sent_count -= count;
    memmove (rig->sent, rig->sent + count, rig->sent_count * sizeof *rig->sent);
    memmove (rig->to, rig->to + count, rig->sent_count * sizeof *rig->to);
}

/*  Answers all, and all that follows, as stored. The most that was ever outstanding. */
static size_t s_answer_all (rig_t *rig)
{
    size_t most = rig->sent_count;
    while (rig->sent_count > 0) {
        s_answer (rig, true, 0);
        if (rig->sent_count > most)
            most = rig->sent_count;
    }
    s_drained (rig);
    return most;
}

static size_t s_held (const rig_t *rig)
{
    size_t held = 0;
    for (size_t i = 0; i < rig->count; i++)
        held += rig->kept[i].held;
    return held;
}

static void s_peers (rig_t *rig)
{
    message_t *message = message_new (MESSAGE_peers);
    sight_list_t *peers = &message->peers.peers;
    peers->items = memory_new (2, sizeof *peers->items);
    for (uint64_t node = 2; node <= 3; node++)
        peers->items[peers->count++] = (sight_t){
            .node = node,
            .reachable = rig->reachable >> node & 1,
            .stamp = {.nonce = rig->nonce + node, .clock_ms = rig->drive.now_us / 1000 + node}};
    drive_message (&rig->drive, 0, ROLE_GOSSIP, message);
    s_react (rig);
}

/*  Node 1 of 3; slot s of partition p is with node (p + s) % 3 + 1. */
static void s_ring (rig_t *rig, uint64_t owner_of_slot_1)
{
    message_t *snapshot = drive_snapshot (&rig->settings, 3);
    for (size_t i = 0; i < snapshot->snapshot.members.count; i++)
        snapshot->snapshot.members.items[i].reachable =
            rig->reachable >> snapshot->snapshot.members.items[i].node & 1;
    if (owner_of_slot_1 != 2) {
        snapshot->snapshot.slots.items[1].owner = owner_of_slot_1;
        snapshot->snapshot.slots.items[1].version++;
        snapshot->snapshot.version++;
    }
    drive_message (&rig->drive, 0, ROLE_GOSSIP, snapshot);
    s_react (rig);
}

/*  Keeps hints for a slot; call in the order of partition and slot. */
static void s_keep (rig_t *rig, uint32_t partition, uint8_t slot, unsigned count, size_t bytes)
{
    for (unsigned i = 0; i < count; i++) {
        kept_t *kept = &rig->kept[rig->count++];
        *kept = (kept_t){.partition = partition, .slot = slot, .bytes = bytes, .held = true};
        snprintf (kept->key, sizeof kept->key, "p%us%uk%u", partition, slot, i);
    }
}

static void s_open (rig_t *rig)
{
    memset (rig, 0, sizeof *rig);
    rig->settings = drive_settings (PARTITIONS, 3, 2, 2);
    rig->reachable = 1u << 2 | 1u << 3;
    rig->nonce = 70;
    drive_open (&rig->drive, &handoff_role, &rig->settings, NULL, 1);
    drive_kind (&rig->drive, EVENT_START);
    s_react (rig);
}

/*  With a ring, and stamps of the peers. */
static void s_start (rig_t *rig)
{
    s_ring (rig, 2);
    s_peers (rig);
    s_tick (rig, 0);
    s_drained (rig);
}

static void s_close (rig_t *rig)
{
    while (rig->sent_count > 0)
        message_destroy (&rig->sent[--rig->sent_count]);
    drive_close (&rig->drive);
}

/* ---- what is sent ---- */

Test (handoff, hints_are_delivered_at_start_to_the_owners_of_their_slots)
{
    rig_t rig;
    s_open (&rig);
    s_keep (&rig, 0, 1, 2, 10);
    s_keep (&rig, 0, 2, 1, 10);
    s_keep (&rig, 1, 1, 1, 10);
    s_start (&rig);
    static const uint64_t owners[] = {2, 2, 3, 3};
    cr_assert_eq (rig.sent_count, 4);
    for (size_t i = 0; i < 4; i++) {
        const replicate_t *replicate = &rig.sent[i]->replicate;
        cr_assert_eq (rig.to[i], owners[i]);
        cr_assert_eq (replicate->slot, rig.kept[i].slot);
        cr_assert_not (replicate->hint, "into the slot itself");
        cr_assert (bytes_equal (replicate->key, bytes_text (rig.kept[i].key)));
        cr_assert_eq (replicate->state.size, 10);
        cr_assert_eq (replicate->stamp.nonce, 70 + owners[i]);
        cr_assert_eq (replicate->stamp.clock_ms, rig.drive.now_us / 1000 + owners[i]);
    }
    cr_assert_eq (rig.events, 0, "not before they are stored");
    s_answer_all (&rig);
    cr_assert_eq (s_held (&rig), 0);
    cr_assert_eq (rig.events, 2, "one for each peer");
    cr_assert_eq (rig.delivered, 4);
    cr_assert_eq (rig.left, 0);
    s_close (&rig);
}

Test (handoff, no_more_than_the_limit_are_on_their_way)
{
    rig_t rig;
    s_open (&rig);
    s_keep (&rig, 0, 1, 700, 10);
    s_keep (&rig, 1, 1, 200, 10);
    s_start (&rig);
    cr_assert_eq (rig.sent_count, OUTSTANDING);
    cr_assert_eq (s_answer_all (&rig), OUTSTANDING);
    cr_assert_eq (s_held (&rig), 0);
    cr_assert_eq (rig.delivered, 900);
    s_close (&rig);
}

Test (handoff, large_states_wait_for_each_other)
{
    rig_t rig;
    s_open (&rig);
    s_keep (&rig, 0, 1, 20, LIMIT_HINTS_BATCH_BYTES / 4);
    s_keep (&rig, 0, 2, 3, LIMIT_HINTS_BATCH_BYTES * 2);
    s_start (&rig);
    cr_assert_eq (rig.sent_count, 4);
    s_answer_all (&rig);
    cr_assert_eq (s_held (&rig), 0, "also those that are larger than the room");
    s_close (&rig);
}

Test (handoff, the_stamp_is_from_before_the_page_was_asked_for)
{
    rig_t rig;
    s_open (&rig);
    s_keep (&rig, 0, 1, OUTSTANDING + 1, 10);
    s_start (&rig);
    uint64_t clock_ms = rig.sent[0]->replicate.stamp.clock_ms;
    rig.drive.now_us += 500 * MS;
    s_peers (&rig);
    s_answer (&rig, true, 0);
    cr_assert_eq (rig.sent_count, OUTSTANDING);
    cr_assert_eq (rig.sent[OUTSTANDING - 1]->replicate.stamp.clock_ms, clock_ms,
                  "the state was read before that news came");
    s_close (&rig);
}

Test (handoff, what_has_become_our_own_goes_to_our_own_replica)
{
    rig_t rig;
    s_open (&rig);
    s_keep (&rig, 0, 1, 3, 10);
    s_ring (&rig, 1);
    s_tick (&rig, 0);
    cr_assert_eq (rig.sent_count, 3);
    cr_assert_eq (rig.to[0], 0);
    cr_assert_eq (rig.sent[0]->replicate.stamp.nonce, 0);
    s_answer_all (&rig);
    cr_assert_eq (s_held (&rig), 0);
    s_close (&rig);
}

/* ---- what is dropped ---- */

Test (handoff, only_what_is_stored_with_the_same_hash_is_dropped)
{
    rig_t rig;
    s_open (&rig);
    s_keep (&rig, 0, 1, 3, 10);
    s_start (&rig);
    s_answer (&rig, true, 1);
    s_answer (&rig, false, 0);
    s_answer (&rig, true, 0);
    cr_assert_eq (s_held (&rig), 3, "the replica is told at the end of the batch");
    s_drained (&rig);
    cr_assert (rig.kept[0].held);
    cr_assert (rig.kept[1].held);
    cr_assert_not (rig.kept[2].held);
    cr_assert_eq (rig.delivered, 1);
    cr_assert_eq (rig.left, 2);
    /* It got on, so the rest does not wait for a minute. */
    s_tick (&rig, 2000 * MS);
    cr_assert_eq (rig.sent_count, 2);
    s_answer_all (&rig);
    cr_assert_eq (s_held (&rig), 0);
    s_close (&rig);
}

Test (handoff, an_answer_that_is_nobodys_drops_nothing)
{
    rig_t rig;
    s_open (&rig);
    s_keep (&rig, 0, 1, 1, 10);
    s_start (&rig);
    for (int i = 0; i < 3; i++) {
        message_t *reply = message_new (MESSAGE_replicate_reply);
        reply->replicate_reply.request = i == 1 ? 0 : rig.sent[0]->replicate.request + (i == 0);
        reply->replicate_reply.result = RESULT_STORED;
        reply->replicate_reply.hash = s_state_hash (&rig.kept[0]);
        drive_message (&rig.drive, i == 2 ? 3 : 2, ROLE_REPLICA, reply);
        s_react (&rig);
        s_drained (&rig);
        cr_assert_eq (s_held (&rig), 1, "%d", i);
    }
    s_close (&rig);
}

Test (handoff, what_is_not_answered_is_left_for_the_next_walk)
{
    rig_t rig;
    s_open (&rig);
    s_keep (&rig, 0, 1, 1, 10);
    s_start (&rig);
    uint64_t wake_us = rig.drive.effects.wake_us;
    cr_assert_eq (wake_us, rig.drive.now_us + 2000 * MS);
    s_tick (&rig, 2000 * MS);
    s_answer (&rig, true, 0); /* too late: it may be another state by now */
    s_drained (&rig);
    cr_assert_eq (s_held (&rig), 1);
    cr_assert_eq (rig.events, 0, "nothing was delivered");
    /* The pause grows, for an owner that never answers must not be sent all its hints each second. */
    for (uint64_t pause_ms = 1000; pause_ms <= 60000;
         pause_ms = pause_ms < 32000 ? pause_ms * 2 : 60000) {
        cr_assert_eq (rig.drive.effects.wake_us, rig.drive.now_us + pause_ms * MS);
        s_tick (&rig, pause_ms * MS - 1);
        cr_assert_eq (rig.sent_count, 0);
        s_tick (&rig, 1);
        cr_assert_eq (rig.sent_count, 1);
        if (pause_ms == 60000)
            break;
        message_destroy (&rig.sent[--rig.sent_count]);
        s_tick (&rig, 2000 * MS);
    }
    s_answer_all (&rig);
    cr_assert_eq (s_held (&rig), 0);
    s_close (&rig);
}

Test (handoff, an_owner_that_fails_again_and_again_is_passed_over)
{
    rig_t rig;
    s_open (&rig);
    s_keep (&rig, 0, 1, 500, 10);
    s_keep (&rig, 0, 2, 5, 10);
    s_start (&rig);
    size_t refused = 0;
    for (; rig.sent_count > 0 && rig.to[0] == 2; refused++)
        s_answer (&rig, false, 0);
    cr_assert (refused >= OUTSTANDING && refused < 3 * OUTSTANDING, "%zu", refused);
    cr_assert_eq (rig.sent_count, 5, "the other owner gets its own");
    s_answer_all (&rig);
    cr_assert_eq (s_held (&rig), 500);
    s_close (&rig);
}

Test (handoff, an_owner_that_answers_few_in_time_does_not_hold_up_the_others)
{
    rig_t rig;
    s_open (&rig);
    s_keep (&rig, 0, 1, 900, 10);
    s_keep (&rig, 0, 2, 5, 10);
    s_start (&rig);
    size_t seconds = 0;
    for (; rig.to[rig.sent_count - 1] == 2; seconds++) {
        s_lose (&rig, rig.sent_count - 8);
        for (size_t i = 0; i < 8; i++)
            s_answer (&rig, true, 0);
        s_tick (&rig, 1000 * MS);
    }
    cr_assert_leq (seconds, 6, "%zu", seconds);
    s_close (&rig);
}

Test (handoff, a_large_state_has_time_to_arrive)
{
    rig_t rig;
    s_open (&rig);
    s_keep (&rig, 0, 1, 1, 16u << 20);
    s_start (&rig);
    s_tick (&rig, 10000 * MS);
    s_answer_all (&rig);
    cr_assert_eq (s_held (&rig), 0);
    s_close (&rig);
}

/* ---- when ---- */

Test (handoff, who_is_out_of_reach_costs_a_look_and_is_served_when_it_is_back)
{
    rig_t rig;
    s_open (&rig);
    s_keep (&rig, 0, 1, 300, 10);
    s_keep (&rig, 0, 2, 1, 10);
    rig.reachable = 1u << 3;
    s_start (&rig);
    cr_assert_eq (rig.sent_count, 1);
    cr_assert_eq (rig.to[0], 3);
    s_answer_all (&rig);
    cr_assert_leq (rig.pages, 20);
    rig.reachable |= 1u << 2;
    s_peers (&rig);
    cr_assert_eq (rig.sent_count, OUTSTANDING, "at once");
    s_answer_all (&rig);
    cr_assert_eq (s_held (&rig), 0);
    s_close (&rig);
}

Test (handoff, one_that_goes_during_the_delivery_is_sent_no_more)
{
    rig_t rig;
    s_open (&rig);
    s_keep (&rig, 0, 1, 300, 10);
    s_start (&rig);
    rig.reachable = 1u << 3;
    s_peers (&rig);
    for (size_t i = 0; i < 10; i++)
        s_answer (&rig, true, 0);
    cr_assert_eq (rig.sent_count, OUTSTANDING - 10);
    s_tick (&rig, 2000 * MS);
    s_drained (&rig);
    cr_assert_eq (s_held (&rig), 290);
    cr_assert_eq (rig.delivered, 10);
    cr_assert_geq (rig.left, 246, "of the page");
    s_close (&rig);
}

Test (handoff, a_new_process_of_a_peer_and_a_new_owner_begin_a_walk)
{
    rig_t rig;
    s_open (&rig);
    s_start (&rig);
    s_keep (&rig, 0, 1, 1, 10);
    s_peers (&rig);
    cr_assert_eq (rig.sent_count, 0, "nothing is new");
    rig.nonce++;
    s_peers (&rig);
    cr_assert_eq (rig.sent_count, 1);
    s_answer (&rig, false, 0);
    s_ring (&rig, 2);
    s_tick (&rig, 0);
    cr_assert_eq (rig.sent_count, 0, "nothing is new");
    s_ring (&rig, 3);
    s_tick (&rig, 0);
    cr_assert_eq (rig.sent_count, 1);
    cr_assert_eq (rig.to[0], 3);
    s_answer_all (&rig);
    cr_assert_eq (s_held (&rig), 0);
    s_close (&rig);
}

Test (handoff, a_change_during_a_walk_begins_another_after_it)
{
    rig_t rig;
    s_open (&rig);
    s_keep (&rig, 0, 1, 1, 10);
    s_keep (&rig, 0, 2, 1, 10);
    rig.reachable = 1u << 3;
    s_start (&rig);
    cr_assert_eq (rig.sent_count, 1);
    rig.reachable |= 1u << 2;
    s_peers (&rig);
    cr_assert_eq (rig.sent_count, 1, "the walk has passed that slot");
    s_answer (&rig, true, 0);
    s_drained (&rig);
    s_tick (&rig, 0);
    cr_assert_eq (rig.sent_count, 1);
    cr_assert_eq (rig.to[0], 2);
    s_close (&rig);
}

Test (handoff, a_page_that_got_lost_is_asked_for_again)
{
    rig_t rig;
    s_open (&rig);
    s_keep (&rig, 0, 1, 1, 10);
    drive_message (&rig.drive, 0, ROLE_GOSSIP, drive_snapshot (&rig.settings, 3));
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_hint_page), 1);
    uint64_t lost = drive_sent (&rig.drive, MESSAGE_hint_page, 0)->message->hint_page.request;
    drive_tick (&rig.drive, 1999 * MS);
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_hint_page), 0);
    drive_tick (&rig.drive, 1 * MS);
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_hint_page), 1);
    cr_assert_neq (drive_sent (&rig.drive, MESSAGE_hint_page, 0)->message->hint_page.request, lost);
    s_react (&rig);
    s_peers (&rig);
    s_tick (&rig, 0);
    s_answer_all (&rig);
    cr_assert_eq (s_held (&rig), 0);
    s_close (&rig);
}

Test (handoff, after_stop_nothing_new_is_sent)
{
    rig_t rig;
    s_open (&rig);
    s_keep (&rig, 0, 1, 100, 10);
    s_start (&rig);
    drive_kind (&rig.drive, EVENT_STOP);
    s_react (&rig);
    s_answer (&rig, true, 0);
    cr_assert_eq (rig.sent_count, OUTSTANDING - 1);
    s_drained (&rig);
    cr_assert_eq (s_held (&rig), 99, "but what is delivered is dropped");
    s_close (&rig);
}
