/*  spread.c - see spread.h. */
#include "spread.h"

#include "hash.h"
#include "object.h"

static message_t *s_message (const coordinator_t *self, const operation_t *operation, uint8_t slot,
                             uint64_t node, bool hint, uint64_t now_us)
{
    message_t *message = message_new (MESSAGE_replicate);
    replicate_t *replicate = &message->replicate;
    replicate->request = operation->id;
    replicate->slot = slot;
    replicate->hint = hint;
    replicate->stamp = coordinator_stamp (self, operation, node, now_us, NULL);
    replicate->key = bytes_copy (operation->key.data, operation->key.size);
    replicate->state = bytes_copy (operation->state.data, operation->state.size);
    return message;
}

static void s_send (coordinator_t *self, operation_t *operation, attempt_state_t *attempt,
                    uint64_t now_us, effects_t *effects)
{
    message_t *message =
        s_message (self, operation, attempt->slot, attempt->node, attempt->hint, now_us);
    coordinator_ask (self, operation, attempt, &message, now_us, effects);
}

/*  An attempt at keeping the hint for a slot at this node, or NULL when it is too early for that, or was tried. */
static attempt_state_t *s_here (coordinator_t *self, operation_t *operation, uint8_t slot)
{
    uint64_t own = ring_self (self->ring);
    const attempt_state_t *owner = quorum_slot (&operation->quorum, slot);
    if (coordinator_counts_on (self, owner) || quorum_find (&operation->quorum, slot, own) != NULL)
        return NULL;
    return quorum_add (&operation->quorum, slot, own, true);
}

/*  Has others stand in for a slot until one of them is waited for. */
static void s_cover (coordinator_t *self, operation_t *operation, uint8_t slot, uint64_t now_us,
                     effects_t *effects)
{
    while (quorum_lacks (&operation->quorum, slot)) {
        attempt_state_t *attempt = quorum_stand_in (&operation->quorum, self->ring, slot);
        if (attempt == NULL)
            attempt = s_here (self, operation, slot);
        if (attempt == NULL)
            return;
        s_send (self, operation, attempt, now_us, effects);
    }
}

void spread_state (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects)
{
    quorum_t *quorum = &operation->quorum;
    if (operation->state.size == 0)
        return;
    coordinator_follow (self, operation);
    for (size_t i = 0; i < quorum->count; i++) {
        attempt_state_t *attempt = &quorum->items[i];
        if (attempt->result == RESULT_PENDING && attempt->due_us == UINT64_MAX &&
            !quorum_has (quorum, attempt->slot, QUORUM_STORED))
            s_send (self, operation, attempt, now_us, effects);
    }
    for (uint8_t slot = 0; slot < LIMIT_N; slot++)
        if (quorum_slot (quorum, slot) != NULL)
            s_cover (self, operation, slot, now_us, effects);
}

void spread_twin (coordinator_t *self, operation_t *operation, bytes_t state, uint64_t now_us,
                  effects_t *effects)
{
    object_t ours, theirs, both;
    if (operation->state.size == 0 || state.size == 0 || object_decode (state, &theirs) != 0)
        return;
    if (object_decode (operation->state, &ours) != 0) {
        object_clear (&theirs);
        return;
    }
    object_merge (&ours, &theirs, &both);
    bytes_t merged = object_fits (&both) ? object_encode (&both) : bytes_view (NULL, 0);
    object_clear (&both);
    object_clear (&ours);
    object_clear (&theirs);
    if (merged.size == 0)
        return;
    coordinator_drop (self, operation, &operation->state);
    coordinator_keep (self, operation, &operation->state, &merged);
    for (size_t i = 0; i < operation->quorum.count; i++) {
        const attempt_state_t *attempt = &operation->quorum.items[i];
        if (!attempt->asked || attempt->result == RESULT_DOWN || attempt->result == RESULT_REFUSED)
            continue;
        message_t *message =
            s_message (self, operation, attempt->slot, attempt->node, attempt->hint, now_us);
        coordinator_send (self, attempt->node, &message, effects);
    }
}

bool spread_take (coordinator_t *self, operation_t *operation, const message_t *message,
                  uint64_t now_us)
{
    const replicate_reply_t *reply = &message->replicate_reply;
    attempt_state_t *attempt = coordinator_attempt (self, operation, message, reply->slot, now_us);
    if (attempt == NULL)
        return false;
    bool stored = reply->result == RESULT_STORED;
    /* Whoever was asked to mint and passed over may be acknowledging its own version, not this one. */
    if (stored && attempt->minting && reply->hash != hash_bytes (operation->state))
        return false;
    attempt->status = (status_t) reply->status;
    if (stored) {
        attempt->result = attempt->hint ? RESULT_HINTED : RESULT_STORED;
        suspicion_answer (&self->suspicion, attempt->node, PACE_FLUSH, attempt->took_us);
    } else if (attempt->status != STATUS_UNAVAILABLE ||
               coordinator_is_elsewhere (self, operation, attempt))
        attempt->result = RESULT_REFUSED;
    /* Else as if it had been lost, for its stamp was too old: it is sent again with a newer one. */
    return true;
}

void spread_end (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects)
{
    uint64_t own = ring_self (self->ring);
    if (operation->state.size == 0)
        return;
    for (uint8_t slot = 0; slot < LIMIT_N; slot++) {
        const attempt_state_t *owner = quorum_slot (&operation->quorum, slot);
        if (owner == NULL || owner->node == own ||
            quorum_has (&operation->quorum, slot, QUORUM_STORED) ||
            quorum_find (&operation->quorum, slot, own) != NULL)
            continue;
        message_t *message = s_message (self, operation, slot, own, true, now_us);
        coordinator_send (self, own, &message, effects);
    }
}

bool spread_done (const operation_t *operation)
{
    const quorum_t *quorum = &operation->quorum;
    for (size_t i = 0; i < quorum->count; i++)
        if (quorum->items[i].result == RESULT_PENDING &&
            !quorum_has (quorum, quorum->items[i].slot, QUORUM_STORED))
            return false;
    return true;
}
