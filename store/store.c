/*  store.c - the calls of store.h, each handed to the engine that the store was opened with.
 *
 *  Nothing is decided here but what holds for every engine: keys are not empty, and a range that ends before it begins
 *  holds nothing.
 */
#include "store.h"

#include <assert.h>

int store_get (store_t *self, store_database_t database, bytes_t key, bytes_t *value)
{
    assert (database < STORE_DATABASES && key.size > 0);
    return self->vtable->get (self, database, key, value);
}

int store_put (store_t *self, store_database_t database, bytes_t key, bytes_t value)
{
    assert (database < STORE_DATABASES && key.size > 0);
    return self->vtable->put (self, database, key, value);
}

int store_delete (store_t *self, store_database_t database, bytes_t key)
{
    assert (database < STORE_DATABASES && key.size > 0);
    return self->vtable->delete (self, database, key);
}

int store_scan (store_t *self, store_database_t database, bytes_t first, bytes_t end, size_t prefix,
                store_visit_fn *visit, void *argument)
{
    assert (database < STORE_DATABASES);
    if (end.size > 0 && bytes_compare (first, end) >= 0)
        return STORE_OK;
    return self->vtable->scan (self, database, first, end, prefix, visit, argument);
}

static bool s_found_one (void *argument, bytes_t key, bytes_t value)
{
    bool *empty = argument;
    (void) key;
    (void) value;
    *empty = false;
    return false;
}

int store_empty (store_t *self, store_database_t database, bytes_t first, bytes_t end, bool *empty)
{
    *empty = true;
    return store_scan (self, database, first, end, 1, s_found_one, empty);
}

int store_commit (store_t *self)
{
    return self->vtable->commit (self);
}

uint64_t store_sequence (const store_t *self)
{
    return self->vtable->sequence (self);
}

const char *store_error (const store_t *self)
{
    return self->vtable->error (self);
}

int store_flush (store_t *self)
{
    return self->vtable->flush (self);
}

int store_checkpoint (store_t *self, bool force, bool *done)
{
    *done = false;
    return self->vtable->checkpoint (self, force, done);
}

void store_destroy (store_t **self_p)
{
    if (*self_p)
        (*self_p)->vtable->destroy (self_p);
    *self_p = NULL;
}
