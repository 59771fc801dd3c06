/*  endpoint.h - tcp://HOST:PORT taken apart, so that a configuration can be judged before a socket sees it. */
#ifndef CARTWHEEL_ENDPOINT_H
#define CARTWHEEL_ENDPOINT_H

#include "../messages/limits.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum { HOST_NAME, HOST_IPV4, HOST_IPV6 } host_kind_t;

typedef struct {
    host_kind_t kind;
    char host[LIMIT_ENDPOINT_BYTES + 1]; /* as written, without the brackets of an IPv6 address */
    uint8_t address[16]; /* 4 bytes of an IPv4 address, 16 of an IPv6 one, 0 of a name */
    uint16_t port;
} endpoint_t;

/*  NULL, or what is wrong: a constant phrase to go behind the text. Refuses `*` as host or port, and port 0. */
const char *endpoint_parse (const char *text, endpoint_t *self);

/*  All addresses of the machine: 0.0.0.0 or [::]. */
bool endpoint_wildcard (const endpoint_t *self);

/*  Only this machine or its own network can reach it: loopback, private (RFC 1918, RFC 4193) and link-local addresses. A
 *  name tells nothing, so it is not. */
bool endpoint_sheltered (const endpoint_t *self);

/*  The same host, as far as the text tells, and the same port. */
bool endpoint_same (const endpoint_t *a, const endpoint_t *b);

/*  Both cannot be bound by one machine: the same port, and the same address or all of them. */
bool endpoint_clash (const endpoint_t *a, const endpoint_t *b);

#endif
