/*  codec_encode.c - a record's MessagePack, by its schema.
 *
 *  Nothing is written that codec_decode would refuse: a field out of its bounds is found here, where the mistake is,
 *  and not by the node or the restart that reads it.
 */
#include "codec.h"

#include <string.h>

#include "codec_parts.h"

static int s_encode_record (const schema_t *schema, const void *item, msgpack_packer *packer);

/*  What msgpack-c calls with each piece. */
static int s_write (void *buffer, const char *data, size_t size)
{
    return buffer_append (buffer, data, size);
}

static bool s_within (const field_t *field, uint64_t number)
{
    return number >= field->least && number <= field->most;
}

static int s_encode_run (const field_t *field, bytes_t run, msgpack_packer *packer)
{
    if (!s_within (field, run.size) || run.size > UINT32_MAX)
        return -1;
    if (field->kind == KIND_RAW) {
        bytes_t raw = codec_raw (run);
        return buffer_append (packer->data, raw.data, raw.size);
    }
    int rc = field->kind == KIND_TEXT ? msgpack_pack_str (packer, run.size)
                                      : msgpack_pack_bin (packer, run.size);
    return rc != 0 ? rc : buffer_append (packer->data, run.data, run.size);
}

static int s_encode_list (const field_t *field, list_t list, msgpack_packer *packer)
{
    if (!s_within (field, list.count) || msgpack_pack_array (packer, list.count) != 0)
        return -1;
    for (size_t i = 0; i < list.count; i++)
        if (s_encode_record (field->of, codec_list_item (field->of, list, i), packer) != 0)
            return -1;
    return 0;
}

static int s_encode_field (const field_t *field, const void *member, msgpack_packer *packer)
{
    switch (field->kind) {
    case KIND_BIN:
    case KIND_DATA:
    case KIND_TEXT:
    case KIND_RAW: return s_encode_run (field, *(const bytes_t *) member, packer);
    case KIND_RECORD: return s_encode_record (field->of, member, packer);
    case KIND_LIST: return s_encode_list (field, codec_list (member), packer);
    case KIND_F64: return msgpack_pack_double (packer, *(const double *) member);
    case KIND_BOOL:
        return *(const bool *) member ? msgpack_pack_true (packer) : msgpack_pack_false (packer);
    case KIND_U8:
    case KIND_U16:
    case KIND_U32:
    case KIND_U64: break;
    }
    uint64_t number = codec_number (field, member);
    return s_within (field, number) ? msgpack_pack_uint64 (packer, number) : -1;
}

static int s_encode_fields (const schema_t *schema, const void *item, msgpack_packer *packer)
{
    for (size_t i = 0; i < schema->count; i++) {
        const field_t *field = &schema->fields[i];
        if (!codec_has (schema, item, i))
            continue;
        if (schema->shape == SHAPE_MAP &&
            msgpack_pack_str_with_body (packer, field->name, strlen (field->name)) != 0)
            return -1;
        if (s_encode_field (field, codec_member (field, item), packer) != 0)
            return -1;
    }
    return 0;
}

static int s_encode_record (const schema_t *schema, const void *item, msgpack_packer *packer)
{
    size_t count = 0;
    for (size_t i = 0; i < schema->count; i++)
        count += codec_has (schema, item, i);
    int rc = 0;
    switch (schema->shape) {
    case SHAPE_ARRAY: rc = msgpack_pack_array (packer, count); break;
    case SHAPE_MAP: rc = msgpack_pack_map (packer, count); break;
    case SHAPE_BARE: break;
    }
    return rc != 0 ? rc : s_encode_fields (schema, item, packer);
}

int codec_encode (const schema_t *schema, const void *item, buffer_t *buffer)
{
    msgpack_packer packer;
    msgpack_packer_init (&packer, buffer, s_write);
    size_t before = buffer->size;
    if (s_encode_record (schema, item, &packer) == 0)
        return 0;
    buffer->size = before;
    return -1;
}
