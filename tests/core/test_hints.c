/*  test_hints.c - states kept for slots of others: how many, how large, how old, in which order, and who mints into them. */
#include "drive.h"

#include <stdio.h>

#include "core/hints.h"
#include "store/memory_store.h"

#define PARTITIONS 4u
#define WALL_MS 1700000000000u

typedef struct {
    store_t *store;
    hints_t hints;
    uint64_t wall_ms;
} rig_t;

/*  As a process does after its start. */
static unsigned s_count_all (rig_t *rig)
{
    unsigned slices = 0;
    uint64_t wake_us = 0;
    for (; hints_due (&rig->hints, 5000, &wake_us); slices++)
        cr_assert_eq (hints_walk (&rig->hints, 5000), STORE_OK);
    return slices;
}

static void s_open (rig_t *rig, uint64_t most)
{
    rig->store = memory_store_new (DURABILITY_BATCH);
    rig->wall_ms = WALL_MS;
    hints_init (&rig->hints, rig->store, most);
    s_count_all (rig);
}

static void s_reopen (rig_t *rig)
{
    uint64_t most = rig->hints.most;
    hints_clear (&rig->hints);
    hints_init (&rig->hints, rig->store, most);
}

static void s_close (rig_t *rig)
{
    hints_clear (&rig->hints);
    store_destroy (&rig->store);
}

/*  A state with one sibling of that many bytes. */
static object_t s_object (uint64_t actor, size_t bytes, bytes_t *frame)
{
    uint8_t *value = memory_new (bytes + 1, 1);
    *frame = drive_state (&actor, 1, bytes_view (value, bytes));
    free (value);
    object_t object;
    cr_assert_eq (object_decode (*frame, &object), 0);
    return object;
}

static int s_save (rig_t *rig, const char *name, uint8_t slot, uint64_t actor, size_t bytes)
{
    place_t place = place_of (PARTITIONS, bytes_text (name));
    stored_t before;
    int rc = hints_load (&rig->hints, place, slot, &before);
    cr_assert (rc == STORE_OK || rc == STORE_ABSENT);
    bytes_t frame;
    object_t object = s_object (actor, bytes, &frame);
    rc = hints_save (&rig->hints, place, slot, &object, &before, rig->wall_ms);
    object_clear (&object);
    bytes_clear (&frame);
    return rc;
}

static uint64_t s_hash (rig_t *rig, const char *name, uint8_t slot)
{
    stored_t record;
    int rc = hints_load (&rig->hints, place_of (PARTITIONS, bytes_text (name)), slot, &record);
    return rc == STORE_OK ? record.hash : 0;
}

static void s_drop (rig_t *rig, const char *name, uint8_t slot, uint64_t hash)
{
    place_t place = place_of (PARTITIONS, bytes_text (name));
    hint_id_t id = {
        .partition = place.partition, .slot = slot, .key = bytes_text (name), .hash = hash};
    cr_assert_eq (hints_drop (&rig->hints, place, &id), STORE_OK);
}

typedef struct {
    uint64_t count;
    uint64_t bytes;
} sum_t;

static bool s_add (void *argument, bytes_t key, bytes_t value)
{
    sum_t *sum = argument;
    sum->count++;
    sum->bytes += key.size + value.size;
    return true;
}

/*  What is counted is what is there. */
static void s_check_sums (rig_t *rig)
{
    sum_t sum = {0};
    bytes_t all = bytes_view (NULL, 0);
    cr_assert_eq (store_scan (rig->store, STORE_HINTS, all, all, 0, s_add, &sum), STORE_OK);
    cr_assert_eq (rig->hints.count, sum.count);
    cr_assert_eq (rig->hints.bytes, sum.bytes);
}

/* ---- what is kept ---- */

Test (hints, what_was_flushed_survives_a_kill_and_is_counted_again)
{
    rig_t rig;
    s_open (&rig, UINT64_MAX);
    cr_assert_eq (s_save (&rig, "milk", 1, 5, 10), STORE_OK);
    cr_assert_eq (s_save (&rig, "milk", 2, 5, 10), STORE_OK);
    cr_assert_eq (store_commit (rig.store), STORE_OK);
    cr_assert_eq (store_flush (rig.store), STORE_OK);
    uint64_t hash = s_hash (&rig, "milk", 2), bytes = rig.hints.bytes;
    cr_assert_neq (hash, 0);
    cr_assert_eq (s_save (&rig, "eggs", 1, 5, 10), STORE_OK);
    cr_assert_eq (store_commit (rig.store), STORE_OK);
    memory_store_kill (rig.store);
    s_reopen (&rig);
    s_count_all (&rig);
    cr_assert_eq (rig.hints.count, 2);
    cr_assert_eq (rig.hints.bytes, bytes);
    cr_assert_eq (rig.hints.stored, 0, "it counts from the start of the process");
    cr_assert_eq (s_hash (&rig, "milk", 2), hash);
    cr_assert_eq (s_hash (&rig, "eggs", 1), 0);
    s_check_sums (&rig);
    s_close (&rig);
}

Test (hints, one_for_each_key_and_slot)
{
    rig_t rig;
    s_open (&rig, UINT64_MAX);
    cr_assert_eq (s_save (&rig, "milk", 1, 5, 10), STORE_OK);
    cr_assert_eq (s_save (&rig, "milk", 1, 6, 500), STORE_OK);
    cr_assert_eq (rig.hints.count, 1);
    cr_assert_eq (rig.hints.stored, 1);
    s_check_sums (&rig);
    cr_assert_eq (s_save (&rig, "milk", 1, 7, 3), STORE_OK);
    s_check_sums (&rig);
    cr_assert_eq (s_save (&rig, "milk", 0, 7, 3), STORE_OK);
    cr_assert_eq (rig.hints.count, 2);
    uint64_t first = s_hash (&rig, "milk", 1);
    cr_assert_eq (first, s_hash (&rig, "milk", 0));
    s_drop (&rig, "milk", 1, first);
    cr_assert_eq (s_hash (&rig, "milk", 1), 0);
    cr_assert_eq (s_hash (&rig, "milk", 0), first);
    s_check_sums (&rig);
    s_close (&rig);
}

Test (hints, a_drop_with_another_hash_deletes_nothing)
{
    rig_t rig;
    s_open (&rig, UINT64_MAX);
    cr_assert_eq (s_save (&rig, "milk", 1, 5, 10), STORE_OK);
    uint64_t sent = s_hash (&rig, "milk", 1);
    cr_assert_eq (s_save (&rig, "milk", 1, 6, 10), STORE_OK);
    s_drop (&rig, "milk", 1, sent);
    cr_assert_eq (rig.hints.count, 1);
    cr_assert_eq (rig.hints.delivered, 0);
    s_drop (&rig, "bread", 1, sent);
    s_drop (&rig, "milk", 1, s_hash (&rig, "milk", 1));
    cr_assert_eq (rig.hints.count, 0);
    cr_assert_eq (rig.hints.bytes, 0);
    cr_assert_eq (rig.hints.delivered, 1);
    s_close (&rig);
}

Test (hints, beyond_the_limit_new_ones_are_refused_and_none_is_evicted)
{
    rig_t rig;
    s_open (&rig, 2000);
    unsigned kept = 0;
    char name[16];
    for (; kept < 100; kept++) {
        snprintf (name, sizeof name, "key%u", kept);
        if (s_save (&rig, name, 1, 5, 100) != STORE_OK)
            break;
    }
    cr_assert (kept > 5 && kept < 20, "%u", kept);
    cr_assert_eq (s_save (&rig, name, 1, 5, 100), HINTS_FULL);
    cr_assert_leq (rig.hints.bytes, 2000);
    s_check_sums (&rig);
    for (unsigned i = 0; i < kept; i++) {
        snprintf (name, sizeof name, "key%u", i);
        cr_assert_neq (s_hash (&rig, name, 1), 0, "%s", name);
    }
    uint64_t before = s_hash (&rig, "key0", 1);
    cr_assert_eq (s_save (&rig, "key0", 1, 6, 400), HINTS_FULL, "one that would grow");
    cr_assert_eq (s_hash (&rig, "key0", 1), before);
    cr_assert_eq (s_save (&rig, "key0", 1, 6, 10), STORE_OK, "one that shrinks");
    s_drop (&rig, "key1", 1, s_hash (&rig, "key1", 1));
    snprintf (name, sizeof name, "key%u", kept);
    cr_assert_eq (s_save (&rig, name, 1, 5, 100), STORE_OK, "there is room again");
    s_check_sums (&rig);
    s_close (&rig);
}

Test (hints, the_census_counts_what_changes_beside_it_once)
{
    rig_t rig;
    s_open (&rig, UINT64_MAX);
    char name[16];
    for (unsigned i = 0; i < 2500; i++) {
        snprintf (name, sizeof name, "key%u", i);
        cr_assert_eq (s_save (&rig, name, 1, 5, 10), STORE_OK);
    }
    s_reopen (&rig);
    cr_assert_eq (hints_walk (&rig.hints, 1), STORE_OK);
    cr_assert_not (rig.hints.counted);
    for (unsigned i = 0; i < 2600; i++) {
        snprintf (name, sizeof name, "key%u", i);
        if (i % 3 == 0)
            s_drop (&rig, name, 1, s_hash (&rig, name, 1));
        else
            cr_assert_eq (s_save (&rig, name, 1, 6, i % 50), STORE_OK);
    }
    cr_assert_gt (s_count_all (&rig), 0);
    cr_assert (rig.hints.counted);
    s_check_sums (&rig);
    s_close (&rig);
}

Test (hints, the_age_is_that_of_the_oldest_that_is_left)
{
    rig_t rig;
    s_open (&rig, UINT64_MAX);
    uint64_t wake_us;
    cr_assert_eq (hints_oldest_s (&rig.hints, rig.wall_ms), 0);
    cr_assert_eq (s_save (&rig, "milk", 1, 5, 10), STORE_OK);
    rig.wall_ms += 60000;
    cr_assert_eq (s_save (&rig, "milk", 1, 6, 10), STORE_OK, "it has waited all the same");
    cr_assert_eq (s_save (&rig, "eggs", 2, 5, 10), STORE_OK);
    rig.wall_ms += 5000;
    cr_assert_eq (hints_oldest_s (&rig.hints, rig.wall_ms), 65);
    cr_assert_eq (hints_oldest_s (&rig.hints, WALL_MS - 1), 0, "a wall clock may jump");
    s_reopen (&rig);
    s_count_all (&rig);
    cr_assert_eq (hints_oldest_s (&rig.hints, rig.wall_ms), 65, "also after a restart");
    s_drop (&rig, "milk", 1, s_hash (&rig, "milk", 1));
    cr_assert_not (hints_due (&rig.hints, 5001, &wake_us));
    cr_assert_leq (wake_us, 5000 + HINTS_WALK_US);
    cr_assert (hints_due (&rig.hints, wake_us, &wake_us));
    cr_assert_eq (hints_walk (&rig.hints, wake_us), STORE_OK);
    cr_assert_eq (hints_oldest_s (&rig.hints, rig.wall_ms), 5);
    cr_assert_not (hints_due (&rig.hints, UINT64_MAX, &wake_us), "it is found");
    s_drop (&rig, "eggs", 2, s_hash (&rig, "eggs", 2));
    cr_assert_eq (hints_oldest_s (&rig.hints, rig.wall_ms), 0);
    cr_assert_not (hints_due (&rig.hints, UINT64_MAX, &wake_us), "there is none to look for");
    s_close (&rig);
}

/*  Time that a walk takes is the replica's, which has requests to answer. */
Test (hints, a_long_walk_is_followed_by_a_longer_rest)
{
    rig_t rig;
    s_open (&rig, UINT64_MAX);
    char name[16];
    for (unsigned i = 0; i < 2500; i++) {
        snprintf (name, sizeof name, "key%u", i);
        cr_assert_eq (s_save (&rig, name, 1, 5, 10), STORE_OK);
    }
    uint64_t now_us = 20000 * MS, began_us = now_us, wake_us;
    s_drop (&rig, "key0", 1, s_hash (&rig, "key0", 1));
    cr_assert (hints_due (&rig.hints, now_us, &wake_us));
    for (; hints_due (&rig.hints, now_us, &wake_us); now_us += 200 * MS)
        cr_assert_eq (hints_walk (&rig.hints, now_us), STORE_OK);
    s_drop (&rig, "key1", 1, s_hash (&rig, "key1", 1));
    cr_assert_not (hints_due (&rig.hints, now_us, &wake_us));
    cr_assert_gt (wake_us - now_us, 15 * (now_us - began_us));
    s_close (&rig);
}

/* ---- pages ---- */

static hint_page_reply_t s_page (rig_t *rig, uint32_t partition, uint8_t slot, const char *after,
                                 uint32_t limit, uint64_t *damaged)
{
    hint_page_t page = {
        .partition = partition, .slot = slot, .after = bytes_text (after), .limit = limit};
    hint_page_reply_t reply = {0};
    cr_assert_eq (hints_page (&rig->hints, &page, &reply, damaged), STORE_OK);
    return reply;
}

/*  Walks from page to page as the handoff does; how many hints it sees. Each slot's come in the order of their hashes. */
static size_t s_walk_pages (rig_t *rig, uint32_t limit, size_t *pages)
{
    size_t seen = 0;
    uint64_t damaged;
    hint_page_reply_t reply = s_page (rig, 0, 0, "", limit, &damaged);
    char after[64] = "";
    for (*pages = 0; reply.hints.count > 0; (*pages)++) {
        cr_assert_leq (reply.hints.count, limit);
        cr_assert_eq (reply.left, rig->hints.count);
        const hint_id_t *last = NULL;
        for (size_t i = 0; i < reply.hints.count; i++) {
            const hint_id_t *id = &reply.hints.items[i].id;
            cr_assert (last == NULL ||
                       (last->partition == id->partition && last->slot == id->slot &&
                        hash_bytes (last->key) < hash_bytes (id->key)));
            cr_assert_eq (id->hash, hash_bytes (reply.hints.items[i].state));
            last = id;
        }
        seen += reply.hints.count;
        snprintf (after, sizeof after, "%.*s", (int) last->key.size, (const char *) last->key.data);
        uint32_t partition = last->partition;
        uint8_t slot = last->slot;
        codec_clear (&hint_page_reply_schema, &reply);
        reply = s_page (rig, partition, slot, after, limit, &damaged);
    }
    codec_clear (&hint_page_reply_schema, &reply);
    return seen;
}

Test (hints, pages_cover_all_and_hold_one_slot_each)
{
    rig_t rig;
    s_open (&rig, UINT64_MAX);
    char name[16];
    size_t pages;
    cr_assert_eq (s_walk_pages (&rig, 10, &pages), 0);
    for (unsigned i = 0; i < 300; i++) {
        snprintf (name, sizeof name, "key%u", i);
        cr_assert_eq (s_save (&rig, name, (uint8_t) (i % 3), 5, 10), STORE_OK);
    }
    cr_assert_eq (s_walk_pages (&rig, LIMIT_HINTS_COUNT, &pages), 300);
    cr_assert_eq (pages, PARTITIONS * 3);
    cr_assert_eq (s_walk_pages (&rig, 7, &pages), 300);
    cr_assert_eq (s_walk_pages (&rig, 1, &pages), 300);
    cr_assert_eq (pages, 300);
    s_close (&rig);
}

Test (hints, a_page_of_large_states_ends_early)
{
    rig_t rig;
    s_open (&rig, UINT64_MAX);
    char name[16];
    for (unsigned i = 0; i < 100; i++) {
        snprintf (name, sizeof name, "key%u", i);
        cr_assert_eq (s_save (&rig, name, 0, 5, 1u << 20), STORE_OK);
    }
    uint64_t damaged;
    hint_page_reply_t reply = s_page (&rig, 0, 0, "", LIMIT_HINTS_COUNT, &damaged);
    cr_assert_eq (reply.hints.count, LIMIT_HINTS_BATCH_BYTES >> 20);
    codec_clear (&hint_page_reply_schema, &reply);
    size_t pages;
    cr_assert_eq (s_walk_pages (&rig, LIMIT_HINTS_COUNT, &pages), 100);
    s_close (&rig);
}

Test (hints, a_damaged_one_is_passed_over_and_stays)
{
    rig_t rig;
    s_open (&rig, UINT64_MAX);
    uint8_t data[RECORD_HINT_KEY_BYTES];
    bytes_t at = record_hint_key (data, 0, 0, 77, bytes_text ("milk"));
    cr_assert_eq (store_put (rig.store, STORE_HINTS, at, bytes_text ("damage")), STORE_OK);
    cr_assert_eq (s_save (&rig, "eggs", 3, 5, 10), STORE_OK);
    uint64_t damaged;
    hint_page_reply_t reply = s_page (&rig, 0, 0, "", 10, &damaged);
    cr_assert_eq (damaged, 1);
    cr_assert_eq (reply.hints.count, 1, "it does not pass for the end");
    cr_assert_eq (reply.hints.items[0].id.slot, 3);
    codec_clear (&hint_page_reply_schema, &reply);
    s_drop (&rig, "milk", 0, 0);
    bytes_t value;
    cr_assert_eq (store_get (rig.store, STORE_HINTS, at, &value), STORE_OK);
    s_reopen (&rig);
    s_count_all (&rig);
    cr_assert_eq (rig.hints.count, 2);
    s_close (&rig);
}

/* ---- who mints ---- */

Test (hints, an_actor_lives_as_long_as_its_hint)
{
    rig_t rig;
    s_open (&rig, UINT64_MAX);
    rng_t rng;
    rng_seed (&rng, 1);
    place_t milk = place_of (PARTITIONS, bytes_text ("milk"));
    place_t eggs = place_of (PARTITIONS, bytes_text ("eggs"));
    uint64_t first = hints_actor (&rig.hints, milk, 1, true, &rng)->actor;
    cr_assert_eq (s_save (&rig, "milk", 1, first, 10), STORE_OK);
    cr_assert_eq (hints_actor (&rig.hints, milk, 1, false, &rng)->actor, first);
    cr_assert_neq (hints_actor (&rig.hints, milk, 2, false, &rng)->actor, first);
    cr_assert_neq (hints_actor (&rig.hints, eggs, 1, false, &rng)->actor, first);
    hints_actor (&rig.hints, milk, 1, false, &rng)->counter = 9;
    cr_assert_eq (hints_actor (&rig.hints, milk, 1, false, &rng)->counter, 9);
    s_drop (&rig, "milk", 1, 12345);
    cr_assert_eq (hints_actor (&rig.hints, milk, 1, false, &rng)->actor, first, "not delivered");
    s_drop (&rig, "milk", 1, s_hash (&rig, "milk", 1));
    const hint_actor_t *second = hints_actor (&rig.hints, milk, 1, false, &rng);
    cr_assert_neq (second->actor, first);
    cr_assert_eq (second->counter, 0);
    uint64_t actor = second->actor;
    cr_assert_neq (hints_actor (&rig.hints, milk, 1, true, &rng)->actor, actor);
    s_close (&rig);
}

Test (hints, an_actor_that_had_to_give_way_is_drawn_anew)
{
    rig_t rig;
    s_open (&rig, UINT64_MAX);
    rng_t rng;
    rng_seed (&rng, 1);
    place_t milk = place_of (PARTITIONS, bytes_text ("milk"));
    hint_actor_t *own = hints_actor (&rig.hints, milk, 1, false, &rng);
    uint64_t first = own->actor;
    own->counter = 3;
    for (uint64_t i = 0; i < 4u * HINTS_ACTOR_BUCKETS * HINTS_ACTOR_WAYS; i++)
        hints_actor (&rig.hints, place_of (PARTITIONS, bytes_view (&i, sizeof i)), 1, false, &rng);
    own = hints_actor (&rig.hints, milk, 1, false, &rng);
    cr_assert_neq (own->actor, first, "the table has a bound");
    cr_assert_eq (own->counter, 0);
    s_close (&rig);
}
