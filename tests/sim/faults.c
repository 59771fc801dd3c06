/*  faults.c - see faults.h. */
#include "faults.h"

#include "node.h"
#include "standin.h"

static void s_appoint (sim_t *sim, fault_t fault)
{
    sim_after (sim, plan_wait (&sim->rng_faults, sim->plan.mean_us[fault]),
               (action_t){.kind = ACTION_FAULT, .what = fault, .life = sim->campaign});
}

void faults_start (sim_t *sim)
{
    sim->truce = false;
    sim->campaign++;
    for (int i = 0; i < FAULT_COUNT; i++)
        if (sim->plan.on[i] && sim->plan.mean_us[i] > 0)
            s_appoint (sim, (fault_t) i);
}

/*  Cuts one link, in one direction; or all that lead to a node, or from it, or both. */
static void s_cut_off (sim_t *sim, size_t node, uint64_t until_us)
{
    uint64_t kind = rng_below (&sim->rng_faults, 4);
    size_t other = rng_below (&sim->rng_faults, sim->plan.nodes_count);
    for (size_t i = 0; i < sim->plan.nodes_count; i++) {
        if (kind == 0 && i != other)
            continue;
        if (kind != 1)
            sim->links[node][i].dead_until_us = until_us;
        if (kind != 2)
            sim->links[i][node].dead_until_us = until_us;
        if (kind == 0 && rng_below (&sim->rng_faults, 2))
            sim->links[i][node].dead_until_us = 0;
    }
}

/*  Each node on one of two sides: neither side reaches the other, or one does and gets no answer. */
void faults_part (sim_t *sim, uint64_t until_us)
{
    uint32_t count = sim->plan.nodes_count;
    uint64_t side = count > 1 ? plan_between (&sim->rng_faults, 1, (1u << count) - 2) : 0;
    bool both = rng_below (&sim->rng_faults, 3) != 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++)
            if ((side >> i & 1) != (side >> k & 1) && (both || (side >> i & 1)))
                sim->links[i][k].dead_until_us = until_us;
    sim->score.faults[FAULT_PARTITION]++;
}

static void s_end_all (sim_t *sim, fault_t fault)
{
    for (size_t i = 0; i < sim->plan.nodes_count; i++)
        if (sim->nodes[i].up)
            node_kill (sim, &sim->nodes[i], fault);
}

/*  One node, at once or in the middle of something (between two effects of a step, or two steps of a batch); or all of
 *  them, at once or right after the next acknowledgement. */
static void s_end (sim_t *sim, node_t *node, fault_t fault)
{
    uint64_t kind = rng_below (&sim->rng_faults, 8);
    if (sim->plan.lasting)
        node_kill (sim, node, fault);
    else if (kind == 0)
        s_end_all (sim, fault);
    else if (kind <= 3)
        sim->ambush = fault;
    else if (kind <= 5 && fault == FAULT_KILL)
        node->doom = (uint32_t) plan_between (&sim->rng_faults, 1, 40);
    else
        node_kill (sim, node, fault);
}

void faults_acknowledged (sim_t *sim)
{
    fault_t fault = sim->ambush;
    sim->ambush = FAULT_COUNT;
    if (fault != FAULT_COUNT && !sim->healed && !sim->truce)
        s_end_all (sim, fault);
}

static void s_clock (sim_t *sim, node_t *node)
{
    int64_t hour = 3600000;
    node->clock_ms = rng_below (&sim->rng_faults, 3) == 0
                         ? 0
                         : (int64_t) rng_below (&sim->rng_faults, (uint64_t) (2 * hour)) - hour;
}

static void s_break_disk (sim_t *sim, node_t *node)
{
    if (rng_below (&sim->rng_faults, 2))
        memory_store_fail_commit (node->store);
    else
        memory_store_fail_flush (node->store);
}

void faults_strike (sim_t *sim, fault_t fault, uint64_t campaign)
{
    if (sim->healed || sim->truce || campaign != sim->campaign)
        return;
    s_appoint (sim, fault);
    node_t *node = &sim->nodes[rng_below (&sim->rng_faults, sim->plan.nodes_count)];
    uint64_t most_us = sim->plan.length_us[fault];
    uint64_t least_us = sim->plan.lasting ? most_us / 2 : 1;
    uint64_t until_us = sim->now_us + plan_between (&sim->rng_faults, least_us, most_us);
    if (!node->up)
        return;
    sim->changed_us = sim->now_us;
    trace_say (&sim->trace, sim->now_us, "node%zu is struck by %s", node->index + 1,
               fault_name (fault));
    /* Kills and cuts are counted as they happen; the others here. */
    if (fault != FAULT_KILL && fault != FAULT_POWER && fault != FAULT_BROKEN_DISK &&
        fault != FAULT_CUT_OFF && fault != FAULT_PARTITION && fault != FAULT_SLOW_DISK)
        sim->score.faults[fault]++;
    switch ((int) fault) {
    case FAULT_KILL:
    case FAULT_POWER: s_end (sim, node, fault); break;
    case FAULT_PAUSE:
        if (until_us > node->paused_until_us)
            node->paused_until_us = node->resumed_us = until_us;
        break;
    case FAULT_SLOW_DISK: node->slow_until_us = until_us; break;
    case FAULT_CUT_OFF: s_cut_off (sim, node->index, until_us); break;
    case FAULT_PARTITION: faults_part (sim, until_us); break;
    case FAULT_CLOCK: s_clock (sim, node); break;
    case FAULT_BROKEN_DISK: s_break_disk (sim, node); break;
    case FAULT_FULL_DISK:
        node->full_until_us = until_us;
        standin_host (sim, node);
        break;
    default: break;
    }
}

void faults_pause (sim_t *sim)
{
    sim->truce = true;
    sim->ambush = FAULT_COUNT;
    for (size_t i = 0; i < sim->plan.nodes_count; i++) {
        sim->nodes[i].doom = 0;
        for (size_t k = 0; k < sim->plan.nodes_count; k++)
            sim->links[i][k].dead_until_us = 0;
    }
}

static void s_latest (const sim_t *sim, uint64_t ended_us, uint64_t *latest_us)
{
    if (ended_us <= sim->now_us && ended_us > *latest_us)
        *latest_us = ended_us;
}

uint64_t faults_changed_us (const sim_t *sim)
{
    uint64_t latest_us = sim->changed_us;
    for (size_t i = 0; i < sim->plan.nodes_count; i++) {
        s_latest (sim, sim->nodes[i].resumed_us, &latest_us);
        for (size_t k = 0; k < sim->plan.nodes_count; k++)
            s_latest (sim, sim->links[i][k].dead_until_us, &latest_us);
    }
    return latest_us;
}

void faults_heal (sim_t *sim)
{
    sim->healed = true;
    trace_say (&sim->trace, sim->now_us, "the faults are over");
    for (size_t i = 0; i < sim->plan.nodes_count; i++) {
        node_t *node = &sim->nodes[i];
        node->doom = 0;
        node->slow_until_us = 0;
        node->clock_ms = 0;
        node->full_until_us = 0;
        if (node->up)
            standin_host (sim, node);
    }
}
