/*  codec_decode.c - bytes from outside to a record, by its schema.
 *
 *  skim_check bounds the input, msgpack-c makes a tree of it, and the schema decides on each value of the tree. A
 *  reader keeps the offset of the value beside its place in the tree, because a RAW field keeps its encoded bytes
 *  and the tree has forgotten them. Whatever fails half-way is cleared as a whole: the item starts zeroed.
 */
#include "codec.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "codec_parts.h"
#include "memory.h"
#include "skim.h"

#define ZONE_CHUNK_BYTES 2048u /* most requests and messages fit; larger ones grow */

typedef struct {
    bytes_t input;
    size_t offset; /* of the value that is looked at */
} reader_t;

static const char *s_read_record (reader_t *reader, const schema_t *schema,
                                  const msgpack_object *value, void *item);

/* ---- the tree ---- */

const char *codec_tree (tree_t *self, bytes_t input, size_t items)
{
    const char *wrong = skim_check (input, LIMIT_NESTING_DEPTH, items);
    if (wrong != NULL)
        return wrong;
    if (!msgpack_zone_init (&self->zone, ZONE_CHUNK_BYTES))
        return "there is no memory to decode it";
    size_t offset = 0;
    msgpack_unpack_return rc =
        msgpack_unpack ((const char *) input.data, input.size, &offset, &self->zone, &self->root);
    if (rc == MSGPACK_UNPACK_SUCCESS && offset == input.size)
        return NULL;
    codec_tree_clear (self);
    return rc == MSGPACK_UNPACK_NOMEM_ERROR ? "there is no memory to decode it"
                                            : "it is not MessagePack";
}

void codec_tree_clear (tree_t *self)
{
    msgpack_zone_destroy (&self->zone);
}

size_t codec_tree_head (bytes_t input, size_t offset)
{
    switch (input.data[offset]) {
    case 0xdc: /* array 16 */
    case 0xde: /* map 16 */ return 3;
    case 0xdd: /* array 32 */
    case 0xdf: /* map 32 */ return 5;
    default: return 1;
    }
}

/* ---- single values ---- */

static const char *s_value_number (const field_t *field, const msgpack_object *value, void *member)
{
    if (value->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return "an integer of 0 or more is needed";
    uint64_t number = value->via.u64;
    if (number < field->least || number > field->most)
        return "a number is out of range";
    if (field->kind == KIND_U8)
        *(uint8_t *) member = (uint8_t) number;
    else if (field->kind == KIND_U16)
        *(uint16_t *) member = (uint16_t) number;
    else if (field->kind == KIND_U32)
        *(uint32_t *) member = (uint32_t) number;
    else
        *(uint64_t *) member = number;
    return NULL;
}

static const char *s_value_double (const msgpack_object *value, double *member)
{
    if (value->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        *member = (double) value->via.u64;
    else if (value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        *member = (double) value->via.i64;
    else if (value->type == MSGPACK_OBJECT_FLOAT32 || value->type == MSGPACK_OBJECT_FLOAT64)
        *member = value->via.f64;
    else
        return "a number is needed";
    return isfinite (*member) ? NULL : "a finite number is needed";
}

static const char *s_value_run (const field_t *field, const msgpack_object *value, bytes_t *member)
{
    bool is_str = value->type == MSGPACK_OBJECT_STR && field->kind != KIND_BIN;
    bool is_bin = value->type == MSGPACK_OBJECT_BIN && field->kind != KIND_TEXT;
    if (!is_str && !is_bin)
        return "a run of bytes of another type is needed";
    bytes_t run = is_str ? bytes_view (value->via.str.ptr, value->via.str.size)
                         : bytes_view (value->via.bin.ptr, value->via.bin.size);
    if (run.size < field->least || run.size > field->most)
        return "a run of bytes is too short or too long";
    *member = run;
    return NULL;
}

const char *codec_value (const field_t *field, const msgpack_object *value, void *member)
{
    switch (field->kind) {
    case KIND_U8:
    case KIND_U16:
    case KIND_U32:
    case KIND_U64: return s_value_number (field, value, member);
    case KIND_F64: return s_value_double (value, member);
    case KIND_BIN:
    case KIND_DATA:
    case KIND_TEXT: return s_value_run (field, value, member);
    case KIND_BOOL:
        if (value->type != MSGPACK_OBJECT_BOOLEAN)
            return "a bool is needed";
        *(bool *) member = value->via.boolean;
        return NULL;
    case KIND_RAW:
    case KIND_LIST:
    case KIND_RECORD: break;
    }
    assert (false);
    return "it cannot be read alone";
}

/* ---- records ---- */

static const char *s_read_raw (reader_t *reader, const field_t *field, bytes_t *member)
{
    size_t size = skim_value (reader->input, reader->offset);
    if (size < field->least || size > field->most)
        return "a value is too short or too long";
    *member = bytes_view (reader->input.data + reader->offset, size);
    reader->offset += size;
    return NULL;
}

/*  The fewest bytes that a record can be encoded in. */
static size_t s_least_bytes (const schema_t *schema)
{
    if (schema->shape == SHAPE_MAP)
        return 1;
    size_t bytes = schema->shape == SHAPE_ARRAY ? 1 : 0;
    for (size_t i = 0; i < schema->count; i++) {
        const field_t *field = &schema->fields[i];
        if (field->kind == KIND_RECORD)
            bytes += s_least_bytes (field->of);
        else if (field->kind == KIND_BIN || field->kind == KIND_DATA || field->kind == KIND_TEXT)
            bytes += 1 + (size_t) field->least;
        else
            bytes += 1;
    }
    return bytes;
}

static const char *s_read_list (reader_t *reader, const field_t *field, const msgpack_object *value,
                                void *member)
{
    if (value->type != MSGPACK_OBJECT_ARRAY)
        return "an array is needed";
    list_t list = {.count = value->via.array.size};
    if (list.count > field->most)
        return "a list is too long";
    if (list.count * s_least_bytes (field->of) > reader->input.size - reader->offset)
        return "a list declares more than its bytes can hold";
    reader->offset += codec_tree_head (reader->input, reader->offset);
    if (list.count == 0)
        return NULL;
    list.items = memory_new (list.count, field->of->size);
    memcpy (member, &list, sizeof list); /* now codec_clear frees it, however far we come */
    const char *wrong = NULL;
    for (size_t i = 0; wrong == NULL && i < list.count; i++)
        wrong = s_read_record (reader, field->of, &value->via.array.ptr[i],
                               codec_list_item (field->of, list, i));
    return wrong;
}

/*  Reads one field and moves on to the value behind it. */
static const char *s_read_field (reader_t *reader, const field_t *field,
                                 const msgpack_object *value, void *member)
{
    if (field->kind == KIND_RAW)
        return s_read_raw (reader, field, member);
    if (field->kind == KIND_LIST)
        return s_read_list (reader, field, value, member);
    if (field->kind == KIND_RECORD)
        return s_read_record (reader, field->of, value, member);
    reader->offset += skim_value (reader->input, reader->offset);
    return codec_value (field, value, member);
}

static const char *s_read_array (reader_t *reader, const schema_t *schema,
                                 const msgpack_object *value, void *item)
{
    if (value->type != MSGPACK_OBJECT_ARRAY)
        return "a record is no array";
    if (value->via.array.size < schema->count)
        return "a record lacks fields";
    reader->offset += codec_tree_head (reader->input, reader->offset);
    for (size_t i = 0; i < schema->count; i++) {
        const field_t *field = &schema->fields[i];
        const char *wrong =
            s_read_field (reader, field, &value->via.array.ptr[i], codec_member (field, item));
        if (wrong != NULL)
            return wrong;
    }
    /* What a newer peer has added stands behind the fields that we know. */
    for (size_t i = schema->count; i < value->via.array.size; i++)
        reader->offset += skim_value (reader->input, reader->offset);
    return NULL;
}

static const char *s_read_map (reader_t *reader, const schema_t *schema,
                               const msgpack_object *value, void *item)
{
    if (value->type != MSGPACK_OBJECT_MAP)
        return "a record is no map";
    reader->offset += codec_tree_head (reader->input, reader->offset);
    uint64_t *has = item; /* the first member */
    for (size_t i = 0; i < value->via.map.size; i++) {
        const msgpack_object_kv *pair = &value->via.map.ptr[i];
        if (pair->key.type != MSGPACK_OBJECT_STR)
            return "a field's name is no str";
        reader->offset += skim_value (reader->input, reader->offset);
        size_t index = 0;
        const field_t *field =
            codec_field (schema, pair->key.via.str.ptr, pair->key.via.str.size, &index);
        if (field == NULL) {
            reader->offset += skim_value (reader->input, reader->offset);
            continue;
        }
        if ((*has >> index & 1) != 0)
            return "a field is given twice";
        const char *wrong = s_read_field (reader, field, &pair->val, codec_member (field, item));
        if (wrong != NULL)
            return wrong;
        *has |= (uint64_t) 1 << index;
    }
    return NULL;
}

static const char *s_read_record (reader_t *reader, const schema_t *schema,
                                  const msgpack_object *value, void *item)
{
    switch (schema->shape) {
    case SHAPE_ARRAY: return s_read_array (reader, schema, value, item);
    case SHAPE_MAP: return s_read_map (reader, schema, value, item);
    case SHAPE_BARE: break;
    }
    return s_read_field (reader, schema->fields, value, codec_member (schema->fields, item));
}

int codec_decode (const schema_t *schema, bytes_t input, void *item, const char **why)
{
    memset (item, 0, schema->size);
    tree_t tree;
    const char *wrong = codec_tree (&tree, input, LIMIT_FRAME_ITEMS);
    if (wrong == NULL) {
        reader_t reader = {.input = input};
        wrong = s_read_record (&reader, schema, &tree.root, item);
        assert (wrong != NULL || reader.offset == input.size); /* both walks saw the same values */
        codec_tree_clear (&tree);
    }
    if (wrong != NULL)
        codec_clear (schema, item);
    if (why != NULL)
        *why = wrong;
    return wrong == NULL ? 0 : -1;
}
