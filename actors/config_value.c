/*  config_value.c - reads one value of a configuration by its row; see config_value.h. */
#include "config_value.h"
#include "endpoint.h"
#include "mistakes.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define DIGITS "0123456789"
#define SIZE_BYTES 24u /* "18446744073709551615" and a unit */

/*  What a reader says of a value that it refuses, to go behind the value in quotes; NULL: it was taken. */
typedef const char *wrong_t;

/*  A size as the file would have it: in the largest unit that divides it. */
static char *s_print_size (uint64_t bytes, char *out)
{
    static const char *const units[] = {"", "KB", "MB", "GB"};
    size_t unit = 0;
    while (unit < 3 && bytes > 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        unit++;
    }
    snprintf (out, SIZE_BYTES, "%llu%s", (unsigned long long) bytes, units[unit]);
    return out;
}

/*  "auto or manual" */
static void s_right_choice (const config_row_t *row, char *right)
{
    size_t size = 0;
    for (const char *at = row->choices; *at;) {
        size_t word = strcspn (at, " ");
        const char *rest = at + word + strspn (at + word, " ");
        const char *between = size == 0 ? "" : *rest ? ", " : " or ";
        size += (size_t) snprintf (right + size, LIMIT_SENTENCE_BYTES - size, "%s%.*s", between,
                                   (int) word, at);
        at = rest;
    }
}

char *config_value_right (const config_row_t *row, char *right)
{
    const char *what = row->doubling ? "a power of two" : NULL;
    char least[SIZE_BYTES], most[SIZE_BYTES];
    switch (row->kind) {
    case VALUE_TEXT:
        snprintf (right, LIMIT_SENTENCE_BYTES, "a name of at most %u bytes in UTF-8",
                  LIMIT_NAME_BYTES);
        break;
    case VALUE_PATH:
        snprintf (right, LIMIT_SENTENCE_BYTES, "a path, absolute or relative to the file's folder");
        break;
    case VALUE_LISTEN:
        snprintf (right, LIMIT_SENTENCE_BYTES, "an address and a port of this machine, such as %s",
                  row->example);
        break;
    case VALUE_ADVERTISE:
        snprintf (right, LIMIT_SENTENCE_BYTES,
                  "what other machines can connect to, such as %s, or no such line where that is "
                  "listen/%s",
                  row->example, row->name);
        break;
    case VALUE_SEEDS:
        snprintf (right, LIMIT_SENTENCE_BYTES,
                  "gossip endpoints with a space between them, such as %s", row->example);
        break;
    case VALUE_NUMBER:
        snprintf (right, LIMIT_SENTENCE_BYTES, "%s from %llu to %llu%s%s",
                  what ? what : "a whole number", (unsigned long long) row->least,
                  (unsigned long long) row->most, row->unit ? " " : "", row->unit ? row->unit : "");
        break;
    case VALUE_SIZE:
        snprintf (right, LIMIT_SENTENCE_BYTES,
                  "%s from %s to %s, in bytes or with KB, MB or GB right "
                  "behind the number",
                  what ? what : "a size", s_print_size (row->least, least),
                  s_print_size (row->most, most));
        break;
    case VALUE_WEIGHT:
        snprintf (right, LIMIT_SENTENCE_BYTES, "a number from %llu.%02llu to %llu.%02llu",
                  (unsigned long long) row->least / 100, (unsigned long long) row->least % 100,
                  (unsigned long long) row->most / 100, (unsigned long long) row->most % 100);
        break;
    case VALUE_CHOICE: s_right_choice (row, right); break;
    }
    return right;
}

static wrong_t s_read_text (char *field, const char *value)
{
    if (strlen (value) > LIMIT_NAME_BYTES)
        return "is too long";
    for (const char *at = value; *at; at += mistakes_character (at))
        if (mistakes_character (at) == 0 || (unsigned char) *at < ' ' || *at == 0x7f)
            return "has a byte that is no text";
    memcpy (field, value, strlen (value) + 1);
    return NULL;
}

static wrong_t s_read_path (char *field, const char *value, const char *folder)
{
    if (value[0] == '/')
        folder = "";
    for (const char *at = value; *at; at++)
        if ((unsigned char) *at < ' ' || *at == 0x7f)
            return "has a control byte";
    size_t before = strlen (folder);
    if (before + strlen (value) > LIMIT_PATH_BYTES)
        return "is too long a path";
    snprintf (field, LIMIT_PATH_BYTES + 1, "%s", folder);
    snprintf (field + before, LIMIT_PATH_BYTES + 1 - before, "%s", value);
    return NULL;
}

static wrong_t s_read_endpoint (const config_row_t *row, char *field, const char *value)
{
    endpoint_t endpoint;
    wrong_t wrong = endpoint_parse (value, &endpoint);
    if (!wrong && row->kind == VALUE_LISTEN && endpoint.kind == HOST_NAME)
        wrong = "has a name, and only a numeric address can be bound";
    if (!wrong && row->kind != VALUE_LISTEN && endpoint_wildcard (&endpoint))
        wrong = "is a wildcard, which nobody can connect to";
    if (!wrong)
        memcpy (field, value, strlen (value) + 1);
    return wrong;
}

/*  `bad` gets the seed that is wrong; it has LIMIT_CONFIG_LINE_BYTES + 1. */
static wrong_t s_read_seeds (const config_row_t *row, config_t *config, const char *value,
                             char *bad)
{
    memset (config->seeds, 0, sizeof config->seeds);
    size_t count = 0;
    for (const char *at = value + strspn (value, " "); *at; at += strspn (at, " ")) {
        size_t size = strcspn (at, " ");
        snprintf (bad, LIMIT_CONFIG_LINE_BYTES + 1, "%.*s", (int) size, at);
        at += size;
        if (count == LIMIT_SEEDS_COUNT)
            return "is more than the 64 seeds that there may be";
        wrong_t wrong = s_read_endpoint (row, config->seeds[count], bad);
        if (wrong)
            return wrong;
        endpoint_t mine, other;
        endpoint_parse (bad, &mine);
        for (size_t i = 0; i < count; i++)
            if (!endpoint_parse (config->seeds[i], &other) && endpoint_same (&mine, &other))
                return "is there twice";
        count++;
    }
    return NULL;
}

/*  Stores an integer in a field of 1, 2, 4 or 8 bytes. */
static void s_store (void *field, size_t size, uint64_t number)
{
    uint8_t one = (uint8_t) number;
    uint16_t two = (uint16_t) number;
    uint32_t four = (uint32_t) number;
    switch (size) {
    case sizeof one: memcpy (field, &one, size); break;
    case sizeof two: memcpy (field, &two, size); break;
    case sizeof four: memcpy (field, &four, size); break;
    default: assert (size == sizeof number); memcpy (field, &number, size);
    }
}

static unsigned s_unit_shift (const char *unit)
{
    if (strcmp (unit, "KB") == 0)
        return 10;
    if (strcmp (unit, "MB") == 0)
        return 20;
    return strcmp (unit, "GB") == 0 ? 30 : 0;
}

static wrong_t s_read_number (const config_row_t *row, void *field, const char *value)
{
    size_t digits = strspn (value, DIGITS);
    const char *unit = value + digits;
    bool sized = row->kind == VALUE_SIZE;
    unsigned shift = sized ? s_unit_shift (unit) : 0;
    if (digits == 0 || (*unit && shift == 0))
        return sized ? "is not a size" : "is not a whole number";
    uint64_t number = 0;
    for (size_t i = 0; i < digits; i++) {
        if (number > row->most)
            return "is too large";
        number = number * 10 + (uint64_t) (value[i] - '0');
    }
    if (number > row->most >> shift)
        return "is too large";
    number <<= shift;
    if (number < row->least)
        return "is too small";
    if (row->doubling && (number & (number - 1)) != 0)
        return "is not a power of two";
    s_store (field, row->size, number);
    return NULL;
}

/*  Digits, and perhaps a point and more digits. Not strtod, which knows locales, exponents and infinities. */
static wrong_t s_read_weight (const config_row_t *row, double *field, const char *value)
{
    size_t whole = strspn (value, DIGITS);
    size_t part = value[whole] == '.' ? strspn (value + whole + 1, DIGITS) : 0;
    bool point = value[whole] == '.';
    if (whole == 0 || (point && part == 0) || value[whole + (point ? 1 : 0) + part] != '\0')
        return "is not a number";
    if (whole + part > 12)
        return "has too many digits";
    uint64_t number = 0, scale = 1;
    for (const char *at = value; *at; at++) {
        if (*at == '.')
            continue;
        number = number * 10 + (uint64_t) (*at - '0');
        if (at > value + whole)
            scale *= 10;
    }
    if (number * 100 < row->least * scale)
        return "is too small";
    if (number * 100 > row->most * scale)
        return "is too large";
    *field = (double) number / (double) scale;
    return NULL;
}

static wrong_t s_read_choice (const config_row_t *row, void *field, const char *value)
{
    size_t size = strlen (value), number = 0;
    for (const char *at = row->choices; *at; number++) {
        size_t word = strcspn (at, " ");
        if (word == size && memcmp (at, value, size) == 0) {
            s_store (field, row->size, number);
            return NULL;
        }
        at += word + strspn (at + word, " ");
    }
    return "is not known here";
}

bool config_value_read (config_t *config, const config_row_t *row, const char *value,
                        const char *folder, char *why)
{
    char right[LIMIT_SENTENCE_BYTES], quoted[MISTAKES_QUOTE_BYTES],
        bad[LIMIT_CONFIG_LINE_BYTES + 1];
    void *field = (char *) config + row->offset;
    const char *shown = value;
    wrong_t wrong = NULL;
    if (value[0] == '\0' && !(row->initial && row->initial[0] == '\0')) {
        snprintf (why, LIMIT_SENTENCE_BYTES, "the value is empty; write %s",
                  config_value_right (row, right));
        return false;
    }
    switch (row->kind) {
    case VALUE_TEXT: wrong = s_read_text (field, value); break;
    case VALUE_PATH: wrong = s_read_path (field, value, folder); break;
    case VALUE_LISTEN:
        if (value[0])
            wrong = s_read_endpoint (row, field, value);
        else
            memset (field, 0, row->size);
        break;
    case VALUE_ADVERTISE: wrong = s_read_endpoint (row, field, value); break;
    case VALUE_SEEDS:
        wrong = s_read_seeds (row, config, value, bad);
        shown = bad;
        break;
    case VALUE_NUMBER:
    case VALUE_SIZE: wrong = s_read_number (row, field, value); break;
    case VALUE_WEIGHT: wrong = s_read_weight (row, field, value); break;
    case VALUE_CHOICE: wrong = s_read_choice (row, field, value); break;
    }
    if (wrong)
        snprintf (why, LIMIT_SENTENCE_BYTES, "`%s` %s; write %s", mistakes_quote (shown, quoted),
                  wrong, config_value_right (row, right));
    return !wrong;
}
