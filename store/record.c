/*  record.c - the fixed header before an encoded object, byte by byte; store/README.md has the table.
 *
 *  Every number is big-endian. The checksum stands last in the header, so that what it covers is two plain runs: the
 *  28 bytes before it, and the object after it. It guards what Berkeley DB's page checksum cannot see: a wrong offset
 *  in memory, a value cut short by us, bytes restored by hand.
 */
#include "record.h"

#include <assert.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "messages/limits.h"

/* Where each field lies; README.md, "A record". */
enum { AT_MAGIC = 0, AT_VERSION = 2, AT_FLAGS = 3, AT_LIVE = 4 };
enum { AT_HASH = 8, AT_SEEN = 16, AT_SIZE = 24, AT_CHECKSUM = 28 };

static const uint8_t s_magic[2] = {'C', 'W'};

static void s_write (uint8_t *data, uint64_t number, unsigned int bytes)
{
    for (unsigned int i = 0; i < bytes; i++)
        data[i] = (uint8_t) (number >> (8 * (bytes - 1 - i)));
}

static uint64_t s_read (const uint8_t *data, unsigned int bytes)
{
    uint64_t number = 0;
    for (unsigned int i = 0; i < bytes; i++)
        number = number << 8 | data[i];
    return number;
}

static uint32_t s_checksum (const uint8_t *header, bytes_t object)
{
    XXH3_state_t state;
    XXH3_64bits_reset (&state);
    XXH3_64bits_update (&state, header, AT_CHECKSUM);
    if (object.size > 0)
        XXH3_64bits_update (&state, object.data, object.size);
    return (uint32_t) XXH3_64bits_digest (&state);
}

int record_encode (const stored_t *record, buffer_t *buffer)
{
    assert (record->live <= LIMIT_SIBLINGS_COUNT);
    if (record->object.size > LIMIT_STATE_BYTES ||
        buffer->maximum - buffer->size < RECORD_HEADER_BYTES + record->object.size) {
        buffer->overflowed = true;
        return -1;
    }
    uint8_t header[RECORD_HEADER_BYTES] = {0};
    memcpy (header + AT_MAGIC, s_magic, sizeof s_magic);
    header[AT_VERSION] = RECORD_VERSION;
    s_write (header + AT_LIVE, record->live, 4);
    s_write (header + AT_HASH, record->hash, 8);
    s_write (header + AT_SEEN, record->seen_ms, 8);
    s_write (header + AT_SIZE, record->object.size, 4);
    s_write (header + AT_CHECKSUM, s_checksum (header, record->object), 4);
    if (buffer_append (buffer, header, sizeof header))
        return -1;
    return buffer_append (buffer, record->object.data, record->object.size);
}

static int s_refuse (const char **why, const char *sentence)
{
    if (why)
        *why = sentence;
    return -1;
}

/*  Reads and checks the header; `*size` is what it says of the object. */
static int s_header (bytes_t input, stored_t *record, size_t *size, const char **why)
{
    memset (record, 0, sizeof *record);
    if (input.size < RECORD_HEADER_BYTES)
        return s_refuse (why, "the record is shorter than its header");
    const uint8_t *header = input.data;
    if (memcmp (header + AT_MAGIC, s_magic, sizeof s_magic) != 0)
        return s_refuse (why, "the record does not begin with CW");
    if (header[AT_VERSION] != RECORD_VERSION)
        return s_refuse (why, "the record has a version that this program does not know");
    if (header[AT_FLAGS] != 0)
        return s_refuse (why, "the record has flags that this program does not know");
    uint64_t live = s_read (header + AT_LIVE, 4);
    if (live > LIMIT_SIBLINGS_COUNT)
        return s_refuse (why, "the record counts more siblings than there can be");
    uint64_t bytes = s_read (header + AT_SIZE, 4);
    if (bytes > LIMIT_STATE_BYTES)
        return s_refuse (why, "the record is longer than one can be");
    record->live = (uint32_t) live;
    record->hash = s_read (header + AT_HASH, 8);
    record->seen_ms = s_read (header + AT_SEEN, 8);
    record->bytes = (uint32_t) bytes;
    *size = (size_t) bytes;
    return 0;
}

int record_decode (bytes_t input, stored_t *record, const char **why)
{
    size_t size;
    if (s_header (input, record, &size, why))
        return -1;
    if (input.size - RECORD_HEADER_BYTES != size)
        return s_refuse (why, "the record's length is not what its header says");
    bytes_t object = bytes_view (input.data + RECORD_HEADER_BYTES, size);
    if (s_read (input.data + AT_CHECKSUM, 4) != s_checksum (input.data, object))
        return s_refuse (why, "the record's checksum does not match");
    record->object = object;
    return 0;
}

int record_decode_header (bytes_t input, stored_t *record, const char **why)
{
    size_t size;
    return s_header (input, record, &size, why);
}

bytes_t record_key (uint8_t *data, uint32_t partition, uint64_t hash, bytes_t key)
{
    assert (partition < LIMIT_PARTITIONS_COUNT);
    assert (key.size <= LIMIT_KEY_BYTES);
    s_write (data, partition, 2);
    s_write (data + 2, hash, 8);
    if (key.size > 0)
        memcpy (data + RECORD_KEY_PREFIX_BYTES, key.data, key.size);
    return bytes_view (data, RECORD_KEY_PREFIX_BYTES + key.size);
}

bytes_t record_hint_key (uint8_t *data, uint32_t partition, uint8_t slot, uint64_t hash,
                         bytes_t key)
{
    assert (partition < LIMIT_PARTITIONS_COUNT);
    assert (key.size <= LIMIT_KEY_BYTES);
    s_write (data, partition, 2);
    data[2] = slot;
    s_write (data + 3, hash, 8);
    if (key.size > 0)
        memcpy (data + RECORD_HINT_PREFIX_BYTES, key.data, key.size);
    return bytes_view (data, RECORD_HINT_PREFIX_BYTES + key.size);
}

int record_hint_place (bytes_t key, uint32_t *partition, uint8_t *slot, bytes_t *name)
{
    if (key.size <= RECORD_HINT_PREFIX_BYTES || key.size > RECORD_HINT_KEY_BYTES ||
        key.data[2] >= LIMIT_N)
        return -1;
    *partition = (uint32_t) s_read (key.data, 2);
    *slot = key.data[2];
    *name = bytes_view (key.data + RECORD_HINT_PREFIX_BYTES, key.size - RECORD_HINT_PREFIX_BYTES);
    return 0;
}
