/*  test_membership.c - a cluster that is there: it restarts, loses sight of members, finds them again, agrees on its rows,
 *  and takes nothing from strangers.
 */
#include <math.h>

#include "mesh.h"

static void s_cluster (mesh_t *mesh, size_t count)
{
    mesh_open (mesh, count, 16, 3);
    mesh_seed_selfishly (mesh);
    for (size_t i = 0; i < count; i++)
        mesh_start (mesh, i);
    cr_assert (mesh_settle (mesh, 0, count, 15 * SECOND));
    mesh_run (mesh, SECOND);
}

Test (membership, a_restart_keeps_the_table)
{
    mesh_t mesh;
    s_cluster (&mesh, 3);
    uint64_t version = mesh_ring (&mesh, 0)->version,
             cluster = mesh_ring (&mesh, 0)->charter.cluster;
    for (size_t i = 0; i < 3; i++)
        mesh_stop (&mesh, i);
    for (size_t i = 0; i < 3; i++)
        mesh_start (&mesh, i);
    mesh_run (&mesh, SECOND);
    cr_assert (mesh_settled (&mesh, 0, 3));
    cr_assert_eq (mesh_ring (&mesh, 2)->version, version);
    cr_assert_eq (mesh_ring (&mesh, 2)->charter.cluster, cluster);
    cr_assert_eq (mesh_ring (&mesh, 2)->charter.boots, 2);
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 3; k++)
            cr_assert (i == k || mesh_reaches (&mesh, i, k));
    mesh_close (&mesh);
}

Test (membership, a_member_alone_serves_what_it_knows)
{
    mesh_t mesh;
    s_cluster (&mesh, 3);
    for (size_t i = 0; i < 3; i++)
        mesh_stop (&mesh, i);
    mesh_start (&mesh, 1);
    mesh_run (&mesh, 4 * SECOND);
    cr_assert_eq (mesh_ring (&mesh, 1)->members.count, 3);
    cr_assert_eq (mesh.nodes[1].peers->peers.peers.items[0].stamp.nonce, 0, "not heard of yet");
    cr_assert_not (mesh_reaches (&mesh, 1, 0));
    mesh_close (&mesh);
}

Test (membership, a_silent_peer_is_down_after_five_seconds)
{
    mesh_t mesh;
    s_cluster (&mesh, 3);
    unsigned events = mesh.nodes[0].peer_events;
    uint64_t version = mesh_ring (&mesh, 0)->version;
    mesh_stop (&mesh, 2);
    mesh_run (&mesh, 3900 * MS);
    cr_assert (mesh_reaches (&mesh, 0, 2));
    mesh_run (&mesh, 1200 * MS);
    cr_assert_not (mesh_reaches (&mesh, 0, 2));
    cr_assert_not (mesh_reaches (&mesh, 1, 2));
    cr_assert (mesh_reaches (&mesh, 0, 1));
    cr_assert_eq (mesh.nodes[0].peer_events, events + 1);
    cr_assert_eq (mesh_ring (&mesh, 0)->version, version, "who is down is still a member");
    mesh_start (&mesh, 2);
    mesh_run (&mesh, 200 * MS);
    cr_assert (mesh_reaches (&mesh, 0, 2), "one reply brings it up");
    cr_assert_eq (mesh.nodes[0].peer_events, events + 2);
    mesh_close (&mesh);
}

static void s_accuse (mesh_t *mesh, size_t node, uint64_t whom)
{
    message_t *accuse = message_new (MESSAGE_accuse);
    accuse->accuse.node = whom;
    mesh_tell (mesh, node, ROLE_COORDINATOR, accuse);
}

Test (membership, an_accused_peer_is_down_sooner)
{
    mesh_t mesh;
    s_cluster (&mesh, 3);
    uint64_t whom = mesh_id (&mesh, 2);
    s_accuse (&mesh, 0, whom);
    mesh_run (&mesh, SECOND);
    cr_assert (mesh_reaches (&mesh, 0, 2), "it answers, so the accusation falls");
    mesh_stop (&mesh, 2);
    mesh_run (&mesh, 100 * MS);
    s_accuse (&mesh, 0, whom);
    mesh_run (&mesh, 250 * MS);
    cr_assert (mesh_reaches (&mesh, 0, 2), "not before three probes");
    mesh_run (&mesh, 200 * MS);
    cr_assert_not (mesh_reaches (&mesh, 0, 2));
    cr_assert (mesh_reaches (&mesh, 1, 2), "the other has not noticed yet");
    mesh_close (&mesh);
}

Test (membership, a_cut_in_one_direction_is_a_cut)
{
    mesh_t mesh;
    s_cluster (&mesh, 3);
    mesh.cut[0][2] = true; /* 2 still hears nothing less than before from 1 */
    mesh_run (&mesh, 6 * SECOND);
    cr_assert_not (mesh_reaches (&mesh, 0, 2));
    cr_assert_not (mesh_reaches (&mesh, 2, 0), "its probes arrive, but no answer does");
    cr_assert (mesh_reaches (&mesh, 1, 2) && mesh_reaches (&mesh, 2, 1));
    mesh.cut[0][2] = false;
    mesh_run (&mesh, 1100 * MS);
    cr_assert (mesh_reaches (&mesh, 0, 2) && mesh_reaches (&mesh, 2, 0));
    mesh_close (&mesh);
}

Test (membership, our_own_pause_accuses_nobody)
{
    mesh_t mesh;
    s_cluster (&mesh, 3);
    unsigned events = mesh.nodes[0].peer_events;
    mesh.nodes[0].wake_us += 20 * SECOND; /* it does not wake, and hears nothing meanwhile */
    mesh.cut[1][0] = mesh.cut[2][0] = true;
    uint64_t until = mesh.nodes[0].wake_us - mesh.now_us;
    mesh_run (&mesh, until - MS);
    mesh.cut[1][0] = mesh.cut[2][0] = false;
    mesh_run (&mesh, 3 * SECOND);
    cr_assert_eq (mesh.nodes[0].peer_events, events);
    cr_assert (mesh_reaches (&mesh, 0, 1) && mesh_reaches (&mesh, 0, 2));
    mesh_close (&mesh);
}

static stamp_t s_stamp (const mesh_t *mesh)
{
    return mesh->nodes[0].peers->peers.peers.items[0].stamp;
}

/*  Gives node 1 an answer to a probe, as if of the second node's process of that nonce. */
static void s_reply (mesh_t *mesh, uint64_t nonce, uint64_t sent_us)
{
    message_t *late = message_new (MESSAGE_probe_reply);
    late->from = (address_t){.node = mesh_id (mesh, 1), .role = ROLE_GOSSIP};
    late->origin = (origin_t){.cluster = mesh_ring (mesh, 0)->charter.cluster,
                              .nonce = nonce,
                              .clock_ms = mesh->now_us / 1000};
    late->probe_reply.sent_us = sent_us;
    mesh_step (mesh, &mesh->nodes[0], (event_t){.kind = EVENT_MESSAGE, .message = late});
    message_destroy (&late);
}

Test (membership, the_process_that_answered_last_is_the_present_one)
{
    mesh_t mesh;
    s_cluster (&mesh, 2);
    uint64_t before = mesh.nodes[1].nonce;
    cr_assert_eq (s_stamp (&mesh).nonce, before);
    cr_assert_geq (s_stamp (&mesh).clock_ms, mesh.now_us / 1000 - 1000);
    mesh_stop (&mesh, 1);
    mesh_start (&mesh, 1);
    mesh_run (&mesh, 1500 * MS);
    cr_assert_neq (mesh.nodes[1].nonce, before);
    cr_assert_eq (s_stamp (&mesh).nonce, mesh.nodes[1].nonce);
    /* What the one before had sent comes late, and changes nothing. */
    s_reply (&mesh, before, mesh.now_us - 900 * MS);
    mesh.cut[0][1] = true;
    mesh_run (&mesh, 1100 * MS);
    const sighting_t *peer = &((gossip_t *) mesh.nodes[0].drive.core)->sightings.items[0];
    uint64_t unanswered = peer->sent_us[(peer->sent - 1) % SIGHTING_PROBES];
    cr_assert_neq (unanswered, 0);
    mesh.cut[0][1] = false;
    mesh_run (&mesh, 1100 * MS);
    s_reply (&mesh, before, unanswered);
    peer = &((gossip_t *) mesh.nodes[0].drive.core)->sightings.items[0];
    cr_assert_eq (peer->stamp.nonce, mesh.nodes[1].nonce);
    mesh_run (&mesh, SECOND);
    cr_assert_eq (s_stamp (&mesh).nonce, mesh.nodes[1].nonce);
    cr_assert (mesh_reaches (&mesh, 0, 1));
    mesh_close (&mesh);
}

Test (membership, a_new_process_is_told_of_at_once)
{
    mesh_t mesh;
    s_cluster (&mesh, 2);
    mesh_stop (&mesh, 1);
    mesh_start (&mesh, 1); /* so soon that nobody missed it */
    const gossip_t *gossip = mesh.nodes[0].drive.core;
    while (gossip->sightings.items[0].stamp.nonce != mesh.nodes[1].nonce)
        mesh_run (&mesh, 100);
    cr_assert_eq (s_stamp (&mesh).nonce, mesh.nodes[1].nonce);
    mesh_close (&mesh);
}

Test (membership, an_answer_to_nothing_is_no_evidence)
{
    mesh_t mesh;
    s_cluster (&mesh, 2);
    mesh.cut[0][1] = true;
    mesh_run (&mesh, 6 * SECOND);
    cr_assert_not (mesh_reaches (&mesh, 0, 1));
    s_reply (&mesh, mesh.nodes[1].nonce, mesh.now_us - 123);
    s_reply (&mesh, mesh.nodes[1].nonce, 0);
    s_reply (&mesh, mesh.nodes[1].nonce, UINT64_MAX);
    mesh_run (&mesh, 1100 * MS);
    cr_assert_not (mesh_reaches (&mesh, 0, 1));
    mesh_close (&mesh);
}

Test (membership, a_changed_endpoint_is_followed)
{
    mesh_t mesh;
    s_cluster (&mesh, 3);
    mesh_stop (&mesh, 1);
    memcpy (mesh.nodes[1].settings.gossip, "tcp://elsewhere:3", 18);
    memcpy (mesh.nodes[1].settings.zone, "attic", 6);
    mesh_start (&mesh, 1);
    mesh_run (&mesh, 5 * SECOND);
    cr_assert (mesh_settled (&mesh, 0, 3));
    for (size_t i = 0; i < 3; i++) {
        const member_t *row = mesh_row (&mesh.nodes[i], mesh_id (&mesh, 1));
        cr_assert (bytes_equal (row->gossip, bytes_text ("tcp://elsewhere:3")));
        cr_assert (bytes_equal (row->zone, bytes_text ("attic")));
        cr_assert (i == 1 || mesh_reaches (&mesh, i, 1));
    }
    mesh_close (&mesh);
}

Test (membership, all_endpoints_may_change_at_once)
{
    mesh_t mesh;
    s_cluster (&mesh, 3);
    for (size_t i = 0; i < 3; i++)
        mesh_stop (&mesh, i);
    for (size_t i = 0; i < 3; i++) {
        mesh.nodes[i].settings.seeds_count = 0;
        snprintf (mesh.nodes[i].settings.gossip, LIMIT_ENDPOINT_BYTES, "tcp://m%zu:3", i + 1);
    }
    for (size_t i = 0; i < 9; i++)
        mesh_seed (&mesh, i / 3, i % 3);
    for (size_t i = 0; i < 3; i++)
        mesh_start (&mesh, i);
    mesh_run (&mesh, 60 * SECOND); /* a seed is greeted now and then */
    cr_assert (mesh_settled (&mesh, 0, 3));
    for (size_t i = 0; i < 9; i++)
        cr_assert (i / 3 == i % 3 || mesh_reaches (&mesh, i / 3, i % 3));
    mesh_close (&mesh);
}

Test (membership, rows_that_were_missed_come_with_a_digest)
{
    mesh_t mesh;
    s_cluster (&mesh, 3);
    mesh.cut[0][2] = mesh.cut[1][2] = mesh.cut[2][0] = mesh.cut[2][1] = true;
    mesh_stop (&mesh, 1);
    memcpy (mesh.nodes[1].settings.client, "tcp://new:1", 12);
    mesh_start (&mesh, 1);
    mesh_run (&mesh, 10 * SECOND);
    cr_assert_neq (mesh_ring (&mesh, 0)->version, mesh_ring (&mesh, 2)->version);
    memset (mesh.cut, 0, sizeof mesh.cut);
    mesh_run (&mesh, 10 * SECOND);
    cr_assert (mesh_settled (&mesh, 0, 3));
    mesh_close (&mesh);
}

/* ---- hostile rows ---- */

/*  Gives `rows` to node 1 as if they came from the node of that id, in that cluster. Takes them. */
static void s_throw (mesh_t *mesh, uint64_t node, uint64_t cluster, uint64_t nonce, message_t *rows)
{
    rows->from = (address_t){.node = node, .role = ROLE_GOSSIP};
    rows->origin = (origin_t){.cluster = cluster, .nonce = nonce, .clock_ms = mesh->now_us / 1000};
    mesh_step (mesh, &mesh->nodes[0], (event_t){.kind = EVENT_MESSAGE, .message = rows});
    message_destroy (&rows);
    mesh_run (mesh, 50 * MS);
}

/*  A row of the member, with a higher version. */
static message_t *s_forgery (mesh_t *mesh, size_t of)
{
    message_t *message = message_new (MESSAGE_rows);
    message->rows.members.items = memory_new (1, sizeof (member_t));
    message->rows.members.count = 1;
    member_t *row = message->rows.members.items;
    codec_copy (&member_schema, mesh_row (&mesh->nodes[0], mesh_id (mesh, of)), row);
    row->version += 5;
    bytes_clear (&row->zone);
    row->zone = bytes_copy ("forged", 6);
    return message;
}

static message_t *s_slot (slot_t change)
{
    message_t *message = message_new (MESSAGE_rows);
    message->rows.slots.items = memory_new (1, sizeof (slot_t));
    message->rows.slots.count = 1;
    message->rows.slots.items[0] = change;
    return message;
}

Test (membership, strangers_write_no_rows)
{
    mesh_t mesh;
    s_cluster (&mesh, 3);
    uint64_t version = mesh_ring (&mesh, 0)->version,
             cluster = mesh_ring (&mesh, 0)->charter.cluster;
    uint64_t fellow = mesh_id (&mesh, 1), nonce = mesh.nodes[1].nonce;
    s_throw (&mesh, 12345, cluster, 9, s_forgery (&mesh, 1));          /* no member */
    s_throw (&mesh, fellow, cluster + 1, nonce, s_forgery (&mesh, 1)); /* another cluster's */
    s_throw (&mesh, fellow, 0, nonce, s_forgery (&mesh, 1));
    cr_assert_eq (mesh_ring (&mesh, 0)->version, version);
    cr_assert (mesh_settled (&mesh, 0, 3));
    s_throw (&mesh, fellow, cluster, nonce, s_forgery (&mesh, 1));
    cr_assert_gt (mesh_ring (&mesh, 0)->version, version + 4, "a member's row does come in");
    mesh_close (&mesh);
}

Test (membership, malformed_rows_are_refused_whole)
{
    mesh_t mesh;
    s_cluster (&mesh, 3);
    uint64_t version = mesh_ring (&mesh, 0)->version,
             cluster = mesh_ring (&mesh, 0)->charter.cluster;
    uint64_t fellow = mesh_id (&mesh, 1), nonce = mesh.nodes[1].nonce;
    for (int which = 0; which < 9; which++) {
        message_t *message = s_forgery (&mesh, 2);
        member_t *row = message->rows.members.items;
        switch (which) {
        case 0: row->node = 0; break;
        case 1: bytes_clear (&row->name); break;
        case 2: row->weight = -1; break;
        case 3: row->weight = NAN; break;
        case 4: row->state = MEMBER_REMOVED + 1; break;
        case 5: row->version = UINT64_MAX; break;
        case 6: row->joined = UINT64_MAX; break;
        case 7: bytes_clear (&row->gossip); break;
        default:
            bytes_clear (&row->name);
            row->name = bytes_copy ("a\nb", 3);
            break;
        }
        s_throw (&mesh, fellow, cluster, nonce, message);
    }
    const slot_t bad[] = {
        {.partition = 16, .version = 9, .owner = fellow},
        {.partition = 1, .slot = 3, .version = 9, .owner = fellow},
        {.partition = 1, .version = 0, .owner = fellow},
        {.partition = 1, .version = UINT64_MAX, .owner = fellow},
        {.partition = 1, .version = 9, .owner = 0},
        {.partition = 1, .version = 9, .owner = 4711}, /* nobody we know */
        {.partition = 1, .version = 9, .owner = fellow, .phase = 9},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        s_throw (&mesh, fellow, cluster, nonce, s_slot (bad[i]));
    cr_assert_eq (mesh_ring (&mesh, 0)->version, version);
    cr_assert (mesh_settled (&mesh, 0, 3));
    mesh_close (&mesh);
}

Test (membership, a_row_about_us_that_we_did_not_write_does_not_stand)
{
    mesh_t mesh;
    s_cluster (&mesh, 3);
    uint64_t own = mesh_id (&mesh, 0), cluster = mesh_ring (&mesh, 0)->charter.cluster;
    uint64_t before = mesh_row (&mesh.nodes[0], own)->version;
    s_throw (&mesh, mesh_id (&mesh, 1), cluster, mesh.nodes[1].nonce, s_forgery (&mesh, 0));
    mesh_run (&mesh, SECOND);
    for (size_t i = 0; i < 3; i++) {
        const member_t *row = mesh_row (&mesh.nodes[i], own);
        cr_assert_eq (row->version, before + 6);
        cr_assert_eq (row->zone.size, 0, "it is ours again");
    }
    message_t *removal = s_forgery (&mesh, 0);
    removal->rows.members.items[0].state = MEMBER_REMOVED;
    s_throw (&mesh, mesh_id (&mesh, 1), cluster, mesh.nodes[1].nonce, removal);
    cr_assert_eq (mesh_row (&mesh.nodes[0], own)->state, MEMBER_REMOVED, "but this is for ever");
    cr_assert (mesh_said (&mesh, 0, "taken out of the cluster"));
    mesh_close (&mesh);
}

Test (membership, our_own_row_never_gets_a_version_that_nobody_takes)
{
    mesh_t mesh;
    s_cluster (&mesh, 3);
    uint64_t cluster = mesh_ring (&mesh, 0)->charter.cluster;
    message_t *message = s_forgery (&mesh, 0);
    message->rows.members.items[0].version = ((uint64_t) 1 << 62) - 1;
    s_throw (&mesh, mesh_id (&mesh, 1), cluster, mesh.nodes[1].nonce, message);
    mesh_run (&mesh, 5 * SECOND);
    for (size_t i = 1; i < 3; i++)
        cr_assert_not (mesh_said (&mesh, i, "malformed"), "%s", mesh.nodes[i].log);
    mesh_close (&mesh);
}

Test (membership, who_is_refused_again_and_again_asks_once_a_second)
{
    mesh_t mesh;
    s_cluster (&mesh, 2);
    size_t letters = mesh.letters_count;
    for (unsigned i = 0; i < 50; i++) {
        message_t *refusal = message_new (MESSAGE_refusal);
        refusal->refusal.hello = (hello_t){.cluster = mesh_ring (&mesh, 0)->charter.cluster,
                                           .node = mesh_id (&mesh, 1),
                                           .name = bytes_copy ("node2", 5),
                                           .gossip = bytes_copy ("tcp://n2:3", 10)};
        mesh_step (&mesh, &mesh.nodes[0], (event_t){.kind = EVENT_MESSAGE, .message = refusal});
        message_destroy (&refusal);
    }
    cr_assert_eq (mesh.letters_count, letters + 1);
    mesh_close (&mesh);
}

Test (membership, digests_that_do_not_fit_are_passed_over)
{
    mesh_t mesh;
    s_cluster (&mesh, 2);
    for (int which = 0; which < 3; which++) {
        message_t *message = message_new (MESSAGE_digest);
        digest_t *digest = &message->digest;
        digest->hello = (hello_t){.cluster = mesh_ring (&mesh, 0)->charter.cluster,
                                  .node = mesh_id (&mesh, 1),
                                  .name = bytes_copy ("node2", 5),
                                  .gossip = bytes_copy ("tcp://n2:3", 10)};
        digest->groups.count = which == 0 ? 64 : 16;
        digest->groups.items = memory_new (digest->groups.count, sizeof (hash_t));
        digest->hello.node += which == 1;
        digest->hello.cluster += which == 2;
        size_t letters = mesh.letters_count;
        message->from = (address_t){.node = mesh_id (&mesh, 1), .role = ROLE_GOSSIP};
        message->origin = (origin_t){.cluster = mesh_ring (&mesh, 0)->charter.cluster,
                                     .nonce = mesh.nodes[1].nonce};
        mesh_step (&mesh, &mesh.nodes[0], (event_t){.kind = EVENT_MESSAGE, .message = message});
        cr_assert_eq (mesh.letters_count, letters, "digest %d is answered", which);
        message_destroy (&message);
    }
    mesh_close (&mesh);
}

/* ---- who takes whom in ---- */

Test (membership, whoever_took_us_in_may_be_gone_before_it_tells)
{
    mesh_t mesh;
    mesh_open (&mesh, 4, 16, 3);
    mesh_seed_selfishly (&mesh);
    for (size_t i = 0; i < 3; i++)
        mesh_start (&mesh, i);
    cr_assert (mesh_settle (&mesh, 0, 3, 15 * SECOND));
    mesh.cut[0][1] = mesh.cut[0][2] = true; /* so nobody else hears of the fourth */
    mesh.nodes[3].settings.seeds_count = 2; /* itself and the first */
    mesh.cut[3][1] = mesh.cut[3][2] = true;
    mesh_start (&mesh, 3);
    mesh_run (&mesh, 2 * SECOND);
    cr_assert_not_null (mesh_ring (&mesh, 3), "%s", mesh.nodes[3].log);
    cr_assert_null (mesh_row (&mesh.nodes[1], mesh_id (&mesh, 3)));
    mesh_stop (&mesh, 0);
    memset (mesh.cut, 0, sizeof mesh.cut);
    mesh_run (&mesh, 10 * SECOND);
    cr_assert_not_null (mesh_row (&mesh.nodes[1], mesh_id (&mesh, 3)), "%s", mesh.nodes[3].log);
    mesh_start (&mesh, 0);
    cr_assert (mesh_settle (&mesh, 0, 4, 20 * SECOND));
    mesh_close (&mesh);
}

Test (membership, slots_with_data_stay_where_they_are)
{
    mesh_t mesh;
    mesh_open (&mesh, 4, 16, 3);
    mesh_seed_first (&mesh);
    for (size_t i = 0; i < 3; i++)
        mesh_start (&mesh, i);
    cr_assert (mesh_settle (&mesh, 0, 3, 15 * SECOND));
    mesh_start (&mesh, 3);
    while (mesh_ring (&mesh, 0)->members.count < 4)
        mesh_run (&mesh, MS);
    for (uint32_t p = 0; p < 16; p += 2) /* written in the moment of the join */
        for (size_t i = 0; i < 3; i++)
            mesh_fill (&mesh, i, p);
    cr_assert (mesh_settle (&mesh, 0, 4, 15 * SECOND));
    const snapshot_t *ring = mesh_ring (&mesh, 3);
    cr_assert_eq (ring->slots.count, 48);
    for (size_t i = 0; i < ring->slots.count; i++)
        cr_assert (ring->slots.items[i].partition % 2 == 1 ||
                   ring->slots.items[i].owner != mesh_id (&mesh, 3));
    mesh_close (&mesh);
}
