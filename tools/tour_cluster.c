/*  tour_cluster.c - see tour_cluster.h. */
#include "tour_cluster.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "messages/memory.h"
#include "print.h"

#define CLUSTER_READY_MS 60000u
#define CLUSTER_LOOK_MS 20u

/*  Of each node: client, peer, gossip. */
enum { PORT_CLIENT, PORT_PEER, PORT_GOSSIP, PORTS };

typedef struct {
    char address[INET_ADDRSTRLEN];
    unsigned ports[CLUSTER_NODES][PORTS];
} places_t;

/*  `cartwheeld` in the folder of this program, or one above where libtool keeps the real program in .libs/. */
static char *s_find_program (void)
{
    char own[4096];
    ssize_t size = readlink ("/proc/self/exe", own, sizeof own - 1);
    own[size > 0 ? size : 0] = 0;
    char *slash = strrchr (own, '/');
    if (!slash)
        return memory_string ("cartwheeld");
    *slash = 0;
    char *above = strrchr (own, '/');
    if (above && !strcmp (above, "/.libs"))
        *above = 0;
    return print_format ("%s/cartwheeld", own);
}

/*  An address that only this process uses, and free ports on it. -1 after a complaint. */
static int s_find_places (places_t *places)
{
    unsigned pid = (unsigned) getpid ();
    struct sockaddr_in name = {.sin_family = AF_INET};
    name.sin_addr.s_addr = htonl (0x7f000000u | (64 + pid / 65024 % 128) << 16 |
                                  (pid / 254 % 256) << 8 | (1 + pid % 254));
    inet_ntop (AF_INET, &name.sin_addr, places->address, sizeof places->address);
    int holders[CLUSTER_NODES * PORTS];
    int rc = 0;
    for (size_t i = 0; i < CLUSTER_NODES * PORTS; i++) {
        socklen_t size = sizeof name;
        name.sin_port = 0;
        holders[i] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (holders[i] == -1 || bind (holders[i], (struct sockaddr *) &name, sizeof name) ||
            getsockname (holders[i], (struct sockaddr *) &name, &size))
            rc = -1;
        places->ports[i / PORTS][i % PORTS] = ntohs (name.sin_port);
    }
    if (rc)
        tour_complain ("no free ports on the loopback address %s: %s", places->address,
                       strerror (errno));
    for (size_t i = 0; i < CLUSTER_NODES * PORTS; i++)
        if (holders[i] != -1)
            close (holders[i]);
    return rc;
}

static int s_write_config (const tour_node_t *node, const places_t *places, size_t at)
{
    const unsigned *ports = places->ports[at];
    FILE *file = fopen (node->config, "w");
    if (file) {
        fprintf (file, "node\n    name = %s\n    data = %s\n    zone = rack-%zu\n", node->name,
                 node->name, at + 1);
        fprintf (
            file, "listen\n    client = %s\n    peer = tcp://%s:%u\n    gossip = tcp://%s:%u\n",
            node->client, places->address, ports[PORT_PEER], places->address, ports[PORT_GOSSIP]);
        fputs ("cluster\n    name = tour\n    n = 3\n    r = 2\n    w = 2\n    seeds = \"", file);
        for (size_t i = 0; i < CLUSTER_NODES; i++)
            fprintf (file, "%stcp://%s:%u", i ? " " : "", places->address,
                     places->ports[i][PORT_GOSSIP]);
        fputs ("\"\n", file);
        if (fclose (file) == 0)
            return 0;
    }
    tour_complain ("%s cannot be written: %s", node->config, strerror (errno));
    return -1;
}

/*  All endpoints, beginning with that of the node `first`. */
static char *s_list (const cluster_t *self, size_t first)
{
    const tour_node_t *nodes = self->nodes;
    return print_format ("%s %s %s", nodes[first].client, nodes[(first + 1) % 3].client,
                         nodes[(first + 2) % 3].client);
}

int cluster_create (cluster_t *self, const tour_t *tour)
{
    *self = (cluster_t){0};
    self->program = tour->program ? memory_string (tour->program) : s_find_program ();
    if (access (self->program, X_OK)) {
        tour_complain ("%s cannot be run: %s; name the node's program with --program",
                       self->program, strerror (errno));
        return -1;
    }
    places_t places;
    if (folder_make (&self->folder, tour) || s_find_places (&places))
        return -1;
    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        tour_node_t *node = &self->nodes[i];
        node->name = print_format ("node%zu", i + 1);
        node->config = print_format ("%s/%s.cfg", self->folder.path, node->name);
        node->log = print_format ("%s/%s.log", self->folder.path, node->name);
        node->client = print_format ("tcp://%s:%u", places.address, places.ports[i][PORT_CLIENT]);
        if (s_write_config (node, &places, i))
            return -1;
    }
    for (size_t i = 0; i < CLUSTER_NODES; i++)
        self->endpoints[i] = s_list (self, i);
    return 0;
}

bool cluster_runs (cluster_t *self)
{
    bool all = true;
    for (size_t i = 0; i < CLUSTER_NODES; i++)
        if (tour_node_ended (&self->nodes[i]))
            all = false;
    return all;
}

/*  The first node that is not ready, or does not reach all; NULL when there is none. */
static const tour_node_t *s_unready (const cluster_t *self)
{
    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        tour_view_t view;
        if (!tour_node_view (&self->nodes[i], &view) || !view.ready || view.reached < CLUSTER_NODES)
            return &self->nodes[i];
    }
    return NULL;
}

int cluster_start (cluster_t *self, const tour_t *tour)
{
    for (size_t i = 0; i < CLUSTER_NODES; i++)
        if (!self->nodes[i].pid && tour_node_start (&self->nodes[i], self->program))
            return -1;
    uint64_t limit_us = tour_now_us () + (uint64_t) CLUSTER_READY_MS * 1000;
    const tour_node_t *node = s_unready (self);
    while (node && tour_now_us () < limit_us) {
        if (!cluster_runs (self) || tour_wait (tour, CLUSTER_LOOK_MS))
            return -1;
        node = s_unready (self);
    }
    if (!node)
        return 0;
    tour_complain ("%s was not ready within %u s, or did not reach the others", node->name,
                   CLUSTER_READY_MS / 1000);
    tour_node_show_log (node);
    return -1;
}

bool cluster_hints (const cluster_t *self, uint64_t *hints)
{
    *hints = 0;
    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        tour_view_t view;
        if (!self->nodes[i].pid)
            continue;
        if (!tour_node_view (&self->nodes[i], &view))
            return false;
        *hints += view.hints;
    }
    return true;
}

int cluster_stop (cluster_t *self, const tour_t *tour)
{
    int rc = 0;
    for (size_t i = 0; i < CLUSTER_NODES; i++)
        if (tour_node_stop (&self->nodes[i], tour))
            rc = -1;
    return rc;
}

void cluster_clear (cluster_t *self)
{
    for (size_t i = 0; i < CLUSTER_NODES; i++) {
        tour_node_clear (&self->nodes[i]);
        free (self->endpoints[i]);
    }
    folder_clear (&self->folder);
    free (self->program);
    *self = (cluster_t){0};
}
