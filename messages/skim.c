/*  skim.c - the bounded pre-walk over MessagePack.
 *
 *  One loop and a small stack of how many values each open container still wants. A container that declares more
 *  values than bytes are left is refused on the spot, since each value takes a byte at least; so the work and the
 *  memory of whoever decodes afterwards are bounded by the bytes that really came.
 *  Format: https://github.com/msgpack/msgpack/blob/master/spec.md
 */
#include "skim.h"

#include <assert.h>

#define SKIM_DEPTH_MOST 32u

/*  The first bytes of a value. */
typedef struct {
    size_t size;       /* of a container's head, or of a whole value that is none */
    uint64_t children; /* values that follow inside a container; a map's pair is two */
    bool container;
} head_t;

/*  The types 0xc0 to 0xdf: a whole size, or how wide the length or count is that follows. */
/* clang-format off */
static const struct {
    uint8_t size;
    uint8_t width;
} s_layouts[32] = {
    {1, 0}, {0, 0}, {1, 0}, {1, 0},           /* nil, never used, false, true */
    {0, 1}, {0, 2}, {0, 4},                   /* bin */
    {0, 1}, {0, 2}, {0, 4},                   /* ext */
    {5, 0}, {9, 0},                           /* float */
    {2, 0}, {3, 0}, {5, 0}, {9, 0},           /* unsigned integer */
    {2, 0}, {3, 0}, {5, 0}, {9, 0},           /* integer */
    {3, 0}, {4, 0}, {6, 0}, {10, 0}, {18, 0}, /* ext of 1, 2, 4, 8, 16 bytes */
    {0, 1}, {0, 2}, {0, 4},                   /* str */
    {0, 2}, {0, 4},                           /* array */
    {0, 2}, {0, 4},                           /* map */
};
/* clang-format on */

static const char s_short[] = "it ends in the middle of a value";

/*  The big-endian number of `width` bytes at `data`. */
static uint64_t s_number (const uint8_t *data, size_t width)
{
    uint64_t number = 0;
    for (size_t i = 0; i < width; i++)
        number = number << 8 | data[i];
    return number;
}

/*  A type whose length or count of `width` bytes follows its first byte. */
static const char *s_head_counted (bytes_t input, size_t offset, size_t width, head_t *head)
{
    if (input.size - offset < 1 + width)
        return s_short;
    uint8_t type = input.data[offset];
    uint64_t number = s_number (input.data + offset + 1, width);
    size_t left = input.size - offset - 1 - width;
    if (type >= 0xdc && type <= 0xdf) {
        head->container = true;
        head->size = 1 + width;
        head->children = type >= 0xde ? number * 2 : number;
        return NULL;
    }
    if (type >= 0xc7 && type <= 0xc9)
        number++; /* an extension's own type */
    if (number > left)
        return s_short;
    head->size = 1 + width + (size_t) number;
    return NULL;
}

/*  A type whose first byte alone gives its size. */
static const char *s_head_fixed (bytes_t input, size_t offset, size_t size, head_t *head)
{
    if (input.size - offset < size)
        return s_short;
    head->size = size;
    return NULL;
}

/*  Reads the head at `offset`, which is at most input.size; NULL, or what is wrong. */
static const char *s_head (bytes_t input, size_t offset, head_t *head)
{
    *head = (head_t){0};
    if (offset >= input.size)
        return s_short;
    uint8_t type = input.data[offset];
    if (type >= 0x80 && type <= 0x9f) { /* a map or an array of up to 15 */
        head->container = true;
        head->size = 1;
        head->children = type <= 0x8f ? (type & 15u) * 2u : type & 15u;
        return NULL;
    }
    if (type >= 0xa0 && type <= 0xbf) /* a str of up to 31 bytes */
        return s_head_fixed (input, offset, 1 + (type & 31u), head);
    if (type < 0xc0 || type > 0xdf) /* a small integer */
        return s_head_fixed (input, offset, 1, head);
    if (type == 0xc1)
        return "it has the byte 0xc1, which MessagePack never uses";
    if (s_layouts[type - 0xc0].width != 0)
        return s_head_counted (input, offset, s_layouts[type - 0xc0].width, head);
    return s_head_fixed (input, offset, s_layouts[type - 0xc0].size, head);
}

const char *skim_check (bytes_t input, size_t depth, size_t items)
{
    assert (depth <= SKIM_DEPTH_MOST);
    uint64_t wanted[SKIM_DEPTH_MOST + 1] = {1}; /* values still to come, for each open container */
    size_t level = 0;
    size_t offset = 0;
    size_t seen = 0;
    if (input.size == 0)
        return "it is empty";
    for (;;) {
        while (wanted[level] == 0 && level > 0)
            level--;
        if (wanted[level] == 0)
            break;
        wanted[level]--;
        if (seen++ == items)
            return "it has too many values";
        head_t head;
        const char *wrong = s_head (input, offset, &head);
        if (wrong != NULL)
            return wrong;
        offset += head.size;
        if (!head.container)
            continue;
        if (level == depth)
            return "it is nested too deep";
        if (head.children > input.size - offset)
            return "it declares more values than it has bytes for";
        wanted[++level] = head.children;
    }
    return offset == input.size ? NULL : "bytes follow the value";
}

size_t skim_value (bytes_t input, size_t offset)
{
    size_t end = offset;
    for (uint64_t wanted = 1; wanted > 0; wanted--) {
        head_t head;
        const char *wrong = s_head (input, end, &head);
        assert (wrong ==
                NULL); /* skim_check has passed them: the caller's mistake, not the sender's */
        (void) wrong;
        end += head.size;
        wanted += head.children;
    }
    return end - offset;
}
