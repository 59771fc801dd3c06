/*  test_codec.c - the rules of the engine one by one: kinds, bounds, shapes, and what it says of bytes that break them. */
#include "notation.h"

#include "messages/codec.h"
#include "messages/memory.h"

#define BUFFER_BYTES (1u << 20)

/*  What codec_decode says of a text: NULL, or what is wrong. Numbers and lists only: runs would be views into bytes that
 *  are gone. */
static const char *s_decode (const schema_t *schema, const char *text, void *item)
{
    bytes_t input = notation (text);
    const char *why = NULL;
    int rc = codec_decode (schema, input, item, &why);
    cr_assert_eq (rc == 0, why == NULL);
    bytes_clear (&input);
    return why;
}

/*  The same for a record that is thrown away. */
static const char *s_wrong (const schema_t *schema, const char *text)
{
    void *item = memory_new (1, schema->size);
    const char *why = s_decode (schema, text, item);
    codec_clear (schema, item);
    free (item);
    return why;
}

#define ACCEPTED(record, text)                               \
    do {                                                     \
        const char *said = s_wrong (&record##_schema, text); \
        cr_assert_null (said, "%s: %s", text, said);         \
    } while (0)
#define REFUSED(record, text, sentence)                      \
    do {                                                     \
        const char *said = s_wrong (&record##_schema, text); \
        cr_assert_not_null (said, "%s", text);               \
        cr_assert_str_eq (said, sentence);                   \
    } while (0)

/*  Whether the item's bytes are those of the text. */
static void s_expect (const schema_t *schema, const void *item, const char *text)
{
    buffer_t buffer;
    buffer_init (&buffer, BUFFER_BYTES);
    cr_assert_eq (codec_encode (schema, item, &buffer), 0, "%s", text);
    bytes_t expected = notation (text);
    cr_assert (bytes_equal (buffer_view (&buffer), expected), "%s", text);
    bytes_clear (&expected);
    buffer_clear (&buffer);
}

Test (codec, integers_may_have_any_width)
{
    static const char *const widths[] = {
        "[5 7]", "[h'cc05' h'cd0007']", "[h'ce00000005' h'cf0000000000000007']",
        "[h'd005' h'd10007']", "[h'd200000005' h'd30000000000000007']"};
    for (size_t i = 0; i < 5; i++) {
        dot_t dot;
        const char *why = s_decode (&dot_schema, widths[i], &dot);
        cr_assert_null (why, "%s: %s", widths[i], why);
        cr_assert_eq (dot.actor, 5);
        cr_assert_eq (dot.counter, 7);
        s_expect (&dot_schema, &dot, "[5 7]"); /* but one form is written */
    }
    dot_t most;
    cr_assert_null (s_decode (&dot_schema, "[18446744073709551615 9223372036854775808]", &most));
    cr_assert_eq (most.actor, UINT64_MAX);
    cr_assert_eq (most.counter, (uint64_t) 1 << 63);
}

Test (codec, what_is_no_integer_is_refused)
{
    static const char *const texts[] = {"[-1 7]",   "[5.0 7]", "['5' 7]", "[b'5' 7]",     "[nil 7]",
                                        "[true 7]", "[[] 7]",  "[{} 7]",  "[h'd401ff' 7]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        REFUSED (dot, texts[i], "an integer of 0 or more is needed");
    REFUSED (dot, "[5 0]", "a number is out of range");
    ACCEPTED (scan, "[1 6 65535 b'' 10000]");
    REFUSED (scan, "[1 7 65535 b'' 10000]", "a number is out of range");
    REFUSED (scan, "[1 6 65536 b'' 10000]", "a number is out of range");
    REFUSED (scan, "[1 6 65535 b'' 10001]", "a number is out of range");
    REFUSED (scan, "[1 256 65535 b'' 1]", "a number is out of range");
}

Test (codec, a_double_takes_any_finite_number)
{
    static const struct {
        const char *text;
        double weight;
    } rows[] = {{"{'weight' 1.5}", 1.5},
                {"{'weight' 3}", 3.0},
                {"{'weight' -2}", -2.0},
                {"{'weight' h'ca3fc00000'}", 1.5}};
    for (size_t i = 0; i < 4; i++) {
        candidate_t candidate;
        cr_assert_null (s_decode (&candidate_schema, rows[i].text, &candidate), "%s", rows[i].text);
        cr_assert (HAS (candidate, &candidate, weight));
        cr_assert_eq (candidate.weight, rows[i].weight);
    }
    REFUSED (candidate, "{'weight' '1'}", "a number is needed");
    REFUSED (candidate, "{'weight' nil}", "a number is needed");
    REFUSED (candidate, "{'weight' h'cb7ff0000000000000'}", "a finite number is needed");
    REFUSED (candidate, "{'weight' h'cb7ff8000000000000'}", "a finite number is needed");
    REFUSED (candidate, "{'weight' h'ca7fc00000'}", "a finite number is needed");
}

Test (codec, runs_have_the_type_of_their_kind)
{
    ACCEPTED (read, "[1 0 false b'k']");
    REFUSED (read, "[1 0 false 'k']", "a run of bytes of another type is needed");
    REFUSED (read, "[1 0 false nil]", "a run of bytes of another type is needed");
    REFUSED (read, "[1 0 false 7]", "a run of bytes of another type is needed");
    REFUSED (read, "[1 0 false h'd4016b']", "a run of bytes of another type is needed");
    ACCEPTED (notice, "['topic' b'x']");
    REFUSED (notice, "[b'topic' b'x']", "a run of bytes of another type is needed");
    ACCEPTED (request, "{'key' 'k' 'value' b'v'}");
    ACCEPTED (request, "{'key' b'k' 'value' 'v'}");
    REFUSED (request, "{'key' ['k']}", "a run of bytes of another type is needed");
    ACCEPTED (request, "{'strict' true}");
    REFUSED (request, "{'strict' 1}", "a bool is needed");
    REFUSED (request, "{'strict' nil}", "a bool is needed");
}

Test (codec, runs_have_their_bounds)
{
    ACCEPTED (read, "[1 0 false b'k'*1024]");
    REFUSED (read, "[1 0 false b'k'*1025]", "a run of bytes is too short or too long");
    REFUSED (read, "[1 0 false b'']", "a run of bytes is too short or too long");
    ACCEPTED (request, "{'put_id' b'x'*16}");
    REFUSED (request, "{'put_id' b'x'*15}", "a run of bytes is too short or too long");
    REFUSED (request, "{'put_id' b'x'*17}", "a run of bytes is too short or too long");
}

Test (codec, data_is_written_as_bin)
{
    request_t request = {0};
    GIVE (request, &request, key, bytes_text ("k"));
    s_expect (&request_schema, &request, "{'key' b'k'}");
    name_t name = {.bytes = bytes_text ("n")};
    s_expect (&name_schema, &name, "b'n'");
}

Test (codec, an_array_has_each_field_and_may_have_more)
{
    REFUSED (dot, "[5]", "a record lacks fields");
    REFUSED (dot, "[]", "a record lacks fields");
    REFUSED (dot, "{5 7}", "a record is no array");
    REFUSED (dot, "5", "a record is no array");
    ACCEPTED (dot, "[5 7 'from a newer peer' [1 {2 3}]]");
    context_t context;
    cr_assert_null (s_decode (&context_schema, "[[[1 2 [9]] [3 4 nil]] [[5 6]] 'new']", &context));
    cr_assert_eq (context.vv.count, 2);
    cr_assert_eq (context.vv.items[1].actor, 3);
    cr_assert_eq (context.ex.items[0].counter, 6);
    s_expect (&context_schema, &context, "[[[1 2] [3 4]] [[5 6]]]");
    codec_clear (&context_schema, &context);
    cr_assert_null (context.vv.items);
}

Test (codec, a_bare_record_is_its_value)
{
    ACCEPTED (name, "b'k'");
    ACCEPTED (name, "'k'");
    REFUSED (name, "[b'k']", "a run of bytes of another type is needed");
    ACCEPTED (scan_reply, "[1 0 2 0 [b'a' 'b'] b'']");
    REFUSED (scan_reply, "[1 0 2 0 [b'a' 7] b'']", "a run of bytes of another type is needed");
}

Test (codec, a_map_has_any_of_its_fields)
{
    pong_t pong;
    cr_assert_null (s_decode (&pong_schema, "{'later' [1 2] 'protocol' 1 'more' nil}", &pong));
    cr_assert (HAS (pong, &pong, protocol));
    cr_assert_not (HAS (pong, &pong, node));
    cr_assert_eq (pong.protocol, 1);
    s_expect (&pong_schema, &pong, "{'protocol' 1}");
    ACCEPTED (pong, "{}");
    REFUSED (pong, "{'protocol' 1 'protocol' 1}", "a field is given twice");
    ACCEPTED (pong, "{'later' 1 'later' 2}");
    REFUSED (pong, "{1 2}", "a field's name is no str");
    REFUSED (pong, "{b'protocol' 1}", "a field's name is no str");
    REFUSED (pong, "{nil 1}", "a field's name is no str");
    REFUSED (pong, "['protocol' 1]", "a record is no map");
    REFUSED (pong, "{'protocol' nil}", "an integer of 0 or more is needed");
    ACCEPTED (pong, "{'protoco' nil 'protocols' nil '' nil}");
}

Test (codec, maps_are_written_in_the_order_of_their_rows)
{
    pong_t pong;
    bytes_t input = notation ("{'protocol' 1 'node' 'n' 'status' 'ok' 'id' -7}");
    cr_assert_eq (codec_decode (&pong_schema, input, &pong, NULL), 0);
    s_expect (&pong_schema, &pong, "{'status' 'ok' 'id' -7 'node' 'n' 'protocol' 1}");
    pong_t other = pong;
    cr_assert (codec_equal (&pong_schema, &pong, &other));
    other.has &= ~CODEC_BIT (pong, protocol);
    cr_assert_not (codec_equal (&pong_schema, &pong, &other));
    other.protocol = 2;
    pong.has = other.has;
    cr_assert (codec_equal (&pong_schema, &pong, &other), "what is not there does not count");
    bytes_clear (&input);
}

Test (codec, a_raw_value_keeps_its_bytes)
{
    static const char *const values[] = {"nil",           "-5",        "'x'*64",
                                         "b'x'*64",       "1.5",       "[1 [2]]",
                                         "{'a' {'b' 1}}", "h'd00105'", "h'cd0001'"};
    for (size_t i = 0; i < 7; i++) {
        char text[200];
        snprintf (text, sizeof text, "{'other' [1 {2 3}] 'id' %s 'acks' 2}", values[i]);
        bytes_t input = notation (text);
        bytes_t value = notation (values[i]);
        failure_t failure;
        const char *why;
        cr_assert_eq (codec_decode (&failure_schema, input, &failure, &why), 0, "%s", why);
        cr_assert (bytes_equal (failure.id, value), "%s", text);
        cr_assert (failure.id.data > input.data && failure.id.data < input.data + input.size);
        cr_assert_eq (failure.acks, 2);
        snprintf (text, sizeof text, "{'id' %s 'acks' 2}", values[i]);
        s_expect (&failure_schema, &failure, text);
        bytes_clear (&input);
        bytes_clear (&value);
    }
    REFUSED (failure, "{'id' 'x'*68}", "a value is too short or too long");
    failure_t empty = {.has = CODEC_BIT (failure, id)};
    s_expect (&failure_schema, &empty, "{'id' nil}");
    failure_t nil = {.has = empty.has, .id = bytes_view ("\xc0", 1)};
    cr_assert (codec_equal (&failure_schema, &empty, &nil));
}

Test (codec, raw_values_are_found_inside_lists)
{
    inspected_t inspected;
    bytes_t input = notation ("{'replicas' [{'slot' 0 'digest' b'12345678' 'new' {1 2}}"
                              " {'tombstone' nil 'slot' 1 'values' 3}] 'partition' 9 'id' 'me'}");
    const char *why;
    cr_assert_eq (codec_decode (&inspected_schema, input, &inspected, &why), 0, "%s", why);
    cr_assert_eq (inspected.replicas.count, 2);
    cr_assert_eq (inspected.replicas.items[0].digest.size, 10);
    cr_assert_eq (memcmp (inspected.replicas.items[0].digest.data,
                          "\xc4\x08"
                          "12345678",
                          10),
                  0);
    cr_assert_eq (inspected.replicas.items[1].values.data[0], 3);
    cr_assert_eq (inspected.replicas.items[1].tombstone.data[0], 0xc0);
    cr_assert (bytes_equal (inspected.id, bytes_text ("\xa2me")));
    codec_clear (&inspected_schema, &inspected);
    bytes_clear (&input);
}

Test (codec, lists_have_their_bounds)
{
    REFUSED (context, "[{} []]", "an array is needed");
    REFUSED (context, "[nil []]", "an array is needed");
    REFUSED (context, "[[[1 2] 3] []]", "a record is no array");
    REFUSED (got,
             "{'explain' [{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}"
             " {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}"
             " {} {} {} {} {} {} {} {} {} {} {} {} {}]}",
             "a list is too long");
    /* 20 dots take 60 bytes at least, and 40 are left. */
    REFUSED (context, "[[1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1] [1 1 1 1 1 1 1 1 1 1]]",
             "a list declares more than its bytes can hold");
    REFUSED (context, "[h'dd0fffffff0102' []]", "it declares more values than it has bytes for");
}

Test (codec, nesting_is_bounded)
{
    ACCEPTED (pong, "{'later' [[[[[[[]]]]]]]}");
    REFUSED (pong, "{'later' [[[[[[[[]]]]]]]]}", "it is nested too deep");
    REFUSED (pong, "{} {}", "bytes follow the value");
    REFUSED (pong, "", "it is empty");
}

Test (codec, runs_are_views_into_the_input)
{
    bytes_t input = notation ("[1 2 false [0 0] b'key' b'state']");
    replicate_t replicate;
    cr_assert_eq (codec_decode (&replicate_schema, input, &replicate, NULL), 0);
    cr_assert_eq (replicate.key.data, input.data + 9);
    cr_assert_eq (replicate.state.data, input.data + 14);
    cr_assert_not (replicate.key.owned);
    bytes_t taken = bytes_take (&replicate.state);
    codec_clear (&replicate_schema, &replicate);
    bytes_clear (&input);
    cr_assert_eq (memcmp (taken.data, "state", 5), 0);
    bytes_clear (&taken);
}

Test (codec, nothing_is_written_that_would_be_refused)
{
    buffer_t buffer;
    buffer_init (&buffer, BUFFER_BYTES);
    buffer_append (&buffer, "before", 6);
    dot_t dot = {.actor = 1, .counter = 0};
    cr_assert_eq (codec_encode (&dot_schema, &dot, &buffer), -1);
    read_t read = {.request = 1, .slot = LIMIT_N, .key = bytes_text ("k")};
    cr_assert_eq (codec_encode (&read_schema, &read, &buffer), -1);
    read = (read_t){.request = 1};
    cr_assert_eq (codec_encode (&read_schema, &read, &buffer), -1, "a key has a byte at least");
    cr_assert (bytes_equal (buffer_view (&buffer), bytes_text ("before")));
    buffer_clear (&buffer);
}

Test (codec, a_full_buffer_keeps_nothing_of_the_record)
{
    replicate_t replicate = {.key = bytes_text ("key"), .state = bytes_text ("state")};
    for (size_t maximum = 0; maximum < 24; maximum++) {
        buffer_t buffer;
        buffer_init (&buffer, maximum);
        int rc = codec_encode (&replicate_schema, &replicate, &buffer);
        cr_assert_eq (rc, maximum < 19 ? -1 : 0, "%zu", maximum);
        cr_assert_eq (buffer.size, maximum < 19 ? 0 : 19);
        cr_assert_eq (buffer.overflowed, maximum < 19);
        buffer_clear (&buffer);
    }
}

Test (codec, prints_a_line_for_a_person)
{
    bytes_t input = notation ("{'status' 'o\nk' 'values' [b'\"'] 'context' b'x'*40 'stale' true}");
    got_t got;
    cr_assert_eq (codec_decode (&got_schema, input, &got, NULL), 0);
    buffer_t line;
    buffer_init (&line, BUFFER_BYTES);
    codec_print (&got_schema, &got, &line);
    buffer_append (&line, "", 1);
    cr_assert_str_eq ((char *) line.data,
                      "got {status: \"o\\x0ak\", values: [value {bytes: \"\\x22\"}], context: "
                      "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"... (40 bytes), stale: true}");
    buffer_clear (&line);
    codec_clear (&got_schema, &got);
    bytes_clear (&input);
}
