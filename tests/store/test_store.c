/*  test_store.c - what store.h promises, asked of both engines by the same tests.
 *
 *  Random calls are compared with a model that is too simple to be wrong: a sorted array of keys, and for each the
 *  value it has now and the value it had at the last commit. Seeds are fixed, so a failure comes back.
 */
#include "folder.h"

#include <pthread.h>
#include <stdatomic.h>

#include "messages/limits.h"
#include "store/memory_store.h"
#include "store/store.h"

typedef struct {
    bool on_disk;
    durability_t durability;
    char folder[FOLDER_PATH_BYTES];
    store_t *store;
} rig_t;

static void s_open (rig_t *rig)
{
    char why[LIMIT_SENTENCE_BYTES];
    store_options_t options = {
        .folder = rig->folder,
        .durability = rig->durability,
        .cache_bytes = 1u << 20,
        .page_bytes = 4096,
    };
    rig->store = bdb_open (&options, why);
    cr_assert_not_null (rig->store, "%s", why);
}

static void s_rig_init (rig_t *rig, bool on_disk, durability_t durability)
{
    memset (rig, 0, sizeof *rig);
    rig->on_disk = on_disk;
    rig->durability = durability;
    if (on_disk) {
        folder_make (rig->folder);
        s_open (rig);
    } else
        rig->store = memory_store_new (durability);
}

/*  As if the process ended and began again: the open batch goes, what was committed and flushed stays. */
static void s_rig_restart (rig_t *rig)
{
    cr_assert_eq (store_flush (rig->store), STORE_OK);
    if (rig->on_disk) {
        store_destroy (&rig->store);
        cr_assert_null (rig->store);
        s_open (rig);
    } else
        memory_store_kill (rig->store);
    cr_assert_eq (store_sequence (rig->store), 0);
}

static void s_rig_destroy (rig_t *rig)
{
    store_destroy (&rig->store);
    store_destroy (&rig->store);
    if (rig->on_disk)
        folder_remove (rig->folder);
}

/*  Each contract is a test of both engines. */
#define CONTRACT(name)                              \
    static void s_##name (rig_t *rig);              \
    Test (store_bdb, name)                          \
    {                                               \
        rig_t rig;                                  \
        s_rig_init (&rig, true, DURABILITY_BATCH);  \
        s_##name (&rig);                            \
        s_rig_destroy (&rig);                       \
    }                                               \
    Test (store_memory, name)                       \
    {                                               \
        rig_t rig;                                  \
        s_rig_init (&rig, false, DURABILITY_BATCH); \
        s_##name (&rig);                            \
        s_rig_destroy (&rig);                       \
    }                                               \
    static void s_##name (rig_t *rig)

static void s_put (rig_t *rig, store_database_t database, const char *key, const char *value)
{
    cr_assert_eq (store_put (rig->store, database, bytes_text (key), bytes_text (value)), STORE_OK);
}

static void s_expect (rig_t *rig, store_database_t database, const char *key, const char *value)
{
    bytes_t found;
    int result = store_get (rig->store, database, bytes_text (key), &found);
    cr_assert_eq (result, value ? STORE_OK : STORE_ABSENT, "%s: %d", key, result);
    if (value)
        cr_assert (bytes_equal (found, bytes_text (value)), "%s: %.*s", key, (int) found.size,
                   (const char *) found.data);
}

/*  Gathers a scan as "key=value key=value ". */
typedef struct {
    char text[1024];
    unsigned int left; /* visits until it says stop */
} gathered_t;

static bool s_gather (void *argument, bytes_t key, bytes_t value)
{
    gathered_t *gathered = argument;
    size_t used = strlen (gathered->text);
    snprintf (gathered->text + used, sizeof gathered->text - used, "%.*s=%.*s ", (int) key.size,
              (const char *) key.data, (int) value.size, (const char *) value.data);
    return --gathered->left > 0;
}

static void s_expect_scan (rig_t *rig, const char *first, const char *end, size_t prefix,
                           unsigned int most, const char *text)
{
    gathered_t gathered = {.left = most};
    cr_assert_eq (store_scan (rig->store, STORE_HINTS, bytes_text (first), bytes_text (end), prefix,
                              s_gather, &gathered),
                  STORE_OK);
    cr_assert_str_eq (gathered.text, text);
}

CONTRACT (what_is_put_is_read)
{
    s_expect (rig, STORE_DATA, "apple", NULL);
    s_put (rig, STORE_DATA, "apple", "red");
    s_expect (rig, STORE_DATA, "apple", "red");
    s_expect (rig, STORE_HINTS, "apple", NULL);
    s_put (rig, STORE_HINTS, "apple", "");
    s_expect (rig, STORE_HINTS, "apple", "");
    s_put (rig, STORE_DATA, "apple", "a longer value than before");
    s_expect (rig, STORE_DATA, "apple", "a longer value than before");
    s_put (rig, STORE_DATA, "apple", "green");
    s_expect (rig, STORE_DATA, "apple", "green");
    s_expect (rig, STORE_DATA, "appl", NULL);
    s_expect (rig, STORE_DATA, "apples", NULL);
    cr_assert_eq (store_delete (rig->store, STORE_DATA, bytes_text ("apple")), STORE_OK);
    s_expect (rig, STORE_DATA, "apple", NULL);
    s_expect (rig, STORE_HINTS, "apple", "");
    cr_assert_eq (store_delete (rig->store, STORE_DATA, bytes_text ("apple")), STORE_OK);
    cr_assert_str_eq (store_error (rig->store), "");
}

CONTRACT (a_scan_keeps_its_range_and_order)
{
    s_expect_scan (rig, "", "", 0, 99, "");
    const char *keys[] = {"m", "b", "bb", "z", "ba", "c"};
    for (int i = 0; i < 6; i++)
        s_put (rig, STORE_HINTS, keys[i], "12345");
    s_expect_scan (rig, "", "", 1, 99, "b=1 ba=1 bb=1 c=1 m=1 z=1 ");
    s_expect_scan (rig, "", "", 0, 2, "b=12345 ba=12345 ");
    s_expect_scan (rig, "b", "c", 2, 99, "b=12 ba=12 bb=12 ");
    s_expect_scan (rig, "b", "ba", 99, 99, "b=12345 ");
    s_expect_scan (rig, "baa", "m", 5, 99, "bb=12345 c=12345 ");
    s_expect_scan (rig, "n", "", 6, 99, "z=12345 ");
    s_expect_scan (rig, "zz", "", 0, 99, "");
    s_expect_scan (rig, "c", "c", 0, 99, "");
    s_expect_scan (rig, "m", "c", 0, 99, "");
    s_put (rig, STORE_HINTS, "a", "");
    s_expect_scan (rig, "", "b", 3, 99, "a= ");
}

CONTRACT (a_batch_is_kept_whole_or_not_at_all)
{
    s_put (rig, STORE_DATA, "one", "1");
    s_put (rig, STORE_SLOTS, "two", "2");
    cr_assert_eq (store_commit (rig->store), STORE_OK);
    s_put (rig, STORE_DATA, "one", "changed");
    s_put (rig, STORE_DATA, "three", "3");
    cr_assert_eq (store_delete (rig->store, STORE_SLOTS, bytes_text ("two")), STORE_OK);
    s_expect (rig, STORE_DATA, "one", "changed");
    s_expect (rig, STORE_SLOTS, "two", NULL);
    s_rig_restart (rig);
    s_expect (rig, STORE_DATA, "one", "1");
    s_expect (rig, STORE_SLOTS, "two", "2");
    s_expect (rig, STORE_DATA, "three", NULL);
}

CONTRACT (the_sequence_counts_commits_that_changed_something)
{
    cr_assert_eq (store_sequence (rig->store), 0);
    cr_assert_eq (store_commit (rig->store), STORE_OK);
    cr_assert_eq (store_sequence (rig->store), 0);
    cr_assert_eq (store_delete (rig->store, STORE_DATA, bytes_text ("none")), STORE_OK);
    cr_assert_eq (store_commit (rig->store), STORE_OK);
    cr_assert_eq (store_sequence (rig->store), 0);
    s_put (rig, STORE_DATA, "one", "1");
    s_put (rig, STORE_DATA, "two", "2");
    cr_assert_eq (store_sequence (rig->store), 0);
    cr_assert_eq (store_commit (rig->store), STORE_OK);
    cr_assert_eq (store_commit (rig->store), STORE_OK);
    cr_assert_eq (store_sequence (rig->store), 1);
    cr_assert_eq (store_delete (rig->store, STORE_DATA, bytes_text ("one")), STORE_OK);
    cr_assert_eq (store_commit (rig->store), STORE_OK);
    cr_assert_eq (store_sequence (rig->store), 2);
}

CONTRACT (a_checkpoint_waits_until_much_was_logged)
{
    bool done = true;
    s_put (rig, STORE_DATA, "one", "1");
    cr_assert_eq (store_commit (rig->store), STORE_OK);
    cr_assert_eq (store_checkpoint (rig->store, false, &done), STORE_OK);
    cr_assert_not (done);
    cr_assert_eq (store_checkpoint (rig->store, true, &done), STORE_OK);
    cr_assert (done);
    s_rig_restart (rig);
    s_expect (rig, STORE_DATA, "one", "1");
}

/*  The i-th byte of value number `seed`. */
static uint8_t s_byte (uint32_t seed, size_t i)
{
    return (uint8_t) ((seed * 2654435761u + (uint32_t) i * 40503u) >> 11);
}

static bytes_t s_value (uint32_t seed, size_t size)
{
    uint8_t *data = malloc (size + 1);
    for (size_t i = 0; i < size; i++)
        data[i] = s_byte (seed, i);
    return bytes_own (data, size);
}

static void s_put_large (rig_t *rig, bytes_t key, uint32_t seed, size_t size)
{
    bytes_t value = s_value (seed, size);
    cr_assert_eq (store_put (rig->store, STORE_DATA, key, value), STORE_OK, "%s",
                  store_error (rig->store));
    bytes_clear (&value);
}

static void s_expect_large (rig_t *rig, bytes_t key, uint32_t seed, size_t size)
{
    bytes_t found, value = s_value (seed, size);
    cr_assert_eq (store_get (rig->store, STORE_DATA, key, &found), STORE_OK);
    cr_assert (bytes_equal (found, value), "%zu bytes", found.size);
    bytes_clear (&value);
}

CONTRACT (the_largest_keys_and_values_fit)
{
    bytes_t key = s_value (1, 1034);
    bytes_t long_key = s_value (1, 3000); /* begins as `key` does */
    s_put_large (rig, key, 2, LIMIT_VALUE_BYTES);
    s_put_large (rig, long_key, 3, LIMIT_STATE_BYTES);
    cr_assert_eq (store_commit (rig->store), STORE_OK, "%s", store_error (rig->store));
    s_expect_large (rig, key, 2, LIMIT_VALUE_BYTES);
    s_expect_large (rig, long_key, 3, LIMIT_STATE_BYTES);
    s_put_large (rig, key, 4, LIMIT_VALUE_BYTES - 1);
    s_rig_restart (rig);
    s_expect_large (rig, key, 2, LIMIT_VALUE_BYTES);
    s_expect_large (rig, long_key, 3, LIMIT_STATE_BYTES);
    bytes_clear (&key);
    bytes_clear (&long_key);
}

CONTRACT (a_batch_may_be_far_larger_than_the_cache)
{
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 100; i++)
            s_put_large (rig, bytes_view (&i, sizeof i), 100 * round + i, 1u << 20);
        if (round == 0)
            cr_assert_eq (store_commit (rig->store), STORE_OK, "%s", store_error (rig->store));
    }
    s_rig_restart (rig);
    for (uint32_t i = 0; i < 100; i++)
        s_expect_large (rig, bytes_view (&i, sizeof i), i, 1u << 20);
}

/* ---- random calls against a model ---- */

#define MODEL_KEYS 150

typedef struct {
    uint32_t seed; /* of its value; 0: absent */
    size_t size;
} entry_t;

typedef struct {
    uint64_t random;
    bytes_t keys[MODEL_KEYS]; /* in order */
    entry_t now[STORE_DATABASES][MODEL_KEYS];
    entry_t committed[STORE_DATABASES][MODEL_KEYS];
} model_t;

static uint32_t s_random (model_t *model, uint32_t below)
{
    model->random = model->random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t) (model->random >> 33) % below;
}

static int s_order (const void *a, const void *b)
{
    return bytes_compare (*(const bytes_t *) a, *(const bytes_t *) b);
}

/*  Keys over a small alphabet, so that many are prefixes of others, and some very long; the last byte keeps them apart. */
static void s_model_init (model_t *model, uint64_t seed)
{
    memset (model, 0, sizeof *model);
    model->random = seed;
    for (int i = 0; i < MODEL_KEYS; i++) {
        size_t size = 1 + s_random (model, i % 10 == 0 ? 1033 : 4);
        uint8_t *data = malloc (size);
        for (size_t j = 0; j < size; j++)
            data[j] = (uint8_t) (s_random (model, 3) * 127);
        data[size - 1] = (uint8_t) i;
        model->keys[i] = bytes_own (data, size);
    }
    qsort (model->keys, MODEL_KEYS, sizeof model->keys[0], s_order);
    for (int i = 1; i < MODEL_KEYS; i++)
        cr_assert_lt (bytes_compare (model->keys[i - 1], model->keys[i]), 0);
}

static void s_model_clear (model_t *model)
{
    for (int i = 0; i < MODEL_KEYS; i++)
        bytes_clear (&model->keys[i]);
}

static void s_check_value (entry_t entry, size_t prefix, bytes_t value)
{
    size_t size = prefix > 0 && prefix < entry.size ? prefix : entry.size;
    cr_assert_eq (value.size, size);
    for (size_t i = 0; i < size; i++)
        if (value.data[i] != s_byte (entry.seed, i))
            cr_assert_fail ("byte %zu of value %u", i, entry.seed);
}

typedef struct {
    const model_t *model;
    const entry_t *entries;
    int at;  /* first key that was not passed */
    int end; /* first key past the range */
    size_t prefix;
    unsigned int left;
} walk_t;

static void s_skip_absent (walk_t *walk)
{
    while (walk->at < walk->end && walk->entries[walk->at].seed == 0)
        walk->at++;
}

static bool s_visit (void *argument, bytes_t key, bytes_t value)
{
    walk_t *walk = argument;
    s_skip_absent (walk);
    cr_assert_lt (walk->at, walk->end);
    cr_assert (bytes_equal (key, walk->model->keys[walk->at]));
    s_check_value (walk->entries[walk->at], walk->prefix, value);
    walk->at++;
    return --walk->left > 0;
}

static void s_random_scan (rig_t *rig, model_t *model, int database, bool all)
{
    walk_t walk = {model, model->now[database], 0, MODEL_KEYS, 0, UINT32_MAX};
    bytes_t first = {0}, end = {0};
    if (!all) {
        walk.at = (int) s_random (model, MODEL_KEYS);
        walk.end = (int) s_random (model, MODEL_KEYS);
        walk.prefix = s_random (model, 3) * 16;
        walk.left = 1 + s_random (model, 100);
        first = model->keys[walk.at];
        end = model->keys[walk.end];
        if (walk.end < walk.at)
            walk.end = walk.at;
    }
    cr_assert_eq (store_scan (rig->store, (store_database_t) database, first, end, walk.prefix,
                              s_visit, &walk),
                  STORE_OK);
    s_skip_absent (&walk);
    cr_assert (walk.left == 0 || walk.at == walk.end);
}

static void s_random_change (rig_t *rig, model_t *model, int database)
{
    int i = (int) s_random (model, MODEL_KEYS);
    entry_t *entry = &model->now[database][i];
    if (s_random (model, 3) == 0) {
        *entry = (entry_t){0};
        cr_assert_eq (store_delete (rig->store, (store_database_t) database, model->keys[i]),
                      STORE_OK);
        return;
    }
    entry->seed = 1 + s_random (model, 1000000);
    entry->size = s_random (model, s_random (model, 20) == 0 ? 20000 : 200);
    bytes_t value = s_value (entry->seed, entry->size);
    cr_assert_eq (store_put (rig->store, (store_database_t) database, model->keys[i], value),
                  STORE_OK);
    bytes_clear (&value);
}

static void s_random_get (rig_t *rig, model_t *model, int database)
{
    int i = (int) s_random (model, MODEL_KEYS);
    bytes_t value;
    int result = store_get (rig->store, (store_database_t) database, model->keys[i], &value);
    const entry_t *entry = &model->now[database][i];
    cr_assert_eq (result, entry->seed ? STORE_OK : STORE_ABSENT);
    if (entry->seed)
        s_check_value (*entry, 0, value);
}

static void s_random_call (rig_t *rig, model_t *model)
{
    int database = (int) s_random (model, STORE_DATABASES);
    uint32_t dice = s_random (model, 1000);
    bool done;
    if (dice < 500)
        s_random_change (rig, model, database);
    else if (dice < 750)
        s_random_get (rig, model, database);
    else if (dice < 850)
        s_random_scan (rig, model, database, false);
    else if (dice < 950) {
        cr_assert_eq (store_commit (rig->store), STORE_OK);
        memcpy (model->committed, model->now, sizeof model->now);
    } else if (dice < 980)
        cr_assert_eq (store_flush (rig->store), STORE_OK);
    else if (dice < 990)
        cr_assert_eq (store_checkpoint (rig->store, true, &done), STORE_OK);
    else {
        s_rig_restart (rig);
        memcpy (model->now, model->committed, sizeof model->now);
        for (int i = 0; i < STORE_DATABASES; i++)
            s_random_scan (rig, model, i, true);
    }
}

CONTRACT (random_calls_do_what_the_model_does)
{
    for (uint64_t seed = 1; seed <= 2; seed++) {
        model_t *model = malloc (sizeof *model);
        s_model_init (model, seed);
        for (int i = 0; i < 4000; i++)
            s_random_call (rig, model);
        for (int i = 0; i < STORE_DATABASES; i++) {
            s_random_scan (rig, model, i, true);
            for (int j = 0; j < MODEL_KEYS; j++)
                cr_assert_eq (store_delete (rig->store, (store_database_t) i, model->keys[j]),
                              STORE_OK);
        }
        cr_assert_eq (store_commit (rig->store), STORE_OK);
        s_model_clear (model);
        free (model);
    }
}

/* ---- threads beside the replica's ---- */

typedef struct {
    store_t *store;
    atomic_bool stop;
    atomic_int failures;
    bool checkpoints;
} helper_t;

static void *s_help (void *argument)
{
    helper_t *helper = argument;
    bool done;
    while (!atomic_load (&helper->stop)) {
        int result = helper->checkpoints ? store_checkpoint (helper->store, true, &done)
                                         : store_flush (helper->store);
        if (result)
            atomic_fetch_add (&helper->failures, 1);
    }
    return NULL;
}

CONTRACT (flushes_and_checkpoints_run_beside)
{
    helper_t helpers[3] = {{.checkpoints = true}, {0}, {0}};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        helpers[i].store = rig->store;
        cr_assert_eq (pthread_create (&threads[i], NULL, s_help, &helpers[i]), 0);
    }
    model_t *model = malloc (sizeof *model);
    s_model_init (model, 77);
    for (int i = 0; i < 20000; i++) {
        s_random_change (rig, model, (int) s_random (model, STORE_DATABASES));
        if (i % 8 == 7)
            cr_assert_eq (store_commit (rig->store), STORE_OK);
        if (i % 1000 == 999)
            s_random_scan (rig, model, STORE_DATA, true);
    }
    cr_assert_eq (store_sequence (rig->store), 2500);
    for (int i = 0; i < 3; i++) {
        atomic_store (&helpers[i].stop, true);
        pthread_join (threads[i], NULL);
        cr_assert_eq (atomic_load (&helpers[i].failures), 0);
    }
    s_rig_restart (rig);
    for (int i = 0; i < STORE_DATABASES; i++)
        s_random_scan (rig, model, i, true);
    s_model_clear (model);
    free (model);
}
