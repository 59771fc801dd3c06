/*  skim.h - the bounded pre-walk: is this exactly one well-formed MessagePack value, and how large would it become?
 *
 *  It takes no memory and looks at each byte once, so that a five-byte frame that declares 2^28 items costs five
 *  bytes of reading. msgpack-c is only shown what passed (docs/decisions/0001-bounded-pre-walk.md).
 */
#ifndef CARTWHEEL_SKIM_H
#define CARTWHEEL_SKIM_H

#include "bytes.h"

/*  NULL when `input` is one whole value with containers nested at most `depth` deep (a lone array is depth 1) and at
 *  most `items` values in all; else a constant sentence that says what is wrong. */
const char *skim_check (bytes_t input, size_t depth, size_t items);

/*  The size of the value that begins at `offset` of bytes that passed skim_check. */
size_t skim_value (bytes_t input, size_t offset);

#endif
