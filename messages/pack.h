/*  pack.h - single MessagePack values appended to a buffer, for the few RAW fields of the catalogue. Each returns 0, or -1
 *  when the buffer would pass its maximum.
 */
#ifndef CARTWHEEL_PACK_H
#define CARTWHEEL_PACK_H

#include "bytes.h"

int pack_nil (buffer_t *buffer);
int pack_bool (buffer_t *buffer, bool value);
int pack_uint (buffer_t *buffer, uint64_t value);
int pack_bin (buffer_t *buffer, bytes_t bytes);
int pack_array (buffer_t *buffer, size_t count);

#endif
