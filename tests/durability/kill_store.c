/*  kill_store.c - a program to be killed: it writes numbered keys for ever and says which are acknowledged.
 *
 *      kill_store write FOLDER DURABILITY FIRST   writes keys FIRST, FIRST + 1, ...; prints `recovered US`, then after
 *                                                 each commit (with batch: after its flush) `acked N`: keys below N are
 *      kill_store read FOLDER NUMBER              checks that keys 0 .. NUMBER - 1 are there with their values, and that
 *                                                 what is there beyond them has no gap; prints `found N`
 *
 *  Values differ in size, up to a few that fill many pages, and each batch also changes or deletes what an earlier one
 *  wrote, so that pages are split, joined, freed and used again. Flushes and checkpoints run in threads of their own,
 *  as in a node.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages/limits.h"
#include "store/store.h"

#define VALUE_BYTES_MOST 40000u

typedef struct {
    store_t *store;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint64_t committed; /* sequence so far */
    uint64_t wanted;    /* sequence that is to be flushed */
    uint64_t flushed;   /* sequence that was */
} syncer_t;

static void s_die (store_t *store, const char *what)
{
    fprintf (stderr, "kill_store: %s: %s\n", what, store ? store_error (store) : "");
    exit (3);
}

static uint64_t s_mix (uint64_t number)
{
    number = (number ^ number >> 30) * 0xbf58476d1ce4e5b9u;
    number = (number ^ number >> 27) * 0x94d049bb133111ebu;
    return number ^ number >> 31;
}

/*  Key `number`, at a random place among the others. */
static bytes_t s_key (uint8_t *data, uint64_t number)
{
    uint64_t spread = s_mix (number);
    memcpy (data, &spread, sizeof spread);
    memcpy (data + sizeof spread, &number, sizeof number);
    return bytes_view (data, 16);
}

static bytes_t s_value (uint8_t *data, uint64_t number)
{
    uint64_t dice = s_mix (number + 1);
    size_t size = dice % 64 == 0 ? dice / 64 % VALUE_BYTES_MOST : dice / 64 % 1500;
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t) (dice >> i % 57);
    return bytes_view (data, size);
}

static store_t *s_open (const char *folder, durability_t durability)
{
    char why[LIMIT_SENTENCE_BYTES];
    store_options_t options = {
        .folder = folder,
        .durability = durability,
        .cache_bytes = 1u << 20, /* small, so that pages are written at any time */
        .page_bytes = 4096,
        .checkpoint_bytes = 1u << 20,
    };
    store_t *store = bdb_open (&options, why);
    if (!store) {
        fprintf (stderr, "kill_store: %s\n", why);
        exit (2);
    }
    printf ("recovered %llu\n", (unsigned long long) options.recovery_us);
    fflush (stdout);
    return store;
}

/* ---- write ---- */

static void *s_sync (void *argument)
{
    syncer_t *self = argument;
    for (;;) {
        pthread_mutex_lock (&self->lock);
        while (self->wanted == self->flushed)
            pthread_cond_wait (&self->changed, &self->lock);
        uint64_t wanted = self->wanted;
        pthread_mutex_unlock (&self->lock);
        if (store_flush (self->store))
            s_die (self->store, "flush");
        pthread_mutex_lock (&self->lock);
        self->flushed = wanted;
        pthread_cond_broadcast (&self->changed);
        pthread_mutex_unlock (&self->lock);
    }
    return NULL;
}

/*  Looks after each commit that it sees whether enough was logged. */
static void *s_checkpoint (void *argument)
{
    syncer_t *self = argument;
    for (uint64_t seen = 0;;) {
        pthread_mutex_lock (&self->lock);
        while (self->committed == seen)
            pthread_cond_wait (&self->changed, &self->lock);
        seen = self->committed;
        pthread_mutex_unlock (&self->lock);
        bool done;
        if (store_checkpoint (self->store, false, &done))
            s_die (self->store, "checkpoint");
    }
    return NULL;
}

/*  Tells the threads of a commit, and waits until it is flushed when that is asked for. */
static void s_committed (syncer_t *self, bool flush)
{
    pthread_mutex_lock (&self->lock);
    self->committed = store_sequence (self->store);
    if (flush)
        self->wanted = self->committed;
    pthread_cond_broadcast (&self->changed);
    while (self->flushed < self->wanted)
        pthread_cond_wait (&self->changed, &self->lock);
    pthread_mutex_unlock (&self->lock);
}

/*  In another database: a record that each batch writes again, and one that it makes and the next one removes. */
static void s_churn (store_t *store, uint64_t number)
{
    static const uint8_t fixed[] = "again and again";
    uint8_t key[16], value[VALUE_BYTES_MOST];
    bytes_t content = s_value (value, number);
    if (store_put (store, STORE_HINTS, bytes_view (fixed, sizeof fixed), content) ||
        store_put (store, STORE_HINTS, s_key (key, number), content) ||
        store_delete (store, STORE_HINTS, s_key (key, number > 50 ? number - 50 : 0)))
        s_die (store, "churn");
}

static void s_write (const char *folder, durability_t durability, uint64_t number)
{
    syncer_t syncer = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    pthread_t threads[2];
    store_t *store = syncer.store = s_open (folder, durability);
    if (pthread_create (&threads[0], NULL, s_sync, &syncer) ||
        pthread_create (&threads[1], NULL, s_checkpoint, &syncer))
        s_die (store, "thread");
    for (;;) {
        uint64_t end = number + 1 + s_mix (number + 2) % 20;
        for (; number < end; number++) {
            uint8_t key[16], value[VALUE_BYTES_MOST];
            if (store_put (store, STORE_DATA, s_key (key, number), s_value (value, number)))
                s_die (store, "put");
            s_churn (store, number);
        }
        if (store_commit (store))
            s_die (store, "commit");
        s_committed (&syncer, durability == DURABILITY_BATCH);
        printf ("acked %llu\n", (unsigned long long) number);
        fflush (stdout);
    }
}

/* ---- read ---- */

/*  Whether key `number` is there; a wrong value ends the program. */
static bool s_holds (store_t *store, uint64_t number)
{
    uint8_t key[16], value[VALUE_BYTES_MOST];
    bytes_t found;
    int result = store_get (store, STORE_DATA, s_key (key, number), &found);
    if (result == STORE_FAILED)
        s_die (store, "get");
    if (result == STORE_OK && !bytes_equal (found, s_value (value, number))) {
        fprintf (stderr, "kill_store: key %llu has a wrong value\n", (unsigned long long) number);
        exit (1);
    }
    return result == STORE_OK;
}

static bool s_count (void *argument, bytes_t key, bytes_t value)
{
    (void) key;
    (void) value;
    ++*(uint64_t *) argument;
    return true;
}

static void s_read (const char *folder, uint64_t acked)
{
    store_t *store = s_open (folder, DURABILITY_BATCH);
    uint64_t number = 0, all = 0;
    while (s_holds (store, number))
        number++;
    if (number < acked) {
        fprintf (stderr, "kill_store: key %llu of %llu is lost\n", (unsigned long long) number,
                 (unsigned long long) acked);
        exit (1);
    }
    if (store_scan (store, STORE_DATA, (bytes_t){0}, (bytes_t){0}, 0, s_count, &all) ||
        store_scan (store, STORE_HINTS, (bytes_t){0}, (bytes_t){0}, 0, s_count, &(uint64_t){0}))
        s_die (store, "scan");
    if (all != number) {
        fprintf (stderr, "kill_store: %llu keys without a gap, but %llu in all\n",
                 (unsigned long long) number, (unsigned long long) all);
        exit (1);
    }
    printf ("found %llu\n", (unsigned long long) number);
    store_destroy (&store);
}

int main (int count, char **words)
{
    static const char *const durabilities[] = {
        [DURABILITY_BATCH] = "batch",
        [DURABILITY_PERIODIC] = "periodic",
        [DURABILITY_NONE] = "none",
    };
    if (count == 4 && strcmp (words[1], "read") == 0) {
        s_read (words[2], strtoull (words[3], NULL, 10));
        return 0;
    }
    for (int i = 0; count == 5 && strcmp (words[1], "write") == 0 && i < 3; i++)
        if (strcmp (words[3], durabilities[i]) == 0)
            s_write (words[2], (durability_t) i, strtoull (words[4], NULL, 10));
    fprintf (stderr, "usage: kill_store write FOLDER DURABILITY FIRST | read FOLDER NUMBER\n");
    return 2;
}
