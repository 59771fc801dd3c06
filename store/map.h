/*  map.h - an ordered map of bytes to bytes, for the engine in memory: a skip list (Pugh, 1990).
 *
 *  Towers are drawn from the map's own generator with a fixed seed, so that two runs with the same calls do the same
 *  work in the same order.
 */
#ifndef CARTWHEEL_MAP_H
#define CARTWHEEL_MAP_H

#include "../messages/bytes.h"

#define MAP_TOWER 16

typedef struct map_node {
    bytes_t key;   /* owned */
    bytes_t value; /* owned, or empty */
    unsigned int height;
    struct map_node *next[]; /* one for each level of the tower */
} map_node_t;

typedef struct {
    map_node_t *first[MAP_TOWER];
    unsigned int height; /* of the tallest tower */
    uint64_t random;
    size_t count;
} map_t;

void map_init (map_t *self);
/*  Frees every key and value; the map is then empty, as after map_init. */
void map_clear (map_t *self);

/*  The first node whose key is not before `key`, or NULL. `node->next[0]` follows it. */
map_node_t *map_seek (const map_t *self, bytes_t key);
/*  The node with this key, or NULL. */
map_node_t *map_find (const map_t *self, bytes_t key);
/*  Sets the value of `key`, which is copied; the value becomes the map's. The former value is moved to `former` and
 *  is then the caller's. Returns whether there was one. */
bool map_put (map_t *self, bytes_t key, bytes_t value, bytes_t *former);
/*  Removes the key. As map_put for `former` and the result. */
bool map_delete (map_t *self, bytes_t key, bytes_t *former);
/*  Makes `self`, which must be empty, a copy of `other`. */
void map_copy (map_t *self, const map_t *other);

#endif
