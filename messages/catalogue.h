/*  catalogue.h - every message and every stored record, declared once; what clients and operators see is in
 *  catalogue_client.h.
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
#include "catalogue_client.h"
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
    F (U64, joined, 0, UINT64_MAX)  /* Lamport time of its joining: orders the claim's fold */ \
    F (U64, left, 0, UINT64_MAX)    /* of its leaving; 0: it has not */              \
    F (BIN, public_key, 0, LIMIT_PUBLIC_KEY_BYTES) /* CURVE; empty: none */          \
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

#define FIELDS_stamp(F, L, R) /* a moment of the receiver's own clock that the sender had heard of before it began */ \
    F (U64, nonce, 0, UINT64_MAX) /* of the receiver's process */                                                     \
    F (U64, clock_ms, 0, UINT64_MAX)

#define FIELDS_read(F, L, R) /* coordinator -> replica: the state of a key */ \
    F (U64, request, 0, UINT64_MAX)                                           \
    F (U8, slot, 0, LIMIT_N - 1)                                              \
    F (BOOL, hint, 0, 1) /* as a fallback: of the hint for that slot */       \
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
    F (BOOL, hint, 0, 1) /* as a fallback: into the hint for that slot */                     \
    R (stamp, stamp)                                                                          \
    F (U32, patience_ms, 0, UINT32_MAX) /* refused when the stamp is older than this */       \
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
    F (BOOL, hint, 0, 1) /* as a fallback: into the hint for that slot */                        \
    R (stamp, stamp)     /* refused when older than LIMIT_MESSAGE_AGE_MS */                      \
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

#define FIELDS_hint_id(F, L, R) /* a hint, and which state of it */ \
    F (U32, partition, 0, LIMIT_PARTITIONS_COUNT - 1)               \
    F (U8, slot, 0, LIMIT_N - 1)                                    \
    F (BIN, key, 1, LIMIT_KEY_BYTES)                                \
    F (U64, hash, 0, UINT64_MAX) /* of the state */

#define FIELDS_hint(F, L, R) \
    R (hint_id, id)          \
    F (BIN, state, 0, LIMIT_STATE_BYTES)

#define FIELDS_hint_page(F, L, R) /* handoff -> replica here: the hints of the first slot that has any, from a place on */ \
    F (U64, request, 0, UINT64_MAX)                                                                                        \
    F (U32, partition, 0, LIMIT_PARTITIONS_COUNT - 1)                                                                      \
    F (U8, slot, 0, LIMIT_N - 1)                                                                                           \
    F (BIN, after, 0, LIMIT_KEY_BYTES) /* a key of that slot; empty: from its beginning */                                 \
    F (U32, limit, 1, LIMIT_HINTS_COUNT)

#define FIELDS_hint_page_reply(F, L, R)      \
    F (U64, request, 0, UINT64_MAX)          \
    L (hint, hints, LIMIT_HINTS_COUNT) /* all of one slot, in the order of (hash, key); none: the end */ \
    F (U64, left, 0, UINT64_MAX)       /* hints that this node holds, in all */

#define FIELDS_hint_drop(F, L, R) /* handoff -> replica here: delivered; delete those that still have that hash */ \
    L (hint_id, hints, LIMIT_HINTS_COUNT)

#define FIELDS_survey(F, L, R) /* coordinator -> replica here: how much do you hold? */ \
    F (U64, request, 0, UINT64_MAX)

#define FIELDS_survey_reply(F, L, R)            \
    F (U64, request, 0, UINT64_MAX)             \
    F (U64, keys, 0, UINT64_MAX)                \
    F (U64, tombstones, 0, UINT64_MAX)          \
    F (U64, hints, 0, UINT64_MAX)               \
    F (U64, hint_oldest, 0, UINT64_MAX) /* s */ \
    F (BOOL, read_only, 0, 1)                   \
    F (U64, hints_stored, 0, UINT64_MAX)    /* since the process started */ \
    F (U64, hints_delivered, 0, UINT64_MAX) /* likewise */

#define FIELDS_recall(F, L, R) /* gossip -> replica here: what did we persist? */ \
    F (U64, request, 0, UINT64_MAX)

#define FIELDS_recall_reply(F, L, R)         \
    R (charter, charter)                     \
    L (member, members, LIMIT_MEMBERS_COUNT) \
    L (slot, slots, LIMIT_SLOTS_COUNT)

#define FIELDS_enact(F, L, R) /* gossip -> replica here: persist these rows, then answer */ \
    F (U64, request, 0, UINT64_MAX)                                                         \
    F (BOOL, dissolve, 0, 1) /* instead: forget the cluster, if this node holds no record */ \
    R (charter, charter)                                                                    \
    L (member, members, LIMIT_MEMBERS_COUNT)                                                \
    L (slot, slots, LIMIT_SLOTS_COUNT)                                                      \
    L (slot, gifts, LIMIT_SLOTS_COUNT) /* slots of ours that others get, where the partition is empty here */

#define FIELDS_enact_reply(F, L, R)    \
    F (U64, request, 0, UINT64_MAX)    \
    F (BOOL, dissolved, 0, 1)          \
    L (slot, gifts, LIMIT_SLOTS_COUNT) /* those that were given */

#define FIELDS_snapshot(F, L, R) /* gossip -> everyone here: the ring as it now is */ \
    R (charter, charter)                                                              \
    F (U64, version, 0, UINT64_MAX)                                                   \
    F (U64, sequence, 0, UINT64_MAX) /* of this process's snapshots */                \
    F (BOOL, settled, 0, 1) /* no slot is vacant or on its way that could be held */  \
    L (member, members, LIMIT_MEMBERS_COUNT)                                          \
    L (slot, slots, LIMIT_SLOTS_COUNT)

#define FIELDS_seen(F, L, R) /* anyone -> gossip here: I have that snapshot */ \
    F (U64, sequence, 0, UINT64_MAX)

#define FIELDS_sight(F, L, R)       /* a peer, as gossip here sees it now */ \
    F (U64, node, 0, UINT64_MAX)                                             \
    F (BOOL, reachable, 0, 1)                                                \
    R (stamp, stamp) /* its newest; nonce 0: never heard of in its present life */

#define FIELDS_peers(F, L, R) /* gossip -> everyone here: each second, and at each change */ \
    L (sight, peers, LIMIT_MEMBERS_COUNT)

#define FIELDS_accuse(F, L, R) /* coordinator -> gossip here: this peer does not answer me */ \
    F (U64, node, 0, UINT64_MAX)

#define FIELDS_admin(F, L, R) /* coordinator -> gossip here: an operator's wish */ \
    F (U64, request, 0, UINT64_MAX)                                                \
    F (U8, op, 0, UINT8_MAX) /* op_t: join, leave, remove */                       \
    F (TEXT, seed, 0, LIMIT_ENDPOINT_BYTES)                                        \
    F (TEXT, node, 0, LIMIT_NAME_BYTES)

#define FIELDS_admin_reply(F, L, R)     \
    F (U64, request, 0, UINT64_MAX)     \
    F (U8, status, 0, STATUS_COUNT - 1) \
    F (TEXT, message, 0, LIMIT_SENTENCE_BYTES)

/* ---- gossip between nodes ---- */

#define FIELDS_hello(F, L, R)                /* who speaks: what must agree, and where to answer */ \
    F (U32, protocol, 0, UINT32_MAX)                                                                \
    F (U64, capabilities, 0, UINT64_MAX)     /* a bit each; 0 so far */                             \
    F (U64, cluster, 0, UINT64_MAX)          /* 0: in none yet */                                   \
    F (TEXT, cluster_name, 0, LIMIT_NAME_BYTES)                                                     \
    F (U64, node, 0, UINT64_MAX)                                                                    \
    F (TEXT, name, 0, LIMIT_NAME_BYTES)                                                             \
    F (TEXT, gossip, 0, LIMIT_ENDPOINT_BYTES)                                                       \
    F (U64, boots, 0, UINT64_MAX)                                                                   \
    F (U32, partitions, 0, LIMIT_PARTITIONS_COUNT)                                                  \
    F (U8, n, 0, LIMIT_N)                                                                           \
    F (U8, policy, 0, UINT8_MAX)                                                                    \
    F (BIN, public_key, 0, LIMIT_PUBLIC_KEY_BYTES)                                                  \
    F (BOOL, founding, 0, 1)                 /* about to found a cluster */                         \
    F (BOOL, data, 0, 1)                     /* some member of its cluster holds a record, as far as it knows */

#define FIELDS_greet(F, L, R) /* is there a cluster? answered with a greeting, or a refusal */ \
    R (hello, hello)

#define FIELDS_greeting(F, L, R) R (hello, hello)

#define FIELDS_refusal(F, L, R) \
    R (hello, hello)            \
    F (TEXT, message, 0, LIMIT_SENTENCE_BYTES) \
    F (BOOL, final, 0, 1) /* asking again does not help: the node had better end */

#define FIELDS_ask_join(F, L, R) /* answered with welcome or refusal */ \
    R (hello, hello)                                                    \
    R (member, member)

#define FIELDS_welcome(F, L, R) \
    R (hello, hello)            \
    R (charter, charter) /* the cluster's; node and node_name are the sender's */ \
    L (member, members, LIMIT_MEMBERS_COUNT)

#define FIELDS_probe(F, L, R) /* each second to each peer; answered at once */ \
    F (U64, sent_us, 0, UINT64_MAX)                                            \
    F (BOOL, data, 0, 1) /* the sender holds a record */

#define FIELDS_probe_reply(F, L, R) \
    F (U64, sent_us, 0, UINT64_MAX) \
    F (BOOL, data, 0, 1)

#define FIELDS_row_id(F, L, R)   \
    F (U64, node, 0, UINT64_MAX) \
    F (U64, version, 0, UINT64_MAX)

#define FIELDS_hash(F, L, R) F (U64, hash, 0, UINT64_MAX)

#define FIELDS_digest(F, L, R) /* what I have; the other sends what it has more of, and its own digest unless `answer` */ \
    R (hello, hello)                                                                                                     \
    F (BOOL, answer, 0, 1)                                                                                               \
    L (row_id, members, LIMIT_MEMBERS_COUNT)                                                                             \
    L (hash, groups, LIMIT_GROUPS_COUNT) /* of the slot rows of an equal share of the partitions each */

#define FIELDS_rows(F, L, R) /* newer rows; of a partition all or none */ \
    L (member, members, LIMIT_MEMBERS_COUNT)                              \
    L (slot, slots, LIMIT_SLOTS_COUNT)

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
    RECORD (stamp, ARRAY)     \
    RECORD (hint_id, ARRAY)   \
    RECORD (hint, ARRAY)      \
    RECORD (sight, ARRAY)     \
    RECORD (hello, ARRAY)     \
    RECORD (row_id, ARRAY)    \
    RECORD (hash, BARE)       \
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
    RECORD (member_event, MAP) \
    RECORD (peer_event, MAP)  \
    RECORD (handoff_event, MAP) \
    RECORD (repair_event, MAP) \
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
    MESSAGE (greet, ARRAY)           \
    MESSAGE (greeting, ARRAY)        \
    MESSAGE (refusal, ARRAY)         \
    MESSAGE (ask_join, ARRAY)        \
    MESSAGE (welcome, ARRAY)         \
    MESSAGE (probe, ARRAY)           \
    MESSAGE (probe_reply, ARRAY)     \
    MESSAGE (digest, ARRAY)          \
    MESSAGE (rows, ARRAY)            \
    MESSAGE (survey, ARRAY)          \
    MESSAGE (survey_reply, ARRAY)    \
    MESSAGE (recall, ARRAY)          \
    MESSAGE (recall_reply, ARRAY)    \
    MESSAGE (enact, ARRAY)           \
    MESSAGE (enact_reply, ARRAY)     \
    MESSAGE (snapshot, ARRAY)        \
    MESSAGE (seen, ARRAY)            \
    MESSAGE (peers, ARRAY)           \
    MESSAGE (accuse, ARRAY)          \
    MESSAGE (admin, ARRAY)           \
    MESSAGE (admin_reply, ARRAY)     \
    MESSAGE (hint_page, ARRAY)       \
    MESSAGE (hint_page_reply, ARRAY) \
    MESSAGE (hint_drop, ARRAY)       \
    MESSAGE (host, ARRAY)            \
    MESSAGE (sync, ARRAY)            \
    MESSAGE (synced, ARRAY)          \
    MESSAGE (notice, ARRAY)

/*  The last of those that travel between nodes. */
#define MESSAGE_TRAVELS_LAST MESSAGE_rows

#endif
