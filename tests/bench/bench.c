/*  bench.c - the price of one node beside a bare ROUTER echo, interleaved in one run (docs/benchmarks.md says how to read it).
 *
 *  bench CARTWHEELD [ROUNDS [OPERATIONS]]
 *
 *  A child process echoes; a node in each durability serves. Each round runs every load once, so that a machine whose
 *  speed drifts drifts for all of them; what is printed are medians over the rounds, and medians of ratios to the echo of
 *  the same round.
 */
#include "bench.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "messages/memory.h"

#define ROUNDS_MOST 101

static const char *const DURABILITIES[] = {"batch", "periodic", "none"};
enum { NODES = 3 };
static const unsigned CLIENTS[] = {1, 64};
enum { SIZES = 2 };

typedef struct {
    pid_t pid;
    char endpoint[64];
    char folder[64];
} server_t;

/*  One row of the table: a load against a server, at one number of clients. */
typedef struct {
    const char *name;
    const server_t *server;
    load_kind_t kind;
    unsigned clients;
    size_t echo; /* the row that it is compared with */
    double p50[ROUNDS_MOST];
    double p99[ROUNDS_MOST];
    double cpu[ROUNDS_MOST];
    double rate[ROUNDS_MOST];
    uint64_t failed;
} row_t;

static void s_echo (const char *endpoint)
{
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    void *context = zmq_ctx_new ();
    void *router = zmq_socket (context, ZMQ_ROUTER);
    if (zmq_bind (router, endpoint) != 0)
        _exit (1);
    for (;;) {
        zmq_msg_t frame;
        zmq_msg_init (&frame);
        if (zmq_msg_recv (&frame, router, 0) < 0)
            _exit (1);
        int more = zmq_msg_more (&frame);
        zmq_msg_send (&frame, router, more ? ZMQ_SNDMORE : 0);
    }
}

/*  A port that was free a moment ago. */
static unsigned s_port (void)
{
    void *context = zmq_ctx_new ();
    void *probe = zmq_socket (context, ZMQ_PULL);
    char endpoint[64];
    size_t size = sizeof endpoint;
    zmq_bind (probe, "tcp://127.0.0.1:*");
    zmq_getsockopt (probe, ZMQ_LAST_ENDPOINT, endpoint, &size);
    zmq_close (probe);
    zmq_ctx_term (context);
    return (unsigned) strtoul (strrchr (endpoint, ':') + 1, NULL, 10);
}

static void s_start_echo (server_t *server)
{
    snprintf (server->endpoint, sizeof server->endpoint, "tcp://127.0.0.1:%u", s_port ());
    server->pid = fork ();
    if (server->pid == 0)
        s_echo (server->endpoint);
}

static void s_start_node (server_t *server, const char *program, const char *durability)
{
    char path[128];
    unsigned client = s_port ();
    snprintf (server->folder, sizeof server->folder, "/tmp/cartwheel-bench-XXXXXX");
    if (mkdtemp (server->folder) == NULL)
        exit (1);
    snprintf (server->endpoint, sizeof server->endpoint, "tcp://127.0.0.1:%u", client);
    snprintf (path, sizeof path, "%s/node.cfg", server->folder);
    FILE *file = fopen (path, "w");
    fprintf (file,
             "node\n    name = bench\n    data = data\n"
             "listen\n    client = %s\n    peer = tcp://127.0.0.1:%u\n"
             "    gossip = tcp://127.0.0.1:%u\n"
             "cluster\n    name = bench\n    n = 1\nstore\n    durability = %s\n"
             "log\n    level = warning\n",
             server->endpoint, s_port (), s_port (), durability);
    fclose (file);
    server->pid = fork ();
    if (server->pid == 0) {
        prctl (PR_SET_PDEATHSIG, SIGKILL);
        execl (program, program, "--config", path, (char *) NULL);
        perror (program);
        _exit (1);
    }
}

static void s_stop (server_t *server)
{
    int status;
    kill (server->pid, SIGTERM);
    waitpid (server->pid, &status, 0);
    if (server->folder[0] == 0)
        return;
    pid_t remover = fork ();
    if (remover == 0) {
        execlp ("rm", "rm", "-r", server->folder, (char *) NULL);
        _exit (1);
    }
    waitpid (remover, &status, 0);
    if (status != 0)
        fprintf (stderr, "bench: cannot remove %s\n", server->folder);
}

static int s_compare (const void *a, const void *b)
{
    double x = *(const double *) a;
    double y = *(const double *) b;
    return (x > y) - (x < y);
}

static double s_median (const double *values, size_t count)
{
    double sorted[ROUNDS_MOST];
    memcpy (sorted, values, count * sizeof *sorted);
    qsort (sorted, count, sizeof *sorted, s_compare);
    return sorted[count / 2];
}

static double s_median_ratio (const double *values, const double *base, size_t count)
{
    double ratios[ROUNDS_MOST];
    for (size_t i = 0; i < count; i++)
        ratios[i] = base[i] > 0 ? values[i] / base[i] : 0;
    return s_median (ratios, count);
}

static void s_round (row_t *rows, size_t count, size_t round, uint64_t operations)
{
    for (size_t i = 0; i < count; i++) {
        row_t *row = &rows[i];
        outcome_t *outcome = memory_new (1, sizeof *outcome);
        /* One client waits for each flush: fewer operations say as much. */
        uint64_t share = row->clients == 1 ? operations / 8 : operations;
        load_t load = {.endpoint = row->server->endpoint,
                       .kind = row->kind,
                       .clients = row->clients,
                       .operations = share,
                       .server = row->server->pid};
        bench_load (&load, outcome);
        row->p50[round] = (double) histogram_percentile (&outcome->latency, 50);
        row->p99[round] = (double) histogram_percentile (&outcome->latency, 99);
        row->cpu[round] = outcome->cpu_us;
        row->rate[round] = outcome->rate;
        row->failed += outcome->failed;
        free (outcome);
    }
}

static uint64_t s_print (const row_t *rows, size_t count, size_t rounds)
{
    uint64_t failed = 0;
    printf ("%-14s %7s %9s %9s %9s %9s | %9s %9s\n", "load", "clients", "p50 us", "p99 us", "ops/s",
            "CPU us/op", "p50/echo", "CPU/echo");
    for (size_t i = 0; i < count; i++) {
        const row_t *row = &rows[i];
        const row_t *echo = &rows[row->echo];
        printf ("%-14s %7u %9.0f %9.0f %9.0f %9.1f | %9.2f %9.2f\n", row->name, row->clients,
                s_median (row->p50, rounds), s_median (row->p99, rounds),
                s_median (row->rate, rounds), s_median (row->cpu, rounds),
                s_median_ratio (row->p50, echo->p50, rounds),
                s_median_ratio (row->cpu, echo->cpu, rounds));
        failed += row->failed;
    }
    return failed;
}

int main (int argc, char **argv)
{
    if (argc < 2) {
        fprintf (stderr, "usage: bench CARTWHEELD [ROUNDS [OPERATIONS]]\n");
        return 2;
    }
    size_t rounds = argc > 2 ? strtoul (argv[2], NULL, 10) : 5;
    uint64_t operations = argc > 3 ? strtoull (argv[3], NULL, 10) : 40000;
    if (rounds == 0 || rounds > ROUNDS_MOST || operations < 1000) {
        fprintf (stderr, "bench: 1 to %d rounds of at least 1000 operations\n", ROUNDS_MOST);
        return 2;
    }
    server_t echo = {0};
    server_t nodes[NODES] = {0};
    s_start_echo (&echo);
    for (size_t i = 0; i < NODES; i++)
        s_start_node (&nodes[i], argv[1], DURABILITIES[i]);
    static const char *const puts_of[NODES] = {"put batch", "put periodic", "put none"};
    row_t *rows = memory_new (SIZES * (NODES + 2), sizeof *rows);
    size_t count = 0;
    for (size_t size = 0; size < SIZES; size++) {
        size_t base = count;
        rows[count++] = (row_t){.name = "echo", .server = &echo, .kind = LOAD_ECHO};
        for (size_t i = 0; i < NODES; i++)
            rows[count++] = (row_t){.name = puts_of[i], .server = &nodes[i], .kind = LOAD_PUT};
        rows[count++] = (row_t){.name = "get", .server = &nodes[1], .kind = LOAD_GET};
        for (size_t i = base; i < count; i++) {
            rows[i].clients = CLIENTS[size];
            rows[i].echo = base;
        }
    }
    for (size_t round = 0; round < rounds; round++)
        s_round (rows, count, round, operations);
    printf ("values of %u bytes, %u keys, %zu rounds interleaved, medians\n", BENCH_VALUE_BYTES,
            BENCH_KEYS, rounds);
    uint64_t failed = s_print (rows, count, rounds);
    for (size_t i = 0; i < NODES; i++)
        s_stop (&nodes[i]);
    s_stop (&echo);
    free (rows);
    if (failed > 0)
        fprintf (stderr, "bench: %llu operations failed\n", (unsigned long long) failed);
    return failed > 0;
}
