/*  registry.c - keys: "charter"; "member" and the node's 8 bytes; a slot's partition (2 bytes) and number (1), big-endian. */
#include "registry.h"

#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"

#define CHARTER_KEY "charter"
#define MEMBER_KEY "member"

typedef struct {
    const schema_t *schema;
    uint8_t *items;
    size_t count;
    size_t most;
    bool damaged;
} recalled_rows_t;

/*  Decodes one row into the growing list, with its bytes copied out of the store's view. */
static bool s_row (void *argument, bytes_t key, bytes_t value)
{
    recalled_rows_t *rows = argument;
    size_t size = rows->schema->size;
    uint8_t *row = memory_new (1, size);
    (void) key;
    if (rows->count == rows->most || codec_decode (rows->schema, value, row, NULL) != 0) {
        rows->damaged = true;
        free (row);
        return false;
    }
    if ((rows->count & (rows->count - 1)) == 0)
        rows->items = memory_resize (rows->items, rows->count ? rows->count * 2 : 1, size);
    codec_copy (rows->schema, row, rows->items + rows->count * size);
    rows->count++;
    codec_clear (rows->schema, row);
    free (row);
    return true;
}

static int s_rows (store_t *store, store_database_t database, const char *prefix,
                   recalled_rows_t *rows)
{
    bytes_t first = bytes_text (prefix);
    char end_text[16];
    bytes_t end = bytes_view (NULL, 0);
    if (first.size > 0) {
        memcpy (end_text, prefix, first.size);
        end_text[first.size - 1]++;
        end = bytes_view (end_text, first.size);
    }
    int rc = store_scan (store, database, first, end, 0, s_row, rows);
    if (rc == STORE_OK && rows->damaged)
        return REGISTRY_DAMAGED;
    return rc;
}

static int s_charter (store_t *store, charter_t *charter)
{
    bytes_t value;
    int rc = store_get (store, STORE_MEMBERS, bytes_text (CHARTER_KEY), &value);
    if (rc == STORE_ABSENT)
        return STORE_OK;
    if (rc != STORE_OK)
        return rc;
    charter_t row;
    if (codec_decode (&charter_schema, value, &row, NULL) != 0)
        return REGISTRY_DAMAGED;
    codec_copy (&charter_schema, &row, charter);
    codec_clear (&charter_schema, &row);
    return STORE_OK;
}

int registry_recall (store_t *store, recall_reply_t *reply)
{
    int rc = s_charter (store, &reply->charter);
    if (rc != STORE_OK)
        return rc;
    recalled_rows_t members = {.schema = &member_schema, .most = LIMIT_MEMBERS_COUNT};
    rc = s_rows (store, STORE_MEMBERS, MEMBER_KEY, &members);
    reply->members.items = (member_t *) (void *) members.items;
    reply->members.count = members.count;
    if (rc != STORE_OK)
        return rc;
    recalled_rows_t slots = {.schema = &slot_schema, .most = LIMIT_SLOTS_COUNT};
    rc = s_rows (store, STORE_SLOTS, "", &slots);
    reply->slots.items = (slot_t *) (void *) slots.items;
    reply->slots.count = slots.count;
    return rc;
}

static int s_put (store_t *store, store_database_t database, bytes_t key, const schema_t *schema,
                  const void *row, buffer_t *buffer)
{
    buffer->size = 0;
    if (codec_encode (schema, row, buffer) != 0)
        return STORE_FAILED;
    return store_put (store, database, key, buffer_view (buffer));
}

int registry_enact (store_t *store, const enact_t *rows)
{
    buffer_t buffer;
    buffer_init (&buffer, SIZE_MAX);
    int rc = STORE_OK;
    if (rows->charter.node != 0)
        rc = s_put (store, STORE_MEMBERS, bytes_text (CHARTER_KEY), &charter_schema, &rows->charter,
                    &buffer);
    for (size_t i = 0; i < rows->members.count && rc == STORE_OK; i++) {
        const member_t *member = &rows->members.items[i];
        uint8_t key[sizeof MEMBER_KEY - 1 + 8];
        memcpy (key, MEMBER_KEY, sizeof MEMBER_KEY - 1);
        for (unsigned j = 0; j < 8; j++)
            key[sizeof MEMBER_KEY - 1 + j] = (uint8_t) (member->node >> (56 - 8 * j));
        rc = s_put (store, STORE_MEMBERS, bytes_view (key, sizeof key), &member_schema, member,
                    &buffer);
    }
    for (size_t i = 0; i < rows->slots.count && rc == STORE_OK; i++) {
        const slot_t *slot = &rows->slots.items[i];
        uint8_t key[3] = {(uint8_t) (slot->partition >> 8), (uint8_t) slot->partition, slot->slot};
        rc = s_put (store, STORE_SLOTS, bytes_view (key, sizeof key), &slot_schema, slot, &buffer);
    }
    buffer_clear (&buffer);
    return rc;
}

/*  Keys that a walk has found, to be deleted after it. */
typedef struct {
    bytes_t *items;
    size_t count;
    size_t capacity;
} found_keys_t;

static bool s_key (void *argument, bytes_t key, bytes_t value)
{
    found_keys_t *keys = argument;
    (void) value;
    if (keys->count == keys->capacity) {
        keys->capacity = keys->capacity ? keys->capacity * 2 : 64;
        keys->items = memory_resize (keys->items, keys->capacity, sizeof *keys->items);
    }
    keys->items[keys->count++] = bytes_copy (key.data, key.size);
    return true;
}

static int s_delete_all (store_t *store, store_database_t database)
{
    found_keys_t keys = {0};
    bytes_t all = bytes_view (NULL, 0);
    int rc = store_scan (store, database, all, all, 1, s_key, &keys);
    for (size_t i = 0; i < keys.count; i++) {
        if (rc == STORE_OK)
            rc = store_delete (store, database, keys.items[i]);
        bytes_clear (&keys.items[i]);
    }
    free (keys.items);
    return rc;
}

int registry_dissolve (store_t *store)
{
    int rc = s_delete_all (store, STORE_SLOTS);
    return rc == STORE_OK ? s_delete_all (store, STORE_MEMBERS) : rc;
}
