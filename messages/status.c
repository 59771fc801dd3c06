/*  status.c - the names of outcomes on the wire. */
#include "status.h"

#include <string.h>

#define NAME(upper, lower) #lower,
static const char *const s_statuses[] = {STATUSES (NAME)};
static const char *const s_results[] = {RESULTS (NAME)};
#undef NAME

const char *status_name (status_t status)
{
    return (unsigned) status < STATUS_COUNT ? s_statuses[status] : s_statuses[STATUS_INTERNAL];
}

const char *result_name (result_t result)
{
    return (unsigned) result < RESULT_COUNT ? s_results[result] : s_results[RESULT_REFUSED];
}

status_t status_find (const char *name)
{
    for (unsigned i = 0; i < STATUS_COUNT; i++)
        if (strcmp (s_statuses[i], name) == 0)
            return (status_t) i;
    return STATUS_COUNT;
}
