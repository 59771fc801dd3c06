/*  role.h - a role is a pure function from an event to effects, and this is its table row.
 *
 *  The shell in actors/ and the simulator in tests/sim run the same rows, so a protocol that holds in one holds in both.
 */
#ifndef CARTWHEEL_ROLE_H
#define CARTWHEEL_ROLE_H

#include "effects.h"
#include "event.h"
#include "rng.h"
#include "settings.h"

/*  What a role is born with. It copies what it keeps; the store stays the node's, and only the replica gets one. */
typedef struct {
    const settings_t *settings;
    store_t *store;      /* NULL for all but the replica */
    rng_t rng;           /* the role's own */
    uint64_t nonce;      /* of this process, random; the same for all roles of a node */
    const char *version; /* of the program, for `ping` */
} setup_t;

typedef struct {
    role_id_t id;
    void *(*create) (const setup_t *setup);
    void (*step) (void *core, const event_t *event, effects_t *effects);
    /*  After EVENT_STOP: whether it still owes answers. NULL: never. */
    bool (*busy) (const void *core);
    void (*destroy) (void **core_p);
} role_t;

extern const role_t coordinator_role;
extern const role_t replica_role;
extern const role_t gossip_role;
extern const role_t handoff_role;
extern const role_t antientropy_role;

#endif
