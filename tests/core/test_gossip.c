/*  test_gossip.c - a cluster of one: founded in an empty folder, resumed in its own, and refused, with a sentence, where
 *  folder and configuration disagree. Whatever is lost on the way is asked again. What operators wish of the membership.
 */
#include "drive.h"

#include "core/gossip.h"

#define RETRY_US 1000000u /* "again each second" */

static const role_id_t s_listeners[] = {ROLE_COORDINATOR, ROLE_REPLICA, ROLE_HANDOFF,
                                        ROLE_ANTIENTROPY};

static void s_start (drive_t *drive, const settings_t *settings, uint64_t seed)
{
    drive_open (drive, &gossip_role, settings, NULL, seed);
    drive_kind (drive, EVENT_START);
    cr_assert_eq (drive->effects.count, 1);
    effect_t *effect = drive_sent (drive, MESSAGE_recall, 0);
    cr_assert_not_null (effect);
    cr_assert_eq (effect->to.node, 0);
    cr_assert_eq (effect->to.role, ROLE_REPLICA);
    cr_assert_eq (drive->effects.wake_us, drive->now_us + RETRY_US);
}

/*  The table that is to be persisted; its message is the caller's. */
static message_t *s_enacted (drive_t *drive)
{
    effect_t *effect = drive_sent (drive, MESSAGE_enact, 0);
    cr_assert_not_null (effect);
    cr_assert_eq (effect->to.role, ROLE_REPLICA);
    cr_assert_eq (drive_sent_count (drive, MESSAGE_snapshot), 0, "rows are on disk before");
    return message_copy (effect->message);
}

static void s_persisted (drive_t *drive, uint64_t request)
{
    message_t *reply = message_new (MESSAGE_enact_reply);
    reply->enact_reply.request = request;
    drive_message (drive, 0, ROLE_REPLICA, reply);
}

static void s_seen (drive_t *drive, role_id_t role, uint64_t version)
{
    message_t *seen = message_new (MESSAGE_seen);
    seen->seen.sequence = version;
    drive_message (drive, 0, role, seen);
}

/*  Whether the step told exactly these of the listeners (a bit each), and no other role. */
static void s_told (drive_t *drive, unsigned who)
{
    unsigned told = 0;
    for (size_t i = 0; i < drive_sent_count (drive, MESSAGE_snapshot); i++) {
        effect_t *effect = drive_sent (drive, MESSAGE_snapshot, i);
        cr_assert_eq (effect->to.node, 0);
        cr_assert_not (told >> effect->to.role & 1, "told twice");
        told |= 1u << effect->to.role;
    }
    cr_assert_eq (told, who, "told %x, not %x", told, who);
}

static unsigned s_all (void)
{
    unsigned who = 0;
    for (size_t i = 0; i < 4; i++)
        who |= 1u << s_listeners[i];
    return who;
}

/*  What a folder remembers that was founded with these settings: the recall_reply of it. */
static message_t *s_folder (const settings_t *settings)
{
    drive_t drive;
    s_start (&drive, settings, 7);
    drive_message (&drive, 0, ROLE_REPLICA, message_new (MESSAGE_recall_reply));
    message_t *enact = s_enacted (&drive);
    message_t *reply = message_new (MESSAGE_recall_reply);
    codec_copy (&charter_schema, &enact->enact.charter, &reply->recall_reply.charter);
    reply->recall_reply.members = enact->enact.members;
    reply->recall_reply.slots = enact->enact.slots;
    enact->enact.members = (member_list_t){0};
    enact->enact.slots = (slot_list_t){0};
    message_destroy (&enact);
    drive_close (&drive);
    return reply;
}

Test (gossip, an_empty_folder_founds_once)
{
    settings_t settings = drive_settings (16, 3, 2, 2);
    drive_t drive;
    s_start (&drive, &settings, 1);
    drive_message (&drive, 0, ROLE_REPLICA, message_new (MESSAGE_recall_reply));
    cr_assert_eq (drive_count (&drive, EFFECT_LOG), 1);
    cr_assert_not_null (strstr (drive_effect (&drive, EFFECT_LOG)->text, "founding"));
    message_t *enact = s_enacted (&drive);
    const charter_t *charter = &enact->enact.charter;
    cr_assert_neq (charter->cluster, 0);
    cr_assert_neq (charter->node, 0);
    cr_assert (bytes_equal (charter->cluster_name, bytes_text ("demo")));
    cr_assert (bytes_equal (charter->node_name, bytes_text ("node1")));
    cr_assert_eq (charter->partitions, 16);
    cr_assert_eq (charter->n, 3);
    cr_assert_eq (charter->boots, 1);
    cr_assert_eq (enact->enact.members.count, 1);
    cr_assert_eq (enact->enact.members.items[0].node, charter->node);
    cr_assert_eq (enact->enact.slots.count, 16);

    /* A second answer of the replica founds nothing again. */
    drive_message (&drive, 0, ROLE_REPLICA, message_new (MESSAGE_recall_reply));
    cr_assert_eq (drive.effects.count, 0);
    s_persisted (&drive, enact->enact.request + 1);
    cr_assert_eq (drive.effects.count, 0, "an answer to something else");
    s_persisted (&drive, enact->enact.request);
    s_told (&drive, s_all ());
    const snapshot_t *snapshot = &drive_sent (&drive, MESSAGE_snapshot, 0)->message->snapshot;
    cr_assert (codec_equal (&charter_schema, &snapshot->charter, charter));
    cr_assert_eq (snapshot->version, ring_sum (snapshot));
    ring_t *ring = ring_new (snapshot);
    cr_assert_not_null (ring);
    cr_assert_eq (drive_load (ring, charter->node), 16);
    ring_destroy (&ring);
    message_destroy (&enact);
    drive_close (&drive);
}

Test (gossip, ids_are_the_seeds)
{
    settings_t settings = drive_settings (1, 1, 1, 1);
    uint64_t nodes[2], clusters[2];
    for (unsigned i = 0; i < 2; i++) {
        drive_t drive;
        s_start (&drive, &settings, 100 + i);
        drive_message (&drive, 0, ROLE_REPLICA, message_new (MESSAGE_recall_reply));
        message_t *enact = s_enacted (&drive);
        nodes[i] = enact->enact.charter.node;
        clusters[i] = enact->enact.charter.cluster;
        cr_assert_neq (nodes[i], clusters[i]);
        message_destroy (&enact);
        drive_close (&drive);
    }
    cr_assert_neq (nodes[0], nodes[1]);
    cr_assert_neq (clusters[0], clusters[1]);
}

Test (gossip, a_folder_of_its_own_is_resumed)
{
    settings_t settings = drive_settings (16, 3, 2, 2);
    message_t *folder = s_folder (&settings);
    const recall_reply_t *stored = &folder->recall_reply;
    uint64_t version = stored->members.items[0].version;
    drive_t drive;
    s_start (&drive, &settings, 2);
    drive_message (&drive, 0, ROLE_REPLICA, message_copy (folder));
    message_t *enact = s_enacted (&drive);
    cr_assert_eq (enact->enact.charter.node, stored->charter.node);
    cr_assert_eq (enact->enact.charter.cluster, stored->charter.cluster);
    cr_assert_eq (enact->enact.charter.boots, 2, "each start counts");
    cr_assert_eq (enact->enact.members.items[0].version, version, "nothing changed about us");
    s_persisted (&drive, enact->enact.request);
    s_told (&drive, s_all ());
    const snapshot_t *snapshot = &drive_sent (&drive, MESSAGE_snapshot, 0)->message->snapshot;
    cr_assert_eq (snapshot->slots.count, 16);
    cr_assert (codec_equal (&slot_schema, &snapshot->slots.items[15], &stored->slots.items[15]));
    cr_assert (snapshot->members.items[0].reachable);
    message_destroy (&enact);
    drive_close (&drive);
    message_destroy (&folder);
}

Test (gossip, what_the_configuration_changed_about_us_is_a_new_version)
{
    for (int change = 0; change < 5; change++) {
        settings_t settings = drive_settings (4, 1, 1, 1);
        message_t *folder = s_folder (&settings);
        uint64_t version = folder->recall_reply.members.items[0].version;
        char *const texts[] = {settings.client, settings.peer, settings.gossip, settings.zone};
        if (change < 4)
            memcpy (texts[change], "elsewhere", sizeof "elsewhere");
        else
            settings.weight = 2;
        drive_t drive;
        s_start (&drive, &settings, 2);
        drive_message (&drive, 0, ROLE_REPLICA, folder);
        if (change == 2) { /* another process may live where this one did */
            effect_t *greet = drive_sent (&drive, MESSAGE_greet, 0);
            cr_assert (bytes_equal (greet->endpoint, bytes_text ("tcp://127.0.0.1:3")));
            for (int i = 0; i < 4; i++) {
                cr_assert_eq (drive_sent_count (&drive, MESSAGE_enact), 0);
                drive_tick (&drive, RETRY_US / 4);
            }
        }
        message_t *enact = s_enacted (&drive);
        const member_t *own = &enact->enact.members.items[0];
        cr_assert_eq (own->version, version + 1, "change %d", change);
        const bytes_t fields[] = {own->client, own->peer, own->gossip, own->zone};
        if (change < 4)
            cr_assert (bytes_equal (fields[change], bytes_text ("elsewhere")));
        else
            cr_assert (own->weight > 1.5);
        message_destroy (&enact);
        drive_close (&drive);
    }
}

/*  What the sentence must name: the folder's and the configuration's. */
typedef struct {
    const char *stored;
    const char *configured;
} disagreement_t;

static disagreement_t s_disagree (int which, settings_t *settings)
{
    switch (which) {
    case 0: memcpy (settings->name, "other", 6); return (disagreement_t){"node1", "other"};
    case 1: memcpy (settings->cluster, "shop", 5); return (disagreement_t){"demo", "shop"};
    case 2: settings->partitions = 64; return (disagreement_t){"16", "64"};
    case 3: settings->n = 2; return (disagreement_t){"3", "2"};
    default: settings->policy = POLICY_LAST_WRITE_WINS; return (disagreement_t){"policy", "1"};
    }
}

Test (gossip, each_disagreement_halts_with_a_sentence)
{
    for (int which = 0; which < 5; which++) {
        settings_t settings = drive_settings (16, 3, 2, 2);
        message_t *folder = s_folder (&settings);
        disagreement_t named = s_disagree (which, &settings);
        drive_t drive;
        s_start (&drive, &settings, 2);
        drive_message (&drive, 0, ROLE_REPLICA, folder);
        cr_assert_eq (drive.effects.count, 1, "disagreement %d", which);
        effect_t *halt = drive_effect (&drive, EFFECT_HALT);
        cr_assert_not_null (halt);
        cr_assert_not_null (strstr (halt->text, named.stored), "%s", halt->text);
        cr_assert_not_null (strstr (halt->text, named.configured), "%s", halt->text);
        cr_assert_not_null (strstr (halt->text, "empty folder"), "what to do: %s", halt->text);
        cr_assert_eq (drive.effects.wake_us, UINT64_MAX);
        drive_tick (&drive, 2 * RETRY_US);
        cr_assert_eq (drive.effects.count, 0, "and nothing more");
        drive_close (&drive);
    }
}

Test (gossip, what_is_not_answered_is_asked_again)
{
    settings_t settings = drive_settings (4, 1, 1, 1);
    drive_t drive;
    s_start (&drive, &settings, 1);
    drive_tick (&drive, RETRY_US / 2);
    cr_assert_eq (drive.effects.count, 0, "not before its time");
    cr_assert_eq (drive.effects.wake_us, drive.now_us + RETRY_US / 2, "each step wishes anew");
    for (int i = 0; i < 3; i++) {
        drive_tick (&drive, RETRY_US);
        cr_assert_eq (drive.effects.count, 1);
        cr_assert_eq (drive_sent_count (&drive, MESSAGE_recall), 1);
    }
    drive_message (&drive, 0, ROLE_REPLICA, message_new (MESSAGE_recall_reply));
    message_t *first = s_enacted (&drive);
    drive_tick (&drive, RETRY_US);
    message_t *second = s_enacted (&drive);
    cr_assert (codec_equal (&enact_schema, &first->enact, &second->enact));
    s_persisted (&drive, first->enact.request);
    s_told (&drive, s_all ());
    s_persisted (&drive, first->enact.request);
    cr_assert_eq (drive.effects.count, 0, "the answer to the second try");
    drive_tick (&drive, RETRY_US);
    s_told (&drive, s_all ());
    message_destroy (&first);
    message_destroy (&second);
    drive_close (&drive);
}

Test (gossip, the_ring_is_told_until_all_have_seen_it)
{
    settings_t settings = drive_settings (4, 1, 1, 1);
    drive_t drive;
    s_start (&drive, &settings, 1);
    drive_message (&drive, 0, ROLE_REPLICA, message_new (MESSAGE_recall_reply));
    message_t *enact = s_enacted (&drive);
    s_persisted (&drive, enact->enact.request);
    uint64_t sequence = drive_sent (&drive, MESSAGE_snapshot, 0)->message->snapshot.sequence;
    unsigned left = s_all ();
    for (size_t i = 0; i < 4; i++) {
        s_seen (&drive, s_listeners[i], sequence + 1);
        drive_tick (&drive, RETRY_US);
        s_told (&drive, left); /* another one is not this one */
        s_seen (&drive, s_listeners[i], sequence);
        cr_assert_eq (drive.effects.count, 0);
        left &= ~(1u << s_listeners[i]);
        drive_tick (&drive, RETRY_US);
        s_told (&drive, left);
    }
    cr_assert_eq (drive.effects.wake_us, drive.now_us + RETRY_US, "then it looks once a second");
    message_destroy (&enact);
    drive_close (&drive);
}

Test (gossip, a_member_that_follows_says_so)
{
    /* Anti-entropy does nothing yet but this. */
    settings_t settings = drive_settings (4, 1, 1, 1);
    drive_t drive;
    drive_open (&drive, &antientropy_role, &settings, NULL, 1);
    drive_kind (&drive, EVENT_START);
    drive_kind (&drive, EVENT_TICK);
    cr_assert_eq (drive.effects.count, 0);
    for (uint64_t round = 1; round < 3; round++) {
        message_t *snapshot = drive_snapshot (&settings, 1);
        snapshot->snapshot.sequence = round;
        drive_message (&drive, 0, ROLE_GOSSIP, snapshot);
        cr_assert_eq (drive.effects.count, 1);
        effect_t *seen = drive_sent (&drive, MESSAGE_seen, 0);
        cr_assert_eq (seen->to.role, ROLE_GOSSIP);
        cr_assert_eq (seen->message->seen.sequence, round);
    }
    drive_close (&drive);
}

/*  The reply to an operator's wish. */
static const admin_reply_t *s_wish (drive_t *drive, op_t op, const char *node)
{
    message_t *admin = message_new (MESSAGE_admin);
    admin->admin.request = 77;
    admin->admin.op = (uint8_t) op;
    admin->admin.node = bytes_copy (node, strlen (node));
    drive_message (drive, 0, ROLE_COORDINATOR, admin);
    effect_t *reply = drive_sent (drive, MESSAGE_admin_reply, 0);
    cr_assert_not_null (reply);
    cr_assert_eq (reply->to.role, ROLE_COORDINATOR);
    cr_assert_eq (reply->message->admin_reply.request, 77);
    cr_assert_eq (reply->message->admin_reply.status, STATUS_BAD_REQUEST);
    return &reply->message->admin_reply;
}

static bool s_says (const admin_reply_t *reply, const char *what)
{
    char text[LIMIT_SENTENCE_BYTES + 1] = "";
    memcpy (text, reply->message.data, reply->message.size);
    return strstr (text, what) != NULL;
}

Test (gossip, wishes_that_do_not_fit_are_told_why)
{
    settings_t settings = drive_settings (4, 1, 1, 1);
    drive_t drive;
    s_start (&drive, &settings, 1);
    cr_assert (s_says (s_wish (&drive, OP_LEAVE, ""), "not a member"));
    cr_assert (s_says (s_wish (&drive, OP_REMOVE, "node1"), "not a member"));
    drive_message (&drive, 0, ROLE_REPLICA, message_new (MESSAGE_recall_reply));
    message_t *enact = s_enacted (&drive);
    s_persisted (&drive, enact->enact.request);
    cr_assert (s_says (s_wish (&drive, OP_JOIN, ""), "already"));
    cr_assert (s_says (s_wish (&drive, OP_LEAVE, ""), "last member"));
    cr_assert (s_says (s_wish (&drive, OP_REMOVE, "node1"), "itself"));
    cr_assert (s_says (s_wish (&drive, OP_REMOVE, "nobody"), "no member named nobody"));
    message_destroy (&enact);
    drive_close (&drive);
}
