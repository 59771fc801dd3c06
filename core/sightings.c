/*  sightings.c - see sightings.h. */
#include "sightings.h"

#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"

#define INTERVAL_US 1000000u
#define SOON_US 250000u
#define SILENCE_US 5000000u
#define TIMEOUT_LEAST_US 100000u
#define TIMEOUT_MOST_US 2000000u
#define MISSES 3u
#define STRAIN_MOST 8u

void sightings_init (sightings_t *self)
{
    memset (self, 0, sizeof *self);
    self->strain = 1;
}

void sightings_clear (sightings_t *self)
{
    free (self->items);
    sightings_init (self);
}

void sightings_follow (sightings_t *self, const table_t *table, uint64_t own, uint64_t now_us)
{
    sighting_t *items = memory_new (table->members_count, sizeof *items);
    size_t count = 0;
    for (size_t i = 0; i < table->members_count; i++) {
        uint64_t node = table->members[i].now.node;
        if (node == own || !table_active (table, node))
            continue;
        const sighting_t *before = sightings_find (self, node);
        sighting_t first = {.node = node, .probe_us = now_us, .since_us = now_us};
        items[count++] = before != NULL ? *before : first;
    }
    free (self->items);
    self->items = items;
    self->count = count;
}

sighting_t *sightings_find (const sightings_t *self, uint64_t node)
{
    for (size_t least = 0, most = self->count; least < most;) {
        size_t middle = (least + most) / 2;
        if (self->items[middle].node == node)
            return &self->items[middle];
        if (self->items[middle].node < node)
            least = middle + 1;
        else
            most = middle;
    }
    return NULL;
}

bool sightings_reachable (const sightings_t *self, uint64_t node)
{
    const sighting_t *peer = sightings_find (self, node);
    return peer != NULL && peer->reachable;
}

bool sightings_data (const sightings_t *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->items[i].data)
            return true;
    return false;
}

static void s_turn (sighting_t *peer, bool reachable)
{
    peer->changed ^= peer->reachable != reachable;
    peer->reachable = reachable;
    peer->settled = true;
    peer->suspect_us = 0;
}

/* ---- evidence ---- */

bool sightings_hear (sightings_t *self, uint64_t node, const origin_t *origin, uint64_t now_us)
{
    sighting_t *peer = sightings_find (self, node);
    if (peer == NULL)
        return false;
    if (peer->stamp.nonce == origin->nonce) {
        if (peer->stamp.clock_ms < origin->clock_ms)
            peer->stamp.clock_ms = origin->clock_ms;
    } else if (now_us - peer->probed_us >= TIMEOUT_LEAST_US)
        peer->probe_us = now_us;
    return true;
}

/*  Whether the answer is of the peer's present process: of the one that we know, or to a newer probe than that answered. */
static bool s_counts (const sighting_t *peer, const origin_t *origin, uint64_t sent_us)
{
    return origin->nonce != 0 && (peer->stamp.nonce == origin->nonce || sent_us > peer->newest_us);
}

bool sightings_answer (sightings_t *self, uint64_t node, const origin_t *origin, uint64_t sent_us,
                       uint64_t now_us)
{
    sighting_t *peer = sightings_find (self, node);
    if (peer == NULL || sent_us == 0 || sent_us > now_us || !s_counts (peer, origin, sent_us))
        return false;
    for (size_t i = 0; i < SIGHTING_PROBES; i++) {
        if (peer->sent_us[i] != sent_us)
            continue;
        peer->sent_us[i] = 0;
        bool fresh = peer->stamp.nonce != origin->nonce;
        if (fresh) {
            peer->stamp = (stamp_t){.nonce = origin->nonce, .clock_ms = origin->clock_ms};
            peer->patience = (patience_t){0};
        }
        patience_answer (&peer->patience, now_us - sent_us);
        if (sent_us > peer->newest_us)
            peer->newest_us = sent_us;
        peer->since_us = now_us;
        s_turn (peer, true);
        return fresh;
    }
    return false;
}

/* ---- probes ---- */

static void s_probe (sighting_t *peer, uint64_t now_us, bool data, effects_t *effects)
{
    message_t *probe = message_new (MESSAGE_probe);
    probe->probe.sent_us = now_us;
    probe->probe.data = data;
    peer->sent_us[peer->sent++ % SIGHTING_PROBES] = peer->probed_us = now_us;
    effects_send (effects, (address_t){.node = peer->node, .role = ROLE_GOSSIP}, &probe);
}

/*  Whoever is new, or was there a moment ago, is asked more often: the way to it may not be open yet. */
static uint64_t s_interval (const sighting_t *peer, uint64_t now_us)
{
    bool soon = !peer->reachable && now_us - peer->since_us < SILENCE_US;
    return soon ? SOON_US : INTERVAL_US;
}

static uint64_t s_timeout (const sightings_t *self, const sighting_t *peer)
{
    return self->strain * patience_timeout (&peer->patience, TIMEOUT_LEAST_US, TIMEOUT_MOST_US);
}

void sightings_accuse (sightings_t *self, uint64_t node, uint64_t now_us, effects_t *effects,
                       bool data)
{
    sighting_t *peer = sightings_find (self, node);
    if (peer == NULL || !peer->reachable || peer->suspect_us != 0)
        return;
    peer->patience.misses = 0;
    s_probe (peer, now_us, data, effects);
    peer->suspect_us = now_us + s_timeout (self, peer);
}

static uint64_t s_silent_us (const sightings_t *self, const sighting_t *peer)
{
    return peer->since_us + (uint64_t) SILENCE_US * self->strain;
}

/*  Whether the peer is still waited for: else only an answer changes what is known of it. */
static bool s_awaited (const sighting_t *peer)
{
    return peer->reachable || !peer->settled;
}

void sightings_tick (sightings_t *self, uint64_t now_us, bool data, effects_t *effects)
{
    for (size_t i = 0; i < self->count; i++) {
        sighting_t *peer = &self->items[i];
        if (peer->suspect_us != 0 && now_us >= peer->suspect_us) {
            patience_miss (&peer->patience);
            peer->suspect_us = now_us + s_timeout (self, peer);
            if (peer->patience.misses >= MISSES)
                s_turn (peer, false);
            else
                s_probe (peer, now_us, data, effects);
        }
        if (now_us >= peer->probe_us) {
            s_probe (peer, now_us, data, effects);
            peer->probe_us = now_us + s_interval (peer, now_us);
        }
        if (s_awaited (peer) && now_us >= s_silent_us (self, peer))
            s_turn (peer, false);
    }
}

uint64_t sightings_wake (const sightings_t *self)
{
    uint64_t wake_us = UINT64_MAX;
    for (size_t i = 0; i < self->count; i++) {
        const sighting_t *peer = &self->items[i];
        if (peer->probe_us < wake_us)
            wake_us = peer->probe_us;
        if (peer->suspect_us != 0 && peer->suspect_us < wake_us)
            wake_us = peer->suspect_us;
        if (s_awaited (peer) && s_silent_us (self, peer) < wake_us)
            wake_us = s_silent_us (self, peer);
    }
    return wake_us;
}

/* ---- our own slowness ---- */

void sightings_late (sightings_t *self, uint64_t late_us, uint64_t now_us)
{
    if (self->strain < STRAIN_MOST)
        self->strain *= 2;
    for (size_t i = 0; i < self->count; i++) {
        sighting_t *peer = &self->items[i];
        peer->since_us += late_us < now_us - peer->since_us ? late_us : now_us - peer->since_us;
        if (peer->suspect_us != 0)
            peer->suspect_us += late_us;
    }
}

void sightings_punctual (sightings_t *self)
{
    if (self->strain > 1)
        self->strain /= 2;
}

const sighting_t *sightings_change (sightings_t *self)
{
    for (size_t i = 0; i < self->count; i++) {
        if (!self->items[i].changed)
            continue;
        self->items[i].changed = false;
        return &self->items[i];
    }
    return NULL;
}
