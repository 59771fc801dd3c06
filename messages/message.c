/*  message.c - messages between roles, and the frames that carry them between nodes. */
#include "message.h"

#include <assert.h>
#include <stdlib.h>

#include "memory.h"
#include "pack.h"
#include "skim.h"

#define FRAME_FIELDS 9u
#define FRAME_ARRAY (0x90u | FRAME_FIELDS) /* MessagePack's array of 9 */

/*  Positions in the array of a frame. */
typedef enum {
    FRAME_FORMAT,
    FRAME_TYPE,
    FRAME_CLUSTER,
    FRAME_NODE,
    FRAME_NONCE,
    FRAME_CLOCK,
    FRAME_FROM,
    FRAME_TO,
    FRAME_RECORD /* the rest of the frame */
} frame_field_t;

#define ROLE(upper, lower) #lower,
static const char *const s_roles[] = {ROLES (ROLE)};
#undef ROLE

#define MESSAGE(record, shape) &record##_schema,
static const schema_t *const s_schemas[] = {MESSAGES (MESSAGE)};
#undef MESSAGE

const char *role_name (role_id_t role)
{
    return (unsigned) role < ROLE_COUNT ? s_roles[role] : "unknown";
}

const schema_t *message_schema (message_type_t type)
{
    assert ((unsigned) type < MESSAGE_COUNT);
    return s_schemas[type];
}

void *message_record (message_t *self)
{
    return &self->read; /* any member: they share one place */
}

message_t *message_new (message_type_t type)
{
    assert ((unsigned) type < MESSAGE_COUNT);
    message_t *self = memory_new (1, sizeof *self);
    self->type = type;
    return self;
}

void message_destroy (message_t **self_p)
{
    message_t *self = *self_p;
    if (self == NULL)
        return;
    codec_clear (message_schema (self->type), message_record (self));
    bytes_clear (&self->frame);
    free (self);
    *self_p = NULL;
}

message_t *message_copy (const message_t *self)
{
    message_t *copy = message_new (self->type);
    copy->from = self->from;
    copy->origin = self->origin;
    codec_copy (message_schema (self->type), &self->read, message_record (copy));
    return copy;
}

int message_encode (const message_t *self, role_id_t to, buffer_t *buffer)
{
    size_t before = buffer->size;
    const uint64_t head[FRAME_RECORD] = {
        [FRAME_FORMAT] = MESSAGE_FORMAT,        [FRAME_TYPE] = self->type,
        [FRAME_CLUSTER] = self->origin.cluster, [FRAME_NODE] = self->from.node,
        [FRAME_NONCE] = self->origin.nonce,     [FRAME_CLOCK] = self->origin.clock_ms,
        [FRAME_FROM] = self->from.role,         [FRAME_TO] = to,
    };
    int rc = pack_array (buffer, FRAME_FIELDS);
    for (size_t i = 0; rc == 0 && i < FRAME_RECORD; i++)
        rc = pack_uint (buffer, head[i]);
    if (rc == 0)
        rc = codec_encode (message_schema (self->type), &self->read, buffer);
    if (rc != 0)
        buffer->size = before;
    return rc == 0 ? 0 : -1;
}

/*  Reads the integer of 0 or more at `*offset`, and moves behind it; -1 when something else is there. By hand, because a
 *  tree of a large frame only to see who it is for costs more than all the rest of it. */
static int s_read_number (bytes_t frame, size_t *offset, uint64_t *number)
{
    if (*offset >= frame.size)
        return -1;
    uint8_t type = frame.data[*offset];
    size_t width = type >= 0xcc && type <= 0xcf ? (size_t) 1 << (type - 0xcc) : 0;
    if ((width == 0 && type > 0x7f) || frame.size - *offset <= width)
        return -1;
    *number = width == 0 ? type : 0;
    for (size_t i = 1; i <= width; i++)
        *number = *number << 8 | frame.data[*offset + i];
    *offset += 1 + width;
    return 0;
}

/*  The head of a frame, whose offset behind it is left in `*offset`; NULL, or what is wrong. */
static const char *s_read_head (bytes_t frame, head_t *head, size_t *offset)
{
    uint64_t numbers[FRAME_RECORD];
    if (frame.size == 0 || frame.data[0] != FRAME_ARRAY)
        return "a frame is no array of 9";
    *offset = 1;
    for (size_t i = 0; i < FRAME_RECORD; i++)
        if (s_read_number (frame, offset, &numbers[i]) != 0)
            return "a number in a frame's head is none";
    if (numbers[FRAME_FORMAT] != MESSAGE_FORMAT)
        return "a frame has a format that is not known here";
    if (numbers[FRAME_TYPE] >= MESSAGE_COUNT)
        return "a message has a number that is not known here";
    if (numbers[FRAME_FROM] >= ROLE_COUNT || numbers[FRAME_TO] >= ROLE_COUNT)
        return "a role has a number that is not known here";
    *head = (head_t){
        .type = (message_type_t) numbers[FRAME_TYPE],
        .from = {.node = numbers[FRAME_NODE], .role = (role_id_t) numbers[FRAME_FROM]},
        .origin = {.cluster = numbers[FRAME_CLUSTER],
                   .nonce = numbers[FRAME_NONCE],
                   .clock_ms = numbers[FRAME_CLOCK]},
        .to = (role_id_t) numbers[FRAME_TO],
    };
    return NULL;
}

int message_peek (bytes_t frame, head_t *head, const char **why)
{
    size_t offset;
    const char *wrong = s_read_head (frame, head, &offset);
    if (wrong != NULL && why != NULL)
        *why = wrong;
    return wrong == NULL ? 0 : -1;
}

message_t *message_decode (bytes_t *frame, role_id_t *to, const char **why)
{
    head_t head;
    size_t offset = 0;
    const char *wrong = skim_check (*frame, LIMIT_NESTING_DEPTH, LIMIT_FRAME_ITEMS);
    if (wrong == NULL)
        wrong = s_read_head (*frame, &head, &offset);
    if (wrong != NULL) {
        bytes_clear (frame);
        if (why != NULL)
            *why = wrong;
        return NULL;
    }
    message_t *self = message_new (head.type);
    self->from = head.from;
    self->origin = head.origin;
    self->frame = bytes_take (frame);
    bytes_clear (frame);
    *to = head.to;
    bytes_t record = bytes_view (self->frame.data + offset, self->frame.size - offset);
    if (codec_decode (message_schema (self->type), record, message_record (self), why) != 0)
        message_destroy (&self);
    return self;
}
