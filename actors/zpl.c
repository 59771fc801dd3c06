/*  zpl.c - reads ZPL a line at a time; see zpl.h. */
#include "zpl.h"

#include <string.h>

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789$-_@.&+/"
#define SPACES " \t\r\v\f" /* what zconfig skips; all but the first are mistakes outside comments */

#define MISTAKE_LENGTH "the line has more than 1023 bytes; make it shorter"
#define MISTAKE_NUL "the line has a NUL byte; save the file as plain text"
#define MISTAKE_MARK "the file begins with a byte-order mark; save it as UTF-8 without one"
#define MISTAKE_TAB "the line has a tab; write spaces, four for each level"
#define MISTAKE_CONTROL "the line has a control byte; save the file as plain text"
#define MISTAKE_INDENT "the indentation is not a multiple of four; indent by four spaces a level"
#define MISTAKE_DEPTH                                                               \
    "the line is indented deeper than the one above allows; indent a name by four " \
    "spaces, below its section"
#define MISTAKE_NAME                                                               \
    "the line does not begin with a name; write a section, or `name = value`, or " \
    "begin a comment with `#`"
#define MISTAKE_SLASH "the name begins or ends with `/`; leave the `/` out"
#define MISTAKE_EQUALS                                                      \
    "something stands behind the name; write `name = value`, names having " \
    "letters, digits and $-_@.&+/"
#define MISTAKE_QUOTE "the quote does not end; close it on the same line"
#define MISTAKE_BEHIND "something stands behind the closing quote; only a comment may, after `#`"
#define MISTAKE_COMMENT                                                          \
    "a comment stands where the value should be; write `name = value  # note`, " \
    "or quote a value that begins with `#`"

void zpl_init (zpl_t *self, const void *text, size_t size)
{
    *self = (zpl_t){.text = text, .size = size};
}

static void s_mistake (zpl_line_t *line, const char *sentence)
{
    if (line->mistakes_count < ZPL_MISTAKES_COUNT)
        line->mistakes[line->mistakes_count++] = sentence;
}

/*  Copies the next line, as far as it can be used, into `text` with its end trimmed; false at the end. */
static bool s_take (zpl_t *self, zpl_line_t *line, char *text)
{
    if (self->at >= self->size)
        return false;
    const char *from = self->text + self->at;
    const char *newline = memchr (from, '\n', self->size - self->at);
    size_t size = newline ? (size_t) (newline - from) : self->size - self->at;
    self->at += size + (newline ? 1 : 0);
    *line = (zpl_line_t){.number = ++self->number, .usable = true};

    if (line->number == 1 && size >= 3 && memcmp (from, "\xef\xbb\xbf", 3) == 0) {
        s_mistake (line, MISTAKE_MARK);
        from += 3;
        size -= 3;
    }
    if (size > LIMIT_CONFIG_LINE_BYTES) {
        s_mistake (line, MISTAKE_LENGTH);
        line->usable = false;
        size = LIMIT_CONFIG_LINE_BYTES;
    }
    const char *nul = memchr (from, '\0', size);
    if (nul) {
        s_mistake (line, MISTAKE_NUL);
        line->usable = false;
        size = (size_t) (nul - from);
    }
    while (size > 0 && (from[size - 1] == '\r' || from[size - 1] == ' '))
        size--;
    memcpy (text, from, size);
    text[size] = '\0';
    return true;
}

/*  The end of the text without spaces behind it. */
static void s_trim (char *text)
{
    size_t size = strlen (text);
    while (size > 0 && strchr (SPACES, text[size - 1]))
        text[--size] = '\0';
}

/*  Reads the name at `at`; returns where it ends. */
static char *s_name (zpl_line_t *line, char *at)
{
    size_t size = strspn (at, NAME_CHARACTERS);
    memcpy (line->name, at, size);
    line->name[size] = '\0';
    if (size == 0)
        s_mistake (line, MISTAKE_NAME);
    else if (line->name[0] == '/' || line->name[size - 1] == '/') {
        s_mistake (line, MISTAKE_SLASH);
        line->name[0] = '\0';
    }
    return at + size;
}

/*  Reads a value in quotes that begins at `at`; returns where a comment begins, or the end of the line. */
static char *s_quoted (zpl_line_t *line, char *at)
{
    char *end = strchr (at + 1, *at);
    if (!end) {
        s_mistake (line, MISTAKE_QUOTE);
        line->usable = false;
        return at + strlen (at);
    }
    memcpy (line->value, at + 1, (size_t) (end - at - 1));
    at = end + 1;
    at += strspn (at, SPACES);
    if (*at && *at != '#') {
        s_mistake (line, MISTAKE_BEHIND);
        line->usable = false;
        return at + strcspn (at, "#");
    }
    return at;
}

/*  Reads what stands behind a name; returns where a comment begins, or the end of the line. */
static char *s_value (zpl_line_t *line, char *at)
{
    at += strspn (at, SPACES);
    if (*at != '=') {
        if (*at && *at != '#') {
            s_mistake (line, MISTAKE_EQUALS);
            line->usable = false;
        }
        return at + strcspn (at, "#");
    }
    line->assigned = true;
    at++;
    at += strspn (at, SPACES);
    if (*at == '"' || *at == '\'')
        return s_quoted (line, at);
    size_t size = strcspn (at, "#");
    if (size == 0 && *at == '#') {
        s_mistake (line, MISTAKE_COMMENT);
        line->usable = false;
    }
    memcpy (line->value, at, size);
    line->value[size] = '\0';
    s_trim (line->value);
    return at + size;
}

/*  Looks for bytes that ZPL does not have in the line up to its comment, and in the value. */
static void s_check_bytes (zpl_line_t *line, const char *text, const char *comment)
{
    bool tab = false, control = false;
    for (const char *at = text; at < comment; at++) {
        tab = tab || *at == '\t';
        control = control || (*at > 0 && *at < ' ' && *at != '\t') || *at == 0x7f;
    }
    if (tab)
        s_mistake (line, MISTAKE_TAB);
    if (control)
        s_mistake (line, MISTAKE_CONTROL);
    for (const char *at = line->value; *at; at++)
        if ((*at > 0 && *at < ' ') || *at == 0x7f)
            line->usable = false;
}

/*  The level of a line that `indent` leads; a guess, and a mistake, where that is not whole levels of spaces. */
static void s_level (zpl_t *self, zpl_line_t *line, const char *text, size_t indent)
{
    if (strcspn (text, "\t") < indent) /* s_check_bytes says so */
        line->level = 1;
    else if (indent % 4 != 0) {
        s_mistake (line, MISTAKE_INDENT);
        line->level = 1;
    } else
        line->level = (unsigned) (indent / 4);
    if (line->level > self->depth && text[indent] != '#') {
        if (indent % 4 == 0)
            s_mistake (line, MISTAKE_DEPTH);
        line->level = self->depth > 0 ? 1 : line->level;
    }
}

bool zpl_next (zpl_t *self, zpl_line_t *line)
{
    char text[LIMIT_CONFIG_LINE_BYTES + 1] = "";
    while (s_take (self, line, text)) {
        size_t indent = strspn (text, " \t");
        char *comment = text + indent;
        if (*comment)
            s_level (self, line, text, indent);
        if (*comment && *comment != '#') {
            comment = s_name (line, comment);
            if (line->name[0])
                comment = s_value (line, comment);
            else
                line->usable = false;
            if (line->name[0])
                self->depth = line->level + 1;
        }
        s_check_bytes (line, text, comment);
        if (line->name[0] || line->mistakes_count > 0)
            return true;
    }
    return false;
}
