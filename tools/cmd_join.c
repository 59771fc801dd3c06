/*  cmd_join.c - `cartwheel join [SEED]`: the node asks to become a member; follows that until the node is ready. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "messages/codec.h"
#include "print.h"

#define JOIN_LOOK_MS 200
#define JOIN_BAR_COLUMNS 30

typedef struct {
    bool terminal;
    bool shown;
    bool ready;
} watch_t;

static bool s_is_up (const condition_t *condition)
{
    for (size_t i = 0; i < condition->members.count; i++) {
        const fellow_t *fellow = &condition->members.items[i];
        if (bytes_equal (fellow->name, condition->node))
            return bytes_equal (fellow->state, bytes_text ("up"));
    }
    return false;
}

/*  A bar of the keys that have moved; on a terminal only, where it can be written over. */
static void s_show (watch_t *watch, const condition_t *condition)
{
    uint64_t done = 0;
    uint64_t total = 0;
    for (size_t i = 0; i < condition->transfers.count; i++) {
        done += condition->transfers.items[i].done;
        total += condition->transfers.items[i].total;
    }
    if (!watch->terminal)
        return;
    char bar[JOIN_BAR_COLUMNS + 1];
    size_t full = total && done <= total ? (size_t) (JOIN_BAR_COLUMNS * done / total) : 0;
    memset (bar, '#', full);
    memset (bar + full, '.', JOIN_BAR_COLUMNS - full);
    bar[JOIN_BAR_COLUMNS] = 0;
    fprintf (stderr, "\rjoining [%s] %zu slots on the move, ring version %" PRIu64 "   ", bar,
             condition->transfers.count, condition->version);
    watch->shown = true;
}

/*  One look at the node. */
static command_exit_t s_look (watch_t *watch, cw_client_t *client)
{
    cw_reply_t reply = {0};
    condition_t condition;
    const char *why = NULL;
    command_exit_t result = COMMAND_DONE;
    cw_status_t status = cw_status (client, &reply);
    if (status != CW_OK)
        result = command_fail (client, status);
    else if (codec_decode (&condition_schema, bytes_view (reply.data, reply.size), &condition,
                           &why))
        result = command_fail_reply (why);
    else {
        watch->ready = condition.ready && s_is_up (&condition) && condition.transfers.count == 0;
        s_show (watch, &condition);
        if (watch->ready) {
            if (watch->shown)
                fputc ('\n', stderr);
            print_escaped (stdout, condition.node, false);
            fputs (" is a member of ", stdout);
            print_escaped (stdout, condition.cluster, false);
            printf (", one of %zu\n", condition.members.count);
        }
        codec_clear (&condition_schema, &condition);
    }
    cw_reply_clear (&reply);
    return result;
}

static command_exit_t s_run (const options_t *options, cw_client_t *client)
{
    cw_reply_t reply = {0};
    cw_status_t status = cw_join (client, options->count ? options->arguments[0] : NULL, &reply);
    cw_reply_clear (&reply);
    if (status != CW_OK)
        return command_fail (client, status);
    watch_t watch = {.terminal = isatty (STDERR_FILENO) == 1};
    for (;;) {
        command_exit_t result = s_look (&watch, client);
        if (result != COMMAND_DONE || watch.ready)
            return result;
        nanosleep (&(struct timespec){.tv_nsec = JOIN_LOOK_MS * 1000000L}, NULL);
    }
}

const command_t command_join = {
    .name = "join",
    .synopsis = "[SEED]",
    .summary = "Has a node become a member of a cluster",
    .help = "For a node that was started with cluster/join = manual. It asks the member whose "
            "gossip endpoint is SEED, or\n"
            "else its own cluster/seeds; then this follows it until it is up and ready. It acts "
            "on the one node that it\n"
            "reaches, so it takes one --node. Asked again it is fine too.\n"
            "\n"
            "Example:\n"
            "  cartwheel --node tcp://127.0.0.1:7401 join tcp://127.0.0.1:7103\n",
    .least = 0,
    .most = 1,
    .single = true,
    .run = s_run,
};
