/*  sightings.h - whom this node reaches, from its own evidence alone (Dynamo 4.8.3): it routes, it never moves data.
 *
 *  Each second each member gets a probe. Only an answer to one of ours counts, so a cut in one direction is a cut. A peer
 *  is down when nothing was answered for 5 s, or when somebody here accused it and 3 probes in a row stayed unanswered
 *  for their adaptive time-outs; one answer brings it up again. Frames of a process that has ended may still come late, so
 *  a peer's process is the one that answered the newest probe, and nothing else counts.
 *
 *  Who is slow itself must not accuse others (Lifeguard, Dadgar et al. 2017): time in which our own steps came late is
 *  nobody's silence, and it doubles our time-outs, up to 8 times, until we are punctual again.
 */
#ifndef CARTWHEEL_SIGHTINGS_H
#define CARTWHEEL_SIGHTINGS_H

#include "effects.h"
#include "patience.h"
#include "table.h"

#define SIGHTING_PROBES 8

typedef struct {
    uint64_t node;
    stamp_t stamp;                     /* its newest; nonce 0: no answer yet */
    uint64_t sent_us[SIGHTING_PROBES]; /* of probes that may still be answered; 0: none */
    uint64_t newest_us;                /* when the newest probe that it answered was sent */
    unsigned sent;                     /* probes so far */
    uint64_t probed_us;                /* when it got the last one */
    uint64_t probe_us;                 /* when it gets the next one */
    uint64_t since_us;                 /* of its last answer, or when we began to wait for one */
    uint64_t suspect_us; /* accused: when the present probe counts as lost; 0: not accused */
    bool reachable;
    bool settled; /* it answered, or was found down, since we know it */
    bool changed; /* `reachable` did, and sightings_change has not told of it */
    bool data;    /* it said that it holds a record */
    patience_t patience;
} sighting_t;

typedef struct {
    sighting_t *items; /* sorted by node */
    size_t count;
    unsigned strain; /* what our time-outs are multiplied with: 1 .. 8 */
} sightings_t;

void sightings_init (sightings_t *self);
void sightings_clear (sightings_t *self);

/*  Watches the table's active members, but for `own`; forgets others. */
void sightings_follow (sightings_t *self, const table_t *table, uint64_t own, uint64_t now_us);

sighting_t *sightings_find (const sightings_t *self, uint64_t node);
bool sightings_reachable (const sightings_t *self, uint64_t node);
/*  Whether a member said that it holds a record. */
bool sightings_data (const sightings_t *self);

/*  A frame came from the node. False when it is nobody that is watched. One of an unknown process makes it asked at once. */
bool sightings_hear (sightings_t *self, uint64_t node, const origin_t *origin, uint64_t now_us);
/*  It answered a probe. Whether we did not know of its process. */
bool sightings_answer (sightings_t *self, uint64_t node, const origin_t *origin, uint64_t sent_us,
                       uint64_t now_us);
/*  Somebody here got no answer from it. */
void sightings_accuse (sightings_t *self, uint64_t node, uint64_t now_us, effects_t *effects,
                       bool data);

/*  Our own step came so much late. */
void sightings_late (sightings_t *self, uint64_t late_us, uint64_t now_us);
/*  A second went by in which we were punctual. */
void sightings_punctual (sightings_t *self);

/*  Sends the probes that are due, saying whether we hold `data`, and finds peers down. */
void sightings_tick (sightings_t *self, uint64_t now_us, bool data, effects_t *effects);
/*  When it wants its next tick. */
uint64_t sightings_wake (const sightings_t *self);

/*  The next peer that became reachable or unreachable, each change once; NULL when there is none. */
const sighting_t *sightings_change (sightings_t *self);

#endif
