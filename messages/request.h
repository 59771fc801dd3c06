/*  request.h - one client request, checked field by field against the table of ops (docs/protocol.md, Requests).
 *
 *  A reply must name the field that is wrong and repeat the request's id even then, so this decoder reads on after a
 *  mistake where codec_decode would stop. Sizes, contexts and quorums are the coordinator's to check, in that order.
 */
/* clang-format off */
#ifndef CARTWHEEL_REQUEST_H
#define CARTWHEEL_REQUEST_H

#include "codec.h"

#define OPS(OP)           \
    OP (PING, ping)       \
    OP (GET, get)         \
    OP (PUT, put)         \
    OP (DELETE, delete)   \
    OP (KEYS, keys)       \
    OP (INSPECT, inspect) \
    OP (RING, ring)       \
    OP (STATUS, status)   \
    OP (STATS, stats)     \
    OP (PLAN, plan)       \
    OP (JOIN, join)       \
    OP (LEAVE, leave)     \
    OP (REMOVE, remove)   \
    OP (BACKGROUND, background)

#define OP(upper, lower) OP_##upper,
typedef enum { OPS (OP) OP_COUNT } op_t;
#undef OP

const char *op_name (op_t op);

/*  Reads a request. `request` gets views into `input`; clear it with request_clear in every case. Returns the op, or
 *  OP_COUNT when the request is malformed: `why` then holds a sentence for the client that names the field (at most
 *  `size` bytes with its NUL), and request->id is what the reply is to repeat, if that much could be read. */
op_t request_decode (bytes_t input, request_t *request, char *why, size_t size);

void request_clear (request_t *request);

#endif
