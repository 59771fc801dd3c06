/*  queue.c - see queue.h. */
#include "queue.h"

#include <stdlib.h>

#include "messages/memory.h"

letter_t *letter_new (role_id_t role)
{
    letter_t *self = memory_new (1, sizeof *self);
    self->role = role;
    return self;
}

void letter_destroy (letter_t **self_p)
{
    letter_t *self = *self_p;
    if (!self)
        return;
    message_destroy (&self->message);
    bytes_clear (&self->frame);
    bytes_clear (&self->client);
    free (self);
    *self_p = NULL;
}

static bool s_before (const action_t *a, const action_t *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->sequence < b->sequence;
}

void queue_push (queue_t *self, action_t action)
{
    if (self->count == self->capacity) {
        self->capacity = self->capacity ? self->capacity * 2 : 256;
        self->items = memory_resize (self->items, self->capacity, sizeof *self->items);
    }
    action.sequence = self->sequence++;
    size_t hole = self->count++;
    while (hole > 0 && s_before (&action, &self->items[(hole - 1) / 2])) {
        self->items[hole] = self->items[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    self->items[hole] = action;
}

bool queue_pop (queue_t *self, action_t *action)
{
    if (self->count == 0)
        return false;
    *action = self->items[0];
    action_t last = self->items[--self->count];
    size_t hole = 0;
    for (;;) {
        size_t child = hole * 2 + 1;
        if (child >= self->count)
            break;
        if (child + 1 < self->count && s_before (&self->items[child + 1], &self->items[child]))
            child++;
        if (!s_before (&self->items[child], &last))
            break;
        self->items[hole] = self->items[child];
        hole = child;
    }
    if (self->count > 0)
        self->items[hole] = last;
    return true;
}

void queue_clear (queue_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        letter_destroy (&self->items[i].letter);
    free (self->items);
    *self = (queue_t){0};
}
