/*  test_wire_gossip.c - the wires of two nodes' gossip: strangers are heard, the dead cost nothing, connections are bounded. */
#include "wire_rig.h"

typedef struct {
    prefix_t prefixes[2];
    losses_t losses[2];
    endpoint_text_t endpoints[2];
    wire_t *wires[2]; /* of nodes 1 and 2 */
} gossips_t;

static wire_t *s_gossip (gossips_t *rig, size_t i)
{
    char why[LIMIT_SENTENCE_BYTES] = "";
    rig->prefixes[i] = prefix_new ();
    const wire_options_t options = {
        .prefix = &rig->prefixes[i],
        .role = ROLE_GOSSIP,
        .nonce = 100 * (i + 1),
        .peers = {"listen/gossip", rig->endpoints[i].text},
        .eager = true,
        .losses = &rig->losses[i],
    };
    return wire_new (&options, why);
}

static void s_init_gossips (gossips_t *rig)
{
    memset (rig, 0, sizeof *rig);
    for (size_t i = 0; i < 2; i++) {
        rig->endpoints[i] = toys_endpoint ();
        cr_assert_not_null (rig->wires[i] = s_gossip (rig, i));
    }
}

static void s_clear_gossips (gossips_t *rig)
{
    for (size_t i = 0; i < 2; i++)
        wire_destroy (&rig->wires[i]);
}

/*  Tells both who the members are: 1 and 2, of which nothing listens for replicas. */
static void s_learn_gossips (gossips_t *rig)
{
    for (size_t i = 0; i < 2; i++) {
        member_t members[2];
        snapshot_t snapshot = toys_snapshot (i + 1, members, 2, rig->endpoints);
        for (size_t k = 0; k < 2; k++) {
            members[k].gossip = members[k].peer;
            members[k].peer = bytes_text ("");
        }
        wire_learn (rig->wires[i], &snapshot);
    }
}

static message_t *s_probe (uint64_t sent_us)
{
    message_t *message = message_new (MESSAGE_probe);
    message->probe.sent_us = sent_us;
    return message;
}

/*  Polls both until the second has heard something. */
static message_t *s_hear (gossips_t *rig)
{
    message_t *heard = NULL;
    AWAIT (({
        cr_assert_null (wire_rig_poll (rig->wires[0], 0)); /* lets what waits for a connection go */
        (heard = wire_rig_poll (rig->wires[1], 10)) != NULL;
    }));
    return heard;
}

Test (wire_gossip, gossip_hears_a_stranger_and_its_very_first_word)
{
    gossips_t rig;
    s_init_gossips (&rig);
    message_t *message = s_probe (7);
    wire_send_endpoint (rig.wires[0], bytes_text (rig.endpoints[1].text), &message);
    cr_assert_null (message);
    message_t *heard = s_hear (&rig);
    cr_assert_eq (heard->type, MESSAGE_probe);
    cr_assert_eq (heard->probe.sent_us, 7);
    cr_assert_eq (heard->from.node, 0, "it has no name yet");
    cr_assert_eq (heard->from.role, ROLE_GOSSIP);
    cr_assert_eq (heard->origin.cluster, 0);
    cr_assert_eq (heard->origin.nonce, 100);
    message_destroy (&heard);
    cr_assert_eq (rig.losses[1].news, false);
    s_clear_gossips (&rig);
}

Test (wire_gossip, gossip_of_a_member_and_of_its_endpoint_is_one_connection)
{
    gossips_t rig;
    s_init_gossips (&rig);
    bytes_t endpoint = bytes_text (rig.endpoints[1].text);
    message_t *message = s_probe (1);
    wire_send_endpoint (rig.wires[0], endpoint, &message);
    message = s_hear (&rig);
    message_destroy (&message);
    size_t before, after;
    wire_items (rig.wires[0], &before);
    s_learn_gossips (&rig);
    for (uint64_t i = 2; i < 4; i++) {
        message = s_probe (i);
        if (i == 2)
            wire_send (rig.wires[0], (address_t){2, ROLE_GOSSIP}, &message);
        else
            wire_send_endpoint (rig.wires[0], endpoint, &message);
        cr_assert_null (message);
        message = s_hear (&rig);
        cr_assert_eq (message->probe.sent_us, i);
        cr_assert_eq (message->from.node, 1);
        cr_assert_eq (message->origin.cluster, TOYS_CLUSTER);
        message_destroy (&message);
    }
    wire_items (rig.wires[0], &after);
    cr_assert_eq (before, after);
    s_clear_gossips (&rig);
}

Test (wire_gossip, gossip_hears_other_clusters_but_no_other_role)
{
    gossips_t rig;
    s_init_gossips (&rig);
    s_learn_gossips (&rig);
    zsock_t *hand = zsock_new (ZMQ_DEALER);
    zsock_set_linger (hand, 0);
    zmq_connect (zsock_resolve (hand), rig.endpoints[1].text);
    wire_rig_send (hand, wire_rig_scan (1), (address_t){1, ROLE_COORDINATOR}, ROLE_REPLICA);
    wire_rig_send (hand, toys_sync (1), (address_t){1, ROLE_GOSSIP}, ROLE_GOSSIP);
    message_t *message = s_probe (3);
    message->origin = (origin_t){.cluster = TOYS_CLUSTER + 1, .nonce = 5, .clock_ms = 6};
    wire_rig_send (hand, message, (address_t){77, ROLE_GOSSIP}, ROLE_GOSSIP);
    message = s_hear (&rig);
    cr_assert_eq (message->probe.sent_us, 3);
    cr_assert_eq (message->from.node, 77);
    cr_assert_eq (message->origin.cluster, TOYS_CLUSTER + 1);
    cr_assert_eq (message->origin.clock_ms, 6);
    message_destroy (&message);
    cr_assert_eq (rig.losses[1].count[LOSS_MISDIRECTED], 2);
    zsock_destroy (&hand);
    s_clear_gossips (&rig);
}

Test (wire_gossip, a_frame_too_large_for_gossip_costs_its_sender_the_connection)
{
    gossips_t rig;
    s_init_gossips (&rig);
    zsock_t *hand = zsock_new (ZMQ_DEALER);
    zsock_set_linger (hand, 0);
    zmq_connect (zsock_resolve (hand), rig.endpoints[1].text);
    size_t size = LIMIT_GOSSIP_FRAME_BYTES + 1;
    void *large = memory_new (size, 1);
    zmq_send (zsock_resolve (hand), large, size, 0);
    free (large);
    AWAIT (({ /* connected again, it is heard */
              message_t *heard = wire_rig_poll (rig.wires[1], 10);
              bool again = heard != NULL;
              message_destroy (&heard);
              wire_rig_send (hand, s_probe (1), (address_t){77, ROLE_GOSSIP}, ROLE_GOSSIP);
              again;
    }));
    cr_assert_eq (rig.losses[1].count[LOSS_FRAMES], 0, "the transport refused it");
    zsock_destroy (&hand);
    s_clear_gossips (&rig);
}

Test (wire_gossip, the_dead_cost_gossip_no_line_and_no_queue)
{
    gossips_t rig;
    s_init_gossips (&rig);
    wire_destroy (&rig.wires[1]);
    for (uint64_t i = 0; i < 10000; i++) {
        message_t *message = s_probe (i);
        wire_send_endpoint (rig.wires[0], bytes_text (rig.endpoints[1].text), &message);
    }
    cr_assert_eq (rig.losses[0].news, false);
    AWAIT ((rig.wires[1] = s_gossip (&rig, 1)) != NULL);
    message_t *message = NULL;
    AWAIT (({ /* of all those one may still wait, for a second */
              message = s_probe (10000);
              wire_send_endpoint (rig.wires[0], bytes_text (rig.endpoints[1].text), &message);
              cr_assert_null (wire_rig_poll (rig.wires[0], 0));
              (message = wire_rig_poll (rig.wires[1], 10)) != NULL;
    }));
    cr_assert_geq (message->probe.sent_us, 9999);
    message_destroy (&message);
    s_clear_gossips (&rig);
}

Test (wire_gossip, what_is_no_endpoint_is_not_connected_to)
{
    gossips_t rig;
    s_init_gossips (&rig);
    inproc_t inbox = inproc_name (&rig.prefixes[0], role_name (ROLE_GOSSIP));
    const char *const endpoints[] = {"nonsense", "", inbox.text, "ipc:///tmp/no",
                                     "tcp://0.0.0.0:0"};
    size_t count = sizeof endpoints / sizeof *endpoints;
    for (size_t i = 0; i < count; i++) {
        message_t *message = s_probe (1);
        wire_send_endpoint (rig.wires[0], bytes_text (endpoints[i]), &message);
        cr_assert_null (message);
    }
    cr_assert_eq (rig.losses[0].count[LOSS_ADDRESS], count);
    s_clear_gossips (&rig);
}

Test (wire_gossip, strangers_get_a_bounded_number_of_connections)
{
    gossips_t rig;
    s_init_gossips (&rig);
    s_learn_gossips (&rig);
    size_t items, least;
    wire_items (rig.wires[0], &least);
    for (unsigned port = 1; port <= 1000; port++) {
        char endpoint[64];
        snprintf (endpoint, sizeof endpoint, "tcp://127.0.0.1:%u", port);
        message_t *message = s_probe (1);
        wire_send_endpoint (rig.wires[0], bytes_text (endpoint), &message);
    }
    wire_items (rig.wires[0], &items);
    cr_assert_eq (items, least + 2 * LIMIT_SEEDS_COUNT);
    message_t *message = s_probe (8); /* and the member's is not among those that gave way */
    wire_send (rig.wires[0], (address_t){2, ROLE_GOSSIP}, &message);
    message = s_hear (&rig);
    cr_assert_eq (message->probe.sent_us, 8);
    message_destroy (&message);
    s_clear_gossips (&rig);
}
