/*  config.h - the configuration of one node: read, checked whole, and kept as plain values.
 *
 *  docs/protocol.md, Starting a node, says what each name means; config_table.c has them as rows. A file is refused
 *  with every mistake in it at once, so that mending it takes one round and not ten. zpl.c reads the lines, and not
 *  CZMQ's zconfig, which keeps no line numbers and stops at its first syntax error; both read the same values.
 *
 *  Nothing here touches the network or creates a folder: that is node.c's.
 */
#ifndef CARTWHEEL_CONFIG_H
#define CARTWHEEL_CONFIG_H

#include "../core/effects.h"
#include "../core/settings.h"

typedef enum { ENGINE_BDB, ENGINE_MEMORY } engine_t;

typedef struct {
    settings_t settings; /* client, peer, gossip: as advertised to others; seeds: those below */

    /* What the node binds: tcp://ADDRESS:PORT with a numeric address; an IPv6 one needs ZMQ_IPV6. */
    char client[LIMIT_ENDPOINT_BYTES + 1];
    char peer[LIMIT_ENDPOINT_BYTES + 1];
    char gossip[LIMIT_ENDPOINT_BYTES + 1];
    char monitor[LIMIT_ENDPOINT_BYTES + 1]; /* empty: no monitor stream */

    /* Paths: absolute, or relative to the current folder; they need not exist. */
    char data[LIMIT_PATH_BYTES + 1]; /* node/data */

    engine_t engine;
    uint64_t cache_bytes;
    uint32_t page_bytes; /* 512 .. 64 KiB, a power of two */
    level_t level;       /* log/level */

    char seeds[LIMIT_SEEDS_COUNT]
              [LIMIT_ENDPOINT_BYTES + 1]; /* gossip endpoints, empty ones at the end */

    bool curve; /* always false in this version */
    bool trusted;
    char certificate[LIMIT_PATH_BYTES + 1];
    char nodes[LIMIT_PATH_BYTES + 1];
    char clients[LIMIT_PATH_BYTES + 1];
    char operators[LIMIT_PATH_BYTES + 1];
} config_t;

/*  Reads `file`, lays the `count` strings "section/name=value" of `overrides` over it (the last one of a name wins), and
 *  checks all. Returns a whole configuration, or NULL; then `mistakes` has got each mistake as a line that ends in \n,
 *
 *      FILE:LINE: section/name: what is wrong; what would be right
 *      --set section/name=value: section/name: what is wrong; what would be right
 *
 *  those of the file first, by line. Where no name can be told the section stands there, or `file`. `mistakes` is the
 *  caller's and needs a maximum of some 300 KB to hold the LIMIT_MISTAKES_COUNT that are listed at most. */
config_t *config_load (const char *file, char *const *overrides, size_t count, buffer_t *mistakes);

/*  Frees it and sets the pointer to NULL. */
void config_destroy (config_t **self_p);

#endif
