/*  monitor.c - the PUB socket of the monitor stream, and the eye on the machine (helpers.h; docs/protocol.md 4).
 *
 *  Whatever roles publish comes here, so that they share one socket that never makes them wait: PUB drops for a
 *  subscriber that does not keep up. Without an endpoint the mailbox is emptied all the same.
 */
#include "helpers.h"

#include "../messages/memory.h"
#include "host.h"

#define MEASURE_MS 1000u
#define LINGER_MS 200 /* the last lines of a node that stops are the ones that are wanted */

typedef struct {
    zsock_t *socket; /* NULL: no stream */
    listen_t listen;
    char *folder;
    uint64_t interval_us;
    uint64_t due_us;
} monitor_t;

static void *monitor_create (const setup_t *setup)
{
    const helper_setup_t *more = (const helper_setup_t *) setup;
    monitor_t *self = memory_new (1, sizeof *self);
    self->listen.setting = more->listen.setting; /* a constant */
    if (more->listen.endpoint && *more->listen.endpoint)
        self->listen.endpoint = memory_string (more->listen.endpoint);
    self->folder = memory_string (more->folder);
    uint64_t interval_ms = setup->settings->monitor_ms;
    /* The disk fills however seldom `stats` is published. */
    self->interval_us = (interval_ms < MEASURE_MS ? interval_ms : MEASURE_MS) * 1000;
    return self;
}

static void monitor_destroy (void **core_p)
{
    monitor_t *self = *core_p;
    zsock_destroy (&self->socket);
    free ((char *) self->listen.endpoint);
    free (self->folder);
    free (self);
    *core_p = NULL;
}

static void s_open (monitor_t *self, effects_t *effects)
{
    if (!self->listen.endpoint)
        return;
    self->socket = socket_new (ZMQ_PUB);
    socket_limit (self->socket, LIMIT_SUBSCRIPTION_BYTES, LIMIT_PEER_FRAMES);
    zsock_set_linger (self->socket, LINGER_MS);
    char why[LIMIT_SENTENCE_BYTES];
    if (socket_bind (self->socket, self->listen, why) != 0)
        effects_halt (effects, "%s", why);
}

static void s_notice (monitor_t *self, const notice_t *notice)
{
    if (!self->socket)
        return;
    void *handle = zsock_resolve (self->socket);
    if (socket_send (handle, notice->topic.data, notice->topic.size, true) == 0)
        socket_send (handle, notice->event.data, notice->event.size, false);
}

/*  Tells those whose decisions depend on it how the machine is. */
static void s_measure (const monitor_t *self, effects_t *effects)
{
    static const role_id_t takers[] = {ROLE_COORDINATOR, ROLE_REPLICA};
    const host_t host = {
        .rss = host_rss (),
        .disk = host_disk (self->folder),
        .disk_free = host_disk_free (self->folder),
    };
    for (size_t i = 0; i < sizeof takers / sizeof *takers; i++) {
        message_t *message = message_new (MESSAGE_host);
        message->host = host;
        effects_send_here (effects, takers[i], &message);
    }
}

static void monitor_step (void *core, const event_t *event, effects_t *effects)
{
    monitor_t *self = core;
    if (event->kind == EVENT_START)
        s_open (self, effects);
    if (event->kind == EVENT_MESSAGE && event->message->type == MESSAGE_notice)
        s_notice (self, &event->message->notice);
    if (event->kind == EVENT_START || event->kind == EVENT_TICK) {
        s_measure (self, effects);
        self->due_us = event->now_us + self->interval_us;
    }
    effects_wake (effects, self->due_us);
}

const role_t monitor_role = {
    .id = ROLE_MONITOR, .create = monitor_create, .step = monitor_step, .destroy = monitor_destroy};
