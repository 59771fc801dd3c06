/*  hash.h - the one hash of Cartwheel: XXH3-64 with seed 0, from libxxhash. It places keys on the ring, names states and
 *  guards contexts against damage; it is no defence against someone who wants a collision, and nothing relies on that.
 */
#ifndef CARTWHEEL_HASH_H
#define CARTWHEEL_HASH_H

#include "../messages/bytes.h"

uint64_t hash_bytes (bytes_t bytes);

#endif
