/*  holdings.c - see holdings.h. */
#include "holdings.h"

#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"
#include "hash.h"
#include "ring.h"

#define CENSUS_RECORDS 1000u /* a slice: well under a millisecond */

place_t place_of (uint32_t partitions, bytes_t key)
{
    uint64_t hash = hash_bytes (key);
    return (place_t){.partition = ring_partition (partitions, hash), .hash = hash, .key = key};
}

void holdings_init (holdings_t *self, store_t *store)
{
    memset (self, 0, sizeof *self);
    self->store = store;
    buffer_init (&self->buffer, LIMIT_STATE_BYTES + RECORD_HEADER_BYTES);
}

void holdings_clear (holdings_t *self)
{
    bytes_clear (&self->cursor);
    buffer_clear (&self->buffer);
}

int holdings_load (holdings_t *self, place_t place, stored_t *record)
{
    uint8_t data[RECORD_KEY_BYTES];
    bytes_t value;
    memset (record, 0, sizeof *record);
    int rc = store_get (self->store, STORE_DATA,
                        record_key (data, place.partition, place.hash, place.key), &value);
    if (rc != STORE_OK)
        return rc;
    return record_decode (value, record, NULL) == 0 ? STORE_OK : HOLDINGS_DAMAGED;
}

/*  Takes one record out of the counts or puts it in. */
static void s_tally (holdings_t *self, uint32_t live, int by)
{
    if (live > 0)
        self->keys += (uint64_t) (int64_t) by;
    else
        self->tombstones += (uint64_t) (int64_t) by;
}

int holdings_save (holdings_t *self, place_t place, const object_t *object, const stored_t *before,
                   uint64_t wall_ms, uint64_t *hash)
{
    bool existed = before->object.size > 0;
    bytes_t encoded = object_encode (object);
    stored_t record = {
        .live = (uint32_t) object->siblings.count, .hash = hash_bytes (encoded), .object = encoded};
    if (record.live == 0)
        record.seen_ms = existed && before->live == 0 ? before->seen_ms : wall_ms;
    *hash = record.hash;
    self->buffer.size = 0;
    int rc = record_encode (&record, &self->buffer);
    bytes_clear (&encoded);
    if (rc != 0)
        return STORE_FAILED;
    uint8_t data[RECORD_KEY_BYTES];
    bytes_t key = record_key (data, place.partition, place.hash, place.key);
    rc = store_put (self->store, STORE_DATA, key, buffer_view (&self->buffer));
    if (rc == STORE_OK && (self->counted || bytes_compare (key, self->cursor) <= 0)) {
        if (existed)
            s_tally (self, before->live, -1);
        s_tally (self, record.live, +1);
    }
    return rc;
}

typedef struct {
    name_list_t *keys;
    uint32_t limit;
    uint32_t looked;
    bool skip_first; /* the key of `after` itself */
    bytes_t after;
    bytes_t last;
    bool more;
} listing_t;

static bool s_list_one (void *argument, bytes_t key, bytes_t value)
{
    listing_t *listing = argument;
    bytes_t name =
        bytes_view (key.data + RECORD_KEY_PREFIX_BYTES,
                    key.size > RECORD_KEY_PREFIX_BYTES ? key.size - RECORD_KEY_PREFIX_BYTES : 0);
    if (listing->skip_first && bytes_equal (name, listing->after))
        return true;
    if (listing->keys->count == listing->limit || listing->looked == LIMIT_SCAN_RECORDS) {
        listing->more = true;
        return false;
    }
    listing->looked++;
    bytes_clear (&listing->last);
    listing->last = bytes_copy (name.data, name.size);
    stored_t record;
    /* A damaged header is listed: the key exists, and a get of it says what is wrong. */
    if (record_decode_header (value, &record, NULL) == 0 && record.live == 0)
        return true;
    listing->keys->items[listing->keys->count++].bytes = bytes_copy (name.data, name.size);
    return true;
}

/*  The ends of a partition's range of keys: the first two bytes each. */
static void s_range (uint8_t *first_data, uint8_t *end_data, uint32_t partition,
                     uint32_t partitions, bytes_t *first, bytes_t *end)
{
    bytes_t nothing = bytes_view (NULL, 0);
    *first = record_key (first_data, partition, 0, nothing);
    first->size = 2;
    *end = nothing;
    if (partition + 1 < partitions) {
        *end = record_key (end_data, partition + 1, 0, nothing);
        end->size = 2;
    }
}

int holdings_empty (holdings_t *self, uint32_t partition, uint32_t partitions, bool *empty)
{
    *empty = true;
    if (self->counted && self->keys + self->tombstones == 0)
        return STORE_OK;
    uint8_t first_data[RECORD_KEY_BYTES], end_data[RECORD_KEY_BYTES];
    bytes_t first, end;
    s_range (first_data, end_data, partition, partitions, &first, &end);
    return store_empty (self->store, STORE_DATA, first, end, empty);
}

int holdings_list (holdings_t *self, uint32_t partition, uint32_t partitions, bytes_t after,
                   uint32_t limit, name_list_t *keys, bytes_t *next)
{
    uint8_t first_data[RECORD_KEY_BYTES], end_data[RECORD_KEY_BYTES];
    bytes_t first, end;
    s_range (first_data, end_data, partition, partitions, &first, &end);
    if (after.size > 0)
        first = record_key (first_data, partition, hash_bytes (after), after);
    listing_t listing = {
        .keys = keys, .limit = limit, .skip_first = after.size > 0, .after = after};
    keys->items = memory_new (limit, sizeof *keys->items);
    keys->count = 0;
    int rc =
        store_scan (self->store, STORE_DATA, first, end, RECORD_HEADER_BYTES, s_list_one, &listing);
    *next = bytes_view (NULL, 0);
    if (listing.more)
        *next = listing.last;
    else
        bytes_clear (&listing.last);
    return rc;
}

typedef struct {
    holdings_t *holdings;
    uint32_t looked;
    bool more;
} census_t;

static bool s_count_one (void *argument, bytes_t key, bytes_t value)
{
    census_t *census = argument;
    holdings_t *self = census->holdings;
    if (bytes_equal (key, self->cursor))
        return true;
    if (census->looked++ == CENSUS_RECORDS) {
        census->more = true;
        return false;
    }
    bytes_clear (&self->cursor);
    self->cursor = bytes_copy (key.data, key.size);
    stored_t record;
    bool whole = record_decode_header (value, &record, NULL) == 0;
    s_tally (self, whole ? record.live : 1, +1);
    return true;
}

int holdings_count (holdings_t *self)
{
    if (self->counted)
        return STORE_OK;
    census_t census = {.holdings = self};
    bytes_t first = bytes_take (&self->cursor);
    self->cursor = bytes_copy (first.data, first.size);
    int rc = store_scan (self->store, STORE_DATA, first, bytes_view (NULL, 0), RECORD_HEADER_BYTES,
                         s_count_one, &census);
    bytes_clear (&first);
    self->counted = rc == STORE_OK && !census.more;
    return rc;
}
