/*  tour.c - the first thing that README runs: three nodes and real data, one of the nodes killed, every byte read back, the
 *  dead node's return, a shopping cart. Here are the command line and the words; the acts are in tour_acts.c.
 *
 *  Ends with 0 only when nothing differs. Nothing that it started is left behind, also after Ctrl-C.
 */
#include "tour.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tour_acts.h"

#define TOUR_CLIENTS 16
#define TOUR_CLIENTS_MOST 512
#define TOUR_WAIT_S 120

static const char s_help[] =
    "Usage: tour [--records N] [--clients N] [--wait S] [--file FILE] [--data FOLDER]\n"
    "            [--program CARTWHEELD]\n"
    "\n"
    "Loads the machine's Debian package index into three nodes (n = 3, r = w = 2), kills one of\n"
    "them with SIGKILL in the middle of that, goes on without it, reads every record back byte\n"
    "for byte, starts the node again, waits until all replicas are equal, and ends with Dynamo's\n"
    "shopping cart on two nodes. Exit status: 0 all as it should be, 1 not, 2 wrong usage,\n"
    "3 interrupted.\n"
    "\n"
    "  --records N           only the first N records\n"
    "  --clients N           that many clients at once (16)\n"
    "  --file FILE           records from FILE, separated by blank lines, instead of what\n"
    "                        `apt-cache dumpavail` prints\n"
    "  --wait S              how long hints may take to be delivered, and replicas to agree (120)\n"
    "  --data FOLDER         keeps the nodes' data in this empty folder (a temporary one that is\n"
    "                        removed, in $TMPDIR or /var/tmp)\n"
    "  --program CARTWHEELD  the nodes' program (the one beside this program)\n"
    "\n"
    "Example:\n"
    "  ./tour --records 3000\n";

/* ---- how it speaks ---- */

void tour_tell (const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    vprintf (format, arguments);
    va_end (arguments);
    putchar ('\n');
    fflush (stdout);
}

void tour_complain (const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    fputs ("tour: ", stderr);
    vfprintf (stderr, format, arguments);
    va_end (arguments);
    fputc ('\n', stderr);
}

uint64_t tour_now_us (void)
{
    struct timespec now;
    clock_gettime (CLOCK_BOOTTIME, &now);
    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

bool tour_wait (const tour_t *tour, unsigned wait_ms)
{
    struct timespec wait = {.tv_sec = wait_ms / 1000, .tv_nsec = (long) (wait_ms % 1000) * 1000000};
    int number = sigtimedwait (&tour->signals, NULL, &wait);
    if (number <= 0)
        return false;
    /* Whoever looks next, further out, shall see it too. */
    raise (number);
    return true;
}

void tour_report_latency (const char *what, const histogram_t *latency)
{
    tour_tell ("  %s: p50 %.2f ms, p99 %.2f, p99.9 %.2f, longest %.2f", what,
               (double) histogram_percentile (latency, 50) / 1000,
               (double) histogram_percentile (latency, 99) / 1000,
               (double) histogram_percentile (latency, 99.9) / 1000,
               (double) histogram_max (latency) / 1000);
}

void tour_report (const char *what, const histogram_t *latency, uint64_t bytes, uint64_t took_us)
{
    double seconds = took_us ? (double) took_us / 1e6 : 1e-6;
    tour_tell ("  %s: %" PRIu64 " records, %.1f MB in %.1f s: %.0f/s, %.1f MB/s", what,
               latency->count, (double) bytes / 1e6, seconds, (double) latency->count / seconds,
               (double) bytes / 1e6 / seconds);
    tour_report_latency ("latency", latency);
}

/* ---- the command line ---- */

static int s_number (const char *name, const char *text, size_t most, size_t *number)
{
    char *end = NULL;
    unsigned long long value = strtoull (text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && value >= 1 && value <= most) {
        *number = (size_t) value;
        return 0;
    }
    tour_complain ("%s wants a whole number from 1 to %zu, not \"%s\"", name, most, text);
    return -1;
}

static int s_take (tour_t *tour, const char *name, const char *value)
{
    if (!strcmp (name, "--records"))
        return s_number (name, value, 100000000, &tour->limit);
    if (!strcmp (name, "--clients"))
        return s_number (name, value, TOUR_CLIENTS_MOST, &tour->clients);
    if (!strcmp (name, "--wait"))
        return s_number (name, value, 86400, &tour->wait_s);
    if (!strcmp (name, "--file"))
        tour->file = value;
    else if (!strcmp (name, "--data"))
        tour->data = value;
    else if (!strcmp (name, "--program"))
        tour->program = value;
    else {
        tour_complain ("there is no option %s; see `tour --help`", name);
        return -1;
    }
    return 0;
}

static tour_exit_t s_run (tour_t *tour)
{
    records_t records;
    cluster_t cluster = {0};
    tour_tell ("Reading %s.", tour->file ? tour->file : "the package index (apt-cache dumpavail)");
    int rc = records_read (&records, tour);
    /* From here on there is something to clean up. Threads inherit the mask. */
    sigprocmask (SIG_BLOCK, &tour->signals, NULL);
    signal (SIGPIPE, SIG_IGN);
    if (!rc) {
        tour_tell ("  %zu records, %.1f MB", records.count, (double) records.bytes / 1e6);
        rc = cluster_create (&cluster, tour);
    }
    if (!rc)
        rc = acts_play (tour, &cluster, &records);
    cluster_clear (&cluster);
    records_clear (&records);
    if (tour_wait (tour, 0)) {
        tour_complain ("interrupted; everything was cleaned up");
        return TOUR_INTERRUPTED;
    }
    tour_tell (rc ? "FAILED" : "All as it should be.");
    return rc ? TOUR_FAILED : TOUR_FINE;
}

int main (int argc, char *argv[])
{
    tour_t tour = {.clients = TOUR_CLIENTS, .wait_s = TOUR_WAIT_S};
    sigemptyset (&tour.signals);
    sigaddset (&tour.signals, SIGINT);
    sigaddset (&tour.signals, SIGTERM);
    sigaddset (&tour.signals, SIGHUP);
    for (int i = 1; i < argc; i += 2) {
        if (!strcmp (argv[i], "--help")) {
            fputs (s_help, stdout);
            return TOUR_FINE;
        }
        if (i + 1 == argc) {
            tour_complain ("%s is no option with a value; see `tour --help`", argv[i]);
            return TOUR_USAGE;
        }
        if (s_take (&tour, argv[i], argv[i + 1]))
            return TOUR_USAGE;
    }
    return (int) s_run (&tour);
}
