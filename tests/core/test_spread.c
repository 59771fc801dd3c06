/*  test_spread.c - writes while nodes are down, silent, or about to lose their slots: who stands in, what counts, and where
 *  the hints go.
 */
#include "put_rig.h"

#define STATES MESSAGE_replicate

/* ---- who stands in ---- */

Test (spread, fallbacks_stand_in_for_the_down_in_order_and_count)
{
    for (int strict = 0; strict < 2; strict++) {
        rig_t rig;
        uint64_t fallbacks[2];
        put_open_five (&rig, NODE (2) | NODE (3), fallbacks);
        if (strict)
            put_strict (&rig, 1);
        else
            put_ask (&rig, 3);
        cr_assert_not (rig_answered (&rig), "three can be had");
        put_mint (&rig, 1);
        put_minted (&rig, 1, true);
        cr_assert_eq (put_spread (&rig), 0, "the down are not asked");
        cr_assert_eq (rig_hinted (&rig, STATES, 1), fallbacks[0], "at once");
        cr_assert_eq (rig_hinted (&rig, STATES, 2), fallbacks[1]);
        rig_stored_for (&rig, fallbacks[0], 1, STATUS_OK);
        rig_stored_for (&rig, fallbacks[1], 2, STATUS_OK);
        cr_assert_not (rig_answered (&rig), "two of three, or no owner");
        rig_stored (&rig, 1, STATUS_OK);
        put_written (&rig, strict ? 1 : 3);
        cr_assert_eq (rig.drive.effects.count, 1);
        rig_stored_for (&rig, fallbacks[1], 2, STATUS_OK);
        rig_silent (&rig);
        rig_close (&rig);
    }
}

Test (spread, strict_writes_count_owners_alone)
{
    rig_t rig;
    uint64_t fallbacks[2];
    put_open_five (&rig, NODE (2) | NODE (3), fallbacks);
    put_strict (&rig, 2);
    rig_failure (&rig, "unavailable");
    cr_assert_eq (rig.drive.effects.count, 1, "before anything is stored");
    rig_ring (&rig, 5, NODE (3));
    put_strict (&rig, 2);
    put_minted (&rig, 1, true);
    cr_assert_eq (put_spread (&rig), NODE (2));
    cr_assert_eq (rig_hinted (&rig, STATES, 2), fallbacks[0], "it is kept all the same");
    rig_stored (&rig, 1, STATUS_OK);
    rig_stored_for (&rig, fallbacks[0], 2, STATUS_OK);
    cr_assert_not (rig_answered (&rig));
    rig_stored (&rig, 2, STATUS_OK);
    put_written (&rig, 2);
    rig_close (&rig);
}

Test (spread, unavailable_at_once_counts_who_could_stand_in)
{
    rig_t rig;
    uint64_t fallbacks[2];
    put_open_five (&rig, NODE (2) | NODE (3), fallbacks);
    rig_ring (&rig, 5, NODE (2) | NODE (3) | 1u << fallbacks[0]);
    put_ask (&rig, 3);
    rig_failure (&rig, "unavailable");
    cr_assert_eq (rig.drive.effects.count, 1);
    put_ask (&rig, 2);
    put_minted (&rig, 1, true);
    cr_assert_eq (rig_hinted (&rig, STATES, 1), fallbacks[1], "the next that is reachable");
    cr_assert_eq (rig_hinted (&rig, STATES, 2), 1, "none is left: here");
    rig_close (&rig);
}

Test (spread, with_three_nodes_the_hint_is_kept_here_and_does_not_count)
{
    rig_t rig;
    settings_t settings = drive_settings (1, 3, 2, 2);
    rig_open_with (&rig, &settings, 3, NODE (3));
    put_ask (&rig, 3);
    rig_failure (&rig, "unavailable");
    put_ask (&rig, 2);
    put_minted (&rig, 1, true);
    cr_assert_eq (put_spread (&rig), NODE (2));
    cr_assert_eq (rig_hinted (&rig, STATES, 2), 1);
    rig_stored (&rig, 1, STATUS_OK);
    rig_stored_for (&rig, 1, 2, STATUS_OK);
    cr_assert_not (rig_answered (&rig), "the same node twice");
    rig_stored (&rig, 2, STATUS_OK);
    put_written (&rig, 2);
    rig_tick (&rig);
    cr_assert_eq (drive_sent_count (&rig.drive, STATES), 0, "it is over");
    rig_close (&rig);
}

Test (spread, a_fallback_that_refuses_is_passed_over)
{
    rig_t rig;
    uint64_t fallbacks[2];
    put_open_five (&rig, NODE (3), fallbacks);
    put_ask (&rig, 3);
    put_minted (&rig, 1, true);
    rig_stored_for (&rig, fallbacks[0], 2, STATUS_OVERLOADED);
    cr_assert_eq (rig_hinted (&rig, STATES, 2), fallbacks[1]);
    rig_stored_for (&rig, fallbacks[1], 2, STATUS_OVERLOADED);
    cr_assert_eq (rig_hinted (&rig, STATES, 2), 1);
    rig_stored_for (&rig, 1, 2, STATUS_OVERLOADED);
    rig_silent (&rig);
    rig_stored (&rig, 1, STATUS_OK);
    rig_stored (&rig, 2, STATUS_OK);
    cr_assert_eq (rig_failure (&rig, "unknown").acks, 2, "nobody is left");
    rig_close (&rig);
}

Test (spread, an_owner_with_a_full_disk_is_stood_in_for)
{
    rig_t rig;
    uint64_t fallbacks[2];
    put_open_five (&rig, 0, fallbacks);
    put_ask (&rig, 3);
    put_minted (&rig, 1, true);
    cr_assert_eq (put_spread (&rig), NODE (2) | NODE (3));
    cr_assert_eq (rig_hinted (&rig, STATES, 1) + rig_hinted (&rig, STATES, 2), 0, "all is well");
    rig_stored (&rig, 2, STATUS_READ_ONLY);
    cr_assert_eq (rig_hinted (&rig, STATES, 1), fallbacks[0]);
    rig_close (&rig);
}

/* ---- time ---- */

/*  A put that each owner answers after 2 ms, so that time-outs are as short as they get. */
static void s_warm (rig_t *rig)
{
    for (int i = 0; i < 20; i++) {
        put_ask (rig, 3);
        put_minted (rig, 1, true);
        rig->drive.now_us += 2 * MS;
        for (uint64_t node = 1; node <= 3; node++)
            rig_stored (rig, node, STATUS_OK);
        put_written (rig, 3);
    }
}

Test (spread, a_silent_owner_has_its_whole_time_out_first)
{
    rig_t rig;
    uint64_t fallbacks[2];
    put_open_five (&rig, 0, fallbacks);
    s_warm (&rig);
    put_ask (&rig, 3);
    put_minted (&rig, 1, true);
    rig_stored (&rig, 1, STATUS_OK);
    rig_stored (&rig, 2, STATUS_OK);
    uint64_t waited_us = put_until (&rig, STATES);
    cr_assert_geq (waited_us, 20 * MS, "counting stand-ins early makes reads stale");
    cr_assert_leq (waited_us, 60 * MS);
    cr_assert_eq (put_spread (&rig), NODE (3), "it is sent to again");
    cr_assert_eq (rig_hinted (&rig, STATES, 2), fallbacks[0]);
    rig_stored_for (&rig, fallbacks[0], 2, STATUS_OK);
    put_written (&rig, 3);
    rig_stored (&rig, 3, STATUS_OK);
    rig_silent (&rig);
    rig_close (&rig);
}

Test (spread, a_slow_disk_next_to_quick_reads_is_not_taken_for_silence)
{
    rig_t rig;
    uint64_t fallbacks[2];
    put_open_five (&rig, 0, fallbacks);
    for (int i = 0; i < 20; i++) {
        for (int k = 0; k < 9; k++) { /* reads take 300 us, an acknowledgement 60 ms */
            request_t request = rig_about ("get");
            GIVE (request, &request, r, 3);
            rig_ask (&rig, &request);
            rig.drive.now_us += 300;
            for (uint64_t node = 1; node <= 3; node++)
                rig_absent (&rig, node);
            cr_assert (rig_answered (&rig));
        }
        put_ask (&rig, 3);
        rig.drive.now_us += 300;
        put_minted (&rig, 1, true);
        uint64_t flushed_us = rig.drive.now_us + 60 * MS;
        while (rig.drive.effects.wake_us < flushed_us) {
            rig_tick (&rig);
            cr_assert_eq (drive_sent_count (&rig.drive, STATES), 0, "put %d", i);
        }
        rig.drive.now_us = flushed_us;
        for (uint64_t node = 1; node <= 3; node++)
            rig_stored (&rig, node, STATUS_OK);
        put_written (&rig, 3);
    }
    rig_close (&rig);
}

Test (spread, after_three_time_outs_it_is_suspected_accused_and_not_waited_for)
{
    rig_t rig;
    uint64_t fallbacks[2];
    put_open_five (&rig, 0, fallbacks);
    s_warm (&rig);
    size_t accused = 0;
    for (int i = 0; i < 3; i++) { /* node 3 says nothing more */
        put_ask (&rig, 3);
        put_minted (&rig, 1, true);
        cr_assert_eq (rig_hinted (&rig, STATES, 2), 0, "put %d", i);
        rig_stored (&rig, 1, STATUS_OK);
        rig_stored (&rig, 2, STATUS_OK);
        put_until (&rig, STATES);
        accused += drive_sent_count (&rig.drive, MESSAGE_accuse);
        cr_assert_eq (accused, i == 2);
        rig_stored_for (&rig, fallbacks[0], 2, STATUS_OK);
        put_written (&rig, 3);
    }
    put_ask (&rig, 3);
    put_minted (&rig, 1, true);
    cr_assert_eq (put_spread (&rig), NODE (2) | NODE (3), "it may be back");
    cr_assert_eq (rig_hinted (&rig, STATES, 2), fallbacks[0], "and is not waited for");
    rig_stored (&rig, 3, STATUS_OK);
    put_ask (&rig, 3);
    put_minted (&rig, 1, true);
    cr_assert_eq (rig_hinted (&rig, STATES, 2), 0, "any answer clears it");
    rig_close (&rig);
}

Test (spread, requests_that_wait_together_miss_together)
{
    rig_t rig;
    uint64_t fallbacks[2];
    put_open_five (&rig, 0, fallbacks);
    s_warm (&rig);
    for (int i = 0; i < 10; i++) {
        put_ask (&rig, 2);
        put_minted (&rig, 1, true);
    }
    put_until (&rig, STATES);
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_accuse), 0, "it was one pause");
    rig_close (&rig);
}

Test (spread, our_own_sleep_accuses_nobody)
{
    rig_t rig;
    uint64_t fallbacks[2];
    put_open_five (&rig, 0, fallbacks);
    s_warm (&rig);
    put_ask (&rig, 2);
    put_minted (&rig, 1, true);
    drive_tick (&rig.drive, 500 * MS); /* the answers are in the mailbox behind this */
    cr_assert_eq (drive_sent_count (&rig.drive, STATES), 0);
    rig_stored (&rig, 1, STATUS_OK);
    rig_stored (&rig, 2, STATUS_OK);
    put_written (&rig, 2);
    rig_close (&rig);
}

Test (spread, who_is_found_down_is_not_waited_for_any_longer)
{
    rig_t rig;
    uint64_t fallbacks[2];
    put_open_five (&rig, 0, fallbacks);
    put_ask (&rig, 3);
    put_minted (&rig, 1, true);
    rig_stored (&rig, 1, STATUS_OK);
    rig_stored (&rig, 2, STATUS_OK);
    rig_peers (&rig, 5, 0, 100);
    cr_assert_gt (rig.drive.effects.wake_us, rig.drive.now_us);
    rig_peers (&rig, 5, NODE (3), 100);
    cr_assert_leq (rig.drive.effects.wake_us, rig.drive.now_us);
    drive_tick (&rig.drive, 0);
    cr_assert_eq (put_spread (&rig), 0);
    cr_assert_eq (rig_hinted (&rig, STATES, 2), fallbacks[0]);
    rig_stored_for (&rig, fallbacks[0], 2, STATUS_OK);
    put_written (&rig, 3);
    rig_close (&rig);
}

Test (spread, at_the_deadline_a_slot_with_neither_gets_a_hint_here)
{
    rig_t rig;
    uint64_t fallbacks[2];
    put_open_five (&rig, 0, fallbacks);
    put_ask (&rig, 3);
    put_minted (&rig, 1, true);
    rig_stored (&rig, 1, STATUS_OK);
    /* As if we had slept over all of it: nobody was asked to stand in before. */
    drive_tick (&rig.drive, rig.settings.timeout_ms * MS);
    cr_assert_eq (rig_failure (&rig, "unknown").acks, 1);
    cr_assert_eq (rig_hinted (&rig, STATES, 0), 0, "this one has it");
    cr_assert_eq (rig_hinted (&rig, STATES, 1), 1);
    cr_assert_eq (rig_hinted (&rig, STATES, 2), 1);
    cr_assert_eq (put_spread (&rig), 0);
    rig_stored_for (&rig, 1, 1, STATUS_OK);
    rig_silent (&rig);
    rig_close (&rig);
}

Test (spread, when_all_is_silent_each_slot_ends_with_a_hint_here)
{
    rig_t rig;
    uint64_t fallbacks[2];
    put_open_five (&rig, 0, fallbacks);
    put_ask (&rig, 3);
    put_minted (&rig, 1, true);
    rig_stored (&rig, 1, STATUS_OK);
    unsigned here = 0, elsewhere = 0;
    while (!rig_answered (&rig)) {
        rig_tick (&rig);
        for (size_t i = 0; i < drive_sent_count (&rig.drive, STATES); i++) {
            const effect_t *effect = drive_sent (&rig.drive, STATES, i);
            const replicate_t *sent = &effect->message->replicate;
            here |= sent->hint && effect->to.node == 0 ? 1u << sent->slot : 0;
            elsewhere |= sent->hint && effect->to.node != 0 ? 1u << sent->slot : 0;
        }
    }
    cr_assert_eq (elsewhere, 6, "fallbacks were tried");
    cr_assert_eq (here, 6);
    cr_assert_eq (rig_failure (&rig, "unknown").acks, 1);
    rig_close (&rig);
}

/* ---- owners that change ---- */

/*  A ring of five in which slot 2 is node `owner`'s. */
static void s_ring_moved (rig_t *rig, uint64_t owner)
{
    message_t *snapshot = drive_snapshot (&rig->settings, 5);
    snapshot->snapshot.slots.items[2].owner = owner;
    snapshot->snapshot.slots.items[2].version++;
    drive_message (&rig->drive, 0, ROLE_GOSSIP, snapshot);
}

Test (spread, a_refused_attempt_follows_the_slots_new_owner)
{
    for (int late = 0; late < 2; late++) {
        rig_t rig;
        uint64_t fallbacks[2];
        put_open_five (&rig, 0, fallbacks);
        put_ask (&rig, 3);
        put_minted (&rig, 1, true);
        rig_stored (&rig, 1, STATUS_OK);
        rig_stored (&rig, 2, STATUS_OK);
        if (late) { /* the refusal comes before we know */
            rig_stored (&rig, 3, STATUS_UNAVAILABLE);
            cr_assert_eq (drive_sent_count (&rig.drive, STATES), 0, "as if it had been lost");
            s_ring_moved (&rig, 4);
            put_until (&rig, STATES);
        } else {
            s_ring_moved (&rig, 4);
            rig_stored (&rig, 3, STATUS_UNAVAILABLE);
        }
        cr_assert (put_spread (&rig) & NODE (4));
        cr_assert_not (rig_answered (&rig));
        rig_stored_for (&rig, 4, 2, STATUS_OK);
        put_written (&rig, 3);
        rig_close (&rig);
    }
}

Test (spread, a_fallback_that_becomes_the_owner_gets_the_state_as_such)
{
    rig_t rig;
    uint64_t fallbacks[2];
    put_open_five (&rig, NODE (3), fallbacks);
    put_ask (&rig, 3);
    put_minted (&rig, 1, true);
    rig_stored (&rig, 1, STATUS_OK);
    rig_stored (&rig, 2, STATUS_OK);
    s_ring_moved (&rig, fallbacks[0]);
    rig_stored_for (&rig, fallbacks[0], 2, STATUS_UNAVAILABLE);
    cr_assert_eq (put_spread (&rig), 1u << fallbacks[0]);
    rig_stored_for (&rig, fallbacks[0], 2, STATUS_OK);
    put_written (&rig, 3);
    rig_close (&rig);
}

/* ---- stamps ---- */

Test (spread, each_message_has_a_moment_of_its_receivers_clock)
{
    rig_t rig;
    settings_t settings = drive_settings (4, 3, 2, 2);
    rig_open_with (&rig, &settings, 5, 0);
    char key[] = "key 0"; /* one of partition 1, which is with nodes 2, 3 and 4 */
    while (ring_partition (4, hash_bytes (bytes_text (key))) != 1)
        key[4]++;
    rig_peers (&rig, 5, 0, 60000);
    rig.drive.now_us += 300 * MS;
    request_t request = rig_put ("milk");
    request.key = bytes_text (key);
    GIVE (request, &request, timeout, 700);
    rig_ask (&rig, &request);
    const effect_t *effect = drive_sent (&rig.drive, MESSAGE_mint, 0);
    const mint_t *mint = &effect->message->mint;
    uint64_t minter = effect->to.node;
    uint8_t slot = mint->slot;
    cr_assert_eq (mint->stamp.nonce, 1000 + minter);
    cr_assert_eq (mint->stamp.clock_ms, 60000);
    cr_assert_geq (mint->patience_ms, 1000, "what is left, and the stamp's age");
    cr_assert_leq (mint->patience_ms, 3000);
    /* Stamps that came since must not make what was minted any younger than it is. */
    rig.drive.now_us += 40 * MS;
    rig_peers (&rig, 5, 0, 60340);
    put_minted_for (&rig, minter, slot, 10, true);
    cr_assert_eq (drive_sent_count (&rig.drive, STATES), 2);
    for (size_t i = 0; i < 2; i++) {
        effect = drive_sent (&rig.drive, STATES, i);
        cr_assert_eq (effect->message->replicate.stamp.nonce, 1000 + effect->to.node);
        cr_assert_leq (effect->message->replicate.stamp.clock_ms, 60300);
        cr_assert_geq (effect->message->replicate.stamp.clock_ms, 60290);
    }
    rig_close (&rig);
}

Test (spread, this_nodes_own_replica_needs_no_stamp)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    rig_peers (&rig, 3, 0, 60000);
    put_ask (&rig, 2);
    cr_assert_eq (put_mint (&rig, 1)->stamp.nonce, 0);
    rig_close (&rig);
}

Test (spread, explain_names_fallbacks_and_hints)
{
    rig_t rig;
    uint64_t fallbacks[2];
    put_open_five (&rig, NODE (3), fallbacks);
    request_t request = rig_put ("milk");
    GIVE (request, &request, explain, true);
    GIVE (request, &request, w, 3);
    rig_ask (&rig, &request);
    put_minted (&rig, 1, true);
    rig_stored (&rig, 1, STATUS_OK);
    rig_stored (&rig, 2, STATUS_OK);
    rig_stored_for (&rig, fallbacks[0], 2, STATUS_OK);
    written_t written;
    rig_reply (&rig, &written_schema, &written, "ok");
    cr_assert_eq (written.explain.count, 4);
    static const char *const results[] = {"stored", "stored", "down", "hinted"};
    for (size_t i = 0; i < 4; i++) {
        const attempt_t *attempt = &written.explain.items[i];
        cr_assert (bytes_equal (attempt->result, bytes_text (results[i])));
        cr_assert (bytes_equal (attempt->role, bytes_text (i == 3 ? "fallback" : "owner")));
    }
    cr_assert_eq (written.explain.items[3].slot, 2);
    cr_assert_eq (written.explain.items[3].node.data[4], '0' + (int) fallbacks[0]);
    codec_clear (&written_schema, &written);
    rig_close (&rig);
}
