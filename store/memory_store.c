/*  memory_store.c - four ordered maps, and a list of how to take back what a disk would not hold yet.
 *
 *  The maps are what the process sees. Each change leaves its opposite at the end of `changes`; a commit and a flush only
 *  move marks along that list, and a kill or a power cut takes changes back from its end to the mark. So a commit costs
 *  nothing, whatever the size of the maps:
 *
 *      changes:  [ committed, not flushed | open batch ]
 *                0                  committed          count
 *
 *  The mutex is for a node that runs on this engine: there the syncer flushes beside the replica's thread.
 */
#include "memory_store.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "map.h"
#include "messages/memory.h"

/* As in bdb.c: the log that calls for a checkpoint. Here it bounds what is kept for taking back. */
#define CHECKPOINT_BYTES (48u * 1024 * 1024)

/*  How to take one change back. */
typedef struct {
    store_database_t database;
    bool existed;   /* the key had `former`; else it was absent */
    bytes_t key;    /* owned */
    bytes_t former; /* owned, or empty */
} change_t;

typedef struct {
    store_t base;
    durability_t durability;
    map_t maps[STORE_DATABASES];
    uint64_t sequence;    /* commits since open */
    bool fail_commit;     /* faults: the next one fails */
    atomic_bool failed;   /* for good, until the process is killed */
    pthread_mutex_t lock; /* guards all below, which a flush in another thread changes */
    bool fail_flush;
    change_t *changes; /* oldest first */
    size_t count;
    size_t capacity;
    size_t committed;   /* changes before this one were committed */
    size_t flushing;    /* changes before this one are what a flush under way will make durable */
    uint64_t log_bytes; /* keys and values changed since the last checkpoint */
} memory_store_t;

static const store_vtable_t s_vtable;

static memory_store_t *s_self (store_t *base)
{
    assert (base->vtable == &s_vtable);
    return (memory_store_t *) base;
}

static const memory_store_t *s_self_const (const store_t *base)
{
    assert (base->vtable == &s_vtable);
    return (const memory_store_t *) base;
}

/*  Remembers how a change is taken back; takes `former`. */
static void s_remember (memory_store_t *self, store_database_t database, bytes_t key, bool existed,
                        bytes_t former, size_t bytes)
{
    pthread_mutex_lock (&self->lock);
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? 2 * self->capacity : 64;
        self->changes = memory_resize (self->changes, self->capacity, sizeof *self->changes);
    }
    self->changes[self->count++] =
        (change_t){database, existed, bytes_copy (key.data, key.size), former};
    self->log_bytes += bytes;
    pthread_mutex_unlock (&self->lock);
}

static int s_get (store_t *base, store_database_t database, bytes_t key, bytes_t *value)
{
    memory_store_t *self = s_self (base);
    *value = (bytes_t){0};
    if (atomic_load (&self->failed))
        return STORE_FAILED;
    const map_node_t *node = map_find (&self->maps[database], key);
    if (!node)
        return STORE_ABSENT;
    *value = bytes_view (node->value.data, node->value.size);
    return STORE_OK;
}

static int s_put (store_t *base, store_database_t database, bytes_t key, bytes_t value)
{
    memory_store_t *self = s_self (base);
    if (atomic_load (&self->failed))
        return STORE_FAILED;
    bytes_t former;
    bytes_t copy = bytes_copy (value.data, value.size);
    bool existed = map_put (&self->maps[database], key, copy, &former);
    s_remember (self, database, key, existed, former, key.size + value.size);
    return STORE_OK;
}

static int s_delete (store_t *base, store_database_t database, bytes_t key)
{
    memory_store_t *self = s_self (base);
    if (atomic_load (&self->failed))
        return STORE_FAILED;
    bytes_t former;
    if (map_delete (&self->maps[database], key, &former))
        s_remember (self, database, key, true, former, key.size);
    return STORE_OK;
}

static int s_scan (store_t *base, store_database_t database, bytes_t first, bytes_t end,
                   size_t prefix, store_visit_fn *visit, void *argument)
{
    memory_store_t *self = s_self (base);
    if (atomic_load (&self->failed))
        return STORE_FAILED;
    const map_node_t *node = map_seek (&self->maps[database], first);
    for (; node; node = node->next[0]) {
        if (end.size > 0 && bytes_compare (node->key, end) >= 0)
            break;
        size_t size = node->value.size;
        if (prefix > 0 && size > prefix)
            size = prefix;
        bytes_t key = bytes_view (node->key.data, node->key.size);
        if (!visit (argument, key, bytes_view (node->value.data, size)))
            break;
    }
    return STORE_OK;
}

static int s_commit (store_t *base)
{
    memory_store_t *self = s_self (base);
    if (atomic_load (&self->failed))
        return STORE_FAILED;
    if (self->fail_commit) {
        self->fail_commit = false;
        atomic_store (&self->failed, true);
        return STORE_FAILED;
    }
    pthread_mutex_lock (&self->lock);
    if (self->committed < self->count)
        self->sequence++;
    self->committed = self->count;
    pthread_mutex_unlock (&self->lock);
    return STORE_OK;
}

static uint64_t s_sequence (const store_t *base)
{
    return s_self_const (base)->sequence;
}

static const char *s_error (const store_t *base)
{
    if (!atomic_load (&s_self_const (base)->failed))
        return "";
    return "the store in memory was told to fail: restart it";
}

/*  Forgets how to take back the changes before `mark`: they are durable now. The lock is held. */
static void s_settle (memory_store_t *self, size_t mark)
{
    for (size_t i = 0; i < mark; i++) {
        bytes_clear (&self->changes[i].key);
        bytes_clear (&self->changes[i].former);
    }
    for (size_t i = mark; i < self->count; i++)
        self->changes[i - mark] = self->changes[i];
    self->count -= mark;
    self->committed -= mark;
    self->flushing = self->flushing > mark ? self->flushing - mark : 0;
}

/*  Makes what was committed durable, or only that of it which the flush under way found. */
static int s_flush_to (memory_store_t *self, bool all)
{
    if (atomic_load (&self->failed))
        return STORE_FAILED;
    pthread_mutex_lock (&self->lock);
    bool fails = self->fail_flush;
    self->fail_flush = false;
    if (fails)
        atomic_store (&self->failed, true);
    else
        s_settle (self, all ? self->committed : self->flushing);
    pthread_mutex_unlock (&self->lock);
    return fails ? STORE_FAILED : STORE_OK;
}

static int s_flush (store_t *base)
{
    return s_flush_to (s_self (base), true);
}

static int s_checkpoint (store_t *base, bool force, bool *done)
{
    memory_store_t *self = s_self (base);
    pthread_mutex_lock (&self->lock);
    *done = force || self->log_bytes >= CHECKPOINT_BYTES;
    if (*done)
        self->log_bytes = 0;
    pthread_mutex_unlock (&self->lock);
    return *done ? s_flush (base) : STORE_OK;
}

/*  Takes changes back, newest first, until `mark` of them are left. Only the thread of the simulator calls it. */
static void s_take_back (memory_store_t *self, size_t mark)
{
    while (self->count > mark) {
        change_t *change = &self->changes[--self->count];
        bytes_t undone;
        if (change->existed)
            map_put (&self->maps[change->database], change->key, change->former, &undone);
        else
            map_delete (&self->maps[change->database], change->key, &undone);
        bytes_clear (&undone);
        bytes_clear (&change->key);
    }
    self->committed = mark;
}

static void s_clear (memory_store_t *self)
{
    self->committed = self->count;
    s_settle (self, self->count);
    for (int i = 0; i < STORE_DATABASES; i++)
        map_clear (&self->maps[i]);
}

static void s_destroy (store_t **base_p)
{
    memory_store_t *self = s_self (*base_p);
    s_clear (self);
    pthread_mutex_destroy (&self->lock);
    free (self->changes);
    free (self);
    *base_p = NULL;
}

static const store_vtable_t s_vtable = {
    "memory",   s_get,   s_put,   s_delete,     s_scan,    s_commit,
    s_sequence, s_error, s_flush, s_checkpoint, s_destroy,
};

store_t *memory_store_new (durability_t durability)
{
    memory_store_t *self = memory_new (1, sizeof *self);
    self->base.vtable = &s_vtable;
    self->durability = durability;
    pthread_mutex_init (&self->lock, NULL);
    for (int i = 0; i < STORE_DATABASES; i++)
        map_init (&self->maps[i]);
    return &self->base;
}

/*  What a process finds that opens the store anew. */
static void s_reopen (memory_store_t *self)
{
    self->sequence = 0;
    self->log_bytes = 0;
    self->flushing = 0;
    self->fail_commit = false;
    self->fail_flush = false;
    atomic_store (&self->failed, false);
}

void memory_store_kill (store_t *base)
{
    memory_store_t *self = s_self (base);
    s_take_back (self, self->durability == DURABILITY_BATCH ? 0 : self->committed);
    s_reopen (self);
}

void memory_store_cut (store_t *base)
{
    memory_store_t *self = s_self (base);
    s_take_back (self, 0);
    s_reopen (self);
}

void memory_store_wipe (store_t *base)
{
    memory_store_t *self = s_self (base);
    s_clear (self);
    s_reopen (self);
}

/*  Fills `self`, which is empty, with what a disk below `other` holds. */
static void s_copy_durable (memory_store_t *self, const memory_store_t *other)
{
    for (int i = 0; i < STORE_DATABASES; i++)
        map_copy (&self->maps[i], &other->maps[i]);
    for (size_t i = other->count; i-- > 0;) {
        const change_t *change = &other->changes[i];
        map_t *map = &self->maps[change->database];
        bytes_t undone, former = bytes_copy (change->former.data, change->former.size);
        if (change->existed)
            map_put (map, change->key, former, &undone);
        else
            map_delete (map, change->key, &undone);
        bytes_clear (&undone);
    }
}

store_t *memory_store_backup (const store_t *base)
{
    const memory_store_t *self = s_self_const (base);
    store_t *backup = memory_store_new (self->durability);
    s_copy_durable (s_self (backup), self);
    return backup;
}

void memory_store_restore (store_t *base, const store_t *backup)
{
    memory_store_t *self = s_self (base);
    s_clear (self);
    s_copy_durable (self, s_self_const (backup));
    s_reopen (self);
}

void memory_store_fail_commit (store_t *base)
{
    s_self (base)->fail_commit = true;
}

void memory_store_fail_flush (store_t *base)
{
    s_self (base)->fail_flush = true;
}

void memory_store_begin_flush (store_t *base)
{
    memory_store_t *self = s_self (base);
    pthread_mutex_lock (&self->lock);
    self->flushing = self->committed;
    pthread_mutex_unlock (&self->lock);
}

int memory_store_end_flush (store_t *base)
{
    return s_flush_to (s_self (base), false);
}
