/*  actor.c - see actor.h. */
#include "actor.h"

#include <pthread.h>

#include "../messages/memory.h"
#include "door.h"
#include "handover.h"
#include "host.h"
#include "wire.h"

/*  The items of a poll that wire.h leaves to us. */
#define ITEM_PIPE 0
#define ITEM_DOOR 1

struct actor {
    zactor_t *thread;
    const actor_options_t *options; /* while it starts */
    char *why;                      /* likewise: where to say what failed */
};

/*  What the thread has. */
typedef struct {
    const role_t *role;
    void *core;
    const log_t *log;
    zsock_t *pipe;
    zsock_t *main; /* PUSH, to say that the role halted */
    wire_t *wire;
    door_t *door; /* NULL but for the coordinator */
    effects_t effects;
    losses_t losses;
    uint64_t effects_lost; /* of effects.lost, how many are counted */
    uint64_t wake_us;      /* when the role wants its next tick */
    uint64_t patience_us;
    uint64_t stop_us; /* when patience ends; UINT64_MAX: not stopping */
    char *halted;     /* the sentence, once the role has halted */
    bool killed;
} shell_t;

/* ---- effects ---- */

static void s_log (shell_t *self, level_t level, const char *text)
{
    log_write (self->log, role_name (self->role->id), level, text);
    bytes_t event = log_event (self->log, level, text);
    if (event.size == 0)
        return;
    message_t *message = message_new (MESSAGE_notice);
    message->notice.topic = bytes_text ("log");
    message->notice.event = event;
    wire_send (self->wire, (address_t){.role = ROLE_MONITOR}, &message);
}

static void s_reply (shell_t *self, effect_t *effect)
{
    if (self->door)
        door_reply (self->door, effect->client, &effect->frame);
    else
        losses_add (&self->losses, LOSS_REPLIES, 1, "no client socket");
}

static void s_send (shell_t *self, effect_t *effect)
{
    /* Gossip makes the snapshots, so it sees none; what it sends next needs the new members all the same. */
    if (effect->message->type == MESSAGE_snapshot)
        wire_learn (self->wire, &effect->message->snapshot);
    if (effect->endpoint.size > 0)
        wire_send_endpoint (self->wire, effect->endpoint, &effect->message);
    else
        wire_send (self->wire, effect->to, &effect->message);
}

static void s_carry_out (shell_t *self)
{
    effects_t *effects = &self->effects;
    for (size_t i = 0; i < effects->count && !self->halted; i++) {
        effect_t *effect = &effects->items[i];
        switch (effect->kind) {
        case EFFECT_SEND: s_send (self, effect); break;
        case EFFECT_REPLY: s_reply (self, effect); break;
        case EFFECT_LOG: s_log (self, effect->level, effect->text); break;
        case EFFECT_HALT:
            s_log (self, LEVEL_ERROR, effect->text);
            self->halted = memory_string (effect->text);
            break;
        }
    }
    losses_add (&self->losses, LOSS_EFFECTS, effects->lost - self->effects_lost, NULL);
    self->effects_lost = effects->lost;
}

/* ---- steps ---- */

static void s_step (shell_t *self, event_t *event)
{
    if (self->halted)
        return;
    event->now_us = host_now_us ();
    event->wall_ms = host_wall_ms ();
    self->role->step (self->core, event, &self->effects);
    /* A wish holds until the next tick: a tick too many does no harm, one that is forgotten stalls a protocol. */
    if (self->effects.wake_us < self->wake_us)
        self->wake_us = self->effects.wake_us;
    s_carry_out (self);
    effects_reset (&self->effects);
}

static void s_step_kind (shell_t *self, event_kind_t kind)
{
    event_t event = {.kind = kind};
    s_step (self, &event);
}

static void s_step_message (shell_t *self, message_t *message)
{
    if (message->type == MESSAGE_snapshot)
        wire_learn (self->wire, &message->snapshot);
    event_t event = {.kind = EVENT_MESSAGE, .message = message};
    s_step (self, &event);
    message_destroy (&message);
}

/*  Returns whether anything was stepped. */
static bool s_drain_wire (shell_t *self)
{
    bool stepped = false;
    message_t *message;
    while ((message = wire_next (self->wire))) {
        s_step_message (self, message);
        stepped = true;
    }
    return stepped;
}

static bool s_drain_door (shell_t *self)
{
    bool stepped = false;
    for (size_t taken = 0; taken < LIMIT_DRAIN_MESSAGES; taken++) {
        event_t event = {.kind = EVENT_REQUEST};
        door_outcome_t outcome = door_next (self->door, &event);
        if (outcome == DOOR_EMPTY)
            break;
        if (outcome == DOOR_EVENT) {
            s_step (self, &event);
            stepped = true;
        }
    }
    return stepped;
}

static bool s_tick (shell_t *self)
{
    if (self->wake_us == UINT64_MAX || host_now_us () < self->wake_us)
        return false;
    self->wake_us = UINT64_MAX;
    s_step_kind (self, EVENT_TICK);
    return true;
}

/* ---- the loop ---- */

static bool s_stopping (const shell_t *self)
{
    return self->stop_us != UINT64_MAX;
}

static void s_read_pipe (shell_t *self)
{
    char *command = zstr_recv (self->pipe);
    if (command && streq (command, "$KILL"))
        self->killed = true;
    if (command && streq (command, "$TERM") && !s_stopping (self)) {
        self->stop_us = host_now_us () + self->patience_us;
        s_step_kind (self, EVENT_STOP);
    }
    zstr_free (&command);
}

/*  Milliseconds to wait for sockets, rounded up; -1: for ever. */
static long s_timeout (const shell_t *self)
{
    uint64_t until_us = self->wake_us < self->stop_us ? self->wake_us : self->stop_us;
    if (until_us == UINT64_MAX)
        return -1;
    uint64_t now_us = host_now_us ();
    if (until_us <= now_us)
        return 0;
    uint64_t wait_ms = (until_us - now_us + 999) / 1000;
    return wait_ms < INT_MAX ? (long) wait_ms : INT_MAX;
}

static void s_turn (shell_t *self)
{
    size_t count;
    zmq_pollitem_t *items = wire_items (self->wire, &count);
    items[ITEM_PIPE].socket = zsock_resolve (self->pipe);
    items[ITEM_PIPE].events = ZMQ_POLLIN;
    /* A stopping coordinator answers what it has begun and takes nothing new. */
    bool open = self->door && !s_stopping (self);
    items[ITEM_DOOR].socket = open ? door_handle (self->door) : NULL;
    items[ITEM_DOOR].fd = -1;
    items[ITEM_DOOR].events = ZMQ_POLLIN;
    items[ITEM_DOOR].revents = 0;
    if (zmq_poll (items, (int) count, s_timeout (self)) < 0)
        return; /* a signal */
    bool commanded = (items[ITEM_PIPE].revents & ZMQ_POLLIN) != 0;
    bool asked = (items[ITEM_DOOR].revents & ZMQ_POLLIN) != 0;
    bool stepped = s_drain_wire (self);
    if (asked)
        stepped = s_drain_door (self) || stepped;
    stepped = s_tick (self) || stepped;
    if (commanded) {
        s_read_pipe (self);
        stepped = true;
    }
    if (stepped)
        s_step_kind (self, EVENT_DRAINED);
    char line[LIMIT_SENTENCE_BYTES];
    while (losses_line (&self->losses, host_now_us (), line, sizeof line))
        s_log (self, LEVEL_WARNING, line);
    wire_flush (self->wire);
}

static bool s_done (const shell_t *self)
{
    if (self->killed || self->halted)
        return true;
    if (!s_stopping (self))
        return false;
    bool busy = self->role->busy && self->role->busy (self->core);
    return !busy || host_now_us () >= self->stop_us;
}

/*  Tells the node, and waits to be ended by it. */
static void s_report_halt (shell_t *self)
{
    wire_flush (self->wire);
    zstr_send (self->main, self->halted);
    while (!self->killed && !s_stopping (self))
        s_read_pipe (self);
}

/* ---- life ---- */

/*  0, or -1 with a sentence in `why`. */
static int s_shell_init (shell_t *self, const actor_options_t *options, zsock_t *pipe, char *why)
{
    self->role = options->role;
    self->log = options->log;
    self->pipe = pipe;
    self->patience_us = (uint64_t) options->patience_ms * 1000;
    self->wake_us = self->stop_us = UINT64_MAX;
    effects_init (&self->effects);
    self->main = socket_new (ZMQ_PUSH);
    inproc_t main = inproc_name (options->prefix, ACTOR_MAIN);
    zmq_connect (zsock_resolve (self->main), main.text);
    const wire_options_t wire_options = {
        .prefix = options->prefix,
        .role = options->role->id,
        .nonce = options->setup->nonce,
        .peers = options->peers,
        .eager = options->eager,
        .losses = &self->losses,
    };
    self->wire = wire_new (&wire_options, why);
    if (!self->wire)
        return -1;
    if (options->clients.endpoint && *options->clients.endpoint) {
        uint64_t value_bytes = options->setup->settings->value_bytes;
        self->door = door_new (options->clients, value_bytes, &self->losses, why);
        if (!self->door)
            return -1;
    }
    self->core = self->role->create (options->setup);
    s_step_kind (self, EVENT_START);
    s_step_kind (self, EVENT_DRAINED);
    wire_flush (self->wire);
    if (!self->halted)
        return 0;
    snprintf (why, LIMIT_SENTENCE_BYTES, "%s", self->halted);
    return -1;
}

static void s_shell_clear (shell_t *self)
{
    if (self->core)
        self->role->destroy (&self->core);
    effects_clear (&self->effects);
    door_destroy (&self->door);
    wire_destroy (&self->wire);
    zsock_destroy (&self->main);
    free (self->halted);
}

static void s_thread (zsock_t *pipe, void *argument)
{
    actor_t *actor = argument;
    zsock_signal (pipe, 0); /* zactor_new returns; the start's outcome is a signal of its own */
    shell_t self = {.killed = false};
    HANDOVER_TAKE (actor);
    pthread_setname_np (pthread_self (), role_name (actor->options->role->id));
    int status = s_shell_init (&self, actor->options, pipe, actor->why);
    HANDOVER_GIVE (actor);
    zsock_signal (pipe, status == 0 ? 0 : 1);
    if (status == 0) {
        while (!s_done (&self))
            s_turn (&self);
        if (self.halted)
            s_report_halt (&self);
    }
    s_shell_clear (&self);
    HANDOVER_GIVE (actor);
}

actor_t *actor_new (const actor_options_t *options, char *why)
{
    actor_t *self = memory_new (1, sizeof *self);
    self->options = options;
    self->why = why;
    why[0] = '\0';
    HANDOVER_GIVE (self);
    self->thread = zactor_new (s_thread, self);
    if (!self->thread) {
        snprintf (why, LIMIT_SENTENCE_BYTES,
                  "%s: cannot start a thread; see the limits of the user",
                  role_name (options->role->id));
        free (self);
        return NULL;
    }
    int status = zsock_wait (self->thread);
    HANDOVER_TAKE (self);
    self->options = NULL;
    self->why = NULL;
    if (status != 0)
        actor_destroy (&self, true);
    return self;
}

void actor_destroy (actor_t **self_p, bool hurry)
{
    actor_t *self = *self_p;
    if (!self)
        return;
    if (hurry) {
        zsock_set_sndtimeo (self->thread, 0);
        zstr_send (self->thread, "$KILL");
    }
    zactor_destroy (&self->thread); /* sends $TERM and waits for the thread's last signal */
    HANDOVER_TAKE (self);
    free (self);
    *self_p = NULL;
}
