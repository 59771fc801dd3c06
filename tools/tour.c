/*  tour.c - the first thing that README runs: real data, a killed node, every byte read back, a shopping cart.
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

#include "tour_cart.h"
#include "tour_load.h"
#include "tour_node.h"
#include "tour_progress.h"
#include "tour_records.h"

#define TOUR_CLIENTS 16
#define TOUR_CLIENTS_MOST 512
#define TOUR_TICK_MS 20u
/*  While the node is still to be killed: half of a short load is over soon. */
#define TOUR_AIM_MS 2u

static const char s_help[] =
    "Usage: tour [--records N] [--clients N] [--file FILE] [--data FOLDER] [--program CARTWHEELD]\n"
    "\n"
    "Loads the machine's Debian package index into a node, kills the node with SIGKILL in the\n"
    "middle of that, starts it again, reads every record back byte for byte, and ends with\n"
    "Dynamo's shopping cart. Exit status: 0 all as it should be, 1 not, 2 wrong usage, 3 "
    "interrupted.\n"
    "\n"
    "  --records N           only the first N records\n"
    "  --clients N           that many clients at once (16)\n"
    "  --file FILE           records from FILE, separated by blank lines, instead of what\n"
    "                        `apt-cache dumpavail` prints\n"
    "  --data FOLDER         keeps the node's data in this empty folder (a temporary one that is\n"
    "                        removed, in $TMPDIR or /var/tmp)\n"
    "  --program CARTWHEELD  the node's program (the one beside this program)\n"
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

void tour_report (const char *what, const histogram_t *latency, uint64_t bytes, uint64_t took_us)
{
    double seconds = took_us ? (double) took_us / 1e6 : 1e-6;
    tour_tell ("  %s: %" PRIu64 " records, %.1f MB in %.1f s: %.0f/s, %.1f MB/s", what,
               latency->count, (double) bytes / 1e6, seconds, (double) latency->count / seconds,
               (double) bytes / 1e6 / seconds);
    tour_tell ("  latency in ms: p50 %.2f, p99 %.2f, p99.9 %.2f, longest %.2f",
               (double) histogram_percentile (latency, 50) / 1000,
               (double) histogram_percentile (latency, 99) / 1000,
               (double) histogram_percentile (latency, 99.9) / 1000,
               (double) histogram_max (latency) / 1000);
}

/* ---- the parts ---- */

/*  Kills the node and starts it again while the clients go on. */
static int s_crash (const tour_t *tour, tour_node_t *node, load_t *load)
{
    tour_node_kill (node);
    size_t done = atomic_load (&load->done);
    tour_tell ("  SIGKILL with %zu records acknowledged and writes on their way; starting it again",
               done);
    uint64_t began_us = tour_now_us ();
    if (tour_node_start (node, tour))
        return -1;
    tour_tell ("  ready again after %.2f s; the clients go on, and resend what was not answered",
               (double) (tour_now_us () - began_us) / 1e6);
    return 0;
}

/*  Follows a load to its end; kills the node in the middle of it if `crash`. */
static int s_follow (const tour_t *tour, tour_node_t *node, load_t *load, const char *title,
                     bool crash)
{
    progress_t progress;
    progress_begin (&progress, title, load->records->count);
    while (!load_over (load)) {
        size_t done = atomic_load (&load->done);
        progress_show (&progress, done);
        if (crash && done >= load->records->count / 2) {
            crash = false;
            progress_break (&progress);
            if (s_crash (tour, node, load))
                return -1;
        }
        if (tour_wait (tour, crash ? TOUR_AIM_MS : TOUR_TICK_MS)) {
            progress_break (&progress);
            return -1;
        }
    }
    progress_show (&progress, atomic_load (&load->done));
    progress_break (&progress);
    if (!crash)
        return 0;
    tour_complain (
        "the load was over before the node could be killed in the middle of it; take more "
        "records");
    return -1;
}

/*  Writes or reads all records. 0 when each of them was as it should be. */
static int s_load (const tour_t *tour, tour_node_t *node, const records_t *records, bool reading)
{
    load_t load;
    summary_t summary;
    int rc = load_begin (&load, records, node->client, tour->clients, reading);
    if (!rc)
        rc = s_follow (tour, node, &load, reading ? "reading" : "loading", !reading);
    uint64_t wrong = load_end (&load, rc != 0, &summary);
    if (rc)
        return -1;
    if (wrong) {
        tour_complain (
            "%" PRIu64 " records are not as they should be; the first one is named above", wrong);
        return -1;
    }
    if (summary.done != records->count) {
        tour_complain ("%zu of %zu records were done", summary.done, records->count);
        return -1;
    }
    tour_report (reading ? "read" : "written", &summary.latency, records->bytes, summary.took_us);
    if (!reading)
        tour_tell ("  %" PRIu64 " records were sent more than once, each time with its own put_id",
                   summary.twice);
    return 0;
}

static int s_show (const tour_t *tour, tour_node_t *node, const records_t *records)
{
    if (tour_node_start (node, tour))
        return -1;
    tour_tell ("A node is ready at %s, data in %s.", node->client, node->folder);
    tour_tell ("Loading with %zu clients; in the middle of it the node is killed.", tour->clients);
    if (s_load (tour, node, records, false))
        return -1;
    tour_tell ("Reading every record back and comparing every byte.");
    if (s_load (tour, node, records, true))
        return -1;
    tour_tell ("  all %zu records are there, each with one value, byte for byte", records->count);
    tour_tell ("A shopping cart.");
    if (cart_run (node->client))
        return -1;
    tour_tell ("Stopping the node with SIGTERM.");
    if (tour_node_stop (node, tour))
        return -1;
    tour_tell ("  it ended with status 0; its folder takes %.0f MB",
               (double) tour_node_disk (node) / 1e6);
    return 0;
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
    tour_node_t node = {0};
    tour_tell ("Reading %s.", tour->file ? tour->file : "the package index (apt-cache dumpavail)");
    int rc = records_read (&records, tour);
    /* From here on there is something to clean up. Threads inherit the mask. */
    sigprocmask (SIG_BLOCK, &tour->signals, NULL);
    signal (SIGPIPE, SIG_IGN);
    if (!rc) {
        tour_tell ("  %zu records, %.1f MB", records.count, (double) records.bytes / 1e6);
        rc = tour_node_create (&node, tour);
    }
    if (!rc)
        rc = s_show (tour, &node, &records);
    tour_node_clear (&node);
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
    tour_t tour = {.clients = TOUR_CLIENTS};
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
