/*  tour_folder.c - see tour_folder.h. */
#include "tour_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "messages/memory.h"
#include "print.h"

static bool s_empty (const char *path)
{
    DIR *listing = opendir (path);
    if (!listing)
        return false;
    size_t entries = 0;
    while (readdir (listing))
        entries++;
    closedir (listing);
    return entries <= 2; /* . and .. */
}

int folder_make (folder_t *self, const tour_t *tour)
{
    *self = (folder_t){0};
    if (tour->data) {
        self->path = memory_string (tour->data);
        if (mkdir (self->path, 0755) && errno != EEXIST) {
            tour_complain ("%s cannot be made: %s", self->path, strerror (errno));
            return -1;
        }
        if (s_empty (self->path))
            return 0;
        tour_complain ("%s is no empty folder; name one that is, or leave --data out", self->path);
        return -1;
    }
    /* Not /tmp, which is often in memory: the tour is about a disk. */
    const char *parent = getenv ("TMPDIR");
    self->path = print_format ("%s/cartwheel-tour-XXXXXX", parent && *parent ? parent : "/var/tmp");
    if (mkdtemp (self->path)) {
        self->temporary = true;
        return 0;
    }
    tour_complain ("%s cannot be made: %s; set TMPDIR to a folder on a disk", self->path,
                   strerror (errno));
    return -1;
}

/*  Walks the files below a folder: adds up what they take, and removes them if asked to. -1 with errno. */
static int s_walk (char *folder, bool removing, uint64_t *bytes)
{
    FTS *walk = fts_open ((char *[]){folder, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk)
        return -1;
    int rc = 0;
    *bytes = 0;
    for (FTSENT *entry; (entry = fts_read (walk));) {
        if (entry->fts_info == FTS_F)
            *bytes += (uint64_t) entry->fts_statp->st_blocks * 512;
        if (removing && entry->fts_info != FTS_D && remove (entry->fts_accpath))
            rc = -1;
    }
    fts_close (walk);
    return rc;
}

uint64_t folder_disk (const folder_t *self)
{
    uint64_t bytes = 0;
    s_walk (self->path, false, &bytes);
    return bytes;
}

void folder_clear (folder_t *self)
{
    uint64_t bytes;
    if (self->temporary && s_walk (self->path, true, &bytes))
        tour_complain ("%s cannot be removed: %s", self->path, strerror (errno));
    free (self->path);
    *self = (folder_t){0};
}
