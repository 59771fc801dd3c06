/*  status.h - the outcomes that a client is told (docs/protocol.md, Replies), and what a replica answers. */
/* clang-format off */
#ifndef CARTWHEEL_STATUS_H
#define CARTWHEEL_STATUS_H

#include <stdint.h>

/*  STATUS (name in C, name on the wire). Between nodes the number travels: new ones go to the end. */
#define STATUSES(STATUS)                          \
    STATUS (OK, ok)                               \
    STATUS (NOT_FOUND, not_found)                 \
    STATUS (BAD_REQUEST, bad_request)             \
    STATUS (BAD_CONTEXT, bad_context)             \
    STATUS (TOO_LARGE, too_large)                 \
    STATUS (TOO_MANY_SIBLINGS, too_many_siblings) \
    STATUS (UNAVAILABLE, unavailable)             \
    STATUS (TIMEOUT, timeout)                     \
    STATUS (UNKNOWN, unknown)                     \
    STATUS (OVERLOADED, overloaded)               \
    STATUS (READ_ONLY, read_only)                 \
    STATUS (FORBIDDEN, forbidden)                 \
    STATUS (INTERNAL, internal)

#define STATUS(upper, lower) STATUS_##upper,
typedef enum { STATUSES (STATUS) STATUS_COUNT } status_t;
#undef STATUS

/*  What came of asking one replica: the `result` of `explain`, by number between nodes. */
#define RESULTS(RESULT)       \
    RESULT (STORED, stored)   \
    RESULT (HINTED, hinted)   \
    RESULT (FOUND, found)     \
    RESULT (ABSENT, absent)   \
    RESULT (REFUSED, refused) \
    RESULT (PENDING, pending) \
    RESULT (DOWN, down)

#define RESULT(upper, lower) RESULT_##upper,
typedef enum { RESULTS (RESULT) RESULT_COUNT } result_t;
#undef RESULT

/*  The name on the wire; "internal" or "refused" for a number that is none. */
const char *status_name (status_t status);
const char *result_name (result_t result);
/*  The status of that name, or STATUS_COUNT. */
status_t status_find (const char *name);

#endif
