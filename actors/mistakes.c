/*  mistakes.c - what is wrong with a configuration; see mistakes.h. */
#include "mistakes.h"
#include "../messages/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mistakes_init (mistakes_t *self)
{
    *self = (mistakes_t){.items = memory_new (LIMIT_MISTAKES_COUNT, sizeof (mistake_t))};
}

void mistakes_clear (mistakes_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        free (self->items[i].text);
    free (self->items);
    *self = (mistakes_t){.items = NULL};
}

void mistakes_add (mistakes_t *self, place_t place, const char *subject, const char *sentence)
{
    if (self->count == LIMIT_MISTAKES_COUNT) {
        self->lost++;
        return;
    }
    char quoted[MISTAKES_QUOTE_BYTES];
    char text[LIMIT_SENTENCE_BYTES];
    snprintf (text, sizeof text, "%s: %s", mistakes_quote (subject, quoted), sentence);
    self->items[self->count] =
        (mistake_t){.place = place, .order = self->count, .text = memory_string (text)};
    self->count++;
}

/*  The file before --set, each by number, and then as they came. */
static int s_compare (const void *a, const void *b)
{
    const mistake_t *left = a, *right = b;
    if (!left->place.override != !right->place.override)
        return left->place.override ? 1 : -1;
    if (left->place.line != right->place.line)
        return left->place.line < right->place.line ? -1 : 1;
    return left->order < right->order ? -1 : 1;
}

void mistakes_print (mistakes_t *self, const char *file, buffer_t *buffer)
{
    if (self->count > 1)
        qsort (self->items, self->count, sizeof *self->items, s_compare);
    for (size_t i = 0; i < self->count; i++) {
        const mistake_t *mistake = &self->items[i];
        char quoted[MISTAKES_QUOTE_BYTES];
        if (mistake->place.override)
            buffer_print (buffer, "--set %s: %s\n",
                          mistakes_quote (mistake->place.override, quoted), mistake->text);
        else
            buffer_print (buffer, "%s:%u: %s\n", file, mistake->place.line, mistake->text);
    }
    if (self->lost > 0)
        buffer_print (buffer, "%s:1: file: %zu more mistakes are not listed; mend these first\n",
                      file, self->lost);
}

size_t mistakes_character (const char *text)
{
    const unsigned char *at = (const unsigned char *) text;
    if (at[0] < 0x80)
        return at[0] ? 1 : 0;
    size_t size = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    uint32_t code = at[0] & (0xffu >> (size + 1));
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (at[i] & 0x3fu);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    bool valid = code >= least[size] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return valid ? size : 0;
}

char *mistakes_quote (const char *text, char *out)
{
    size_t size = 0;
    const char *at = text;
    while (*at && size < MISTAKES_QUOTE_BYTES - 16) {
        size_t bytes = mistakes_character (at);
        if (bytes == 0 || (unsigned char) *at < ' ' || *at == 0x7f) {
            size += (size_t) snprintf (out + size, 5, "\\x%02x", (unsigned char) *at);
            at++;
        } else {
            memcpy (out + size, at, bytes);
            size += bytes;
            at += bytes;
        }
    }
    snprintf (out + size, MISTAKES_QUOTE_BYTES - size, "%s", *at ? "..." : "");
    return out;
}
