/*  replicas.c - see replicas.h. */
#include "replicas.h"

#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "core/hash.h"
#include "core/ring.h"
#include "messages/memory.h"
#include "store/record.h"
#include "witness.h"

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

static uint32_t s_partition (const sim_t *sim, uint32_t key)
{
    char text[32];
    return ring_partition (sim->plan.settings.partitions,
                           hash_bytes (client_key (key, text, sizeof text)));
}

static bool s_owns (sim_t *sim, uint32_t key, const node_t *node)
{
    for (uint32_t s = 0; s < sim->plan.settings.n; s++)
        if (witness_owner (sim, s_partition (sim, key), s) == node)
            return true;
    return false;
}

/*  Whether the put may have made two versions that are both live: where it was minted on two nodes; and where a minter that
 *  was killed has lost one which another replica got. */
static bool s_may_have_twins (const sim_t *sim, uint32_t put)
{
    bool replicated = sim->plan.settings.n > 1 && sim->plan.nodes_count > 1;
    const change_t *change = &sim->history.changes[put];
    return change->scattered || (replicated && change->twin);
}

/*  Otherwise a put_id makes no second version while the first is live. */
static void s_check_twins (sim_t *sim, size_t node, bytes_t state)
{
    object_t object;
    if (codec_decode (&object_schema, state, &object, NULL) != 0)
        return;
    for (size_t i = 0; i < object.siblings.count; i++)
        for (size_t k = 0; k < i; k++) {
            bytes_t a = object.siblings.items[i].put_id, b = object.siblings.items[k].put_id;
            if (a.size == 0 || !bytes_equal (a, b))
                continue;
            uint32_t put = history_put (&sim->history, object.siblings.items[i].value);
            if (put == NO_CHANGE || !s_may_have_twins (sim, put))
                sim_fail (sim, "twins", "node%zu holds two versions that the put_id of put %d made",
                          node + 1, (int) put);
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
        const node_t *owner = witness_owner (sim, partition, s);
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

/* ---- without a read ---- */

typedef struct {
    const history_t *history;
    uint64_t *found; /* the puts that one node holds, as a set */
} inventory_t;

static bool s_take_stock (void *argument, bytes_t key, bytes_t value)
{
    const inventory_t *inventory = argument;
    stored_t record;
    object_t object;
    (void) key;
    if (record_decode (value, &record, NULL) != 0 ||
        codec_decode (&object_schema, record.object, &object, NULL) != 0)
        return true;
    for (size_t i = 0; i < object.siblings.count; i++) {
        uint32_t put = history_put (inventory->history, object.siblings.items[i].value);
        if (put != NO_CHANGE)
            set_add (inventory->found, put);
    }
    codec_clear (&object_schema, &object);
    return true;
}

/*  Whether nothing has happened that may keep a coordinator from leaving a hint where it got no answer. */
static bool s_all_hinted (const sim_t *sim)
{
    const fault_t lossy[] = {FAULT_KILL, FAULT_POWER, FAULT_BROKEN_DISK, FAULT_FULL_DISK,
                             FAULT_OVERFLOW};
    for (size_t i = 0; i < sizeof lossy / sizeof lossy[0]; i++)
        if (sim->plan.on[lossy[i]])
            return false;
    return sim->plan.settings.hints_bytes > 1000000;
}

void replicas_check_delivered (sim_t *sim)
{
    const history_t *history = &sim->history;
    for (size_t node = 0; s_all_hinted (sim) && node < sim->plan.nodes_count; node++) {
        inventory_t inventory = {.history = history, .found = set_new (history)};
        store_scan (sim->nodes[node].store, STORE_DATA, (bytes_t){0}, (bytes_t){0}, 0, s_take_stock,
                    &inventory);
        history_touch (&sim->history);
        for (uint32_t i = 0; i < history->changes_count; i++) {
            const change_t *change = &history->changes[i];
            if (!change->remove && change->acked_us > 0 && !set_has (history->touched, i) &&
                !set_has (inventory.found, i) && s_owns (sim, change->key, &sim->nodes[node]))
                sim_fail (sim, "delivered",
                          "put %u of key-%u was acknowledged, and neither its coordinator nor a "
                          "hint has brought it to node%zu",
                          i, change->key, node + 1);
        }
        free (inventory.found);
    }
}

/* ---- at an acknowledgement ---- */

typedef struct {
    const change_t *change;
    size_t prefix;  /* bytes before the key itself */
    unsigned found; /* a bit for each slot that the value was found under */
} search_t;

static bool s_search (void *argument, bytes_t key, bytes_t value)
{
    search_t *search = argument;
    stored_t record;
    object_t object;
    char text[32];
    bytes_t wanted = client_key (search->change->key, text, sizeof text);
    if (key.size != wanted.size + search->prefix ||
        memcmp (key.data + search->prefix, wanted.data, wanted.size) != 0 ||
        record_decode (value, &record, NULL) != 0 ||
        codec_decode (&object_schema, record.object, &object, NULL) != 0)
        return true;
    unsigned slot = search->prefix == RECORD_KEY_PREFIX_BYTES ? 0 : key.data[2];
    for (size_t i = 0; i < object.siblings.count; i++)
        if (bytes_equal (object.siblings.items[i].value, search->change->value))
            search->found |= 1u << slot;
    codec_clear (&object_schema, &object);
    return true;
}

/*  The slots that each node's disk holds the put for at this moment, as a backup would find it: its own, and those that
 *  it has a hint for. */
typedef struct {
    unsigned own[SIM_NODES];
    unsigned hints[SIM_NODES];
} holders_t;

static void s_find_holders (sim_t *sim, const change_t *change, holders_t *holders)
{
    char text[32];
    uint32_t partition = ring_partition (sim->plan.settings.partitions,
                                         hash_bytes (client_key (change->key, text, sizeof text)));
    memset (holders, 0, sizeof *holders);
    for (size_t i = 0; i < sim->plan.nodes_count; i++) {
        store_t *disk = memory_store_backup (sim->nodes[i].store);
        search_t data = {.change = change, .prefix = RECORD_KEY_PREFIX_BYTES};
        search_t hints = {.change = change, .prefix = RECORD_HINT_PREFIX_BYTES};
        store_scan (disk, STORE_DATA, (bytes_t){0}, (bytes_t){0}, 0, s_search, &data);
        store_scan (disk, STORE_HINTS, (bytes_t){0}, (bytes_t){0}, 0, s_search, &hints);
        store_destroy (&disk);
        for (uint32_t s = 0; data.found && s < sim->plan.settings.n; s++)
            if (witness_owner (sim, partition, s) == &sim->nodes[i])
                holders->own[i] = 1u << s;
        holders->hints[i] = hints.found;
    }
}

/*  The most nodes that can each stand for a slot of its own, from `node` on, when those of `taken` are gone. */
static uint32_t s_match (const sim_t *sim, const holders_t *holders, size_t node, unsigned taken)
{
    if (node == sim->plan.nodes_count)
        return 0;
    uint32_t best = s_match (sim, holders, node + 1, taken);
    unsigned free = (holders->own[node] | holders->hints[node]) & ~taken;
    for (unsigned s = 0; s < sim->plan.settings.n; s++)
        if (free >> s & 1) {
            uint32_t count = 1 + s_match (sim, holders, node + 1, taken | 1u << s);
            best = count > best ? count : best;
        }
    return best;
}

void replicas_check_durable (sim_t *sim, uint32_t index)
{
    const change_t *change = &sim->history.changes[index];
    holders_t holders;
    uint32_t owners = 0, copies = 0;
    history_touch (&sim->history);
    if (sim->plan.settings.durability != DURABILITY_BATCH || change->remove ||
        set_has (sim->history.touched, index))
        return;
    s_find_holders (sim, change, &holders);
    for (size_t i = 0; i < sim->plan.nodes_count; i++) {
        owners += holders.own[i] != 0;
        copies +=
            (uint32_t) (holders.own[i] != 0) + (uint32_t) __builtin_popcount (holders.hints[i]);
    }
    uint32_t counted = change->strict ? owners : s_match (sim, &holders, 0, 0);
    if (counted < change->w && copies >= change->w)
        sim_fail (sim, "no-double-count",
                  "put %u of key-%u was answered ok with w=%u%s; disks have %u copies of it, and "
                  "%u count",
                  index, change->key, change->w, change->strict ? " by owners" : "", copies,
                  counted);
    else if (counted < change->w)
        sim_fail (sim, "durable",
                  "put %u of key-%u was answered ok with w=%u, and %u disks have it", index,
                  change->key, change->w, counted);
}
