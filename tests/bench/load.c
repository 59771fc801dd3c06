/*  load.c - see bench.h. Each client is a DEALER that sends the empty delimiter as REQ does; a thread polls its share. */
#include "bench.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zmq.h>

#include "messages/codec.h"
#include "messages/memory.h"

typedef struct {
    const load_t *load;
    void *context;
    unsigned clients;
    uint64_t operations;
    uint64_t seed;
    histogram_t latency;
    uint64_t failed;
    char why[128]; /* of the last that failed */
} share_t;

static uint64_t s_now_ns (void)
{
    struct timespec time;
    clock_gettime (CLOCK_MONOTONIC, &time);
    return (uint64_t) time.tv_sec * 1000000000u + (uint64_t) time.tv_nsec;
}

/*  CPU time of all threads of a process, in ns; 0 when it is gone. */
static uint64_t s_process_ns (pid_t pid)
{
    char path[512];
    uint64_t sum = 0;
    snprintf (path, sizeof path, "/proc/%d/task", (int) pid);
    DIR *tasks = opendir (path);
    if (tasks == NULL)
        return 0;
    for (struct dirent *task = readdir (tasks); task != NULL; task = readdir (tasks)) {
        unsigned long long ns = 0;
        snprintf (path, sizeof path, "/proc/%d/task/%s/schedstat", (int) pid, task->d_name);
        FILE *file = task->d_name[0] == '.' ? NULL : fopen (path, "r");
        if (file == NULL)
            continue;
        if (fscanf (file, "%llu", &ns) == 1)
            sum += ns;
        fclose (file);
    }
    closedir (tasks);
    return sum;
}

static uint64_t s_cpu_ns (const load_t *load)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < load->servers_count; i++)
        sum += s_process_ns (load->servers[i]);
    return sum;
}

/*  The next request's bytes: for an echo as long as a put's would be. */
static void s_request (const share_t *share, uint64_t number, buffer_t *buffer)
{
    char key[32];
    uint8_t value[BENCH_VALUE_BYTES];
    request_t request = {0};
    buffer->size = 0;
    snprintf (key, sizeof key, "key-%012llu", (unsigned long long) (number % BENCH_KEYS));
    memset (value, (int) (number & 255), sizeof value);
    GIVE (request, &request, op, bytes_text (share->load->kind == LOAD_GET ? "get" : "put"));
    GIVE (request, &request, key, bytes_text (key));
    if (share->load->kind != LOAD_GET)
        GIVE (request, &request, value, bytes_view (value, sizeof value));
    codec_encode (&request_schema, &request, buffer);
}

/*  A put without a context adds a sibling; so each put carries the context that its key's last one answered. */
typedef struct {
    bytes_t contexts[BENCH_KEYS];
} memory_t;

static void s_send (share_t *share, void *socket, memory_t *memory, uint64_t number,
                    buffer_t *buffer)
{
    s_request (share, number, buffer);
    bytes_t context = memory->contexts[number % BENCH_KEYS];
    if (share->load->kind == LOAD_PUT && context.size > 0) {
        request_t request;
        buffer_t with;
        buffer_init (&with, 65536);
        codec_decode (&request_schema, buffer_view (buffer), &request, NULL);
        GIVE (request, &request, context, bytes_view (context.data, context.size));
        codec_encode (&request_schema, &request, &with);
        buffer->size = 0;
        buffer_append (buffer, with.data, with.size);
        buffer_clear (&with);
    }
    zmq_send (socket, "", 0, ZMQ_SNDMORE);
    zmq_send (socket, buffer->data, buffer->size, 0);
}

static bool s_receive (share_t *share, void *socket, memory_t *memory, uint64_t number)
{
    zmq_msg_t frame;
    zmq_msg_init (&frame);
    zmq_msg_recv (&frame, socket, 0);
    zmq_msg_recv (&frame, socket, 0);
    bool good = true;
    if (share->load->kind != LOAD_ECHO) {
        written_t reply;
        bytes_t bytes = bytes_view (zmq_msg_data (&frame), zmq_msg_size (&frame));
        good = codec_decode (&written_schema, bytes, &reply, NULL) == 0 &&
               (bytes_equal (reply.status, bytes_text ("ok")) ||
                bytes_equal (reply.status, bytes_text ("not_found")));
        if (!good)
            snprintf (share->why, sizeof share->why, "%.*s: %.*s", (int) reply.status.size,
                      (const char *) reply.status.data, (int) reply.message.size,
                      (const char *) reply.message.data);
        if (good && share->load->kind == LOAD_PUT) {
            bytes_t *context = &memory->contexts[number % BENCH_KEYS];
            bytes_clear (context);
            *context = bytes_copy (reply.context.data, reply.context.size);
        }
        codec_clear (&written_schema, &reply);
    }
    zmq_msg_close (&frame);
    return good;
}

static void *s_run (void *argument)
{
    share_t *share = argument;
    zmq_pollitem_t *items = memory_new (share->clients, sizeof *items);
    uint64_t *sent_ns = memory_new (share->clients, sizeof *sent_ns);
    uint64_t *numbers = memory_new (share->clients, sizeof *numbers);
    memory_t *memory = memory_new (1, sizeof *memory);
    buffer_t buffer;
    buffer_init (&buffer, 65536);
    uint64_t started = 0;
    uint64_t ended = 0;
    int linger = 0;
    for (unsigned i = 0; i < share->clients; i++) {
        items[i].socket = zmq_socket (share->context, ZMQ_DEALER);
        items[i].events = ZMQ_POLLIN;
        zmq_setsockopt (items[i].socket, ZMQ_LINGER, &linger, sizeof linger);
        zmq_connect (items[i].socket, share->load->endpoint);
        numbers[i] = share->seed + started++;
        sent_ns[i] = s_now_ns ();
        s_send (share, items[i].socket, memory, numbers[i], &buffer);
    }
    while (ended < share->operations) {
        if (zmq_poll (items, (int) share->clients, 10000) <= 0) {
            share->failed += share->operations - ended;
            snprintf (share->why, sizeof share->why, "no reply for 10 s");
            break;
        }
        for (unsigned i = 0; i < share->clients; i++) {
            if (!(items[i].revents & ZMQ_POLLIN))
                continue;
            share->failed += !s_receive (share, items[i].socket, memory, numbers[i]);
            uint64_t now_ns = s_now_ns ();
            histogram_add (&share->latency, (now_ns - sent_ns[i]) / 1000);
            ended++;
            if (started >= share->operations)
                continue;
            numbers[i] = share->seed + started++;
            sent_ns[i] = now_ns;
            s_send (share, items[i].socket, memory, numbers[i], &buffer);
        }
    }
    for (unsigned i = 0; i < share->clients; i++)
        zmq_close (items[i].socket);
    for (unsigned i = 0; i < BENCH_KEYS; i++)
        bytes_clear (&memory->contexts[i]);
    buffer_clear (&buffer);
    free (memory);
    free (numbers);
    free (sent_ns);
    free (items);
    return NULL;
}

void bench_load (const load_t *load, outcome_t *outcome)
{
    unsigned threads = load->clients < BENCH_THREADS ? 1 : BENCH_THREADS;
    share_t *shares = memory_new (threads, sizeof *shares);
    pthread_t ids[BENCH_THREADS];
    void *context = zmq_ctx_new ();
    memset (outcome, 0, sizeof *outcome);
    uint64_t cpu_ns = s_cpu_ns (load);
    uint64_t began_ns = s_now_ns ();
    for (unsigned i = 0; i < threads; i++) {
        /* Each thread has keys of its own, or two clients would race for one key's context. */
        shares[i] = (share_t){.load = load,
                              .context = context,
                              .clients = load->clients / threads,
                              .operations = load->operations / threads,
                              .seed = (uint64_t) i * BENCH_KEYS / threads};
        pthread_create (&ids[i], NULL, s_run, &shares[i]);
    }
    uint64_t operations = 0;
    for (unsigned i = 0; i < threads; i++) {
        pthread_join (ids[i], NULL);
        histogram_merge (&outcome->latency, &shares[i].latency);
        outcome->failed += shares[i].failed;
        if (shares[i].failed > 0)
            memcpy (outcome->why, shares[i].why, sizeof outcome->why);
        operations += shares[i].operations;
    }
    double seconds = (double) (s_now_ns () - began_ns) / 1e9;
    outcome->rate = (double) operations / seconds;
    outcome->cpu_us = (double) (s_cpu_ns (load) - cpu_ns) / 1000.0 / (double) operations;
    zmq_ctx_term (context);
    free (shares);
}
