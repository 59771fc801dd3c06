/*  test_ring.c - the partition of a hash, the table of slots, and what a ring refuses. */
#include "drive.h"

#include "core/rng.h"

Test (ring, a_partition_is_the_share_of_the_hash)
{
    static const uint32_t partitions[] = {1, 2, 256, 65536};
    rng_t rng;
    rng_seed (&rng, 1);
    for (size_t i = 0; i < 4; i++) {
        uint64_t share = UINT64_MAX / partitions[i] + (partitions[i] > 1);
        for (unsigned round = 0; round < 10000; round++) {
            uint64_t hash = rng_next (&rng);
            uint32_t wanted = partitions[i] == 1 ? 0 : (uint32_t) (hash / share);
            cr_assert_eq (ring_partition (partitions[i], hash), wanted);
        }
        for (uint32_t p = 1; p < partitions[i]; p++) {
            cr_assert_eq (ring_partition (partitions[i], share * p), p, "its first hash");
            cr_assert_eq (ring_partition (partitions[i], share * p - 1), p - 1, "the one before");
        }
        cr_assert_eq (ring_partition (partitions[i], 0), 0);
        cr_assert_eq (ring_partition (partitions[i], UINT64_MAX), partitions[i] - 1);
    }
}

Test (ring, the_hash_is_the_contracts)
{
    /* XXH3-64 with seed 0, from its specification's sanity check; clients compute it themselves. */
    cr_assert_eq (hash_bytes (bytes_view (NULL, 0)), 0x2d06800538d394c2u);
    cr_assert_neq (hash_bytes (bytes_text ("a")), hash_bytes (bytes_text ("b")));
}

Test (ring, a_table_is_read_back)
{
    settings_t settings = drive_settings (8, 3, 2, 2);
    message_t *message = drive_snapshot (&settings, 2);
    message->snapshot.members.items[1].state = MEMBER_REMOVED;
    ring_t *ring = ring_new (&message->snapshot);
    message_destroy (&message); /* the ring has its own */
    cr_assert_not_null (ring);
    cr_assert_eq (ring_version (ring), 2 + 16);
    cr_assert_eq (ring_self (ring), 1);
    cr_assert_eq (ring_charter (ring)->partitions, 8);
    size_t count;
    cr_assert_not_null (ring_members (ring, &count));
    cr_assert_eq (count, 2);
    cr_assert_eq (ring_member_count (ring), 1, "a removed one holds nothing");
    cr_assert (bytes_equal (ring_member (ring, 2)->name, bytes_text ("node2")));
    cr_assert_null (ring_member (ring, 3));
    for (uint32_t p = 0; p < 8; p++) {
        cr_assert_eq (ring_slot (ring, p, 0)->owner, p % 2 + 1);
        cr_assert_eq (ring_slot (ring, p, 1)->owner, (p + 1) % 2 + 1);
        cr_assert_eq (ring_slot (ring, p, 2)->owner, 0, "vacant");
        cr_assert_eq (ring_slot (ring, p, 2)->partition, p);
        cr_assert_eq (ring_slot (ring, p, 2)->slot, 2);
        cr_assert_eq (ring_slot_of (ring, p, 1), (int) (p % 2));
        cr_assert_eq (ring_slot_of (ring, p, 3), -1);
    }
    cr_assert_eq (drive_load (ring, 1), 8);
    cr_assert_eq (drive_load (ring, 3), 0);
    ring_destroy (&ring);
    cr_assert_null (ring);
    ring_destroy (&ring);
}

/*  Whether a table of 4 partitions and 2 slots is taken after one row or the charter was changed. */
typedef enum {
    AS_IT_IS,
    NO_PARTITIONS,
    THREE_PARTITIONS,
    TOO_MANY_PARTITIONS,
    NO_SLOTS,
    TOO_MANY_SLOTS,
    PARTITION_OUTSIDE,
    SLOT_OUTSIDE,
    SLOT_TWICE,
    SLOT_TWICE_WITHOUT_VERSION,
    CHANGES
} change_t;

static bool s_taken (change_t change)
{
    settings_t settings = drive_settings (4, 2, 1, 1);
    message_t *message = drive_snapshot (&settings, 2);
    charter_t *charter = &message->snapshot.charter;
    slot_t *row = &message->snapshot.slots.items[5]; /* slot 1 of partition 2 */
    switch (change) {
    case NO_PARTITIONS: charter->partitions = 0; break;
    case THREE_PARTITIONS: charter->partitions = 6; break;
    case TOO_MANY_PARTITIONS: charter->partitions = 2 * LIMIT_PARTITIONS_COUNT; break;
    case NO_SLOTS: charter->n = 0; break;
    case TOO_MANY_SLOTS: charter->n = LIMIT_N + 1; break;
    case PARTITION_OUTSIDE: row->partition = 4; break;
    case SLOT_OUTSIDE: row->slot = 2; break;
    case SLOT_TWICE: row->slot = 0; break;
    case SLOT_TWICE_WITHOUT_VERSION:
        row->slot = 0;
        row[-1].version = row->version = 0;
        break;
    case AS_IT_IS:
    case CHANGES: break;
    }
    ring_t *ring = ring_new (&message->snapshot);
    bool taken = ring != NULL;
    ring_destroy (&ring);
    message_destroy (&message);
    return taken;
}

Test (ring, a_table_that_contradicts_itself_is_refused)
{
    cr_assert (s_taken (AS_IT_IS));
    for (int change = AS_IT_IS + 1; change < CHANGES; change++)
        cr_assert_not (s_taken ((change_t) change), "change %d", change);
}

Test (ring, following_takes_the_new_and_says_so)
{
    settings_t settings = drive_settings (4, 2, 1, 1);
    effects_t effects;
    effects_init (&effects);
    ring_t *ring = NULL;
    message_t *message = drive_snapshot (&settings, 1);
    message->from = (address_t){.role = ROLE_GOSSIP};
    message->snapshot.sequence = 41;
    ring_follow (&ring, message, &effects);
    cr_assert_not_null (ring);
    cr_assert_eq (effects.count, 1);
    cr_assert_eq (effects.items[0].to.role, ROLE_GOSSIP);
    cr_assert_eq (effects.items[0].message->type, MESSAGE_seen);
    cr_assert_eq (effects.items[0].message->seen.sequence, 41);
    message_destroy (&message);
    effects_reset (&effects);

    message = drive_snapshot (&settings, 2);
    message->snapshot.slots.items[3].partition = 4;
    ring_follow (&ring, message, &effects);
    cr_assert_eq (effects.count, 0, "what was passed over was not seen");
    cr_assert_eq (ring_version (ring), 5, "and the old one holds");
    message->snapshot.slots.items[3].partition = 1;
    ring_follow (&ring, message, &effects);
    cr_assert_eq (ring_version (ring), 10);
    message_destroy (&message);
    effects_clear (&effects);
    ring_destroy (&ring);
}

Test (ring, a_cluster_of_one_is_founded)
{
    static const uint32_t partitions[] = {1, 256, 65536};
    for (size_t i = 0; i < 3; i++) {
        settings_t settings = drive_settings (partitions[i], 3, 2, 2);
        charter_t charter = {.cluster = 5, .node = 77, .partitions = partitions[i], .n = 3};
        snapshot_t snapshot;
        ring_found (&snapshot, &charter, &settings);
        cr_assert_eq (snapshot.version, partitions[i] + 1);
        cr_assert_eq (snapshot.members.count, 1);
        const member_t *own = &snapshot.members.items[0];
        cr_assert_eq (own->node, 77);
        cr_assert_eq (own->state, MEMBER_UP);
        cr_assert (own->reachable);
        cr_assert (bytes_equal (own->name, bytes_text ("node1")));
        cr_assert (bytes_equal (own->peer, bytes_text (settings.peer)));
        ring_t *ring = ring_new (&snapshot);
        cr_assert_not_null (ring);
        cr_assert_eq (drive_load (ring, 77), partitions[i]);
        cr_assert_eq (drive_load (ring, 0), 2 * (uint64_t) partitions[i], "the rest is vacant");
        for (uint32_t p = 0; p < partitions[i]; p++) {
            cr_assert_eq (ring_slot_of (ring, p, 77), 0);
            cr_assert_eq (ring_slot (ring, p, 0)->phase, SLOT_READY);
        }
        ring_destroy (&ring);
        codec_clear (&snapshot_schema, &snapshot);
    }
}

Test (ring, a_tables_version_is_the_sum_of_its_rows)
{
    settings_t settings = drive_settings (4, 2, 1, 1);
    message_t *message = drive_snapshot (&settings, 3);
    cr_assert_eq (ring_sum (&message->snapshot), 3 + 8);
    message->snapshot.members.items[2].version = 6;
    cr_assert_eq (ring_sum (&message->snapshot), 3 + 8 + 5);
    message->snapshot.slots.items[7].version = 3;
    cr_assert_eq (ring_sum (&message->snapshot), 3 + 8 + 5 + 2);
    message_destroy (&message);
}

/*  A ring of `count` members, as node 1 has it. */
static ring_t *s_ring (uint32_t partitions, uint8_t n, size_t count)
{
    settings_t settings = drive_settings (partitions, n, 1, 1);
    message_t *message = drive_snapshot (&settings, count);
    ring_t *ring = ring_new (&message->snapshot);
    cr_assert_not_null (ring);
    message_destroy (&message);
    return ring;
}

Test (ring, what_is_heard_of_peers_outlives_a_snapshot)
{
    ring_t *ring = s_ring (4, 2, 3);
    uint32_t age_ms;
    cr_assert_eq (ring_stamp (ring, 2, 5000000, &age_ms).nonce, 0, "never heard of");
    sight_t sights[] = {{.node = 2, .reachable = true, .stamp = {.nonce = 7, .clock_ms = 90}},
                        {.node = 3, .reachable = false},
                        {.node = 9, .reachable = true}};
    peers_t peers = {.peers = {.items = sights, .count = 3}};
    ring_hear (ring, &peers, 5000000);
    cr_assert (ring_reachable (ring, 1), "itself");
    cr_assert (ring_reachable (ring, 2));
    cr_assert_not (ring_reachable (ring, 3));
    cr_assert_not (ring_reachable (ring, 9), "a stranger");

    settings_t settings = drive_settings (4, 2, 1, 1);
    message_t *message = drive_snapshot (&settings, 4);
    effects_t effects;
    effects_init (&effects);
    ring_follow (&ring, message, &effects);
    stamp_t stamp = ring_stamp (ring, 2, 5250000, &age_ms);
    cr_assert_eq (stamp.nonce, 7);
    cr_assert_eq (stamp.clock_ms, 90);
    cr_assert_eq (age_ms, 250);
    cr_assert_eq (ring_stamp (ring, 4, 5250000, &age_ms).nonce, 0);
    cr_assert_eq (ring_stamp (ring, 1, 5250000, &age_ms).nonce, 0, "our own replica needs none");
    message_destroy (&message);
    effects_clear (&effects);
    ring_destroy (&ring);
}

Test (ring, only_a_higher_version_is_put_in_place)
{
    ring_t *ring = s_ring (4, 2, 3);
    slot_t rows[] = {{.partition = 1, .slot = 0, .version = 2, .owner = 3},
                     {.partition = 1, .slot = 1, .version = 1, .owner = 1},
                     {.partition = 4, .slot = 0, .version = 9, .owner = 1},
                     {.partition = 0, .slot = 2, .version = 9, .owner = 1}};
    slot_list_t list = {.items = rows, .count = 4};
    ring_enact (ring, &list);
    cr_assert_eq (ring_slot (ring, 1, 0)->owner, 3);
    cr_assert_eq (ring_slot (ring, 1, 1)->owner, 3, "version 1 was there before");
    ring_destroy (&ring);
}

Test (ring, fallbacks_are_the_others_in_an_order_of_the_partitions_own)
{
    ring_t *ring = s_ring (64, 3, 7);
    size_t first_of[8] = {0};
    for (uint32_t p = 0; p < 64; p++) {
        uint64_t nodes[7];
        cr_assert_eq (ring_fallbacks (ring, p, nodes, 7), 4);
        for (size_t i = 0; i < 4; i++) {
            cr_assert_lt (ring_slot_of (ring, p, nodes[i]), 0, "an owner is no fallback");
            for (size_t k = 0; k < i; k++)
                cr_assert_neq (nodes[i], nodes[k]);
        }
        uint64_t again[2];
        cr_assert_eq (ring_fallbacks (ring, p, again, 2), 2);
        cr_assert_eq (again[0], nodes[0]);
        cr_assert_eq (again[1], nodes[1]);
        first_of[nodes[0]]++;
    }
    for (size_t node = 1; node <= 7; node++)
        cr_assert_gt (first_of[node], 0, "node %zu is never the first", node);
    ring_destroy (&ring);
}

Test (ring, states_have_names)
{
    cr_assert_str_eq (member_state_name (MEMBER_UP), "up");
    cr_assert_str_eq (member_state_name (MEMBER_JOINING), "joining");
    cr_assert_str_eq (member_state_name (MEMBER_LEFT), "left");
    cr_assert_str_eq (member_state_name (200), "removed");
}
