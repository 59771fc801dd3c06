/*  cartwheel.h - libcartwheel, the client library of Cartwheel, an always-writeable key-value store.
 *
 *  This file is the manual; docs/protocol.md says what the store promises. A minimal program:
 *
 *      cw_client_t *client = cw_new ("tcp://127.0.0.1:7101", 2000);
 *      if (cw_put (client, "cart", 4, "milk", 4, NULL, NULL) != CW_OK)
 *          fprintf (stderr, "%s\n", cw_error (client));
 *      cw_destroy (&client);
 *
 *  A client belongs to one thread at a time: give each thread its own, or pass one on whole. Nothing that a node
 *  sends can end the process; what is not a proper reply is dropped and counted. Only running out of memory ends it.
 */
#ifndef CARTWHEEL_CLIENT_H
#define CARTWHEEL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*  What came of a request. The first thirteen are the node's own words (docs/protocol.md, Replies); the last one is
 *  the library's: no node could be reached, and nothing was sent. */
typedef enum {
    CW_OK,                /* done */
    CW_NOT_FOUND,         /* a get of a key that has no live value */
    CW_BAD_REQUEST,       /* the request is malformed */
    CW_BAD_CONTEXT,       /* the context is damaged, or another key's */
    CW_TOO_LARGE,         /* key or value over its limit */
    CW_TOO_MANY_SIBLINGS, /* read, merge, put */
    CW_UNAVAILABLE,       /* too few replicas are reachable; nothing was stored */
    CW_TIMEOUT,           /* a read got no answer, or too few, in time */
    CW_UNKNOWN,    /* a write may or may not have been stored: send it again with the same put_id */
    CW_OVERLOADED, /* every node asked sheds load; nothing was stored */
    CW_READ_ONLY,  /* the disk is full or failing; nothing was stored */
    CW_FORBIDDEN,  /* the client's certificate does not allow this */
    CW_INTERNAL,   /* a fault of the node, which it logs */
    CW_NO_NODE     /* no node could be reached in time; nothing was sent */
} cw_status_t;

/*  "ok", "not_found", ..., "no_node". */
const char *cw_status_name (cw_status_t status);

/*  A run of bytes. In a result it is the result's; in an option it is the caller's. */
typedef struct {
    const void *data;
    size_t size;
} cw_bytes_t;

typedef struct cw_client cw_client_t;

/*  A client of the nodes at `endpoints`, client endpoints separated by spaces. It begins with the first one, goes on to
 *  the next when one does not answer or cannot serve it, and stays with the one that did; a node that failed is asked
 *  after the others for a while. Any node serves any key, so give each client all of them, in an order of its own.
 *  Connections are made when they are first needed. `timeout_ms` (1 .. 3600000) is the time that a request may take in all, with every resend. NULL with errno EINVAL when
 *  `endpoints` has none, or more than 256, or the time is out of range. */
cw_client_t *cw_new (const char *endpoints, int timeout_ms);

/*  As cw_new, on a ZeroMQ context of the caller's, who ends it after the last client on it. A program with many
 *  clients saves two threads a client by this. */
cw_client_t *cw_new_in (void *zmq_context, const char *endpoints, int timeout_ms);

/*  Frees the client and sets the pointer to NULL. A request that was not answered may still be carried out. */
void cw_destroy (cw_client_t **self_p);

/*  A sentence that says what went wrong with the last request and what to do; empty after CW_OK. It is the
 *  client's, and holds until its next request. Control bytes that a node sent are replaced by spaces. */
const char *cw_error (const cw_client_t *self);

/*  What the client has done since cw_new. */
typedef struct {
    uint64_t requests;  /* calls that needed a node */
    uint64_t resends;   /* further tries after the first one */
    uint64_t failovers; /* times that it went on to another node */
    uint64_t late;      /* replies to a try that was given up */
    uint64_t refused;   /* frames that are no reply at all */
} cw_traffic_t;

void cw_traffic (const cw_client_t *self, cw_traffic_t *traffic);

/* ---- get, put, delete ---- */

#define CW_PUT_ID_BYTES 16

/*  All optional: {0}, or NULL instead of the whole. */
typedef struct {
    cw_bytes_t
        context; /* put, delete: of the reply that the write is based on; none: it covers nothing */
    cw_bytes_t floor; /* get: a context that the answer has to cover, else it is `stale` */
    const uint8_t *
        put_id; /* put: CW_PUT_ID_BYTES random bytes, the same for each retry; NULL: drawn for this call */
    unsigned r;     /* get: replicas that have to answer; 0: the cluster's */
    unsigned w;     /* put, delete: replicas that have to store it; 0: the cluster's */
    bool strict;    /* only owners count, no stand-ins */
    bool explain;   /* have the reply say what each replica did: see cw_result_t.reply */
    int timeout_ms; /* 1 .. 3600000 for this request; 0: the client's */
} cw_options_t;

/*  An answer. Begin with {0}; each call with it frees what it held. All bytes are the result's until then. */
typedef struct {
    cw_bytes_t
        *values; /* get: every live sibling, equal ones once; more than one: merge them and put */
    size_t count;
    cw_bytes_t context; /* for the next put or delete of this key */
    unsigned acks;      /* put, delete: nodes that had confirmed */
    bool stale;         /* get with a floor: the answer does not cover it */
    cw_bytes_t reply;   /* the whole reply, a MessagePack map that was checked to be well-formed */
} cw_result_t;

/*  Frees what the result holds and zeroes it. May be called twice. */
void cw_result_clear (cw_result_t *result);

/*  Every live value of a key: CW_OK with at least one, or CW_NOT_FOUND (with a context that a put may carry). Asks the
 *  next node when one does not answer or cannot serve it. */
cw_status_t cw_get (cw_client_t *self, const void *key, size_t key_size,
                    const cw_options_t *options, cw_result_t *result);

/*  Stores a value. With a context it replaces exactly the versions which that covers; without one it replaces
 *  nothing. Any bytes of `options` may be those of `result`, so one result can carry a chain of puts. A try
 *  without an answer is sent again to the same node, then to the next, with the same put_id and context, so that
 *  it makes no second version as long as the first one is live. After CW_UNKNOWN call again with the same
 *  put_id (give one in the options for that), or read first. `result` may be NULL. */
cw_status_t cw_put (cw_client_t *self, const void *key, size_t key_size, const void *value,
                    size_t value_size, const cw_options_t *options, cw_result_t *result);

/*  Removes exactly the versions that options->context covers; a concurrent put survives. CW_OK also when nothing was
 *  left to remove. Sent again like a put. `result` may be NULL. */
cw_status_t cw_delete (cw_client_t *self, const void *key, size_t key_size,
                       const cw_options_t *options, cw_result_t *result);

/*  The application's merge: makes one value of all live siblings of a key (count 0: it has none), with the change that the
 *  update is about in it. The bytes of `merged` come from malloc, and the library frees them; {0} is an empty value.
 *  Returns 0, or anything else to leave the key as it is. It may be called again for one update, and what it made
 *  before is then one of the siblings: making a change twice must be as making it once. */
typedef int (cw_merge_t) (void *argument, const cw_bytes_t *siblings, size_t count,
                          cw_bytes_t *merged);

/*  Reads a key, merges, and puts the result over what was read; then reads it again and, where another writer came
 *  between, merges again, a few times at most. What the merge does not change is not written. `options` is for each of
 *  these requests, but for `context`, which is not used, and `timeout_ms`, which is for all of them together;
 *  `floor` is for the first read, and `put_id` for the first put. CW_OK: the last value is stored, and `result`, which
 *  may be NULL, is the last answer: of a get, mostly with one value, or of a put. CW_NOT_FOUND: there is no value, and the
 *  merge made none. Else as a get or a put; after CW_UNKNOWN call again. */
cw_status_t cw_update (cw_client_t *self, const void *key, size_t key_size, cw_merge_t *merge,
                       void *argument, const cw_options_t *options, cw_result_t *result);

/*  Fills 16 bytes for cw_options_t.put_id from the system's generator. */
void cw_put_id (uint8_t put_id[CW_PUT_ID_BYTES]);

/* ---- what is there ---- */

/*  A page of the keys of one partition. Begin with {0}; each call with it frees what it held. */
typedef struct {
    cw_bytes_t *keys; /* in the node's own order */
    size_t count;
    cw_bytes_t next; /* `after` of the next page; size 0: this was the last */
    cw_bytes_t reply;
} cw_page_t;

void cw_page_clear (cw_page_t *page);

/*  The live keys of `partition` (0 .. partitions - 1, see cw_ring) after `after`, the `next` of the page before (its
 *  bytes may be those of `page`), at most `limit` (1 .. 10000; 0: 1000). A page may be empty and not the last. */
cw_status_t cw_keys (cw_client_t *self, uint32_t partition, cw_bytes_t after, unsigned limit,
                     cw_page_t *page);

/*  The reply to one of the calls below: the whole MessagePack map, one well-formed value nested at most 8 deep, to be
 *  read with any MessagePack library; its fields are those of docs/protocol.md, Requests. Begin with {0}; each call
 *  with it frees what it held. */
typedef struct {
    const void *data;
    size_t size;
} cw_reply_t;

void cw_reply_clear (cw_reply_t *reply);

/*  Is a node there, and which? */
cw_status_t cw_ping (cw_client_t *self, cw_reply_t *reply);
/*  A key's partition, owners, and each replica's state side by side. */
cw_status_t cw_inspect (cw_client_t *self, const void *key, size_t key_size, cw_reply_t *reply);
/*  Who owns which partition. */
cw_status_t cw_ring (cw_client_t *self, cw_reply_t *reply);
/*  The node's view of the cluster. */
cw_status_t cw_status (cw_client_t *self, cw_reply_t *reply);
/*  The node's counters. */
cw_status_t cw_stats (cw_client_t *self, cw_reply_t *reply);

/* ---- membership ---- */

/*  Has the node ask to become a member of a cluster: that of `seed`, a gossip endpoint, or, where `seed` is NULL, of the
 *  node's own seeds. For a client with one endpoint: with more it is any of them that joins. CW_OK when the
 *  change is recorded; cw_status tells how it goes on. */
cw_status_t cw_join (cw_client_t *self, const char *seed, cw_reply_t *reply);

#ifdef __cplusplus
}
#endif

#endif
