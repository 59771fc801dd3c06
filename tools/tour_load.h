/*  tour_load.h - many clients at once: each takes the next record and does one task with it, until all are done.
 *
 *  One thread, one client, one histogram: they are put together when the threads have ended. A client knows all nodes and
 *  begins with one of them, each with another. What it is told is told to the application: nothing is tried again
 *  here, so that an error is an error.
 */
#ifndef CARTWHEEL_TOUR_LOAD_H
#define CARTWHEEL_TOUR_LOAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "client/cartwheel.h"
#include "tour_cluster.h"
#include "tour_records.h"

#define LOAD_SENTENCE_BYTES 2048
/*  For so long after a kill requests are counted on their own too. */
#define LOAD_AFTER_S 5u

typedef struct load load_t;

typedef struct {
    load_t *load;
    pthread_t thread;
    bool started;
    const char *endpoints;
    cw_client_t *client;
    histogram_t latency;
    histogram_t after; /* of requests on their way at the kill, or begun soon after it */
    uint64_t mended;   /* records whose replicas did not agree at first */
    uint64_t wrong;    /* records that were not as they should be */
    char sentence[LOAD_SENTENCE_BYTES]; /* about the first of them */
    cw_traffic_t traffic;
} worker_t;

/*  Does it for one record. Returns whether it was as it should be, else after load_blame. */
typedef bool (load_task_t) (worker_t *self, const record_t *record);

struct load {
    const tour_t *tour;
    const records_t *records;
    load_task_t *task;
    void *context; /* ZeroMQ's */
    worker_t *workers;
    size_t count;
    atomic_size_t next;             /* the next record to be taken */
    atomic_size_t done;             /* records that were as they should be */
    atomic_uint_least64_t crash_us; /* when a node was killed; 0: it was not */
    atomic_bool stopped;            /* take no more */
    atomic_size_t ended;            /* workers */
    uint64_t began_us;
};

/*  Starts tour->clients workers. -1 after a complaint. load_end in both cases. */
int load_begin (load_t *self, const tour_t *tour, const cluster_t *cluster,
                const records_t *records, load_task_t *task);
/*  Whether all workers have come to their end. */
bool load_over (load_t *self);

/*  Notes a record that is not as it should be, and why; the first one of a worker is told. */
void load_blame (worker_t *self, const record_t *record, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));

/*  What they have in common when they have ended; `stop` ends them early. Returns the records that were wrong or could
 *  not be done, the first of them after a complaint. */
typedef struct {
    histogram_t latency;
    histogram_t after;
    cw_traffic_t traffic;
    uint64_t mended;
    uint64_t took_us;
    size_t done;
} summary_t;
uint64_t load_end (load_t *self, bool stop, summary_t *summary);

#endif
