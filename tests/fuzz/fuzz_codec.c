/*  fuzz_codec.c - everything that decodes bytes from a socket or a disk: the first byte of an input chooses what.
 *
 *  Whatever decodes must encode again, to a record that is equal. Anything else traps, as do the sanitizers.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "messages/codec.h"
#include "messages/memory.h"
#include "messages/message.h"
#include "messages/request.h"
#include "messages/skim.h"

#define ENCODED_BYTES (LIMIT_PEER_FRAME_BYTES * 2)

#define SCHEMA(record, shape) &record##_schema,
static const schema_t *const s_schemas[] = {RECORDS (SCHEMA)};
#undef SCHEMA
#define SCHEMAS_COUNT (sizeof s_schemas / sizeof s_schemas[0])

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void s_must (bool condition)
{
    if (!condition)
        abort ();
}

static void s_skim (bytes_t input)
{
    if (skim_check (input, LIMIT_NESTING_DEPTH, LIMIT_FRAME_ITEMS) == NULL)
        s_must (skim_value (input, 0) == input.size);
}

static void s_codec (const schema_t *schema, bytes_t input)
{
    void *item = memory_new (1, schema->size);
    const char *why = NULL;
    if (codec_decode (schema, input, item, &why) == 0) {
        buffer_t buffer;
        buffer_init (&buffer, ENCODED_BYTES);
        s_must (codec_encode (schema, item, &buffer) == 0);
        void *again = memory_new (1, schema->size);
        s_must (codec_decode (schema, buffer_view (&buffer), again, &why) == 0);
        s_must (codec_equal (schema, item, again));
        codec_clear (schema, again);
        codec_copy (schema, item, again);
        s_must (codec_equal (schema, item, again));
        codec_clear (schema, again);
        free (again);
        buffer_clear (&buffer);
        buffer_init (&buffer, ENCODED_BYTES);
        codec_print (schema, item, &buffer);
        buffer_clear (&buffer);
    } else {
        s_must (why != NULL);
        for (size_t i = 0; i < schema->size; i++)
            s_must (((const uint8_t *) item)[i] == 0);
    }
    codec_clear (schema, item);
    free (item);
}

static void s_message (bytes_t input)
{
    head_t head;
    role_id_t to;
    const char *why = NULL;
    bool headed = message_peek (input, &head, &why) == 0;
    s_must (headed || why != NULL);
    why = NULL;
    bytes_t frame = bytes_copy (input.data, input.size);
    message_t *message = message_decode (&frame, &to, &why);
    s_must (frame.data == NULL);
    if (message == NULL) {
        s_must (why != NULL);
        return;
    }
    s_must (headed && head.type == message->type && head.to == to);
    s_must (head.from.node == message->from.node && head.from.role == message->from.role);
    s_must (memcmp (&head.origin, &message->origin, sizeof head.origin) == 0);
    buffer_t buffer;
    buffer_init (&buffer, ENCODED_BYTES);
    s_must (message_encode (message, to, &buffer) == 0);
    bytes_t bytes = buffer_take (&buffer);
    message_t *again = message_decode (&bytes, &to, &why);
    s_must (again != NULL && again->type == message->type);
    s_must (again->from.node == message->from.node && again->from.role == message->from.role);
    s_must (codec_equal (message_schema (message->type), message_record (message),
                         message_record (again)));
    message_destroy (&again);
    message_destroy (&message);
}

static void s_request (bytes_t input)
{
    request_t request;
    char why[300];
    op_t op = request_decode (input, &request, why, sizeof why);
    s_must ((op == OP_COUNT) == (why[0] != '\0'));
    for (const char *at = why; *at != '\0'; at++)
        s_must (*at >= 0x20 && *at < 0x7f);
    request_t engine;
    const char *wrong;
    if (op != OP_COUNT) { /* the engine takes whatever passes the stricter reader */
        s_must (codec_decode (&request_schema, input, &engine, &wrong) == 0);
        s_must (codec_equal (&request_schema, &request, &engine));
        codec_clear (&request_schema, &engine);
    }
    request_clear (&request);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    size_t target = data[0] % (SCHEMAS_COUNT + 3);
    bytes_t input = bytes_view (data + 1, size - 1);
    if (target < SCHEMAS_COUNT)
        s_codec (s_schemas[target], input);
    else if (target == SCHEMAS_COUNT)
        s_skim (input);
    else if (target == SCHEMAS_COUNT + 1)
        s_message (input);
    else
        s_request (input);
    return 0;
}
