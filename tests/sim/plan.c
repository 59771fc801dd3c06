/*  plan.c - see plan.h. */
#include "plan.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MILLION 1000000u

const char *fault_name (fault_t fault)
{
#define FAULT(upper, lower) #lower,
    static const char *const names[] = {FAULTS (FAULT)};
#undef FAULT
    return names[fault];
}

bool plan_chance (rng_t *rng, uint32_t rate)
{
    return rate > 0 && rng_below (rng, MILLION) < rate;
}

uint64_t plan_between (rng_t *rng, uint64_t least, uint64_t most)
{
    return least + rng_below (rng, most - least + 1);
}

uint64_t plan_wait (rng_t *rng, uint64_t mean_us)
{
    /* The minimum of a few draws leans towards short waits as an exponential does, without its logarithm, whose last
     * bit may differ between two machines. */
    uint64_t most = mean_us * 4;
    uint64_t a = rng_below (rng, most + 1), b = rng_below (rng, most + 1),
             c = rng_below (rng, most + 1);
    uint64_t least = a < b ? a : b;
    return 1 + (least < c ? least : c);
}

/*  A number between least and most whose magnitude is uniform. */
static uint64_t s_magnitude (rng_t *rng, uint64_t least, uint64_t most)
{
    uint64_t doublings = 0;
    while (least << (doublings + 1) <= most)
        doublings++;
    uint64_t value = least << rng_below (rng, doublings + 1);
    value += rng_below (rng, value);
    return value < most ? value : most;
}

static uint32_t s_pick (rng_t *rng, const uint32_t *choices, size_t count)
{
    return choices[rng_below (rng, count)];
}

#define PICK(rng, ...)                            \
    s_pick (rng, (const uint32_t[]){__VA_ARGS__}, \
            sizeof ((const uint32_t[]){__VA_ARGS__}) / sizeof (uint32_t))

static void s_draw_settings (plan_t *self, rng_t *rng)
{
    settings_t *settings = &self->settings;
    snprintf (settings->cluster, sizeof settings->cluster, "sim");
    settings->weight = 1.0;
    settings->partitions = PICK (rng, 1, 4, 4, 4, 4, 16, 16, 128);
    settings->n = (uint8_t) PICK (rng, 1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 4, 5, 6, 7);
    uint8_t reach = settings->n < self->nodes_count ? settings->n : (uint8_t) self->nodes_count;
    settings->r = (uint8_t) plan_between (rng, 1, reach);
    settings->w = (uint8_t) plan_between (rng, 1, reach);
    if (reach == 3 && rng_below (rng, 2))
        settings->r = settings->w = 2;
    if (rng_below (rng, 6) == 0) /* what a minority can do */
        settings->w = 1;
    settings->policy = POLICY_SIBLINGS; /* the other is refused at start so far */
    settings->timeout_ms = PICK (rng, 200, 1000, 1000, 1000, 2000);
    settings->durability =
        (durability_t) PICK (rng, DURABILITY_BATCH, DURABILITY_BATCH, DURABILITY_BATCH,
                             DURABILITY_PERIODIC, DURABILITY_NONE);
    settings->sync_ms = PICK (rng, 10, 100);
    settings->value_bytes = PICK (rng, 1024, 65536, 1048576);
    settings->siblings_count = PICK (rng, 100, 100, 100, 3, 8);
    settings->hints_bytes = PICK (rng, 1u << 30, 1u << 30, 1u << 30, 1u << 30, 3000);
    settings->in_flight_count = PICK (rng, 4096, 4096, 4096, 2, 6);
    settings->grace_s = 86400;
    settings->repair_s = 600;
    settings->monitor_ms = 1000;
}

static void s_draw_faults (plan_t *self, rng_t *rng)
{
    /* One seed in ten has none: what must hold there is stronger (judge.c). */
    bool calm = rng_below (rng, 10) == 0;
    for (int i = 0; i < FAULT_COUNT; i++)
        self->on[i] = !calm && rng_below (rng, 5) < 2;
    const fault_t rare[] = {FAULT_BROKEN_DISK, FAULT_FULL_DISK, FAULT_OVERFLOW};
    for (size_t i = 0; i < sizeof rare / sizeof rare[0]; i++)
        self->on[rare[i]] = self->on[rare[i]] && rng_below (rng, 3) == 0;
    /* What the other durabilities promise ends with the machine's power. */
    if (self->settings.durability != DURABILITY_BATCH)
        self->on[FAULT_POWER] = false;
    const fault_t rated[] = {FAULT_LOSS, FAULT_DUPLICATE, FAULT_REORDER, FAULT_IMPATIENT,
                             FAULT_GARBAGE};
    for (size_t i = 0; i < sizeof rated / sizeof rated[0]; i++)
        if (self->on[rated[i]])
            self->rate[rated[i]] = (uint32_t) s_magnitude (rng, 2000, 250000);
    const fault_t timed[] = {FAULT_CUT_OFF,   FAULT_PARTITION, FAULT_KILL,
                             FAULT_POWER,     FAULT_PAUSE,     FAULT_BROKEN_DISK,
                             FAULT_FULL_DISK, FAULT_CLOCK,     FAULT_SLOW_DISK};
    /* Each fault some times in a run, whether the run is short and busy or long and slow. */
    uint64_t length_us = (uint64_t) self->ops_count / self->clients_count *
                         (self->mean_think_us + 3000u + self->flush_us);
    uint64_t least_us = length_us / 20 + 10000;
    bool long_ones = rng_below (rng, 3) == 0;
    if (self->on[FAULT_PARTITION] && rng_below (rng, 2))
        self->split_us = (uint32_t) s_magnitude (rng, 500000, 10000000);
    if (rng_below (rng, 3) == 0 && !calm)
        self->early_us = (uint32_t) s_magnitude (rng, 100000, 10000000);
    for (size_t i = 0; i < sizeof timed / sizeof timed[0]; i++)
        if (self->on[timed[i]]) {
            self->mean_us[timed[i]] = s_magnitude (rng, least_us, least_us * 20);
            /* Long ones are found out by gossip, short ones only by those who wait for an answer. */
            self->length_us[timed[i]] = s_magnitude (rng, 5000, long_ones ? 12000000 : 2500000);
        }
    /* A write waits for its flush, and the examiner must not: see finale.c. */
    if (self->length_us[FAULT_SLOW_DISK] > 2500000)
        self->length_us[FAULT_SLOW_DISK] = 2500000;
    self->mailbox_count = self->on[FAULT_OVERFLOW] ? (uint32_t) plan_between (rng, 3, 40) : 100000;
}

/*  Nothing but nodes and links that are gone for long, one after the other. */
static void s_draw_lasting (plan_t *self, rng_t *rng)
{
    const fault_t silent[] = {FAULT_CUT_OFF, FAULT_PARTITION, FAULT_KILL, FAULT_PAUSE};
    self->lasting = true;
    self->early_us = self->split_us = 0;
    memset (self->on, 0, sizeof self->on);
    memset (self->rate, 0, sizeof self->rate);
    memset (self->mean_us, 0, sizeof self->mean_us);
    memset (self->length_us, 0, sizeof self->length_us);
    for (int i = 0; i < 2; i++) {
        fault_t fault = silent[rng_below (rng, sizeof silent / sizeof silent[0])];
        self->on[fault] = true;
        self->mean_us[fault] = 25000000;
        self->length_us[fault] = 40000000;
    }
    self->mailbox_count = 100000;
    self->settings.timeout_ms = 1000;
    self->settings.in_flight_count = 4096;
    self->settings.hints_bytes = 1u << 30;
    self->settings.siblings_count = 100;
    self->mean_think_us = (uint32_t) (100000000u / self->ops_count * self->clients_count);
}

void plan_draw (plan_t *self, uint64_t seed, uint32_t ops_count)
{
    memset (self, 0, sizeof *self);
    self->seed = seed;
    rng_t rng;
    rng_seed (&rng, seed ^ 0x706c616e);
    self->nodes_count = PICK (&rng, 1, 2, 3, 3, 3, 3, 3, 3, 4, 5, 5, 6, 7);
    self->zones_count = PICK (&rng, 1, 1, 2, 3, 3, 7);
    self->seeding = (seeding_t) rng_below (&rng, SEEDING_COUNT);
    self->start_us = PICK (&rng, 1, 10000, 1000000, 5000000);
    self->clients_count = (uint32_t) plan_between (&rng, 1, 8);
    self->keys_count = PICK (&rng, 1, 2, 5, 5, 20);
    self->ops_count = ops_count ? ops_count : (uint32_t) plan_between (&rng, 150, 900);
    self->mean_think_us = (uint32_t) s_magnitude (&rng, 200, 200000);
    self->value_bytes = PICK (&rng, 16, 40, 200, 900);
    self->link_delay_us = (uint32_t) s_magnitude (&rng, 20, 3000);
    self->link_jitter_us = (uint32_t) s_magnitude (&rng, 10, 3000);
    self->flush_us = (uint32_t) s_magnitude (&rng, 100, 5000);
    self->batch_count = PICK (&rng, 1, 4, 64, 64);
    self->keep_wishes = rng_below (&rng, 2) == 0;
    s_draw_settings (self, &rng);
    s_draw_faults (self, &rng);
    if (self->nodes_count > 1 && rng_below (&rng, 10) == 0)
        s_draw_lasting (self, &rng);
    if (plan_calm (self) && rng_below (&rng, 2)) { /* reads that overtake writes */
        self->settings.r = self->settings.w = 1;
        self->mean_think_us = 300;
    }
}

bool plan_calm (const plan_t *self)
{
    for (int i = 0; i < FAULT_COUNT; i++)
        if (self->on[i])
            return false;
    return true;
}

void plan_print (const plan_t *self)
{
#define SEEDING(upper, lower) #lower,
    static const char *const seedings[] = {SEEDINGS (SEEDING)};
#undef SEEDING
    static const char *const durabilities[] = {"batch", "periodic", "none"};
    const settings_t *settings = &self->settings;
    printf (
        "seed %" PRIu64
        ": %u nodes, %u zones, seeds %s, started within %.2f s, %u partitions, n=%u r=%u w=%u, %s, "
        "timeout %u ms, %u clients, %u keys, %u operations, siblings %u, in flight %u, "
        "hints %" PRIu64 "; split for %.2f s; faults (%.2f s before the load):",
        self->seed, self->nodes_count, self->zones_count, seedings[self->seeding],
        self->start_us / 1e6, settings->partitions, settings->n, settings->r, settings->w,
        durabilities[settings->durability], settings->timeout_ms, self->clients_count,
        self->keys_count, self->ops_count, settings->siblings_count, settings->in_flight_count,
        settings->hints_bytes, self->split_us / 1e6, self->early_us / 1e6);
    for (int i = 0; i < FAULT_COUNT; i++)
        if (self->on[i] && self->rate[i])
            printf (" %s %.1f%%", fault_name ((fault_t) i), self->rate[i] / 1e4);
        else if (self->on[i] && self->mean_us[i])
            printf (" %s every %.1f s up to %.2f s", fault_name ((fault_t) i),
                    (double) self->mean_us[i] / 1e6, (double) self->length_us[i] / 1e6);
        else if (self->on[i])
            printf (" %s %u", fault_name ((fault_t) i), self->mailbox_count);
    printf ("%s\n", plan_calm (self) ? " none" : "");
}
