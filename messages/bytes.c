/*  bytes.c - runs of bytes that know their owner, and the buffer that knows its maximum. */
#include "bytes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define BUFFER_LEAST_BYTES 64u

bytes_t bytes_view (const void *data, size_t size)
{
    assert (data != NULL || size == 0);
    return (bytes_t){.data = (uint8_t *) data, .size = size, .owned = false};
}

bytes_t bytes_text (const char *text)
{
    return bytes_view (text, strlen (text));
}

bytes_t bytes_copy (const void *data, size_t size)
{
    if (size == 0)
        return (bytes_t){.owned = true};
    uint8_t *copy = memory_resize (NULL, size, 1);
    memcpy (copy, data, size);
    return bytes_own (copy, size);
}

bytes_t bytes_own (void *data, size_t size)
{
    assert (data != NULL || size == 0);
    return (bytes_t){.data = data, .size = size, .owned = true};
}

bytes_t bytes_take (bytes_t *from)
{
    if (!from->owned)
        return bytes_copy (from->data, from->size);
    bytes_t taken = *from;
    from->owned = false;
    return taken;
}

void bytes_clear (bytes_t *self)
{
    if (self->owned)
        free (self->data);
    *self = (bytes_t){0};
}

bool bytes_equal (bytes_t a, bytes_t b)
{
    return a.size == b.size && (a.size == 0 || memcmp (a.data, b.data, a.size) == 0);
}

int bytes_compare (bytes_t a, bytes_t b)
{
    size_t shared = a.size < b.size ? a.size : b.size;
    int order = shared == 0 ? 0 : memcmp (a.data, b.data, shared);
    if (order != 0 || a.size == b.size)
        return order;
    return a.size < b.size ? -1 : 1;
}

void buffer_init (buffer_t *self, size_t maximum)
{
    *self = (buffer_t){.maximum = maximum};
}

void buffer_clear (buffer_t *self)
{
    free (self->data);
    buffer_init (self, self->maximum);
}

/*  Room for `size` more bytes and one for the NUL that vsnprintf writes; -1 when that passes the maximum. */
static int s_buffer_reserve (buffer_t *self, size_t size)
{
    if (size > self->maximum - self->size) {
        self->overflowed = true;
        return -1;
    }
    size_t wanted = self->size + size + 1;
    if (wanted <= self->capacity)
        return 0;
    size_t capacity = self->capacity < BUFFER_LEAST_BYTES ? BUFFER_LEAST_BYTES : self->capacity;
    while (capacity < wanted)
        capacity = capacity > SIZE_MAX / 2 ? wanted : capacity * 2;
    if (self->maximum < capacity - 1)
        capacity = self->maximum + 1;
    self->data = memory_resize (self->data, capacity, 1);
    self->capacity = capacity;
    return 0;
}

int buffer_append (buffer_t *self, const void *data, size_t size)
{
    if (s_buffer_reserve (self, size) != 0)
        return -1;
    if (size > 0)
        memcpy (self->data + self->size, data, size);
    self->size += size;
    return 0;
}

int buffer_print (buffer_t *self, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    va_list again;
    va_copy (again, arguments);
    int length = vsnprintf (NULL, 0, format, arguments);
    va_end (arguments);
    assert (length >= 0); /* a format of our own that vsnprintf does not know */
    int rc = s_buffer_reserve (self, (size_t) length);
    if (rc == 0) {
        vsnprintf ((char *) self->data + self->size, (size_t) length + 1, format, again);
        self->size += (size_t) length;
    }
    va_end (again);
    return rc;
}

bytes_t buffer_view (const buffer_t *self)
{
    return bytes_view (self->data, self->size);
}

bytes_t buffer_take (buffer_t *self)
{
    bytes_t taken = bytes_own (self->data, self->size);
    buffer_init (self, self->maximum);
    return taken;
}
