/*  endpoint.c - tcp://HOST:PORT taken apart; see endpoint.h. */
#include "endpoint.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define PREFIX "tcp://"
#define HOST_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._"
#define DIGITS "0123456789"

/*  The IPv4 address inside an IPv6 one (::ffff:a.b.c.d), or NULL. */
static const uint8_t *s_mapped (const uint8_t *address)
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp (address, prefix, sizeof prefix) == 0 ? address + sizeof prefix : NULL;
}

static const char *s_parse_port (const char *text, uint16_t *port)
{
    if (strcmp (text, "*") == 0)
        return "has the wildcard `*` as its port";
    size_t size = strlen (text);
    if (size == 0 || size != strspn (text, DIGITS))
        return "does not end with a port";
    unsigned number = 0;
    for (size_t i = 0; i < size && number <= UINT16_MAX; i++)
        number = number * 10 + (unsigned) (text[i] - '0');
    if (number == 0)
        return "has port 0, a wildcard";
    if (number > UINT16_MAX || text[0] == '0')
        return "has no port from 1 to 65535";
    *port = (uint16_t) number;
    return NULL;
}

static const char *s_parse_host (endpoint_t *self)
{
    const char *host = self->host;
    if (strcmp (host, "*") == 0)
        return "has the wildcard `*` as its host";
    if (inet_pton (AF_INET, host, self->address) == 1) {
        self->kind = HOST_IPV4;
        return NULL;
    }
    if (strchr (host, ':'))
        return "has an IPv6 address without brackets, or two ports";
    if (host[0] == '\0' || host[strspn (host, HOST_CHARACTERS)] != '\0')
        return "is not of the form tcp://HOST:PORT";
    const char *dot = strrchr (host, '.');
    const char *last = dot ? dot + 1 : host;
    if (last[strspn (last, DIGITS)] == '\0')
        return "has a host that is neither an address nor a name";
    self->kind = HOST_NAME;
    return NULL;
}

const char *endpoint_parse (const char *text, endpoint_t *self)
{
    *self = (endpoint_t){.kind = HOST_NAME};
    if (strlen (text) > LIMIT_ENDPOINT_BYTES)
        return "is longer than 255 bytes";
    if (strncmp (text, PREFIX, strlen (PREFIX)) != 0)
        return "is not of the form tcp://HOST:PORT";
    const char *host = text + strlen (PREFIX);
    const char *colon = strrchr (host, ':');
    if (!colon || (host[0] == '[' && (colon == host || colon[-1] != ']')))
        return "is not of the form tcp://HOST:PORT";
    bool bracket = host[0] == '[';
    size_t size = (size_t) (colon - host) - (bracket ? 2 : 0);
    memcpy (self->host, host + (bracket ? 1 : 0), size);
    self->host[size] = '\0';

    const char *wrong = NULL;
    if (!bracket)
        wrong = s_parse_host (self);
    else if (inet_pton (AF_INET6, self->host, self->address) == 1)
        self->kind = HOST_IPV6;
    else
        wrong = "has no IPv6 address in its brackets";
    return wrong ? wrong : s_parse_port (colon + 1, &self->port);
}

bool endpoint_wildcard (const endpoint_t *self)
{
    static const uint8_t zeroes[16];
    const uint8_t *mapped = self->kind == HOST_IPV6 ? s_mapped (self->address) : NULL;
    switch (self->kind) {
    case HOST_IPV4: return memcmp (self->address, zeroes, 4) == 0;
    case HOST_IPV6: return memcmp (mapped ? mapped : self->address, zeroes, mapped ? 4 : 16) == 0;
    case HOST_NAME: break;
    }
    return false;
}

static bool s_sheltered_ipv4 (const uint8_t *address)
{
    return address[0] == 127 || address[0] == 10 || (address[0] == 192 && address[1] == 168) ||
           (address[0] == 172 && address[1] >= 16 && address[1] < 32) ||
           (address[0] == 169 && address[1] == 254);
}

bool endpoint_sheltered (const endpoint_t *self)
{
    static const uint8_t loopback[16] = {[15] = 1};
    if (self->kind == HOST_IPV4)
        return s_sheltered_ipv4 (self->address);
    if (self->kind != HOST_IPV6)
        return false;
    const uint8_t *mapped = s_mapped (self->address);
    if (mapped)
        return s_sheltered_ipv4 (mapped);
    bool local = self->address[0] == 0xfe && (self->address[1] & 0xc0) == 0x80;
    return local || (self->address[0] & 0xfe) == 0xfc ||
           memcmp (self->address, loopback, sizeof loopback) == 0;
}

bool endpoint_same (const endpoint_t *a, const endpoint_t *b)
{
    if (a->port != b->port || a->kind != b->kind)
        return false;
    if (a->kind == HOST_NAME)
        return strcasecmp (a->host, b->host) == 0;
    return memcmp (a->address, b->address, sizeof a->address) == 0;
}

bool endpoint_clash (const endpoint_t *a, const endpoint_t *b)
{
    return endpoint_same (a, b) ||
           (a->port == b->port && (endpoint_wildcard (a) || endpoint_wildcard (b)));
}
