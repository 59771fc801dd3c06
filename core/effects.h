/*  effects.h - what a role wants done: the only way out.
 *
 *  A bounded list that a step appends to and the shell carries out, in order, after the step. Effects own: whoever
 *  carries one out frees it (style of the house: "an event lends, effects own").
 */
#ifndef CARTWHEEL_EFFECTS_H
#define CARTWHEEL_EFFECTS_H

#include "../messages/message.h"

typedef enum { LEVEL_ERROR, LEVEL_WARNING, LEVEL_NOTICE, LEVEL_INFO, LEVEL_DEBUG } level_t;

typedef enum {
    EFFECT_SEND,  /* `message` to `to`; or to gossip at `endpoint`, when that is not empty */
    EFFECT_REPLY, /* `frame` to `client` */
    EFFECT_LOG,   /* `text` at `level`; notice and above is published too */
    EFFECT_HALT   /* the node cannot go on: `text` is the process's last line */
} effect_kind_t;

typedef struct {
    effect_kind_t kind;
    address_t to;
    bytes_t endpoint; /* owned */
    message_t *message;
    bytes_t client;
    bytes_t frame;
    level_t level;
    char *text;
} effect_t;

typedef struct {
    effect_t *items;
    size_t count;
    size_t capacity;
    uint64_t wake_us; /* earliest time for the next EVENT_TICK; UINT64_MAX: none wanted */
    uint64_t lost;    /* effects dropped because the list was full */
} effects_t;

void effects_init (effects_t *self);
/*  Frees every effect that was not carried out, and leaves an empty list with its memory. */
void effects_reset (effects_t *self);
void effects_clear (effects_t *self);

/*  Takes the message. To another node, or to a role here when to.node is 0. */
void effects_send (effects_t *self, address_t to, message_t **message_p);
/*  To a role of this node. */
void effects_send_here (effects_t *self, role_id_t role, message_t **message_p);
/*  To gossip at an endpoint, of whatever node that is. Takes the message; copies `endpoint`. */
void effects_send_endpoint (effects_t *self, bytes_t endpoint, message_t **message_p);
/*  Takes the frame; copies `client`. */
void effects_reply (effects_t *self, bytes_t client, bytes_t *frame);
/*  An event for the monitor stream: a record of the catalogue, which stays the caller's. */
void effects_publish (effects_t *self, const char *topic, const schema_t *schema,
                      const void *event);
void effects_log (effects_t *self, level_t level, const char *format, ...)
    __attribute__ ((format (printf, 3, 4)));
void effects_halt (effects_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));
/*  Asks for an EVENT_TICK at `at_us` or soon after; the earliest wish of a step counts, and each step wishes anew. */
void effects_wake (effects_t *self, uint64_t at_us);

/*  "error", "warning", "notice", "info", "debug". */
const char *level_name (level_t level);

#endif
