/*  test_replica_writes.c - what a mint and a replicated state do to a key, when they are refused, and under which actor
 *  versions are made.
 */
#include "replica_rig.h"

/* ---- what a write does ---- */

Test (replica, a_mint_replaces_what_its_context_covers)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    context_t milk = rig_minted (&rig, rig_mint (&rig, "milk", &NOTHING));
    context_t eggs = rig_minted (&rig, rig_mint (&rig, "eggs", &NOTHING));
    cr_assert_eq (rig_siblings (&rig), 2, "a blind put overwrites nothing");
    context_t more = rig_minted (&rig, rig_mint (&rig, "milk and bread", &milk));
    cr_assert_eq (rig_siblings (&rig), 2);
    message_t *removal = rig_mint (&rig, "", &eggs);
    removal->mint.remove = true;
    context_t gone = rig_minted (&rig, removal);
    object_t object;
    bytes_t frame;
    cr_assert_eq (rig_state (&rig, &object, &frame), RESULT_FOUND);
    cr_assert_eq (object.siblings.count, 1);
    cr_assert (bytes_equal (object.siblings.items[0].value, bytes_text ("milk and bread")));
    cr_assert (context_covers (&more, object.siblings.items[0].dot));
    cr_assert_not (context_covers (&gone, object.siblings.items[0].dot));
    object_clear (&object);
    bytes_clear (&frame);
    removal = rig_mint (&rig, "", &more);
    removal->mint.remove = true;
    context_clear (&gone);
    gone = rig_minted (&rig, removal);
    cr_assert_eq (rig_state (&rig, &object, &frame), RESULT_FOUND, "a tombstone is found");
    cr_assert_eq (object.siblings.count, 0);
    object_clear (&object);
    bytes_clear (&frame);
    context_t *const all[] = {&milk, &eggs, &more, &gone};
    for (size_t i = 0; i < 4; i++)
        context_clear (all[i]);
    rig_close (&rig);
}

Test (replica, a_clock_is_after_all_that_was_seen)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    message_t *mint = rig_mint (&rig, "milk", &NOTHING);
    mint->mint.hlc = (rig.drive.wall_ms + 5000) << 16;
    uint64_t seen = mint->mint.hlc;
    rig_ask (&rig, mint);
    drive_kind (&rig.drive, EVENT_DRAINED);
    cr_assert_eq (drive_sent (&rig.drive, MESSAGE_mint_reply, 0)->message->mint_reply.hlc,
                  seen + 1);
    rig_ask (&rig, rig_mint (&rig, "eggs", &NOTHING));
    drive_kind (&rig.drive, EVENT_DRAINED);
    cr_assert_eq (drive_sent (&rig.drive, MESSAGE_mint_reply, 0)->message->mint_reply.hlc, seen + 2,
                  "also after the siblings");
    rig_close (&rig);
}

Test (replica, a_put_id_that_lives_makes_no_second_version)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    bytes_t id = bytes_text ("sixteen bytes id");
    message_t *mint = rig_mint (&rig, "milk", &NOTHING);
    mint->mint.put_id = bytes_copy (id.data, id.size);
    context_t first = rig_minted (&rig, mint);
    mint = rig_mint (&rig, "another value", &NOTHING);
    mint->mint.put_id = bytes_copy (id.data, id.size);
    context_t second = rig_minted (&rig, mint);
    cr_assert (codec_equal (&context_schema, &first, &second));
    cr_assert_eq (rig_siblings (&rig), 1);
    cr_assert_eq (store_sequence (rig.store), 1, "nothing was written");
    rig_synced (&rig, 1);
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_replicate_reply), 2, "both are stored");
    context_clear (&first);
    context_clear (&second);
    rig_close (&rig);
}

Test (replica, a_put_id_of_another_size_is_refused)
{
    /* It would make a record that no decoder takes. */
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    message_t *mint = rig_mint (&rig, "milk", &NOTHING);
    mint->mint.put_id = bytes_copy ("short", 5);
    rig_refused (&rig, mint, STATUS_BAD_REQUEST);
    cr_assert_eq (rig_siblings (&rig), 0);
    rig_close (&rig);
}

Test (replica, a_frame_that_came_twice_mints_once)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    message_t *mint = rig_mint (&rig, "milk", &NOTHING);
    message_t *again = message_copy (mint);
    message_t *foreign = message_copy (mint);
    context_t milk = rig_minted (&rig, mint);
    context_t bread = rig_minted (&rig, rig_mint (&rig, "bread", &milk));
    rig_ask (&rig, again);
    rig_silent (&rig);
    drive_kind (&rig.drive, EVENT_DRAINED);
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_mint_reply), 0);
    cr_assert_eq (rig_siblings (&rig), 1, "what was replaced is not made again");
    /* The same number from another node is another request. */
    rig_stamp (&rig, foreign);
    drive_message (&rig.drive, PEER + 1, ROLE_COORDINATOR, foreign);
    drive_kind (&rig.drive, EVENT_DRAINED);
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_mint_reply), 1);
    cr_assert_eq (rig_siblings (&rig), 2);
    context_clear (&milk);
    context_clear (&bread);
    rig_close (&rig);
}

Test (replica, a_refused_mint_that_comes_again_is_not_carried_out_after_all)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    message_t *mint = rig_mint (&rig, "milk", &NOTHING);
    message_t *again = message_copy (mint);
    message_t *host = message_new (MESSAGE_host);
    drive_message (&rig.drive, 0, ROLE_MONITOR, host);
    rig_refused (&rig, mint, STATUS_READ_ONLY);
    host = message_new (MESSAGE_host);
    host->host.disk_free = UINT64_MAX;
    drive_message (&rig.drive, 0, ROLE_MONITOR, host);
    /* Its coordinator has gone on to another home, or has told the client that nothing was stored. */
    rig_refused (&rig, again, STATUS_READ_ONLY);
    cr_assert_eq (rig_siblings (&rig), 0);
    rig_close (&rig);
}

/* ---- refusals ---- */

static void s_disk_free (rig_t *rig, uint64_t mb)
{
    message_t *host = message_new (MESSAGE_host);
    host->host.disk_free = mb << 20;
    drive_message (&rig->drive, 0, ROLE_MONITOR, host);
}

Test (replica, a_full_disk_takes_no_writes_and_gives_reads)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    context_t context = rig_minted (&rig, rig_mint (&rig, "milk", &NOTHING));
    context_clear (&context);
    uint64_t mb = 1000;
    for (s_disk_free (&rig, mb); rig.drive.effects.count == 0 && mb > 0;)
        s_disk_free (&rig, --mb);
    cr_assert_gt (mb, 50, "before the store breaks");
    uint64_t full_mb = mb;
    cr_assert_eq (drive_count (&rig.drive, EFFECT_LOG), 1);
    effect_t *event = drive_sent (&rig.drive, MESSAGE_notice, 0);
    cr_assert_not_null (event);
    cr_assert (bytes_equal (event->message->notice.topic, bytes_text ("store")));
    s_disk_free (&rig, mb - 1);
    rig_silent (&rig); /* said once */
    rig_refused (&rig, rig_mint (&rig, "eggs", &NOTHING), STATUS_READ_ONLY);
    const uint64_t actors[] = {5};
    message_t *replicate = message_new (MESSAGE_replicate);
    replicate->replicate.key = bytes_copy (KEY, 4);
    replicate->replicate.state = drive_state (actors, 1, bytes_text ("v"));
    rig_ask (&rig, replicate);
    cr_assert_eq (rig_only (&rig, MESSAGE_replicate_reply)->replicate_reply.status,
                  STATUS_READ_ONLY);
    cr_assert_eq (rig_siblings (&rig), 1);
    message_t *survey = message_new (MESSAGE_survey);
    rig_ask (&rig, survey);
    cr_assert (rig_only (&rig, MESSAGE_survey_reply)->survey_reply.read_only);
    for (s_disk_free (&rig, mb); rig.drive.effects.count == 0 && mb < 1000;)
        s_disk_free (&rig, ++mb);
    cr_assert_gt (mb, full_mb + 8, "at the same mark it would flicker");
    cr_assert_eq (drive_count (&rig.drive, EFFECT_LOG), 1);
    context = rig_minted (&rig, rig_mint (&rig, "eggs", &NOTHING));
    context_clear (&context);
    rig_close (&rig);
}

Test (replica, too_many_siblings_are_refused_until_they_are_merged)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    drive_close (&rig.drive);
    rig.settings.siblings_count = 3;
    rig_restart (&rig, 1);
    context_t last = {0};
    for (int i = 0; i < 3; i++) {
        context_clear (&last);
        last = rig_minted (&rig, rig_mint (&rig, "milk", &NOTHING));
    }
    rig_refused (&rig, rig_mint (&rig, "eggs", &NOTHING), STATUS_TOO_MANY_SIBLINGS);
    cr_assert_eq (rig_siblings (&rig), 3);
    /* One that replaces is welcome, and so is what other replicas bring. */
    context_t replaced = rig_minted (&rig, rig_mint (&rig, "bread", &last));
    cr_assert_eq (rig_siblings (&rig), 3);
    const uint64_t actors[] = {5, 6};
    message_t *replicate = message_new (MESSAGE_replicate);
    replicate->replicate.key = bytes_copy (KEY, 4);
    replicate->replicate.state = drive_state (actors, 2, bytes_text ("v"));
    rig_ask (&rig, replicate);
    cr_assert_eq (rig_siblings (&rig), 5);
    context_clear (&last);
    context_clear (&replaced);
    rig_close (&rig);
}

Test (replica, siblings_of_too_many_bytes_are_refused)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    drive_close (&rig.drive);
    rig.settings.value_bytes = 1024;
    rig_restart (&rig, 1);
    char value[1025];
    memset (value, 'v', 1024);
    value[1024] = 0;
    context_t last = {0};
    for (unsigned i = 0; i < LIMIT_SIBLINGS_VALUES; i++) {
        context_clear (&last);
        last = rig_minted (&rig, rig_mint (&rig, value, &NOTHING));
    }
    rig_refused (&rig, rig_mint (&rig, "x", &NOTHING), STATUS_TOO_MANY_SIBLINGS);
    context_t replaced = rig_minted (&rig, rig_mint (&rig, "x", &last));
    context_clear (&last);
    last = rig_minted (&rig, rig_mint (&rig, value, &NOTHING));
    cr_assert_eq (rig_siblings (&rig), LIMIT_SIBLINGS_VALUES + 1, "below the limit before it");
    context_clear (&last);
    context_clear (&replaced);
    rig_close (&rig);
}

Test (replica, an_unsound_context_or_state_is_refused)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    dot_t dots[] = {{.actor = 9, .counter = 1}, {.actor = 9, .counter = 2}};
    context_t unsound = {.vv = {dots, 2}};
    rig_refused (&rig, rig_mint (&rig, "milk", &unsound), STATUS_BAD_CONTEXT);
    message_t *replicate = message_new (MESSAGE_replicate);
    replicate->replicate.key = bytes_copy (KEY, 4);
    replicate->replicate.state = bytes_copy ("nonsense", 8);
    rig_ask (&rig, replicate);
    cr_assert_eq (rig_only (&rig, MESSAGE_replicate_reply)->replicate_reply.status,
                  STATUS_BAD_REQUEST);
    rig_close (&rig);
}

Test (replica, a_damaged_record_is_refused_and_not_written_over)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    context_t context = rig_minted (&rig, rig_mint (&rig, "milk", &NOTHING));
    place_t place = place_of (1, bytes_text (KEY));
    uint8_t data[RECORD_KEY_BYTES];
    bytes_t at = record_key (data, place.partition, place.hash, place.key), value;
    cr_assert_eq (store_put (rig.store, STORE_DATA, at, bytes_text ("damage")), STORE_OK);
    rig_ask (&rig, rig_read (&rig, KEY));
    effect_t *effect = drive_sent (&rig.drive, MESSAGE_read_reply, 0);
    cr_assert_eq (effect->message->read_reply.result, RESULT_REFUSED);
    cr_assert_eq (effect->message->read_reply.status, STATUS_INTERNAL);
    cr_assert_eq (drive_count (&rig.drive, EFFECT_LOG), 1, "and its operator is told");
    rig_ask (&rig, rig_mint (&rig, "eggs", &NOTHING));
    effect = drive_sent (&rig.drive, MESSAGE_mint_reply, 0);
    cr_assert_eq (effect->message->mint_reply.status, STATUS_INTERNAL);
    const uint64_t actors[] = {5};
    message_t *replicate = message_new (MESSAGE_replicate);
    replicate->replicate.key = bytes_copy (KEY, 4);
    replicate->replicate.state = drive_state (actors, 1, bytes_text ("v"));
    rig_ask (&rig, replicate);
    effect = drive_sent (&rig.drive, MESSAGE_replicate_reply, 0);
    cr_assert_eq (effect->message->replicate_reply.result, RESULT_REFUSED);
    cr_assert_eq (store_get (rig.store, STORE_DATA, at, &value), STORE_OK);
    cr_assert (bytes_equal (value, bytes_text ("damage")));
    cr_assert_eq (drive_count (&rig.drive, EFFECT_HALT), 0, "one key, not the node");
    context_clear (&context);
    rig_close (&rig);
}

/* ---- states from others ---- */

Test (replica, a_replicated_state_is_merged_and_acknowledged_when_durable)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    context_t context = rig_minted (&rig, rig_mint (&rig, "milk", &NOTHING));
    rig_synced (&rig, 1);
    const uint64_t actors[] = {5, 6};
    for (int round = 0; round < 2; round++) {
        message_t *replicate = message_new (MESSAGE_replicate);
        replicate->replicate.request = 4;
        replicate->replicate.key = bytes_copy (KEY, 4);
        replicate->replicate.state = drive_state (actors, 2, bytes_text ("v"));
        rig_ask (&rig, replicate);
        rig_silent (&rig);
        drive_kind (&rig.drive, EVENT_DRAINED);
        cr_assert_eq (store_sequence (rig.store), 2, "the second time nothing is new");
        if (round == 0) {
            cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_replicate_reply), 0);
            rig_synced (&rig, 2);
        }
        const replicate_reply_t *reply = &rig_only (&rig, MESSAGE_replicate_reply)->replicate_reply;
        cr_assert_eq (reply->request, 4);
        cr_assert_eq (reply->result, RESULT_STORED);
        cr_assert_eq (rig_siblings (&rig), 3);
    }
    context_clear (&context);
    rig_close (&rig);
}

/* ---- message age ---- */

/*  Sends a mint or a replicated state with this stamp; whether it was carried out. */
static bool s_is_taken (rig_t *rig, uint64_t node, bool mint, stamp_t stamp, uint32_t patience_ms)
{
    const uint64_t actors[] = {5 + ++rig->request};
    message_t *message = mint ? rig_mint (rig, "milk", &NOTHING) : rig_replicate (actors, 1, "v");
    if (mint) {
        message->mint.stamp = stamp;
        message->mint.patience_ms = patience_ms;
    } else
        message->replicate.stamp = stamp;
    size_t before = rig_siblings (rig);
    drive_message (&rig->drive, node, ROLE_COORDINATOR, message);
    effect_t *refusal =
        drive_sent (&rig->drive, mint ? MESSAGE_mint_reply : MESSAGE_replicate_reply, 0);
    if (refusal != NULL)
        cr_assert_eq (mint ? refusal->message->mint_reply.status
                           : refusal->message->replicate_reply.status,
                      STATUS_UNAVAILABLE);
    bool taken = refusal == NULL;
    drive_kind (&rig->drive, EVENT_DRAINED);
    cr_assert_eq (rig_siblings (rig), before + taken);
    return taken;
}

Test (replica, what_is_too_old_or_for_another_process_is_refused)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    rig.drive.now_us += 999; /* not a whole number of ms */
    uint64_t now_ms = rig.drive.now_us / 1000;
    const uint64_t oldest_ms = now_ms - LIMIT_MESSAGE_AGE_MS;
    for (int mint = 0; mint < 2; mint++) {
        stamp_t stamp = {.nonce = DRIVE_NONCE, .clock_ms = now_ms};
        cr_assert (s_is_taken (&rig, PEER, mint, stamp, UINT32_MAX));
        stamp.clock_ms = oldest_ms;
        cr_assert (s_is_taken (&rig, PEER, mint, stamp, UINT32_MAX));
        stamp.clock_ms = oldest_ms - 1;
        cr_assert_not (s_is_taken (&rig, PEER, mint, stamp, UINT32_MAX));
        cr_assert_not (s_is_taken (&rig, 0, mint, stamp, UINT32_MAX), "also from here");
        stamp.clock_ms = UINT64_MAX;
        cr_assert (s_is_taken (&rig, PEER, mint, stamp, UINT32_MAX), "and nothing overflows");
        stamp = (stamp_t){.nonce = DRIVE_NONCE + 1, .clock_ms = now_ms};
        cr_assert_not (s_is_taken (&rig, PEER, mint, stamp, UINT32_MAX));
        stamp = (stamp_t){.nonce = 0, .clock_ms = now_ms};
        cr_assert_not (s_is_taken (&rig, PEER, mint, stamp, UINT32_MAX));
        stamp = (stamp_t){0};
        cr_assert (s_is_taken (&rig, 0, mint, stamp, 0), "this node needs none");
    }
    rig_close (&rig);
}

Test (replica, a_mint_that_nobody_waits_for_any_more_is_refused)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    stamp_t stamp = {.nonce = DRIVE_NONCE, .clock_ms = rig.drive.now_us / 1000 - 200};
    cr_assert (s_is_taken (&rig, PEER, true, stamp, 200));
    cr_assert_not (s_is_taken (&rig, PEER, true, stamp, 199));
    rig_close (&rig);
}

Test (replica, a_mint_refused_for_its_age_may_come_again_with_a_new_stamp)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    message_t *mint = rig_mint (&rig, "milk", &NOTHING);
    message_t *again = message_copy (mint);
    mint->mint.stamp = (stamp_t){.nonce = DRIVE_NONCE + 1, .clock_ms = 1};
    rig_refused (&rig, mint, STATUS_UNAVAILABLE);
    context_t context = rig_minted (&rig, again);
    cr_assert_eq (rig_siblings (&rig), 1);
    context_clear (&context);
    rig_close (&rig);
}

Test (replica, a_mint_sent_again_is_answered_again_while_its_version_lives)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    message_t *mint = rig_mint (&rig, "milk", &NOTHING);
    mint->mint.put_id = bytes_copy ("sixteen bytes id", 16);
    message_t *again = message_copy (mint), *late = message_copy (mint);
    context_t first = rig_minted (&rig, mint);
    context_t second = rig_minted (&rig, again);
    cr_assert (codec_equal (&context_schema, &first, &second));
    cr_assert_eq (rig_siblings (&rig), 1);
    context_t bread = rig_minted (&rig, rig_mint (&rig, "bread", &first));
    rig_ask (&rig, late);
    rig_silent (&rig); /* a refusal would send it to another home */
    cr_assert_eq (rig_siblings (&rig), 1);
    context_clear (&first);
    context_clear (&second);
    context_clear (&bread);
    rig_close (&rig);
}

/*  As many as the coordinators of three nodes may have in flight, when it was slow for a while. */
Test (replica, a_mint_sent_again_is_known_behind_all_that_may_be_in_flight)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    message_t *mint = rig_mint (&rig, "milk", &NOTHING);
    mint->mint.put_id = bytes_copy ("sixteen bytes id", 16);
    message_t *late = message_copy (mint);
    context_t milk = rig_minted (&rig, mint);
    context_t bread = rig_minted (&rig, rig_mint (&rig, "bread", &milk));
    for (uint64_t i = 0; i < 12288; i++) {
        message_t *other = rig_mint (&rig, "other", &NOTHING);
        bytes_clear (&other->mint.key);
        other->mint.key = bytes_copy (&i, sizeof i);
        rig_ask (&rig, other);
    }
    rig_ask (&rig, late);
    drive_kind (&rig.drive, EVENT_DRAINED);
    cr_assert_eq (rig_siblings (&rig), 1, "bread alone");
    context_clear (&milk);
    context_clear (&bread);
    rig_close (&rig);
}

Test (replica, a_delete_sent_again_is_answered_again)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    context_t milk = rig_minted (&rig, rig_mint (&rig, "milk", &NOTHING));
    message_t *removal = rig_mint (&rig, "", &milk);
    removal->mint.remove = true;
    message_t *again = message_copy (removal);
    context_t first = rig_minted (&rig, removal);
    context_t second = rig_minted (&rig, again);
    cr_assert_eq (rig_siblings (&rig), 0);
    context_clear (&milk);
    context_clear (&first);
    context_clear (&second);
    rig_close (&rig);
}

/* ---- the actor of dots ---- */

static dot_t s_first_dot (rig_t *rig)
{
    object_t object;
    bytes_t frame;
    rig_state (rig, &object, &frame);
    dot_t dot = object.siblings.items[0].dot;
    object_clear (&object);
    bytes_clear (&frame);
    return dot;
}

Test (replica, each_opening_mints_under_another_actor)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    context_t first = rig_minted (&rig, rig_mint (&rig, "milk", &NOTHING));
    dot_t before = s_first_dot (&rig);
    cr_assert_eq (before.counter, 1);
    drive_close (&rig.drive);
    rig_restart (&rig, 2);
    context_t second = rig_minted (&rig, rig_mint (&rig, "eggs", &first));
    dot_t after = s_first_dot (&rig);
    cr_assert_neq (before.actor, after.actor);
    cr_assert_eq (after.counter, 1);
    context_clear (&first);
    context_clear (&second);
    rig_close (&rig);
}

Test (replica, who_has_lost_memory_goes_on_under_another_actor)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    context_t context = rig_minted (&rig, rig_mint (&rig, "milk", &NOTHING));
    cr_assert_eq (context.vv.count, 1);
    uint64_t actor = context.vv.items[0].actor;
    context.vv.items[0].counter = 5; /* of which this node made only the first */
    rig_ask (&rig, rig_mint (&rig, "eggs", &context));
    cr_assert_eq (drive_count (&rig.drive, EFFECT_LOG), 1);
    dot_t dot = s_first_dot (&rig);
    cr_assert_neq (dot.actor, actor, "a dot that somebody has seen replaced would be lost");
    cr_assert_eq (dot.counter, 1);
    context_clear (&context);
    rig_close (&rig);
}
