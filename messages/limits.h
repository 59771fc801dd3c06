/*  limits.h - every named maximum of Cartwheel, in one place, with its unit last in the name.
 *
 *  It stands in messages/, the lowest layer, because the catalogue needs it and every layer may look down.
 *  A number here is a promise about memory: whoever takes memory for something that came from a socket or
 *  a disk checks it against one of these first.
 */
#ifndef CARTWHEEL_LIMITS_H
#define CARTWHEEL_LIMITS_H

#include <stdint.h>

/* Keys and values (docs/protocol.md, Requests). */
#define LIMIT_KEY_BYTES 1024u
#define LIMIT_VALUE_BYTES (16u * 1024 * 1024) /* the largest that limits/value may be set to */
#define LIMIT_ID_BYTES 64u
#define LIMIT_ID_ENCODED_BYTES (LIMIT_ID_BYTES + 5) /* with the longest head of a str or bin */
#define LIMIT_PUT_ID_BYTES 16u
#define LIMIT_CONTEXT_BYTES (2u * 1024 * 1024) /* a context blob */

/* Versions: a replica always accepts what it is sent, so these are far above what client puts may reach. */
#define LIMIT_ENTRIES_COUNT 65536u
#define LIMIT_SIBLINGS_COUNT 65536u
#define LIMIT_STATE_BYTES (80u * 1024 * 1024)
#define LIMIT_SIBLINGS_VALUES 4u /* siblings of a key together: this many times limits/value */

/* Cluster. */
#define LIMIT_N 7u
#define LIMIT_PARTITIONS_COUNT 65536u
#define LIMIT_SLOTS_COUNT (LIMIT_PARTITIONS_COUNT * LIMIT_N)
#define LIMIT_MEMBERS_COUNT 4096u
#define LIMIT_NAME_BYTES 255u
#define LIMIT_ENDPOINT_BYTES 255u
#define LIMIT_SENTENCE_BYTES 1024u

#define LIMIT_PUBLIC_KEY_BYTES 32u
#define LIMIT_GROUPS_COUNT 64u /* of slot rows, in a digest */
#define LIMIT_GOSSIP_SLOTS \
    8192u /* rows in one message between nodes; a partition's stay together */
#define LIMIT_GOSSIP_FRAME_BYTES (4u * 1024 * 1024)
#define LIMIT_MESSAGE_AGE_MS \
    30000u /* an older message about a key is refused (algorithm rule: message age) */
#define LIMIT_HINTS_COUNT 256u /* in one batch of a delivery */
#define LIMIT_HINTS_BATCH_BYTES (4u * 1024 * 1024)
#define LIMIT_ATTEMPTS_COUNT \
    (3u * LIMIT_N) /* replicas that one request asks: owners and fallbacks */

/* Requests. */
#define LIMIT_TIMEOUT_MS 20000u
#define LIMIT_KEYS_COUNT 10000u
#define LIMIT_SCAN_RECORDS \
    10000u /* records one `scan` may look at: it runs inside one step of the replica */
#define LIMIT_NESTING_DEPTH 8u
#define LIMIT_REQUEST_ITEMS 65536u           /* MessagePack values in one client request */
#define LIMIT_FRAME_ITEMS (8u * 1024 * 1024) /* MessagePack values in one frame between nodes */
#define LIMIT_PEER_FRAME_BYTES (96u * 1024 * 1024)
#define LIMIT_IDENTITY_BYTES 255u

/* Actors. */
#define LIMIT_DRAIN_MESSAGES 64u    /* taken from one socket before another has its turn */
#define LIMIT_BATCH_MESSAGES 4096u  /* pointers in one inproc frame */
#define LIMIT_EFFECTS_COUNT 262144u /* effects of one step */
#define LIMIT_MAILBOX_FRAMES 4096u  /* high-water mark of an inproc mailbox, in frames */
#define LIMIT_PEER_FRAMES 1000u     /* high-water mark towards a peer or a client, in frames */
#define LIMIT_GOSSIP_FRAMES 64u     /* likewise, between gossips */
#define LIMIT_CLIENT_FRAMES \
    8192u /* replies that wait for one client: more than the default limits/in_flight */
#define LIMIT_SUBSCRIPTION_BYTES 65536u /* a frame from a subscriber of the monitor stream */
#define LIMIT_IN_FLIGHT_BYTES \
    (512u << 20)                 /* keys and values of requests in progress, then `overloaded` */
#define LIMIT_EVENT_BYTES 65536u /* one event on the monitor stream */

/* Configuration. */
#define LIMIT_CONFIG_BYTES (1024u * 1024)
#define LIMIT_CONFIG_LINE_BYTES 1023u
#define LIMIT_PATH_BYTES 4095u
#define LIMIT_SEEDS_COUNT 64u
#define LIMIT_MISTAKES_COUNT 1000u /* that one check of a configuration lists */

#endif
