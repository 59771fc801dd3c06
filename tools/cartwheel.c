/*  cartwheel.c - the command line of Cartwheel: finds the command, opens the client, ends with the right status.
 *
 *  The commands, their options and exit statuses are part of the contract (docs/protocol.md, The command line).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "messages/limits.h"
#include "print.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unreleased"
#endif

static const command_t *const s_commands[] = {
    &command_get,    &command_put,  &command_delete, &command_keys,    &command_inspect,
    &command_status, &command_ring, &command_join,   &command_monitor,
};
#define COMMANDS_COUNT (sizeof s_commands / sizeof s_commands[0])

/*  Part of the contract, and to come. */
static const char *const s_later[] = {
    "plan",   "leave",  "remove", "pause",    "resume", "top",      "bench",
    "export", "import", "keygen", "timeline", "backup", "simulate", "web",
};

static const char s_options_help[] =
    "Options, anywhere on the line:\n"
    "  --node ENDPOINT   a node's client endpoint; give it several times, and the next is\n"
    "                    asked when one does not answer ($CARTWHEEL_NODE, else\n"
    "                    " OPTIONS_NODE ")\n"
    "  --timeout MS      how long each request may take in all (3000)\n"
    "  --r N, --w N      replicas that have to answer a read, to store a write (the cluster's)\n"
    "  --strict          only a key's owners count toward --r and --w, no stand-ins\n"
    "  --json            one JSON document instead of a table; bytes outside printable ASCII\n"
    "                    and backslashes stand in it as \\xNN\n"
    "  --help            this text, or a command's: cartwheel get --help\n"
    "  --version         the version\n"
    "  --                ends the options: what follows may begin with two dashes\n"
    "\n"
    "Exit status: 0 done, 1 not found, 2 wrong usage, 3 refused or unavailable,\n"
    "4 timed out, or the outcome of a write is not known.\n";

void command_say (const char *format, ...)
{
    char text[2 * LIMIT_SENTENCE_BYTES];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    fputs ("cartwheel: ", stderr);
    print_escaped (stderr, bytes_text (text), false);
    fputc ('\n', stderr);
}

static command_exit_t s_exit (cw_status_t status)
{
    switch (status) {
    case CW_OK: return COMMAND_DONE;
    case CW_NOT_FOUND: return COMMAND_ABSENT;
    case CW_TIMEOUT:
    case CW_UNKNOWN: return COMMAND_LATE;
    case CW_BAD_REQUEST:
    case CW_BAD_CONTEXT:
    case CW_TOO_LARGE:
    case CW_TOO_MANY_SIBLINGS:
    case CW_UNAVAILABLE:
    case CW_OVERLOADED:
    case CW_READ_ONLY:
    case CW_FORBIDDEN:
    case CW_INTERNAL:
    case CW_NO_NODE: return COMMAND_REFUSED;
    }
    return COMMAND_REFUSED;
}

command_exit_t command_fail (const cw_client_t *client, cw_status_t status)
{
    command_say ("%s: %s", cw_status_name (status), cw_error (client));
    return s_exit (status);
}

command_exit_t command_fail_reply (const char *why)
{
    command_say ("the node's reply is malformed (%s); is its version much older or newer?", why);
    return COMMAND_REFUSED;
}

static void s_help (void)
{
    printf ("cartwheel - looks into, and writes to, a Cartwheel store\n\n"
            "Usage: cartwheel [OPTION ...] COMMAND [ARGUMENT ...]\n\nCommands:\n");
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        char *call = print_format ("%s %s", s_commands[i]->name, s_commands[i]->synopsis);
        printf ("  %-22s %s\n", call, s_commands[i]->summary);
        free (call);
    }
    printf ("\n%s\nExample:\n  cartwheel put cart 'milk, bread' && cartwheel get cart\n",
            s_options_help);
}

static void s_help_command (const command_t *command)
{
    printf ("Usage: cartwheel [OPTION ...] %s %s\n\n%s.\n\n%s\n%s", command->name,
            command->synopsis, command->summary, command->help, s_options_help);
}

static const command_t *s_find (const char *name)
{
    for (size_t i = 0; i < COMMANDS_COUNT; i++)
        if (!strcmp (s_commands[i]->name, name))
            return s_commands[i];
    return NULL;
}

static command_exit_t s_unknown (const char *name)
{
    for (size_t i = 0; i < sizeof s_later / sizeof s_later[0]; i++)
        if (!strcmp (s_later[i], name)) {
            command_say ("the command %s is not in this version", name);
            return COMMAND_USAGE;
        }
    command_say ("there is no command %s; see `cartwheel --help`", name);
    return COMMAND_USAGE;
}

/*  What does not fit the command; a sentence and COMMAND_USAGE, or COMMAND_DONE. */
static command_exit_t s_check (const command_t *command, const options_t *options)
{
    if (options->count < command->least || options->count > command->most) {
        command_say ("usage: cartwheel %s %s (a word with spaces in it wants quotes)",
                     command->name, command->synopsis);
        return COMMAND_USAGE;
    }
    if (options->json && !command->json) {
        command_say ("%s prints no table, so it has no --json", command->name);
        return COMMAND_USAGE;
    }
    if (command->single && strchr (options->endpoints, ' ')) {
        command_say ("%s acts on the one node that it reaches; give one --node", command->name);
        return COMMAND_USAGE;
    }
    if (options->prefix && command != &command_keys) {
        command_say ("--prefix belongs to the command keys");
        return COMMAND_USAGE;
    }
    if (options->monitor && command != &command_monitor) {
        command_say ("--monitor belongs to the command monitor");
        return COMMAND_USAGE;
    }
    return COMMAND_DONE;
}

static command_exit_t s_run (const command_t *command, const options_t *options)
{
    command_exit_t result = s_check (command, options);
    if (result != COMMAND_DONE)
        return result;
    cw_client_t *client = NULL;
    if (!command->offline) {
        client = cw_new (options->endpoints, options->timeout_ms);
        if (!client) {
            command_say ("\"%s\" is no endpoint; one looks like " OPTIONS_NODE, options->endpoints);
            return COMMAND_USAGE;
        }
    }
    result = command->run (options, client);
    cw_destroy (&client);
    if (fflush (stdout) || ferror (stdout)) {
        command_say ("standard output cannot be written: %s", strerror (errno));
        return COMMAND_REFUSED;
    }
    return result;
}

int main (int argc, char *argv[])
{
    options_t options;
    command_exit_t result = COMMAND_USAGE;
    if (options_parse (&options, argc, argv) == 0) {
        const command_t *command = options.command ? s_find (options.command) : NULL;
        result = COMMAND_DONE;
        if (options.version)
            printf ("cartwheel %s\n", PACKAGE_VERSION);
        else if (options.help && command)
            s_help_command (command);
        else if (options.help)
            s_help ();
        else if (!options.command) {
            command_say ("a command is missing; see `cartwheel --help`");
            result = COMMAND_USAGE;
        } else
            result = command ? s_run (command, &options) : s_unknown (options.command);
    }
    options_clear (&options);
    return (int) result;
}
