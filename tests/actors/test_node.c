/*  test_node.c - whole nodes: started, asked, failed, stopped; two in one process share nothing. */
#include "../store/folder.h"
#include "toys.h"

#include <sys/resource.h>

#include "actors/node.h"

typedef struct {
    config_t config;
    char folder[FOLDER_PATH_BYTES];
    node_t *node;
    char why[LIMIT_SENTENCE_BYTES];
} rig_t;

static void s_set (char *field, const char *text)
{
    snprintf (field, LIMIT_ENDPOINT_BYTES + 1, "%s", text);
}

static void s_prepare (rig_t *rig, engine_t engine)
{
    memset (rig, 0, sizeof *rig);
    folder_make (rig->folder);
    config_t *config = &rig->config;
    snprintf (config->data, sizeof config->data, "%s/deep/data", rig->folder);
    s_set (config->client, toys_endpoint ().text);
    s_set (config->peer, toys_endpoint ().text);
    s_set (config->gossip, toys_endpoint ().text);
    s_set (config->monitor, toys_endpoint ().text);
    config->engine = engine;
    config->cache_bytes = 4u << 20;
    config->page_bytes = 4096;
    config->level = LEVEL_ERROR;
    settings_t *settings = &config->settings;
    s_set (settings->name, "node1");
    s_set (settings->cluster, "toys");
    s_set (settings->client, config->client);
    s_set (settings->peer, config->peer);
    s_set (settings->gossip, config->gossip);
    settings->weight = 1;
    settings->partitions = 16;
    settings->n = settings->r = settings->w = 1;
    settings->timeout_ms = 1000;
    settings->durability = DURABILITY_BATCH;
    settings->sync_ms = 100;
    settings->value_bytes = 1u << 20;
    settings->siblings_count = 100;
    settings->hints_bytes = 1u << 30;
    settings->in_flight_count = 4096;
    settings->grace_s = 86400;
    settings->repair_s = 600;
    settings->monitor_ms = 1000;
}

static void s_start (rig_t *rig)
{
    rig->node = node_new (&rig->config, "test", rig->why);
    cr_assert_not_null (rig->node, "%s", rig->why);
}

static void s_clear (rig_t *rig)
{
    cr_assert_eq (node_destroy (&rig->node, rig->why), 0, "%s", rig->why);
    folder_remove (rig->folder);
}

static zsock_t *s_client (const rig_t *rig)
{
    zsock_t *client = zsock_new (ZMQ_DEALER);
    zsock_set_linger (client, 0);
    zmq_connect (zsock_resolve (client), rig->config.client);
    return client;
}

static void s_ask (zsock_t *client, const char *op, const char *key, bytes_t value)
{
    request_t request = {.has = 0};
    GIVE (request, &request, op, bytes_text (op));
    if (key)
        GIVE (request, &request, key, bytes_text (key));
    if (value.size > 0)
        GIVE (request, &request, value, value);
    buffer_t buffer;
    buffer_init (&buffer, LIMIT_PEER_FRAME_BYTES);
    cr_assert_eq (codec_encode (&request_schema, &request, &buffer), 0);
    zmq_send (zsock_resolve (client), "", 0, ZMQ_SNDMORE);
    zmq_send (zsock_resolve (client), buffer.data, buffer.size, 0);
    buffer_clear (&buffer);
}

/*  The status of the next reply, as a name. */
static const char *s_status (zsock_t *client)
{
    cr_assert (toys_readable (zsock_resolve (client), 20000));
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    zmq_msg_recv (&frame, zsock_resolve (client), 0);
    zmq_msg_recv (&frame, zsock_resolve (client), 0);
    failure_t reply; /* the head, which all replies share */
    bytes_t bytes = bytes_view (zmq_msg_data (&frame), zmq_msg_size (&frame));
    cr_assert_eq (codec_decode (&failure_schema, bytes, &reply, NULL), 0);
    char *text = memory_text (reply.status.data, reply.status.size);
    const char *name = status_name (status_find (text));
    free (text);
    codec_clear (&failure_schema, &reply);
    zmq_msg_close (&frame);
    return name;
}

static const char *s_try (zsock_t *client, const char *op, const char *key, const char *value)
{
    s_ask (client, op, key, bytes_text (value));
    return s_status (client);
}

Test (node, it_serves_and_keeps_what_it_acknowledged)
{
    rig_t rig;
    s_prepare (&rig, ENGINE_BDB);
    for (int round = 0; round < 3; round++) {
        s_start (&rig);
        zsock_t *client = s_client (&rig);
        cr_assert_str_eq (s_try (client, "ping", NULL, ""), "ok");
        if (round == 0)
            AWAIT (streq (s_try (client, "put", "cart", "full"), "ok"));
        else
            AWAIT (streq (s_try (client, "get", "cart", ""), "ok"));
        zsock_destroy (&client);
        cr_assert_not (node_wait (rig.node, -1, 0, rig.why));
        cr_assert_eq (node_destroy (&rig.node, rig.why), 0);
    }
    s_clear (&rig);
}

Test (node, two_in_one_process_share_nothing)
{
    rig_t one;
    rig_t other;
    s_prepare (&one, ENGINE_MEMORY);
    s_prepare (&other, ENGINE_MEMORY);
    s_start (&one);
    s_start (&other);
    zsock_t *client = s_client (&one);
    zsock_t *stranger = s_client (&other);
    AWAIT (streq (s_try (client, "put", "cart", "full"), "ok"));
    AWAIT (streq (s_try (stranger, "get", "cart", ""), "not_found"));
    zsock_destroy (&client);
    zsock_destroy (&stranger);
    s_clear (&one);
    s_clear (&other);
}

Test (node, acknowledged_means_answered_also_at_the_stop)
{
    rig_t rig;
    s_prepare (&rig, ENGINE_BDB);
    s_start (&rig);
    zsock_t *client = s_client (&rig);
    AWAIT (streq (s_try (client, "put", "first", "x"), "ok"));
    s_ask (client, "put", "last", bytes_text ("x"));
    s_ask (client, "ping", NULL, bytes_text (""));
    /* The ping's answer, or the put's, shows that the coordinator has read both. */
    cr_assert_str_eq (s_status (client), "ok");
    cr_assert_eq (node_destroy (&rig.node, rig.why), 0);
    cr_assert_str_eq (s_status (client), "ok", "what was begun is answered before the end");
    zsock_destroy (&client);
    s_start (&rig);
    client = s_client (&rig);
    AWAIT (streq (s_try (client, "get", "last", ""), "ok"));
    zsock_destroy (&client);
    s_clear (&rig);
}

/* ---- failing ---- */

/*  Takes one of its endpoints away, and expects to be told so, with nothing left running. */
static void s_expect_taken (rig_t *rig, const char *endpoint, const char *setting)
{
    zsock_t *other = zsock_new (ZMQ_PUB);
    cr_assert_eq (zmq_bind (zsock_resolve (other), endpoint), 0);
    cr_assert_null (node_new (&rig->config, "test", rig->why));
    cr_assert_eq (strncmp (rig->why, setting, strlen (setting)), 0, "%s", rig->why);
    cr_assert_not_null (strstr (rig->why, "choose another port"), "%s", rig->why);
    zsock_destroy (&other);
}

Test (node, each_taken_port_is_explained)
{
    rig_t rig;
    s_prepare (&rig, ENGINE_BDB);
    s_expect_taken (&rig, rig.config.client, "listen/client: ");
    /* What the failed start had bound is closed in libzmq's own time: hence a new port each. */
    s_set (rig.config.monitor, toys_endpoint ().text);
    s_set (rig.config.gossip, toys_endpoint ().text);
    s_set (rig.config.peer, toys_endpoint ().text);
    s_expect_taken (&rig, rig.config.gossip, "listen/gossip: ");
    s_set (rig.config.monitor, toys_endpoint ().text);
    s_set (rig.config.peer, toys_endpoint ().text);
    s_expect_taken (&rig, rig.config.peer, "listen/peer: ");
    s_set (rig.config.monitor, toys_endpoint ().text);
    s_expect_taken (&rig, rig.config.monitor, "listen/monitor: ");
    folder_remove (rig.folder);
}

Test (node, a_folder_belongs_to_one)
{
    rig_t rig;
    s_prepare (&rig, ENGINE_BDB);
    s_start (&rig);
    char why[LIMIT_SENTENCE_BYTES] = "";
    cr_assert_null (node_new (&rig.config, "test", why));
    cr_assert_gt (strlen (why), 20, "%s", why);
    zsock_t *client = s_client (&rig);
    AWAIT (streq (s_try (client, "put", "cart", "full"), "ok"));
    zsock_destroy (&client);
    s_clear (&rig);
}

Test (node, a_folder_that_cannot_be_made_is_explained)
{
    rig_t rig;
    s_prepare (&rig, ENGINE_MEMORY);
    folder_write (rig.folder, "file", "x", 1);
    snprintf (rig.config.data, sizeof rig.config.data, "%s/file/data", rig.folder);
    cr_assert_null (node_new (&rig.config, "test", rig.why));
    cr_assert_eq (strncmp (rig.why, "node/data: ", 11), 0, "%s", rig.why);
    folder_remove (rig.folder);
}

/*  Files may not grow beyond a megabyte: the log of the store breaks, and with it the node. */
Test (node, a_broken_store_fails_the_node)
{
    rig_t rig;
    s_prepare (&rig, ENGINE_BDB);
    rig.config.settings.timeout_ms = LIMIT_TIMEOUT_MS; /* requests that wait longer than the stop */
    s_start (&rig);
    zsock_t *client = s_client (&rig);
    AWAIT (streq (s_try (client, "put", "cart", "full"), "ok"));
    cr_assert_not (node_wait (rig.node, -1, 0, rig.why));
    signal (SIGXFSZ, SIG_IGN);
    struct rlimit before;
    getrlimit (RLIMIT_FSIZE, &before);
    setrlimit (RLIMIT_FSIZE, &(struct rlimit){1u << 20, before.rlim_max});
    bytes_t large = bytes_own (memory_new (1, 500000), 500000);
    AWAIT ((s_ask (client, "put", "large", large), node_wait (rig.node, -1, 10, rig.why)));
    setrlimit (RLIMIT_FSIZE, &before);
    cr_assert_gt (strlen (rig.why), 20, "%s", rig.why);
    uint64_t began_us = host_now_us ();
    cr_assert_eq (node_destroy (&rig.node, NULL), 0, "it is known already");
    cr_assert_lt (host_now_us () - began_us, 4000000,
                  "a failed node does not wait for its requests");
    bytes_clear (&large);
    zsock_destroy (&client);
    s_clear (&rig);
}
