/*  put.c - see put.h. */
#include "put.h"

#include "answer.h"
#include "object.h"

#define RESEND_US \
    100000u /* a state that was not acknowledged for so long is sent again; merging it twice is harmless */

static void s_mint (coordinator_t *self, operation_t *operation, attempt_state_t *home,
                    bool state_wanted, uint64_t now_us, effects_t *effects)
{
    message_t *message = message_new (MESSAGE_mint);
    mint_t *mint = &message->mint;
    mint->request = operation->id;
    mint->slot = home->slot;
    mint->key = bytes_copy (operation->key.data, operation->key.size);
    mint->remove = operation->op == OP_DELETE;
    mint->value = bytes_take (&operation->value);
    mint->put_id = bytes_copy (operation->put_id.data, operation->put_id.size);
    codec_copy (&context_schema, &operation->context, &mint->context);
    mint->hlc = operation->hlc;
    mint->state_wanted = state_wanted;
    /* Another home may have to take over while this one refuses: then the value is needed again. */
    if (state_wanted)
        operation->value = bytes_copy (mint->value.data, mint->value.size);
    else
        operation->value = bytes_view (NULL, 0);
    coordinator_ask (self, operation, home, &message, now_us, effects);
}

/*  Owners, besides `home`, that the state can be sent to. */
static size_t s_others (const operation_t *operation, const attempt_state_t *home)
{
    size_t count = 0;
    for (size_t i = 0; i < operation->quorum.count; i++)
        count += &operation->quorum.items[i] != home &&
                 operation->quorum.items[i].result == RESULT_PENDING;
    return count;
}

/*  Asks the next home that was not asked yet to mint. False when there is none. */
static bool s_next_home (coordinator_t *self, operation_t *operation, uint64_t now_us,
                         effects_t *effects)
{
    for (size_t i = 0; i < operation->quorum.count; i++) {
        attempt_state_t *home = &operation->quorum.items[i];
        if (home->asked || home->result != RESULT_PENDING)
            continue;
        s_mint (self, operation, home, s_others (operation, home) > 0, now_us, effects);
        return true;
    }
    return false;
}

static void s_replicate (coordinator_t *self, operation_t *operation, attempt_state_t *attempt,
                         uint64_t now_us, effects_t *effects)
{
    message_t *message = message_new (MESSAGE_replicate);
    message->replicate.request = operation->id;
    message->replicate.slot = attempt->slot;
    message->replicate.key = bytes_copy (operation->key.data, operation->key.size);
    message->replicate.state = bytes_copy (operation->state.data, operation->state.size);
    uint64_t asked_us = attempt->asked ? attempt->asked_us : now_us;
    coordinator_ask (self, operation, attempt, &message, now_us, effects);
    attempt->asked_us = asked_us; /* `took` counts from the first try */
}

/*  Sends the state to each owner that does not have it yet; `again` also to those that were asked and said nothing. */
static void s_spread (coordinator_t *self, operation_t *operation, bool again, uint64_t now_us,
                      effects_t *effects)
{
    if (operation->state.size == 0)
        return;
    for (size_t i = 0; i < operation->quorum.count; i++) {
        attempt_state_t *attempt = &operation->quorum.items[i];
        if (attempt->result == RESULT_PENDING && (again || !attempt->asked))
            s_replicate (self, operation, attempt, now_us, effects);
    }
    operation_wake (operation, now_us + RESEND_US);
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

/*  After each acknowledgement or refusal. */
static bool s_advance (coordinator_t *self, operation_t *operation, uint64_t now_us,
                       effects_t *effects)
{
    size_t acks = quorum_count (&operation->quorum, QUORUM_STORED);
    size_t outstanding = quorum_outstanding (&operation->quorum);
    if (!operation->answered && operation->minted && acks >= operation->need)
        s_answer (self, operation, acks, now_us, effects);
    if (!operation->answered && outstanding == 0)
        answer_failure (self, operation, effects, STATUS_UNKNOWN,
                        "only %zu of w=%u owners stored it and no other can; it may become "
                        "visible; send it again with the same put_id and context",
                        acks, operation->need);
    if (outstanding > 0)
        return false;
    if (acks == operation->quorum.count)
        histogram_add (&self->tally.filling.settle, now_us - operation->began_us);
    return true;
}

bool put_begin (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects)
{
    if (operation->op == OP_PUT)
        self->tally.puts++;
    else
        self->tally.deletes++;
    if (!coordinator_open_quorum (self, operation, effects))
        return true;
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

/*  A home that refused has written nothing. */
static bool s_refused (coordinator_t *self, operation_t *operation, attempt_state_t *home,
                       status_t status, uint64_t now_us, effects_t *effects)
{
    home->result = RESULT_REFUSED;
    home->status = status;
    bool elsewhere = status == STATUS_READ_ONLY || status == STATUS_UNAVAILABLE;
    /* Where too few are left to reach w, nothing is to be stored elsewhere either. */
    bool enough = quorum_count (&operation->quorum, QUORUM_PENDING) >= operation->need;
    if (elsewhere && enough && !operation->answered &&
        s_next_home (self, operation, now_us, effects))
        return false;
    if (!operation->answered)
        s_answer_refusal (self, operation, status, effects);
    return true;
}

static bool s_minted (coordinator_t *self, operation_t *operation, message_t *message,
                      uint64_t now_us, effects_t *effects)
{
    mint_reply_t *reply = &message->mint_reply;
    attempt_state_t *home = operation_attempt (operation, message->from.node, reply->slot, now_us);
    if (home == NULL || operation->minted)
        return false;
    if (reply->status != STATUS_OK)
        return s_refused (self, operation, home, (status_t) reply->status, now_us, effects);
    if (!context_valid (&reply->context))
        return false;
    operation->minted = true;
    context_clear (&operation->context);
    operation->context = reply->context;
    reply->context = (context_t){0};
    operation->hlc = reply->hlc;
    operation->state = bytes_take (&reply->state);
    bytes_clear (&operation->value);
    if (reply->durable)
        home->result = RESULT_STORED;
    s_spread (self, operation, false, now_us, effects);
    return s_advance (self, operation, now_us, effects);
}

bool put_reply (coordinator_t *self, operation_t *operation, message_t *message, uint64_t now_us,
                effects_t *effects)
{
    if (message->type == MESSAGE_mint_reply)
        return s_minted (self, operation, message, now_us, effects);
    const replicate_reply_t *reply = &message->replicate_reply;
    attempt_state_t *attempt =
        operation_attempt (operation, message->from.node, reply->slot, now_us);
    if (attempt == NULL || !operation->minted)
        return false;
    attempt->status = (status_t) reply->status;
    attempt->result = reply->result == RESULT_STORED ? RESULT_STORED : RESULT_REFUSED;
    return s_advance (self, operation, now_us, effects);
}

bool put_tick (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects)
{
    if (now_us < operation->deadline_us) {
        s_spread (self, operation, true, now_us, effects);
        return false;
    }
    size_t acks = quorum_count (&operation->quorum, QUORUM_STORED);
    if (!operation->answered)
        answer_failure (self, operation, effects, STATUS_UNKNOWN,
                        "only %zu of w=%u owners confirmed within %llu ms; it may become visible; "
                        "send it again with the same put_id and context",
                        acks, operation->need,
                        (unsigned long long) ((now_us - operation->began_us) / 1000));
    return true;
}
