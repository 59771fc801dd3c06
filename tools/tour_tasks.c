/*  tour_tasks.c - see tour_tasks.h. */
#include "tour_tasks.h"

#include <string.h>
#include <time.h>

#include "messages/codec.h"

#define TASK_LOOK_MS 20

bool task_write (worker_t *self, const record_t *record)
{
    cw_options_t options = {.w = 2};
    cw_status_t status = cw_put (self->client, record->key, strlen (record->key), record->value,
                                 record->size, &options, NULL);
    if (status == CW_OK)
        return true;
    load_blame (self, record, "could not be written: %s: %s", cw_status_name (status),
                cw_error (self->client));
    atomic_store (&self->load->stopped, true);
    return false;
}

bool task_read (worker_t *self, const record_t *record)
{
    cw_options_t options = {.r = 2};
    cw_result_t result = {0};
    cw_status_t status =
        cw_get (self->client, record->key, strlen (record->key), &options, &result);
    bool right = false;
    if (status == CW_NOT_FOUND)
        load_blame (self, record, "was acknowledged, and is not there");
    else if (status != CW_OK) {
        load_blame (self, record, "could not be read: %s: %s", cw_status_name (status),
                    cw_error (self->client));
        atomic_store (&self->load->stopped, true);
    } else if (result.count != 1)
        load_blame (self, record, "has %zu different values, and one was written", result.count);
    else if (result.values[0].size != record->size)
        load_blame (self, record, "has %zu bytes, and %zu were written", result.values[0].size,
                    record->size);
    else if (memcmp (result.values[0].data, record->value, record->size))
        load_blame (self, record, "has other bytes than were written");
    else
        right = true;
    cw_result_clear (&result);
    return right;
}

/* ---- comparing replicas ---- */

/*  Whether three owners and nobody else hold the key, in equal states. */
static bool s_equal (const inspected_t *inspected)
{
    if (inspected->replicas.count != CLUSTER_NODES)
        return false;
    bytes_t first = inspected->replicas.items[0].digest;
    if (first.size == 0 || first.data[0] == 0xc0) /* nil: it did not say */
        return false;
    for (size_t i = 0; i < inspected->replicas.count; i++) {
        const holding_t *holding = &inspected->replicas.items[i];
        if (!bytes_equal (holding->role, bytes_text ("owner")) ||
            !bytes_equal (holding->digest, first))
            return false;
    }
    return true;
}

/*  Asks for the replicas' states; `agree` says whether they are equal. */
static cw_status_t s_inspect (worker_t *self, const record_t *record, bool *agree)
{
    cw_reply_t reply = {0};
    inspected_t inspected;
    cw_status_t status = cw_inspect (self->client, record->key, strlen (record->key), &reply);
    *agree = false;
    if (status == CW_OK &&
        !codec_decode (&inspected_schema, bytes_view (reply.data, reply.size), &inspected, NULL)) {
        *agree = s_equal (&inspected);
        codec_clear (&inspected_schema, &inspected);
    }
    cw_reply_clear (&reply);
    return status;
}

bool task_compare (worker_t *self, const record_t *record)
{
    uint64_t limit_us = tour_now_us () + (uint64_t) self->load->tour->wait_s * 1000000;
    cw_options_t all = {.r = CLUSTER_NODES};
    cw_result_t result = {0};
    bool agree;
    bool differed = false;
    for (;;) {
        cw_status_t status = s_inspect (self, record, &agree);
        if (agree || atomic_load (&self->load->stopped))
            break;
        if (tour_now_us () > limit_us) {
            load_blame (self, record, "has replicas that do not agree: %s",
                        status == CW_OK ? "their digests differ, or a hint is left"
                                        : cw_error (self->client));
            atomic_store (&self->load->stopped, true);
            break;
        }
        if (differed)
            nanosleep (&(struct timespec){.tv_nsec = TASK_LOOK_MS * 1000000L}, NULL);
        differed = true;
        cw_get (self->client, record->key, strlen (record->key), &all, &result);
    }
    self->mended += agree && differed;
    cw_result_clear (&result);
    return agree;
}
