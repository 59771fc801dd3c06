/*  syncer.c - the two threads that wait for the disk in the replica's place (helpers.h; docs/consistency.md, durability).
 *
 *  Group commit: the syncer drains its mailbox, flushes once for the highest commit that was asked for, and tells the
 *  replica; what is asked meanwhile waits in the mailbox for the next flush. A checkpoint takes up to a second, so it
 *  has a thread of its own and never stands in front of a flush.
 */
#include "helpers.h"

#include <inttypes.h>

#include "../messages/memory.h"
#include "../store/store.h"
#include "host.h"

#define CHECKPOINT_INTERVAL_US 1000000u

/* ---- syncer ---- */

typedef struct {
    store_t *store;
    uint64_t period_us; /* between two flushes that nobody asked for; 0: none */
    uint64_t due_us;    /* when the next of them is */
    uint64_t wanted;    /* the highest sequence that was asked for */
    bool asked;
} syncer_t;

static void *syncer_create (const setup_t *setup)
{
    syncer_t *self = memory_new (1, sizeof *self);
    self->store = setup->store;
    if (setup->settings->durability == DURABILITY_PERIODIC)
        self->period_us = (uint64_t) setup->settings->sync_ms * 1000;
    return self;
}

static bool s_flush (syncer_t *self, effects_t *effects)
{
    if (store_flush (self->store) == STORE_OK)
        return true;
    effects_halt (effects, "%s", store_error (self->store));
    return false;
}

static void s_answer (syncer_t *self, effects_t *effects)
{
    self->asked = false;
    if (!s_flush (self, effects))
        return;
    message_t *message = message_new (MESSAGE_synced);
    message->synced.sequence = self->wanted;
    effects_send_here (effects, ROLE_REPLICA, &message);
}

static void syncer_step (void *core, const event_t *event, effects_t *effects)
{
    syncer_t *self = core;
    if (event->kind == EVENT_MESSAGE && event->message->type == MESSAGE_sync) {
        if (event->message->sync.sequence > self->wanted)
            self->wanted = event->message->sync.sequence;
        self->asked = true; /* also for a sequence that is on disk: the answer may have been lost */
    } else if (event->kind == EVENT_DRAINED && self->asked)
        s_answer (self, effects);
    else if (event->kind == EVENT_STOP)
        s_flush (self, effects);
    else if (self->period_us > 0 && event->now_us >= self->due_us) {
        if (event->kind == EVENT_TICK && !s_flush (self, effects))
            return;
        self->due_us = event->now_us + self->period_us;
    }
    if (self->period_us > 0)
        effects_wake (effects, self->due_us);
}

static void s_destroy (void **core_p)
{
    free (*core_p);
    *core_p = NULL;
}

const role_t syncer_role = {
    .id = ROLE_SYNCER, .create = syncer_create, .step = syncer_step, .destroy = s_destroy};

/* ---- checkpointer ---- */

typedef struct {
    store_t *store;
    char node[LIMIT_NAME_BYTES + 1];
    uint64_t recovery_us;
} checkpointer_t;

static void *checkpointer_create (const setup_t *setup)
{
    const helper_setup_t *more = (const helper_setup_t *) setup;
    checkpointer_t *self = memory_new (1, sizeof *self);
    self->store = setup->store;
    snprintf (self->node, sizeof self->node, "%s", setup->settings->name);
    self->recovery_us = more->recovery_us;
    return self;
}

static void s_publish (const checkpointer_t *self, const char *name, uint64_t took_us,
                       const char *text, uint64_t wall_ms, effects_t *effects)
{
    store_event_t event = {.has = 0};
    GIVE (store_event, &event, node, bytes_text (self->node));
    GIVE (store_event, &event, time, wall_ms);
    GIVE (store_event, &event, event, bytes_text (name));
    GIVE (store_event, &event, took, took_us / 1000);
    GIVE (store_event, &event, message, bytes_text (text));
    effects_publish (effects, "store", &store_event_schema, &event);
}

static void s_tell_recovery (const checkpointer_t *self, const event_t *event, effects_t *effects)
{
    char text[LIMIT_SENTENCE_BYTES];
    snprintf (text, sizeof text, "the store is open; recovery took %" PRIu64 " ms",
              self->recovery_us / 1000);
    effects_log (effects, LEVEL_INFO, "%s", text);
    s_publish (self, "recovery", self->recovery_us, text, event->wall_ms, effects);
}

static void s_checkpoint (const checkpointer_t *self, const event_t *event, effects_t *effects)
{
    bool done = false;
    uint64_t began_us = host_now_us ();
    if (store_checkpoint (self->store, false, &done) != STORE_OK) {
        effects_halt (effects, "%s", store_error (self->store));
        return;
    }
    if (!done)
        return;
    uint64_t took_us = host_now_us () - began_us;
    effects_log (effects, LEVEL_INFO, "a checkpoint took %" PRIu64 " ms", took_us / 1000);
    s_publish (self, "checkpoint", took_us, "the log's content is in the databases",
               event->wall_ms + took_us / 1000, effects);
}

static void checkpointer_step (void *core, const event_t *event, effects_t *effects)
{
    const checkpointer_t *self = core;
    if (event->kind == EVENT_START)
        s_tell_recovery (self, event, effects);
    if (event->kind == EVENT_TICK)
        s_checkpoint (self, event, effects);
    if (event->kind == EVENT_START || event->kind == EVENT_TICK)
        effects_wake (effects, event->now_us + CHECKPOINT_INTERVAL_US);
}

const role_t checkpointer_role = {.id = ROLE_CHECKPOINTER,
                                  .create = checkpointer_create,
                                  .step = checkpointer_step,
                                  .destroy = s_destroy};
