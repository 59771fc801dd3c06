/*  held.c - see held.h. */
#include "held.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"

/*  Room for one more at the end: at the front, when half of the queue has left, else in new memory. */
static void s_make_room (held_list_t *self)
{
    if (self->first > self->capacity / 2) {
        memmove (self->items, self->items + self->first, self->count * sizeof *self->items);
        self->first = 0;
    } else {
        self->capacity = self->capacity ? self->capacity * 2 : 64;
        self->items = memory_resize (self->items, self->capacity, sizeof *self->items);
    }
}

void held_add (held_list_t *self, address_t to, message_t **message_p, bool flush)
{
    if (self->count == 0)
        self->first = 0;
    if (self->first + self->count == self->capacity)
        s_make_room (self);
    self->items[self->first + self->count++] =
        (held_t){.sequence = HELD_NOT_COMMITTED, .flush = flush, .to = to, .message = *message_p};
    *message_p = NULL;
}

const held_t *held_first (const held_list_t *self)
{
    return self->count > 0 ? &self->items[self->first] : NULL;
}

held_t held_take (held_list_t *self)
{
    assert (self->count > 0);
    self->count--;
    return self->items[self->first++];
}

void held_commit (held_list_t *self, uint64_t sequence)
{
    for (size_t i = self->count; i > 0; i--) {
        held_t *held = &self->items[self->first + i - 1];
        if (held->sequence != HELD_NOT_COMMITTED)
            return;
        held->sequence = sequence;
    }
}

void held_clear (held_list_t *self)
{
    while (self->count > 0) {
        held_t held = held_take (self);
        message_destroy (&held.message);
    }
    free (self->items);
    memset (self, 0, sizeof *self);
}
