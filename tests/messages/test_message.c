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
    message->sync.sequence = 9;
    bytes_t frame = s_encode (message, ROLE_SYNCER);
    char text[100];
    snprintf (text, sizeof text, "[1 %d 300 %d %d [9]]", MESSAGE_sync, ROLE_REPLICA, ROLE_SYNCER);
    bytes_t expected = notation (text);
    cr_assert (bytes_equal (frame, expected));
    bytes_clear (&expected);
    bytes_clear (&frame);
    message_destroy (&message);
}

Test (message, a_lent_frame_is_copied)
{
    bytes_t frame = notation ("[1 0 5 0 1 [7 2 b'key']]");
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

Test (message, damaged_frames_are_refused)
{
    cr_assert_null (s_wrong ("[1 0 5 0 1 [7 2 b'key']]"));
    cr_assert_null (s_wrong ("[1 0 18446744073709551615 0 1 [7 2 b'key' 'newer']]"));
    cr_assert_null (s_wrong ("[h'cc01' h'cd0000' 5 h'ce00000000' 1 [7 2 b'key']]"));
    static const char *const head = "a number in a frame's head is none";
    static const char *const shape = "a frame is no array of 6";
    cr_assert_str_eq (s_wrong ("[1 0 5 0 1]"), shape);
    cr_assert_str_eq (s_wrong ("[1 0 5 0 1 [7 2 b'key'] 9]"), shape);
    cr_assert_str_eq (s_wrong ("{1 0 5 0 1 [7 2 b'key']}"), shape);
    cr_assert_str_eq (s_wrong ("[7 2 b'key']"), shape);
    cr_assert_str_eq (s_wrong ("'[1 0 5 0 1'"), shape);
    cr_assert_str_eq (s_wrong ("['1' 0 5 0 1 [7 2 b'key']]"), head);
    cr_assert_str_eq (s_wrong ("[1 -1 5 0 1 [7 2 b'key']]"), head);
    cr_assert_str_eq (s_wrong ("[1 0 5.0 0 1 [7 2 b'key']]"), head);
    cr_assert_str_eq (s_wrong ("[1 0 5 nil 1 [7 2 b'key']]"), head);
    cr_assert_str_eq (s_wrong ("[1 0 5 0 [7 2 b'key'] 1]"), head);
    cr_assert_str_eq (s_wrong ("[2 0 5 0 1 [7 2 b'key']]"),
                      "a frame has a format that is not known here");
    cr_assert_str_eq (s_wrong ("[1 200 5 0 1 [7 2 b'key']]"),
                      "a message has a number that is not known here");
    cr_assert_str_eq (s_wrong ("[1 18446744073709551615 5 0 1 [7 2 b'key']]"),
                      "a message has a number that is not known here");
    char text[100];
    snprintf (text, sizeof text, "[1 0 5 %d 1 [7 2 b'key']]", ROLE_COUNT);
    cr_assert_str_eq (s_wrong (text), "a role has a number that is not known here");
    snprintf (text, sizeof text, "[1 0 5 0 %d [7 2 b'key']]", ROLE_COUNT);
    cr_assert_str_eq (s_wrong (text), "a role has a number that is not known here");
    cr_assert_str_eq (s_wrong ("[1 0 5 0 1 [7 2 b'']]"), "a run of bytes is too short or too long");
    cr_assert_str_eq (s_wrong ("[1 0 5 0 1 nil]"), "a record is no array");
    cr_assert_str_eq (s_wrong ("[1 0 5 0 1 [7 2 b'key']] nil"), "bytes follow the value");
    cr_assert_str_eq (s_wrong (""), "it is empty");
    cr_assert_str_eq (s_wrong ("[1 0 5 0 1 h'dd0fffffff']"),
                      "it declares more values than it has bytes for");
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
    for (size_t maximum = 0; maximum < 10; maximum++) {
        buffer_t buffer;
        buffer_init (&buffer, maximum);
        cr_assert_eq (message_encode (message, ROLE_SYNCER, &buffer), maximum < 8 ? -1 : 0);
        cr_assert_eq (buffer.size, maximum < 8 ? 0 : 8);
        buffer_clear (&buffer);
    }
    message_destroy (&message);
}
