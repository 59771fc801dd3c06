/*  codec.h - one engine for every record of the catalogue: encode, decode, clear, compare, print.
 *
 *  The rows of catalogue.h expand here to structs and in codec.c to schemas; nothing else knows a record's layout.
 *  Decoding is safe on any bytes: a bounded pre-walk (skim.h) runs before msgpack-c sees them, because msgpack-c
 *  takes memory by the count that an array declares. All checks of kind, bounds and order of fields are the schema's.
 */
/* clang-format off */
#ifndef CARTWHEEL_CODEC_H
#define CARTWHEEL_CODEC_H

#include "catalogue.h"
#include "status.h"

/* ---- what the rows expand to: NAME_t, NAME_list_t, FIELD_NAME_FIELD, NAME_schema ---- */

#define CODEC_TYPE_BOOL bool
#define CODEC_TYPE_U8 uint8_t
#define CODEC_TYPE_U16 uint16_t
#define CODEC_TYPE_U32 uint32_t
#define CODEC_TYPE_U64 uint64_t
#define CODEC_TYPE_F64 double
#define CODEC_TYPE_BIN bytes_t
#define CODEC_TYPE_DATA bytes_t
#define CODEC_TYPE_TEXT bytes_t
#define CODEC_TYPE_RAW bytes_t

#define CODEC_HAS_ARRAY
#define CODEC_HAS_BARE
#define CODEC_HAS_MAP uint64_t has; /* bit FIELD_NAME_FIELD: the field is there */

#define CODEC_MEMBER_F(kind, name, least, most) CODEC_TYPE_##kind name;
#define CODEC_MEMBER_L(record, name, most) record##_list_t name;
#define CODEC_MEMBER_R(record, name) record##_t name;
#define CODEC_STRUCT(record, shape)                                                        \
    typedef struct {                                                                       \
        CODEC_HAS_##shape FIELDS_##record (CODEC_MEMBER_F, CODEC_MEMBER_L, CODEC_MEMBER_R) \
    } record##_t;                                                                          \
    typedef struct {                                                                       \
        record##_t *items; /* on the heap, freed by codec_clear */                         \
        size_t count;                                                                      \
    } record##_list_t;
RECORDS (CODEC_STRUCT)
#undef CODEC_STRUCT

typedef enum { SHAPE_ARRAY, SHAPE_BARE, SHAPE_MAP } shape_t;
typedef enum {
    KIND_BOOL,
    KIND_U8,
    KIND_U16,
    KIND_U32,
    KIND_U64,
    KIND_F64,
    KIND_BIN,
    KIND_DATA,
    KIND_TEXT,
    KIND_RAW,
    KIND_LIST,
    KIND_RECORD
} kind_t;

typedef struct schema schema_t;

typedef struct {
    const char *name;
    kind_t kind;
    size_t offset;      /* of the member in the struct */
    uint64_t least;     /* smallest number, or size in bytes */
    uint64_t most;      /* largest number, size in bytes, or count of a list */
    const schema_t *of; /* of LIST and RECORD */
} field_t;

struct schema {
    const char *name;
    shape_t shape;
    size_t size; /* of the struct */
    const field_t *fields;
    size_t count;
};

#define CODEC_SCHEMA(record, shape) extern const schema_t record##_schema;
RECORDS (CODEC_SCHEMA)
#undef CODEC_SCHEMA

/*  A struct of one byte a field: the offset in it is the field's position, known to the compiler. */
#define CODEC_INDEX_F(kind, name, least, most) char name;
#define CODEC_INDEX_L(record, name, most) char name;
#define CODEC_INDEX_R(record, name) char name;
#define CODEC_INDEX(record, shape)                                    \
    typedef struct {                                                  \
        FIELDS_##record (CODEC_INDEX_F, CODEC_INDEX_L, CODEC_INDEX_R) \
    } record##_index_t;
RECORDS (CODEC_INDEX)
#undef CODEC_INDEX

/*  The bit of `field` in `has`: CODEC_BIT (request, key). */
#define CODEC_BIT(record, field) ((uint64_t) 1 << offsetof (record##_index_t, field))
/*  Whether a field of a MAP record is there: HAS (request, &request, key). */
#define HAS(record, item, field) (((item)->has & CODEC_BIT (record, field)) != 0)
/*  Gives a field of a MAP record its value: GIVE (got, &reply, stale, true). */
#define GIVE(record, item, field, ...)            \
    do {                                          \
        (item)->field = __VA_ARGS__;              \
        (item)->has |= CODEC_BIT (record, field); \
    } while (0)

/* ---- the engine ---- */

/*  Appends the record's MessagePack to `buffer`. Numbers take their shortest form, so equal records give equal
 *  bytes. A MAP record writes the fields that `has` names, in the order of the rows. 0, or -1 when the buffer
 *  would pass its maximum or a field is out of the bounds that codec_decode holds it to; nothing is appended then. */
int codec_encode (const schema_t *schema, const void *item, buffer_t *buffer);

/*  Decodes exactly one value that fills `input` into `item` (the struct, whose old content is overwritten and not
 *  freed). Runs of bytes become views into `input`; lists are on the heap until codec_clear. Refuses what is not
 *  well-formed, nested deeper than LIMIT_NESTING_DEPTH, of another kind, out of bounds, or not whole. A MAP record
 *  ignores fields that it does not know and refuses one given twice.
 *  0, or -1 with `item` zeroed; `why`, when not NULL, then points to a constant sentence. */
int codec_decode (const schema_t *schema, bytes_t input, void *item, const char **why);

/*  Frees what the record owns and zeroes it. May be called twice. */
void codec_clear (const schema_t *schema, void *item);

/*  Whether two records have equal fields (and, for MAP, the same fields). */
bool codec_equal (const schema_t *schema, const void *a, const void *b);

/*  A deep copy into `to`, which owns all of it. */
void codec_copy (const schema_t *schema, const void *from, void *to);

/*  Appends one line for a person: `name {field: value, ...}`; bytes outside printable ASCII as \xNN, long runs cut. */
void codec_print (const schema_t *schema, const void *item, buffer_t *buffer);

/*  The schema's field of that name, or NULL; `index` may be NULL. */
const field_t *codec_field (const schema_t *schema, const char *name, size_t size, size_t *index);

#endif
