/*  test_quorum.c - whom a request asks, in which order, and what counts: distinct nodes, never answers. */
#include "drive.h"

#include "core/quorum.h"

/*  A ring of 4 partitions with `members` nodes, of which those in `unreachable` (a bit each) cannot be reached. */
static ring_t *s_ring (uint8_t n, size_t members, unsigned unreachable)
{
    settings_t settings = drive_settings (4, n, 1, 1);
    message_t *message = drive_snapshot (&settings, members);
    for (size_t i = 0; i < members; i++)
        message->snapshot.members.items[i].reachable = !(unreachable >> (i + 1) & 1);
    ring_t *ring = ring_new (&message->snapshot);
    message_destroy (&message);
    return ring;
}

Test (quorum, this_node_comes_first)
{
    ring_t *ring = s_ring (3, 3, 0);
    for (uint32_t partition = 0; partition < 4; partition++)
        for (uint64_t turn = 0; turn < 5; turn++) {
            quorum_t quorum;
            quorum_init (&quorum, ring, partition, turn);
            cr_assert_eq (quorum.count, 3);
            cr_assert_eq (quorum.items[0].node, 1);
            for (size_t i = 0; i < 3; i++) {
                const attempt_state_t *attempt = &quorum.items[i];
                cr_assert_eq (attempt->node, (partition + attempt->slot) % 3 + 1);
                cr_assert_eq (attempt->result, RESULT_PENDING);
                cr_assert_not (attempt->asked);
                cr_assert_eq (quorum_slot (&quorum, attempt->slot), attempt, "each slot once");
            }
            cr_assert_null (quorum_slot (&quorum, 3));
        }
    ring_destroy (&ring);
}

Test (quorum, the_others_turns_go_around)
{
    ring_t *ring = s_ring (3, 5, 0);
    /* Partition 1 is with nodes 2, 3 and 4. */
    unsigned firsts = 0;
    for (uint64_t turn = 0; turn < 6; turn++) {
        quorum_t quorum;
        quorum_init (&quorum, ring, 1, turn);
        cr_assert_eq (quorum.count, 3);
        cr_assert_eq (quorum.items[0].slot, turn % 3);
        firsts |= 1u << quorum.items[0].node;
    }
    cr_assert_eq (firsts, 1u << 2 | 1u << 3 | 1u << 4);
    ring_destroy (&ring);
}

Test (quorum, vacant_slots_are_left_out_and_unreachable_ones_are_down)
{
    quorum_t quorum;
    ring_t *ring = s_ring (3, 2, 1u << 2 | 1u << 1); /* one always reaches oneself */
    quorum_init (&quorum, ring, 0, 0);
    cr_assert_eq (quorum.count, 2);
    cr_assert_eq (quorum_slot (&quorum, 0)->result, RESULT_PENDING);
    cr_assert_eq (quorum_slot (&quorum, 1)->result, RESULT_DOWN);
    cr_assert_eq (quorum_count (&quorum, QUORUM_PENDING), 1);
    ring_destroy (&ring);
}

Test (quorum, an_owner_that_is_no_member_is_down)
{
    settings_t settings = drive_settings (4, 2, 1, 1);
    message_t *message = drive_snapshot (&settings, 2);
    message->snapshot.slots.items[1].owner = 9;
    ring_t *ring = ring_new (&message->snapshot);
    quorum_t quorum;
    quorum_init (&quorum, ring, 0, 0);
    cr_assert_eq (quorum_slot (&quorum, 1)->result, RESULT_DOWN);
    ring_destroy (&ring);
    message_destroy (&message);
}

Test (quorum, a_node_counts_once)
{
    quorum_t quorum = {.count = 4};
    quorum.items[0] = (attempt_state_t){.node = 5, .result = RESULT_FOUND};
    quorum.items[1] = (attempt_state_t){.node = 5, .result = RESULT_ABSENT};
    quorum.items[2] = (attempt_state_t){.node = 6, .result = RESULT_STORED};
    quorum.items[3] = (attempt_state_t){.node = 5, .result = RESULT_STORED};
    cr_assert_eq (quorum_count (&quorum, QUORUM_READ), 1);
    cr_assert_eq (quorum_count (&quorum, QUORUM_STORED), 2);
    cr_assert_eq (quorum_count (&quorum, QUORUM_READ | QUORUM_STORED), 2);
    cr_assert_eq (quorum_count (&quorum, QUORUM_RESULT (RESULT_ABSENT)), 1);
    cr_assert_eq (quorum_count (&quorum, QUORUM_PENDING), 0);
    quorum.items[0].result = RESULT_REFUSED;
    quorum.items[1].result = RESULT_DOWN;
    cr_assert_eq (quorum_count (&quorum, QUORUM_READ), 0);
}

Test (quorum, what_was_asked_and_has_not_answered_is_outstanding)
{
    ring_t *ring = s_ring (3, 3, 0);
    quorum_t quorum;
    quorum_init (&quorum, ring, 0, 0);
    cr_assert_eq (quorum_outstanding (&quorum), 0);
    quorum.items[0].asked = quorum.items[1].asked = true;
    cr_assert_eq (quorum_outstanding (&quorum), 2);
    quorum.items[0].result = RESULT_REFUSED;
    cr_assert_eq (quorum_outstanding (&quorum), 1);
    ring_destroy (&ring);
}
