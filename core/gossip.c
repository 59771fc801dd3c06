/*  gossip.c - see gossip.h. */
#include "gossip.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"
#include "admin.h"
#include "admission.h"
#include "announce.h"
#include "claim.h"
#include "exchange.h"
#include "founding.h"
#include "hash.h"
#include "placement.h"
#include "ring.h"

#define QUIET_US 100000u /* after a change of the membership, before slots move */
#define LATE_US 100000u  /* a step that comes so much later than wished means that we are slow */
#define COMPLAINT_US 10000000u /* between two lines about the same node */

/* ---- life ---- */

static void *gossip_create (const setup_t *setup)
{
    gossip_t *self = memory_new (1, sizeof *self);
    self->settings = *setup->settings;
    self->rng = setup->rng;
    self->nonce = setup->nonce;
    self->wished_us = self->plan_us = UINT64_MAX;
    sightings_init (&self->sightings);
    return self;
}

void gossip_forget (gossip_t *self)
{
    table_clear (&self->table);
    message_destroy (&self->flight);
    free (self->gifts.items);
    free (self->target);
    self->gifts = (slot_list_t){0};
    self->target = NULL;
    sightings_clear (&self->sightings);
    for (size_t i = 0; i < self->applicants_count; i++)
        message_destroy (&self->applicants[i]);
    self->applicants_count = self->guests_count = 0;
    self->plan_us = UINT64_MAX;
    self->in_effect = self->resumed = self->settled = self->told_late = false;
}

static void gossip_destroy (void **core_p)
{
    gossip_t *self = *core_p;
    if (self == NULL)
        return;
    gossip_forget (self);
    founding_clear (self);
    free (self);
    *core_p = NULL;
}

/* ---- what the parts share ---- */

uint64_t gossip_cluster (const gossip_t *self)
{
    return self->phase == GOSSIP_SERVING && self->in_effect ? self->table.charter.cluster : 0;
}

bool gossip_data (const gossip_t *self)
{
    return self->data || sightings_data (&self->sightings);
}

void gossip_hello (const gossip_t *self, hello_t *hello)
{
    const settings_t *settings = &self->settings;
    const hello_t own = {
        .protocol = GOSSIP_PROTOCOL,
        .cluster = gossip_cluster (self),
        .cluster_name = bytes_text (settings->cluster),
        .node = self->node,
        .name = bytes_text (settings->name),
        .gossip = bytes_text (settings->gossip),
        .boots = self->boots,
        .partitions = settings->partitions,
        .n = settings->n,
        .policy = (uint8_t) settings->policy,
        .founding = self->phase == GOSSIP_FOUNDING,
        .data = gossip_data (self),
    };
    codec_copy (&hello_schema, &own, hello);
}

void gossip_send (const gossip_t *self, uint64_t node, bytes_t endpoint, message_t **message_p,
                  effects_t *effects)
{
    const member_t *member = table_member (&self->table, node);
    if (member != NULL && (endpoint.size == 0 || bytes_equal (endpoint, member->gossip)))
        effects_send (effects, (address_t){.node = node, .role = ROLE_GOSSIP}, message_p);
    else
        effects_send_endpoint (effects, endpoint, message_p);
}

bool gossip_may_complain (gossip_t *self, bytes_t whom)
{
    uint64_t *last_us = &self->complained_us[hash_bytes (whom) % GOSSIP_COMPLAINTS];
    if (*last_us != 0 && self->now_us - *last_us < COMPLAINT_US)
        return false;
    *last_us = self->now_us;
    return true;
}

void gossip_halt (gossip_t *self, effects_t *effects, const char *sentence)
{
    self->phase = GOSSIP_HALTED;
    effects_halt (effects, "%s", sentence);
}

/* ---- to the replica and back ---- */

static void s_ask_recall (effects_t *effects)
{
    message_t *recall = message_new (MESSAGE_recall);
    effects_send_here (effects, ROLE_REPLICA, &recall);
}

void gossip_survey (gossip_t *self, effects_t *effects)
{
    message_t *survey = message_new (MESSAGE_survey);
    survey->survey.request = self->survey = ++self->request;
    effects_send_here (effects, ROLE_REPLICA, &survey);
}

static void s_send_flight (gossip_t *self, effects_t *effects)
{
    message_t *copy = message_copy (self->flight);
    effects_send_here (effects, ROLE_REPLICA, &copy);
    self->flight_us = self->now_us + GOSSIP_SECOND_US;
}

void gossip_enact (gossip_t *self, message_t **enact_p, effects_t *effects)
{
    assert (self->flight == NULL);
    self->flight = *enact_p;
    *enact_p = NULL;
    self->flight->enact.request = ++self->request;
    s_send_flight (self, effects);
}

void gossip_serve (gossip_t *self)
{
    self->phase = GOSSIP_SERVING;
    self->replan = true;
}

/*  Has what waits persisted, and the gifts given. */
static void s_flush (gossip_t *self, effects_t *effects)
{
    if (self->phase != GOSSIP_SERVING || self->flight != NULL ||
        (!table_waits (&self->table) && self->gifts.count == 0))
        return;
    message_t *message = message_new (MESSAGE_enact);
    table_flush (&self->table, &message->enact);
    message->enact.gifts = self->gifts;
    self->gifts = (slot_list_t){0};
    gossip_enact (self, &message, effects);
}

static void s_surveyed (gossip_t *self, const survey_reply_t *reply, effects_t *effects)
{
    bool data = reply->keys + reply->tombstones + reply->hints > 0;
    self->replan |= data != self->data;
    self->data = data;
    self->surveyed = true;
    if (reply->request == self->survey)
        admission_decide (self, effects);
}

/* ---- placement ---- */

/*  Turns our own row up when there is nothing left to wait for. */
static void s_come_up (gossip_t *self, const plan_t *plan)
{
    const entry_t *own = table_find (&self->table, self->node);
    if (own == NULL || own->newest.state != MEMBER_JOINING || !plan->whole || plan->coming > 0)
        return;
    member_t row;
    codec_copy (&member_schema, &own->newest, &row);
    row.state = MEMBER_UP;
    row.version++;
    table_offer_member (&self->table, &row);
    codec_clear (&member_schema, &row);
}

/*  Compares slots and target, and makes the moves that are ours when the membership has been quiet for a while. */
static void s_place (gossip_t *self)
{
    bool due = self->now_us >= self->plan_us && self->flight == NULL;
    if (gossip_cluster (self) == 0 || (!self->replan && !due))
        return;
    const charter_t *charter = &self->table.charter;
    if (self->target == NULL) {
        member_list_t members = table_members (&self->table);
        self->target = memory_new ((size_t) charter->partitions * charter->n, sizeof *self->target);
        claim_target (charter->partitions, charter->n, &members, self->target);
        free (members.items);
    }
    plan_t plan;
    plan_make (&plan, &self->table, self->target, self->node, !gossip_data (self));
    bool settled = plan.vacant + plan.misplaced == 0;
    self->told_late |= settled != self->settled;
    self->settled = settled;
    s_come_up (self, &plan);
    self->replan = false;
    self->plan_us = UINT64_MAX;
    if (plan.assigned.count + plan.gifts.count > 0) {
        if (self->now_us < self->quiet_us || self->flight != NULL)
            self->plan_us = self->quiet_us;
        else {
            for (size_t i = 0; i < plan.assigned.count; i++)
                table_offer_slot (&self->table, &plan.assigned.items[i]);
            free (self->gifts.items);
            self->gifts = plan.gifts;
            plan.gifts = (slot_list_t){0};
        }
    }
    plan_clear (&plan);
}

/* ---- rows take effect ---- */

/*  The rows of a flight are on disk: they take effect, and the others hear of them. */
static void s_take_effect (gossip_t *self, const enact_t *enact, const slot_list_t *given,
                           effects_t *effects)
{
    const member_list_t nobody = {0};
    bool first = !self->in_effect;
    self->in_effect = true;
    if (!(first && self->resumed))
        announce_members (self, &enact->members, effects);
    table_enacted (&self->table, &enact->members, &enact->slots);
    table_enacted (&self->table, &nobody, given);
    if (enact->members.count > 0) {
        free (self->target);
        self->target = NULL;
        self->quiet_us = self->now_us + QUIET_US;
        sightings_follow (&self->sightings, &self->table, self->node, self->now_us);
    }
    if (given->count < enact->gifts.count)
        self->data = true; /* the replica kept some, because they are not empty */
    self->replan = true;
    s_place (self);
    announce_ring (self, effects); /* before anything goes to those who are new in it */
    exchange_push (self, &enact->members, &enact->slots, given, effects);
    admission_welcome (self, effects);
    if (!first)
        return;
    self->beat_us = self->now_us;
    admin_joined (self, STATUS_OK, "", effects);
}

static void s_enacted (gossip_t *self, const enact_reply_t *reply, effects_t *effects)
{
    if (self->flight == NULL || reply->request != self->flight->enact.request)
        return;
    message_t *flight = self->flight;
    self->flight = NULL;
    if (self->phase == GOSSIP_SERVING)
        s_take_effect (self, &flight->enact, &reply->gifts, effects);
    else if (self->phase == GOSSIP_DISSOLVING)
        founding_dissolved (self, reply->dissolved, effects);
    else
        founding_enacted (self, effects);
    message_destroy (&flight);
}

/* ---- messages ---- */

/*  Whether it comes from a member of our cluster, in its present life. */
static bool s_from_member (gossip_t *self, const message_t *message)
{
    return gossip_cluster (self) != 0 && message->origin.cluster == gossip_cluster (self) &&
           sightings_hear (&self->sightings, message->from.node, &message->origin, self->now_us);
}

static void s_note_data (gossip_t *self, uint64_t node, bool data)
{
    sighting_t *peer = sightings_find (&self->sightings, node);
    self->replan |= peer->data != data;
    peer->data = data;
}

static void s_probed (gossip_t *self, const message_t *message, effects_t *effects)
{
    message_t *reply = message_new (MESSAGE_probe_reply);
    reply->probe_reply.sent_us = message->probe.sent_us;
    reply->probe_reply.data = self->data;
    s_note_data (self, message->from.node, message->probe.data);
    gossip_send (self, message->from.node, bytes_view (NULL, 0), &reply, effects);
}

static void s_from_fellow (gossip_t *self, const message_t *message, effects_t *effects)
{
    bool known = s_from_member (self, message);
    if (message->type == MESSAGE_digest)
        exchange_take_digest (self, message, effects);
    else if (known && message->type == MESSAGE_probe)
        s_probed (self, message, effects);
    else if (known && message->type == MESSAGE_probe_reply) {
        s_note_data (self, message->from.node, message->probe_reply.data);
        if (sightings_answer (&self->sightings, message->from.node, &message->origin,
                              message->probe_reply.sent_us, self->now_us))
            announce_peers (self, effects); /* what is sent with its old stamp is refused */
    } else if (known && message->type == MESSAGE_rows)
        exchange_take_rows (self, message, effects);
}

static void s_message (gossip_t *self, const message_t *message, effects_t *effects)
{
    /* clang-format off */
    switch ((int) message->type) {
    case MESSAGE_recall_reply:
        if (self->phase == GOSSIP_RECALLING)
            founding_recalled (self, &message->recall_reply, effects);
        break;
    case MESSAGE_enact_reply:  s_enacted (self, &message->enact_reply, effects); break;
    case MESSAGE_survey_reply: s_surveyed (self, &message->survey_reply, effects); break;
    case MESSAGE_seen:         announce_seen (self, message->from.role, message->seen.sequence); break;
    case MESSAGE_accuse:
        sightings_accuse (&self->sightings, message->accuse.node, self->now_us, effects, self->data);
        break;
    case MESSAGE_admin:        admin_take (self, message, effects); break;
    case MESSAGE_greet:
        admission_greet (self, &message->greet.hello, message->origin.nonce, effects);
        break;
    case MESSAGE_greeting:     admission_greeting (self, message, effects); break;
    case MESSAGE_ask_join:     admission_ask (self, message, effects); break;
    case MESSAGE_refusal:      founding_refused (self, &message->refusal, effects); break;
    case MESSAGE_welcome:      founding_welcome (self, message, effects); break;
    case MESSAGE_probe:
    case MESSAGE_probe_reply:
    case MESSAGE_digest:
    case MESSAGE_rows:         s_from_fellow (self, message, effects); break;
    default: break; /* not ours: someone else's mistake, and harmless */
    }
    /* clang-format on */
}

/* ---- the step ---- */

/*  A member that came in before us bears our name, because two nodes took one of us in each: the later one goes. */
static void s_check_name (gossip_t *self, effects_t *effects)
{
    const member_t *own = table_member (&self->table, self->node);
    for (size_t i = 0; own != NULL && i < self->table.members_count; i++) {
        const member_t *row = &self->table.members[i].now;
        bool before =
            row->joined < own->joined || (row->joined == own->joined && row->node < own->node);
        if (row->node != 0 && row->node != own->node && before && row->state <= MEMBER_LEAVING &&
            bytes_equal (row->name, own->name) &&
            sightings_reachable (&self->sightings, row->node)) {
            gossip_halt (self, effects,
                         "another member has this node's name, and was there before: choose "
                         "another node/name, and start with an empty folder");
            return;
        }
    }
}

/*  What is done each second. */
static void s_beat (gossip_t *self, effects_t *effects)
{
    if (self->now_us < self->beat_us)
        return;
    self->beat_us = self->now_us + GOSSIP_SECOND_US;
    if (self->now_us - self->late_us >= GOSSIP_SECOND_US)
        sightings_punctual (&self->sightings);
    if (self->phase == GOSSIP_RECALLING)
        s_ask_recall (effects);
    if (gossip_cluster (self) == 0)
        return;
    if (self->now_us - self->told_us >= GOSSIP_SECOND_US)
        announce_again (self, effects);
    gossip_survey (self, effects);
    announce_peers (self, effects);
    exchange_beat (self, effects);
    s_check_name (self, effects);
}

/*  Does whatever is due. */
static void s_work (gossip_t *self, effects_t *effects)
{
    founding_tick (self, effects);
    if (self->flight != NULL && self->now_us >= self->flight_us)
        s_send_flight (self, effects);
    s_place (self);
    s_flush (self, effects);
    if (self->told_late)
        announce_ring (self, effects);
    if (gossip_cluster (self) != 0)
        sightings_tick (&self->sightings, self->now_us, self->data, effects);
    announce_changes (self, effects);
    s_beat (self, effects);
}

static uint64_t s_wake (const gossip_t *self)
{
    const uint64_t wishes[] = {
        self->beat_us, founding_wake (self), self->flight != NULL ? self->flight_us : UINT64_MAX,
        self->flight == NULL ? self->plan_us : UINT64_MAX, sightings_wake (&self->sightings)};
    uint64_t wake_us = UINT64_MAX;
    for (size_t i = 0; i < sizeof wishes / sizeof *wishes; i++)
        if (wishes[i] < wake_us)
            wake_us = wishes[i];
    return wake_us;
}

static void gossip_step (void *core, const event_t *event, effects_t *effects)
{
    gossip_t *self = core;
    if (self->phase == GOSSIP_HALTED)
        return;
    self->now_us = event->now_us;
    self->wall_ms = event->wall_ms;
    if (self->wished_us != UINT64_MAX && self->now_us > self->wished_us + LATE_US) {
        sightings_late (&self->sightings, self->now_us - self->wished_us, self->now_us);
        self->late_us = self->now_us;
    }
    if (event->kind == EVENT_START)
        self->started_us = self->beat_us = self->now_us;
    else if (event->kind == EVENT_MESSAGE)
        s_message (self, event->message, effects);
    if (self->phase != GOSSIP_HALTED)
        s_work (self, effects);
    if (self->phase == GOSSIP_HALTED)
        return;
    self->wished_us = s_wake (self);
    effects_wake (effects, self->wished_us);
}

const role_t gossip_role = {
    .id = ROLE_GOSSIP,
    .create = gossip_create,
    .step = gossip_step,
    .destroy = gossip_destroy,
};
