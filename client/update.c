/*  update.c - cw_update: read, have the application merge, write over what was read, and look whether that is all.
 *
 *  A store that never refuses a write for a conflict cannot tell a writer that somebody came between: the put is ok, and
 *  both values stand side by side. Only the next read shows it. So the key is read once more, and merged again while
 *  there are siblings: when all writers merge alike, they come to equal values, which count as one.
 */
#include "call.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/*  Puts of one update. After the last one siblings may remain: nothing is lost, and the next update merges them. */
#define UPDATE_ROUNDS 4u

typedef struct {
    cw_client_t *client;
    const void *key;
    size_t key_size;
    cw_merge_t *merge;
    void *argument;
    cw_options_t options;
    uint64_t deadline_ms;
    cw_result_t seen;  /* the last read */
    cw_result_t wrote; /* the last put that was acknowledged */
    unsigned rounds;   /* puts that were acknowledged */
} update_t;

/*  Gives the next request what is left of the time. */
static cw_status_t s_hurry (update_t *self)
{
    uint64_t now_ms = link_now_ms ();
    if (now_ms >= self->deadline_ms)
        return call_fail (self->client, CW_TIMEOUT,
                          "the time was over before the value could be written; nothing was "
                          "stored by the last try");
    self->options.timeout_ms = (int) (self->deadline_ms - now_ms);
    return CW_OK;
}

static cw_status_t s_read (update_t *self)
{
    cw_options_t options = self->options;
    if (self->rounds)
        options.floor = self->wrote.context;
    return cw_get (self->client, self->key, self->key_size, &options, &self->seen);
}

/*  Whether the merge would change anything; then `merged` is to be freed. */
static bool s_merge (update_t *self, cw_bytes_t *merged)
{
    const cw_result_t *seen = &self->seen;
    *merged = (cw_bytes_t){0};
    bool wanted = self->merge (self->argument, seen->values, seen->count, merged) == 0;
    if (wanted && seen->count == 1 && seen->values[0].size == merged->size)
        wanted = merged->size && memcmp (merged->data, seen->values[0].data, merged->size) != 0;
    if (!wanted)
        free ((void *) merged->data);
    return wanted;
}

static cw_status_t s_write (update_t *self, cw_bytes_t merged)
{
    cw_options_t options = self->options;
    cw_result_t result = {0};
    options.context = self->seen.context;
    cw_status_t status = cw_put (self->client, self->key, self->key_size,
                                 merged.size ? merged.data : "", merged.size, &options, &result);
    free ((void *) merged.data);
    /* It belongs to one value; the next round has another one. */
    self->options.put_id = NULL;
    if (status != CW_OK)
        return status;
    cw_result_clear (&self->wrote);
    self->wrote = result;
    self->rounds++;
    return CW_OK;
}

/*  One read, and one write if it takes one. `more` says whether another round may be needed. */
static cw_status_t s_round (update_t *self, bool *more)
{
    *more = false;
    cw_status_t status = s_hurry (self);
    if (status == CW_OK)
        status = s_read (self);
    if (status != CW_OK && status != CW_NOT_FOUND)
        return status;
    if (self->rounds && self->seen.count <= 1)
        return status;
    cw_bytes_t merged;
    if (!s_merge (self, &merged))
        return status;
    status = s_hurry (self);
    if (status == CW_OK)
        status = s_write (self, merged);
    else
        free ((void *) merged.data);
    *more = status == CW_OK || status == CW_TOO_MANY_SIBLINGS;
    if (status == CW_OK)
        cw_result_clear (&self->seen);
    return status;
}

cw_status_t cw_update (cw_client_t *self, const void *key, size_t key_size, cw_merge_t *merge,
                       void *argument, const cw_options_t *options, cw_result_t *result)
{
    assert (self && key && merge);
    update_t update = {
        .client = self, .key = key, .key_size = key_size, .merge = merge, .argument = argument};
    if (options)
        update.options = *options;
    int timeout_ms = update.options.timeout_ms > 0 ? update.options.timeout_ms : self->timeout_ms;
    update.deadline_ms = link_now_ms () + (uint64_t) timeout_ms;

    cw_status_t status = CW_OK;
    bool more = true;
    for (unsigned round = 0; more && round < UPDATE_ROUNDS; round++)
        status = s_round (&update, &more);
    bool fine = status == CW_OK || (status == CW_NOT_FOUND && !update.rounds);
    /* What was acknowledged stays done, even when looking at it afterwards failed or found nothing. */
    if (!fine)
        cw_result_clear (&update.seen);
    if (!fine && update.rounds) {
        status = CW_OK;
        self->error[0] = 0;
    }
    cw_result_t *last = update.rounds && !update.seen.reply.data ? &update.wrote : &update.seen;
    /* Only now: the options may point into it. */
    if (result) {
        cw_result_clear (result);
        *result = *last;
        *last = (cw_result_t){0};
    }
    cw_result_clear (&update.seen);
    cw_result_clear (&update.wrote);
    return status;
}
