/*  toys.h - what the tests of the actors share: free ports, members, and waiting for a condition with an end to it.
 */
#ifndef CARTWHEEL_TEST_TOYS_H
#define CARTWHEEL_TEST_TOYS_H

#include <czmq.h>

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <sys/socket.h>

#include "actors/host.h"
#include "actors/losses.h"
#include "core/role.h"
#include "core/ring.h"
#include "messages/memory.h"

#define PATIENCE_US 20000000u /* far above what anything takes, also under a sanitizer */

/*  Evaluates the condition, and what stands in it, until it holds; fails the test when it never does. */
#define AWAIT(condition)                                                         \
    do {                                                                         \
        uint64_t end_us = host_now_us () + PATIENCE_US;                          \
        while (!(condition))                                                     \
            cr_assert_lt (host_now_us (), end_us, "never true: %s", #condition); \
    } while (0)

/*  Whether the socket can be read, after at most `timeout_ms`. */
static inline bool toys_readable (void *handle, long timeout_ms)
{
    zmq_pollitem_t item = {.socket = handle, .events = ZMQ_POLLIN};
    return zmq_poll (&item, 1, timeout_ms) == 1;
}

/*  A TCP endpoint on loopback that nobody listens at. */
typedef struct {
    char text[64];
} endpoint_text_t;

static inline endpoint_text_t toys_endpoint (void)
{
    /* Not a ZeroMQ socket, which would go on listening for a while after it was closed. And on an address that no other
     * process uses: a port of 127.0.0.1 that was free a moment ago may be somebody's by now. */
    uint32_t pid = (uint32_t) getpid ();
    uint32_t host =
        127u << 24 | (192 + pid / 65024 % 63) << 16 | pid / 254 % 256 << 8 | (1 + pid % 254);
    int probe = socket (AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl (host)}};
    socklen_t size = sizeof address;
    cr_assert_eq (bind (probe, (struct sockaddr *) &address, size), 0);
    cr_assert_eq (getsockname (probe, (struct sockaddr *) &address, &size), 0);
    close (probe);
    endpoint_text_t endpoint;
    snprintf (endpoint.text, sizeof endpoint.text, "tcp://127.%u.%u.%u:%d", host >> 16 & 255,
              host >> 8 & 255, host & 255, ntohs (address.sin_port));
    return endpoint;
}

#define TOYS_CLUSTER 4711

/*  A snapshot made on `self` with members 1 .. count, whose replicas listen at `endpoints`. Views into those. */
static inline snapshot_t toys_snapshot (uint64_t self, member_t *members, size_t count,
                                        const endpoint_text_t *endpoints)
{
    for (size_t i = 0; i < count; i++)
        members[i] = (member_t){
            .node = i + 1,
            .name = bytes_text ("toy"),
            .peer = bytes_text (endpoints[i].text),
            .state = MEMBER_UP,
        };
    snapshot_t snapshot = {.charter = {.cluster = TOYS_CLUSTER, .node = self}};
    snapshot.members.items = members;
    snapshot.members.count = count;
    return snapshot;
}

static inline message_t *toys_sync (uint64_t sequence)
{
    message_t *message = message_new (MESSAGE_sync);
    message->sync.sequence = sequence;
    return message;
}

#endif
