/*  message.h - what one role sends another: inside a node a pointer whose ownership passes, between nodes a frame.
 *
 *  A frame is a MessagePack array: [format, number of the message, cluster, sending node, nonce of its process, its
 *  clock in ms, sending role, receiving role, record]. So each frame says who speaks and since when, and whoever takes
 *  it can refuse it by its head, before the record is decoded.
 */
/* clang-format off */
#ifndef CARTWHEEL_MESSAGE_H
#define CARTWHEEL_MESSAGE_H

#include "codec.h"

/*  The roles and helpers of a node; the number travels between nodes. */
#define ROLES(ROLE)                 \
    ROLE (COORDINATOR, coordinator) \
    ROLE (REPLICA, replica)         \
    ROLE (GOSSIP, gossip)           \
    ROLE (HANDOFF, handoff)         \
    ROLE (ANTIENTROPY, antientropy) \
    ROLE (SYNCER, syncer)           \
    ROLE (MONITOR, monitor)         \
    ROLE (CHECKPOINTER, checkpointer)

#define ROLE(upper, lower) ROLE_##upper,
typedef enum { ROLES (ROLE) ROLE_COUNT } role_id_t;
#undef ROLE

const char *role_name (role_id_t role);

/*  Where a message goes to or comes from: a role of a node. */
typedef struct {
    uint64_t node; /* member_t.node; 0: this node */
    role_id_t role;
} address_t;

#define MESSAGE(record, shape) MESSAGE_##record,
typedef enum { MESSAGES (MESSAGE) MESSAGE_COUNT } message_type_t;
#undef MESSAGE

#define MESSAGE_FORMAT 1

/*  What the head of a frame says about its sender. All 0 for a message of this node. */
typedef struct {
    uint64_t cluster;  /* 0: in none yet */
    uint64_t nonce;    /* random, drawn when the process started */
    uint64_t clock_ms; /* of its own clock, which only rises (event_t.now_us) */
} origin_t;

typedef struct {
    message_type_t type;
    address_t from;
    origin_t origin;
    bytes_t frame; /* owned: what the fields are views into, when it came from another node */
    union {
#define MESSAGE(record, shape) record##_t record;
        MESSAGES (MESSAGE)
#undef MESSAGE
    };
} message_t;

/*  An empty message of that type. The caller owns it, and what it puts into its fields is the message's. */
message_t *message_new (message_type_t type);
void message_destroy (message_t **self_p);

/*  The schema of a message's record. */
const schema_t *message_schema (message_type_t type);

/*  The message's record inside the union. */
void *message_record (message_t *self);

/*  A deep copy with the same sender. */
message_t *message_copy (const message_t *self);

/*  The head of a frame. */
typedef struct {
    message_type_t type;
    address_t from;
    origin_t origin;
    role_id_t to;
} head_t;

/*  Reads no more than the head of a frame, whose rest may be anything. 0, or -1 with a constant sentence in `why`. */
int message_peek (bytes_t frame, head_t *head, const char **why);

/*  Appends the frame that carries the message from `self->from` to role `to`. 0, or -1 when it would pass the
 *  buffer's maximum. */
int message_encode (const message_t *self, role_id_t to, buffer_t *buffer);

/*  The message in a frame and the role it is for. Takes the frame's bytes: they are the message's, or freed. NULL for
 *  anything but a whole, well-formed frame; `why` then points to a constant sentence. */
message_t *message_decode (bytes_t *frame, role_id_t *to, const char **why);

#endif
