/*  host.c - see host.h. */
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "../messages/memory.h"

/*  Folders below the data folder that are counted; an engine has none or one. */
#define FOLDER_DEPTH 4

uint64_t host_now_us (void)
{
    struct timespec time;
    clock_gettime (CLOCK_BOOTTIME, &time);
    return (uint64_t) time.tv_sec * 1000000 + (uint64_t) time.tv_nsec / 1000;
}

uint64_t host_wall_ms (void)
{
    struct timespec time;
    clock_gettime (CLOCK_REALTIME, &time);
    return (uint64_t) time.tv_sec * 1000 + (uint64_t) time.tv_nsec / 1000000;
}

void host_random (void *data, size_t size)
{
    uint8_t *next = data;
    while (size > 0) {
        ssize_t got = getrandom (next, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            fprintf (stderr, "no random numbers: getrandom: %s; Linux 3.17 or newer is needed\n",
                     strerror (errno));
            abort ();
        }
        next += got;
        size -= (size_t) got;
    }
}

rng_t host_rng (void)
{
    rng_t rng;
    do /* the one state that xoshiro cannot leave is all zeros */
        host_random (rng.state, sizeof rng.state);
    while ((rng.state[0] | rng.state[1] | rng.state[2] | rng.state[3]) == 0);
    return rng;
}

uint64_t host_rss (void)
{
    FILE *file = fopen ("/proc/self/statm", "re");
    if (!file)
        return 0;
    char line[128];
    char *read = fgets (line, sizeof line, file);
    fclose (file);
    char *pages = read ? strchr (line, ' ') : NULL; /* the second number */
    return pages ? strtoull (pages, NULL, 10) * (uint64_t) sysconf (_SC_PAGESIZE) : 0;
}

/*  Takes `fd`, of a folder. */
static uint64_t s_folder_bytes (int fd, int depth)
{
    DIR *folder = fdopendir (fd);
    if (!folder) {
        close (fd);
        return 0;
    }
    uint64_t bytes = 0;
    struct dirent *entry;
    while ((entry = readdir (folder))) {
        if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0)
            continue;
        struct stat status;
        if (fstatat (dirfd (folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
            continue; /* a log that was removed meanwhile */
        if (S_ISREG (status.st_mode))
            bytes += (uint64_t) status.st_blocks * 512;
        if (S_ISDIR (status.st_mode) && depth > 1) {
            int below = openat (dirfd (folder), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
            if (below >= 0)
                bytes += s_folder_bytes (below, depth - 1);
        }
    }
    closedir (folder);
    return bytes;
}

uint64_t host_disk (const char *folder)
{
    int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? 0 : s_folder_bytes (fd, FOLDER_DEPTH);
}

uint64_t host_disk_free (const char *folder)
{
    struct statvfs status;
    if (statvfs (folder, &status) != 0)
        return UINT64_MAX;
    return (uint64_t) status.f_bavail * status.f_frsize;
}

int host_make_folder (const char *folder)
{
    char *path = memory_string (folder);
    int result = 0;
    for (char *slash = path; result == 0 && *slash; slash++) {
        if (*slash != '/' || slash == path)
            continue;
        *slash = '\0';
        if (mkdir (path, 0755) != 0 && errno != EEXIST)
            result = -1;
        *slash = '/';
    }
    if (result == 0 && mkdir (path, 0700) != 0 && errno != EEXIST)
        result = -1;
    if (result == 0) {
        struct stat status;
        result = stat (path, &status);
        if (result == 0 && !S_ISDIR (status.st_mode)) {
            errno = ENOTDIR;
            result = -1;
        }
    }
    int error = errno;
    free (path);
    errno = error;
    return result;
}
