/*  standin.c - see standin.h. */
#include "standin.h"

#include "messages/skim.h"
#include "node.h"

#define BEAT_US 1000000
#define PLENTY_BYTES ((uint64_t) 1 << 40)

static void s_send (sim_t *sim, node_t *self, role_id_t from, role_id_t to, message_t **message_p)
{
    (*message_p)->from = (address_t){.node = 0, .role = from};
    node_post (sim, self, from, to, message_p);
}

/* ---- the syncer ---- */

static void s_begin_flush (sim_t *sim, node_t *self)
{
    uint64_t length = plan_between (&sim->rng_nodes, 1, sim->plan.flush_us);
    if (self->slow_until_us > sim->now_us) {
        length += rng_below (&sim->rng_nodes, sim->plan.length_us[FAULT_SLOW_DISK]);
        sim->score.faults[FAULT_SLOW_DISK]++;
    }
    self->flushing = true;
    self->flush_again = false;
    self->flush_sequence = store_sequence (self->store);
    memory_store_begin_flush (self->store);
    sim_after (
        sim, length,
        (action_t){.kind = ACTION_FLUSHED, .who = (uint32_t) self->index, .life = self->life});
}

void standin_flushed (sim_t *sim, node_t *self)
{
    bool done;
    self->flushing = false;
    if (memory_store_end_flush (self->store) != STORE_OK) {
        node_kill (sim, self, FAULT_BROKEN_DISK);
        return;
    }
    if (rng_below (&sim->rng_nodes, 16) == 0)
        store_checkpoint (self->store, true, &done);
    message_t *message = message_new (MESSAGE_synced);
    message->synced.sequence = self->flush_sequence;
    s_send (sim, self, ROLE_SYNCER, ROLE_REPLICA, &message);
    if (self->flush_again)
        s_begin_flush (sim, self);
}

static void s_sync (sim_t *sim, node_t *self, const message_t *message)
{
    if (message->sync.sequence > store_sequence (self->store))
        sim_fail (sim, "contract", "node%zu wants commits on disk that it has not made",
                  self->index + 1);
    else if (self->flushing)
        self->flush_again = true;
    else
        s_begin_flush (sim, self);
}

/* ---- the monitor ---- */

static void s_notice (sim_t *sim, const node_t *self, const notice_t *notice)
{
    sim->score.notices++;
    const char *why = skim_check (notice->event, LIMIT_NESTING_DEPTH, LIMIT_REQUEST_ITEMS);
    if (why || notice->event.size == 0)
        sim_fail (sim, "contract", "node%zu publishes an event that is not MessagePack: %s",
                  self->index + 1, why ? why : "empty");
}

void standin_host (sim_t *sim, node_t *self)
{
    const role_id_t to[] = {ROLE_COORDINATOR, ROLE_REPLICA};
    for (size_t i = 0; i < sizeof to / sizeof to[0]; i++) {
        message_t *message = message_new (MESSAGE_host);
        message->host.rss = 1 << 24;
        message->host.disk = 1 << 20;
        message->host.disk_free =
            self->full_until_us > sim->now_us && !sim->healed ? 1000 : PLENTY_BYTES;
        s_send (sim, self, ROLE_MONITOR, to[i], &message);
    }
}

/* ---- all of them ---- */

void standin_take (sim_t *sim, node_t *self, letter_t *letter)
{
    const message_t *message = letter->message;
    if (!message)
        return; /* from another node, and nobody binds a socket for it */
    if (letter->role == ROLE_SYNCER && message->type == MESSAGE_sync)
        s_sync (sim, self, message);
    else if (letter->role == ROLE_MONITOR && message->type == MESSAGE_notice)
        s_notice (sim, self, &message->notice);
}

void standin_beat (sim_t *sim, node_t *self)
{
    standin_host (sim, self);
    sim_after (sim, plan_between (&sim->rng_nodes, BEAT_US / 2, BEAT_US),
               (action_t){.kind = ACTION_BEAT, .who = (uint32_t) self->index, .life = self->life});
}
