/*  test_wire.c - two nodes' wires over TCP: there and back, and what is refused on the way. */
#include "wire_rig.h"

/*  Node 1's coordinator, and node 2's replica with its ROUTER. */
typedef struct {
    prefix_t prefixes[2];
    losses_t losses[2];
    endpoint_text_t endpoints[2];
    wire_t *coordinator;
    wire_t *replica;
} rig_t;

static void s_learn (rig_t *rig, size_t count)
{
    member_t members[2];
    snapshot_t snapshot = toys_snapshot (1, members, count, rig->endpoints);
    wire_learn (rig->coordinator, &snapshot);
    snapshot.charter.node = 2;
    if (count == 1) /* as node 2 sees it when node 1 is gone */
        members[0].node = 2;
    wire_learn (rig->replica, &snapshot);
}

/*  NULL when the port is still taken. */
static wire_t *s_replica (rig_t *rig)
{
    char why[LIMIT_SENTENCE_BYTES] = "";
    rig->prefixes[1] = prefix_new ();
    const wire_options_t options = {
        .prefix = &rig->prefixes[1],
        .role = ROLE_REPLICA,
        .nonce = 200,
        .peers = {"listen/peer", rig->endpoints[1].text},
        .losses = &rig->losses[1],
    };
    return wire_new (&options, why);
}

static void s_init (rig_t *rig)
{
    memset (rig, 0, sizeof *rig);
    for (int i = 0; i < 2; i++) {
        rig->prefixes[i] = prefix_new ();
        rig->endpoints[i] = toys_endpoint ();
    }
    cr_assert_not_null (rig->replica = s_replica (rig));
    const wire_options_t options = {
        .prefix = &rig->prefixes[0],
        .role = ROLE_COORDINATOR,
        .nonce = 100,
        .eager = true,
        .losses = &rig->losses[0],
    };
    rig->coordinator = wire_new (&options, NULL);
    s_learn (rig, 2);
}

static void s_clear (rig_t *rig)
{
    wire_destroy (&rig->coordinator);
    wire_destroy (&rig->replica);
    wire_destroy (&rig->replica);
}

/*  Sends to node 2's replica until it hears; the connection may still be on its way. */
static message_t *s_deliver (rig_t *rig, uint64_t request)
{
    message_t *heard = NULL;
    AWAIT ((heard = wire_rig_poll (rig->replica, 10)) != NULL || ({
               message_t *message = wire_rig_scan (request);
               wire_send (rig->coordinator, (address_t){2, ROLE_REPLICA}, &message);
               cr_assert_null (message);
               false;
           }));
    return heard;
}

static void s_reply (rig_t *rig, const message_t *to)
{
    message_t *reply = message_new (MESSAGE_scan_reply);
    reply->scan_reply.request = to->scan.request;
    wire_send (rig->replica, to->from, &reply);
}

Test (wire, there_and_back)
{
    rig_t rig;
    s_init (&rig);
    message_t *heard = s_deliver (&rig, 77);
    cr_assert_eq (heard->type, MESSAGE_scan);
    cr_assert_eq (heard->scan.request, 77);
    cr_assert_eq (heard->from.node, 1);
    cr_assert_eq (heard->from.role, ROLE_COORDINATOR);
    cr_assert_eq (heard->origin.cluster, TOYS_CLUSTER);
    cr_assert_eq (heard->origin.nonce, 100);
    cr_assert_leq (heard->origin.clock_ms, host_now_us () / 1000);
    cr_assert_geq (heard->origin.clock_ms + PATIENCE_US / 1000, host_now_us () / 1000);
    s_reply (&rig, heard);
    message_destroy (&heard);

    message_t *answer = wire_rig_poll (rig.coordinator, 20000);
    cr_assert_not_null (answer);
    cr_assert_eq (answer->type, MESSAGE_scan_reply);
    cr_assert_eq (answer->scan_reply.request, 77);
    cr_assert_eq (answer->from.node, 2);
    cr_assert_eq (answer->from.role, ROLE_REPLICA);
    cr_assert_eq (answer->origin.nonce, 200);
    message_destroy (&answer);
    cr_assert_eq (rig.losses[1].news, false);
    s_clear (&rig);
}

Test (wire, an_own_address_is_inproc_and_both_names_of_it_are_one)
{
    rig_t rig;
    s_init (&rig);
    for (uint64_t node = 0; node <= 2; node += 2) {
        message_t *message = toys_sync (node);
        wire_send (rig.replica, (address_t){node, ROLE_REPLICA}, &message);
        cr_assert_null (message);
    }
    cr_assert_null (wire_rig_poll (rig.replica, 0), "nothing leaves before the flush");
    wire_flush (rig.replica);
    for (uint64_t node = 0; node <= 2; node += 2) {
        message_t *message =
            node == 0 ? wire_rig_poll (rig.replica, 20000) : wire_next (rig.replica);
        cr_assert_not_null (message, "both came in one frame");
        cr_assert_eq (message->sync.sequence, node);
        cr_assert_eq (message->from.node, 0);
        cr_assert_eq (message->origin.nonce, 0, "what comes from here has no head");
        message_destroy (&message);
    }
    s_clear (&rig);
}

Test (wire, a_message_to_nobody_is_lost)
{
    rig_t rig;
    s_init (&rig);
    message_t *message = wire_rig_scan (1);
    wire_send (rig.coordinator, (address_t){3, ROLE_REPLICA}, &message);
    cr_assert_null (message);
    message =
        wire_rig_scan (1); /* node 1's coordinator never wrote to it, so there is no way back */
    wire_send (rig.replica, (address_t){1, ROLE_COORDINATOR}, &message);
    cr_assert_eq (rig.losses[0].count[LOSS_ADDRESS], 1);
    cr_assert_eq (rig.losses[1].count[LOSS_ADDRESS], 1);
    s_clear (&rig);
}

Test (wire, a_stranger_is_refused)
{
    rig_t rig;
    s_init (&rig);
    message_t *heard = s_deliver (&rig, 1);
    s_learn (&rig, 1); /* node 2 now knows itself only, node 1 still knows it not */
    member_t members[2];
    snapshot_t snapshot = toys_snapshot (1, members, 2, rig.endpoints);
    wire_learn (rig.coordinator, &snapshot);
    AWAIT (({
        message_t *message = wire_rig_scan (2);
        wire_send (rig.coordinator, (address_t){2, ROLE_REPLICA}, &message);
        cr_assert_null (wire_rig_poll (rig.replica, 10));
        rig.losses[1].count[LOSS_STRANGERS] > 0;
    }));
    s_reply (&rig, heard); /* and it is no longer answered */
    cr_assert_eq (rig.losses[1].count[LOSS_ADDRESS], 1);
    message_destroy (&heard);
    s_clear (&rig);
}

Test (wire, members_that_left_are_strangers)
{
    rig_t rig;
    s_init (&rig);
    member_t members[2];
    snapshot_t snapshot = toys_snapshot (1, members, 2, rig.endpoints);
    members[1].state = MEMBER_LEFT;
    wire_learn (rig.coordinator, &snapshot);
    message_t *message = wire_rig_scan (1);
    wire_send (rig.coordinator, (address_t){2, ROLE_REPLICA}, &message);
    cr_assert_eq (rig.losses[0].count[LOSS_ADDRESS], 1);
    s_clear (&rig);
}

Test (wire, an_endpoint_that_is_none_is_survived)
{
    rig_t rig;
    s_init (&rig);
    snprintf (rig.endpoints[1].text, sizeof rig.endpoints[1].text, "nonsense");
    member_t members[2];
    snapshot_t snapshot = toys_snapshot (1, members, 2, rig.endpoints);
    wire_learn (rig.coordinator, &snapshot);
    message_t *message = wire_rig_scan (1);
    wire_send (rig.coordinator, (address_t){2, ROLE_REPLICA}, &message);
    cr_assert_eq (rig.losses[0].count[LOSS_ADDRESS], 1);
    s_clear (&rig);
}

Test (wire, it_reaches_a_peer_that_was_started_again)
{
    rig_t rig;
    s_init (&rig);
    message_t *heard = s_deliver (&rig, 1);
    message_destroy (&heard);
    wire_destroy (&rig.replica);
    AWAIT (({
        message_t *message = wire_rig_scan (2);
        wire_send (rig.coordinator, (address_t){2, ROLE_REPLICA}, &message);
        rig.losses[0].count[LOSS_PEER] > 0;
    }));
    AWAIT ((rig.replica = s_replica (&rig)) != NULL); /* the old socket closes in its own time */
    s_learn (&rig, 2);
    heard = s_deliver (&rig, 3);
    while (heard->scan.request == 2) { /* may have been on its way */
        message_destroy (&heard);
        heard = s_deliver (&rig, 3);
    }
    cr_assert_eq (heard->scan.request, 3);
    s_reply (&rig, heard);
    message_destroy (&heard);
    heard = wire_rig_poll (rig.coordinator, 20000);
    cr_assert_not_null (heard);
    message_destroy (&heard);
    s_clear (&rig);
}

/* ---- frames by hand ---- */

/*  A DEALER that is no wire. */
static zsock_t *s_hand (rig_t *rig)
{
    zsock_t *hand = zsock_new (ZMQ_DEALER);
    zsock_set_linger (hand, 0);
    zmq_connect (zsock_resolve (hand), rig->endpoints[1].text);
    return hand;
}

/*  What was sent last is fine, and arrives alone: all before it was refused. */
static void s_expect_last (rig_t *rig, uint64_t request)
{
    message_t *heard = NULL;
    AWAIT ((heard = wire_rig_poll (rig->replica, 1000)) != NULL);
    cr_assert_eq (heard->type, MESSAGE_scan);
    cr_assert_eq (heard->scan.request, request);
    message_destroy (&heard);
    cr_assert_null (wire_next (rig->replica));
}

Test (wire, garbage_is_refused_and_survived)
{
    rig_t rig;
    s_init (&rig);
    zsock_t *hand = s_hand (&rig);
    const address_t from = {1, ROLE_COORDINATOR};
    void *handle = zsock_resolve (hand);
    uint8_t noise[4096];
    rng_t rng;
    rng_seed (&rng, 1);
    size_t refused = 0;
    for (size_t i = 0; i < 500; i++, refused++) {
        for (size_t j = 0; j < sizeof noise; j++)
            noise[j] = (uint8_t) rng_next (&rng);
        zmq_send (handle, noise, rng_below (&rng, sizeof noise), 0);
    }
    zmq_send (handle, "", 0, 0);
    zmq_send (handle, "one", 3, ZMQ_SNDMORE);
    zmq_send (handle, "two", 3, ZMQ_SNDMORE);
    zmq_send (handle, "three", 5, 0);
    wire_rig_send (hand, wire_rig_scan (9), from, ROLE_REPLICA);
    s_expect_last (&rig, 9);
    cr_assert_eq (rig.losses[1].count[LOSS_FRAMES], refused + 2);
    zsock_destroy (&hand);
    s_clear (&rig);
}

/*  A frame whose head is as given and whose record is no record. */
static void s_send_hollow (zsock_t *hand, message_type_t type, address_t from, origin_t origin)
{
    message_t *message = wire_rig_scan (1);
    message->from = from;
    message->origin = origin;
    buffer_t buffer;
    buffer_init (&buffer, LIMIT_PEER_FRAME_BYTES);
    cr_assert_eq (message_encode (message, ROLE_REPLICA, &buffer), 0);
    buffer.data[2] = (uint8_t) type;
    buffer.data[buffer.size - 1] = 0xc1; /* a byte that MessagePack never uses */
    zmq_send (zsock_resolve (hand), buffer.data, buffer.size, 0);
    buffer_clear (&buffer);
    message_destroy (&message);
}

Test (wire, what_is_not_for_outside_is_refused)
{
    rig_t rig;
    s_init (&rig);
    zsock_t *hand = s_hand (&rig);
    const address_t from = {1, ROLE_COORDINATOR};
    static const message_type_t local[] = {
        MESSAGE_survey,    MESSAGE_survey_reply,    MESSAGE_recall,    MESSAGE_recall_reply,
        MESSAGE_enact,     MESSAGE_enact_reply,     MESSAGE_snapshot,  MESSAGE_seen,
        MESSAGE_peers,     MESSAGE_accuse,          MESSAGE_admin,     MESSAGE_admin_reply,
        MESSAGE_hint_page, MESSAGE_hint_page_reply, MESSAGE_hint_drop, MESSAGE_host,
        MESSAGE_sync,      MESSAGE_synced,          MESSAGE_notice,
    };
    size_t count = sizeof local / sizeof *local;
    for (size_t i = 0; i < count; i++)
        s_send_hollow (hand, local[i], from, (origin_t){TOYS_CLUSTER, 5, 0});
    wire_rig_send (hand, wire_rig_scan (1), from, ROLE_GOSSIP); /* not the role of this socket */
    wire_rig_send (hand, wire_rig_scan (1), (address_t){2, ROLE_COORDINATOR},
                   ROLE_REPLICA); /* its own name */
    wire_rig_send (hand, wire_rig_scan (1), (address_t){0, ROLE_COORDINATOR},
                   ROLE_REPLICA); /* nobody's */
    wire_rig_send (hand, wire_rig_scan (9), from, ROLE_REPLICA);
    s_expect_last (&rig, 9);
    cr_assert_eq (rig.losses[1].count[LOSS_MISDIRECTED], count + 1);
    cr_assert_eq (rig.losses[1].count[LOSS_STRANGERS], 2);
    cr_assert_eq (rig.losses[1].count[LOSS_FRAMES], 0);
    zsock_destroy (&hand);
    s_clear (&rig);
}

Test (wire, a_frame_is_refused_by_its_head_before_it_is_decoded)
{
    rig_t rig;
    s_init (&rig);
    zsock_t *hand = s_hand (&rig);
    const address_t from = {1, ROLE_COORDINATOR};
    s_send_hollow (hand, MESSAGE_scan, (address_t){3, ROLE_COORDINATOR},
                   (origin_t){TOYS_CLUSTER, 5, 0});
    s_send_hollow (hand, MESSAGE_scan, from, (origin_t){TOYS_CLUSTER + 1, 5, 0});
    s_send_hollow (hand, MESSAGE_scan, from, (origin_t){0, 5, 0});
    wire_rig_send (hand, wire_rig_scan (9), from, ROLE_REPLICA);
    s_expect_last (&rig, 9);
    cr_assert_eq (rig.losses[1].count[LOSS_STRANGERS], 1);
    cr_assert_eq (rig.losses[1].count[LOSS_FOREIGN], 2);
    cr_assert_eq (rig.losses[1].count[LOSS_FRAMES], 0, "none of them was looked into");
    s_send_hollow (hand, MESSAGE_scan, from, (origin_t){TOYS_CLUSTER, 5, 0});
    s_send_hollow (hand, MESSAGE_scan, from,
                   (origin_t){TOYS_CLUSTER, 0, 0}); /* a process without a nonce */
    wire_rig_send (hand, wire_rig_scan (10), from, ROLE_REPLICA);
    s_expect_last (&rig, 10);
    cr_assert_eq (rig.losses[1].count[LOSS_FRAMES], 2);
    zsock_destroy (&hand);
    s_clear (&rig);
}

Test (wire, before_the_first_snapshot_all_are_strangers)
{
    rig_t rig;
    s_init (&rig);
    wire_destroy (&rig.replica);
    AWAIT ((rig.replica = s_replica (&rig)) != NULL);
    zsock_t *hand = s_hand (&rig);
    message_t *message = wire_rig_scan (1);
    message->origin.nonce = 5; /* and no cluster */
    wire_rig_send (hand, message, (address_t){1, ROLE_COORDINATOR}, ROLE_REPLICA);
    wire_rig_send (hand, wire_rig_scan (1), (address_t){1, ROLE_COORDINATOR}, ROLE_REPLICA);
    AWAIT (({
        cr_assert_null (wire_rig_poll (rig.replica, 10));
        rig.losses[1].count[LOSS_STRANGERS] == 1 && rig.losses[1].count[LOSS_FOREIGN] == 1;
    }));
    zsock_destroy (&hand);
    s_clear (&rig);
}

Test (wire, one_socket_does_not_starve_the_others)
{
    rig_t rig;
    s_init (&rig);
    zsock_t *hand = s_hand (&rig);
    const address_t from = {1, ROLE_COORDINATOR};
    for (uint64_t i = 0; i < 4 * LIMIT_DRAIN_MESSAGES; i++) {
        wire_rig_send (hand, wire_rig_scan (i), from, ROLE_REPLICA);
        message_t *message = toys_sync (i);
        wire_send (rig.replica, (address_t){0, ROLE_REPLICA}, &message);
        wire_flush (rig.replica);
    }
    size_t here = 0;
    size_t there = 0;
    message_t *message = NULL;
    AWAIT (({ /* turns, until all came */
              size_t there_before = there;
              size_t here_before = here;
              for (message = wire_rig_poll (rig.replica, 1000); message;
                   message = wire_next (rig.replica)) {
                  here += message->type == MESSAGE_sync;
                  there += message->type == MESSAGE_scan;
                  message_destroy (&message);
              }
              cr_assert_leq (here - here_before, LIMIT_DRAIN_MESSAGES);
              cr_assert_leq (there - there_before, LIMIT_DRAIN_MESSAGES);
              here == 4 * LIMIT_DRAIN_MESSAGES &&there == here;
    }));
    zsock_destroy (&hand);
    s_clear (&rig);
}

Test (wire, a_taken_port_is_explained)
{
    rig_t rig;
    s_init (&rig);
    char why[LIMIT_SENTENCE_BYTES] = "";
    const wire_options_t options = {
        .prefix = &rig.prefixes[0],
        .role = ROLE_REPLICA,
        .nonce = 1,
        .peers = {"listen/peer", rig.endpoints[1].text},
        .losses = &rig.losses[0],
    };
    cr_assert_null (wire_new (&options, why));
    cr_assert_not_null (strstr (why, "listen/peer: cannot bind tcp://"), "%s", why);
    s_clear (&rig);
}
