/*  holdings.h - the keys that this node holds, as records in its store, and how many there are.
 *
 *  A state that cannot be read is DAMAGED, which is not absence: the caller refuses the request and nothing is written
 *  over it (algorithm rule: a read error taken for "not found" loses data).
 *  The census (keys and tombstones) is exact once a walk over the headers, done in slices after start, has come to its
 *  end; until then it counts what the walk has passed.
 */
#ifndef CARTWHEEL_HOLDINGS_H
#define CARTWHEEL_HOLDINGS_H

#include "../store/record.h"
#include "../store/store.h"
#include "object.h"

enum { HOLDINGS_DAMAGED = 2 }; /* beside STORE_OK, STORE_ABSENT and STORE_FAILED */

/*  Where a key lives. */
typedef struct {
    uint32_t partition;
    uint64_t hash;
    bytes_t key;
} place_t;

place_t place_of (uint32_t partitions, bytes_t key);

typedef struct {
    store_t *store; /* the node's */
    uint64_t keys;
    uint64_t tombstones;
    bytes_t cursor;  /* the last record that the census has passed */
    bool counted;    /* it has passed all */
    buffer_t buffer; /* the record being written */
} holdings_t;

void holdings_init (holdings_t *self, store_t *store);
void holdings_clear (holdings_t *self);

/*  The key's encoded state, a view until the next call on the store, with its hash and header. STORE_OK, STORE_ABSENT
 *  (`record` is then empty), STORE_FAILED, HOLDINGS_DAMAGED. */
int holdings_load (holdings_t *self, place_t place, stored_t *record);

/*  Writes a state into the open batch over `before`, which holdings_load gave (the view of its object may be stale by now). STORE_OK or STORE_FAILED. `hash` gets the state's. */
int holdings_save (holdings_t *self, place_t place, const object_t *object, const stored_t *before,
                   uint64_t wall_ms, uint64_t *hash);

/*  Live keys of a partition after `after` (empty: from the beginning) in the order of (hash, key), at most `limit`,
 *  looking at LIMIT_SCAN_RECORDS at most. `next` is owned: the last key looked at, empty when the partition ended. */
int holdings_list (holdings_t *self, uint32_t partition, uint32_t partitions, bytes_t after,
                   uint32_t limit, name_list_t *keys, bytes_t *next);

/*  Whether no record of the partition is stored. STORE_OK or STORE_FAILED. */
int holdings_empty (holdings_t *self, uint32_t partition, uint32_t partitions, bool *empty);

/*  One slice of the census. STORE_OK or STORE_FAILED. */
int holdings_count (holdings_t *self);

#endif
