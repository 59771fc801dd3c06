/*  roles.c - see roles.h.
 *
 *  The coordinator is last, so a client finds the node only when everything behind it runs; it stops first, so what it
 *  has begun can still end. Gossip stops before those that it tells what it sees. The syncer outlives the replica, which
 *  waits for it with its last acknowledgements.
 */
#include "roles.h"

#include "helpers.h"

#define PATIENCE_MS 5000

const roles_row_t roles_rows[] = {
    {.role = &monitor_role},
    {.role = &syncer_role, .store = true},
    {.role = &checkpointer_role, .store = true},
    {.role = &replica_role, .peers = LISTEN_PEER, .store = true, .patience_ms = PATIENCE_MS},
    {.role = &handoff_role, .eager = true, .patience_ms = PATIENCE_MS},
    {.role = &antientropy_role, .patience_ms = PATIENCE_MS},
    {.role = &gossip_role, .peers = LISTEN_GOSSIP, .eager = true, .patience_ms = PATIENCE_MS},
    {.role = &coordinator_role,
     .clients = LISTEN_CLIENT,
     .eager = true,
     .patience_ms = PATIENCE_MS},
};

const size_t roles_count = sizeof roles_rows / sizeof *roles_rows;
