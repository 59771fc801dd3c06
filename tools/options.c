/*  options.c - see options.h. */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cartwheel.h"
#include "messages/memory.h"

typedef struct {
    const char *name;
    bool valued;
    int (*take) (options_t *self, const char *value);
} option_t;

static int s_number (const char *name, const char *value, long most, long *number)
{
    char *end = NULL;
    errno = 0;
    *number = strtol (value, &end, 10);
    if (!errno && *value && !*end && *number >= 1 && *number <= most)
        return 0;
    fprintf (stderr, "cartwheel: %s wants a whole number from 1 to %ld, not \"%s\"\n", name, most,
             value);
    return -1;
}

static int s_take_node (options_t *self, const char *value)
{
    size_t before = self->endpoints ? strlen (self->endpoints) : 0;
    size_t size = before + strlen (value) + 2;
    char *endpoints = memory_new (size, 1);
    snprintf (endpoints, size, "%s%s%s", before ? self->endpoints : "", before ? " " : "", value);
    free (self->endpoints);
    self->endpoints = endpoints;
    self->nodes_count++;
    return 0;
}

static int s_take_monitor (options_t *self, const char *value)
{
    self->monitor = value;
    return 0;
}

static int s_take_prefix (options_t *self, const char *value)
{
    self->prefix = value;
    return 0;
}

static int s_take_timeout (options_t *self, const char *value)
{
    long number;
    if (s_number ("--timeout", value, 3600000, &number))
        return -1;
    self->timeout_ms = (int) number;
    return 0;
}

static int s_take_r (options_t *self, const char *value)
{
    long number;
    if (s_number ("--r", value, 7, &number))
        return -1;
    self->r = (unsigned) number;
    return 0;
}

static int s_take_w (options_t *self, const char *value)
{
    long number;
    if (s_number ("--w", value, 7, &number))
        return -1;
    self->w = (unsigned) number;
    return 0;
}

static int s_take_strict (options_t *self, const char *value)
{
    (void) value;
    self->strict = true;
    return 0;
}

static int s_take_json (options_t *self, const char *value)
{
    (void) value;
    self->json = true;
    return 0;
}

static int s_take_help (options_t *self, const char *value)
{
    (void) value;
    self->help = true;
    return 0;
}

static int s_take_version (options_t *self, const char *value)
{
    (void) value;
    self->version = true;
    return 0;
}

static int s_refuse_curve (options_t *self, const char *value)
{
    (void) self;
    (void) value;
    fprintf (stderr,
             "cartwheel: encrypted connections (--certificate, --server-key) are not in this "
             "version; leave the option out and use a node with security/curve = no\n");
    return -1;
}

static const option_t s_options[] = {
    {"--node", true, s_take_node},
    {"--monitor", true, s_take_monitor},
    {"--prefix", true, s_take_prefix},
    {"--timeout", true, s_take_timeout},
    {"--r", true, s_take_r},
    {"--w", true, s_take_w},
    {"--strict", false, s_take_strict},
    {"--json", false, s_take_json},
    {"--help", false, s_take_help},
    {"--version", false, s_take_version},
    {"--certificate", true, s_refuse_curve},
    {"--server-key", true, s_refuse_curve},
};

static const option_t *s_find (const char *text, size_t size)
{
    for (size_t i = 0; i < sizeof s_options / sizeof s_options[0]; i++)
        if (strlen (s_options[i].name) == size && !memcmp (s_options[i].name, text, size))
            return &s_options[i];
    return NULL;
}

/*  Takes the option at argv[*index], `--name value` or `--name=value`, and moves *index to its last word. */
static int s_take_option (options_t *self, int argc, char *argv[], int *index)
{
    const char *word = argv[*index];
    const char *equals = strchr (word, '=');
    size_t size = equals ? (size_t) (equals - word) : strlen (word);
    const option_t *option = s_find (word, size);
    if (!option) {
        fprintf (
            stderr,
            "cartwheel: there is no option %.*s; see `cartwheel --help`, and put `--` before a key "
            "or value that begins with two dashes\n",
            (int) size, word);
        return -1;
    }
    if (equals && !option->valued) {
        fprintf (stderr, "cartwheel: %s takes no value\n", option->name);
        return -1;
    }
    const char *value = equals ? equals + 1 : NULL;
    if (option->valued && !value) {
        if (*index + 1 == argc) {
            fprintf (stderr, "cartwheel: %s wants a value after it\n", option->name);
            return -1;
        }
        value = argv[++*index];
    }
    return option->take (self, value);
}

int options_parse (options_t *self, int argc, char *argv[])
{
    *self = (options_t){.timeout_ms = OPTIONS_TIMEOUT_MS};
    self->arguments = memory_new ((size_t) argc, sizeof *self->arguments);
    bool ended = false;
    for (int i = 1; i < argc; i++) {
        if (!ended && !strcmp (argv[i], "--"))
            ended = true;
        else if (!ended && !strncmp (argv[i], "--", 2)) {
            if (s_take_option (self, argc, argv, &i))
                return -1;
        } else if (!self->command)
            self->command = argv[i];
        else
            self->arguments[self->count++] = argv[i];
    }
    if (!self->nodes_count) {
        const char *node = getenv ("CARTWHEEL_NODE");
        self->endpoints = memory_string (node && *node ? node : OPTIONS_NODE);
    }
    return 0;
}

void options_clear (options_t *self)
{
    free (self->endpoints);
    free (self->arguments);
    *self = (options_t){0};
}
