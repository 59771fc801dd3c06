/*  test_skim.c - the bounded pre-walk: each type whole and cut short, depth, counts, and agreement with msgpack-c. */
#include "items.h"
#include "notation.h"

#include "messages/skim.h"

#define DEPTH 8u
#define ITEMS 1000u

static const char *s_check (const char *text)
{
    bytes_t input = notation (text);
    const char *wrong = skim_check (input, DEPTH, ITEMS);
    bytes_clear (&input);
    return wrong;
}

/*  One value of each type and each width of its length. */
static const char *const s_values[] = {
    "nil",
    "true",
    "false",
    "0",
    "127",
    "-1",
    "-32",
    "128",
    "256",
    "65536",
    "4294967296",
    "-33",
    "-129",
    "-32769",
    "-2147483649",
    "1.5",
    "h'ca3fc00000'",
    "''",
    "'a'*31",
    "'a'*32",
    "'a'*255",
    "'a'*256",
    "'a'*65535",
    "'a'*65536",
    "b''",
    "b'a'*255",
    "b'a'*256",
    "b'a'*65535",
    "b'a'*65536",
    "h'd401ff'",
    "h'd501ffff'",
    "h'd601ffffffff'",
    "h'd7010000000000000000'",
    "h'd80100000000000000000000000000000000'",
    "h'c7000a'",
    "h'c7030a010203'",
    "h'c800030a010203'",
    "h'c9000000030a010203'",
    "[]",
    "[1 2 3]",
    "[1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16]",
    "h'dc000201c0'",
    "h'dd00000002c0c0'",
    "h'dd00000000'",
    "{}",
    "{'a' 1 'b' [2 {}]}",
    "h'de000101c0'",
    "h'df000000010102'",
};
#define VALUES_COUNT (sizeof s_values / sizeof s_values[0])

Test (skim, each_type_is_whole_and_refused_when_cut_or_followed)
{
    for (size_t i = 0; i < VALUES_COUNT; i++) {
        bytes_t input = notation (s_values[i]);
        const char *wrong = skim_check (input, DEPTH, ITEMS);
        cr_assert_null (wrong, "%s: %s", s_values[i], wrong);
        cr_assert_eq (skim_value (input, 0), input.size);
        size_t step = input.size > 1000 ? input.size / 100 : 1;
        for (size_t size = 0; size < input.size; size += step) {
            bytes_t cut = bytes_copy (input.data, size);
            cr_assert_not_null (skim_check (cut, DEPTH, ITEMS), "%s to %zu", s_values[i], size);
            bytes_clear (&cut);
        }
        buffer_t longer;
        buffer_init (&longer, NOTATION_BYTES);
        buffer_append (&longer, input.data, input.size);
        buffer_append (&longer, "\xc0", 1);
        cr_assert_not_null (skim_check (buffer_view (&longer), DEPTH, ITEMS), "%s", s_values[i]);
        cr_assert_eq (skim_value (buffer_view (&longer), 0), input.size);
        cr_assert_eq (skim_value (buffer_view (&longer), input.size), 1);
        buffer_clear (&longer);
        bytes_clear (&input);
    }
}

Test (skim, depth_8_is_allowed_and_9_is_not)
{
    cr_assert_null (s_check ("[[[[[[[[]]]]]]]]"));
    cr_assert_null (s_check ("{1 {1 {1 {1 [[[[7]]]]}}}}"));
    cr_assert_str_eq (s_check ("[[[[[[[[[]]]]]]]]]"), "it is nested too deep");
    cr_assert_not_null (s_check ("{1 {1 {1 {1 {1 {1 {1 {1 {}}}}}}}}}"));
    cr_assert_null (s_check ("[[[[[[[[]]]]]]] [[[[[[[]]]]]]] 1]"), "depth goes down again");
    bytes_t lone = notation ("[]");
    cr_assert_not_null (skim_check (lone, 0, ITEMS));
    cr_assert_null (skim_check (lone, 1, ITEMS));
    bytes_clear (&lone);
}

Test (skim, what_is_not_messagepack_is_refused)
{
    static const char *const wrong[] = {
        "",                      /* nothing */
        "h'c1'",                 /* never used */
        "[1 h'c1']",             /* inside */
        "h'92c0'",               /* one of two */
        "h'81a161'",             /* a name without its value */
        "h'dd0fffffff'",         /* 2^28 - 1 values in no bytes */
        "h'dd0fffffff0102'",     /* and in two */
        "h'dfffffffff'",         /* 2^33 - 2 values */
        "h'df8000000001'",       /* pairs whose count overflows 32 bits */
        "h'c6ffffffff00'",       /* 4 GiB of bin */
        "h'dbffffffff00'",       /* and of str */
        "h'c9ffffffff0100'",     /* and of ext */
        "[[1 2] h'dcffff' 1 2]", /* far inside */
        "1 2",                   /* two values */
        "'GET / HTTP/1.1' 'Host: here'",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_assert_not_null (s_check (wrong[i]), "%s", wrong[i]);
}

Test (skim, the_byte_that_is_no_type_is_named)
{
    cr_assert_str_eq (s_check ("h'c1'"), "it has the byte 0xc1, which MessagePack never uses");
    cr_assert_str_eq (s_check ("[1 h'c1']"), "it has the byte 0xc1, which MessagePack never uses");
}

Test (skim, values_are_counted)
{
    bytes_t input = notation ("[1 {'a' nil} 3]"); /* 6 values */
    cr_assert_null (skim_check (input, DEPTH, 6));
    cr_assert_str_eq (skim_check (input, DEPTH, 5), "it has too many values");
    cr_assert_not_null (skim_check (input, DEPTH, 0));
    bytes_clear (&input);
}

Test (skim, a_value_inside_is_measured_where_it_begins)
{
    bytes_t input = notation ("[1 'abc' {'k' [2 3]} b'']");
    cr_assert_eq (skim_value (input, 1), 1);
    cr_assert_eq (skim_value (input, 2), 4);
    cr_assert_eq (skim_value (input, 6), 6);
    cr_assert_eq (skim_value (input, 12), 2);
    bytes_clear (&input);
}

/*  What skim passes msgpack-c reads, to the same end; what it refuses for its form msgpack-c refuses as well. */
static void s_agree (bytes_t input)
{
    const char *wrong = skim_check (input, DEPTH, ITEMS);
    if (wrong != NULL && strstr (wrong, "declares") != NULL)
        return; /* msgpack-c would take memory for it */
    msgpack_zone zone;
    cr_assert (msgpack_zone_init (&zone, 1024));
    msgpack_object object;
    size_t offset = 0;
    msgpack_unpack_return rc =
        msgpack_unpack ((const char *) input.data, input.size, &offset, &zone, &object);
    if (wrong == NULL) {
        cr_assert_eq (rc, MSGPACK_UNPACK_SUCCESS);
        cr_assert_eq (offset, input.size);
    } else if (strstr (wrong, "too") == NULL)
        cr_assert_neq (rc, MSGPACK_UNPACK_SUCCESS, "%s", wrong);
    msgpack_zone_destroy (&zone);
}

Test (skim, agrees_with_msgpack_c_on_mutated_values)
{
    uint64_t seed = 20;
    size_t passed = 0;
    bytes_t all[VALUES_COUNT];
    for (size_t i = 0; i < VALUES_COUNT; i++)
        all[i] = notation (s_values[i]);
    for (size_t i = 0; i < 50000; i++) {
        bytes_t base = all[items_below (&seed, VALUES_COUNT)];
        if (base.size > 300)
            continue;
        bytes_t input = items_mutate (&seed, base);
        if (input.size > 0) {
            s_agree (input);
            passed += skim_check (input, DEPTH, ITEMS) == NULL;
        }
        bytes_clear (&input);
    }
    cr_assert (passed > 5000 && passed < 45000, "%zu passed", passed);
    for (size_t i = 0; i < VALUES_COUNT; i++)
        bytes_clear (&all[i]);
}
