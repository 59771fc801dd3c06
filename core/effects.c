/*  effects.c - see effects.h. */
#include "effects.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"

static void s_effect_clear (effect_t *effect)
{
    message_destroy (&effect->message);
    bytes_clear (&effect->endpoint);
    bytes_clear (&effect->client);
    bytes_clear (&effect->frame);
    free (effect->text);
    memset (effect, 0, sizeof *effect);
}

void effects_init (effects_t *self)
{
    memset (self, 0, sizeof *self);
    self->wake_us = UINT64_MAX;
}

void effects_reset (effects_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        s_effect_clear (&self->items[i]);
    self->count = 0;
    self->wake_us = UINT64_MAX;
}

void effects_clear (effects_t *self)
{
    effects_reset (self);
    free (self->items);
    effects_init (self);
}

/*  Takes the effect, or frees it when the list is full: to the protocols that is a lost message. */
static void s_append (effects_t *self, effect_t effect)
{
    if (self->count == LIMIT_EFFECTS_COUNT) {
        s_effect_clear (&effect);
        self->lost++;
        return;
    }
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? self->capacity * 2 : 64;
        self->items = memory_resize (self->items, self->capacity, sizeof *self->items);
    }
    self->items[self->count++] = effect;
}

void effects_send (effects_t *self, address_t to, message_t **message_p)
{
    effect_t effect = {.kind = EFFECT_SEND, .to = to, .message = *message_p};
    *message_p = NULL;
    s_append (self, effect);
}

void effects_send_endpoint (effects_t *self, bytes_t endpoint, message_t **message_p)
{
    effect_t effect = {.kind = EFFECT_SEND,
                       .to = {.role = ROLE_GOSSIP},
                       .endpoint = bytes_copy (endpoint.data, endpoint.size),
                       .message = *message_p};
    *message_p = NULL;
    s_append (self, effect);
}

void effects_send_here (effects_t *self, role_id_t role, message_t **message_p)
{
    effects_send (self, (address_t){.node = 0, .role = role}, message_p);
}

void effects_reply (effects_t *self, bytes_t client, bytes_t *frame)
{
    effect_t effect = {.kind = EFFECT_REPLY,
                       .client = bytes_copy (client.data, client.size),
                       .frame = bytes_take (frame)};
    *frame = bytes_view (NULL, 0);
    s_append (self, effect);
}

void effects_publish (effects_t *self, const char *topic, const schema_t *schema, const void *event)
{
    buffer_t buffer;
    buffer_init (&buffer, LIMIT_EVENT_BYTES);
    codec_encode (schema, event, &buffer);
    message_t *message = message_new (MESSAGE_notice);
    message->notice.topic = bytes_copy (topic, strlen (topic));
    message->notice.event = buffer_take (&buffer);
    effects_send_here (self, ROLE_MONITOR, &message);
}

static char *s_format (const char *format, va_list arguments)
{
    char text[LIMIT_SENTENCE_BYTES];
    vsnprintf (text, sizeof text, format, arguments);
    return memory_string (text);
}

void effects_log (effects_t *self, level_t level, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    effect_t effect = {.kind = EFFECT_LOG, .level = level, .text = s_format (format, arguments)};
    va_end (arguments);
    s_append (self, effect);
}

void effects_halt (effects_t *self, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    effect_t effect = {
        .kind = EFFECT_HALT, .level = LEVEL_ERROR, .text = s_format (format, arguments)};
    va_end (arguments);
    s_append (self, effect);
}

void effects_wake (effects_t *self, uint64_t at_us)
{
    if (at_us < self->wake_us)
        self->wake_us = at_us;
}

const char *level_name (level_t level)
{
    static const char *const names[] = {"error", "warning", "notice", "info", "debug"};
    return names[level];
}
