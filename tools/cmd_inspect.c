/*  cmd_inspect.c - `cartwheel inspect KEY`: each replica's state, side by side. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "messages/codec.h"
#include "messages/memory.h"
#include "print.h"

/*  A field that is nil where the replica did not say: its JSON, or "?". A digest is a few bytes, shown in hex. */
static char *s_said (bytes_t raw)
{
    if (raw.size == 0 || raw.data[0] == 0xc0)
        return memory_string ("?");
    if (raw.data[0] == 0xc4 && raw.size >= 2) {
        char *text = memory_new (raw.size, 2);
        for (size_t i = 2; i < raw.size; i++)
            snprintf (text + 2 * (i - 2), 3, "%02x", raw.data[i]);
        return text;
    }
    json_t *json = print_json (raw);
    char *text = json_dumps (json, JSON_ENCODE_ANY);
    json_decref (json);
    return text ? text : memory_string ("?");
}

/*  What the replicas are together. Hints are on their way to an owner, so what they hold needs not be what owners hold. */
typedef struct {
    size_t owners;
    size_t silent; /* owners that did not say */
    size_t hints;
    bool differ;
} summary_t;

static summary_t s_sum_up (const inspected_t *inspected)
{
    summary_t sum = {0};
    bytes_t first = bytes_view (NULL, 0);
    for (size_t i = 0; i < inspected->replicas.count; i++) {
        const holding_t *holding = &inspected->replicas.items[i];
        bytes_t digest = holding->digest;
        if (!bytes_equal (holding->role, bytes_text ("owner"))) {
            sum.hints++;
            continue;
        }
        sum.owners++;
        if (digest.size == 0 || digest.data[0] == 0xc0)
            sum.silent++;
        else if (first.size && !bytes_equal (first, digest))
            sum.differ = true;
        else
            first = digest;
    }
    return sum;
}

static void s_print_summary (const inspected_t *inspected)
{
    summary_t sum = s_sum_up (inspected);
    printf ("partition %" PRIu32 ", %zu owner%s", inspected->partition, sum.owners,
            sum.owners == 1 ? "" : "s");
    if (sum.silent == sum.owners)
        fputs (", none answered", stdout);
    else if (sum.silent)
        printf (", those that answered %s, %zu did not", sum.differ ? "DIFFER" : "agree",
                sum.silent);
    else if (sum.owners > 1)
        fputs (sum.differ ? ", they DIFFER" : ", they agree", stdout);
    if (sum.hints)
        printf (", %zu hint%s to be delivered", sum.hints, sum.hints == 1 ? " waits" : "s wait");
    putchar ('\n');
}

static void s_print (const inspected_t *inspected)
{
    static const char *const titles[] = {">SLOT",   "NODE",   "ROLE",      "REACHABLE", "DIGEST",
                                         ">VALUES", ">BYTES", "TOMBSTONE", NULL};
    table_t table;
    table_init (&table, titles);
    for (size_t i = 0; i < inspected->replicas.count; i++) {
        const holding_t *holding = &inspected->replicas.items[i];
        table_add (&table, print_format ("%" PRIu32, holding->slot));
        table_add (&table, print_text (holding->node, false));
        table_add (&table, print_text (holding->role, false));
        table_add (&table, memory_string (holding->reachable ? "yes" : "no"));
        table_add (&table, s_said (holding->digest));
        table_add (&table, s_said (holding->values));
        table_add (&table, s_said (holding->bytes));
        table_add (&table, s_said (holding->tombstone));
    }
    s_print_summary (inspected);
    table_print (&table, stdout);
    table_clear (&table);
}

static command_exit_t s_run (const options_t *options, cw_client_t *client)
{
    const char *key = options->arguments[0];
    cw_reply_t reply = {0};
    cw_status_t status = cw_inspect (client, key, strlen (key), &reply);
    command_exit_t result = COMMAND_DONE;
    bytes_t bytes = bytes_view (reply.data, reply.size);
    inspected_t inspected;
    const char *why = NULL;
    if (status != CW_OK)
        result = command_fail (client, status);
    else if (codec_decode (&inspected_schema, bytes, &inspected, &why))
        result = command_fail_reply (why);
    else {
        if (options->json)
            print_json_reply (bytes, NULL);
        else
            s_print (&inspected);
        codec_clear (&inspected_schema, &inspected);
    }
    cw_reply_clear (&reply);
    return result;
}

const command_t command_inspect = {
    .name = "inspect",
    .synopsis = "KEY",
    .summary = "Shows a key's replicas side by side",
    .help =
        "Its partition, its owners and whoever holds a hint for one of them, with the digest of "
        "each replica's state:\n"
        "equal digests mean equal states. What a replica that cannot be reached would say is `?`. "
        "A hint is not meant\n"
        "to equal the owners: it is what its owner has missed.\n"
        "\n"
        "Example:\n"
        "  cartwheel inspect cart\n",
    .least = 1,
    .most = 1,
    .json = true,
    .run = s_run,
};
