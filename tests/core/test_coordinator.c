/*  test_coordinator.c - what all requests share: checks in their order, ids repeated, the table and its limits, the clock,
 *  the `stats` event. Each op's own rules are in test_get.c, test_put.c, test_keys.c and test_report.c.
 */
#include "coordinator_rig.h"

static void s_send (rig_t *rig, const char *frame, size_t size)
{
    drive_step (&rig->drive, (event_t){.kind = EVENT_REQUEST,
                                       .client = bytes_text (CLIENT),
                                       .frame = bytes_view (frame, size)});
}

/* ---- ids ---- */

/*  Encoded ids of each type, and none. */
static const struct {
    const char *data;
    size_t size;
} s_ids[] = {{"", 0}, {"\x07", 1}, {"\xd0\x80", 2}, {"\xa3xyz", 4}, {"\xc4\x02\x00\xff", 4}};

#define IDS_COUNT (sizeof s_ids / sizeof *s_ids)

static void s_check_id (rig_t *rig, bytes_t id)
{
    failure_t head;
    cr_assert (rig_answered (rig));
    bytes_t frame = drive_effect (&rig->drive, EFFECT_REPLY)->frame;
    cr_assert_eq (codec_decode (&failure_schema, frame, &head, NULL), 0);
    cr_assert_eq (HAS (failure, &head, id), id.size > 0);
    cr_assert (bytes_equal (head.id, id));
}

static void s_give_id (request_t *request, bytes_t id)
{
    request->has &= ~CODEC_BIT (request, id);
    if (id.size > 0)
        GIVE (request, request, id, id);
}

Test (coordinator, each_reply_repeats_its_requests_id)
{
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    for (size_t i = 0; i < IDS_COUNT; i++) {
        bytes_t id = bytes_view (s_ids[i].data, s_ids[i].size);
        request_t ping = rig_request ("ping"), get = rig_about ("get"), plan = rig_request ("plan"),
                  leave = rig_request ("leave"), wrong = rig_request ("dance"),
                  many = rig_about ("get"), foreign = rig_put ("milk"),
                  stats = rig_request ("stats");
        GIVE (request, &many, r, 2);
        GIVE (request, &foreign, context, bytes_text ("no context"));
        request_t *const now[] = {&ping, &plan, &wrong, &many, &foreign};
        for (size_t j = 0; j < sizeof now / sizeof *now; j++) {
            s_give_id (now[j], id);
            rig_ask (&rig, now[j]);
            s_check_id (&rig, id);
        }
        s_give_id (&leave, id);
        rig_ask (&rig, &leave);
        rig_decided (&rig, STATUS_OK, "");
        s_check_id (&rig, id);
        s_give_id (&get, id);
        rig_ask (&rig, &get);
        rig_absent (&rig, 1);
        s_check_id (&rig, id);
        rig_ask (&rig, &get);
        drive_tick (&rig.drive, 1000 * MS);
        rig_note (&rig);
        s_check_id (&rig, id);
        s_give_id (&stats, id);
        rig_ask (&rig, &stats);
        rig_surveyed (&rig, 1);
        s_check_id (&rig, id);
    }
    rig_close (&rig);
}

Test (coordinator, answers_in_any_order_find_their_requests)
{
    enum { COUNT = 40 };
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    uint64_t requests[COUNT];
    uint8_t ids[COUNT];
    for (uint8_t i = 0; i < COUNT; i++) {
        request_t request = rig_about ("get");
        ids[i] = i;
        GIVE (request, &request, id, bytes_view (&ids[i], 1));
        rig_ask (&rig, &request);
        requests[i] = rig.request;
    }
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned which = i * 7 % COUNT;
        rig.request = requests[which];
        rig_absent (&rig, 1);
        s_check_id (&rig, bytes_view (&ids[which], 1));
        rig_absent (&rig, 1);
        rig_silent (&rig);
    }
    cr_assert_not (drive_busy (&rig.drive));
    rig_close (&rig);
}

/* ---- checks ---- */

Test (coordinator, what_is_no_request_is_told_so)
{
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    s_send (&rig, "\xc1", 1);
    rig_failure (&rig, "bad_request");
    s_send (&rig, "", 0);
    rig_failure (&rig, "bad_request");
    drive_step (&rig.drive, (event_t){.kind = EVENT_GARBAGE,
                                      .client = bytes_text (CLIENT),
                                      .text = "two body frames are one too many"});
    failure_t failure = rig_failure (&rig, "bad_request");
    cr_assert (bytes_equal (failure.message, bytes_text ("two body frames are one too many")));
    drive_step (&rig.drive, (event_t){.kind = EVENT_GARBAGE, .text = "from nobody"});
    rig_silent (&rig);
    rig_close (&rig);
}

Test (coordinator, sizes_are_checked_before_contexts_before_quorums)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    rig_ring (&rig, 3, NODE (2) | NODE (3));
    char *large = memory_new (rig.settings.value_bytes + 1, 1);
    request_t request = rig_put ("");
    request.value = bytes_view (large, rig.settings.value_bytes + 1);
    GIVE (request, &request, context, bytes_text ("no context"));
    GIVE (request, &request, w, 4);
    rig_ask (&rig, &request);
    rig_failure (&rig, "too_large");
    request.value.size--;
    rig_ask (&rig, &request);
    rig_failure (&rig, "bad_context");
    request.context = bytes_view (NULL, 0);
    rig_ask (&rig, &request);
    rig_failure (&rig, "bad_request");
    request.w = 2;
    rig_ask (&rig, &request);
    rig_failure (&rig, "unavailable");
    request.w = 1;
    rig_ask (&rig, &request);
    cr_assert_not (rig_answered (&rig), "then it goes on");
    cr_assert_eq (drive_sent (&rig.drive, MESSAGE_mint, 0)->message->mint.value.size,
                  rig.settings.value_bytes);

    request = rig_about ("inspect");
    request.key = bytes_view (large, LIMIT_KEY_BYTES + 1);
    rig_ask (&rig, &request);
    rig_failure (&rig, "too_large");
    request.key.size--;
    rig_ask (&rig, &request);
    cr_assert_not (rig_answered (&rig));
    free (large);
    rig_close (&rig);
}

Test (coordinator, a_node_without_a_ring_is_unavailable)
{
    static const char *const ops[] = {"get", "put", "inspect", "keys", "ring"};
    rig_t rig;
    settings_t settings = drive_settings (1, 1, 1, 1);
    rig_open_with (&rig, &settings, 0, 0);
    for (size_t i = 0; i < 5; i++) {
        request_t request = i == 1  ? rig_put ("milk")
                            : i < 3 ? rig_about (ops[i])
                                    : rig_request (ops[i]);
        if (i == 3)
            GIVE (request, &request, partition, 0);
        rig_ask (&rig, &request);
        rig_failure (&rig, "unavailable");
        cr_assert_eq (rig.drive.effects.count, 1);
    }
    request_t ping = rig_request ("ping");
    rig_ask (&rig, &ping);
    pong_t pong;
    rig_reply (&rig, &pong_schema, &pong, "ok");
    rig_close (&rig);
}

Test (coordinator, a_ring_that_contradicts_itself_is_not_followed)
{
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    message_t *message = drive_snapshot (&rig.settings, 1);
    message->snapshot.slots.items[0].slot = 5;
    drive_message (&rig.drive, 0, ROLE_GOSSIP, message);
    rig_silent (&rig);
    request_t request = rig_about ("get");
    rig_ask (&rig, &request);
    cr_assert_eq (rig_asked (&rig, MESSAGE_read), NODE (1));
    rig_close (&rig);
}

Test (coordinator, a_node_that_is_no_member_any_more_is_unavailable)
{
    rig_t rig;
    settings_t settings = drive_settings (1, 3, 1, 1);
    rig_open_with (&rig, &settings, 3, 0);
    message_t *message = drive_snapshot (&settings, 3);
    message->snapshot.members.items[0].state = MEMBER_REMOVED;
    drive_message (&rig.drive, 0, ROLE_GOSSIP, message);
    request_t get = rig_about ("get"), put = rig_put ("milk");
    rig_ask (&rig, &get);
    rig_failure (&rig, "unavailable");
    rig_ask (&rig, &put);
    rig_failure (&rig, "unavailable");
    rig_close (&rig);
}

Test (coordinator, operators_wishes_are_gossips_to_decide)
{
    for (size_t members = 0; members < 2; members++) {
        rig_t rig;
        settings_t settings = drive_settings (1, 1, 1, 1);
        rig_open_with (&rig, &settings, members, 0);
        request_t join = rig_request ("join"), leave = rig_request ("leave"),
                  remove = rig_request ("remove");
        GIVE (request, &join, seed, bytes_text ("tcp://127.0.0.1:7"));
        GIVE (request, &remove, node, bytes_text ("node9"));
        request_t *const requests[] = {&join, &leave, &remove};
        static const op_t ops[] = {OP_JOIN, OP_LEAVE, OP_REMOVE};
        for (size_t i = 0; i < 3; i++)
            for (int well = 0; well < 2; well++) {
                rig_ask (&rig, requests[i]);
                const effect_t *effect = drive_sent (&rig.drive, MESSAGE_admin, 0);
                cr_assert_eq (effect->to.node, 0);
                cr_assert_eq (effect->to.role, ROLE_GOSSIP);
                const admin_t *admin = &effect->message->admin;
                cr_assert_eq (admin->op, ops[i]);
                cr_assert (bytes_equal (admin->seed, i == 0 ? join.seed : bytes_view (NULL, 0)));
                cr_assert (bytes_equal (admin->node, i == 2 ? remove.node : bytes_view (NULL, 0)));
                if (well) {
                    failure_t done;
                    rig_decided (&rig, STATUS_OK, "");
                    rig_reply (&rig, &failure_schema, &done, "ok");
                    cr_assert_not (HAS (failure, &done, message));
                } else {
                    rig_decided (&rig, STATUS_BAD_REQUEST, "node: no member has this name");
                    failure_t failure = rig_failure (&rig, "bad_request");
                    cr_assert (bytes_equal (failure.message,
                                            bytes_text ("node: no member has this name")));
                }
            }
        rig_ask (&rig, &leave);
        drive_tick (&rig.drive, 1000 * MS);
        rig_failure (&rig, "timeout");
        rig_decided (&rig, STATUS_OK, "");
        cr_assert_not (rig_answered (&rig), "late");
        rig_close (&rig);
    }
}

Test (coordinator, what_this_version_lacks_is_told)
{
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    request_t plan = rig_request ("plan"), background = rig_request ("background");
    GIVE (request, &background, work, bytes_text ("all"));
    GIVE (request, &background, state, bytes_text ("run"));
    rig_ask (&rig, &plan);
    rig_failure (&rig, "bad_request");
    rig_ask (&rig, &background);
    rig_failure (&rig, "bad_request");
    rig_close (&rig);
}

/* ---- limits and time ---- */

Test (coordinator, more_than_in_flight_is_overloaded)
{
    rig_t rig;
    settings_t settings = drive_settings (1, 1, 1, 1);
    settings.in_flight_count = 4;
    rig_open_with (&rig, &settings, 1, 0);
    request_t request = rig_about ("get");
    for (int i = 0; i < 4; i++) {
        rig_ask (&rig, &request);
        cr_assert_not (rig_answered (&rig));
    }
    for (int i = 0; i < 3; i++) {
        uint64_t asked = rig.request;
        rig_ask (&rig, &request);
        rig_failure (&rig, "overloaded");
        cr_assert_eq (rig.drive.effects.count, 1);
        rig.request = asked;
        rig_absent (&rig, 1);
        cr_assert (rig_answered (&rig));
        rig_ask (&rig, &request);
        cr_assert_not (rig_answered (&rig), "one place is free again");
    }
    rig_close (&rig);
}

Test (coordinator, requests_that_linger_do_not_fill_the_table)
{
    /* Answered at once, their last owners silent: each stays a while for read repair. */
    rig_t rig;
    settings_t settings = drive_settings (1, 2, 1, 1);
    settings.in_flight_count = 8;
    rig_open_with (&rig, &settings, 2, 0);
    unsigned refused = 0;
    for (int i = 0; i < 1000; i++) {
        request_t request = rig_about ("get");
        rig_ask (&rig, &request);
        refused += rig_answered (&rig);
        rig_absent (&rig, 1);
        drive_tick (&rig.drive, 20 * MS);
    }
    cr_assert_eq (refused, 0, "%u were refused", refused);
    rig_close (&rig);
}

Test (coordinator, bytes_in_progress_have_a_limit)
{
    rig_t rig;
    settings_t settings = drive_settings (1, 1, 1, 1);
    settings.in_flight_count = 1000;
    settings.value_bytes = LIMIT_VALUE_BYTES;
    rig_open_with (&rig, &settings, 1, 0);
    char *large = memory_new (LIMIT_VALUE_BYTES, 1);
    request_t request = rig_put ("");
    request.value = bytes_view (large, LIMIT_VALUE_BYTES);
    unsigned taken = 0;
    for (rig_ask (&rig, &request); !rig_answered (&rig); rig_ask (&rig, &request))
        taken++;
    rig_failure (&rig, "overloaded");
    cr_assert_eq (taken, LIMIT_IN_FLIGHT_BYTES / LIMIT_VALUE_BYTES - 1);
    request_t small = rig_about ("get");
    rig_ask (&rig, &small);
    cr_assert_not (rig_answered (&rig));
    free (large);
    drive_tick (&rig.drive, 2000 * MS);
    cr_assert_not (drive_busy (&rig.drive));
    rig_ask (&rig, &small);
    cr_assert_not (rig_answered (&rig));
    rig_close (&rig);
}

Test (coordinator, states_that_are_kept_count_as_bytes_in_progress)
{
    rig_t rig;
    rig_open (&rig, 3, 3, 3);
    const coordinator_t *self = rig.drive.core;
    const uint64_t actor = 10;
    char *large = memory_new (1u << 20, 1);
    bytes_t value = bytes_view (large, 1u << 20);
    request_t get = rig_about ("get");
    rig_ask (&rig, &get);
    for (uint64_t node = 1; node <= 3; node++) {
        cr_assert_leq (self->bytes - (node - 1) * value.size, 3000);
        rig_found (&rig, node, drive_state (&actor, 1, value));
    }
    cr_assert (rig_answered (&rig));
    cr_assert_eq (self->bytes, 0);
    request_t put = rig_put ("");
    put.value = value;
    rig_ask (&rig, &put);
    message_t *minted = message_new (MESSAGE_mint_reply);
    minted->mint_reply.request = rig.request;
    minted->mint_reply.state = drive_state (&actor, 1, value);
    rig_from (&rig, 1, minted);
    cr_assert_geq (self->bytes, value.size, "as long as an owner is silent");
    cr_assert_leq (self->bytes, value.size + 3000, "once: the value is in the state");
    drive_tick (&rig.drive, 2000 * MS);
    cr_assert_eq (self->bytes, 0);
    free (large);
    rig_close (&rig);
}

Test (coordinator, a_full_table_still_publishes_stats)
{
    rig_t rig;
    settings_t settings = drive_settings (1, 2, 1, 1);
    settings.in_flight_count = 4;
    rig_open_with (&rig, &settings, 2, 0);
    rig_surveyed (&rig, 0);
    drive_tick (&rig.drive, 950 * MS); /* what is asked now is in the table at the next interval */
    request_t request = rig_put ("milk");
    for (int i = 0; i < 20; i++) { /* answered at once, the other owner silent */
        rig_ask (&rig, &request);
        if (rig_answered (&rig))
            break;
        message_t *minted = message_new (MESSAGE_mint_reply);
        minted->mint_reply.request = rig.request;
        minted->mint_reply.state = drive_state ((uint64_t[]){10}, 1, bytes_text ("milk"));
        rig_from (&rig, 1, minted);
        rig_stored (&rig, 1, STATUS_OK);
        cr_assert (rig_answered (&rig));
    }
    rig_ask (&rig, &request);
    rig_failure (&rig, "overloaded");
    drive_tick (&rig.drive, 50 * MS);
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_survey), 1);
    rig_close (&rig);
}

Test (coordinator, each_request_has_its_own_deadline)
{
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    uint64_t began_us = rig.drive.now_us;
    static const uint32_t timeouts[] = {300, 30, 700, 1};
    for (uint8_t i = 0; i < 4; i++) {
        request_t request = rig_about ("get");
        GIVE (request, &request, timeout, timeouts[i]);
        rig_ask (&rig, &request);
    }
    static const uint32_t order[] = {1, 30, 300, 700};
    for (size_t at = 0; at < 4;) {
        rig.drive.now_us = rig.drive.effects.wake_us;
        cr_assert_leq (rig.drive.now_us, began_us + order[at] * MS, "woken too late");
        drive_kind (&rig.drive, EVENT_TICK);
        if (rig.drive.now_us == began_us + order[at] * MS) {
            rig_failure (&rig, "timeout");
            at++;
        } else
            cr_assert_not (rig_answered (&rig));
    }
    cr_assert_not (drive_busy (&rig.drive));
    rig_close (&rig);
}

Test (coordinator, a_stop_lets_requests_end)
{
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    request_t request = rig_about ("get");
    rig_ask (&rig, &request);
    drive_kind (&rig.drive, EVENT_STOP);
    cr_assert (drive_busy (&rig.drive));
    drive_tick (&rig.drive, 0);
    rig_absent (&rig, 1);
    cr_assert (rig_answered (&rig));
    cr_assert_not (drive_busy (&rig.drive));
    drive_tick (&rig.drive, 5000 * MS);
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_survey), 0, "nothing new is begun");
    rig_close (&rig);
}

Test (coordinator, what_is_in_progress_at_the_end_is_freed)
{
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    request_t get = rig_about ("get"), put = rig_put ("milk"), stats = rig_request ("stats");
    bytes_t floor = rig_blob ((uint64_t[]){10}, 1);
    GIVE (request, &get, floor, floor);
    rig_ask (&rig, &get);
    rig_found (&rig, 1, drive_state ((uint64_t[]){11}, 1, bytes_text ("milk")));
    rig_ask (&rig, &put);
    rig_ask (&rig, &stats);
    cr_assert (drive_busy (&rig.drive));
    bytes_clear (&floor);
    rig_close (&rig);
}

/* ---- the stats event ---- */

/*  Decodes the event that this step published. */
static stats_t s_published (rig_t *rig)
{
    effect_t *effect = drive_sent (&rig->drive, MESSAGE_notice, 0);
    cr_assert_not_null (effect);
    cr_assert_eq (effect->to.node, 0);
    cr_assert_eq (effect->to.role, ROLE_MONITOR);
    cr_assert (bytes_equal (effect->message->notice.topic, bytes_text ("stats")));
    stats_t stats;
    cr_assert_eq (codec_decode (&stats_schema, effect->message->notice.event, &stats, NULL), 0);
    cr_assert_eq (stats.has, ((uint64_t) 1 << stats_schema.count) - 1, "all fields are there");
    return stats;
}

Test (coordinator, stats_are_published_each_interval)
{
    rig_t rig;
    settings_t settings = drive_settings (1, 1, 1, 1);
    settings.monitor_ms = 500;
    rig_open_with (&rig, &settings, 0, 0);
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_survey), 1, "at the start");
    for (uint64_t round = 0; round < 5; round++) {
        cr_assert_eq (rig.drive.effects.wake_us, rig.drive.now_us + 500 * MS);
        rig_surveyed (&rig, round);
        stats_t stats = s_published (&rig);
        cr_assert_eq (stats.keys, round);
        cr_assert_eq (stats.tombstones, 3);
        cr_assert_eq (stats.time, rig.drive.wall_ms);
        cr_assert (bytes_equal (stats.node, bytes_text ("node1")));
        rig_surveyed (&rig, round);
        rig_silent (&rig);
        drive_tick (&rig.drive, 499 * MS);
        cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_survey), 0);
        drive_tick (&rig.drive, 1 * MS);
        cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_survey), 1);
        rig_note (&rig);
    }
    rig_close (&rig);
}

Test (coordinator, a_survey_that_is_lost_stops_nothing)
{
    rig_t rig;
    settings_t settings = drive_settings (1, 1, 1, 1);
    settings.in_flight_count = 1; /* a table of three */
    rig_open_with (&rig, &settings, 1, 0);
    for (int i = 0; i < 50; i++) {
        drive_tick (&rig.drive, 1000 * MS);
        cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_survey), 1, "interval %d", i);
        cr_assert_not (rig_answered (&rig), "nobody asked");
    }
    drive_tick (&rig.drive, 100000 * MS); /* the machine slept */
    cr_assert_eq (drive_sent_count (&rig.drive, MESSAGE_survey), 1, "one for all of that");
    cr_assert_eq (rig.drive.effects.wake_us, rig.drive.now_us + 1000 * MS);
    rig_close (&rig);
}

Test (coordinator, counters_count_and_latencies_are_the_last_intervals)
{
    rig_t rig;
    rig_open (&rig, 2, 2, 2);
    rig_surveyed (&rig, 0);
    rig_ring (&rig, 2, 0);
    message_t *host = message_new (MESSAGE_host);
    host->host = (host_t){.rss = 111, .disk = 222, .disk_free = 333};
    drive_message (&rig.drive, 0, ROLE_MONITOR, host);
    static const uint64_t ten[] = {10}, eleven[] = {11};
    request_t get = rig_about ("get"), wrong = rig_request ("dance"), put = rig_put ("milk");
    rig_ask (&rig, &get);
    rig.drive.now_us += 40;
    rig_absent (&rig, 1);
    rig_absent (&rig, 2);
    rig_ask (&rig, &get);
    rig.drive.now_us += 50;
    rig_found (&rig, 1, drive_state (ten, 1, bytes_text ("milk")));
    rig_found (&rig, 2, drive_state (eleven, 1, bytes_text ("eggs")));
    rig_ask (&rig, &wrong);
    rig_ask (&rig, &wrong);
    rig_ask (&rig, &put); /* goes on */
    drive_tick (&rig.drive, 1000 * MS);
    rig_note (&rig);
    rig_surveyed (&rig, 12);
    stats_t stats = s_published (&rig);
    cr_assert_eq (stats.gets, 2);
    cr_assert_eq (stats.puts, 1);
    cr_assert_eq (stats.deletes, 0);
    cr_assert_eq (stats.not_found, 1);
    cr_assert_eq (stats.conflicts, 1);
    cr_assert_eq (stats.read_repairs, 1);
    cr_assert_eq (stats.errors.bad_request, 2);
    cr_assert_eq (stats.errors.timeout, 0);
    cr_assert_eq (stats.get_p50, 40);
    cr_assert_eq (stats.get_max, 50);
    cr_assert_eq (stats.get_mean, 45);
    cr_assert_eq (stats.put_max, 0);
    cr_assert_eq (stats.peers_up, 1);
    cr_assert_eq (stats.peers_down, 0);
    cr_assert_eq (stats.keys, 12);
    cr_assert_eq (stats.rss, 111);
    cr_assert_eq (stats.disk, 222);
    cr_assert_eq (stats.disk_free, 333);
    cr_assert_gt (stats.bytes_in, 0);
    cr_assert_gt (stats.bytes_out, 0);
    uint64_t bytes_in = stats.bytes_in;
    rig_ring (&rig, 2, NODE (2));
    drive_tick (&rig.drive, 1000 * MS);
    rig_note (&rig);
    rig_surveyed (&rig, 12);
    stats = s_published (&rig);
    cr_assert_eq (stats.gets, 2, "counters stay");
    cr_assert_eq (stats.get_max, 0, "latencies are of an interval in which there was none");
    cr_assert_eq (stats.errors.unknown, 1, "the put's time was over");
    cr_assert_eq (stats.peers_down, 1);
    cr_assert_eq (stats.bytes_in, bytes_in);
    rig_close (&rig);
}
