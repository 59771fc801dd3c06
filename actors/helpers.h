/*  helpers.h - the roles without a protocol: syncer, checkpointer, monitor.
 *
 *  They run under the same shell as the roles of core/ and have the same table row, but are not pure: they are where
 *  the node waits for its disk and looks at its machine, so that no role with a protocol has to. The simulator has
 *  its own in their place. Each `create` gets a helper_setup_t, of which `setup` is the first member.
 */
#ifndef CARTWHEEL_HELPERS_H
#define CARTWHEEL_HELPERS_H

#include "../core/role.h"
#include "socket.h"

typedef struct {
    setup_t setup;        /* `store` is set for syncer and checkpointer */
    const char *folder;   /* node/data */
    listen_t listen;      /* of the monitor stream; without an endpoint there is none */
    uint64_t recovery_us; /* how long opening the store took for recovery */
} helper_setup_t;

/*  Takes   sync {sequence}.
 *  Emits   synced {sequence} to the replica, once all commits up to there are on disk: one flush for all that asked.
 *  With DURABILITY_PERIODIC it also flushes each sync_ms, with or without being asked. Halts when a flush fails. */
extern const role_t syncer_role;

/*  Takes   nothing. Each second it asks the store whether a checkpoint is due.
 *  Emits   `store` events: "recovery" at the start, "checkpoint". Halts when a checkpoint fails. */
extern const role_t checkpointer_role;

/*  Takes   notice {topic, event}, and publishes it in two frames.
 *  Emits   host to coordinator and replica, at once and each monitor_ms. */
extern const role_t monitor_role;

#endif
