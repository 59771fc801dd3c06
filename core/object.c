/*  object.c - see object.h. */
#include "object.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"

static bool s_sound (const object_t *object)
{
    const sibling_list_t *siblings = &object->siblings;
    if (!context_valid (&object->context))
        return false;
    for (size_t i = 0; i < siblings->count; i++) {
        const sibling_t *sibling = &siblings->items[i];
        if (i > 0 && dot_compare (siblings->items[i - 1].dot, sibling->dot) >= 0)
            return false;
        if (!context_covers (&object->context, sibling->dot))
            return false;
        if (sibling->put_id.size != 0 && sibling->put_id.size != LIMIT_PUT_ID_BYTES)
            return false;
    }
    return true;
}

int object_decode (bytes_t state, object_t *object)
{
    memset (object, 0, sizeof *object);
    if (state.size == 0)
        return 0;
    if (codec_decode (&object_schema, state, object, NULL) != 0)
        return -1;
    if (s_sound (object))
        return 0;
    object_clear (object);
    return -1;
}

/*  More than a sibling's fields, or a dot, take beside the value. */
#define SIBLING_BYTES 64u
#define DOT_BYTES 20u

bool object_fits (const object_t *object)
{
    const context_t *context = &object->context;
    uint64_t siblings = object->siblings.count;
    if (siblings > LIMIT_SIBLINGS_COUNT || context->vv.count > LIMIT_ENTRIES_COUNT ||
        context->ex.count > LIMIT_SIBLINGS_COUNT)
        return false;
    /* A put's reply may except each sibling. */
    uint64_t context_bytes = (context->vv.count + context->ex.count + siblings + 4) * DOT_BYTES;
    uint64_t bytes = object_value_bytes (object) + siblings * SIBLING_BYTES + context_bytes;
    return bytes <= LIMIT_STATE_BYTES && context_bytes <= LIMIT_CONTEXT_BYTES;
}

bytes_t object_encode (const object_t *object)
{
    buffer_t buffer;
    buffer_init (&buffer, SIZE_MAX);
    int rc = codec_encode (&object_schema, object, &buffer);
    assert (rc == 0);
    return buffer_take (&buffer);
}

void object_clear (object_t *object)
{
    codec_clear (&object_schema, object);
}

/*  A sibling whose bytes are lent. */
static sibling_t s_lend (const sibling_t *sibling)
{
    sibling_t lent = *sibling;
    lent.put_id.owned = false;
    lent.value.owned = false;
    return lent;
}

void object_merge (const object_t *a, const object_t *b, object_t *result)
{
    memset (result, 0, sizeof *result);
    context_join (&a->context, &b->context, &result->context);
    size_t most = a->siblings.count + b->siblings.count;
    result->siblings.items = memory_new (most, sizeof (sibling_t));
    size_t i = 0;
    size_t j = 0;
    while (i < a->siblings.count || j < b->siblings.count) {
        int order = i == a->siblings.count ? 1
                    : j == b->siblings.count
                        ? -1
                        : dot_compare (a->siblings.items[i].dot, b->siblings.items[j].dot);
        const sibling_t *sibling = order <= 0 ? &a->siblings.items[i] : &b->siblings.items[j];
        /* One side alone has it: the other has not seen it yet, or has seen it replaced. */
        bool live =
            order == 0 || !context_covers (order < 0 ? &b->context : &a->context, sibling->dot);
        i += order <= 0;
        j += order >= 0;
        if (live)
            result->siblings.items[result->siblings.count++] = s_lend (sibling);
    }
}

uint64_t object_value_bytes (const object_t *object)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < object->siblings.count; i++)
        sum += object->siblings.items[i].value.size;
    return sum;
}

uint64_t object_hlc (const object_t *object)
{
    uint64_t newest = 0;
    for (size_t i = 0; i < object->siblings.count; i++)
        if (object->siblings.items[i].hlc > newest)
            newest = object->siblings.items[i].hlc;
    return newest;
}

const sibling_t *object_find_put (const object_t *object, bytes_t put_id)
{
    if (put_id.size == 0)
        return NULL;
    for (size_t i = 0; i < object->siblings.count; i++)
        if (bytes_equal (object->siblings.items[i].put_id, put_id))
            return &object->siblings.items[i];
    return NULL;
}

/*  Whether the context covers the sibling, or a sibling that the same put made. */
static bool s_replaced (const object_t *local, const sibling_t *sibling, const context_t *context)
{
    if (context_covers (context, sibling->dot))
        return true;
    if (sibling->put_id.size == 0)
        return false;
    for (size_t i = 0; i < local->siblings.count; i++) {
        const sibling_t *twin = &local->siblings.items[i];
        if (context_covers (context, twin->dot) && bytes_equal (twin->put_id, sibling->put_id))
            return true;
    }
    return false;
}

/*  The local siblings that the context leaves, with room for one more. */
static void s_keep (const object_t *local, const context_t *context, sibling_list_t *kept)
{
    kept->items = memory_new (local->siblings.count + 1, sizeof *kept->items);
    for (size_t i = 0; i < local->siblings.count; i++)
        if (!s_replaced (local, &local->siblings.items[i], context))
            kept->items[kept->count++] = s_lend (&local->siblings.items[i]);
}

static void s_insert (sibling_list_t *siblings, sibling_t sibling)
{
    size_t at = siblings->count;
    while (at > 0 && dot_compare (siblings->items[at - 1].dot, sibling.dot) > 0) {
        siblings->items[at] = siblings->items[at - 1];
        at--;
    }
    siblings->items[at] = sibling;
    siblings->count++;
}

/*  The reply's context: the state's and the request's, without the siblings that the client has neither seen nor made. */
static void s_reply (const object_t *state, const context_t *seen, const dot_t *made,
                     context_t *reply)
{
    /* A put that came again may come with a context that its first try had not. */
    context_join (&state->context, seen, reply);
    for (size_t i = 0; i < state->siblings.count; i++) {
        dot_t dot = state->siblings.items[i].dot;
        bool own = made != NULL && dot_compare (dot, *made) == 0;
        if (!own && !context_covers (seen, dot))
            context_except (reply, dot);
    }
}

static void s_same (const object_t *local, object_t *result)
{
    static const object_t empty = {.siblings = {NULL, 0}};
    object_merge (local, &empty, result);
}

bool object_mint (const object_t *local, const write_t *write, object_t *result, context_t *reply)
{
    const sibling_t *made = object_find_put (local, write->put_id);
    if (made != NULL) {
        s_same (local, result);
        s_reply (result, write->context, &made->dot, reply);
        return false;
    }
    memset (result, 0, sizeof *result);
    s_keep (local, write->context, &result->siblings);
    s_insert (&result->siblings, (sibling_t){
                                     .dot = write->dot,
                                     .put_id = bytes_view (write->put_id.data, write->put_id.size),
                                     .hlc = write->hlc,
                                     .value = bytes_view (write->value.data, write->value.size),
                                 });
    context_join (&local->context, write->context, &result->context);
    context_add (&result->context, write->dot);
    s_reply (result, write->context, &write->dot, reply);
    return true;
}

bool object_delete (const object_t *local, const context_t *context, object_t *result,
                    context_t *reply)
{
    memset (result, 0, sizeof *result);
    s_keep (local, context, &result->siblings);
    context_join (&local->context, context, &result->context);
    s_reply (result, context, NULL, reply);
    return result->siblings.count != local->siblings.count ||
           !context_includes (&local->context, context);
}

uint64_t hlc_next (uint64_t wall_ms, uint64_t seen)
{
    uint64_t now = wall_ms << 16;
    if (now > seen)
        return now;
    return seen < UINT64_MAX ? seen + 1 : seen;
}
