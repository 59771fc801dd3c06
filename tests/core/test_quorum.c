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
    cr_assert_eq (quorum_count (&quorum, QUORUM_PENDING, false), 1);
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

/*  An attempt that has this result. */
static void s_add (quorum_t *quorum, uint8_t slot, uint64_t node, bool hint, result_t result)
{
    attempt_state_t *attempt = quorum_add (quorum, slot, node, hint);
    cr_assert_not_null (attempt);
    attempt->result = result;
    attempt->asked = true;
}

Test (quorum, a_node_counts_once_and_a_slot_counts_once)
{
    quorum_t quorum = {0};
    s_add (&quorum, 0, 5, false, RESULT_STORED);
    s_add (&quorum, 1, 6, false, RESULT_PENDING);
    s_add (&quorum, 2, 7, false, RESULT_DOWN);
    cr_assert_eq (quorum_count (&quorum, QUORUM_STORED, false), 1);
    s_add (&quorum, 1, 5, true, RESULT_HINTED);
    cr_assert_eq (quorum_count (&quorum, QUORUM_STORED, false), 1, "on the same disk");
    s_add (&quorum, 2, 8, true, RESULT_HINTED);
    cr_assert_eq (quorum_count (&quorum, QUORUM_STORED, false), 2);
    cr_assert_eq (quorum_count (&quorum, QUORUM_STORED, true), 1, "owners alone");
    s_add (&quorum, 2, 9, true, RESULT_HINTED);
    cr_assert_eq (quorum_count (&quorum, QUORUM_STORED, false), 2, "for the same slot");
    quorum_find (&quorum, 1, 6)->result = RESULT_STORED;
    cr_assert_eq (quorum_count (&quorum, QUORUM_STORED, false), 3);
    quorum_find (&quorum, 2, 7)->result = RESULT_STORED;
    cr_assert_eq (quorum_count (&quorum, QUORUM_STORED, false), 3);
    cr_assert_eq (quorum_count (&quorum, QUORUM_STORED, true), 3);
    cr_assert_eq (quorum_count (&quorum, QUORUM_READ, false), 0);
}

Test (quorum, a_hint_takes_nothing_from_what_its_node_stored_itself)
{
    quorum_t quorum = {0};
    s_add (&quorum, 1, 5, true, RESULT_HINTED);
    s_add (&quorum, 0, 5, false, RESULT_STORED);
    s_add (&quorum, 1, 6, false, RESULT_STORED);
    cr_assert_eq (quorum_count (&quorum, QUORUM_STORED, false), 2);
}

Test (quorum, fallbacks_come_in_rendezvous_order_each_for_one_slot)
{
    ring_t *ring = s_ring (3, 7, 1u << 2 | 1u << 3);
    uint64_t nodes[7];
    cr_assert_eq (ring_fallbacks (ring, 0, nodes, 7), 4);
    quorum_t quorum;
    quorum_init (&quorum, ring, 0, 0);
    for (size_t i = 0; i < 4; i++) {
        const attempt_state_t *attempt = quorum_stand_in (&quorum, ring, (uint8_t) (1 + i % 2));
        cr_assert_eq (attempt->node, nodes[i]);
        cr_assert_eq (attempt->slot, 1 + i % 2);
        cr_assert (attempt->hint);
        cr_assert_eq (attempt->result, RESULT_PENDING);
    }
    cr_assert_null (quorum_stand_in (&quorum, ring, 1), "all are used");
    cr_assert_eq (quorum_slot (&quorum, 1)->node, 2, "the owner stays the owner");
    ring_destroy (&ring);
    ring = s_ring (3, 7, 1u << nodes[0] | 1u << nodes[2]);
    quorum_init (&quorum, ring, 0, 0);
    cr_assert_eq (quorum_stand_in (&quorum, ring, 1)->node, nodes[1], "those that are reachable");
    cr_assert_eq (quorum_stand_in (&quorum, ring, 1)->node, nodes[3]);
    ring_destroy (&ring);
}

Test (quorum, what_is_available_are_owners_and_who_can_stand_in_for_them)
{
    for (size_t members = 3; members <= 7; members++)
        for (unsigned down = 0; down < 8; down++) {
            unsigned owners = 3 - (unsigned) __builtin_popcount (down & 6);
            ring_t *ring = s_ring (3, members, (down & 6) << 1); /* this node reaches itself */
            quorum_t quorum;
            quorum_init (&quorum, ring, 0, 0);
            cr_assert_eq (quorum_available (&quorum, ring, true), owners);
            size_t all = owners + (members - 3 < 3 - owners ? members - 3 : 3 - owners);
            cr_assert_eq (quorum_available (&quorum, ring, false), all, "%zu members, down %x",
                          members, down);
            ring_destroy (&ring);
        }
}

Test (quorum, attempts_have_a_limit)
{
    quorum_t quorum = {0};
    for (size_t i = 0; i < LIMIT_ATTEMPTS_COUNT; i++)
        s_add (&quorum, 0, i, true, RESULT_REFUSED);
    cr_assert_null (quorum_add (&quorum, 0, 99, true));
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
