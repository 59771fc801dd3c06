/*  put.c - see put.h. */
#include "put.h"

#include "answer.h"
#include "spread.h"
#include "version.h"

#define MINTS_MOST 3u /* tries at one home, then another home mints */

static void s_mint (coordinator_t *self, operation_t *operation, attempt_state_t *home,
                    uint64_t now_us, effects_t *effects)
{
    message_t *message = message_new (MESSAGE_mint);
    mint_t *mint = &message->mint;
    mint->request = operation->id;
    mint->slot = home->slot;
    mint->hint = home->hint;
    mint->stamp = coordinator_stamp (self, operation, home->node, now_us, &mint->patience_ms);
    mint->key = bytes_copy (operation->key.data, operation->key.size);
    mint->remove = operation->op == OP_DELETE;
    mint->value = bytes_copy (operation->value.data, operation->value.size);
    mint->put_id = bytes_copy (operation->put_id.data, operation->put_id.size);
    codec_copy (&context_schema, &operation->context, &mint->context);
    mint->hlc = operation->hlc;
    for (size_t i = 0; i < operation->quorum.count; i++)
        mint->state_wanted |= operation->quorum.items[i].slot != home->slot;
    home->minting = true;
    coordinator_ask (self, operation, home, &message, now_us, effects);
}

/*  Asks the next home that was not asked yet to mint; when none is left to wait for, a fallback. False when there is
 *  nobody. */
static bool s_next_home (coordinator_t *self, operation_t *operation, uint64_t now_us,
                         effects_t *effects)
{
    quorum_t *quorum = &operation->quorum;
    bool waiting = operation->strict;
    for (size_t i = 0; i < quorum->count; i++) {
        attempt_state_t *home = &quorum->items[i];
        if (home->hint || home->result != RESULT_PENDING)
            continue;
        if (!home->asked) {
            s_mint (self, operation, home, now_us, effects);
            return true;
        }
        waiting = waiting || (home->minting && !home->late);
    }
    for (uint8_t slot = 0; slot < LIMIT_N && !waiting; slot++) {
        if (quorum_slot (quorum, slot) == NULL || !quorum_lacks (quorum, slot))
            continue;
        attempt_state_t *fallback = quorum_stand_in (quorum, self->ring, slot);
        if (fallback != NULL)
            s_mint (self, operation, fallback, now_us, effects);
        return fallback != NULL;
    }
    return false;
}

static void s_answer (coordinator_t *self, operation_t *operation, size_t acks, uint64_t now_us,
                      effects_t *effects)
{
    written_t written = {0};
    GIVE (written, &written, context,
          context_seal (&operation->context, operation->hash, operation->hlc));
    GIVE (written, &written, acks, (uint32_t) acks);
    if (operation->explain)
        GIVE (written, &written, explain, answer_explain (self, operation, now_us));
    ANSWER (self, operation, written, &written, STATUS_OK, effects);
    codec_clear (&written_schema, &written);
    if (operation->op == OP_PUT)
        histogram_add (&self->tally.filling.put, now_us - operation->began_us);
}

/*  After each acknowledgement or refusal of the state. */
static bool s_advance (coordinator_t *self, operation_t *operation, uint64_t now_us,
                       effects_t *effects)
{
    const quorum_t *quorum = &operation->quorum;
    size_t acks = quorum_count (quorum, QUORUM_STORED, operation->strict);
    if (!operation->answered && acks >= operation->need)
        s_answer (self, operation, acks, now_us, effects);
    if (!operation->answered &&
        quorum_count (quorum, QUORUM_STORED | QUORUM_PENDING, operation->strict) <= acks)
        answer_failure (self, operation, effects, STATUS_UNKNOWN,
                        "only %zu of w=%u nodes stored it and no other can; it may become "
                        "visible; send it again with the same put_id and context",
                        acks, operation->need);
    if (!operation->answered || !spread_done (operation))
        return false;
    bool settled = true;
    for (size_t i = 0; i < quorum->count; i++)
        settled = settled && quorum->items[i].result == RESULT_STORED;
    if (settled)
        histogram_add (&self->tally.filling.settle, now_us - operation->began_us);
    return true;
}

/*  So that a mint that is sent again makes no second version. */
static bytes_t s_random_id (rng_t *rng)
{
    uint64_t words[LIMIT_PUT_ID_BYTES / sizeof (uint64_t)];
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        words[i] = rng_next (rng);
    return bytes_copy (words, sizeof words);
}

bool put_begin (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects)
{
    if (operation->op == OP_PUT)
        self->tally.puts++;
    else
        self->tally.deletes++;
    if (!coordinator_open_quorum (self, operation, effects))
        return true;
    if (operation->op == OP_PUT && operation->put_id.size == 0)
        operation->put_id = s_random_id (&self->rng);
    s_next_home (self, operation, now_us, effects);
    return false;
}

/*  Why a home refused to mint, as the client is told. */
static void s_answer_refusal (coordinator_t *self, operation_t *operation, status_t status,
                              effects_t *effects)
{
    const char *text = "no owner of this key takes the write; try again later";
    if (status == STATUS_TOO_MANY_SIBLINGS)
        text = "the key has too many siblings: get it, merge its values, and put the result with "
               "the context of that get";
    else if (status == STATUS_READ_ONLY)
        text = "the node's disk is full or failing: reads go on, writes need room on the disk";
    else if (status == STATUS_TOO_LARGE)
        text = "the key's values or contexts together are more than a record may hold: get it, "
               "merge its values, and put the result with the context of that get";
    else if (status == STATUS_BAD_CONTEXT)
        text = "context: it is damaged; get the key and use the context of that reply";
    else if (status == STATUS_INTERNAL)
        text = "the node cannot read what it holds of this key; its log says what to do";
    answer_failure (self, operation, effects, status, "%s", text);
}

/*  Whether a replica that was asked to mint may still say what came of it. */
static bool s_minting (const operation_t *operation)
{
    for (size_t i = 0; i < operation->quorum.count; i++)
        if (operation->quorum.items[i].minting &&
            operation->quorum.items[i].result == RESULT_PENDING)
            return true;
    return false;
}

/*  A home that refused has written nothing, if it was asked but once. */
static bool s_refused (coordinator_t *self, operation_t *operation, attempt_state_t *home,
                       status_t status, uint64_t now_us, effects_t *effects)
{
    home->minting = false;
    home->status = status;
    /* Who is not in a position to mint may well take the state, unless the slot is another's. */
    if (status != STATUS_UNAVAILABLE || coordinator_is_elsewhere (self, operation, home))
        home->result = RESULT_REFUSED;
    home->due_us = UINT64_MAX;
    if (operation->minted) {
        spread_state (self, operation, now_us, effects);
        return s_advance (self, operation, now_us, effects);
    }
    coordinator_follow (self, operation);
    bool elsewhere =
        status == STATUS_READ_ONLY || status == STATUS_UNAVAILABLE || status == STATUS_OVERLOADED;
    /* Where too few are left to reach w, nothing is to be stored elsewhere either. */
    bool enough =
        quorum_available (&operation->quorum, self->ring, operation->strict) >= operation->need;
    if (elsewhere && enough && s_next_home (self, operation, now_us, effects))
        return false;
    if (s_minting (operation))
        return false;
    if (operation->doubtful)
        answer_failure (self, operation, effects, STATUS_UNKNOWN,
                        "no node confirmed it, and one may have stored it; it may become visible; "
                        "send it again with the same put_id and context");
    else
        s_answer_refusal (self, operation, status, effects);
    return true;
}

/*  Another replica has minted already: this is its twin. */
static bool s_twin (coordinator_t *self, operation_t *operation, mint_reply_t *reply,
                    uint64_t now_us, effects_t *effects)
{
    context_t both;
    context_join (&operation->context, &reply->context, &both);
    context_clear (&operation->context);
    operation->context = both;
    spread_twin (self, operation, reply->state, now_us, effects);
    return s_advance (self, operation, now_us, effects);
}

static bool s_minted (coordinator_t *self, operation_t *operation, message_t *message,
                      uint64_t now_us, effects_t *effects)
{
    mint_reply_t *reply = &message->mint_reply;
    attempt_state_t *home = coordinator_attempt (self, operation, message, reply->slot, now_us);
    if (home == NULL || !home->minting)
        return false;
    if (reply->status != STATUS_OK)
        return s_refused (self, operation, home, (status_t) reply->status, now_us, effects);
    if (!context_valid (&reply->context))
        return false;
    home->minting = false;
    if (operation->minted)
        return s_twin (self, operation, reply, now_us, effects);
    operation->minted = true;
    context_clear (&operation->context);
    operation->context = reply->context;
    reply->context = (context_t){0};
    operation->hlc = reply->hlc;
    coordinator_keep (self, operation, &operation->state, &reply->state);
    coordinator_drop (self, operation, &operation->value); /* came with the request */
    if (reply->durable) {
        home->result = home->hint ? RESULT_HINTED : RESULT_STORED;
        suspicion_answer (&self->suspicion, home->node, PACE_FLUSH, home->took_us);
    } else {
        suspicion_answer (&self->suspicion, home->node, PACE_QUICK, home->took_us);
        coordinator_wait (self, operation, home, now_us); /* for its acknowledgement */
    }
    spread_state (self, operation, now_us, effects);
    return s_advance (self, operation, now_us, effects);
}

bool put_reply (coordinator_t *self, operation_t *operation, message_t *message, uint64_t now_us,
                effects_t *effects)
{
    if (message->type == MESSAGE_mint_reply)
        return s_minted (self, operation, message, now_us, effects);
    if (!operation->minted || !spread_take (self, operation, message, now_us))
        return false;
    spread_state (self, operation, now_us, effects);
    return s_advance (self, operation, now_us, effects);
}

/*  Asks again where a mint was not answered in its time: the same home, another, or all that were asked when there is no
 *  other. */
static void s_mint_again (coordinator_t *self, operation_t *operation, uint64_t now_us,
                          effects_t *effects)
{
    quorum_t *quorum = &operation->quorum;
    bool next = false;
    size_t count = quorum->count;
    for (size_t i = 0; i < count; i++) {
        attempt_state_t *home = &quorum->items[i];
        bool down = home->minting && home->result == RESULT_DOWN && home->due_us != UINT64_MAX;
        if (down)
            home->due_us = UINT64_MAX;
        else if (!home->minting || !coordinator_overdue (self, home, now_us, effects))
            continue;
        operation->doubtful = true;
        if (down || home->tries >= MINTS_MOST || suspicion_suspects (&self->suspicion, home->node))
            next = true;
        else
            s_mint (self, operation, home, now_us, effects);
    }
    if (!next || s_next_home (self, operation, now_us, effects))
        return;
    for (size_t i = 0; i < count; i++) {
        attempt_state_t *home = &quorum->items[i];
        if (home->minting && home->result == RESULT_PENDING && home->due_us == UINT64_MAX)
            s_mint (self, operation, home, now_us, effects);
    }
}

bool put_tick (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects)
{
    bool over = now_us >= operation->deadline_us;
    if (!operation->minted && !over) {
        s_mint_again (self, operation, now_us, effects);
        return false;
    }
    coordinator_note_overdue (self, operation, now_us, effects);
    if (!over) {
        spread_state (self, operation, now_us, effects);
        return s_advance (self, operation, now_us, effects);
    }
    spread_end (self, operation, now_us, effects);
    if (!operation->answered)
        answer_failure (self, operation, effects, STATUS_UNKNOWN,
                        "only %zu of w=%u nodes confirmed within %llu ms; it may become visible; "
                        "send it again with the same put_id and context",
                        quorum_count (&operation->quorum, QUORUM_STORED, operation->strict),
                        operation->need,
                        (unsigned long long) ((now_us - operation->began_us) / 1000));
    return true;
}
