/*  test_actor.c - the shell with toy roles: its life, its turns, and how it ends. */
#include "toys.h"

#include <stdatomic.h>

#include "actors/actor.h"

/* ---- a toy: echoes what it gets, and can be told to misbehave by its settings ---- */

typedef struct {
    atomic_uint started;
    atomic_uint stopped;
    atomic_uint destroyed;
    atomic_uint drained;
    atomic_uint ticks;
    atomic_uint seen; /* messages and requests */
    atomic_uint disorder;
    atomic_bool owes; /* what role_t.busy says */
    bool halt_at_start;
    bool halt_at_message;
    const char
        *member;      /* where node 2's replica listens: introduced, and written to, at a message */
    const char *seed; /* where some gossip does: written to at a message */
    uint32_t tick_us;
} toy_t;

/*  The toy lies outside of the actor, so that the test can look at it: `version` carries the pointer. */
static void *toy_create (const setup_t *setup)
{
    return (void *) (uintptr_t) setup->version;
}

/*  As gossip does: a snapshot for a role here, and at once messages to who is in it, and to an endpoint. */
static void toy_introduce (toy_t *toy, effects_t *effects)
{
    message_t *snapshot = message_new (MESSAGE_snapshot);
    snapshot->snapshot.charter.cluster = TOYS_CLUSTER;
    snapshot->snapshot.charter.node = 1;
    snapshot->snapshot.members.items = memory_new (1, sizeof (member_t));
    snapshot->snapshot.members.count = 1;
    snapshot->snapshot.members.items[0] =
        (member_t){.node = 2, .peer = bytes_text (toy->member), .state = MEMBER_UP};
    effects_send_here (effects, ROLE_GOSSIP, &snapshot);
    message_t *reply = message_new (MESSAGE_scan_reply);
    effects_send (effects, (address_t){.node = 2, .role = ROLE_REPLICA}, &reply);
    message_t *greet = message_new (MESSAGE_probe);
    effects_send_endpoint (effects, bytes_text (toy->seed), &greet);
}

static void toy_message (toy_t *toy, const event_t *event, effects_t *effects)
{
    unsigned seen = atomic_fetch_add (&toy->seen, 1);
    message_t *message = event->message;
    if (message->type == MESSAGE_sync) {
        toy->disorder += message->sync.sequence != seen;
        message_t *reply = message_new (MESSAGE_synced);
        reply->synced.sequence = message->sync.sequence;
        effects_send (effects, message->from, &reply);
    }
    if (toy->member)
        toy_introduce (toy, effects);
    if (toy->halt_at_message) {
        effects_halt (effects, "the toy broke: mend it");
        message_t *never = toys_sync (999); /* behind the halt: must not leave */
        effects_send (effects, message->from, &never);
    }
}

static void toy_step (void *core, const event_t *event, effects_t *effects)
{
    toy_t *toy = core;
    toy->disorder += event->now_us == 0 || event->wall_ms < 1600000000000u;
    bytes_t frame = bytes_view (NULL, 0);
    switch (event->kind) {
    case EVENT_START:
        toy->started++;
        if (toy->halt_at_start)
            effects_halt (effects, "the toy cannot start: buy another");
        break;
    case EVENT_MESSAGE: toy_message (toy, event, effects); break;
    case EVENT_REQUEST:
        toy->seen++;
        frame = bytes_copy (event->frame.data, event->frame.size);
        effects_reply (effects, event->client, &frame);
        break;
    case EVENT_GARBAGE:
        frame = bytes_copy (event->text, strlen (event->text));
        effects_reply (effects, event->client, &frame);
        break;
    case EVENT_TICK: toy->ticks++; break;
    case EVENT_DRAINED: toy->drained++; break;
    case EVENT_STOP: toy->stopped++; break;
    }
    /* Only a start and a tick wish: the wish must hold over other steps. */
    if (toy->tick_us && (event->kind == EVENT_START || event->kind == EVENT_TICK))
        effects_wake (effects, event->now_us + toy->tick_us);
}

static bool toy_busy (const void *core)
{
    return ((const toy_t *) core)->owes;
}

static void toy_destroy (void **core_p)
{
    ((toy_t *) *core_p)->destroyed++;
    *core_p = NULL;
}

static const role_t toy_role = {.id = ROLE_REPLICA,
                                .create = toy_create,
                                .step = toy_step,
                                .busy = toy_busy,
                                .destroy = toy_destroy};

/* ---- the rig: one actor, and the ends that the test holds ---- */

typedef struct {
    toy_t toy;
    settings_t settings;
    prefix_t prefix;
    log_t log;
    zsock_t *failures;
    inbox_t *inbox;   /* as gossip, whose messages the toy answers */
    outbox_t *outbox; /* to the toy */
    setup_t setup;
    actor_options_t options;
    actor_t *actor;
    char why[LIMIT_SENTENCE_BYTES];
} rig_t;

static void s_prepare (rig_t *rig)
{
    memset (rig, 0, sizeof *rig);
    rig->settings.value_bytes = 1024;
    rig->prefix = prefix_new ();
    log_init (&rig->log, "toy", LEVEL_ERROR);
    rig->log.fd = -1;
    rig->failures = zsock_new (ZMQ_PULL);
    zmq_bind (zsock_resolve (rig->failures), inproc_name (&rig->prefix, ACTOR_MAIN).text);
    rig->inbox = inbox_new (&rig->prefix, ROLE_GOSSIP);
    rig->outbox = outbox_new (&rig->prefix, ROLE_REPLICA);
    rig->setup.settings = &rig->settings;
    rig->setup.version = (const char *) &rig->toy;
    rig->setup.nonce = 100;
    rig->options.role = &toy_role;
    rig->options.setup = &rig->setup;
    rig->options.prefix = &rig->prefix;
    rig->options.log = &rig->log;
    rig->options.patience_ms = 20000;
}

static void s_start (rig_t *rig)
{
    rig->actor = actor_new (&rig->options, rig->why);
    cr_assert_not_null (rig->actor, "%s", rig->why);
}

static void s_clear (rig_t *rig)
{
    actor_destroy (&rig->actor, false);
    actor_destroy (&rig->actor, false);
    outbox_destroy (&rig->outbox);
    inbox_destroy (&rig->inbox);
    zsock_destroy (&rig->failures);
}

static void s_send (rig_t *rig, uint64_t sequence)
{
    message_t *message = toys_sync (sequence);
    message->from.role = ROLE_GOSSIP;
    outbox_add (rig->outbox, &message);
}

static message_t *s_receive (rig_t *rig)
{
    message_t *message = inbox_take (rig->inbox);
    while (!message) {
        cr_assert (toys_readable (inbox_handle (rig->inbox), 20000));
        if (inbox_receive (rig->inbox))
            message = inbox_take (rig->inbox);
    }
    return message;
}

/*  The sentence of the role that halted, to be freed. */
static char *s_failure (rig_t *rig)
{
    cr_assert (toys_readable (zsock_resolve (rig->failures), 20000));
    return zstr_recv (rig->failures);
}

/* ---- life ---- */

Test (actor, starts_and_stops_a_hundred_times)
{
    for (int i = 0; i < 100; i++) {
        rig_t rig;
        s_prepare (&rig);
        s_start (&rig);
        cr_assert_eq (rig.toy.started, 1);
        s_send (&rig, 0);
        outbox_flush (rig.outbox); /* may be on its way when the actor ends */
        s_clear (&rig);
        cr_assert_eq (rig.toy.stopped, 1);
        cr_assert_eq (rig.toy.destroyed, 1);
    }
}

Test (actor, messages_come_in_order_and_answers_in_batches)
{
    rig_t rig;
    s_prepare (&rig);
    s_start (&rig);
    const uint64_t count = 20000;
    for (uint64_t i = 0; i < count; i++) {
        s_send (&rig, i);
        if (i % 50 == 0)
            cr_assert_eq (outbox_flush (rig.outbox), 0);
    }
    outbox_flush (rig.outbox);
    for (uint64_t i = 0; i < count; i++) {
        message_t *message = s_receive (&rig);
        cr_assert_eq (message->synced.sequence, i);
        cr_assert_eq (message->from.role, ROLE_REPLICA);
        cr_assert_eq (message->from.node, 0);
        message_destroy (&message);
    }
    cr_assert_eq (rig.toy.disorder, 0);
    /* A commit a batch, and not one a message. */
    cr_assert_lt (rig.toy.drained, count / 10);
    s_clear (&rig);
}

Test (actor, ticks_come_when_wished_and_an_idle_actor_rests)
{
    rig_t rig;
    s_prepare (&rig);
    rig.toy.tick_us = 2000;
    s_start (&rig);
    uint64_t began_us = host_now_us ();
    AWAIT (rig.toy.ticks >= 20);
    cr_assert_geq (host_now_us () - began_us, 19 * 2000);
    s_clear (&rig);

    s_prepare (&rig);
    s_start (&rig);
    s_send (&rig, 0);
    outbox_flush (rig.outbox);
    message_t *message = s_receive (&rig);
    message_destroy (&message);
    s_clear (&rig);
    cr_assert_eq (rig.toy.ticks, 0);
    cr_assert_leq (rig.toy.drained, 3, "start, message, stop");
    cr_assert_eq (rig.toy.disorder, 0);
}

Test (actor, clients_are_answered)
{
    rig_t rig;
    s_prepare (&rig);
    endpoint_text_t endpoint = toys_endpoint ();
    rig.options.clients = (listen_t){"listen/client", endpoint.text};
    s_start (&rig);
    zsock_t *client = zsock_new (ZMQ_REQ);
    zmq_connect (zsock_resolve (client), endpoint.text);
    for (int i = 0; i < 3; i++) {
        zstr_send (client, "hello");
        cr_assert (toys_readable (zsock_resolve (client), 20000));
        char *answer = zstr_recv (client);
        cr_assert_str_eq (answer, "hello");
        zstr_free (&answer);
    }
    zstr_sendx (client, "one", "two", NULL);
    cr_assert (toys_readable (zsock_resolve (client), 20000));
    char *answer = zstr_recv (client);
    cr_assert_not_null (strstr (answer, "has more"));
    zstr_free (&answer);
    zsock_destroy (&client);
    s_clear (&rig);
    cr_assert_eq (rig.toy.seen, 3);
}

/*  The head of the frame that arrives at a ROUTER. */
static head_t s_head (zsock_t *router)
{
    cr_assert (toys_readable (zsock_resolve (router), 20000));
    zmsg_t *frames = zmsg_recv (router);
    cr_assert_eq (zmsg_size (frames), 2);
    zframe_t *frame = zmsg_last (frames);
    head_t head;
    cr_assert_eq (message_peek (bytes_view (zframe_data (frame), zframe_size (frame)), &head, NULL),
                  0);
    zmsg_destroy (&frames);
    return head;
}

Test (actor, who_is_in_a_snapshot_can_be_written_to_at_once)
{
    rig_t rig;
    s_prepare (&rig);
    endpoint_text_t endpoints[2];
    zsock_t *routers[2];
    for (size_t i = 0; i < 2; i++) {
        endpoints[i] = toys_endpoint ();
        routers[i] = zsock_new (ZMQ_ROUTER);
        cr_assert_eq (zmq_bind (zsock_resolve (routers[i]), endpoints[i].text), 0);
    }
    rig.toy.member = endpoints[0].text;
    rig.toy.seed = endpoints[1].text;
    s_start (&rig);
    s_send (&rig, 0);
    outbox_flush (rig.outbox);
    for (size_t i = 0; i < 2; i++) {
        head_t head = s_head (routers[i]);
        cr_assert_eq (head.type, i == 0 ? MESSAGE_scan_reply : MESSAGE_probe);
        cr_assert_eq (head.to, i == 0 ? ROLE_REPLICA : ROLE_GOSSIP);
        cr_assert_eq (head.from.node, 1);
        cr_assert_eq (head.from.role, ROLE_REPLICA);
        cr_assert_eq (head.origin.cluster, TOYS_CLUSTER);
        cr_assert_eq (head.origin.nonce, rig.setup.nonce);
        zsock_destroy (&routers[i]);
    }
    s_clear (&rig);
}

/* ---- stopping ---- */

typedef struct {
    rig_t *rig;
    atomic_bool ended;
} ender_t;

static void *s_end (void *argument)
{
    ender_t *ender = argument;
    actor_destroy (&ender->rig->actor, false);
    ender->ended = true;
    return NULL;
}

Test (actor, it_finishes_what_it_owes)
{
    rig_t rig;
    s_prepare (&rig);
    rig.toy.owes = true;
    s_start (&rig);
    ender_t ender = {.rig = &rig};
    pthread_t thread;
    pthread_create (&thread, NULL, s_end, &ender);
    AWAIT (rig.toy.stopped == 1);
    s_send (&rig, 0); /* it still hears, answers, and ends only when it owes nothing */
    outbox_flush (rig.outbox);
    message_t *message = s_receive (&rig);
    message_destroy (&message);
    cr_assert_not (ender.ended);
    rig.toy.owes = false;
    s_send (&rig, 1);
    outbox_flush (rig.outbox);
    AWAIT (ender.ended);
    pthread_join (thread, NULL);
    s_clear (&rig);
}

Test (actor, patience_ends)
{
    rig_t rig;
    s_prepare (&rig);
    rig.toy.owes = true;
    rig.options.patience_ms = 50;
    s_start (&rig);
    uint64_t began_us = host_now_us ();
    actor_destroy (&rig.actor, false);
    cr_assert_geq (host_now_us () - began_us, 50000);
    cr_assert_eq (rig.toy.stopped, 1);
    s_clear (&rig);
}

Test (actor, in_a_hurry_it_ends_at_once)
{
    rig_t rig;
    s_prepare (&rig);
    rig.toy.owes = true;
    rig.options.patience_ms = UINT32_MAX;
    s_start (&rig);
    actor_destroy (&rig.actor, true);
    cr_assert_eq (rig.toy.stopped, 0);
    cr_assert_eq (rig.toy.destroyed, 1);
    s_clear (&rig);
}

/* ---- failing ---- */

Test (actor, a_taken_port_is_reported)
{
    rig_t rig;
    s_prepare (&rig);
    endpoint_text_t endpoint = toys_endpoint ();
    zsock_t *other = zsock_new (ZMQ_ROUTER);
    cr_assert_eq (zmq_bind (zsock_resolve (other), endpoint.text), 0);
    rig.options.clients = (listen_t){"listen/client", endpoint.text};
    cr_assert_null (actor_new (&rig.options, rig.why));
    cr_assert_not_null (strstr (rig.why, "listen/client: cannot bind"), "%s", rig.why);
    rig.options.clients.endpoint = NULL;
    rig.prefix = prefix_new ();
    rig.options.peers = (listen_t){"listen/peer", endpoint.text};
    cr_assert_null (actor_new (&rig.options, rig.why));
    cr_assert_not_null (strstr (rig.why, "listen/peer: cannot bind"), "%s", rig.why);
    cr_assert_eq (rig.toy.started, 0);
    zsock_destroy (&other);
    s_clear (&rig);
}

Test (actor, a_halt_at_the_start_is_a_failed_start)
{
    rig_t rig;
    s_prepare (&rig);
    rig.toy.halt_at_start = true;
    cr_assert_null (actor_new (&rig.options, rig.why));
    cr_assert_str_eq (rig.why, "the toy cannot start: buy another");
    cr_assert_eq (rig.toy.destroyed, 1);
    cr_assert_eq (rig.toy.stopped, 0);
    s_clear (&rig);
}

Test (actor, a_halt_is_told_and_nothing_follows_it)
{
    rig_t rig;
    s_prepare (&rig);
    rig.toy.halt_at_message = true;
    s_start (&rig);
    for (uint64_t i = 0; i < 10; i++)
        s_send (&rig, i);
    outbox_flush (rig.outbox);
    char *why = s_failure (&rig);
    cr_assert_str_eq (why, "the toy broke: mend it");
    zstr_free (&why);
    message_t *message = s_receive (&rig);
    cr_assert_eq (message->type, MESSAGE_synced, "what was before the halt left");
    message_destroy (&message);
    actor_destroy (&rig.actor, false);
    cr_assert_eq (rig.toy.seen, 1, "no step after a halt");
    cr_assert_eq (rig.toy.stopped, 0);
    cr_assert_null (inbox_take (rig.inbox), "what was behind the halt did not");
    cr_assert_not (inbox_receive (rig.inbox));
    s_clear (&rig);
}
