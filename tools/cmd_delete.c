/*  cmd_delete.c - `cartwheel delete KEY`. */
#include <string.h>

#include "command.h"

static command_exit_t s_run (const options_t *options, cw_client_t *client)
{
    const char *key = options->arguments[0];
    cw_options_t with = {.r = options->r, .w = options->w, .strict = options->strict};
    cw_result_t result = {0};
    cw_status_t status = cw_get (client, key, strlen (key), &with, &result);
    if (status == CW_OK) {
        with.context = result.context;
        status = cw_delete (client, key, strlen (key), &with, &result);
    } else if (status == CW_NOT_FOUND)
        command_say ("not_found: %s has no value, so there is nothing to delete", key);
    cw_result_clear (&result);
    if (status == CW_OK)
        return COMMAND_DONE;
    return status == CW_NOT_FOUND ? COMMAND_ABSENT : command_fail (client, status);
}

const command_t command_delete = {
    .name = "delete",
    .synopsis = "KEY",
    .summary = "Deletes what is under a key",
    .help = "Reads the key, then deletes exactly what it read: a value that somebody else writes "
            "in between stays.\n"
            "Exit status 1 if there was nothing to delete.\n"
            "\n"
            "Example:\n"
            "  cartwheel delete cart\n",
    .least = 1,
    .most = 1,
    .run = s_run,
};
