/*  trace.c - see trace.h. */
#include "trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/hash.h"

static const char *const s_kinds[] = {"start", "message", "request", "garbage",
                                      "tick",  "drained", "stop"};

void trace_init (trace_t *self, bool verbose)
{
    memset (self, 0, sizeof *self);
    self->verbose = verbose;
    buffer_init (&self->buffer, LIMIT_PEER_FRAME_BYTES);
}

void trace_clear (trace_t *self)
{
    buffer_clear (&self->buffer);
}

static void s_mix (trace_t *self, uint64_t number)
{
    /* The finalizer of splitmix64, as a step of a chain. */
    uint64_t z = (self->hash ^ number) + 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    self->hash = z ^ (z >> 31);
}

static void s_mix_message (trace_t *self, const message_t *message, role_id_t to)
{
    self->buffer.size = 0;
    self->buffer.overflowed = false;
    message_encode (message, to, &self->buffer);
    s_mix (self, hash_bytes (buffer_view (&self->buffer)));
}

static void s_print_message (trace_t *self, const message_t *message)
{
    self->buffer.size = 0;
    self->buffer.overflowed = false;
    codec_print (message_schema (message->type), message_record ((message_t *) message),
                 &self->buffer);
    printf (" %.*s", (int) self->buffer.size, (const char *) self->buffer.data);
}

static void s_print_request (trace_t *self, bytes_t frame)
{
    request_t request;
    self->buffer.size = 0;
    if (codec_decode (&request_schema, frame, &request, NULL) == 0) {
        codec_print (&request_schema, &request, &self->buffer);
        codec_clear (&request_schema, &request);
        printf (" %.*s", (int) self->buffer.size, (const char *) self->buffer.data);
    }
}

static void s_begin (trace_t *self, uint64_t now_us)
{
    self->lines++;
    s_mix (self, now_us);
    if (self->verbose)
        printf ("%12.6f ", (double) now_us / 1e6);
}

void trace_event (trace_t *self, uint64_t now_us, size_t node, role_id_t role, const event_t *event)
{
    s_begin (self, now_us);
    s_mix (self, (node << 16) | ((uint64_t) role << 8) | (uint64_t) event->kind);
    s_mix (self, event->wall_ms);
    if (event->message)
        s_mix_message (self, event->message, role);
    if (event->frame.size > 0)
        s_mix (self, hash_bytes (event->frame));
    if (!self->verbose)
        return;
    printf ("node%zu %-11s <- %s", node + 1, role_name (role), s_kinds[event->kind]);
    if (event->message)
        s_print_message (self, event->message);
    if (event->kind == EVENT_REQUEST)
        s_print_request (self, event->frame);
    printf ("\n");
}

void trace_send (trace_t *self, uint64_t now_us, size_t node, role_id_t role, size_t place,
                 role_id_t to, const message_t *message)
{
    s_begin (self, now_us);
    s_mix (self, (node << 32) | (place << 16) | ((uint64_t) role << 8) | (uint64_t) to);
    s_mix_message (self, message, to);
    if (!self->verbose)
        return;
    printf ("node%zu %-11s -> node%zu %s", node + 1, role_name (role), place + 1, role_name (to));
    s_print_message (self, message);
    printf ("\n");
}

void trace_bytes (trace_t *self, uint64_t now_us, bytes_t bytes, const char *format, ...)
{
    s_begin (self, now_us);
    s_mix (self, hash_bytes (bytes));
    if (!self->verbose)
        return;
    va_list arguments;
    va_start (arguments, format);
    vprintf (format, arguments);
    va_end (arguments);
    printf ("\n");
}

void trace_say (trace_t *self, uint64_t now_us, const char *format, ...)
{
    s_begin (self, now_us);
    char text[LIMIT_SENTENCE_BYTES * 2];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    s_mix (self, hash_bytes (bytes_text (text)));
    if (self->verbose)
        printf ("%s\n", text);
}
