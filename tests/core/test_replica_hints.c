/*  test_replica_hints.c - the replica as a fallback: states that it keeps for slots of others, reads and mints there, and
 *  what the handoff gets and drops.
 */
#include "replica_rig.h"

static message_t *s_hint (uint8_t slot, uint64_t actor)
{
    message_t *message = rig_replicate (&actor, 1, "v");
    message->replicate.slot = slot;
    message->replicate.hint = true;
    return message;
}

/*  Merges a state into the hint; the reply, which is a view. */
static const replicate_reply_t *s_hinted (rig_t *rig, uint8_t slot, uint64_t actor)
{
    rig_ask (rig, s_hint (slot, actor));
    if (rig->drive.effects.count == 0) {
        drive_kind (&rig->drive, EVENT_DRAINED);
        cr_assert_eq (drive_sent_count (&rig->drive, MESSAGE_replicate_reply), 0, "only on disk");
        rig_synced (rig, store_sequence (rig->store));
    }
    /* Others may have waited for the same flush. */
    size_t last = drive_sent_count (&rig->drive, MESSAGE_replicate_reply);
    cr_assert_gt (last, 0);
    effect_t *effect = drive_sent (&rig->drive, MESSAGE_replicate_reply, last - 1);
    cr_assert_eq (effect->message->replicate_reply.request, 4);
    return &effect->message->replicate_reply;
}

/*  Reads the hint for that slot; `object` is to be cleared with `frame`. */
static result_t s_read_hint (rig_t *rig, uint8_t slot, object_t *object, bytes_t *frame)
{
    message_t *read = rig_read (rig, KEY);
    read->read.slot = slot;
    read->read.hint = true;
    rig_ask (rig, read);
    const read_reply_t *reply = &rig_only (rig, MESSAGE_read_reply)->read_reply;
    cr_assert_eq (reply->slot, slot);
    *frame = bytes_copy (reply->state.data, reply->state.size);
    cr_assert_eq (object_decode (*frame, object), 0);
    return (result_t) reply->result;
}

static size_t s_hint_siblings (rig_t *rig, uint8_t slot)
{
    object_t object;
    bytes_t frame;
    s_read_hint (rig, slot, &object, &frame);
    size_t count = object.siblings.count;
    object_clear (&object);
    bytes_clear (&frame);
    return count;
}

static survey_reply_t s_survey (rig_t *rig)
{
    rig_ask (rig, message_new (MESSAGE_survey));
    return rig_only (rig, MESSAGE_survey_reply)->survey_reply;
}

/*  The only hint, as the handoff gets it; to be destroyed. */
static message_t *s_page (rig_t *rig)
{
    message_t *page = message_new (MESSAGE_hint_page);
    page->hint_page.request = 5;
    page->hint_page.limit = 10;
    drive_message (&rig->drive, 0, ROLE_HANDOFF, page);
    effect_t *effect = drive_sent (&rig->drive, MESSAGE_hint_page_reply, 0);
    cr_assert_not_null (effect);
    cr_assert_eq (effect->to.node, 0);
    cr_assert_eq (effect->to.role, ROLE_HANDOFF);
    cr_assert_eq (effect->message->hint_page_reply.request, 5);
    return message_copy (effect->message);
}

/*  Tells the replica that all hints of that page were delivered. */
static void s_delivered (rig_t *rig, const message_t *page)
{
    const hint_list_t *hints = &page->hint_page_reply.hints;
    message_t *drop = message_new (MESSAGE_hint_drop);
    drop->hint_drop.hints.items = memory_new (hints->count, sizeof (hint_id_t));
    for (size_t i = 0; i < hints->count; i++)
        codec_copy (&hint_id_schema, &hints->items[i].id, &drop->hint_drop.hints.items[i]);
    drop->hint_drop.hints.count = hints->count;
    drive_message (&rig->drive, 0, ROLE_HANDOFF, drop);
    rig_silent (rig);
}

Test (replica_hints, states_for_another_slot_are_kept_apart)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    object_t object;
    bytes_t frame;
    cr_assert_eq (s_read_hint (&rig, 1, &object, &frame), RESULT_ABSENT);
    cr_assert_eq (s_hinted (&rig, 1, 5)->result, RESULT_STORED);
    cr_assert_eq (s_hinted (&rig, 1, 6)->result, RESULT_STORED);
    cr_assert_eq (s_hinted (&rig, 2, 7)->result, RESULT_STORED);
    cr_assert_eq (s_read_hint (&rig, 1, &object, &frame), RESULT_FOUND);
    cr_assert_eq (object.siblings.count, 2, "merged");
    object_clear (&object);
    bytes_clear (&frame);
    cr_assert_eq (s_hint_siblings (&rig, 2), 1);
    cr_assert_eq (rig_siblings (&rig), 0, "never in its own slot");
    survey_reply_t survey = s_survey (&rig);
    cr_assert_eq (survey.keys + survey.tombstones, 0);
    cr_assert_eq (survey.hints, 2);
    cr_assert_eq (survey.hints_stored, 2);
    rig.drive.wall_ms += 90000;
    cr_assert_eq (s_survey (&rig).hint_oldest, 90);
    store_flush (rig.store);
    memory_store_kill (rig.store);
    drive_close (&rig.drive);
    rig_restart (&rig, 2);
    cr_assert_eq (s_survey (&rig).hints, 2);
    cr_assert_eq (s_hint_siblings (&rig, 1), 2, "an acknowledged hint survives a kill");
    rig_close (&rig);
}

Test (replica_hints, one_for_its_own_slot_is_refused)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    const replicate_reply_t *reply = s_hinted (&rig, 0, 5);
    cr_assert_eq (reply->result, RESULT_REFUSED);
    cr_assert_eq (reply->status, STATUS_UNAVAILABLE);
    message_t *mint = rig_mint (&rig, "milk", &NOTHING);
    mint->mint.hint = true;
    rig_refused (&rig, mint, STATUS_UNAVAILABLE);
    object_t object;
    bytes_t frame;
    cr_assert_eq (s_read_hint (&rig, 0, &object, &frame), RESULT_REFUSED);
    reply = s_hinted (&rig, LIMIT_N - 1, 5);
    cr_assert_eq (reply->result, RESULT_REFUSED, "there is no such slot");
    cr_assert_eq (s_survey (&rig).hints, 0);
    rig_close (&rig);
}

Test (replica_hints, what_passes_the_limit_is_refused_and_none_is_evicted)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    drive_close (&rig.drive);
    rig.settings.hints_bytes = 300;
    rig_restart (&rig, 1);
    cr_assert_eq (s_hinted (&rig, 1, 5)->result, RESULT_STORED);
    message_t *mint = rig_mint (&rig,
                                "a value that has more than two hundred bytes: "
                                "0123456789012345678901234567890123456789012345678901234567"
                                "0123456789012345678901234567890123456789012345678901234567"
                                "0123456789012345678901234567890123456789012345678901234567",
                                &NOTHING);
    mint->mint.slot = 2;
    mint->mint.hint = true;
    rig_refused (&rig, mint, STATUS_OVERLOADED);
    for (uint64_t actor = 6; actor < 30; actor++)
        s_hinted (&rig, 1, actor);
    const replicate_reply_t *reply = s_hinted (&rig, 2, 5);
    cr_assert_eq (reply->result, RESULT_REFUSED);
    cr_assert_eq (reply->status, STATUS_OVERLOADED);
    cr_assert_geq (s_hint_siblings (&rig, 1), 1);
    cr_assert_eq (s_survey (&rig).hints, 1);
    mint = rig_mint (&rig, "milk", &NOTHING);
    context_t context = rig_minted (&rig, mint);
    context_clear (&context);
    rig_close (&rig);
}

Test (replica_hints, a_full_disk_takes_none_and_lets_go)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    s_hinted (&rig, 1, 5);
    message_t *page = s_page (&rig);
    drive_message (&rig.drive, 0, ROLE_MONITOR, message_new (MESSAGE_host));
    cr_assert_eq (s_hinted (&rig, 2, 5)->status, STATUS_READ_ONLY);
    s_delivered (&rig, page);
    cr_assert_eq (s_survey (&rig).hints, 0);
    message_destroy (&page);
    rig_close (&rig);
}

/* ---- mints ---- */

/*  Mints into the hint for slot 1; the new version's dot. */
static dot_t s_mint_hint (rig_t *rig, const char *value, const context_t *context, context_t *told)
{
    message_t *mint = rig_mint (rig, value, context);
    mint->mint.slot = 1;
    mint->mint.hint = true;
    context_t reply = rig_minted (rig, mint);
    object_t object;
    bytes_t frame;
    cr_assert_eq (s_read_hint (rig, 1, &object, &frame), RESULT_FOUND);
    dot_t dot = {0};
    for (size_t i = 0; i < object.siblings.count; i++)
        if (bytes_equal (object.siblings.items[i].value, bytes_text (value)))
            dot = object.siblings.items[i].dot;
    cr_assert_neq (dot.actor, 0);
    cr_assert (context_covers (&reply, dot));
    object_clear (&object);
    bytes_clear (&frame);
    if (told != NULL)
        *told = reply;
    else
        context_clear (&reply);
    return dot;
}

Test (replica_hints, a_fallback_mints_under_an_actor_that_its_hint_takes_along)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    context_t own = rig_minted (&rig, rig_mint (&rig, "own", &NOTHING)), told;
    dot_t first = s_mint_hint (&rig, "milk", &NOTHING, NULL);
    cr_assert_neq (first.actor, own.vv.items[0].actor, "not the one of its own slot");
    dot_t second = s_mint_hint (&rig, "eggs", &NOTHING, &told);
    cr_assert_eq (second.actor, first.actor, "a fresh one for each mint lets contexts grow");
    cr_assert_gt (second.counter, first.counter);
    cr_assert_eq (s_hint_siblings (&rig, 1), 2);
    /* Something else of that key comes in between. */
    s_hinted (&rig, 1, 77);
    cr_assert_eq (s_mint_hint (&rig, "bread", &NOTHING, NULL).actor, first.actor);
    cr_assert_eq (s_hint_siblings (&rig, 1), 4);
    /* Delivered: the hint and all memory of what was made is gone. */
    message_t *page = s_page (&rig);
    s_delivered (&rig, page);
    cr_assert_eq (s_survey (&rig).hints_delivered, 1);
    dot_t fresh = s_mint_hint (&rig, "flour", &NOTHING, NULL);
    cr_assert_neq (fresh.actor, first.actor, "mistake 3: its dots would come twice");
    cr_assert_eq (s_hint_siblings (&rig, 1), 1);
    message_destroy (&page);
    context_clear (&own);
    context_clear (&told);
    rig_close (&rig);
}

Test (replica_hints, a_hint_of_a_former_process_is_gone_on_with_under_a_fresh_actor)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    dot_t first = s_mint_hint (&rig, "milk", &NOTHING, NULL);
    drive_close (&rig.drive);
    rig_restart (&rig, 2);
    dot_t second = s_mint_hint (&rig, "eggs", &NOTHING, NULL);
    cr_assert_neq (second.actor, first.actor);
    cr_assert_eq (s_hint_siblings (&rig, 1), 2);
    rig_close (&rig);
}

Test (replica_hints, who_has_seen_more_of_the_actor_than_it_made_gets_another)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    context_t told;
    dot_t first = s_mint_hint (&rig, "milk", &NOTHING, &told);
    cr_assert_eq (told.vv.count, 1);
    told.vv.items[0].counter += 5;
    dot_t second = s_mint_hint (&rig, "eggs", &told, NULL);
    cr_assert_neq (second.actor, first.actor);
    context_clear (&told);
    rig_close (&rig);
}

Test (replica_hints, a_delete_goes_into_the_hint)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    context_t told;
    s_mint_hint (&rig, "milk", &NOTHING, &told);
    message_t *removal = rig_mint (&rig, "", &told);
    removal->mint.slot = 1;
    removal->mint.hint = true;
    removal->mint.remove = true;
    context_t gone = rig_minted (&rig, removal);
    object_t object;
    bytes_t frame;
    cr_assert_eq (s_read_hint (&rig, 1, &object, &frame), RESULT_FOUND);
    cr_assert_eq (object.siblings.count, 0);
    object_clear (&object);
    bytes_clear (&frame);
    context_clear (&told);
    context_clear (&gone);
    rig_close (&rig);
}

/* ---- for the handoff ---- */

Test (replica_hints, an_overwrite_during_the_delivery_keeps_the_hint)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    s_hinted (&rig, 1, 5);
    message_t *page = s_page (&rig);
    const hint_list_t *hints = &page->hint_page_reply.hints;
    cr_assert_eq (hints->count, 1);
    cr_assert_eq (hints->items[0].id.slot, 1);
    cr_assert (bytes_equal (hints->items[0].id.key, bytes_text (KEY)));
    cr_assert_eq (hints->items[0].id.hash, hash_bytes (hints->items[0].state));
    s_hinted (&rig, 1, 6);
    s_delivered (&rig, page);
    cr_assert_eq (s_hint_siblings (&rig, 1), 2);
    cr_assert_eq (s_survey (&rig).hints_delivered, 0);
    message_destroy (&page);
    page = s_page (&rig);
    s_delivered (&rig, page);
    cr_assert_eq (s_hint_siblings (&rig, 1), 0);
    survey_reply_t survey = s_survey (&rig);
    cr_assert_eq (survey.hints, 0);
    cr_assert_eq (survey.hints_delivered, 1);
    s_delivered (&rig, page); /* told twice */
    cr_assert_eq (s_survey (&rig).hints_delivered, 1);
    message_destroy (&page);
    rig_close (&rig);
}

Test (replica_hints, a_delivery_is_acknowledged_with_the_hash_of_what_came)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    context_t context = rig_minted (&rig, rig_mint (&rig, "milk", &NOTHING));
    rig_synced (&rig, store_sequence (rig.store));
    const uint64_t actors[] = {5};
    message_t *replicate = rig_replicate (actors, 1, "v");
    uint64_t hash = hash_bytes (replicate->replicate.state);
    rig_stamp (&rig, replicate);
    drive_message (&rig.drive, PEER, ROLE_HANDOFF, replicate);
    drive_kind (&rig.drive, EVENT_DRAINED);
    rig_synced (&rig, store_sequence (rig.store));
    effect_t *effect = drive_sent (&rig.drive, MESSAGE_replicate_reply, 0);
    cr_assert_not_null (effect);
    cr_assert_eq (effect->to.role, ROLE_HANDOFF);
    cr_assert_eq (effect->message->replicate_reply.hash, hash, "not of what it became");
    cr_assert_eq (rig_siblings (&rig), 2);
    /* From the handoff here, when the slot has become our own. */
    drive_message (&rig.drive, 0, ROLE_HANDOFF, rig_replicate (actors, 1, "v"));
    drive_kind (&rig.drive, EVENT_DRAINED);
    cr_assert_eq (drive_sent (&rig.drive, MESSAGE_replicate_reply, 0)->to.node, 0);
    context_clear (&context);
    rig_close (&rig);
}

Test (replica_hints, damage_is_told_and_nothing_is_written_over_it)
{
    rig_t rig;
    rig_open (&rig, DURABILITY_BATCH);
    s_hinted (&rig, 1, 5);
    place_t place = place_of (1, bytes_text (KEY));
    uint8_t data[RECORD_HINT_KEY_BYTES];
    bytes_t at = record_hint_key (data, place.partition, 1, place.hash, place.key), value;
    cr_assert_eq (store_put (rig.store, STORE_HINTS, at, bytes_text ("damage")), STORE_OK);
    message_t *page = s_page (&rig);
    cr_assert_eq (page->hint_page_reply.hints.count, 0);
    cr_assert_eq (drive_count (&rig.drive, EFFECT_LOG), 1);
    message_destroy (&page);
    cr_assert_eq (s_hinted (&rig, 1, 6)->status, STATUS_INTERNAL);
    cr_assert_eq (store_get (rig.store, STORE_HINTS, at, &value), STORE_OK);
    cr_assert (bytes_equal (value, bytes_text ("damage")));
    rig_close (&rig);
}
