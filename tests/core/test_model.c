/*  test_model.c - versions against an oracle of explicit histories: the random schedules of two models, in C, over the real
 *  core/object.c. Three homes and two fallbacks hold one key; clients put, delete, read, and send on the contexts that
 *  they were given; states are lost, restored, dropped, delivered late and twice.
 *
 *  The oracle knows, for each event, which events its client had seen. After everything has met, the live values must be
 *  exactly those events that no client which had seen them replaced. A rule set with a deliberate mistake must fail, or
 *  the schedules show nothing.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/object.h"
#include "core/rng.h"
#include "messages/memory.h"

#define HOMES 3
#define FALLBACKS 2
#define NODES (HOMES + FALLBACKS)
#define STEPS 60
#define EVENTS (STEPS + 1)
#define CLIENTS 5
#define FLIGHTS 64

/*  What one schedule may do, and which rule is broken. */
typedef struct {
    bool faults;      /* disks lost and restored, slots dropped and regained */
    bool keep_actor;  /* mistake: the actor outlives the loss of its disk */
    bool reply_whole; /* mistake: a put's reply covers the whole state */
    bool
        reply_vector; /* mistake: a put's reply is the request's context and the new dot, as a vector */
    bool fallback_fixed; /* mistake: a fallback mints for ever under one actor */
    bool fallback_reuse; /* a fallback goes on under a hint's actor while that hint lives */
} rules_t;

/*  Sets of events, as bits. */
typedef uint64_t events_t;

typedef struct {
    bytes_t context; /* an encoded context_t */
    events_t seen;
} client_t;

typedef struct {
    rng_t rng;
    rules_t rules;
    bytes_t homes[HOMES];
    bytes_t hints[FALLBACKS][HOMES];
    dot_t hint_dot[FALLBACKS][HOMES]; /* the last that was minted into the hint */
    bytes_t backups[HOMES];
    bytes_t flights[FLIGHTS]; /* states on their way to a home */
    int flight_to[FLIGHTS];
    size_t flight_count;
    uint64_t actor[NODES];
    uint64_t counter[NODES];
    client_t clients[CLIENTS];
    size_t client_count;
    unsigned events;
    events_t dead;
    uint64_t next_actor;
} world_t;

static bool s_chance (world_t *world, unsigned percent)
{
    return rng_below (&world->rng, 100) < percent;
}

static void s_set (bytes_t *place, bytes_t state)
{
    bytes_clear (place);
    *place = state;
}

static bytes_t s_merged (bytes_t a, bytes_t b)
{
    object_t x;
    object_t y;
    object_t result;
    cr_assert_eq (object_decode (a, &x), 0);
    cr_assert_eq (object_decode (b, &y), 0);
    object_merge (&x, &y, &result);
    bytes_t state = object_encode (&result);
    object_clear (&result);
    object_clear (&x);
    object_clear (&y);
    return state;
}

static void s_merge_into (bytes_t *place, bytes_t state)
{
    s_set (place, s_merged (*place, state));
}

static events_t s_live (bytes_t state)
{
    object_t object;
    events_t live = 0;
    cr_assert_eq (object_decode (state, &object), 0);
    for (size_t i = 0; i < object.siblings.count; i++)
        live |= (events_t) 1 << object.siblings.items[i].value.data[0];
    object_clear (&object);
    return live;
}

static void s_open (bytes_t encoded, context_t *context)
{
    memset (context, 0, sizeof *context);
    if (encoded.size > 0)
        cr_assert_eq (codec_decode (&context_schema, encoded, context, NULL), 0);
}

static void s_remember (world_t *world, const context_t *context, events_t seen)
{
    buffer_t buffer;
    buffer_init (&buffer, SIZE_MAX);
    codec_encode (&context_schema, context, &buffer);
    if (world->client_count == CLIENTS) {
        size_t gone = rng_below (&world->rng, CLIENTS);
        bytes_clear (&world->clients[gone].context);
        world->clients[gone] = world->clients[--world->client_count];
    }
    world->clients[world->client_count++] =
        (client_t){.context = buffer_take (&buffer), .seen = seen};
}

/*  A minted or deleted state on its way to the other homes: at once, as a hint, late, or never. */
static void s_spread (world_t *world, bytes_t state, int source)
{
    for (int home = 0; home < HOMES; home++) {
        unsigned luck = (unsigned) rng_below (&world->rng, 100);
        if (home == source)
            continue;
        if (luck < 40)
            s_merge_into (&world->homes[home], state);
        else if (luck < 60)
            s_merge_into (&world->hints[rng_below (&world->rng, FALLBACKS)][home], state);
        else if (luck < 80 && world->flight_count < FLIGHTS) {
            world->flight_to[world->flight_count] = home;
            world->flights[world->flight_count++] = bytes_copy (state.data, state.size);
        }
    }
}

static dot_t s_dot (world_t *world, int node, int home)
{
    if (node < HOMES || world->rules.fallback_fixed)
        return (dot_t){.actor = world->actor[node], .counter = ++world->counter[node]};
    dot_t *last = &world->hint_dot[node - HOMES][home];
    if (!world->rules.fallback_reuse || last->actor == 0)
        *last = (dot_t){.actor = ++world->next_actor, .counter = 0};
    last->counter++;
    return *last;
}

static void s_reply_wrongly (const world_t *world, const context_t *asked, dot_t dot,
                             const object_t *state, context_t *reply)
{
    static const context_t nothing;
    if (!world->rules.reply_whole && !world->rules.reply_vector)
        return;
    context_clear (reply);
    context_join (world->rules.reply_whole ? &state->context : asked, &nothing, reply);
    if (world->rules.reply_vector)
        context_add (reply, dot);
}

static void s_write (world_t *world, bool remove)
{
    context_t context = {0};
    events_t seen = 0;
    if (world->client_count > 0 && (remove || s_chance (world, 70))) {
        const client_t *client = &world->clients[rng_below (&world->rng, world->client_count)];
        s_open (client->context, &context);
        seen = client->seen;
    }
    int home = (int) rng_below (&world->rng, HOMES);
    int node =
        !remove && s_chance (world, 20) ? HOMES + (int) rng_below (&world->rng, FALLBACKS) : home;
    bytes_t *place = node < HOMES ? &world->homes[home] : &world->hints[node - HOMES][home];
    object_t local;
    object_t result;
    context_t reply = {0};
    cr_assert_eq (object_decode (*place, &local), 0);
    uint8_t event = (uint8_t) ++world->events;
    if (remove)
        object_delete (&local, &context, &result, &reply);
    else {
        write_t write = {
            .context = &context, .value = bytes_view (&event, 1), .dot = s_dot (world, node, home)};
        object_mint (&local, &write, &result, &reply);
        s_reply_wrongly (world, &context, write.dot, &result, &reply);
    }
    bytes_t state = object_encode (&result);
    world->dead |= seen;
    if (remove)
        world->dead |= (events_t) 1 << event; /* never was */
    s_remember (world, &reply, seen | (events_t) 1 << event);
    object_clear (&result);
    object_clear (&local);
    s_set (place, bytes_copy (state.data, state.size));
    s_spread (world, state, node < HOMES ? home : -1);
    bytes_clear (&state);
    context_clear (&reply);
    context_clear (&context);
}

static void s_read (world_t *world)
{
    bytes_t merged = bytes_view (NULL, 0);
    for (int home = 0; home < HOMES; home++)
        if (s_chance (world, 60))
            s_merge_into (&merged, world->homes[home]);
    object_t object;
    cr_assert_eq (object_decode (merged, &object), 0);
    s_remember (world, &object.context, s_live (merged));
    object_clear (&object);
    bytes_clear (&merged);
}

static void s_lose_memory (world_t *world, int home)
{
    if (world->rules.keep_actor)
        return;
    world->actor[home] = ++world->next_actor;
    world->counter[home] = 0;
}

/*  A home's content goes elsewhere before it is lost: the disk is gone, but no copy is the last one. */
static void s_save_elsewhere (world_t *world, int home)
{
    for (int other = 0; other < HOMES; other++)
        if (other != home)
            s_merge_into (&world->homes[other], world->homes[home]);
}

static void s_fault (world_t *world)
{
    int home = (int) rng_below (&world->rng, HOMES);
    switch (rng_below (&world->rng, 4)) {
    case 0: /* a disk is lost, or a slot dropped and regained */
        s_save_elsewhere (world, home);
        s_set (&world->homes[home], bytes_view (NULL, 0));
        s_lose_memory (world, home);
        break;
    case 1:
        s_set (&world->backups[home],
               bytes_copy (world->homes[home].data, world->homes[home].size));
        break;
    case 2:
        s_save_elsewhere (world, home);
        s_set (&world->homes[home],
               bytes_copy (world->backups[home].data, world->backups[home].size));
        s_lose_memory (world, home);
        break;
    default: s_lose_memory (world, home); break; /* a restart */
    }
}

static void s_deliver (world_t *world)
{
    int fallback = (int) rng_below (&world->rng, FALLBACKS);
    int home = (int) rng_below (&world->rng, HOMES);
    if (s_chance (world, 50)) {
        s_merge_into (&world->homes[home], world->hints[fallback][home]);
        s_set (&world->hints[fallback][home], bytes_view (NULL, 0));
        world->hint_dot[fallback][home].actor = 0;
    } else if (world->flight_count > 0) {
        size_t at = rng_below (&world->rng, world->flight_count);
        s_merge_into (&world->homes[world->flight_to[at]], world->flights[at]);
        if (s_chance (world, 80)) { /* else it comes once more, later */
            bytes_clear (&world->flights[at]);
            world->flights[at] = world->flights[--world->flight_count];
            world->flight_to[at] = world->flight_to[world->flight_count];
        }
    }
}

static void s_step (world_t *world)
{
    uint64_t kind = rng_below (&world->rng, 100);
    if (kind < 35)
        s_write (world, false);
    else if (kind < 42 && world->client_count > 0)
        s_write (world, true);
    else if (kind < 60)
        s_read (world);
    else if (kind < 85)
        s_deliver (world);
    else if (kind < 92 || !world->rules.faults) {
        int a = (int) rng_below (&world->rng, HOMES);
        int b = (int) rng_below (&world->rng, HOMES);
        s_merge_into (&world->homes[a], world->homes[b]);
        s_merge_into (&world->homes[b], world->homes[a]);
    } else
        s_fault (world);
}

/*  Runs one schedule. What was lost and what came back, once all have met. */
static void s_run (uint64_t seed, rules_t rules, events_t *lost, events_t *risen)
{
    world_t *world = memory_new (1, sizeof *world);
    rng_seed (&world->rng, seed);
    world->rules = rules;
    for (int node = 0; node < NODES; node++)
        world->actor[node] = ++world->next_actor;
    for (int i = 0; i < STEPS; i++)
        s_step (world);
    bytes_t all = bytes_view (NULL, 0);
    for (int home = 0; home < HOMES; home++) {
        s_merge_into (&all, world->homes[home]);
        for (int fallback = 0; fallback < FALLBACKS; fallback++)
            s_merge_into (&all, world->hints[fallback][home]);
    }
    for (size_t i = 0; i < world->flight_count; i++)
        s_merge_into (&all, world->flights[i]);
    events_t every = ((events_t) 1 << (world->events + 1)) - 2;
    events_t wanted = every & ~world->dead;
    *lost = wanted & ~s_live (all);
    *risen = s_live (all) & ~wanted;
    bytes_clear (&all);
    for (int home = 0; home < HOMES; home++) {
        bytes_clear (&world->homes[home]);
        bytes_clear (&world->backups[home]);
        for (int fallback = 0; fallback < FALLBACKS; fallback++)
            bytes_clear (&world->hints[fallback][home]);
    }
    while (world->flight_count > 0)
        bytes_clear (&world->flights[--world->flight_count]);
    while (world->client_count > 0)
        bytes_clear (&world->clients[--world->client_count].context);
    free (world);
}

typedef struct {
    unsigned lost;
    unsigned risen;
} verdict_t;

static verdict_t s_runs (unsigned count, rules_t rules)
{
    verdict_t verdict = {0};
    for (unsigned i = 0; i < count; i++) {
        events_t lost;
        events_t risen;
        s_run (i + 1, rules, &lost, &risen);
        verdict.lost += lost != 0;
        verdict.risen += risen != 0;
    }
    return verdict;
}

Test (model, the_rules_lose_nothing_and_nothing_rises)
{
    verdict_t verdict = s_runs (4000, (rules_t){.faults = true});
    cr_assert_eq (verdict.lost, 0, "%u schedules lost a value", verdict.lost);
    cr_assert_eq (verdict.risen, 0, "%u schedules brought a value back", verdict.risen);
}

Test (model, a_fallback_may_reuse_the_actor_of_a_hint_that_lives)
{
    verdict_t verdict = s_runs (4000, (rules_t){.faults = true, .fallback_reuse = true});
    cr_assert_eq (verdict.lost + verdict.risen, 0);
}

Test (model, an_actor_that_outlives_its_disk_is_caught)
{
    cr_assert_gt (s_runs (2000, (rules_t){.faults = true, .keep_actor = true}).lost, 0);
}

Test (model, a_reply_that_covers_the_whole_state_is_caught)
{
    cr_assert_gt (s_runs (500, (rules_t){.reply_whole = true}).lost, 0);
}

Test (model, a_reply_that_is_a_plain_vector_is_caught)
{
    cr_assert_gt (s_runs (500, (rules_t){.reply_vector = true}).lost, 0);
}

Test (model, a_fallback_with_one_actor_for_ever_is_caught)
{
    cr_assert_gt (s_runs (500, (rules_t){.fallback_fixed = true}).lost, 0);
}
