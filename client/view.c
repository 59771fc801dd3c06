/*  view.c - what is there: keys, a key's replicas, the ring, the node; and the change of the membership. */
#include "call.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "messages/memory.h"

/* ---- keys ---- */

void cw_page_clear (cw_page_t *page)
{
    assert (page);
    free (page->keys);
    free ((void *) page->reply.data);
    *page = (cw_page_t){0};
}

/*  The bytes in one encoded MessagePack value: a bin of up to 65535 bytes. Empty for nil; false for anything else. */
static bool s_read_bin (bytes_t value, bytes_t *run)
{
    *run = bytes_view (NULL, 0);
    if (value.size == 0 || (value.size == 1 && value.data[0] == 0xc0))
        return true;
    size_t head = 0;
    size_t size = 0;
    if (value.size >= 2 && value.data[0] == 0xc4) {
        head = 2;
        size = value.data[1];
    } else if (value.size >= 3 && value.data[0] == 0xc5) {
        head = 3;
        size = (size_t) value.data[1] << 8 | value.data[2];
    }
    if (!head || value.size != head + size)
        return false;
    *run = bytes_view (value.data + head, size);
    return true;
}

static bool s_listed_whole (const void *reply)
{
    const listed_t *listed = reply;
    bytes_t next;
    return HAS (listed, listed, keys) && HAS (listed, listed, next) &&
           s_read_bin (listed->next, &next);
}

cw_status_t cw_keys (cw_client_t *self, uint32_t partition, cw_bytes_t after, unsigned limit,
                     cw_page_t *page)
{
    assert (self && page);
    listed_t listed;
    call_t call = {.schema = &listed_schema, .reply = &listed};
    GIVE (request, &call.request, op, bytes_text ("keys"));
    GIVE (request, &call.request, partition, partition);
    if (after.size)
        GIVE (request, &call.request, after, bytes_view (after.data, after.size));
    if (limit)
        GIVE (request, &call.request, limit, limit);
    cw_status_t status = call_run (self, &call, s_listed_whole);
    /* Only now: `after` may point into it. */
    cw_page_clear (page);
    if (!call.frame.data)
        return status;
    bytes_t next;
    s_read_bin (listed.next, &next);
    page->keys = memory_new (listed.keys.count, sizeof *page->keys);
    page->count = listed.keys.count;
    for (size_t i = 0; i < listed.keys.count; i++)
        page->keys[i] = (cw_bytes_t){.data = listed.keys.items[i].bytes.data,
                                     .size = listed.keys.items[i].bytes.size};
    page->next = (cw_bytes_t){.data = next.data, .size = next.size};
    page->reply = (cw_bytes_t){.data = call.frame.data, .size = call.frame.size};
    codec_clear (&listed_schema, &listed);
    return status;
}

/* ---- whole replies ---- */

void cw_reply_clear (cw_reply_t *reply)
{
    assert (reply);
    free ((void *) reply->data);
    *reply = (cw_reply_t){0};
}

static cw_status_t s_ask (cw_client_t *self, call_t *call, const char *op, cw_reply_t *reply)
{
    assert (self && reply);
    failure_t head;
    call->schema = &failure_schema;
    call->reply = &head;
    GIVE (request, &call->request, op, bytes_text (op));
    cw_status_t status = call_run (self, call, NULL);
    cw_reply_clear (reply);
    if (!call->frame.data)
        return status;
    codec_clear (&failure_schema, &head);
    *reply = (cw_reply_t){.data = call->frame.data, .size = call->frame.size};
    return status;
}

cw_status_t cw_ping (cw_client_t *self, cw_reply_t *reply)
{
    return s_ask (self, &(call_t){0}, "ping", reply);
}

cw_status_t cw_inspect (cw_client_t *self, const void *key, size_t key_size, cw_reply_t *reply)
{
    assert (self && key && reply);
    if (key_size == 0 || key_size > LIMIT_KEY_BYTES) {
        cw_reply_clear (reply);
        return call_fail (self, key_size ? CW_TOO_LARGE : CW_BAD_REQUEST,
                          "a key has 1 to %u bytes; this one has %zu", LIMIT_KEY_BYTES, key_size);
    }
    call_t call = {0};
    GIVE (request, &call.request, key, bytes_view (key, key_size));
    return s_ask (self, &call, "inspect", reply);
}

cw_status_t cw_ring (cw_client_t *self, cw_reply_t *reply)
{
    return s_ask (self, &(call_t){0}, "ring", reply);
}

cw_status_t cw_status (cw_client_t *self, cw_reply_t *reply)
{
    return s_ask (self, &(call_t){0}, "status", reply);
}

cw_status_t cw_stats (cw_client_t *self, cw_reply_t *reply)
{
    return s_ask (self, &(call_t){0}, "stats", reply);
}

/* ---- membership ---- */

cw_status_t cw_join (cw_client_t *self, const char *seed, cw_reply_t *reply)
{
    assert (self && reply);
    call_t call = {0};
    if (seed && strlen (seed) > LIMIT_ENDPOINT_BYTES) {
        cw_reply_clear (reply);
        return call_fail (self, CW_BAD_REQUEST, "an endpoint has at most %u bytes",
                          LIMIT_ENDPOINT_BYTES);
    }
    if (seed)
        GIVE (request, &call.request, seed, bytes_text (seed));
    return s_ask (self, &call, "join", reply);
}
