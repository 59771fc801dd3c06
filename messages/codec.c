/*  codec.c - the rows of the catalogue as schemas, and what needs no MessagePack: clear, compare, copy, print.
 *
 *  Each walk has the same shape: a record is its fields, a field is a run of bytes, a list, a record or a number.
 */
#include "codec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "codec_parts.h"
#include "memory.h"

#define PRINT_RUN_BYTES 32u
#define PRINT_LIST_COUNT 16u

/* clang-format off */
/*  A row does not know its record, so the record's part of the initializer is handed to it as the beginning of its own
 *  text: `->` is followed by what CODEC_ROW_F makes of its arguments, which starts with the member's name. This is
 *  offsetof written out, because a parenthesis that is opened here cannot be closed there. */
#define CODEC_ROW_F(which, member, low, high)                                 \
    member, .name = #member, .kind = KIND_##which, .least = low, .most = high \
    }                                                                         \
    ,
#define CODEC_ROW_L(record, member, high)                                            \
    member, .name = #member, .kind = KIND_LIST, .most = high, .of = &record##_schema \
    }                                                                                \
    ,
#define CODEC_ROW_R(record, member)                                      \
    member, .name = #member, .kind = KIND_RECORD, .of = &record##_schema \
    }                                                                    \
    ,
#define CODEC_TABLE(record, form)                \
    static const field_t s_fields_##record[] = {                               \
        FIELDS_##record ({.offset = (size_t) &((record##_t *) 0)->CODEC_ROW_F, \
                         {.offset = (size_t) &((record##_t *) 0)->CODEC_ROW_L, \
                         {.offset = (size_t) &((record##_t *) 0)->CODEC_ROW_R) \
    };                                                                         \
    const schema_t record##_schema = {                                         \
        .name = #record,                                                       \
        .shape = SHAPE_##form,                                                 \
        .size = sizeof (record##_t),                                           \
        .fields = s_fields_##record,                                           \
        .count = sizeof s_fields_##record / sizeof s_fields_##record[0],       \
    };                                                                         \
    _Static_assert (sizeof (record##_index_t) <= 64, "`has` holds 64 fields");
RECORDS (CODEC_TABLE)
/* clang-format on */

/* ---- parts ---- */

list_t codec_list (const void *member)
{
    list_t list;
    memcpy (&list, member, sizeof list);
    return list;
}

void *codec_list_item (const schema_t *schema, list_t list, size_t index)
{
    return (uint8_t *) list.items + index * schema->size;
}

void *codec_member (const field_t *field, const void *item)
{
    return (uint8_t *) item + field->offset;
}

bool codec_has (const schema_t *schema, const void *item, size_t index)
{
    /* `has` is the first member of a MAP record. */
    return schema->shape != SHAPE_MAP || (*(const uint64_t *) item >> index & 1) != 0;
}

uint64_t codec_number (const field_t *field, const void *member)
{
    if (field->kind == KIND_BOOL)
        return *(const bool *) member ? 1 : 0;
    if (field->kind == KIND_U8)
        return *(const uint8_t *) member;
    if (field->kind == KIND_U16)
        return *(const uint16_t *) member;
    if (field->kind == KIND_U32)
        return *(const uint32_t *) member;
    return *(const uint64_t *) member;
}

bytes_t codec_raw (bytes_t raw)
{
    return raw.size == 0 ? bytes_view ("\xc0", 1) : raw;
}

const field_t *codec_field (const schema_t *schema, const char *name, size_t size, size_t *index)
{
    for (size_t i = 0; i < schema->count; i++) {
        const field_t *field = &schema->fields[i];
        if (strlen (field->name) != size || memcmp (field->name, name, size) != 0)
            continue;
        if (index != NULL)
            *index = i;
        return field;
    }
    return NULL;
}

/* ---- clear ---- */

static void s_clear_field (const field_t *field, void *member)
{
    switch (field->kind) {
    case KIND_BIN:
    case KIND_DATA:
    case KIND_TEXT:
    case KIND_RAW: bytes_clear (member); break;
    case KIND_RECORD: codec_clear (field->of, member); break;
    case KIND_LIST: {
        list_t list = codec_list (member);
        for (size_t i = 0; i < list.count; i++)
            codec_clear (field->of, codec_list_item (field->of, list, i));
        free (list.items);
        break;
    }
    case KIND_BOOL:
    case KIND_U8:
    case KIND_U16:
    case KIND_U32:
    case KIND_U64:
    case KIND_F64: break;
    }
}

void codec_clear (const schema_t *schema, void *item)
{
    for (size_t i = 0; i < schema->count; i++)
        s_clear_field (&schema->fields[i], codec_member (&schema->fields[i], item));
    memset (item, 0, schema->size);
}

/* ---- compare ---- */

static bool s_equal_field (const field_t *field, const void *a, const void *b)
{
    switch (field->kind) {
    case KIND_BIN:
    case KIND_DATA:
    case KIND_TEXT: return bytes_equal (*(const bytes_t *) a, *(const bytes_t *) b);
    case KIND_RAW:
        return bytes_equal (codec_raw (*(const bytes_t *) a), codec_raw (*(const bytes_t *) b));
    case KIND_RECORD: return codec_equal (field->of, a, b);
    case KIND_LIST: {
        list_t left = codec_list (a);
        list_t right = codec_list (b);
        bool equal = left.count == right.count;
        for (size_t i = 0; equal && i < left.count; i++)
            equal = codec_equal (field->of, codec_list_item (field->of, left, i),
                                 codec_list_item (field->of, right, i));
        return equal;
    }
    case KIND_F64: return memcmp (a, b, sizeof (double)) == 0; /* equal on the wire */
    case KIND_BOOL:
    case KIND_U8:
    case KIND_U16:
    case KIND_U32:
    case KIND_U64: break;
    }
    return codec_number (field, a) == codec_number (field, b);
}

bool codec_equal (const schema_t *schema, const void *a, const void *b)
{
    for (size_t i = 0; i < schema->count; i++) {
        const field_t *field = &schema->fields[i];
        bool there = codec_has (schema, a, i);
        if (there != codec_has (schema, b, i))
            return false;
        if (there && !s_equal_field (field, codec_member (field, a), codec_member (field, b)))
            return false;
    }
    return true;
}

/* ---- copy ---- */

static void s_copy_field (const field_t *field, const void *from, void *to)
{
    switch (field->kind) {
    case KIND_BIN:
    case KIND_DATA:
    case KIND_TEXT:
    case KIND_RAW: {
        const bytes_t *run = from;
        *(bytes_t *) to = bytes_copy (run->data, run->size);
        break;
    }
    case KIND_RECORD: codec_copy (field->of, from, to); break;
    case KIND_LIST: {
        list_t source = codec_list (from);
        list_t copy = {.count = source.count};
        if (source.count > 0)
            copy.items = memory_new (source.count, field->of->size);
        for (size_t i = 0; i < source.count; i++)
            codec_copy (field->of, codec_list_item (field->of, source, i),
                        codec_list_item (field->of, copy, i));
        memcpy (to, &copy, sizeof copy);
        break;
    }
    case KIND_BOOL:
    case KIND_U8:
    case KIND_U16:
    case KIND_U32:
    case KIND_U64:
    case KIND_F64: break; /* copied with the struct */
    }
}

void codec_copy (const schema_t *schema, const void *from, void *to)
{
    memcpy (to, from, schema->size);
    for (size_t i = 0; i < schema->count; i++) {
        const field_t *field = &schema->fields[i];
        s_copy_field (field, codec_member (field, from), codec_member (field, to));
    }
}

/* ---- print ---- */

static void s_print_run (bytes_t run, buffer_t *buffer)
{
    buffer_print (buffer, "\"");
    for (size_t i = 0; i < run.size && i < PRINT_RUN_BYTES; i++) {
        uint8_t byte = run.data[i];
        bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
        buffer_print (buffer, plain ? "%c" : "\\x%02x", byte);
    }
    buffer_print (buffer, "\"");
    if (run.size > PRINT_RUN_BYTES)
        buffer_print (buffer, "... (%zu bytes)", run.size);
}

static void s_print_list (const schema_t *schema, list_t list, buffer_t *buffer)
{
    buffer_print (buffer, "[");
    for (size_t i = 0; i < list.count && i < PRINT_LIST_COUNT; i++) {
        buffer_print (buffer, i == 0 ? "" : ", ");
        codec_print (schema, codec_list_item (schema, list, i), buffer);
    }
    if (list.count > PRINT_LIST_COUNT)
        buffer_print (buffer, ", ... (%zu items)", list.count);
    buffer_print (buffer, "]");
}

static void s_print_field (const field_t *field, const void *member, buffer_t *buffer)
{
    switch (field->kind) {
    case KIND_BIN:
    case KIND_DATA:
    case KIND_TEXT:
    case KIND_RAW: s_print_run (*(const bytes_t *) member, buffer); break;
    case KIND_RECORD: codec_print (field->of, member, buffer); break;
    case KIND_LIST: s_print_list (field->of, codec_list (member), buffer); break;
    case KIND_F64: buffer_print (buffer, "%g", *(const double *) member); break;
    case KIND_BOOL:
        buffer_print (buffer, "%s", codec_number (field, member) != 0 ? "true" : "false");
        break;
    case KIND_U8:
    case KIND_U16:
    case KIND_U32:
    case KIND_U64: buffer_print (buffer, "%" PRIu64, codec_number (field, member)); break;
    }
}

void codec_print (const schema_t *schema, const void *item, buffer_t *buffer)
{
    buffer_print (buffer, "%s {", schema->name);
    bool first = true;
    for (size_t i = 0; i < schema->count; i++) {
        if (!codec_has (schema, item, i))
            continue;
        buffer_print (buffer, "%s%s: ", first ? "" : ", ", schema->fields[i].name);
        s_print_field (&schema->fields[i], codec_member (&schema->fields[i], item), buffer);
        first = false;
    }
    buffer_print (buffer, "}");
}
