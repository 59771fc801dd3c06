/*  hints.c - see hints.h. */
#include "hints.h"

#include <stdlib.h>

#include "core/hash.h"
#include "core/object.h"
#include "messages/memory.h"
#include "store/record.h"
#include "witness.h"

/*  A copy of the state that a node has as a hint; empty when it has none. */
static bytes_t s_hint (const node_t *node, const hint_id_t *id)
{
    uint8_t data[RECORD_HINT_KEY_BYTES];
    bytes_t value;
    stored_t record;
    bytes_t key = record_hint_key (data, id->partition, id->slot, hash_bytes (id->key), id->key);
    if (store_get (node->store, STORE_HINTS, key, &value) != STORE_OK ||
        record_decode (value, &record, NULL) != 0)
        return (bytes_t){0};
    return bytes_copy (record.object.data, record.object.size);
}

void hints_before (sim_t *sim, const node_t *self, const hint_drop_t *drop)
{
    sim->dropping = memory_new (drop->hints.count, sizeof *sim->dropping);
    for (size_t i = 0; i < drop->hints.count; i++)
        sim->dropping[i] = s_hint (self, &drop->hints.items[i]);
}

/*  Whether a state, merged into that of the key on the disk, would change nothing. */
static bool s_has (store_t *disk, const hint_id_t *id, bytes_t state)
{
    uint8_t data[RECORD_KEY_BYTES];
    bytes_t value;
    stored_t record;
    object_t theirs, hint, both;
    bytes_t key = record_key (data, id->partition, hash_bytes (id->key), id->key);
    if (store_get (disk, STORE_DATA, key, &value) != STORE_OK ||
        record_decode (value, &record, NULL) != 0 || object_decode (record.object, &theirs) != 0)
        return false;
    bool has = false;
    if (object_decode (state, &hint) == 0) {
        object_merge (&theirs, &hint, &both);
        has = codec_equal (&object_schema, &both, &theirs);
        object_clear (&both);
        object_clear (&hint);
    }
    object_clear (&theirs);
    return has;
}

void hints_after (sim_t *sim, const node_t *self, const hint_drop_t *drop)
{
    for (size_t i = 0; i < drop->hints.count; i++) {
        const hint_id_t *id = &drop->hints.items[i];
        bytes_t left = s_hint (self, id);
        const node_t *owner = witness_owner (sim, id->partition, id->slot);
        if (sim->dropping[i].size > 0 && left.size == 0 && owner) {
            /* Other durabilities than `batch` promise what is committed, and that is what the process sees. */
            bool flushed = sim->plan.settings.durability == DURABILITY_BATCH;
            store_t *disk = flushed ? memory_store_backup (owner->store) : NULL;
            if (!s_has (disk ? disk : owner->store, id, sim->dropping[i]))
                sim_fail (sim, "hint-kept",
                          "node%zu has deleted its hint of %.*s, and node%zu does not have all "
                          "that was in it",
                          self->index + 1, (int) id->key.size, (const char *) id->key.data,
                          owner->index + 1);
            store_destroy (&disk);
        }
        bytes_clear (&left);
        bytes_clear (&sim->dropping[i]);
    }
    free (sim->dropping);
    sim->dropping = NULL;
}
