/*  record.h - how a key's state lies on disk: a fixed header, then the encoded object (store/README.md has the table).
 *
 *  The header alone answers a walk that counts, lists or hashes, so it stands first and has a fixed size. Anything
 *  that is not a whole record of a known version is an error and never "absent": an error read as absence loses data.
 */
#ifndef CARTWHEEL_RECORD_H
#define CARTWHEEL_RECORD_H

#include "../messages/bytes.h"

#define RECORD_HEADER_BYTES 32u
#define RECORD_VERSION 1

typedef struct {
    uint32_t live; /* siblings; 0: a tombstone */
    uint64_t hash; /* of the object's encoding: equal states have equal hashes */
    uint64_t
        seen_ms;    /* wall clock when a tombstone was first seen here; 0 for a live key. Of a hint:
                         when it was stored */
    uint32_t bytes; /* of the object, as the header says; read, never written */
    bytes_t object; /* the encoded object, a view; empty when only the header was read */
} stored_t;

/*  Appends header and object to `buffer`; 0, or -1 over its maximum. The checksum covers both. */
int record_encode (const stored_t *record, buffer_t *buffer);

/*  Reads a whole record. 0, or -1 for anything but one, with a constant sentence in `why` unless that is NULL. */
int record_decode (bytes_t input, stored_t *record, const char **why);

/*  Reads the header from at least RECORD_HEADER_BYTES; checks everything but the checksum of the object. */
int record_decode_header (bytes_t input, stored_t *record, const char **why);

/*  The key of a record in STORE_DATA: partition (2 bytes, big-endian; 0 for the 65536th is not possible: partitions
 *  count from 0), hash of the key (8 bytes, big-endian), key. `data` has room for RECORD_KEY_BYTES. */
#define RECORD_KEY_PREFIX_BYTES 10u
#define RECORD_KEY_BYTES (RECORD_KEY_PREFIX_BYTES + 1024u)
bytes_t record_key (uint8_t *data, uint32_t partition, uint64_t hash, bytes_t key);

/*  The key of a record in STORE_HINTS: partition (2 bytes), slot (1), hash of the key (8), key. `data` has room for
 *  RECORD_HINT_KEY_BYTES. */
#define RECORD_HINT_PREFIX_BYTES 11u
#define RECORD_HINT_KEY_BYTES (RECORD_HINT_PREFIX_BYTES + 1024u)
bytes_t record_hint_key (uint8_t *data, uint32_t partition, uint8_t slot, uint64_t hash,
                         bytes_t key);
/*  Reads such a key's parts; `name` gets a view of the key. -1 when it is none. */
int record_hint_place (bytes_t key, uint32_t *partition, uint8_t *slot, bytes_t *name);

#endif
