/*  notation.h - for tests: MessagePack from a readable text, right or wrong MessagePack alike.
 *
 *      nil true false 12 -3 1.5 'str' b'bin' [1 2] {'name' 1}    values, in any order, separated by blanks
 *      'x'*300 b'x'*16                                           a text that is repeated
 *      h'dd0fffffff'                                             bytes as they are, however broken
 */
#ifndef CARTWHEEL_TESTS_NOTATION_H
#define CARTWHEEL_TESTS_NOTATION_H

#include <criterion/criterion.h>
#include <msgpack.h>
#include <stdlib.h>
#include <string.h>

#include "messages/bytes.h"

#define NOTATION_BYTES (64u * 1024 * 1024)

static inline int notation_write (void *buffer, const char *data, size_t size)
{
    return buffer_append (buffer, data, size);
}

/*  A quoted text at `text`, with its repetition; returns what follows it. */
static inline const char *notation_quoted (const char *text, buffer_t *run)
{
    const char *end = strchr (text + 1, '\'');
    cr_assert_not_null (end, "no end of %s", text);
    size_t times = 1;
    char *next = (char *) end + 1;
    if (*next == '*')
        times = strtoul (next + 1, &next, 10);
    for (size_t i = 0; i < times; i++)
        buffer_append (run, text + 1, (size_t) (end - text - 1));
    return next;
}

static inline void notation_hex (bytes_t digits, buffer_t *buffer)
{
    for (size_t i = 0; i + 1 < digits.size; i += 2) {
        char pair[3] = {(char) digits.data[i], (char) digits.data[i + 1], '\0'};
        uint8_t byte = (uint8_t) strtoul (pair, NULL, 16);
        buffer_append (buffer, &byte, 1);
    }
}

static inline const char *notation_run (const char *text, msgpack_packer *packer, buffer_t *buffer)
{
    char kind = *text == '\'' ? 's' : *text;
    buffer_t run;
    buffer_init (&run, NOTATION_BYTES);
    const char *next = notation_quoted (*text == '\'' ? text : text + 1, &run);
    bytes_t view = buffer_view (&run);
    if (kind == 'h')
        notation_hex (view, buffer);
    else if (kind == 's')
        msgpack_pack_str_with_body (packer, view.data, view.size);
    else
        msgpack_pack_bin_with_body (packer, view.data, view.size);
    buffer_clear (&run);
    return next;
}

static inline const char *notation_number (const char *text, msgpack_packer *packer)
{
    char *next;
    size_t length = strspn (text, "+-.0123456789e");
    cr_assert_gt (length, 0, "cannot read %s", text);
    if (memchr (text, '.', length) != NULL || memchr (text, 'e', length) != NULL)
        msgpack_pack_double (packer, strtod (text, &next));
    else if (*text == '-')
        msgpack_pack_int64 (packer, strtoll (text, &next, 10));
    else
        msgpack_pack_uint64 (packer, strtoull (text, &next, 10));
    return next;
}

static inline const char *notation_values (const char *text, buffer_t *buffer, size_t *count);

static inline const char *notation_container (const char *text, msgpack_packer *packer,
                                              buffer_t *buffer)
{
    buffer_t inside;
    buffer_init (&inside, NOTATION_BYTES);
    size_t count = 0;
    const char *next = notation_values (text + 1, &inside, &count);
    if (*text == '[')
        msgpack_pack_array (packer, count);
    else
        msgpack_pack_map (packer, count / 2);
    buffer_append (buffer, inside.data, inside.size);
    buffer_clear (&inside);
    return next + 1;
}

static inline const char *notation_word (const char *text, msgpack_packer *packer)
{
    if (strncmp (text, "nil", 3) == 0) {
        msgpack_pack_nil (packer);
        return text + 3;
    }
    if (strncmp (text, "true", 4) == 0) {
        msgpack_pack_true (packer);
        return text + 4;
    }
    cr_assert_eq (strncmp (text, "false", 5), 0, "cannot read %s", text);
    msgpack_pack_false (packer);
    return text + 5;
}

/*  Values up to a closing bracket or the end. */
static inline const char *notation_values (const char *text, buffer_t *buffer, size_t *count)
{
    msgpack_packer packer;
    msgpack_packer_init (&packer, buffer, notation_write);
    for (*count = 0;; (*count)++) {
        text += strspn (text, " ");
        if (*text == '\0' || *text == ']' || *text == '}')
            return text;
        if (*text == '[' || *text == '{')
            text = notation_container (text, &packer, buffer);
        else if (*text == '\'' || ((*text == 'b' || *text == 'h') && text[1] == '\''))
            text = notation_run (text, &packer, buffer);
        else if (strchr ("ntf", *text) != NULL)
            text = notation_word (text, &packer);
        else
            text = notation_number (text, &packer);
    }
}

/*  The bytes that a text stands for, on the heap with exactly their size; clear them. */
static inline bytes_t notation (const char *text)
{
    buffer_t buffer;
    buffer_init (&buffer, NOTATION_BYTES);
    size_t count;
    notation_values (text, &buffer, &count);
    bytes_t bytes = bytes_copy (buffer.data, buffer.size);
    buffer_clear (&buffer);
    return bytes;
}

#endif
