/*  test_memory_store.c - the two images, and each fault that the simulator asks for. */
#include <criterion/criterion.h>
#include <string.h>

#include "store/memory_store.h"

static void s_put (store_t *store, const char *key, const char *value)
{
    cr_assert_eq (store_put (store, STORE_DATA, bytes_text (key), bytes_text (value)), STORE_OK);
}

static void s_delete (store_t *store, const char *key)
{
    cr_assert_eq (store_delete (store, STORE_DATA, bytes_text (key)), STORE_OK);
}

static void s_expect (store_t *store, const char *key, const char *value)
{
    bytes_t found;
    int result = store_get (store, STORE_DATA, bytes_text (key), &found);
    cr_assert_eq (result, value ? STORE_OK : STORE_ABSENT, "%s: %d", key, result);
    if (value)
        cr_assert (bytes_equal (found, bytes_text (value)), "%s: %.*s", key, (int) found.size,
                   (const char *) found.data);
}

/*  Three layers: `flushed`, then committed over it, then an open batch over that. */
static store_t *s_layers (durability_t durability)
{
    store_t *store = memory_store_new (durability);
    s_put (store, "a", "flushed");
    s_put (store, "b", "flushed");
    cr_assert_eq (store_commit (store), STORE_OK);
    cr_assert_eq (store_flush (store), STORE_OK);
    s_put (store, "a", "committed");
    s_delete (store, "b");
    s_put (store, "c", "committed");
    cr_assert_eq (store_commit (store), STORE_OK);
    s_put (store, "a", "open");
    s_put (store, "a", "open twice");
    s_put (store, "b", "open");
    s_delete (store, "c");
    s_put (store, "d", "open");
    return store;
}

static void s_expect_flushed (store_t *store)
{
    s_expect (store, "a", "flushed");
    s_expect (store, "b", "flushed");
    s_expect (store, "c", NULL);
    s_expect (store, "d", NULL);
}

static void s_expect_committed (store_t *store)
{
    s_expect (store, "a", "committed");
    s_expect (store, "b", NULL);
    s_expect (store, "c", "committed");
    s_expect (store, "d", NULL);
}

Test (memory_store, a_kill_takes_what_was_not_flushed)
{
    store_t *store = s_layers (DURABILITY_BATCH);
    s_expect (store, "a", "open twice");
    s_expect (store, "c", NULL);
    cr_assert_eq (store_sequence (store), 2);
    memory_store_kill (store);
    s_expect_flushed (store);
    cr_assert_eq (store_sequence (store), 0);
    s_put (store, "e", "after");
    cr_assert_eq (store_commit (store), STORE_OK);
    cr_assert_eq (store_sequence (store), 1);
    s_expect (store, "e", "after");
    store_destroy (&store);
}

Test (memory_store, commits_survive_a_kill_without_batch)
{
    for (int durability = DURABILITY_PERIODIC; durability <= DURABILITY_NONE; durability++) {
        store_t *store = s_layers ((durability_t) durability);
        memory_store_kill (store);
        s_expect_committed (store);
        memory_store_kill (store);
        s_expect_committed (store);
        memory_store_cut (store); /* they were still not on disk */
        s_expect_flushed (store);
        store_destroy (&store);
    }
}

Test (memory_store, a_power_cut_takes_what_was_not_flushed)
{
    for (int durability = DURABILITY_BATCH; durability <= DURABILITY_NONE; durability++) {
        store_t *store = s_layers ((durability_t) durability);
        memory_store_cut (store);
        s_expect_flushed (store);
        store_destroy (&store);
        store = s_layers ((durability_t) durability);
        cr_assert_eq (store_flush (store), STORE_OK); /* of the commits, not of the open batch */
        s_expect (store, "a", "open twice");
        memory_store_cut (store);
        s_expect_committed (store);
        store_destroy (&store);
        bool done;
        store = s_layers ((durability_t) durability);
        cr_assert_eq (store_checkpoint (store, true, &done), STORE_OK);
        memory_store_cut (store);
        s_expect_committed (store);
        store_destroy (&store);
    }
}

Test (memory_store, a_wiped_store_is_empty_for_good)
{
    store_t *store = s_layers (DURABILITY_BATCH);
    memory_store_wipe (store);
    memory_store_kill (store);
    for (const char *key = "a\0b\0c\0d\0"; *key; key += 2)
        s_expect (store, key, NULL);
    store_destroy (&store);
}

Test (memory_store, a_backup_holds_what_the_disk_held)
{
    store_t *store = s_layers (DURABILITY_PERIODIC);
    store_t *backup = memory_store_backup (store);
    s_expect_flushed (backup);
    s_expect (store, "a", "open twice");
    cr_assert_eq (store_commit (store), STORE_OK);
    cr_assert_eq (store_flush (store), STORE_OK);
    s_expect_flushed (backup);
    memory_store_restore (store, backup);
    s_expect_flushed (store);
    cr_assert_eq (store_sequence (store), 0);
    memory_store_cut (store);
    s_expect_flushed (store);
    s_put (store, "a", "later");
    s_expect (backup, "a", "flushed");
    store_destroy (&backup);
    s_expect (store, "b", "flushed");
    store_destroy (&store);
}

/*  Every call fails, and says why, until the process begins anew. */
static void s_expect_broken (store_t *store)
{
    bytes_t key = bytes_text ("a"), value;
    bool done;
    cr_assert_eq (store_get (store, STORE_DATA, key, &value), STORE_FAILED);
    cr_assert_eq (store_put (store, STORE_DATA, key, key), STORE_FAILED);
    cr_assert_eq (store_delete (store, STORE_DATA, key), STORE_FAILED);
    cr_assert_eq (store_scan (store, STORE_DATA, (bytes_t){0}, (bytes_t){0}, 0, NULL, NULL),
                  STORE_FAILED);
    cr_assert_eq (store_commit (store), STORE_FAILED);
    cr_assert_eq (store_flush (store), STORE_FAILED);
    cr_assert_eq (store_checkpoint (store, true, &done), STORE_FAILED);
    cr_assert_str_neq (store_error (store), "");
    memory_store_kill (store);
    cr_assert_str_eq (store_error (store), "");
}

Test (memory_store, a_failed_commit_breaks_it)
{
    store_t *store = s_layers (DURABILITY_PERIODIC);
    memory_store_fail_commit (store);
    cr_assert_eq (store_flush (store), STORE_OK);
    cr_assert_eq (store_commit (store), STORE_FAILED);
    s_expect_broken (store);
    s_expect_committed (store);
    s_put (store, "a", "again");
    cr_assert_eq (store_commit (store), STORE_OK);
    store_destroy (&store);
}

Test (memory_store, a_flush_under_way_covers_what_was_there_when_it_began)
{
    store_t *store = s_layers (DURABILITY_BATCH);
    memory_store_begin_flush (store);
    cr_assert_eq (store_commit (store), STORE_OK);
    cr_assert_eq (memory_store_end_flush (store), STORE_OK);
    s_expect (store, "a", "open twice");
    memory_store_kill (store);
    s_expect_committed (store);
    /* One that a kill interrupts covers nothing. */
    s_put (store, "a", "newer");
    cr_assert_eq (store_commit (store), STORE_OK);
    memory_store_begin_flush (store);
    memory_store_kill (store);
    s_put (store, "c", "newest");
    cr_assert_eq (store_commit (store), STORE_OK);
    cr_assert_eq (memory_store_end_flush (store), STORE_OK);
    memory_store_kill (store);
    s_expect_committed (store);
    store_destroy (&store);
}

Test (memory_store, a_failed_flush_breaks_it)
{
    store_t *store = s_layers (DURABILITY_BATCH);
    memory_store_fail_flush (store);
    cr_assert_eq (store_commit (store), STORE_OK);
    cr_assert_eq (store_flush (store), STORE_FAILED);
    s_expect_broken (store);
    s_expect_flushed (store);
    cr_assert_eq (store_flush (store), STORE_OK);
    store_destroy (&store);
}

Test (memory_store, a_hundred_thousand_changes_and_a_kill)
{
    static uint32_t expected[50000];
    memset (expected, 0, sizeof expected);
    store_t *store = memory_store_new (DURABILITY_BATCH);
    for (uint32_t i = 1; i <= 100000; i++) {
        uint32_t key = i * 2654435761u % 50000;
        cr_assert_eq (store_put (store, STORE_HINTS, bytes_view (&key, 4), bytes_view (&i, 4)), 0);
        if (i % 10 == 0)
            cr_assert_eq (store_commit (store), STORE_OK);
        if (i == 30000)
            cr_assert_eq (store_flush (store), STORE_OK);
        if (i <= 30000)
            expected[key] = i;
    }
    memory_store_kill (store);
    for (uint32_t key = 0; key < 50000; key++) {
        bytes_t value;
        int result = store_get (store, STORE_HINTS, bytes_view (&key, 4), &value);
        cr_assert_eq (result, expected[key] ? STORE_OK : STORE_ABSENT);
        if (expected[key])
            cr_assert (bytes_equal (value, bytes_view (&expected[key], 4)));
    }
    store_destroy (&store);
}
