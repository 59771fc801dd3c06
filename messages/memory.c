/*  memory.c - the one place where running out of memory ends the process.
 *
 *  abort and not exit: a core file shows who asked, and no handler runs that would want memory itself.
 */
#include "memory.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void s_exhausted (void)
{
    fputs ("out of memory: give this process more, or lower limits/in_flight and store/cache\n",
           stderr);
    abort ();
}

void *memory_new (size_t count, size_t size)
{
    /* calloc checks the product; one byte for nothing, so that the pointer is always valid. */
    void *memory = count == 0 || size == 0 ? calloc (1, 1) : calloc (count, size);
    if (memory == NULL)
        s_exhausted ();
    return memory;
}

void *memory_resize (void *memory, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        s_exhausted ();
    size_t bytes = count * size;
    void *resized = realloc (memory, bytes == 0 ? 1 : bytes);
    if (resized == NULL)
        s_exhausted ();
    return resized;
}

char *memory_string (const char *string)
{
    return memory_text (string, strlen (string));
}

char *memory_text (const void *data, size_t size)
{
    if (size == SIZE_MAX)
        s_exhausted ();
    char *text = memory_new (size + 1, 1);
    if (size > 0)
        memcpy (text, data, size);
    return text;
}
