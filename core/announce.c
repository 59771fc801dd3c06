/*  announce.c - see announce.h. */
#include "announce.h"

#include <string.h>

#include "../messages/memory.h"
#include "hello.h"
#include "ring.h"

/*  Who works from the ring. */
static const role_id_t s_listeners[] = {ROLE_COORDINATOR, ROLE_REPLICA, ROLE_HANDOFF,
                                        ROLE_ANTIENTROPY};
#define LISTENERS (sizeof s_listeners / sizeof *s_listeners)

void announce_ring (gossip_t *self, effects_t *effects)
{
    self->sequence++;
    self->told_late = false;
    memset (self->seen, 0, sizeof self->seen);
    announce_again (self, effects);
}

void announce_none (gossip_t *self, effects_t *effects)
{
    self->sequence++;
    for (size_t i = 0; i < LISTENERS; i++) {
        message_t *message = message_new (MESSAGE_snapshot);
        snapshot_t *snapshot = &message->snapshot;
        snapshot->sequence = self->sequence;
        snapshot->charter.node = self->node;
        snapshot->charter.partitions = self->settings.partitions;
        snapshot->charter.n = self->settings.n;
        effects_send_here (effects, s_listeners[i], &message);
    }
}

void announce_again (gossip_t *self, effects_t *effects)
{
    self->told_us = self->now_us;
    for (size_t i = 0; i < LISTENERS; i++) {
        if (self->seen[s_listeners[i]])
            continue;
        message_t *message = message_new (MESSAGE_snapshot);
        snapshot_t *snapshot = &message->snapshot;
        table_snapshot (&self->table, snapshot);
        snapshot->sequence = self->sequence;
        snapshot->settled = self->settled;
        for (size_t k = 0; k < snapshot->members.count; k++) {
            member_t *member = &snapshot->members.items[k];
            member->reachable =
                member->node == self->node || sightings_reachable (&self->sightings, member->node);
        }
        effects_send_here (effects, s_listeners[i], &message);
    }
}

void announce_seen (gossip_t *self, role_id_t role, uint64_t sequence)
{
    if (sequence == self->sequence && role < ROLE_COUNT)
        self->seen[role] = true;
}

void announce_peers (const gossip_t *self, effects_t *effects)
{
    const sightings_t *sightings = &self->sightings;
    for (size_t i = 0; i < LISTENERS && sightings->count > 0; i++) {
        message_t *message = message_new (MESSAGE_peers);
        sight_list_t *list = &message->peers.peers;
        list->items = memory_new (sightings->count, sizeof *list->items);
        for (size_t k = 0; k < sightings->count; k++) {
            const sighting_t *peer = &sightings->items[k];
            list->items[list->count++] =
                (sight_t){.node = peer->node, .reachable = peer->reachable, .stamp = peer->stamp};
        }
        effects_send_here (effects, s_listeners[i], &message);
    }
}

/* ---- events ---- */

/*  The same bytes as a view: an event must not own what is a row's. */
static bytes_t s_lend (bytes_t bytes)
{
    return bytes_view (bytes.data, bytes.size);
}

void announce_changes (gossip_t *self, effects_t *effects)
{
    bool told = false;
    const sighting_t *peer;
    while ((peer = sightings_change (&self->sightings))) {
        const member_t *member = table_member (&self->table, peer->node);
        if (member == NULL)
            continue;
        if (!told)
            announce_peers (self, effects);
        told = true;
        peer_event_t event = {0};
        GIVE (peer_event, &event, node, bytes_text (self->settings.name));
        GIVE (peer_event, &event, time, self->wall_ms);
        GIVE (peer_event, &event, peer, s_lend (member->name));
        GIVE (peer_event, &event, reachable, peer->reachable);
        effects_publish (effects, "peer", &peer_event_schema, &event);
        effects_log (effects, LEVEL_NOTICE, "%.*s %s", HELLO_TEXT (member->name),
                     peer->reachable ? "answers" : "does not answer");
    }
}

void announce_members (const gossip_t *self, const member_list_t *rows, effects_t *effects)
{
    for (size_t i = 0; i < rows->count; i++) {
        const member_t *row = &rows->items[i];
        const member_t *before = table_member (&self->table, row->node);
        if (before != NULL && before->state == row->state)
            continue;
        member_event_t event = {0};
        GIVE (member_event, &event, node, bytes_text (self->settings.name));
        GIVE (member_event, &event, time, self->wall_ms);
        GIVE (member_event, &event, member, s_lend (row->name));
        GIVE (member_event, &event, state, bytes_text (member_state_name (row->state)));
        effects_publish (effects, "member", &member_event_schema, &event);
        effects_log (effects, LEVEL_NOTICE, "%.*s is %s", HELLO_TEXT (row->name),
                     member_state_name (row->state));
    }
}
