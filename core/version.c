/*  version.c - see version.h. All lists are short (a few entries), so they are merged and searched as sorted arrays. */
#include "version.h"

#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"
#include "hash.h"

#define BLOB_FORMAT 1
#define BLOB_CHECKSUM_BYTES 8

int dot_compare (dot_t a, dot_t b)
{
    if (a.actor != b.actor)
        return a.actor < b.actor ? -1 : 1;
    if (a.counter != b.counter)
        return a.counter < b.counter ? -1 : 1;
    return 0;
}

/*  The first position whose dot is not less than `dot`. */
static size_t s_position (const dot_list_t *list, dot_t dot)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (dot_compare (list->items[middle], dot) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

ptrdiff_t dot_find (const dot_list_t *list, dot_t dot)
{
    size_t at = s_position (list, dot);
    if (at < list->count && dot_compare (list->items[at], dot) == 0)
        return (ptrdiff_t) at;
    return -1;
}

static void s_insert (dot_list_t *list, size_t at, dot_t dot)
{
    list->items = memory_resize (list->items, list->count + 1, sizeof *list->items);
    memmove (list->items + at + 1, list->items + at, (list->count - at) * sizeof *list->items);
    list->items[at] = dot;
    list->count++;
}

static void s_remove (dot_list_t *list, size_t at)
{
    memmove (list->items + at, list->items + at + 1, (list->count - at - 1) * sizeof *list->items);
    list->count--;
}

/*  The vector's entry of an actor, or NULL. */
static dot_t *s_entry (const context_t *self, uint64_t actor)
{
    size_t at = s_position (&self->vv, (dot_t){.actor = actor, .counter = 0});
    if (at < self->vv.count && self->vv.items[at].actor == actor)
        return &self->vv.items[at];
    return NULL;
}

uint64_t context_counter (const context_t *self, uint64_t actor)
{
    const dot_t *entry = s_entry (self, actor);
    return entry ? entry->counter : 0;
}

bool context_covers (const context_t *self, dot_t dot)
{
    return context_counter (self, dot.actor) >= dot.counter && dot_find (&self->ex, dot) < 0;
}

/*  How many dots of `actor` with low < counter <= high are in the list. */
static uint64_t s_count_between (const dot_list_t *list, uint64_t actor, uint64_t low,
                                 uint64_t high)
{
    uint64_t count = 0;
    for (size_t at = s_position (list, (dot_t){.actor = actor, .counter = low + 1});
         at < list->count && list->items[at].actor == actor && list->items[at].counter <= high;
         at++)
        count++;
    return count;
}

bool context_includes (const context_t *self, const context_t *other)
{
    for (size_t i = 0; i < other->vv.count; i++) {
        dot_t reach = other->vv.items[i];
        uint64_t mine = context_counter (self, reach.actor);
        /* Past my vector, the other may reach only what it excepts. */
        if (mine < reach.counter &&
            s_count_between (&other->ex, reach.actor, mine, reach.counter) != reach.counter - mine)
            return false;
    }
    for (size_t i = 0; i < self->ex.count; i++)
        if (context_covers (other, self->ex.items[i]))
            return false;
    return true;
}

static void s_join_vectors (const dot_list_t *a, const dot_list_t *b, dot_list_t *result)
{
    size_t i = 0;
    size_t j = 0;
    result->items = memory_new (a->count + b->count, sizeof *result->items);
    while (i < a->count || j < b->count) {
        dot_t entry;
        if (j == b->count || (i < a->count && a->items[i].actor < b->items[j].actor))
            entry = a->items[i++];
        else if (i == a->count || b->items[j].actor < a->items[i].actor)
            entry = b->items[j++];
        else {
            entry = a->items[i].counter > b->items[j].counter ? a->items[i] : b->items[j];
            i++;
            j++;
        }
        result->items[result->count++] = entry;
    }
}

void context_join (const context_t *a, const context_t *b, context_t *result)
{
    memset (result, 0, sizeof *result);
    s_join_vectors (&a->vv, &b->vv, &result->vv);
    size_t i = 0;
    size_t j = 0;
    if (a->ex.count + b->ex.count > 0)
        result->ex.items = memory_new (a->ex.count + b->ex.count, sizeof *result->ex.items);
    while (i < a->ex.count || j < b->ex.count) {
        int order = i == a->ex.count   ? 1
                    : j == b->ex.count ? -1
                                       : dot_compare (a->ex.items[i], b->ex.items[j]);
        dot_t dot = order <= 0 ? a->ex.items[i] : b->ex.items[j];
        i += order <= 0;
        j += order >= 0;
        if (!context_covers (a, dot) && !context_covers (b, dot))
            result->ex.items[result->ex.count++] = dot;
    }
}

void context_add (context_t *self, dot_t dot)
{
    ptrdiff_t excepted = dot_find (&self->ex, dot);
    if (excepted >= 0)
        s_remove (&self->ex, (size_t) excepted);
    dot_t *entry = s_entry (self, dot.actor);
    if (entry == NULL)
        s_insert (&self->vv, s_position (&self->vv, dot), dot);
    else if (entry->counter < dot.counter)
        entry->counter = dot.counter;
}

void context_except (context_t *self, dot_t dot)
{
    if (context_covers (self, dot))
        s_insert (&self->ex, s_position (&self->ex, dot), dot);
}

bool context_valid (const context_t *self)
{
    for (size_t i = 1; i < self->vv.count; i++)
        if (self->vv.items[i - 1].actor >= self->vv.items[i].actor)
            return false;
    for (size_t i = 0; i < self->ex.count; i++) {
        if (i > 0 && dot_compare (self->ex.items[i - 1], self->ex.items[i]) >= 0)
            return false;
        if (context_counter (self, self->ex.items[i].actor) < self->ex.items[i].counter)
            return false;
    }
    return true;
}

void context_clear (context_t *self)
{
    codec_clear (&context_schema, self);
}

bytes_t context_seal (const context_t *self, uint64_t key_hash, uint64_t hlc)
{
    /* The lists are lent to the blob: it is encoded and never cleared. */
    blob_t blob = {.format = BLOB_FORMAT, .key_hash = key_hash, .context = *self, .hlc = hlc};
    buffer_t buffer;
    buffer_init (&buffer, SIZE_MAX);
    codec_encode (&blob_schema, &blob, &buffer);
    uint64_t checksum = hash_bytes (buffer_view (&buffer));
    uint8_t tail[BLOB_CHECKSUM_BYTES];
    for (unsigned i = 0; i < BLOB_CHECKSUM_BYTES; i++)
        tail[i] = (uint8_t) (checksum >> (56 - 8 * i));
    buffer_append (&buffer, tail, sizeof tail);
    return buffer_take (&buffer);
}

int context_open (bytes_t bytes, uint64_t key_hash, context_t *self, uint64_t *hlc)
{
    memset (self, 0, sizeof *self);
    *hlc = 0;
    if (bytes.size == 0)
        return 0;
    if (bytes.size <= BLOB_CHECKSUM_BYTES || bytes.size > LIMIT_CONTEXT_BYTES)
        return -1;
    size_t size = bytes.size - BLOB_CHECKSUM_BYTES;
    uint64_t checksum = 0;
    for (unsigned i = 0; i < BLOB_CHECKSUM_BYTES; i++)
        checksum = checksum << 8 | bytes.data[size + i];
    if (checksum != hash_bytes (bytes_view (bytes.data, size)))
        return -1;
    blob_t blob;
    if (codec_decode (&blob_schema, bytes_view (bytes.data, size), &blob, NULL) != 0)
        return -1;
    if (blob.format != BLOB_FORMAT || blob.key_hash != key_hash || !context_valid (&blob.context)) {
        codec_clear (&blob_schema, &blob);
        return -1;
    }
    *self = blob.context;
    *hlc = blob.hlc;
    return 0;
}
