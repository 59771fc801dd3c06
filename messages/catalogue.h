/*  catalogue.h - every message and every stored record, declared once.
 *
 *  A row in RECORDS and a list of fields expand to a struct (`NAME_t`), a list of them (`NAME_list_t`), and a
 *  schema (`NAME_schema`) that the one engine in codec.h walks. A message is a record with a row in MESSAGES.
 *
 *  Fields:   F (KIND, name, least, most)   a scalar, or a run of bytes whose size has these bounds
 *            L (record, name, most)        a list of at most `most` records
 *            R (record, name)              one record
 *  Kinds:    BOOL U8 U16 U32 U64 F64, BIN (MessagePack bin), DATA (bin or str, written as bin), TEXT (str),
 *            RAW (one MessagePack value, already encoded and copied as it is; empty is nil)
 *  Shape:    ARRAY: positional, each field present, what nodes and disks use (a third cheaper than maps);
 *            MAP: keys are field names, each field optional, `has` tells which are there; what clients see.
 *            A field is added to an ARRAY record at its end only, with a new protocol version.
 */
/* clang-format off */
#ifndef CARTWHEEL_CATALOGUE_H
#define CARTWHEEL_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bytes.h"
#include "limits.h"

/* ---- versions (core/version.h, core/object.h; algorithms of docs/consistency.md) ---- */

#define FIELDS_dot(F, L, R)       \
    F (U64, actor, 0, UINT64_MAX) \
    F (U64, counter, 1, UINT64_MAX)

#define FIELDS_context(F, L, R) /* what a client or a replica has seen of a key */             \
    L (dot, vv,                                                                                \
       LIMIT_ENTRIES_COUNT) /* sorted by actor: all of the actor's events up to counter ... */ \
    L (dot, ex, LIMIT_SIBLINGS_COUNT) /* ... but for these, sorted by dot */

#define FIELDS_sibling(F, L, R)                                                            \
    R (dot, dot)                                                                           \
    F (BIN, put_id, 0, LIMIT_PUT_ID_BYTES) /* 16 bytes, or empty */                        \
    F (U64, hlc, 0, UINT64_MAX)            /* hybrid clock: ms since 1970 << 16 | count */ \
    F (U8, flags, 0, UINT8_MAX)                                                            \
    F (BIN, value, 0, LIMIT_VALUE_BYTES)

#define FIELDS_object(F, L, R) /* the whole state of a key; no siblings: a tombstone */ \
    R (context, context)                                                                \
    L (sibling, siblings, LIMIT_SIBLINGS_COUNT) /* sorted by dot */

#define FIELDS_blob(F, L, R) /* a context as a client carries it, before its checksum */ \
    F (U8, format, 1, 1)                                                                 \
    F (U64, key_hash, 0, UINT64_MAX)                                                     \
    R (context, context)                                                                 \
    F (U64, hlc, 0, UINT64_MAX)

/* ---- ring and membership (core/ring.h) ---- */

#define FIELDS_member(F, L, R)                                                       \
    F (U64, node, 0, UINT64_MAX) /* random, drawn with the data folder */            \
    F (TEXT, name, 1, LIMIT_NAME_BYTES)                                              \
    F (TEXT, client, 0, LIMIT_ENDPOINT_BYTES) /* endpoints that others connect to */ \
    F (TEXT, peer, 0, LIMIT_ENDPOINT_BYTES)                                          \
    F (TEXT, gossip, 0, LIMIT_ENDPOINT_BYTES)                                        \
    F (TEXT, zone, 0, LIMIT_NAME_BYTES)                                              \
    F (F64, weight, 0, 0)                                                            \
    F (U8, state, 0, UINT8_MAX)     /* member_state_t */                             \
    F (U64, version, 0, UINT64_MAX) /* rises with each change of this row */         \
    F (BOOL, reachable, 0, 1)       /* as this node sees it; never stored */

#define FIELDS_slot(F, L, R)                                                          \
    F (U32, partition, 0, LIMIT_PARTITIONS_COUNT - 1)                                 \
    F (U8, slot, 0, LIMIT_N - 1)                                                      \
    F (U64, version, 0, UINT64_MAX)                                                   \
    F (U32, force, 0, UINT32_MAX)   /* how often it was assigned without its owner */ \
    F (U64, owner, 0, UINT64_MAX)   /* node; 0: vacant */                             \
    F (U64, pending, 0, UINT64_MAX) /* node that it moves to; 0: none */              \
    F (U8, phase, 0, UINT8_MAX)     /* slot_phase_t */

#define FIELDS_charter(F, L, R) /* what is fixed for the life of a cluster, and who I am in it */ \
    F (U64, cluster, 0, UINT64_MAX) /* random, drawn by the founder; 0: none yet */               \
    F (TEXT, cluster_name, 0, LIMIT_NAME_BYTES)                                                   \
    F (U64, node, 0, UINT64_MAX) /* 0: none yet */                                                \
    F (TEXT, node_name, 0, LIMIT_NAME_BYTES)                                                      \
    F (U32, partitions, 0, LIMIT_PARTITIONS_COUNT)                                                \
    F (U8, n, 0, LIMIT_N)                                                                         \
    F (U8, policy, 0, UINT8_MAX)                                                                  \
    F (U64, boots, 0, UINT64_MAX) /* how often this folder was opened */

/* ---- between roles ---- */

#define FIELDS_read(F, L, R) /* coordinator -> replica: the state of a key */ \
    F (U64, request, 0, UINT64_MAX)                                           \
    F (U8, slot, 0, LIMIT_N - 1)                                              \
    F (BIN, key, 1, LIMIT_KEY_BYTES)

#define FIELDS_read_reply(F, L, R)                                                       \
    F (U64, request, 0, UINT64_MAX)                                                      \
    F (U8, slot, 0, LIMIT_N - 1)                                                         \
    F (U8, result, 0, RESULT_COUNT - 1)  /* FOUND (also a tombstone), ABSENT, REFUSED */ \
    F (U8, status, 0, STATUS_COUNT - 1)  /* why, when refused */                         \
    F (BIN, state, 0, LIMIT_STATE_BYTES) /* an encoded object; empty when absent */

#define FIELDS_mint(F, L, R) /* coordinator -> a home's replica: make a version, or delete */ \
    F (U64, request, 0, UINT64_MAX)                                                           \
    F (U8, slot, 0, LIMIT_N - 1)                                                              \
    F (BIN, key, 1, LIMIT_KEY_BYTES)                                                          \
    F (BOOL, remove, 0, 1) /* a delete: no value, no dot */                                   \
    F (BIN, value, 0, LIMIT_VALUE_BYTES)                                                      \
    F (BIN, put_id, 0, LIMIT_PUT_ID_BYTES)                                                    \
    R (context, context)             /* of the request */                                     \
    F (U64, hlc, 0, UINT64_MAX)      /* the newest that the request's context has seen */     \
    F (BOOL, state_wanted, 0, 1) /* other slots need it: answer at commit, then replicate_reply */

#define FIELDS_mint_reply(F, L, R)                                                            \
    F (U64, request, 0, UINT64_MAX)                                                           \
    F (U8, slot, 0, LIMIT_N - 1)                                                              \
    F (U8, status, 0, STATUS_COUNT - 1)                                                       \
    F (BOOL, durable, 0, 1) /* no replicate_reply follows: this is the acknowledgement too */ \
    R (context, context)    /* for the client */                                              \
    F (U64, hlc, 0, UINT64_MAX)                                                               \
    F (BIN, state, 0, LIMIT_STATE_BYTES) /* what the other slots are to merge; when wanted */

#define FIELDS_replicate(F, L, R) /* -> replica: merge this state into slot `slot` of the key */ \
    F (U64, request, 0, UINT64_MAX)                                                              \
    F (U8, slot, 0, LIMIT_N - 1)                                                                 \
    F (BIN, key, 1, LIMIT_KEY_BYTES)                                                             \
    F (BIN, state, 0, LIMIT_STATE_BYTES)

#define FIELDS_replicate_reply(F, L, R) /* it is as durable as the cluster promises, or refused */ \
    F (U64, request, 0, UINT64_MAX)                                                                \
    F (U8, slot, 0, LIMIT_N - 1)                                                                   \
    F (U8, result, 0, RESULT_COUNT - 1) /* STORED, REFUSED */                                      \
    F (U8, status, 0, STATUS_COUNT - 1)                                                            \
    F (U64, hash, 0, UINT64_MAX) /* of the state that was sent */

#define FIELDS_scan(F, L, R) /* coordinator -> replica: a page of a partition's live keys */ \
    F (U64, request, 0, UINT64_MAX)                                                          \
    F (U8, slot, 0, LIMIT_N - 1)                                                             \
    F (U32, partition, 0, LIMIT_PARTITIONS_COUNT - 1)                                        \
    F (BIN, after, 0, LIMIT_KEY_BYTES) /* a key; empty: from the beginning */                \
    F (U32, limit, 1, LIMIT_KEYS_COUNT)

#define FIELDS_name(F, L, R) F (DATA, bytes, 0, LIMIT_KEY_BYTES)

#define FIELDS_scan_reply(F, L, R)                                      \
    F (U64, request, 0, UINT64_MAX)                                     \
    F (U8, slot, 0, LIMIT_N - 1)                                        \
    F (U8, result, 0, RESULT_COUNT - 1) /* FOUND, REFUSED */            \
    F (U8, status, 0, STATUS_COUNT - 1)                                 \
    L (name, keys, LIMIT_KEYS_COUNT)  /* in the order of (hash, key) */ \
    F (BIN, next, 0, LIMIT_KEY_BYTES) /* the last key looked at; empty: the partition ended */

#define FIELDS_survey(F, L, R) /* coordinator -> replica here: how much do you hold? */ \
    F (U64, request, 0, UINT64_MAX)

#define FIELDS_survey_reply(F, L, R)            \
    F (U64, request, 0, UINT64_MAX)             \
    F (U64, keys, 0, UINT64_MAX)                \
    F (U64, tombstones, 0, UINT64_MAX)          \
    F (U64, hints, 0, UINT64_MAX)               \
    F (U64, hint_oldest, 0, UINT64_MAX) /* s */ \
    F (BOOL, read_only, 0, 1)

#define FIELDS_recall(F, L, R) /* gossip -> replica here: what did we persist? */ \
    F (U64, request, 0, UINT64_MAX)

#define FIELDS_recall_reply(F, L, R)         \
    R (charter, charter)                     \
    L (member, members, LIMIT_MEMBERS_COUNT) \
    L (slot, slots, LIMIT_SLOTS_COUNT)

#define FIELDS_enact(F, L, R) /* gossip -> replica here: persist these rows, then answer */ \
    F (U64, request, 0, UINT64_MAX)                                                         \
    R (charter, charter)                                                                    \
    L (member, members, LIMIT_MEMBERS_COUNT)                                                \
    L (slot, slots, LIMIT_SLOTS_COUNT)

#define FIELDS_enact_reply(F, L, R) F (U64, request, 0, UINT64_MAX)

#define FIELDS_snapshot(F, L, R) /* gossip -> everyone here: the ring as it now is */ \
    R (charter, charter)                                                              \
    F (U64, version, 0, UINT64_MAX)                                                   \
    L (member, members, LIMIT_MEMBERS_COUNT)                                          \
    L (slot, slots, LIMIT_SLOTS_COUNT)

#define FIELDS_seen(F, L, R)                           /* anyone -> gossip here: I have that snapshot */ \
    F (U64, version, 0, UINT64_MAX)

#define FIELDS_host(F, L, R)          /* monitor -> coordinator, replica: the machine below us */ \
    F (U64, rss, 0, UINT64_MAX)       /* bytes */                                                 \
    F (U64, disk, 0, UINT64_MAX)      /* bytes that the data folder takes */                      \
    F (U64, disk_free, 0, UINT64_MAX) /* bytes left on its file system */

#define FIELDS_sync(F, L, R) /* replica -> syncer: flush the log up to here, and beyond */ \
    F (U64, sequence, 0, UINT64_MAX)

#define FIELDS_synced(F, L, R) /* syncer -> replica: all commits up to here are on disk */ \
    F (U64, sequence, 0, UINT64_MAX)

#define FIELDS_notice(F, L, R) /* anyone -> monitor: publish this */ \
    F (TEXT, topic, 1, LIMIT_NAME_BYTES)                             \
    F (BIN, event, 0, LIMIT_EVENT_BYTES) /* a MessagePack map */

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

/*  RECORD (name, shape). A record stands after those that its fields name. */
#define RECORDS(RECORD)       \
    RECORD (dot, ARRAY)       \
    RECORD (context, ARRAY)   \
    RECORD (sibling, ARRAY)   \
    RECORD (object, ARRAY)    \
    RECORD (blob, ARRAY)      \
    RECORD (member, ARRAY)    \
    RECORD (slot, ARRAY)      \
    RECORD (charter, ARRAY)   \
    RECORD (name, BARE)       \
    MESSAGES (RECORD)         \
    RECORD (candidate, MAP)   \
    RECORD (request, MAP)     \
    RECORD (failure, MAP)     \
    RECORD (pong, MAP)        \
    RECORD (attempt, MAP)     \
    RECORD (value, BARE)      \
    RECORD (got, MAP)         \
    RECORD (written, MAP)     \
    RECORD (listed, MAP)      \
    RECORD (holding, MAP)     \
    RECORD (inspected, MAP)   \
    RECORD (peer, MAP)        \
    RECORD (rings, MAP)       \
    RECORD (fellow, MAP)      \
    RECORD (transfer, MAP)    \
    RECORD (condition, MAP)   \
    RECORD (errors, MAP)      \
    RECORD (stats, MAP)       \
    RECORD (tally, MAP)       \
    RECORD (store_event, MAP) \
    RECORD (log_event, MAP)

/*  What roles send each other. The position is the number on the wire: new messages go to the end. */
#define MESSAGES(MESSAGE)            \
    MESSAGE (read, ARRAY)            \
    MESSAGE (read_reply, ARRAY)      \
    MESSAGE (mint, ARRAY)            \
    MESSAGE (mint_reply, ARRAY)      \
    MESSAGE (replicate, ARRAY)       \
    MESSAGE (replicate_reply, ARRAY) \
    MESSAGE (scan, ARRAY)            \
    MESSAGE (scan_reply, ARRAY)      \
    MESSAGE (survey, ARRAY)          \
    MESSAGE (survey_reply, ARRAY)    \
    MESSAGE (recall, ARRAY)          \
    MESSAGE (recall_reply, ARRAY)    \
    MESSAGE (enact, ARRAY)           \
    MESSAGE (enact_reply, ARRAY)     \
    MESSAGE (snapshot, ARRAY)        \
    MESSAGE (host, ARRAY)            \
    MESSAGE (sync, ARRAY)            \
    MESSAGE (synced, ARRAY)          \
    MESSAGE (notice, ARRAY)       \
    MESSAGE (seen, ARRAY)

#endif
