/*  test_replica.c - the storage role under hand-made events: what it answers at once, what at the commit, and what only when
 *  it is on disk. What writes do is in test_replica_writes.c.
 */
#include "replica_rig.h"

/* ---- reads ---- */

Test (replica, a_read_is_answered_at_once)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    object_t object;
    bytes_t frame;
    cr_assert_eq (rig_state (&rig, &object, &frame), RESULT_ABSENT);
    cr_assert_eq (frame.size, 0);
    rig_ask (&rig, rig_mint (&rig, "milk", &NOTHING));
    rig_silent (&rig);
    /* It sees what is not committed yet, and waits for nothing. */
    cr_assert_eq (rig_state (&rig, &object, &frame), RESULT_FOUND);
    cr_assert_eq (object.siblings.count, 1);
    cr_assert (bytes_equal (object.siblings.items[0].value, bytes_text ("milk")));
    object_clear (&object);
    bytes_clear (&frame);
    rig_close (&rig);
}

Test (replica, who_does_not_own_the_slot_refuses)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    message_t *read = rig_read (&rig, KEY);
    read->read.slot = 1;
    rig_ask (&rig, read);
    const read_reply_t *told = &rig_only (&rig, MESSAGE_read_reply)->read_reply;
    cr_assert_eq (told->result, RESULT_REFUSED);
    cr_assert_eq (told->status, STATUS_UNAVAILABLE);
    cr_assert_eq (told->slot, 1);

    message_t *mint = rig_mint (&rig, "milk", &NOTHING);
    mint->mint.slot = 2;
    rig_refused (&rig, mint, STATUS_UNAVAILABLE);

    const uint64_t actors[] = {5};
    message_t *replicate = message_new (MESSAGE_replicate);
    replicate->replicate.slot = LIMIT_N - 1; /* there is no such slot */
    replicate->replicate.key = bytes_copy (KEY, 4);
    replicate->replicate.state = drive_state (actors, 1, bytes_text ("v"));
    rig_ask (&rig, replicate);
    const replicate_reply_t *refusal = &rig_only (&rig, MESSAGE_replicate_reply)->replicate_reply;
    cr_assert_eq (refusal->result, RESULT_REFUSED);
    cr_assert_eq (refusal->status, STATUS_UNAVAILABLE);

    message_t *scan = message_new (MESSAGE_scan);
    scan->scan.slot = 1;
    scan->scan.limit = 10;
    rig_ask (&rig, scan);
    cr_assert_eq (rig_only (&rig, MESSAGE_scan_reply)->scan_reply.result, RESULT_REFUSED);
    scan = message_new (MESSAGE_scan);
    scan->scan.partition = 1;
    scan->scan.limit = 10;
    rig_ask (&rig, scan);
    cr_assert_eq (rig_only (&rig, MESSAGE_scan_reply)->scan_reply.result, RESULT_REFUSED);
    cr_assert_eq (rig_siblings (&rig), 0);
    rig_close (&rig);
}

Test (replica, before_there_is_a_ring_all_is_refused)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    drive_close (&rig.drive);
    drive_open (&rig.drive, &replica_role, &rig.settings, rig.store, 1);
    drive_kind (&rig.drive, EVENT_START);
    rig_ask (&rig, rig_read (&rig, KEY));
    cr_assert_eq (rig_only (&rig, MESSAGE_read_reply)->read_reply.result, RESULT_REFUSED);
    rig_refused (&rig, rig_mint (&rig, "milk", &NOTHING), STATUS_UNAVAILABLE);
    rig_close (&rig);
}

Test (replica, a_scan_and_a_survey_tell_what_is_held)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    context_t context = rig_minted (&rig, rig_mint (&rig, "milk", &NOTHING));
    context_clear (&context);
    message_t *scan = message_new (MESSAGE_scan);
    scan->scan.request = 7;
    scan->scan.limit = 10;
    rig_ask (&rig, scan);
    const scan_reply_t *page = &rig_only (&rig, MESSAGE_scan_reply)->scan_reply;
    cr_assert_eq (page->result, RESULT_FOUND);
    cr_assert_eq (page->request, 7);
    cr_assert_eq (page->keys.count, 1);
    cr_assert (bytes_equal (page->keys.items[0].bytes, bytes_text (KEY)));
    cr_assert_eq (page->next.size, 0);
    message_t *survey = message_new (MESSAGE_survey);
    survey->survey.request = 8;
    rig_ask (&rig, survey);
    const survey_reply_t *held = &rig_only (&rig, MESSAGE_survey_reply)->survey_reply;
    cr_assert_eq (held->request, 8);
    cr_assert_eq (held->keys, 1);
    cr_assert_eq (held->tombstones, 0);
    cr_assert_not (held->read_only);
    rig_close (&rig);
}

/* ---- when a write is answered ---- */

Test (replica, batch_tells_the_state_at_the_commit_and_acknowledges_when_it_is_flushed)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    cr_assert_not (drive_busy (&rig.drive));
    rig_ask (&rig, rig_mint (&rig, "milk", &NOTHING));
    rig_silent (&rig);
    cr_assert (drive_busy (&rig.drive));
    drive_kind (&rig.drive, EVENT_DRAINED);
    cr_assert_eq (rig.drive.effects.count, 2);
    effect_t *effect = drive_sent (&rig.drive, MESSAGE_mint_reply, 0);
    cr_assert_not_null (effect);
    cr_assert_eq (effect->to.node, PEER);
    const mint_reply_t *reply = &effect->message->mint_reply;
    cr_assert_eq (reply->request, rig.request);
    cr_assert_not (reply->durable, "a state is no acknowledgement");
    object_t object;
    cr_assert_eq (object_decode (reply->state, &object), 0);
    cr_assert_eq (object.siblings.count, 1);
    cr_assert (context_covers (&reply->context, object.siblings.items[0].dot));
    object_clear (&object);
    effect = drive_sent (&rig.drive, MESSAGE_sync, 0);
    cr_assert_not_null (effect);
    cr_assert_eq (effect->to.node, 0);
    cr_assert_eq (effect->to.role, ROLE_SYNCER);
    uint64_t sequence = effect->message->sync.sequence;
    cr_assert_eq (sequence, store_sequence (rig.store));

    rig_synced (&rig, sequence - 1);
    rig_silent (&rig);
    rig_synced (&rig, sequence);
    const replicate_reply_t *ack = &rig_only (&rig, MESSAGE_replicate_reply)->replicate_reply;
    cr_assert_eq (ack->request, rig.request);
    cr_assert_eq (ack->result, RESULT_STORED);
    cr_assert_not (drive_busy (&rig.drive));
    rig_synced (&rig, sequence);
    rig_silent (&rig);
    rig_close (&rig);
}

Test (replica, a_mint_that_nobody_else_needs_is_answered_once)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    message_t *mint = rig_mint (&rig, "milk", &NOTHING);
    mint->mint.state_wanted = false;
    rig_ask (&rig, mint);
    rig_silent (&rig);
    drive_kind (&rig.drive, EVENT_DRAINED);
    cr_assert_eq (rig.drive.effects.count, 1);
    cr_assert_not_null (drive_sent (&rig.drive, MESSAGE_sync, 0));
    rig_synced (&rig, store_sequence (rig.store));
    const mint_reply_t *reply = &rig_only (&rig, MESSAGE_mint_reply)->mint_reply;
    cr_assert (reply->durable);
    cr_assert_eq (reply->state.size, 0);
    cr_assert_eq (reply->context.vv.count, 1);
    rig_close (&rig);
}

static void s_at_commit (durability_t durability)
{
    rig_t rig;
    rig_open (&rig, durability);
    rig_ask (&rig, rig_mint (&rig, "milk", &NOTHING));
    rig_silent (&rig);
    drive_kind (&rig.drive, EVENT_DRAINED);
    cr_assert_eq (rig.drive.effects.count, 2);
    cr_assert_not_null (drive_sent (&rig.drive, MESSAGE_mint_reply, 0));
    cr_assert_not_null (drive_sent (&rig.drive, MESSAGE_replicate_reply, 0));
    memory_store_kill (rig.store);
    drive_close (&rig.drive);
    rig_restart (&rig, 2);
    cr_assert_eq (rig_siblings (&rig), 1, "what was acknowledged survives the process");
    rig_close (&rig);
}

Test (replica, periodic_and_none_acknowledge_at_the_commit)
{
    s_at_commit (DURABILITY_PERIODIC);
    s_at_commit (DURABILITY_NONE);
}

Test (replica, batch_acknowledges_nothing_that_a_kill_takes)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    context_t first = rig_minted (&rig, rig_mint (&rig, "milk", &NOTHING));
    uint64_t flushed = store_sequence (rig.store);
    cr_assert_eq (store_flush (rig.store), STORE_OK);
    context_t second = rig_minted (&rig, rig_mint (&rig, "eggs", &NOTHING));
    rig_synced (&rig, flushed);
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_replicate_reply), 1, "only the first");
    cr_assert_eq (rig_only (&rig, MESSAGE_replicate_reply)->replicate_reply.request,
                  rig.request - 1);
    memory_store_kill (rig.store);
    drive_close (&rig.drive);
    rig_restart (&rig, 2);
    cr_assert_eq (rig_siblings (&rig), 1);
    context_clear (&first);
    context_clear (&second);
    rig_close (&rig);
}

Test (replica, one_flush_serves_all_of_a_batch)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    for (int i = 0; i < 200; i++) {
        rig_ask (&rig, rig_mint (&rig, "milk", &NOTHING));
        if (i < 100)
            rig_silent (&rig);
    }
    drive_kind (&rig.drive, EVENT_DRAINED);
    cr_assert_eq (store_sequence (rig.store), 1, "one transaction");
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_sync), 1);
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_mint_reply), 100);
    rig_synced (&rig, 1);
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_replicate_reply), 100);
    for (size_t i = 1; i < 100; i++)
        cr_assert_eq (
            drive_sent (&rig.drive, MESSAGE_replicate_reply, i)->message->replicate_reply.request,
            drive_sent (&rig.drive, MESSAGE_replicate_reply, i - 1)
                    ->message->replicate_reply.request +
                1);
    rig_close (&rig);
}

Test (replica, batches_that_wait_side_by_side_are_each_acknowledged_once_in_order)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    rig.settings.siblings_count = 1000;
    context_t context = {0};
    uint64_t acknowledged = 0;
    for (uint64_t round = 1; round <= 500; round++) {
        context_t next = rig_minted (&rig, rig_mint (&rig, "milk", &context));
        context_clear (&context);
        context = next;
        cr_assert_eq (store_sequence (rig.store), round);
        if (round % 7 != 0)
            continue;
        rig_synced (&rig, round - 3); /* the syncer is three behind */
        cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_replicate_reply),
                      round - 3 - acknowledged);
        cr_assert_eq (
            drive_sent (&rig.drive, MESSAGE_replicate_reply, 0)->message->replicate_reply.request,
            1001 + acknowledged);
        acknowledged = round - 3;
    }
    context_clear (&context);
    rig_close (&rig);
}

Test (replica, a_sync_that_got_lost_is_asked_for_again)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    context_t context = rig_minted (&rig, rig_mint (&rig, "milk", &NOTHING));
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_sync), 1);
    uint64_t wake_us = rig.drive.effects.wake_us;
    cr_assert_gt (wake_us, rig.drive.now_us);
    cr_assert_lt (wake_us, rig.drive.now_us + 1000 * MS);
    drive_tick (&rig.drive, 1 * MS);
    cr_assert_eq (rig.drive.effects.wake_us, wake_us, "each step wishes anew");
    drive_kind (&rig.drive, EVENT_DRAINED);
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_sync), 0, "not before its time");
    drive_tick (&rig.drive, wake_us - rig.drive.now_us);
    drive_kind (&rig.drive, EVENT_DRAINED);
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_sync), 1);
    cr_assert_eq (drive_sent (&rig.drive, MESSAGE_sync, 0)->message->sync.sequence,
                  store_sequence (rig.store));
    rig_synced (&rig, store_sequence (rig.store));
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_replicate_reply), 1);
    cr_assert_eq (rig.drive.effects.wake_us, UINT64_MAX, "nothing is waited for");
    context_clear (&context);
    rig_close (&rig);
}

Test (replica, a_commit_that_fails_halts_and_acknowledges_nothing)
{
    static const durability_t durabilities[] = {DURABILITY_BATCH, DURABILITY_PERIODIC,
                                                DURABILITY_NONE};
    for (size_t i = 0; i < 3; i++) {
        rig_t rig;
        rig_open (&rig, durabilities[i]);
        rig_ask (&rig, rig_mint (&rig, "milk", &NOTHING));
        memory_store_fail_commit (rig.store);
        drive_kind (&rig.drive, EVENT_DRAINED);
        cr_assert_eq (rig.drive.effects.count, 1);
        effect_t *halt = drive_effect (&rig.drive, EFFECT_HALT);
        cr_assert_not_null (halt);
        cr_assert_str_eq (halt->text, store_error (rig.store));
        cr_assert_not (drive_busy (&rig.drive), "it owes nothing that it could give");
        rig_synced (&rig, 99);
        rig_silent (&rig);
        rig_ask (&rig, rig_read (&rig, KEY));
        rig_silent (&rig);
        drive_kind (&rig.drive, EVENT_DRAINED);
        rig_silent (&rig);
        rig_close (&rig);
    }
}

/* ---- for gossip ---- */

Test (replica, rows_are_answered_when_they_are_on_disk_in_each_durability)
{
    static const durability_t durabilities[] = {DURABILITY_BATCH, DURABILITY_PERIODIC,
                                                DURABILITY_NONE};
    for (size_t i = 0; i < 3; i++) {
        rig_t rig;
        rig_open (&rig, durabilities[i]);
        message_t *table = drive_snapshot (&rig.settings, 3);
        message_t *enact = message_new (MESSAGE_enact);
        enact->enact.request = 42;
        codec_copy (&charter_schema, &table->snapshot.charter, &enact->enact.charter);
        drive_message (&rig.drive, 0, ROLE_GOSSIP, enact);
        rig_silent (&rig);
        drive_kind (&rig.drive, EVENT_DRAINED);
        cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_enact_reply), 0);
        cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_sync), 1);
        rig_synced (&rig, store_sequence (rig.store));
        effect_t *effect = drive_sent (&rig.drive, MESSAGE_enact_reply, 0);
        cr_assert_not_null (effect);
        cr_assert_eq (effect->to.role, ROLE_GOSSIP);
        cr_assert_eq (effect->message->enact_reply.request, 42);
        drive_message (&rig.drive, 0, ROLE_GOSSIP, message_new (MESSAGE_recall));
        effect = drive_sent (&rig.drive, MESSAGE_recall_reply, 0);
        cr_assert_not_null (effect);
        cr_assert (codec_equal (&charter_schema, &effect->message->recall_reply.charter,
                                &table->snapshot.charter));
        message_destroy (&table);
        rig_close (&rig);
    }
}

Test (replica, damaged_rows_halt_the_node)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    cr_assert_eq (
        store_put (rig.store, STORE_MEMBERS, bytes_text ("charter"), bytes_text ("damage")),
        STORE_OK);
    drive_message (&rig.drive, 0, ROLE_GOSSIP, message_new (MESSAGE_recall));
    cr_assert_eq (rig.drive.effects.count, 1);
    effect_t *halt = drive_effect (&rig.drive, EFFECT_HALT);
    cr_assert_not_null (halt);
    cr_assert_not_null (strstr (halt->text, "backup"), "%s", halt->text);
    rig_close (&rig);
}

/*  Gives slot 0 of partition `partition` to node 2. Whether it was given, as the answer says, which comes when it is on disk. */
static bool s_give (rig_t *rig, uint32_t partition, uint64_t version)
{
    message_t *enact = message_new (MESSAGE_enact);
    enact->enact.gifts.items = memory_new (1, sizeof (slot_t));
    enact->enact.gifts.items[0] =
        (slot_t){.partition = partition, .slot = 0, .version = version, .owner = PEER};
    enact->enact.gifts.count = 1;
    drive_message (&rig->drive, 0, ROLE_GOSSIP, enact);
    rig_silent (rig);
    drive_kind (&rig->drive, EVENT_DRAINED);
    if (drive_sent_count (&rig->drive, MESSAGE_enact_reply) == 0)
        rig_synced (rig, store_sequence (rig->store));
    effect_t *effect = drive_sent (&rig->drive, MESSAGE_enact_reply, 0);
    cr_assert_not_null (effect);
    const slot_list_t *gifts = &effect->message->enact_reply.gifts;
    cr_assert (gifts->count == 0 || gifts->items[0].owner == PEER);
    return gifts->count == 1;
}

/*  The rows of the slot that are persisted. */
static uint64_t s_recalled_owner (rig_t *rig, uint32_t partition)
{
    drive_message (&rig->drive, 0, ROLE_GOSSIP, message_new (MESSAGE_recall));
    effect_t *effect = drive_sent (&rig->drive, MESSAGE_recall_reply, 0);
    const slot_list_t *slots = &effect->message->recall_reply.slots;
    for (size_t i = 0; i < slots->count; i++)
        if (slots->items[i].partition == partition && slots->items[i].slot == 0)
            return slots->items[i].owner;
    return 0;
}

static result_t s_read_result (rig_t *rig)
{
    rig_ask (rig, rig_read (rig, KEY));
    return (result_t) rig_only (rig, MESSAGE_read_reply)->read_reply.result;
}

Test (replica, an_empty_slot_that_was_given_away_is_refused_in_the_same_step)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    cr_assert_eq (s_read_result (&rig), RESULT_ABSENT);
    message_t *enact = message_new (MESSAGE_enact);
    enact->enact.gifts.items = memory_new (1, sizeof (slot_t));
    enact->enact.gifts.items[0] = (slot_t){.version = 2, .owner = PEER};
    enact->enact.gifts.count = 1;
    drive_message (&rig.drive, 0, ROLE_GOSSIP, enact);
    rig_silent (&rig);
    cr_assert_eq (s_read_result (&rig), RESULT_REFUSED, "before anything is on disk");
    rig_refused (&rig, rig_mint (&rig, "milk", &NOTHING), STATUS_UNAVAILABLE);
    const uint64_t actors[] = {5};
    rig_ask (&rig, rig_replicate (actors, 1, "v"));
    cr_assert_eq (rig_only (&rig, MESSAGE_replicate_reply)->replicate_reply.result, RESULT_REFUSED);
    rig_synced (&rig, store_sequence (rig.store));
    const enact_reply_t *reply =
        &drive_sent (&rig.drive, MESSAGE_enact_reply, 0)->message->enact_reply;
    cr_assert_eq (reply->gifts.count, 1);
    cr_assert_eq (s_recalled_owner (&rig, 0), PEER);
    /* A snapshot that was made before does not take it back; one that shows it does. */
    drive_message (&rig.drive, 0, ROLE_GOSSIP, drive_snapshot (&rig.settings, 3));
    cr_assert_eq (s_read_result (&rig), RESULT_REFUSED);
    message_t *newer = drive_snapshot (&rig.settings, 3);
    newer->snapshot.slots.items[0].version = 3;
    drive_message (&rig.drive, 0, ROLE_GOSSIP, newer);
    cr_assert_eq (s_read_result (&rig), RESULT_ABSENT, "it came back by a later row");
    rig_close (&rig);
}

Test (replica, a_slot_with_a_record_is_not_given_away)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    context_t context = rig_minted (&rig, rig_mint (&rig, "milk", &NOTHING));
    cr_assert_not (s_give (&rig, 0, 2));
    cr_assert_eq (s_recalled_owner (&rig, 0), 0);
    message_t *removal = rig_mint (&rig, "", &context);
    removal->mint.remove = true;
    context_t gone = rig_minted (&rig, removal);
    cr_assert_not (s_give (&rig, 0, 2), "a tombstone is a record");
    cr_assert_eq (s_read_result (&rig), RESULT_FOUND);
    context_clear (&context);
    context_clear (&gone);
    rig_close (&rig);
}

Test (replica, only_what_is_ours_and_newer_is_given_away)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    cr_assert_not (s_give (&rig, 0, 1), "no newer than the row that is there");
    cr_assert_not (s_give (&rig, 1, 2), "there is no such partition");
    cr_assert (s_give (&rig, 0, 2));
    cr_assert (s_give (&rig, 0, 2), "asked again, for the answer was lost");
    cr_assert_not (s_give (&rig, 0, 3), "it is another's now");
    rig_close (&rig);
}

Test (replica, each_partition_is_asked_for_itself)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    drive_close (&rig.drive);
    rig.settings = drive_settings (4, 1, 1, 1);
    drive_open (&rig.drive, &replica_role, &rig.settings, rig.store, 1);
    drive_kind (&rig.drive, EVENT_START);
    drive_message (&rig.drive, 0, ROLE_GOSSIP, drive_snapshot (&rig.settings, 1));
    uint32_t partition = place_of (4, bytes_text (KEY)).partition;
    context_t context = rig_minted (&rig, rig_mint (&rig, "milk", &NOTHING));
    rig_synced (&rig, store_sequence (rig.store));
    for (uint32_t i = 0; i < 4; i++)
        cr_assert_eq (s_give (&rig, i, 2), i != partition, "%u", i);
    context_clear (&context);
    rig_close (&rig);
}

Test (replica, a_row_that_is_enacted_counts_at_once)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    message_t *read = rig_read (&rig, KEY), *again = rig_read (&rig, KEY);
    read->read.slot = again->read.slot = 1;
    rig_ask (&rig, read);
    cr_assert_eq (rig_only (&rig, MESSAGE_read_reply)->read_reply.result, RESULT_REFUSED);
    message_t *enact = message_new (MESSAGE_enact);
    enact->enact.slots.items = memory_new (2, sizeof (slot_t));
    enact->enact.slots.items[0] = (slot_t){.slot = 1, .version = 2, .owner = 1};
    enact->enact.slots.items[1] = (slot_t){.partition = 999, .version = 2, .owner = 1};
    enact->enact.slots.count = 2;
    drive_message (&rig.drive, 0, ROLE_GOSSIP, enact);
    rig_ask (&rig, again);
    cr_assert_eq (rig_only (&rig, MESSAGE_read_reply)->read_reply.result, RESULT_ABSENT);
    drive_message (&rig.drive, 0, ROLE_GOSSIP, drive_snapshot (&rig.settings, 3));
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_seen), 1, "a row without a place is none");
    rig_close (&rig);
}

/*  Whether the cluster was forgotten. */
static bool s_dissolve (rig_t *rig)
{
    message_t *enact = message_new (MESSAGE_enact);
    enact->enact.dissolve = true;
    drive_message (&rig->drive, 0, ROLE_GOSSIP, enact);
    drive_kind (&rig->drive, EVENT_DRAINED);
    if (drive_sent_count (&rig->drive, MESSAGE_enact_reply) == 0)
        rig_synced (rig, store_sequence (rig->store));
    effect_t *effect = drive_sent (&rig->drive, MESSAGE_enact_reply, 0);
    cr_assert_not_null (effect);
    return effect->message->enact_reply.dissolved;
}

Test (replica, a_cluster_is_forgotten_only_by_who_holds_nothing_of_it)
{
    for (int kind = 0; kind < 3; kind++) {
        rig_t rig;
        rig_open (&rig, DURABILITY_BATCH);
        message_t *table = drive_snapshot (&rig.settings, 3), *enact = message_new (MESSAGE_enact);
        codec_copy (&charter_schema, &table->snapshot.charter, &enact->enact.charter);
        drive_message (&rig.drive, 0, ROLE_GOSSIP, message_copy (enact));
        cr_assert_not (s_give (&rig, 999, 2));
        const uint64_t actors[] = {5};
        message_t *replicate = rig_replicate (actors, 1, "v");
        replicate->replicate.slot = (uint8_t) (kind == 2);
        replicate->replicate.hint = kind == 2;
        if (kind > 0)
            rig_ask (&rig, replicate);
        else
            message_destroy (&replicate);
        cr_assert_eq (s_dissolve (&rig), kind == 0, "%d", kind);
        drive_message (&rig.drive, 0, ROLE_GOSSIP, message_new (MESSAGE_recall));
        effect_t *effect = drive_sent (&rig.drive, MESSAGE_recall_reply, 0);
        cr_assert_eq (effect->message->recall_reply.charter.cluster, kind == 0 ? 0 : 99);
        /* Its snapshot, on its way when that happened, does not bring it back. */
        drive_message (&rig.drive, 0, ROLE_GOSSIP, message_copy (table));
        cr_assert_eq (s_read_result (&rig) == RESULT_REFUSED, kind == 0);
        if (kind == 0) {
            /* Unless it came back to that cluster, because the other one did not take it. */
            drive_message (&rig.drive, 0, ROLE_GOSSIP, message_copy (enact));
            drive_kind (&rig.drive, EVENT_DRAINED);
            rig_synced (&rig, store_sequence (rig.store));
            drive_message (&rig.drive, 0, ROLE_GOSSIP, message_copy (table));
            cr_assert_eq (s_read_result (&rig), RESULT_ABSENT);
            cr_assert (s_dissolve (&rig));
            message_t *other = message_copy (table);
            other->snapshot.charter.cluster = 100;
            drive_message (&rig.drive, 0, ROLE_GOSSIP, other);
            cr_assert_eq (s_read_result (&rig), RESULT_ABSENT);
        }
        message_destroy (&table);
        message_destroy (&enact);
        rig_close (&rig);
    }
}

/* ---- the census ---- */

Test (replica, the_census_is_not_forgotten_between_messages)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    drive_close (&rig.drive);
    for (uint64_t i = 0; i < 2500; i++) {
        place_t place = place_of (1, bytes_view (&i, sizeof i));
        stored_t record = {.live = 1, .object = bytes_text ("anything")};
        uint8_t data[RECORD_KEY_BYTES];
        buffer_t buffer;
        buffer_init (&buffer, SIZE_MAX);
        record_encode (&record, &buffer);
        store_put (rig.store, STORE_DATA, record_key (data, place.partition, place.hash, place.key),
                   buffer_view (&buffer));
        buffer_clear (&buffer);
    }
    drive_open (&rig.drive, &replica_role, &rig.settings, rig.store, 1);
    drive_kind (&rig.drive, EVENT_START);
    cr_assert_eq (rig.drive.effects.wake_us, rig.drive.now_us);
    rig_ask (&rig, rig_read (&rig, KEY));
    cr_assert_eq (rig.drive.effects.wake_us, rig.drive.now_us, "each step wishes anew");
    int ticks = 0;
    for (; rig.drive.effects.wake_us <= rig.drive.now_us && ticks < 10; ticks++)
        drive_tick (&rig.drive, 0);
    cr_assert_eq (ticks, 2);
    rig_ask (&rig, message_new (MESSAGE_survey));
    cr_assert_eq (rig_only (&rig, MESSAGE_survey_reply)->survey_reply.keys, 2500);
    rig_close (&rig);
}
