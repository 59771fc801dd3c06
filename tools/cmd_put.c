/*  cmd_put.c - `cartwheel put KEY VALUE`, `cartwheel put KEY -`. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "messages/bytes.h"
#include "messages/limits.h"

/*  Standard input to its end. -1 after a sentence. */
static int s_read_input (buffer_t *buffer)
{
    char chunk[65536];
    size_t size;
    while ((size = fread (chunk, 1, sizeof chunk, stdin)) > 0)
        if (buffer_append (buffer, chunk, size)) {
            command_say (
                "too_large: standard input has more than %u bytes, which no value may have",
                LIMIT_VALUE_BYTES);
            return -1;
        }
    if (!ferror (stdin))
        return 0;
    command_say ("standard input cannot be read: %s", strerror (errno));
    return -1;
}

/*  What is there, and the context to replace it. A write is not refused because a read is: where too few owners can say
 *  what they have, one is asked, and where not even one can, nothing is known and nothing is replaced. */
static cw_status_t s_read (const options_t *options, cw_client_t *client, cw_result_t *result)
{
    const char *key = options->arguments[0];
    cw_options_t with = {.r = options->r, .strict = options->strict};
    cw_status_t status = cw_get (client, key, strlen (key), &with, result);
    bool few = status == CW_UNAVAILABLE || status == CW_TIMEOUT;
    if (!few || options->strict || options->r != 0)
        return status;
    with.r = 1;
    status = cw_get (client, key, strlen (key), &with, result);
    if (status != CW_UNAVAILABLE && status != CW_TIMEOUT)
        return status;
    cw_result_clear (result);
    command_say ("%s could not be read: the value stands beside whatever is there", key);
    return CW_NOT_FOUND;
}

/*  Writes over what is there: a put without the context of a get would stand beside it. */
static cw_status_t s_replace (const options_t *options, cw_client_t *client, bytes_t value)
{
    const char *key = options->arguments[0];
    cw_result_t result = {0};
    cw_status_t status = s_read (options, client, &result);
    size_t count = result.count;
    if (status == CW_OK || status == CW_NOT_FOUND) {
        cw_options_t with = {.w = options->w, .strict = options->strict, .context = result.context};
        status = cw_put (client, key, strlen (key), value.data ? (const void *) value.data : "",
                         value.size, &with, &result);
        if (status == CW_OK && count > 1)
            command_say ("%s had %zu siblings; this value replaces all of them", key, count);
    }
    cw_result_clear (&result);
    return status;
}

static command_exit_t s_run (const options_t *options, cw_client_t *client)
{
    buffer_t input;
    buffer_init (&input, LIMIT_VALUE_BYTES);
    bytes_t value = bytes_text (options->arguments[1]);
    if (!strcmp (options->arguments[1], "-")) {
        if (s_read_input (&input)) {
            buffer_clear (&input);
            return COMMAND_REFUSED;
        }
        value = buffer_view (&input);
    }
    cw_status_t status = s_replace (options, client, value);
    buffer_clear (&input);
    return status == CW_OK ? COMMAND_DONE : command_fail (client, status);
}

const command_t command_put = {
    .name = "put",
    .synopsis = "KEY VALUE",
    .summary = "Writes a value (`-`: from standard input)",
    .help = "Reads the key first, so that the value replaces what is there, siblings too; what "
            "somebody else writes\n"
            "in between stays beside it as a sibling. Where fewer than r owners can be read, one "
            "is asked, and where\n"
            "none can, the value is written all the same. Exit status 4 if it is not known whether "
            "it was stored.\n"
            "\n"
            "Example:\n"
            "  cartwheel put cart 'milk, bread'\n"
            "  cartwheel put photo - < photo.jpg\n",
    .least = 2,
    .most = 2,
    .run = s_run,
};
