/*  test_get.c - reading: whom it asks, when it answers and what, what it says when it cannot, and what it mends. */
#include "coordinator_rig.h"

static const uint64_t ONE[] = {10};
static const uint64_t OTHER[] = {11};
static const uint64_t BOTH[] = {10, 11};

static bytes_t s_state (const uint64_t *actors, size_t count, const char *value)
{
    return drive_state (actors, count, bytes_text (value));
}

/*  Gets the key; the nodes that were asked. */
static unsigned s_get (rig_t *rig)
{
    request_t request = rig_about ("get");
    rig_ask (rig, &request);
    return rig_asked (rig, MESSAGE_read);
}

/*  Gets until only the first r owners are asked, as in nine of ten. Earlier ones are answered and over. */
static void s_get_few (rig_t *rig, unsigned wanted)
{
    for (;;) {
        unsigned asked = s_get (rig);
        cr_assert_not (rig_answered (rig));
        cr_assert_eq (asked & wanted, wanted);
        if (asked == wanted)
            return;
        for (uint64_t node = 1; node <= rig->settings.n; node++)
            rig_absent (rig, node);
    }
}

Test (get, a_value_is_answered)
{
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    cr_assert_eq (s_get (&rig), NODE (1));
    cr_assert (bytes_equal (drive_sent (&rig.drive, MESSAGE_read, 0)->message->read.key,
                            bytes_text (KEY)));
    cr_assert (drive_busy (&rig.drive));
    rig_found (&rig, 1, s_state (ONE, 1, "milk"));
    got_t got;
    rig_reply (&rig, &got_schema, &got, "ok");
    cr_assert_eq (got.values.count, 1);
    cr_assert (bytes_equal (got.values.items[0].bytes, bytes_text ("milk")));
    cr_assert_not (HAS (got, &got, stale));
    cr_assert_not (HAS (got, &got, explain));
    context_t context = rig_context (got.context);
    cr_assert (context_covers (&context, (dot_t){.actor = 10, .counter = 1}));
    context_clear (&context);
    codec_clear (&got_schema, &got);
    cr_assert_eq (rig.drive.effects.count, 1);
    cr_assert_not (drive_busy (&rig.drive));
    rig_close (&rig);
}

Test (get, a_key_without_a_value_has_a_context_all_the_same)
{
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    for (int tombstone = 0; tombstone < 2; tombstone++) {
        s_get (&rig);
        bytes_t state = bytes_view (NULL, 0);
        if (tombstone) {
            dot_t seen = {.actor = 10, .counter = 3};
            object_t object = {.context = {.vv = {&seen, 1}}};
            state = object_encode (&object);
        }
        rig_found (&rig, 1, state);
        got_t got;
        rig_reply (&rig, &got_schema, &got, "not_found");
        cr_assert (HAS (got, &got, values));
        cr_assert_eq (got.values.count, 0);
        cr_assert_not (HAS (got, &got, message));
        context_t context = rig_context (got.context);
        cr_assert_eq (context_covers (&context, (dot_t){.actor = 10, .counter = 3}), tombstone);
        context_clear (&context);
        codec_clear (&got_schema, &got);
    }
    rig_close (&rig);
}

Test (get, equal_values_are_shown_once)
{
    static const uint64_t three[] = {10, 11, 12};
    rig_t rig;
    rig_open (&rig, 2, 2, 1);
    s_get (&rig);
    rig_found (&rig, 1, s_state (three, 3, "milk"));
    cr_assert_not (rig_answered (&rig));
    rig_found (&rig, 2, s_state ((uint64_t[]){13}, 1, "eggs"));
    got_t got;
    rig_reply (&rig, &got_schema, &got, "ok");
    cr_assert_eq (got.values.count, 2);
    cr_assert_not (bytes_equal (got.values.items[0].bytes, got.values.items[1].bytes));
    context_t context = rig_context (got.context);
    for (uint64_t actor = 10; actor <= 13; actor++)
        cr_assert (context_covers (&context, (dot_t){.actor = actor, .counter = 1}));
    context_clear (&context);
    codec_clear (&got_schema, &got);
    rig_close (&rig);
}

Test (get, r_owners_are_asked_and_one_read_in_ten_asks_all)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    unsigned all = 0;
    for (int i = 0; i < 500; i++) {
        unsigned asked = s_get (&rig);
        cr_assert (asked & NODE (1), "this node is asked first");
        cr_assert (asked == (NODE (1) | NODE (2)) || asked == (NODE (1) | NODE (2) | NODE (3)));
        all += asked >> 3 & 1;
        rig_absent (&rig, 1);
        cr_assert_not (rig_answered (&rig));
        rig_absent (&rig, 2);
        cr_assert (rig_answered (&rig), "r have answered");
        rig_absent (&rig, 3);
        rig_silent (&rig);
    }
    cr_assert_gt (all, 25);
    cr_assert_lt (all, 85);
    rig_close (&rig);
}

Test (get, an_owner_that_is_slow_is_not_waited_for_alone)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    s_get_few (&rig, NODE (1) | NODE (2));
    rig_absent (&rig, 1);
    cr_assert_lt (rig.drive.effects.wake_us, rig.drive.now_us + 100 * MS);
    drive_tick (&rig.drive, rig.drive.effects.wake_us - rig.drive.now_us);
    cr_assert_eq (rig_asked (&rig, MESSAGE_read), NODE (3));
    rig_absent (&rig, 3);
    cr_assert (rig_answered (&rig));
    rig_close (&rig);
}

Test (get, an_owner_that_refuses_is_replaced)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    s_get_few (&rig, NODE (1) | NODE (2));
    rig_found (&rig, 1, s_state (ONE, 1, "milk"));
    rig_refused (&rig, 2, STATUS_UNAVAILABLE);
    cr_assert_not (rig_answered (&rig));
    cr_assert_eq (rig_asked (&rig, MESSAGE_read), NODE (3));
    rig_found (&rig, 3, s_state (ONE, 1, "milk"));
    got_t got;
    rig_reply (&rig, &got_schema, &got, "ok");
    codec_clear (&got_schema, &got);
    rig_close (&rig);
}

Test (get, a_state_that_is_none_is_no_answer)
{
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    s_get (&rig);
    rig_found (&rig, 1, bytes_copy ("nonsense", 8));
    rig_failure (&rig, "unavailable");
    rig_close (&rig);
}

Test (get, too_few_reachable_owners_are_told_at_once)
{
    rig_t rig;
    settings_t settings = drive_settings (1, 3, 2, 2);
    rig_open_with (&rig, &settings, 3, NODE (2) | NODE (3));
    cr_assert_eq (s_get (&rig), 0, "nobody is asked");
    failure_t failure = rig_failure (&rig, "unavailable");
    cr_assert_not (HAS (failure, &failure, acks));
    request_t request = rig_about ("get");
    GIVE (request, &request, r, 1);
    rig_ask (&rig, &request);
    cr_assert_eq (rig_asked (&rig, MESSAGE_read), NODE (1));
    rig_absent (&rig, 1);
    got_t got;
    rig_reply (&rig, &got_schema, &got, "not_found");
    codec_clear (&got_schema, &got);
    rig_close (&rig);
}

Test (get, so_many_refusals_that_too_few_are_left_are_told_at_once)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    s_get (&rig);
    rig_absent (&rig, 1);
    rig_refused (&rig, 2, STATUS_INTERNAL);
    rig_refused (&rig, 3, STATUS_INTERNAL);
    rig_failure (&rig, "unavailable");
    rig_close (&rig);
}

Test (get, too_few_answers_in_time_are_a_timeout_with_acks)
{
    for (uint32_t acks = 0; acks < 3; acks++) {
        rig_t rig;
        rig_open (&rig, 3, 3, 2);
        request_t request = rig_about ("get");
        GIVE (request, &request, timeout, 250);
        uint64_t began_us = rig.drive.now_us;
        rig_ask (&rig, &request);
        for (uint64_t node = 1; node <= acks; node++)
            rig_absent (&rig, node);
        while (!rig_answered (&rig)) {
            cr_assert_leq (rig.drive.effects.wake_us, began_us + 250 * MS);
            drive_tick (&rig.drive, rig.drive.effects.wake_us - rig.drive.now_us);
        }
        cr_assert_eq (rig.drive.now_us, began_us + 250 * MS);
        failure_t failure = rig_failure (&rig, "timeout");
        cr_assert (HAS (failure, &failure, acks));
        cr_assert_eq (failure.acks, acks);
        rig_absent (&rig, 3);
        cr_assert_not (rig_answered (&rig), "late");
        rig_close (&rig);
    }
}

Test (get, answers_that_are_late_twice_or_nobodys_are_ignored)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    s_get_few (&rig, NODE (1) | NODE (2));
    rig_absent (&rig, 1);
    rig_absent (&rig, 1);
    cr_assert_not (rig_answered (&rig), "the same node twice");
    rig_absent (&rig, 3);
    cr_assert_not (rig_answered (&rig), "a node that was not asked");
    message_t *message = message_new (MESSAGE_read_reply);
    message->read_reply.request = rig.request;
    message->read_reply.slot = 1;
    message->read_reply.result = RESULT_ABSENT;
    rig_from (&rig, 3, message);
    cr_assert_not (rig_answered (&rig), "about another's slot");
    uint64_t request = rig.request;
    rig.request ^= (uint64_t) 1 << 40;
    rig_absent (&rig, 2);
    cr_assert_not (rig_answered (&rig), "to the process before this one");
    rig.request = request;
    rig_stored (&rig, 2, STATUS_OK);
    cr_assert_not (rig_answered (&rig), "to another question");
    rig_absent (&rig, 2);
    cr_assert (rig_answered (&rig));
    rig_absent (&rig, 2);
    rig_silent (&rig);
    rig_close (&rig);
}

Test (get, explain_tells_what_each_said)
{
    rig_t rig;
    settings_t settings = drive_settings (1, 3, 2, 2);
    rig_open_with (&rig, &settings, 3, NODE (3));
    request_t request = rig_about ("get");
    GIVE (request, &request, explain, true);
    rig_ask (&rig, &request);
    rig.drive.now_us += 700;
    rig_found (&rig, 1, s_state (ONE, 1, "milk"));
    rig.drive.now_us += 200;
    rig_absent (&rig, 2);
    got_t got;
    rig_reply (&rig, &got_schema, &got, "ok");
    cr_assert_eq (got.explain.count, 3);
    static const char *const results[] = {"found", "absent", "down"};
    static const char *const names[] = {"node1", "node2", "node3"};
    static const uint64_t took[] = {700, 900, 0};
    for (size_t i = 0; i < 3; i++) {
        const attempt_t *attempt = &got.explain.items[i];
        cr_assert_eq (attempt->slot, i);
        cr_assert (bytes_equal (attempt->result, bytes_text (results[i])));
        cr_assert (bytes_equal (attempt->node, bytes_text (names[i])));
        cr_assert (bytes_equal (attempt->role, bytes_text ("owner")));
        cr_assert_eq (attempt->took, took[i]);
    }
    codec_clear (&got_schema, &got);
    rig_close (&rig);
}

/* ---- floor ---- */

/*  Gets with a floor that covers actor 11's first version. */
static void s_get_floor (rig_t *rig)
{
    bytes_t floor = rig_blob (OTHER, 1);
    request_t request = rig_about ("get");
    GIVE (request, &request, floor, floor);
    GIVE (request, &request, r, 1);
    rig_ask (rig, &request);
    bytes_clear (&floor);
}

Test (get, a_floor_waits_for_an_owner_that_covers_it)
{
    rig_t rig;
    rig_open (&rig, 3, 1, 2);
    s_get_floor (&rig);
    unsigned asked = rig_asked (&rig, MESSAGE_read);
    rig_found (&rig, 1, s_state (ONE, 1, "milk"));
    cr_assert_not (rig_answered (&rig));
    asked |= rig_asked (&rig, MESSAGE_read);
    cr_assert_eq (asked, NODE (1) | NODE (2) | NODE (3), "all are asked then");
    rig_found (&rig, 2, s_state (BOTH, 2, "milk"));
    got_t got;
    rig_reply (&rig, &got_schema, &got, "ok");
    cr_assert_not (HAS (got, &got, stale) && got.stale);
    codec_clear (&got_schema, &got);
    rig_close (&rig);
}

Test (get, a_floor_that_nobody_covers_is_stale)
{
    for (int found = 0; found < 2; found++) {
        rig_t rig;
        rig_open (&rig, 3, 1, 2);
        s_get_floor (&rig);
        for (uint64_t node = 1; node <= 3; node++) {
            cr_assert_not (rig_answered (&rig));
            rig_found (&rig, node, found ? s_state (ONE, 1, "milk") : bytes_view (NULL, 0));
        }
        got_t got;
        rig_reply (&rig, &got_schema, &got, found ? "ok" : "not_found");
        cr_assert (HAS (got, &got, stale) && got.stale);
        codec_clear (&got_schema, &got);
        rig_close (&rig);
    }
}

Test (get, a_floor_is_never_the_cause_of_a_timeout)
{
    rig_t rig;
    rig_open (&rig, 3, 1, 2);
    uint64_t deadline_us = rig.drive.now_us + rig.settings.timeout_ms * MS;
    s_get_floor (&rig);
    rig_found (&rig, 1, s_state (ONE, 1, "milk"));
    while (!rig_answered (&rig)) {
        cr_assert_lt (rig.drive.effects.wake_us, deadline_us);
        drive_tick (&rig.drive, rig.drive.effects.wake_us - rig.drive.now_us);
    }
    cr_assert_gt (rig.drive.now_us, deadline_us - 100 * MS, "the time was nearly over");
    got_t got;
    rig_reply (&rig, &got_schema, &got, "ok");
    cr_assert (HAS (got, &got, stale) && got.stale);
    codec_clear (&got_schema, &got);
    rig_close (&rig);
}

Test (get, a_floor_of_a_hasty_client_leaves_it_time_to_hear_the_answer)
{
    /* The time is nearly over before any time-out of ours is. */
    rig_t rig;
    rig_open (&rig, 3, 1, 2);
    bytes_t floor = rig_blob (OTHER, 1);
    for (uint32_t timeout_ms = 1; timeout_ms <= 45; timeout_ms += 11) {
        uint64_t began_us = rig.drive.now_us;
        request_t request = rig_about ("get");
        GIVE (request, &request, floor, floor);
        GIVE (request, &request, r, 1);
        GIVE (request, &request, timeout, timeout_ms);
        rig_ask (&rig, &request);
        rig_found (&rig, 1, s_state (ONE, 1, "milk"));
        cr_assert_not (rig_answered (&rig), "others may know more");
        cr_assert_lt (rig_wait (&rig, began_us), timeout_ms * MS);
        got_t got;
        rig_reply (&rig, &got_schema, &got, "ok");
        cr_assert (HAS (got, &got, stale) && got.stale);
        codec_clear (&got_schema, &got);
    }
    bytes_clear (&floor);
    rig_close (&rig);
}

Test (get, an_answer_that_comes_when_a_floor_waits_no_longer_goes_out_at_once)
{
    rig_t rig;
    rig_open (&rig, 3, 1, 2);
    uint64_t deadline_us = rig.drive.now_us + rig.settings.timeout_ms * MS;
    s_get_floor (&rig);
    while (rig.drive.effects.wake_us < deadline_us - 10 * MS)
        rig_tick (&rig);
    rig.drive.now_us = deadline_us - 5 * MS;
    rig_found (&rig, 1, s_state (ONE, 1, "milk"));
    cr_assert (rig_answered (&rig));
    rig_close (&rig);
}

/* ---- read repair ---- */

/*  The nodes that were sent the state, which is this one. */
static unsigned s_mended (rig_t *rig, bytes_t state)
{
    for (size_t i = 0; i < drive_sent_count (&rig->drive, MESSAGE_replicate); i++) {
        const replicate_t *sent =
            &drive_sent (&rig->drive, MESSAGE_replicate, i)->message->replicate;
        cr_assert (bytes_equal (sent->state, state), "the merged state, whole");
        cr_assert (bytes_equal (sent->key, bytes_text (KEY)));
    }
    return rig_asked (rig, MESSAGE_replicate);
}

Test (get, exactly_who_differs_is_mended)
{
    rig_t rig;
    rig_open (&rig, 3, 3, 2);
    bytes_t merged = s_state (BOTH, 2, "v");
    /* 0: nothing, 1: one, 2: the other, 3: both: all that three owners can hold. */
    for (unsigned held = 0; held < 64; held++) {
        unsigned seen = (held | held >> 2 | held >> 4) & 3, differ = 0;
        s_get (&rig);
        for (uint64_t node = 1; node <= 3; node++) {
            unsigned own = held >> (2 * (node - 1)) & 3;
            differ |= own != seen ? NODE (node) : 0;
            rig_found (&rig, node,
                       own == 0   ? bytes_view (NULL, 0)
                       : own == 3 ? s_state (BOTH, 2, "v")
                                  : s_state (own == 1 ? ONE : OTHER, 1, "v"));
        }
        cr_assert (rig_answered (&rig));
        bytes_t wanted = seen == 3 ? bytes_view (merged.data, merged.size)
                         : seen    ? s_state (seen == 1 ? ONE : OTHER, 1, "v")
                                   : bytes_view (NULL, 0);
        cr_assert_eq (s_mended (&rig, wanted), differ, "held %x", held);
        bytes_clear (&wanted);
    }
    bytes_clear (&merged);
    rig_close (&rig);
}

Test (get, equal_contexts_with_other_siblings_are_mended)
{
    /* A delete changes the siblings and not what was seen of them: contexts alone say nothing. */
    rig_t rig;
    rig_open (&rig, 2, 2, 2);
    bytes_t whole = s_state (BOTH, 2, "v");
    object_t object;
    object_decode (whole, &object);
    object.siblings.count = 1;
    bytes_t less = object_encode (&object);
    object.siblings.count = 2;
    object_clear (&object);
    s_get (&rig);
    rig_found (&rig, 1, whole);
    rig_found (&rig, 2, bytes_copy (less.data, less.size));
    cr_assert_eq (s_mended (&rig, less), NODE (1));
    bytes_clear (&less);
    rig_close (&rig);
}

Test (get, a_late_answer_is_mended_too)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    unsigned asked;
    do { /* a read that asks all */
        asked = s_get (&rig);
        rig_found (&rig, 1, s_state (ONE, 1, "v"));
        rig_found (&rig, 2, s_state (ONE, 1, "v"));
        cr_assert (rig_answered (&rig));
        cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_replicate), 0);
    } while (asked != (NODE (1) | NODE (2) | NODE (3)));
    cr_assert_not (drive_busy (&rig.drive), "the client has its answer");
    bytes_t state = s_state (ONE, 1, "v");
    rig_absent (&rig, 3);
    cr_assert_not (rig_answered (&rig));
    cr_assert_eq (s_mended (&rig, state), NODE (3));
    bytes_clear (&state);
    rig_close (&rig);
}

Test (get, who_never_answers_is_not_waited_for_with_mending)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    unsigned asked;
    do {
        asked = s_get (&rig);
        rig_found (&rig, 1, s_state (ONE, 1, "v"));
        rig_absent (&rig, 2);
        cr_assert (rig_answered (&rig));
    } while (asked != (NODE (1) | NODE (2) | NODE (3)));
    bytes_t state = s_state (ONE, 1, "v");
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_replicate), 0, "one is still to come");
    uint64_t began_us = rig.drive.now_us;
    while (drive_sent_count (&rig.drive, MESSAGE_replicate) == 0) {
        cr_assert_leq (rig.drive.effects.wake_us, began_us + 500 * MS);
        drive_tick (&rig.drive, rig.drive.effects.wake_us - rig.drive.now_us);
    }
    cr_assert_eq (s_mended (&rig, state), NODE (2));
    bytes_clear (&state);
    rig_close (&rig);
}
