/*  tour_records.c - see tour_records.h. */
#include "tour_records.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "messages/limits.h"
#include "messages/memory.h"

#define RECORDS_BYTES ((size_t) 2 * 1024 * 1024 * 1024)
/*  What a node takes unless it is configured otherwise. */
#define RECORDS_VALUE_BYTES ((size_t) 1024 * 1024)

/* ---- reading ---- */

/*  Runs `apt-cache dumpavail` and gives the descriptor of its output, or -1. */
static int s_run_apt (pid_t *child)
{
    int ends[2];
    if (pipe2 (ends, O_CLOEXEC))
        return -1;
    *child = fork ();
    if (*child == 0) {
        if (dup2 (ends[1], STDOUT_FILENO) != -1)
            execlp ("apt-cache", "apt-cache", "dumpavail", (char *) NULL);
        _exit (127);
    }
    close (ends[1]);
    if (*child != -1)
        return ends[0];
    close (ends[0]);
    return -1;
}

/*  All that the descriptor has. -1 with errno when it cannot be read, or is too much. */
static int s_read_all (int input, uint8_t **text, size_t *size)
{
    size_t capacity = 0;
    *text = NULL;
    *size = 0;
    for (;;) {
        if (*size == capacity) {
            if (capacity == RECORDS_BYTES) {
                errno = EFBIG;
                return -1;
            }
            capacity = capacity ? 2 * capacity : (size_t) 1024 * 1024;
            *text = memory_resize (*text, capacity, 1);
        }
        ssize_t got = read (input, *text + *size, capacity - *size);
        if (got == 0)
            return 0;
        if (got > 0)
            *size += (size_t) got;
        else if (errno != EINTR)
            return -1;
    }
}

static int s_read_file (const char *name, uint8_t **text, size_t *size)
{
    int input = open (name, O_RDONLY | O_CLOEXEC);
    int rc = input == -1 ? -1 : s_read_all (input, text, size);
    if (rc)
        tour_complain ("%s cannot be read: %s", name, strerror (errno));
    if (input != -1)
        close (input);
    return rc;
}

static int s_read_apt (uint8_t **text, size_t *size)
{
    pid_t child;
    int input = s_run_apt (&child);
    if (input == -1) {
        tour_complain ("apt-cache cannot be started: %s", strerror (errno));
        return -1;
    }
    int rc = s_read_all (input, text, size);
    int status = 0;
    close (input);
    while (waitpid (child, &status, 0) == -1 && errno == EINTR)
        ;
    if (rc == 0 && status == 0 && *size > 0)
        return 0;
    tour_complain (
        "`apt-cache dumpavail` gave no records; run `apt-get update` as root, or give a file "
        "with records separated by blank lines: --file FILE");
    return -1;
}

/* ---- cutting ---- */

/*  The value of the field `name` ("Package: ") at the beginning of a line; size 0 when there is none. */
static const uint8_t *s_field (const uint8_t *text, size_t size, const char *name, size_t *length)
{
    size_t prefix = strlen (name);
    const uint8_t *end = text + size;
    *length = 0;
    for (const uint8_t *line = text; line < end;) {
        const uint8_t *stop = memchr (line, '\n', (size_t) (end - line));
        stop = stop ? stop : end;
        if ((size_t) (stop - line) > prefix && !memcmp (line, name, prefix)) {
            *length = (size_t) (stop - line) - prefix;
            return line + prefix;
        }
        line = stop + 1;
    }
    return NULL;
}

static char *s_key (const uint8_t *text, size_t size, size_t number)
{
    size_t lengths[3];
    const uint8_t *package = s_field (text, size, "Package: ", &lengths[0]);
    const uint8_t *version = s_field (text, size, "Version: ", &lengths[1]);
    const uint8_t *machine = s_field (text, size, "Architecture: ", &lengths[2]);
    char key[LIMIT_KEY_BYTES - 32]; /* leaves room for a running number */
    size_t sum = lengths[0] + lengths[1] + lengths[2] + 3;
    if (package && version && machine && sum <= sizeof key)
        snprintf (key, sizeof key, "%.*s/%.*s/%.*s", (int) lengths[0], (const char *) package,
                  (int) lengths[1], (const char *) version, (int) lengths[2],
                  (const char *) machine);
    else
        snprintf (key, sizeof key, "record/%zu", number);
    return memory_string (key);
}

/*  The size of the record that begins at `text`, its last newline included; `next` is where the next one begins. */
static size_t s_cut (const uint8_t *text, size_t size, size_t *next)
{
    const uint8_t *blank = memmem (text, size, "\n\n", 2);
    size_t length = blank ? (size_t) (blank - text) + 1 : size;
    *next = length;
    while (*next < size && text[*next] == '\n')
        ++*next;
    return length;
}

static int s_by_key (const void *left, const void *right)
{
    const record_t *const *a = left;
    const record_t *const *b = right;
    int order = strcmp ((*a)->key, (*b)->key);
    /* Records stand in one array, so their addresses are the order of the input. */
    return order ? order : (*a > *b) - (*a < *b);
}

/*  Gives the second record of a key the key KEY#2, and so on. */
static void s_make_unique (records_t *self)
{
    record_t **sorted = memory_new (self->count, sizeof *sorted);
    for (size_t i = 0; i < self->count; i++)
        sorted[i] = &self->items[i];
    qsort (sorted, self->count, sizeof *sorted, s_by_key);
    const char *first = NULL; /* the key as it first came, which stays as it is */
    size_t run = 1;
    for (size_t i = 0; i < self->count; i++) {
        char *key = sorted[i]->key;
        run = first && !strcmp (first, key) ? run + 1 : 1;
        if (run == 1) {
            first = key;
            continue;
        }
        size_t size = strlen (key) + 24;
        char *numbered = memory_new (size, 1);
        snprintf (numbered, size, "%s#%zu", key, run);
        free (key);
        sorted[i]->key = numbered;
    }
    free (sorted);
}

int records_read (records_t *self, const tour_t *tour)
{
    *self = (records_t){0};
    size_t size = 0;
    if (tour->file ? s_read_file (tour->file, &self->text, &size) : s_read_apt (&self->text, &size))
        return -1;
    size_t next = 0;
    for (size_t at = 0; at < size && (!tour->limit || self->count < tour->limit); at += next) {
        const uint8_t *text = self->text + at;
        size_t length = s_cut (text, size - at, &next);
        if (*text == '\n')
            continue; /* blank lines at the very beginning */
        if (length > RECORDS_VALUE_BYTES) {
            tour_complain ("record %zu has %zu bytes, and a node takes values of at most %zu",
                           self->count + 1, length, RECORDS_VALUE_BYTES);
            return -1;
        }
        if (self->count % 1024 == 0)
            self->items = memory_resize (self->items, self->count + 1024, sizeof *self->items);
        self->items[self->count] =
            (record_t){.key = s_key (text, length, self->count + 1), .value = text, .size = length};
        self->bytes += length;
        self->count++;
    }
    if (!self->count) {
        tour_complain ("there are no records in the input");
        return -1;
    }
    s_make_unique (self);
    return 0;
}

void records_clear (records_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        free (self->items[i].key);
    free (self->items);
    free (self->text);
    *self = (records_t){0};
}
