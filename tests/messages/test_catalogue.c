/*  test_catalogue.c - every record of the catalogue: round trip, each truncation, mutations, and memory.
 *
 *  The items are drawn from the schemas with fixed seeds, so a new row is tested without a line here and a failure
 *  comes back.
 */
#include "items.h"
#include "notation.h"

#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define ROUND_TRIPS 200u
#define TRUNCATIONS 4u
#define MUTATIONS 100000u

/*  The item's bytes, on the heap with exactly their size. */
static bytes_t s_encode (const schema_t *schema, const void *item)
{
    buffer_t buffer;
    buffer_init (&buffer, ITEMS_BUFFER_BYTES);
    cr_assert_eq (codec_encode (schema, item, &buffer), 0, "%s", schema->name);
    bytes_t bytes = bytes_copy (buffer.data, buffer.size);
    buffer_clear (&buffer);
    return bytes;
}

static void s_drop (const schema_t *schema, void *item)
{
    codec_clear (schema, item);
    free (item);
}

static uint64_t s_largest (const field_t *field)
{
    switch (field->kind) {
    case KIND_BOOL: return 1;
    case KIND_U8: return UINT8_MAX;
    case KIND_U16: return UINT16_MAX;
    case KIND_U32:
    case KIND_LIST: return UINT32_MAX;
    case KIND_F64:
    case KIND_RECORD: return 0;
    case KIND_U64:
    case KIND_BIN:
    case KIND_DATA:
    case KIND_TEXT:
    case KIND_RAW: break;
    }
    return UINT64_MAX;
}

Test (catalogue, rows_are_sound)
{
    for (size_t i = 0; i < ITEMS_SCHEMAS_COUNT; i++) {
        const schema_t *schema = items_schemas[i];
        cr_assert_gt (schema->count, 0, "%s", schema->name);
        cr_assert (schema->shape != SHAPE_BARE || schema->count == 1, "%s", schema->name);
        cr_assert (schema->shape != SHAPE_MAP || schema->fields[0].offset >= sizeof (uint64_t));
        for (size_t j = 0; j < schema->count; j++) {
            const field_t *field = &schema->fields[j];
            cr_assert (field->least <= field->most, "%s.%s", schema->name, field->name);
            cr_assert (field->most <= s_largest (field), "%s.%s: its kind cannot hold its bound",
                       schema->name, field->name);
            cr_assert_lt (field->offset, schema->size);
            cr_assert (j == 0 || field->offset > field[-1].offset, "%s.%s", schema->name,
                       field->name);
            bool nested = field->kind == KIND_LIST || field->kind == KIND_RECORD;
            cr_assert_eq (field->of != NULL, nested);
            size_t index;
            cr_assert_eq (codec_field (schema, field->name, strlen (field->name), &index), field,
                          "%s.%s stands twice", schema->name, field->name);
            cr_assert_eq (index, j);
        }
    }
    cr_assert_eq (CODEC_BIT (dot, counter), 2);
    cr_assert_eq (dot_schema.fields[1].offset, offsetof (dot_t, counter));
    cr_assert_eq (tally_schema.fields[tally_schema.count - 1].offset, offsetof (tally_t, stats));
    cr_assert_null (codec_field (&dot_schema, "counte", 6, NULL));
    cr_assert_null (codec_field (&dot_schema, "counters", 8, NULL));
}

static void s_round_trip (const schema_t *schema, uint64_t *seed)
{
    void *item = items_new (seed, schema);
    bytes_t bytes = s_encode (schema, item);
    void *decoded = memory_new (1, schema->size);
    memset (decoded, 0xaa, schema->size); /* old content does not matter */
    const char *why;
    cr_assert_eq (codec_decode (schema, bytes, decoded, &why), 0, "%s: %s", schema->name, why);
    cr_assert_null (why);
    cr_assert (codec_equal (schema, item, decoded), "%s", schema->name);

    void *copy = memory_new (1, schema->size);
    codec_copy (schema, decoded, copy);
    bytes_t again = s_encode (schema, decoded);
    cr_assert (bytes_equal (bytes, again), "%s: equal records gave other bytes", schema->name);
    s_drop (schema, decoded);
    memset (bytes.data, 0xc1, bytes.size); /* a copy has no views into the frame */
    cr_assert (codec_equal (schema, item, copy), "%s", schema->name);
    codec_clear (schema, copy);
    s_drop (schema, copy); /* clear may be called twice */

    buffer_t line;
    buffer_init (&line, ITEMS_BUFFER_BYTES);
    codec_print (schema, item, &line);
    cr_assert_gt (line.size, strlen (schema->name));
    for (size_t i = 0; i < line.size; i++)
        cr_assert (line.data[i] >= 0x20 && line.data[i] < 0x7f);
    buffer_clear (&line);
    bytes_clear (&bytes);
    bytes_clear (&again);
    s_drop (schema, item);
}

Test (catalogue, each_record_comes_back)
{
    uint64_t seed = 1;
    for (size_t i = 0; i < ITEMS_SCHEMAS_COUNT; i++)
        for (size_t j = 0; j < ROUND_TRIPS; j++)
            s_round_trip (items_schemas[i], &seed);
}

/*  Two items that differ are not equal: the checker above can fail. */
Test (catalogue, other_items_are_not_equal)
{
    uint64_t seed = 2;
    for (size_t i = 0; i < ITEMS_SCHEMAS_COUNT; i++) {
        const schema_t *schema = items_schemas[i];
        size_t equal = 0;
        for (size_t j = 0; j < 100; j++) {
            void *a = items_new (&seed, schema);
            void *b = items_new (&seed, schema);
            bytes_t a_bytes = s_encode (schema, a);
            bytes_t b_bytes = s_encode (schema, b);
            cr_assert_eq (codec_equal (schema, a, b), bytes_equal (a_bytes, b_bytes), "%s",
                          schema->name);
            equal += bytes_equal (a_bytes, b_bytes);
            bytes_clear (&a_bytes);
            bytes_clear (&b_bytes);
            s_drop (schema, a);
            s_drop (schema, b);
        }
        cr_assert_lt (equal, 50, "%s: the generator draws the same", schema->name);
    }
}

/*  A refusal leaves nothing in the item, however far it had come. */
static bool s_zeroed (const schema_t *schema, const uint8_t *item)
{
    for (size_t i = 0; i < schema->size; i++)
        if (item[i] != 0)
            return false;
    return true;
}

static bool s_refused (const schema_t *schema, bytes_t bytes)
{
    uint8_t *item = memory_new (1, schema->size);
    memset (item, 0xaa, schema->size);
    const char *why = NULL;
    int rc = codec_decode (schema, bytes, item, &why);
    cr_assert (rc == 0 || s_zeroed (schema, item), "%s", schema->name);
    cr_assert_eq (rc != 0, why != NULL);
    codec_clear (schema, item);
    free (item);
    return rc != 0;
}

Test (catalogue, each_truncation_is_refused)
{
    uint64_t seed = 3;
    for (size_t i = 0; i < ITEMS_SCHEMAS_COUNT; i++)
        for (size_t j = 0; j < TRUNCATIONS; j++) {
            const schema_t *schema = items_schemas[i];
            void *item = items_new (&seed, schema);
            bytes_t bytes = s_encode (schema, item);
            for (size_t size = 0; size < bytes.size; size++) {
                bytes_t cut = bytes_copy (bytes.data, size);
                cr_assert (s_refused (schema, cut), "%s: %zu of %zu bytes", schema->name, size,
                           bytes.size);
                bytes_clear (&cut);
            }
            buffer_t longer;
            buffer_init (&longer, ITEMS_BUFFER_BYTES);
            buffer_append (&longer, bytes.data, bytes.size);
            buffer_append (&longer, "\xc0", 1);
            cr_assert (s_refused (schema, buffer_view (&longer)), "%s", schema->name);
            buffer_clear (&longer);
            bytes_clear (&bytes);
            s_drop (schema, item);
        }
}

/*  Whether all runs that an item lends lie in its input; lists are walked by their schema. */
static bool s_inside (const schema_t *schema, const void *item, bytes_t input)
{
    bool inside = true;
    for (size_t i = 0; i < schema->count; i++) {
        const field_t *field = &schema->fields[i];
        const uint8_t *member = (const uint8_t *) item + field->offset;
        if (field->kind >= KIND_BIN && field->kind <= KIND_RAW) {
            const bytes_t *run = (const void *) member;
            inside = inside && !run->owned &&
                     (run->data == NULL || (run->data >= input.data &&
                                            run->data + run->size <= input.data + input.size));
        } else if (field->kind == KIND_RECORD)
            inside = inside && s_inside (field->of, member, input);
        else if (field->kind == KIND_LIST) {
            struct {
                void *items;
                size_t count;
            } list;
            memcpy (&list, member, sizeof list);
            for (size_t j = 0; j < list.count; j++)
                inside = inside &&
                         s_inside (field->of, (uint8_t *) list.items + j * field->of->size, input);
        }
    }
    return inside;
}

/*  1 when the input decodes, and then it must encode to an equal record. */
static size_t s_mutant (const schema_t *schema, bytes_t input)
{
    void *item = memory_new (1, schema->size);
    const char *why;
    size_t decoded = codec_decode (schema, input, item, &why) == 0;
    if (decoded == 1) {
        cr_assert (s_inside (schema, item, input), "%s: a run is not a view", schema->name);
        bytes_t bytes = s_encode (schema, item);
        void *again = memory_new (1, schema->size);
        cr_assert_eq (codec_decode (schema, bytes, again, &why), 0, "%s: %s", schema->name, why);
        cr_assert (codec_equal (schema, item, again), "%s", schema->name);
        s_drop (schema, again);
        bytes_clear (&bytes);
    } else
        cr_assert (s_zeroed (schema, item), "%s", schema->name);
    s_drop (schema, item);
    return decoded;
}

Test (catalogue, mutations_are_refused_or_come_back)
{
    uint64_t seed = 4;
    size_t decoded = 0;
    size_t tried = 0;
    while (tried < MUTATIONS)
        for (size_t i = 0; i < ITEMS_SCHEMAS_COUNT; i++) {
            const schema_t *schema = items_schemas[i];
            void *item = items_new (&seed, schema);
            bytes_t bytes = s_encode (schema, item);
            for (size_t j = 0; j < 25; j++, tried++) {
                bytes_t mutant = items_mutate (&seed, bytes);
                decoded += s_mutant (schema, mutant);
                bytes_clear (&mutant);
            }
            /* The same bytes for a record that they are not. */
            s_mutant (items_schemas[items_below (&seed, ITEMS_SCHEMAS_COUNT)], bytes);
            bytes_clear (&bytes);
            s_drop (schema, item);
        }
    cr_assert (decoded > MUTATIONS / 20 && decoded < MUTATIONS / 10 * 9, "%zu decoded", decoded);
}

/* ---- memory ---- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define INSTRUMENTED 1
#endif
#endif

/*  Lets this process (Criterion's child for one test) have little more address space than it has. */
static void s_limit_memory (size_t more)
{
    unsigned long pages = 0;
    FILE *file = fopen ("/proc/self/statm", "r");
    cr_assert_not_null (file);
    cr_assert_eq (fscanf (file, "%lu", &pages), 1);
    fclose (file);
    rlim_t bytes = (rlim_t) pages * (rlim_t) sysconf (_SC_PAGESIZE) + more;
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
    cr_assert_eq (setrlimit (RLIMIT_AS, &limit), 0);
}

/*  Each place of a record's encoding is replaced by heads that declare far more than there is. */
Test (catalogue, no_memory_for_what_the_bytes_cannot_hold)
{
#ifdef INSTRUMENTED
    cr_skip_test ("a sanitizer needs the address space for itself");
#endif
    static const char *const greedy[] = {"h'dd0fffffff'", "h'ddffffffff'", "h'df0fffffff'",
                                         "h'c60fffffff'", "h'db0fffffff'", "h'dcffff'"};
    s_limit_memory (16u << 20);
    void *probe = malloc (64u << 20);
    cr_assert_null (probe, "the limit holds");
    uint64_t seed = 5;
    for (size_t i = 0; i < ITEMS_SCHEMAS_COUNT; i++) {
        const schema_t *schema = items_schemas[i];
        void *item = items_new (&seed, schema);
        bytes_t bytes = s_encode (schema, item);
        for (size_t at = 0; at < bytes.size && at < 200; at++)
            for (size_t which = 0; which < sizeof greedy / sizeof greedy[0]; which++) {
                bytes_t head = notation (greedy[which]);
                buffer_t input;
                buffer_init (&input, ITEMS_BUFFER_BYTES);
                buffer_append (&input, bytes.data, at);
                buffer_append (&input, head.data, head.size);
                buffer_append (&input, bytes.data + at, bytes.size - at);
                s_mutant (schema, buffer_view (&input)); /* ends the process if it takes memory */
                buffer_clear (&input);
                bytes_clear (&head);
            }
        bytes_clear (&bytes);
        s_drop (schema, item);
    }
}

#define LEAK_BYTES (64u * 1024) /* far less than one list for each refusal would come to */

/*  What a failed decode had begun is freed. malloc keeps some of what it gets back, but not more with each round. */
Test (catalogue, refusals_leave_no_memory_behind)
{
    uint64_t seed = 6;
    bytes_t inputs[ITEMS_SCHEMAS_COUNT];
    for (size_t i = 0; i < ITEMS_SCHEMAS_COUNT; i++) {
        void *item = items_new (&seed, items_schemas[i]);
        inputs[i] = s_encode (items_schemas[i], item);
        s_drop (items_schemas[i], item);
    }
    size_t before = 0;
    for (size_t round = 0; round < 400; round++) {
        if (round == 100)
            before = mallinfo2 ().uordblks;
        for (size_t i = 0; i < ITEMS_SCHEMAS_COUNT; i++) {
            bytes_t mutant = items_mutate (&seed, inputs[i]);
            s_mutant (items_schemas[i], mutant);
            bytes_clear (&mutant);
        }
    }
    size_t used = mallinfo2 ().uordblks;
    cr_assert (used < before + LEAK_BYTES, "%zu bytes became %zu", before, used);
    for (size_t i = 0; i < ITEMS_SCHEMAS_COUNT; i++)
        bytes_clear (&inputs[i]);
}
