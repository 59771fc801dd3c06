/*  bdb.c - the engine on Berkeley DB 5.3: one environment in one folder, four B-trees, one open transaction at most.
 *
 *  There is no lock subsystem (it costs a third more for each operation): only the replica's thread touches the
 *  handles of the databases, and beside it others only flush the log and checkpoint, which Berkeley DB guards with its
 *  own mutexes. Reads therefore see the open batch without being part of it. In place of environment-wide locks
 *  between processes, the folder is locked before anything in it is opened.
 *
 *  What is acknowledged must outlive a power cut, so each file has its name on disk before its first byte: Berkeley DB
 *  leaves that to the file system, and s_create and s_rename, which it calls instead of open and rename, do it.
 *  Every error is final (a failed fsync has lost what it was to write, and a second one would not tell), see store.h.
 */
#include "store.h"

#include <assert.h>
#include <db.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "messages/limits.h"
#include "messages/memory.h"
#include "trouble.h"

#define LOG_BUFFER_BYTES (1024u * 1024)
#define LOG_FILE_BYTES (16u * 1024 * 1024)
#define CACHE_BYTES_LEAST (1024u * 1024)
#define CHECKPOINT_BYTES (48u * 1024 * 1024) /* 7 to 10 ms of recovery each MiB */
#define ROOM_BYTES_KEPT (1024u * 1024)       /* a buffer that grew past this is not kept */
#define KEY_ROOM_BYTES 2048u                 /* longer than any key, to begin with */
#define FILE_MODE 0640

/* Of the pages of Berkeley DB: all in the byte order of the machine that made the file. */
#define PAGE_BYTES_LEAST 512u
#define PAGE_NUMBER_AT 8
#define TREE_MAGIC_AT 12
#define TREE_MAGIC 0x053162u

static const char *const s_files[STORE_DATABASES] = {
    [STORE_DATA] = "data.db",
    [STORE_HINTS] = "hints.db",
    [STORE_SLOTS] = "slots.db",
    [STORE_MEMBERS] = "members.db",
};

/*  Memory that Berkeley DB copies a key or a value into. */
typedef struct {
    uint8_t *data;
    size_t size;
} room_t;

typedef struct {
    store_t base;
    char *folder;
    int lock_file; /* open and locked as long as the store is open */
    durability_t durability;
    uint64_t checkpoint_bytes;
    DB_ENV *env;
    DB *databases[STORE_DATABASES];
    DB_TXN *batch; /* open, or NULL */
    bool changed;  /* the batch holds a change */
    uint64_t sequence;
    room_t key;
    room_t value;
    atomic_bool failed;
    pthread_mutex_t lock; /* guards all below, which any thread may write when something fails */
    char said[LIMIT_SENTENCE_BYTES]; /* by Berkeley DB, its first sentences */
    char error[LIMIT_SENTENCE_BYTES];
} bdb_t;

static const store_vtable_t s_vtable;

static bdb_t *s_self (store_t *base)
{
    assert (base->vtable == &s_vtable);
    return (bdb_t *) base;
}

/* ---- errors ---- */

static void s_said (const DB_ENV *env, const char *prefix, const char *sentence)
{
    (void) prefix;
    bdb_t *self = env->app_private;
    pthread_mutex_lock (&self->lock);
    size_t used = strlen (self->said);
    snprintf (self->said + used, sizeof self->said - used, "%s%s", used ? "; " : "", sentence);
    pthread_mutex_unlock (&self->lock);
}

/*  Progress of recovery, which nobody needs to see. */
static void s_told (const DB_ENV *env, const char *sentence)
{
    (void) env;
    (void) sentence;
}

/*  Breaks the store for good; the first failure is the one that is told. */
static int s_fail (bdb_t *self, const char *doing, int error)
{
    pthread_mutex_lock (&self->lock);
    if (self->error[0] == '\0')
        trouble_explain (self->error, self->folder, doing, error, self->said);
    pthread_mutex_unlock (&self->lock);
    atomic_store (&self->failed, true);
    return STORE_FAILED;
}

/* ---- files: a name is on disk before its first byte ---- */

/*  Puts the names in a folder on disk. 0, or -1 with errno. */
static int s_sync_folder (const char *folder)
{
    int file = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return -1;
    int result = fsync (file);
    int error = errno;
    close (file);
    errno = error;
    return result;
}

static int s_sync_folder_of (const char *path)
{
    char copy[PATH_MAX];
    if (snprintf (copy, sizeof copy, "%s", path) >= (int) sizeof copy) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return s_sync_folder (dirname (copy));
}

static int s_create (const char *path, int flags, ...)
{
    va_list arguments;
    va_start (arguments, flags);
    mode_t mode = flags & O_CREAT ? (mode_t) va_arg (arguments, int) : 0;
    va_end (arguments);
    int file = open (path, flags | O_CLOEXEC, mode);
    if (file >= 0 && flags & O_CREAT && s_sync_folder_of (path)) {
        int error = errno;
        close (file);
        errno = error;
        return -1;
    }
    return file;
}

static int s_rename (const char *from, const char *to)
{
    if (rename (from, to))
        return -1;
    return s_sync_folder_of (to);
}

/*  Whether a file is a B-tree, by the magic number of its first page; logs are read through s_read_page too. */
static bool s_is_tree (int file)
{
    uint32_t magic;
    return pread (file, &magic, sizeof magic, TREE_MAGIC_AT) == sizeof magic && magic == TREE_MAGIC;
}

/*  Reads a page for the cache. Each page carries its number; one that does not is a page of another place, or of zeros,
 *  which Berkeley DB lets pass its checksum and takes for one without records: absence in place of an error. So its
 *  content is spoiled here, and the checksum fails. */
static ssize_t s_read_page (int file, void *page, size_t size, off_t offset)
{
    ssize_t got = pread (file, page, size, offset);
    if (got < 0 || (size_t) got != size || size < PAGE_BYTES_LEAST || offset % (off_t) size != 0)
        return got;
    uint32_t number;
    memcpy (&number, (uint8_t *) page + PAGE_NUMBER_AT, sizeof number);
    if (number != (uint64_t) offset / size && s_is_tree (file))
        memset (page, 0xff, size);
    return got;
}

/* ---- reads ---- */

/*  Room for at least `least` bytes, as a DBT. */
static DBT s_room (room_t *room, size_t least)
{
    if (room->size < least || (room->size > ROOM_BYTES_KEPT && least <= ROOM_BYTES_KEPT)) {
        free (room->data);
        room->data = memory_new (least, 1);
        room->size = least;
    }
    return (DBT){.data = room->data, .ulen = (uint32_t) room->size, .flags = DB_DBT_USERMEM};
}

static DBT s_lend (bytes_t bytes)
{
    return (DBT){.data = bytes.data, .size = (uint32_t) bytes.size};
}

static int s_get (store_t *base, store_database_t database, bytes_t key, bytes_t *value)
{
    bdb_t *self = s_self (base);
    *value = (bytes_t){0};
    if (atomic_load (&self->failed))
        return STORE_FAILED;
    DB *db = self->databases[database];
    DBT key_dbt = s_lend (key);
    DBT value_dbt = s_room (&self->value, KEY_ROOM_BYTES);
    int error = db->get (db, NULL, &key_dbt, &value_dbt, 0);
    if (error == DB_BUFFER_SMALL) {
        value_dbt = s_room (&self->value, value_dbt.size);
        error = db->get (db, NULL, &key_dbt, &value_dbt, 0);
    }
    if (error == DB_NOTFOUND)
        return STORE_ABSENT;
    if (error)
        return s_fail (self, "reading", error);
    *value = bytes_view (value_dbt.data, value_dbt.size);
    return STORE_OK;
}

/*  One step of a cursor, with as much room as it takes. `first` is looked for by DB_SET_RANGE. */
static int s_step (bdb_t *self, DBC *cursor, uint32_t how, bytes_t first, size_t prefix, DBT *key,
                   DBT *value)
{
    size_t key_least = first.size > KEY_ROOM_BYTES ? first.size : KEY_ROOM_BYTES;
    size_t value_least = prefix > KEY_ROOM_BYTES ? prefix : KEY_ROOM_BYTES;
    for (;;) {
        *key = s_room (&self->key, key_least);
        *value = s_room (&self->value, value_least);
        if (how == DB_SET_RANGE) {
            memcpy (key->data, first.data, first.size);
            key->size = (uint32_t) first.size;
        }
        if (prefix > 0) {
            value->flags |= DB_DBT_PARTIAL;
            value->dlen = (uint32_t) prefix;
        }
        int error = cursor->get (cursor, key, value, how);
        if (error != DB_BUFFER_SMALL)
            return error;
        if (key->size > key_least)
            key_least = key->size;
        if (value->size > value_least)
            value_least = value->size;
    }
}

static int s_scan (store_t *base, store_database_t database, bytes_t first, bytes_t end,
                   size_t prefix, store_visit_fn *visit, void *argument)
{
    bdb_t *self = s_self (base);
    if (atomic_load (&self->failed))
        return STORE_FAILED;
    DB *db = self->databases[database];
    DBC *cursor;
    int error = db->cursor (db, NULL, &cursor, 0);
    if (error)
        return s_fail (self, "opening a cursor", error);
    uint32_t how = first.size > 0 ? DB_SET_RANGE : DB_FIRST;
    for (bool more = true; more; how = DB_NEXT) {
        DBT key, value;
        error = s_step (self, cursor, how, first, prefix, &key, &value);
        if (error)
            break;
        bytes_t found = bytes_view (key.data, key.size);
        if (end.size > 0 && bytes_compare (found, end) >= 0)
            break;
        more = visit (argument, found, bytes_view (value.data, value.size));
    }
    int closed = cursor->close (cursor);
    if (error && error != DB_NOTFOUND)
        return s_fail (self, "reading a range", error);
    if (closed)
        return s_fail (self, "closing a cursor", closed);
    return STORE_OK;
}

/* ---- writes ---- */

/*  Opens the batch at its first write. */
static int s_begin (bdb_t *self)
{
    if (atomic_load (&self->failed))
        return STORE_FAILED;
    if (self->batch)
        return STORE_OK;
    int error = self->env->txn_begin (self->env, NULL, &self->batch, 0);
    return error ? s_fail (self, "beginning a batch", error) : STORE_OK;
}

static int s_put (store_t *base, store_database_t database, bytes_t key, bytes_t value)
{
    bdb_t *self = s_self (base);
    if (s_begin (self))
        return STORE_FAILED;
    DB *db = self->databases[database];
    DBT key_dbt = s_lend (key);
    DBT value_dbt = s_lend (value);
    int error = db->put (db, self->batch, &key_dbt, &value_dbt, 0);
    if (error)
        return s_fail (self, "writing", error);
    self->changed = true;
    return STORE_OK;
}

static int s_delete (store_t *base, store_database_t database, bytes_t key)
{
    bdb_t *self = s_self (base);
    if (s_begin (self))
        return STORE_FAILED;
    DB *db = self->databases[database];
    DBT key_dbt = s_lend (key);
    int error = db->del (db, self->batch, &key_dbt, 0);
    if (error == DB_NOTFOUND)
        return STORE_OK;
    if (error)
        return s_fail (self, "deleting", error);
    self->changed = true;
    return STORE_OK;
}

static int s_commit (store_t *base)
{
    bdb_t *self = s_self (base);
    if (atomic_load (&self->failed))
        return STORE_FAILED;
    if (!self->batch)
        return STORE_OK;
    /* WRITE_NOSYNC hands the log to the kernel, which outlives this process; NOSYNC leaves it in our memory until the
     * flush that the acknowledgement waits for. */
    uint32_t how = self->durability == DURABILITY_BATCH ? DB_TXN_NOSYNC : DB_TXN_WRITE_NOSYNC;
    int error = self->batch->commit (self->batch, how);
    self->batch = NULL;
    if (error)
        return s_fail (self, "committing", error);
    if (self->changed)
        self->sequence++;
    self->changed = false;
    return STORE_OK;
}

static uint64_t s_sequence (const store_t *base)
{
    return ((const bdb_t *) base)->sequence;
}

/*  The sentence is written once, before `failed` is set, and never again. */
static const char *s_error (const store_t *base)
{
    const bdb_t *self = (const bdb_t *) base;
    return atomic_load (&self->failed) ? self->error : "";
}

/* ---- beside the replica's thread ---- */

static int s_flush (store_t *base)
{
    bdb_t *self = s_self (base);
    if (atomic_load (&self->failed))
        return STORE_FAILED;
    int error = self->env->log_flush (self->env, NULL);
    return error ? s_fail (self, "flushing the log", error) : STORE_OK;
}

static int s_checkpoint (store_t *base, bool force, bool *done)
{
    bdb_t *self = s_self (base);
    if (atomic_load (&self->failed))
        return STORE_FAILED;
    DB_LOG_STAT *log;
    int error = self->env->log_stat (self->env, &log, 0);
    if (error)
        return s_fail (self, "measuring the log", error);
    uint64_t logged = (uint64_t) log->st_wc_mbytes * 1024 * 1024 + log->st_wc_bytes;
    free (log);
    if (!force && logged < self->checkpoint_bytes)
        return STORE_OK;
    error = self->env->txn_checkpoint (self->env, 0, 0, force ? DB_FORCE : 0);
    if (error)
        return s_fail (self, "checkpointing", error);
    *done = true;
    return STORE_OK;
}

/* ---- opening and closing ---- */

/*  Locks the folder against other processes, for as long as the file stays open. */
static int s_lock (bdb_t *self, char *why)
{
    struct stat status;
    if (stat (self->folder, &status) == 0 && !S_ISDIR (status.st_mode))
        errno = ENOTDIR;
    else {
        char path[PATH_MAX];
        snprintf (path, sizeof path, "%s/lock", self->folder);
        self->lock_file = open (path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
        if (self->lock_file >= 0 && flock (self->lock_file, LOCK_EX | LOCK_NB) == 0)
            return 0;
    }
    trouble_explain (why, self->folder, "locking", errno, "");
    return -1;
}

static int s_environment_set (DB_ENV *env, bdb_t *self, const store_options_t *options)
{
    uint64_t cache = options->cache_bytes;
    if (cache < CACHE_BYTES_LEAST)
        cache = CACHE_BYTES_LEAST;
    env->app_private = self;
    env->set_errcall (env, s_said);
    env->set_msgcall (env, s_told);
    int error = env->set_cachesize (env, (uint32_t) (cache >> 30),
                                    (uint32_t) (cache & ((1u << 30) - 1)), 1);
    if (!error)
        error = env->set_lg_bsize (env, LOG_BUFFER_BYTES);
    if (!error)
        error = env->set_lg_max (env, LOG_FILE_BYTES);
    if (!error)
        error = env->log_set_config (env, DB_LOG_AUTO_REMOVE, 1);
    return error;
}

static uint64_t s_now_us (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000000u + (uint64_t) now.tv_nsec / 1000u;
}

static int s_environment_open (bdb_t *self, store_options_t *options)
{
    /* Process-wide, and the same for every store: they hold no state. */
    db_env_set_func_open (s_create);
    db_env_set_func_rename (s_rename);
    db_env_set_func_pread (
        pread); /* recovery may meet pages that were never written, and fills them */
    int error = db_env_create (&self->env, 0);
    if (error)
        return error;
    error = s_environment_set (self->env, self, options);
    if (error)
        return error;
    uint64_t start_us = s_now_us ();
    error = self->env->open (self->env, self->folder,
                             DB_CREATE | DB_RECOVER | DB_PRIVATE | DB_THREAD | DB_INIT_TXN |
                                 DB_INIT_LOG | DB_INIT_MPOOL,
                             FILE_MODE);
    options->recovery_us = s_now_us () - start_us;
    return error;
}

/*  Cuts off what lies behind the end of the log. After a power cut that can be whole records of the former life behind
 *  a hole. Berkeley DB writes over them from the front, and should its records ever end where one of those begins, the
 *  next recovery would replay it. */
static int s_log_trim (bdb_t *self)
{
    DB_LOG_STAT *log;
    int error = self->env->log_flush (self->env, NULL);
    if (!error)
        error = self->env->log_stat (self->env, &log, 0);
    if (error)
        return error;
    char path[PATH_MAX];
    snprintf (path, sizeof path, "%s/log.%010u", self->folder, log->st_cur_file);
    off_t end = (off_t) log->st_cur_offset;
    free (log);
    struct stat status;
    if (stat (path, &status))
        return errno == ENOENT ? 0 : errno;
    if (status.st_size <= end)
        return 0;
    return truncate (path, end) ? errno : 0;
}

static int s_database_open (bdb_t *self, store_database_t database, uint32_t page_bytes)
{
    int error = db_create (&self->databases[database], self->env, 0);
    if (error)
        return error;
    DB *db = self->databases[database];
    error = db->set_flags (db, DB_CHKSUM);
    if (!error && page_bytes > 0)
        error = db->set_pagesize (db, page_bytes);
    if (!error)
        error = db->open (db, NULL, s_files[database], NULL, DB_BTREE,
                          DB_AUTO_COMMIT | DB_CREATE | DB_THREAD, FILE_MODE);
    return error;
}

static int s_open (bdb_t *self, store_options_t *options)
{
    int error = s_environment_open (self, options);
    if (!error)
        error = s_log_trim (self);
    db_env_set_func_pread (s_read_page);
    for (int i = 0; i < STORE_DATABASES && !error; i++)
        error = s_database_open (self, (store_database_t) i, options->page_bytes);
    /* A process that was killed between making a file and putting its name on disk left that to us. */
    if (!error && s_sync_folder (self->folder))
        error = errno;
    return error;
}

static void s_close (bdb_t *self)
{
    for (int i = 0; i < STORE_DATABASES; i++)
        if (self->databases[i])
            self->databases[i]->close (self->databases[i], DB_NOSYNC);
    if (self->env)
        self->env->close (self->env, 0);
    if (self->lock_file >= 0)
        close (self->lock_file);
    pthread_mutex_destroy (&self->lock);
    free (self->key.data);
    free (self->value.data);
    free (self->folder);
    free (self);
}

static void s_destroy (store_t **base_p)
{
    bdb_t *self = s_self (*base_p);
    if (self->batch)
        self->batch->abort (self->batch);
    if (!atomic_load (&self->failed))
        self->env->txn_checkpoint (self->env, 0, 0, DB_FORCE);
    s_close (self);
    *base_p = NULL;
}

static const store_vtable_t s_vtable = {
    .name = "bdb",
    .get = s_get,
    .put = s_put,
    .delete = s_delete,
    .scan = s_scan,
    .commit = s_commit,
    .sequence = s_sequence,
    .error = s_error,
    .flush = s_flush,
    .checkpoint = s_checkpoint,
    .destroy = s_destroy,
};

store_t *bdb_open (store_options_t *options, char *why)
{
    bdb_t *self = memory_new (1, sizeof *self);
    self->base.vtable = &s_vtable;
    self->folder = memory_string (options->folder);
    self->lock_file = -1;
    self->durability = options->durability;
    self->checkpoint_bytes = options->checkpoint_bytes;
    if (self->checkpoint_bytes == 0)
        self->checkpoint_bytes = CHECKPOINT_BYTES;
    pthread_mutex_init (&self->lock, NULL);
    why[0] = '\0';
    options->recovery_us = 0;
    if (s_lock (self, why)) {
        s_close (self);
        return NULL;
    }
    int error = s_open (self, options);
    if (error) {
        trouble_explain (why, self->folder, "opening", error, self->said);
        s_close (self);
        return NULL;
    }
    return &self->base;
}
