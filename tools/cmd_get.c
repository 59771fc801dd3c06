/*  cmd_get.c - `cartwheel get KEY`. */
#include <stdio.h>
#include <string.h>

#include "command.h"

static command_exit_t s_run (const options_t *options, cw_client_t *client)
{
    const char *key = options->arguments[0];
    cw_options_t with = {.r = options->r, .strict = options->strict};
    cw_result_t result = {0};
    cw_status_t status = cw_get (client, key, strlen (key), &with, &result);
    if (status == CW_NOT_FOUND)
        command_say ("not_found: %s has no value", key);
    else if (status != CW_OK) {
        cw_result_clear (&result);
        return command_fail (client, status);
    }
    if (result.count > 1)
        command_say ("%s has %zu siblings, written concurrently; they follow one after the other. "
                     "Merge them "
                     "and put the result",
                     key, result.count);
    for (size_t i = 0; i < result.count; i++) {
        fwrite (result.values[i].data, 1, result.values[i].size, stdout);
        putchar ('\n');
    }
    cw_result_clear (&result);
    return status == CW_OK ? COMMAND_DONE : COMMAND_ABSENT;
}

const command_t command_get = {
    .name = "get",
    .synopsis = "KEY",
    .summary = "Prints the value of a key",
    .help = "Prints the value's bytes and one newline. A key that was written concurrently has "
            "siblings: they are\n"
            "printed in turn, with a note on standard error. Exit status 1 if there is no value.\n"
            "\n"
            "Example:\n"
            "  cartwheel get cart\n",
    .least = 1,
    .most = 1,
    .run = s_run,
};
