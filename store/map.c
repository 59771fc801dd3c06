/*  map.c - the skip list of map.h. A path of links into each level is found once and serves find, put and delete. */
#include "map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "messages/memory.h"

void map_init (map_t *self)
{
    memset (self, 0, sizeof *self);
    self->height = 1;
    self->random = 0x9e3779b97f4a7c15u;
}

static void s_free (map_node_t *node)
{
    bytes_clear (&node->key);
    bytes_clear (&node->value);
    free (node);
}

void map_clear (map_t *self)
{
    map_node_t *node = self->first[0];
    while (node) {
        map_node_t *next = node->next[0];
        s_free (node);
        node = next;
    }
    map_init (self);
}

/*  In `path`, for each level, the links (of a node or of the map) whose entry at that level leads to `key` or past it. */
static map_node_t *s_path (const map_t *self, bytes_t key, map_node_t *const *path[])
{
    map_node_t *const *links = self->first;
    for (unsigned int level = self->height; level-- > 0;) {
        while (links[level] && bytes_compare (links[level]->key, key) < 0)
            links = links[level]->next;
        if (path)
            path[level] = links;
    }
    return links[0];
}

map_node_t *map_seek (const map_t *self, bytes_t key)
{
    return s_path (self, key, NULL);
}

map_node_t *map_find (const map_t *self, bytes_t key)
{
    map_node_t *node = map_seek (self, key);
    return node && bytes_equal (node->key, key) ? node : NULL;
}

/*  1 + the number of heads in a row, where heads is one in four. */
static unsigned int s_height (map_t *self)
{
    self->random ^= self->random << 13; /* Marsaglia's xorshift64 */
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    unsigned int height = 1;
    for (uint64_t bits = self->random >> 16; (bits & 3) == 0 && height < MAP_TOWER; bits >>= 2)
        height++;
    return height;
}

static map_node_t *s_node_new (unsigned int height, bytes_t key, bytes_t value)
{
    map_node_t *node = memory_new (1, sizeof *node + height * sizeof node->next[0]);
    node->key = bytes_copy (key.data, key.size);
    node->value = value;
    node->height = height;
    return node;
}

/*  The path is found through const links; the map that they lie in is ours to change here. */
static map_node_t **s_links (map_node_t *const *links)
{
    return (map_node_t **) (uintptr_t) links;
}

bool map_put (map_t *self, bytes_t key, bytes_t value, bytes_t *former)
{
    map_node_t *const *path[MAP_TOWER] = {NULL};
    map_node_t *found = s_path (self, key, path);
    if (found && bytes_equal (found->key, key)) {
        *former = found->value;
        found->value = value;
        return true;
    }
    *former = (bytes_t){0};
    map_node_t *node = s_node_new (s_height (self), key, value);
    for (; self->height < node->height; self->height++)
        path[self->height] = self->first;
    for (unsigned int level = 0; level < node->height; level++) {
        assert (path[level]);
        node->next[level] = path[level][level];
        s_links (path[level])[level] = node;
    }
    self->count++;
    return false;
}

bool map_delete (map_t *self, bytes_t key, bytes_t *former)
{
    *former = (bytes_t){0};
    map_node_t *const *path[MAP_TOWER];
    map_node_t *node = s_path (self, key, path);
    if (!node || !bytes_equal (node->key, key))
        return false;
    for (unsigned int level = 0; level < node->height; level++)
        s_links (path[level])[level] = node->next[level];
    *former = node->value;
    node->value = (bytes_t){0};
    s_free (node);
    self->count--;
    return true;
}

void map_copy (map_t *self, const map_t *other)
{
    assert (self->count == 0);
    for (const map_node_t *node = other->first[0]; node; node = node->next[0]) {
        bytes_t former;
        map_put (self, node->key, bytes_copy (node->value.data, node->value.size), &former);
    }
}
