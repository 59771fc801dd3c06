/*  config_value.h - reads one value of a configuration by its row. */
#ifndef CARTWHEEL_CONFIG_VALUE_H
#define CARTWHEEL_CONFIG_VALUE_H

#include "config_table.h"

/*  Puts the value where the row says. `folder` stands before a relative path ("" or with a / at its end). False when the
 *  value is none that the row takes: `why`, of LIMIT_SENTENCE_BYTES, is then "what is wrong; what would be right". */
bool config_value_read (config_t *config, const config_row_t *row, const char *value,
                        const char *folder, char *why);

/*  "what would be right" alone, into `right` of LIMIT_SENTENCE_BYTES; returned. */
char *config_value_right (const config_row_t *row, char *right);

#endif
