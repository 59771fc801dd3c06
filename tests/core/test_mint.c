/*  test_mint.c - who makes the version while nodes are down or silent, and what the client is told when that is not known.
 */
#include "put_rig.h"

static const char ID[] = "sixteen bytes id";

#define STATES MESSAGE_replicate

Test (mint, every_put_has_an_id)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    uint8_t ids[4][LIMIT_PUT_ID_BYTES];
    for (int i = 0; i < 4; i++) {
        put_ask (&rig, 2);
        bytes_t id = put_mint (&rig, 1)->put_id;
        cr_assert_eq (id.size, LIMIT_PUT_ID_BYTES);
        memcpy (ids[i], id.data, id.size);
        for (int j = 0; j < i; j++)
            cr_assert (memcmp (ids[i], ids[j], sizeof *ids) != 0);
    }
    rig_close (&rig);
}

Test (mint, a_silent_minter_is_asked_again_then_another_home_with_the_same_id)
{
    for (int own = 0; own < 2; own++) {
        rig_t rig;
        rig_open (&rig, 3, 2, 2);
        request_t request = rig_put ("milk");
        if (own)
            GIVE (request, &request, put_id, bytes_text (ID));
        uint64_t began_us = rig.drive.now_us;
        rig_ask (&rig, &request);
        bytes_t id = bytes_copy (put_mint (&rig, 1)->put_id.data, LIMIT_PUT_ID_BYTES);
        unsigned minters = NODE (1), tries = 1;
        while (minters == NODE (1)) {
            put_until (&rig, MESSAGE_mint);
            cr_assert_not (rig_answered (&rig));
            minters = rig_asked (&rig, MESSAGE_mint);
            const mint_t *mint = &drive_sent (&rig.drive, MESSAGE_mint, 0)->message->mint;
            cr_assert (bytes_equal (mint->put_id, id), "two ids are two versions");
            cr_assert (bytes_equal (mint->value, bytes_text ("milk")));
            cr_assert_eq (drive_sent_count (&rig.drive, STATES), 0);
            tries++;
        }
        cr_assert_eq (minters, NODE (2));
        cr_assert_eq (tries, 4);
        cr_assert_lt (rig.drive.now_us, began_us + 500 * MS);
        put_minted (&rig, 2, true);
        cr_assert_eq (put_spread (&rig), NODE (1) | NODE (3), "it is sent the state as well");
        rig_stored (&rig, 2, STATUS_OK);
        rig_stored (&rig, 3, STATUS_OK);
        put_written (&rig, 2);
        bytes_clear (&id);
        rig_close (&rig);
    }
}

Test (mint, what_two_homes_minted_goes_everywhere)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 3);
    put_ask (&rig, 3);
    for (unsigned minters = NODE (1); minters == NODE (1);) {
        put_until (&rig, MESSAGE_mint);
        minters = rig_asked (&rig, MESSAGE_mint);
    }
    put_minted (&rig, 2, true);
    rig_stored (&rig, 1, STATUS_OK);
    rig_stored (&rig, 2, STATUS_OK);
    rig_stored (&rig, 3, STATUS_OK);
    cr_assert_not (rig_answered (&rig), "node 1 may be speaking of what it minted itself");
    put_minted_for (&rig, 1, 0, 11, true);
    bytes_t both = drive_state ((uint64_t[]){10, 11}, 2, bytes_text ("milk"));
    cr_assert_eq (rig_asked (&rig, STATES), NODE (1) | NODE (2) | NODE (3));
    for (size_t i = 0; i < 3; i++)
        cr_assert (
            bytes_equal (drive_sent (&rig.drive, STATES, i)->message->replicate.state, both));
    bytes_clear (&both);
    rig_stored (&rig, 1, STATUS_OK);
    written_t written;
    rig_reply (&rig, &written_schema, &written, "ok");
    context_t context = rig_context (written.context);
    cr_assert (context_covers (&context, (dot_t){.actor = 10, .counter = 1}));
    cr_assert (context_covers (&context, (dot_t){.actor = 11, .counter = 1}), "both are its own");
    context_clear (&context);
    codec_clear (&written_schema, &written);
    rig_close (&rig);
}

Test (mint, a_minter_that_goes_down_is_replaced_at_once)
{
    rig_t rig;
    settings_t settings = drive_settings (4, 3, 2, 2);
    rig_open_with (&rig, &settings, 5, 0);
    char key[] = "key 0"; /* one of partition 1, which is with nodes 2, 3 and 4 */
    while (ring_partition (4, hash_bytes (bytes_text (key))) != 1)
        key[4]++;
    request_t request = rig_put ("milk");
    request.key = bytes_text (key);
    rig_ask (&rig, &request);
    unsigned first = rig_asked (&rig, MESSAGE_mint);
    rig_peers (&rig, 5, first, 100);
    drive_tick (&rig.drive, 0);
    unsigned second = rig_asked (&rig, MESSAGE_mint);
    cr_assert_neq (second, 0);
    cr_assert_neq (second, first);
    cr_assert_eq (second & (second - 1), 0, "one other");
    rig_close (&rig);
}

Test (mint, where_no_home_is_reachable_a_fallback_mints)
{
    rig_t rig;
    settings_t settings = drive_settings (4, 3, 2, 2);
    rig_open_with (&rig, &settings, 5, NODE (2) | NODE (3) | NODE (4));
    char key[] = "key 0"; /* one of partition 1, which is with nodes 2, 3 and 4 */
    while (ring_partition (4, hash_bytes (bytes_text (key))) != 1)
        key[4]++;
    request_t request = rig_put ("milk");
    request.key = bytes_text (key);
    GIVE (request, &request, w, 2);
    GIVE (request, &request, strict, true);
    rig_ask (&rig, &request);
    rig_failure (&rig, "unavailable");
    request.strict = false;
    rig_ask (&rig, &request);
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_mint), 1);
    const effect_t *effect = drive_sent (&rig.drive, MESSAGE_mint, 0);
    cr_assert (effect->message->mint.hint);
    uint8_t slot = effect->message->mint.slot;
    uint64_t minter = effect->to.node == 0 ? 1 : effect->to.node;
    cr_assert (minter == 1 || minter == 5);
    put_minted_for (&rig, minter, slot, 10, true);
    /* The two other slots: the other fallback, and no third. */
    uint64_t holders[3] = {0};
    for (uint8_t i = 0; i < 3; i++)
        holders[i] = rig_hinted (&rig, MESSAGE_replicate, i);
    cr_assert_eq (holders[slot], 0);
    cr_assert_eq (drive_sent_count (&rig.drive, STATES), 2);
    rig_stored_for (&rig, minter, slot, STATUS_OK);
    cr_assert_not (rig_answered (&rig));
    for (uint8_t i = 0; i < 3; i++)
        if (holders[i] != 0 && holders[i] != minter)
            rig_stored_for (&rig, holders[i], i, STATUS_OK);
    cr_assert (rig_answered (&rig));
    rig_close (&rig);
}

Test (mint, a_write_that_may_have_been_made_is_never_called_a_failure)
{
    static const status_t statuses[] = {STATUS_READ_ONLY, STATUS_UNAVAILABLE,
                                        STATUS_TOO_MANY_SIBLINGS, STATUS_INTERNAL};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        rig_t rig;
        rig_open (&rig, 3, 2, 2);
        put_ask (&rig, 1);
        for (unsigned minters = NODE (1); minters == NODE (1);) {
            put_until (&rig, MESSAGE_mint);
            minters = rig_asked (&rig, MESSAGE_mint);
        }
        put_refuse (&rig, 2, statuses[i]);
        if (rig_asked (&rig, MESSAGE_mint) == NODE (3))
            put_refuse (&rig, 3, statuses[i]);
        cr_assert_not (rig_answered (&rig), "node 1 may have made it, and may yet say so");
        put_refuse (&rig, 1, statuses[i]);
        while (!rig_answered (&rig))
            rig_tick (&rig);
        rig_failure (&rig, "unknown");
        rig_close (&rig);
    }
}

Test (mint, when_nobody_ever_answers_it_is_unknown_in_time)
{
    rig_t rig;
    uint64_t fallbacks[2];
    put_open_five (&rig, 0, fallbacks);
    uint64_t began_us = rig.drive.now_us;
    put_ask (&rig, 2);
    cr_assert_eq (rig_wait (&rig, began_us), rig.settings.timeout_ms * MS);
    failure_t failure = rig_failure (&rig, "unknown");
    cr_assert (HAS (failure, &failure, acks));
    cr_assert_eq (failure.acks, 0);
    cr_assert_eq (drive_sent_count (&rig.drive, STATES), 0, "there is nothing to keep");
    put_minted (&rig, 1, true);
    rig_silent (&rig);
    rig_close (&rig);
}
