/*  memory.h - memory that never fails: running out of it ends the process, in this one place.
 *
 *  A store that goes on after a failed allocation would have to prove each of its thousand error paths;
 *  one that stops is the crash that the protocols survive anyway.
 */
#ifndef CARTWHEEL_MEMORY_H
#define CARTWHEEL_MEMORY_H

#include <stddef.h>

/*  Zeroed memory for `count` items of `size` bytes; the caller frees it with free (). Ends the process
 *  when there is none, or when count * size overflows. A count of 0 gives a valid pointer. */
void *memory_new (size_t count, size_t size);

/*  As realloc, for `count` items of `size` bytes; new bytes are not zeroed. */
void *memory_resize (void *memory, size_t count, size_t size);

/*  A copy of a string, or of `size` bytes with a NUL appended; the caller frees it. */
char *memory_string (const char *string);
char *memory_text (const void *data, size_t size);

#endif
