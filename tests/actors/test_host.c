/*  test_host.c - clocks, entropy and the machine. */
#include "../store/folder.h"

#include <errno.h>

#include "actors/host.h"

Test (host, the_clocks_go_forward)
{
    uint64_t before = host_now_us ();
    uint64_t after = before;
    while (after == before)
        after = host_now_us ();
    cr_assert_gt (after, before);
    cr_assert_gt (host_wall_ms (), 1600000000000u);
}

Test (host, generators_differ)
{
    rng_t one = host_rng ();
    rng_t other = host_rng ();
    cr_assert_neq (memcmp (&one, &other, sizeof one), 0);
    cr_assert_neq (one.state[0] | one.state[1] | one.state[2] | one.state[3], 0);
}

Test (host, memory_is_measured)
{
    uint64_t before = host_rss ();
    cr_assert_gt (before, 0);
    size_t size = 64u << 20;
    volatile char *memory = malloc (size);
    for (size_t i = 0; i < size; i += 4096)
        memory[i] = 1;
    cr_assert_gt (host_rss (), before + (32u << 20));
    free ((void *) memory);
}

Test (host, a_folder_is_measured_with_what_is_in_it)
{
    char folder[FOLDER_PATH_BYTES];
    folder_make (folder);
    uint64_t before = host_disk (folder);
    char below[2 * FOLDER_PATH_BYTES];
    snprintf (below, sizeof below, "%s/a/b", folder);
    cr_assert_eq (host_make_folder (below), 0);
    cr_assert_eq (host_make_folder (below), 0, "again");
    char data[100000];
    memset (data, 7, sizeof data);
    folder_write (folder, "one", data, sizeof data);
    folder_write (below, "two", data, sizeof data);
    cr_assert_geq (host_disk (folder), before + 2 * sizeof data);
    cr_assert_gt (host_disk_free (folder), 0);
    cr_assert_neq (host_disk_free (folder), UINT64_MAX);
    folder_remove (folder);
    cr_assert_eq (host_disk (folder), 0);
    cr_assert_eq (host_disk_free (folder), UINT64_MAX);
}

Test (host, a_file_is_no_folder)
{
    char folder[FOLDER_PATH_BYTES];
    folder_make (folder);
    folder_write (folder, "file", "x", 1);
    char path[2 * FOLDER_PATH_BYTES];
    snprintf (path, sizeof path, "%s/file", folder);
    cr_assert_eq (host_make_folder (path), -1);
    cr_assert_eq (errno, ENOTDIR);
    snprintf (path, sizeof path, "%s/file/below", folder);
    cr_assert_eq (host_make_folder (path), -1);
    folder_remove (folder);
}
