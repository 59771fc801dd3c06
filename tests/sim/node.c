/*  node.c - see node.h. */
#include "node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "hints.h"
#include "messages/memory.h"
#include "network.h"
#include "standin.h"
#include "witness.h"

static const role_t *const s_roles[] = {&coordinator_role, &replica_role, &gossip_role,
                                        &handoff_role, &antientropy_role};
#define ROLES_COUNT (sizeof s_roles / sizeof s_roles[0])

/*  Each machine's clock counts from its own start. */
static void s_set_clock (sim_t *sim, node_t *self)
{
    self->ahead_us = rng_below (&sim->rng_nodes, (uint64_t) 10 * 86400 * 1000000);
}

static uint64_t s_now (const sim_t *sim, const node_t *self)
{
    return sim->now_us + self->ahead_us;
}

static void s_seed (sim_t *sim, node_t *self, size_t node)
{
    snprintf (self->seeds[self->settings.seeds_count++], sizeof self->seeds[0],
              "tcp://127.0.0.1:7%zu03", node + 1);
    (void) sim;
}

static void s_list_seeds (sim_t *sim, node_t *self)
{
    size_t index = self->index;
    self->settings.seeds = self->seeds;
    self->settings.seeds_count = 0;
    switch (sim->plan.seeding) {
    case SEEDING_CHAIN:
        if (index > 0)
            s_seed (sim, self, index - 1);
        break;
    case SEEDING_FIRST: s_seed (sim, self, 0); break;
    case SEEDING_ITSELF: s_seed (sim, self, index); break;
    case SEEDING_SAME:
    case SEEDING_COUNT: index = SIM_NODES; break;
    }
    for (size_t i = 0; i < sim->plan.nodes_count; i++)
        if (sim->plan.seeding == SEEDING_SAME ||
            (sim->plan.seeding == SEEDING_ITSELF && i != index))
            s_seed (sim, self, i);
}

void node_init (sim_t *sim, size_t index)
{
    node_t *self = &sim->nodes[index];
    self->index = index;
    self->settings = sim->plan.settings;
    snprintf (self->settings.name, sizeof self->settings.name, "node%zu", index + 1);
    snprintf (self->settings.zone, sizeof self->settings.zone, "zone%zu",
              index % sim->plan.zones_count);
    snprintf (self->settings.client, sizeof self->settings.client, "tcp://127.0.0.1:7%zu01",
              index + 1);
    snprintf (self->settings.peer, sizeof self->settings.peer, "tcp://127.0.0.1:7%zu02", index + 1);
    snprintf (self->settings.gossip, sizeof self->settings.gossip, "tcp://127.0.0.1:7%zu03",
              index + 1);
    s_list_seeds (sim, self);
    s_set_clock (sim, self);
    self->store = memory_store_new (self->settings.durability);
}

static void s_end_roles (node_t *self)
{
    for (int i = 0; i < ROLE_COUNT; i++) {
        actor_t *actor = &self->actors[i];
        for (size_t k = 0; k < actor->count; k++)
            letter_destroy (&actor->mail[(actor->first + k) % actor->capacity]);
        if (actor->core)
            actor->role->destroy (&actor->core);
        free (actor->mail);
        memset (actor, 0, sizeof *actor);
    }
    self->up = false;
    self->flushing = false;
    self->flush_again = false;
    self->doom = 0;
}

void node_clear (node_t *self)
{
    s_end_roles (self);
    store_destroy (&self->store);
}

bool node_paused (const sim_t *sim, const node_t *self)
{
    return self->paused_until_us > sim->now_us;
}

/* ---- steps ---- */

static void s_send (sim_t *sim, node_t *self, role_id_t from, effect_t *effect)
{
    actor_t *actor = &self->actors[from];
    message_t *message = effect->message;
    node_t *to = network_find (sim, self, actor, effect);
    bool here = to == self && effect->endpoint.size == 0;
    if (!to) {
        trace_say (&sim->trace, sim->now_us, "node%zu %-11s sends a message to nobody",
                   self->index + 1, role_name (from));
        return;
    }
    message->from = (address_t){.node = here ? 0 : actor->node, .role = from};
    if (!here)
        message->origin = (origin_t){
            .cluster = actor->cluster, .nonce = self->nonce, .clock_ms = s_now (sim, self) / 1000};
    trace_send (&sim->trace, sim->now_us, self->index, from, to->index, effect->to.role, message);
    witness_said (sim, self, from, to, message);
    if (here && message->type == MESSAGE_snapshot)
        network_learn (sim, actor, &message->snapshot);
    if (here)
        node_post (sim, self, from, effect->to.role, &effect->message);
    else if (message->type > MESSAGE_TRAVELS_LAST)
        sim_fail (sim, "contract", "node%zu %s sends another node a message that no node takes",
                  self->index + 1, role_name (from));
    else
        network_send (sim, self, to, effect->to.role, message);
}

static void s_carry_out (sim_t *sim, node_t *self, role_id_t role, effect_t *effect)
{
    switch (effect->kind) {
    case EFFECT_SEND: s_send (sim, self, role, effect); break;
    case EFFECT_REPLY: client_answer (sim, self, effect->client, effect->frame); break;
    case EFFECT_LOG:
        trace_say (&sim->trace, sim->now_us, "node%zu %-11s log %s: %s", self->index + 1,
                   role_name (role), level_name (effect->level), effect->text);
        break;
    case EFFECT_HALT:
        trace_say (&sim->trace, sim->now_us, "node%zu %-11s halts: %s", self->index + 1,
                   role_name (role), effect->text);
        if (!sim->plan.on[FAULT_BROKEN_DISK])
            sim_fail (sim, "contract", "node%zu halts without a cause: %s", self->index + 1,
                      effect->text);
        node_kill (sim, self, FAULT_BROKEN_DISK);
        break;
    }
}

static void s_set_alarm (sim_t *sim, node_t *self, role_id_t role)
{
    actor_t *actor = &self->actors[role];
    if (actor->tick_us == UINT64_MAX || actor->alarm_us <= actor->tick_us)
        return;
    uint64_t wait = actor->tick_us > sim->now_us ? actor->tick_us - sim->now_us : 0;
    /* A timer is never early and a little late, now and then a lot. */
    uint64_t late = 1 + rng_below (&sim->rng_nodes, rng_below (&sim->rng_nodes, 50) ? 100 : 5000);
    actor->alarm_us = sim->now_us + wait + late;
    sim_after (
        sim, wait + late,
        (action_t){
            .kind = ACTION_TICK, .who = (uint32_t) self->index, .what = role, .life = self->life});
}

/*  Whether a doomed node dies now. */
static bool s_dies (sim_t *sim, node_t *self)
{
    if (self->doom == 0 || --self->doom > 0)
        return false;
    node_kill (sim, self, FAULT_KILL);
    return true;
}

/*  One step and its effects. False when the node did not survive it. */
static bool s_step (sim_t *sim, node_t *self, role_id_t role, event_t event)
{
    actor_t *actor = &self->actors[role];
    event.now_us = s_now (sim, self);
    event.wall_ms = (uint64_t) ((int64_t) (sim->wall_ms + sim->now_us / 1000) + self->clock_ms);
    trace_event (&sim->trace, sim->now_us, self->index, role, &event);
    if (event.message && event.message->type == MESSAGE_snapshot)
        network_learn (sim, actor, &event.message->snapshot);
    if (event.message)
        witness_taken (sim, self, role, event.message);
    const hint_drop_t *drop =
        event.message && event.message->type == MESSAGE_hint_drop && role == ROLE_REPLICA
            ? &event.message->hint_drop
            : NULL;
    if (drop)
        hints_before (sim, self, drop);
    actor->role->step (actor->core, &event, &sim->effects);
    if (drop)
        hints_after (sim, self, drop);
    uint64_t wish_us = sim->effects.wake_us;
    if (wish_us != UINT64_MAX)
        wish_us = wish_us > self->ahead_us ? wish_us - self->ahead_us : 0;
    if (!sim->plan.keep_wishes || wish_us < actor->tick_us)
        actor->tick_us = wish_us;
    for (size_t i = 0; i < sim->effects.count && self->up && !sim->failed; i++)
        if (!s_dies (sim, self))
            s_carry_out (sim, self, role, &sim->effects.items[i]);
    effects_reset (&sim->effects);
    if (self->up)
        s_set_alarm (sim, self, role);
    return self->up && !sim->failed && !s_dies (sim, self);
}

void node_start (sim_t *sim, node_t *self)
{
    self->up = true;
    self->life++;
    self->nonce = rng_next (&sim->rng_nodes) | 1;
    sim->changed_us = sim->now_us;
    memset (self->channel_us, 0, sizeof self->channel_us);
    trace_say (&sim->trace, sim->now_us, "node%zu starts for the %dth time", self->index + 1,
               (int) self->life);
    for (size_t i = 0; i < ROLES_COUNT; i++) {
        const role_t *role = s_roles[i];
        setup_t setup = {.settings = &self->settings,
                         .store = role->id == ROLE_REPLICA ? self->store : NULL,
                         .nonce = self->nonce,
                         .version = "sim"};
        rng_seed (&setup.rng, rng_next (&sim->rng_nodes));
        self->actors[role->id] = (actor_t){.role = role,
                                           .core = role->create (&setup),
                                           .tick_us = UINT64_MAX,
                                           .alarm_us = UINT64_MAX};
    }
    for (size_t i = 0; i < ROLES_COUNT && self->up; i++)
        if (self->actors[s_roles[i]->id].core &&
            s_step (sim, self, s_roles[i]->id, (event_t){.kind = EVENT_START}))
            s_step (sim, self, s_roles[i]->id, (event_t){.kind = EVENT_DRAINED});
    if (self->up)
        standin_beat (sim, self);
    /* Some do not live long: what was on its way to one process then finds the next but one as young as that was. */
    bool young = sim->plan.on[FAULT_KILL] && !sim->plan.lasting && !sim->healed && !sim->truce;
    if (self->up && young && rng_below (&sim->rng_nodes, 4) == 0)
        self->doom = (uint32_t) plan_between (&sim->rng_nodes, 40, 400);
}

void node_kill (sim_t *sim, node_t *self, fault_t fault)
{
    trace_say (&sim->trace, sim->now_us, "node%zu dies of %s", self->index + 1, fault_name (fault));
    sim->score.faults[fault]++;
    sim->changed_us = sim->now_us;
    s_end_roles (self);
    witness_ended (self);
    if (fault == FAULT_POWER) {
        memory_store_cut (self->store);
        s_set_clock (sim, self);
    } else
        memory_store_kill (self->store);
    uint64_t length = sim->healed || sim->truce ? 1000 : sim->plan.length_us[fault];
    self->paused_until_us = 0;
    sim_after (
        sim, plan_between (&sim->rng_nodes, 1, length + 1000),
        (action_t){.kind = ACTION_RESTART, .who = (uint32_t) self->index, .life = self->life});
}

/* ---- mail ---- */

static void s_wake_after (sim_t *sim, node_t *self, role_id_t role, uint64_t delay_us)
{
    self->actors[role].woken = true;
    sim_after (
        sim, delay_us,
        (action_t){
            .kind = ACTION_WAKE, .who = (uint32_t) self->index, .what = role, .life = self->life});
}

/*  A thread's wake-up: microseconds, now and then milliseconds. */
static uint64_t s_scheduling (sim_t *sim)
{
    return plan_between (&sim->rng_nodes, 3, rng_below (&sim->rng_nodes, 40) ? 60 : 3000);
}

void node_post (sim_t *sim, node_t *self, role_id_t from, role_id_t to, message_t **message_p)
{
    letter_t *letter = letter_new (to);
    letter->message = *message_p;
    *message_p = NULL;
    uint64_t at = sim->now_us + s_scheduling (sim);
    if (at < self->channel_us[from][to])
        at = self->channel_us[from][to];
    self->channel_us[from][to] = at;
    sim_after (sim, at - sim->now_us,
               (action_t){.kind = ACTION_ARRIVE,
                          .who = (uint32_t) self->index,
                          .life = self->life,
                          .letter = letter});
}

void node_arrive (sim_t *sim, node_t *self, letter_t **letter_p)
{
    letter_t *letter = *letter_p;
    *letter_p = NULL;
    actor_t *actor = &self->actors[letter->role];
    if (self->up && !actor->role)
        standin_take (sim, self, letter);
    else if (self->up && actor->count >= sim->plan.mailbox_count && !sim->healed)
        sim->score.faults[FAULT_OVERFLOW]++;
    else if (self->up) {
        if (actor->count == actor->capacity) {
            size_t capacity = actor->capacity ? actor->capacity * 2 : 16;
            letter_t **mail = memory_new (capacity, sizeof *mail);
            for (size_t i = 0; i < actor->count; i++)
                mail[i] = actor->mail[(actor->first + i) % actor->capacity];
            free (actor->mail);
            actor->mail = mail;
            actor->first = 0;
            actor->capacity = capacity;
        }
        actor->mail[(actor->first + actor->count++) % actor->capacity] = letter;
        letter = NULL;
        if (!actor->woken)
            s_wake_after (sim, self, (role_id_t) (actor - self->actors), s_scheduling (sim));
    }
    letter_destroy (&letter);
}

/*  Makes the letter the event that a role sees. `text` stays good for the step. */
static event_t s_open (sim_t *sim, node_t *self, letter_t *letter)
{
    if (letter->client.size > 0) {
        client_taken (sim, self, letter->client);
        return (event_t){.kind = EVENT_REQUEST, .client = letter->client, .frame = letter->frame};
    }
    const char *why = "";
    if (!letter->message) {
        role_id_t to;
        letter->message = message_decode (&letter->frame, &to, &why);
        if (letter->message && to != letter->role)
            sim_fail (sim, "contract", "a frame does not say where it goes to");
    }
    if (!letter->message)
        return (event_t){.kind = EVENT_GARBAGE, .text = why};
    return (event_t){.kind = EVENT_MESSAGE, .message = letter->message};
}

void node_wake (sim_t *sim, node_t *self, role_id_t role)
{
    actor_t *actor = &self->actors[role];
    if (node_paused (sim, self)) {
        s_wake_after (sim, self, role, self->paused_until_us - sim->now_us + s_scheduling (sim));
        return;
    }
    actor->woken = false;
    size_t batch = plan_between (&sim->rng_nodes, 1, sim->plan.batch_count);
    if (batch > actor->count)
        batch = actor->count;
    for (size_t i = 0; i < batch; i++) {
        letter_t *letter = actor->mail[actor->first];
        actor->first = (actor->first + 1) % actor->capacity;
        actor->count--;
        bool alive = !network_admits (sim, actor, letter) ||
                     s_step (sim, self, role, s_open (sim, self, letter));
        letter_destroy (&letter);
        if (!alive)
            return;
    }
    if (!s_step (sim, self, role, (event_t){.kind = EVENT_DRAINED}))
        return;
    if (actor->count > 0 && !actor->woken)
        s_wake_after (sim, self, role, s_scheduling (sim));
}

void node_tick (sim_t *sim, node_t *self, role_id_t role)
{
    actor_t *actor = &self->actors[role];
    if (actor->alarm_us != sim->now_us)
        return; /* a newer alarm took its place */
    actor->alarm_us = UINT64_MAX;
    if (node_paused (sim, self) && actor->tick_us < self->paused_until_us)
        actor->tick_us = self->paused_until_us;
    if (actor->tick_us > sim->now_us)
        s_set_alarm (sim, self, role);
    else {
        actor->tick_us = UINT64_MAX;
        if (s_step (sim, self, role, (event_t){.kind = EVENT_TICK}))
            s_step (sim, self, role, (event_t){.kind = EVENT_DRAINED});
    }
}

void node_stop (sim_t *sim, node_t *self)
{
    for (size_t i = 0; i < ROLES_COUNT && self->up && !sim->failed; i++)
        if (self->actors[s_roles[i]->id].core &&
            s_step (sim, self, s_roles[i]->id, (event_t){.kind = EVENT_STOP}))
            s_step (sim, self, s_roles[i]->id, (event_t){.kind = EVENT_DRAINED});
    sim_pass (sim, sim->now_us + (uint64_t) self->settings.timeout_ms * 1000 + 2000000, false);
    for (size_t i = 0; i < ROLES_COUNT && self->up && !sim->failed; i++) {
        actor_t *actor = &self->actors[s_roles[i]->id];
        if (actor->core && actor->role->busy && actor->role->busy (actor->core))
            sim_fail (sim, "answered", "node%zu %s still owes an answer long after it was stopped",
                      self->index + 1, role_name (s_roles[i]->id));
    }
}
