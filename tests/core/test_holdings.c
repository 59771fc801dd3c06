/*  test_holdings.c - keys in a store in memory: saved and loaded, listed page by page, counted while they change, and
 *  damaged ones told from absent ones.
 */
#include "drive.h"

#include <stdio.h>

#include "core/holdings.h"
#include "core/rng.h"
#include "store/memory_store.h"

#define PARTITIONS 4u
#define WALL_MS 1234567u

typedef struct {
    store_t *store;
    holdings_t holdings;
    uint32_t partitions;
} rig_t;

static void s_open (rig_t *rig, uint32_t partitions)
{
    rig->store = memory_store_new (DURABILITY_BATCH);
    rig->partitions = partitions;
    holdings_init (&rig->holdings, rig->store);
}

static void s_close (rig_t *rig)
{
    holdings_clear (&rig->holdings);
    store_destroy (&rig->store);
}

static bytes_t s_key (char *text, unsigned number)
{
    snprintf (text, 24, "key %u", number);
    return bytes_text (text);
}

/*  A state with `live` siblings, or a tombstone. */
static uint64_t s_save (rig_t *rig, bytes_t key, unsigned live, uint64_t wall_ms)
{
    static const uint64_t actors[] = {1, 2, 3};
    bytes_t state = drive_state (actors, 3, bytes_text ("value"));
    object_t object;
    cr_assert_eq (object_decode (state, &object), 0);
    object.siblings.count = live;
    place_t place = place_of (rig->partitions, key);
    stored_t before;
    int rc = holdings_load (&rig->holdings, place, &before);
    cr_assert (rc == STORE_OK || rc == STORE_ABSENT);
    uint64_t hash;
    rc = holdings_save (&rig->holdings, place, &object, &before, wall_ms, &hash);
    cr_assert_eq (rc, STORE_OK);
    bytes_t encoded = object_encode (&object);
    cr_assert_eq (hash, hash_bytes (encoded));
    bytes_clear (&encoded);
    object.siblings.count = 3;
    object_clear (&object);
    bytes_clear (&state);
    return hash;
}

Test (holdings, what_was_saved_is_loaded)
{
    rig_t rig;
    s_open (&rig, PARTITIONS);
    bytes_t key = bytes_text ("a key");
    place_t place = place_of (PARTITIONS, key);
    cr_assert_eq (place.hash, hash_bytes (key));
    cr_assert_eq (place.partition, ring_partition (PARTITIONS, place.hash));
    stored_t record = {.live = 9};
    cr_assert_eq (holdings_load (&rig.holdings, place, &record), STORE_ABSENT);
    cr_assert_eq (record.live + record.object.size, 0);

    uint64_t hash = s_save (&rig, key, 2, WALL_MS);
    cr_assert_eq (holdings_load (&rig.holdings, place, &record), STORE_OK);
    cr_assert_eq (record.live, 2);
    cr_assert_eq (record.hash, hash);
    cr_assert_eq (hash_bytes (record.object), hash);
    cr_assert_eq (record.seen_ms, 0, "a live key has no such time");

    s_save (&rig, key, 0, WALL_MS);
    cr_assert_eq (holdings_load (&rig.holdings, place, &record), STORE_OK);
    cr_assert_eq (record.live, 0);
    cr_assert_eq (record.seen_ms, WALL_MS);
    s_save (&rig, key, 0, WALL_MS + 100);
    cr_assert_eq (holdings_load (&rig.holdings, place, &record), STORE_OK);
    cr_assert_eq (record.seen_ms, WALL_MS, "a tombstone's age is not begun again");
    s_save (&rig, key, 1, WALL_MS + 200);
    s_save (&rig, key, 0, WALL_MS + 300);
    cr_assert_eq (holdings_load (&rig.holdings, place, &record), STORE_OK);
    cr_assert_eq (record.seen_ms, WALL_MS + 300);
    cr_assert_eq (holdings_load (&rig.holdings, place_of (PARTITIONS, bytes_text ("b")), &record),
                  STORE_ABSENT);
    s_close (&rig);
}

Test (holdings, a_damaged_record_is_never_absent)
{
    rig_t rig;
    s_open (&rig, PARTITIONS);
    bytes_t key = bytes_text ("a key"), value;
    place_t place = place_of (PARTITIONS, key);
    s_save (&rig, key, 2, WALL_MS);
    uint8_t data[RECORD_KEY_BYTES];
    bytes_t at = record_key (data, place.partition, place.hash, key);
    cr_assert_eq (store_get (rig.store, STORE_DATA, at, &value), STORE_OK);
    bytes_t whole = bytes_copy (value.data, value.size);
    stored_t record;
    for (size_t i = 0; i < whole.size; i++) {
        whole.data[i] ^= 0x20;
        cr_assert_eq (store_put (rig.store, STORE_DATA, at, whole), STORE_OK);
        cr_assert_eq (holdings_load (&rig.holdings, place, &record), HOLDINGS_DAMAGED, "byte %zu",
                      i);
        whole.data[i] ^= 0x20;
    }
    for (size_t size = 0; size < whole.size; size++) {
        cr_assert_eq (store_put (rig.store, STORE_DATA, at, bytes_view (whole.data, size)),
                      STORE_OK);
        cr_assert_eq (holdings_load (&rig.holdings, place, &record), HOLDINGS_DAMAGED, "cut to %zu",
                      size);
    }
    /* It is listed and counted as a key: nothing that is there goes unseen. */
    name_list_t keys;
    bytes_t next;
    cr_assert_eq (holdings_list (&rig.holdings, place.partition, PARTITIONS, bytes_view (NULL, 0),
                                 10, &keys, &next),
                  STORE_OK);
    cr_assert_eq (keys.count, 1);
    cr_assert_eq (next.size, 0);
    bytes_clear (&keys.items[0].bytes);
    free (keys.items);
    cr_assert_eq (holdings_count (&rig.holdings), STORE_OK);
    cr_assert_eq (rig.holdings.keys, 1);
    bytes_clear (&whole);
    s_close (&rig);
}

Test (holdings, a_store_that_fails_is_no_absence)
{
    rig_t rig;
    s_open (&rig, PARTITIONS);
    memory_store_fail_commit (rig.store);
    s_save (&rig, bytes_text ("k"), 1, WALL_MS);
    cr_assert_eq (store_commit (rig.store), STORE_FAILED);
    stored_t record;
    place_t place = place_of (PARTITIONS, bytes_text ("k"));
    cr_assert_eq (holdings_load (&rig.holdings, place, &record), STORE_FAILED);
    name_list_t keys;
    bytes_t next;
    cr_assert_eq (
        holdings_list (&rig.holdings, 0, PARTITIONS, bytes_view (NULL, 0), 10, &keys, &next),
        STORE_FAILED);
    free (keys.items);
    object_t object = {0};
    uint64_t hash;
    cr_assert_eq (holdings_save (&rig.holdings, place, &object, &record, 0, &hash), STORE_FAILED);
    cr_assert_eq (holdings_count (&rig.holdings), STORE_FAILED);
    cr_assert_not (rig.holdings.counted);
    s_close (&rig);
}

/* ---- lists ---- */

typedef struct {
    bytes_t key; /* owned */
    uint64_t hash;
    bool live;
} entry_t;

static int s_compare (const void *a, const void *b)
{
    const entry_t *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return bytes_compare (x->key, y->key);
}

/*  Saves `count` keys, every third a tombstone, and gives those of a partition in the order that is promised. */
static size_t s_fill (rig_t *rig, unsigned count, uint32_t partition, entry_t *entries)
{
    size_t mine = 0;
    for (unsigned i = 0; i < count; i++) {
        char text[24];
        bytes_t key = s_key (text, i);
        bool live = i % 3 != 0;
        s_save (rig, key, live ? 1 : 0, WALL_MS);
        place_t place = place_of (rig->partitions, key);
        if (place.partition == partition)
            entries[mine++] = (entry_t){bytes_copy (key.data, key.size), place.hash, live};
    }
    qsort (entries, mine, sizeof *entries, s_compare);
    return mine;
}

/*  Walks a partition in pages and holds them against the entries. */
static void s_walk (rig_t *rig, uint32_t partition, uint32_t limit, const entry_t *entries,
                    size_t count)
{
    bytes_t after = bytes_view (NULL, 0);
    size_t at = 0;
    for (;;) {
        name_list_t keys;
        bytes_t next;
        cr_assert_eq (
            holdings_list (&rig->holdings, partition, rig->partitions, after, limit, &keys, &next),
            STORE_OK);
        cr_assert_leq (keys.count, limit);
        for (size_t i = 0; i < keys.count; i++) {
            while (at < count && !entries[at].live)
                at++;
            cr_assert_lt (at, count, "more keys than there are");
            cr_assert (bytes_equal (keys.items[i].bytes, entries[at].key), "order, limit %u",
                       limit);
            at++;
            bytes_clear (&keys.items[i].bytes);
        }
        free (keys.items);
        bytes_clear (&after);
        after = next;
        if (next.size == 0)
            break;
    }
    for (; at < count; at++)
        cr_assert_not (entries[at].live, "a live key was passed over, limit %u", limit);
}

Test (holdings, pages_hold_each_live_key_once_in_order)
{
    static const uint32_t partitions[] = {1, 4, 65536};
    static const uint32_t limits[] = {1, 2, 7, 100, 10000};
    for (size_t i = 0; i < 3; i++) {
        rig_t rig;
        s_open (&rig, partitions[i]);
        char text[24];
        uint32_t partition = place_of (partitions[i], s_key (text, 1)).partition;
        entry_t *entries = memory_new (400, sizeof *entries);
        size_t count = s_fill (&rig, 400, partition, entries);
        cr_assert_geq (count, 1);
        for (size_t j = 0; j < 5; j++)
            s_walk (&rig, partition, limits[j], entries, count);
        for (size_t at = 0; at < count; at++)
            bytes_clear (&entries[at].key);
        free (entries);
        s_close (&rig);
    }
}

Test (holdings, the_last_partition_has_its_end)
{
    rig_t rig;
    s_open (&rig, PARTITIONS);
    entry_t *entries = memory_new (400, sizeof *entries);
    for (uint32_t partition = 0; partition < PARTITIONS; partition++) {
        size_t count = s_fill (&rig, 300, partition, entries);
        s_walk (&rig, partition, 50, entries, count);
        while (count > 0)
            bytes_clear (&entries[--count].key);
    }
    free (entries);
    s_close (&rig);
}

Test (holdings, after_a_key_that_is_gone)
{
    rig_t rig;
    s_open (&rig, 1);
    entry_t *entries = memory_new (60, sizeof *entries);
    size_t count = s_fill (&rig, 60, 0, entries);
    for (size_t at = 0; at < count; at++) {
        /* Whether it is a tombstone, or no record at all, the list goes on after its place. */
        for (int gone = 0; gone < 2; gone++) {
            uint8_t data[RECORD_KEY_BYTES];
            bytes_t key = record_key (data, 0, entries[at].hash, entries[at].key);
            if (gone)
                cr_assert_eq (store_delete (rig.store, STORE_DATA, key), STORE_OK);
            else
                s_save (&rig, entries[at].key, 0, WALL_MS);
            name_list_t keys;
            bytes_t next;
            cr_assert_eq (holdings_list (&rig.holdings, 0, 1, entries[at].key, 100, &keys, &next),
                          STORE_OK);
            cr_assert_eq (next.size, 0);
            size_t wanted = at + 1;
            for (size_t i = 0; i < keys.count; i++, wanted++) {
                while (!entries[wanted].live)
                    wanted++;
                cr_assert (bytes_equal (keys.items[i].bytes, entries[wanted].key));
                bytes_clear (&keys.items[i].bytes);
            }
            for (; wanted < count; wanted++)
                cr_assert_not (entries[wanted].live);
            free (keys.items);
        }
        bytes_clear (&entries[at].key);
    }
    free (entries);
    s_close (&rig);
}

Test (holdings, a_page_of_tombstones_ends_and_says_where)
{
    rig_t rig;
    s_open (&rig, 1);
    unsigned count = LIMIT_SCAN_RECORDS + 50;
    for (unsigned i = 0; i < count; i++) {
        char text[24];
        s_save (&rig, s_key (text, i), 0, WALL_MS);
    }
    name_list_t keys;
    bytes_t next, last;
    cr_assert_eq (holdings_list (&rig.holdings, 0, 1, bytes_view (NULL, 0), 10, &keys, &next),
                  STORE_OK);
    cr_assert_eq (keys.count, 0);
    cr_assert_gt (next.size, 0, "one step looks at so many and no more");
    free (keys.items);
    cr_assert_eq (holdings_list (&rig.holdings, 0, 1, next, 10, &keys, &last), STORE_OK);
    cr_assert_eq (keys.count, 0);
    cr_assert_eq (last.size, 0);
    free (keys.items);
    bytes_clear (&next);
    s_close (&rig);
}

/* ---- the census ---- */

static void s_check_census (rig_t *rig, const uint8_t *kind, unsigned count)
{
    uint64_t keys = 0, tombstones = 0;
    for (unsigned i = 0; i < count; i++) {
        keys += kind[i] == 2;
        tombstones += kind[i] == 1;
    }
    cr_assert_eq (rig->holdings.keys, keys);
    cr_assert_eq (rig->holdings.tombstones, tombstones);
}

Test (holdings, the_census_is_exact_whatever_is_written_meanwhile)
{
    enum { COUNT = 6000 };
    rng_t rng;
    rng_seed (&rng, 1);
    for (unsigned round = 0; round < 3; round++) {
        rig_t rig;
        s_open (&rig, 1);
        uint8_t *kind = memory_new (COUNT, 1); /* 0 absent, 1 tombstone, 2 live */
        for (unsigned i = 0; i < COUNT / 2; i++) {
            char text[24];
            kind[i] = (uint8_t) (1 + rng_below (&rng, 2));
            s_save (&rig, s_key (text, i), kind[i] - 1u, WALL_MS);
        }
        holdings_clear (&rig.holdings); /* as after a restart */
        holdings_init (&rig.holdings, rig.store);
        unsigned slices = 0;
        while (!rig.holdings.counted) {
            for (unsigned i = 0; i < (round ? 300u : 0); i++) {
                char text[24];
                unsigned which = (unsigned) rng_below (&rng, COUNT);
                kind[which] = (uint8_t) (1 + rng_below (&rng, 2));
                s_save (&rig, s_key (text, which), kind[which] - 1u, WALL_MS);
            }
            cr_assert_eq (holdings_count (&rig.holdings), STORE_OK);
            slices++;
        }
        cr_assert_gt (slices, 2, "not in one go");
        s_check_census (&rig, kind, COUNT);
        for (unsigned i = 0; i < 1000; i++) {
            char text[24];
            unsigned which = (unsigned) rng_below (&rng, COUNT);
            kind[which] = (uint8_t) (1 + rng_below (&rng, 2));
            s_save (&rig, s_key (text, which), kind[which] - 1u, WALL_MS);
        }
        s_check_census (&rig, kind, COUNT);
        cr_assert_eq (holdings_count (&rig.holdings), STORE_OK);
        s_check_census (&rig, kind, COUNT);
        free (kind);
        s_close (&rig);
    }
}

Test (holdings, an_empty_store_is_counted_at_once)
{
    rig_t rig;
    s_open (&rig, 1);
    cr_assert_eq (holdings_count (&rig.holdings), STORE_OK);
    cr_assert (rig.holdings.counted);
    cr_assert_eq (rig.holdings.keys + rig.holdings.tombstones, 0);
    s_save (&rig, bytes_text ("k"), 1, WALL_MS);
    cr_assert_eq (rig.holdings.keys, 1);
    s_close (&rig);
}

/* ---- whether a partition is empty ---- */

Test (holdings, a_partition_with_a_record_is_not_empty_be_it_a_tombstone)
{
    for (unsigned live = 0; live < 2; live++)
        for (unsigned number = 0; number < 20; number++) {
            rig_t rig;
            s_open (&rig, PARTITIONS);
            char text[24];
            bytes_t key = s_key (text, number);
            s_save (&rig, key, live, WALL_MS);
            for (int counted = 0; counted < 2; counted++) {
                for (uint32_t partition = 0; partition < PARTITIONS; partition++) {
                    bool empty;
                    cr_assert_eq (holdings_empty (&rig.holdings, partition, PARTITIONS, &empty),
                                  STORE_OK);
                    cr_assert_eq (empty, partition != place_of (PARTITIONS, key).partition);
                }
                cr_assert_eq (holdings_count (&rig.holdings), STORE_OK);
            }
            s_close (&rig);
        }
}
