/*  server.c - see server.h. */
#include "server.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "messages/memory.h"

#define SERVER_STOP "inproc://stop"
#define SERVER_FLOOD_VALUES 40000u

/* ---- replies ---- */

static void s_send (server_t *self, bytes_t client, bytes_t reply)
{
    zmq_send (self->router, client.data, client.size, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send (self->router, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send (self->router, reply.data, reply.size, ZMQ_DONTWAIT);
}

/*  The statuses stand at the end of step_t, in the order of STATUSES. */
static const char *s_status (step_t step)
{
    if (step >= STEP_BAD_REQUEST)
        return status_name ((status_t) (STATUS_BAD_REQUEST + (step - STEP_BAD_REQUEST)));
    if (step == STEP_ODD_STATUS)
        return "splendid";
    return step == STEP_NOT_FOUND ? "not_found" : "ok";
}

static bytes_t s_encode (const schema_t *schema, const void *reply)
{
    buffer_t buffer;
    buffer_init (&buffer, 1u << 20);
    cr_assert_eq (codec_encode (schema, reply, &buffer), 0);
    return buffer_take (&buffer);
}

static bytes_t s_reply_get (step_t step, const request_t *request, size_t number)
{
    char text[24];
    snprintf (text, sizeof text, "v%zu", number);
    value_t values[] = {{bytes_text (text)}, {bytes_view ("", 0)}, {bytes_view ("\0\xff", 2)}};
    got_t got = {0};
    GIVE (got, &got, status, bytes_text (s_status (step)));
    GIVE (got, &got, id, request->id);
    GIVE (got, &got, context, bytes_text ("context of a get"));
    size_t count = step == STEP_SIBLINGS ? 3 : step == STEP_NOT_FOUND ? 0 : 1;
    got.values = (value_list_t){.items = values, .count = count};
    got.has |= CODEC_BIT (got, values);
    return s_encode (&got_schema, &got);
}

static bytes_t s_reply_written (const request_t *request)
{
    written_t written = {0};
    GIVE (written, &written, status, bytes_text ("ok"));
    GIVE (written, &written, id, request->id);
    GIVE (written, &written, context, bytes_text ("context of a put"));
    GIVE (written, &written, acks, 2);
    return s_encode (&written_schema, &written);
}

/*  Two keys and a `next`; without a `next` when one was asked for. */
static bytes_t s_reply_listed (const request_t *request)
{
    name_t names[] = {{bytes_text ("k1")}, {bytes_view ("k\0", 2)}};
    bool last = HAS (request, request, after);
    listed_t listed = {0};
    GIVE (listed, &listed, status, bytes_text ("ok"));
    GIVE (listed, &listed, id, request->id);
    GIVE (listed, &listed, next, last ? bytes_view ("\xc0", 1) : bytes_view ("\xc4\x02k\0", 4));
    listed.keys = (name_list_t){.items = names, .count = last ? 0 : 2};
    listed.has |= CODEC_BIT (listed, keys);
    return s_encode (&listed_schema, &listed);
}

static bytes_t s_reply_failure (step_t step, const request_t *request)
{
    failure_t failure = {0};
    if (step != STEP_NO_STATUS)
        GIVE (failure, &failure, status, bytes_text (s_status (step)));
    GIVE (failure, &failure, id, request->id);
    if (step >= STEP_BAD_REQUEST)
        GIVE (failure, &failure, message, bytes_text ("do\x1b[31m this\ninstead"));
    return s_encode (&failure_schema, &failure);
}

static bytes_t s_reply (step_t step, const request_t *request, size_t number)
{
    bool whole = step != STEP_NO_STATUS && step != STEP_ODD_STATUS && step != STEP_NO_FIELDS &&
                 step < STEP_BAD_REQUEST;
    if (whole && bytes_equal (request->op, bytes_text ("get")))
        return s_reply_get (step, request, number);
    if (whole && (bytes_equal (request->op, bytes_text ("put")) ||
                  bytes_equal (request->op, bytes_text ("delete"))))
        return s_reply_written (request);
    if (whole && bytes_equal (request->op, bytes_text ("keys")))
        return s_reply_listed (request);
    return s_reply_failure (step, request);
}

/* ---- misbehaviour ---- */

/*  Not MessagePack; a map cut short; an array that declares 2^32 - 1 items; no delimiter; a frame too many. */
static void s_send_garbage (server_t *self, bytes_t client, bytes_t proper)
{
    s_send (self, client, bytes_text ("\xc1 no reply at all"));
    s_send (self, client, bytes_view (proper.data, proper.size - 1));
    s_send (self, client, bytes_view ("\xdd\xff\xff\xff\xff", 5));
    zmq_send (self->router, client.data, client.size, ZMQ_SNDMORE);
    zmq_send (self->router, proper.data, proper.size, 0);
    zmq_send (self->router, client.data, client.size, ZMQ_SNDMORE);
    zmq_send (self->router, "", 0, ZMQ_SNDMORE);
    zmq_send (self->router, proper.data, proper.size, ZMQ_SNDMORE);
    zmq_send (self->router, proper.data, proper.size, 0);
    s_send (self, client, proper);
}

static void s_open (server_t *self)
{
    const int linger_ms = 0;
    self->router = zmq_socket (self->context, ZMQ_ROUTER);
    cr_assert_not_null (self->router);
    zmq_setsockopt (self->router, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    /* Right after a close libzmq may still hold the port. */
    while (zmq_bind (self->router, self->endpoint))
        cr_assert_eq (errno, EADDRINUSE);
}

static bool s_told_to_stop (server_t *self, long wait_ms)
{
    zmq_pollitem_t item = {.socket = self->stop, .events = ZMQ_POLLIN};
    return zmq_poll (&item, 1, wait_ms) > 0;
}

/*  Replies that take longer to read than to send, so that the client always finds another one. */
static void s_flood (server_t *self, bytes_t client)
{
    value_list_t values = {.items = memory_new (SERVER_FLOOD_VALUES, sizeof (value_t)),
                           .count = SERVER_FLOOD_VALUES};
    got_t got = {0};
    GIVE (got, &got, status, bytes_text ("ok"));
    GIVE (got, &got, id,
          bytes_text ("\xa5"
                      "other"));
    GIVE (got, &got, values, values);
    bytes_t reply = s_encode (&got_schema, &got);
    free (values.items);
    while (!s_told_to_stop (self, 0))
        s_send (self, client, reply);
    bytes_clear (&reply);
}

static void s_answer (server_t *self, step_t step, bytes_t client, const request_t *request)
{
    bytes_t reply = s_reply (step == STEP_LATE ? STEP_OK : step, request, self->count);
    if (self->late_reply.data) {
        s_send (self, self->late_client, self->late_reply);
        bytes_clear (&self->late_client);
        bytes_clear (&self->late_reply);
    }
    if (step == STEP_LATE) {
        self->late_client = bytes_copy (client.data, client.size);
        self->late_reply = bytes_take (&reply);
    } else if (step == STEP_CLOSE) {
        zmq_close (self->router);
        s_open (self);
    } else if (step == STEP_GARBAGE)
        s_send_garbage (self, client, reply);
    else if (step == STEP_FLOOD)
        s_flood (self, client);
    else if (step != STEP_SILENT) {
        s_send (self, client, reply);
        if (step == STEP_TWICE)
            s_send (self, client, reply);
    }
    bytes_clear (&reply);
}

/* ---- its life ---- */

static bytes_t s_receive (server_t *self)
{
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    cr_assert_neq (zmq_msg_recv (&frame, self->router, 0), -1);
    bytes_t bytes = bytes_copy (zmq_msg_data (&frame), zmq_msg_size (&frame));
    zmq_msg_close (&frame);
    return bytes;
}

static void s_take (server_t *self)
{
    bytes_t client = s_receive (self);
    bytes_t delimiter = s_receive (self);
    bytes_t body = s_receive (self);
    cr_assert_eq (delimiter.size, 0);
    bytes_clear (&delimiter);
    cr_assert_lt (self->count, SERVER_REQUESTS);
    request_t *request = &self->requests[self->count];
    cr_assert_eq (codec_decode (&request_schema, body, request, NULL), 0);
    self->frames[self->count] = body;
    step_t step = self->count < self->steps_count ? self->steps[self->count] : STEP_OK;
    self->count++;
    s_answer (self, step, client, request);
    bytes_clear (&client);
}

static void *s_run (void *argument)
{
    server_t *self = argument;
    for (;;) {
        zmq_pollitem_t items[] = {{.socket = self->router, .events = ZMQ_POLLIN},
                                  {.socket = self->stop, .events = ZMQ_POLLIN}};
        zmq_poll (items, 2, -1);
        if (items[1].revents)
            break;
        if (items[0].revents)
            s_take (self);
    }
    zmq_close (self->router);
    zmq_close (self->stop);
    return NULL;
}

server_t *server_new (const step_t *steps, size_t count)
{
    server_t *self = memory_new (1, sizeof *self);
    self->steps = memory_new (count, sizeof *steps);
    memcpy (self->steps, steps, count * sizeof *steps);
    self->steps_count = count;
    self->context = zmq_ctx_new ();
    snprintf (self->endpoint, sizeof self->endpoint, "tcp://127.0.0.1:*");
    s_open (self);
    size_t size = sizeof self->endpoint;
    cr_assert_eq (zmq_getsockopt (self->router, ZMQ_LAST_ENDPOINT, self->endpoint, &size), 0);
    self->stop = zmq_socket (self->context, ZMQ_PAIR);
    cr_assert_eq (zmq_bind (self->stop, SERVER_STOP), 0);
    self->running = true;
    cr_assert_eq (pthread_create (&self->thread, NULL, s_run, self), 0);
    return self;
}

void server_stop (server_t *self)
{
    if (!self->running)
        return;
    void *stop = zmq_socket (self->context, ZMQ_PAIR);
    zmq_connect (stop, SERVER_STOP);
    zmq_send (stop, "", 0, 0);
    pthread_join (self->thread, NULL);
    zmq_close (stop);
    self->running = false;
}

void server_destroy (server_t **self_p)
{
    server_t *self = *self_p;
    if (!self)
        return;
    server_stop (self);
    zmq_ctx_term (self->context);
    for (size_t i = 0; i < self->count; i++) {
        codec_clear (&request_schema, &self->requests[i]);
        bytes_clear (&self->frames[i]);
    }
    bytes_clear (&self->late_client);
    bytes_clear (&self->late_reply);
    free (self->steps);
    free (self);
    *self_p = NULL;
}
