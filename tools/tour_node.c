/*  tour_node.c - see tour_node.h. */
#include "tour_node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/cartwheel.h"
#include "messages/codec.h"

#define NODE_STOP_MS 60000u
#define NODE_LOOK_MS 10u
#define NODE_ANSWER_MS 500

/*  In the child: becomes the node. */
static void s_become (const tour_node_t *self, const char *program, pid_t parent)
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
        execl (program, program, "--config", self->config, (char *) NULL);
    _exit (127);
}

int tour_node_start (tour_node_t *self, const char *program)
{
    pid_t parent = getpid ();
    self->pid = fork ();
    if (self->pid == 0)
        s_become (self, program, parent);
    if (self->pid != -1)
        return 0;
    self->pid = 0;
    tour_complain ("no process can be made: %s", strerror (errno));
    return -1;
}

void tour_node_show_log (const tour_node_t *self)
{
    FILE *file = fopen (self->log, "r");
    if (!file)
        return;
    char text[2049];
    if (fseek (file, -(long) sizeof text + 1, SEEK_END))
        rewind (file);
    size_t size = fread (text, 1, sizeof text - 1, file);
    fclose (file);
    fprintf (stderr, "---- the end of the log of %s\n%.*s----\n", self->name, (int) size, text);
}

/*  Whether it ended by itself; it is no child any more then. */
static bool s_ended (tour_node_t *self, int *status)
{
    if (!self->pid || waitpid (self->pid, status, WNOHANG) != self->pid)
        return false;
    self->pid = 0;
    return true;
}

/*  As a shell would say it. */
static int s_status (int status)
{
    return WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
}

bool tour_node_ended (tour_node_t *self)
{
    int status;
    if (!s_ended (self, &status))
        return false;
    tour_complain ("%s ended by itself, with status %d", self->name, s_status (status));
    tour_node_show_log (self);
    return true;
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
    if (!self->pid)
        return 0;
    kill (self->pid, SIGTERM);
    uint64_t limit_us = tour_now_us () + (uint64_t) NODE_STOP_MS * 1000;
    int status;
    while (!s_ended (self, &status)) {
        if (tour_now_us () > limit_us) {
            tour_complain ("%s did not end within %u s of SIGTERM", self->name,
                           NODE_STOP_MS / 1000);
            tour_node_show_log (self);
            return -1;
        }
        if (tour_wait (tour, NODE_LOOK_MS))
            return -1;
    }
    if (s_status (status) == 0)
        return 0;
    tour_complain ("%s ended with status %d after SIGTERM, and not with 0", self->name,
                   s_status (status));
    tour_node_show_log (self);
    return -1;
}

bool tour_node_view (const tour_node_t *self, tour_view_t *view)
{
    *view = (tour_view_t){0};
    cw_client_t *client = cw_new (self->client, NODE_ANSWER_MS);
    cw_reply_t reply = {0};
    condition_t condition;
    bool answered =
        client && cw_status (client, &reply) == CW_OK &&
        !codec_decode (&condition_schema, bytes_view (reply.data, reply.size), &condition, NULL);
    if (answered) {
        view->ready = condition.ready;
        view->hints = condition.hints;
        for (size_t i = 0; i < condition.members.count; i++)
            view->reached += condition.members.items[i].reachable;
        codec_clear (&condition_schema, &condition);
    }
    cw_reply_clear (&reply);
    cw_destroy (&client);
    return answered;
}

void tour_node_clear (tour_node_t *self)
{
    tour_node_kill (self);
    free (self->name);
    free (self->config);
    free (self->log);
    free (self->client);
    *self = (tour_node_t){0};
}
