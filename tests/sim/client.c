/*  client.c - see client.h. */
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "judge.h"
#include "messages/memory.h"
#include "node.h"
#include "replicas.h"

/*  Requests that are wrong on purpose, and what they must be answered. */
typedef enum {
    MISTAKE_NONE,
    MISTAKE_DAMAGED_CONTEXT,
    MISTAKE_FOREIGN_CONTEXT,
    MISTAKE_QUORUM,
    MISTAKE_VALUE,
    MISTAKE_CUT_SHORT,
    MISTAKE_OP,
    MISTAKE_COUNT
} mistake_t;

static const status_t s_expected[] = {STATUS_OK,          STATUS_BAD_CONTEXT, STATUS_BAD_CONTEXT,
                                      STATUS_BAD_REQUEST, STATUS_TOO_LARGE,   STATUS_BAD_REQUEST,
                                      STATUS_BAD_REQUEST};

bytes_t client_key (uint32_t key, char *text, size_t size)
{
    snprintf (text, size, "key-%u", key);
    return bytes_text (text);
}

static void s_number (uint8_t *data, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        data[i] = (uint8_t) (number >> (56 - 8 * i));
}

/*  The attempt that a connection stands for: each has one of its own. */
static uint32_t s_attempt (const sim_t *sim, bytes_t connection)
{
    uint64_t number = 0;
    for (size_t i = 0; i < connection.size && i < 8; i++)
        number = number << 8 | connection.data[i];
    return connection.size == 8 && number > 0 && number <= sim->history.attempts_count
               ? (uint32_t) (number - 1)
               : UINT32_MAX;
}

/* ---- requests ---- */

static void s_describe_write (const sim_t *sim, const wish_t *wish, request_t *request)
{
    const change_t *change = &sim->history.changes[wish->change];
    if (!change->remove)
        GIVE (request, request, value, bytes_view (change->value.data, change->value.size));
    if (change->context.size > 0)
        GIVE (request, request, context, bytes_view (change->context.data, change->context.size));
    if (change->has_put_id)
        GIVE (request, request, put_id, bytes_view (change->put_id, sizeof change->put_id));
    if (change->w != sim->plan.settings.w)
        GIVE (request, request, w, change->w);
}

static void s_describe (const sim_t *sim, const wish_t *wish, char *key, size_t size,
                        request_t *request)
{
    GIVE (request, request, op, bytes_text (op_name (wish->op)));
    bool data = wish->op == OP_GET || wish->op == OP_PUT || wish->op == OP_DELETE;
    if (data || wish->op == OP_INSPECT)
        GIVE (request, request, key, client_key (wish->key, key, size));
    if (wish->op == OP_PUT || wish->op == OP_DELETE)
        s_describe_write (sim, wish, request);
    if (wish->r > 0)
        GIVE (request, request, r, wish->r);
    if (data && wish->strict)
        GIVE (request, request, strict, true);
    if (data && wish->explain)
        GIVE (request, request, explain, true);
    if (wish->timeout_ms > 0)
        GIVE (request, request, timeout, wish->timeout_ms);
    if (wish->floor)
        GIVE (request, request, floor,
              bytes_view (wish->floor->context.data, wish->floor->context.size));
    if (wish->op == OP_KEYS)
        GIVE (request, request, partition, wish->partition);
    if (wish->after.size > 0)
        GIVE (request, request, after, wish->after);
    if (wish->limit > 0)
        GIVE (request, request, limit, wish->limit);
}

/*  Puts the mistake in; what it takes from the heap is in `scratch`. */
static void s_spoil (sim_t *sim, const wish_t *wish, request_t *request, bytes_t *scratch)
{
    rng_t *rng = &sim->rng_clients;
    switch ((mistake_t) wish->mistake) {
    case MISTAKE_DAMAGED_CONTEXT:
        *scratch = bytes_copy (request->context.data, request->context.size);
        if (rng_below (rng, 4) == 0)
            scratch->size -= 1 + rng_below (rng, scratch->size - 1);
        else
            scratch->data[rng_below (rng, scratch->size)] ^= (uint8_t) (1u << rng_below (rng, 8));
        GIVE (request, request, context, bytes_view (scratch->data, scratch->size));
        break;
    case MISTAKE_FOREIGN_CONTEXT: GIVE (request, request, key, bytes_text ("another key")); break;
    case MISTAKE_QUORUM:
        if (wish->op == OP_GET)
            GIVE (request, request, r, sim->plan.settings.n + 1u);
        else
            GIVE (request, request, w, sim->plan.settings.n + 1u);
        break;
    case MISTAKE_VALUE:
        *scratch = bytes_own (memory_new (sim->plan.settings.value_bytes + 1, 1),
                              sim->plan.settings.value_bytes + 1);
        GIVE (request, request, value, bytes_view (scratch->data, scratch->size));
        break;
    case MISTAKE_OP: GIVE (request, request, op, bytes_text ("steal")); break;
    case MISTAKE_NONE:
    case MISTAKE_CUT_SHORT:
    case MISTAKE_COUNT: break;
    }
}

static bytes_t s_frame (sim_t *sim, const wish_t *wish, uint64_t number)
{
    char key[32];
    uint8_t id[10] = {0xc4, 8};
    bytes_t scratch = {0};
    request_t request = {0};
    s_describe (sim, wish, key, sizeof key, &request);
    s_spoil (sim, wish, &request, &scratch);
    s_number (id + 2, number);
    id[1] = number % 2 ? 8 : 0xcf; /* bin of 8 bytes, or uint 64 */
    GIVE (request, &request, id, number % 2 ? bytes_view (id, 10) : bytes_view (id + 1, 9));
    buffer_t buffer;
    buffer_init (&buffer, LIMIT_PEER_FRAME_BYTES);
    codec_encode (&request_schema, &request, &buffer);
    if (wish->mistake == MISTAKE_CUT_SHORT)
        buffer.size = rng_below (&sim->rng_clients, buffer.size);
    bytes_clear (&scratch);
    return buffer_take (&buffer);
}

uint32_t client_send (sim_t *sim, const wish_t *wish, const node_t *node)
{
    const settings_t *settings = &sim->plan.settings;
    uint32_t timeout_ms = wish->timeout_ms ? wish->timeout_ms : settings->timeout_ms;
    uint32_t index = history_add_attempt (
        &sim->history,
        (call_t){.client = wish->client,
                 .op = wish->op,
                 .key = wish->key,
                 .change = wish->mistake ? NO_CHANGE : wish->change,
                 .expects = s_expected[wish->mistake],
                 .nameless = wish->mistake == MISTAKE_CUT_SHORT,
                 .late_mistake = wish->mistake == MISTAKE_QUORUM,
                 .r = wish->r ? wish->r : settings->r,
                 .strict = wish->strict,
                 .explain = wish->explain,
                 .usual = wish->timeout_ms == 0,
                 .quiet = judge_quiet (sim, sim->now_us),
                 .floor = wish->floor ? set_copy (&sim->history, wish->floor->shown) : NULL,
                 .sent_us = sim->now_us,
                 .due_us = (uint64_t) timeout_ms * 1000 + SIM_SLACK_US,
                 .node = (uint32_t) node->index});
    if (wish->change != NO_CHANGE && !wish->mistake)
        sim->history.changes[wish->change].sent++;
    uint8_t connection[8];
    s_number (connection, index + 1);
    letter_t *letter = letter_new (ROLE_COORDINATOR);
    letter->client = bytes_copy (connection, sizeof connection);
    letter->frame = s_frame (sim, wish, index + 1);
    sim->score.attempts++;
    trace_bytes (&sim->trace, sim->now_us, letter->frame,
                 "client%u sends attempt %u to node%zu: %s of key-%u, change %d", wish->client,
                 index + 1, node->index + 1, op_name (wish->op), wish->key, (int) wish->change);
    sim_after (sim, plan_between (&sim->rng_clients, 10, 300),
               (action_t){.kind = ACTION_ARRIVE, .who = (uint32_t) node->index, .letter = letter});
    return index;
}

/* ---- operations ---- */

static const node_t *s_choose_node (sim_t *sim, client_t *self)
{
    const node_t *node = &sim->nodes[self->home];
    for (int i = 0; i < 3; i++) {
        if (i > 0 || rng_below (&self->rng, 4) == 0)
            node = &sim->nodes[rng_below (&self->rng, sim->plan.nodes_count)];
        if (node->up || rng_below (&self->rng, 10) == 0)
            break;
    }
    return node;
}

/*  Sends the wish and waits, for somewhat longer than the node may take; the impatient for less. */
static void s_ask (sim_t *sim, uint32_t client, const wish_t *wish, const node_t *node)
{
    client_t *self = &sim->clients[client];
    self->attempt = client_send (sim, wish, node);
    self->state = CLIENT_WAITING;
    self->turn++;
    uint64_t wait = sim->history.attempts[self->attempt].due_us + rng_below (&self->rng, 200000);
    if (plan_chance (&self->rng, sim->plan.rate[FAULT_IMPATIENT])) {
        wait = 1 + rng_below (&self->rng, wait / (1u << rng_below (&self->rng, 10)) + 1);
        sim->score.faults[FAULT_IMPATIENT]++;
    }
    sim_after (sim, wait, (action_t){.kind = ACTION_CLIENT, .who = client, .life = self->turn});
}

static uint8_t s_quorum (const sim_t *sim, client_t *self, uint8_t usual)
{
    uint32_t nodes = sim->plan.nodes_count;
    uint32_t most = sim->plan.settings.n < nodes ? sim->plan.settings.n : nodes;
    return rng_below (&self->rng, 3) ? usual : (uint8_t) (1 + rng_below (&self->rng, most));
}

static size_t s_value_size (const sim_t *sim, client_t *self)
{
    size_t most = sim->plan.settings.value_bytes;
    uint64_t kind = rng_below (&self->rng, 200);
    if (kind == 0)
        return most > 100000 ? 100000 : most;
    if (kind < 10)
        return HISTORY_VALUE_BYTES;
    return HISTORY_VALUE_BYTES + rng_below (&self->rng, sim->plan.value_bytes);
}

/*  A new put or delete; its change. */
static uint32_t s_new_change (sim_t *sim, uint32_t client, uint32_t key, bool remove,
                              const knowledge_t *basis)
{
    client_t *self = &sim->clients[client];
    uint32_t index = history_add_change (&sim->history, key, remove, basis);
    if (index == NO_CHANGE)
        return index;
    change_t *change = &sim->history.changes[index];
    change->w = s_quorum (sim, self, sim->plan.settings.w);
    change->strict = rng_below (&self->rng, 2) == 0;
    change->has_put_id = rng_below (&self->rng, 10) < (remove ? 2 : 7);
    for (size_t i = 0; i < sizeof change->put_id; i++)
        change->put_id[i] = (uint8_t) rng_next (&self->rng);
    if (!remove)
        change->value = history_value (index, key, s_value_size (sim, self));
    return index;
}

/*  A wish about a key, as the dice fall: mostly reads and writes that follow reads. */
static wish_t s_wish (sim_t *sim, uint32_t client)
{
    static const uint32_t timeouts[] = {0, 0, 0, 30, 300, 1500};
    static const op_t others[] = {OP_PING, OP_KEYS, OP_INSPECT, OP_RING, OP_STATUS, OP_STATS};
    client_t *self = &sim->clients[client];
    wish_t wish = {.op = OP_GET, .client = client, .change = NO_CHANGE};
    wish.key = (uint32_t) rng_below (&self->rng, sim->plan.keys_count);
    wish.timeout_ms = plan_calm (&sim->plan) ? 0 : timeouts[rng_below (&self->rng, 6)];
    wish.strict = rng_below (&self->rng, 2) == 0;
    wish.explain = rng_below (&self->rng, 4) == 0;
    const knowledge_t *basis = history_recall (&sim->history, &self->rng, wish.key, client);
    uint64_t dice = rng_below (&self->rng, 100);
    if (dice < 45) {
        bool blind = basis == NULL || rng_below (&self->rng, 5) == 0;
        wish.op = OP_PUT;
        wish.change = s_new_change (sim, client, wish.key, false, blind ? NULL : basis);
    } else if (dice < 53 && basis) {
        wish.op = OP_DELETE;
        wish.change = s_new_change (sim, client, wish.key, true, basis);
    } else if (dice < 93) {
        wish.r = s_quorum (sim, self, 0);
        wish.floor = rng_below (&self->rng, 3) == 0 ? basis : NULL;
    } else {
        wish.op = others[rng_below (&self->rng, sizeof others / sizeof others[0])];
        wish.partition = (uint32_t) rng_below (&self->rng, sim->plan.settings.partitions);
    }
    if (wish.change == NO_CHANGE && (wish.op == OP_PUT || wish.op == OP_DELETE))
        wish.op = OP_PING;
    return wish;
}

/*  Sometimes makes the wish wrong, where that can be done to it. */
static void s_err (sim_t *sim, client_t *self, wish_t *wish)
{
    if (rng_below (&self->rng, 30))
        return;
    mistake_t mistake = (mistake_t) (1 + rng_below (&self->rng, MISTAKE_COUNT - 1));
    bool write = wish->op == OP_PUT || wish->op == OP_DELETE;
    bool context = write && sim->history.changes[wish->change].context.size > 1;
    bool fits = mistake == MISTAKE_CUT_SHORT || mistake == MISTAKE_OP;
    fits = fits || (mistake == MISTAKE_QUORUM && (write || wish->op == OP_GET));
    fits = fits || (mistake == MISTAKE_VALUE && wish->op == OP_PUT);
    fits = fits ||
           (context && (mistake == MISTAKE_DAMAGED_CONTEXT || mistake == MISTAKE_FOREIGN_CONTEXT));
    wish->mistake = fits ? (int) mistake : MISTAKE_NONE;
}

/*  A change that was made for a mistake was never sent, so it is void: its value must never be seen. */
static void s_begin (sim_t *sim, uint32_t client)
{
    client_t *self = &sim->clients[client];
    if (sim->ops_left == 0) {
        self->state = CLIENT_DONE;
        sim->clients_left--;
        return;
    }
    sim->ops_left--;
    sim->score.operations++;
    self->tries = 1;
    wish_t wish = s_wish (sim, client);
    s_err (sim, self, &wish);
    if (wish.change != NO_CHANGE)
        wish.strict = sim->history.changes[wish.change].strict;
    s_ask (sim, client, &wish, s_choose_node (sim, self));
}

/*  The operation is over; the next one after a while. */
static void s_rest (sim_t *sim, uint32_t client)
{
    client_t *self = &sim->clients[client];
    self->state = CLIENT_IDLE;
    self->turn++;
    sim_after (sim, plan_wait (&self->rng, sim->plan.mean_think_us),
               (action_t){.kind = ACTION_CLIENT, .who = client, .life = self->turn});
}

/*  Sends the same write again where that is safe, mostly to the same node; else gives up. */
static void s_again (sim_t *sim, uint32_t client)
{
    client_t *self = &sim->clients[client];
    call_t last = sim->history.attempts[self->attempt];
    bool safe = last.change != NO_CHANGE &&
                (sim->history.changes[last.change].has_put_id || last.op == OP_DELETE);
    if (!safe || self->tries == 3 || rng_below (&self->rng, 4) == 0) {
        s_rest (sim, client);
        return;
    }
    self->tries++;
    wish_t wish = {.op = last.op,
                   .client = client,
                   .key = last.key,
                   .change = last.change,
                   .strict = sim->history.changes[last.change].strict};
    const node_t *same = &sim->nodes[last.node];
    s_ask (sim, client, &wish, rng_below (&self->rng, 8) ? same : s_choose_node (sim, self));
}

void client_act (sim_t *sim, uint32_t client)
{
    if (sim->clients[client].state == CLIENT_WAITING)
        s_again (sim, client);
    else
        s_begin (sim, client);
}

void client_start (sim_t *sim)
{
    for (uint32_t i = 0; i <= sim->plan.clients_count; i++) {
        rng_seed (&sim->clients[i].rng, rng_next (&sim->rng_clients));
        sim->clients[i].home = (uint32_t) rng_below (&sim->rng_clients, sim->plan.nodes_count);
        if (i < sim->plan.clients_count)
            s_rest (sim, i);
    }
}

/* ---- replies ---- */

void client_taken (sim_t *sim, const node_t *node, bytes_t connection)
{
    uint32_t index = s_attempt (sim, connection);
    call_t *attempt = &sim->history.attempts[index];
    attempt->life = node->life;
    uint64_t wait = attempt->due_us;
    attempt->due_us = sim->now_us + wait;
    sim_after (sim, wait, (action_t){.kind = ACTION_DEADLINE, .life = index});
}

void client_deadline (sim_t *sim, uint32_t index)
{
    const call_t *attempt = &sim->history.attempts[index];
    const node_t *node = &sim->nodes[attempt->node];
    if (attempt->answers > 0 || !node->up || node->life != attempt->life)
        return;
    if (node->resumed_us + SIM_SLACK_US > sim->now_us)
        sim_after (sim, node->resumed_us + SIM_SLACK_US - sim->now_us,
                   (action_t){.kind = ACTION_DEADLINE, .life = index});
    else
        sim_fail (sim, "answered",
                  "node%zu has not answered attempt %u, a %s of key-%u, within its time",
                  node->index + 1, index + 1, op_name (attempt->op), attempt->key);
}

void client_answer (sim_t *sim, const node_t *node, bytes_t connection, bytes_t frame)
{
    uint32_t index = s_attempt (sim, connection);
    trace_bytes (&sim->trace, sim->now_us, frame, "node%zu answers attempt %u", node->index + 1,
                 index + 1);
    call_t *attempt = index == UINT32_MAX ? NULL : &sim->history.attempts[index];
    if (!attempt || attempt->node != node->index || attempt->life != node->life) {
        sim_fail (sim, "answered", "node%zu answers a client that did not ask", node->index + 1);
        return;
    }
    if (attempt->answers++ > 0) {
        sim_fail (sim, "answered", "node%zu answers attempt %u twice", node->index + 1, index + 1);
        return;
    }
    judge_reply (sim, index, frame);
    if (attempt->change != NO_CHANGE && judge_status (frame) == STATUS_OK) {
        if (index % 4 == 0) /* a copy of every disk takes its time */
            replicas_check_durable (sim, attempt->change);
        faults_acknowledged (sim);
    }
    if (!sim->healed && plan_chance (&sim->rng_network, sim->plan.rate[FAULT_LOSS] / 4))
        return; /* the client's connection broke */
    letter_t *letter = letter_new (ROLE_COORDINATOR);
    letter->client = bytes_copy (connection.data, connection.size);
    letter->frame = bytes_copy (frame.data, frame.size);
    sim_after (sim, plan_between (&sim->rng_clients, 10, 300),
               (action_t){.kind = ACTION_REPLY, .letter = letter});
}

void client_hear (sim_t *sim, const letter_t *letter)
{
    uint32_t index = s_attempt (sim, letter->client);
    const call_t *attempt = &sim->history.attempts[index];
    client_t *self = &sim->clients[attempt->client];
    status_t status = judge_learn (sim, index, letter->frame);
    if (self->state != CLIENT_WAITING || self->attempt != index)
        return; /* it has given this one up */
    if (attempt->client == sim->plan.clients_count) {
        bytes_clear (&sim->answer);
        sim->answer = bytes_copy (letter->frame.data, letter->frame.size);
        sim->answered = true;
        self->state = CLIENT_IDLE;
    } else if (status == STATUS_UNKNOWN || status == STATUS_OVERLOADED ||
               status == STATUS_UNAVAILABLE)
        s_again (sim, attempt->client);
    else
        s_rest (sim, attempt->client);
}
