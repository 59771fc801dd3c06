/*  claim.c - see claim.h. A fold over the membership log: each member that joins or leaves is one step of it.
 *
 *      shares   how many slots each member should hold: water poured over the zones, then over the members of each, by
 *               weight, so that no share is larger than its holder can take; in whole numbers, for equal results anywhere
 *      fill     vacant slots go to whoever is furthest below its share
 *      spread   replicas leave a zone that holds more of their partition than it needs to
 *      shift    members below their share take slots from those above it, one by one while that goes, else along the
 *               shortest chain of members that each hand one on
 *
 *  A slot changes hands in its place, and nothing else moves, so what stays keeps its slot number. Partitions are taken
 *  in an order of each member's own, so that what one node holds is shared with all others alike.
 */
#include "claim.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"
#include "hash.h"
#include "ring.h"

#define PASSES 4           /* of shifting: one member's gain can open a way for another */
#define UNITS (1ull << 32) /* the heaviest member's weight; others are their share of it */
#define WEIGHT_MOST 1e9
#define NOBODY UINT32_MAX

/*  A member, in the order of joining. */
typedef struct {
    const member_t *member;
    uint64_t units; /* its weight, as a whole number */
    uint32_t zone;
    bool here; /* joined, and not left yet */
    uint32_t held;
    uint32_t share;
} holder_t;

/*  A line of the log. */
typedef struct {
    uint64_t at; /* Lamport time */
    uint64_t node;
    bool leaves;
} change_t;

/*  A hop of a search for a chain: `holder` hands `place` to `to`. */
typedef struct {
    uint32_t to; /* NOBODY: not reached yet */
    size_t place;
} hop_t;

typedef struct {
    uint32_t partitions;
    uint8_t n;
    holder_t *holders;
    size_t count;
    uint32_t zones;     /* how many there are; members number theirs from 0 */
    uint32_t zone_most; /* replicas of one partition in one zone */
    uint32_t *owners;   /* partition * n + slot: a holder, or NOBODY */
    uint64_t *weights;  /* scratch of a pour: of zones or holders */
    uint32_t *rooms;
    uint32_t *parts;
    hop_t *hops; /* scratch of a search: of each holder */
    uint32_t *queue;
} claim_t;

/* ---- shares ---- */

/*  Gives each place that would get more than its room just that, and the rest to the others, until all fits. What is left
 *  over then is `*total`, by the weights of those that `parts` still has as NOBODY. */
static uint64_t s_pour_capped (claim_t *self, size_t count, uint64_t *total)
{
    for (;;) {
        uint64_t weight = 0, full_weight = 0, spent = 0;
        for (size_t i = 0; i < count; i++)
            weight += self->parts[i] == NOBODY ? self->weights[i] : 0;
        for (size_t i = 0; i < count; i++) {
            if (self->parts[i] != NOBODY || *total * self->weights[i] <= self->rooms[i] * weight)
                continue;
            self->parts[i] = self->rooms[i];
            spent += self->rooms[i];
            full_weight += self->weights[i];
        }
        *total -= spent;
        if (full_weight == 0)
            return weight;
    }
}

/*  Divides `total` into `parts` by `weights`, none above its room (which all together have room for it). Of what whole
 *  numbers leave over, the largest remainders get one each, the first of equals first. */
static void s_pour (claim_t *self, size_t count, uint64_t total)
{
    for (size_t i = 0; i < count; i++)
        self->parts[i] = NOBODY;
    uint64_t weight = s_pour_capped (self, count, &total);
    uint64_t left = total;
    for (size_t i = 0; i < count; i++) {
        bool open = self->parts[i] == NOBODY;
        if (open && weight == 0)
            self->parts[i] = 0;
        else if (open) {
            self->parts[i] = (uint32_t) (total * self->weights[i] / weight);
            left -= self->parts[i];
        }
        self->weights[i] =
            open && weight > 0 ? total * self->weights[i] % weight : 0; /* the remainder */
    }
    for (; left > 0; left--) {
        size_t best = 0;
        for (size_t i = 1; i < count; i++)
            if (self->weights[i] > self->weights[best])
                best = i;
        assert (self->weights[best] > 0);
        self->weights[best] = 0;
        self->parts[best]++;
    }
}

/*  Counts the members that are here: of each zone into `rooms`; in all as the result. */
static uint32_t s_count_here (claim_t *self)
{
    uint32_t here = 0;
    memset (self->rooms, 0, self->zones * sizeof *self->rooms);
    for (size_t i = 0; i < self->count; i++) {
        here += self->holders[i].here;
        self->rooms[self->holders[i].zone] += self->holders[i].here;
    }
    return here;
}

/*  How many replicas of a partition one zone must be allowed, for all to have a place: 1 where there are n zones. */
static uint32_t s_zone_most (const claim_t *self, uint32_t replicas)
{
    for (uint32_t most = 1;; most++) {
        uint32_t places = 0;
        for (uint32_t zone = 0; zone < self->zones; zone++)
            places += self->rooms[zone] < most ? self->rooms[zone] : most;
        if (places >= replicas)
            return most;
    }
}

/*  The share of each member of the zone, `total` together. */
static void s_share_zone (claim_t *self, uint32_t zone, uint64_t total)
{
    for (size_t i = 0; i < self->count; i++) {
        const holder_t *holder = &self->holders[i];
        bool counts = holder->here && holder->zone == zone;
        self->weights[i] = counts ? holder->units : 0;
        self->rooms[i] = self->partitions;
    }
    s_pour (self, self->count, total);
    for (size_t i = 0; i < self->count; i++)
        if (self->holders[i].zone == zone)
            self->holders[i].share = self->parts[i];
}

static void s_share (claim_t *self)
{
    uint32_t here = s_count_here (self);
    uint32_t replicas = here < self->n ? here : self->n;
    self->zone_most = s_zone_most (self, replicas);
    for (uint32_t zone = 0; zone < self->zones; zone++) {
        uint32_t most = self->rooms[zone] < self->zone_most ? self->rooms[zone] : self->zone_most;
        self->rooms[zone] = most * self->partitions;
        self->weights[zone] = 0;
    }
    for (size_t i = 0; i < self->count; i++)
        if (self->holders[i].here)
            self->weights[self->holders[i].zone] += self->holders[i].units;
    s_pour (self, self->zones, (uint64_t) replicas * self->partitions);
    uint32_t *totals = memory_new (self->zones, sizeof *totals);
    memcpy (totals, self->parts, self->zones * sizeof *totals);
    for (uint32_t zone = 0; zone < self->zones; zone++)
        s_share_zone (self, zone, totals[zone]);
    free (totals);
}

/* ---- orders that differ from member to member ---- */

/*  A number drawn from a purpose, a partition and a node: the same everywhere, whatever the byte order. */
static uint64_t s_draw (char tag, uint32_t partition, uint64_t node)
{
    uint8_t data[13] = {(uint8_t) tag};
    for (unsigned i = 0; i < 4; i++)
        data[1 + i] = (uint8_t) (partition >> (24 - 8 * i));
    for (unsigned i = 0; i < 8; i++)
        data[5 + i] = (uint8_t) (node >> (56 - 8 * i));
    return hash_bytes (bytes_view (data, sizeof data));
}

/*  The i-th partition in the order of `seed`. Each line is a bijection of the numbers below a power of two, so no table
 *  is sorted and none is left out. */
static uint32_t s_nth (const claim_t *self, uint64_t seed, uint32_t i)
{
    uint32_t mask = self->partitions - 1;
    unsigned half = ((unsigned) __builtin_ctz (self->partitions) + 1) / 2;
    uint32_t x = i;
    for (unsigned round = 0; round < 3; round++) {
        x = (x + (uint32_t) (seed >> (16 * round))) & mask;
        x = (x * ((uint32_t) (seed >> (20 * round)) | 1)) & mask;
        x ^= x >> half;
    }
    return mask == 0 ? 0 : x;
}

/* ---- who may hold what ---- */

static uint32_t *s_row (const claim_t *self, uint32_t partition)
{
    return &self->owners[(size_t) partition * self->n];
}

/*  How many replicas of the partition are in the zone. */
static uint32_t s_in_zone (const claim_t *self, uint32_t partition, uint32_t zone)
{
    const uint32_t *row = s_row (self, partition);
    uint32_t count = 0;
    for (uint8_t slot = 0; slot < self->n; slot++)
        count += row[slot] != NOBODY && self->holders[row[slot]].zone == zone;
    return count;
}

/*  Whether `who` may hold a slot of the partition once `gone` (a holder, or NOBODY) does not. */
static bool s_may (const claim_t *self, uint32_t partition, uint32_t who, uint32_t gone)
{
    const uint32_t *row = s_row (self, partition);
    const holder_t *holders = self->holders;
    uint32_t neighbours = 0;
    for (uint8_t slot = 0; slot < self->n; slot++) {
        if (row[slot] == who)
            return false;
        neighbours += row[slot] != NOBODY && row[slot] != gone &&
                      holders[row[slot]].zone == holders[who].zone;
    }
    return neighbours < self->zone_most;
}

static int64_t s_surplus (const claim_t *self, uint32_t holder)
{
    return (int64_t) self->holders[holder].held - self->holders[holder].share;
}

static void s_give (claim_t *self, size_t place, uint32_t to)
{
    if (self->owners[place] != NOBODY)
        self->holders[self->owners[place]].held--;
    if (to != NOBODY)
        self->holders[to].held++;
    self->owners[place] = to;
}

/*  Whether `one` is further below its share than `other`, as a part of it. */
static bool s_needier (const claim_t *self, uint32_t partition, uint32_t one, uint32_t other)
{
    const holder_t *a = &self->holders[one], *b = &self->holders[other];
    int64_t left = s_surplus (self, one) * (b->share > 0 ? b->share : 1);
    int64_t right = s_surplus (self, other) * (a->share > 0 ? a->share : 1);
    if (left != right)
        return left < right;
    uint64_t drawn = s_draw ('f', partition, a->member->node);
    uint64_t drawn_other = s_draw ('f', partition, b->member->node);
    return drawn != drawn_other ? drawn < drawn_other : a->member->node < b->member->node;
}

/*  The neediest that may take `gone`'s slot of the partition, or a vacant one; NOBODY when none may. */
static uint32_t s_neediest (const claim_t *self, uint32_t partition, uint32_t gone)
{
    uint32_t best = NOBODY;
    for (uint32_t who = 0; who < self->count; who++)
        if (self->holders[who].here && s_may (self, partition, who, gone) &&
            (best == NOBODY || s_needier (self, partition, who, best)))
            best = who;
    return best;
}

/* ---- steps ---- */

static void s_fill (claim_t *self)
{
    for (uint32_t i = 0; i < self->partitions; i++) {
        uint32_t partition = s_nth (self, s_draw ('p', 0, 0), i);
        for (uint8_t slot = 0; slot < self->n; slot++) {
            size_t place = (size_t) partition * self->n + slot;
            uint32_t who =
                self->owners[place] == NOBODY ? s_neediest (self, partition, NOBODY) : NOBODY;
            if (who != NOBODY)
                s_give (self, place, who);
        }
    }
}

/*  Moves one replica of the partition out of a zone that holds too many. False: none does. */
static bool s_spread_one (claim_t *self, uint32_t partition)
{
    const uint32_t *row = s_row (self, partition);
    int worst = -1;
    for (uint8_t slot = 0; slot < self->n; slot++) {
        if (row[slot] == NOBODY ||
            s_in_zone (self, partition, self->holders[row[slot]].zone) <= self->zone_most)
            continue;
        if (worst < 0 || s_surplus (self, row[slot]) > s_surplus (self, row[worst]))
            worst = slot;
    }
    uint32_t who = worst < 0 ? NOBODY : s_neediest (self, partition, row[worst]);
    if (who == NOBODY)
        return false;
    s_give (self, (size_t) partition * self->n + (size_t) worst, who);
    return true;
}

static void s_spread (claim_t *self)
{
    for (uint32_t partition = 0; partition < self->partitions; partition++)
        for (uint8_t rounds = 0; rounds < self->n && s_spread_one (self, partition); rounds++)
            ;
}

/*  Lets `who` take slots from those that hold more than their share. */
static bool s_take (claim_t *self, uint32_t who)
{
    bool moved = false;
    uint64_t seed = s_draw ('m', 0, self->holders[who].member->node);
    for (uint32_t i = 0; i < self->partitions && s_surplus (self, who) < 0; i++) {
        uint32_t partition = s_nth (self, seed, i);
        const uint32_t *row = s_row (self, partition);
        int best = -1;
        for (uint8_t slot = 0; slot < self->n; slot++)
            if (row[slot] != NOBODY && s_surplus (self, row[slot]) > 0 &&
                (best < 0 || s_surplus (self, row[slot]) > s_surplus (self, row[best])) &&
                s_may (self, partition, who, row[slot]))
                best = slot;
        if (best < 0)
            continue;
        s_give (self, (size_t) partition * self->n + (size_t) best, who);
        moved = true;
    }
    return moved;
}

/*  Whether the chain from `holder` back to where the search began changes the partition already. */
static bool s_on_chain (const claim_t *self, uint32_t holder, uint32_t start, uint32_t partition)
{
    for (; holder != start; holder = self->hops[holder].to)
        if (self->hops[holder].place / self->n == partition)
            return true;
    return false;
}

/*  Looks at what `who` could take, for a search from `start`; returns the first with more than its share, or NOBODY. */
static uint32_t s_reach (claim_t *self, uint32_t start, uint32_t who, size_t *queued)
{
    size_t places = (size_t) self->partitions * self->n;
    for (size_t place = 0; place < places; place++) {
        uint32_t owner = self->owners[place];
        uint32_t partition = (uint32_t) (place / self->n);
        if (owner == NOBODY || owner == start || self->hops[owner].to != NOBODY ||
            !s_may (self, partition, who, owner) || s_on_chain (self, who, start, partition))
            continue;
        self->hops[owner] = (hop_t){.to = who, .place = place};
        if (s_surplus (self, owner) > 0)
            return owner;
        self->queue[(*queued)++] = owner;
    }
    return NOBODY;
}

/*  Gives `start` one slot more and somebody above its share one less, over as few others as can be. */
static bool s_chain (claim_t *self, uint32_t start)
{
    size_t queued = 1;
    uint32_t found = NOBODY;
    for (size_t i = 0; i < self->count; i++)
        self->hops[i].to = NOBODY;
    self->queue[0] = start;
    for (size_t next = 0; next < queued && found == NOBODY; next++)
        found = s_reach (self, start, self->queue[next], &queued);
    if (found == NOBODY)
        return false;
    while (found != start) {
        hop_t hop = self->hops[found];
        s_give (self, hop.place, hop.to);
        found = hop.to;
    }
    return true;
}

static void s_shift (claim_t *self)
{
    bool moved = true;
    for (unsigned pass = 0; moved && pass < PASSES; pass++) {
        moved = false;
        for (uint32_t who = (uint32_t) self->count; who-- > 0;) { /* the newest needs most */
            if (!self->holders[who].here || s_surplus (self, who) >= 0)
                continue;
            moved |= s_take (self, who);
            while (s_surplus (self, who) < 0 && s_chain (self, who))
                moved = true;
        }
    }
}

/*  One line of the log. */
static void s_step (claim_t *self, uint32_t who, bool leaves)
{
    size_t places = (size_t) self->partitions * self->n;
    self->holders[who].here = !leaves;
    for (size_t place = 0; leaves && place < places; place++)
        if (self->owners[place] == who)
            s_give (self, place, NOBODY);
    s_share (self);
    s_fill (self);
    s_spread (self);
    s_shift (self);
}

/* ---- the log ---- */

static int s_change_order (const void *a, const void *b)
{
    const change_t *one = a, *other = b;
    if (one->at != other->at)
        return one->at < other->at ? -1 : 1;
    if (one->node != other->node)
        return one->node < other->node ? -1 : 1;
    return one->leaves - other->leaves;
}

/*  Writes the log into `changes` (two a member), and who it speaks of into the holders, in its order. */
static size_t s_log (claim_t *self, const member_list_t *members, change_t *changes)
{
    size_t count = 0;
    for (size_t i = 0; i < members->count; i++) {
        const member_t *member = &members->items[i];
        if (member->node == 0)
            continue;
        changes[count++] = (change_t){.at = member->joined, .node = member->node};
        if (member->state <= MEMBER_UP)
            continue;
        uint64_t left = member->left > member->joined ? member->left : member->joined;
        changes[count++] = (change_t){
            .at = member->left > 0 ? left : UINT64_MAX, .node = member->node, .leaves = true};
    }
    qsort (changes, count, sizeof *changes, s_change_order);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < members->count && !changes[i].leaves; k++)
            if (members->items[k].node == changes[i].node) {
                self->holders[self->count++].member = &members->items[k];
                break;
            }
    return count;
}

/*  A weight that is none counts as the least there is; it may come from another node, so it may be anything. */
static double s_weight (const member_t *member)
{
    if (!(member->weight > 0))
        return 0;
    return member->weight < WEIGHT_MOST ? member->weight : WEIGHT_MOST;
}

/*  Zones and weights as numbers. */
static void s_measure (claim_t *self)
{
    double heaviest = 0;
    for (size_t i = 0; i < self->count; i++)
        if (s_weight (self->holders[i].member) > heaviest)
            heaviest = s_weight (self->holders[i].member);
    for (size_t i = 0; i < self->count; i++) {
        holder_t *holder = &self->holders[i];
        double part = heaviest > 0 ? s_weight (holder->member) / heaviest : 1;
        holder->units = part >= 1 ? UNITS : (uint64_t) (part * (double) UNITS);
        if (holder->units == 0)
            holder->units = 1;
        size_t same = 0;
        while (!bytes_equal (self->holders[same].member->zone, holder->member->zone))
            same++;
        holder->zone = same < i ? self->holders[same].zone : self->zones++;
    }
}

static uint32_t s_find (const claim_t *self, uint64_t node)
{
    uint32_t who = 0;
    while (self->holders[who].member->node != node)
        who++;
    return who;
}

void claim_target (uint32_t partitions, uint8_t n, const member_list_t *members, uint64_t *owners)
{
    assert (partitions > 0 && (partitions & (partitions - 1)) == 0 && n > 0);
    size_t places = (size_t) partitions * n;
    claim_t self = {.partitions = partitions,
                    .n = n,
                    .holders = memory_new (members->count, sizeof (holder_t)),
                    .owners = memory_new (places, sizeof (uint32_t)),
                    .weights = memory_new (members->count, sizeof (uint64_t)),
                    .rooms = memory_new (members->count, sizeof (uint32_t)),
                    .parts = memory_new (members->count, sizeof (uint32_t)),
                    .hops = memory_new (members->count, sizeof (hop_t)),
                    .queue = memory_new (members->count, sizeof (uint32_t))};
    change_t *changes = memory_new (2 * members->count, sizeof *changes);
    for (size_t place = 0; place < places; place++)
        self.owners[place] = NOBODY;
    size_t count = s_log (&self, members, changes);
    s_measure (&self);
    for (size_t i = 0; i < count; i++)
        s_step (&self, s_find (&self, changes[i].node), changes[i].leaves);
    for (size_t place = 0; place < places; place++)
        owners[place] =
            self.owners[place] == NOBODY ? 0 : self.holders[self.owners[place]].member->node;
    free (changes);
    free (self.queue);
    free (self.hops);
    free (self.parts);
    free (self.rooms);
    free (self.weights);
    free (self.owners);
    free (self.holders);
}
