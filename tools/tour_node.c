/*  tour_node.c - see tour_node.h. */
#include "tour_node.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/cartwheel.h"
#include "messages/codec.h"
#include "messages/memory.h"
#include "print.h"

#define NODE_READY_MS 60000u
#define NODE_STOP_MS 60000u
#define NODE_LOOK_MS 10u
#define NODE_PORTS 4

/* ---- its program, folder and configuration ---- */

/*  `cartwheeld` in the folder of this program, or one above where libtool keeps the real program in .libs/. */
static char *s_find_program (void)
{
    char own[4096];
    ssize_t size = readlink ("/proc/self/exe", own, sizeof own - 1);
    own[size > 0 ? size : 0] = 0;
    char *slash = strrchr (own, '/');
    if (!slash)
        return memory_string ("cartwheeld");
    *slash = 0;
    char *above = strrchr (own, '/');
    if (above && !strcmp (above, "/.libs"))
        *above = 0;
    return print_format ("%s/cartwheeld", own);
}

static bool s_empty (const char *folder)
{
    DIR *listing = opendir (folder);
    if (!listing)
        return false;
    size_t entries = 0;
    while (readdir (listing))
        entries++;
    closedir (listing);
    return entries <= 2; /* . and .. */
}

static int s_make_folder (tour_node_t *self, const char *wanted)
{
    if (wanted) {
        self->folder = memory_string (wanted);
        if (mkdir (wanted, 0755) && errno != EEXIST) {
            tour_complain ("%s cannot be made: %s", wanted, strerror (errno));
            return -1;
        }
        if (s_empty (wanted))
            return 0;
        tour_complain ("%s is no empty folder; name one that is, or leave --data out", wanted);
        return -1;
    }
    /* Not /tmp, which is often in memory: the tour is about a disk. */
    const char *parent = getenv ("TMPDIR");
    self->folder =
        print_format ("%s/cartwheel-tour-XXXXXX", parent && *parent ? parent : "/var/tmp");
    if (mkdtemp (self->folder)) {
        self->temporary = true;
        return 0;
    }
    tour_complain ("%s cannot be made: %s; set TMPDIR to a folder on a disk", self->folder,
                   strerror (errno));
    return -1;
}

/*  An address that only this process uses, and free ports on it. */
static int s_find_ports (char address[INET_ADDRSTRLEN], unsigned ports[NODE_PORTS])
{
    unsigned pid = (unsigned) getpid ();
    struct sockaddr_in name = {.sin_family = AF_INET};
    name.sin_addr.s_addr = htonl (0x7f000000u | (64 + pid / 65024 % 128) << 16 |
                                  (pid / 254 % 256) << 8 | (1 + pid % 254));
    inet_ntop (AF_INET, &name.sin_addr, address, INET_ADDRSTRLEN);
    int holders[NODE_PORTS];
    int rc = 0;
    for (size_t i = 0; i < NODE_PORTS; i++) {
        socklen_t size = sizeof name;
        name.sin_port = 0;
        holders[i] = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (holders[i] == -1 || bind (holders[i], (struct sockaddr *) &name, sizeof name) ||
            getsockname (holders[i], (struct sockaddr *) &name, &size))
            rc = -1;
        ports[i] = ntohs (name.sin_port);
    }
    for (size_t i = 0; i < NODE_PORTS; i++)
        if (holders[i] != -1)
            close (holders[i]);
    return rc;
}

static int s_write_config (tour_node_t *self)
{
    char address[INET_ADDRSTRLEN];
    unsigned ports[NODE_PORTS];
    if (s_find_ports (address, ports)) {
        tour_complain ("no free ports on the loopback address %s: %s", address, strerror (errno));
        return -1;
    }
    FILE *file = fopen (self->config, "w");
    if (!file) {
        tour_complain ("%s cannot be written: %s", self->config, strerror (errno));
        return -1;
    }
    self->client = print_format ("tcp://%s:%u", address, ports[0]);
    fprintf (file,
             "node\n    name = tour\n    data = data\n"
             "listen\n    client = %s\n    peer = tcp://%s:%u\n    gossip = tcp://%s:%u\n"
             "    monitor = tcp://%s:%u\n"
             "cluster\n    name = tour\n    n = 1\n    r = 1\n    w = 1\n",
             self->client, address, ports[1], address, ports[2], address, ports[3]);
    if (fclose (file) == 0)
        return 0;
    tour_complain ("%s cannot be written: %s", self->config, strerror (errno));
    return -1;
}

int tour_node_create (tour_node_t *self, const tour_t *tour)
{
    *self = (tour_node_t){0};
    self->program = tour->program ? memory_string (tour->program) : s_find_program ();
    if (access (self->program, X_OK)) {
        tour_complain ("%s cannot be run: %s; name the node's program with --program",
                       self->program, strerror (errno));
        return -1;
    }
    if (s_make_folder (self, tour->data))
        return -1;
    self->config = print_format ("%s/node.cfg", self->folder);
    self->log = print_format ("%s/node.log", self->folder);
    char *data = print_format ("%s/data", self->folder);
    int rc = mkdir (data, 0755);
    if (rc)
        tour_complain ("%s cannot be made: %s", data, strerror (errno));
    free (data);
    return rc ? -1 : s_write_config (self);
}

/* ---- its life ---- */

/*  In the child: becomes the node. */
static void s_become (const tour_node_t *self, pid_t parent)
{
    sigset_t none;
    sigemptyset (&none);
    sigprocmask (SIG_SETMASK, &none, NULL);
    signal (SIGPIPE, SIG_DFL);
    prctl (PR_SET_PDEATHSIG, SIGKILL);
    int log = open (self->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    int nothing = open ("/dev/null", O_RDWR | O_CLOEXEC);
    /* The parent may have died before prctl. */
    if (getppid () == parent && log != -1 && nothing != -1 && dup2 (nothing, STDIN_FILENO) != -1 &&
        dup2 (nothing, STDOUT_FILENO) != -1 && dup2 (log, STDERR_FILENO) != -1)
        execl (self->program, self->program, "--config", self->config, (char *) NULL);
    _exit (127);
}

/*  The end of its log, so that a failure explains itself. */
static void s_show_log (const tour_node_t *self)
{
    FILE *file = fopen (self->log, "r");
    if (!file)
        return;
    char text[2049];
    if (fseek (file, -(long) sizeof text + 1, SEEK_END))
        rewind (file);
    size_t size = fread (text, 1, sizeof text - 1, file);
    fclose (file);
    fprintf (stderr, "---- the end of its log\n%.*s----\n", (int) size, text);
}

/*  Whether it ended by itself; it is no child any more then. */
static bool s_ended (tour_node_t *self, int *status)
{
    if (waitpid (self->pid, status, WNOHANG) != self->pid)
        return false;
    self->pid = 0;
    return true;
}

static bool s_says_ready (cw_client_t *client)
{
    cw_reply_t reply = {0};
    condition_t condition = {0};
    bool ready = false;
    if (cw_status (client, &reply) == CW_OK &&
        !codec_decode (&condition_schema, bytes_view (reply.data, reply.size), &condition, NULL)) {
        ready = condition.ready;
        codec_clear (&condition_schema, &condition);
    }
    cw_reply_clear (&reply);
    return ready;
}

static int s_wait_ready (tour_node_t *self, const tour_t *tour, cw_client_t *client)
{
    uint64_t limit_us = tour_now_us () + (uint64_t) NODE_READY_MS * 1000;
    while (tour_now_us () < limit_us) {
        int status;
        if (s_ended (self, &status)) {
            tour_complain ("the node ended while it started, with status %d",
                           WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status));
            s_show_log (self);
            return -1;
        }
        if (s_says_ready (client))
            return 0;
        if (tour_wait (tour, NODE_LOOK_MS))
            return -1;
    }
    tour_complain ("the node was not ready within %u s", NODE_READY_MS / 1000);
    s_show_log (self);
    return -1;
}

int tour_node_start (tour_node_t *self, const tour_t *tour)
{
    pid_t parent = getpid ();
    self->pid = fork ();
    if (self->pid == 0)
        s_become (self, parent);
    if (self->pid == -1) {
        self->pid = 0;
        tour_complain ("no process can be made: %s", strerror (errno));
        return -1;
    }
    cw_client_t *client = cw_new (self->client, 250);
    int rc = client ? s_wait_ready (self, tour, client) : -1;
    cw_destroy (&client);
    return rc;
}

void tour_node_kill (tour_node_t *self)
{
    if (!self->pid)
        return;
    kill (self->pid, SIGKILL);
    while (waitpid (self->pid, NULL, 0) == -1 && errno == EINTR)
        ;
    self->pid = 0;
}

int tour_node_stop (tour_node_t *self, const tour_t *tour)
{
    kill (self->pid, SIGTERM);
    uint64_t limit_us = tour_now_us () + (uint64_t) NODE_STOP_MS * 1000;
    int status;
    while (!s_ended (self, &status)) {
        if (tour_now_us () > limit_us) {
            tour_complain ("the node did not end within %u s of SIGTERM", NODE_STOP_MS / 1000);
            s_show_log (self);
            return -1;
        }
        if (tour_wait (tour, NODE_LOOK_MS))
            return -1;
    }
    if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
        return 0;
    tour_complain ("the node ended with status %d after SIGTERM, and not with 0",
                   WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status));
    s_show_log (self);
    return -1;
}

/* ---- its folder ---- */

/*  Walks the files below a folder: adds up what they take, and removes them if asked to. -1 with errno. */
static int s_walk (char *folder, bool removing, uint64_t *bytes)
{
    FTS *walk = fts_open ((char *[]){folder, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!walk)
        return -1;
    int rc = 0;
    *bytes = 0;
    for (FTSENT *entry; (entry = fts_read (walk));) {
        if (entry->fts_info == FTS_F)
            *bytes += (uint64_t) entry->fts_statp->st_blocks * 512;
        if (removing && entry->fts_info != FTS_D && remove (entry->fts_accpath))
            rc = -1;
    }
    fts_close (walk);
    return rc;
}

uint64_t tour_node_disk (const tour_node_t *self)
{
    uint64_t bytes = 0;
    s_walk (self->folder, false, &bytes);
    return bytes;
}

void tour_node_clear (tour_node_t *self)
{
    uint64_t bytes;
    tour_node_kill (self);
    if (self->temporary && s_walk (self->folder, true, &bytes))
        tour_complain ("%s cannot be removed: %s", self->folder, strerror (errno));
    free (self->program);
    free (self->folder);
    free (self->config);
    free (self->log);
    free (self->client);
    *self = (tour_node_t){0};
}
