/*  tour_load.h - many clients at once: each takes the next record, until all are written, or read back.
 *
 *  A client that gets no answer sends the same record again with the same put_id until the node is back, as any
 *  application would. One thread, one client, one histogram: they are put together when the threads have ended.
 */
#ifndef CARTWHEEL_TOUR_LOAD_H
#define CARTWHEEL_TOUR_LOAD_H

#include <pthread.h>
#include <stdatomic.h>

#include "client/cartwheel.h"
#include "tour_records.h"

#define LOAD_SENTENCE_BYTES 2048

typedef struct load load_t;

typedef struct {
    load_t *load;
    pthread_t thread;
    bool started;
    histogram_t latency;
    cw_traffic_t traffic;
    uint64_t twice;                     /* records of which a write was sent more than once */
    uint64_t wrong;                     /* records that were not as they should be */
    char sentence[LOAD_SENTENCE_BYTES]; /* about the first of them */
} worker_t;

struct load {
    const records_t *records;
    const char *endpoint;
    bool reading;  /* compares; else writes */
    void *context; /* ZeroMQ's */
    worker_t *workers;
    size_t count;
    atomic_size_t next;  /* the next record to be taken */
    atomic_size_t done;  /* records that were acknowledged, or read */
    atomic_bool stopped; /* take no more */
    atomic_size_t ended; /* workers */
    uint64_t began_us;
};

/*  Starts the workers. -1 after a complaint. load_end in both cases. */
int load_begin (load_t *self, const records_t *records, const char *endpoint, size_t clients,
                bool reading);
/*  Whether all workers have come to their end. */
bool load_over (load_t *self);
/*  What they have in common when they have ended; `stop` ends them early. Returns the records that were wrong or could
 *  not be done, the first of them after a complaint. */
typedef struct {
    histogram_t latency;
    cw_traffic_t traffic;
    uint64_t twice;
    uint64_t took_us;
    size_t done;
} summary_t;
uint64_t load_end (load_t *self, bool stop, summary_t *summary);

#endif
