/*  tour_progress.h - how far it is: a bar where standard error is a terminal, else a line every few seconds. */
#ifndef CARTWHEEL_TOUR_PROGRESS_H
#define CARTWHEEL_TOUR_PROGRESS_H

#include "tour.h"

typedef struct {
    const char *title;
    size_t total;
    bool terminal;
    uint64_t began_us;
    uint64_t shown_us;
} progress_t;

void progress_begin (progress_t *self, const char *title, size_t total);
/*  Shows it again if it is time to. */
void progress_show (progress_t *self, size_t done);
/*  Ends the line, so that other words may follow; progress_show may be called again. */
void progress_break (const progress_t *self);

#endif
