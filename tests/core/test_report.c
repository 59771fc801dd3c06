/*  test_report.c - what a node says of itself: ping, ring, status, stats. */
#include "coordinator_rig.h"

Test (report, ping_names_node_program_and_protocol)
{
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    request_t request = rig_request ("ping");
    rig_ask (&rig, &request);
    pong_t pong;
    rig_reply (&rig, &pong_schema, &pong, "ok");
    cr_assert (bytes_equal (pong.node, bytes_text ("node1")));
    cr_assert (bytes_equal (pong.version, bytes_text ("0.1-test")));
    cr_assert_eq (pong.protocol, 1);
    rig_close (&rig);
}

Test (report, ring_is_the_table)
{
    rig_t rig;
    settings_t settings = drive_settings (2, 3, 2, 2);
    rig_open_with (&rig, &settings, 2, 0);
    request_t request = rig_request ("ring");
    rig_ask (&rig, &request);
    rings_t rings;
    rig_reply (&rig, &rings_schema, &rings, "ok");
    cr_assert (bytes_equal (rings.cluster, bytes_text ("demo")));
    cr_assert (bytes_equal (rings.hash, bytes_text ("xxh3-64")));
    cr_assert_eq (rings.partitions, 2);
    cr_assert_eq (rings.n, 3);
    cr_assert_eq (rings.r, 2);
    cr_assert_eq (rings.w, 2);
    cr_assert_eq (rings.version, 2 + 4);
    cr_assert_eq (rings.nodes.count, 2);
    cr_assert (bytes_equal (rings.nodes.items[1].name, bytes_text ("node2")));
    cr_assert (bytes_equal (rings.nodes.items[1].state, bytes_text ("up")));
    /* [[0, 1], [1, 0]]: vacant slots are left out. */
    static const uint8_t owners[] = {0x92, 0x92, 0, 1, 0x92, 1, 0};
    cr_assert (bytes_equal (rings.owners, bytes_view (owners, sizeof owners)));
    codec_clear (&rings_schema, &rings);
    rig_close (&rig);
}

Test (report, members_in_any_order_have_their_own_slots)
{
    rig_t rig;
    settings_t settings = drive_settings (2, 2, 2, 2);
    rig_open_with (&rig, &settings, 0, 0);
    message_t *snapshot = drive_snapshot (&settings, 3); /* owners: 1 and 2, then 2 and 3 */
    member_t *members = snapshot->snapshot.members.items;
    member_t first = members[0];
    members[0] = members[2];
    members[2] = members[1];
    members[1] = first;
    drive_message (&rig.drive, 0, ROLE_GOSSIP, snapshot);
    request_t request = rig_request ("ring");
    rig_ask (&rig, &request);
    rings_t rings;
    rig_reply (&rig, &rings_schema, &rings, "ok");
    static const uint8_t owners[] = {0x92, 0x92, 1, 2, 0x92, 2, 0}; /* nodes 3, 1, 2 */
    cr_assert (bytes_equal (rings.owners, bytes_view (owners, sizeof owners)));
    codec_clear (&rings_schema, &rings);
    request = rig_request ("status");
    rig_ask (&rig, &request);
    rig_surveyed (&rig, 5);
    condition_t condition;
    rig_reply (&rig, &condition_schema, &condition, "ok");
    cr_assert_eq (condition.members.items[0].slots, 1);
    cr_assert_eq (condition.members.items[1].slots, 1);
    cr_assert_eq (condition.members.items[2].slots, 2);
    codec_clear (&condition_schema, &condition);
    rig_close (&rig);
}

/*  Asks for `status`; whether the node calls itself ready. */
static bool s_ready (rig_t *rig, size_t members)
{
    request_t request = rig_request ("status");
    rig_ask (rig, &request);
    rig_surveyed (rig, 5);
    condition_t condition;
    rig_reply (rig, &condition_schema, &condition, "ok");
    cr_assert (bytes_equal (condition.node, bytes_text ("node1")));
    cr_assert_eq (condition.members.count, members);
    cr_assert_eq (condition.keys, 5);
    cr_assert (HAS (condition, &condition, transfers));
    bool ready = condition.ready;
    codec_clear (&condition_schema, &condition);
    return ready;
}

Test (report, status_tells_whether_it_is_ready)
{
    rig_t rig;
    settings_t settings = drive_settings (2, 3, 2, 2);
    rig_open_with (&rig, &settings, 0, 0);
    cr_assert_not (s_ready (&rig, 0), "no ring");
    rig_ring (&rig, 1, 0);
    cr_assert (s_ready (&rig, 1), "two vacant slots that nobody could hold");
    message_t *message = drive_snapshot (&settings, 2);
    message->snapshot.slots.items[3].owner = 0;
    drive_message (&rig.drive, 0, ROLE_GOSSIP, message);
    cr_assert_not (s_ready (&rig, 2), "a vacant slot that a member could hold");
    message = drive_snapshot (&settings, 2);
    message->snapshot.slots.items[0].phase = SLOT_REBUILD;
    drive_message (&rig.drive, 0, ROLE_GOSSIP, message);
    cr_assert_not (s_ready (&rig, 2), "a slot of ours that does not answer yet");
    message = drive_snapshot (&settings, 2);
    message->snapshot.members.items[0].state = MEMBER_JOINING;
    drive_message (&rig.drive, 0, ROLE_GOSSIP, message);
    cr_assert_not (s_ready (&rig, 2), "not up yet");
    rig_ring (&rig, 2, 0);
    cr_assert (s_ready (&rig, 2));
    drive_kind (&rig.drive, EVENT_STOP);
    cr_assert_not (s_ready (&rig, 2), "it stops");
    rig_close (&rig);
}

Test (report, ready_waits_until_the_ring_is_settled)
{
    rig_t rig;
    settings_t settings = drive_settings (2, 2, 1, 1);
    rig_open_with (&rig, &settings, 2, 0);
    cr_assert (s_ready (&rig, 2));
    message_t *message = drive_snapshot (&settings, 2);
    drive_message (&rig.drive, 0, ROLE_GOSSIP, message);
    cr_assert_not (s_ready (&rig, 2), "slots are on their way");
    rig_close (&rig);
}

Test (report, ready_waits_until_each_member_is_heard_from_or_found_down)
{
    for (int heard = 0; heard < 2; heard++) {
        rig_t rig;
        settings_t settings = drive_settings (2, 3, 2, 2);
        rig_open_with (&rig, &settings, 3, NODE (2));
        cr_assert_not (s_ready (&rig, 3), "nothing is known of node 2");
        if (heard)
            rig_peers (&rig, 3, NODE (2), 100); /* it spoke, and then it went */
        else
            rig.drive.now_us += 4900 * MS;
        cr_assert_eq (s_ready (&rig, 3), heard);
        rig.drive.now_us += 200 * MS;
        cr_assert (s_ready (&rig, 3), "it had its time");
        rig_close (&rig);
    }
}

Test (report, hints_are_the_replicas_to_count)
{
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    request_t request = rig_request ("stats");
    rig_ask (&rig, &request);
    message_t *message = message_new (MESSAGE_survey_reply);
    message->survey_reply = (survey_reply_t){.request = rig.request,
                                             .hints = 4,
                                             .hint_oldest = 9,
                                             .hints_stored = 7,
                                             .hints_delivered = 3};
    rig_from (&rig, 1, message);
    tally_t tally;
    rig_reply (&rig, &tally_schema, &tally, "ok");
    cr_assert_eq (tally.hints, 4);
    cr_assert_eq (tally.hint_oldest, 9);
    cr_assert_eq (tally.hints_stored, 7);
    cr_assert_eq (tally.hints_delivered, 3);
    codec_clear (&tally_schema, &tally);
    request = rig_request ("status");
    rig_ask (&rig, &request);
    rig_surveyed (&rig, 1);
    condition_t condition;
    rig_reply (&rig, &condition_schema, &condition, "ok");
    cr_assert_eq (condition.hints, 0);
    codec_clear (&condition_schema, &condition);
    rig_close (&rig);
}

Test (report, status_lists_members)
{
    rig_t rig;
    settings_t settings = drive_settings (4, 2, 1, 1);
    rig_open_with (&rig, &settings, 3, NODE (1) | NODE (3));
    rig.drive.now_us += 90 * 1000000u;
    request_t request = rig_request ("status");
    rig_ask (&rig, &request);
    rig_surveyed (&rig, 0);
    condition_t condition;
    rig_reply (&rig, &condition_schema, &condition, "ok");
    cr_assert_eq (condition.uptime, 90);
    cr_assert_eq (condition.version, 3 + 8);
    uint64_t slots = 0;
    for (size_t i = 0; i < 3; i++) {
        const fellow_t *fellow = &condition.members.items[i];
        cr_assert_eq (fellow->name.data[4], '1' + i);
        cr_assert (bytes_equal (fellow->state, bytes_text ("up")));
        cr_assert_eq (fellow->reachable, i != 2, "one always reaches oneself");
        slots += fellow->slots;
    }
    cr_assert_eq (slots, 8);
    codec_clear (&condition_schema, &condition);
    rig_close (&rig);
}

Test (report, stats_is_the_event_field_by_field_and_whole)
{
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    request_t request = rig_request ("stats");
    rig_ask (&rig, &request);
    rig_surveyed (&rig, 9);
    tally_t tally;
    rig_reply (&rig, &tally_schema, &tally, "ok");
    stats_t stats;
    cr_assert_eq (codec_decode (&stats_schema, tally.stats, &stats, NULL), 0);
    cr_assert_eq (tally.keys, 9);
    cr_assert_eq (stats.keys, 9);
    cr_assert_eq (tally.in_flight, 1);
    cr_assert_eq (stats.in_flight, tally.in_flight);
    cr_assert_eq (stats.bytes_in, tally.bytes_in);
    codec_clear (&stats_schema, &stats);
    codec_clear (&tally_schema, &tally);
    rig_close (&rig);
}

Test (report, a_replica_that_is_silent_is_a_timeout)
{
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    request_t request = rig_request ("status");
    GIVE (request, &request, timeout, 100);
    rig_ask (&rig, &request);
    drive_tick (&rig.drive, 100 * MS);
    rig_failure (&rig, "timeout");
    rig_close (&rig);
}
