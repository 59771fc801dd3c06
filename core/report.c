/*  report.c - see report.h. */
#include "report.h"

#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"
#include "../messages/pack.h"
#include "answer.h"

#define PROTOCOL 1
#define HASH_NAME "xxh3-64"
#define FOUND_DOWN_US 5000000u /* who said nothing for so long after the start is found down */

void report_ping (coordinator_t *self, operation_t *operation, effects_t *effects)
{
    pong_t pong = {0};
    GIVE (pong, &pong, node, bytes_text (self->settings.name));
    GIVE (pong, &pong, version, bytes_text (self->version));
    GIVE (pong, &pong, protocol, PROTOCOL);
    ANSWER (self, operation, pong, &pong, STATUS_OK, effects);
}

/* ---- ring ---- */

/*  A node and its place in a list, for lists that are looked through for each slot. */
typedef struct {
    uint64_t node;
    size_t index;
} seat_t;

static int s_by_node (const void *a, const void *b)
{
    const seat_t *one = a, *other = b;
    return (one->node > other->node) - (one->node < other->node);
}

/*  The seat of a node among `count` that are sorted, or NULL. */
static const seat_t *s_seat (const seat_t *seats, size_t count, uint64_t node)
{
    const seat_t wanted = {.node = node};
    return bsearch (&wanted, seats, count, sizeof *seats, s_by_node);
}

/*  One entry a partition: the owners of its filled slots, as indexes into `nodes`. */
static bytes_t s_owners (const ring_t *ring, const seat_t *seats, size_t count)
{
    const charter_t *charter = ring_charter (ring);
    buffer_t buffer;
    buffer_init (&buffer, SIZE_MAX);
    pack_array (&buffer, charter->partitions);
    for (uint32_t partition = 0; partition < charter->partitions; partition++) {
        size_t indexes[LIMIT_N];
        size_t filled = 0;
        for (uint8_t slot = 0; slot < charter->n; slot++) {
            const seat_t *seat = s_seat (seats, count, ring_slot (ring, partition, slot)->owner);
            if (seat != NULL)
                indexes[filled++] = seat->index;
        }
        pack_array (&buffer, filled);
        for (size_t i = 0; i < filled; i++)
            pack_uint (&buffer, indexes[i]);
    }
    return buffer_take (&buffer);
}

void report_ring (coordinator_t *self, operation_t *operation, effects_t *effects)
{
    size_t count;
    const member_t *members = ring_members (self->ring, &count);
    peer_list_t peers = {.items = memory_new (count, sizeof (peer_t))};
    seat_t *seats = memory_new (count, sizeof *seats);
    for (size_t i = 0; i < count; i++) {
        if (members[i].state > MEMBER_LEAVING)
            continue;
        peer_t *peer = &peers.items[peers.count];
        GIVE (peer, peer, name, bytes_view (members[i].name.data, members[i].name.size));
        GIVE (peer, peer, client, bytes_view (members[i].client.data, members[i].client.size));
        GIVE (peer, peer, zone, bytes_view (members[i].zone.data, members[i].zone.size));
        GIVE (peer, peer, weight, members[i].weight);
        GIVE (peer, peer, state, bytes_text (member_state_name (members[i].state)));
        seats[peers.count] = (seat_t){.node = members[i].node, .index = peers.count};
        peers.count++;
    }
    qsort (seats, peers.count, sizeof *seats, s_by_node);
    rings_t rings = {0};
    GIVE (rings, &rings, cluster, bytes_text (self->settings.cluster));
    GIVE (rings, &rings, version, ring_version (self->ring));
    GIVE (rings, &rings, partitions, self->settings.partitions);
    GIVE (rings, &rings, n, self->settings.n);
    GIVE (rings, &rings, r, self->settings.r);
    GIVE (rings, &rings, w, self->settings.w);
    GIVE (rings, &rings, hash, bytes_text (HASH_NAME));
    GIVE (rings, &rings, owners, s_owners (self->ring, seats, peers.count));
    GIVE (rings, &rings, nodes, peers);
    ANSWER (self, operation, rings, &rings, STATUS_OK, effects);
    codec_clear (&rings_schema, &rings);
    free (seats);
}

/* ---- status ---- */

/*  Whether each slot that a member could hold is held, and each of ours answers reads. */
static bool s_slots_ready (const ring_t *ring)
{
    const charter_t *charter = ring_charter (ring);
    size_t most = ring_member_count (ring);
    if (most > charter->n)
        most = charter->n;
    for (uint32_t partition = 0; partition < charter->partitions; partition++) {
        size_t filled = 0;
        for (uint8_t slot = 0; slot < charter->n; slot++) {
            const slot_t *row = ring_slot (ring, partition, slot);
            filled += row->owner != 0;
            if (row->owner == ring_self (ring) && row->phase != SLOT_READY)
                return false;
        }
        if (filled < most)
            return false;
    }
    return true;
}

/*  Whether each other member has been heard from in this process's life, or had the time to be found down. */
static bool s_all_known (const coordinator_t *self, uint64_t now_us)
{
    size_t count;
    const member_t *members = ring_members (self->ring, &count);
    for (size_t i = 0; i < count && now_us - self->started_us < FOUND_DOWN_US; i++) {
        uint32_t age_ms;
        uint64_t node = members[i].node;
        if (members[i].state <= MEMBER_LEAVING && !ring_reachable (self->ring, node) &&
            ring_stamp (self->ring, node, now_us, &age_ms).nonce == 0)
            return false;
    }
    return true;
}

static bool s_ready (const coordinator_t *self, uint64_t now_us)
{
    if (self->ring == NULL || self->stopping || !ring_settled (self->ring))
        return false;
    const member_t *own = ring_member (self->ring, ring_self (self->ring));
    return own != NULL && own->state == MEMBER_UP && s_slots_ready (self->ring) &&
           s_all_known (self, now_us);
}

/*  How many slots each member owns, in the members' order: the caller's, to be freed. */
static uint64_t *s_loads (const ring_t *ring, const member_t *members, size_t count)
{
    seat_t *seats = memory_new (count, sizeof *seats);
    for (size_t i = 0; i < count; i++)
        seats[i] = (seat_t){.node = members[i].node, .index = i};
    qsort (seats, count, sizeof *seats, s_by_node);
    uint64_t *loads = memory_new (count, sizeof *loads);
    const charter_t *charter = ring_charter (ring);
    for (uint32_t partition = 0; partition < charter->partitions; partition++)
        for (uint8_t slot = 0; slot < charter->n; slot++) {
            const seat_t *seat = s_seat (seats, count, ring_slot (ring, partition, slot)->owner);
            if (seat != NULL)
                loads[seat->index]++;
        }
    free (seats);
    return loads;
}

static fellow_list_t s_fellows (const ring_t *ring)
{
    size_t count = 0;
    const member_t *members = ring ? ring_members (ring, &count) : NULL;
    uint64_t *loads = ring ? s_loads (ring, members, count) : NULL;
    fellow_list_t fellows = {.items = memory_new (count, sizeof (fellow_t)), .count = count};
    for (size_t i = 0; i < count; i++) {
        fellow_t *fellow = &fellows.items[i];
        bool own = members[i].node == ring_self (ring);
        GIVE (fellow, fellow, name, bytes_view (members[i].name.data, members[i].name.size));
        GIVE (fellow, fellow, state, bytes_text (member_state_name (members[i].state)));
        GIVE (fellow, fellow, reachable, own || members[i].reachable);
        GIVE (fellow, fellow, zone, bytes_view (members[i].zone.data, members[i].zone.size));
        GIVE (fellow, fellow, weight, members[i].weight);
        GIVE (fellow, fellow, slots, loads[i]);
        GIVE (fellow, fellow, client, bytes_view (members[i].client.data, members[i].client.size));
    }
    free (loads);
    return fellows;
}

static void s_status (coordinator_t *self, operation_t *operation, uint64_t now_us,
                      effects_t *effects)
{
    condition_t condition = {0};
    transfer_list_t none = {0};
    GIVE (condition, &condition, node, bytes_text (self->settings.name));
    GIVE (condition, &condition, cluster, bytes_text (self->settings.cluster));
    GIVE (condition, &condition, version, self->ring ? ring_version (self->ring) : 0);
    GIVE (condition, &condition, uptime, (now_us - self->started_us) / 1000000);
    GIVE (condition, &condition, ready, s_ready (self, now_us));
    GIVE (condition, &condition, members, s_fellows (self->ring));
    GIVE (condition, &condition, hints, self->survey.hints);
    GIVE (condition, &condition, transfers, none);
    GIVE (condition, &condition, keys, self->survey.keys);
    ANSWER (self, operation, condition, &condition, STATUS_OK, effects);
    codec_clear (&condition_schema, &condition);
}

/* ---- stats ---- */

static void s_peers (const coordinator_t *self, stats_t *stats)
{
    size_t count = 0;
    const member_t *members = self->ring ? ring_members (self->ring, &count) : NULL;
    for (size_t i = 0; i < count; i++) {
        if (members[i].node == ring_self (self->ring) || members[i].state > MEMBER_LEAVING)
            continue;
        stats->peers_up += members[i].reachable;
        stats->peers_down += !members[i].reachable;
    }
}

static void s_gather (const coordinator_t *self, uint64_t wall_ms, stats_t *stats)
{
    tally_report (&self->tally, stats);
    stats->node = bytes_text (self->settings.name);
    stats->time = wall_ms;
    stats->hints = self->survey.hints;
    stats->hint_oldest = self->survey.hint_oldest;
    stats->keys = self->survey.keys;
    stats->tombstones = self->survey.tombstones;
    stats->hints_stored = self->survey.hints_stored;
    stats->hints_delivered = self->survey.hints_delivered;
    stats->in_flight = self->unanswered;
    stats->rss = self->host.rss;
    stats->disk = self->host.disk;
    stats->disk_free = self->host.disk_free;
    s_peers (self, stats);
}

static bytes_t s_event (const stats_t *stats)
{
    buffer_t buffer;
    buffer_init (&buffer, LIMIT_EVENT_BYTES);
    codec_encode (&stats_schema, stats, &buffer);
    return buffer_take (&buffer);
}

static void s_stats (coordinator_t *self, operation_t *operation, uint64_t wall_ms,
                     effects_t *effects)
{
    stats_t stats;
    s_gather (self, wall_ms, &stats);
    tally_t tally = {0};
#define TALLY_F(kind, name, least, most) GIVE (tally, &tally, name, stats.name);
#define TALLY_L(record, name, most)
#define TALLY_R(record, name) GIVE (tally, &tally, name, stats.name);
    FIELDS_STATS (TALLY_F, TALLY_L, TALLY_R)
#undef TALLY_F
#undef TALLY_L
#undef TALLY_R
    GIVE (tally, &tally, stats, s_event (&stats));
    ANSWER (self, operation, tally, &tally, STATUS_OK, effects);
    codec_clear (&tally_schema, &tally);
}

bool report_begin (operation_t *operation, effects_t *effects)
{
    message_t *message = message_new (MESSAGE_survey);
    message->survey.request = operation->id;
    effects_send_here (effects, ROLE_REPLICA, &message);
    return false;
}

bool report_reply (coordinator_t *self, operation_t *operation, const event_t *event,
                   effects_t *effects)
{
    self->survey = event->message->survey_reply;
    if (operation->client.size == 0) {
        tally_turn (&self->tally);
        stats_t stats;
        s_gather (self, event->wall_ms, &stats);
        effects_publish (effects, "stats", &stats_schema, &stats);
        operation->answered = true;
    } else if (operation->op == OP_STATUS)
        s_status (self, operation, event->now_us, effects);
    else
        s_stats (self, operation, event->wall_ms, effects);
    return true;
}

bool report_tick (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects)
{
    if (now_us < operation->deadline_us)
        return false;
    answer_failure (self, operation, effects, STATUS_TIMEOUT,
                    "the node's storage did not answer in time; try again");
    return true;
}
