/*  gossip.h - who is a member, and the ring that follows from it (Dynamo 4.8).
 *
 *  Takes    recall_reply, enact_reply, survey_reply (the replica here); seen (whoever got a snapshot); accuse, admin (the
 *           coordinator here); greet, greeting, refusal, ask_join, welcome, probe, probe_reply, digest, rows (anyone).
 *  Emits    recall, enact, survey; a snapshot to every role here, again each second until all have seen it; peers, each
 *           second and at once when one comes or goes; admin_reply; and what it takes from others.
 *
 *  What comes from other nodes is checked field by field before it is used. Rows are on disk before they take effect. The
 *  parts: founding (how this node comes into a cluster), admission (how others do), table (the rows), exchange (how rows
 *  travel), sightings (whom we reach), placement (who should have which slot), announce (what the roles here are told).
 */
#ifndef CARTWHEEL_GOSSIP_H
#define CARTWHEEL_GOSSIP_H

#include "role.h"
#include "sightings.h"
#include "table.h"

#define GOSSIP_PROTOCOL 1u
#define GOSSIP_APPLICANTS 16
#define GOSSIP_COMPLAINTS 32
#define GOSSIP_SECOND_US 1000000u

typedef enum {
    GOSSIP_RECALLING, /* asks the replica what the folder remembers */
    GOSSIP_LOOKING,   /* whether another process of this node lives at the endpoint it had before */
    GOSSIP_IDLE,      /* in no cluster, and waits for an operator to say `join` */
    GOSSIP_FOUNDING,  /* would found a cluster, and greets its seeds first */
    GOSSIP_JOINING,   /* looks for a cluster, or asks to join the one that it found */
    GOSSIP_DISSOLVING, /* has the replica forget a cluster without data, to join another */
    GOSSIP_SERVING,    /* a member, or about to be one when the first rows are on disk */
    GOSSIP_HALTED
} gossip_phase_t;

/*  How far it has come on its way into a cluster (founding.h). */
typedef struct {
    bool identified;     /* the node's id is on disk */
    uint64_t since_us;   /* when the present attempt began */
    uint64_t next_us;    /* when to greet or ask again */
    uint64_t heard_us;   /* when a cluster, or a founder before us, was last heard of */
    uint64_t refused_us; /* until then nobody of that cluster is asked again */
    bytes_t target;      /* the gossip endpoint that we ask to join; empty: none is known */
    uint64_t cluster;    /* of the target, or of the last one */
    unsigned asked;      /* times without an answer */
    bytes_t seed;        /* where an operator sent us, or empty */
    bytes_t former;      /* LOOKING: our endpoint when the folder was last used */
} founding_t;

/*  Somebody who asks to join under a name that is taken. */
typedef struct {
    uint64_t node;
    uint64_t since_us; /* when it began to ask */
    uint64_t asked_us; /* when it asked last */
} suitor_t;

typedef struct {
    settings_t settings;
    rng_t rng;
    uint64_t nonce;
    uint64_t now_us; /* of this step */
    uint64_t wall_ms;
    uint64_t started_us;
    gossip_phase_t phase;
    uint64_t node; /* ours; 0 while it is not known */
    uint64_t boots;
    uint64_t beat_us;   /* when to do what is done each second */
    uint64_t late_us;   /* when a step last came late */
    uint64_t wished_us; /* when the last step wanted the next tick; UINT64_MAX: never */
    uint64_t request;   /* the newest number of a request to the replica */

    founding_t founding;
    table_t table;      /* SERVING, DISSOLVING */
    message_t *flight;  /* an `enact` that is not answered yet, or NULL */
    uint64_t flight_us; /* when to send it again */
    slot_list_t gifts;  /* slots that the next flight gives away */
    bool resumed;       /* the rows came from the folder: nobody is told of them as news */
    bool in_effect;     /* the table's first rows are on disk */

    uint64_t *target;      /* of the claim, at partition * n + slot; NULL: to be made anew */
    bool replan;           /* something changed that the placement depends on */
    uint64_t quiet_us;     /* when the membership will have been quiet for a while */
    uint64_t plan_us;      /* when moves are to be made; UINT64_MAX: none are due */
    bool settled;          /* as the roles here are told */
    uint64_t sequence;     /* of the newest snapshot; 0: nothing is in effect yet */
    bool told_late;        /* a new snapshot is due */
    uint64_t told_us;      /* when the roles were last given one */
    bool seen[ROLE_COUNT]; /* which roles have the newest */

    sightings_t sightings;
    bool surveyed;                            /* `data` is known */
    bool data;                                /* this node holds a record */
    uint64_t survey;                          /* request of the newest survey */
    message_t *applicants[GOSSIP_APPLICANTS]; /* ask_join, until the survey is answered */
    size_t applicants_count;
    uint64_t guests[GOSSIP_APPLICANTS]; /* to be welcomed when their rows are in effect */
    size_t guests_count;
    suitor_t suitors[GOSSIP_APPLICANTS]; /* the newest, in a ring */
    size_t suitors_count;

    bool wish;        /* an operator's `join` waits for its answer */
    bool wished_join; /* this process joined because an operator said so */
    uint64_t wish_request;
    /* When a line was last logged about those whose endpoints have this hash: 0 for never. */
    uint64_t complained_us[GOSSIP_COMPLAINTS];
} gossip_t;

/*  The cluster that this node is in; 0 before its rows are in effect. */
uint64_t gossip_cluster (const gossip_t *self);
/*  Whether somebody in the cluster is known to hold a record. */
bool gossip_data (const gossip_t *self);
/*  Fills a hello, which owns what it gets. */
void gossip_hello (const gossip_t *self, hello_t *hello);
/*  Sends to gossip of the member at its endpoint in effect, or to `endpoint` when that is another or it is no member. Takes
 *  the message. */
void gossip_send (const gossip_t *self, uint64_t node, bytes_t endpoint, message_t **message_p,
                  effects_t *effects);
/*  Whether it is time for another line about whoever is at `whom`: at most one in 10 s. */
bool gossip_may_complain (gossip_t *self, bytes_t whom);
/*  Ends the node, with a sentence. */
void gossip_halt (gossip_t *self, effects_t *effects, const char *sentence);
/*  Sends the `enact` that is filled in. Takes it. Nothing may be in flight. */
void gossip_enact (gossip_t *self, message_t **enact_p, effects_t *effects);
/*  Asks the replica whether this node holds a record. */
void gossip_survey (gossip_t *self, effects_t *effects);
/*  The table is filled: from the next flight's end on this node is a member. */
void gossip_serve (gossip_t *self);
/*  The cluster is no longer ours: nothing is left of its table, its members and what was asked in its name. */
void gossip_forget (gossip_t *self);

#endif
