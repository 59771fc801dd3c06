/*  mesh.h - for tests of gossip: several nodes in one process, each its real gossip role and a toy replica, with frames
 *  between them that take a millisecond and can be cut, one way or both.
 *
 *  A frame is encoded and decoded on its way, and goes by node only where the sender's newest ring has that node, as the
 *  wire does it. The toy keeps rows as the replica does: a node that is stopped and started again has them.
 */
#ifndef CARTWHEEL_TEST_MESH_H
#define CARTWHEEL_TEST_MESH_H

#include <stdio.h>

#include "core/gossip.h"
#include "drive.h"

#define MESH_NODES 7
#define MESH_LETTERS 65536
#define MESH_SEEDS 8
#define SECOND (1000u * MS)

typedef struct {
    uint64_t at_us;
    size_t to;
    unsigned life;      /* of the node that it is for, when it is local */
    message_t *message; /* local */
    bytes_t frame;      /* from another node */
} letter_t;

typedef struct {
    size_t index;
    settings_t settings;
    char seeds[MESH_SEEDS][LIMIT_ENDPOINT_BYTES + 1];
    drive_t drive;
    bool up;
    unsigned life;
    uint64_t nonce;
    uint64_t wake_us;
    recall_reply_t folder; /* what the toy keeps */
    bool full[256];        /* partitions that hold a record here */
    uint64_t keys;
    message_t *ring; /* the newest snapshot, or NULL */
    message_t *peers;
    message_t *answer; /* the newest admin_reply, or NULL */
    char log[65536];
    char halted[2048];
    unsigned unsettled; /* snapshots that said so */
    unsigned member_events;
    unsigned peer_events;
} mesh_node_t;

typedef struct {
    mesh_node_t nodes[MESH_NODES];
    size_t count;
    uint64_t now_us;
    letter_t *letters; /* in the order in which they were sent */
    size_t letters_count;
    bool cut[MESH_NODES][MESH_NODES]; /* [from][to] */
    uint64_t nonces;
} mesh_t;

/* ---- life ---- */

static inline void mesh_open (mesh_t *self, size_t count, uint32_t partitions, uint8_t n)
{
    memset (self, 0, sizeof *self);
    self->count = count;
    self->now_us = 5000 * (uint64_t) SECOND;
    self->letters = memory_new (MESH_LETTERS, sizeof *self->letters);
    for (size_t i = 0; i < count; i++) {
        mesh_node_t *node = &self->nodes[i];
        node->index = i;
        node->settings = drive_settings (partitions, n, 1, 1);
        node->settings.seeds = node->seeds;
        snprintf (node->settings.name, sizeof node->settings.name, "node%zu", i + 1);
        snprintf (node->settings.zone, sizeof node->settings.zone, "%s", "");
        snprintf (node->settings.gossip, sizeof node->settings.gossip, "tcp://n%zu:3", i + 1);
        snprintf (node->settings.peer, sizeof node->settings.peer, "tcp://n%zu:2", i + 1);
    }
}

static inline void mesh_seed (mesh_t *self, size_t node, size_t seed)
{
    settings_t *settings = &self->nodes[node].settings;
    memcpy (self->nodes[node].seeds[settings->seeds_count++], self->nodes[seed].settings.gossip,
            LIMIT_ENDPOINT_BYTES + 1);
}

/*  Each node's seeds are all nodes, itself first. */
static inline void mesh_seed_selfishly (mesh_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        mesh_seed (self, i, i);
        for (size_t k = 0; k < self->count; k++)
            if (k != i)
                mesh_seed (self, i, k);
    }
}

/*  Each node's seed is the first node. */
static inline void mesh_seed_first (mesh_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        mesh_seed (self, i, 0);
}

static inline void mesh_stop (mesh_t *self, size_t index)
{
    mesh_node_t *node = &self->nodes[index];
    if (!node->up)
        return;
    drive_close (&node->drive);
    message_destroy (&node->ring);
    message_destroy (&node->peers);
    node->up = false;
    node->life++;
}

static inline void mesh_wipe (mesh_node_t *node)
{
    codec_clear (&recall_reply_schema, &node->folder);
    memset (node->full, 0, sizeof node->full);
    node->keys = 0;
}

static inline void mesh_close (mesh_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        mesh_stop (self, i);
        mesh_wipe (&self->nodes[i]);
        message_destroy (&self->nodes[i].answer);
    }
    for (size_t i = 0; i < self->letters_count; i++) {
        message_destroy (&self->letters[i].message);
        bytes_clear (&self->letters[i].frame);
    }
    free (self->letters);
}

/* ---- letters ---- */

static inline void mesh_post (mesh_t *self, letter_t letter)
{
    cr_assert_lt (self->letters_count, MESH_LETTERS);
    self->letters[self->letters_count++] = letter;
}

static inline void mesh_post_here (mesh_t *self, mesh_node_t *node, role_id_t from,
                                   message_t *message)
{
    message->from = (address_t){.role = from};
    mesh_post (self, (letter_t){.at_us = self->now_us + 100,
                                .to = node->index,
                                .life = node->life,
                                .message = message});
}

static inline mesh_node_t *mesh_at (mesh_t *self, bytes_t endpoint)
{
    for (size_t i = 0; i < self->count; i++)
        if (bytes_equal (endpoint, bytes_text (self->nodes[i].settings.gossip)))
            return &self->nodes[i];
    return NULL;
}

static inline const member_t *mesh_row (const mesh_node_t *node, uint64_t id)
{
    for (size_t i = 0; node->ring != NULL && i < node->ring->snapshot.members.count; i++)
        if (node->ring->snapshot.members.items[i].node == id)
            return &node->ring->snapshot.members.items[i];
    return NULL;
}

static inline void mesh_send (mesh_t *self, mesh_node_t *from, effect_t *effect)
{
    bytes_t endpoint = effect->endpoint;
    if (endpoint.size == 0) {
        const member_t *row = mesh_row (from, effect->to.node);
        if (row == NULL)
            return;
        endpoint = row->gossip;
    }
    mesh_node_t *to = mesh_at (self, endpoint);
    cr_assert_leq (effect->message->type, MESSAGE_TRAVELS_LAST);
    cr_assert_eq (effect->to.role, ROLE_GOSSIP);
    if (to == NULL || self->cut[from->index][to->index])
        return;
    const charter_t *charter = from->ring != NULL ? &from->ring->snapshot.charter : NULL;
    effect->message->from =
        (address_t){.node = charter != NULL ? charter->node : 0, .role = ROLE_GOSSIP};
    effect->message->origin = (origin_t){.cluster = charter != NULL ? charter->cluster : 0,
                                         .nonce = from->nonce,
                                         .clock_ms = self->now_us / 1000};
    buffer_t buffer;
    buffer_init (&buffer, LIMIT_GOSSIP_FRAME_BYTES);
    cr_assert_eq (message_encode (effect->message, ROLE_GOSSIP, &buffer), 0, "%s cannot be encoded",
                  message_schema (effect->message->type)->name);
    mesh_post (
        self,
        (letter_t){.at_us = self->now_us + MS, .to = to->index, .frame = buffer_take (&buffer)});
}

/* ---- the toy replica ---- */

static inline void mesh_keep_member (mesh_node_t *node, const member_t *row)
{
    member_list_t *list = &node->folder.members;
    size_t i = 0;
    while (i < list->count && list->items[i].node != row->node)
        i++;
    if (i == list->count)
        list->items = memory_resize (list->items, ++list->count, sizeof *list->items);
    else
        codec_clear (&member_schema, &list->items[i]);
    codec_copy (&member_schema, row, &list->items[i]);
}

static inline void mesh_keep_slot (mesh_node_t *node, const slot_t *row)
{
    slot_list_t *list = &node->folder.slots;
    size_t i = 0;
    while (i < list->count &&
           (list->items[i].partition != row->partition || list->items[i].slot != row->slot))
        i++;
    if (i == list->count)
        list->items = memory_resize (list->items, ++list->count, sizeof *list->items);
    list->items[i] = *row;
}

static inline void mesh_enact (mesh_t *self, mesh_node_t *node, const enact_t *enact)
{
    message_t *reply = message_new (MESSAGE_enact_reply);
    reply->enact_reply.request = enact->request;
    if (enact->dissolve) {
        reply->enact_reply.dissolved = node->keys == 0;
        if (node->keys == 0)
            mesh_wipe (node);
    }
    if (!enact->dissolve && enact->charter.node != 0) {
        codec_clear (&charter_schema, &node->folder.charter);
        codec_copy (&charter_schema, &enact->charter, &node->folder.charter);
    }
    for (size_t i = 0; i < enact->members.count; i++)
        mesh_keep_member (node, &enact->members.items[i]);
    for (size_t i = 0; i < enact->slots.count; i++)
        mesh_keep_slot (node, &enact->slots.items[i]);
    slot_list_t *given = &reply->enact_reply.gifts;
    given->items = memory_new (enact->gifts.count, sizeof *given->items);
    for (size_t i = 0; i < enact->gifts.count; i++) {
        if (node->full[enact->gifts.items[i].partition])
            continue;
        mesh_keep_slot (node, &enact->gifts.items[i]);
        given->items[given->count++] = enact->gifts.items[i];
    }
    mesh_post_here (self, node, ROLE_REPLICA, reply);
}

static inline void mesh_replica (mesh_t *self, mesh_node_t *node, const message_t *message)
{
    message_t *reply = NULL;
    if (message->type == MESSAGE_recall) {
        reply = message_new (MESSAGE_recall_reply);
        codec_copy (&recall_reply_schema, &node->folder, &reply->recall_reply);
    } else if (message->type == MESSAGE_survey) {
        reply = message_new (MESSAGE_survey_reply);
        reply->survey_reply.request = message->survey.request;
        reply->survey_reply.keys = node->keys;
    } else if (message->type == MESSAGE_enact)
        mesh_enact (self, node, &message->enact);
    if (reply != NULL)
        mesh_post_here (self, node, ROLE_REPLICA, reply);
}

/*  A message to a role of the same node. */
static inline void mesh_take_here (mesh_t *self, mesh_node_t *node, effect_t *effect)
{
    const message_t *message = effect->message;
    if (message->type == MESSAGE_snapshot) {
        message_t *seen = message_new (MESSAGE_seen);
        seen->seen.sequence = message->snapshot.sequence;
        mesh_post_here (self, node, effect->to.role, seen);
        ring_t *ring = ring_new (&message->snapshot);
        cr_assert_not_null (ring, "a snapshot contradicts itself");
        ring_destroy (&ring);
        message_destroy (&node->ring);
        node->ring = message_copy (message);
        node->unsettled += !message->snapshot.settled;
    } else if (message->type == MESSAGE_peers) {
        message_destroy (&node->peers);
        node->peers = message_copy (message);
    } else if (message->type == MESSAGE_admin_reply) {
        message_destroy (&node->answer);
        node->answer = message_copy (message);
    } else if (message->type == MESSAGE_notice) {
        node->member_events += bytes_equal (message->notice.topic, bytes_text ("member"));
        node->peer_events += bytes_equal (message->notice.topic, bytes_text ("peer"));
    } else if (effect->to.role == ROLE_REPLICA)
        mesh_replica (self, node, message);
}

/* ---- steps ---- */

static inline void mesh_carry_out (mesh_t *self, mesh_node_t *node)
{
    effects_t effects = node->drive.effects;
    effects_init (&node->drive.effects);
    node->wake_us = effects.wake_us;
    for (size_t i = 0; i < effects.count; i++) {
        effect_t *effect = &effects.items[i];
        if (effect->kind == EFFECT_SEND && effect->to.node == 0 && effect->endpoint.size == 0)
            mesh_take_here (self, node, effect);
        else if (effect->kind == EFFECT_SEND)
            mesh_send (self, node, effect);
        else if (effect->kind == EFFECT_LOG) {
            size_t used = strlen (node->log);
            snprintf (node->log + used, sizeof node->log - used, "%s: %s\n",
                      level_name (effect->level), effect->text);
        } else if (effect->kind == EFFECT_HALT)
            snprintf (node->halted, sizeof node->halted, "%s", effect->text);
    }
    effects_clear (&effects);
    if (node->halted[0] != 0)
        mesh_stop (self, node->index);
}

static inline void mesh_step (mesh_t *self, mesh_node_t *node, event_t event)
{
    node->drive.now_us = self->now_us;
    drive_step (&node->drive, event);
    mesh_carry_out (self, node);
}

static inline void mesh_start (mesh_t *self, size_t index)
{
    mesh_node_t *node = &self->nodes[index];
    setup_t setup = {.settings = &node->settings, .nonce = ++self->nonces, .version = "test"};
    rng_seed (&setup.rng, 1000 + self->nonces);
    memset (&node->drive, 0, sizeof node->drive);
    node->drive.role = &gossip_role;
    node->drive.core = gossip_role.create (&setup);
    effects_init (&node->drive.effects);
    node->nonce = setup.nonce;
    node->up = true;
    node->halted[0] = 0;
    mesh_step (self, node, (event_t){.kind = EVENT_START});
}

/*  Gives a message of a role here to gossip, which takes it. */
static inline void mesh_tell (mesh_t *self, size_t index, role_id_t from, message_t *message)
{
    message->from = (address_t){.role = from};
    mesh_step (self, &self->nodes[index], (event_t){.kind = EVENT_MESSAGE, .message = message});
    message_destroy (&message);
}

static inline void mesh_deliver (mesh_t *self, letter_t letter)
{
    mesh_node_t *node = &self->nodes[letter.to];
    if (letter.message == NULL) {
        role_id_t to;
        const char *why = "";
        letter.message = message_decode (&letter.frame, &to, &why);
        cr_assert_not_null (letter.message, "%s", why);
        letter.life = node->life;
    }
    if (node->up && letter.life == node->life)
        mesh_step (self, node, (event_t){.kind = EVENT_MESSAGE, .message = letter.message});
    message_destroy (&letter.message);
}

/*  The letter that comes first; letters_count when there is none. */
static inline size_t mesh_next (const mesh_t *self)
{
    size_t next = self->letters_count;
    for (size_t i = 0; i < self->letters_count; i++)
        if (next == self->letters_count || self->letters[i].at_us < self->letters[next].at_us)
            next = i;
    return next;
}

/*  Lets `us` pass. */
static inline void mesh_run (mesh_t *self, uint64_t us)
{
    uint64_t until_us = self->now_us + us;
    for (;;) {
        size_t next = mesh_next (self);
        uint64_t at_us = next < self->letters_count ? self->letters[next].at_us : UINT64_MAX;
        mesh_node_t *waker = NULL;
        for (size_t i = 0; i < self->count; i++)
            if (self->nodes[i].up && self->nodes[i].wake_us < at_us) {
                at_us = self->nodes[i].wake_us;
                waker = &self->nodes[i];
            }
        if (at_us > until_us)
            break;
        self->now_us = at_us > self->now_us ? at_us : self->now_us;
        if (waker != NULL) {
            mesh_step (self, waker, (event_t){.kind = EVENT_TICK});
            continue;
        }
        letter_t letter = self->letters[next];
        memmove (self->letters + next, self->letters + next + 1,
                 (self->letters_count - next - 1) * sizeof letter);
        self->letters_count--;
        mesh_deliver (self, letter);
    }
    self->now_us = until_us;
}

/* ---- what came of it ---- */

static inline const snapshot_t *mesh_ring (const mesh_t *self, size_t node)
{
    return self->nodes[node].ring != NULL ? &self->nodes[node].ring->snapshot : NULL;
}

static inline uint64_t mesh_id (const mesh_t *self, size_t node)
{
    return mesh_ring (self, node) != NULL ? mesh_ring (self, node)->charter.node : 0;
}

/*  Whether the nodes from `first` to before `end` are one settled cluster of just them, all up, with equal tables. */
static inline bool mesh_settled (const mesh_t *self, size_t first, size_t end)
{
    const snapshot_t *one = mesh_ring (self, first);
    for (size_t i = first; i < end; i++) {
        const snapshot_t *ring = mesh_ring (self, i);
        if (!self->nodes[i].up || ring == NULL || !ring->settled ||
            ring->members.count != end - first || ring->charter.cluster != one->charter.cluster ||
            ring->version != one->version || ring->slots.count != one->slots.count)
            return false;
        for (size_t k = 0; k < ring->members.count; k++)
            if (ring->members.items[k].state != MEMBER_UP ||
                ring->members.items[k].node != one->members.items[k].node)
                return false;
        for (size_t k = 0; k < ring->slots.count; k++)
            if (!codec_equal (&slot_schema, &ring->slots.items[k], &one->slots.items[k]))
                return false;
    }
    return true;
}

/*  Lets at most `us` pass until those nodes are settled. Whether they are. */
static inline bool mesh_settle (mesh_t *self, size_t first, size_t end, uint64_t us)
{
    for (uint64_t spent = 0; spent < us && !mesh_settled (self, first, end); spent += 50 * MS)
        mesh_run (self, 50 * MS);
    return mesh_settled (self, first, end);
}

static inline bool mesh_reaches (const mesh_t *self, size_t from, size_t to)
{
    const message_t *peers = self->nodes[from].peers;
    for (size_t i = 0; peers != NULL && i < peers->peers.peers.count; i++)
        if (peers->peers.peers.items[i].node == mesh_id (self, to) ||
            (mesh_id (self, to) == 0 &&
             peers->peers.peers.items[i].node == self->nodes[to].folder.charter.node))
            return peers->peers.peers.items[i].reachable;
    return false;
}

/*  Slots that a node holds, as `viewer` sees it. */
static inline size_t mesh_load (const mesh_t *self, size_t viewer, size_t node)
{
    size_t load = 0;
    const snapshot_t *ring = mesh_ring (self, viewer);
    for (size_t i = 0; i < ring->slots.count; i++)
        load += ring->slots.items[i].owner == mesh_id (self, node);
    return load;
}

/*  The node holds a record in that partition. */
static inline void mesh_fill (mesh_t *self, size_t node, uint32_t partition)
{
    self->nodes[node].full[partition] = true;
    self->nodes[node].keys++;
}

/*  A peers message lacks the nodes that no ring has, and the folder may be asked for the id of a stopped node. */
static inline bool mesh_said (const mesh_t *self, size_t node, const char *what)
{
    return strstr (self->nodes[node].log, what) != NULL;
}

#endif
