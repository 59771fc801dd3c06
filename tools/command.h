/*  command.h - a command of `cartwheel` is a row: its words for people, and a function.
 *
 *  Each has a file tools/cmd_NAME.c with its row; tools/cartwheel.c holds the table.
 */
#ifndef CARTWHEEL_COMMAND_H
#define CARTWHEEL_COMMAND_H

#include "client/cartwheel.h"
#include "options.h"

/*  Exit statuses, from the contract (docs/protocol.md, The command line). */
typedef enum {
    COMMAND_DONE = 0,
    COMMAND_ABSENT = 1,  /* not found */
    COMMAND_USAGE = 2,   /* wrong usage */
    COMMAND_REFUSED = 3, /* refused or unavailable; no node was reached */
    COMMAND_LATE = 4     /* timed out, or the outcome of a write is unknown */
} command_exit_t;

typedef struct {
    const char *name;
    const char *synopsis; /* what follows the name: "KEY VALUE" */
    const char *summary;  /* one line */
    const char *help;     /* lines on how it behaves, with an example; ends with a newline */
    size_t least;         /* arguments */
    size_t most;
    bool json;    /* has a form for --json */
    bool single;  /* acts on the node that it reaches, so there is one --node */
    bool offline; /* does not use the client, which is NULL then */
    command_exit_t (*run) (const options_t *options, cw_client_t *client);
} command_t;

extern const command_t command_get;
extern const command_t command_put;
extern const command_t command_delete;
extern const command_t command_keys;
extern const command_t command_inspect;
extern const command_t command_join;
extern const command_t command_status;
extern const command_t command_ring;
extern const command_t command_monitor;

/*  Says on standard error what went wrong with the client's last request, and returns the exit status for it. */
command_exit_t command_fail (const cw_client_t *client, cw_status_t status);
/*  Says a sentence on standard error, `cartwheel: ...`, with all bytes outside printable ASCII escaped. */
void command_say (const char *format, ...) __attribute__ ((format (printf, 1, 2)));
/*  For a reply that does not hold what its op promises. */
command_exit_t command_fail_reply (const char *why);

#endif
