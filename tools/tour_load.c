/*  tour_load.c - see tour_load.h. */
#include "tour_load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "messages/memory.h"

/*  One call's time; short, so that many resends are seen. */
#define LOAD_CALL_MS 1000
/*  How long a record is sent again before it counts as failed. */
#define LOAD_PATIENCE_US ((uint64_t) 60 * 1000 * 1000)

static void s_blame (worker_t *self, const record_t *record, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
static void s_blame (worker_t *self, const record_t *record, const char *format, ...)
{
    if (self->wrong++)
        return;
    char text[LOAD_SENTENCE_BYTES / 2];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    snprintf (self->sentence, sizeof self->sentence, "%.600s: %s", record->key, text);
}

/*  Whether it makes sense to do the same again. */
static bool s_may_pass (cw_status_t status)
{
    return status == CW_NO_NODE || status == CW_UNKNOWN || status == CW_TIMEOUT ||
           status == CW_UNAVAILABLE || status == CW_OVERLOADED;
}

/*  Writes the record, again and again with one put_id. Returns whether it was acknowledged. */
static bool s_write (worker_t *self, cw_client_t *client, const record_t *record)
{
    uint8_t put_id[CW_PUT_ID_BYTES];
    cw_put_id (put_id);
    cw_options_t options = {.put_id = put_id};
    uint64_t began_us = tour_now_us ();
    cw_traffic_t before;
    cw_traffic_t after;
    cw_traffic (client, &before);
    cw_status_t status;
    do
        status = cw_put (client, record->key, strlen (record->key), record->value, record->size,
                         &options, NULL);
    while (s_may_pass (status) && !atomic_load (&self->load->stopped) &&
           tour_now_us () - began_us < LOAD_PATIENCE_US);
    cw_traffic (client, &after);
    if (after.requests > before.requests + 1 || after.resends > before.resends)
        self->twice++;
    if (status == CW_OK) {
        histogram_add (&self->latency, tour_now_us () - began_us);
        return true;
    }
    if (!atomic_load (&self->load->stopped)) {
        s_blame (self, record, "could not be written: %s", cw_error (client));
        /* The node is gone or broken for good: nobody needs to try the rest. */
        atomic_store (&self->load->stopped, true);
    }
    return false;
}

/*  Reads the record back and compares every byte. Returns whether there was an answer. */
static bool s_read (worker_t *self, cw_client_t *client, const record_t *record)
{
    cw_result_t result = {0};
    uint64_t began_us = tour_now_us ();
    cw_status_t status;
    do
        status = cw_get (client, record->key, strlen (record->key), NULL, &result);
    while (s_may_pass (status) && !atomic_load (&self->load->stopped) &&
           tour_now_us () - began_us < LOAD_PATIENCE_US);
    bool answered = status == CW_OK || status == CW_NOT_FOUND;
    if (answered)
        histogram_add (&self->latency, tour_now_us () - began_us);
    if (status == CW_NOT_FOUND)
        s_blame (self, record, "was acknowledged, and is not there");
    else if (status != CW_OK) {
        if (!atomic_load (&self->load->stopped))
            s_blame (self, record, "could not be read: %s", cw_error (client));
        atomic_store (&self->load->stopped, true);
    } else if (result.count != 1)
        s_blame (self, record, "has %zu different values, and one was written", result.count);
    else if (result.values[0].size != record->size)
        s_blame (self, record, "has %zu bytes, and %zu were written", result.values[0].size,
                 record->size);
    else if (memcmp (result.values[0].data, record->value, record->size))
        s_blame (self, record, "has other bytes than were written");
    cw_result_clear (&result);
    return answered;
}

static void *s_work (void *argument)
{
    worker_t *self = argument;
    load_t *load = self->load;
    cw_client_t *client = cw_new_in (load->context, load->endpoint, LOAD_CALL_MS);
    while (client && !atomic_load (&load->stopped)) {
        size_t at = atomic_fetch_add (&load->next, 1);
        if (at >= load->records->count)
            break;
        const record_t *record = &load->records->items[at];
        if (load->reading ? s_read (self, client, record) : s_write (self, client, record))
            atomic_fetch_add (&load->done, 1);
    }
    if (client)
        cw_traffic (client, &self->traffic);
    cw_destroy (&client);
    atomic_fetch_add (&load->ended, 1);
    return NULL;
}

int load_begin (load_t *self, const records_t *records, const char *endpoint, size_t clients,
                bool reading)
{
    *self = (load_t){.records = records,
                     .endpoint = endpoint,
                     .reading = reading,
                     .context = zmq_ctx_new (),
                     .workers = memory_new (clients, sizeof *self->workers),
                     .count = clients,
                     .began_us = tour_now_us ()};
    for (size_t i = 0; self->context && i < clients; i++) {
        worker_t *worker = &self->workers[i];
        worker->load = self;
        histogram_init (&worker->latency);
        worker->started = pthread_create (&worker->thread, NULL, s_work, worker) == 0;
        if (!worker->started)
            break;
    }
    if (self->context && self->workers[clients - 1].started)
        return 0;
    tour_complain ("%zu threads cannot be started; try fewer with --clients", clients);
    return -1;
}

bool load_over (load_t *self)
{
    return atomic_load (&self->ended) == self->count;
}

uint64_t load_end (load_t *self, bool stop, summary_t *summary)
{
    uint64_t wrong = 0;
    histogram_init (&summary->latency);
    summary->traffic = (cw_traffic_t){0};
    summary->twice = 0;
    if (stop)
        atomic_store (&self->stopped, true);
    for (size_t i = 0; i < self->count; i++) {
        worker_t *worker = &self->workers[i];
        if (!worker->started)
            continue;
        pthread_join (worker->thread, NULL);
        histogram_merge (&summary->latency, &worker->latency);
        summary->twice += worker->twice;
        summary->traffic.resends += worker->traffic.resends;
        summary->traffic.late += worker->traffic.late;
        summary->traffic.refused += worker->traffic.refused;
        if (worker->wrong && !wrong)
            tour_complain ("%s", worker->sentence);
        wrong += worker->wrong;
    }
    summary->took_us = tour_now_us () - self->began_us;
    summary->done = atomic_load (&self->done);
    free (self->workers);
    if (self->context)
        zmq_ctx_term (self->context);
    self->workers = NULL;
    self->context = NULL;
    self->count = 0;
    return wrong;
}
