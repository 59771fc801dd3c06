/*  handoff.c - delivers hints to the owners of their slots (Dynamo 4.6).
 *
 *  Takes    snapshot, peers (gossip here), hint_page_reply (the replica here), replicate_reply (replicas anywhere).
 *  Emits    hint_page, hint_drop to the replica here; replicate to a slot's owner, which may be this node; seen; the
 *           `handoff` event.
 *
 *  A walk goes through all slots that hints are held for: at start, when who is reachable or who owns what has changed,
 *  and every few seconds. It looks for the next slot with a hint, passes it over when its owner is out of reach, and else
 *  fetches page after page and sends them. The owner's stamp is captured before a page is asked for, so that no state
 *  is older than its stamp says (algorithm rule: message age). A hint is deleted only on an acknowledgement with the
 *  hash of the state that was sent, and by the replica only while it still has that hash; the rest waits for a walk.
 */
#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"
#include "ring.h"
#include "role.h"

#define OUTSTANDING_COUNT 64u         /* states on their way; LIMIT_HINTS_BATCH_BYTES together */
#define TIRED_COUNT OUTSTANDING_COUNT /* more failures than successes: the owner is passed over */
#define ANSWER_US 2000000u
#define ANSWER_KIB_US 1000u    /* so much longer for each KiB that is on its way: 1 MB/s */
#define WALK_US 5000000u       /* to the next walk: hints for those in reach come at any time */
#define WALK_MOST_US 60000000u /* likewise, after a long one */
#define PAGE_PAUSE_US 1000u    /* so much longer for each page that was asked for */
#define SOON_US 1000000u       /* to the next walk, after one that delivered some and left some */

/*  A state on its way. */
typedef struct {
    uint64_t request; /* 0: a free place */
    uint64_t node;
    uint64_t due_us;
    size_t bytes;
    hint_id_t id; /* owns its key */
} delivery_t;

/*  The owner of some slots, in one walk. */
typedef struct {
    uint64_t node;
    uint64_t delivered;
    uint64_t left;
    unsigned failures; /* that no success has made up for yet */
} receiver_t;

typedef enum {
    WALK_NONE,
    WALK_SEARCH, /* asked for one hint from a place on, to learn which slot has any */
    WALK_FETCH,  /* asked for a page of that slot */
    WALK_SEND,   /* sending that page */
    WALK_DRAIN   /* all was sent: waiting for the last answers */
} walk_phase_t;

typedef struct {
    settings_t settings;
    ring_t *ring;     /* NULL until gossip has sent one */
    uint64_t view;    /* who owns what and who is reachable, in one number */
    uint64_t request; /* the last that was used */
    uint64_t walk_us; /* when the next walk begins */
    uint64_t rest_us; /* the pause after a walk that delivered nothing of what it sent; grows */
    uint64_t pages;   /* that this walk has asked for */
    bool again;       /* something changed during this one */
    bool stopping;

    walk_phase_t phase;
    uint32_t partition; /* where the walk is */
    uint8_t slot;
    bytes_t after;          /* the last key of that slot that was fetched; owned */
    uint64_t asked;         /* request of the page that was asked for */
    uint64_t asked_due_us;  /* when it is taken for lost */
    uint64_t node;          /* the slot's owner, */
    stamp_t stamp;          /* and its stamp from before the page was asked for */
    hint_page_reply_t page; /* what is to be sent, */
    size_t next;            /* from here on */
    receiver_t *receivers;
    size_t receivers_count;

    delivery_t deliveries[OUTSTANDING_COUNT];
    size_t outstanding;
    size_t outstanding_bytes;
    message_t *drops; /* a hint_drop that gathers what was delivered; NULL: nothing */
} handoff_t;

/* ---- life ---- */

static void *handoff_create (const setup_t *setup)
{
    handoff_t *self = memory_new (1, sizeof *self);
    rng_t rng = setup->rng;
    self->settings = *setup->settings;
    self->request = rng_next (&rng); /* an answer to a former process is none to this one */
    self->walk_us = UINT64_MAX;
    return self;
}

static void handoff_destroy (void **core_p)
{
    handoff_t *self = *core_p;
    if (self == NULL)
        return;
    for (size_t i = 0; i < OUTSTANDING_COUNT; i++)
        bytes_clear (&self->deliveries[i].id.key);
    codec_clear (&hint_page_reply_schema, &self->page);
    message_destroy (&self->drops);
    bytes_clear (&self->after);
    free (self->receivers);
    ring_destroy (&self->ring);
    free (self);
    *core_p = NULL;
}

/* ---- who gets what ---- */

static uint64_t s_next_request (handoff_t *self)
{
    self->request += self->request == UINT64_MAX ? 2 : 1;
    return self->request;
}

/*  The owner of the slot that the walk is at, 0 when there is none. */
static uint64_t s_owner (const handoff_t *self)
{
    const charter_t *charter = ring_charter (self->ring);
    if (self->partition >= charter->partitions || self->slot >= charter->n)
        return 0;
    return ring_slot (self->ring, self->partition, self->slot)->owner;
}

/*  This walk's account of a node. */
static receiver_t *s_receiver (handoff_t *self, uint64_t node)
{
    for (size_t i = 0; i < self->receivers_count; i++)
        if (self->receivers[i].node == node)
            return &self->receivers[i];
    self->receivers =
        memory_resize (self->receivers, self->receivers_count + 1, sizeof *self->receivers);
    self->receivers[self->receivers_count] = (receiver_t){.node = node};
    return &self->receivers[self->receivers_count++];
}

/*  Whether states may be sent there now. Who was never heard of in its present life would refuse them. */
static bool s_can_receive (handoff_t *self, uint64_t node, uint64_t now_us)
{
    uint32_t age_ms;
    if (node == 0 || !ring_reachable (self->ring, node))
        return false;
    if (node != ring_self (self->ring) && ring_stamp (self->ring, node, now_us, &age_ms).nonce == 0)
        return false;
    return s_receiver (self, node)->failures < TIRED_COUNT;
}

/* ---- the walk ---- */

static void s_ask_page (handoff_t *self, walk_phase_t phase, uint64_t now_us, effects_t *effects)
{
    message_t *message = message_new (MESSAGE_hint_page);
    hint_page_t *page = &message->hint_page;
    self->pages++;
    self->asked = page->request = s_next_request (self);
    page->partition = self->partition;
    page->slot = self->slot;
    page->after = bytes_copy (self->after.data, self->after.size);
    page->limit = phase == WALK_SEARCH ? 1 : LIMIT_HINTS_COUNT;
    effects_send_here (effects, ROLE_REPLICA, &message);
    self->phase = phase;
    self->asked_due_us = now_us + ANSWER_US;
}

/*  Asks for the next page of the slot that the walk is at, whose owner is reachable. */
static void s_fetch (handoff_t *self, uint64_t now_us, effects_t *effects)
{
    uint32_t age_ms;
    self->node = s_owner (self);
    self->stamp = ring_stamp (self->ring, self->node, now_us, &age_ms);
    s_ask_page (self, WALK_FETCH, now_us, effects);
}

/*  Passes over what is left of the slot. */
static void s_next_slot (handoff_t *self, uint64_t now_us, effects_t *effects)
{
    bytes_clear (&self->after);
    if (++self->slot == LIMIT_N) {
        self->slot = 0;
        self->partition++;
    }
    if (self->partition == LIMIT_PARTITIONS_COUNT)
        self->phase = WALK_DRAIN;
    else
        s_ask_page (self, WALK_SEARCH, now_us, effects);
}

static void s_begin (handoff_t *self, uint64_t now_us, effects_t *effects)
{
    self->again = false;
    self->receivers_count = 0;
    self->pages = 0;
    self->partition = 0;
    self->slot = 0;
    bytes_clear (&self->after);
    s_ask_page (self, WALK_SEARCH, now_us, effects);
}

static void s_publish (const handoff_t *self, const receiver_t *receiver, uint64_t wall_ms,
                       effects_t *effects)
{
    const member_t *member = ring_member (self->ring, receiver->node);
    if (member == NULL)
        return;
    handoff_event_t event = {0};
    GIVE (handoff_event, &event, node, bytes_text (self->settings.name));
    GIVE (handoff_event, &event, time, wall_ms);
    GIVE (handoff_event, &event, peer, bytes_view (member->name.data, member->name.size));
    GIVE (handoff_event, &event, delivered, receiver->delivered);
    GIVE (handoff_event, &event, left, receiver->left);
    effects_publish (effects, "handoff", &handoff_event_schema, &event);
}

/*  The walk has come to its end. One that got on, but not all the way, is followed by another soon; while none gets on, the
 *  pauses grow. */
static void s_end (handoff_t *self, const event_t *event, effects_t *effects)
{
    bool delivered = false;
    bool left = false;
    for (size_t i = 0; i < self->receivers_count; i++) {
        const receiver_t *receiver = &self->receivers[i];
        left = left || receiver->left > 0;
        if (receiver->delivered == 0)
            continue;
        delivered = true;
        s_publish (self, receiver, event->wall_ms, effects);
    }
    if (!left || delivered)
        self->rest_us = SOON_US;
    uint64_t pause_us = left ? self->rest_us : WALK_US + self->pages * PAGE_PAUSE_US;
    if (pause_us > WALK_MOST_US)
        pause_us = WALK_MOST_US;
    if (left && !delivered)
        self->rest_us = 2 * pause_us;
    self->phase = WALK_NONE;
    self->walk_us = event->now_us + pause_us;
    if (self->again)
        self->walk_us = event->now_us;
}

/* ---- states on their way ---- */

static void s_send (handoff_t *self, hint_t *hint, uint64_t now_us, effects_t *effects)
{
    delivery_t *delivery = self->deliveries;
    while (delivery->request != 0)
        delivery++;
    message_t *message = message_new (MESSAGE_replicate);
    replicate_t *replicate = &message->replicate;
    replicate->request = s_next_request (self);
    replicate->slot = hint->id.slot;
    replicate->stamp = self->stamp;
    replicate->key = bytes_copy (hint->id.key.data, hint->id.key.size);
    replicate->state = bytes_take (&hint->state);
    hint->state = bytes_view (NULL, 0);
    *delivery = (delivery_t){.request = replicate->request,
                             .node = self->node,
                             .bytes = replicate->state.size,
                             .id = hint->id};
    delivery->id.key = bytes_take (&hint->id.key);
    hint->id.key = bytes_view (NULL, 0);
    self->outstanding++;
    self->outstanding_bytes += delivery->bytes;
    delivery->due_us = now_us + ANSWER_US + self->outstanding_bytes / 1024 * ANSWER_KIB_US;
    address_t to = {.node = self->node == ring_self (self->ring) ? 0 : self->node,
                    .role = ROLE_REPLICA};
    effects_send (effects, to, &message);
}

static bool s_has_room (const handoff_t *self, size_t bytes)
{
    return self->outstanding == 0 || (self->outstanding < OUTSTANDING_COUNT &&
                                      self->outstanding_bytes + bytes <= LIMIT_HINTS_BATCH_BYTES);
}

/*  Sends of the page what there is room for; after the last of it, fetches the next. */
static void s_pump (handoff_t *self, uint64_t now_us, effects_t *effects)
{
    hint_list_t *hints = &self->page.hints;
    bool open = s_owner (self) == self->node && s_can_receive (self, self->node, now_us);
    while (open && self->next < hints->count &&
           s_has_room (self, hints->items[self->next].state.size))
        s_send (self, &hints->items[self->next++], now_us, effects);
    if (open && self->next < hints->count)
        return;
    s_receiver (self, self->node)->left += hints->count - self->next;
    codec_clear (&hint_page_reply_schema, &self->page);
    if (open)
        s_fetch (self, now_us, effects);
    else
        s_next_slot (self, now_us, effects);
}

/*  It is the owner's: the replica here may forget it. */
static void s_drop (handoff_t *self, delivery_t *delivery)
{
    if (self->drops == NULL) {
        self->drops = message_new (MESSAGE_hint_drop);
        self->drops->hint_drop.hints.items = memory_new (LIMIT_HINTS_COUNT, sizeof (hint_id_t));
    }
    hint_id_list_t *hints = &self->drops->hint_drop.hints;
    hints->items[hints->count++] = delivery->id;
    delivery->id.key = bytes_view (NULL, 0);
}

static void s_flush_drops (handoff_t *self, effects_t *effects)
{
    if (self->drops != NULL)
        effects_send_here (effects, ROLE_REPLICA, &self->drops);
}

static void s_settle (handoff_t *self, delivery_t *delivery, bool delivered)
{
    receiver_t *receiver = s_receiver (self, delivery->node);
    if (delivered) {
        receiver->delivered++;
        receiver->failures -= receiver->failures > 0;
        s_drop (self, delivery);
    } else {
        receiver->left++;
        receiver->failures++;
    }
    bytes_clear (&delivery->id.key);
    self->outstanding--;
    self->outstanding_bytes -= delivery->bytes;
    delivery->request = 0;
}

static void s_expire (handoff_t *self, uint64_t now_us)
{
    for (size_t i = 0; self->outstanding > 0 && i < OUTSTANDING_COUNT; i++) {
        delivery_t *delivery = &self->deliveries[i];
        if (delivery->request != 0 && delivery->due_us <= now_us)
            s_settle (self, delivery, false);
    }
}

/* ---- messages ---- */

static void s_page_reply (handoff_t *self, const event_t *event, effects_t *effects)
{
    hint_page_reply_t *reply = &event->message->hint_page_reply;
    if ((self->phase != WALK_SEARCH && self->phase != WALK_FETCH) || reply->request != self->asked)
        return;
    if (reply->hints.count == 0) {
        self->phase = WALK_DRAIN;
        return;
    }
    const hint_id_t *first = &reply->hints.items[0].id;
    bool here = first->partition == self->partition && first->slot == self->slot;
    if (self->phase == WALK_FETCH && here) {
        const bytes_t *last = &reply->hints.items[reply->hints.count - 1].id.key;
        bytes_clear (&self->after);
        self->after = bytes_copy (last->data, last->size);
        self->page = *reply;
        memset (reply, 0, sizeof *reply);
        self->next = 0;
        self->phase = WALK_SEND;
        return;
    }
    if (!here)
        bytes_clear (&self->after);
    self->partition = first->partition;
    self->slot = first->slot;
    if (s_can_receive (self, s_owner (self), event->now_us))
        s_fetch (self, event->now_us, effects);
    else
        s_next_slot (self, event->now_us, effects);
}

static void s_replicated (handoff_t *self, const message_t *message)
{
    const replicate_reply_t *reply = &message->replicate_reply;
    uint64_t node = message->from.node;
    if (node == 0 && self->ring != NULL)
        node = ring_self (self->ring);
    for (size_t i = 0; reply->request != 0 && i < OUTSTANDING_COUNT; i++) {
        delivery_t *delivery = &self->deliveries[i];
        if (delivery->request == reply->request && delivery->node == node)
            s_settle (self, delivery,
                      reply->result == RESULT_STORED && reply->hash == delivery->id.hash);
    }
}

/*  A number that changes when a slot gets another owner, a node comes into reach or goes, or another process of it is heard
 *  of. */
static uint64_t s_view (const ring_t *ring, uint64_t now_us)
{
    uint64_t view = ring_version (ring);
    size_t count;
    const member_t *members = ring_members (ring, &count);
    for (size_t i = 0; i < count; i++) {
        uint32_t age_ms;
        uint64_t nonce = ring_stamp (ring, members[i].node, now_us, &age_ms).nonce;
        if (ring_reachable (ring, members[i].node))
            view += (members[i].node ^ nonce * 3) * 0x9e3779b97f4a7c15u;
    }
    return view;
}

/*  After a change of the ring: a walk at once, or again when this one is done. */
static void s_look (handoff_t *self, uint64_t now_us)
{
    uint64_t view = s_view (self->ring, now_us);
    if (view == self->view)
        return;
    self->view = view;
    self->again = true;
    self->rest_us = SOON_US;
    self->walk_us = now_us;
}

static void s_message (handoff_t *self, const event_t *event, effects_t *effects)
{
    const message_t *message = event->message;
    /* clang-format off */
    switch ((int) message->type) {
    case MESSAGE_snapshot: ring_follow (&self->ring, message, effects); break;
    case MESSAGE_peers:
        if (self->ring != NULL)
            ring_hear (self->ring, &message->peers, event->now_us);
        break;
    case MESSAGE_hint_page_reply: s_page_reply (self, event, effects); break;
    case MESSAGE_replicate_reply: s_replicated (self, message); break;
    default: break; /* not ours: someone else's mistake, and harmless */
    }
    /* clang-format on */
    bool changed = message->type == MESSAGE_snapshot || message->type == MESSAGE_peers;
    if (changed && self->ring != NULL)
        s_look (self, event->now_us);
}

/* ---- the step ---- */

/*  What the time asks for, and when it next will. */
static void s_advance (handoff_t *self, const event_t *event, effects_t *effects)
{
    uint64_t now_us = event->now_us;
    s_expire (self, now_us);
    if (self->phase == WALK_NONE && self->walk_us <= now_us)
        s_begin (self, now_us, effects);
    if (self->phase == WALK_SEARCH && self->asked_due_us <= now_us)
        s_ask_page (self, WALK_SEARCH, now_us, effects);
    if (self->phase == WALK_FETCH && self->asked_due_us <= now_us)
        s_fetch (self, now_us, effects);
    if (self->phase == WALK_SEND)
        s_pump (self, now_us, effects);
    if (self->phase == WALK_DRAIN && self->outstanding == 0)
        s_end (self, event, effects);
    for (size_t i = 0; i < OUTSTANDING_COUNT; i++)
        if (self->deliveries[i].request != 0)
            effects_wake (effects, self->deliveries[i].due_us);
    if (self->phase == WALK_SEARCH || self->phase == WALK_FETCH)
        effects_wake (effects, self->asked_due_us);
    if (self->phase == WALK_NONE)
        effects_wake (effects, self->walk_us);
}

static void handoff_step (void *core, const event_t *event, effects_t *effects)
{
    handoff_t *self = core;
    self->stopping = self->stopping || event->kind == EVENT_STOP;
    if (event->kind == EVENT_MESSAGE)
        s_message (self, event, effects);
    if (!self->stopping && self->ring != NULL)
        s_advance (self, event, effects);
    bool full = self->drops != NULL && self->drops->hint_drop.hints.count == LIMIT_HINTS_COUNT;
    if (full || event->kind == EVENT_DRAINED)
        s_flush_drops (self, effects);
}

const role_t handoff_role = {
    .id = ROLE_HANDOFF,
    .create = handoff_create,
    .step = handoff_step,
    .destroy = handoff_destroy,
};
