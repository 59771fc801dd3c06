/*  test_record.c - the record's layout, byte by byte, and that nothing but a whole record passes for one. */
#include <criterion/criterion.h>
#include <string.h>

#include "messages/limits.h"
#include "store/record.h"

static const stored_t s_sample = {
    .live = 2,
    .hash = 0x1122334455667788u,
    .seen_ms = 0,
};

static buffer_t s_encode (const char *object)
{
    stored_t record = s_sample;
    record.object = bytes_text (object);
    buffer_t buffer;
    buffer_init (&buffer, 1000);
    cr_assert_eq (record_encode (&record, &buffer), 0);
    return buffer;
}

Test (record, the_layout_is_that_of_the_readme)
{
    buffer_t buffer = s_encode ("abc");
    const uint8_t expected[] = {'C',  'W',  1, 0, 0, 0, 0, 2, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66,
                                0x77, 0x88, 0, 0, 0, 0, 0, 0, 0,    0,    0,    0,    0,    3};
    cr_assert_eq (buffer.size, RECORD_HEADER_BYTES + 3);
    cr_assert_eq (memcmp (buffer.data, expected, sizeof expected), 0);
    cr_assert_eq (memcmp (buffer.data + RECORD_HEADER_BYTES, "abc", 3), 0);
    /* XXH3-64 of the 31 bytes, taken from the shared library: what is on disk must not change. */
    const uint8_t checksum[] = {0xfa, 0xc7, 0x25, 0xbe};
    cr_assert_eq (memcmp (buffer.data + 28, checksum, 4), 0);
    buffer_clear (&buffer);
}

Test (record, what_is_encoded_is_decoded)
{
    stored_t in = {.live = 0, .hash = UINT64_MAX, .seen_ms = 1700000000123u};
    stored_t out;
    const char *why = NULL;
    buffer_t buffer;
    buffer_init (&buffer, 1000);
    cr_assert_eq (buffer_append (&buffer, "before", 6), 0);
    cr_assert_eq (record_encode (&in, &buffer), 0);
    bytes_t whole = bytes_view (buffer.data + 6, buffer.size - 6);
    cr_assert_eq (record_decode (whole, &out, &why), 0, "%s", why);
    cr_assert_eq (out.live, 0);
    cr_assert_eq (out.hash, UINT64_MAX);
    cr_assert_eq (out.seen_ms, 1700000000123u);
    cr_assert_eq (out.object.size, 0);
    buffer_clear (&buffer);

    buffer = s_encode ("an object");
    cr_assert_eq (record_decode (buffer_view (&buffer), &out, &why), 0, "%s", why);
    cr_assert (bytes_equal (out.object, bytes_text ("an object")));
    cr_assert_eq (out.live, 2);
    memset (&out, 1, sizeof out);
    bytes_t header = bytes_view (buffer.data, RECORD_HEADER_BYTES);
    cr_assert_eq (record_decode_header (header, &out, &why), 0, "%s", why);
    cr_assert_eq (out.live, 2);
    cr_assert_eq (out.hash, s_sample.hash);
    cr_assert_eq (out.object.size, 0);
    buffer_clear (&buffer);
}

Test (record, each_damaged_byte_is_noticed)
{
    buffer_t buffer = s_encode ("an object");
    for (size_t i = 0; i < buffer.size; i++)
        for (int bit = 0; bit < 8; bit++) {
            stored_t out;
            const char *why = NULL;
            buffer.data[i] ^= (uint8_t) (1 << bit);
            cr_assert_eq (record_decode (buffer_view (&buffer), &out, &why), -1, "byte %zu", i);
            cr_assert_not_null (why);
            buffer.data[i] ^= (uint8_t) (1 << bit);
        }
    buffer_clear (&buffer);
}

Test (record, each_other_length_is_refused)
{
    buffer_t buffer = s_encode ("an object");
    cr_assert_eq (buffer_append (&buffer, "", 1), 0);
    for (size_t size = 0; size <= buffer.size; size++) {
        stored_t out;
        const char *why = NULL;
        bytes_t cut = bytes_view (buffer.data, size);
        cr_assert_eq (record_decode (cut, &out, &why), size == buffer.size - 1 ? 0 : -1);
        cr_assert_eq (record_decode_header (cut, &out, &why), size < RECORD_HEADER_BYTES ? -1 : 0);
    }
    buffer_clear (&buffer);
}

/*  Sets one byte of a good record and expects the header alone to be refused. */
static void s_expect_refused (size_t at, uint8_t byte, const char *words)
{
    buffer_t buffer = s_encode ("an object");
    buffer.data[at] = byte;
    stored_t out;
    const char *why = "";
    cr_assert_eq (record_decode_header (buffer_view (&buffer), &out, &why), -1);
    cr_assert_not_null (strstr (why, words), "%s", why);
    cr_assert_eq (record_decode (buffer_view (&buffer), &out, NULL), -1);
    buffer_clear (&buffer);
}

Test (record, a_header_alone_is_checked_too)
{
    s_expect_refused (0, 'X', "begin with CW");
    s_expect_refused (1, 'w', "begin with CW");
    s_expect_refused (2, 2, "version");
    s_expect_refused (2, 0, "version");
    s_expect_refused (3, 1, "flags");
    s_expect_refused (4, 1, "siblings");
    s_expect_refused (24, 0xff, "longer than one can be");
}

Test (record, a_full_buffer_refuses)
{
    stored_t record = s_sample;
    record.object = bytes_text ("an object");
    buffer_t buffer;
    buffer_init (&buffer, RECORD_HEADER_BYTES + 8);
    cr_assert_eq (record_encode (&record, &buffer), -1);
    cr_assert_eq (buffer.size, 0);
    cr_assert (buffer.overflowed);
    buffer_clear (&buffer);
}

Test (record, keys_sort_by_partition_hash_and_key)
{
    uint8_t low[RECORD_KEY_BYTES], high[RECORD_KEY_BYTES];
    bytes_t key = bytes_text ("key");
    bytes_t a = record_key (low, 0x0102, 0x030405060708090au, key);
    cr_assert (bytes_equal (a, bytes_view ("\1\2\3\4\5\6\7\10\11\12key", 13)));
    bytes_t b = record_key (high, 0x0103, 0, bytes_text ("a"));
    cr_assert_lt (bytes_compare (a, b), 0);
    a = record_key (low, 7, 0xff, key);
    b = record_key (high, 7, 0x100, bytes_text ("a"));
    cr_assert_lt (bytes_compare (a, b), 0);
    a = record_key (low, 7, 0xff, bytes_text ("k"));
    b = record_key (high, 7, 0xff, key);
    cr_assert_lt (bytes_compare (a, b), 0);
    uint8_t longest[LIMIT_KEY_BYTES] = {0};
    b = record_key (high, LIMIT_PARTITIONS_COUNT - 1, 0, bytes_view (longest, sizeof longest));
    cr_assert_eq (b.size, RECORD_KEY_BYTES);
}

Test (record, keys_of_hints_sort_by_partition_slot_hash_and_key)
{
    uint8_t low[RECORD_HINT_KEY_BYTES], high[RECORD_HINT_KEY_BYTES];
    bytes_t key = bytes_text ("key"), name;
    bytes_t a = record_hint_key (low, 0x0102, 6, 0x030405060708090au, key);
    cr_assert (bytes_equal (a, bytes_view ("\1\2\6\3\4\5\6\7\10\11\12key", 14)));
    uint32_t partition;
    uint8_t slot;
    cr_assert_eq (record_hint_place (a, &partition, &slot, &name), 0);
    cr_assert_eq (partition, 0x0102);
    cr_assert_eq (slot, 6);
    cr_assert (bytes_equal (name, key));
    bytes_t b = record_hint_key (high, 0x0103, 0, 0, bytes_text ("a"));
    cr_assert_lt (bytes_compare (a, b), 0);
    a = record_hint_key (low, 7, 1, UINT64_MAX, key);
    b = record_hint_key (high, 7, 2, 0, bytes_text ("a"));
    cr_assert_lt (bytes_compare (a, b), 0);
    uint8_t longest[LIMIT_KEY_BYTES] = {0};
    b = record_hint_key (high, LIMIT_PARTITIONS_COUNT - 1, LIMIT_N - 1, UINT64_MAX,
                         bytes_view (longest, sizeof longest));
    cr_assert_eq (b.size, RECORD_HINT_KEY_BYTES);
    cr_assert_eq (record_hint_place (b, &partition, &slot, &name), 0);
    cr_assert_eq (name.size, LIMIT_KEY_BYTES);
    high[2] = LIMIT_N; /* no slot */
    cr_assert_eq (record_hint_place (b, &partition, &slot, &name), -1);
    high[2] = 0;
    b.size = RECORD_HINT_PREFIX_BYTES; /* no key */
    cr_assert_eq (record_hint_place (b, &partition, &slot, &name), -1);
}

Test (record, a_header_tells_how_long_the_object_is)
{
    buffer_t buffer;
    buffer_init (&buffer, SIZE_MAX);
    cr_assert_eq (record_encode (&s_sample, &buffer), 0);
    stored_t out;
    bytes_t header = bytes_view (buffer.data, RECORD_HEADER_BYTES);
    cr_assert_eq (record_decode_header (header, &out, NULL), 0);
    cr_assert_eq (out.bytes, s_sample.object.size);
    cr_assert_eq (out.object.size, 0);
    buffer_clear (&buffer);
}
