/*  client.h - virtual applications: they get, put with what they were shown, put blindly, delete, ask again after a time-out
 *  with the same put_id, use old contexts and other clients', and make mistakes on purpose.
 */
#ifndef CARTWHEEL_SIM_CLIENT_H
#define CARTWHEEL_SIM_CLIENT_H

#include "sim.h"

/*  What a request asks, before it is a frame. */
typedef struct {
    op_t op;
    uint32_t client;
    uint32_t key;
    uint32_t change; /* of put and delete */
    uint8_t r;       /* 0: the default */
    bool strict;
    bool explain;
    uint32_t timeout_ms;      /* 0: the default */
    const knowledge_t *floor; /* NULL: none */
    uint32_t partition;       /* of keys */
    bytes_t after;            /* of keys */
    uint32_t limit;           /* of keys; 0: the default */
    int mistake;              /* mistake_t of client.c, 0: none */
} wish_t;

/*  Sends it to the node. The attempt. */
uint32_t client_send (sim_t *sim, const wish_t *wish, const node_t *node);

/*  All clients begin. */
void client_start (sim_t *sim);
/*  The client goes on: with a new operation, or after waiting for too long. */
void client_act (sim_t *sim, uint32_t client);
/*  A reply comes to the client. */
void client_hear (sim_t *sim, const letter_t *letter);

/*  A coordinator took the request of that connection: from now on it owes one answer. */
void client_taken (sim_t *sim, const node_t *node, bytes_t connection);
/*  A coordinator answered it. */
void client_answer (sim_t *sim, const node_t *node, bytes_t connection, bytes_t frame);
/*  It must have been answered by now. */
void client_deadline (sim_t *sim, uint32_t attempt);

/*  The name of a key. */
bytes_t client_key (uint32_t key, char *text, size_t size);

#endif
