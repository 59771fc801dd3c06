/*  replicas.c - see replicas.h. */
#include "replicas.h"

#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "core/hash.h"
#include "messages/memory.h"
#include "standin.h"
#include "store/record.h"

/*  One node's copy of one key. */
typedef struct {
    bytes_t key; /* of the record, a view into its node's store */
    uint64_t hash;
    size_t node;
} copy_t;

typedef struct {
    sim_t *sim;
    size_t node;
    copy_t *items;
    size_t count;
    size_t capacity;
} copies_t;

/*  Where one owner alone makes a key's versions, a put_id makes no second one while the first is live. */
static void s_check_twins (sim_t *sim, size_t node, bytes_t state)
{
    object_t object;
    bool single = sim->plan.settings.n == 1 || sim->plan.nodes_count == 1;
    if (!single || codec_decode (&object_schema, state, &object, NULL) != 0)
        return;
    for (size_t i = 0; i < object.siblings.count; i++)
        for (size_t k = 0; k < i; k++) {
            bytes_t a = object.siblings.items[i].put_id, b = object.siblings.items[k].put_id;
            if (a.size > 0 && bytes_equal (a, b))
                sim_fail (sim, "twins", "node%zu holds two versions that one put_id made",
                          node + 1);
        }
    codec_clear (&object_schema, &object);
}

static bool s_visit (void *argument, bytes_t key, bytes_t value)
{
    copies_t *copies = argument;
    stored_t record;
    const char *why = "";
    if (key.size <= RECORD_KEY_PREFIX_BYTES || record_decode (value, &record, &why) != 0) {
        sim_fail (copies->sim, "equal-replicas", "node%zu holds a damaged record: %s",
                  copies->node + 1, why);
        return false;
    }
    if (hash_bytes (record.object) != record.hash) {
        sim_fail (copies->sim, "equal-replicas",
                  "node%zu holds a record whose hash is another state's", copies->node + 1);
        return false;
    }
    s_check_twins (copies->sim, copies->node, record.object);
    if (copies->count == copies->capacity) {
        copies->capacity = copies->capacity ? copies->capacity * 2 : 64;
        copies->items = memory_resize (copies->items, copies->capacity, sizeof *copies->items);
    }
    copies->items[copies->count++] =
        (copy_t){.key = bytes_copy (key.data, key.size), .hash = record.hash, .node = copies->node};
    return true;
}

static int s_compare (const void *a, const void *b)
{
    const copy_t *left = a, *right = b;
    int order = bytes_compare (left->key, right->key);
    if (order != 0)
        return order;
    return left->node < right->node ? -1 : left->node > right->node;
}

/*  The copies of one key, `count` of them, against its owners. */
static void s_check_key (sim_t *sim, const copy_t *copies, size_t count)
{
    uint32_t partition = (uint32_t) copies->key.data[0] << 8 | copies->key.data[1];
    int size = (int) (copies->key.size - RECORD_KEY_PREFIX_BYTES);
    const char *name = (const char *) copies->key.data + RECORD_KEY_PREFIX_BYTES;
    size_t owners = 0;
    for (uint32_t s = 0; s < sim->plan.settings.n; s++) {
        const node_t *owner = standin_owner (sim, partition, s);
        bool holds = false;
        for (size_t i = 0; owner && i < count; i++)
            holds = holds || copies[i].node == owner->index;
        if (owner && !holds)
            sim_fail (sim, "equal-replicas", "node%zu owns %.*s and holds no state of it",
                      owner->index + 1, size, name);
        owners += owner != NULL;
    }
    if (count != owners)
        sim_fail (sim, "equal-replicas", "%zu nodes hold %.*s, which has %zu owners", count, size,
                  name, owners);
    for (size_t i = 1; i < count; i++)
        if (copies[i].hash != copies[0].hash)
            sim_fail (sim, "equal-replicas", "node%zu and node%zu hold different states of %.*s",
                      copies[0].node + 1, copies[i].node + 1, size, name);
}

void replicas_check (sim_t *sim)
{
    copies_t copies = {.sim = sim};
    for (size_t i = 0; i < sim->plan.nodes_count; i++) {
        copies.node = i;
        if (store_scan (sim->nodes[i].store, STORE_DATA, (bytes_t){0}, (bytes_t){0}, 0, s_visit,
                        &copies) != STORE_OK)
            sim_fail (sim, "equal-replicas", "the store of node%zu cannot be read", i + 1);
    }
    if (copies.count > 0)
        qsort (copies.items, copies.count, sizeof *copies.items, s_compare);
    for (size_t first = 0, end; first < copies.count && !sim->failed; first = end) {
        for (end = first + 1; end < copies.count; end++)
            if (!bytes_equal (copies.items[first].key, copies.items[end].key))
                break;
        s_check_key (sim, &copies.items[first], end - first);
        sim->score.checked++;
    }
    for (size_t i = 0; i < copies.count; i++)
        bytes_clear (&copies.items[i].key);
    free (copies.items);
}

/* ---- at an acknowledgement ---- */

typedef struct {
    const change_t *change;
    bool found;
} search_t;

static bool s_search (void *argument, bytes_t key, bytes_t value)
{
    search_t *search = argument;
    stored_t record;
    object_t object;
    char text[32];
    bytes_t wanted = client_key (search->change->key, text, sizeof text);
    if (key.size != wanted.size + RECORD_KEY_PREFIX_BYTES ||
        memcmp (key.data + RECORD_KEY_PREFIX_BYTES, wanted.data, wanted.size) != 0 ||
        record_decode (value, &record, NULL) != 0 ||
        codec_decode (&object_schema, record.object, &object, NULL) != 0)
        return true;
    for (size_t i = 0; i < object.siblings.count; i++)
        if (bytes_equal (object.siblings.items[i].value, search->change->value))
            search->found = true;
    codec_clear (&object_schema, &object);
    return false;
}

/*  What the disk below each node holds at this moment, as a backup would find it. */
void replicas_check_durable (sim_t *sim, uint32_t index)
{
    const change_t *change = &sim->history.changes[index];
    uint32_t holders = 0;
    history_touch (&sim->history);
    if (sim->plan.settings.durability != DURABILITY_BATCH || change->remove ||
        set_has (sim->history.touched, index))
        return;
    for (size_t i = 0; i < sim->plan.nodes_count; i++) {
        search_t search = {.change = change};
        store_t *disk = memory_store_backup (sim->nodes[i].store);
        store_scan (disk, STORE_DATA, (bytes_t){0}, (bytes_t){0}, 0, s_search, &search);
        store_destroy (&disk);
        holders += search.found;
    }
    if (holders < change->w)
        sim_fail (sim, "durable",
                  "put %u of key-%u was answered ok with w=%u, and %u disks have it", index,
                  change->key, change->w, holders);
}
