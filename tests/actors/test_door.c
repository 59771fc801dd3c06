/*  test_door.c - the framing of client messages, and replies to clients that come and go. */
#include "toys.h"

#include "actors/door.h"

#define VALUE_BYTES (64u * 1024)

typedef struct {
    losses_t losses;
    door_t *door;
    zsock_t *client; /* DEALER */
    endpoint_text_t endpoint;
} rig_t;

static void s_init (rig_t *rig)
{
    memset (rig, 0, sizeof *rig);
    rig->endpoint = toys_endpoint ();
    char why[LIMIT_SENTENCE_BYTES] = "";
    listen_t listen = {"listen/client", rig->endpoint.text};
    rig->door = door_new (listen, VALUE_BYTES, &rig->losses, why);
    cr_assert_not_null (rig->door, "%s", why);
    rig->client = zsock_new (ZMQ_DEALER);
    zsock_set_linger (rig->client, 0);
    zmq_connect (zsock_resolve (rig->client), rig->endpoint.text);
}

static void s_clear (rig_t *rig)
{
    zsock_destroy (&rig->client);
    door_destroy (&rig->door);
    door_destroy (&rig->door);
}

static void s_send (rig_t *rig, size_t count, const char *const *frames)
{
    for (size_t i = 0; i < count; i++)
        zmq_send (zsock_resolve (rig->client), frames[i], strlen (frames[i]),
                  i + 1 < count ? ZMQ_SNDMORE : 0);
}
#define SEND(rig, ...)                                                     \
    s_send (rig, sizeof ((const char *[]){__VA_ARGS__}) / sizeof (char *), \
            (const char *[]){__VA_ARGS__})

static door_outcome_t s_next (rig_t *rig, event_t *event)
{
    memset (event, 0, sizeof *event);
    cr_assert (toys_readable (door_handle (rig->door), 20000));
    return door_next (rig->door, event);
}

Test (door, a_request_is_one_frame_behind_an_empty_one)
{
    rig_t rig;
    s_init (&rig);
    SEND (&rig, "", "body");
    event_t event;
    cr_assert_eq (s_next (&rig, &event), DOOR_EVENT);
    cr_assert_eq (event.kind, EVENT_REQUEST);
    cr_assert (bytes_equal (event.frame, bytes_text ("body")));
    cr_assert_gt (event.client.size, 0);

    bytes_t reply = bytes_copy ("answer", 6);
    door_reply (rig.door, event.client, &reply);
    cr_assert_eq (reply.size, 0);
    char *empty = NULL;
    char *answer = NULL;
    cr_assert_eq (zstr_recvx (rig.client, &empty, &answer, NULL), 2);
    cr_assert_str_eq (empty, "");
    cr_assert_str_eq (answer, "answer");
    zstr_free (&empty);
    zstr_free (&answer);
    cr_assert_eq (door_next (rig.door, &event), DOOR_EMPTY);
    cr_assert_eq (rig.losses.news, false);
    s_clear (&rig);
}

Test (door, an_empty_body_is_a_request)
{
    rig_t rig;
    s_init (&rig);
    SEND (&rig, "", "");
    event_t event;
    cr_assert_eq (s_next (&rig, &event), DOOR_EVENT);
    cr_assert_eq (event.kind, EVENT_REQUEST);
    cr_assert_eq (event.frame.size, 0);
    s_clear (&rig);
}

Test (door, no_body_and_two_bodies_are_garbage)
{
    rig_t rig;
    s_init (&rig);
    SEND (&rig, "");
    SEND (&rig, "", "one", "two", "three");
    SEND (&rig, "", "fine");
    event_t event;
    for (int i = 0; i < 2; i++) {
        cr_assert_eq (s_next (&rig, &event), DOOR_EVENT);
        cr_assert_eq (event.kind, EVENT_GARBAGE);
        cr_assert_gt (event.client.size, 0);
        cr_assert_gt (strlen (event.text), 10);
    }
    cr_assert_eq (s_next (&rig, &event), DOOR_EVENT);
    cr_assert_eq (event.kind, EVENT_REQUEST, "what comes after is whole");
    cr_assert (bytes_equal (event.frame, bytes_text ("fine")));
    s_clear (&rig);
}

Test (door, without_the_empty_frame_it_is_dropped)
{
    rig_t rig;
    s_init (&rig);
    SEND (&rig, "body");
    SEND (&rig, "body", "", "body");
    SEND (&rig, "", "fine");
    event_t event;
    cr_assert_eq (s_next (&rig, &event), DOOR_DROPPED);
    cr_assert_eq (s_next (&rig, &event), DOOR_DROPPED);
    cr_assert_eq (s_next (&rig, &event), DOOR_EVENT);
    cr_assert_eq (event.kind, EVENT_REQUEST);
    cr_assert_eq (rig.losses.count[LOSS_UNDELIMITED], 2);
    s_clear (&rig);
}

Test (door, a_reply_to_nobody_is_lost)
{
    rig_t rig;
    s_init (&rig);
    bytes_t reply = bytes_copy ("answer", 6);
    door_reply (rig.door, bytes_text ("nobody"), &reply);
    cr_assert_eq (rig.losses.count[LOSS_REPLIES], 1);
    bytes_t lent = bytes_text ("lent");
    door_reply (rig.door, bytes_text ("nobody"), &lent);
    cr_assert_eq (rig.losses.count[LOSS_REPLIES], 2);

    SEND (&rig, "", "body");
    event_t event;
    cr_assert_eq (s_next (&rig, &event), DOOR_EVENT);
    bytes_t client = bytes_copy (event.client.data, event.client.size);
    zsock_destroy (&rig.client);
    AWAIT ((reply = bytes_copy ("late", 4), door_reply (rig.door, client, &reply),
            rig.losses.count[LOSS_REPLIES] == 3));
    bytes_clear (&client);
    s_clear (&rig);
}

Test (door, a_message_over_the_limit_closes_its_connection_only)
{
    rig_t rig;
    s_init (&rig);
    size_t most = VALUE_BYTES + 1024 * 1024;
    char *large = memory_new (most + 1, 1);
    void *client = zsock_resolve (rig.client);
    zmq_send (client, "", 0, ZMQ_SNDMORE);
    zmq_send (client, large, most, 0);
    event_t event;
    cr_assert_eq (s_next (&rig, &event), DOOR_EVENT);
    cr_assert_eq (event.frame.size, most);

    zmq_send (client, "", 0, ZMQ_SNDMORE);
    zmq_send (client, large, most + 1, 0);
    zsock_t *other = zsock_new (ZMQ_DEALER);
    zmq_connect (zsock_resolve (other), rig.endpoint.text);
    zmq_send (zsock_resolve (other), "", 0, ZMQ_SNDMORE);
    zmq_send (zsock_resolve (other), "fine", 4, 0);
    cr_assert_eq (s_next (&rig, &event), DOOR_EVENT);
    cr_assert (bytes_equal (event.frame, bytes_text ("fine")));
    zsock_destroy (&other);
    free (large);
    s_clear (&rig);
}

Test (door, a_taken_port_is_explained)
{
    rig_t rig;
    s_init (&rig);
    char why[LIMIT_SENTENCE_BYTES] = "";
    listen_t listen = {"listen/client", rig.endpoint.text};
    cr_assert_null (door_new (listen, VALUE_BYTES, &rig.losses, why));
    cr_assert_not_null (strstr (why, "listen/client: cannot bind tcp://127."), "%s", why);
    cr_assert_not_null (strstr (why, "choose another port"), "%s", why);
    listen.endpoint = "tcp://192.0.2.1:7101";
    cr_assert_null (door_new (listen, VALUE_BYTES, &rig.losses, why));
    cr_assert_not_null (strstr (why, "no such address"), "%s", why);
    s_clear (&rig);
}
