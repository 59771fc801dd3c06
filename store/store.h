/*  store.h - what a replica needs of a storage engine, as a table of functions: Berkeley DB (bdb.c), memory (memory_store.c).
 *
 *  Four ordered maps of bytes to bytes. Writes gather in one open batch, which store_commit makes visible to a restart
 *  all at once or not at all; a read in between sees them. One thread, the replica's, calls everything but the last
 *  group, which may run beside it: a flush waits for the disk, and a read never waits for a flush.
 *
 *  Every function that returns int: STORE_OK, STORE_ABSENT where it says so, or STORE_FAILED. After STORE_FAILED the
 *  store is broken for good: store_error says why and what to do, nothing is to be acknowledged, and the process ends.
 */
#ifndef CARTWHEEL_STORE_H
#define CARTWHEEL_STORE_H

#include "../messages/bytes.h"

typedef enum {
    STORE_DATA,    /* partition, hash, key -> record (store/record.h) */
    STORE_HINTS,   /* partition, slot, hash, key -> record */
    STORE_SLOTS,   /* partition, slot -> slot_t */
    STORE_MEMBERS, /* "charter" -> charter_t, "member" node -> member_t */
    STORE_DATABASES
} store_database_t;

typedef enum {
    DURABILITY_BATCH,    /* acknowledged once a flush has put it on disk */
    DURABILITY_PERIODIC, /* at commit it survives the process; flushed every so many ms */
    DURABILITY_NONE      /* at commit it survives the process; flushed by checkpoints only */
} durability_t;

enum { STORE_OK = 0, STORE_ABSENT = 1, STORE_FAILED = -1 };

/*  Called for each record of a scan, with views that end with the call. Returns false to stop the scan after it. */
typedef bool (store_visit_fn) (void *argument, bytes_t key, bytes_t value);

typedef struct {
    uint64_t log_bytes; /* written to the log since the last checkpoint began */
    uint64_t sequence;  /* commits so far: what a flush that begins now makes durable */
} store_usage_t;

typedef struct store store_t;

typedef struct {
    const char *name;
    int (*get) (store_t *self, store_database_t database, bytes_t key, bytes_t *value);
    int (*put) (store_t *self, store_database_t database, bytes_t key, bytes_t value);
    int (*delete) (store_t *self, store_database_t database, bytes_t key);
    int (*scan) (store_t *self, store_database_t database, bytes_t first, bytes_t end,
                 size_t prefix, store_visit_fn *visit, void *argument);
    int (*commit) (store_t *self);
    uint64_t (*sequence) (const store_t *self);
    const char *(*error) (const store_t *self);
    int (*flush) (store_t *self);
    int (*checkpoint) (store_t *self, bool force, bool *done);
    void (*destroy) (store_t **self_p);
} store_vtable_t;

/*  The beginning of every engine's struct. */
struct store {
    const store_vtable_t *vtable;
};

/* ---- the replica's thread ---- */

/*  The value of a key, or STORE_ABSENT. `value` is a view, good until the next call on this store. */
int store_get (store_t *self, store_database_t database, bytes_t key, bytes_t *value);
/*  Writes into the open batch. */
int store_put (store_t *self, store_database_t database, bytes_t key, bytes_t value);
/*  Removes in the open batch; STORE_OK also when the key was absent. */
int store_delete (store_t *self, store_database_t database, bytes_t key);
/*  Visits the records with first <= key < end in order (an empty `end`: to the last). Of each value only the first
 *  `prefix` bytes are read (0: all of it), so that a walk over headers never reads the values. `visit` must not call
 *  the store. */
int store_scan (store_t *self, store_database_t database, bytes_t first, bytes_t end, size_t prefix,
                store_visit_fn *visit, void *argument);
/*  Whether no record has first <= key < end, as above. */
int store_empty (store_t *self, store_database_t database, bytes_t first, bytes_t end, bool *empty);
/*  Ends the open batch. With DURABILITY_BATCH what was committed may vanish until a flush; otherwise it survives the
 *  end of the process. Without writes it does nothing and the sequence stays. */
int store_commit (store_t *self);
/*  The number of commits so far, from 0 at open. */
uint64_t store_sequence (const store_t *self);
/*  A sentence about the first failure, with what to do; "" when there was none. */
const char *store_error (const store_t *self);

/* ---- beside it ---- */

/*  Puts every commit that ended before this call on disk. */
int store_flush (store_t *self);
/*  Moves the log's content into the databases and drops logs that are not needed. Does nothing while little was
 *  logged since the last one, unless `force`; `done` tells. */
int store_checkpoint (store_t *self, bool force, bool *done);

/*  Closes it: what was committed is on disk afterwards. Nobody else may be using it. */
void store_destroy (store_t **self_p);

/* ---- engines ---- */

typedef struct {
    const char *folder; /* of the engine's files; must exist */
    durability_t durability;
    uint64_t cache_bytes;
    uint32_t page_bytes; /* 512 .. 64 KiB, a power of two; only counts when the database is made */
    uint64_t checkpoint_bytes; /* of log between two checkpoints; 0: 48 MiB */
    uint64_t recovery_us;      /* out: how long recovery took */
} store_options_t;

/*  Opens or creates a Berkeley DB environment, after locking the folder and running recovery. NULL when it cannot: `why`
 *  (at least LIMIT_SENTENCE_BYTES) then says what is wrong and what to do. */
store_t *bdb_open (store_options_t *options, char *why);

/*  An empty engine in memory, for tests and caches. With DURABILITY_BATCH it keeps what was not flushed apart, as a
 *  disk would (see memory_store.h for its faults). Never NULL. */
store_t *memory_store_new (durability_t durability);

#endif
