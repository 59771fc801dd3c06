/*  plan.h - what one seed draws: the cluster, its limits, and which faults happen how often (swarm testing, Groce et al.
 *  2012: a fault that is always on hides the bugs that need it off).
 *
 *  Rates are drawn once and never change during a run; everything random afterwards is drawn from generators that the
 *  same seed made, so a seed is a whole run.
 */
#ifndef CARTWHEEL_SIM_PLAN_H
#define CARTWHEEL_SIM_PLAN_H

#include "core/rng.h"
#include "core/settings.h"

/*  What goes wrong. FAULT (name in C, name in the output). */
#define FAULTS(FAULT)                                                                            \
    FAULT (LOSS, loss)           /* a frame between nodes vanishes */                            \
    FAULT (DUPLICATE, duplicate) /* a frame between nodes comes twice */                         \
    FAULT (REORDER, reorder)     /* frames of one link overtake each other */                    \
    FAULT (CUT_OFF, cut_off)     /* a link, or a node's links, are dead for a while */           \
    FAULT (PARTITION, partition) /* two sides do not reach each other, or one not the other */   \
    FAULT (KILL, kill)           /* SIGKILL: what was committed and not flushed is gone */       \
    FAULT (POWER, power)         /* one node or all lose power: only what was flushed is left */ \
    FAULT (PAUSE, pause)         /* SIGSTOP for a while */                                       \
    FAULT (SLOW_DISK, slow_disk) /* flushes take long */                                         \
    FAULT (BROKEN_DISK, broken_disk) /* a commit or a flush fails: the node must stop */         \
    FAULT (FULL_DISK, full_disk)     /* no space left for a while */                             \
    FAULT (CLOCK, clock)             /* the wall clock of a node jumps */                        \
    FAULT (OVERFLOW, overflow)       /* mailboxes are tiny and lose what does not fit */         \
    FAULT (IMPATIENT, impatient)     /* clients send again before they were answered */          \
    FAULT (GARBAGE, garbage)         /* frames between nodes are cut short */

#define FAULT(upper, lower) FAULT_##upper,
typedef enum { FAULTS (FAULT) FAULT_COUNT } fault_t;
#undef FAULT

const char *fault_name (fault_t fault);

/*  Who is listed in whose `seeds`. */
#define SEEDINGS(SEEDING)                                                           \
    SEEDING (FIRST, first)   /* node 1 in all of them */                            \
    SEEDING (SAME, same)     /* all nodes in all of them, in one order */           \
    SEEDING (ITSELF, itself) /* each node itself and then the others: no founder */ \
    SEEDING (CHAIN, chain)   /* the node before; none in the first node's */

#define SEEDING(upper, lower) SEEDING_##upper,
typedef enum { SEEDINGS (SEEDING) SEEDING_COUNT } seeding_t;
#undef SEEDING

typedef struct {
    uint64_t seed;
    uint32_t nodes_count;
    uint32_t zones_count;
    seeding_t seeding;
    uint32_t start_us; /* the nodes start within so long */
    uint32_t early_us; /* for so long the timed faults strike before the cluster is complete */
    uint32_t split_us; /* for so long they are on two sides when they start */
    bool lasting;      /* few faults, each for half a minute, so that all have time to find out */
    uint32_t clients_count;
    uint32_t keys_count;
    uint32_t ops_count; /* client operations in all */
    uint32_t mean_think_us;
    uint32_t value_bytes;    /* the usual size of a value */
    uint32_t link_delay_us;  /* a frame's shortest way between two nodes ... */
    uint32_t link_jitter_us; /* ... and what may come on top */
    uint32_t flush_us;       /* the usual length of a flush */
    uint32_t mailbox_count;  /* letters that one mailbox holds */
    uint32_t batch_count;    /* messages between two EVENT_DRAINED, at most: 1 .. 64 */
    bool
        keep_wishes; /* a wish to be called holds until the call, as in actors/actor.c; else each step wishes anew */
    bool on[FAULT_COUNT];          /* whether this seed has the fault at all */
    uint32_t rate[FAULT_COUNT];    /* LOSS, DUPLICATE, REORDER, IMPATIENT, GARBAGE: in a million */
    uint64_t mean_us[FAULT_COUNT]; /* the others: mean time between two of them */
    uint64_t length_us[FAULT_COUNT]; /* how long one lasts, at most */
    settings_t settings;             /* but for what differs from node to node */
} plan_t;

void plan_draw (plan_t *self, uint64_t seed, uint32_t ops_count);

/*  Whether nothing at all goes wrong in this seed. */
bool plan_calm (const plan_t *self);

/*  One line for a person. */
void plan_print (const plan_t *self);

/* ---- drawing ---- */

/*  True `rate` times in a million. */
bool plan_chance (rng_t *rng, uint32_t rate);
/*  least .. most, both included. */
uint64_t plan_between (rng_t *rng, uint64_t least, uint64_t most);
/*  A waiting time with that mean, at most ten times as long. */
uint64_t plan_wait (rng_t *rng, uint64_t mean_us);

#endif
