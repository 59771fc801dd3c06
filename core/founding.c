/*  founding.c - see founding.h. */
#include "founding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"
#include "admin.h"
#include "announce.h"
#include "exchange.h"
#include "hello.h"
#include "ring.h"

#define GREET_US 250000u
#define GREET_FOR_US 3000000u /* that often; later each second, and a founder founds */
#define PATIENCE_US 5000000u  /* a would-be founder gives way to one that it hears of, so long */
#define REFUSED_US 5000000u
#define LOOK_US 1000000u
#define LONELY_US 10000000u
#define NEW_US 10000000u /* a process so young gives way to another of its node */
#define ASKS 5u

void founding_clear (gossip_t *self)
{
    bytes_clear (&self->founding.target);
    bytes_clear (&self->founding.seed);
    bytes_clear (&self->founding.former);
}

static uint64_t s_draw (gossip_t *self)
{
    uint64_t id;
    do
        id = rng_next (&self->rng);
    while (id == 0);
    return id;
}

/* ---- founding ---- */

static bool s_is_own (const gossip_t *self, bytes_t endpoint)
{
    return bytes_equal (endpoint, bytes_text (self->settings.gossip));
}

/*  Whether it may found: nobody else is named before it. */
static bool s_entitled (const gossip_t *self)
{
    const settings_t *settings = &self->settings;
    return !settings->join_manual &&
           (settings->seeds_count == 0 || s_is_own (self, bytes_text (settings->seeds[0])));
}

/*  Whether there is anybody to greet. */
static bool s_alone (const gossip_t *self)
{
    for (size_t i = 0; i < self->settings.seeds_count; i++)
        if (!s_is_own (self, bytes_text (self->settings.seeds[i])))
            return false;
    return self->founding.seed.size == 0;
}

static void s_found (gossip_t *self, effects_t *effects)
{
    charter_t charter = {
        .cluster = s_draw (self),
        .cluster_name = bytes_text (self->settings.cluster),
        .node = self->node,
        .node_name = bytes_text (self->settings.name),
        .partitions = self->settings.partitions,
        .n = self->settings.n,
        .policy = (uint8_t) self->settings.policy,
        .boots = self->boots,
    };
    snapshot_t first;
    ring_found (&first, &charter, &self->settings);
    table_init (&self->table, &charter);
    table_offer_member (&self->table, &first.members.items[0]);
    for (size_t i = 0; i < first.slots.count; i++)
        table_offer_slot (&self->table, &first.slots.items[i]);
    codec_clear (&snapshot_schema, &first);
    effects_log (effects, LEVEL_NOTICE, "founding cluster %s with %u partitions",
                 self->settings.cluster, self->settings.partitions);
    gossip_serve (self);
}

/*  Persists who we are, before anybody is told. */
static void s_identify (gossip_t *self, effects_t *effects)
{
    if (self->founding.identified || self->flight != NULL)
        return;
    const charter_t charter = {
        .node = self->node, .node_name = bytes_text (self->settings.name), .boots = self->boots};
    message_t *message = message_new (MESSAGE_enact);
    codec_copy (&charter_schema, &charter, &message->enact.charter);
    gossip_enact (self, &message, effects);
}

void founding_enacted (gossip_t *self, effects_t *effects)
{
    self->founding.identified = true;
    self->founding.next_us = self->now_us;
    founding_tick (self, effects);
}

static void s_seek (gossip_t *self, gossip_phase_t phase, effects_t *effects)
{
    self->phase = phase;
    self->founding.since_us = self->founding.next_us = self->founding.heard_us = self->now_us;
    self->founding.asked = 0;
    s_identify (self, effects);
    founding_tick (self, effects);
}

static void s_begin (gossip_t *self, effects_t *effects)
{
    if (self->settings.join_manual) {
        self->phase = GOSSIP_IDLE;
        effects_log (effects, LEVEL_NOTICE,
                     "this node is in no cluster, and cluster/join is manual: it waits for "
                     "`cartwheel join`");
    } else if (s_alone (self) && s_entitled (self))
        s_found (self, effects);
    else
        s_seek (self, s_entitled (self) ? GOSSIP_FOUNDING : GOSSIP_JOINING, effects);
}

void founding_seek (gossip_t *self, bytes_t seed, effects_t *effects)
{
    bytes_clear (&self->founding.seed);
    self->founding.seed = bytes_copy (seed.data, seed.size);
    self->founding.refused_us = 0;
    bytes_clear (&self->founding.target);
    s_seek (self, GOSSIP_JOINING, effects);
}

/* ---- resuming ---- */

static bool s_disagree (gossip_t *self, effects_t *effects, const char *what, const char *stored,
                        const char *configured)
{
    char text[LIMIT_SENTENCE_BYTES];
    snprintf (text, sizeof text,
              "the data folder belongs to %s %s, and the configuration says %s: use the folder's "
              "own configuration, or an empty folder",
              what, stored, configured);
    gossip_halt (self, effects, text);
    return false;
}

static bool s_disagree_number (gossip_t *self, effects_t *effects, const char *what,
                               uint64_t stored, uint64_t configured)
{
    char stored_text[24];
    char configured_text[24];
    snprintf (stored_text, sizeof stored_text, "%llu", (unsigned long long) stored);
    snprintf (configured_text, sizeof configured_text, "%llu", (unsigned long long) configured);
    return s_disagree (self, effects, what, stored_text, configured_text);
}

/*  Whether what the folder remembers is what the configuration says; halts otherwise. */
static bool s_agrees (gossip_t *self, const charter_t *charter, effects_t *effects)
{
    const settings_t *settings = &self->settings;
    char text[LIMIT_SENTENCE_BYTES];
    if (!bytes_equal (charter->node_name, bytes_text (settings->name)))
        return s_disagree (self, effects, "node", hello_clean (charter->node_name, text),
                           settings->name);
    if (!bytes_equal (charter->cluster_name, bytes_text (settings->cluster)))
        return s_disagree (self, effects, "cluster", hello_clean (charter->cluster_name, text),
                           settings->cluster);
    if (charter->partitions != settings->partitions)
        return s_disagree_number (self, effects,
                                  "a cluster with cluster/partitions =", charter->partitions,
                                  settings->partitions);
    if (charter->n != settings->n)
        return s_disagree_number (self, effects, "a cluster with cluster/n =", charter->n,
                                  settings->n);
    if (charter->policy != settings->policy)
        return s_disagree_number (self, effects, "a cluster with conflict/policy number",
                                  charter->policy, settings->policy);
    return true;
}

/*  Replaces a field of our own row, and says whether it changed. */
static bool s_renew (bytes_t *field, const char *text)
{
    if (bytes_equal (*field, bytes_text (text)))
        return false;
    bytes_clear (field);
    *field = bytes_copy (text, strlen (text));
    return true;
}

/*  Our own row with what the configuration changed about us. */
static void s_renew_own (gossip_t *self)
{
    const entry_t *stored = table_find (&self->table, self->node);
    if (stored == NULL)
        return;
    member_t own;
    codec_copy (&member_schema, &stored->newest, &own);
    bool changed = s_renew (&own.client, self->settings.client);
    changed |= s_renew (&own.peer, self->settings.peer);
    changed |= s_renew (&own.zone, self->settings.zone);
    changed |= own.weight < self->settings.weight || own.weight > self->settings.weight;
    own.weight = self->settings.weight;
    bytes_t former = bytes_copy (own.gossip.data, own.gossip.size);
    if (s_renew (&own.gossip, self->settings.gossip)) {
        changed = true;
        self->founding.former = bytes_take (&former);
    }
    bytes_clear (&former);
    own.version += changed;
    table_offer_member (&self->table, &own);
    table_queue_member (&self->table, self->node);
    codec_clear (&member_schema, &own);
}

static void s_resume (gossip_t *self, const recall_reply_t *recalled, effects_t *effects)
{
    charter_t charter = recalled->charter;
    charter.boots = self->boots;
    self->resumed = true;
    table_init (&self->table, &charter);
    for (size_t i = 0; i < recalled->members.count; i++)
        if (member_valid (&recalled->members.items[i]))
            table_recall_member (&self->table, &recalled->members.items[i]);
    for (size_t i = 0; i < recalled->slots.count; i++)
        if (slot_valid (&self->table, &recalled->slots.items[i]))
            table_recall_slot (&self->table, &recalled->slots.items[i]);
    s_renew_own (self);
    if (self->founding.former.size == 0) {
        gossip_serve (self);
        return;
    }
    /* The folder may be a copy, and its original alive where it was. */
    self->phase = GOSSIP_LOOKING;
    self->founding.since_us = self->founding.next_us = self->now_us;
    founding_tick (self, effects);
}

void founding_recalled (gossip_t *self, const recall_reply_t *recalled, effects_t *effects)
{
    const charter_t *charter = &recalled->charter;
    bool known = charter->node != 0;
    if (known && charter->cluster != 0 && !s_agrees (self, charter, effects))
        return;
    /* A node that never joined may still change its name, and is another node then. */
    if (known && charter->cluster == 0)
        known = bytes_equal (charter->node_name, bytes_text (self->settings.name));
    self->node = known ? charter->node : s_draw (self);
    self->boots = known ? charter->boots + 1 : 1;
    if (known && charter->cluster != 0)
        s_resume (self, recalled, effects);
    else
        s_begin (self, effects);
}

/*  Whether this process serves, but not for long yet. */
static bool s_new (const gossip_t *self)
{
    return self->phase == GOSSIP_SERVING && self->now_us - self->started_us < NEW_US;
}

void founding_twin (gossip_t *self, const hello_t *hello, effects_t *effects)
{
    char text[LIMIT_SENTENCE_BYTES];
    if (self->phase != GOSSIP_LOOKING && !s_new (self))
        return;
    snprintf (text, sizeof text,
              "another process of this node answers at %.*s: stop one of the two, or start this "
              "one with an empty folder and another node/name",
              HELLO_TEXT (hello->gossip));
    gossip_halt (self, effects, text);
}

/* ---- looking for a cluster ---- */

static void s_greet (gossip_t *self, bytes_t endpoint, effects_t *effects)
{
    if (s_is_own (self, endpoint))
        return;
    message_t *message = message_new (MESSAGE_greet);
    gossip_hello (self, &message->greet.hello);
    effects_send_endpoint (effects, endpoint, &message);
}

static void s_greet_seeds (gossip_t *self, effects_t *effects)
{
    if (self->founding.seed.size > 0)
        s_greet (self, self->founding.seed, effects);
    for (size_t i = 0; i < self->settings.seeds_count; i++)
        s_greet (self, bytes_text (self->settings.seeds[i]), effects);
    if (self->now_us - self->founding.heard_us >= LONELY_US &&
        gossip_may_complain (self, bytes_text (self->settings.gossip)))
        effects_log (effects, LEVEL_WARNING,
                     "no seed has answered yet that there is a cluster: are they started, and is "
                     "cluster/seeds right?");
    bool often = self->now_us - self->founding.since_us < GREET_FOR_US;
    self->founding.next_us = self->now_us + (often ? GREET_US : GOSSIP_SECOND_US);
}

/*  Our own row, as the member that takes us in is to enter it. */
static void s_introduce (const gossip_t *self, member_t *row)
{
    const settings_t *settings = &self->settings;
    const member_t *known =
        self->phase == GOSSIP_SERVING ? table_member (&self->table, self->node) : NULL;
    const member_t own = {
        .node = self->node,
        .name = bytes_text (settings->name),
        .client = bytes_text (settings->client),
        .peer = bytes_text (settings->peer),
        .gossip = bytes_text (settings->gossip),
        .zone = bytes_text (settings->zone),
        .weight = settings->weight,
        .state = MEMBER_JOINING,
        .version = 1,
    };
    codec_copy (&member_schema, known != NULL ? known : &own, row);
}

static void s_ask (gossip_t *self, bytes_t endpoint, effects_t *effects)
{
    message_t *message = message_new (MESSAGE_ask_join);
    gossip_hello (self, &message->ask_join.hello);
    s_introduce (self, &message->ask_join.member);
    effects_send_endpoint (effects, endpoint, &message);
}

bool founding_look (gossip_t *self, bytes_t endpoint, effects_t *effects)
{
    if (!s_new (self))
        return false;
    s_greet (self, endpoint, effects);
    return true;
}

/*  Asks who knows a cluster, or greets until somebody does. */
static void s_join (gossip_t *self, effects_t *effects)
{
    founding_t *founding = &self->founding;
    if (founding->target.size > 0 && founding->asked >= ASKS) {
        bytes_clear (&founding->target);
        founding->asked = 0;
    }
    if (founding->target.size == 0)
        s_greet_seeds (self, effects);
    else if (founding->identified) {
        s_ask (self, founding->target, effects);
        founding->asked++;
        founding->next_us = self->now_us + GOSSIP_SECOND_US;
    } else
        founding->next_us = self->now_us + GREET_US;
}

void founding_tick (gossip_t *self, effects_t *effects)
{
    founding_t *founding = &self->founding;
    if (founding_wake (self) > self->now_us)
        return;
    uint64_t spent_us = self->now_us - founding->since_us;
    if (self->phase == GOSSIP_LOOKING) {
        if (spent_us >= LOOK_US)
            gossip_serve (self);
        else
            s_greet (self, founding->former, effects);
        founding->next_us = self->now_us + GREET_US;
        return;
    }
    s_identify (self, effects);
    if (self->phase == GOSSIP_FOUNDING && spent_us >= GREET_FOR_US) {
        if (founding->identified)
            s_found (self, effects);
        else
            founding->next_us = self->now_us + GREET_US;
    } else if (self->phase == GOSSIP_FOUNDING)
        s_greet_seeds (self, effects);
    else if (s_entitled (self) && founding->seed.size == 0 &&
             self->now_us - founding->heard_us >= PATIENCE_US)
        s_seek (self, GOSSIP_FOUNDING, effects); /* whoever was before us is gone */
    else
        s_join (self, effects);
}

uint64_t founding_wake (const gossip_t *self)
{
    bool waits = self->phase == GOSSIP_LOOKING || self->phase == GOSSIP_FOUNDING ||
                 self->phase == GOSSIP_JOINING;
    return waits ? self->founding.next_us : UINT64_MAX;
}

void founding_hear (gossip_t *self, const hello_t *hello, effects_t *effects)
{
    founding_t *founding = &self->founding;
    if (self->phase != GOSSIP_FOUNDING && self->phase != GOSSIP_JOINING)
        return;
    bool lower =
        hello->founding && bytes_compare (hello->gossip, bytes_text (self->settings.gossip)) < 0;
    if (hello->cluster != 0 || lower)
        founding->heard_us = self->now_us;
    if (lower && self->phase == GOSSIP_FOUNDING) {
        self->phase = GOSSIP_JOINING;
        effects_log (effects, LEVEL_NOTICE, "%.*s (%.*s) founds the cluster",
                     HELLO_TEXT (hello->name), HELLO_TEXT (hello->gossip));
    }
    bool refused = hello->cluster == founding->cluster && self->now_us < founding->refused_us;
    if (hello->cluster == 0 || founding->target.size > 0 || refused)
        return;
    self->phase = GOSSIP_JOINING;
    founding->target = bytes_copy (hello->gossip.data, hello->gossip.size);
    founding->cluster = hello->cluster;
    founding->asked = 0;
    founding->next_us = self->now_us;
    founding_tick (self, effects);
}

/* ---- answers ---- */

void founding_refused (gossip_t *self, const refusal_t *refusal, effects_t *effects)
{
    founding_t *founding = &self->founding;
    const hello_t *hello = &refusal->hello;
    char text[LIMIT_SENTENCE_BYTES];
    if (!hello_valid (hello) || hello->node == self->node)
        return;
    if (gossip_cluster (self) != 0 && hello->cluster == gossip_cluster (self) && !refusal->final) {
        if (self->now_us < founding->refused_us)
            return;
        s_ask (self, hello->gossip, effects); /* it has not heard of us, whom others took in */
        founding->refused_us = self->now_us + GOSSIP_SECOND_US;
        return;
    }
    hello_clean (refusal->message, text);
    if (gossip_may_complain (self, hello->gossip))
        effects_log (effects, LEVEL_WARNING, "refused by %.*s (%.*s): %s", HELLO_TEXT (hello->name),
                     HELLO_TEXT (hello->gossip), text);
    if (self->phase != GOSSIP_JOINING && self->phase != GOSSIP_FOUNDING)
        return;
    admin_joined (self, STATUS_UNAVAILABLE, text, effects);
    if (founding->target.size == 0 || hello->cluster != founding->cluster)
        return;
    if (refusal->final)
        gossip_halt (self, effects, text);
    else {
        bytes_clear (&founding->target);
        founding->refused_us = self->now_us + REFUSED_US;
        if (self->settings.join_manual)
            self->phase = GOSSIP_IDLE;
    }
}

static bool s_welcome_valid (const gossip_t *self, const welcome_t *welcome)
{
    const charter_t *charter = &welcome->charter;
    const settings_t *settings = &self->settings;
    bool here = false;
    for (size_t i = 0; i < welcome->members.count; i++) {
        const member_t *row = &welcome->members.items[i];
        if (!member_valid (row))
            return false;
        here |= row->node == self->node && row->state <= MEMBER_LEAVING &&
                bytes_equal (row->name, bytes_text (settings->name));
    }
    return here && charter->cluster != 0 && charter->cluster == self->founding.cluster &&
           bytes_equal (charter->cluster_name, bytes_text (settings->cluster)) &&
           charter->partitions == settings->partitions && charter->n == settings->n &&
           charter->policy == (unsigned) settings->policy;
}

void founding_welcome (gossip_t *self, const message_t *message, effects_t *effects)
{
    const welcome_t *welcome = &message->welcome;
    if (self->phase != GOSSIP_JOINING || self->founding.target.size == 0 || self->flight != NULL ||
        !s_welcome_valid (self, welcome))
        return;
    charter_t charter = welcome->charter;
    charter.node = self->node;
    charter.node_name = bytes_text (self->settings.name);
    charter.boots = self->boots;
    table_init (&self->table, &charter);
    for (size_t i = 0; i < welcome->members.count; i++)
        table_offer_member (&self->table, &welcome->members.items[i]);
    s_renew_own (self); /* we may have moved since we were entered */
    bytes_clear (&self->founding.former);
    effects_log (effects, LEVEL_NOTICE, "joining cluster %s through %.*s", self->settings.cluster,
                 HELLO_TEXT (self->founding.target));
    gossip_serve (self);
}

/* ---- giving a cluster up ---- */

/*  Tells the other members of a cluster that they may not know. */
static void s_pass_on (const gossip_t *self, const hello_t *hello, effects_t *effects)
{
    for (size_t i = 0; i < self->sightings.count; i++) {
        uint64_t node = self->sightings.items[i].node;
        if (node == hello->node) /* it left us, and would take the news for a twin's */
            continue;
        message_t *message = message_new (MESSAGE_greeting);
        codec_copy (&hello_schema, hello, &message->greeting.hello);
        gossip_send (self, node, bytes_view (NULL, 0), &message, effects);
    }
}

void founding_dissolve (gossip_t *self, const hello_t *hello, effects_t *effects)
{
    if (self->flight != NULL || !self->surveyed)
        return;
    effects_log (
        effects, LEVEL_NOTICE,
        "%.*s (%.*s) is in another cluster of this name, and this one is empty: joining it",
        HELLO_TEXT (hello->name), HELLO_TEXT (hello->gossip));
    s_pass_on (self, hello, effects);
    bytes_clear (&self->founding.target);
    self->founding.target = bytes_copy (hello->gossip.data, hello->gossip.size);
    self->founding.cluster = hello->cluster;
    self->phase = GOSSIP_DISSOLVING;
    message_t *message = message_new (MESSAGE_enact);
    message->enact.dissolve = true;
    gossip_enact (self, &message, effects);
}

void founding_dissolved (gossip_t *self, bool dissolved, effects_t *effects)
{
    if (!dissolved) {
        self->phase = GOSSIP_SERVING;
        self->data = true;
        bytes_clear (&self->founding.target);
        return;
    }
    /* The node's id stays: the other cluster may have taken us in before we founded ours, and must know us again. */
    gossip_forget (self);
    announce_none (self, effects);
    self->founding.identified = false;
    s_seek (self, GOSSIP_JOINING, effects);
}
