/*  version.h - contexts: which events of a key someone has seen (Dynamo 4.4; dotted version vectors, Preguiça et al. 2012).
 *
 *  A context is a version vector with exceptions: it covers every dot (actor, counter) up to the vector's counter but
 *  for those in `ex`. The exceptions let a put's reply cover the version that it made and not its neighbours', which the
 *  client never saw; a plain vector would let the client's next put remove them (docs/consistency.md).
 *
 *  Both lists are sorted and without repetition, and each exception is one that the vector reaches. What came from
 *  outside is checked for that with context_valid before anything else here sees it.
 */
#ifndef CARTWHEEL_VERSION_H
#define CARTWHEEL_VERSION_H

#include "../messages/codec.h"

/*  Order of dots: by actor, then by counter. <0, 0, >0. */
int dot_compare (dot_t a, dot_t b);

/*  The position of a dot in a sorted list, or -1. */
ptrdiff_t dot_find (const dot_list_t *list, dot_t dot);

/*  The largest counter of the actor that the vector names, 0 when none. */
uint64_t context_counter (const context_t *self, uint64_t actor);

bool context_covers (const context_t *self, dot_t dot);

/*  Whether `self` covers every dot that `other` covers. */
bool context_includes (const context_t *self, const context_t *other);

/*  What either covers, into `result`, which must be empty and is then the caller's to clear. */
void context_join (const context_t *a, const context_t *b, context_t *result);

/*  Adds one dot, as a join with a context of that dot alone. */
void context_add (context_t *self, dot_t dot);

/*  Takes a dot out again: it becomes an exception, if the vector reaches it. */
void context_except (context_t *self, dot_t dot);

bool context_valid (const context_t *self);

void context_clear (context_t *self);

/* ---- the blob that clients carry ---- */

/*  A context as opaque bytes, bound to its key and guarded by a checksum; owned by the caller. */
bytes_t context_seal (const context_t *self, uint64_t key_hash, uint64_t hlc);

/*  Opens such a blob into `self` (to be cleared) and the newest hybrid clock that it has seen. An empty blob covers
 *  nothing. 0, or -1 when it is damaged, of another format, or another key's. */
int context_open (bytes_t blob, uint64_t key_hash, context_t *self, uint64_t *hlc);

#endif
