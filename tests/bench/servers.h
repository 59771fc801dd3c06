/*  servers.h - what a benchmark runs against: a bare echo, or a cluster of nodes in processes of their own.
 *
 *  Everything here ends the benchmark with a sentence when it fails.
 */
#ifndef CARTWHEEL_BENCH_SERVERS_H
#define CARTWHEEL_BENCH_SERVERS_H

#include <stddef.h>
#include <sys/types.h>

#define SERVERS_NODES_MOST 5u

typedef struct {
    pid_t pids[SERVERS_NODES_MOST];
    size_t count;
    char endpoint[64]; /* of the first: where clients connect */
    char folder[64];   /* of configuration and data; empty: none */
} servers_t;

/*  A ROUTER that sends everything back. */
void servers_start_echo (servers_t *self);
/*  A cluster of `count` nodes with n = count, r = w = a majority, ready when it returns. */
void servers_start_nodes (servers_t *self, const char *program, size_t count,
                          const char *durability);
/*  Ends them, and removes the folder. */
void servers_stop (servers_t *self);

#endif
