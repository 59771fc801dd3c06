/*  history.c - see history.h. */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "messages/memory.h"

uint64_t *set_new (const history_t *self)
{
    return memory_new (self->words, sizeof (uint64_t));
}

uint64_t *set_copy (const history_t *self, const uint64_t *set)
{
    uint64_t *copy = set_new (self);
    if (set)
        memcpy (copy, set, self->words * sizeof (uint64_t));
    return copy;
}

bool set_has (const uint64_t *set, uint32_t event)
{
    return (set[event / 64] >> (event % 64) & 1) != 0;
}

void set_add (uint64_t *set, uint32_t event)
{
    set[event / 64] |= (uint64_t) 1 << (event % 64);
}

void set_unite (const history_t *self, uint64_t *set, const uint64_t *other)
{
    for (size_t i = 0; i < self->words; i++)
        set[i] |= other[i];
}

void history_init (history_t *self, uint32_t keys_count, uint32_t changes_most)
{
    memset (self, 0, sizeof *self);
    self->words = changes_most / 64 + 1;
    self->changes_most = changes_most;
    self->changes = memory_new (changes_most, sizeof *self->changes);
    self->keys_count = keys_count;
    self->knowledge = memory_new ((size_t) keys_count * KNOWLEDGE_COUNT, sizeof *self->knowledge);
    self->touched = set_new (self);
}

void history_clear (history_t *self)
{
    for (uint32_t i = 0; i < self->changes_count; i++) {
        bytes_clear (&self->changes[i].value);
        bytes_clear (&self->changes[i].context);
        free (self->changes[i].shown);
    }
    for (uint32_t i = 0; i < self->attempts_count; i++)
        free (self->attempts[i].floor);
    for (uint32_t i = 0; i < self->keys_count * KNOWLEDGE_COUNT; i++) {
        bytes_clear (&self->knowledge[i].context);
        free (self->knowledge[i].shown);
    }
    free (self->changes);
    free (self->attempts);
    free (self->knowledge);
    free (self->touched);
    memset (self, 0, sizeof *self);
}

uint32_t history_add_change (history_t *self, uint32_t key, bool remove, const knowledge_t *basis)
{
    if (self->changes_count == self->changes_most)
        return NO_CHANGE;
    change_t *change = &self->changes[self->changes_count];
    change->key = key;
    change->remove = remove;
    change->shown = set_copy (self, basis ? basis->shown : NULL);
    if (basis)
        change->context = bytes_copy (basis->context.data, basis->context.size);
    return self->changes_count++;
}

uint32_t history_add_attempt (history_t *self, call_t attempt)
{
    if (self->attempts_count == self->attempts_capacity) {
        self->attempts_capacity = self->attempts_capacity ? self->attempts_capacity * 2 : 256;
        self->attempts =
            memory_resize (self->attempts, self->attempts_capacity, sizeof *self->attempts);
    }
    self->attempts[self->attempts_count] = attempt;
    return self->attempts_count++;
}

void history_learn (history_t *self, rng_t *rng, uint32_t key, uint32_t client, bytes_t context,
                    const uint64_t *shown, uint32_t event)
{
    knowledge_t *pool = &self->knowledge[(size_t) key * KNOWLEDGE_COUNT];
    knowledge_t *place = &pool[rng_below (rng, KNOWLEDGE_COUNT)];
    /* A client's newest context mostly takes the place of its last: some old ones stay, to be used late. */
    for (int i = 0; i < KNOWLEDGE_COUNT; i++)
        if (pool[i].context.size > 0 && pool[i].client == client && rng_below (rng, 4))
            place = &pool[i];
    uint64_t *set = set_copy (self, shown);
    if (event != NO_CHANGE)
        set_add (set, event);
    bytes_clear (&place->context);
    free (place->shown);
    *place = (knowledge_t){
        .client = client, .context = bytes_copy (context.data, context.size), .shown = set};
}

const knowledge_t *history_recall (history_t *self, rng_t *rng, uint32_t key, uint32_t client)
{
    const knowledge_t *pool = &self->knowledge[(size_t) key * KNOWLEDGE_COUNT];
    const knowledge_t *found = &pool[rng_below (rng, KNOWLEDGE_COUNT)];
    bool own = rng_below (rng, 4) != 0;
    for (int i = 0; i < KNOWLEDGE_COUNT; i++)
        if (pool[i].context.size > 0 &&
            (found->context.size == 0 || (own && pool[i].client == client)))
            found = &pool[i];
    return found->context.size > 0 ? found : NULL;
}

bool history_is_single (const change_t *change)
{
    return change->sent == 1 && !change->twin;
}

bool history_is_void (const change_t *change)
{
    return change->refused >= change->sent;
}

uint32_t history_put (const history_t *self, bytes_t value)
{
    uint32_t event;
    if (value.size < HISTORY_VALUE_BYTES)
        return NO_CHANGE;
    memcpy (&event, value.data, sizeof event);
    if (event >= self->changes_count || self->changes[event].remove ||
        !bytes_equal (self->changes[event].value, value))
        return NO_CHANGE;
    return event;
}

uint32_t history_find (const history_t *self, uint32_t key, bytes_t value)
{
    uint32_t put = history_put (self, value);
    return put != NO_CHANGE && self->changes[put].key == key ? put : NO_CHANGE;
}

void history_touch (history_t *self)
{
    memset (self->touched, 0, self->words * sizeof (uint64_t));
    for (uint32_t i = 0; i < self->changes_count; i++)
        if (!history_is_void (&self->changes[i]))
            set_unite (self, self->touched, self->changes[i].shown);
}

bytes_t history_value (uint32_t event, uint32_t key, size_t size)
{
    bytes_t value = bytes_own (memory_new (size, 1), size);
    memcpy (value.data, &event, sizeof event);
    memcpy (value.data + 4, &key, sizeof key);
    rng_t rng;
    rng_seed (&rng, ((uint64_t) key << 32) | event);
    for (size_t i = HISTORY_VALUE_BYTES; i < size; i++)
        value.data[i] = (uint8_t) rng_next (&rng);
    return value;
}
