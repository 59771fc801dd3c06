/*  options.h - the command line of `cartwheel`: options anywhere, then a command and its arguments.
 *
 *  Only what begins with two dashes is an option, so that a key or a value may begin with one; `--` ends the options.
 */
#ifndef CARTWHEEL_OPTIONS_H
#define CARTWHEEL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define OPTIONS_NODE "tcp://127.0.0.1:7101"
#define OPTIONS_TIMEOUT_MS 3000

typedef struct {
    char *endpoints;     /* client endpoints, separated by spaces; owned */
    size_t nodes_count;  /* how many --node there were */
    const char *monitor; /* --monitor, or NULL */
    const char *prefix;  /* --prefix, or NULL */
    int timeout_ms;
    unsigned r; /* 0: the cluster's */
    unsigned w;
    bool strict;
    bool json;
    bool help;
    bool version;
    const char *command;    /* NULL: none was given */
    const char **arguments; /* the command's; the array is owned */
    size_t count;
} options_t;

/*  Reads the command line and $CARTWHEEL_NODE. 0, or -1 after a sentence on standard error. options_clear in both cases. */
int options_parse (options_t *self, int argc, char *argv[]);
void options_clear (options_t *self);

#endif
