/*  inspect.c - see inspect.h. */
#include "inspect.h"

#include <stdlib.h>

#include "../messages/memory.h"
#include "../messages/pack.h"
#include "answer.h"
#include "get.h"
#include "hash.h"
#include "object.h"

#define RAW_BYTES 16u

static bytes_t s_uint (uint64_t value)
{
    buffer_t buffer;
    buffer_init (&buffer, RAW_BYTES);
    pack_uint (&buffer, value);
    return buffer_take (&buffer);
}

static bytes_t s_bool (bool value)
{
    buffer_t buffer;
    buffer_init (&buffer, RAW_BYTES);
    pack_bool (&buffer, value);
    return buffer_take (&buffer);
}

/*  A state's name: the hash of its bytes, which are canonical. */
static bytes_t s_digest (bytes_t state)
{
    uint64_t hash = hash_bytes (state);
    uint8_t data[8];
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t) (hash >> (56 - 8 * i));
    buffer_t buffer;
    buffer_init (&buffer, RAW_BYTES);
    pack_bin (&buffer, bytes_view (data, sizeof data));
    return buffer_take (&buffer);
}

/*  Fills in what a replica said it holds. */
static void s_tell (holding_t *holding, bytes_t state)
{
    object_t object;
    object_decode (state, &object); /* s_take and get_take have seen that it does */
    holding->digest = s_digest (state);
    holding->values = s_uint (object.siblings.count);
    holding->bytes = s_uint (object_value_bytes (&object));
    holding->tombstone = s_bool (state.size > 0 && object.siblings.count == 0);
    object_clear (&object);
}

static void s_holding (const coordinator_t *self, uint8_t slot, uint64_t node, const char *role,
                       bool reachable, holding_t *holding)
{
    GIVE (holding, holding, slot, slot);
    GIVE (holding, holding, node, answer_node_name (self, node));
    GIVE (holding, holding, role, bytes_text (role));
    GIVE (holding, holding, reachable, reachable);
    GIVE (holding, holding, digest, bytes_view (NULL, 0));
    GIVE (holding, holding, values, bytes_view (NULL, 0));
    GIVE (holding, holding, bytes, bytes_view (NULL, 0));
    GIVE (holding, holding, tombstone, bytes_view (NULL, 0));
}

/*  By slot; of a slot its owner before those that stand in. */
static int s_by_slot (const void *a, const void *b)
{
    const holding_t *one = a, *other = b;
    if (one->slot != other->slot)
        return one->slot < other->slot ? -1 : 1;
    return bytes_compare (other->role, one->role); /* "owner", then "fallback" */
}

static bool s_answer (coordinator_t *self, operation_t *operation, effects_t *effects)
{
    inspected_t inspected = {0};
    const quorum_t *quorum = &operation->quorum;
    holding_list_t replicas = {
        .items = memory_new (quorum->count + operation->holders_count, sizeof (holding_t))};
    for (size_t i = 0; i < quorum->count; i++) {
        const attempt_state_t *attempt = &quorum->items[i];
        holding_t *holding = &replicas.items[replicas.count++];
        s_holding (self, attempt->slot, attempt->node, "owner", attempt->result != RESULT_DOWN,
                   holding);
        if (attempt->result == RESULT_FOUND || attempt->result == RESULT_ABSENT)
            s_tell (holding, operation->states[i]);
    }
    for (size_t i = 0; i < operation->holders_count; i++) {
        const holder_t *holder = &operation->holders[i];
        if (holder->state.size == 0 || replicas.count == LIMIT_MEMBERS_COUNT)
            continue;
        holding_t *holding = &replicas.items[replicas.count++];
        s_holding (self, holder->slot, holder->node, "fallback", true, holding);
        s_tell (holding, holder->state);
    }
    qsort (replicas.items, replicas.count, sizeof *replicas.items, s_by_slot);
    GIVE (inspected, &inspected, partition, operation->partition);
    GIVE (inspected, &inspected, replicas, replicas);
    ANSWER (self, operation, inspected, &inspected, STATUS_OK, effects);
    codec_clear (&inspected_schema, &inspected);
    return true;
}

/*  Asks each reachable member for its hints of the slots that are not its own. */
static void s_ask_holders (coordinator_t *self, operation_t *operation, effects_t *effects)
{
    const quorum_t *quorum = &operation->quorum;
    size_t members;
    const member_t *member = ring_members (self->ring, &members);
    operation->holders = memory_new (members * quorum->count, sizeof *operation->holders);
    for (size_t i = 0; i < members; i++)
        for (size_t k = 0; k < quorum->count; k++) {
            uint64_t node = member[i].node;
            uint8_t slot = quorum->items[k].slot;
            if (quorum->items[k].node == node || !ring_reachable (self->ring, node))
                continue;
            operation->holders[operation->holders_count++] =
                (holder_t){.node = node, .slot = slot, .pending = true};
            message_t *message = message_new (MESSAGE_read);
            message->read.request = operation->id;
            message->read.slot = slot;
            message->read.hint = true;
            message->read.key = bytes_copy (operation->key.data, operation->key.size);
            coordinator_send (self, node, &message, effects);
        }
}

/*  Takes in what a member says of its hint. False when that is not what the message is about. */
static bool s_take (coordinator_t *self, operation_t *operation, message_t *message)
{
    read_reply_t *reply = &message->read_reply;
    for (size_t i = 0; i < operation->holders_count; i++) {
        holder_t *holder = &operation->holders[i];
        if (holder->node != message->from.node || holder->slot != reply->slot || !holder->pending)
            continue;
        holder->pending = false;
        object_t object;
        if (reply->result == RESULT_FOUND && object_decode (reply->state, &object) == 0) {
            object_clear (&object);
            coordinator_keep (self, operation, &holder->state, &reply->state);
        }
        return true;
    }
    return false;
}

static bool s_complete (const operation_t *operation)
{
    for (size_t i = 0; i < operation->holders_count; i++)
        if (operation->holders[i].pending)
            return false;
    return quorum_outstanding (&operation->quorum) == 0;
}

bool inspect_begin (coordinator_t *self, operation_t *operation, uint64_t now_us,
                    effects_t *effects)
{
    quorum_init (&operation->quorum, self->ring, operation->partition, operation->id);
    for (size_t i = 0; i < operation->quorum.count; i++)
        if (operation->quorum.items[i].result == RESULT_PENDING)
            get_ask (self, operation, &operation->quorum.items[i], now_us, effects);
    s_ask_holders (self, operation, effects);
    return s_complete (operation) && s_answer (self, operation, effects);
}

bool inspect_reply (coordinator_t *self, operation_t *operation, message_t *message,
                    uint64_t now_us, effects_t *effects)
{
    bool taken = s_take (self, operation, message) || get_take (self, operation, message, now_us);
    return taken && s_complete (operation) && s_answer (self, operation, effects);
}

bool inspect_tick (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects)
{
    coordinator_note_overdue (self, operation, now_us, effects);
    for (size_t i = 0; i < operation->holders_count; i++)
        operation->holders[i].pending &= ring_reachable (self->ring, operation->holders[i].node);
    bool over = now_us >= operation->deadline_us || s_complete (operation);
    return over && s_answer (self, operation, effects);
}
