/*  node.h - one node of Cartwheel: a store, and the actors on it.
 *
 *  Nodes share nothing, so a process may run several. A role that halts makes the node fail as a whole: a half node is
 *  worse than none, and the rest of the cluster knows how to go on without one.
 */
#ifndef CARTWHEEL_NODE_H
#define CARTWHEEL_NODE_H

#include "config.h"

typedef struct node node_t;

/*  Opens the store and starts everything; the node serves when this returns. `config` and `version` (of the program)
 *  stay the caller's and must outlive the node. NULL when it cannot: nothing is left running then, and `why`
 *  (LIMIT_SENTENCE_BYTES) says what is wrong and what to do. */
node_t *node_new (const config_t *config, const char *version, char *why);

/*  Waits until a role has halted, or `fd` can be read (-1: no such wish), or `timeout_ms` are over (-1: never).
 *  Returns whether the node has failed; `why` then has the sentence. */
bool node_wait (node_t *self, int fd, int timeout_ms, char *why);

/*  A line in the node's log, and so on its monitor stream. */
void node_log (const node_t *self, level_t level, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/*  Stops it. Requests that were begun are finished first, within bounds, unless the node has failed. What was
 *  acknowledged is on disk afterwards. 0, or -1 with the sentence in `why` when something failed on the way. */
int node_destroy (node_t **self_p, char *why);

#endif
