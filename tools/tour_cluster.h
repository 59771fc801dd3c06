/*  tour_cluster.h - the three nodes of the tour: n = 3, r = w = 2, so that any one of them may be dead.
 *
 *  They listen on an address of the loopback network (127.0.0.0/8) that belongs to this process alone: nobody takes their
 *  ports while they are dead, and a client that connects from 127.0.0.1 cannot by accident reach itself.
 */
#ifndef CARTWHEEL_TOUR_CLUSTER_H
#define CARTWHEEL_TOUR_CLUSTER_H

#include "tour_folder.h"
#include "tour_node.h"

#define CLUSTER_NODES 3u

typedef struct {
    char *program;
    folder_t folder;
    tour_node_t nodes[CLUSTER_NODES];
    char *endpoints[CLUSTER_NODES]; /* all client endpoints, each list beginning with another */
} cluster_t;

/*  Finds the program, makes the folder and the configurations. -1 after a complaint; clear it in both cases. */
int cluster_create (cluster_t *self, const tour_t *tour);
/*  Starts the nodes that do not run, and waits until each says that it is ready and reaches all. -1 after a complaint, or
 *  when the tour is to end. */
int cluster_start (cluster_t *self, const tour_t *tour);
/*  Whether no node ended by itself, else false after a complaint. */
bool cluster_runs (cluster_t *self);
/*  How many hints the nodes that run hold; false when one of them did not answer. */
bool cluster_hints (const cluster_t *self, uint64_t *hints);
/*  SIGTERM to all. 0 when each ended with status 0, else -1 after a complaint. */
int cluster_stop (cluster_t *self, const tour_t *tour);
/*  Kills what runs, removes the folder if it is temporary. */
void cluster_clear (cluster_t *self);

#endif
