/*  zpl.h - reads ZPL, the configuration format of CZMQ, a line at a time, and goes on after a syntax error.
 *
 *  CZMQ's zconfig gives the same names and values (tests/actors/test_config.c compares the two), but it forgets line
 *  numbers and gives up at the first error. Stricter than zconfig, because each of these reads as something else than
 *  was meant: tabs, control bytes, lines over the limit (zconfig reads their rest as lines), and a comment where a
 *  value should be (`name = # note` has the value "# note" there).
 *
 *      section                  # names have letters, digits and $-_@.&+/
 *          name = a value       # four spaces a level
 *          name = "a # value"   # or in single quotes
 */
#ifndef CARTWHEEL_ZPL_H
#define CARTWHEEL_ZPL_H

#include "../messages/limits.h"

#include <stdbool.h>
#include <stddef.h>

#define ZPL_MISTAKES_COUNT 4u

typedef struct {
    unsigned number; /* of the line, from 1 */
    unsigned level;  /* 0: not indented; a guess where the indentation is wrong */
    char name[LIMIT_CONFIG_LINE_BYTES + 1];  /* empty when none can be told */
    char value[LIMIT_CONFIG_LINE_BYTES + 1]; /* without its quotes */
    bool assigned;                           /* there is an `=` */
    bool usable; /* the value is what was written, whatever is wrong beside it */
    const char *mistakes[ZPL_MISTAKES_COUNT]; /* "what is wrong; what would be right" */
    size_t mistakes_count;
} zpl_line_t;

/*  Borrows the text; all fields are the scanner's own. */
typedef struct {
    const char *text;
    size_t size;
    size_t at;
    unsigned number; /* of the line read last: after the end, the number of lines */
    unsigned depth;  /* the deepest level that the next name may have */
} zpl_t;

void zpl_init (zpl_t *self, const void *text, size_t size);

/*  The next line that has a name or a mistake; false at the end of the text. */
bool zpl_next (zpl_t *self, zpl_line_t *line);

#endif
