/*  servers.c - see servers.h. */
#include "servers.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "messages/codec.h"

#define READY_TRIES 600u
#define READY_PAUSE_NS 50000000
#define READY_REPLY_MS 1000

typedef struct {
    char text[64];
} endpoint_t;

typedef struct {
    endpoint_t client;
    endpoint_t peer;
    endpoint_t gossip;
} place_of_node_t;

static void s_fail (const char *what)
{
    fprintf (stderr, "bench: %s\n", what);
    exit (1);
}

static void s_echo (const char *endpoint)
{
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    void *context = zmq_ctx_new ();
    void *router = zmq_socket (context, ZMQ_ROUTER);
    if (zmq_bind (router, endpoint) != 0)
        _exit (1);
    for (;;) {
        zmq_msg_t frame;
        zmq_msg_init (&frame);
        if (zmq_msg_recv (&frame, router, 0) < 0)
            _exit (1);
        int more = zmq_msg_more (&frame);
        zmq_msg_send (&frame, router, more ? ZMQ_SNDMORE : 0);
    }
}

/*  An address of our own on loopback: a port of 127.0.0.1 that was free a moment ago may be somebody's by now. */
static const char *s_host (char text[16])
{
    unsigned pid = (unsigned) getpid ();
    snprintf (text, 16, "127.%u.%u.%u", 192 + pid / 65024 % 63, pid / 254 % 256, 1 + pid % 254);
    return text;
}

/*  An endpoint there whose port is free. */
static endpoint_t s_endpoint (void)
{
    endpoint_t endpoint;
    char host[16];
    size_t size = sizeof endpoint.text;
    void *context = zmq_ctx_new ();
    void *probe = zmq_socket (context, ZMQ_PULL);
    snprintf (endpoint.text, sizeof endpoint.text, "tcp://%s:*", s_host (host));
    zmq_bind (probe, endpoint.text);
    zmq_getsockopt (probe, ZMQ_LAST_ENDPOINT, endpoint.text, &size);
    zmq_close (probe);
    zmq_ctx_term (context);
    return endpoint;
}

void servers_start_echo (servers_t *self)
{
    memset (self, 0, sizeof *self);
    self->count = 1;
    memcpy (self->endpoint, s_endpoint ().text, sizeof self->endpoint);
    self->pids[0] = fork ();
    if (self->pids[0] == 0)
        s_echo (self->endpoint);
}

static void s_configure (const char *path, const place_of_node_t *places, size_t index,
                         size_t count, const char *durability)
{
    FILE *file = fopen (path, "w");
    if (file == NULL)
        s_fail ("cannot write a configuration");
    size_t majority = count / 2 + 1;
    fprintf (file,
             "node\n    name = bench%zu\n    data = data%zu\n"
             "listen\n    client = %s\n    peer = %s\n"
             "    gossip = %s\n"
             "cluster\n    name = bench\n    n = %zu\n    r = %zu\n    w = %zu\n"
             "    seeds = \"%s\"\n"
             "store\n    durability = %s\nlog\n    level = warning\n",
             index + 1, index + 1, places[index].client.text, places[index].peer.text,
             places[index].gossip.text, count, majority, majority, places[0].gossip.text,
             durability);
    fclose (file);
}

static pid_t s_launch (const char *program, const char *path)
{
    pid_t pid = fork ();
    if (pid != 0)
        return pid;
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    execl (program, program, "--config", path, (char *) NULL);
    perror (program);
    _exit (1);
}

/*  Whether the node says that it is ready, with that many members. */
static bool s_ready (const place_of_node_t *place, size_t count)
{
    int reply_ms = READY_REPLY_MS, linger = 0;
    void *context = zmq_ctx_new ();
    void *socket = zmq_socket (context, ZMQ_REQ);
    buffer_t buffer;
    buffer_init (&buffer, 4096);
    request_t request = {0};
    GIVE (request, &request, op, bytes_text ("status"));
    codec_encode (&request_schema, &request, &buffer);
    zmq_setsockopt (socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt (socket, ZMQ_RCVTIMEO, &reply_ms, sizeof reply_ms);
    zmq_connect (socket, place->client.text);
    zmq_send (socket, buffer.data, buffer.size, 0);
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    bool ready = false;
    if (zmq_msg_recv (&frame, socket, 0) >= 0) {
        condition_t condition;
        bytes_t bytes = bytes_view (zmq_msg_data (&frame), zmq_msg_size (&frame));
        ready = codec_decode (&condition_schema, bytes, &condition, NULL) == 0 && condition.ready &&
                condition.members.count == count;
        codec_clear (&condition_schema, &condition);
    }
    zmq_msg_close (&frame);
    zmq_close (socket);
    zmq_ctx_term (context);
    buffer_clear (&buffer);
    return ready;
}

void servers_start_nodes (servers_t *self, const char *program, size_t count,
                          const char *durability)
{
    place_of_node_t places[SERVERS_NODES_MOST] = {0};
    memset (self, 0, sizeof *self);
    snprintf (self->folder, sizeof self->folder, "/tmp/cartwheel-bench-XXXXXX");
    if (mkdtemp (self->folder) == NULL)
        s_fail ("cannot make a folder in /tmp");
    for (size_t i = 0; i < count; i++)
        places[i] = (place_of_node_t){
            .client = s_endpoint (), .peer = s_endpoint (), .gossip = s_endpoint ()};
    memcpy (self->endpoint, places[0].client.text, sizeof self->endpoint);
    for (size_t i = 0; i < count; i++) {
        char path[128];
        snprintf (path, sizeof path, "%s/node%zu.cfg", self->folder, i + 1);
        s_configure (path, places, i, count, durability);
        self->pids[self->count++] = s_launch (program, path);
    }
    unsigned tries = 0;
    for (size_t i = 0; i < count; i++)
        while (!s_ready (&places[i], count)) {
            if (++tries == READY_TRIES)
                s_fail ("the nodes did not become ready");
            nanosleep (&(struct timespec){.tv_nsec = READY_PAUSE_NS}, NULL);
        }
}

void servers_stop (servers_t *self)
{
    int status;
    for (size_t i = 0; i < self->count; i++)
        kill (self->pids[i], SIGTERM);
    for (size_t i = 0; i < self->count; i++)
        waitpid (self->pids[i], &status, 0);
    if (self->folder[0] == 0)
        return;
    pid_t remover = fork ();
    if (remover == 0) {
        execlp ("rm", "rm", "-r", self->folder, (char *) NULL);
        _exit (1);
    }
    waitpid (remover, &status, 0);
    if (status != 0)
        fprintf (stderr, "bench: cannot remove %s\n", self->folder);
}
