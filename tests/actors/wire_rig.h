/*  wire_rig.h - for tests of the wire: polling one, and frames made by hand. */
#ifndef CARTWHEEL_TEST_WIRE_RIG_H
#define CARTWHEEL_TEST_WIRE_RIG_H

#include "toys.h"

#include "actors/wire.h"

/*  The next message that arrives within `timeout_ms` of quiet; NULL when none does. */
static inline message_t *wire_rig_poll (wire_t *wire, long timeout_ms)
{
    size_t count;
    zmq_pollitem_t *items = wire_items (wire, &count);
    for (size_t i = 0; i < WIRE_SPARE; i++)
        items[i] = (zmq_pollitem_t){.fd = -1};
    if (zmq_poll (items, (int) count, timeout_ms) <= 0)
        return NULL;
    return wire_next (wire);
}

static inline message_t *wire_rig_scan (uint64_t request)
{
    message_t *message = message_new (MESSAGE_scan);
    message->scan.request = request;
    message->scan.limit = 1;
    return message;
}

static inline void wire_rig_send (zsock_t *hand, message_t *message, address_t from, role_id_t to)
{
    message->from = from;
    if (message->origin.nonce == 0)
        message->origin = (origin_t){.cluster = TOYS_CLUSTER, .nonce = 5};
    buffer_t buffer;
    buffer_init (&buffer, LIMIT_PEER_FRAME_BYTES);
    cr_assert_eq (message_encode (message, to, &buffer), 0);
    zmq_send (zsock_resolve (hand), buffer.data, buffer.size, 0);
    buffer_clear (&buffer);
    message_destroy (&message);
}

#endif
