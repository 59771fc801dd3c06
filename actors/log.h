/*  log.h - one line on standard error for what an operator should know.
 *
 *      2026-03-01T12:00:00.123Z notice node1 replica the message
 *
 *  A line is one write (2), so that lines of several threads and processes never mix. What stands in it may have come
 *  from a socket, so control characters are replaced. A log never changes after log_init: all threads read it.
 */
#ifndef CARTWHEEL_LOG_H
#define CARTWHEEL_LOG_H

#include "../core/effects.h"

typedef struct {
    char node[LIMIT_NAME_BYTES + 1];
    level_t level; /* what is less urgent than this is not written */
    int fd;        /* standard error, but for tests */
} log_t;

void log_init (log_t *self, const char *node, level_t level);

/*  Whether the log says lines of this level at all. */
bool log_says (const log_t *self, level_t level);
/*  Writes the line if its level is wanted. `who` is a role, or "main". */
void log_write (const log_t *self, const char *who, level_t level, const char *text);

/*  The line as an event of topic `log` on the monitor stream; the caller owns it. Empty when the stream does not
 *  carry lines of this level (it does at notice and above, if the log says them). */
bytes_t log_event (const log_t *self, level_t level, const char *text);

#endif
