/*  test_suspicion.c - what the coordinator holds against a peer, and what it does with it. */
#include "drive.h"

#include "core/suspicion.h"

#define PEER 7u

Test (suspicion, three_time_outs_one_after_another)
{
    suspicion_t suspicion = {0};
    uint64_t now_us = 1000 * MS;
    for (unsigned i = 1; i <= 3; i++) {
        cr_assert_not (suspicion_suspects (&suspicion, PEER));
        bool tell = suspicion_miss (&suspicion, PEER, now_us, now_us + 20 * MS);
        cr_assert_eq (tell, i == 3);
        for (int k = 0; k < 5; k++) /* sent in the meantime: the same pause */
            cr_assert_not (suspicion_miss (&suspicion, PEER, now_us + 10 * MS, now_us + 25 * MS));
        now_us += 20 * MS;
    }
    cr_assert (suspicion_suspects (&suspicion, PEER));
    cr_assert_not (suspicion_suspects (&suspicion, PEER + 1));
    cr_assert (suspicion_miss (&suspicion, PEER, now_us, now_us + 1000 * MS), "told again");
    suspicion_heard (&suspicion, PEER);
    cr_assert_not (suspicion_suspects (&suspicion, PEER));
    suspicion_clear (&suspicion);
    suspicion_clear (&suspicion);
}

Test (suspicion, who_is_back_is_forgiven)
{
    suspicion_t suspicion = {0};
    for (uint64_t i = 1; i <= 3; i++)
        suspicion_miss (&suspicion, PEER, i * MS, i * MS);
    cr_assert (suspicion_suspects (&suspicion, PEER));
    suspicion_forgive (&suspicion, PEER);
    cr_assert_not (suspicion_suspects (&suspicion, PEER));
    suspicion_forgive (&suspicion, PEER + 1);
    suspicion_clear (&suspicion);
}

Test (suspicion, time_outs_are_learned_within_bounds)
{
    suspicion_t suspicion = {0};
    cr_assert_eq (suspicion_timeout (&suspicion, PEER, PACE_QUICK, 123), 123);
    for (int i = 0; i < 50; i++)
        suspicion_answer (&suspicion, PEER, PACE_QUICK, 300);
    cr_assert_eq (suspicion_timeout (&suspicion, PEER, PACE_QUICK, 123), 20 * MS);
    for (int i = 0; i < 50; i++)
        suspicion_answer (&suspicion, PEER, PACE_QUICK, 100 * MS);
    uint64_t timeout_us = suspicion_timeout (&suspicion, PEER, PACE_QUICK, 123);
    cr_assert_geq (timeout_us, 90 * MS);
    cr_assert_leq (timeout_us, 300 * MS);
    for (int i = 0; i < 50; i++)
        suspicion_answer (&suspicion, PEER, PACE_QUICK, 60000 * MS);
    cr_assert_eq (suspicion_timeout (&suspicion, PEER, PACE_QUICK, 123), 2000 * MS);
    suspicion_clear (&suspicion);
}

Test (suspicion, a_slow_disk_is_not_measured_by_quick_reads)
{
    suspicion_t suspicion = {0};
    for (int i = 0; i < 100; i++) {
        for (int k = 0; k < 9; k++)
            suspicion_answer (&suspicion, PEER, PACE_QUICK, 300);
        suspicion_answer (&suspicion, PEER, PACE_FLUSH, 60 * MS);
    }
    cr_assert_eq (suspicion_timeout (&suspicion, PEER, PACE_QUICK, 123), 20 * MS);
    cr_assert_geq (suspicion_timeout (&suspicion, PEER, PACE_FLUSH, 123), 60 * MS);
    suspicion_clear (&suspicion);
}

/*  The order of a quorum with nodes 1 to 4 at slots 0 to 3, as a number of four digits. */
static unsigned s_order (const suspicion_t *suspicion, uint64_t own)
{
    quorum_t quorum = {0};
    for (uint8_t slot = 0; slot < 4; slot++)
        quorum_add (&quorum, slot, slot + 1u, false);
    suspicion_order (suspicion, own, &quorum);
    unsigned order = 0;
    cr_assert_eq (quorum.count, 4);
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq (quorum.items[i].slot + 1u, quorum.items[i].node);
        order = order * 10 + (unsigned) quorum.items[i].node;
    }
    return order;
}

Test (suspicion, suspects_are_last_and_the_slow_before_them)
{
    suspicion_t suspicion = {0};
    cr_assert_eq (s_order (&suspicion, 1), 1234);
    suspicion_answer (&suspicion, 1, PACE_QUICK, 90 * MS);
    suspicion_answer (&suspicion, 2, PACE_QUICK, 80 * MS);
    suspicion_answer (&suspicion, 3, PACE_QUICK, 1 * MS);
    suspicion_answer (&suspicion, 4, PACE_QUICK, 2 * MS);
    cr_assert_eq (s_order (&suspicion, 1), 1342, "this node is first, however busy it is");
    cr_assert_eq (s_order (&suspicion, 9), 3412);
    for (uint64_t i = 1; i <= 3; i++)
        suspicion_miss (&suspicion, 3, i * MS, i * MS);
    cr_assert_eq (s_order (&suspicion, 1), 1423);
    for (uint64_t i = 1; i <= 3; i++)
        suspicion_miss (&suspicion, 1, i * MS, i * MS);
    cr_assert_eq (s_order (&suspicion, 1), 4213);
    suspicion_clear (&suspicion);
}

Test (suspicion, strangers_are_forgotten)
{
    settings_t settings = drive_settings (1, 1, 1, 1);
    message_t *message = drive_snapshot (&settings, 3);
    ring_t *ring = ring_new (&message->snapshot);
    message_destroy (&message);
    suspicion_t suspicion = {0};
    for (uint64_t node = 1; node <= 6; node++)
        suspicion_answer (&suspicion, node, PACE_QUICK, 1000 * node);
    suspicion_follow (&suspicion, ring);
    cr_assert_eq (suspicion.count, 3);
    cr_assert_eq (suspicion_regard (&suspicion, 2)->pace[PACE_QUICK].mean_us, 2000);
    suspicion_clear (&suspicion);
    ring_destroy (&ring);
}
