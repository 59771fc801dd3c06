/*  antientropy.c - finds and mends replicas that differ (Dynamo 4.7). So far it only follows the ring; read repair mends
 *  what is read.
 *
 *  Takes    snapshot, peers (gossip here).
 *  Emits    seen.
 */
#include <stdlib.h>

#include "../messages/memory.h"
#include "ring.h"
#include "role.h"

typedef struct {
    ring_t *ring; /* NULL until gossip has sent one */
} antientropy_t;

static void *antientropy_create (const setup_t *setup)
{
    (void) setup;
    return memory_new (1, sizeof (antientropy_t));
}

static void antientropy_step (void *core, const event_t *event, effects_t *effects)
{
    antientropy_t *self = core;
    if (event->kind != EVENT_MESSAGE)
        return;
    if (event->message->type == MESSAGE_snapshot)
        ring_follow (&self->ring, event->message, effects);
    else if (event->message->type == MESSAGE_peers && self->ring != NULL)
        ring_hear (self->ring, &event->message->peers, event->now_us);
}

static void antientropy_destroy (void **core_p)
{
    antientropy_t *self = *core_p;
    if (self == NULL)
        return;
    ring_destroy (&self->ring);
    free (self);
    *core_p = NULL;
}

const role_t antientropy_role = {
    .id = ROLE_ANTIENTROPY,
    .create = antientropy_create,
    .step = antientropy_step,
    .destroy = antientropy_destroy,
};
