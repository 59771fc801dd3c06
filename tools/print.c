/*  print.c - see print.h. */
#include "print.h"

#include <assert.h>
#include <inttypes.h>
#include <msgpack.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "messages/limits.h"
#include "messages/memory.h"
#include "messages/skim.h"

#define PRINT_GAP 2u

static bool s_plain (uint8_t byte, bool exact)
{
    return byte >= 0x20 && byte < 0x7f && !(exact && byte == '\\');
}

char *print_text (bytes_t run, bool exact)
{
    static const char digits[] = "0123456789abcdef";
    char *text = memory_new (run.size + 1, 4);
    char *at = text;
    for (size_t i = 0; i < run.size; i++) {
        uint8_t byte = run.data[i];
        if (s_plain (byte, exact))
            *at++ = (char) byte;
        else {
            *at++ = '\\';
            *at++ = 'x';
            *at++ = digits[byte >> 4];
            *at++ = digits[byte & 15];
        }
    }
    *at = 0;
    return text;
}

void print_escaped (FILE *file, bytes_t run, bool exact)
{
    char *text = print_text (run, exact);
    fputs (text, file);
    free (text);
}

char *print_format (const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start (arguments, format);
    int size = vsnprintf (NULL, 0, format, arguments);
    va_end (arguments);
    assert (size >= 0);
    text = memory_new ((size_t) size + 1, 1);
    va_start (arguments, format);
    vsnprintf (text, (size_t) size + 1, format, arguments);
    va_end (arguments);
    return text;
}

/* ---- tables ---- */

void table_init (table_t *self, const char *const *titles)
{
    *self = (table_t){0};
    while (titles[self->columns])
        self->columns++;
    for (size_t i = 0; i < self->columns; i++)
        table_add (self, memory_string (titles[i]));
}

void table_add (table_t *self, char *cell)
{
    if (self->count % 64 == 0)
        self->cells = memory_resize (self->cells, self->count + 64, sizeof *self->cells);
    self->cells[self->count++] = cell;
}

void table_clear (table_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        free (self->cells[i]);
    free (self->cells);
    *self = (table_t){0};
}

static size_t s_width (const table_t *self, size_t column)
{
    size_t width = 0;
    for (size_t i = column; i < self->count; i += self->columns) {
        const char *cell = self->cells[i];
        size_t size = strlen (cell) - (i < self->columns && *cell == '>');
        width = size > width ? size : width;
    }
    return width;
}

void table_print (const table_t *self, FILE *file)
{
    if (self->columns == 0)
        return;
    size_t *widths = memory_new (self->columns, sizeof *widths);
    for (size_t i = 0; i < self->columns; i++)
        widths[i] = s_width (self, i);
    for (size_t i = 0; i < self->count; i++) {
        size_t column = i % self->columns;
        bool right = *self->cells[column] == '>';
        bool last = column + 1 == self->columns || i + 1 == self->count;
        const char *cell = self->cells[i] + (i < self->columns && right);
        int width = (int) widths[column];
        if (right)
            fprintf (file, "%*s", width, cell);
        else
            fprintf (file, "%-*s", last ? 0 : width, cell);
        fprintf (file, last ? "\n" : "%*s", (int) PRINT_GAP, "");
    }
    free (widths);
}

/* ---- JSON ---- */

static json_t *s_json_text (const void *data, size_t size)
{
    char *text = print_text (bytes_view (data, size), true);
    json_t *json = json_string (text);
    free (text);
    return json;
}

static json_t *s_json (const msgpack_object *object);

static json_t *s_json_map (const msgpack_object_map *map)
{
    json_t *json = json_object ();
    for (uint32_t i = 0; i < map->size; i++) {
        const msgpack_object *key = &map->ptr[i].key;
        /* What the contract calls a map has names; another key has no place in JSON. */
        if (key->type != MSGPACK_OBJECT_STR)
            continue;
        char *name = print_text (bytes_view (key->via.str.ptr, key->via.str.size), true);
        json_object_set_new (json, name, s_json (&map->ptr[i].val));
        free (name);
    }
    return json;
}

static json_t *s_json_array (const msgpack_object_array *array)
{
    json_t *json = json_array ();
    for (uint32_t i = 0; i < array->size; i++)
        json_array_append_new (json, s_json (&array->ptr[i]));
    return json;
}

/*  Recursion is bounded: skim_check refuses what is nested deeper than LIMIT_NESTING_DEPTH. */
static json_t *s_json (const msgpack_object *object)
{
    switch (object->type) {
    case MSGPACK_OBJECT_BOOLEAN: return json_boolean (object->via.boolean);
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        if (object->via.u64 > INT64_MAX)
            return json_real ((double) object->via.u64);
        return json_integer ((json_int_t) object->via.u64);
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: return json_integer (object->via.i64);
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64: {
        /* jansson has no number for what is none. */
        json_t *real = json_real (object->via.f64);
        return real ? real : json_null ();
    }
    case MSGPACK_OBJECT_STR: return s_json_text (object->via.str.ptr, object->via.str.size);
    case MSGPACK_OBJECT_BIN: return s_json_text (object->via.bin.ptr, object->via.bin.size);
    case MSGPACK_OBJECT_ARRAY: return s_json_array (&object->via.array);
    case MSGPACK_OBJECT_MAP: return s_json_map (&object->via.map);
    case MSGPACK_OBJECT_NIL:
    case MSGPACK_OBJECT_EXT: return json_null ();
    }
    return json_null ();
}

json_t *print_json (bytes_t value)
{
    assert (!skim_check (value, LIMIT_NESTING_DEPTH, LIMIT_FRAME_ITEMS));
    msgpack_unpacked unpacked;
    msgpack_unpacked_init (&unpacked);
    json_t *json = NULL;
    if (msgpack_unpack_next (&unpacked, (const char *) value.data, value.size, NULL) ==
        MSGPACK_UNPACK_SUCCESS)
        json = s_json (&unpacked.data);
    msgpack_unpacked_destroy (&unpacked);
    return json ? json : json_null ();
}

void print_json_line (json_t *document, FILE *file, size_t indent)
{
    json_dumpf (document, file, JSON_INDENT (indent) | JSON_REAL_PRECISION (10));
    fputc ('\n', file);
    json_decref (document);
}

void print_json_reply (bytes_t reply, const char *health)
{
    json_t *document = print_json (reply);
    json_object_del (document, "id");
    if (health)
        json_object_set_new (document, "health", json_string (health));
    print_json_line (document, stdout, 2);
}
