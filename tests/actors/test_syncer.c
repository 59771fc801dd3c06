/*  test_syncer.c - syncer and checkpointer, stepped by hand over the engine in memory. */
#include "toys.h"

#include "actors/helpers.h"
#include "store/memory_store.h"

typedef struct {
    settings_t settings;
    helper_setup_t setup;
    const role_t *role;
    void *core;
    effects_t effects;
    uint64_t now_us;
} rig_t;

static void s_init (rig_t *rig, const role_t *role, durability_t durability)
{
    memset (rig, 0, sizeof *rig);
    rig->settings.durability = durability;
    rig->settings.sync_ms = 100;
    rig->setup.setup.settings = &rig->settings;
    rig->setup.setup.store = memory_store_new (durability);
    rig->setup.recovery_us = 7000;
    rig->role = role;
    rig->now_us = 1000000;
    rig->core = role->create (&rig->setup.setup);
    effects_init (&rig->effects);
}

static void s_clear (rig_t *rig)
{
    rig->role->destroy (&rig->core);
    store_destroy (&rig->setup.setup.store);
    effects_clear (&rig->effects);
}

static void s_step (rig_t *rig, event_kind_t kind)
{
    effects_reset (&rig->effects);
    event_t event = {.kind = kind, .now_us = rig->now_us, .wall_ms = 1700000000000u};
    rig->role->step (rig->core, &event, &rig->effects);
}

static void s_ask (rig_t *rig, uint64_t sequence)
{
    effects_reset (&rig->effects);
    message_t *message = toys_sync (sequence);
    event_t event = {.kind = EVENT_MESSAGE, .now_us = rig->now_us, .message = message};
    rig->role->step (rig->core, &event, &rig->effects);
    cr_assert_eq (rig->effects.count, 0, "an answer before the flush");
    message_destroy (&message);
}

/*  Puts a record and commits it, without a flush. */
static void s_write (rig_t *rig)
{
    store_t *store = rig->setup.setup.store;
    cr_assert_eq (store_put (store, STORE_DATA, bytes_text ("key"), bytes_text ("value")), 0);
    cr_assert_eq (store_commit (store), STORE_OK);
}

/*  Whether the record outlives a power cut. */
static bool s_kept (rig_t *rig)
{
    memory_store_cut (rig->setup.setup.store);
    bytes_t value;
    return store_get (rig->setup.setup.store, STORE_DATA, bytes_text ("key"), &value) == STORE_OK;
}

static void s_expect_halt (const rig_t *rig)
{
    cr_assert_eq (rig->effects.count, 1);
    cr_assert_eq (rig->effects.items[0].kind, EFFECT_HALT);
    cr_assert_gt (strlen (rig->effects.items[0].text), 0);
}

Test (syncer, one_flush_answers_all_that_asked)
{
    rig_t rig;
    s_init (&rig, &syncer_role, DURABILITY_BATCH);
    s_step (&rig, EVENT_START);
    cr_assert_eq (rig.effects.wake_us, UINT64_MAX, "nothing to do, nothing to wake for");
    s_write (&rig);
    s_ask (&rig, 3);
    s_ask (&rig, 9);
    s_ask (&rig, 5);
    s_step (&rig, EVENT_DRAINED);
    cr_assert_eq (rig.effects.count, 1);
    const effect_t *effect = &rig.effects.items[0];
    cr_assert_eq (effect->to.role, ROLE_REPLICA);
    cr_assert_eq (effect->message->type, MESSAGE_synced);
    cr_assert_eq (effect->message->synced.sequence, 9);
    s_step (&rig, EVENT_DRAINED);
    cr_assert_eq (rig.effects.count, 0);
    s_ask (&rig, 9); /* the answer was lost */
    s_step (&rig, EVENT_DRAINED);
    cr_assert_eq (rig.effects.count, 1);
    cr_assert (s_kept (&rig));
    s_clear (&rig);
}

Test (syncer, a_failing_flush_halts_and_acknowledges_nothing)
{
    rig_t rig;
    s_init (&rig, &syncer_role, DURABILITY_BATCH);
    s_write (&rig);
    memory_store_fail_flush (rig.setup.setup.store);
    s_ask (&rig, 1);
    s_step (&rig, EVENT_DRAINED);
    s_expect_halt (&rig);
    s_clear (&rig);
}

Test (syncer, periodic_flushes_in_its_own_time)
{
    rig_t rig;
    s_init (&rig, &syncer_role, DURABILITY_PERIODIC);
    s_step (&rig, EVENT_START);
    cr_assert_eq (rig.effects.wake_us, rig.now_us + 100000);
    s_write (&rig);
    rig.now_us += 50000;
    s_step (&rig, EVENT_TICK);
    cr_assert_eq (rig.effects.wake_us, 1000000 + 100000, "too early");
    rig.now_us += 50000;
    s_step (&rig, EVENT_TICK);
    cr_assert_eq (rig.effects.wake_us, rig.now_us + 100000);
    cr_assert_eq (rig.effects.count, 0);
    cr_assert (s_kept (&rig));
    s_clear (&rig);
}

Test (syncer, the_last_flush_is_at_the_stop)
{
    rig_t rig;
    s_init (&rig, &syncer_role, DURABILITY_BATCH);
    s_write (&rig);
    s_step (&rig, EVENT_STOP);
    cr_assert_eq (rig.effects.count, 0);
    cr_assert (s_kept (&rig));
    s_clear (&rig);
}

Test (checkpointer, recovery_is_published)
{
    rig_t rig;
    s_init (&rig, &checkpointer_role, DURABILITY_BATCH);
    snprintf (rig.settings.name, sizeof rig.settings.name, "node1");
    rig.role->destroy (&rig.core);
    rig.core = rig.role->create (&rig.setup.setup);
    s_step (&rig, EVENT_START);
    cr_assert_eq (rig.effects.wake_us, rig.now_us + 1000000);
    const effect_t *effect = &rig.effects.items[rig.effects.count - 1];
    cr_assert_eq (effect->to.role, ROLE_MONITOR);
    cr_assert (bytes_equal (effect->message->notice.topic, bytes_text ("store")));
    store_event_t event;
    cr_assert_eq (codec_decode (&store_event_schema, effect->message->notice.event, &event, NULL),
                  0);
    cr_assert (bytes_equal (event.node, bytes_text ("node1")));
    cr_assert (bytes_equal (event.event, bytes_text ("recovery")));
    cr_assert_eq (event.took, 7);
    cr_assert_eq (event.time, 1700000000000u);
    codec_clear (&store_event_schema, &event);
    s_clear (&rig);
}

Test (checkpointer, it_asks_each_second)
{
    rig_t rig;
    s_init (&rig, &checkpointer_role, DURABILITY_BATCH);
    s_step (&rig, EVENT_START);
    rig.now_us += 1000000;
    s_step (&rig, EVENT_TICK);
    cr_assert_eq (rig.effects.wake_us, rig.now_us + 1000000);
    s_clear (&rig);
}
