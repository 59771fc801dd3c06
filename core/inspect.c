/*  inspect.c - see inspect.h. */
#include "inspect.h"

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

static void s_holding (const coordinator_t *self, const operation_t *operation, size_t place,
                       holding_t *holding)
{
    const attempt_state_t *attempt = &operation->quorum.items[place];
    bool answered = attempt->result == RESULT_FOUND || attempt->result == RESULT_ABSENT;
    GIVE (holding, holding, slot, attempt->slot);
    GIVE (holding, holding, node, answer_node_name (self, attempt->node));
    GIVE (holding, holding, role, bytes_text ("owner"));
    GIVE (holding, holding, reachable, attempt->result != RESULT_DOWN);
    GIVE (holding, holding, digest, bytes_view (NULL, 0));
    GIVE (holding, holding, values, bytes_view (NULL, 0));
    GIVE (holding, holding, bytes, bytes_view (NULL, 0));
    GIVE (holding, holding, tombstone, bytes_view (NULL, 0));
    if (!answered)
        return;
    object_t object;
    object_decode (operation->states[place], &object); /* get_take has seen that it does */
    holding->digest = s_digest (operation->states[place]);
    holding->values = s_uint (object.siblings.count);
    holding->bytes = s_uint (object_value_bytes (&object));
    holding->tombstone = s_bool (attempt->result == RESULT_FOUND && object.siblings.count == 0);
    object_clear (&object);
}

static bool s_answer (coordinator_t *self, operation_t *operation, effects_t *effects)
{
    inspected_t inspected = {0};
    size_t count = operation->quorum.count;
    holding_list_t replicas = {.items = memory_new (count, sizeof (holding_t)), .count = count};
    for (size_t i = 0; i < count; i++)
        s_holding (self, operation, i, &replicas.items[i]);
    GIVE (inspected, &inspected, partition, operation->partition);
    GIVE (inspected, &inspected, replicas, replicas);
    ANSWER (self, operation, inspected, &inspected, STATUS_OK, effects);
    codec_clear (&inspected_schema, &inspected);
    return true;
}

bool inspect_begin (coordinator_t *self, operation_t *operation, uint64_t now_us,
                    effects_t *effects)
{
    quorum_init (&operation->quorum, self->ring, operation->partition, operation->id);
    get_ask (self, operation, LIMIT_N, now_us, effects);
    return quorum_outstanding (&operation->quorum) == 0 && s_answer (self, operation, effects);
}

bool inspect_reply (coordinator_t *self, operation_t *operation, message_t *message,
                    uint64_t now_us, effects_t *effects)
{
    return get_take (operation, message, now_us) && quorum_outstanding (&operation->quorum) == 0 &&
           s_answer (self, operation, effects);
}

bool inspect_tick (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects)
{
    return now_us >= operation->deadline_us && s_answer (self, operation, effects);
}
