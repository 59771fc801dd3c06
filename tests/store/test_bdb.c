/*  test_bdb.c - what only the engine on disk can suffer: damage, other processes, kills at birth, full disks. */
#include "folder.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "messages/limits.h"
#include "store/store.h"

/*  An environment that panicked, as damage makes it do, does not give its memory back when it is closed. The process
 *  ends then; only a test goes on. */
const char *__lsan_default_suppressions (void);
const char *__lsan_default_suppressions (void)
{
    return "leak:libdb-5.3";
}

static char s_why[LIMIT_SENTENCE_BYTES]; /* of the last open; each test is a process of its own */

static store_t *s_open (const char *folder)
{
    store_options_t options = {
        .folder = folder,
        .durability = DURABILITY_BATCH,
        .cache_bytes = 1u << 20,
        .page_bytes = 4096,
    };
    return bdb_open (&options, s_why);
}

static store_t *s_must_open (const char *folder)
{
    store_t *store = s_open (folder);
    cr_assert_not_null (store, "%s", s_why);
    cr_assert_str_eq (s_why, "");
    return store;
}

static void s_expect_refused (const char *folder, const char *words, const char *remedy)
{
    cr_assert_null (s_open (folder));
    cr_assert_not_null (strstr (s_why, folder), "no `%s` in: %s", folder, s_why);
    cr_assert_not_null (strstr (s_why, words), "no `%s` in: %s", words, s_why);
    cr_assert_not_null (strstr (s_why, remedy), "no `%s` in: %s", remedy, s_why);
}

/* ---- records: number i has a value of 50 to 149 bytes, and each 20th one of 6,000 ---- */

#define RECORDS 400

static bytes_t s_key (char *text, int i)
{
    snprintf (text, 16, "key%05d", i);
    return bytes_text (text);
}

static bytes_t s_value (uint8_t *data, int i)
{
    size_t size = i % 20 == 0 ? 6000 : 50 + (size_t) (i % 100);
    for (size_t j = 0; j < size; j++)
        data[j] = (uint8_t) (i * 31 + (int) j);
    return bytes_view (data, size);
}

static void s_fill (store_t *store)
{
    for (int i = 0; i < RECORDS; i++) {
        char text[16];
        uint8_t data[6000];
        bytes_t key = s_key (text, i);
        cr_assert_eq (store_put (store, STORE_DATA, key, s_value (data, i)), STORE_OK);
    }
    cr_assert_eq (store_commit (store), STORE_OK);
    cr_assert_eq (store_flush (store), STORE_OK);
}

/*  Whether each get gives the right value or an error; false when one gave an error. Anything else fails the test. */
static bool s_all_readable (store_t *store, const char *what)
{
    for (int i = 0; i < RECORDS; i++) {
        char text[16];
        uint8_t data[6000];
        bytes_t value;
        int result = store_get (store, STORE_DATA, s_key (text, i), &value);
        if (result == STORE_FAILED)
            return false;
        cr_assert_eq (result, STORE_OK, "%s: key %d is gone", what, i);
        cr_assert (bytes_equal (value, s_value (data, i)), "%s: key %d is wrong", what, i);
    }
    return true;
}

typedef struct {
    const char *what;
    int next;
} walk_t;

static bool s_visit (void *argument, bytes_t key, bytes_t value)
{
    walk_t *walk = argument;
    char text[16];
    uint8_t data[6000];
    cr_assert (bytes_equal (key, s_key (text, walk->next)), "%s", walk->what);
    cr_assert (bytes_equal (value, s_value (data, walk->next)), "%s", walk->what);
    walk->next++;
    return true;
}

/*  As s_all_readable, by a scan. */
static bool s_all_scanned (store_t *store, const char *what)
{
    walk_t walk = {what, 0};
    int result = store_scan (store, STORE_DATA, (bytes_t){0}, (bytes_t){0}, 0, s_visit, &walk);
    if (result == STORE_FAILED)
        return false;
    cr_assert_eq (walk.next, RECORDS, "%s: %d records of %d", what, walk.next, RECORDS);
    return true;
}

/*  With this content of data.db, whether opening or reading told that it is damaged. */
static bool s_damage_is_told (const char *folder, const uint8_t *data, size_t size, bool scan,
                              const char *what)
{
    folder_write (folder, "data.db", data, size);
    store_t *store = s_open (folder);
    if (!store) {
        cr_assert_not_null (strstr (s_why, "backup"), "%s", s_why);
        return true;
    }
    bool told = !(scan ? s_all_scanned (store, what) : s_all_readable (store, what));
    if (told) {
        const char *error = store_error (store);
        cr_assert_not_null (strstr (error, strstr (what, "short") ? "backup" : "is damaged"), "%s",
                            error);
        cr_assert_not_null (strstr (error, folder), "%s", error);
        cr_assert_eq (store_flush (store), STORE_FAILED);
        cr_assert_eq (store_commit (store), STORE_FAILED);
    }
    store_destroy (&store);
    return told;
}

Test (bdb, a_damaged_page_is_never_read_as_something_else)
{
    char folder[FOLDER_PATH_BYTES];
    folder_make (folder);
    store_t *store = s_must_open (folder);
    s_fill (store);
    store_destroy (&store);
    size_t size;
    uint8_t *good = folder_read (folder, "data.db", &size);
    uint8_t *bad = malloc (size);
    cr_assert_gt (size, 20 * 4096);
    int told = 0, rounds = 0;
    for (size_t page = 0; page < size; page += 4096)
        for (int i = 0; i < 2; i++, rounds++) {
            /* Of the first page, what lies behind 512 bytes is not used. */
            size_t at = page + (page * 7 / 4096 * 131 + (size_t) i * 2477) % (page ? 4096 : 512);
            char what[64];
            snprintf (what, sizeof what, "byte %zu", at);
            memcpy (bad, good, size);
            bad[at] ^= (uint8_t) (1 << (rounds % 8));
            told += s_damage_is_told (folder, bad, size, i, what);
        }
    cr_assert_eq (told, rounds, "%d of %d damages were told", told, rounds);
    free (good);
    free (bad);
    folder_remove (folder);
}

Test (bdb, lost_and_misplaced_pages_are_never_read_as_something_else)
{
    char folder[FOLDER_PATH_BYTES];
    folder_make (folder);
    store_t *store = s_must_open (folder);
    s_fill (store);
    store_destroy (&store);
    size_t size;
    uint8_t *good = folder_read (folder, "data.db", &size);
    uint8_t *bad = malloc (size);
    int silent = 0;
    for (size_t page = 0; page < size; page += 4096) {
        memcpy (bad, good, size);
        memset (bad + page, 0, 4096);
        silent += !s_damage_is_told (folder, bad, size, page & 4096, "a page of zeros");
        memcpy (bad, good, size);
        memcpy (bad + page, good + (page + 4096) % size, 4096);
        silent += !s_damage_is_told (folder, bad, size, page & 4096, "a page of another place");
        if (page > 0)
            silent += !s_damage_is_told (folder, good, page, page & 4096, "a file cut short");
    }
    cr_assert_eq (silent, 0, "%d damages were not told", silent);
    free (good);
    free (bad);
    folder_remove (folder);
}

/* ---- opening ---- */

Test (bdb, a_folder_that_cannot_be_used_is_refused_with_a_sentence)
{
    char folder[FOLDER_PATH_BYTES], path[FOLDER_PATH_BYTES + 16];
    folder_make (folder);
    snprintf (path, sizeof path, "%s/none", folder);
    s_expect_refused (path, "does not exist", "make it");
    folder_write (folder, "file", "x", 1);
    snprintf (path, sizeof path, "%s/file", folder);
    s_expect_refused (path, "is not a folder", "node/data");
    store_t *store = s_must_open (folder);
    store_destroy (&store);
    folder_write (folder, "data.db", "not a database", 14);
    s_expect_refused (folder, "opening", "backup");
    folder_remove (folder);
}

Test (bdb, a_folder_without_rights_is_refused_with_a_sentence)
{
    char folder[FOLDER_PATH_BYTES];
    folder_make (folder);
    cr_assert_eq (chmod (folder, 0555), 0);
    if (geteuid () == 0)
        cr_assert_eq (seteuid (65534), 0);
    s_expect_refused (folder, "is not ours to use", "right to read and write");
    if (getuid () == 0)
        cr_assert_eq (seteuid (0), 0);
    chmod (folder, 0755);
    folder_remove (folder);
}

Test (bdb, a_folder_in_use_is_refused)
{
    char folder[FOLDER_PATH_BYTES];
    folder_make (folder);
    store_t *store = s_must_open (folder);
    s_fill (store);
    s_expect_refused (folder, "another cartwheeld", "stop that one");
    pid_t child = fork ();
    if (child == 0) /* another process */
        _exit (s_open (folder) == NULL && strstr (s_why, "another cartwheeld") ? 0 : 1);
    int status;
    cr_assert_eq (waitpid (child, &status, 0), child);
    cr_assert (WIFEXITED (status) && WEXITSTATUS (status) == 0);
    cr_assert (s_all_readable (store, "after the others tried"));
    store_destroy (&store);
    store = s_must_open (folder);
    store_destroy (&store);
    folder_remove (folder);
}

static uint64_t s_now_us (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000u + (uint64_t) now.tv_nsec / 1000u;
}

/*  A process that opens the folder and is killed after `us`, unless it ended before. Returns whether it was killed. */
static bool s_open_and_kill (const char *folder, uint64_t us)
{
    pid_t child = fork ();
    if (child == 0) {
        store_t *store = s_open (folder);
        if (store)
            store_destroy (&store);
        _exit (store ? 1 : 0);
    }
    struct timespec pause = {.tv_nsec = (long) us * 1000};
    nanosleep (&pause, NULL); /* the moment is what is varied here, nothing is waited for */
    kill (child, SIGKILL);
    int status;
    cr_assert_eq (waitpid (child, &status, 0), child);
    return WIFSIGNALED (status);
}

Test (bdb, a_kill_during_the_first_open_leaves_a_folder_that_opens)
{
    char folder[FOLDER_PATH_BYTES];
    folder_make (folder);
    uint64_t start_us = s_now_us ();
    store_t *store = s_must_open (folder);
    store_destroy (&store);
    uint64_t whole_us = s_now_us () - start_us;
    folder_remove (folder);
    int killed = 0;
    for (uint64_t i = 0; i < 40; i++) {
        folder_make (folder);
        for (uint64_t j = 0; j <= i % 3; j++) /* some are killed again while they recover */
            killed += s_open_and_kill (folder, whole_us * (i * 17 % 40) / 40);
        store = s_must_open (folder);
        s_fill (store);
        store_destroy (&store);
        store = s_must_open (folder);
        cr_assert (s_all_readable (store, "after a kill"));
        store_destroy (&store);
        folder_remove (folder);
    }
    cr_assert_gt (killed, 20, "%d", killed);
}

Test (bdb, recovery_is_timed_and_brings_back_what_was_flushed)
{
    char folder[FOLDER_PATH_BYTES];
    folder_make (folder);
    pid_t child = fork ();
    if (child == 0) {
        s_fill (s_must_open (folder));
        kill (getpid (), SIGKILL);
    }
    int status;
    cr_assert_eq (waitpid (child, &status, 0), child);
    cr_assert (WIFSIGNALED (status));
    store_options_t options = {.folder = folder, .durability = DURABILITY_BATCH};
    store_t *store = bdb_open (&options, s_why);
    cr_assert_not_null (store, "%s", s_why);
    cr_assert_gt (options.recovery_us, 0);
    cr_assert (s_all_readable (store, "after recovery"));
    store_destroy (&store);
    folder_remove (folder);
}

/*  The file of the log that is written to now. */
static void s_log_name (const char *folder, char *name)
{
    char path[FOLDER_PATH_BYTES + 32];
    for (unsigned int number = 1;; number++) {
        snprintf (path, sizeof path, "%s/log.%010u", folder, number + 1);
        if (access (path, F_OK))
            break;
        snprintf (name, 32, "log.%010u", number + 1);
    }
}

Test (bdb, what_lies_behind_the_end_of_the_log_is_cut_off)
{
    char folder[FOLDER_PATH_BYTES], name[32] = "log.0000000001";
    folder_make (folder);
    store_t *store = s_must_open (folder);
    s_fill (store);
    store_destroy (&store);
    s_log_name (folder, name);
    size_t size, after;
    uint8_t *log = folder_read (folder, name, &size);
    uint8_t *longer = calloc (1, 3 * size);
    memcpy (longer, log, size);
    memcpy (longer + 2 * size, log, size); /* a hole, then what once was log */
    folder_write (folder, name, longer, 3 * size);
    store = s_must_open (folder);
    free (folder_read (folder, name, &after));
    cr_assert_lt (after, 2 * size);
    cr_assert (s_all_readable (store, "after the cut"));
    store_destroy (&store);
    store = s_must_open (folder);
    cr_assert (s_all_readable (store, "after the next open"));
    store_destroy (&store);
    free (log);
    free (longer);
    folder_remove (folder);
}

Test (bdb, a_checkpoint_comes_with_the_log_that_was_asked_for)
{
    char folder[FOLDER_PATH_BYTES];
    folder_make (folder);
    store_options_t options = {.folder = folder, .checkpoint_bytes = 1u << 20};
    store_t *store = bdb_open (&options, s_why);
    cr_assert_not_null (store, "%s", s_why);
    int rounds = 0;
    for (bool done = false; !done && rounds < 100; rounds++) {
        s_fill (store);
        cr_assert_eq (store_checkpoint (store, false, &done), STORE_OK);
    }
    cr_assert (rounds > 2 && rounds < 30, "%d rounds of some 150 KB of log", rounds);
    store_destroy (&store);
    folder_remove (folder);
}

Test (bdb, logs_that_are_not_needed_go)
{
    char folder[FOLDER_PATH_BYTES], path[FOLDER_PATH_BYTES + 32];
    folder_make (folder);
    store_t *store = s_must_open (folder);
    snprintf (path, sizeof path, "%s/log.0000000001", folder);
    uint8_t *data = calloc (1, 1u << 20);
    bool done;
    for (int i = 0; i < 40; i++) {
        bytes_t value = bytes_view (data, 1u << 20);
        cr_assert_eq (store_put (store, STORE_DATA, bytes_text ("key"), value), STORE_OK);
        cr_assert_eq (store_commit (store), STORE_OK);
    }
    cr_assert_eq (access (path, F_OK), 0);
    cr_assert_eq (store_checkpoint (store, true, &done), STORE_OK);
    cr_assert_eq (access (path, F_OK), -1);
    store_destroy (&store);
    free (data);
    folder_remove (folder);
}

/* ---- a full disk ---- */

/*  Mounts a small file system that goes with this process. False where that is not allowed. */
static bool s_mount_small (const char *folder)
{
    if (unshare (CLONE_NEWNS))
        return false;
    if (mount ("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return false;
    return mount ("none", folder, "tmpfs", 0, "size=6m") == 0;
}

Test (bdb, a_full_disk_is_told_and_what_was_flushed_is_kept)
{
    char folder[FOLDER_PATH_BYTES];
    folder_make (folder);
    if (!s_mount_small (folder)) {
        folder_remove (folder);
        cr_skip_test ("no right to mount a file system");
    }
    store_t *store = s_must_open (folder);
    s_fill (store);
    int result = STORE_OK;
    for (int i = 0; i < 10000 && result == STORE_OK; i++) {
        uint8_t data[6000];
        bytes_t key = bytes_view (&i, sizeof i);
        result = store_put (store, STORE_HINTS, key, s_value (data, 20 * i));
        if (result == STORE_OK)
            result = store_commit (store);
        if (result == STORE_OK)
            result = store_flush (store);
    }
    cr_assert_eq (result, STORE_FAILED);
    cr_assert_not_null (strstr (store_error (store), "no space left"), "%s", store_error (store));
    cr_assert_not_null (strstr (store_error (store), "free some"), "%s", store_error (store));
    cr_assert_eq (store_flush (store), STORE_FAILED);
    store_destroy (&store);
    s_expect_refused (folder, "no space left", "free some");
    cr_assert_eq (mount ("none", folder, NULL, MS_REMOUNT, "size=40m"), 0);
    store = s_must_open (folder);
    cr_assert (s_all_readable (store, "after the disk was full"));
    store_destroy (&store);
    cr_assert_eq (umount (folder), 0);
    folder_remove (folder);
}
