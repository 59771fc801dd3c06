/*  test_placement.c - from any placement the moves lead to the target's owners, each slot by its own owner's consent, and no
 *  node ever holds two slots of a partition.
 */
#include "drive.h"

#include "core/claim.h"
#include "core/placement.h"

#define N 3
#define NODES 6

static table_t s_table (uint32_t partitions)
{
    const charter_t charter = {.cluster = 1, .node = 1, .partitions = partitions, .n = N};
    table_t table;
    table_init (&table, &charter);
    return table;
}

static void s_own (table_t *table, uint32_t partition, uint8_t slot, uint64_t owner)
{
    slot_t row = {.partition = partition, .slot = slot, .version = 1, .owner = owner};
    table_recall_slot (table, &row);
}

static void s_apply (table_t *table, const slot_list_t *rows)
{
    for (size_t i = 0; i < rows->count; i++) {
        const slot_t *before = table_slot (table, rows->items[i].partition, rows->items[i].slot);
        cr_assert_eq (rows->items[i].version, before->version + 1);
        table_recall_slot (table, &rows->items[i]);
    }
}

Test (placement, a_founder_gives_away_what_is_vacant)
{
    table_t table = s_table (2);
    const uint64_t target[] = {1, 2, 0, 2, 1, 0};
    s_own (&table, 0, 0, 1);
    s_own (&table, 1, 0, 1);
    plan_t plan;
    plan_make (&plan, &table, target, 1, true);
    cr_assert_eq (plan.assigned.count, 2);
    cr_assert_eq (plan.gifts.count, 0, "which of the two has which slot does not matter");
    cr_assert_eq (plan.vacant, 2);
    cr_assert_eq (plan.coming, 0);
    cr_assert_eq (plan.assigned.items[0].owner, 2);
    cr_assert_eq (plan.assigned.items[0].slot, 1);
    cr_assert_eq (plan.assigned.items[0].phase, SLOT_READY);
    plan_clear (&plan);
    plan_make (&plan, &table, target, 2, true);
    cr_assert_eq (plan.assigned.count, 0, "it is not the other's to assign");
    cr_assert_eq (plan.coming, 2);
    plan_clear (&plan);
    plan_make (&plan, &table, target, 2, false);
    cr_assert_eq (plan.coming, 2, "vacant slots are filled with data elsewhere too");
    plan_clear (&plan);
    table_clear (&table);
}

Test (placement, what_is_filled_moves_only_if_it_may)
{
    table_t table = s_table (1);
    const uint64_t target[] = {1, 2, 4};
    for (uint8_t slot = 0; slot < 3; slot++)
        s_own (&table, 0, slot, slot + 1);
    for (uint64_t node = 1; node < 5; node++) {
        plan_t plan;
        plan_make (&plan, &table, target, node, true);
        cr_assert_eq (plan.gifts.count, node == 3);
        cr_assert_eq (plan.coming, node == 4);
        cr_assert_eq (plan.misplaced, 1);
        cr_assert (plan.whole);
        plan_clear (&plan);
        plan_make (&plan, &table, target, node, false);
        cr_assert_eq (plan.gifts.count + plan.misplaced + plan.coming, 0);
        plan_clear (&plan);
    }
    table_clear (&table);
}

Test (placement, who_holds_two_slots_gives_one_away)
{
    table_t table = s_table (1);
    const uint64_t target[] = {1, 2, 3};
    s_own (&table, 0, 0, 1);
    s_own (&table, 0, 1, 2);
    s_own (&table, 0, 2, 2);
    plan_t plan;
    plan_make (&plan, &table, target, 2, true);
    cr_assert_eq (plan.gifts.count, 1);
    cr_assert_eq (plan.gifts.items[0].slot, 2);
    cr_assert_eq (plan.gifts.items[0].owner, 3);
    plan_clear (&plan);
    table_clear (&table);
}

Test (placement, an_empty_table_is_not_whole)
{
    table_t table = s_table (2);
    const uint64_t target[] = {1, 2, 3, 1, 2, 3};
    s_own (&table, 0, 0, 1);
    plan_t plan;
    plan_make (&plan, &table, target, 1, true);
    cr_assert_not (plan.whole);
    cr_assert_eq (plan.assigned.count, 2, "only where there is an owner who may");
    plan_clear (&plan);
    table_clear (&table);
}

/*  A random placement, and every node's moves in turn, until none is left. */
static void s_converge (uint64_t seed)
{
    rng_t rng;
    rng_seed (&rng, seed);
    uint32_t partitions = 1u << rng_below (&rng, 6);
    member_list_t members = {.items = memory_new (NODES, sizeof (member_t)),
                             .count = 1 + (size_t) rng_below (&rng, NODES)};
    for (size_t i = 0; i < members.count; i++)
        members.items[i] = (member_t){.node = i + 1, .weight = 1, .joined = i, .state = MEMBER_UP};
    table_t table = s_table (partitions);
    for (uint32_t p = 0; p < partitions; p++)
        for (uint8_t slot = 0; slot < N; slot++) {
            uint64_t owner = 1 + rng_below (&rng, NODES); /* also some that are members no more */
            bool taken = false;
            for (uint8_t k = 0; k < slot; k++)
                taken |= table_slot (&table, p, k)->owner == owner;
            if (slot == 0 || (!taken && rng_below (&rng, 3) != 0))
                s_own (&table, p, slot, owner);
        }
    uint64_t *target = memory_new ((size_t) partitions * N, sizeof *target);
    claim_target (partitions, N, &members, target);
    bool moved = true;
    for (int round = 0; moved; round++) {
        cr_assert_lt (round, 3, "two rounds are enough");
        moved = false;
        for (uint64_t node = 1; node <= NODES; node++) {
            plan_t plan;
            plan_make (&plan, &table, target, node, true);
            moved |= plan.assigned.count + plan.gifts.count > 0;
            s_apply (&table, &plan.assigned);
            s_apply (&table, &plan.gifts);
            plan_clear (&plan);
        }
    }
    plan_t plan;
    plan_make (&plan, &table, target, 1, true);
    cr_assert_eq (plan.vacant + plan.misplaced, 0);
    plan_clear (&plan);
    for (uint32_t p = 0; p < partitions; p++)
        for (uint8_t slot = 0; slot < N; slot++) {
            uint64_t wanted = target[p * N + slot];
            size_t held = 0;
            for (uint8_t k = 0; k < N; k++)
                held += table_slot (&table, p, k)->owner == wanted;
            cr_assert (wanted == 0 || held == 1, "seed %llu: node %llu has %zu slots of %u",
                       (unsigned long long) seed, (unsigned long long) wanted, held, p);
        }
    free (target);
    free (members.items);
    table_clear (&table);
}

Test (placement, it_ends_at_the_target)
{
    for (uint64_t seed = 1; seed <= 300; seed++)
        s_converge (seed);
}
