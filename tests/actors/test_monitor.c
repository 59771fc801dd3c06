/*  test_monitor.c - the monitor, stepped by hand: what it publishes, and what it tells of the machine. */
#include "toys.h"

#include "actors/helpers.h"

typedef struct {
    settings_t settings;
    helper_setup_t setup;
    endpoint_text_t endpoint;
    void *core;
    effects_t effects;
    uint64_t now_us;
} rig_t;

static void s_init (rig_t *rig, bool stream)
{
    memset (rig, 0, sizeof *rig);
    rig->endpoint = toys_endpoint ();
    rig->settings.monitor_ms = 1000;
    rig->setup.setup.settings = &rig->settings;
    rig->setup.folder = "/tmp";
    rig->setup.listen = (listen_t){"listen/monitor", stream ? rig->endpoint.text : ""};
    rig->now_us = 1000000;
    rig->core = monitor_role.create (&rig->setup.setup);
    effects_init (&rig->effects);
}

static void s_clear (rig_t *rig)
{
    monitor_role.destroy (&rig->core);
    effects_clear (&rig->effects);
}

static void s_step (rig_t *rig, event_kind_t kind)
{
    effects_reset (&rig->effects);
    event_t event = {.kind = kind, .now_us = rig->now_us};
    monitor_role.step (rig->core, &event, &rig->effects);
}

static void s_notice (rig_t *rig, const char *topic, const char *text)
{
    effects_reset (&rig->effects);
    message_t *message = message_new (MESSAGE_notice);
    message->notice.topic = bytes_text (topic);
    message->notice.event = bytes_text (text);
    event_t event = {.kind = EVENT_MESSAGE, .now_us = rig->now_us, .message = message};
    monitor_role.step (rig->core, &event, &rig->effects);
    message_destroy (&message);
}

Test (monitor, notices_are_published_as_topic_and_event)
{
    rig_t rig;
    s_init (&rig, true);
    s_step (&rig, EVENT_START);
    zsock_t *subscriber = zsock_new (ZMQ_SUB);
    zsock_set_subscribe (subscriber, "lo");
    zmq_connect (zsock_resolve (subscriber), rig.endpoint.text);
    AWAIT ((s_notice (&rig, "stats", "unwanted"), s_notice (&rig, "log", "wanted"),
            toys_readable (zsock_resolve (subscriber), 10)));
    char *topic = NULL;
    char *event = NULL;
    cr_assert_eq (zstr_recvx (subscriber, &topic, &event, NULL), 2);
    cr_assert_str_eq (topic, "log");
    cr_assert_str_eq (event, "wanted");
    zstr_free (&topic);
    zstr_free (&event);
    zsock_destroy (&subscriber);
    s_clear (&rig);
}

Test (monitor, the_machine_is_told_at_once_and_each_interval)
{
    rig_t rig;
    s_init (&rig, false);
    for (int i = 0; i < 2; i++, rig.now_us += 1000000) {
        s_step (&rig, i == 0 ? EVENT_START : EVENT_TICK);
        cr_assert_eq (rig.effects.wake_us, rig.now_us + 1000000);
        cr_assert_eq (rig.effects.count, 2);
        unsigned takers = 0;
        for (size_t j = 0; j < 2; j++) {
            const effect_t *effect = &rig.effects.items[j];
            takers |= 1u << effect->to.role;
            cr_assert_eq (effect->message->type, MESSAGE_host);
            cr_assert_gt (effect->message->host.rss, 0);
            cr_assert_gt (effect->message->host.disk_free, 0);
        }
        cr_assert_eq (takers, 1u << ROLE_COORDINATOR | 1u << ROLE_REPLICA);
        s_notice (&rig, "log", "to nobody"); /* without a stream it is dropped */
        cr_assert_eq (rig.effects.count, 0);
    }
    s_clear (&rig);
}

Test (monitor, a_taken_port_halts)
{
    rig_t rig;
    s_init (&rig, true);
    zsock_t *other = zsock_new (ZMQ_PUB);
    cr_assert_eq (zmq_bind (zsock_resolve (other), rig.endpoint.text), 0);
    s_step (&rig, EVENT_START);
    cr_assert_eq (rig.effects.items[0].kind, EFFECT_HALT);
    cr_assert_not_null (strstr (rig.effects.items[0].text, "listen/monitor: cannot bind"));
    zsock_destroy (&other);
    s_clear (&rig);
}
