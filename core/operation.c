/*  operation.c - see operation.h. */
#include "operation.h"

#include <assert.h>
#include <stdlib.h>

#include "../messages/memory.h"
#include "version.h"

operation_t *operation_new (op_t op)
{
    operation_t *self = memory_new (1, sizeof *self);
    self->op = op;
    return self;
}

void operation_destroy (operation_t **self_p)
{
    assert (self_p);
    operation_t *self = *self_p;
    if (self == NULL)
        return;
    bytes_clear (&self->client);
    bytes_clear (&self->reply_id);
    bytes_clear (&self->key);
    bytes_clear (&self->value);
    bytes_clear (&self->put_id);
    bytes_clear (&self->state);
    bytes_clear (&self->after);
    context_clear (&self->floor);
    context_clear (&self->context);
    for (size_t i = 0; i < self->quorum.count; i++)
        bytes_clear (&self->states[i]);
    if (self->op == OP_KEYS)
        for (size_t i = 0; i < LIMIT_N; i++)
            codec_clear (&scan_reply_schema, &self->pages[i]);
    for (size_t i = 0; i < self->holders_count; i++)
        bytes_clear (&self->holders[i].state);
    free (self->holders);
    free (self);
    *self_p = NULL;
}

attempt_state_t *operation_attempt (operation_t *self, uint64_t node, uint8_t slot, uint64_t now_us)
{
    attempt_state_t *attempt = quorum_find (&self->quorum, slot, node);
    /* One that was found down after it was asked may answer all the same. */
    if (attempt == NULL || !attempt->asked ||
        (attempt->result != RESULT_PENDING && attempt->result != RESULT_DOWN))
        return NULL;
    attempt->took_us = now_us - attempt->asked_us;
    return attempt;
}

void operation_wake (operation_t *self, uint64_t at_us)
{
    if (at_us < self->due_us)
        self->due_us = at_us;
}
