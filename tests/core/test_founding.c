/*  test_founding.c - how nodes find each other: in any order, with any first seed, and refused where they must be. */
#include "mesh.h"

#include "messages/request.h"

Test (founding, three_nodes_in_any_order)
{
    static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    static const uint64_t gaps_us[] = {0, 700 * MS, 4 * SECOND};
    for (size_t order = 0; order < 6; order++)
        for (size_t gap = 0; gap < 3; gap++) {
            mesh_t mesh;
            mesh_open (&mesh, 3, 16, 3);
            mesh_seed_first (&mesh);
            for (size_t i = 0; i < 3; i++) {
                mesh_start (&mesh, orders[order][i]);
                mesh_run (&mesh, gaps_us[gap]);
            }
            cr_assert (mesh_settle (&mesh, 0, 3, 10 * SECOND), "order %zu, gap %zu", order, gap);
            cr_assert_eq (mesh_ring (&mesh, 0)->slots.count, 48);
            cr_assert_gt (mesh.nodes[0].unsettled, 0, "while slots were vacant");
            for (size_t i = 0; i < 3; i++)
                cr_assert_eq (mesh_load (&mesh, 0, i), 16);
            mesh_close (&mesh);
        }
}

Test (founding, all_list_themselves_first)
{
    mesh_t mesh;
    mesh_open (&mesh, 5, 64, 3);
    mesh_seed_selfishly (&mesh);
    for (size_t i = 5; i > 0; i--) {
        mesh_start (&mesh, i - 1);
        mesh_run (&mesh, 100 * MS);
    }
    cr_assert (mesh_settle (&mesh, 0, 5, 15 * SECOND));
    mesh_run (&mesh, 100 * MS); /* the last probes are on their way */
    cr_assert (mesh_said (&mesh, 0, "founding"), "the lowest endpoint founds");
    for (size_t i = 1; i < 5; i++)
        cr_assert_not (mesh_said (&mesh, i, "founding cluster"), "node%zu too", i + 1);
    for (size_t i = 0; i < 5; i++) {
        cr_assert_geq (mesh_load (&mesh, 1, i), 38, "even: %zu", mesh_load (&mesh, 1, i));
        cr_assert_leq (mesh_load (&mesh, 1, i), 39);
        for (size_t k = 0; k < 5; k++)
            cr_assert (i == k || mesh_reaches (&mesh, i, k));
    }
    mesh_close (&mesh);
}

Test (founding, a_founder_that_goes_away_does_not_stop_the_others)
{
    mesh_t mesh;
    mesh_open (&mesh, 3, 16, 3);
    mesh_seed_selfishly (&mesh);
    for (size_t i = 0; i < 3; i++)
        mesh_start (&mesh, i);
    mesh_run (&mesh, SECOND);
    mesh_stop (&mesh, 0);
    cr_assert (mesh_settle (&mesh, 1, 3, 20 * SECOND));
    mesh_start (&mesh, 0);
    cr_assert (mesh_settle (&mesh, 0, 3, 20 * SECOND), "and it joins when it is back");
    mesh_close (&mesh);
}

Test (founding, a_difference_is_said_on_both_sides)
{
    static const char *const names[] = {"cluster/name", "cluster/partitions", "cluster/n",
                                        "conflict/policy"};
    for (int which = 0; which < 4; which++) {
        mesh_t mesh;
        mesh_open (&mesh, 2, 16, 3);
        mesh_seed_first (&mesh);
        settings_t *settings = &mesh.nodes[1].settings;
        if (which == 0)
            snprintf (settings->cluster, sizeof settings->cluster, "shop");
        settings->partitions = which == 1 ? 64 : 16;
        settings->n = which == 2 ? 2 : 3;
        settings->policy = which == 3 ? POLICY_LAST_WRITE_WINS : POLICY_SIBLINGS;
        mesh_start (&mesh, 0);
        mesh_run (&mesh, SECOND);
        mesh_start (&mesh, 1);
        mesh_run (&mesh, 25 * SECOND);
        cr_assert_eq (mesh_ring (&mesh, 0)->members.count, 1);
        cr_assert_null (mesh_ring (&mesh, 1));
        for (size_t i = 0; i < 2; i++) {
            size_t lines = 0;
            for (const char *at = mesh.nodes[i].log; (at = strstr (at, names[which])); at++)
                lines++;
            cr_assert (lines >= 2 && lines <= 4, "%zu lines: %s", lines, mesh.nodes[i].log);
        }
        mesh_close (&mesh);
    }
}

Test (founding, a_join_to_a_cluster_with_data_is_refused)
{
    mesh_t mesh;
    mesh_open (&mesh, 3, 16, 3);
    mesh_seed_first (&mesh);
    mesh_start (&mesh, 0);
    mesh_start (&mesh, 1);
    cr_assert (mesh_settle (&mesh, 0, 2, 10 * SECOND));
    mesh_fill (&mesh, 0,
               3); /* and the third comes at once: what the last survey said is not relied on */
    mesh_start (&mesh, 2);
    mesh_run (&mesh, 12 * SECOND);
    cr_assert_null (mesh_ring (&mesh, 2));
    cr_assert (mesh_settled (&mesh, 0, 2), "nothing is half done");
    for (size_t i = 0; i < 3; i += 2)
        cr_assert (mesh_said (&mesh, i, "the cluster holds data"), "%s", mesh.nodes[i].log);
    mesh_close (&mesh);
}

/*  Two clusters of one node each that do not know each other, of which the second may greet the first. */
static void s_two (mesh_t *mesh, bool data_first, bool data_second)
{
    mesh_open (mesh, 2, 16, 3);
    mesh_seed (mesh, 0, 0);
    mesh_seed (mesh, 1, 1);
    mesh_seed (mesh, 1, 0);
    mesh->cut[0][1] = mesh->cut[1][0] = true;
    mesh_start (mesh, 0);
    mesh_start (mesh, 1);
    mesh_run (mesh, 5 * SECOND);
    cr_assert_neq (mesh_ring (mesh, 0)->charter.cluster, mesh_ring (mesh, 1)->charter.cluster);
    if (data_first)
        mesh_fill (mesh, 0, 1);
    if (data_second)
        mesh_fill (mesh, 1, 1);
    mesh_run (mesh, 2 * SECOND);
    mesh->cut[0][1] = mesh->cut[1][0] = false;
}

Test (founding, two_empty_clusters_become_one)
{
    mesh_t mesh;
    s_two (&mesh, false, false);
    uint64_t one = mesh_ring (&mesh, 0)->charter.cluster,
             two = mesh_ring (&mesh, 1)->charter.cluster;
    cr_assert (mesh_settle (&mesh, 0, 2, 120 * SECOND));
    cr_assert_eq (mesh_ring (&mesh, 0)->charter.cluster, one < two ? one : two);
    mesh_close (&mesh);
}

Test (founding, two_clusters_with_data_refuse_each_other)
{
    mesh_t mesh;
    s_two (&mesh, true, true);
    mesh_run (&mesh, 120 * SECOND);
    cr_assert_neq (mesh_ring (&mesh, 0)->charter.cluster, mesh_ring (&mesh, 1)->charter.cluster);
    for (size_t i = 0; i < 2; i++)
        cr_assert (mesh_said (&mesh, i, "both hold data"), "%s", mesh.nodes[i].log);
    mesh_close (&mesh);
}

Test (founding, the_empty_cluster_gives_way)
{
    for (size_t full = 0; full < 2; full++) {
        mesh_t mesh;
        s_two (&mesh, full == 0, full == 1);
        uint64_t cluster = mesh_ring (&mesh, full)->charter.cluster;
        mesh_run (&mesh, 120 * SECOND);
        cr_assert_eq (mesh_ring (&mesh, full)->charter.cluster, cluster);
        cr_assert_eq (mesh.nodes[1 - full].folder.charter.cluster, 0, "it has dissolved");
        cr_assert (mesh_said (&mesh, 1 - full, "the cluster holds data"), "and cannot join yet: %s",
                   mesh.nodes[1 - full].log);
        mesh_close (&mesh);
    }
}

Test (founding, a_name_is_taken)
{
    mesh_t mesh;
    mesh_open (&mesh, 3, 16, 3);
    mesh_seed_first (&mesh);
    memcpy (mesh.nodes[2].settings.name, "node2", 6);
    for (size_t i = 0; i < 2; i++)
        mesh_start (&mesh, i);
    cr_assert (mesh_settle (&mesh, 0, 2, 10 * SECOND));
    mesh_start (&mesh, 2);
    mesh_run (&mesh, 4 * SECOND);
    cr_assert_not_null (strstr (mesh.nodes[2].halted, "a member named node2 answers"), "%s",
                        mesh.nodes[2].halted);
    mesh_stop (&mesh, 1);
    mesh_start (&mesh, 2);
    mesh_run (&mesh, 20 * SECOND);
    cr_assert_str_empty (mesh.nodes[2].halted);
    cr_assert (mesh_said (&mesh, 2, "remove it first"), "%s", mesh.nodes[2].log);
    mesh_start (&mesh, 1);
    mesh_run (&mesh, 20 * SECOND);
    cr_assert_str_not_empty (mesh.nodes[2].halted);
    cr_assert (mesh_settled (&mesh, 0, 2));
    mesh_close (&mesh);
}

Test (founding, the_founders_name_is_taken_too)
{
    mesh_t mesh;
    mesh_open (&mesh, 2, 16, 3);
    mesh_seed_first (&mesh);
    memcpy (mesh.nodes[1].settings.name, "node1", 6);
    mesh_start (&mesh, 0);
    mesh_run (&mesh, SECOND);
    mesh_start (&mesh, 1);
    mesh_run (&mesh, 3 * SECOND);
    cr_assert_not_null (strstr (mesh.nodes[1].halted, "choose another node/name"));
    mesh_close (&mesh);
}

static void s_join (mesh_t *mesh, size_t node, const char *seed)
{
    message_t *admin = message_new (MESSAGE_admin);
    admin->admin.request = 5;
    admin->admin.op = OP_JOIN;
    admin->admin.seed = bytes_copy (seed, strlen (seed));
    mesh_tell (mesh, node, ROLE_COORDINATOR, admin);
}

Test (founding, an_operator_says_when)
{
    mesh_t mesh;
    mesh_open (&mesh, 2, 16, 3);
    mesh_seed (&mesh, 0, 0);
    mesh.nodes[1].settings.join_manual = true;
    for (size_t i = 0; i < 2; i++)
        mesh_start (&mesh, i);
    mesh_run (&mesh, 10 * SECOND);
    cr_assert_null (mesh_ring (&mesh, 1));
    s_join (&mesh, 1, "");
    cr_assert_eq (mesh.nodes[1].answer->admin_reply.status, STATUS_BAD_REQUEST, "no seed");
    message_destroy (&mesh.nodes[1].answer);
    s_join (&mesh, 1, mesh.nodes[0].settings.gossip);
    mesh_run (&mesh, SECOND);
    cr_assert_not_null (mesh.nodes[1].answer);
    cr_assert_eq (mesh.nodes[1].answer->admin_reply.status, STATUS_OK);
    cr_assert_eq (mesh.nodes[1].answer->admin_reply.request, 5);
    cr_assert (mesh_settle (&mesh, 0, 2, 5 * SECOND));
    s_join (&mesh, 1, mesh.nodes[0].settings.gossip);
    cr_assert_eq (mesh.nodes[1].answer->admin_reply.status, STATUS_OK, "asked again");
    s_join (&mesh, 0, mesh.nodes[1].settings.gossip);
    cr_assert_eq (mesh.nodes[0].answer->admin_reply.status, STATUS_BAD_REQUEST, "already one");
    mesh_close (&mesh);
}

Test (founding, a_crash_while_joining_leaves_nobody_behind)
{
    /* The joiner dies at any moment, and comes back with its folder: there is one member of its name. */
    for (uint64_t at_us = 0; at_us < 12 * MS; at_us += 400) {
        mesh_t mesh;
        mesh_open (&mesh, 2, 16, 3);
        mesh_seed_first (&mesh);
        mesh_start (&mesh, 0);
        mesh_run (&mesh, SECOND);
        mesh_start (&mesh, 1);
        mesh_run (&mesh, at_us);
        mesh_stop (&mesh, 1);
        mesh_run (&mesh, SECOND);
        mesh_start (&mesh, 1);
        cr_assert (mesh_settle (&mesh, 0, 2, 15 * SECOND), "%llu us: %s",
                   (unsigned long long) at_us, mesh.nodes[1].log);
        mesh_close (&mesh);
    }
}

Test (founding, a_copied_folder_does_not_start_beside_its_original)
{
    mesh_t mesh;
    mesh_open (&mesh, 3, 16, 3);
    mesh_seed_first (&mesh);
    for (size_t i = 0; i < 2; i++)
        mesh_start (&mesh, i);
    cr_assert (mesh_settle (&mesh, 0, 2, 10 * SECOND));
    codec_copy (&recall_reply_schema, &mesh.nodes[1].folder, &mesh.nodes[2].folder);
    memcpy (mesh.nodes[2].settings.name, "node2", 6);
    mesh_start (&mesh, 2);
    mesh_run (&mesh, 2 * SECOND);
    cr_assert_not_null (strstr (mesh.nodes[2].halted, "another process of this node"));
    cr_assert (mesh_settled (&mesh, 0, 2));
    mesh_close (&mesh);
}

/*  Gives node `to` the folder and the name of node `from`, as a copy on another machine has them. */
static void s_copy (mesh_t *mesh, size_t from, size_t to)
{
    codec_copy (&recall_reply_schema, &mesh->nodes[from].folder, &mesh->nodes[to].folder);
    memcpy (mesh->nodes[to].settings.name, mesh->nodes[from].settings.name, 6);
}

Test (founding, of_two_processes_from_one_folder_the_later_ends)
{
    /* Either the original comes back after its copy, or another copy does. */
    for (size_t later = 1; later <= 4; later += 3) {
        mesh_t mesh;
        mesh_open (&mesh, 5, 16, 3);
        mesh_seed_first (&mesh);
        for (size_t i = 0; i < 3; i++)
            mesh_start (&mesh, i);
        cr_assert (mesh_settle (&mesh, 0, 3, 15 * SECOND));
        mesh_stop (&mesh, 1);
        s_copy (&mesh, 1, 3);
        s_copy (&mesh, 1, 4);
        mesh_start (&mesh, 3);
        mesh_run (&mesh, 20 * SECOND);
        mesh_start (&mesh, later);
        mesh_run (&mesh, 20 * SECOND);
        cr_assert_not_null (strstr (mesh.nodes[later].halted, "another process of this node"));
        cr_assert_str_empty (mesh.nodes[3].halted);
        cr_assert (mesh_reaches (&mesh, 0, 3) && mesh_reaches (&mesh, 2, 3));
        mesh_close (&mesh);
    }
}

Test (founding, a_joiner_may_move_before_it_is_welcomed)
{
    mesh_t mesh;
    mesh_open (&mesh, 2, 16, 3);
    mesh_seed_first (&mesh);
    mesh_start (&mesh, 0);
    mesh_run (&mesh, SECOND);
    mesh_start (&mesh, 1);
    while (mesh_ring (&mesh, 0)->members.count < 2)
        mesh_run (&mesh, 100);
    mesh_stop (&mesh, 1); /* it is a member, and does not know it */
    cr_assert_eq (mesh.nodes[1].folder.charter.cluster, 0);
    memcpy (mesh.nodes[1].settings.gossip, "tcp://elsewhere:3", 18);
    mesh_run (&mesh, SECOND);
    mesh_start (&mesh, 1);
    cr_assert (mesh_settle (&mesh, 0, 2, 15 * SECOND), "%s", mesh.nodes[1].log);
    mesh_run (&mesh, SECOND);
    cr_assert (mesh_reaches (&mesh, 0, 1) && mesh_reaches (&mesh, 1, 0));
    mesh_close (&mesh);
}

Test (founding, the_others_of_a_cluster_follow_one_that_left_it)
{
    /* Of the first three only one has a seed in the second cluster, and the others have none that would tell them. Either
       cluster may be the one that gives way, and one of the others may be down meanwhile. */
    for (uint64_t ids = 0; ids < 8; ids++) {
        mesh_t mesh;
        mesh_open (&mesh, 6, 16, 3);
        mesh.nonces = 37 * ids;
        for (size_t i = 0; i < 6; i++)
            mesh_seed (&mesh, i, i < 3 ? 0 : 3);
        for (size_t i = 0; i < 6; i++)
            mesh_start (&mesh, i);
        cr_assert (mesh_settle (&mesh, 0, 3, 15 * SECOND));
        cr_assert (mesh_settle (&mesh, 3, 6, 15 * SECOND));
        mesh_stop (&mesh, 2);
        mesh.nodes[2].settings.seeds_count = 0;
        mesh_seed (&mesh, 2, 3);
        if (ids % 2 == 1)
            mesh_stop (&mesh, 1);
        mesh_start (&mesh, 2);
        if (ids % 2 == 1)
            mesh_run (&mesh, 60 * SECOND);
        if (ids % 2 == 1)
            mesh_start (&mesh, 1);
        cr_assert (mesh_settle (&mesh, 0, 6, 120 * SECOND), "%llu: %s", (unsigned long long) ids,
                   mesh.nodes[0].log);
        mesh_close (&mesh);
    }
}

Test (founding, a_cluster_takes_back_who_left_it_in_vain)
{
    mesh_t mesh;
    mesh_open (&mesh, 4, 16, 3);
    for (size_t i = 0; i < 4; i++)
        mesh_seed (&mesh, i, i < 3 ? 0 : 3);
    for (size_t i = 0; i < 4; i++)
        mesh_start (&mesh, i);
    cr_assert (mesh_settle (&mesh, 0, 3, 15 * SECOND));
    mesh_fill (&mesh, 3, 1); /* so the second cluster takes nobody in */
    mesh_run (&mesh, 2 * SECOND);
    mesh_stop (&mesh, 2);
    mesh.nodes[2].settings.seeds_count = 0;
    mesh_seed (&mesh, 2, 3);
    mesh.cut[2][0] = mesh.cut[2][1] = true;
    mesh_start (&mesh, 2);
    mesh_run (&mesh, 60 * SECOND);
    cr_assert_eq (mesh.nodes[2].folder.charter.cluster, 0, "it gave the first up");
    mesh_fill (&mesh, 0, 1);
    mesh_run (&mesh, 2 * SECOND);
    mesh.cut[2][0] = mesh.cut[2][1] = false;
    cr_assert (mesh_settle (&mesh, 0, 3, 60 * SECOND), "%s", mesh.nodes[2].log);
    mesh_close (&mesh);
}

Test (founding, who_waits_for_a_cluster_says_so)
{
    mesh_t mesh;
    mesh_open (&mesh, 2, 16, 3);
    mesh_seed_first (&mesh);
    mesh_start (&mesh, 1);
    mesh_run (&mesh, 35 * SECOND);
    size_t lines = 0;
    for (const char *at = mesh.nodes[1].log; (at = strstr (at, "no seed has answered")); at++)
        lines++;
    cr_assert (lines >= 2 && lines <= 3, "%s", mesh.nodes[1].log);
    mesh_close (&mesh);
}
