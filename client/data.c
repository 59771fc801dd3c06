/*  data.c - get, put and delete: what the contract says of one key. */
#include "call.h"

#include <assert.h>
#include <stdlib.h>

#include "messages/memory.h"

static const cw_options_t s_no_options = {0};

void cw_result_clear (cw_result_t *result)
{
    assert (result);
    free (result->values);
    free ((void *) result->reply.data);
    *result = (cw_result_t){0};
}

static cw_bytes_t s_bytes (bytes_t run)
{
    return (cw_bytes_t){.data = run.data, .size = run.size};
}

/*  What can be refused without asking: sizes that no node takes, and that its transport would answer by silence. */
static cw_status_t s_check_sizes (cw_client_t *self, size_t key_size, size_t value_size,
                                  const cw_options_t *options)
{
    if (key_size == 0)
        return call_fail (self, CW_BAD_REQUEST, "a key has 1 to %u bytes; this one is empty",
                          LIMIT_KEY_BYTES);
    if (key_size > LIMIT_KEY_BYTES)
        return call_fail (self, CW_TOO_LARGE, "a key has 1 to %u bytes; this one has %zu",
                          LIMIT_KEY_BYTES, key_size);
    if (value_size > LIMIT_VALUE_BYTES)
        return call_fail (self, CW_TOO_LARGE, "a value has at most %u bytes; this one has %zu",
                          LIMIT_VALUE_BYTES, value_size);
    if (options->context.size > LIMIT_CONTEXT_BYTES || options->floor.size > LIMIT_CONTEXT_BYTES)
        return call_fail (self, CW_BAD_CONTEXT,
                          "a context of %zu bytes is none; send back the one of a reply",
                          options->context.size + options->floor.size);
    return CW_OK;
}

/*  What get, put and delete have in common. */
static void s_prepare (call_t *call, const char *op, const void *key, size_t key_size,
                       const cw_options_t *options)
{
    GIVE (request, &call->request, op, bytes_text (op));
    GIVE (request, &call->request, key, bytes_view (key, key_size));
    if (options->strict)
        GIVE (request, &call->request, strict, true);
    if (options->explain)
        GIVE (request, &call->request, explain, true);
    call->timeout_ms = options->timeout_ms;
}

/* ---- get ---- */

static bool s_got_whole (const void *reply)
{
    const got_t *got = reply;
    status_t found = got->values.count ? STATUS_OK : STATUS_NOT_FOUND;
    return HAS (got, got, values) && HAS (got, got, context) &&
           bytes_equal (got->status, bytes_text (status_name (found)));
}

cw_status_t cw_get (cw_client_t *self, const void *key, size_t key_size,
                    const cw_options_t *options, cw_result_t *result)
{
    assert (self && key && result);
    cw_options_t given = options ? *options : s_no_options;
    got_t got;
    call_t call = {.schema = &got_schema, .reply = &got};
    cw_status_t status = s_check_sizes (self, key_size, 0, &given);
    if (status == CW_OK) {
        s_prepare (&call, "get", key, key_size, &given);
        if (given.floor.size)
            GIVE (request, &call.request, floor, bytes_view (given.floor.data, given.floor.size));
        if (given.r)
            GIVE (request, &call.request, r, given.r);
        status = call_run (self, &call, s_got_whole);
    }
    /* Only now: the options may point into it. */
    cw_result_clear (result);
    if (!call.frame.data)
        return status;
    result->values = memory_new (got.values.count, sizeof *result->values);
    result->count = got.values.count;
    for (size_t i = 0; i < got.values.count; i++)
        result->values[i] = s_bytes (got.values.items[i].bytes);
    result->context = s_bytes (got.context);
    result->stale = got.stale;
    result->reply = s_bytes (call.frame);
    codec_clear (&got_schema, &got);
    return status;
}

/* ---- put and delete ---- */

static bool s_written_whole (const void *reply)
{
    const written_t *written = reply;
    return HAS (written, written, context) && bytes_equal (written->status, bytes_text ("ok"));
}

static cw_status_t s_write (cw_client_t *self, call_t *call, const cw_options_t *given,
                            cw_result_t *result)
{
    written_t written;
    call->write = true;
    call->schema = &written_schema;
    call->reply = &written;
    if (given->context.size)
        GIVE (request, &call->request, context,
              bytes_view (given->context.data, given->context.size));
    if (given->w)
        GIVE (request, &call->request, w, given->w);
    cw_status_t status = call_run (self, call, s_written_whole);
    if (result)
        cw_result_clear (result);
    if (!call->frame.data)
        return status;
    if (result) {
        result->context = s_bytes (written.context);
        result->acks = written.acks;
        result->reply = s_bytes (call->frame);
    } else
        bytes_clear (&call->frame);
    codec_clear (&written_schema, &written);
    return status;
}

static cw_status_t s_refuse (cw_status_t status, cw_result_t *result)
{
    if (result)
        cw_result_clear (result);
    return status;
}

cw_status_t cw_put (cw_client_t *self, const void *key, size_t key_size, const void *value,
                    size_t value_size, const cw_options_t *options, cw_result_t *result)
{
    assert (self && key && (value || value_size == 0));
    cw_options_t given = options ? *options : s_no_options;
    cw_status_t status = s_check_sizes (self, key_size, value_size, &given);
    if (status != CW_OK)
        return s_refuse (status, result);
    call_t call = {0};
    uint8_t drawn[CW_PUT_ID_BYTES];
    if (!given.put_id) {
        cw_put_id (drawn);
        given.put_id = drawn;
    }
    s_prepare (&call, "put", key, key_size, &given);
    GIVE (request, &call.request, value, bytes_view (value, value_size));
    GIVE (request, &call.request, put_id, bytes_view (given.put_id, CW_PUT_ID_BYTES));
    return s_write (self, &call, &given, result);
}

cw_status_t cw_delete (cw_client_t *self, const void *key, size_t key_size,
                       const cw_options_t *options, cw_result_t *result)
{
    assert (self && key);
    cw_options_t given = options ? *options : s_no_options;
    cw_status_t status = s_check_sizes (self, key_size, 0, &given);
    if (status != CW_OK)
        return s_refuse (status, result);
    call_t call = {0};
    s_prepare (&call, "delete", key, key_size, &given);
    /* The contract wants the field; an empty context covers nothing. */
    GIVE (request, &call.request, context, bytes_view (NULL, 0));
    return s_write (self, &call, &given, result);
}
