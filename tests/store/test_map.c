/*  test_map.c - the skip list: order, what a put and a delete hand back, and that its towers depend on nothing else. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "store/map.h"

static bytes_t s_key (char *text, unsigned int number)
{
    snprintf (text, 16, "%05u", number);
    return bytes_text (text);
}

/*  Keys 0, 7, 14, ... modulo 1009, each with its number as value. */
static void s_fill (map_t *map, unsigned int count)
{
    map_init (map);
    for (unsigned int i = 0; i < count; i++) {
        char text[16];
        bytes_t former, key = s_key (text, i * 7 % 1009);
        cr_assert_not (map_put (map, key, bytes_copy (key.data, key.size), &former));
        cr_assert_eq (former.size, 0);
    }
}

static unsigned int s_check_order (const map_t *map)
{
    unsigned int count = 0;
    for (const map_node_t *node = map->first[0]; node; node = node->next[0]) {
        cr_assert (bytes_equal (node->key, node->value));
        if (node->next[0])
            cr_assert_lt (bytes_compare (node->key, node->next[0]->key), 0);
        count++;
    }
    return count;
}

Test (map, keys_stay_in_order)
{
    map_t map;
    s_fill (&map, 1009);
    cr_assert_eq (s_check_order (&map), 1009);
    cr_assert_eq (map.count, 1009);
    cr_assert_gt (map.height, 2);
    char text[16];
    for (unsigned int i = 0; i < 1009; i++) {
        map_node_t *node = map_find (&map, s_key (text, i));
        cr_assert_not_null (node);
        cr_assert (bytes_equal (node->value, s_key (text, i)));
    }
    cr_assert_null (map_find (&map, bytes_text ("0000")));
    cr_assert_null (map_find (&map, bytes_text ("000000")));
    cr_assert (bytes_equal (map_seek (&map, bytes_text ("000000"))->key, bytes_text ("00001")));
    cr_assert_eq (map_seek (&map, (bytes_t){0}), map.first[0]);
    cr_assert_null (map_seek (&map, bytes_text ("01009")));
    map_clear (&map);
    cr_assert_null (map.first[0]);
}

Test (map, put_and_delete_hand_back_the_former_value)
{
    map_t map;
    s_fill (&map, 100);
    bytes_t former;
    cr_assert (map_put (&map, bytes_text ("00007"), bytes_copy ("new", 3), &former));
    cr_assert (bytes_equal (former, bytes_text ("00007")));
    bytes_clear (&former);
    cr_assert_eq (map.count, 100);
    cr_assert (map_delete (&map, bytes_text ("00007"), &former));
    cr_assert (bytes_equal (former, bytes_text ("new")));
    bytes_clear (&former);
    cr_assert_not (map_delete (&map, bytes_text ("00007"), &former));
    cr_assert_eq (former.size, 0);
    cr_assert_eq (map.count, 99);
    cr_assert_eq (s_check_order (&map), 99);
    map_clear (&map);
}

Test (map, deleting_all_leaves_nothing)
{
    map_t map;
    s_fill (&map, 1009);
    for (unsigned int i = 0; i < 1009; i++) {
        char text[16];
        bytes_t former;
        cr_assert (map_delete (&map, s_key (text, i * 11 % 1009), &former));
        bytes_clear (&former);
        if (i % 100 == 0)
            cr_assert_eq (s_check_order (&map), 1008 - i);
    }
    for (unsigned int level = 0; level < MAP_TOWER; level++)
        cr_assert_null (map.first[level]);
    map_clear (&map);
}

Test (map, the_same_calls_build_the_same_towers)
{
    map_t a, b, copy;
    s_fill (&a, 500);
    s_fill (&b, 500);
    const map_node_t *left = a.first[0], *right = b.first[0];
    for (; left && right; left = left->next[0], right = right->next[0])
        cr_assert_eq (left->height, right->height);
    cr_assert_eq (left, right);
    map_init (&copy);
    map_copy (&copy, &a);
    map_clear (&a);
    cr_assert_eq (s_check_order (&copy), 500);
    map_clear (&b);
    map_clear (&copy);
}
