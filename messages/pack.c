/*  pack.c - see pack.h. */
#include "pack.h"

#include <msgpack.h>

static int s_write (void *buffer, const char *data, size_t size)
{
    return buffer_append (buffer, data, size);
}

static msgpack_packer s_packer (buffer_t *buffer)
{
    msgpack_packer packer;
    msgpack_packer_init (&packer, buffer, s_write);
    return packer;
}

int pack_nil (buffer_t *buffer)
{
    msgpack_packer packer = s_packer (buffer);
    return msgpack_pack_nil (&packer);
}

int pack_bool (buffer_t *buffer, bool value)
{
    msgpack_packer packer = s_packer (buffer);
    return value ? msgpack_pack_true (&packer) : msgpack_pack_false (&packer);
}

int pack_uint (buffer_t *buffer, uint64_t value)
{
    msgpack_packer packer = s_packer (buffer);
    return msgpack_pack_uint64 (&packer, value);
}

int pack_bin (buffer_t *buffer, bytes_t bytes)
{
    msgpack_packer packer = s_packer (buffer);
    if (msgpack_pack_bin (&packer, bytes.size) != 0)
        return -1;
    return msgpack_pack_bin_body (&packer, bytes.data, bytes.size);
}

int pack_array (buffer_t *buffer, size_t count)
{
    msgpack_packer packer = s_packer (buffer);
    return msgpack_pack_array (&packer, count);
}
