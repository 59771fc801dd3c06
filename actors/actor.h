/*  actor.h - the one shell that runs every role: a ZeroMQ thread around role.step.
 *
 *  A turn: wait for a socket or the time that the role wished for; step what came, at most LIMIT_DRAIN_MESSAGES from a
 *  socket, and carry out the effects of each step; step EVENT_DRAINED; send what gathered. A loop of our own over
 *  zmq_poll and not zloop, because a turn has an end (the batch's commit) and zloop knows only single events.
 *
 *  The pipe carries $TERM (stop: EVENT_STOP, then until the role owes nothing or patience ends), and before that
 *  $KILL when the node has failed (stop at once). A role that halts says why at inproc://PREFIX/main and then only
 *  waits for its end: the node stops as a whole.
 */
#ifndef CARTWHEEL_ACTOR_H
#define CARTWHEEL_ACTOR_H

#include "../core/role.h"
#include "log.h"
#include "mailbox.h"
#include "socket.h"

/*  The end of inproc://PREFIX/main, where a PULL socket gets the sentence of a role that halted. */
#define ACTOR_MAIN "main"

typedef struct {
    const role_t *role;
    const setup_t *setup; /* for role.create; lent until actor_new returns */
    const prefix_t *prefix;
    const log_t *log;     /* as long as the actor lives */
    listen_t clients;     /* the ROUTER for clients; without an endpoint there is none */
    listen_t peers;       /* the ROUTER for other nodes; likewise */
    bool eager;           /* see wire.h */
    uint32_t patience_ms; /* after EVENT_STOP */
} actor_options_t;

typedef struct actor actor_t;

/*  Starts the thread and waits until the role has had EVENT_START. NULL when a socket cannot be bound or the role
 *  halts in it, with the sentence in `why` (LIMIT_SENTENCE_BYTES). */
actor_t *actor_new (const actor_options_t *options, char *why);

/*  Stops the role and waits for the end of its thread; with `hurry` at once and without EVENT_STOP. */
void actor_destroy (actor_t **self_p, bool hurry);

#endif
