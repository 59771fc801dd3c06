/*  handoff.c - delivers hints and moves slots (Dynamo 4.6). A cluster of one node has neither, so it only follows the ring.
 *
 *  Takes    snapshot (gossip here).
 *  Emits    seen.
 */
#include <stdlib.h>

#include "../messages/memory.h"
#include "ring.h"
#include "role.h"

typedef struct {
    ring_t *ring; /* NULL until gossip has sent one */
} handoff_t;

static void *handoff_create (const setup_t *setup)
{
    (void) setup;
    return memory_new (1, sizeof (handoff_t));
}

static void handoff_step (void *core, const event_t *event, effects_t *effects)
{
    handoff_t *self = core;
    if (event->kind == EVENT_MESSAGE && event->message->type == MESSAGE_snapshot)
        ring_follow (&self->ring, event->message, effects);
}

static void handoff_destroy (void **core_p)
{
    handoff_t *self = *core_p;
    if (self == NULL)
        return;
    ring_destroy (&self->ring);
    free (self);
    *core_p = NULL;
}

const role_t handoff_role = {
    .id = ROLE_HANDOFF,
    .create = handoff_create,
    .step = handoff_step,
    .destroy = handoff_destroy,
};
