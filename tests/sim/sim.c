/*  sim.c - see sim.h. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "examiner.h"
#include "faults.h"
#include "finale.h"
#include "messages/memory.h"
#include "network.h"
#include "node.h"
#include "standin.h"
#include "witness.h"

#define START_US 1000000000u /* machines have been running for a while */
#define WALL_MS 1700000000000u
#define ACTIONS_MOST 50000000u /* more than that and nothing ever comes to rest */

sim_t *sim_new (uint64_t seed, uint32_t ops, bool verbose)
{
    sim_t *self = memory_new (1, sizeof *self);
    plan_draw (&self->plan, seed, ops);
    trace_init (&self->trace, verbose);
    effects_init (&self->effects);
    rng_seed (&self->rng_nodes, seed ^ 0x6e6f646573);
    rng_seed (&self->rng_network, seed ^ 0x6e6574776f726b);
    rng_seed (&self->rng_faults, seed ^ 0x6661756c7473);
    rng_seed (&self->rng_clients, seed ^ 0x636c69656e7473);
    self->ambush = FAULT_COUNT;
    self->now_us = START_US;
    self->wall_ms = WALL_MS;
    self->ops_left = self->plan.ops_count;
    self->clients_left = self->plan.clients_count;
    self->clients = memory_new (self->plan.clients_count + 1, sizeof *self->clients);
    history_init (&self->history, self->plan.keys_count, self->plan.ops_count);
    for (size_t i = 0; i < self->plan.nodes_count; i++)
        node_init (self, i);
    witness_start (self);
    return self;
}

void sim_destroy (sim_t **self_p)
{
    sim_t *self = *self_p;
    if (!self)
        return;
    witness_clear (self);
    for (size_t i = 0; i < self->plan.nodes_count; i++)
        node_clear (&self->nodes[i]);
    queue_clear (&self->queue);
    history_clear (&self->history);
    trace_clear (&self->trace);
    effects_clear (&self->effects);
    bytes_clear (&self->answer);
    free (self->clients);
    free (self);
    *self_p = NULL;
}

void sim_fail (sim_t *self, const char *checker, const char *format, ...)
{
    if (self->failed || (self->only && strcmp (self->only, checker) != 0))
        return;
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (self->what, sizeof self->what, format, arguments);
    va_end (arguments);
    snprintf (self->checker, sizeof self->checker, "%s", checker);
    self->failed = true;
    trace_say (&self->trace, self->now_us, "CHECKER %s: %s", self->checker, self->what);
}

void sim_after (sim_t *self, uint64_t delay_us, action_t action)
{
    action.at_us = self->now_us + (delay_us > 0 ? delay_us : 1);
    queue_push (&self->queue, action);
}

static void s_on_node (sim_t *self, action_t *action)
{
    node_t *node = &self->nodes[action->who];
    if (action->kind == ACTION_RESTART && !node->up) {
        self->score.restarts += node->life > 0;
        node_start (self, node);
    }
    if (action->kind == ACTION_ARRIVE && !node->up && action->life == 0)
        network_keep (self, node, &action->letter);
    /* What was on its way inside a process ends with it; what was between processes does not. */
    if (!node->up || (action->life != 0 && action->life != node->life))
        return;
    switch ((int) action->kind) {
    case ACTION_ARRIVE: node_arrive (self, node, &action->letter); break;
    case ACTION_WAKE: node_wake (self, node, (role_id_t) action->what); break;
    case ACTION_TICK: node_tick (self, node, (role_id_t) action->what); break;
    case ACTION_FLUSHED: standin_flushed (self, node); break;
    case ACTION_BEAT: standin_beat (self, node); break;
    default: break;
    }
}

static void s_act (sim_t *self, action_t *action)
{
    self->score.actions++;
    switch (action->kind) {
    case ACTION_ARRIVE:
    case ACTION_WAKE:
    case ACTION_TICK:
    case ACTION_FLUSHED:
    case ACTION_BEAT:
    case ACTION_RESTART: s_on_node (self, action); break;
    case ACTION_CLIENT:
        if (self->clients[action->who].turn == action->life)
            client_act (self, action->who);
        break;
    case ACTION_REPLY: client_hear (self, action->letter); break;
    case ACTION_DEADLINE: client_deadline (self, (uint32_t) action->life); break;
    case ACTION_FAULT: faults_strike (self, (fault_t) action->what, action->life); break;
    }
    letter_destroy (&action->letter);
    if (self->score.actions > ACTIONS_MOST)
        sim_fail (self, "answered", "after %u actions nothing has come to rest", ACTIONS_MOST);
}

void sim_pass (sim_t *self, uint64_t until_us, bool answer)
{
    action_t action;
    while (!self->failed && !(answer && self->answered) && self->queue.count > 0 &&
           self->queue.items[0].at_us <= until_us && queue_pop (&self->queue, &action)) {
        self->now_us = action.at_us;
        s_act (self, &action);
    }
    if (!self->failed && !(answer && self->answered))
        self->now_us = until_us;
}

/*  The nodes start, at different times, and become a cluster, in the midst of faults or without. */
static void s_bring_up (sim_t *self)
{
    for (uint32_t i = 0; i < self->plan.nodes_count; i++)
        sim_after (self, plan_between (&self->rng_nodes, 1, self->plan.start_us),
                   (action_t){.kind = ACTION_RESTART, .who = i});
    self->truce = self->plan.early_us == 0;
    if (!self->truce)
        faults_start (self);
    uint64_t split_us = self->now_us + self->plan.split_us;
    if (self->plan.split_us > 0)
        faults_part (self, split_us);
    sim_pass (self, self->now_us + self->plan.start_us + self->plan.early_us, false);
    if (self->now_us < split_us)
        sim_pass (self, split_us, false);
    faults_pause (self);
    examiner_await_cluster (self);
    if (!self->failed)
        witness_fix (self);
}

void sim_run (sim_t *self)
{
    s_bring_up (self);
    client_start (self);
    faults_start (self);
    while (self->clients_left > 0 && !self->failed)
        sim_pass (self, self->now_us + 100000, false);
    if (!self->failed)
        finale_run (self);
    for (size_t i = 0; i < self->plan.nodes_count && !self->failed; i++)
        node_stop (self, &self->nodes[i]);
    self->score.us = self->now_us - START_US;
}
