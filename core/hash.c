/*  hash.c - see hash.h. The library's inline form keeps the role objects free of foreign symbols. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "hash.h"

uint64_t hash_bytes (bytes_t bytes)
{
    return XXH3_64bits (bytes.size ? bytes.data : (const uint8_t *) "", bytes.size);
}
