/*  tour_load.c - see tour_load.h. */
#include "tour_load.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "messages/memory.h"

/*  One call's time, with all that the client library tries within it. */
#define LOAD_CALL_MS 10000

void load_blame (worker_t *self, const record_t *record, const char *format, ...)
{
    if (self->wrong++ || atomic_load (&self->load->stopped))
        return;
    char text[LOAD_SENTENCE_BYTES / 2];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    snprintf (self->sentence, sizeof self->sentence, "%.600s: %s", record->key, text);
}

/*  Counts what took from `began_us` until now. */
static void s_count (worker_t *self, uint64_t began_us)
{
    uint64_t now_us = tour_now_us ();
    uint64_t crash_us = atomic_load (&self->load->crash_us);
    histogram_add (&self->latency, now_us - began_us);
    if (crash_us && now_us > crash_us && began_us < crash_us + LOAD_AFTER_S * 1000000ull)
        histogram_add (&self->after, now_us - began_us);
}

static void *s_work (void *argument)
{
    worker_t *self = argument;
    load_t *load = self->load;
    self->client = cw_new_in (load->context, self->endpoints, LOAD_CALL_MS);
    while (self->client && !atomic_load (&load->stopped)) {
        size_t at = atomic_fetch_add (&load->next, 1);
        if (at >= load->records->count)
            break;
        uint64_t began_us = tour_now_us ();
        if (load->task (self, &load->records->items[at])) {
            s_count (self, began_us);
            atomic_fetch_add (&load->done, 1);
        }
    }
    if (self->client)
        cw_traffic (self->client, &self->traffic);
    cw_destroy (&self->client);
    atomic_fetch_add (&load->ended, 1);
    return NULL;
}

int load_begin (load_t *self, const tour_t *tour, const cluster_t *cluster,
                const records_t *records, load_task_t *task)
{
    size_t clients = tour->clients;
    *self = (load_t){.tour = tour,
                     .records = records,
                     .task = task,
                     .context = zmq_ctx_new (),
                     .workers = memory_new (clients, sizeof *self->workers),
                     .count = clients,
                     .began_us = tour_now_us ()};
    for (size_t i = 0; self->context && i < clients; i++) {
        worker_t *worker = &self->workers[i];
        worker->load = self;
        worker->endpoints = cluster->endpoints[i % CLUSTER_NODES];
        histogram_init (&worker->latency);
        histogram_init (&worker->after);
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
    bool told = false;
    *summary = (summary_t){0};
    if (stop)
        atomic_store (&self->stopped, true);
    for (size_t i = 0; i < self->count; i++) {
        worker_t *worker = &self->workers[i];
        if (!worker->started)
            continue;
        pthread_join (worker->thread, NULL);
        histogram_merge (&summary->latency, &worker->latency);
        histogram_merge (&summary->after, &worker->after);
        summary->mended += worker->mended;
        summary->traffic.resends += worker->traffic.resends;
        summary->traffic.failovers += worker->traffic.failovers;
        if (worker->sentence[0] && !told)
            tour_complain ("%s", worker->sentence);
        told |= worker->sentence[0] != 0;
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
