/*  turn.c - see turn.h. */
#include "turn.h"

#define TURN_AVOID_MS 500u
#define TURN_DOUBLINGS 5u /* 16 s */

static bool s_avoided (const cw_client_t *client, size_t node, uint64_t now_ms)
{
    return now_ms < client->links[node].avoided_until_ms;
}

/*  Calls are numbered by the client's counter of them. */
static bool s_asked (const cw_client_t *client, size_t node)
{
    return client->links[node].call == client->traffic.requests;
}

size_t turn_first (const cw_client_t *client, uint64_t now_ms)
{
    for (size_t i = 0; i < client->count; i++) {
        size_t node = (client->current + i) % client->count;
        if (!s_avoided (client, node, now_ms))
            return node;
    }
    return client->current;
}

size_t turn_next (const cw_client_t *client, size_t from, uint64_t now_ms)
{
    size_t next = (from + 1) % client->count;
    unsigned best = 0;
    for (size_t i = 1; i < client->count; i++) {
        size_t node = (from + i) % client->count;
        unsigned merit =
            2u * !s_asked (client, node) + (unsigned) !s_avoided (client, node, now_ms);
        if (merit > best) {
            best = merit;
            next = node;
        }
    }
    return next;
}

void turn_asked (cw_client_t *client, size_t node)
{
    client->links[node].call = client->traffic.requests;
}

void turn_failed (cw_client_t *client, size_t node, uint64_t now_ms)
{
    link_t *link = &client->links[node];
    link->avoided_until_ms = now_ms + ((uint64_t) TURN_AVOID_MS << link->failures);
    if (link->failures < TURN_DOUBLINGS)
        link->failures++;
}

void turn_served (cw_client_t *client, size_t node)
{
    client->links[node].avoided_until_ms = 0;
    client->links[node].failures = 0;
    client->current = node;
}
