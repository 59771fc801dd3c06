/*  folder.h - a folder of its own for a test, and small helpers on files; removed again by the test. */
#ifndef CARTWHEEL_TEST_FOLDER_H
#define CARTWHEEL_TEST_FOLDER_H

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER_PATH_BYTES 512

static inline void folder_make (char *path)
{
    const char *base = getenv ("TMPDIR");
    snprintf (path, FOLDER_PATH_BYTES, "%s/cartwheel.XXXXXX", base ? base : "/tmp");
    cr_assert_not_null (mkdtemp (path), "mkdtemp %s", path);
}

static inline int folder_remove_one (const char *path, const struct stat *status, int kind,
                                     struct FTW *walk)
{
    (void) status;
    (void) kind;
    (void) walk;
    return remove (path);
}

static inline void folder_remove (const char *path)
{
    nftw (path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/*  The file's bytes, to be freed. */
static inline uint8_t *folder_read (const char *folder, const char *name, size_t *size)
{
    char path[2 * FOLDER_PATH_BYTES];
    snprintf (path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen (path, "rb");
    cr_assert_not_null (file, "%s", path);
    fseek (file, 0, SEEK_END);
    *size = (size_t) ftell (file);
    rewind (file);
    uint8_t *data = malloc (*size + 1);
    cr_assert_eq (fread (data, 1, *size, file), *size);
    fclose (file);
    return data;
}

static inline void folder_write (const char *folder, const char *name, const void *data,
                                 size_t size)
{
    char path[2 * FOLDER_PATH_BYTES];
    snprintf (path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen (path, "wb");
    cr_assert_not_null (file, "%s", path);
    cr_assert_eq (fwrite (data, 1, size, file), size);
    cr_assert_eq (fclose (file), 0);
}

#endif
