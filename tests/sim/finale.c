/*  finale.c - see finale.h. */
#include "finale.h"

#include <stdlib.h>
#include <string.h>

#include "examiner.h"
#include "faults.h"
#include "judge.h"
#include "messages/memory.h"
#include "replicas.h"

#define SETTLE_US 6000000 /* longer than the longest time-out and delay together */
#define ROUNDS 2

/*  What is there at rest against what must be and what must not. */
static void s_check_values (sim_t *sim, uint32_t key, const uint64_t *values)
{
    const history_t *history = &sim->history;
    uint64_t *by_put = set_new (history), *by_delete = set_new (history);
    for (uint32_t i = 0; i < history->changes_count; i++)
        if (history->changes[i].acked_us > 0)
            set_unite (history, history->changes[i].remove ? by_delete : by_put,
                       history->changes[i].shown);
    for (uint32_t i = 0; i < history->changes_count; i++) {
        const change_t *change = &history->changes[i];
        if (change->key != key || change->remove)
            continue;
        bool there = set_has (values, i);
        if (!there && change->acked_us > 0 && !set_has (history->touched, i))
            sim_fail (
                sim, "lost-write",
                "put %u of key-%u was acknowledged, nobody who saw it replaced it, and it is gone",
                i, key);
        /* A put that was sent again, or minted in two places, may have made a twin, which may come back: docs/protocol.md, put_id. */
        if (there && history_is_single (change) && set_has (by_put, i))
            sim_fail (sim, "false-siblings",
                      "put %u of key-%u stands beside the acknowledged put that replaced it", i,
                      key);
        if (there && history_is_single (change) && set_has (by_delete, i))
            sim_fail (sim, "resurrection", "put %u of key-%u is back after a delete that saw it", i,
                      key);
    }
    free (by_put);
    free (by_delete);
}

/*  Reads every key from all its owners at once, which mends those that differ. `live` gets how many values each has. */
static void s_read_all (sim_t *sim, size_t *live)
{
    const settings_t *settings = &sim->plan.settings;
    uint32_t nodes = sim->plan.nodes_count;
    history_touch (&sim->history);
    for (uint32_t key = 0; key < sim->plan.keys_count && !sim->failed; key++) {
        wish_t wish = {.op = OP_GET, .key = key, .strict = true};
        wish.r = settings->n < nodes ? settings->n : (uint8_t) nodes;
        got_t got;
        if (!examiner_ask (sim, &wish) || codec_decode (&got_schema, sim->answer, &got, NULL) != 0)
            return;
        uint64_t *values = judge_values (sim, key, &got);
        s_check_values (sim, key, values);
        live[key] = got.values.count;
        free (values);
        codec_clear (&got_schema, &got);
    }
}

/*  One page of a partition's keys; notes each in `listed`. The next page's `after`, owned; empty at the end. */
static bytes_t s_list_page (sim_t *sim, uint32_t partition, bytes_t after, uint32_t *listed)
{
    wish_t wish = {.op = OP_KEYS, .partition = partition, .after = after, .limit = 2};
    listed_t page;
    bytes_t next = {0};
    if (!examiner_ask (sim, &wish) || codec_decode (&listed_schema, sim->answer, &page, NULL) != 0)
        return next;
    for (size_t i = 0; i < page.keys.count; i++)
        for (uint32_t key = 0; key < sim->plan.keys_count; key++) {
            char text[32];
            if (bytes_equal (page.keys.items[i].bytes, client_key (key, text, sizeof text)))
                listed[key]++;
        }
    /* A bin of up to 1024 bytes, or nil: two bytes of header, or three. */
    if (page.next.size > 2 && page.next.data[0] == 0xc4)
        next = bytes_copy (page.next.data + 2, page.next.size - 2);
    codec_clear (&listed_schema, &page);
    return next;
}

/*  All partitions, page by page, name each live key once and no other. */
static void s_check_listing (sim_t *sim, const size_t *live)
{
    uint32_t *listed = memory_new (sim->plan.keys_count, sizeof *listed);
    for (uint32_t p = 0; p < sim->plan.settings.partitions && !sim->failed; p++) {
        bytes_t after = {0};
        uint32_t pages = 0;
        do {
            bytes_t next = s_list_page (sim, p, after, listed);
            bytes_clear (&after);
            after = next;
        } while (after.size > 0 && !sim->failed && pages++ <= sim->plan.keys_count);
        bytes_clear (&after);
    }
    for (uint32_t key = 0; key < sim->plan.keys_count; key++)
        if (listed[key] != (live[key] > 0))
            sim_fail (sim, "listing", "`keys` lists key-%u %u times, which has %zu values", key,
                      listed[key], live[key]);
    free (listed);
}

/*  The longest that a pause which has begun may still take. */
static uint64_t s_longest_us (const sim_t *sim)
{
    return sim->plan.length_us[FAULT_PAUSE];
}

void finale_run (sim_t *sim)
{
    size_t *live = memory_new (sim->plan.keys_count, sizeof *live);
    faults_heal (sim);
    sim_pass (sim, sim->now_us + SETTLE_US + s_longest_us (sim), false);
    examiner_await_peace (sim);
    replicas_check_delivered (sim);
    for (int i = 0; i < ROUNDS && !sim->failed; i++) {
        s_read_all (sim, live);
        sim_pass (sim, sim->now_us + 3000000, false);
    }
    if (!sim->failed)
        replicas_check (sim);
    if (!sim->failed)
        s_check_listing (sim, live);
    for (uint32_t key = 0; key < sim->plan.keys_count; key++)
        sim->score.siblings += live[key] > 1 ? live[key] - 1 : 0;
    free (live);
}
