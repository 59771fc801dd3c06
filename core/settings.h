/*  settings.h - what a role needs to know of the configuration; docs/protocol.md, Starting a node, has the meaning.
 *
 *  Plain values, fixed from start to stop: actors/config.h fills them from the file, the simulator from its seed.
 */
#ifndef CARTWHEEL_SETTINGS_H
#define CARTWHEEL_SETTINGS_H

#include "../messages/limits.h"
#include "../store/store.h"

typedef enum { POLICY_SIBLINGS, POLICY_LAST_WRITE_WINS } policy_t;

typedef struct {
    char name[LIMIT_NAME_BYTES + 1]; /* node/name */
    char zone[LIMIT_NAME_BYTES + 1];
    double weight;
    char client[LIMIT_ENDPOINT_BYTES + 1]; /* what others are told to connect to */
    char peer[LIMIT_ENDPOINT_BYTES + 1];
    char gossip[LIMIT_ENDPOINT_BYTES + 1];
    char cluster[LIMIT_NAME_BYTES + 1];
    char (*seeds)[LIMIT_ENDPOINT_BYTES +
                  1]; /* gossip endpoints, in order; as long as the node lives */
    size_t seeds_count;
    bool join_manual; /* wait for the op `join` */
    uint32_t partitions;
    uint8_t n;
    uint8_t r;
    uint8_t w;
    policy_t policy;
    uint32_t timeout_ms; /* request/timeout */
    durability_t durability;
    uint32_t sync_ms;
    uint64_t value_bytes; /* limits/value */
    uint32_t siblings_count;
    uint64_t hints_bytes;
    uint32_t in_flight_count;
    uint64_t grace_s;
    uint32_t repair_s;
    uint32_t monitor_ms;
} settings_t;

#endif
