/*  test_message.c - messages and their frames: every type there and back, damaged heads, ownership. */
#include "items.h"
#include "notation.h"

#include "messages/message.h"

#define FRAME_BYTES (1u << 20)
#define MUTATIONS 20000u

static message_t *s_random (uint64_t *seed, message_type_t type)
{
    message_t *message = message_new (type);
    items_fill (seed, message_schema (type), message_record (message), 0);
    message->from = (address_t){.node = items_random (seed) >> items_below (seed, 64),
                                .role = (role_id_t) items_below (seed, ROLE_COUNT)};
    message->origin = (origin_t){.cluster = items_random (seed) >> items_below (seed, 64),
                                 .nonce = items_random (seed) >> items_below (seed, 64),
                                 .clock_ms = items_random (seed) >> items_below (seed, 64)};
    return message;
}

static bytes_t s_encode (const message_t *message, role_id_t to)
{
    buffer_t buffer;
    buffer_init (&buffer, FRAME_BYTES);
    cr_assert_eq (message_encode (message, to, &buffer), 0);
    bytes_t frame = bytes_copy (buffer.data, buffer.size);
    buffer_clear (&buffer);
    return frame;
}

static bool s_equal (message_t *a, message_t *b)
{
    return a->type == b->type && a->from.node == b->from.node && a->from.role == b->from.role &&
           a->origin.cluster == b->origin.cluster && a->origin.nonce == b->origin.nonce &&
           a->origin.clock_ms == b->origin.clock_ms &&
           codec_equal (message_schema (a->type), message_record (a), message_record (b));
}

/*  What message_decode says of a frame that is given as text; NULL when it decodes. */
static const char *s_wrong (const char *text)
{
    bytes_t frame = notation (text);
    role_id_t to;
    const char *why = NULL;
    message_t *message = message_decode (&frame, &to, &why);
    cr_assert_null (frame.data, "the frame is taken in every case");
    cr_assert_eq (message == NULL, why != NULL, "%s", text);
    message_destroy (&message);
    return why;
}

Test (message, each_type_comes_back)
{
    uint64_t seed = 1;
    for (unsigned type = 0; type < MESSAGE_COUNT; type++)
        for (unsigned i = 0; i < 50; i++) {
            message_t *sent = s_random (&seed, (message_type_t) type);
            role_id_t to = (role_id_t) items_below (&seed, ROLE_COUNT);
            bytes_t frame = s_encode (sent, to);
            role_id_t received_for = ROLE_COUNT;
            const char *why = NULL;
            message_t *received = message_decode (&frame, &received_for, &why);
            cr_assert_not_null (received, "%s: %s", message_schema (sent->type)->name, why);
            cr_assert (s_equal (sent, received));
            cr_assert_eq (received_for, to);
            cr_assert (received->frame.owned);
            message_t *copy = message_copy (received);
            message_destroy (&received);
            cr_assert_null (received);
            message_destroy (&received);
            cr_assert (s_equal (sent, copy), "a copy has no views into the frame");
            cr_assert_null (copy->frame.data);
            message_destroy (&copy);
            message_destroy (&sent);
        }
}

Test (message, schemas_stand_at_their_types)
{
    cr_assert_eq (message_schema (MESSAGE_read), &read_schema);
    cr_assert_eq (message_schema (MESSAGE_notice), &notice_schema);
    cr_assert_str_eq (role_name (ROLE_COORDINATOR), "coordinator");
    cr_assert_str_eq (role_name (ROLE_MONITOR), "monitor");
    cr_assert_str_eq (role_name (ROLE_COUNT), "unknown");
}

Test (message, a_frame_has_its_layout)
{
    message_t *message = message_new (MESSAGE_sync);
    message->from = (address_t){.node = 300, .role = ROLE_REPLICA};
    message->origin = (origin_t){.cluster = 7, .nonce = 70000, .clock_ms = 5000000000};
    message->sync.sequence = 9;
    bytes_t frame = s_encode (message, ROLE_SYNCER);
    char text[100];
    snprintf (text, sizeof text, "[1 %d 7 300 70000 5000000000 %d %d [9]]", MESSAGE_sync,
              ROLE_REPLICA, ROLE_SYNCER);
    bytes_t expected = notation (text);
    cr_assert (bytes_equal (frame, expected));
    bytes_clear (&expected);
    bytes_clear (&frame);
    message_destroy (&message);
}

Test (message, a_lent_frame_is_copied)
{
    bytes_t frame = notation ("[1 0 8 5 6 9 0 1 [7 2 false b'key']]");
    bytes_t lent = bytes_view (frame.data, frame.size);
    role_id_t to;
    message_t *message = message_decode (&lent, &to, NULL);
    cr_assert_not_null (message);
    cr_assert_eq (to, ROLE_REPLICA);
    memset (frame.data, 0, frame.size);
    cr_assert (bytes_equal (message->read.key, bytes_text ("key")));
    bytes_clear (&frame);
    message_destroy (&message);
}

Test (message, a_field_may_be_taken_and_kept)
{
    message_t *message = message_new (MESSAGE_replicate);
    message->replicate.key = bytes_copy ("key", 3);
    bytes_t key = bytes_take (&message->replicate.key);
    message_destroy (&message);
    cr_assert (bytes_equal (key, bytes_text ("key")));
    bytes_clear (&key);
}

/*  What message_peek says of it; NULL when it has a head. */
static const char *s_peek_wrong (const char *text)
{
    bytes_t frame = notation (text);
    head_t head;
    const char *why = NULL;
    int rc = message_peek (frame, &head, &why);
    cr_assert_eq (rc == 0, why == NULL, "%s", text);
    cr_assert_eq (rc, message_peek (frame, &head, NULL));
    bytes_clear (&frame);
    return why;
}

#define READ "[7 2 false b'key']"

Test (message, damaged_heads_are_refused)
{
    static const char *const number = "a number in a frame's head is none";
    static const char *const shape = "a frame is no array of 9";
    static const char *const role = "a role has a number that is not known here";
    static const char *const type = "a message has a number that is not known here";
    const struct {
        const char *text;
        const char *wrong;
    } cases[] = {
        {"[1 0 8 5 6 9 0 1 " READ "]", NULL},
        {"[1 0 8 18446744073709551615 6 9 0 1 [7 2 false b'key' 'newer']]", NULL},
        {"[h'cc01' h'cd0000' 8 5 h'cf0000000000000006' 9 h'ce00000000' 1 " READ "]", NULL},
        {"[1 0 8 5 6 9 0 1]", shape},
        {"[1 0 8 5 6 9 0 1 " READ " 9]", shape},
        {"[1 0 5 0 1 " READ "]", shape},
        {"{1 0 8 5 6 9 0 1 " READ " 9}", shape},
        {READ, shape},
        {"'[1 0 8 5 6 9 0 1'", shape},
        {"['1' 0 8 5 6 9 0 1 " READ "]", number},
        {"[1 -1 8 5 6 9 0 1 " READ "]", number},
        {"[1 0 8 5.0 6 9 0 1 " READ "]", number},
        {"[1 0 8 5 nil 9 0 1 " READ "]", number},
        {"[1 0 8 5 6 [] 0 1 " READ "]", number},
        {"[1 0 8 5 6 9 b'' 1 " READ "]", number},
        {"[1 0 8 5 6 9 0 " READ " 1]", number},
        {"[1 0 8 5 6 9 0 true " READ "]", number},
        {"[2 0 8 5 6 9 0 1 " READ "]", "a frame has a format that is not known here"},
        {"[1 200 8 5 6 9 0 1 " READ "]", type},
        {"[1 18446744073709551615 8 5 6 9 0 1 " READ "]", type},
        {"[1 0 8 5 6 9 8 1 " READ "]", role},
        {"[1 0 8 5 6 9 0 8 " READ "]", role},
        {"[1 0 8 5 6 9 0 4294967296 " READ "]", role},
    };
    cr_assert_eq (ROLE_COUNT, 8, "the number in the cases above");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *wrong = s_wrong (cases[i].text), *peeked = s_peek_wrong (cases[i].text);
        cr_assert_eq (wrong == NULL, cases[i].wrong == NULL, "%s", cases[i].text);
        cr_assert_eq (peeked == NULL, cases[i].wrong == NULL, "%s", cases[i].text);
        if (wrong != NULL && peeked != NULL) {
            cr_assert_str_eq (wrong, cases[i].wrong);
            cr_assert_str_eq (peeked, cases[i].wrong);
        }
    }
}

Test (message, damaged_records_have_a_head_nevertheless)
{
    const struct {
        const char *text;
        const char *wrong;
    } cases[] = {
        {"[1 0 8 5 6 9 0 1 [7 2 false b'']]", "a run of bytes is too short or too long"},
        {"[1 0 8 5 6 9 0 1 nil]", "a record is no array"},
        {"[1 0 8 5 6 9 0 1 " READ "] nil", "bytes follow the value"},
        {"[1 0 8 5 6 9 0 1 h'dd0fffffff']", "it declares more values than it has bytes for"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *wrong = s_wrong (cases[i].text);
        cr_assert_not_null (wrong);
        cr_assert_str_eq (wrong, cases[i].wrong);
        cr_assert_null (s_peek_wrong (cases[i].text));
    }
    cr_assert_str_eq (s_wrong (""), "it is empty");
    cr_assert_not_null (s_peek_wrong (""));
}

Test (message, a_head_is_read_alone)
{
    uint64_t seed = 4;
    for (unsigned type = 0; type < MESSAGE_COUNT; type++) {
        message_t *sent = s_random (&seed, (message_type_t) type);
        bytes_t frame = s_encode (sent, ROLE_GOSSIP);
        size_t size = 0;
        head_t head;
        while (message_peek (bytes_view (frame.data, size), &head, NULL) != 0)
            cr_assert_lt (size++, frame.size);
        cr_assert_lt (size, frame.size, "nothing of the record is needed");
        cr_assert_geq (size, 9, "an array and eight numbers");
        cr_assert_eq (head.type, sent->type);
        cr_assert_eq (head.to, ROLE_GOSSIP);
        cr_assert_eq (head.from.node, sent->from.node);
        cr_assert_eq (head.from.role, sent->from.role);
        cr_assert_eq (head.origin.cluster, sent->origin.cluster);
        cr_assert_eq (head.origin.nonce, sent->origin.nonce);
        cr_assert_eq (head.origin.clock_ms, sent->origin.clock_ms);
        bytes_t cut = bytes_copy (frame.data, size); /* a sanitizer sees what reads past it */
        cr_assert_eq (message_peek (cut, &head, NULL), 0);
        bytes_clear (&cut);
        for (size_t less = 0; less < size; less++) {
            cut = bytes_copy (frame.data, less);
            const char *why = NULL;
            cr_assert_eq (message_peek (cut, &head, &why), -1);
            cr_assert_not_null (why);
            bytes_clear (&cut);
        }
        bytes_clear (&frame);
        message_destroy (&sent);
    }
}

Test (message, each_truncation_is_refused)
{
    uint64_t seed = 2;
    for (unsigned type = 0; type < MESSAGE_COUNT; type++) {
        message_t *sent = s_random (&seed, (message_type_t) type);
        bytes_t frame = s_encode (sent, ROLE_REPLICA);
        for (size_t size = 0; size < frame.size; size++) {
            bytes_t cut = bytes_copy (frame.data, size);
            role_id_t to;
            const char *why = NULL;
            cr_assert_null (message_decode (&cut, &to, &why));
            cr_assert_not_null (why);
        }
        bytes_clear (&frame);
        message_destroy (&sent);
    }
}

Test (message, mutations_are_refused_or_come_back)
{
    uint64_t seed = 3;
    size_t decoded = 0;
    for (size_t i = 0; i < MUTATIONS; i++) {
        message_t *sent = s_random (&seed, (message_type_t) items_below (&seed, MESSAGE_COUNT));
        bytes_t frame = s_encode (sent, ROLE_REPLICA);
        bytes_t mutant = items_mutate (&seed, frame);
        role_id_t to;
        const char *why;
        message_t *received = message_decode (&mutant, &to, &why);
        if (received != NULL) {
            decoded++;
            bytes_t again = s_encode (received, to);
            message_t *twice = message_decode (&again, &to, &why);
            cr_assert_not_null (twice, "%s", why);
            cr_assert (s_equal (received, twice));
            message_destroy (&twice);
        }
        message_destroy (&received);
        bytes_clear (&frame);
        message_destroy (&sent);
    }
    cr_assert (decoded > MUTATIONS / 50 && decoded < MUTATIONS / 10 * 9, "%zu decoded", decoded);
}

Test (message, a_full_buffer_keeps_nothing_of_the_frame)
{
    message_t *message = message_new (MESSAGE_sync);
    for (size_t maximum = 0; maximum < 13; maximum++) {
        buffer_t buffer;
        buffer_init (&buffer, maximum);
        cr_assert_eq (message_encode (message, ROLE_SYNCER, &buffer), maximum < 11 ? -1 : 0);
        cr_assert_eq (buffer.size, maximum < 11 ? 0 : 11);
        buffer_clear (&buffer);
    }
    message_destroy (&message);
}
