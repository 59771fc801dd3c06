/*  codec_parts.h - what the files of the engine share, and request.c with them. Nobody else includes this.
 *
 *  It is the only header that shows msgpack-c's types.
 */
#ifndef CARTWHEEL_CODEC_PARTS_H
#define CARTWHEEL_CODEC_PARTS_H

#include <msgpack.h>

#include "codec.h"

/*  Any record's list: they are all a pointer and a count. Read and written by memcpy, as the types differ. */
typedef struct {
    void *items;
    size_t count;
} list_t;

list_t codec_list (const void *member);
/*  Item number `index` of a list of `schema`. */
void *codec_list_item (const schema_t *schema, list_t list, size_t index);

/*  Where a field of `item` lies. */
void *codec_member (const field_t *field, const void *item);

/*  Which fields of a record are there: all of them, or what the `has` of a MAP record says. */
bool codec_has (const schema_t *schema, const void *item, size_t index);

/*  The member as a number; its kind is BOOL or U8 to U64. */
uint64_t codec_number (const field_t *field, const void *member);

/*  A RAW value as it is on the wire: nil when it is empty. */
bytes_t codec_raw (bytes_t raw);

/*  What msgpack-c made of bytes that skim_check has passed. */
typedef struct {
    msgpack_zone zone;
    msgpack_object root; /* its runs of bytes point into the input */
} tree_t;

/*  NULL, or what is wrong with the input; then there is nothing to clear. */
const char *codec_tree (tree_t *self, bytes_t input, size_t items);
void codec_tree_clear (tree_t *self);

/*  The size of the head of the array or map that begins at `offset`; its first value follows it. */
size_t codec_tree_head (bytes_t input, size_t offset);

/*  The value of any kind but RAW, LIST and RECORD into the member. NULL, or what is wrong. */
const char *codec_value (const field_t *field, const msgpack_object *value, void *member);

#endif
