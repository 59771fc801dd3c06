/*  items.h - for tests: a random valid item of any schema of the catalogue, and the list of all schemas.
 *
 *  The generator walks the schema, so a new row of the catalogue is tested without a line here. Bounds are drawn far
 *  more often than chance would: that is where mistakes are.
 */
#ifndef CARTWHEEL_TESTS_ITEMS_H
#define CARTWHEEL_TESTS_ITEMS_H

#include <stdlib.h>
#include <string.h>

#include "messages/codec.h"
#include "messages/memory.h"

#define ITEMS_BUFFER_BYTES (64u * 1024 * 1024)

#define ITEMS_SCHEMA(record, shape) &record##_schema,
static const schema_t *const items_schemas[] = {RECORDS (ITEMS_SCHEMA)};
#undef ITEMS_SCHEMA
#define ITEMS_SCHEMAS_COUNT (sizeof items_schemas / sizeof items_schemas[0])

/*  splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t items_random (uint64_t *seed)
{
    uint64_t mixed = *seed += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
    return mixed ^ mixed >> 31;
}

/*  0 to below - 1. */
static inline size_t items_below (uint64_t *seed, size_t below)
{
    return (size_t) (items_random (seed) % below);
}

static inline uint64_t items_number (uint64_t *seed, const field_t *field)
{
    uint64_t range = field->most - field->least;
    switch (items_below (seed, 6)) {
    case 0: return field->least;
    case 1: return field->most;
    case 2: return range < 127 ? field->least : field->least + 127;
    case 3: return range < 128 ? field->most : field->most - 128;
    case 4: {
        uint64_t drawn = items_random (seed) >> items_below (seed, 64);
        return range == UINT64_MAX ? drawn : field->least + drawn % (range + 1);
    }
    default: return field->least + items_random (seed) % (range < 100 ? range + 1 : 100);
    }
}

static inline bytes_t items_run (uint64_t *seed, const field_t *field)
{
    static const size_t sizes[] = {0, 1, 15, 16, 31, 32, 255, 256, 1024};
    size_t size = items_below (seed, 3) == 0
                      ? sizes[items_below (seed, sizeof sizes / sizeof sizes[0])]
                      : items_below (seed, 24);
    if (size < field->least)
        size = (size_t) field->least;
    if (size > field->most)
        size = (size_t) field->most;
    uint8_t *data = memory_new (size, 1);
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t) items_random (seed);
    return bytes_own (data, size);
}

static inline bytes_t items_raw (uint64_t *seed)
{
    static const struct {
        const char *data;
        size_t size;
    } values[] = {
        {"", 0},
        {"\xc0", 1},
        {"\x05", 1},
        {"\xff", 1},
        {"\xc3", 1},
        {"\xa3"
         "abc",
         4},
        {"\xc4\x02xy", 4},
        {"\x92\x01\x91\xc0", 4},
        {"\x81\x01\x02", 3},
        {"\xd1\x80\x00", 3},
        {"\xd4\x07z", 3},
        {"\xcb@\t!\xfbTD-\x18", 9},
    };
    size_t which = items_below (seed, sizeof values / sizeof values[0]);
    return bytes_copy (values[which].data, values[which].size);
}

static inline void items_fill (uint64_t *seed, const schema_t *schema, void *item, size_t depth);

static inline void items_list (uint64_t *seed, const field_t *field, void *member, size_t depth)
{
    struct {
        void *items;
        size_t count;
    } list = {0};
    list.count = depth == 0 && items_below (seed, 16) == 0 ? 17 : items_below (seed, 4);
    if (list.count > field->most)
        list.count = (size_t) field->most;
    list.items = list.count == 0 ? NULL : memory_new (list.count, field->of->size);
    for (size_t i = 0; i < list.count; i++)
        items_fill (seed, field->of, (uint8_t *) list.items + i * field->of->size, depth + 1);
    memcpy (member, &list, sizeof list);
}

static inline void items_field (uint64_t *seed, const field_t *field, void *member, size_t depth)
{
    static const double doubles[] = {0.0, -0.0, 1.0, 0.5, -1e300, 1e-308, 3.14159, 16777217.0};
    switch (field->kind) {
    case KIND_BOOL: *(bool *) member = items_below (seed, 2) == 1; break;
    case KIND_U8: *(uint8_t *) member = (uint8_t) items_number (seed, field); break;
    case KIND_U16: *(uint16_t *) member = (uint16_t) items_number (seed, field); break;
    case KIND_U32: *(uint32_t *) member = (uint32_t) items_number (seed, field); break;
    case KIND_U64: *(uint64_t *) member = items_number (seed, field); break;
    case KIND_F64: *(double *) member = doubles[items_below (seed, 8)]; break;
    case KIND_BIN:
    case KIND_DATA:
    case KIND_TEXT: *(bytes_t *) member = items_run (seed, field); break;
    case KIND_RAW: *(bytes_t *) member = items_raw (seed); break;
    case KIND_LIST: items_list (seed, field, member, depth); break;
    case KIND_RECORD: items_fill (seed, field->of, member, depth + 1); break;
    }
}

/*  Fills a zeroed item, which the caller clears. A MAP record gets some of its fields, or all. */
static inline void items_fill (uint64_t *seed, const schema_t *schema, void *item, size_t depth)
{
    uint64_t chosen = items_below (seed, 3) == 0 ? UINT64_MAX : items_random (seed);
    for (size_t i = 0; i < schema->count; i++) {
        const field_t *field = &schema->fields[i];
        if (schema->shape == SHAPE_MAP && (chosen >> i & 1) == 0)
            continue;
        items_field (seed, field, (uint8_t *) item + field->offset, depth);
        if (schema->shape == SHAPE_MAP)
            *(uint64_t *) item |= (uint64_t) 1 << i;
    }
}

/*  A new random item on the heap; codec_clear and free it. */
static inline void *items_new (uint64_t *seed, const schema_t *schema)
{
    void *item = memory_new (1, schema->size);
    items_fill (seed, schema, item, 0);
    return item;
}

/*  Changes some bytes of a copy of `input`, which is on the heap with exactly its size, so that a reader that goes
 *  too far is caught by AddressSanitizer. */
static inline bytes_t items_mutate (uint64_t *seed, bytes_t input)
{
    static const uint8_t heads[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf,
                                    0xc0, 0xc1, 0xc2, 0xc4, 0xc6, 0xc7, 0xc9, 0xca,
                                    0xcb, 0xcc, 0xcf, 0xd0, 0xd3, 0xd4, 0xd8, 0xd9,
                                    0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xff, 0x93};
    bytes_t copy = bytes_copy (input.data, input.size);
    size_t changes = 1 + items_below (seed, 3);
    for (size_t i = 0; i < changes && copy.size > 0; i++) {
        size_t at = items_below (seed, copy.size < 24 || items_below (seed, 2) ? copy.size : 24);
        switch (items_below (seed, 5)) {
        case 0: copy.data[at] ^= (uint8_t) (1u << items_below (seed, 8)); break;
        case 1: copy.data[at] = heads[items_below (seed, sizeof heads)]; break;
        case 2: copy.data[at] = (uint8_t) items_random (seed); break;
        case 3: /* one byte less */
            memmove (copy.data + at, copy.data + at + 1, copy.size - at - 1);
            copy.size--;
            break;
        default: { /* one byte more */
            uint8_t *longer = memory_new (copy.size + 1, 1);
            memcpy (longer, copy.data, at);
            longer[at] = heads[items_below (seed, sizeof heads)];
            memcpy (longer + at + 1, copy.data + at, copy.size - at);
            bytes_t grown = bytes_own (longer, copy.size + 1);
            bytes_clear (&copy);
            copy = grown;
        }
        }
    }
    bytes_t exact = bytes_copy (copy.data, copy.size);
    bytes_clear (&copy);
    return exact;
}

#endif
