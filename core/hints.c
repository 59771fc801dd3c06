/*  hints.c - see hints.h. */
#include "hints.h"

#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"
#include "hash.h"

#define WALK_RECORDS 250u /* a slice: about a millisecond where they are not in the cache */
#define WALK_REST 19u     /* times as long as a walk: so much time is between two at least */

void hints_init (hints_t *self, store_t *store, uint64_t most_bytes)
{
    memset (self, 0, sizeof *self);
    self->store = store;
    self->most = most_bytes;
    self->oldest_ms = self->found_ms = UINT64_MAX;
    buffer_init (&self->buffer, LIMIT_STATE_BYTES + RECORD_HEADER_BYTES);
}

void hints_clear (hints_t *self)
{
    bytes_clear (&self->cursor);
    buffer_clear (&self->buffer);
    free (self->actors);
    self->actors = NULL;
}

/* ---- how much there is ---- */

static uint64_t s_bytes (bytes_t key, const stored_t *record)
{
    return key.size + RECORD_HEADER_BYTES + record->bytes;
}

/*  Whether the census has passed the key, so that its changes are counted by who makes them. */
static bool s_passed (const hints_t *self, bytes_t key)
{
    return self->counted || bytes_compare (key, self->cursor) <= 0;
}

static void s_note_age (hints_t *self, uint64_t seen_ms)
{
    if (seen_ms < self->oldest_ms)
        self->oldest_ms = seen_ms;
    if (seen_ms < self->found_ms)
        self->found_ms = seen_ms;
}

typedef struct {
    hints_t *hints;
    uint32_t looked;
    bool more;
} walk_t;

static bool s_walk_one (void *argument, bytes_t key, bytes_t value)
{
    walk_t *walk = argument;
    hints_t *self = walk->hints;
    if (bytes_equal (key, self->cursor))
        return true;
    if (walk->looked++ == WALK_RECORDS) {
        walk->more = true;
        return false;
    }
    bytes_clear (&self->cursor);
    self->cursor = bytes_copy (key.data, key.size);
    stored_t record;
    bool whole = record_decode_header (value, &record, NULL) == 0;
    if (!self->counted) {
        self->count++;
        self->bytes += s_bytes (key, &record);
    }
    if (whole && record.seen_ms < self->found_ms)
        self->found_ms = record.seen_ms;
    return true;
}

bool hints_due (const hints_t *self, uint64_t now_us, uint64_t *wake_us)
{
    if (!self->counted || self->walking)
        return true;
    if (!self->stale)
        return false;
    *wake_us = self->due_us;
    return now_us >= *wake_us;
}

int hints_walk (hints_t *self, uint64_t now_us)
{
    if (!self->walking) {
        bytes_clear (&self->cursor);
        self->walking = true;
        self->stale = false;
        self->found_ms = UINT64_MAX;
        self->walked_us = now_us;
    }
    walk_t walk = {.hints = self};
    bytes_t first = bytes_copy (self->cursor.data, self->cursor.size);
    int rc = store_scan (self->store, STORE_HINTS, first, bytes_view (NULL, 0), RECORD_HEADER_BYTES,
                         s_walk_one, &walk);
    bytes_clear (&first);
    if (rc != STORE_OK || walk.more)
        return rc;
    uint64_t rest_us = (now_us - self->walked_us) * WALK_REST;
    self->due_us = now_us + (rest_us > HINTS_WALK_US ? rest_us : HINTS_WALK_US);
    self->walking = false;
    self->counted = true;
    self->oldest_ms = self->count > 0 ? self->found_ms : UINT64_MAX;
    return rc;
}

uint64_t hints_oldest_s (const hints_t *self, uint64_t wall_ms)
{
    return self->oldest_ms < wall_ms ? (wall_ms - self->oldest_ms) / 1000 : 0;
}

/* ---- one hint ---- */

int hints_load (hints_t *self, place_t place, uint8_t slot, stored_t *record)
{
    uint8_t data[RECORD_HINT_KEY_BYTES];
    bytes_t value;
    memset (record, 0, sizeof *record);
    int rc =
        store_get (self->store, STORE_HINTS,
                   record_hint_key (data, place.partition, slot, place.hash, place.key), &value);
    if (rc != STORE_OK)
        return rc;
    return record_decode (value, record, NULL) == 0 ? STORE_OK : HOLDINGS_DAMAGED;
}

/*  Writes the record unless that would pass the limit. */
static int s_put (hints_t *self, bytes_t key, const stored_t *record, const stored_t *before)
{
    bool existed = before->object.size > 0;
    uint64_t now = s_bytes (key, record);
    uint64_t then = existed ? s_bytes (key, before) : 0;
    if (now > then && self->bytes + (now - then) > self->most)
        return HINTS_FULL;
    self->buffer.size = 0;
    if (record_encode (record, &self->buffer) != 0)
        return STORE_FAILED;
    int rc = store_put (self->store, STORE_HINTS, key, buffer_view (&self->buffer));
    if (rc != STORE_OK)
        return rc;
    if (s_passed (self, key)) {
        self->count += !existed;
        self->bytes += now - then;
    }
    self->stored += !existed;
    s_note_age (self, record->seen_ms);
    return STORE_OK;
}

int hints_save (hints_t *self, place_t place, uint8_t slot, const object_t *object,
                const stored_t *before, uint64_t wall_ms)
{
    uint8_t data[RECORD_HINT_KEY_BYTES];
    bytes_t key = record_hint_key (data, place.partition, slot, place.hash, place.key);
    bytes_t encoded = object_encode (object);
    stored_t record = {.live = (uint32_t) object->siblings.count,
                       .hash = hash_bytes (encoded),
                       .seen_ms = before->object.size > 0 ? before->seen_ms : wall_ms,
                       .bytes = (uint32_t) encoded.size,
                       .object = encoded};
    int rc = s_put (self, key, &record, before);
    bytes_clear (&encoded);
    return rc;
}

/* ---- who mints into a hint ---- */

static hint_actor_t *s_bucket (hints_t *self, uint64_t hash, uint8_t slot)
{
    /* The top bits of a hash are the partition, so all are spread by a multiplication (Knuth 6.4). */
    uint64_t spread = (hash ^ slot) * 0x9e3779b97f4a7c15u;
    return &self->actors[(spread >> 32) % HINTS_ACTOR_BUCKETS * HINTS_ACTOR_WAYS];
}

static hint_actor_t *s_find_actor (hint_actor_t *bucket, uint64_t hash, uint8_t slot)
{
    for (unsigned i = 0; i < HINTS_ACTOR_WAYS; i++)
        if (bucket[i].actor != 0 && bucket[i].hash == hash && bucket[i].slot == slot)
            return &bucket[i];
    return NULL;
}

hint_actor_t *hints_actor (hints_t *self, place_t place, uint8_t slot, bool fresh, rng_t *rng)
{
    if (self->actors == NULL)
        self->actors = memory_new (HINTS_ACTOR_BUCKETS * HINTS_ACTOR_WAYS, sizeof *self->actors);
    hint_actor_t *bucket = s_bucket (self, place.hash, slot);
    hint_actor_t *found = s_find_actor (bucket, place.hash, slot);
    if (found != NULL && !fresh)
        return found;
    hint_actor_t *last = found != NULL ? found : &bucket[HINTS_ACTOR_WAYS - 1];
    memmove (bucket + 1, bucket, (size_t) (last - bucket) * sizeof *bucket);
    *bucket = (hint_actor_t){.hash = place.hash, .slot = slot, .actor = rng_next (rng)};
    return bucket;
}

static void s_forget_actor (hints_t *self, uint64_t hash, uint8_t slot)
{
    if (self->actors == NULL)
        return;
    hint_actor_t *found = s_find_actor (s_bucket (self, hash, slot), hash, slot);
    if (found != NULL)
        found->actor = 0;
}

/* ---- for the handoff ---- */

typedef struct {
    const hint_page_t *page;
    hint_list_t *hints;
    uint32_t limit;
    size_t bytes;
    uint64_t damaged;
} paging_t;

static bool s_page_one (void *argument, bytes_t key, bytes_t value)
{
    paging_t *paging = argument;
    hint_list_t *hints = paging->hints;
    uint32_t partition;
    uint8_t slot;
    bytes_t name;
    stored_t record;
    if (record_hint_place (key, &partition, &slot, &name) != 0 ||
        record_decode (value, &record, NULL) != 0) {
        paging->damaged++;
        return true;
    }
    const hint_page_t *page = paging->page;
    if (partition == page->partition && slot == page->slot && bytes_equal (name, page->after))
        return true;
    const hint_id_t *first = &hints->items[0].id;
    if (hints->count > 0 && (first->partition != partition || first->slot != slot))
        return false;
    hints->items[hints->count++] =
        (hint_t){.id = {.partition = partition,
                        .slot = slot,
                        .key = bytes_copy (name.data, name.size),
                        .hash = record.hash},
                 .state = bytes_copy (record.object.data, record.object.size)};
    paging->bytes += record.object.size;
    return hints->count < paging->limit && paging->bytes < LIMIT_HINTS_BATCH_BYTES;
}

int hints_page (hints_t *self, const hint_page_t *page, hint_page_reply_t *reply, uint64_t *damaged)
{
    uint8_t data[RECORD_HINT_KEY_BYTES];
    uint64_t hash = page->after.size > 0 ? hash_bytes (page->after) : 0;
    bytes_t first = record_hint_key (data, page->partition, page->slot, hash, page->after);
    if (page->after.size == 0)
        first.size = 3;
    paging_t paging = {.page = page, .hints = &reply->hints, .limit = page->limit};
    if (paging.limit == 0 || paging.limit > LIMIT_HINTS_COUNT)
        paging.limit = LIMIT_HINTS_COUNT;
    reply->hints.items = memory_new (paging.limit, sizeof *reply->hints.items);
    int rc =
        store_scan (self->store, STORE_HINTS, first, bytes_view (NULL, 0), 0, s_page_one, &paging);
    reply->left = self->count;
    *damaged = paging.damaged;
    return rc;
}

int hints_drop (hints_t *self, place_t place, const hint_id_t *id)
{
    uint8_t data[RECORD_HINT_KEY_BYTES];
    bytes_t key = record_hint_key (data, place.partition, id->slot, place.hash, id->key);
    bytes_t value;
    int rc = store_get (self->store, STORE_HINTS, key, &value);
    if (rc != STORE_OK)
        return rc == STORE_ABSENT ? STORE_OK : rc;
    stored_t record;
    if (record_decode_header (value, &record, NULL) != 0 || record.hash != id->hash)
        return STORE_OK;
    rc = store_delete (self->store, STORE_HINTS, key);
    if (rc != STORE_OK)
        return rc;
    s_forget_actor (self, place.hash, id->slot);
    self->delivered++;
    if (s_passed (self, key)) {
        self->count--;
        self->bytes -= s_bytes (key, &record);
    }
    if (record.seen_ms <= self->oldest_ms || (self->walking && record.seen_ms <= self->found_ms))
        self->stale = true;
    if (self->counted && self->count == 0) {
        self->stale = false;
        self->oldest_ms = UINT64_MAX;
    }
    return STORE_OK;
}
