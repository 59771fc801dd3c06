/*  print.h - text for a person: escaped names, aligned tables, and JSON.
 *
 *  Names and sentences come from other machines. Bytes outside printable ASCII never reach the terminal as they are,
 *  where they could move its cursor or worse.
 */
#ifndef CARTWHEEL_PRINT_H
#define CARTWHEEL_PRINT_H

#include <jansson.h>
#include <stdio.h>

#include "messages/bytes.h"

/*  Writes the bytes with those outside printable ASCII as \xNN; with `exact` a backslash too, so that the text can be
 *  turned back into the bytes. */
void print_escaped (FILE *file, bytes_t run, bool exact);
/*  The same as a string that the caller frees. */
char *print_text (bytes_t run, bool exact);
/*  As printf into a string that the caller frees. */
char *print_format (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

typedef struct {
    size_t columns;
    size_t count; /* of cells */
    char **cells; /* owned */
} table_t;

/*  Begins a table whose titles are given, NULL after the last one. A title that begins with '>' is of numbers, which
 *  stand at the right of their column. */
void table_init (table_t *self, const char *const *titles);
/*  Adds a cell and takes the string, from the heap. */
void table_add (table_t *self, char *cell);
void table_print (const table_t *self, FILE *file);
void table_clear (table_t *self);

/*  One MessagePack value, checked by skim_check, as JSON. Bytes and text become strings, exactly escaped as above. */
json_t *print_json (bytes_t value);
/*  A client's reply as one document on standard output, without the request's id; `health`, when not NULL, is added. */
void print_json_reply (bytes_t reply, const char *health);
/*  Writes the document and a newline and drops the reference. */
void print_json_line (json_t *document, FILE *file, size_t indent);

#endif
