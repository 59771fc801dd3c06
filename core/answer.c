/*  answer.c - see answer.h. */
#include "answer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../messages/memory.h"

static void s_send (coordinator_t *self, bytes_t client, status_t status, const schema_t *schema,
                    const void *reply, effects_t *effects)
{
    buffer_t buffer;
    buffer_init (&buffer, SIZE_MAX);
    if (codec_encode (schema, reply, &buffer) != 0) {
        effects_log (effects, LEVEL_ERROR,
                     "a reply of kind %s is over its limits; please report it", schema->name);
        failure_t failure = {0};
        status = STATUS_INTERNAL;
        GIVE (failure, &failure, status, bytes_text (status_name (status)));
        GIVE (failure, &failure, message, bytes_text ("the reply is over a limit of the node"));
        codec_encode (&failure_schema, &failure, &buffer);
    }
    bytes_t frame = buffer_take (&buffer);
    self->tally.bytes_out += frame.size;
    self->tally.errors[status]++;
    effects_reply (effects, client, &frame);
}

static void s_done (coordinator_t *self, operation_t *operation)
{
    assert (!operation->answered);
    operation->answered = true;
    if (operation->client.size > 0)
        self->unanswered--;
}

void answer_send (coordinator_t *self, operation_t *operation, status_t status,
                  const schema_t *schema, const void *reply, effects_t *effects)
{
    if (operation->client.size > 0)
        s_send (self, operation->client, status, schema, reply, effects);
    s_done (self, operation);
}

static void s_refuse (coordinator_t *self, bytes_t client, bytes_t id, effects_t *effects,
                      status_t status, const operation_t *operation, const char *text)
{
    failure_t failure = {0};
    GIVE (failure, &failure, status, bytes_text (status_name (status)));
    if (id.size > 0)
        GIVE (failure, &failure, id, bytes_view (id.data, id.size));
    GIVE (failure, &failure, message, bytes_text (text));
    if (status == STATUS_TIMEOUT || status == STATUS_UNKNOWN)
        GIVE (failure, &failure, acks,
              (uint32_t) quorum_count (&operation->quorum, QUORUM_READ | QUORUM_STORED,
                                       operation->strict));
    s_send (self, client, status, &failure_schema, &failure, effects);
}

void answer_failure (coordinator_t *self, operation_t *operation, effects_t *effects,
                     status_t status, const char *format, ...)
{
    char text[LIMIT_SENTENCE_BYTES];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    if (operation->client.size > 0)
        s_refuse (self, operation->client, operation->reply_id, effects, status, operation, text);
    s_done (self, operation);
}

void answer_refusal (coordinator_t *self, bytes_t client, bytes_t id, effects_t *effects,
                     status_t status, const char *format, ...)
{
    char text[LIMIT_SENTENCE_BYTES];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    assert (status != STATUS_TIMEOUT && status != STATUS_UNKNOWN);
    s_refuse (self, client, id, effects, status, NULL, text);
}

bytes_t answer_node_name (const coordinator_t *self, uint64_t node)
{
    const member_t *member = self->ring ? ring_member (self->ring, node) : NULL;
    return member ? bytes_view (member->name.data, member->name.size) : bytes_text ("");
}

attempt_list_t answer_explain (const coordinator_t *self, const operation_t *operation,
                               uint64_t now_us)
{
    attempt_list_t list = {.items = memory_new (operation->quorum.count, sizeof (attempt_t))};
    for (size_t i = 0; i < operation->quorum.count; i++) {
        const attempt_state_t *asked = &operation->quorum.items[i];
        if (!asked->asked && asked->result != RESULT_DOWN)
            continue;
        uint64_t took = asked->took_us;
        if (asked->asked && asked->result == RESULT_PENDING)
            took = now_us - asked->asked_us;
        attempt_t *attempt = &list.items[list.count++];
        GIVE (attempt, attempt, node, answer_node_name (self, asked->node));
        GIVE (attempt, attempt, slot, asked->slot);
        GIVE (attempt, attempt, role, bytes_text (asked->hint ? "fallback" : "owner"));
        GIVE (attempt, attempt, result, bytes_text (result_name (asked->result)));
        GIVE (attempt, attempt, took, took);
    }
    return list;
}
