/*  judge.c - see judge.h. */
#include "judge.h"

#include <stdlib.h>
#include <string.h>

#include "faults.h"
#include "messages/memory.h"

#define QUIET_US 10000000u /* longer than it takes to find out that a node is gone, or back */
#define PROMPT_US 300000u  /* some round trips, and a flush */

#define BIT(status) (1u << STATUS_##status)
#define NOT_STORED                                                                       \
    (BIT (BAD_REQUEST) | BIT (BAD_CONTEXT) | BIT (TOO_LARGE) | BIT (TOO_MANY_SIBLINGS) | \
     BIT (UNAVAILABLE) | BIT (OVERLOADED) | BIT (READ_ONLY) | BIT (FORBIDDEN))

status_t judge_status (bytes_t frame)
{
    failure_t head;
    if (codec_decode (&failure_schema, frame, &head, NULL) != 0)
        return STATUS_COUNT;
    char *text = memory_text (head.status.data, head.status.size);
    status_t status = HAS (failure, &head, status) ? status_find (text) : STATUS_COUNT;
    free (text);
    codec_clear (&failure_schema, &head);
    return status;
}

/*  What an op may be answered when nothing is wrong with the request. */
static unsigned s_permitted (const sim_t *sim, op_t op)
{
    unsigned permitted = BIT (OK) | BIT (OVERLOADED);
    if (op == OP_GET)
        permitted |= BIT (NOT_FOUND) | BIT (TIMEOUT) | BIT (UNAVAILABLE);
    if (op == OP_KEYS || op == OP_STATUS || op == OP_STATS || op == OP_RING)
        permitted |= BIT (TIMEOUT) | BIT (UNAVAILABLE);
    if (op == OP_INSPECT)
        permitted |= BIT (UNAVAILABLE); /* before the node has a ring */
    if (op == OP_PUT || op == OP_DELETE)
        permitted |= BIT (UNKNOWN) | BIT (UNAVAILABLE);
    if (op == OP_PUT)
        permitted |= BIT (TOO_MANY_SIBLINGS);
    if ((op == OP_PUT || op == OP_DELETE) && sim->plan.on[FAULT_FULL_DISK])
        permitted |= BIT (READ_ONLY);
    if (sim->plan.on[FAULT_BROKEN_DISK])
        permitted |= BIT (INTERNAL);
    return permitted;
}

/*  What every reply has. */
static void s_judge_head (sim_t *sim, uint32_t index, bytes_t frame, status_t status)
{
    const call_t *attempt = &sim->history.attempts[index];
    failure_t head;
    const char *why = "";
    if (codec_decode (&failure_schema, frame, &head, &why) != 0) {
        sim_fail (sim, "contract", "the reply to attempt %u is no map: %s", index + 1, why);
        return;
    }
    bytes_t id = head.id;
    bool named = id.size >= 9 && id.data[id.size - 1] == (uint8_t) (index + 1) &&
                 id.data[id.size - 2] == (uint8_t) ((index + 1) >> 8);
    bool well = status == STATUS_OK || status == STATUS_NOT_FOUND;
    if (!attempt->nameless && !named)
        sim_fail (sim, "contract", "the reply to attempt %u does not repeat its id", index + 1);
    if (!well && head.message.size == 0)
        sim_fail (sim, "contract", "the reply to attempt %u, %s, has no message", index + 1,
                  status_name (status));
    codec_clear (&failure_schema, &head);
}

bool judge_quiet (const sim_t *sim, uint64_t since_us)
{
    return sim->plan.lasting && faults_changed_us (sim) + QUIET_US < since_us;
}

/*  A node that has had the time to find out who is gone waits for nobody: it writes what one copy is enough for, and
 *  says of anything at once whether it can be had. */
static void s_judge_available (sim_t *sim, uint32_t index, status_t status)
{
    const call_t *attempt = &sim->history.attempts[index];
    bool write = attempt->op == OP_PUT || attempt->op == OP_DELETE;
    if (!attempt->quiet || !attempt->usual || !judge_quiet (sim, attempt->sent_us))
        return;
    if (status == STATUS_TIMEOUT || status == STATUS_UNKNOWN)
        sim_fail (sim, "available",
                  "attempt %u, a %s, was answered %s, and nothing had changed for %u s", index + 1,
                  op_name (attempt->op), status_name (status), QUIET_US / 1000000);
    if (attempt->change != NO_CHANGE && write && status == STATUS_UNAVAILABLE &&
        sim->history.changes[attempt->change].w == 1 &&
        !sim->history.changes[attempt->change].strict)
        sim_fail (sim, "available",
                  "attempt %u, a %s with w=1, was answered unavailable, and this node could have "
                  "stored it",
                  index + 1, op_name (attempt->op));
    if (sim->now_us - attempt->sent_us > PROMPT_US)
        sim_fail (sim, "available",
                  "attempt %u, a %s, took %.3f s, and nothing had changed for %u s", index + 1,
                  op_name (attempt->op), (double) (sim->now_us - attempt->sent_us) / 1e6,
                  QUIET_US / 1000000);
}

static void s_judge_status (sim_t *sim, uint32_t index, status_t status)
{
    const call_t *attempt = &sim->history.attempts[index];
    const settings_t *settings = &sim->plan.settings;
    const char *op = op_name (attempt->op);
    if (attempt->expects != STATUS_OK) {
        /* A node without a ring yet knows no quorum. */
        bool ringless = attempt->late_mistake && status == STATUS_UNAVAILABLE;
        if (status != attempt->expects && status != STATUS_OVERLOADED && !ringless)
            sim_fail (sim, "contract",
                      "attempt %u, a %s that is wrong on purpose, was answered %s and not %s",
                      index + 1, op, status_name (status), status_name (attempt->expects));
        return;
    }
    if (!(s_permitted (sim, attempt->op) >> status & 1))
        sim_fail (sim, "contract", "attempt %u, a %s, was answered %s", index + 1, op,
                  status_name (status));
    unsigned failures =
        BIT (UNKNOWN) | BIT (TIMEOUT) | BIT (UNAVAILABLE) | BIT (OVERLOADED) | BIT (INTERNAL);
    if (settings->in_flight_count < 100)
        failures &= ~BIT (OVERLOADED);
    if (plan_calm (&sim->plan) && (failures >> status & 1))
        sim_fail (sim, "calm", "attempt %u, a %s, was answered %s, and nothing had gone wrong",
                  index + 1, op, status_name (status));
}

/* ---- reads ---- */

uint64_t *judge_values (sim_t *sim, uint32_t key, const got_t *got)
{
    uint64_t *set = set_new (&sim->history);
    for (size_t i = 0; i < got->values.count; i++) {
        uint32_t event = history_find (&sim->history, key, got->values.items[i].bytes);
        if (event == NO_CHANGE)
            sim_fail (sim, "invented", "key-%u has a value of %zu bytes that nobody put there", key,
                      got->values.items[i].bytes.size);
        else if (history_is_void (&sim->history.changes[event]))
            sim_fail (sim, "invented", "key-%u has the value of put %u, which was refused", key,
                      event);
        else if (set_has (set, event))
            sim_fail (sim, "contract", "a get of key-%u shows the value of put %u twice", key,
                      event);
        else
            set_add (set, event);
    }
    return set;
}

/*  A strict read that overlaps the quorum of an acknowledged strict write sees that write, or what came after it. */
static void s_judge_fresh (sim_t *sim, uint32_t index, const uint64_t *values)
{
    const history_t *history = &sim->history;
    const call_t *attempt = &history->attempts[index];
    uint32_t nodes = sim->plan.nodes_count, n = sim->plan.settings.n;
    uint32_t slots = n < nodes ? n : nodes;
    for (uint32_t i = 0; i < history->changes_count; i++) {
        const change_t *change = &history->changes[i];
        if (change->key != attempt->key || change->acked_us == 0 ||
            change->acked_us >= attempt->sent_us || !change->strict ||
            (uint32_t) change->acked_w + attempt->r <= slots)
            continue;
        if (!change->remove && !set_has (values, i) && !set_has (history->touched, i))
            sim_fail (sim, "stale-read",
                      "attempt %u, a strict get of key-%u, misses put %u, which %u replicas had "
                      "acknowledged before",
                      index + 1, attempt->key, i, change->acked_w);
        for (uint32_t e = 0; e < history->changes_count; e++)
            if (set_has (change->shown, e) && set_has (values, e) &&
                history_is_single (&history->changes[e]))
                sim_fail (sim, "stale-read",
                          "attempt %u, a strict get of key-%u, shows put %u, which the "
                          "acknowledged write %u had replaced",
                          index + 1, attempt->key, e, i);
    }
}

static void s_judge_floor (sim_t *sim, uint32_t index, const got_t *got, const uint64_t *values)
{
    const history_t *history = &sim->history;
    const call_t *attempt = &history->attempts[index];
    if (!attempt->floor || (HAS (got, got, stale) && got->stale))
        return;
    for (uint32_t e = 0; e < history->changes_count; e++)
        if (set_has (attempt->floor, e) && !set_has (values, e) && !set_has (history->touched, e))
            sim_fail (
                sim, "floor",
                "attempt %u, a get of key-%u, misses put %u, which its floor covers, and is not "
                "called stale",
                index + 1, attempt->key, e);
}

/*  Distinct nodes that are said to have answered `first` or `second`; owners, or also fallbacks. */
static uint32_t s_explained (const attempt_list_t *attempts, const char *first, const char *second,
                             bool owners)
{
    uint32_t count = 0;
    for (size_t i = 0; i < attempts->count; i++) {
        const attempt_t *attempt = &attempts->items[i];
        bool counts = bytes_equal (attempt->result, bytes_text (first)) ||
                      bytes_equal (attempt->result, bytes_text (second));
        counts = counts && (!owners || bytes_equal (attempt->role, bytes_text ("owner")));
        for (size_t k = 0; k < i && counts; k++) {
            const attempt_t *other = &attempts->items[k];
            bool said = bytes_equal (other->result, bytes_text (first)) ||
                        bytes_equal (other->result, bytes_text (second));
            said = said && (!owners || bytes_equal (other->role, bytes_text ("owner")));
            counts = !(said && bytes_equal (other->node, attempt->node));
        }
        count += counts;
    }
    return count;
}

/*  What a reply says of how it came about, where it was asked to. */
static void s_judge_explained (sim_t *sim, uint32_t index, status_t status, const got_t *got)
{
    const call_t *attempt = &sim->history.attempts[index];
    if (!attempt->explain)
        return;
    if (!HAS (got, got, explain)) {
        sim_fail (sim, "contract", "the reply to attempt %u, a get, does not explain", index + 1);
        return;
    }
    uint32_t owners = s_explained (&got->explain, "found", "absent", true);
    uint32_t all = s_explained (&got->explain, "found", "absent", attempt->strict);
    if (status == STATUS_NOT_FOUND && owners < attempt->r)
        sim_fail (sim, "not-found",
                  "attempt %u, a get with r=%u, was answered not_found, and %u owners said so",
                  index + 1, attempt->r, owners);
    if (all < attempt->r)
        sim_fail (sim, "no-double-count",
                  "attempt %u, a get with r=%u, was answered, and %u different nodes had read",
                  index + 1, attempt->r, all);
}

static void s_judge_get (sim_t *sim, uint32_t index, status_t status, bytes_t frame)
{
    const call_t *attempt = &sim->history.attempts[index];
    got_t got;
    const char *why = "";
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return;
    if (codec_decode (&got_schema, frame, &got, &why) != 0) {
        sim_fail (sim, "contract", "the reply to attempt %u, a get, is malformed: %s", index + 1,
                  why);
        return;
    }
    if ((status == STATUS_OK) != (got.values.count > 0) || !HAS (got, &got, context) ||
        !HAS (got, &got, values))
        sim_fail (sim, "contract", "the reply to attempt %u, a get, has status %s and %zu values",
                  index + 1, status_name (status), got.values.count);
    uint64_t *values = judge_values (sim, attempt->key, &got);
    history_touch (&sim->history);
    if (attempt->strict)
        s_judge_fresh (sim, index, values);
    s_judge_floor (sim, index, &got, values);
    s_judge_explained (sim, index, status, &got);
    free (values);
    codec_clear (&got_schema, &got);
}

/* ---- writes ---- */

static void s_judge_write (sim_t *sim, uint32_t index, status_t status, bytes_t frame)
{
    const call_t *attempt = &sim->history.attempts[index];
    change_t *change = &sim->history.changes[attempt->change];
    written_t written;
    const char *why = "";
    if (NOT_STORED >> status & 1)
        change->refused++;
    if (status != STATUS_OK && status != STATUS_UNKNOWN)
        return;
    if (codec_decode (&written_schema, frame, &written, &why) != 0) {
        sim_fail (sim, "contract", "the reply to attempt %u, a write, is malformed: %s", index + 1,
                  why);
        return;
    }
    uint32_t acks = HAS (written, &written, acks) ? written.acks : 0;
    if (status == STATUS_OK && (acks < change->w || acks > sim->plan.nodes_count))
        sim_fail (sim, "contract", "attempt %u, a write with w=%u, was answered ok with %u acks",
                  index + 1, change->w, acks);
    if (status == STATUS_UNKNOWN && acks >= change->w)
        sim_fail (sim, "contract",
                  "attempt %u, a write with w=%u, was answered unknown with %u acks", index + 1,
                  change->w, acks);
    if (status == STATUS_OK && !HAS (written, &written, context))
        sim_fail (sim, "contract", "attempt %u, a write, was answered ok without a context",
                  index + 1);
    if (status == STATUS_OK && attempt->explain &&
        s_explained (&written.explain, "stored", "hinted", change->strict) < acks)
        sim_fail (sim, "no-double-count",
                  "attempt %u, a write, was answered ok with %u acks, and %u different nodes have "
                  "stored it",
                  index + 1, acks,
                  s_explained (&written.explain, "stored", "hinted", change->strict));
    if (status == STATUS_OK && change->acked_us == 0) {
        change->acked_us = sim->now_us;
        change->acked_w = change->w;
    }
    codec_clear (&written_schema, &written);
}

/* ---- the rest ---- */

/*  The other ops are looked at for their form. */
static void s_judge_form (sim_t *sim, uint32_t index, bytes_t frame)
{
    const schema_t *schema = &pong_schema;
    union {
        pong_t pong;
        listed_t listed;
        inspected_t inspected;
        rings_t rings;
        condition_t condition;
        tally_t tally;
    } reply;
    const char *why = "";
    switch ((int) sim->history.attempts[index].op) {
    case OP_KEYS: schema = &listed_schema; break;
    case OP_INSPECT: schema = &inspected_schema; break;
    case OP_RING: schema = &rings_schema; break;
    case OP_STATUS: schema = &condition_schema; break;
    case OP_STATS: schema = &tally_schema; break;
    default: break;
    }
    if (codec_decode (schema, frame, &reply, &why) == 0)
        codec_clear (schema, &reply);
    else
        sim_fail (sim, "contract", "the reply to attempt %u, a %s, is malformed: %s", index + 1,
                  op_name (sim->history.attempts[index].op), why);
}

void judge_reply (sim_t *sim, uint32_t index, bytes_t frame)
{
    const call_t *attempt = &sim->history.attempts[index];
    status_t status = judge_status (frame);
    if (status == STATUS_COUNT) {
        sim_fail (sim, "contract", "the reply to attempt %u has no status", index + 1);
        return;
    }
    trace_say (&sim->trace, sim->now_us, "attempt %u, a %s, was answered %s", index + 1,
               op_name (attempt->op), status_name (status));
    sim->score.statuses[status]++;
    s_judge_head (sim, index, frame, status);
    s_judge_status (sim, index, status);
    if (sim->failed || attempt->expects != STATUS_OK)
        return;
    s_judge_available (sim, index, status);
    if (attempt->op == OP_GET)
        s_judge_get (sim, index, status, frame);
    else if (attempt->op == OP_PUT || attempt->op == OP_DELETE)
        s_judge_write (sim, index, status, frame);
    else if (status == STATUS_OK)
        s_judge_form (sim, index, frame);
}

status_t judge_learn (sim_t *sim, uint32_t index, bytes_t frame)
{
    const call_t *attempt = &sim->history.attempts[index];
    status_t status = judge_status (frame);
    rng_t *rng = &sim->rng_clients;
    if (sim->failed || attempt->expects != STATUS_OK)
        return status;
    if (attempt->op == OP_GET && (status == STATUS_OK || status == STATUS_NOT_FOUND)) {
        got_t got;
        codec_decode (&got_schema, frame, &got, NULL);
        uint64_t *values = judge_values (sim, attempt->key, &got);
        if (got.context.size > 0)
            history_learn (&sim->history, rng, attempt->key, attempt->client, got.context, values,
                           NO_CHANGE);
        free (values);
        codec_clear (&got_schema, &got);
    } else if ((attempt->op == OP_PUT || attempt->op == OP_DELETE) &&
               (status == STATUS_OK || status == STATUS_UNKNOWN)) {
        const change_t *change = &sim->history.changes[attempt->change];
        written_t written;
        codec_decode (&written_schema, frame, &written, NULL);
        if (HAS (written, &written, context) && written.context.size > 0)
            history_learn (&sim->history, rng, attempt->key, attempt->client, written.context,
                           change->shown, change->remove ? NO_CHANGE : attempt->change);
        codec_clear (&written_schema, &written);
    }
    return status;
}
