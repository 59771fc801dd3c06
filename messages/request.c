/*  request.c - a client's request, checked in the order that the contract gives: the map, op, fields.
 *
 *  The ops' table names fields by their bits in request_t; kinds and bounds of the fields are the catalogue's. Only
 *  the first mistake is told. The id is looked for before anything else, so that a reply can repeat it whatever else
 *  is wrong.
 */
#include "request.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec_parts.h"
#include "skim.h"

#define QUOTE_BYTES 40u                        /* of a client's text in a sentence */
#define QUOTE_TEXT_BYTES (QUOTE_BYTES * 4 + 4) /* each as \xNN, an ellipsis and a NUL */

#define BIT(field) CODEC_BIT (request, field)
#define EVERYWHERE (BIT (op) | BIT (id) | BIT (timeout))
#define READS (BIT (r) | BIT (strict) | BIT (floor) | BIT (explain))
#define WRITES (BIT (w) | BIT (strict) | BIT (put_id) | BIT (explain))

/*  The fields of `plan` that are lists: they are checked here and not kept yet. Their bits stand above request_t's. */
static const char *const s_lists[] = {"join", "leave", "lose"};
#define LIST_COUNT 3u
#define LIST_BIT(index) ((uint64_t) 1 << (sizeof (request_index_t) + (index)))
#define LISTS (LIST_BIT (0) | LIST_BIT (1) | LIST_BIT (2))
_Static_assert(sizeof (request_index_t) + LIST_COUNT <= 64, "a bit for each field");

typedef struct {
    const char *name;
    uint64_t required;
    uint64_t optional;
} op_row_t;

static const op_row_t s_ops[] = {
    [OP_PING] = {"ping", 0, 0},
    [OP_GET] = {"get", BIT (key), READS},
    [OP_PUT] = {"put", BIT (key) | BIT (value), BIT (context) | WRITES},
    [OP_DELETE] = {"delete", BIT (key) | BIT (context), WRITES},
    [OP_KEYS] = {"keys", BIT (partition), BIT (after) | BIT (limit)},
    [OP_INSPECT] = {"inspect", BIT (key), 0},
    [OP_RING] = {"ring", 0, 0},
    [OP_STATUS] = {"status", 0, 0},
    [OP_STATS] = {"stats", 0, 0},
    [OP_PLAN] = {"plan", 0, LISTS},
    [OP_JOIN] = {"join", 0, BIT (seed)},
    [OP_LEAVE] = {"leave", 0, 0},
    [OP_REMOVE] = {"remove", BIT (node), 0},
    [OP_BACKGROUND] = {"background", BIT (work) | BIT (state), 0},
};
_Static_assert(sizeof s_ops / sizeof s_ops[0] == OP_COUNT, "a row for each op");

/*  Fields that take one of a few words. */
static const struct {
    uint64_t bit;
    const char *words[4];
    const char *needed;
} s_words[] = {
    {BIT (work),
     {"transfers", "hints", "anti_entropy", "all"},
     "transfers, hints, anti_entropy or all"},
    {BIT (state), {"run", "pause", NULL, NULL}, "run or pause"},
};

/*  A request that is being read. */
typedef struct {
    bytes_t input;
    msgpack_object_map map;
    request_t *request;
    const op_row_t *row;
    char *why;
    size_t size; /* of `why` */
} reading_t;

const char *op_name (op_t op)
{
    return (unsigned) op < OP_COUNT ? s_ops[op].name : "unknown";
}

void request_clear (request_t *request)
{
    codec_clear (&request_schema, request);
}

/* ---- sentences ---- */

/*  Always -1, so that a mistake is told and returned in one line. */
static int s_wrong (reading_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

static int s_wrong (reading_t *self, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (self->why, self->size, format, arguments);
    va_end (arguments);
    return -1;
}

/*  A client's text as printable ASCII, cut. */
static const char *s_quote (msgpack_object_str text, char quoted[QUOTE_TEXT_BYTES])
{
    size_t at = 0;
    for (size_t i = 0; i < text.size && i < QUOTE_BYTES; i++) {
        uint8_t byte = (uint8_t) text.ptr[i];
        const char *format = byte >= 0x20 && byte < 0x7f ? "%c" : "\\x%02x";
        at += (size_t) snprintf (quoted + at, QUOTE_TEXT_BYTES - at, format, byte);
    }
    snprintf (quoted + at, QUOTE_TEXT_BYTES - at, "%s", text.size > QUOTE_BYTES ? "..." : "");
    return quoted;
}

static int s_needed_number (reading_t *self, const field_t *field)
{
    if (field->most < UINT32_MAX)
        return s_wrong (self, "%s: an integer from %llu to %llu is needed", field->name,
                        (unsigned long long) field->least, (unsigned long long) field->most);
    return s_wrong (self, "%s: an integer of %llu or more is needed", field->name,
                    (unsigned long long) field->least);
}

static int s_needed_run (reading_t *self, const field_t *field)
{
    const char *type = field->kind == KIND_BIN    ? "a bin"
                       : field->kind == KIND_DATA ? "a bin or str"
                                                  : "a str";
    unsigned long long least = field->least;
    unsigned long long most = field->most;
    if (least == most)
        return s_wrong (self, "%s: %s of %llu bytes is needed", field->name, type, most);
    if (most < LIMIT_VALUE_BYTES)
        return s_wrong (self, "%s: %s of %llu to %llu bytes is needed", field->name, type, least,
                        most);
    if (least > 0)
        return s_wrong (self, "%s: %s of %llu or more bytes is needed", field->name, type, least);
    return s_wrong (self, "%s: %s is needed", field->name, type);
}

/*  Says what a field needs, from its kind and bounds. */
static int s_needed (reading_t *self, const field_t *field)
{
    switch (field->kind) {
    case KIND_BOOL: return s_wrong (self, "%s: true or false is needed", field->name);
    case KIND_F64: return s_wrong (self, "%s: a number is needed", field->name);
    case KIND_RAW:
        return s_wrong (self, "%s: an int, or a str or bin of at most %u bytes, is needed",
                        field->name, LIMIT_ID_BYTES);
    case KIND_U8:
    case KIND_U16:
    case KIND_U32:
    case KIND_U64: return s_needed_number (self, field);
    case KIND_BIN:
    case KIND_DATA:
    case KIND_TEXT: return s_needed_run (self, field);
    case KIND_LIST:
    case KIND_RECORD: break;
    }
    return s_wrong (self, "%s: this type is wrong", field->name);
}

/* ---- the map ---- */

static bool s_is (msgpack_object key, const char *name)
{
    return key.type == MSGPACK_OBJECT_STR && key.via.str.size == strlen (name) &&
           memcmp (key.via.str.ptr, name, key.via.str.size) == 0;
}

static bool s_id_valid (msgpack_object id)
{
    switch (id.type) {
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: return true;
    case MSGPACK_OBJECT_STR: return id.via.str.size <= LIMIT_ID_BYTES;
    case MSGPACK_OBJECT_BIN: return id.via.bin.size <= LIMIT_ID_BYTES;
    case MSGPACK_OBJECT_NIL:
    case MSGPACK_OBJECT_BOOLEAN:
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
    case MSGPACK_OBJECT_ARRAY:
    case MSGPACK_OBJECT_MAP:
    case MSGPACK_OBJECT_EXT: break;
    }
    return false;
}

/*  Keeps the encoded id, when there is exactly one and it is valid. */
static void s_find_id (reading_t *self)
{
    size_t offset = codec_tree_head (self->input, 0);
    bytes_t id = {0};
    size_t count = 0;
    for (size_t i = 0; i < self->map.size; i++) {
        const msgpack_object_kv *pair = &self->map.ptr[i];
        offset += skim_value (self->input, offset);
        size_t size = skim_value (self->input, offset);
        if (s_is (pair->key, "id") && ++count == 1 && s_id_valid (pair->val))
            id = bytes_view (self->input.data + offset, size);
        offset += size;
    }
    if (count == 1 && id.size > 0)
        GIVE (request, self->request, id, id);
}

/*  The bit of a field that some op has, or 0; `field` is NULL for the lists of `plan`. */
static uint64_t s_field_bit (msgpack_object key, const field_t **field)
{
    size_t index = 0;
    *field = codec_field (&request_schema, key.via.str.ptr, key.via.str.size, &index);
    if (*field != NULL)
        return (uint64_t) 1 << index;
    for (size_t i = 0; i < LIST_COUNT; i++)
        if (s_is (key, s_lists[i]))
            return LIST_BIT (i);
    return 0;
}

/*  Names are str, and none is given twice. Names that no op has may be: each is refused as such. */
static int s_check_names (reading_t *self)
{
    uint64_t seen = 0;
    for (size_t i = 0; i < self->map.size; i++) {
        msgpack_object key = self->map.ptr[i].key;
        if (key.type != MSGPACK_OBJECT_STR)
            return s_wrong (self, "a field's name is not a str");
        const field_t *field;
        uint64_t bit = s_field_bit (key, &field);
        char quoted[QUOTE_TEXT_BYTES];
        if ((seen & bit) != 0)
            return s_wrong (self, "%s: it is given twice", s_quote (key.via.str, quoted));
        seen |= bit;
    }
    return 0;
}

static int s_find_op (reading_t *self)
{
    for (size_t i = 0; i < self->map.size; i++) {
        const msgpack_object_kv *pair = &self->map.ptr[i];
        if (!s_is (pair->key, "op"))
            continue;
        if (pair->val.type != MSGPACK_OBJECT_STR)
            return s_wrong (self, "op: a str is needed");
        for (unsigned op = 0; op < OP_COUNT; op++)
            if (s_is (pair->val, s_ops[op].name))
                self->row = &s_ops[op];
        char quoted[QUOTE_TEXT_BYTES];
        if (self->row == NULL)
            return s_wrong (self, "op: `%s` is not an operation",
                            s_quote (pair->val.via.str, quoted));
        return 0;
    }
    return s_wrong (self, "op: it is missing; it names the operation, as `get`");
}

/* ---- fields ---- */

/*  One node that `plan` is to imagine: a map of nothing but a candidate's fields, a name at least. */
static bool s_candidate_valid (msgpack_object value)
{
    if (value.type != MSGPACK_OBJECT_MAP)
        return false;
    candidate_t candidate = {0};
    for (size_t i = 0; i < value.via.map.size; i++) {
        const msgpack_object_kv *pair = &value.via.map.ptr[i];
        if (pair->key.type != MSGPACK_OBJECT_STR)
            return false;
        size_t index = 0;
        const field_t *field =
            codec_field (&candidate_schema, pair->key.via.str.ptr, pair->key.via.str.size, &index);
        if (field == NULL || codec_has (&candidate_schema, &candidate, index) ||
            codec_value (field, &pair->val, codec_member (field, &candidate)) != NULL)
            return false;
        candidate.has |= (uint64_t) 1 << index;
    }
    return HAS (candidate, &candidate, name);
}

static int s_check_list (reading_t *self, const char *name, msgpack_object value)
{
    bool candidates = strcmp (name, "join") == 0;
    const field_t *text = codec_field (&candidate_schema, "name", 4, NULL);
    bool valid = value.type == MSGPACK_OBJECT_ARRAY;
    bytes_t ignored;
    for (size_t i = 0; valid && i < value.via.array.size; i++)
        valid = candidates ? s_candidate_valid (value.via.array.ptr[i])
                           : codec_value (text, &value.via.array.ptr[i], &ignored) == NULL;
    if (valid)
        return 0;
    return s_wrong (self,
                    candidates ? "%s: an array of maps of name (str), zone (str) and weight "
                                 "(a number) is needed, each with a name"
                               : "%s: an array of names (str) is needed",
                    name);
}

/*  Fields that take one of a few words. */
static int s_check_word (reading_t *self, const field_t *field, uint64_t bit)
{
    for (size_t i = 0; i < sizeof s_words / sizeof s_words[0]; i++) {
        if (s_words[i].bit != bit)
            continue;
        const bytes_t *given = codec_member (field, self->request);
        for (size_t word = 0; word < 4 && s_words[i].words[word] != NULL; word++)
            if (bytes_equal (*given, bytes_text (s_words[i].words[word])))
                return 0;
        return s_wrong (self, "%s: %s is needed", field->name, s_words[i].needed);
    }
    return 0;
}

static int s_read_field (reading_t *self, const msgpack_object_kv *pair)
{
    const field_t *field;
    uint64_t bit = s_field_bit (pair->key, &field);
    char quoted[QUOTE_TEXT_BYTES];
    if ((bit & (EVERYWHERE | self->row->required | self->row->optional)) == 0)
        return s_wrong (self, "%s: `%s` has no such field", s_quote (pair->key.via.str, quoted),
                        self->row->name);
    for (size_t i = 0; i < LIST_COUNT; i++)
        if (bit == LIST_BIT (i))
            return s_check_list (self, s_lists[i], pair->val);
    if (bit == BIT (id)) /* kept by s_find_id, if it could be */
        return HAS (request, self->request, id) ? 0 : s_needed (self, field);
    if (codec_value (field, &pair->val, codec_member (field, self->request)) != NULL)
        return s_needed (self, field);
    self->request->has |= bit;
    return s_check_word (self, field, bit);
}

static int s_read_fields (reading_t *self)
{
    for (size_t i = 0; i < self->map.size; i++)
        if (s_read_field (self, &self->map.ptr[i]) != 0)
            return -1;
    uint64_t missing = self->row->required & ~self->request->has;
    for (size_t i = 0; i < request_schema.count; i++)
        if ((missing >> i & 1) != 0)
            return s_wrong (self, "%s: it is missing; `%s` needs it", request_schema.fields[i].name,
                            self->row->name);
    return 0;
}

/* ---- the whole ---- */

static int s_read (reading_t *self, msgpack_object root)
{
    if (root.type != MSGPACK_OBJECT_MAP)
        return s_wrong (self, "a request is a MessagePack map of field names and values");
    self->map = root.via.map;
    s_find_id (self);
    if (s_check_names (self) != 0 || s_find_op (self) != 0)
        return -1;
    return s_read_fields (self);
}

op_t request_decode (bytes_t input, request_t *request, char *why, size_t size)
{
    assert (size > 0);
    *request = (request_t){0};
    why[0] = '\0';
    reading_t self = {.input = input, .request = request, .why = why, .size = size};
    tree_t tree;
    const char *wrong = codec_tree (&tree, input, LIMIT_REQUEST_ITEMS);
    if (wrong != NULL) {
        s_wrong (&self, "the request is not one MessagePack map: %s", wrong);
        return OP_COUNT;
    }
    int rc = s_read (&self, tree.root);
    codec_tree_clear (&tree);
    if (rc == 0)
        return (op_t) (self.row - s_ops);
    /* All but the id is dropped: a malformed request is not to be acted upon. */
    request_t kept = {.has = request->has & BIT (id), .id = request->id};
    *request = kept;
    return OP_COUNT;
}
