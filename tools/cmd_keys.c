/*  cmd_keys.c - `cartwheel keys [--prefix P]`: each partition, page by page, so that memory stays small. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "messages/codec.h"
#include "print.h"

typedef struct {
    const options_t *options;
    cw_client_t *client;
    bool begun; /* something was printed */
} walk_t;

static void s_print (walk_t *walk, cw_bytes_t key)
{
    const char *prefix = walk->options->prefix;
    size_t size = prefix ? strlen (prefix) : 0;
    if (key.size < size || (size && memcmp (key.data, prefix, size)))
        return;
    bytes_t run = bytes_view (key.data, key.size);
    if (walk->options->json) {
        char *text = print_text (run, true);
        json_t *string = json_string (text);
        fputs (walk->begun ? ",\n" : "[\n", stdout);
        json_dumpf (string, stdout, JSON_ENCODE_ANY);
        json_decref (string);
        free (text);
    } else {
        print_escaped (stdout, run, false);
        putchar ('\n');
    }
    walk->begun = true;
}

static cw_status_t s_walk_partition (walk_t *walk, uint32_t partition)
{
    cw_page_t page = {0};
    cw_status_t status;
    do {
        status = cw_keys (walk->client, partition, page.next, 0, &page);
        for (size_t i = 0; i < page.count; i++)
            s_print (walk, page.keys[i]);
    } while (status == CW_OK && page.next.size && !ferror (stdout));
    cw_page_clear (&page);
    return status;
}

/*  How many partitions the cluster has; 0 in *partitions for a reply without the number. */
static cw_status_t s_count_partitions (cw_client_t *client, uint32_t *partitions)
{
    cw_reply_t reply = {0};
    cw_status_t status = cw_ring (client, &reply);
    rings_t rings;
    *partitions = 0;
    if (status == CW_OK &&
        codec_decode (&rings_schema, bytes_view (reply.data, reply.size), &rings, NULL) == 0) {
        *partitions = rings.partitions;
        codec_clear (&rings_schema, &rings);
    }
    cw_reply_clear (&reply);
    return status;
}

static command_exit_t s_run (const options_t *options, cw_client_t *client)
{
    uint32_t partitions;
    cw_status_t status = s_count_partitions (client, &partitions);
    if (status == CW_OK && !partitions)
        return command_fail_reply ("a ring without partitions");
    walk_t walk = {.options = options, .client = client};
    for (uint32_t i = 0; i < partitions && status == CW_OK && !ferror (stdout); i++)
        status = s_walk_partition (&walk, i);
    if (status != CW_OK) {
        if (walk.begun)
            command_say ("the list is not complete");
        /* A JSON list stays open, so that nobody takes it for whole. */
        return command_fail (client, status);
    }
    if (options->json)
        puts (walk.begun ? "\n]" : "[]");
    return COMMAND_DONE;
}

const command_t command_keys = {
    .name = "keys",
    .synopsis = "[--prefix P]",
    .summary = "Lists every key of the cluster once",
    .help = "One key a line, in no order; with --prefix only those that begin with P. Bytes "
            "outside printable ASCII stand\n"
            "as \\xNN, and a backslash as itself; --json writes it as \\x5c, which can be turned "
            "back for certain.\n"
            "\n"
            "Example:\n"
            "  cartwheel keys --prefix cart/ | wc -l\n",
    .least = 0,
    .most = 0,
    .json = true,
    .run = s_run,
};
