/*  log.c - see log.h. */
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

void log_init (log_t *self, const char *node, level_t level)
{
    snprintf (self->node, sizeof self->node, "%s", node);
    self->level = level;
    self->fd = STDERR_FILENO;
}

bool log_says (const log_t *self, level_t level)
{
    return level <= self->level;
}

/*  Keeps UTF-8 as it is; a line stays one line. */
static void s_flatten (char *text)
{
    for (; *text; text++)
        if ((unsigned char) *text < ' ' || *text == 0x7f)
            *text = ' ';
}

void log_write (const log_t *self, const char *who, level_t level, const char *text)
{
    if (!log_says (self, level))
        return;
    uint64_t wall_ms = host_wall_ms ();
    time_t seconds = (time_t) (wall_ms / 1000);
    struct tm date;
    gmtime_r (&seconds, &date);
    char stamp[32];
    strftime (stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &date);
    char line[LIMIT_SENTENCE_BYTES + LIMIT_NAME_BYTES + 128];
    snprintf (line, sizeof line - 1, "%s.%03uZ %s %s %s %.*s", stamp, (unsigned) (wall_ms % 1000),
              level_name (level), self->node, who, (int) LIMIT_SENTENCE_BYTES, text);
    s_flatten (line);
    size_t size = strlen (line);
    line[size++] = '\n';
    while (write (self->fd, line, size) < 0 && errno == EINTR)
        ; /* any other failure leaves nobody to tell */
}

bytes_t log_event (const log_t *self, level_t level, const char *text)
{
    if (level > LEVEL_NOTICE || !log_says (self, level))
        return bytes_view (NULL, 0);
    size_t size = strlen (text);
    log_event_t event = {.has = 0};
    GIVE (log_event, &event, node, bytes_text (self->node));
    GIVE (log_event, &event, time, host_wall_ms ());
    GIVE (log_event, &event, level, bytes_text (level_name (level)));
    GIVE (log_event, &event, message,
          bytes_view (text, size < LIMIT_SENTENCE_BYTES ? size : LIMIT_SENTENCE_BYTES));
    buffer_t buffer;
    buffer_init (&buffer, LIMIT_EVENT_BYTES);
    codec_encode (&log_event_schema, &event, &buffer); /* cannot pass the maximum */
    return buffer_take (&buffer);
}
