/*  bytes.h - a run of bytes that knows whether it owns them, and a buffer that knows its maximum.
 *
 *  A decoded message holds views into the one frame that it came in, so that decoding copies nothing; whoever
 *  wants to keep a field longer than the message calls bytes_take, which moves what is owned and copies what is lent.
 */
#ifndef CARTWHEEL_BYTES_H
#define CARTWHEEL_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *data; /* NULL only when size is 0; never written through a view */
    size_t size;
    bool owned; /* data is on the heap and freed by bytes_clear */
} bytes_t;

/*  A view: the bytes stay the caller's, who keeps them alive while the view is used. */
bytes_t bytes_view (const void *data, size_t size);
bytes_t bytes_text (const char *text);
/*  An owned copy. */
bytes_t bytes_copy (const void *data, size_t size);
/*  Makes `data` (from the heap) owned by the result. */
bytes_t bytes_own (void *data, size_t size);
/*  An owned run with the same bytes: moved out of `from` when that owned them (it is then a view of the
 *  result), copied otherwise. */
bytes_t bytes_take (bytes_t *from);
/*  Frees what is owned; leaves an empty run. May be called twice. */
void bytes_clear (bytes_t *self);

bool bytes_equal (bytes_t a, bytes_t b);
/*  Order as memcmp, a prefix before what it begins: <0, 0, >0. */
int bytes_compare (bytes_t a, bytes_t b);

/*  A growing buffer; an append that would pass `maximum` bytes is refused and marks it as overflowed. */
typedef struct {
    uint8_t *data;
    size_t size;
    size_t capacity;
    size_t maximum;
    bool overflowed;
} buffer_t;

void buffer_init (buffer_t *self, size_t maximum);
void buffer_clear (buffer_t *self);
/*  0, or -1 when it would pass the maximum (nothing is appended then). */
int buffer_append (buffer_t *self, const void *data, size_t size);
int buffer_print (buffer_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));
/*  The bytes so far, still the buffer's. */
bytes_t buffer_view (const buffer_t *self);
/*  The bytes so far, owned by the result; the buffer is empty afterwards and may be used again. */
bytes_t buffer_take (buffer_t *self);

#endif
