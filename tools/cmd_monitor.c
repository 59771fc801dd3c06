/*  cmd_monitor.c - `cartwheel monitor [TOPIC ...]`: a line an event, until it is interrupted.
 *
 *  No op tells where a node's monitor stream is. Without --monitor and $CARTWHEEL_MONITOR it is taken to be three ports
 *  above the client endpoint, as in the sample configurations.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

#include "command.h"
#include "messages/codec.h"
#include "messages/memory.h"
#include "messages/skim.h"
#include "print.h"

#define MONITOR_PORT_STEP 3
#define MONITOR_WATCH "inproc://watch"

/*  The monitor endpoint beside a client endpoint `tcp://HOST:PORT`, or NULL. The caller frees it. */
static char *s_derive (const char *client)
{
    const char *colon = strrchr (client, ':');
    if (!colon || strncmp (client, "tcp://", 6) || colon < client + 6)
        return NULL;
    char *end = NULL;
    long port = strtol (colon + 1, &end, 10);
    if (*end || port < 1 || port > 65535 - MONITOR_PORT_STEP)
        return NULL;
    return print_format ("%.*s:%ld", (int) (colon - client), client, port + MONITOR_PORT_STEP);
}

static int s_connect (void *socket, const char *endpoint)
{
    if (endpoint && zmq_connect (socket, endpoint) == 0)
        return 0;
    command_say (
        "\"%s\" is no endpoint of a monitor stream; give one with --monitor, it is the node's "
        "listen/monitor",
        endpoint ? endpoint : "");
    return -1;
}

/*  Connects to each endpoint that is meant. */
static int s_connect_all (const options_t *options, void *socket)
{
    const char *given = options->monitor ? options->monitor : getenv ("CARTWHEEL_MONITOR");
    bool derive = !given || !*given;
    char *list = memory_string (derive ? options->endpoints : given);
    char *state = NULL;
    int rc = 0;
    for (char *word = strtok_r (list, " ", &state); word && !rc;
         word = strtok_r (NULL, " ", &state)) {
        char *endpoint = derive ? s_derive (word) : memory_string (word);
        rc = s_connect (socket, endpoint);
        free (endpoint);
    }
    free (list);
    return rc;
}

/*  Whether the topic was asked for: a subscription alone also lets through what begins with it. */
static bool s_wanted (const options_t *options, bytes_t topic)
{
    for (size_t i = 0; i < options->count; i++)
        if (bytes_equal (topic, bytes_text (options->arguments[i])))
            return true;
    return options->count == 0;
}

static void s_print_fields (json_t *event)
{
    const char *name;
    json_t *value;
    json_object_foreach (event, name, value)
    {
        if (!strcmp (name, "node") || !strcmp (name, "time"))
            continue;
        if (json_is_string (value)) {
            printf (" %s=\"%s\"", name, json_string_value (value));
            continue;
        }
        char *text = json_dumps (value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION (10));
        printf (" %s=%s", name, text ? text : "?");
        free (text);
    }
}

/*  `2024-05-01T12:00:00.123Z`, or the number where it is none. */
static void s_print_time (json_int_t time_ms)
{
    time_t seconds = (time_t) (time_ms / 1000);
    struct tm parts;
    char text[32];
    if (time_ms < 0 || !gmtime_r (&seconds, &parts) ||
        !strftime (text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts))
        printf ("%" JSON_INTEGER_FORMAT, time_ms);
    else
        printf ("%s.%03dZ", text, (int) (time_ms % 1000));
}

static void s_print (const options_t *options, bytes_t topic, bytes_t body)
{
    json_t *event = NULL;
    if (!skim_check (body, LIMIT_NESTING_DEPTH, LIMIT_REQUEST_ITEMS))
        event = print_json (body);
    if (!json_is_object (event)) {
        command_say ("an event that is no MessagePack map was dropped");
        json_decref (event);
        return;
    }
    char *name = print_text (topic, true);
    if (options->json) {
        json_object_set_new (event, "topic", json_string (name));
        print_json_line (event, stdout, 0);
    } else {
        const char *node = json_string_value (json_object_get (event, "node"));
        s_print_time (json_integer_value (json_object_get (event, "time")));
        printf (" %s %s", node ? node : "?", name);
        s_print_fields (event);
        putchar ('\n');
        json_decref (event);
    }
    free (name);
    fflush (stdout);
}

/*  One event, two frames; anything else is dropped. */
static void s_take (const options_t *options, void *socket)
{
    zmq_msg_t frames[2];
    size_t count = 0;
    bool more = true;
    while (more) {
        zmq_msg_t frame;
        zmq_msg_init (&frame);
        if (zmq_msg_recv (&frame, socket, ZMQ_DONTWAIT) == -1) {
            zmq_msg_close (&frame);
            break;
        }
        more = zmq_msg_more (&frame);
        if (count < 2)
            frames[count] = frame;
        else
            zmq_msg_close (&frame);
        count++;
    }
    if (count == 2) {
        bytes_t topic = bytes_view (zmq_msg_data (&frames[0]), zmq_msg_size (&frames[0]));
        bytes_t body = bytes_view (zmq_msg_data (&frames[1]), zmq_msg_size (&frames[1]));
        if (s_wanted (options, topic))
            s_print (options, topic, body);
    }
    for (size_t i = 0; i < count && i < 2; i++)
        zmq_msg_close (&frames[i]);
}

/*  Waits for the first connection, so that a wrong endpoint is an error and not an endless silence. */
static command_exit_t s_wait_connected (const options_t *options, void *watch)
{
    zmq_pollitem_t item = {.socket = watch, .events = ZMQ_POLLIN};
    if (zmq_poll (&item, 1, options->timeout_ms) > 0)
        return COMMAND_DONE;
    command_say (
        "no_node: no monitor stream could be reached within %d ms; is listen/monitor set, and is "
        "--monitor that endpoint?",
        options->timeout_ms);
    return COMMAND_REFUSED;
}

static command_exit_t s_follow (const options_t *options, void *socket, int signals)
{
    zmq_pollitem_t items[] = {{.socket = socket, .events = ZMQ_POLLIN},
                              {.fd = signals, .events = ZMQ_POLLIN}};
    while (!ferror (stdout)) {
        if (zmq_poll (items, 2, -1) == -1 && errno != EINTR)
            return COMMAND_REFUSED;
        if (items[1].revents)
            break;
        if (items[0].revents)
            s_take (options, socket);
    }
    return COMMAND_DONE;
}

/*  SIGINT and SIGTERM as a file to be polled; they end the stream, which is how it is meant to end. */
static int s_catch_signals (void)
{
    sigset_t set;
    sigemptyset (&set);
    sigaddset (&set, SIGINT);
    sigaddset (&set, SIGTERM);
    sigprocmask (SIG_BLOCK, &set, NULL);
    return signalfd (-1, &set, SFD_CLOEXEC);
}

static command_exit_t s_run (const options_t *options, cw_client_t *client)
{
    (void) client;
    void *context = zmq_ctx_new ();
    void *socket = context ? zmq_socket (context, ZMQ_SUB) : NULL;
    void *watch = context ? zmq_socket (context, ZMQ_PAIR) : NULL;
    if (!socket || !watch) {
        command_say ("no socket could be opened: %s", zmq_strerror (errno));
        return COMMAND_REFUSED;
    }
    const int linger_ms = 0;
    const int64_t frame_bytes = 2 * LIMIT_EVENT_BYTES;
    zmq_setsockopt (socket, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt (watch, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt (socket, ZMQ_MAXMSGSIZE, &frame_bytes, sizeof frame_bytes);
    if (!options->count)
        zmq_setsockopt (socket, ZMQ_SUBSCRIBE, "", 0);
    for (size_t i = 0; i < options->count; i++)
        zmq_setsockopt (socket, ZMQ_SUBSCRIBE, options->arguments[i],
                        strlen (options->arguments[i]));
    zmq_socket_monitor (socket, MONITOR_WATCH, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    zmq_connect (watch, MONITOR_WATCH);

    command_exit_t result = COMMAND_USAGE;
    if (s_connect_all (options, socket) == 0)
        result = s_wait_connected (options, watch);
    if (result == COMMAND_DONE) {
        int signals = s_catch_signals ();
        result = s_follow (options, socket, signals);
        close (signals);
    }
    zmq_socket_monitor (socket, NULL, 0);
    zmq_close (watch);
    zmq_close (socket);
    zmq_ctx_term (context);
    return result;
}

const command_t command_monitor = {
    .name = "monitor",
    .synopsis = "[TOPIC ...]",
    .summary = "Follows the monitor stream, a line an event",
    .help = "Topics: stats, member, peer, transfer, handoff, repair, store, log; none means all. "
            "Ends with Ctrl-C. With\n"
            "--json each line is a JSON document.\n"
            "  --monitor ENDPOINT   the node's listen/monitor ($CARTWHEEL_MONITOR, else three "
            "ports above\n"
            "                       each client endpoint, as in the sample configurations)\n"
            "\n"
            "Example:\n"
            "  cartwheel monitor log store --monitor tcp://127.0.0.1:7104\n",
    .least = 0,
    .most = 64,
    .json = true,
    .offline = true,
    .run = s_run,
};
