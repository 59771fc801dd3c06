/*  cartwheeld.c - the program that is a node: reads its configuration, starts it, waits, stops it.
 *
 *  docs/protocol.md, Starting a node, is the contract: 0 after SIGTERM or SIGINT once what was acknowledged is on disk;
 *  otherwise 1 (2 for wrong usage) with a last line that says what to do. Signals are blocked before any thread
 *  starts, so that only this one sees them, through a file descriptor between two polls.
 */
#include <czmq.h>
#include <getopt.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "actors/config.h"
#include "actors/node.h"
#include "messages/memory.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "unknown"
#endif

#define MISTAKES_BYTES (512u * 1024)

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

typedef struct {
    const char *file;
    char **overrides;
    size_t override_count;
    bool check;
} arguments_t;

static void s_help (FILE *stream)
{
    fputs ("usage: cartwheeld --config FILE [--check] [--set SECTION/NAME=VALUE ...]\n"
           "\n"
           "Runs one node of Cartwheel in the foreground, until SIGTERM or SIGINT.\n"
           "\n"
           "  -c, --config FILE               the node's configuration\n"
           "  -s, --set SECTION/NAME=VALUE    overrides a line of it; any number of times\n"
           "      --check                     only prints the mistakes in it; 1 if there is one\n"
           "  -h, --help                      this page\n"
           "  -V, --version                   the program's version\n"
           "\n"
           "config/node.cfg in the sources, and docs/protocol.md, explain each setting.\n",
           stream);
}

/*  -1: go on; else the exit status. */
static int s_arguments (int argc, char **argv, arguments_t *arguments)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, 's'},
        {"check", no_argument, NULL, 'C'},        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},      {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long (argc, argv, "c:s:hV", options, NULL)) != -1) {
        switch (option) {
        case 'c': arguments->file = optarg; break;
        case 's': arguments->overrides[arguments->override_count++] = optarg; break;
        case 'C': arguments->check = true; break;
        case 'h': s_help (stdout); return EXIT_DONE;
        case 'V': puts ("cartwheeld " PACKAGE_VERSION); return EXIT_DONE;
        default: /* getopt has said what is wrong */
            fputs ("cartwheeld: see cartwheeld --help\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (arguments->file && optind == argc)
        return -1;
    s_help (stderr);
    if (optind < argc)
        fprintf (stderr, "cartwheeld: what is `%s`? Options begin with --\n", argv[optind]);
    else
        fputs ("cartwheeld: which configuration? Give --config FILE\n", stderr);
    return EXIT_USAGE;
}

/*  Prints the mistakes to `stream`. NULL when there is one. */
static config_t *s_configure (const arguments_t *arguments, FILE *stream)
{
    buffer_t mistakes;
    buffer_init (&mistakes, MISTAKES_BYTES);
    config_t *config =
        config_load (arguments->file, arguments->overrides, arguments->override_count, &mistakes);
    if (!config)
        fwrite (mistakes.data, 1, mistakes.size, stream);
    buffer_clear (&mistakes);
    return config;
}

/*  A descriptor that can be read once the process is asked to end. */
static int s_block_signals (void)
{
    signal (SIGPIPE, SIG_IGN);
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGTERM);
    sigaddset (&set, SIGINT);
    sigprocmask (SIG_BLOCK, &set, NULL); /* threads that start later inherit it */
    return signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/*  As many sockets as the user may have: each client and each peer takes one. */
static void s_raise_limits (void)
{
    struct rlimit limit;
    if (getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit (RLIMIT_NOFILE, &limit);
    }
    zsys_set_max_sockets (0); /* the most that libzmq can */
}

static void s_announce (const node_t *node, const config_t *config)
{
    node_log (node, LEVEL_NOTICE,
              "cartwheeld %s, node %s of cluster %s: clients %s, peers %s, gossip %s, monitor %s; "
              "data in %.512s",
              PACKAGE_VERSION, config->settings.name, config->settings.cluster, config->client,
              config->peer, config->gossip, *config->monitor ? config->monitor : "off",
              config->data);
    node_log (node, LEVEL_NOTICE, "serving clients at %s", config->client);
}

/*  Runs the node to its end; the exit status. */
static int s_run (const config_t *config, int signals)
{
    char why[LIMIT_SENTENCE_BYTES] = "";
    node_t *node = node_new (config, PACKAGE_VERSION, why);
    if (!node) {
        fprintf (stderr, "cartwheeld: %s\n", why);
        return EXIT_FAILED;
    }
    s_announce (node, config);
    struct signalfd_siginfo signal;
    bool failed;
    do
        failed = node_wait (node, signals, -1, why);
    while (!failed && read (signals, &signal, sizeof signal) != sizeof signal);
    if (!failed)
        node_log (node, LEVEL_NOTICE, "stopping: %s",
                  signal.ssi_signo == SIGINT ? "SIGINT" : "SIGTERM");
    if (node_destroy (&node, why) != 0)
        failed = true;
    if (failed)
        fprintf (stderr, "cartwheeld: %s\n", why);
    return failed ? EXIT_FAILED : EXIT_DONE;
}

int main (int argc, char **argv)
{
    arguments_t arguments = {.overrides = memory_new ((size_t) argc, sizeof (char *))};
    int status = s_arguments (argc, argv, &arguments);
    if (status < 0) {
        config_t *config = s_configure (&arguments, arguments.check ? stdout : stderr);
        status = config ? EXIT_DONE : EXIT_FAILED;
        if (!config && !arguments.check)
            fprintf (stderr, "cartwheeld: correct what is listed above in %s, then start again\n",
                     arguments.file);
        if (config && !arguments.check) {
            int signals = s_block_signals ();
            zsys_handler_set (NULL); /* CZMQ would take SIGINT and SIGTERM for itself */
            s_raise_limits ();
            status = s_run (config, signals);
            close (signals);
        }
        config_destroy (&config);
    }
    free (arguments.overrides);
    return status;
}
