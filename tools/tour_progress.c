/*  tour_progress.c - see tour_progress.h. */
#include "tour_progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_BAR_COLUMNS 30
#define PROGRESS_TERMINAL_US 100000u
#define PROGRESS_LINE_US 5000000u

void progress_begin (progress_t *self, const char *title, size_t total)
{
    uint64_t now_us = tour_now_us ();
    *self = (progress_t){.title = title,
                         .total = total,
                         .terminal = isatty (STDERR_FILENO) == 1,
                         .began_us = now_us,
                         .shown_us = now_us};
}

void progress_show (progress_t *self, size_t done)
{
    uint64_t now_us = tour_now_us ();
    bool whole = done == self->total;
    if (now_us - self->shown_us < (self->terminal ? PROGRESS_TERMINAL_US : PROGRESS_LINE_US) &&
        !(whole && self->terminal))
        return;
    self->shown_us = now_us;
    double seconds = (double) (now_us - self->began_us) / 1e6;
    double rate = seconds > 0 ? (double) done / seconds : 0;
    int percent = self->total ? (int) (100 * done / self->total) : 100;
    if (!self->terminal) {
        fprintf (stderr, "%s: %zu of %zu, %d %%, %.0f/s\n", self->title, done, self->total, percent,
                 rate);
        return;
    }
    char bar[PROGRESS_BAR_COLUMNS + 1];
    int full = percent * PROGRESS_BAR_COLUMNS / 100;
    memset (bar, '#', (size_t) full);
    memset (bar + full, '.', (size_t) (PROGRESS_BAR_COLUMNS - full));
    bar[PROGRESS_BAR_COLUMNS] = 0;
    fprintf (stderr, "\r%s [%s] %3d %% %zu, %.0f/s   ", self->title, bar, percent, done, rate);
}

void progress_break (const progress_t *self)
{
    if (self->terminal)
        fputc ('\n', stderr);
}
