/*  sim.h - one run: virtual nodes, virtual time, one queue of what happens next.
 *
 *  The shell of actors/ and this one carry the same role table (core/role.h). Where that one has threads, sockets, a disk
 *  and a clock, this one has draws from seeded generators; nothing in a run depends on anything else, so a seed is a run.
 *  What stands for what: node.h the shell, network.h the wire, standin.h monitor and syncer, client.h the
 *  applications, faults.h the world's malice, witness.h, judge.h and finale.h the contract.
 */
#ifndef CARTWHEEL_SIM_SIM_H
#define CARTWHEEL_SIM_SIM_H

#include "core/role.h"
#include "history.h"
#include "plan.h"
#include "queue.h"
#include "store/memory_store.h"
#include "trace.h"

#define SIM_NODES 8
#define SIM_ROUTES 32 /* members that one table may name, also those of clusters that are gone */
#define SIM_SLACK_US \
    100000 /* an answer may be so late: docs/protocol.md gives the time-out, a machine adds its own */

/*  How an actor reaches a member: what its wire learnt from the last snapshot that passed. */
typedef struct {
    uint64_t id;
    size_t node; /* whose endpoints the member's row names */
} route_t;

/*  A role of a node, with its mailbox. */
typedef struct {
    const role_t *role; /* NULL: stood in for */
    void *core;
    letter_t **mail; /* a ring: first .. first + count */
    size_t first;
    size_t count;
    size_t capacity;
    bool woken;        /* a batch is already due */
    uint64_t tick_us;  /* when it wants to be called, UINT64_MAX: never */
    uint64_t alarm_us; /* when the action that will call it is due, UINT64_MAX: none */
    uint64_t cluster;  /* by the last snapshot that passed; 0 before, as the next */
    uint64_t node;
    route_t routes[SIM_ROUTES];
    size_t routes_count;
} actor_t;

/*  What a node was overheard saying of the ring: witness.h. */
typedef struct {
    uint64_t cluster; /* of the snapshot that its replica last took, in this life; 0: none */
    uint64_t node;
    bool settled;
    uint32_t up_count;      /* members that are up */
    uint32_t known_count;   /* members */
    uint32_t reached_count; /* other members that gossip said are reachable */
    slot_t *slots;          /* partition * n + slot: what the replica goes by */
    charter_t charter; /* the rest, over all lives, is what the replica said it had persisted */
    uint64_t member_ids[SIM_ROUTES];
    uint64_t member_versions[SIM_ROUTES];
    size_t members_count;
    slot_t *kept;
    message_t *enacting; /* what it was told to persist and has not confirmed */
} testimony_t;

typedef struct {
    size_t index;
    settings_t settings;
    char seeds[SIM_NODES][LIMIT_ENDPOINT_BYTES + 1];
    store_t *store; /* outlives the process: its memory is what a kill takes */
    actor_t actors[ROLE_COUNT];
    uint64_t channel_us[ROLE_COUNT][ROLE_COUNT]; /* when the last letter on this way arrives */
    bool up;
    uint64_t life;  /* counts starts, from 1 */
    uint64_t nonce; /* of this life */
    uint64_t
        ahead_us; /* its machine's clock is that far ahead of `now_us`: machines start at different times */
    uint32_t doom; /* steps and effects until it is killed, 0: not doomed */
    uint64_t paused_until_us;
    uint64_t resumed_us;
    uint64_t slow_until_us;
    uint64_t full_until_us;
    int64_t clock_ms; /* how far its wall clock is off */
    bool flushing;
    bool flush_again;
    uint64_t flush_sequence; /* commits that the running flush covers */
    testimony_t testimony;
} node_t;

typedef struct {
    uint64_t
        last_us; /* when the last frame arrives: the next one comes after it, unless it overtakes */
    uint64_t dead_until_us;
} link_t;

typedef enum { CLIENT_IDLE, CLIENT_WAITING, CLIENT_DONE } client_state_t;

typedef struct {
    rng_t rng;
    client_state_t state;
    uint64_t turn;    /* counts timers: an older timer means nothing */
    uint32_t attempt; /* the one whose reply it waits for */
    uint32_t tries;   /* of the present operation */
    uint32_t home;    /* the node that it prefers */
} client_t;

/*  Who was ever said to own a slot under one version. */
typedef struct {
    uint64_t cluster;
    uint64_t version;
    uint32_t force;
    uint64_t owner;
} claim_note_t;

typedef struct {
    claim_note_t *items;
    size_t count;
} claim_notes_t;

typedef struct {
    claim_notes_t *slots; /* partition * n + slot */
    slot_t *
        fixed; /* likewise: the table of the complete cluster, which no fault may change; NULL before */
} witness_t;

/*  What happened, summed over runs by main. */
typedef struct {
    uint64_t operations; /* of clients */
    uint64_t attempts;   /* frames of clients */
    uint64_t faults[FAULT_COUNT];
    uint64_t statuses[STATUS_COUNT];
    uint64_t messages; /* between nodes */
    uint64_t refused;  /* of those: at the door, by their head */
    uint64_t hints;    /* most that lay on disks when the faults ended, summed over runs */
    uint64_t twins;    /* puts that coordinators had minted in two places */
    uint64_t actions;
    uint64_t restarts;
    uint64_t notices;
    uint64_t checked;  /* keys compared at rest */
    uint64_t siblings; /* values beyond the first that keys had at rest */
    uint64_t us;       /* virtual time */
} score_t;

typedef struct {
    plan_t plan;
    trace_t trace;
    score_t score;
    queue_t queue;
    uint64_t now_us;
    uint64_t wall_ms; /* at now_us 0, by a clock that is right */
    rng_t rng_nodes;
    rng_t rng_network;
    rng_t rng_faults;
    rng_t rng_clients;
    effects_t effects;
    node_t nodes[SIM_NODES];
    link_t links[SIM_NODES][SIM_NODES];
    history_t history;
    client_t *clients; /* plan.clients_count, and the examiner after them */
    uint32_t ops_left;
    uint32_t clients_left;
    bool healed;         /* faults are over */
    uint64_t campaign;   /* counts faults_start: appointments of an earlier one are off */
    bool truce;          /* those that strike at times are, until the cluster is complete */
    uint64_t changed_us; /* when a node or a link was last struck, or a node came back */
    witness_t witness;
    bytes_t *dropping; /* what is in the hints that a replica is just being told to delete */
    fault_t
        ambush; /* KILL or POWER: what all nodes get at the next write that is answered `ok`; FAULT_COUNT: none */
    /* the examiner's last reply, owned */
    bytes_t answer;
    bool answered;
    /* the first thing that was wrong */
    const char *only; /* the one checker whose word counts, or NULL: all */
    bool failed;
    char checker[32];
    char what[1024];
} sim_t;

/*  A run of the seed from start to end. `ops`: client operations, 0 for what the seed draws. */
sim_t *sim_new (uint64_t seed, uint32_t ops, bool verbose);
void sim_run (sim_t *self);
void sim_destroy (sim_t **self_p);

/*  Something is wrong: the checker's name and a sentence. The first one counts, and ends the run. */
void sim_fail (sim_t *self, const char *checker, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/*  Lets virtual time pass up to `until_us`, or until the examiner is answered if `answer`. */
void sim_pass (sim_t *self, uint64_t until_us, bool answer);

/*  Puts an action `delay_us` (at least 1) from now. */
void sim_after (sim_t *self, uint64_t delay_us, action_t action);

#endif
