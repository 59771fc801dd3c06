/*  cmd_status.c - `cartwheel status`: one sentence of health, then the members. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "messages/codec.h"
#include "messages/memory.h"
#include "print.h"

static bool s_counts (const fellow_t *fellow)
{
    return !bytes_equal (fellow->state, bytes_text ("left")) &&
           !bytes_equal (fellow->state, bytes_text ("removed"));
}

/*  How many members count, and how many of them are reached; the others' names, "node2, node3", in `missing`, which
 *  the caller frees. */
static void s_count (const condition_t *condition, size_t *members, size_t *reached, char **missing)
{
    *members = 0;
    *reached = 0;
    *missing = memory_string ("");
    for (size_t i = 0; i < condition->members.count; i++) {
        const fellow_t *fellow = &condition->members.items[i];
        if (!s_counts (fellow))
            continue;
        ++*members;
        if (fellow->reachable) {
            ++*reached;
            continue;
        }
        char *name = print_text (fellow->name, false);
        char *longer = print_format ("%s%s%s", *missing, **missing ? ", " : "", name);
        free (name);
        free (*missing);
        *missing = longer;
    }
}

/*  The worst thing first; the caller frees it. */
static char *s_health (const condition_t *condition)
{
    size_t members;
    size_t reached;
    char *missing;
    s_count (condition, &members, &reached, &missing);
    char *cluster = print_text (condition->cluster, false);
    char *node = print_text (condition->node, false);
    char *sentence;
    if (!condition->ready && !members)
        sentence = print_format ("not ready: %s is no member of cluster %s yet", node, cluster);
    else if (!condition->ready)
        sentence = print_format (
            "not ready: %s of cluster %s does not serve all its slots yet, or has not "
            "heard from each member (%zu of %zu nodes reachable)",
            node, cluster, reached, members);
    else if (reached < members)
        sentence = print_format ("degraded: %s reaches %zu of %zu nodes of cluster %s, not %s; "
                                 "%" PRIu64 " hints wait here for others",
                                 node, reached, members, cluster, missing, condition->hints);
    else if (condition->transfers.count)
        sentence =
            print_format ("moving: cluster %s, all %zu nodes reachable, %zu slots on the move",
                          cluster, members, condition->transfers.count);
    else if (condition->hints)
        sentence = print_format ("catching up: cluster %s, all %zu nodes reachable, %" PRIu64
                                 " hints still to be delivered",
                                 cluster, members, condition->hints);
    else
        sentence = print_format ("healthy: cluster %s, %zu of %zu nodes reachable, nothing waits",
                                 cluster, reached, members);
    free (missing);
    free (cluster);
    free (node);
    return sentence;
}

static int s_by_name (const void *left, const void *right)
{
    return bytes_compare (((const fellow_t *) left)->name, ((const fellow_t *) right)->name);
}

static void s_print_members (const condition_t *condition)
{
    static const char *const titles[] = {"NODE",    "STATE",  "REACHABLE", "ZONE",
                                         ">WEIGHT", ">SLOTS", "CLIENT",    NULL};
    table_t table;
    table_init (&table, titles);
    for (size_t i = 0; i < condition->members.count; i++) {
        const fellow_t *fellow = &condition->members.items[i];
        table_add (&table, print_text (fellow->name, false));
        table_add (&table, print_text (fellow->state, false));
        table_add (&table, memory_string (fellow->reachable ? "yes" : "no"));
        table_add (&table,
                   fellow->zone.size ? print_text (fellow->zone, false) : memory_string ("-"));
        table_add (&table, print_format ("%.4g", fellow->weight));
        table_add (&table, print_format ("%" PRIu64, fellow->slots));
        table_add (&table, print_text (fellow->client, false));
    }
    table_print (&table, stdout);
    table_clear (&table);
}

static void s_print_transfers (const condition_t *condition)
{
    static const char *const titles[] = {">PARTITION", ">SLOT", "FROM",   "TO",
                                         "PHASE",      ">DONE", ">TOTAL", NULL};
    table_t table;
    table_init (&table, titles);
    for (size_t i = 0; i < condition->transfers.count; i++) {
        const transfer_t *transfer = &condition->transfers.items[i];
        table_add (&table, print_format ("%" PRIu32, transfer->partition));
        table_add (&table, print_format ("%" PRIu32, transfer->slot));
        table_add (&table, print_text (transfer->from, false));
        table_add (&table, print_text (transfer->to, false));
        table_add (&table, print_text (transfer->phase, false));
        table_add (&table, print_format ("%" PRIu64, transfer->done));
        table_add (&table, print_format ("%" PRIu64, transfer->total));
    }
    putchar ('\n');
    table_print (&table, stdout);
    table_clear (&table);
}

static void s_print (condition_t *condition, const char *health)
{
    if (condition->members.count)
        qsort (condition->members.items, condition->members.count, sizeof (fellow_t), s_by_name);
    printf ("%s\n", health);
    fputs ("as ", stdout);
    print_escaped (stdout, condition->node, false);
    printf (" sees it: up for %" PRIu64 " s, ring version %" PRIu64 ", about %" PRIu64
            " keys here, %" PRIu64 " hints for others, %zu transfers\n\n",
            condition->uptime, condition->version, condition->keys, condition->hints,
            condition->transfers.count);
    s_print_members (condition);
    if (condition->transfers.count)
        s_print_transfers (condition);
}

static command_exit_t s_run (const options_t *options, cw_client_t *client)
{
    cw_reply_t reply = {0};
    cw_status_t status = cw_status (client, &reply);
    command_exit_t result = COMMAND_DONE;
    bytes_t bytes = bytes_view (reply.data, reply.size);
    condition_t condition;
    const char *why = NULL;
    if (status != CW_OK)
        result = command_fail (client, status);
    else if (codec_decode (&condition_schema, bytes, &condition, &why))
        result = command_fail_reply (why);
    else {
        char *health = s_health (&condition);
        if (options->json)
            print_json_reply (bytes, health);
        else
            s_print (&condition, health);
        free (health);
        codec_clear (&condition_schema, &condition);
    }
    cw_reply_clear (&reply);
    return result;
}

const command_t command_status = {
    .name = "status",
    .synopsis = "",
    .summary = "Says how the cluster is, as one node sees it",
    .help = "One sentence of health first, then the members: who is reachable, slots, hints and "
            "transfers. The JSON\n"
            "form is the node's reply with the sentence as `health`; wait for its `ready` in a "
            "start-up script.\n"
            "\n"
            "Example:\n"
            "  cartwheel --node tcp://127.0.0.1:7201 status\n",
    .least = 0,
    .most = 0,
    .json = true,
    .run = s_run,
};
