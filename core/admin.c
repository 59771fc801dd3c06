/*  admin.c - see admin.h. */
#include "admin.h"

#include <stdio.h>
#include <string.h>

#include "../messages/memory.h"
#include "../messages/request.h"
#include "founding.h"
#include "hello.h"
#include "ring.h"

static void s_reply (uint64_t request, status_t status, const char *sentence, effects_t *effects)
{
    message_t *reply = message_new (MESSAGE_admin_reply);
    reply->admin_reply.request = request;
    reply->admin_reply.status = (uint8_t) status;
    reply->admin_reply.message = bytes_copy (sentence, strlen (sentence));
    effects_send_here (effects, ROLE_COORDINATOR, &reply);
}

void admin_joined (gossip_t *self, status_t status, const char *sentence, effects_t *effects)
{
    if (self->wish)
        s_reply (self->wish_request, status, sentence, effects);
    self->wish = false;
}

static void s_join (gossip_t *self, const admin_t *admin, effects_t *effects)
{
    if (self->phase == GOSSIP_SERVING || self->phase == GOSSIP_DISSOLVING) {
        bool done = self->wished_join && gossip_cluster (self) != 0;
        s_reply (admin->request, done ? STATUS_OK : STATUS_BAD_REQUEST,
                 done ? "" : "this node is a member of the cluster already", effects);
        return;
    }
    if (admin->seed.size == 0 && self->settings.seeds_count == 0) {
        s_reply (admin->request, STATUS_BAD_REQUEST,
                 "cluster/seeds is empty: name the gossip endpoint of a member in `seed`", effects);
        return;
    }
    if (bytes_equal (admin->seed, bytes_text (self->settings.gossip))) {
        s_reply (admin->request, STATUS_BAD_REQUEST, "a node cannot join through itself", effects);
        return;
    }
    if (self->phase == GOSSIP_RECALLING || self->phase == GOSSIP_LOOKING) {
        s_reply (admin->request, STATUS_UNAVAILABLE, "the node is starting; try again", effects);
        return;
    }
    admin_joined (self, STATUS_UNAVAILABLE, "another `join` took the place of this one", effects);
    self->wish = self->wished_join = true;
    self->wish_request = admin->request;
    founding_seek (self, admin->seed, effects);
}

static size_t s_members (const gossip_t *self)
{
    size_t count = 0;
    for (size_t i = 0; i < self->table.members_count; i++)
        count += table_active (&self->table, self->table.members[i].now.node);
    return count;
}

static void s_leave (gossip_t *self, const admin_t *admin, effects_t *effects)
{
    const char *why = "this version cannot move slots yet, so no member can leave";
    if (gossip_cluster (self) == 0 || !table_active (&self->table, self->node))
        why = "this node is not a member";
    else if (s_members (self) == 1)
        why = "the last member cannot leave: stop the node instead";
    s_reply (admin->request, STATUS_BAD_REQUEST, why, effects);
}

static const member_t *s_named (const gossip_t *self, bytes_t name)
{
    for (size_t i = 0; i < self->table.members_count; i++) {
        const member_t *row = &self->table.members[i].now;
        if (row->node != 0 && row->state <= MEMBER_LEAVING && bytes_equal (row->name, name))
            return row;
    }
    return NULL;
}

static void s_remove (gossip_t *self, const admin_t *admin, effects_t *effects)
{
    char why[LIMIT_SENTENCE_BYTES];
    char name[LIMIT_SENTENCE_BYTES];
    const member_t *member = gossip_cluster (self) != 0 ? s_named (self, admin->node) : NULL;
    hello_clean (admin->node, name);
    if (gossip_cluster (self) == 0)
        snprintf (why, sizeof why, "this node is not a member");
    else if (member == NULL)
        snprintf (why, sizeof why, "there is no member named %.255s", name);
    else if (member->node == self->node)
        snprintf (why, sizeof why, "a node cannot remove itself: use leave");
    else if (sightings_reachable (&self->sightings, member->node))
        snprintf (why, sizeof why, "%.255s answers: stop it first, or use leave on it", name);
    else
        snprintf (why, sizeof why,
                  "this version cannot move slots yet, so no member can be removed: start %.255s "
                  "again with its own folder",
                  name);
    s_reply (admin->request, STATUS_BAD_REQUEST, why, effects);
}

void admin_take (gossip_t *self, const message_t *message, effects_t *effects)
{
    const admin_t *admin = &message->admin;
    if (admin->op == OP_JOIN)
        s_join (self, admin, effects);
    else if (admin->op == OP_LEAVE)
        s_leave (self, admin, effects);
    else if (admin->op == OP_REMOVE)
        s_remove (self, admin, effects);
    else
        s_reply (admin->request, STATUS_BAD_REQUEST, "gossip knows no such wish", effects);
}
