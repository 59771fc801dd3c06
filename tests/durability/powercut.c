/*  powercut.c - a disk that keeps only what was synced, for LD_PRELOAD under any program.
 *
 *  CARTWHEEL_POWERCUT_FOLDER is the folder whose files are watched, CARTWHEEL_POWERCUT_SHADOW one that holds what a disk
 *  would hold if the power failed now. Each file gets a number; a sync of it copies the blocks written since the last
 *  one from the file to `shadow/<number>`. A name reaches the disk apart from that: a sync of a directory writes its
 *  list of names to `shadow/names<directory, / as %>`. `shadow/numbers` tells which inode has which number, so that
 *  powercut.py, which makes the folder after the cut, can also mix in blocks that happened to be written.
 *
 *  Not seen: writes through mmap or stdio (such blocks are taken as never synced), and renames of directories. Nothing
 *  is really synced: the shadow is the disk here, and a SIGKILL leaves the page cache alone.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCK_BYTES 4096
#define DESCRIPTORS 65536
#define FILES_MOST 65536

typedef struct {
    ino_t inode; /* 0: the file is gone, or was replaced by one with its inode */
    unsigned int number;
    bool all_dirty;
    uint8_t *dirty; /* a byte for each block: written since the last sync */
    size_t blocks;
} watched_t;

/*  The functions that are stood in front of. */
typedef struct {
    int (*open) (const char *, int, ...);
    int (*openat) (int, const char *, int, ...);
    int (*close) (int);
    ssize_t (*write) (int, const void *, size_t);
    ssize_t (*writev) (int, const struct iovec *, int);
    ssize_t (*pwrite) (int, const void *, size_t, off_t);
    ssize_t (*pwritev) (int, const struct iovec *, int, off_t);
    int (*truncate) (const char *, off_t);
    int (*ftruncate) (int, off_t);
    int (*fsync) (int);
    int (*fdatasync) (int);
    int (*dup) (int);
    int (*dup2) (int, int);
    int (*dup3) (int, int, int);
} real_t;

/*  An interposed library has nowhere else to keep its state. */
static real_t s_real;
static pthread_mutex_t s_lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static char s_folder[PATH_MAX];                            /* "": nothing is watched */
static char s_shadow[PATH_MAX];
static watched_t s_files[FILES_MOST];
static unsigned int s_count;
static int s_descriptors[DESCRIPTORS]; /* index of the file + 1; -1: a directory; 0: neither */

static void s_die (const char *what)
{
    fprintf (stderr, "powercut: %s: %s\n", what, strerror (errno));
    abort ();
}

static int s_shadow_open (const char *name, int flags)
{
    char path[2 * PATH_MAX];
    snprintf (path, sizeof path, "%s/%s", s_shadow, name);
    int file = s_real.open (path, flags | O_CLOEXEC, 0644);
    if (file < 0)
        s_die (path);
    return file;
}

static void s_note_number (ino_t inode, unsigned int number)
{
    char line[64];
    int size = snprintf (line, sizeof line, "%llu %u\n", (unsigned long long) inode, number);
    int file = s_shadow_open ("numbers", O_WRONLY | O_CREAT | O_APPEND);
    if (s_real.write (file, line, (size_t) size) != size)
        s_die ("numbers");
    s_real.close (file);
}

/* ---- files and their dirty blocks; s_lock is held ---- */

static watched_t *s_find (ino_t inode)
{
    for (unsigned int i = s_count; i-- > 0;)
        if (s_files[i].inode == inode)
            return &s_files[i];
    return NULL;
}

static void s_soil (watched_t *file, off_t from, off_t to)
{
    if (to <= from)
        return;
    size_t end = ((size_t) to + BLOCK_BYTES - 1) / BLOCK_BYTES;
    if (end > file->blocks) {
        size_t blocks = end + end / 2;
        file->dirty = realloc (file->dirty, blocks);
        if (!file->dirty)
            s_die ("memory");
        memset (file->dirty + file->blocks, 0, blocks - file->blocks);
        file->blocks = blocks;
    }
    memset (file->dirty + (size_t) from / BLOCK_BYTES, 1, end - (size_t) from / BLOCK_BYTES);
}

/*  A file that was not seen before: nothing of it is on disk. */
static watched_t *s_add (const struct stat *status)
{
    watched_t *former = s_find (status->st_ino);
    if (former)
        former->inode = 0;
    if (s_count == FILES_MOST)
        s_die ("too many files");
    watched_t *file = &s_files[s_count++];
    file->inode = status->st_ino;
    file->number = s_count;
    s_soil (file, 0, status->st_size);
    s_note_number (file->inode, file->number);
    return file;
}

static void s_copy_block (int from, int to, off_t offset)
{
    uint8_t block[BLOCK_BYTES];
    ssize_t size = pread (from, block, sizeof block, offset);
    if (size > 0 && s_real.pwrite (to, block, (size_t) size, offset) != size)
        s_die ("a block");
}

/*  Puts what was written to a file into the shadow. */
static void s_sync_file (watched_t *file, int descriptor)
{
    char name[32], path[64];
    struct stat status;
    snprintf (name, sizeof name, "%u", file->number);
    /* The descriptor may be for writing only. */
    snprintf (path, sizeof path, "/proc/self/fd/%d", descriptor);
    int from = s_real.open (path, O_RDONLY | O_CLOEXEC);
    if (from < 0 || fstat (from, &status))
        s_die (path);
    int to = s_shadow_open (name, O_WRONLY | O_CREAT);
    if (file->all_dirty)
        s_soil (file, 0, status.st_size);
    file->all_dirty = false;
    for (size_t i = 0; i < file->blocks; i++)
        if (file->dirty[i]) {
            s_copy_block (from, to, (off_t) i * BLOCK_BYTES);
            file->dirty[i] = 0;
        }
    if (s_real.ftruncate (to, status.st_size))
        s_die (name);
    s_real.close (to);
    s_real.close (from);
}

/* ---- names ---- */

/*  The absolute path without links, of something that need not exist. False when its directory does not. */
static bool s_absolute (int directory, const char *path, char *absolute)
{
    char copy[PATH_MAX], parent[PATH_MAX];
    if (path[0] != '/' && directory != AT_FDCWD) {
        char link[64];
        snprintf (link, sizeof link, "/proc/self/fd/%d", directory);
        ssize_t size = readlink (link, parent, sizeof parent - 1);
        if (size < 0)
            return false;
        parent[size] = '\0';
        if (snprintf (copy, sizeof copy, "%s/%s", parent, path) >= (int) sizeof copy)
            return false;
    } else if (snprintf (copy, sizeof copy, "%s", path) >= (int) sizeof copy)
        return false;
    if (realpath (copy, absolute))
        return true;
    char *slash = strrchr (copy, '/');
    if (slash)
        *slash = '\0';
    if (!realpath (slash ? (slash == copy ? "/" : copy) : ".", parent))
        return false;
    const char *name = slash ? slash + 1 : copy;
    return snprintf (absolute, PATH_MAX, "%s/%s", parent, name) < PATH_MAX;
}

/*  What follows the folder in an absolute path, or NULL when that lies elsewhere. */
static const char *s_below (const char *absolute)
{
    size_t size = strlen (s_folder);
    if (size == 0 || strncmp (absolute, s_folder, size) != 0)
        return NULL;
    return absolute[size] == '/' || absolute[size] == '\0' ? absolute + size : NULL;
}

static bool s_is_watched (int directory, const char *path)
{
    char absolute[PATH_MAX];
    int error = errno;
    bool watched = s_folder[0] && s_absolute (directory, path, absolute) && s_below (absolute);
    errno = error;
    return watched;
}

/*  Writes one line of a list of names: kind, number, name. */
static void s_list_name (FILE *list, const char *absolute, const char *name)
{
    char path[2 * PATH_MAX];
    struct stat status;
    snprintf (path, sizeof path, "%s/%s", absolute, name);
    if (strcmp (name, ".") == 0 || strcmp (name, "..") == 0 || lstat (path, &status))
        return;
    if (S_ISDIR (status.st_mode))
        fprintf (list, "d 0 %s\n", name);
    if (!S_ISREG (status.st_mode))
        return;
    watched_t *file = s_find (status.st_ino);
    if (!file)
        file = s_add (&status);
    fprintf (list, "f %u %s\n", file->number, name);
}

static void s_sync_names (const char *absolute)
{
    char name[PATH_MAX], path[2 * PATH_MAX + 8], fresh[2 * PATH_MAX + 16];
    snprintf (name, sizeof name, "%s", s_below (absolute));
    for (char *at = name; *at; at++)
        if (*at == '/')
            *at = '%';
    snprintf (path, sizeof path, "%s/names%s", s_shadow, name);
    snprintf (fresh, sizeof fresh, "%s.new", path);
    FILE *list = fopen (fresh, "we");
    DIR *directory = opendir (absolute);
    if (!list || !directory)
        s_die (absolute);
    for (struct dirent *entry; (entry = readdir (directory));)
        s_list_name (list, absolute, entry->d_name);
    closedir (directory);
    if (fclose (list) || rename (fresh, path))
        s_die (path);
}

/*  What lies in the folder when the first program starts is on disk. */
static void s_adopt (const char *absolute)
{
    DIR *directory = opendir (absolute);
    if (!directory)
        s_die (absolute);
    for (struct dirent *entry; (entry = readdir (directory));) {
        char path[2 * PATH_MAX];
        struct stat status;
        snprintf (path, sizeof path, "%s/%s", absolute, entry->d_name);
        if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0 ||
            lstat (path, &status))
            continue;
        if (S_ISDIR (status.st_mode))
            s_adopt (path);
        if (!S_ISREG (status.st_mode))
            continue;
        int file = s_real.open (path, O_RDONLY | O_CLOEXEC);
        if (file < 0)
            s_die (path);
        s_sync_file (s_add (&status), file);
        s_real.close (file);
    }
    closedir (directory);
    s_sync_names (absolute);
}

/*  A later one goes on with the shadow; which blocks the former had written and not synced is no longer known. */
static void s_go_on (void)
{
    char path[2 * PATH_MAX];
    snprintf (path, sizeof path, "%s/numbers", s_shadow);
    FILE *list = fopen (path, "re");
    unsigned long long inode;
    unsigned int number;
    while (list && fscanf (list, "%llu %u", &inode, &number) == 2 && number <= FILES_MOST) {
        watched_t *former = s_find ((ino_t) inode);
        if (former)
            former->inode = 0;
        s_files[number - 1] = (watched_t){(ino_t) inode, number, true, NULL, 0};
        s_count = number;
    }
    if (list)
        fclose (list);
}

static void s_load_functions (void)
{
    *(void **) &s_real.open = dlsym (RTLD_NEXT, "open");
    *(void **) &s_real.openat = dlsym (RTLD_NEXT, "openat");
    *(void **) &s_real.close = dlsym (RTLD_NEXT, "close");
    *(void **) &s_real.write = dlsym (RTLD_NEXT, "write");
    *(void **) &s_real.writev = dlsym (RTLD_NEXT, "writev");
    *(void **) &s_real.pwrite = dlsym (RTLD_NEXT, "pwrite");
    *(void **) &s_real.pwritev = dlsym (RTLD_NEXT, "pwritev");
    *(void **) &s_real.truncate = dlsym (RTLD_NEXT, "truncate");
    *(void **) &s_real.ftruncate = dlsym (RTLD_NEXT, "ftruncate");
    *(void **) &s_real.fsync = dlsym (RTLD_NEXT, "fsync");
    *(void **) &s_real.fdatasync = dlsym (RTLD_NEXT, "fdatasync");
    *(void **) &s_real.dup = dlsym (RTLD_NEXT, "dup");
    *(void **) &s_real.dup2 = dlsym (RTLD_NEXT, "dup2");
    *(void **) &s_real.dup3 = dlsym (RTLD_NEXT, "dup3");
}

__attribute__ ((constructor)) static void s_start (void)
{
    s_load_functions ();
    const char *folder = getenv ("CARTWHEEL_POWERCUT_FOLDER");
    const char *shadow = getenv ("CARTWHEEL_POWERCUT_SHADOW");
    if (!folder || !shadow)
        return;
    if (!realpath (shadow, s_shadow) || !realpath (folder, s_folder))
        s_die ("both folders must exist");
    char path[2 * PATH_MAX];
    snprintf (path, sizeof path, "%s/names", s_shadow);
    if (access (path, F_OK) == 0)
        s_go_on ();
    else
        s_adopt (s_folder);
}

/* ---- what the program calls ---- */

/*  After an open: remembers what the descriptor is. `existed`: the path did, before. */
static int s_opened (int descriptor, bool watched, bool existed, int flags)
{
    if (descriptor < 0 || descriptor >= DESCRIPTORS)
        return descriptor;
    int error = errno;
    pthread_mutex_lock (&s_lock);
    s_descriptors[descriptor] = 0;
    struct stat status;
    if (watched && fstat (descriptor, &status) == 0) {
        if (S_ISDIR (status.st_mode))
            s_descriptors[descriptor] = -1;
        else if (S_ISREG (status.st_mode)) {
            watched_t *file = s_find (status.st_ino);
            if (!file || (flags & O_CREAT && !existed))
                file = s_add (&status);
            file->all_dirty |= (flags & O_TRUNC) != 0;
            s_descriptors[descriptor] = (int) (file - s_files) + 1;
        }
    }
    pthread_mutex_unlock (&s_lock);
    errno = error;
    return descriptor;
}

static mode_t s_mode (int flags, va_list arguments)
{
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t) va_arg (arguments, int) : 0;
}

static bool s_exists (int directory, const char *path)
{
    struct stat status;
    int error = errno;
    bool exists = fstatat (directory, path, &status, 0) == 0;
    errno = error;
    return exists;
}

int open (const char *path, int flags, ...)
{
    va_list arguments;
    va_start (arguments, flags);
    mode_t mode = s_mode (flags, arguments);
    va_end (arguments);
    bool watched = s_is_watched (AT_FDCWD, path), existed = watched && s_exists (AT_FDCWD, path);
    return s_opened (s_real.open (path, flags, mode), watched, existed, flags);
}

int openat (int directory, const char *path, int flags, ...)
{
    va_list arguments;
    va_start (arguments, flags);
    mode_t mode = s_mode (flags, arguments);
    va_end (arguments);
    bool watched = s_is_watched (directory, path), existed = watched && s_exists (directory, path);
    return s_opened (s_real.openat (directory, path, flags, mode), watched, existed, flags);
}

int open64 (const char *, int, ...) __attribute__ ((alias ("open")));
int openat64 (int, const char *, int, ...) __attribute__ ((alias ("openat")));

/*  What open becomes under _FORTIFY_SOURCE. */
int __open_2 (const char *path, int flags);
int __open_2 (const char *path, int flags)
{
    return open (path, flags);
}
int __open64_2 (const char *, int) __attribute__ ((alias ("__open_2")));

int creat (const char *path, mode_t mode)
{
    return open (path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
int creat64 (const char *, mode_t) __attribute__ ((alias ("creat")));

int close (int descriptor)
{
    if (descriptor >= 0 && descriptor < DESCRIPTORS) {
        pthread_mutex_lock (&s_lock);
        s_descriptors[descriptor] = 0;
        pthread_mutex_unlock (&s_lock);
    }
    return s_real.close (descriptor);
}

static int s_dupped (int from, int to)
{
    if (from >= 0 && from < DESCRIPTORS && to >= 0 && to < DESCRIPTORS) {
        pthread_mutex_lock (&s_lock);
        s_descriptors[to] = s_descriptors[from];
        pthread_mutex_unlock (&s_lock);
    }
    return to;
}

int dup (int descriptor)
{
    return s_dupped (descriptor, s_real.dup (descriptor));
}

int dup2 (int from, int to)
{
    return s_dupped (from, s_real.dup2 (from, to));
}

int dup3 (int from, int to, int flags)
{
    return s_dupped (from, s_real.dup3 (from, to, flags));
}

/*  The file behind a descriptor, with s_lock taken; or NULL without it. */
static watched_t *s_take (int descriptor)
{
    if (descriptor < 0 || descriptor >= DESCRIPTORS)
        return NULL;
    pthread_mutex_lock (&s_lock);
    if (s_descriptors[descriptor] > 0)
        return &s_files[s_descriptors[descriptor] - 1];
    pthread_mutex_unlock (&s_lock);
    return NULL;
}

/*  After a write of `size` bytes that ends at `end`, or at the descriptor's place when that is negative. */
static ssize_t s_wrote (watched_t *file, int descriptor, ssize_t size, off_t end)
{
    if (!file)
        return size;
    int error = errno;
    if (size > 0) {
        if (end < 0)
            end = lseek (descriptor, 0, SEEK_CUR);
        s_soil (file, end - size, end);
    }
    pthread_mutex_unlock (&s_lock);
    errno = error;
    return size;
}

ssize_t write (int descriptor, const void *data, size_t size)
{
    watched_t *file = s_take (descriptor);
    return s_wrote (file, descriptor, s_real.write (descriptor, data, size), -1);
}

ssize_t writev (int descriptor, const struct iovec *parts, int count)
{
    watched_t *file = s_take (descriptor);
    return s_wrote (file, descriptor, s_real.writev (descriptor, parts, count), -1);
}

ssize_t pwrite (int descriptor, const void *data, size_t size, off_t offset)
{
    watched_t *file = s_take (descriptor);
    ssize_t done = s_real.pwrite (descriptor, data, size, offset);
    return s_wrote (file, descriptor, done, offset + done);
}
ssize_t pwrite64 (int, const void *, size_t, off_t) __attribute__ ((alias ("pwrite")));

ssize_t pwritev (int descriptor, const struct iovec *parts, int count, off_t offset)
{
    watched_t *file = s_take (descriptor);
    ssize_t done = s_real.pwritev (descriptor, parts, count, offset);
    return s_wrote (file, descriptor, done, offset + done);
}
ssize_t pwritev64 (int, const struct iovec *, int, off_t) __attribute__ ((alias ("pwritev")));

/*  What lies between the old end and the new one has changed. */
static void s_resized (watched_t *file, off_t before, off_t after)
{
    s_soil (file, before < after ? before : after, before < after ? after : before);
}

int ftruncate (int descriptor, off_t size)
{
    struct stat status;
    watched_t *file = s_take (descriptor);
    if (file && fstat (descriptor, &status) == 0)
        s_resized (file, status.st_size, size);
    int result = s_real.ftruncate (descriptor, size);
    if (file)
        pthread_mutex_unlock (&s_lock);
    return result;
}
int ftruncate64 (int, off_t) __attribute__ ((alias ("ftruncate")));

int truncate (const char *path, off_t size)
{
    struct stat status;
    if (s_is_watched (AT_FDCWD, path) && stat (path, &status) == 0) {
        pthread_mutex_lock (&s_lock);
        watched_t *file = s_find (status.st_ino);
        s_resized (file ? file : s_add (&status), status.st_size, size);
        pthread_mutex_unlock (&s_lock);
    }
    return s_real.truncate (path, size);
}
int truncate64 (const char *, off_t) __attribute__ ((alias ("truncate")));

static bool s_sync_directory (int descriptor)
{
    if (descriptor < 0 || descriptor >= DESCRIPTORS)
        return false;
    pthread_mutex_lock (&s_lock);
    bool is = s_descriptors[descriptor] == -1;
    if (is) {
        char link[64], path[PATH_MAX];
        snprintf (link, sizeof link, "/proc/self/fd/%d", descriptor);
        ssize_t size = readlink (link, path, sizeof path - 1);
        if (size < 0)
            s_die (link);
        path[size] = '\0';
        s_sync_names (path);
    }
    pthread_mutex_unlock (&s_lock);
    return is;
}

int fsync (int descriptor)
{
    watched_t *file = s_take (descriptor);
    if (!file)
        return s_sync_directory (descriptor) ? 0 : s_real.fsync (descriptor);
    s_sync_file (file, descriptor);
    pthread_mutex_unlock (&s_lock);
    return 0;
}

int fdatasync (int descriptor)
{
    return fsync (descriptor);
}
