/*  catalogue_client.h - the part of the catalogue that clients and operators see: requests, replies and the events of the
 *  monitor stream, as docs/protocol.md has them. Only catalogue.h includes it, which says how to read it.
 */
/* clang-format off */
#ifndef CARTWHEEL_CATALOGUE_CLIENT_H
#define CARTWHEEL_CATALOGUE_CLIENT_H

/* ---- client requests (docs/protocol.md, Requests) ---- */

#define FIELDS_candidate(F, L, R)       \
    F (TEXT, name, 1, LIMIT_NAME_BYTES) \
    F (TEXT, zone, 0, LIMIT_NAME_BYTES) \
    F (F64, weight, 0, 0)

#define FIELDS_request(F, L, R)                             \
    F (TEXT, op, 0, LIMIT_NAME_BYTES)                       \
    F (RAW, id, 0, LIMIT_ID_ENCODED_BYTES)                  \
    F (U32, timeout, 1, LIMIT_TIMEOUT_MS)                   \
    F (DATA, key, 1, SIZE_MAX)                              \
    F (DATA, value, 0, SIZE_MAX)                            \
    F (BIN, context, 0, SIZE_MAX)                           \
    F (BIN, floor, 0, SIZE_MAX)                             \
    F (BIN, put_id, LIMIT_PUT_ID_BYTES, LIMIT_PUT_ID_BYTES) \
    F (U32, r, 1, UINT32_MAX)                               \
    F (U32, w, 1, UINT32_MAX)                               \
    F (BOOL, strict, 0, 1)                                  \
    F (BOOL, explain, 0, 1)                                 \
    F (U32, partition, 0, UINT32_MAX)                       \
    F (BIN, after, 0, LIMIT_KEY_BYTES)                      \
    F (U32, limit, 1, LIMIT_KEYS_COUNT)                     \
    F (TEXT, seed, 1, LIMIT_ENDPOINT_BYTES)                 \
    F (TEXT, node, 1, LIMIT_NAME_BYTES)                     \
    F (TEXT, work, 1, LIMIT_NAME_BYTES)                     \
    F (TEXT, state, 1, LIMIT_NAME_BYTES)

/* ---- client replies ---- */

#define FIELDS_HEAD(F) /* of every reply */    \
    F (TEXT, status, 0, LIMIT_NAME_BYTES)      \
    F (RAW, id, 0, LIMIT_ID_ENCODED_BYTES)     \
    F (TEXT, message, 0, LIMIT_SENTENCE_BYTES) \
    F (U32, acks, 0, LIMIT_N)

#define FIELDS_failure(F, L, R) FIELDS_HEAD (F)

#define FIELDS_pong(F, L, R)               \
    FIELDS_HEAD (F)                        \
    F (TEXT, node, 0, LIMIT_NAME_BYTES)    \
    F (TEXT, version, 0, LIMIT_NAME_BYTES) \
    F (U32, protocol, 0, UINT32_MAX)

#define FIELDS_attempt(F, L, R) /* one replica that was asked */ \
    F (TEXT, node, 0, LIMIT_NAME_BYTES)                          \
    F (U32, slot, 0, LIMIT_N - 1)                                \
    F (TEXT, role, 0, LIMIT_NAME_BYTES)                          \
    F (TEXT, result, 0, LIMIT_NAME_BYTES)                        \
    F (U64, took, 0, UINT64_MAX) /* us */

#define FIELDS_value(F, L, R) F (DATA, bytes, 0, LIMIT_VALUE_BYTES)

#define FIELDS_got(F, L, R)                  \
    FIELDS_HEAD (F)                          \
    L (value, values, LIMIT_SIBLINGS_COUNT)  \
    F (BIN, context, 0, LIMIT_CONTEXT_BYTES) \
    F (BOOL, stale, 0, 1)                    \
    L (attempt, explain, 64)

#define FIELDS_written(F, L, R) /* put and delete */ \
    FIELDS_HEAD (F)                                  \
    F (BIN, context, 0, LIMIT_CONTEXT_BYTES)         \
    L (attempt, explain, 64)

#define FIELDS_listed(F, L, R)       \
    FIELDS_HEAD (F)                  \
    L (name, keys, LIMIT_KEYS_COUNT) \
    F (RAW, next, 0, LIMIT_KEY_BYTES + 8) /* bin, or nil at the end */

#define FIELDS_holding(F, L, R) /* one replica's state of a key; nil: it did not say */ \
    F (U32, slot, 0, LIMIT_N - 1)                                                       \
    F (TEXT, node, 0, LIMIT_NAME_BYTES)                                                 \
    F (TEXT, role, 0, LIMIT_NAME_BYTES)                                                 \
    F (BOOL, reachable, 0, 1)                                                           \
    F (RAW, digest, 0, 16)                                                              \
    F (RAW, values, 0, 16)                                                              \
    F (RAW, bytes, 0, 16)                                                               \
    F (RAW, tombstone, 0, 16)

#define FIELDS_inspected(F, L, R)                     \
    FIELDS_HEAD (F)                                   \
    F (U32, partition, 0, LIMIT_PARTITIONS_COUNT - 1) \
    L (holding, replicas, LIMIT_MEMBERS_COUNT)

#define FIELDS_peer(F, L, R) /* a node in `ring` */ \
    F (TEXT, name, 0, LIMIT_NAME_BYTES)             \
    F (TEXT, client, 0, LIMIT_ENDPOINT_BYTES)       \
    F (TEXT, zone, 0, LIMIT_NAME_BYTES)             \
    F (F64, weight, 0, 0)                           \
    F (TEXT, state, 0, LIMIT_NAME_BYTES)

#define FIELDS_rings(F, L, R)                      \
    FIELDS_HEAD (F)                                \
    F (TEXT, cluster, 0, LIMIT_NAME_BYTES)         \
    F (U64, version, 0, UINT64_MAX)                \
    F (U32, partitions, 0, LIMIT_PARTITIONS_COUNT) \
    F (U32, n, 0, LIMIT_N)                         \
    F (U32, r, 0, LIMIT_N)                         \
    F (U32, w, 0, LIMIT_N)                         \
    F (TEXT, hash, 0, LIMIT_NAME_BYTES)            \
    L (peer, nodes, LIMIT_MEMBERS_COUNT)           \
    F (RAW, owners, 0, SIZE_MAX) /* an array a partition, of indexes into nodes */

#define FIELDS_fellow(F, L, R) /* a member in `status` */ \
    F (TEXT, name, 0, LIMIT_NAME_BYTES)                   \
    F (TEXT, state, 0, LIMIT_NAME_BYTES)                  \
    F (BOOL, reachable, 0, 1)                             \
    F (TEXT, zone, 0, LIMIT_NAME_BYTES)                   \
    F (F64, weight, 0, 0)                                 \
    F (U64, slots, 0, UINT64_MAX)                         \
    F (TEXT, client, 0, LIMIT_ENDPOINT_BYTES)

#define FIELDS_transfer(F, L, R)                      \
    F (U32, partition, 0, LIMIT_PARTITIONS_COUNT - 1) \
    F (U32, slot, 0, LIMIT_N - 1)                     \
    F (TEXT, from, 0, LIMIT_NAME_BYTES)               \
    F (TEXT, to, 0, LIMIT_NAME_BYTES)                 \
    F (TEXT, phase, 0, LIMIT_NAME_BYTES)              \
    F (U64, done, 0, UINT64_MAX)                      \
    F (U64, total, 0, UINT64_MAX)

#define FIELDS_condition(F, L, R) /* the reply to `status` */ \
    FIELDS_HEAD (F)                                           \
    F (TEXT, node, 0, LIMIT_NAME_BYTES)                       \
    F (TEXT, cluster, 0, LIMIT_NAME_BYTES)                    \
    F (U64, version, 0, UINT64_MAX)                           \
    F (U64, uptime, 0, UINT64_MAX) /* s */                    \
    F (BOOL, ready, 0, 1)                                     \
    L (fellow, members, LIMIT_MEMBERS_COUNT)                  \
    F (U64, hints, 0, UINT64_MAX)                             \
    L (transfer, transfers, LIMIT_SLOTS_COUNT)                \
    F (U64, keys, 0, UINT64_MAX)

/* ---- the monitor stream (docs/protocol.md, The monitor stream) ---- */

#define FIELDS_errors(F, L, R) /* replies by status, since the process started */ \
    F (U64, bad_request, 0, UINT64_MAX)                                           \
    F (U64, bad_context, 0, UINT64_MAX)                                           \
    F (U64, too_large, 0, UINT64_MAX)                                             \
    F (U64, too_many_siblings, 0, UINT64_MAX)                                     \
    F (U64, unavailable, 0, UINT64_MAX)                                           \
    F (U64, timeout, 0, UINT64_MAX)                                               \
    F (U64, unknown, 0, UINT64_MAX)                                               \
    F (U64, overloaded, 0, UINT64_MAX)                                            \
    F (U64, read_only, 0, UINT64_MAX)                                             \
    F (U64, forbidden, 0, UINT64_MAX)                                             \
    F (U64, internal, 0, UINT64_MAX)

#define FIELDS_LATENCY(F, op) /* us, over the last interval */ \
    F (U64, op##_mean, 0, UINT64_MAX)                          \
    F (U64, op##_p50, 0, UINT64_MAX)                           \
    F (U64, op##_p99, 0, UINT64_MAX)                           \
    F (U64, op##_p999, 0, UINT64_MAX)                          \
    F (U64, op##_max, 0, UINT64_MAX)

#define FIELDS_STATS(F, L, R)                        \
    F (TEXT, node, 0, LIMIT_NAME_BYTES)              \
    F (U64, time, 0, UINT64_MAX) /* ms since 1970 */ \
    F (U64, gets, 0, UINT64_MAX)                     \
    F (U64, puts, 0, UINT64_MAX)                     \
    F (U64, deletes, 0, UINT64_MAX)                  \
    F (U64, not_found, 0, UINT64_MAX)                \
    R (errors, errors)                               \
    F (U64, conflicts, 0, UINT64_MAX)                \
    F (U64, read_repairs, 0, UINT64_MAX)             \
    F (U64, hints_stored, 0, UINT64_MAX)             \
    F (U64, hints_delivered, 0, UINT64_MAX)          \
    F (U64, anti_entropy_repairs, 0, UINT64_MAX)     \
    F (U64, anti_entropy_exchanges, 0, UINT64_MAX)   \
    F (U64, bytes_in, 0, UINT64_MAX)                 \
    F (U64, bytes_out, 0, UINT64_MAX)                \
    F (U64, hints, 0, UINT64_MAX)                    \
    F (U64, hint_oldest, 0, UINT64_MAX)              \
    F (U64, keys, 0, UINT64_MAX)                     \
    F (U64, tombstones, 0, UINT64_MAX)               \
    F (U64, transfers, 0, UINT64_MAX)                \
    F (U64, peers_up, 0, UINT64_MAX)                 \
    F (U64, peers_down, 0, UINT64_MAX)               \
    F (U64, in_flight, 0, UINT64_MAX)                \
    F (U64, rss, 0, UINT64_MAX)                      \
    F (U64, disk, 0, UINT64_MAX)                     \
    F (U64, disk_free, 0, UINT64_MAX)                \
    FIELDS_LATENCY (F, get)                          \
    FIELDS_LATENCY (F, put)                          \
    F (U64, settle_p50, 0, UINT64_MAX)               \
    F (U64, settle_p99, 0, UINT64_MAX)

#define FIELDS_stats(F, L, R) FIELDS_STATS (F, L, R)

#define FIELDS_tally(F, L, R) /* the reply to `stats`: the event's fields, and the event whole */ \
    FIELDS_HEAD (F)                                                                               \
    FIELDS_STATS (F, L, R)                                                                        \
    F (RAW, stats, 0, LIMIT_EVENT_BYTES)

#define FIELDS_member_event(F, L, R)      \
    F (TEXT, node, 0, LIMIT_NAME_BYTES)   \
    F (U64, time, 0, UINT64_MAX)          \
    F (TEXT, member, 0, LIMIT_NAME_BYTES) \
    F (TEXT, state, 0, LIMIT_NAME_BYTES)

#define FIELDS_peer_event(F, L, R)      \
    F (TEXT, node, 0, LIMIT_NAME_BYTES) \
    F (U64, time, 0, UINT64_MAX)        \
    F (TEXT, peer, 0, LIMIT_NAME_BYTES) \
    F (BOOL, reachable, 0, 1)

#define FIELDS_handoff_event(F, L, R)   \
    F (TEXT, node, 0, LIMIT_NAME_BYTES) \
    F (U64, time, 0, UINT64_MAX)        \
    F (TEXT, peer, 0, LIMIT_NAME_BYTES) \
    F (U64, delivered, 0, UINT64_MAX)   \
    F (U64, left, 0, UINT64_MAX)

#define FIELDS_repair_event(F, L, R)    \
    F (TEXT, node, 0, LIMIT_NAME_BYTES) \
    F (U64, time, 0, UINT64_MAX)        \
    F (TEXT, kind, 0, LIMIT_NAME_BYTES) \
    F (TEXT, peer, 0, LIMIT_NAME_BYTES) \
    F (U64, keys, 0, UINT64_MAX)

#define FIELDS_store_event(F, L, R)       \
    F (TEXT, node, 0, LIMIT_NAME_BYTES)   \
    F (U64, time, 0, UINT64_MAX)          \
    F (TEXT, event, 0, LIMIT_NAME_BYTES)  \
    F (U64, took, 0, UINT64_MAX) /* ms */ \
    F (TEXT, message, 0, LIMIT_SENTENCE_BYTES)

#define FIELDS_log_event(F, L, R)        \
    F (TEXT, node, 0, LIMIT_NAME_BYTES)  \
    F (U64, time, 0, UINT64_MAX)         \
    F (TEXT, level, 0, LIMIT_NAME_BYTES) \
    F (TEXT, message, 0, LIMIT_SENTENCE_BYTES)

#endif
