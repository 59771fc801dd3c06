/*  node.c - see node.h. */
#include "node.h"

#include "../messages/memory.h"
#include "actor.h"
#include "helpers.h"
#include "host.h"
#include "roles.h"

struct node {
    const config_t *config;
    const char *version;
    log_t log;
    prefix_t prefix;
    uint64_t nonce;
    outbox_t *monitor; /* for lines of the log */
    zsock_t *failures; /* PULL: the sentences of roles that halted */
    bool failed;
    store_t *store;
    uint64_t recovery_us;
    actor_t *actors[ROLES_MOST]; /* as roles_rows */
};

/* ---- start ---- */

static int s_open_store (node_t *self, char *why)
{
    const config_t *config = self->config;
    if (host_make_folder (config->data) != 0) {
        snprintf (why, LIMIT_SENTENCE_BYTES,
                  "node/data: cannot create %.512s: %s; choose a folder that this user may write",
                  config->data, strerror (errno));
        return -1;
    }
    if (config->engine == ENGINE_MEMORY) {
        self->store = memory_store_new (config->settings.durability);
        return 0;
    }
    store_options_t options = {
        .folder = config->data,
        .durability = config->settings.durability,
        .cache_bytes = config->cache_bytes,
        .page_bytes = config->page_bytes,
    };
    self->store = bdb_open (&options, why);
    self->recovery_us = options.recovery_us;
    return self->store ? 0 : -1;
}

static listen_t s_listen (const config_t *config, listen_id_t id)
{
    switch (id) {
    case LISTEN_CLIENT: return (listen_t){"listen/client", config->client};
    case LISTEN_PEER: return (listen_t){"listen/peer", config->peer};
    case LISTEN_GOSSIP: return (listen_t){"listen/gossip", config->gossip};
    case LISTEN_NOWHERE: break;
    }
    return (listen_t){NULL, NULL};
}

static actor_t *s_start (const node_t *self, const roles_row_t *row, char *why)
{
    const helper_setup_t setup = {
        .setup = {.settings = &self->config->settings,
                  .store = row->store ? self->store : NULL,
                  .rng = host_rng (),
                  .nonce = self->nonce,
                  .version = self->version},
        .folder = self->config->data,
        .listen = {"listen/monitor", self->config->monitor},
        .recovery_us = self->recovery_us,
    };
    const actor_options_t options = {
        .role = row->role,
        .setup = &setup.setup,
        .prefix = &self->prefix,
        .log = &self->log,
        .clients = s_listen (self->config, row->clients),
        .peers = s_listen (self->config, row->peers),
        .eager = row->eager,
        .patience_ms = row->patience_ms,
    };
    return actor_new (&options, why);
}

static int s_start_all (node_t *self, char *why)
{
    for (size_t i = 0; i < roles_count; i++) {
        self->actors[i] = s_start (self, &roles_rows[i], why);
        if (!self->actors[i])
            return -1;
    }
    return 0;
}

node_t *node_new (const config_t *config, const char *version, char *why)
{
    assert (roles_count <= ROLES_MOST);
    node_t *self = memory_new (1, sizeof *self);
    self->config = config;
    self->version = version;
    self->prefix = prefix_new ();
    while (self->nonce == 0) /* which stands for none */
        host_random (&self->nonce, sizeof self->nonce);
    log_init (&self->log, config->settings.name, config->level);
    self->monitor = outbox_new (&self->prefix, ROLE_MONITOR);
    self->failures = socket_new (ZMQ_PULL);
    inproc_t main = inproc_name (&self->prefix, ACTOR_MAIN);
    zmq_bind (zsock_resolve (self->failures), main.text);
    if (s_open_store (self, why) != 0 || s_start_all (self, why) != 0) {
        self->failed = true;
        node_destroy (&self, NULL);
    }
    return self;
}

/* ---- life ---- */

static bool s_failure (node_t *self, char *why)
{
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    bool failed = socket_receive (zsock_resolve (self->failures), &frame) >= 0;
    if (failed && why && !self->failed) /* the first one is the cause of the others */
        snprintf (why, LIMIT_SENTENCE_BYTES, "%.*s", (int) zmq_msg_size (&frame),
                  (const char *) zmq_msg_data (&frame));
    self->failed = self->failed || failed;
    zmq_msg_close (&frame);
    return failed;
}

bool node_wait (node_t *self, int fd, int timeout_ms, char *why)
{
    zmq_pollitem_t items[] = {
        {.socket = zsock_resolve (self->failures), .events = ZMQ_POLLIN},
        {.fd = fd, .events = ZMQ_POLLIN},
    };
    zmq_poll (items, 2, timeout_ms);
    return s_failure (self, why);
}

void node_log (const node_t *self, level_t level, const char *format, ...)
{
    char text[LIMIT_SENTENCE_BYTES];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    log_write (&self->log, "main", level, text);
    bytes_t event = log_event (&self->log, level, text);
    if (event.size == 0)
        return;
    message_t *message = message_new (MESSAGE_notice);
    message->from.role = ROLE_MONITOR; /* main is no role; nobody answers a notice */
    message->notice.topic = bytes_text ("log");
    message->notice.event = event;
    outbox_add (self->monitor, &message);
    outbox_flush (self->monitor);
}

/* ---- end ---- */

int node_destroy (node_t **self_p, char *why)
{
    node_t *self = *self_p;
    if (!self)
        return 0;
    bool failed_before = self->failed;
    for (size_t i = roles_count; i > 0; i--) {
        actor_destroy (&self->actors[i - 1], self->failed);
        s_failure (self, why); /* the others then need not try */
    }
    int result = self->failed && !failed_before ? -1 : 0;
    store_destroy (&self->store);
    outbox_destroy (&self->monitor);
    zsock_destroy (&self->failures);
    free (self);
    *self_p = NULL;
    return result;
}
