/*  get.c - see get.h. */
#include "get.h"

#include <string.h>

#include "../messages/memory.h"
#include "answer.h"
#include "hash.h"
#include "object.h"

#define HEDGE_US 20000u /* an owner that took longer is not waited for alone */
#define LATE_US 200000u /* how long the reply's own operation waits for late answers to mend */
#define ASK_ALL_ONE_IN 10u
#define FLOOR_MARGIN_US \
    20000u /* a reply that waits for its floor leaves this much before the deadline */

void get_ask (coordinator_t *self, operation_t *operation, size_t count, uint64_t now_us,
              effects_t *effects)
{
    for (size_t i = 0; i < operation->quorum.count && count > 0; i++) {
        attempt_state_t *attempt = &operation->quorum.items[i];
        if (attempt->asked || attempt->result != RESULT_PENDING)
            continue;
        message_t *message = message_new (MESSAGE_read);
        message->read.request = operation->id;
        message->read.slot = attempt->slot;
        message->read.key = bytes_copy (operation->key.data, operation->key.size);
        coordinator_ask (self, operation, attempt, &message, now_us, effects);
        count--;
    }
}

bool get_take (operation_t *operation, message_t *message, uint64_t now_us)
{
    read_reply_t *reply = &message->read_reply;
    attempt_state_t *attempt =
        operation_attempt (operation, message->from.node, reply->slot, now_us);
    if (attempt == NULL)
        return false;
    object_t object;
    attempt->result = (result_t) reply->result;
    attempt->status = (status_t) reply->status;
    if (attempt->result != RESULT_FOUND && attempt->result != RESULT_ABSENT)
        attempt->result = RESULT_REFUSED;
    if (attempt->result == RESULT_FOUND && object_decode (reply->state, &object) != 0)
        attempt->result = RESULT_REFUSED;
    else if (attempt->result == RESULT_FOUND) {
        object_clear (&object);
        size_t place = (size_t) (attempt - operation->quorum.items);
        operation->states[place] = bytes_take (&reply->state);
    }
    return true;
}

/*  Merges all states that came, into an object that lends from them and from `merged`; clear the object first. */
static void s_merge (const operation_t *operation, object_t *object, bytes_t *merged)
{
    memset (object, 0, sizeof *object);
    *merged = bytes_view (NULL, 0);
    for (size_t i = 0; i < operation->quorum.count; i++) {
        bytes_t state = operation->states[i];
        if (state.size == 0 || bytes_equal (state, *merged))
            continue;
        object_t other;
        object_decode (state, &other); /* get_take has seen that it does */
        if (merged->size == 0) {
            *object = other;
            *merged = bytes_view (state.data, state.size);
            continue;
        }
        object_t result;
        object_merge (object, &other, &result);
        if (!object_fits (&result)) { /* the larger half is served; nothing is mended */
            object_clear (&result);
            object_clear (&other);
            continue;
        }
        bytes_t encoded = object_encode (&result);
        object_clear (&result);
        object_clear (&other);
        object_clear (object);
        bytes_clear (merged);
        *merged = encoded;
        object_decode (*merged, object);
    }
}

static bool s_seen_before (const object_t *object, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (bytes_equal (object->siblings.items[i].value, object->siblings.items[index].value))
            return true;
    return false;
}

static void s_answer (coordinator_t *self, operation_t *operation, const object_t *object,
                      bool stale, uint64_t now_us, effects_t *effects)
{
    got_t got = {0};
    value_list_t values = {.items = memory_new (object->siblings.count, sizeof (value_t))};
    for (size_t i = 0; i < object->siblings.count; i++)
        if (!s_seen_before (object, i))
            values.items[values.count++].bytes = bytes_view (object->siblings.items[i].value.data,
                                                             object->siblings.items[i].value.size);
    status_t status = values.count > 0 ? STATUS_OK : STATUS_NOT_FOUND;
    self->tally.conflicts += values.count > 1;
    self->tally.not_found += values.count == 0;
    GIVE (got, &got, values, values);
    GIVE (got, &got, context,
          context_seal (&object->context, operation->hash, object_hlc (object)));
    if (stale)
        GIVE (got, &got, stale, true);
    if (operation->explain)
        GIVE (got, &got, explain, answer_explain (self, operation, now_us));
    ANSWER (self, operation, got, &got, status, effects);
    codec_clear (&got_schema, &got);
    histogram_add (&self->tally.filling.get, now_us - operation->began_us);
}

/*  Sends the merged state to each owner whose own differs. */
static void s_repair (coordinator_t *self, operation_t *operation, uint64_t now_us,
                      effects_t *effects)
{
    if (operation->quorum.count == 1)
        return;
    object_t object;
    bytes_t merged;
    s_merge (operation, &object, &merged);
    bool differ = false;
    for (size_t i = 0; i < operation->quorum.count && merged.size > 0; i++) {
        attempt_state_t *attempt = &operation->quorum.items[i];
        bool answered = attempt->result == RESULT_FOUND || attempt->result == RESULT_ABSENT;
        if (!answered || bytes_equal (operation->states[i], merged))
            continue;
        differ = true;
        message_t *message = message_new (MESSAGE_replicate);
        message->replicate.request = operation->id;
        message->replicate.slot = attempt->slot;
        message->replicate.key = bytes_copy (operation->key.data, operation->key.size);
        message->replicate.state = bytes_copy (merged.data, merged.size);
        coordinator_ask (self, operation, attempt, &message, now_us, effects);
    }
    self->tally.read_repairs += differ;
    object_clear (&object);
    bytes_clear (&merged);
}

static void s_ask_rest (coordinator_t *self, operation_t *operation, uint64_t now_us,
                        effects_t *effects)
{
    operation->hedged = true;
    get_ask (self, operation, LIMIT_N, now_us, effects);
}

/*  Answers if enough is known. `last` when nothing more is to be waited for. */
static void s_try_answer (coordinator_t *self, operation_t *operation, bool last, uint64_t now_us,
                          effects_t *effects)
{
    if (quorum_count (&operation->quorum, QUORUM_READ) < operation->need)
        return;
    object_t object;
    bytes_t merged;
    s_merge (operation, &object, &merged);
    bool stale = operation->has_floor && !context_includes (&object.context, &operation->floor);
    if (stale && !operation->hedged)
        s_ask_rest (self, operation, now_us, effects);
    if (!stale || last || quorum_outstanding (&operation->quorum) == 0)
        s_answer (self, operation, &object, stale, now_us, effects);
    object_clear (&object);
    bytes_clear (&merged);
}

/*  After each change: answers, fails, mends, or goes on waiting. */
static bool s_advance (coordinator_t *self, operation_t *operation, bool last, uint64_t now_us,
                       effects_t *effects)
{
    if (!operation->answered)
        s_try_answer (self, operation, last, now_us, effects);
    size_t outstanding = quorum_outstanding (&operation->quorum); /* it may have asked the rest */
    if (!operation->answered && outstanding == 0) {
        if (!operation->hedged) {
            s_ask_rest (self, operation, now_us, effects);
            outstanding = quorum_outstanding (&operation->quorum);
        }
        if (outstanding == 0)
            answer_failure (self, operation, effects, STATUS_UNAVAILABLE,
                            "fewer than r=%u owners of this key could answer; try again later, or "
                            "with a smaller r",
                            operation->need);
    }
    if (!operation->answered)
        return false;
    if (quorum_outstanding (&operation->quorum) > 0 && now_us < operation->began_us + LATE_US) {
        operation_wake (operation, operation->began_us + LATE_US);
        return false;
    }
    s_repair (self, operation, now_us, effects);
    return true;
}

bool get_begin (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects)
{
    self->tally.gets++;
    if (!coordinator_open_quorum (self, operation, effects))
        return true;
    bool all =
        operation->quorum.count > operation->need && rng_below (&self->rng, ASK_ALL_ONE_IN) == 0;
    if (all)
        s_ask_rest (self, operation, now_us, effects);
    else
        get_ask (self, operation, operation->need, now_us, effects);
    operation_wake (operation, now_us + HEDGE_US);
    return false;
}

bool get_reply (coordinator_t *self, operation_t *operation, message_t *message, uint64_t now_us,
                effects_t *effects)
{
    if (!get_take (operation, message, now_us))
        return false;
    return s_advance (self, operation, false, now_us, effects);
}

bool get_tick (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects)
{
    if (!operation->answered && !operation->hedged)
        s_ask_rest (self, operation, now_us, effects);
    if (operation->answered)
        return s_advance (self, operation, true, now_us, effects);
    uint64_t floor_us = operation->deadline_us - FLOOR_MARGIN_US;
    if (operation->has_floor && now_us >= floor_us) {
        if (s_advance (self, operation, true, now_us, effects))
            return true;
    } else if (operation->has_floor)
        operation_wake (operation, floor_us);
    if (!operation->answered && now_us >= operation->deadline_us)
        answer_failure (self, operation, effects, STATUS_TIMEOUT,
                        "only %zu of r=%u owners answered within %llu ms; try again",
                        quorum_count (&operation->quorum, QUORUM_READ), operation->need,
                        (unsigned long long) ((now_us - operation->began_us) / 1000));
    return operation->answered && s_advance (self, operation, true, now_us, effects);
}
