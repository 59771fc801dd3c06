/*  network.c - see network.h. */
#include "network.h"

#include "core/ring.h"

void network_learn (sim_t *sim, actor_t *actor, const snapshot_t *snapshot)
{
    actor->cluster = snapshot->charter.cluster;
    actor->node = snapshot->charter.node;
    actor->routes_count = 0;
    for (size_t i = 0; i < snapshot->members.count && actor->routes_count < SIM_ROUTES; i++) {
        const member_t *member = &snapshot->members.items[i];
        for (size_t k = 0; k < sim->plan.nodes_count; k++)
            if (member->state <= MEMBER_LEAVING &&
                bytes_equal (member->peer, bytes_text (sim->nodes[k].settings.peer)))
                actor->routes[actor->routes_count++] = (route_t){.id = member->node, .node = k};
    }
}

node_t *network_find (sim_t *sim, node_t *self, const actor_t *actor, const effect_t *effect)
{
    if (effect->endpoint.size > 0) {
        for (size_t i = 0; i < sim->plan.nodes_count; i++)
            if (bytes_equal (effect->endpoint, bytes_text (sim->nodes[i].settings.gossip)))
                return &sim->nodes[i];
        return NULL;
    }
    if (effect->to.node == 0 || effect->to.node == actor->node)
        return self;
    for (size_t i = 0; i < actor->routes_count; i++)
        if (actor->routes[i].id == effect->to.node)
            return &sim->nodes[actor->routes[i].node];
    return NULL;
}

bool network_admits (sim_t *sim, const actor_t *actor, const letter_t *letter)
{
    head_t head;
    bool known = false;
    if (letter->message || letter->client.size > 0 ||
        message_peek (letter->frame, &head, NULL) != 0)
        return true;
    for (size_t i = 0; i < actor->routes_count; i++)
        known = known || actor->routes[i].id == head.from.node;
    if (letter->role == ROLE_GOSSIP)
        known = letter->frame.size <= LIMIT_GOSSIP_FRAME_BYTES;
    else
        known = known && head.origin.cluster == actor->cluster;
    if (!known || head.type > MESSAGE_TRAVELS_LAST || head.to != letter->role) {
        sim->score.refused++;
        return false;
    }
    return true;
}

void network_keep (sim_t *sim, const node_t *to, letter_t **letter_p)
{
    if ((*letter_p)->client.size > 0 || rng_below (&sim->rng_network, 4) == 0)
        return;
    sim_after (sim, plan_between (&sim->rng_network, 5000, 300000),
               (action_t){.kind = ACTION_ARRIVE, .who = (uint32_t) to->index, .letter = *letter_p});
    *letter_p = NULL;
}

static bool s_strikes (sim_t *sim, fault_t fault)
{
    if (sim->healed || !plan_chance (&sim->rng_network, sim->plan.rate[fault]))
        return false;
    sim->score.faults[fault]++;
    return true;
}

/*  One copy of the frame, with a delay of its own; for the receiver's process `life`, or for any (0). */
static void s_dispatch (sim_t *sim, node_t *from, node_t *to, role_id_t role, bytes_t frame,
                        uint64_t life, bool again)
{
    link_t *link = &sim->links[from->index][to->index];
    letter_t *letter = letter_new (role);
    letter->sender = from->index;
    letter->frame = bytes_copy (frame.data, frame.size);
    if (s_strikes (sim, FAULT_GARBAGE))
        letter->frame.size = rng_below (&sim->rng_network, frame.size);
    uint64_t delay = plan_between (&sim->rng_network, sim->plan.link_delay_us,
                                   (uint64_t) sim->plan.link_delay_us + sim->plan.link_jitter_us);
    uint64_t at = sim->now_us + delay;
    if (again) /* the second copy may come much later */
        at += rng_below (&sim->rng_network, rng_below (&sim->rng_network, 2) ? 1000 : 500000);
    else if (s_strikes (sim, FAULT_REORDER))
        at += rng_below (&sim->rng_network, rng_below (&sim->rng_network, 4) ? 20000 : 2000000);
    else if (at < link->last_us)
        at = link->last_us;
    else
        link->last_us = at;
    sim_after (
        sim, at - sim->now_us,
        (action_t){
            .kind = ACTION_ARRIVE, .who = (uint32_t) to->index, .life = life, .letter = letter});
}

void network_send (sim_t *sim, node_t *from, node_t *to, role_id_t role, const message_t *message)
{
    buffer_t buffer;
    buffer_init (&buffer, LIMIT_PEER_FRAME_BYTES);
    sim->score.messages++;
    if (message_encode (message, role, &buffer) != 0)
        sim_fail (sim, "contract", "node%zu sends a message that is too large", from->index + 1);
    else if (sim->links[from->index][to->index].dead_until_us > sim->now_us && !sim->healed)
        sim->score.faults[FAULT_CUT_OFF]++;
    else if (!s_strikes (sim, FAULT_LOSS)) {
        /* A queue may keep a frame for a process that is not there yet. One that comes twice does so within a
         * connection, which ends with the receiver's process: both copies do. */
        bool twice = s_strikes (sim, FAULT_DUPLICATE);
        s_dispatch (sim, from, to, role, buffer_view (&buffer), twice ? to->life : 0, false);
        if (twice)
            s_dispatch (sim, from, to, role, buffer_view (&buffer), to->life, true);
    }
    buffer_clear (&buffer);
}
