/*  queue.h - what is going to happen, in order of virtual time: a binary heap (Williams 1964) whose ties are broken by the
 *  order of insertion, so that equal times never depend on how the heap happens to lie.
 */
#ifndef CARTWHEEL_SIM_QUEUE_H
#define CARTWHEEL_SIM_QUEUE_H

#include "messages/message.h"

/*  Something on its way to a mailbox or a client. Owns all that it points to. */
typedef struct {
    message_t *message; /* between roles of one node */
    bytes_t frame;      /* between nodes; of a client's request; of a reply */
    bytes_t client;     /* request and reply: the connection */
    role_id_t role;     /* the mailbox that it is for */
    size_t sender;      /* node that sent the frame */
} letter_t;

letter_t *letter_new (role_id_t role);
void letter_destroy (letter_t **self_p);

typedef enum {
    ACTION_ARRIVE, /* `letter` comes to mailbox `what` of node `who`, if that lives `life` (0: any) */
    ACTION_WAKE,   /* role `what` of node `who` takes a batch from its mailbox */
    ACTION_TICK,   /* the time that role `what` of node `who` asked for has come */
    ACTION_FLUSHED,  /* the flush of node `who` ends */
    ACTION_BEAT,     /* the monitor of node `who` says again how the machine is doing */
    ACTION_RESTART,  /* node `who` starts again */
    ACTION_CLIENT,   /* client `who` goes on, unless it has done something since (`life`) */
    ACTION_REPLY,    /* `letter` reaches its client */
    ACTION_DEADLINE, /* attempt `life` must have been answered */
    ACTION_FAULT     /* fault `what` strikes */
} action_kind_t;

typedef struct {
    uint64_t at_us;
    uint64_t sequence;
    action_kind_t kind;
    uint32_t who;
    uint32_t what;
    uint64_t life;
    letter_t *letter;
} action_t;

typedef struct {
    action_t *items;
    size_t count;
    size_t capacity;
    uint64_t sequence;
} queue_t;

/*  Takes the letter of the action. */
void queue_push (queue_t *self, action_t action);
/*  The next action, whose letter becomes the caller's. False when there is none. */
bool queue_pop (queue_t *self, action_t *action);
void queue_clear (queue_t *self);

#endif
