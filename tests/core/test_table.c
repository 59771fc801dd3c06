/*  test_table.c - rows merge in any order and any number of times, take effect only when they are on disk, and have a hash
 *  that is equal where they are.
 */
#include "drive.h"

#include "core/table.h"

static const charter_t s_charter = {.cluster = 9, .node = 1, .partitions = 128, .n = 3};

static member_t s_member (uint64_t node, uint64_t version)
{
    return (member_t){.node = node,
                      .name = bytes_text ("name"),
                      .gossip = bytes_text ("tcp://a:1"),
                      .weight = 1,
                      .version = version};
}

/*  What waits is persisted and takes effect. */
static void s_persist (table_t *table)
{
    enact_t enact = {0};
    table_flush (table, &enact);
    table_enacted (table, &enact.members, &enact.slots);
    codec_clear (&enact_schema, &enact);
}

Test (table, rows_take_effect_when_they_are_on_disk)
{
    table_t table;
    table_init (&table, &s_charter);
    cr_assert (table_waits (&table), "the charter does");
    member_t row = s_member (5, 1);
    slot_t slot = {.partition = 7, .slot = 2, .version = 1, .owner = 5};
    cr_assert (table_offer_member (&table, &row));
    cr_assert_not (table_offer_member (&table, &row), "once");
    cr_assert (table_offer_slot (&table, &slot));
    cr_assert_not (table_offer_slot (&table, &slot));
    cr_assert_null (table_member (&table, 5));
    cr_assert_not_null (table_find (&table, 5));
    cr_assert_eq (table_slot (&table, 7, 2)->version, 0);

    enact_t enact = {0};
    table_flush (&table, &enact);
    cr_assert_not (table_waits (&table));
    cr_assert_eq (enact.charter.cluster, 9);
    cr_assert_eq (enact.members.count, 1);
    cr_assert_eq (enact.slots.count, 1);
    cr_assert_null (table_member (&table, 5), "on its way is not there yet");
    row.version = 2; /* meanwhile something newer comes */
    cr_assert (table_offer_member (&table, &row));
    table_enacted (&table, &enact.members, &enact.slots);
    cr_assert_eq (table_member (&table, 5)->version, 1);
    cr_assert_eq (table_slot (&table, 7, 2)->owner, 5);
    cr_assert (table_active (&table, 5));
    codec_clear (&enact_schema, &enact);

    table_flush (&table, &enact);
    cr_assert_eq (enact.charter.node, 0, "the charter is written once");
    cr_assert_eq (enact.members.count, 1);
    cr_assert_eq (enact.slots.count, 0);
    table_enacted (&table, &enact.members, &enact.slots);
    cr_assert_eq (table_member (&table, 5)->version, 2);
    codec_clear (&enact_schema, &enact);
    table_clear (&table);
}

Test (table, of_many_rows_the_newest_waits)
{
    table_t table;
    table_init (&table, &s_charter);
    s_persist (&table);
    for (uint64_t version = 1; version < 10; version++) {
        member_t row = s_member (5, version);
        slot_t slot = {.partition = 1, .version = version, .owner = 5};
        table_offer_member (&table, &row);
        table_offer_slot (&table, &slot);
    }
    enact_t enact = {0};
    table_flush (&table, &enact);
    cr_assert_eq (enact.members.count, 1);
    cr_assert_eq (enact.members.items[0].version, 9);
    cr_assert_eq (enact.slots.count, 1);
    cr_assert_eq (enact.slots.items[0].version, 9);
    codec_clear (&enact_schema, &enact);
    table_clear (&table);
}

Test (table, merging_is_the_same_in_any_order)
{
    member_t rows[6] = {s_member (5, 1), s_member (5, 1), s_member (5, 3),
                        s_member (5, 2), s_member (5, 1), s_member (5, 2)};
    rows[1].joined = 4;
    rows[3].state = MEMBER_UP;
    rows[4].state = MEMBER_REMOVED; /* for ever, whatever the versions say */
    rows[5].state = MEMBER_LEFT;
    slot_t slots[4] = {{.version = 5, .owner = 1},
                       {.version = 5, .owner = 2},
                       {.version = 9, .owner = 3},
                       {.version = 1, .owner = 4, .force = 1}};
    rng_t rng;
    rng_seed (&rng, 1);
    for (int round = 0; round < 500; round++) {
        table_t table;
        table_init (&table, &s_charter);
        bool given[6] = {false};
        size_t most = round % 2 ? 6 : 4; /* with and without the two that end it */
        for (size_t left = most; left > 0;) {
            size_t i = (size_t) rng_below (&rng, most);
            left -= !given[i];
            given[i] = true;
            table_offer_member (&table, &rows[i]);
            table_offer_slot (&table, &slots[i % 4]);
            if (rng_below (&rng, 3) == 0)
                s_persist (&table);
        }
        s_persist (&table);
        const member_t *row = table_member (&table, 5);
        cr_assert_eq (row->version, round % 2 ? 1 : 3);
        cr_assert_eq (row->state, round % 2 ? MEMBER_REMOVED : MEMBER_JOINING);
        cr_assert_eq (table_slot (&table, 0, 0)->owner, 4, "force goes before version");
        table_clear (&table);
    }
}

Test (table, members_are_sorted_and_bounded)
{
    table_t table;
    table_init (&table, &s_charter);
    for (uint64_t i = 0; i < LIMIT_MEMBERS_COUNT + 10; i++) {
        member_t row = s_member (1 + i * 7919 % 4099 * 5, 1);
        cr_assert_eq (table_offer_member (&table, &row), i < LIMIT_MEMBERS_COUNT);
    }
    cr_assert_eq (table.members_count, LIMIT_MEMBERS_COUNT);
    for (size_t i = 1; i < table.members_count; i++)
        cr_assert_lt (table.members[i - 1].newest.node, table.members[i].newest.node);
    cr_assert_null (table_find (&table, 2));
    table_clear (&table);
}

Test (table, equal_slots_have_equal_hashes)
{
    table_t one, other;
    table_init (&one, &s_charter);
    table_init (&other, &s_charter);
    cr_assert_eq (table_groups (&one), 64);
    for (uint32_t p = 0; p < 128; p++)
        cr_assert_eq (table_group (&one, p), p / 2);
    for (uint32_t p = 0; p < 128; p++) {
        slot_t row = {.partition = p, .version = 1, .owner = p + 1};
        table_offer_slot (&one, &row);
        row.partition = 127 - p;
        row.owner = 128 - p;
        table_offer_slot (&other, &row);
    }
    s_persist (&one);
    for (size_t i = 0; i < 64; i++)
        cr_assert_neq (table_group_hash (&one, i), table_group_hash (&other, i), "not in effect");
    s_persist (&other);
    for (size_t i = 0; i < 64; i++)
        cr_assert_eq (table_group_hash (&one, i), table_group_hash (&other, i));
    /* Each field counts. */
    const slot_t changes[] = {{.partition = 9, .version = 2, .owner = 10},
                              {.partition = 9, .version = 2, .owner = 11},
                              {.partition = 9, .version = 2, .owner = 11, .force = 1},
                              {.partition = 9, .version = 3, .owner = 11, .force = 1, .phase = 1},
                              {.partition = 9, .version = 4, .owner = 11, .force = 1, .pending = 3},
                              {.partition = 9, .slot = 1, .version = 1, .owner = 4}};
    uint64_t last = table_group_hash (&one, 4);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        cr_assert (table_offer_slot (&one, &changes[i]));
        s_persist (&one);
        cr_assert_neq (table_group_hash (&one, 4), last);
        last = table_group_hash (&one, 4);
        cr_assert_eq (table_group_hash (&one, 5), table_group_hash (&other, 5));
    }
    table_clear (&one);
    table_clear (&other);
}

Test (table, a_snapshot_is_what_is_in_effect)
{
    table_t table;
    table_init (&table, &s_charter);
    member_t row = s_member (5, 4);
    slot_t slot = {.partition = 1, .version = 3, .owner = 5};
    table_recall_member (&table, &row);
    table_recall_slot (&table, &slot);
    row.node = 6;
    slot.partition = 2;
    table_offer_member (&table, &row);
    table_offer_slot (&table, &slot);
    snapshot_t snapshot;
    table_snapshot (&table, &snapshot);
    cr_assert_eq (snapshot.members.count, 1);
    cr_assert_eq (snapshot.slots.count, 1);
    cr_assert_eq (snapshot.version, 7);
    cr_assert_eq (snapshot.charter.cluster, 9);
    codec_clear (&snapshot_schema, &snapshot);
    table_clear (&table);
}
