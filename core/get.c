/*  get.c - see get.h. */
#include "get.h"

#include <string.h>

#include "../messages/memory.h"
#include "answer.h"
#include "hash.h"
#include "object.h"

#define LATE_US 200000u /* how long the reply's own operation waits for late answers to mend */
#define ASK_ALL_ONE_IN 10u
#define FLOOR_MARGIN_US \
    20000u /* a reply that waits for its floor leaves this much before the deadline, */
#define FLOOR_MARGIN_SHARE 4u /* at most this share of the whole time */

void get_ask (coordinator_t *self, operation_t *operation, attempt_state_t *attempt,
              uint64_t now_us, effects_t *effects)
{
    message_t *message = message_new (MESSAGE_read);
    message->read.request = operation->id;
    message->read.slot = attempt->slot;
    message->read.hint = attempt->hint;
    message->read.key = bytes_copy (operation->key.data, operation->key.size);
    coordinator_ask (self, operation, attempt, &message, now_us, effects);
}

bool get_take (coordinator_t *self, operation_t *operation, message_t *message, uint64_t now_us)
{
    read_reply_t *reply = &message->read_reply;
    attempt_state_t *attempt = coordinator_attempt (self, operation, message, reply->slot, now_us);
    if (attempt == NULL)
        return false;
    suspicion_answer (&self->suspicion, attempt->node, PACE_QUICK, attempt->took_us);
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
        coordinator_keep (self, operation, &operation->states[place], &reply->state);
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
        if (attempt->hint || !answered || bytes_equal (operation->states[i], merged) ||
            !coordinator_may_repair (self, attempt->node, now_us))
            continue;
        differ = true;
        message_t *message = message_new (MESSAGE_replicate);
        message->replicate.request = operation->id;
        message->replicate.slot = attempt->slot;
        message->replicate.stamp = coordinator_stamp (self, operation, attempt->node, now_us, NULL);
        message->replicate.key = bytes_copy (operation->key.data, operation->key.size);
        message->replicate.state = bytes_copy (merged.data, merged.size);
        coordinator_send (self, attempt->node, &message, effects);
    }
    self->tally.read_repairs += differ;
    object_clear (&object);
    bytes_clear (&merged);
}

/* ---- whom to ask ---- */

/*  Asks the next owner that was not asked. False when there is none. */
static bool s_ask_owner (coordinator_t *self, operation_t *operation, uint64_t now_us,
                         effects_t *effects)
{
    for (size_t i = 0; i < operation->quorum.count; i++) {
        attempt_state_t *attempt = &operation->quorum.items[i];
        if (attempt->asked || attempt->result != RESULT_PENDING)
            continue;
        get_ask (self, operation, attempt, now_us, effects);
        return true;
    }
    return false;
}

/*  Asks a fallback for a slot whose owner is not to be counted on, or the next one when that one is late. Any earlier it
 *  would count beside owners that live, and r + w > n would promise nothing. False when there is none. */
static bool s_ask_fallback (coordinator_t *self, operation_t *operation, uint64_t now_us,
                            effects_t *effects)
{
    if (operation->strict)
        return false;
    for (uint8_t slot = 0; slot < LIMIT_N; slot++) {
        const attempt_state_t *owner = quorum_slot (&operation->quorum, slot);
        if (owner == NULL || coordinator_counts_on (self, owner) ||
            !quorum_lacks (&operation->quorum, slot))
            continue;
        attempt_state_t *attempt = quorum_stand_in (&operation->quorum, self->ring, slot);
        if (attempt == NULL)
            return false;
        get_ask (self, operation, attempt, now_us, effects);
        return true;
    }
    return false;
}

/*  Asks those again who let their time-out pass: the request or its answer may have been lost. */
static void s_ask_again (coordinator_t *self, operation_t *operation, uint64_t now_us,
                         effects_t *effects)
{
    for (size_t i = 0; i < operation->quorum.count; i++) {
        attempt_state_t *attempt = &operation->quorum.items[i];
        if (attempt->asked && attempt->result == RESULT_PENDING && attempt->due_us == UINT64_MAX)
            get_ask (self, operation, attempt, now_us, effects);
    }
}

/*  Asks until r are waited for that are within their time-outs, or have answered; when nobody is left, once more. */
static void s_ask_enough (coordinator_t *self, operation_t *operation, uint64_t now_us,
                          effects_t *effects)
{
    while (quorum_hopeful (&operation->quorum, operation->strict) < operation->need)
        if (!s_ask_owner (self, operation, now_us, effects) &&
            !s_ask_fallback (self, operation, now_us, effects)) {
            s_ask_again (self, operation, now_us, effects);
            return;
        }
}

static void s_ask_owners (coordinator_t *self, operation_t *operation, uint64_t now_us,
                          effects_t *effects)
{
    while (s_ask_owner (self, operation, now_us, effects))
        ;
}

/*  What came is not good enough: asks all owners, and who stands in for them. */
static void s_ask_all (coordinator_t *self, operation_t *operation, uint64_t now_us,
                       effects_t *effects)
{
    s_ask_owners (self, operation, now_us, effects);
    while (s_ask_fallback (self, operation, now_us, effects))
        ;
    s_ask_again (self, operation, now_us, effects);
}

/* ---- what to say ---- */

/*  When a reply that does not cover its floor goes out all the same. */
static uint64_t s_patient_until (const operation_t *operation)
{
    uint64_t margin_us = (operation->deadline_us - operation->began_us) / FLOOR_MARGIN_SHARE;
    return operation->deadline_us - (margin_us < FLOOR_MARGIN_US ? margin_us : FLOOR_MARGIN_US);
}

/*  Answers if enough is known. */
static void s_try_answer (coordinator_t *self, operation_t *operation, uint64_t now_us,
                          effects_t *effects)
{
    const quorum_t *quorum = &operation->quorum;
    if (quorum_count (quorum, QUORUM_READ, operation->strict) < operation->need)
        return;
    object_t object;
    bytes_t merged;
    s_merge (operation, &object, &merged);
    bool stale = operation->has_floor && !context_includes (&object.context, &operation->floor);
    /* That a key has no value takes r owners: a fallback knows no more than what it was told. */
    bool hollow =
        object.siblings.count == 0 && quorum_count (quorum, QUORUM_READ, true) < operation->need;
    if (stale || hollow)
        s_ask_all (self, operation, now_us, effects);
    bool last = now_us >= s_patient_until (operation) || quorum_outstanding (quorum) == 0;
    if (stale && !last)
        operation_wake (operation, s_patient_until (operation));
    if (!hollow && (!stale || last))
        s_answer (self, operation, &object, stale, now_us, effects);
    object_clear (&object);
    bytes_clear (&merged);
}

/*  After each change: answers, fails, mends, or goes on waiting. */
static bool s_advance (coordinator_t *self, operation_t *operation, uint64_t now_us,
                       effects_t *effects)
{
    if (!operation->answered)
        s_try_answer (self, operation, now_us, effects);
    if (!operation->answered) {
        coordinator_follow (self, operation);
        s_ask_enough (self, operation, now_us, effects);
        if (quorum_outstanding (&operation->quorum) == 0)
            answer_failure (self, operation, effects, STATUS_UNAVAILABLE,
                            "fewer than r=%u nodes that hold this key could answer; try again "
                            "later, or with a smaller r",
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
    s_ask_enough (self, operation, now_us, effects);
    if (operation->quorum.count > operation->need && rng_below (&self->rng, ASK_ALL_ONE_IN) == 0)
        s_ask_owners (self, operation, now_us, effects);
    return false;
}

bool get_reply (coordinator_t *self, operation_t *operation, message_t *message, uint64_t now_us,
                effects_t *effects)
{
    if (!get_take (self, operation, message, now_us))
        return false;
    return s_advance (self, operation, now_us, effects);
}

/*  The time is over: says so. */
static void s_give_up (coordinator_t *self, operation_t *operation, uint64_t now_us,
                       effects_t *effects)
{
    size_t read = quorum_count (&operation->quorum, QUORUM_READ, operation->strict);
    if (read >= operation->need)
        answer_failure (self, operation, effects, STATUS_UNAVAILABLE,
                        "fewer than r=%u owners of this key answered, and those who stand in for "
                        "them hold no value; try again later, or with a smaller r",
                        operation->need);
    else
        answer_failure (self, operation, effects, STATUS_TIMEOUT,
                        "only %zu of r=%u nodes answered within %llu ms; try again", read,
                        operation->need,
                        (unsigned long long) ((now_us - operation->began_us) / 1000));
}

bool get_tick (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects)
{
    coordinator_note_overdue (self, operation, now_us, effects);
    if (s_advance (self, operation, now_us, effects))
        return true;
    if (!operation->answered && now_us >= operation->deadline_us) {
        s_give_up (self, operation, now_us, effects);
        return s_advance (self, operation, now_us, effects);
    }
    return false;
}
