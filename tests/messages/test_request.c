/*  test_request.c - client requests: what each op takes, and what is said of some hundred that are wrong. */
#include "items.h"
#include "notation.h"

#include "messages/request.h"

#define WHY_BYTES 400u

typedef struct {
    const char *text; /* as notation.h reads it */
    const char *says; /* what the sentence has to contain */
    const char *id;   /* what the reply is to repeat; NULL: none */
} bad_t;

static void s_check_bad (const bad_t *bad)
{
    bytes_t input = notation (bad->text);
    request_t request;
    char why[WHY_BYTES] = "unset";
    cr_assert_eq (request_decode (input, &request, why, sizeof why), OP_COUNT, "%s", bad->text);
    cr_assert_not_null (strstr (why, bad->says), "%s\n  says: %s\n  and not: %s", bad->text, why,
                        bad->says);
    for (const char *at = why; *at != '\0'; at++)
        cr_assert (*at >= 0x20 && *at < 0x7f, "%s", why);
    bytes_t id = bad->id == NULL ? (bytes_t){0} : notation (bad->id);
    cr_assert (bytes_equal (request.id, id), "%s: the id", bad->text);
    cr_assert_eq (HAS (request, &request, id), bad->id != NULL, "%s", bad->text);
    cr_assert_eq (request.has & ~CODEC_BIT (request, id), 0, "%s: only the id is kept", bad->text);
    request_clear (&request);
    bytes_clear (&id);
    bytes_clear (&input);
}

static void s_check_all (const bad_t *bad, size_t count)
{
    for (size_t i = 0; i < count; i++)
        s_check_bad (&bad[i]);
}
#define CHECK_ALL(rows) s_check_all (rows, sizeof rows / sizeof rows[0])

static const bad_t s_no_map[] = {
    {"", "it is empty", NULL},
    {"h'c1'", "not one MessagePack map", NULL},
    {"'GET / HTTP/1.1'", "a request is a MessagePack map", NULL},
    {"['op' 'ping']", "a request is a MessagePack map", NULL},
    {"nil", "a request is a MessagePack map", NULL},
    {"7", "a request is a MessagePack map", NULL},
    {"h'81a26f70'", "it ends in the middle", NULL},
    {"h'81a26f70a470696e'", "it ends in the middle", NULL},
    {"{'op' 'ping' 'id' 1} 1", "bytes follow", NULL},
    {"{'op' 'ping'} {'op' 'ping'}", "bytes follow", NULL},
    {"{'op' 'ping' 'x' [[[[[[[[]]]]]]]]}", "nested too deep", NULL},
    {"{'op' 'ping' 'x' {1 {1 {1 {1 {1 {1 {1 {}}}}}}}}}", "nested too deep", NULL},
    {"h'dfffffffff'", "declares more values", NULL},
    {"h'81a26f70dd7fffffff'", "declares more values", NULL},
    {"h'81a36b6579c6ffffffff00'", "it ends in the middle", NULL},
};

static const bad_t s_bad_names[] = {
    {"{1 2}", "name is not a str", NULL},
    {"{nil 2 'id' 5}", "name is not a str", "5"},
    {"{b'op' 'ping' 'id' 5}", "name is not a str", "5"},
    {"{'id' 5 'op' 'ping' [] 5}", "name is not a str", "5"},
    {"{'op' 'get' 'key' 'k' 'key' 'k'}", "key: it is given twice", NULL},
    {"{'op' 'ping' 'op' 'ping' 'id' 'x'}", "op: it is given twice", "'x'"},
    {"{'op' 'ping' 'id' 1 'id' 1}", "id: it is given twice", NULL},
    {"{'op' 'ping' 'id' 1 'id' nil}", "id: it is given twice", NULL},
    {"{'op' 'plan' 'lose' [] 'lose' []}", "lose: it is given twice", NULL},
    {"{'id' 1}", "op: it is missing", "1"},
    {"{}", "op: it is missing", NULL},
    {"{'OP' 'ping'}", "op: it is missing", NULL},
    {"{'op' 1 'id' 1}", "op: a str is needed", "1"},
    {"{'op' b'ping'}", "op: a str is needed", NULL},
    {"{'op' nil}", "op: a str is needed", NULL},
    {"{'op' 'foo' 'id' 'x'}", "op: `foo` is not an operation", "'x'"},
    {"{'op' 'GET'}", "op: `GET` is not an operation", NULL},
    {"{'op' ''}", "op: `` is not an operation", NULL},
    {"{'op' 'pin'}", "op: `pin` is not an operation", NULL},
    {"{'op' 'pingg' 'key' 5}", "op: `pingg` is not an operation", NULL},
    {"{'op' h'a501020a0dff'}", "op: `\\x01\\x02\\x0a\\x0d\\xff` is not", NULL},
    {"{'op' 'abcdefghij'*100}",
     "op: `abcdefghijabcdefghijabcdefghijabcdefghij...` is not an operation", NULL},
};

static const bad_t s_bad_fields[] = {
    {"{'op' 'get' 'colour' 1 'key' 'k'}", "colour: `get` has no such field", NULL},
    {"{'op' 'get' 'key' 'k' 'w' 1 'id' 3}", "w: `get` has no such field", "3"},
    {"{'op' 'put' 'key' 'k' 'value' 'v' 'r' 1}", "r: `put` has no such field", NULL},
    {"{'op' 'get' 'key' 'k' 'join' []}", "join: `get` has no such field", NULL},
    {"{'op' 'ping' 'key' 'k'}", "key: `ping` has no such field", NULL},
    {"{'op' 'leave' 'node' 'n'}", "node: `leave` has no such field", NULL},
    {"{'op' 'ping' '' 1}", ": `ping` has no such field", NULL},
    {"{'op' 'ping' h'a2ff00' 1}", "\\xff\\x00: `ping` has no such field", NULL},
    {"{'op' 'ping' 'x'*5000 1 'x'*5000 1}", "xxx...: `ping` has no such field", NULL},
    {"{'op' 'get' 'id' -9}", "key: it is missing", "-9"},
    {"{'op' 'put' 'key' 'k'}", "value: it is missing", NULL},
    {"{'op' 'put' 'value' 'k'}", "key: it is missing", NULL},
    {"{'op' 'delete' 'key' 'k'}", "context: it is missing", NULL},
    {"{'op' 'keys'}", "partition: it is missing", NULL},
    {"{'op' 'inspect'}", "key: it is missing", NULL},
    {"{'op' 'remove'}", "node: it is missing", NULL},
    {"{'op' 'background' 'work' 'all'}", "state: it is missing", NULL},
    {"{'op' 'background' 'state' 'run'}", "work: it is missing", NULL},
    {"{'op' 'background' 'state' 'stop' 'work' 'all'}", "state: run or pause", NULL},
    {"{'op' 'background' 'state' 'run' 'work' 'al'}", "work: transfers, hints", NULL},
    {"{'op' 'background' 'state' 'run' 'work' b'all'}", "work: a str", NULL},
};

static const bad_t s_bad_values[] = {
    {"{'op' 'get' 'key' '' 'id' 1}", "key: a bin or str of 1 or more bytes", "1"},
    {"{'op' 'get' 'key' b''}", "key: a bin or str of 1 or more bytes", NULL},
    {"{'op' 'get' 'key' nil}", "key: a bin or str", NULL},
    {"{'op' 'get' 'key' 5}", "key: a bin or str", NULL},
    {"{'op' 'get' 'key' ['k']}", "key: a bin or str", NULL},
    {"{'op' 'get' 'key' h'd4016b'}", "key: a bin or str", NULL},
    {"{'op' 'put' 'key' 'k' 'value' 1}", "value: a bin or str is needed", NULL},
    {"{'op' 'put' 'key' 'k' 'value' nil}", "value: a bin or str is needed", NULL},
    {"{'op' 'put' 'key' 'k' 'value' {}}", "value: a bin or str is needed", NULL},
    {"{'op' 'put' 'key' 'k' 'value' 'v' 'context' 'c'}", "context: a bin is needed", NULL},
    {"{'op' 'put' 'key' 'k' 'value' 'v' 'context' nil}", "context: a bin is needed", NULL},
    {"{'op' 'get' 'key' 'k' 'floor' 'c'}", "floor: a bin is needed", NULL},
    {"{'op' 'delete' 'key' 'k' 'context' b'' 'put_id' b'x'*15}", "put_id: a bin of 16 bytes", NULL},
    {"{'op' 'delete' 'key' 'k' 'context' b'' 'put_id' b'x'*17}", "put_id: a bin of 16 bytes", NULL},
    {"{'op' 'delete' 'key' 'k' 'context' b'' 'put_id' 'x'*16}", "put_id: a bin of 16 bytes", NULL},
    {"{'op' 'delete' 'key' 'k' 'context' b'' 'put_id' b''}", "put_id: a bin of 16 bytes", NULL},
    {"{'op' 'get' 'key' 'k' 'r' 0}", "r: an integer of 1 or more", NULL},
    {"{'op' 'get' 'key' 'k' 'r' -1}", "r: an integer of 1 or more", NULL},
    {"{'op' 'get' 'key' 'k' 'r' 1.0}", "r: an integer of 1 or more", NULL},
    {"{'op' 'get' 'key' 'k' 'r' '1'}", "r: an integer of 1 or more", NULL},
    {"{'op' 'get' 'key' 'k' 'r' nil}", "r: an integer of 1 or more", NULL},
    {"{'op' 'get' 'key' 'k' 'r' 4294967296}", "r: an integer of 1 or more", NULL},
    {"{'op' 'put' 'key' 'k' 'value' '' 'w' 0}", "w: an integer of 1 or more", NULL},
    {"{'op' 'put' 'key' 'k' 'value' '' 'w' true}", "w: an integer of 1 or more", NULL},
    {"{'op' 'get' 'key' 'k' 'strict' 1}", "strict: true or false", NULL},
    {"{'op' 'get' 'key' 'k' 'strict' nil}", "strict: true or false", NULL},
    {"{'op' 'get' 'key' 'k' 'explain' 'yes'}", "explain: true or false", NULL},
    {"{'op' 'ping' 'timeout' 0}", "timeout: an integer from 1 to 20000", NULL},
    {"{'op' 'ping' 'timeout' 20001 'id' 1}", "timeout: an integer from 1 to 20000", "1"},
    {"{'op' 'ping' 'timeout' 100.0}", "timeout: an integer from 1 to 20000", NULL},
    {"{'op' 'ping' 'timeout' nil}", "timeout: an integer from 1 to 20000", NULL},
    {"{'op' 'keys' 'partition' -1}", "partition: an integer of 0 or more", NULL},
    {"{'op' 'keys' 'partition' 'a'}", "partition: an integer of 0 or more", NULL},
    {"{'op' 'keys' 'partition' 0 'limit' 0}", "limit: an integer from 1 to 10000", NULL},
    {"{'op' 'keys' 'partition' 0 'limit' 10001}", "limit: an integer from 1 to 10000", NULL},
    {"{'op' 'keys' 'partition' 0 'after' 'k'}", "after: a bin of", NULL},
    {"{'op' 'keys' 'partition' 0 'after' nil}", "after: a bin of", NULL},
    {"{'op' 'keys' 'partition' 0 'after' b'k'*1025}", "after: a bin of 0 to 1024 bytes", NULL},
    {"{'op' 'join' 'seed' ''}", "seed: a str of 1 to 255 bytes", NULL},
    {"{'op' 'join' 'seed' 'x'*256}", "seed: a str of 1 to 255 bytes", NULL},
    {"{'op' 'remove' 'node' 5}", "node: a str of 1 to 255 bytes", NULL},
};

static const bad_t s_bad_ids[] = {
    {"{'op' 'ping' 'id' nil}", "id: an int, or a str or bin of at most 64", NULL},
    {"{'op' 'ping' 'id' 1.5}", "id: an int", NULL},
    {"{'op' 'ping' 'id' true}", "id: an int", NULL},
    {"{'op' 'ping' 'id' [1]}", "id: an int", NULL},
    {"{'op' 'ping' 'id' {}}", "id: an int", NULL},
    {"{'op' 'ping' 'id' h'd40100'}", "id: an int", NULL},
    {"{'op' 'ping' 'id' 'x'*65}", "id: an int", NULL},
    {"{'op' 'ping' 'id' b'x'*65}", "id: an int", NULL},
    {"{'op' 'nope' 'id' 'x'*65}", "op: `nope`", NULL},
    {"{'op' 'nope' 'id' b'x'*64}", "op: `nope`", "b'x'*64"},
    {"{'id' h'db0000000161' 'op' 'nope'}", "op: `nope`", "h'db0000000161'"},
    {"{'a' [1 {2 3}] 'id' -9223372036854775808}", "op: it is missing", "-9223372036854775808"},
};

static const bad_t s_bad_plans[] = {
    {"{'op' 'plan' 'join' 'n'}", "join: an array of maps", NULL},
    {"{'op' 'plan' 'join' ['n']}", "join: an array of maps", NULL},
    {"{'op' 'plan' 'join' [{}]}", "join: an array of maps", NULL},
    {"{'op' 'plan' 'join' [{'name' 'n'} {'zone' 'z'}]}", "join: an array of maps", NULL},
    {"{'op' 'plan' 'join' [{'name' ''}]}", "join: an array of maps", NULL},
    {"{'op' 'plan' 'join' [{'name' 'n' 'colour' 1}]}", "join: an array of maps", NULL},
    {"{'op' 'plan' 'join' [{'name' 'n' 'name' 'm'}]}", "join: an array of maps", NULL},
    {"{'op' 'plan' 'join' [{'name' 'n' 1 2}]}", "join: an array of maps", NULL},
    {"{'op' 'plan' 'join' [{'name' 'n' 'weight' '1'}]}", "join: an array of maps", NULL},
    {"{'op' 'plan' 'join' nil}", "join: an array of maps", NULL},
    {"{'op' 'plan' 'leave' 'n'}", "leave: an array of names", NULL},
    {"{'op' 'plan' 'leave' [1]}", "leave: an array of names", NULL},
    {"{'op' 'plan' 'lose' ['n' b'm']}", "lose: an array of names", NULL},
    {"{'op' 'plan' 'lose' ['']}", "lose: an array of names", NULL},
    {"{'op' 'plan' 'lose' {}}", "lose: an array of names", NULL},
};

Test (request, what_is_no_map_is_refused)
{
    CHECK_ALL (s_no_map);
}

Test (request, names_and_ops_are_checked)
{
    CHECK_ALL (s_bad_names);
}

Test (request, fields_are_those_of_the_op)
{
    CHECK_ALL (s_bad_fields);
}

Test (request, fields_have_their_types_and_bounds)
{
    CHECK_ALL (s_bad_values);
}

Test (request, an_id_is_an_int_a_str_or_a_bin_of_64_bytes)
{
    CHECK_ALL (s_bad_ids);
}

Test (request, lists_of_a_plan_are_checked)
{
    CHECK_ALL (s_bad_plans);
}

/*  More values than a request may have, each well-formed. */
Test (request, values_are_counted)
{
    char *text = memory_new (2 * LIMIT_REQUEST_ITEMS + 100, 1);
    memcpy (text, "{'op' 'ping' 'x' [", 19);
    size_t length = strlen (text);
    for (size_t i = 0; i < LIMIT_REQUEST_ITEMS; i++, length += 2)
        memcpy (text + length, "1 ", 2);
    memcpy (text + length, "]}", 3);
    s_check_bad (&(bad_t){text, "too many values", NULL});
    free (text);
}

Test (request, good_ones_are_read)
{
    static const struct {
        const char *text;
        op_t op;
    } rows[] = {
        {"{'op' 'ping'}", OP_PING},
        {"{'op' 'ping' 'id' 1 'timeout' 20000}", OP_PING},
        {"{'key' 'k' 'op' 'get'}", OP_GET},
        {"{'op' 'get' 'key' b'k' 'r' 3 'strict' true 'floor' b'' 'explain' false}", OP_GET},
        {"{'op' 'get' 'key' 'k'*2000}", OP_GET}, /* too_large is the coordinator's to say */
        {"{'op' 'get' 'key' 'k' 'r' 4294967295}", OP_GET},
        {"{'op' 'put' 'key' 'k' 'value' ''}", OP_PUT},
        {"{'op' 'put' 'key' 'k' 'value' b'v'*3000000 'context' b'c' 'w' 1 'put_id' b'x'*16}",
         OP_PUT},
        {"{'op' 'delete' 'key' 'k' 'context' b'' 'w' 2 'strict' true 'explain' true}", OP_DELETE},
        {"{'op' 'keys' 'partition' 0 'after' b'' 'limit' 10000}", OP_KEYS},
        {"{'op' 'inspect' 'key' 'k'}", OP_INSPECT},
        {"{'op' 'ring'}", OP_RING},
        {"{'op' 'status'}", OP_STATUS},
        {"{'op' 'stats'}", OP_STATS},
        {"{'op' 'plan'}", OP_PLAN},
        {"{'op' 'plan' 'join' [{'name' 'n' 'zone' '' 'weight' 2} {'weight' 1.5 'name' 'm'}]"
         " 'leave' ['a' 'b'] 'lose' []}",
         OP_PLAN},
        {"{'op' 'join'}", OP_JOIN},
        {"{'op' 'join' 'seed' 'tcp://127.0.0.1:7103'}", OP_JOIN},
        {"{'op' 'leave'}", OP_LEAVE},
        {"{'op' 'remove' 'node' 'n'}", OP_REMOVE},
        {"{'op' 'background' 'work' 'anti_entropy' 'state' 'pause'}", OP_BACKGROUND},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bytes_t input = notation (rows[i].text);
        request_t request;
        char why[WHY_BYTES];
        cr_assert_eq (request_decode (input, &request, why, sizeof why), rows[i].op, "%s: %s",
                      rows[i].text, why);
        cr_assert_str_eq (why, "");
        request_clear (&request);
        bytes_clear (&input);
    }
}

Test (request, fields_are_views_into_the_input)
{
    bytes_t input = notation ("{'key' 'cart' 'op' 'put' 'value' b'milk' 'w' 2 'strict' true"
                              " 'id' h'd0fb' 'timeout' 700}");
    request_t request;
    char why[WHY_BYTES];
    cr_assert_eq (request_decode (input, &request, why, sizeof why), OP_PUT, "%s", why);
    cr_assert (bytes_equal (request.key, bytes_text ("cart")));
    cr_assert (request.key.data > input.data && request.key.data < input.data + input.size);
    cr_assert (bytes_equal (request.value, bytes_text ("milk")));
    cr_assert (bytes_equal (request.op, bytes_text ("put")));
    cr_assert (bytes_equal (request.id, bytes_view ("\xd0\xfb", 2)), "the id as it came");
    cr_assert_eq (request.w, 2);
    cr_assert (request.strict);
    cr_assert_eq (request.timeout, 700);
    cr_assert_eq (request.has, CODEC_BIT (request, op) | CODEC_BIT (request, key) |
                                   CODEC_BIT (request, value) | CODEC_BIT (request, w) |
                                   CODEC_BIT (request, strict) | CODEC_BIT (request, id) |
                                   CODEC_BIT (request, timeout));
    request_clear (&request);
    request_clear (&request);
    bytes_clear (&input);
}

Test (request, a_sentence_fits_where_it_is_written)
{
    bytes_t input = notation ("{'op' 'abcdefghij'*100 'id' 'x'}");
    char why[64];
    for (size_t size = 1; size <= 20; size++) {
        memset (why, '#', sizeof why);
        request_t request;
        cr_assert_eq (request_decode (input, &request, why, size), OP_COUNT);
        cr_assert_eq (strlen (why), size - 1);
        cr_assert_eq (why[size], '#');
        request_clear (&request);
    }
    bytes_clear (&input);
}

Test (request, ops_have_their_names)
{
    cr_assert_str_eq (op_name (OP_DELETE), "delete");
    cr_assert_str_eq (op_name (OP_BACKGROUND), "background");
    cr_assert_str_eq (op_name (OP_COUNT), "unknown");
}

/*  What request_decode accepts the engine accepts too, with the same fields. */
Test (request, mutations_are_refused_with_a_sentence_or_read)
{
    static const char *const texts[] = {
        "{'op' 'get' 'key' 'cart' 'r' 2 'id' 77}",
        "{'op' 'put' 'key' 'cart' 'value' b'milk' 'context' b'c' 'put_id' b'x'*16 'id' 'a'}",
        "{'op' 'keys' 'partition' 300 'after' b'k' 'limit' 10}",
        "{'op' 'plan' 'join' [{'name' 'n' 'weight' 1.5}] 'leave' ['a'] 'id' b'5'}",
    };
    uint64_t seed = 9;
    size_t accepted = 0;
    for (size_t i = 0; i < 40000; i++) {
        bytes_t input = notation (texts[i % 4]);
        bytes_t mutant = items_mutate (&seed, input);
        request_t request;
        char why[WHY_BYTES];
        op_t op = request_decode (mutant, &request, why, sizeof why);
        cr_assert_eq (op == OP_COUNT, why[0] != '\0');
        if (op != OP_COUNT) {
            request_t twin;
            const char *wrong;
            cr_assert_eq (codec_decode (&request_schema, mutant, &twin, &wrong), 0, "%s", wrong);
            cr_assert (codec_equal (&request_schema, &request, &twin));
            accepted++;
        }
        request_clear (&request);
        bytes_clear (&mutant);
        bytes_clear (&input);
    }
    cr_assert (accepted > 500 && accepted < 38000, "%zu accepted", accepted);
}
