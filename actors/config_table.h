/*  config_table.h - every name that a configuration may have, as a row: a new setting is a new row.
 *
 *  A row says what kind of value it takes, its bounds, its default in the words of the file, and where in config_t it
 *  goes. config_value.c reads a value by its row; what concerns more than one row is config.c's.
 */
#ifndef CARTWHEEL_CONFIG_TABLE_H
#define CARTWHEEL_CONFIG_TABLE_H

#include "config.h"

typedef enum {
    VALUE_TEXT,      /* char [LIMIT_NAME_BYTES + 1] */
    VALUE_PATH,      /* char [LIMIT_PATH_BYTES + 1], made relative to the current folder */
    VALUE_LISTEN,    /* char [LIMIT_ENDPOINT_BYTES + 1], a numeric address */
    VALUE_ADVERTISE, /* char [LIMIT_ENDPOINT_BYTES + 1], a name or an address */
    VALUE_SEEDS,     /* char [LIMIT_SEEDS_COUNT][LIMIT_ENDPOINT_BYTES + 1] */
    VALUE_NUMBER,    /* an unsigned integer of 1 to 8 bytes */
    VALUE_SIZE,      /* likewise, in bytes; written with KB, MB, GB */
    VALUE_WEIGHT,    /* double; least and most are hundredths */
    VALUE_CHOICE     /* a bool or an enum: the number of the word in `choices` */
} value_kind_t;

typedef struct {
    const char *section;
    const char *name;
    value_kind_t kind;
    bool required;
    bool doubling; /* only powers of two */
    const char
        *initial; /* the default as it would be written; "" also lets it be empty; NULL: none */
    const char *choices; /* words with a space between them */
    const char *unit;    /* behind a number, or NULL */
    const char *example; /* of an endpoint, and of what is required */
    uint64_t least;
    uint64_t most;
    size_t offset; /* in config_t */
    size_t size;
} config_row_t;

#define CONFIG_ROWS_MAXIMUM 64u
#define CONFIG_SECTIONS_MAXIMUM 16u

/*  Rows count from 0 in the order of docs/protocol.md, as do sections. */
size_t config_rows (void);
const config_row_t *config_row (size_t row);
size_t config_sections (void);
const char *config_section (size_t section);

/*  The number of the row or section; config_rows () or config_sections () where there is none. */
size_t config_find (const char *section, const char *name);
size_t config_find_section (const char *section);
/*  The row that `name` of `section` (of any, as "section/name", where `section` is NULL) is a slip of the pen for; as
 *  config_find where nothing is near enough. */
size_t config_guess (const char *section, const char *name);
size_t config_guess_section (const char *section);

#endif
