/*  trouble.c - from an error number, and what Berkeley DB said beside it, to a cause and a remedy.
 *
 *  Berkeley DB turns most errors of a write into "run recovery" and leaves the cause in its message alone, so the
 *  message is looked at for the causes that an operator can do something about.
 */
#include "trouble.h"

#include <db.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "messages/limits.h"

/*  A cause is known by its number or by words in the message. Earlier rows win. */
typedef struct {
    int error;         /* 0: known by its words only */
    const char *words; /* NULL: known by its number only */
    const char *what;  /* stands behind "the folder `x` " */
    const char *remedy;
} trouble_t;

static const char s_restore[] = "restore it from a backup, or move it aside and start with an "
                                "empty one, which the other nodes fill again";
static const char s_space[] = "free some and start again: what was acknowledged is kept";
static const char s_rights[] = "give the user that runs this node the right to read and write it";

static const trouble_t s_troubles[] = {
    {EWOULDBLOCK, NULL, "is in use by another cartwheeld",
     "stop that one first, or give this node a folder of its own (node/data)"},
    {ENOSPC, "No space left", "is on a disk that has no space left", s_space},
    {EDQUOT, "Disk quota exceeded", "has used up its disk quota", s_space},
    {EROFS, "Read-only file system", "is on a read-only file system",
     "find out in the system's log why, and mount it for writing"},
    {EIO, "Input/output error", "is on a disk that failed to read or write",
     "look at the disk, then restore the folder from a backup, or start with an empty one, which "
     "the other nodes fill again"},
    {EMFILE, "Too many open files", "could not be read: too many files are open",
     "raise the limit on open files (ulimit -n)"},
    {EACCES, "Permission denied", "is not ours to use", s_rights},
    {EPERM, "Operation not permitted", "is not ours to use", s_rights},
    {0, "buffer cache", "needs a larger cache", "make store/cache larger"},
    {ENOMEM, "Cannot allocate memory", "needs more memory than there is",
     "make store/cache smaller"},
    {0, "checksum error", "is damaged: a page is not as it was written", s_restore},
    {0, "illegal page type", "is damaged: a page is not as it was written", s_restore},
    {0, "metadata page checksum", "is damaged: a page is not as it was written", s_restore},
    {DB_VERSION_MISMATCH, "nsupported", "was written by another version of Berkeley DB",
     "start the version of cartwheeld that wrote it"},
    {DB_OLD_VERSION, NULL, "was written by another version of Berkeley DB",
     "start the version of cartwheeld that wrote it"},
};

static const trouble_t s_none = {0, NULL, "does not exist", "make it, or correct node/data"};
static const trouble_t s_file = {0, NULL, "is not a folder", "correct node/data"};
static const trouble_t s_other = {
    0, NULL, "could not be used",
    "start again, which repairs what can be repaired; if this comes back, restore the folder from "
    "a "
    "backup, or move it aside and start with an empty one, which the other nodes fill again"};

static bool s_matches (const trouble_t *trouble, int error, const char *said)
{
    if (trouble->error != 0 && trouble->error == error)
        return true;
    return trouble->words && strstr (said, trouble->words);
}

static const trouble_t *s_find (const char *doing, int error, const char *said)
{
    /* Behind the lock, a missing file is damage. */
    bool locking = strcmp (doing, "locking") == 0;
    if (locking && error == ENOENT)
        return &s_none;
    if (locking && error == ENOTDIR)
        return &s_file;
    for (size_t i = 0; i < sizeof s_troubles / sizeof s_troubles[0]; i++)
        if (s_matches (&s_troubles[i], error, said))
            return &s_troubles[i];
    return &s_other;
}

void trouble_explain (char *sentence, const char *folder, const char *doing, int error,
                      const char *said)
{
    const trouble_t *trouble = s_find (doing, error, said);
    snprintf (sentence, LIMIT_SENTENCE_BYTES, "the folder `%.300s` %s (%s: %s%s%.400s); %s", folder,
              trouble->what, doing, db_strerror (error), said[0] ? "; " : "", said,
              trouble->remedy);
}
