/*  cmd_ring.c - `cartwheel ring`: slots a node, how well they are balanced, and how replicas spread over zones. */
#include <inttypes.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "messages/codec.h"
#include "messages/memory.h"
#include "print.h"

typedef struct {
    const rings_t *rings;
    uint64_t *slots;  /* of each node */
    uint64_t total;   /* slots that have an owner */
    uint64_t vacant;  /* and that have none */
    uint64_t crowded; /* partitions with two replicas in one named zone */
    double weight;    /* of all nodes */
} tally_ring_t;

static bool s_same_zone (const rings_t *rings, uint64_t a, uint64_t b)
{
    bytes_t zone = rings->nodes.items[a].zone;
    return zone.size && bytes_equal (zone, rings->nodes.items[b].zone);
}

/*  One partition's owners, indexes into the nodes. -1 for anything else. */
static int s_count_partition (tally_ring_t *tally, const msgpack_object *owners)
{
    if (owners->type != MSGPACK_OBJECT_ARRAY || owners->via.array.size > LIMIT_N)
        return -1;
    bool crowded = false;
    const msgpack_object_array *list = &owners->via.array;
    for (uint32_t i = 0; i < list->size; i++) {
        if (list->ptr[i].type != MSGPACK_OBJECT_POSITIVE_INTEGER ||
            list->ptr[i].via.u64 >= tally->rings->nodes.count)
            return -1;
        tally->slots[list->ptr[i].via.u64]++;
        tally->total++;
        for (uint32_t j = 0; j < i; j++)
            crowded |= s_same_zone (tally->rings, list->ptr[i].via.u64, list->ptr[j].via.u64);
    }
    tally->crowded += crowded;
    if (list->size < tally->rings->n)
        tally->vacant += tally->rings->n - list->size;
    return 0;
}

/*  Counts the slots. -1 when `owners` is not what the contract says. The reply was checked by the client library, so
 *  that msgpack-c may see it. */
static int s_count (tally_ring_t *tally)
{
    const rings_t *rings = tally->rings;
    tally->slots = memory_new (rings->nodes.count, sizeof *tally->slots);
    for (size_t i = 0; i < rings->nodes.count; i++)
        tally->weight += rings->nodes.items[i].weight;
    msgpack_unpacked unpacked;
    msgpack_unpacked_init (&unpacked);
    int rc = -1;
    if (msgpack_unpack_next (&unpacked, (const char *) rings->owners.data, rings->owners.size,
                             NULL) == MSGPACK_UNPACK_SUCCESS &&
        unpacked.data.type == MSGPACK_OBJECT_ARRAY) {
        rc = 0;
        for (uint32_t i = 0; i < unpacked.data.via.array.size && !rc; i++)
            rc = s_count_partition (tally, &unpacked.data.via.array.ptr[i]);
    }
    msgpack_unpacked_destroy (&unpacked);
    return rc;
}

static double s_fair (const tally_ring_t *tally, size_t node)
{
    if (tally->weight <= 0)
        return 0;
    return (double) tally->total * tally->rings->nodes.items[node].weight / tally->weight;
}

static int s_by_name (const void *left, const void *right)
{
    return bytes_compare ((*(const peer_t *const *) left)->name,
                          (*(const peer_t *const *) right)->name);
}

/*  The nodes by name; the caller frees the list. What is counted stays at the node's index. */
static const peer_t **s_sort (const rings_t *rings)
{
    const peer_t **sorted = memory_new (rings->nodes.count + 1, sizeof *sorted);
    for (size_t i = 0; i < rings->nodes.count; i++)
        sorted[i] = &rings->nodes.items[i];
    qsort (sorted, rings->nodes.count, sizeof *sorted, s_by_name);
    return sorted;
}

static void s_print_nodes (const tally_ring_t *tally)
{
    static const char *const titles[] = {"NODE",   "ZONE",  ">WEIGHT", "STATE",
                                         ">SLOTS", ">FAIR", "CLIENT",  NULL};
    table_t table;
    table_init (&table, titles);
    double fullest = 0;
    const peer_t **sorted = s_sort (tally->rings);
    for (size_t at = 0; at < tally->rings->nodes.count; at++) {
        const peer_t *node = sorted[at];
        size_t i = (size_t) (node - tally->rings->nodes.items);
        double fair = s_fair (tally, i);
        if (fair > 0 && (double) tally->slots[i] / fair > fullest)
            fullest = (double) tally->slots[i] / fair;
        table_add (&table, print_text (node->name, false));
        table_add (&table, node->zone.size ? print_text (node->zone, false) : memory_string ("-"));
        table_add (&table, print_format ("%.4g", node->weight));
        table_add (&table, print_text (node->state, false));
        table_add (&table, print_format ("%" PRIu64, tally->slots[i]));
        table_add (&table, print_format ("%.1f", fair));
        table_add (&table, print_text (node->client, false));
    }
    free (sorted);
    table_print (&table, stdout);
    table_clear (&table);
    printf ("\nbalance: the fullest node has %.2f times its fair share\n", fullest);
}

/*  Each zone once, with its nodes and slots. */
static void s_print_zones (const tally_ring_t *tally)
{
    const rings_t *rings = tally->rings;
    for (size_t i = 0; i < rings->nodes.count; i++) {
        bytes_t zone = rings->nodes.items[i].zone;
        size_t first = 0;
        while (!bytes_equal (rings->nodes.items[first].zone, zone))
            first++;
        if (first < i)
            continue;
        size_t nodes = 0;
        uint64_t slots = 0;
        for (size_t j = i; j < rings->nodes.count; j++)
            if (bytes_equal (rings->nodes.items[j].zone, zone)) {
                nodes++;
                slots += tally->slots[j];
            }
        char *name = zone.size ? print_text (zone, false) : memory_string ("(none)");
        printf ("zone %s: %zu node%s, %" PRIu64 " slots\n", name, nodes, nodes == 1 ? "" : "s",
                slots);
        free (name);
    }
    if (tally->crowded)
        printf ("%" PRIu64 " partitions have two replicas in one zone\n", tally->crowded);
}

static command_exit_t s_print (const rings_t *rings)
{
    tally_ring_t tally = {.rings = rings};
    if (s_count (&tally)) {
        free (tally.slots);
        return command_fail_reply ("owners that are not indexes into nodes");
    }
    char *cluster = print_text (rings->cluster, false);
    printf ("cluster %s, ring version %" PRIu64 ": %" PRIu32 " partitions, n = %" PRIu32
            ", r = %" PRIu32 ", w = %" PRIu32 ", %" PRIu64 " slots, %" PRIu64 " of them vacant\n\n",
            cluster, rings->version, rings->partitions, rings->n, rings->r, rings->w,
            tally.total + tally.vacant, tally.vacant);
    free (cluster);
    s_print_nodes (&tally);
    s_print_zones (&tally);
    free (tally.slots);
    return COMMAND_DONE;
}

static command_exit_t s_run (const options_t *options, cw_client_t *client)
{
    cw_reply_t reply = {0};
    cw_status_t status = cw_ring (client, &reply);
    command_exit_t result = COMMAND_DONE;
    bytes_t bytes = bytes_view (reply.data, reply.size);
    rings_t rings;
    const char *why = NULL;
    if (status != CW_OK)
        result = command_fail (client, status);
    else if (codec_decode (&rings_schema, bytes, &rings, &why))
        result = command_fail_reply (why);
    else {
        if (options->json)
            print_json_reply (bytes, NULL);
        else
            result = s_print (&rings);
        codec_clear (&rings_schema, &rings);
    }
    cw_reply_clear (&reply);
    return result;
}

const command_t command_ring = {
    .name = "ring",
    .synopsis = "",
    .summary = "Shows slots a node, balance and zones",
    .help = "Each partition has n slots, and each slot an owner. FAIR is what a node's weight "
            "entitles it to. The JSON\n"
            "form has the owners of each partition.\n"
            "\n"
            "Example:\n"
            "  cartwheel ring --json\n",
    .least = 0,
    .most = 0,
    .json = true,
    .run = s_run,
};
