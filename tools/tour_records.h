/*  tour_records.h - the input: the machine's Debian package index, record by record.
 *
 *  Some 60,000 records of about 1 KB, a few far larger, separated by blank lines, made by people for another purpose:
 *  an input that nobody here has chosen.
 */
#ifndef CARTWHEEL_TOUR_RECORDS_H
#define CARTWHEEL_TOUR_RECORDS_H

#include "tour.h"

typedef struct {
    char *key; /* owned */
    const uint8_t *value;
    size_t size;
} record_t;

typedef struct {
    record_t *items;
    size_t count;
    uint8_t *text;  /* the whole input, which the values point into; owned */
    uint64_t bytes; /* of all values */
} records_t;

/*  Reads tour->file, or what `apt-cache dumpavail` prints, at most tour->limit records. A record's key is its
 *  Package/Version/Architecture, with #2, #3 ... where one comes again. -1 after a complaint that says what to do;
 *  records_clear in both cases. */
int records_read (records_t *self, const tour_t *tour);
void records_clear (records_t *self);

#endif
