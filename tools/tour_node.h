/*  tour_node.h - one node that the tour starts, kills, starts again and stops: a process. The kernel kills it when the
 *  tour ends, however that ends.
 */
#ifndef CARTWHEEL_TOUR_NODE_H
#define CARTWHEEL_TOUR_NODE_H

#include <sys/types.h>

#include "tour.h"

typedef struct {
    char *name;
    char *config; /* path of its configuration */
    char *log;    /* path of what it writes to standard error */
    char *client; /* its client endpoint */
    pid_t pid;    /* 0: it does not run */
} tour_node_t;

/*  What a node says of itself and of the cluster. */
typedef struct {
    bool ready;
    size_t reached; /* members that it reaches, itself among them */
    uint64_t hints; /* that it holds for others */
} tour_view_t;

/*  Starts the process. -1 after a complaint. From the main thread only: it is the one whose end kills the node. */
int tour_node_start (tour_node_t *self, const char *program);
/*  Whether it ended though nobody told it to; a complaint and the end of its log if so. */
bool tour_node_ended (tour_node_t *self);
/*  SIGKILL, and waits for its end. */
void tour_node_kill (tour_node_t *self);
/*  SIGTERM, and waits for its end. 0 when it ended with status 0 in time, else -1 after a complaint. */
int tour_node_stop (tour_node_t *self, const tour_t *tour);
/*  Asks it for its view; false when there was no answer within a moment. */
bool tour_node_view (const tour_node_t *self, tour_view_t *view);
void tour_node_show_log (const tour_node_t *self);
/*  Kills it if it runs, and frees what it holds. */
void tour_node_clear (tour_node_t *self);

#endif
