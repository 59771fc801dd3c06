/*  admission.c - see admission.h. */
#include "admission.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"
#include "exchange.h"
#include "founding.h"
#include "hello.h"
#include "ring.h"

#define SUIT_US 1500000u /* who asks again after longer may be another process */
#define WELCOME_MEMBERS \
    1024u /* rows in one: within LIMIT_GOSSIP_FRAME_BYTES; a digest brings the rest */

static void s_send_refusal (const gossip_t *self, const hello_t *hello, bool final, const char *why,
                            effects_t *effects)
{
    message_t *message = message_new (MESSAGE_refusal);
    gossip_hello (self, &message->refusal.hello);
    message->refusal.message = bytes_copy (why, strlen (why));
    message->refusal.final = final;
    effects_send_endpoint (effects, hello->gossip, &message);
}

/*  Tells it why, and our own log at times. */
static void s_refuse (gossip_t *self, const hello_t *hello, bool final, const char *why,
                      effects_t *effects)
{
    if (gossip_may_complain (self, hello->gossip))
        effects_log (effects, LEVEL_WARNING, "refused %.*s (%.*s): %s", HELLO_TEXT (hello->name),
                     HELLO_TEXT (hello->gossip), why);
    s_send_refusal (self, hello, final, why, effects);
}

static void s_answer (gossip_t *self, const hello_t *hello, effects_t *effects)
{
    message_t *message = message_new (MESSAGE_greeting);
    gossip_hello (self, &message->greeting.hello);
    effects_send_endpoint (effects, hello->gossip, &message);
}

/* ---- greetings ---- */

typedef enum { MEET_FRIEND, MEET_YIELD, MEET_RIVAL } meet_t;

/*  What to do about a node of another cluster of our name: an empty one gives way to one with data, of two empty ones that
 *  with the larger id does. */
static meet_t s_meet (const gossip_t *self, const hello_t *hello)
{
    uint64_t cluster = gossip_cluster (self);
    if (cluster == 0 || hello->cluster == 0 || hello->cluster == cluster)
        return MEET_FRIEND;
    if (gossip_data (self))
        return hello->data ? MEET_RIVAL : MEET_FRIEND;
    return hello->data || cluster > hello->cluster ? MEET_YIELD : MEET_FRIEND;
}

static const char s_rivals[] =
    "there are two clusters of this name, and both hold data: stop one of them, export its keys "
    "and import them into the other";

static bool s_hears (const gossip_t *self, const hello_t *hello)
{
    return self->node != 0 && self->phase != GOSSIP_DISSOLVING && hello_valid (hello);
}

void admission_greet (gossip_t *self, const hello_t *hello, uint64_t nonce, effects_t *effects)
{
    char why[LIMIT_SENTENCE_BYTES];
    if (!s_hears (self, hello))
        return;
    if (hello->node == self->node) {
        if (nonce != self->nonce && gossip_cluster (self) != 0)
            s_answer (self, hello, effects);
    } else if (hello_differs (&self->settings, hello, why))
        s_refuse (self, hello, false, why, effects);
    else if (s_meet (self, hello) == MEET_RIVAL)
        s_refuse (self, hello, false, s_rivals, effects);
    else if (s_meet (self, hello) == MEET_YIELD)
        founding_dissolve (self, hello, effects);
    else {
        founding_hear (self, hello, effects);
        s_answer (self, hello, effects);
    }
}

void admission_greeting (gossip_t *self, const message_t *message, effects_t *effects)
{
    const hello_t *hello = &message->greeting.hello;
    char why[LIMIT_SENTENCE_BYTES];
    if (!s_hears (self, hello))
        return;
    if (hello->node == self->node) {
        if (message->origin.nonce != self->nonce)
            founding_twin (self, hello, effects);
    } else if (hello_differs (&self->settings, hello, why)) {
        if (gossip_may_complain (self, hello->gossip))
            effects_log (effects, LEVEL_WARNING, "%s", why);
    } else if (s_meet (self, hello) == MEET_YIELD)
        founding_dissolve (self, hello, effects);
    else if (s_meet (self, hello) == MEET_FRIEND) {
        founding_hear (self, hello, effects);
        if (hello->cluster != 0 && hello->cluster == gossip_cluster (self))
            exchange_digest (self, hello->node, hello->gossip, false, effects); /* it moved? */
    } else if (gossip_may_complain (self, hello->gossip))
        effects_log (effects, LEVEL_WARNING, "%.*s (%.*s): %s", HELLO_TEXT (hello->name),
                     HELLO_TEXT (hello->gossip), s_rivals);
}

void admission_unknown (const gossip_t *self, const hello_t *hello, effects_t *effects)
{
    s_send_refusal (self, hello, false, "this node's table has no such member: introduce yourself",
                    effects);
}

/* ---- joining ---- */

void admission_ask (gossip_t *self, const message_t *message, effects_t *effects)
{
    const ask_join_t *ask = &message->ask_join;
    if (gossip_cluster (self) == 0 || self->phase != GOSSIP_SERVING || !hello_valid (&ask->hello) ||
        self->applicants_count == GOSSIP_APPLICANTS)
        return;
    self->applicants[self->applicants_count++] = message_copy (message);
    gossip_survey (self, effects);
}

/*  The member of that name, other than `node`, that has not left; NULL when there is none. */
static const member_t *s_namesake (const gossip_t *self, bytes_t name, uint64_t node)
{
    for (size_t i = 0; i < self->table.members_count; i++) {
        const member_t *row = &self->table.members[i].newest;
        if (row->node != node && row->state <= MEMBER_LEAVING && bytes_equal (row->name, name))
            return row;
    }
    return NULL;
}

/*  Since when the node asks, again and again, for a name that is taken. */
static uint64_t s_suitor_since (gossip_t *self, uint64_t node)
{
    suitor_t *suitor = NULL;
    for (size_t i = 0; i < GOSSIP_APPLICANTS && suitor == NULL; i++)
        if (self->suitors[i].node == node)
            suitor = &self->suitors[i];
    if (suitor == NULL) {
        suitor = &self->suitors[self->suitors_count++ % GOSSIP_APPLICANTS];
        *suitor = (suitor_t){.node = node};
    }
    if (self->now_us - suitor->asked_us > SUIT_US)
        suitor->since_us = self->now_us;
    suitor->asked_us = self->now_us;
    return suitor->since_us;
}

/*  Refuses a name that is taken: for good when its bearer answers. What answered before somebody asked may have been the
 *  asker itself, before its folder was wiped, so it has to answer once more. */
static void s_refuse_name (gossip_t *self, const hello_t *hello, const member_t *taken,
                           effects_t *effects)
{
    char why[LIMIT_SENTENCE_BYTES];
    const sighting_t *bearer = sightings_find (&self->sightings, taken->node);
    uint64_t since_us = s_suitor_since (self, hello->node);
    bool alive = taken->node == self->node || (bearer != NULL && bearer->reachable);
    if (alive && bearer != NULL && bearer->since_us <= since_us)
        return; /* the next time it asks we know */
    if (alive)
        snprintf (why, sizeof why, "a member named %.*s answers at %.*s: choose another node/name",
                  HELLO_TEXT (taken->name), HELLO_TEXT (taken->gossip));
    else
        snprintf (why, sizeof why,
                  "a member named %.*s, at %.*s, does not answer: start it again with its own "
                  "folder, remove it first, or choose another node/name",
                  HELLO_TEXT (taken->name), HELLO_TEXT (taken->gossip));
    s_refuse (self, hello, alive, why, effects);
}

/*  Whether who asks says the same thing twice, and nothing that no row may have. */
static bool s_ask_valid (const ask_join_t *ask)
{
    return member_valid (&ask->member) && ask->member.node == ask->hello.node &&
           bytes_equal (ask->member.name, ask->hello.name) &&
           bytes_equal (ask->member.gossip, ask->hello.gossip);
}

static uint64_t s_newest_joined (const gossip_t *self)
{
    uint64_t joined = 0;
    for (size_t i = 0; i < self->table.members_count; i++)
        if (self->table.members[i].newest.joined > joined)
            joined = self->table.members[i].newest.joined;
    return joined;
}

static void s_welcome (gossip_t *self, const member_t *guest, bytes_t endpoint, effects_t *effects)
{
    message_t *message = message_new (MESSAGE_welcome);
    welcome_t *welcome = &message->welcome;
    gossip_hello (self, &welcome->hello);
    codec_copy (&charter_schema, &self->table.charter, &welcome->charter);
    welcome->members.items = memory_new (WELCOME_MEMBERS, sizeof (member_t));
    codec_copy (&member_schema, guest, &welcome->members.items[welcome->members.count++]);
    for (size_t i = 0; i < self->table.members_count; i++) {
        const member_t *row = &self->table.members[i].now;
        if (row->node != 0 && row->node != guest->node && welcome->members.count < WELCOME_MEMBERS)
            codec_copy (&member_schema, row, &welcome->members.items[welcome->members.count++]);
    }
    effects_send_endpoint (effects, endpoint, &message);
}

/*  Somebody whom the table knows asks again, or asks here because others took it in. */
static void s_known (gossip_t *self, const ask_join_t *ask, const member_t *row, effects_t *effects)
{
    if (row->state >= MEMBER_LEFT)
        s_refuse (self, &ask->hello, true,
                  "this node was taken out of the cluster for good: start it with an empty folder",
                  effects);
    else if (!bytes_equal (row->name, ask->hello.name))
        s_refuse (self, &ask->hello, true, "this node's id has another name in the cluster",
                  effects);
    else if (ask->hello.cluster == 0)
        s_welcome (self, row, ask->hello.gossip, effects); /* it may have moved since */
}

static void s_enter (gossip_t *self, const ask_join_t *ask, bool fellow)
{
    member_t row = ask->member;
    row.left = 0;
    if (!fellow) {
        row.state = MEMBER_JOINING;
        row.version = 1;
        row.joined = s_newest_joined (self) + 1;
    }
    if (table_offer_member (&self->table, &row) && self->guests_count < GOSSIP_APPLICANTS)
        self->guests[self->guests_count++] = row.node;
}

static void s_decide (gossip_t *self, const ask_join_t *ask, effects_t *effects)
{
    char why[LIMIT_SENTENCE_BYTES];
    bool fellow = ask->hello.cluster == gossip_cluster (self); /* taken in by another of us */
    if (!s_ask_valid (ask) || ask->hello.node == self->node || (ask->hello.cluster != 0 && !fellow))
        return;
    if (hello_differs (&self->settings, &ask->hello, why)) {
        s_refuse (self, &ask->hello, false, why, effects);
        return;
    }
    const member_t *row = table_member (&self->table, ask->hello.node);
    if (row == NULL && table_find (&self->table, ask->hello.node) != NULL)
        return; /* it will be welcomed when its row is on disk */
    const member_t *taken = s_namesake (self, ask->hello.name, ask->hello.node);
    if (row != NULL)
        s_known (self, ask, row, effects);
    else if (taken != NULL)
        s_refuse_name (self, &ask->hello, taken, effects);
    else if (gossip_data (self) && !fellow)
        s_refuse (self, &ask->hello, false,
                  "the cluster holds data, and slots with data cannot move yet in this version: "
                  "start all nodes before the first write, or export, start anew and import",
                  effects);
    else if (self->table.members_count < LIMIT_MEMBERS_COUNT)
        s_enter (self, ask, fellow);
}

void admission_decide (gossip_t *self, effects_t *effects)
{
    for (size_t i = 0; i < self->applicants_count; i++) {
        if (gossip_cluster (self) != 0)
            s_decide (self, &self->applicants[i]->ask_join, effects);
        message_destroy (&self->applicants[i]);
    }
    self->applicants_count = 0;
}

void admission_welcome (gossip_t *self, effects_t *effects)
{
    size_t left = 0;
    for (size_t i = 0; i < self->guests_count; i++) {
        const member_t *row = table_member (&self->table, self->guests[i]);
        if (row == NULL)
            self->guests[left++] = self->guests[i];
        else if (row->state == MEMBER_JOINING)
            s_welcome (self, row, row->gossip, effects);
    }
    self->guests_count = left;
}
