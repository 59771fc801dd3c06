/*  keys.c - see keys.h. */
#include "keys.h"

#include <string.h>

#include "../messages/memory.h"
#include "../messages/pack.h"
#include "answer.h"
#include "hash.h"

static int s_compare (bytes_t a, bytes_t b)
{
    uint64_t hash_a = hash_bytes (a);
    uint64_t hash_b = hash_bytes (b);
    if (hash_a != hash_b)
        return hash_a < hash_b ? -1 : 1;
    return bytes_compare (a, b);
}

/*  Asks up to so many owners that were not asked yet; when all were, those who let their time-out pass. */
static void s_ask (coordinator_t *self, operation_t *operation, size_t count, uint64_t now_us,
                   effects_t *effects)
{
    bool again = true;
    for (size_t i = 0; i < operation->quorum.count; i++)
        again = again && (operation->quorum.items[i].asked ||
                          operation->quorum.items[i].result != RESULT_PENDING);
    for (size_t i = 0; i < operation->quorum.count && count > 0; i++) {
        attempt_state_t *attempt = &operation->quorum.items[i];
        bool waiting = attempt->asked && !(again && attempt->due_us == UINT64_MAX);
        if (waiting || attempt->result != RESULT_PENDING)
            continue;
        message_t *message = message_new (MESSAGE_scan);
        message->scan.request = operation->id;
        message->scan.slot = attempt->slot;
        message->scan.partition = operation->partition;
        message->scan.after = bytes_copy (operation->after.data, operation->after.size);
        message->scan.limit = operation->limit;
        coordinator_ask (self, operation, attempt, &message, now_us, effects);
        count--;
    }
}

bool keys_begin (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects)
{
    operation->strict = true; /* fallbacks hold no slots to list */
    if (!coordinator_open_quorum (self, operation, effects))
        return true;
    s_ask (self, operation, operation->need, now_us, effects);
    return false;
}

/*  The smallest head of the pages, from where each has been read to; NULL at the end of all. */
static const bytes_t *s_head (const operation_t *operation, const size_t *at)
{
    const bytes_t *least = NULL;
    for (size_t i = 0; i < operation->quorum.count; i++) {
        const name_list_t *keys = &operation->pages[i].keys;
        if (at[i] == keys->count)
            continue;
        const bytes_t *key = &keys->items[at[i]].bytes;
        if (least == NULL || s_compare (*key, *least) < 0)
            least = key;
    }
    return least;
}

/*  Where the merged page must end: the earliest end of a page whose partition goes on. Empty: nowhere. */
static bytes_t s_bound (const operation_t *operation)
{
    bytes_t bound = bytes_view (NULL, 0);
    for (size_t i = 0; i < operation->quorum.count; i++) {
        bytes_t next = operation->pages[i].next;
        if (next.size > 0 && (bound.size == 0 || s_compare (next, bound) < 0))
            bound = bytes_view (next.data, next.size);
    }
    return bound;
}

static void s_answer (coordinator_t *self, operation_t *operation, effects_t *effects)
{
    size_t at[LIMIT_N] = {0};
    bytes_t next = s_bound (operation);
    name_list_t keys = {.items = memory_new (operation->limit, sizeof (name_t))};
    const bytes_t *head = s_head (operation, at);
    while (head != NULL && (next.size == 0 || s_compare (*head, next) <= 0)) {
        if (keys.count == operation->limit) {
            next = keys.items[keys.count - 1].bytes;
            break;
        }
        bytes_t key = bytes_view (head->data, head->size);
        keys.items[keys.count++].bytes = key;
        for (size_t i = 0; i < operation->quorum.count; i++) {
            const name_list_t *page = &operation->pages[i].keys;
            at[i] += at[i] < page->count && bytes_equal (page->items[at[i]].bytes, key);
        }
        head = s_head (operation, at);
    }
    buffer_t buffer;
    buffer_init (&buffer, LIMIT_KEY_BYTES + 8);
    if (next.size > 0)
        pack_bin (&buffer, next);
    else
        pack_nil (&buffer);
    listed_t listed = {0};
    GIVE (listed, &listed, keys, keys);
    GIVE (listed, &listed, next, buffer_take (&buffer));
    ANSWER (self, operation, listed, &listed, STATUS_OK, effects);
    codec_clear (&listed_schema, &listed);
}

static void s_fail (coordinator_t *self, operation_t *operation, effects_t *effects)
{
    answer_failure (self, operation, effects, STATUS_UNAVAILABLE,
                    "fewer than r=%u owners of this partition could answer; try again later",
                    operation->need);
}

bool keys_reply (coordinator_t *self, operation_t *operation, message_t *message, uint64_t now_us,
                 effects_t *effects)
{
    scan_reply_t *reply = &message->scan_reply;
    attempt_state_t *attempt = coordinator_attempt (self, operation, message, reply->slot, now_us);
    if (attempt == NULL)
        return false;
    attempt->result = reply->result == RESULT_FOUND ? RESULT_FOUND : RESULT_REFUSED;
    if (attempt->result == RESULT_FOUND)
        codec_copy (&scan_reply_schema, reply,
                    &operation->pages[attempt - operation->quorum.items]);
    else
        s_ask (self, operation, 1, now_us, effects);
    if (quorum_count (&operation->quorum, QUORUM_READ, true) >= operation->need) {
        s_answer (self, operation, effects);
        return true;
    }
    if (quorum_outstanding (&operation->quorum) > 0)
        return false;
    s_fail (self, operation, effects);
    return true;
}

bool keys_tick (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects)
{
    coordinator_note_overdue (self, operation, now_us, effects);
    if (now_us >= operation->deadline_us) {
        answer_failure (self, operation, effects, STATUS_TIMEOUT,
                        "only %zu of r=%u owners answered in time; try again",
                        quorum_count (&operation->quorum, QUORUM_READ, true), operation->need);
        return true;
    }
    s_ask (self, operation, LIMIT_N, now_us, effects);
    if (quorum_outstanding (&operation->quorum) > 0)
        return false;
    s_fail (self, operation, effects);
    return true;
}
