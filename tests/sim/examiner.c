/*  examiner.c - see examiner.h. */
#include "examiner.h"

#include "judge.h"
#include "witness.h"

#define TRIES 10
#define LOOK_US 200000u
#define COMPLETE_US 300000000u /* from a truce to a complete cluster, at most */
#define PEACE_US 180000000u    /* from the end of all faults to the last hint's delivery */

/*  One try. The status, or STATUS_COUNT when no answer came. */
static status_t s_try (sim_t *sim, wish_t *wish, const node_t *node)
{
    uint32_t examiner = sim->plan.clients_count;
    client_t *self = &sim->clients[examiner];
    wish->client = examiner;
    wish->change = NO_CHANGE;
    sim->answered = false;
    self->state = CLIENT_WAITING;
    self->attempt = client_send (sim, wish, node);
    sim_pass (sim, sim->now_us + (uint64_t) sim->plan.settings.timeout_ms * 1000 + 500000, true);
    return sim->answered ? judge_status (sim->answer) : STATUS_COUNT;
}

bool examiner_ask (sim_t *sim, wish_t *wish)
{
    status_t status = STATUS_COUNT;
    for (int i = 0; i < TRIES && !sim->failed; i++) {
        const node_t *node = &sim->nodes[rng_below (&sim->rng_clients, sim->plan.nodes_count)];
        status = s_try (sim, wish, node);
        if (status == STATUS_OK || status == STATUS_NOT_FOUND)
            return true;
    }
    sim_fail (sim, "answered",
              "at rest, with all nodes up, %s of key-%u is answered %s for the %dth time",
              op_name (wish->op), wish->key,
              status == STATUS_COUNT ? "nothing" : status_name (status), TRIES);
    return false;
}

/*  What a node says of itself. False when it does not say it now. */
static bool s_status (sim_t *sim, const node_t *node, condition_t *condition)
{
    wish_t wish = {.op = OP_STATUS};
    return s_try (sim, &wish, node) == STATUS_OK && !sim->failed &&
           codec_decode (&condition_schema, sim->answer, condition, NULL) == 0;
}

/*  Whether each node says `ready`; at peace also that it reaches all members and holds no hint. */
static bool s_all_ready (sim_t *sim, bool peace)
{
    for (size_t i = 0; i < sim->plan.nodes_count; i++) {
        condition_t condition;
        if (!s_status (sim, &sim->nodes[i], &condition))
            return false;
        bool ready = condition.ready && condition.members.count == sim->plan.nodes_count;
        for (size_t k = 0; peace && k < condition.members.count; k++)
            ready = ready && condition.members.items[k].reachable;
        ready = ready && (!peace || condition.hints == 0);
        codec_clear (&condition_schema, &condition);
        if (!ready)
            return false;
    }
    return true;
}

void examiner_await_cluster (sim_t *sim)
{
    uint64_t until_us = sim->now_us + COMPLETE_US;
    while (!sim->failed && !(witness_complete (sim) && s_all_ready (sim, false))) {
        if (sim->now_us > until_us) {
            sim_fail (sim, "ready", "left in peace for %u s, the nodes have not become a cluster%s",
                      COMPLETE_US / 1000000, witness_complete (sim) ? " that says so" : "");
            return;
        }
        sim_pass (sim, sim->now_us + LOOK_US, false);
    }
}

static bool s_count (void *argument, bytes_t key, bytes_t value)
{
    (void) key;
    (void) value;
    ++*(uint64_t *) argument;
    return true;
}

/*  Hints in the stores of all nodes. */
static uint64_t s_hints (sim_t *sim)
{
    uint64_t count = 0;
    for (size_t i = 0; i < sim->plan.nodes_count; i++)
        store_scan (sim->nodes[i].store, STORE_HINTS, (bytes_t){0}, (bytes_t){0}, 0, s_count,
                    &count);
    return count;
}

/*  The time is over. */
static void s_no_peace (sim_t *sim)
{
    uint64_t hints = s_hints (sim);
    if (!witness_united (sim))
        sim_fail (sim, "ready", "%u s after the last fault some node does not reach another",
                  PEACE_US / 1000000);
    else if (hints > 0)
        sim_fail (sim, "hints-drained", "%u s after the last fault nodes hold %d hints",
                  PEACE_US / 1000000, (int) hints);
    else
        sim_fail (sim, "ready", "%u s after the last fault some node does not say so in `status`",
                  PEACE_US / 1000000);
}

void examiner_await_peace (sim_t *sim)
{
    uint64_t until_us = sim->now_us + PEACE_US;
    sim->score.hints = s_hints (sim);
    while (!sim->failed &&
           !(witness_united (sim) && s_hints (sim) == 0 && s_all_ready (sim, true))) {
        if (sim->now_us > until_us) {
            s_no_peace (sim); /* where another checker's word alone counts, the run goes on */
            return;
        }
        sim_pass (sim, sim->now_us + LOOK_US, false);
    }
}
