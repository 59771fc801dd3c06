/*  test_put.c - writing: who mints, who is sent the state, when the client is told, and what it is told otherwise. */
#include "put_rig.h"

static const uint64_t ONE[] = {10};
static const context_t NOTHING;

/* ---- all is well ---- */

Test (put, one_node_needs_nobodys_state)
{
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    put_ask (&rig, 1);
    const mint_t *mint = put_mint (&rig, 1);
    cr_assert_not (mint->state_wanted);
    cr_assert_not (mint->remove);
    cr_assert (bytes_equal (mint->value, bytes_text ("milk")));
    put_minted (&rig, 1, false);
    put_written (&rig, 1);
    cr_assert_eq (rig.drive.effects.count, 1);
    cr_assert_not (drive_busy (&rig.drive));
    rig_close (&rig);
}

Test (put, the_request_reaches_the_minter_whole)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    bytes_t blob = rig_blob (ONE, 1);
    request_t request = rig_put ("milk");
    GIVE (request, &request, context, blob);
    GIVE (request, &request, put_id, bytes_text ("sixteen bytes id"));
    rig_ask (&rig, &request);
    for (uint64_t home = 1; home <= 2; home++) { /* and the next home's, after a refusal */
        const mint_t *mint = put_mint (&rig, home);
        cr_assert (mint->state_wanted);
        cr_assert (bytes_equal (mint->value, bytes_text ("milk")));
        cr_assert (bytes_equal (mint->put_id, bytes_text ("sixteen bytes id")));
        cr_assert (context_covers (&mint->context, (dot_t){.actor = 10, .counter = 1}));
        cr_assert_eq (mint->hlc, 7);
        put_refuse (&rig, home, STATUS_READ_ONLY);
    }
    bytes_clear (&blob);
    rig_close (&rig);
}

Test (put, a_delete_is_a_mint_without_a_version)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    bytes_t blob = rig_blob (ONE, 1);
    request_t request = rig_about ("delete");
    GIVE (request, &request, context, blob);
    GIVE (request, &request, put_id, bytes_text ("sixteen bytes id"));
    rig_ask (&rig, &request);
    const mint_t *mint = put_mint (&rig, 1);
    cr_assert (mint->remove);
    cr_assert_eq (mint->value.size, 0);
    cr_assert_eq (mint->put_id.size, 0, "a delete repeats safely without one");
    put_minted (&rig, 1, true);
    rig_stored (&rig, 1, STATUS_OK);
    rig_stored (&rig, 2, STATUS_OK);
    put_written (&rig, 2);
    bytes_clear (&blob);
    rig_close (&rig);
}

Test (put, the_state_goes_to_the_others_and_w_acks_answer)
{
    for (uint32_t w = 1; w <= 3; w++) {
        rig_t rig;
        rig_open (&rig, 3, 2, 2);
        put_ask (&rig, w);
        put_mint (&rig, 1);
        put_minted (&rig, 1, true);
        cr_assert_eq (put_spread (&rig), NODE (2) | NODE (3));
        cr_assert_not (rig_answered (&rig), "minted is not stored");
        static const uint64_t order[] = {2, 1, 3};
        for (uint32_t acks = 1; acks <= 3; acks++) {
            rig_stored (&rig, order[acks - 1], STATUS_OK);
            cr_assert_eq (rig_answered (&rig), acks == w, "ack %u of w=%u", acks, w);
            if (acks == w)
                put_written (&rig, w);
            cr_assert_eq (put_spread (&rig), 0);
        }
        rig_close (&rig);
    }
}

Test (put, a_node_that_is_no_home_has_a_home_mint)
{
    rig_t rig;
    settings_t settings = drive_settings (4, 3, 2, 2);
    rig_open_with (&rig, &settings, 5, 0);
    char key[] = "key 0"; /* one of partition 1, which is with nodes 2, 3 and 4 */
    while (ring_partition (4, hash_bytes (bytes_text (key))) != 1)
        key[4]++;
    unsigned minters = 0;
    for (int i = 0; i < 30; i++) {
        request_t request = rig_put ("milk");
        request.key = bytes_text (key);
        rig_ask (&rig, &request);
        minters |= rig_asked (&rig, MESSAGE_mint);
    }
    cr_assert_eq (minters, NODE (2) | NODE (3) | NODE (4), "homes take turns");
    rig_close (&rig);
}

/* ---- too few ---- */

Test (put, too_few_reachable_owners_are_told_at_once)
{
    rig_t rig;
    settings_t settings = drive_settings (1, 3, 2, 2);
    rig_open_with (&rig, &settings, 3, NODE (2) | NODE (3));
    put_ask (&rig, 2);
    failure_t failure = rig_failure (&rig, "unavailable");
    cr_assert_not (HAS (failure, &failure, acks));
    cr_assert_eq (rig.drive.effects.count, 1, "nothing is begun");
    put_ask (&rig, 1);
    cr_assert (put_mint (&rig, 1)->state_wanted, "hints are made of it");
    put_minted (&rig, 1, true);
    rig_stored (&rig, 1, STATUS_OK);
    put_written (&rig, 1);
    rig_ring (&rig, 3, NODE (3));
    put_ask (&rig, 2);
    cr_assert (put_mint (&rig, 1)->state_wanted);
    put_minted (&rig, 1, true);
    cr_assert_eq (put_spread (&rig), NODE (2));
    rig_close (&rig);
}

Test (put, fewer_members_than_w_are_unavailable)
{
    rig_t rig;
    settings_t settings = drive_settings (1, 3, 2, 2);
    rig_open_with (&rig, &settings, 1, 0);
    put_ask (&rig, 2);
    rig_failure (&rig, "unavailable");
    put_ask (&rig, 4);
    rig_failure (&rig, "bad_request");
    rig_close (&rig);
}

Test (put, too_few_acks_in_time_are_unknown_with_acks)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 3);
    uint64_t began_us = rig.drive.now_us;
    put_ask (&rig, 3);
    put_minted (&rig, 1, true);
    rig_stored (&rig, 1, STATUS_OK);
    rig_stored (&rig, 3, STATUS_OK);
    cr_assert_eq (rig_wait (&rig, began_us), rig.settings.timeout_ms * MS);
    cr_assert_eq (rig_failure (&rig, "unknown").acks, 2);
    rig_stored (&rig, 2, STATUS_OK);
    rig_silent (&rig);
    rig_close (&rig);
}

Test (put, when_nobody_is_left_to_wait_for_it_is_unknown_at_once)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    put_ask (&rig, 2);
    put_minted (&rig, 1, true);
    rig_stored (&rig, 2, STATUS_READ_ONLY);
    rig_stored (&rig, 1, STATUS_OK);
    cr_assert_not (rig_answered (&rig));
    rig_stored (&rig, 3, STATUS_READ_ONLY);
    cr_assert_eq (rig_failure (&rig, "unknown").acks, 1);
    rig_close (&rig);
}

Test (put, a_state_that_was_not_acknowledged_is_sent_again)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    put_ask (&rig, 2);
    put_minted (&rig, 1, true);
    rig_stored (&rig, 2, STATUS_OK);
    uint64_t began_us = rig.drive.now_us;
    do
        rig_tick (&rig);
    while (drive_sent_count (&rig.drive, MESSAGE_replicate) == 0);
    cr_assert_leq (rig.drive.now_us, began_us + 500 * MS);
    cr_assert_eq (put_spread (&rig), NODE (1) | NODE (3),
                  "also to a minter that said nothing more");
    rig_stored (&rig, 1, STATUS_OK);
    put_written (&rig, 2);
    cr_assert_not (drive_busy (&rig.drive));
    do
        rig_tick (&rig);
    while (drive_sent_count (&rig.drive, MESSAGE_replicate) == 0);
    cr_assert_eq (put_spread (&rig), NODE (3), "the client's answer is not the end of it");
    rig_stored (&rig, 3, STATUS_OK);
    rig_silent (&rig);
    rig_close (&rig);
}

/* ---- refusals ---- */

Test (put, a_home_that_cannot_write_passes_it_on)
{
    static const status_t statuses[] = {STATUS_READ_ONLY, STATUS_UNAVAILABLE};
    for (size_t i = 0; i < 2; i++) {
        rig_t rig;
        rig_open (&rig, 3, 2, 2);
        put_ask (&rig, 2);
        put_mint (&rig, 1);
        put_refuse (&rig, 1, statuses[i]);
        cr_assert_not (rig_answered (&rig));
        put_mint (&rig, 2);
        put_minted (&rig, 2, true);
        /* A full disk stays full; who was not in a position to mint may well take the state. */
        cr_assert_eq (put_spread (&rig),
                      NODE (3) | (statuses[i] == STATUS_UNAVAILABLE ? NODE (1) : 0));
        rig_stored (&rig, 2, STATUS_OK);
        rig_stored (&rig, 3, STATUS_OK);
        put_written (&rig, 2);
        rig_close (&rig);
    }
}

Test (put, when_too_few_are_left_nothing_is_stored)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    put_ask (&rig, 3);
    put_refuse (&rig, 1, STATUS_READ_ONLY);
    cr_assert_eq (rig.drive.effects.count, 1, "no other home is asked");
    rig_failure (&rig, "read_only");
    put_ask (&rig, 1);
    put_refuse (&rig, 1, STATUS_READ_ONLY);
    put_refuse (&rig, 2, STATUS_READ_ONLY);
    put_mint (&rig, 3);
    put_refuse (&rig, 3, STATUS_UNAVAILABLE);
    rig_failure (&rig, "unavailable");
    cr_assert_not (drive_busy (&rig.drive));
    rig_close (&rig);
}

Test (put, what_another_home_would_refuse_as_well_is_told_at_once)
{
    static const status_t statuses[] = {STATUS_TOO_MANY_SIBLINGS, STATUS_INTERNAL, STATUS_TOO_LARGE,
                                        STATUS_BAD_CONTEXT};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        rig_t rig;
        rig_open (&rig, 3, 2, 2);
        put_ask (&rig, 1);
        put_refuse (&rig, 1, statuses[i]);
        cr_assert_eq (rig.drive.effects.count, 1);
        rig_failure (&rig, status_name (statuses[i]));
        rig_close (&rig);
    }
}

/* ---- answers that are not to be believed ---- */

Test (put, answers_that_are_late_twice_or_nobodys_are_ignored)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    put_ask (&rig, 2);
    rig_stored (&rig, 1, STATUS_OK);
    rig_stored (&rig, 2, STATUS_OK);
    rig_silent (&rig); /* an acknowledgement of nothing */
    put_minted (&rig, 2, true);
    rig_silent (&rig); /* a home that was not asked */
    put_refuse (&rig, 3, STATUS_READ_ONLY);
    rig_silent (&rig);
    uint64_t request = rig.request;
    rig.request += 1 << 20;
    put_minted (&rig, 1, true);
    rig_silent (&rig); /* another's */
    rig.request = request;
    rig_absent (&rig, 1);
    rig_silent (&rig); /* an answer to another question */
    put_minted (&rig, 1, true);
    cr_assert_eq (put_spread (&rig), NODE (2) | NODE (3));
    put_minted (&rig, 1, true);
    cr_assert_eq (put_spread (&rig), 0, "twice");
    rig_stored (&rig, 2, STATUS_OK);
    rig_stored (&rig, 2, STATUS_OK);
    cr_assert_not (rig_answered (&rig), "one node counts once");
    put_refuse (&rig, 1, STATUS_READ_ONLY);
    cr_assert_not (rig_answered (&rig), "it has minted");
    rig_stored (&rig, 1, STATUS_OK);
    put_written (&rig, 2);
    rig_stored (&rig, 3, STATUS_OK);
    rig_silent (&rig);
    rig_close (&rig);
}

Test (put, an_unsound_context_of_a_reply_is_not_passed_on)
{
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    put_ask (&rig, 1);
    dot_t dots[] = {{.actor = 9, .counter = 1}, {.actor = 9, .counter = 2}};
    context_t unsound = {.vv = {dots, 2}};
    message_t *message = message_new (MESSAGE_mint_reply);
    message->mint_reply.request = rig.request;
    message->mint_reply.durable = true;
    codec_copy (&context_schema, &unsound, &message->mint_reply.context);
    rig_from (&rig, 1, message);
    cr_assert_not (rig_answered (&rig));
    rig_close (&rig);
}

Test (put, explain_tells_what_each_did)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    request_t request = rig_put ("milk");
    GIVE (request, &request, explain, true);
    rig_ask (&rig, &request);
    put_refuse (&rig, 1, STATUS_READ_ONLY);
    put_minted (&rig, 2, true);
    rig.drive.now_us += 300;
    rig_stored (&rig, 2, STATUS_OK);
    rig_stored (&rig, 3, STATUS_OK);
    written_t written;
    rig_reply (&rig, &written_schema, &written, "ok");
    cr_assert_eq (written.explain.count, 3);
    static const char *const results[] = {"refused", "stored", "stored"};
    for (size_t i = 0; i < 3; i++)
        cr_assert (bytes_equal (written.explain.items[i].result, bytes_text (results[i])));
    cr_assert_eq (written.explain.items[1].took, 300);
    codec_clear (&written_schema, &written);
    rig_close (&rig);
}

Test (put, a_context_of_another_key_or_damaged_is_refused)
{
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    bytes_t blob = rig_blob (ONE, 1);
    request_t request = rig_put ("milk");
    request.key = bytes_text ("another");
    GIVE (request, &request, context, blob);
    rig_ask (&rig, &request);
    rig_failure (&rig, "bad_context");
    request.key = bytes_text (KEY);
    blob.data[3] ^= 1;
    rig_ask (&rig, &request);
    rig_failure (&rig, "bad_context");
    cr_assert_eq (rig.drive.effects.count, 1);
    request.context = bytes_view (NULL, 0);
    rig_ask (&rig, &request);
    cr_assert (codec_equal (&context_schema, &put_mint (&rig, 1)->context, &NOTHING));
    bytes_clear (&blob);
    rig_close (&rig);
}
