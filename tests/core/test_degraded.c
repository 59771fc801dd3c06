/*  test_degraded.c - reads while nodes are down, silent or suspected: who is asked instead, what their answers are worth, and
 *  what is mended afterwards.
 */
#include "coordinator_rig.h"

static const uint64_t ONE[] = {10};

/*  Five nodes, n = 3, one partition: nodes 1 to 3 own it, and `fallbacks` gets the other two in order. */
static void s_open_five (rig_t *rig, unsigned unreachable, uint64_t *fallbacks)
{
    settings_t settings = drive_settings (1, 3, 2, 2);
    uint64_t nodes[5];
    rig_open_with (rig, &settings, 5, unreachable);
    rig_fallbacks (rig, 5, nodes);
    fallbacks[0] = nodes[0];
    fallbacks[1] = nodes[1];
}

static bytes_t s_milk (void)
{
    return drive_state (ONE, 1, bytes_text ("milk"));
}

/*  Gets the key; the owners that were asked. */
static unsigned s_get (rig_t *rig, uint32_t r, bool strict)
{
    request_t request = rig_about ("get");
    GIVE (request, &request, r, r);
    GIVE (request, &request, strict, strict);
    rig_ask (rig, &request);
    return rig_asked (rig, MESSAGE_read);
}

/*  A get whose reply is `status`; it is the step's. */
static void s_got (rig_t *rig, const char *status)
{
    got_t got;
    rig_reply (rig, &got_schema, &got, status);
    codec_clear (&got_schema, &got);
}

/* ---- stand-ins ---- */

Test (degraded, a_fallbacks_value_counts_toward_r)
{
    rig_t rig;
    uint64_t fallbacks[2];
    s_open_five (&rig, NODE (2) | NODE (3), fallbacks);
    cr_assert_eq (s_get (&rig, 2, false), NODE (1));
    cr_assert_eq (rig_hinted (&rig, MESSAGE_read, 1), fallbacks[0]);
    cr_assert_eq (rig_hinted (&rig, MESSAGE_read, 2), 0, "r are asked");
    rig_absent (&rig, 1);
    cr_assert_not (rig_answered (&rig));
    bytes_t milk = s_milk ();
    rig_found_hint (&rig, fallbacks[0], 1, s_milk ());
    s_got (&rig, "ok");
    cr_assert_eq (rig_asked (&rig, MESSAGE_replicate), NODE (1), "owners are mended, never hints");
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_replicate), 1);
    bytes_clear (&milk);
    rig_close (&rig);
}

Test (degraded, a_fallbacks_absence_counts_where_an_owner_has_a_value)
{
    rig_t rig;
    uint64_t fallbacks[2];
    s_open_five (&rig, NODE (2) | NODE (3), fallbacks);
    s_get (&rig, 2, false);
    rig_found_hint (&rig, fallbacks[0], 1, bytes_view (NULL, 0));
    cr_assert_not (rig_answered (&rig));
    rig_found (&rig, 1, s_milk ());
    s_got (&rig, "ok");
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_replicate), 0);
    rig_close (&rig);
}

Test (degraded, that_there_is_no_value_takes_r_owners)
{
    rig_t rig;
    uint64_t fallbacks[2];
    s_open_five (&rig, NODE (2) | NODE (3), fallbacks);
    s_get (&rig, 2, false);
    rig_absent (&rig, 1);
    rig_found_hint (&rig, fallbacks[0], 1, bytes_view (NULL, 0));
    cr_assert_not (rig_answered (&rig));
    cr_assert_eq (rig_hinted (&rig, MESSAGE_read, 2), fallbacks[1], "one may hold it yet");
    rig_found_hint (&rig, fallbacks[1], 2, bytes_view (NULL, 0));
    rig_failure (&rig, "unavailable");
    /* And so does a tombstone: it says the same. */
    dot_t seen = {.actor = 10, .counter = 3};
    object_t tombstone = {.context = {.vv = {&seen, 1}}};
    s_get (&rig, 2, false);
    rig_absent (&rig, 1);
    rig_found_hint (&rig, fallbacks[0], 1, object_encode (&tombstone));
    cr_assert_not (rig_answered (&rig));
    rig_found_hint (&rig, fallbacks[1], 2, bytes_view (NULL, 0));
    rig_failure (&rig, "unavailable");
    /* With r = 1 one owner's word is enough. */
    s_get (&rig, 1, false);
    rig_absent (&rig, 1);
    s_got (&rig, "not_found");
    rig_close (&rig);
}

Test (degraded, an_owner_that_is_late_may_yet_say_that_there_is_no_value)
{
    rig_t rig;
    uint64_t fallbacks[2];
    s_open_five (&rig, NODE (3), fallbacks);
    s_get (&rig, 2, false);
    rig_absent (&rig, 1);
    do
        rig_tick (&rig);
    while (rig_hinted (&rig, MESSAGE_read, 1) == 0 && rig_hinted (&rig, MESSAGE_read, 2) == 0);
    for (uint8_t slot = 1; slot < 3; slot++)
        if (rig_hinted (&rig, MESSAGE_read, slot) == fallbacks[0]) {
            rig_found_hint (&rig, fallbacks[0], slot, bytes_view (NULL, 0));
            break;
        }
    cr_assert_not (rig_answered (&rig));
    rig_absent (&rig, 2);
    s_got (&rig, "not_found");
    rig_close (&rig);
}

Test (degraded, strict_reads_ask_owners_alone)
{
    rig_t rig;
    uint64_t fallbacks[2];
    s_open_five (&rig, NODE (2) | NODE (3), fallbacks);
    cr_assert_eq (s_get (&rig, 2, true), 0);
    rig_failure (&rig, "unavailable");
    rig_ring (&rig, 5, NODE (2));
    s_get (&rig, 2, true);
    rig_found (&rig, 1, s_milk ());
    while (!rig_answered (&rig)) {
        rig_tick (&rig);
        for (uint8_t slot = 0; slot < 3; slot++)
            cr_assert_eq (rig_hinted (&rig, MESSAGE_read, slot), 0);
    }
    cr_assert_eq (rig_failure (&rig, "timeout").acks, 1);
    rig_close (&rig);
}

Test (degraded, unavailable_at_once_counts_who_could_stand_in)
{
    rig_t rig;
    uint64_t fallbacks[2];
    s_open_five (&rig, NODE (2) | NODE (3), fallbacks);
    rig_ring (&rig, 5, NODE (2) | NODE (3) | 1u << fallbacks[1]);
    cr_assert_eq (s_get (&rig, 3, false), 0);
    rig_failure (&rig, "unavailable");
    cr_assert_eq (rig.drive.effects.count, 1);
    s_get (&rig, 2, false);
    cr_assert_eq (rig_hinted (&rig, MESSAGE_read, 1), fallbacks[0]);
    rig_close (&rig);
}

Test (degraded, a_fallback_that_refuses_is_passed_over)
{
    rig_t rig;
    uint64_t fallbacks[2];
    s_open_five (&rig, NODE (3), fallbacks);
    s_get (&rig, 3, false);
    cr_assert_eq (rig_hinted (&rig, MESSAGE_read, 2), fallbacks[0]);
    rig_found (&rig, 1, s_milk ());
    rig_found (&rig, 2, s_milk ());
    message_t *message = message_new (MESSAGE_read_reply);
    message->read_reply.request = rig.request;
    message->read_reply.slot = 2;
    message->read_reply.result = RESULT_REFUSED;
    rig_from (&rig, fallbacks[0], message);
    cr_assert_eq (rig_hinted (&rig, MESSAGE_read, 2), fallbacks[1]);
    rig_found_hint (&rig, fallbacks[1], 2, bytes_view (NULL, 0));
    s_got (&rig, "ok");
    rig_close (&rig);
}

Test (degraded, the_slots_new_owner_is_asked)
{
    rig_t rig;
    uint64_t fallbacks[2];
    s_open_five (&rig, 0, fallbacks);
    s_get (&rig, 3, false);
    rig_found (&rig, 1, s_milk ());
    rig_found (&rig, 2, s_milk ());
    message_t *snapshot = drive_snapshot (&rig.settings, 5);
    snapshot->snapshot.slots.items[2].owner = 4;
    drive_message (&rig.drive, 0, ROLE_GOSSIP, snapshot);
    rig_refused (&rig, 3, STATUS_UNAVAILABLE);
    cr_assert_eq (rig_asked (&rig, MESSAGE_read), NODE (4));
    message_t *message = message_new (MESSAGE_read_reply);
    message->read_reply.request = rig.request;
    message->read_reply.slot = 2;
    message->read_reply.result = RESULT_ABSENT;
    rig_from (&rig, 4, message);
    s_got (&rig, "ok");
    rig_close (&rig);
}

/* ---- time ---- */

/*  Reads that the first `owners` answer after 2 ms, so that time-outs are as short as they get. */
static void s_warm (rig_t *rig, uint32_t owners)
{
    for (int i = 0; i < 20; i++) {
        s_get (rig, owners, true);
        rig->drive.now_us += 2 * MS;
        for (uint64_t node = 1; node <= owners; node++)
            rig_absent (rig, node);
        cr_assert (rig_answered (rig));
    }
}

Test (degraded, a_silent_owner_is_hedged_at_its_time_out_and_later_asked_last)
{
    rig_t rig;
    settings_t settings = drive_settings (1, 3, 2, 2);
    rig_open_with (&rig, &settings, 3, 0);
    s_warm (&rig, 3);
    size_t accused = 0;
    unsigned waited = 0;
    for (int i = 0; i < 60; i++) { /* node 2 says nothing more */
        uint64_t began_us = rig.drive.now_us;
        unsigned asked = s_get (&rig, 2, false);
        rig_absent (&rig, 1);
        if (!(asked & NODE (3))) {
            while (rig_asked (&rig, MESSAGE_read) != NODE (3)) {
                rig_tick (&rig);
                accused += drive_sent_count (&rig.drive, MESSAGE_accuse);
            }
            cr_assert_geq (rig.drive.now_us - began_us, 19 * MS);
            cr_assert_leq (rig.drive.now_us - began_us, 60 * MS);
            waited++;
        }
        rig.drive.now_us += 2 * MS;
        rig_absent (&rig, 3);
        cr_assert (rig_answered (&rig));
        rig.drive.now_us += 300 * MS; /* the linger ends */
        drive_kind (&rig.drive, EVENT_TICK);
    }
    cr_assert_leq (waited, 4, "%u of 60 waited", waited);
    cr_assert_geq (waited, 1);
    cr_assert_geq (accused, 1, "gossip was told");
    rig_close (&rig);
}

Test (degraded, who_is_late_once_is_asked_again_and_not_stood_in_for)
{
    rig_t rig;
    uint64_t fallbacks[2];
    s_open_five (&rig, 0, fallbacks);
    s_warm (&rig, 3);
    s_get (&rig, 3, false);
    uint64_t began_us = rig.drive.now_us;
    rig_absent (&rig, 1);
    rig_absent (&rig, 2);
    do {
        rig_tick (&rig);
        cr_assert_eq (rig_hinted (&rig, MESSAGE_read, 2), 0, "it would know less, and count");
    } while (rig_asked (&rig, MESSAGE_read) != NODE (3));
    cr_assert_leq (rig.drive.now_us - began_us, 60 * MS);
    while (rig_hinted (&rig, MESSAGE_read, 2) == 0)
        rig_tick (&rig);
    cr_assert_leq (rig.drive.now_us - began_us, 200 * MS, "a few time-outs");
    rig_found (&rig, 3, s_milk ());
    s_got (&rig, "ok");
    rig_close (&rig);
}

Test (degraded, an_owner_that_may_know_better_is_asked_again)
{
    rig_t rig;
    uint64_t fallbacks[2];
    s_open_five (&rig, NODE (3), fallbacks);
    s_warm (&rig, 2);
    s_get (&rig, 2, false);
    rig_absent (&rig, 1);
    while (rig_hinted (&rig, MESSAGE_read, 2) == 0)
        rig_tick (&rig);
    rig_found_hint (&rig, fallbacks[0], 2, bytes_view (NULL, 0)); /* two nodes, and one owner */
    cr_assert_not (rig_answered (&rig));
    unsigned again = 0;
    while (!(again & NODE (2))) {
        rig_tick (&rig);
        again |= rig_asked (&rig, MESSAGE_read);
        cr_assert_not (rig_answered (&rig));
    }
    rig_absent (&rig, 2);
    s_got (&rig, "not_found");
    rig_close (&rig);
}

Test (degraded, who_is_found_down_is_replaced_at_once)
{
    rig_t rig;
    uint64_t fallbacks[2];
    s_open_five (&rig, 0, fallbacks);
    cr_assert_eq (s_get (&rig, 3, false), NODE (1) | NODE (2) | NODE (3));
    rig_found (&rig, 1, s_milk ());
    rig_peers (&rig, 5, NODE (3), 100);
    drive_tick (&rig.drive, 0);
    cr_assert_eq (rig_hinted (&rig, MESSAGE_read, 2), fallbacks[0]);
    rig_found (&rig, 2, s_milk ());
    rig_found_hint (&rig, fallbacks[0], 2, bytes_view (NULL, 0));
    s_got (&rig, "ok");
    rig_close (&rig);
}

Test (degraded, a_floor_asks_stand_ins_as_well_and_ends_with_the_down)
{
    rig_t rig;
    uint64_t fallbacks[2];
    s_open_five (&rig, NODE (3), fallbacks);
    bytes_t floor = rig_blob (ONE, 1);
    request_t request = rig_about ("get");
    GIVE (request, &request, floor, floor);
    GIVE (request, &request, r, 1);
    rig_ask (&rig, &request);
    rig_absent (&rig, 1);
    cr_assert_not (rig_answered (&rig));
    cr_assert_eq (rig_hinted (&rig, MESSAGE_read, 2), fallbacks[0]);
    rig_absent (&rig, 2);
    rig_found_hint (&rig, fallbacks[0], 2, s_milk ());
    got_t got;
    rig_reply (&rig, &got_schema, &got, "ok");
    cr_assert_not (HAS (got, &got, stale) && got.stale);
    codec_clear (&got_schema, &got);
    bytes_clear (&floor);
    rig_close (&rig);
}

/* ---- mending ---- */

/*  Counts the `repair` events of this step about node `peer`: their keys. */
static uint64_t s_repaired (rig_t *rig, char peer)
{
    uint64_t keys = 0;
    for (size_t i = 0; i < drive_sent_count (&rig->drive, MESSAGE_notice); i++) {
        const notice_t *notice = &drive_sent (&rig->drive, MESSAGE_notice, i)->message->notice;
        if (!bytes_equal (notice->topic, bytes_text ("repair")))
            continue;
        repair_event_t event;
        cr_assert_eq (codec_decode (&repair_event_schema, notice->event, &event, NULL), 0);
        cr_assert (bytes_equal (event.kind, bytes_text ("read")));
        cr_assert (bytes_equal (event.node, bytes_text ("node1")));
        if (event.peer.data[4] == (uint8_t) peer)
            keys += event.keys;
    }
    return keys;
}

Test (degraded, late_answers_are_mended_and_repairs_published)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    rig_peers (&rig, 3, 0, 60000);
    uint64_t two = 0, three = 0;
    uint64_t began_us = rig.drive.now_us;
    for (int i = 0; i < 40; i++) {
        unsigned asked = s_get (&rig, 2, false);
        bool all = asked == (NODE (1) | NODE (2) | NODE (3));
        rig_found (&rig, 1, s_milk ());
        rig_absent (&rig, 2);
        cr_assert (rig_answered (&rig));
        if (all) {
            rig.drive.now_us += 30 * MS;
            rig_absent (&rig, 3);
            three++;
        }
        two++;
        cr_assert_eq (rig_asked (&rig, MESSAGE_replicate), NODE (2) | (all ? NODE (3) : 0));
        const replicate_t *sent =
            &drive_sent (&rig.drive, MESSAGE_replicate, 0)->message->replicate;
        cr_assert_eq (sent->stamp.nonce, 1002);
        cr_assert_leq (sent->stamp.clock_ms, 60000);
    }
    cr_assert_gt (three, 0);
    drive_tick (&rig.drive, began_us + 1000 * MS - rig.drive.now_us);
    cr_assert_eq (s_repaired (&rig, '2'), two);
    cr_assert_eq (s_repaired (&rig, '3'), three);
    drive_tick (&rig.drive, 1000 * MS);
    cr_assert_eq (s_repaired (&rig, '2'), 0, "once");
    rig_close (&rig);
}

Test (degraded, repairs_have_a_budget)
{
    rig_t rig;
    rig_open (&rig, 2, 2, 2);
    unsigned mended = 0;
    for (int i = 0; i < 3000; i++) {
        s_get (&rig, 2, false);
        rig_found (&rig, 1, s_milk ());
        rig_absent (&rig, 2);
        cr_assert (rig_answered (&rig));
        mended += drive_sent_count (&rig.drive, MESSAGE_replicate) == 1;
    }
    cr_assert_geq (mended, 100);
    cr_assert_leq (mended, 2000);
    rig.drive.now_us += 1000 * MS;
    s_get (&rig, 2, false);
    rig_found (&rig, 1, s_milk ());
    rig_absent (&rig, 2);
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_replicate), 1, "a second later");
    rig_close (&rig);
}
