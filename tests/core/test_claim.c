/*  test_claim.c - who should own which slot: even by weight, distinct by node and zone, few moves, the same everywhere. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/claim.h"
#include "core/ring.h"
#include "core/rng.h"
#include "messages/memory.h"

#define MEMBERS 16

/*  Members 1 .. count, which joined in this order. */
typedef struct {
    member_t items[MEMBERS];
    size_t count;
    uint32_t partitions;
    uint8_t n;
    uint64_t *owners;
} fixture_t;

static member_t s_member (uint64_t node, const char *zone, double weight)
{
    return (member_t){.node = node * 7919,
                      .zone = bytes_text (zone),
                      .weight = weight,
                      .state = MEMBER_UP,
                      .joined = node};
}

static fixture_t s_cluster (size_t count, uint32_t partitions, uint8_t n)
{
    fixture_t self = {.count = count, .partitions = partitions, .n = n};
    self.owners = memory_new ((size_t) partitions * n, sizeof *self.owners);
    for (size_t i = 0; i < count; i++)
        self.items[i] = s_member (i + 1, "", 1);
    return self;
}

static void s_claim (fixture_t *self)
{
    member_list_t list = {.items = self->items, .count = self->count};
    memset (self->owners, 0xff, (size_t) self->partitions * self->n * sizeof *self->owners);
    claim_target (self->partitions, self->n, &list, self->owners);
}

static size_t s_places (const fixture_t *self)
{
    return (size_t) self->partitions * self->n;
}

static uint32_t s_held (const fixture_t *self, size_t member)
{
    uint32_t held = 0;
    for (size_t i = 0; i < s_places (self); i++)
        held += self->owners[i] == self->items[member].node;
    return held;
}

static const member_t *s_owner (const fixture_t *self, size_t place)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->items[i].node == self->owners[place])
            return &self->items[i];
    return NULL;
}

/*  Places whose owner is another one than in `before`. */
static size_t s_moved (const fixture_t *self, const uint64_t *before)
{
    size_t moved = 0;
    for (size_t i = 0; i < s_places (self); i++)
        moved += before[i] != 0 && before[i] != self->owners[i];
    return moved;
}

/*  Claims, and returns what it was before. */
static uint64_t *s_claim_again (fixture_t *self)
{
    uint64_t *before = self->owners;
    self->owners = memory_new (s_places (self), sizeof *self->owners);
    s_claim (self);
    return before;
}

/*  No node twice in a partition; replicas fill the first slots, as many as there can be. */
static void s_expect_sound (const fixture_t *self, size_t here)
{
    for (uint32_t p = 0; p < self->partitions; p++) {
        const uint64_t *row = &self->owners[(size_t) p * self->n];
        size_t filled = 0;
        for (uint8_t s = 0; s < self->n; s++) {
            filled += row[s] != 0;
            if (row[s] != 0)
                cr_assert_not_null (s_owner (self, (size_t) p * self->n + s));
            for (uint8_t other = 0; other < s; other++)
                cr_assert (row[s] == 0 || row[s] != row[other], "partition %u, slots %u and %u", p,
                           s, other);
        }
        cr_assert_eq (filled, here < self->n ? here : self->n, "partition %u", p);
    }
}

/*  The most replicas that a partition has in one zone. */
static unsigned s_zone_worst (const fixture_t *self)
{
    unsigned worst = 0;
    for (uint32_t p = 0; p < self->partitions; p++)
        for (uint8_t s = 0; s < self->n; s++) {
            const member_t *one = s_owner (self, (size_t) p * self->n + s);
            unsigned same = 0;
            for (uint8_t other = 0; one && other < self->n; other++) {
                const member_t *next = s_owner (self, (size_t) p * self->n + other);
                same += next && bytes_equal (next->zone, one->zone);
            }
            worst = same > worst ? same : worst;
        }
    return worst;
}

static void s_end (fixture_t *self)
{
    free (self->owners);
}

Test (claim, nobody_gets_nothing)
{
    fixture_t cluster = s_cluster (0, 8, 3);
    s_claim (&cluster);
    for (size_t i = 0; i < s_places (&cluster); i++)
        cr_assert_eq (cluster.owners[i], 0);
    s_end (&cluster);
}

Test (claim, a_founder_holds_slot_0_of_all)
{
    fixture_t cluster = s_cluster (1, 256, 3);
    s_claim (&cluster);
    for (size_t i = 0; i < s_places (&cluster); i++)
        cr_assert_eq (cluster.owners[i], i % 3 == 0 ? cluster.items[0].node : 0);
    s_end (&cluster);
}

Test (claim, as_many_members_as_slots_hold_one_of_each_partition)
{
    fixture_t cluster = s_cluster (3, 256, 3);
    s_claim (&cluster);
    for (size_t i = 0; i < s_places (&cluster); i++)
        cr_assert_eq (cluster.owners[i], cluster.items[i % 3].node, "in the order of joining");
    s_end (&cluster);
}

Test (claim, more_members_share_evenly)
{
    for (size_t count = 4; count <= MEMBERS; count++) {
        fixture_t cluster = s_cluster (count, 256, 3);
        s_claim (&cluster);
        s_expect_sound (&cluster, count);
        for (size_t i = 0; i < count; i++) {
            cr_assert_geq (s_held (&cluster, i), 768 / count);
            cr_assert_leq (s_held (&cluster, i), (768 + count - 1) / count);
        }
        s_end (&cluster);
    }
}

Test (claim, what_one_holds_is_shared_with_all_others)
{
    /* Else the load of a dead node would fall on few of them. */
    fixture_t cluster = s_cluster (7, 256, 3);
    s_claim (&cluster);
    for (size_t a = 0; a < 7; a++)
        for (size_t b = 0; b < a; b++) {
            unsigned both = 0;
            for (uint32_t p = 0; p < 256; p++) {
                unsigned found = 0;
                for (uint8_t s = 0; s < 3; s++) {
                    uint64_t owner = cluster.owners[(size_t) p * 3 + s];
                    found += owner == cluster.items[a].node || owner == cluster.items[b].node;
                }
                both += found == 2;
            }
            cr_assert_geq (both, 12, "%zu and %zu share %u; the mean is 36", a, b, both);
            cr_assert_leq (both, 72, "%zu and %zu share %u; the mean is 36", a, b, both);
        }
    s_end (&cluster);
}

Test (claim, a_weight_of_two_holds_twice)
{
    fixture_t cluster = s_cluster (6, 256, 3);
    cluster.items[2].weight = 2;
    s_claim (&cluster);
    s_expect_sound (&cluster, 6);
    for (size_t i = 0; i < 6; i++) {
        uint32_t wanted = i == 2 ? 219 : 109; /* 768 / 7 is 109.7 */
        cr_assert_geq (s_held (&cluster, i), wanted);
        cr_assert_leq (s_held (&cluster, i), wanted + 1);
    }
    cluster.items[2].weight = 1000; /* more than all others: no more than one of each partition */
    s_claim (&cluster);
    s_expect_sound (&cluster, 6);
    cr_assert_eq (s_held (&cluster, 2), 256);
    for (size_t i = 0; i < 6; i++)
        if (i != 2)
            cr_assert (s_held (&cluster, i) == 102 || s_held (&cluster, i) == 103);
    s_end (&cluster);
}

Test (claim, a_weight_may_be_anything)
{
    static const double weights[] = {0, -1, 1.0 / 0.0, 0.0 / 0.0, 1e-300, 1e300};
    fixture_t cluster = s_cluster (6, 64, 3);
    for (size_t i = 0; i < 6; i++)
        cluster.items[i].weight = weights[i];
    s_claim (&cluster);
    s_expect_sound (&cluster, 6);
    for (size_t i = 0; i < 6; i++)
        cluster.items[i].weight = 0;
    s_claim (&cluster);
    s_expect_sound (&cluster, 6);
    cr_assert_eq (s_held (&cluster, 5), 32, "all alike");
    s_end (&cluster);
}

static void s_name_zones (fixture_t *cluster, const char *zones)
{
    static const char *const names[] = {"a", "b", "c", "d", "e", "f", "g"};
    for (size_t i = 0; i < cluster->count; i++)
        cluster->items[i].zone = bytes_text (names[zones[i] - 'a']);
}

Test (claim, replicas_are_in_distinct_zones)
{
    static const char *const zones[] = {"abc",   "aabbcc",    "abcabcabc", "aaaaabc",
                                        "aabcc", "abcdabcda", "aaabbbc",   "cbaabcabc",
                                        "abcd",  "aaaaaabbc"};
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        fixture_t cluster = s_cluster (strlen (zones[i]), 256, 3);
        s_name_zones (&cluster, zones[i]);
        s_claim (&cluster);
        s_expect_sound (&cluster, cluster.count);
        cr_assert_eq (s_zone_worst (&cluster), 1, "%s", zones[i]);
        s_end (&cluster);
    }
}

Test (claim, zones_share_evenly_as_far_as_they_can)
{
    fixture_t cluster = s_cluster (7, 256, 3); /* the zones of one hold all partitions each */
    s_name_zones (&cluster, "aaaaabc");
    s_claim (&cluster);
    cr_assert_eq (s_held (&cluster, 5), 256);
    cr_assert_eq (s_held (&cluster, 6), 256);
    for (size_t i = 0; i < 5; i++)
        cr_assert (s_held (&cluster, i) == 51 || s_held (&cluster, i) == 52);
    s_end (&cluster);
    cluster = s_cluster (9, 256, 3);
    s_name_zones (&cluster, "abcabcabc");
    s_claim (&cluster);
    for (size_t i = 0; i < 9; i++)
        cr_assert (s_held (&cluster, i) == 85 || s_held (&cluster, i) == 86);
    s_end (&cluster);
}

Test (claim, a_share_is_met_by_a_chain_where_none_can_give_directly)
{
    fixture_t cluster = s_cluster (9, 64, 3);
    s_name_zones (&cluster, "bdcacacda");
    s_claim (&cluster);
    s_expect_sound (&cluster, 9);
    cr_assert_eq (s_zone_worst (&cluster), 1);
    for (size_t i = 0; i < 9; i++)
        cr_assert (s_held (&cluster, i) == 21 || s_held (&cluster, i) == 22, "%u",
                   s_held (&cluster, i));
    s_end (&cluster);
}

Test (claim, fewer_zones_than_slots_are_all_used)
{
    fixture_t cluster = s_cluster (6, 256, 3);
    s_name_zones (&cluster, "aaaaab");
    s_claim (&cluster);
    cr_assert_eq (s_zone_worst (&cluster), 2, "no partition in one zone alone");
    cr_assert_eq (s_held (&cluster, 5), 256);
    s_end (&cluster);
    cluster = s_cluster (6, 256, 5);
    s_name_zones (&cluster, "abcccc");
    s_claim (&cluster);
    s_expect_sound (&cluster, 6);
    cr_assert_eq (s_zone_worst (&cluster), 3);
    s_end (&cluster);
}

Test (claim, a_join_moves_no_more_than_its_share)
{
    for (size_t count = 3; count < MEMBERS; count++) {
        fixture_t cluster = s_cluster (count, 256, 3);
        s_claim (&cluster);
        cluster.items[cluster.count++] = s_member (count + 1, "", 1);
        uint64_t *before = s_claim_again (&cluster);
        size_t moved = s_moved (&cluster, before);
        cr_assert_leq (100 * moved, 105 * s_held (&cluster, count), "%zu moved for %u", moved,
                       s_held (&cluster, count));
        free (before);
        s_end (&cluster);
    }
}

Test (claim, a_join_in_zones_moves_no_more_than_its_share)
{
    for (size_t count = 6; count < MEMBERS; count++) {
        fixture_t cluster = s_cluster (count, 256, 3);
        s_name_zones (&cluster, "abcdabcdabcdabcd");
        s_claim (&cluster);
        cluster.count++;
        cluster.items[count] = s_member (count + 1, "", 1);
        s_name_zones (&cluster, "abcdabcdabcdabcd");
        uint64_t *before = s_claim_again (&cluster);
        size_t moved = s_moved (&cluster, before);
        cr_assert_leq (100 * moved, 105 * s_held (&cluster, count), "%zu moved for %u", moved,
                       s_held (&cluster, count));
        cr_assert_eq (s_zone_worst (&cluster), 1);
        free (before);
        s_end (&cluster);
    }
}

Test (claim, who_leaves_moves_little_more_than_it_held)
{
    for (size_t gone = 0; gone < 6; gone++) {
        fixture_t cluster = s_cluster (6, 256, 3);
        s_claim (&cluster);
        uint32_t held = s_held (&cluster, gone);
        cluster.items[gone].state = MEMBER_LEAVING;
        cluster.items[gone].left = 7;
        uint64_t *before = s_claim_again (&cluster);
        size_t moved = s_moved (&cluster, before);
        s_expect_sound (&cluster, 5);
        cr_assert_eq (s_held (&cluster, gone), 0);
        cr_assert_leq (10 * moved, 14 * held, "%zu moved for %u", moved, held);
        for (uint8_t state = MEMBER_LEFT; state <= MEMBER_REMOVED; state++) {
            cluster.items[gone].state = state; /* what it is called matters not */
            cluster.items[gone].left = state == MEMBER_LEFT ? 7 : 0; /* unknown: the last */
            uint64_t *leaving = s_claim_again (&cluster);
            cr_assert_eq (s_moved (&cluster, leaving), 0);
            free (leaving);
        }
        free (before);
        s_end (&cluster);
    }
}

Test (claim, what_came_after_a_leave_stays)
{
    fixture_t cluster = s_cluster (6, 256, 3);
    cluster.items[2].state = MEMBER_REMOVED;
    cluster.items[2].left = 7;
    s_claim (&cluster);
    cluster.items[cluster.count++] = s_member (8, "", 1);
    uint64_t *before = s_claim_again (&cluster);
    s_expect_sound (&cluster, 6);
    cr_assert_eq (s_held (&cluster, 6), 128);
    cr_assert_leq (s_moved (&cluster, before), 134);
    free (before);
    s_end (&cluster);
}

Test (claim, all_may_leave)
{
    fixture_t cluster = s_cluster (2, 8, 2);
    cluster.items[0].state = cluster.items[1].state = MEMBER_LEFT;
    s_claim (&cluster);
    for (size_t i = 0; i < s_places (&cluster); i++)
        cr_assert_eq (cluster.owners[i], 0);
    s_end (&cluster);
}

Test (claim, the_order_of_the_list_matters_not)
{
    rng_t rng;
    rng_seed (&rng, 5);
    fixture_t cluster = s_cluster (9, 256, 3);
    s_name_zones (&cluster, "aabbccabc");
    cluster.items[4].weight = 2.5;
    cluster.items[7].weight = 0.3;
    for (size_t i = 0; i < 9; i++)
        cluster.items[i].joined = i / 3; /* equal times: the node decides */
    s_claim (&cluster);
    for (unsigned round = 0; round < 20; round++) {
        for (size_t i = 8; i > 0; i--) {
            size_t other = rng_below (&rng, i + 1);
            member_t kept = cluster.items[i];
            cluster.items[i] = cluster.items[other];
            cluster.items[other] = kept;
        }
        uint64_t *before = s_claim_again (&cluster);
        cr_assert_arr_eq (before, cluster.owners, s_places (&cluster) * sizeof *before);
        free (before);
    }
    s_end (&cluster);
}

Test (claim, any_cluster_is_sound)
{
    rng_t rng;
    rng_seed (&rng, 6);
    for (uint8_t n = 1; n <= LIMIT_N; n++)
        for (uint32_t partitions = 1; partitions <= 1024; partitions *= 2) {
            size_t count = 1 + rng_below (&rng, 12);
            fixture_t cluster = s_cluster (count, partitions, n);
            char zones[MEMBERS] = "";
            unsigned kinds = 1 + (unsigned) rng_below (&rng, 7);
            for (size_t i = 0; i < count; i++) {
                zones[i] = (char) ('a' + rng_below (&rng, kinds));
                cluster.items[i].weight = 1 + (double) rng_below (&rng, 3);
            }
            s_name_zones (&cluster, zones);
            s_claim (&cluster);
            s_expect_sound (&cluster, count);
            unsigned distinct = 0;
            for (char zone = 'a'; zone < 'h'; zone++)
                distinct += strchr (zones, zone) != NULL;
            if (distinct >= n)
                cr_assert_eq (s_zone_worst (&cluster), 1, "n %u, Q %u, zones %s", n, partitions,
                              zones);
            s_end (&cluster);
        }
}

Test (claim, shares_are_met_exactly)
{
    /* One zone and weights that differ: everyone holds its share, rounded one way or the other. */
    rng_t rng;
    rng_seed (&rng, 7);
    for (unsigned round = 0; round < 50; round++) {
        size_t count = 8 + rng_below (&rng, 6);
        fixture_t cluster = s_cluster (count, 256, 3);
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
            cluster.items[i].weight = 1 + (double) rng_below (&rng, 2);
            sum += cluster.items[i].weight;
        }
        s_claim (&cluster);
        for (size_t i = 0; i < count; i++) {
            double share = 768 * cluster.items[i].weight / sum;
            cr_assert_gt (s_held (&cluster, i) + 1.0, share);
            cr_assert_lt (s_held (&cluster, i) - 1.0, share);
        }
        s_end (&cluster);
    }
}

Test (claim, it_is_the_same_on_every_machine)
{
    /* A fingerprint of three targets: whoever changes this lets two versions of the program disagree. */
    uint64_t sum = 0;
    for (size_t count = 5; count <= 9; count += 2) {
        fixture_t cluster = s_cluster (count, 256, 3);
        s_name_zones (&cluster, "abcabcabc");
        cluster.items[1].weight = 1.7;
        s_claim (&cluster);
        for (size_t i = 0; i < s_places (&cluster); i++)
            sum = sum * 31 + cluster.owners[i];
        s_end (&cluster);
    }
    cr_assert_eq (sum, 7323958827744666418u, "%llu", (unsigned long long) sum);
}
