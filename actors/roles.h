/*  roles.h - which roles a node runs, in the order in which they start: a row each, with its sockets.
 */
#ifndef CARTWHEEL_ROLES_H
#define CARTWHEEL_ROLES_H

#include "../core/role.h"

typedef enum { LISTEN_NOWHERE, LISTEN_CLIENT, LISTEN_PEER, LISTEN_GOSSIP } listen_id_t;

typedef struct {
    const role_t *role;
    listen_id_t clients; /* the ROUTER for clients */
    listen_id_t peers;   /* the ROUTER for other nodes */
    bool store;          /* gets the store: one thread reads and writes, two beside it flush */
    bool eager; /* connects to each member in advance: its first request should not be lost */
    uint32_t patience_ms; /* to finish what it began, when the node stops */
} roles_row_t;

/*  A role comes after those it sends to when it starts, and stops before them. */
extern const roles_row_t roles_rows[];
extern const size_t roles_count;
#define ROLES_MOST ROLE_COUNT

#endif
