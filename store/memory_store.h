/*  memory_store.h - the engine in memory, and the faults that the simulator asks of it.
 *
 *  It keeps two images: what the process sees, and what a disk would hold. A flush (and, without DURABILITY_BATCH, a
 *  commit) moves the second up to the first; losing power or being killed moves the first back to the second.
 */
#ifndef CARTWHEEL_MEMORY_STORE_H
#define CARTWHEEL_MEMORY_STORE_H

#include "store.h"

/*  The process was killed: an open batch is gone, and with DURABILITY_BATCH so is every commit that was not flushed. */
void memory_store_kill (store_t *self);
/*  The machine lost power: everything that was not flushed is gone, in every durability. */
void memory_store_cut (store_t *self);
/*  The folder was wiped: nothing is left. */
void memory_store_wipe (store_t *self);
/*  A copy of the durable image, as a backup would take it, and back to such a copy. The caller destroys the copy. */
store_t *memory_store_backup (const store_t *self);
void memory_store_restore (store_t *self, const store_t *backup);
/*  The next `commit` (or `flush`) returns STORE_FAILED. */
void memory_store_fail_commit (store_t *self);
void memory_store_fail_flush (store_t *self);
/*  A flush that takes time: when it ends, what was committed when it began is durable, and nothing that came later. */
void memory_store_begin_flush (store_t *self);
/*  STORE_OK or STORE_FAILED, as store_flush. */
int memory_store_end_flush (store_t *self);

#endif
