/*  tour_node.h - the node that the tour starts, kills, starts again and stops.
 *
 *  It lives in a folder of its own and listens on an address of the loopback network (127.0.0.0/8) that belongs to this
 *  process alone: nobody takes its ports while it is dead, and a client that connects from 127.0.0.1 cannot by
 *  accident reach itself. The kernel kills it when the tour ends, however that ends.
 */
#ifndef CARTWHEEL_TOUR_NODE_H
#define CARTWHEEL_TOUR_NODE_H

#include <sys/types.h>

#include "tour.h"

typedef struct {
    char *program;
    char *folder;
    char *config; /* path of its configuration */
    char *log;    /* path of what it writes to standard error */
    char *client; /* its client endpoint */
    bool temporary;
    pid_t pid; /* 0: it does not run */
} tour_node_t;

/*  Finds the program, makes the folder and the configuration. -1 after a complaint; clear it in both cases. */
int tour_node_create (tour_node_t *self, const tour_t *tour);
/*  Starts it and waits until it says that it is ready. -1 after a complaint, or when the tour is to end. */
int tour_node_start (tour_node_t *self, const tour_t *tour);
/*  SIGKILL, and waits for its end. */
void tour_node_kill (tour_node_t *self);
/*  SIGTERM, and waits for its end. 0 when it ended with status 0 in time, else -1 after a complaint. */
int tour_node_stop (tour_node_t *self, const tour_t *tour);
/*  Bytes that its folder takes on the disk. */
uint64_t tour_node_disk (const tour_node_t *self);
/*  Kills it if it runs, removes the folder if it is temporary. */
void tour_node_clear (tour_node_t *self);

#endif
