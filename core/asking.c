/*  asking.c - what the operations share towards the replicas: whom, how long, and with which stamp; see coordinator.h. */
#include "coordinator.h"

#include "answer.h"

#define FIRST_READ_US 50000u   /* the time-out of a peer that never answered yet */
#define FIRST_MINT_US 100000u  /* mints are mostly answered before they are flushed */
#define FIRST_WRITE_US 400000u /* the first flush of a busy disk may take its time */
#define SCAN_US 50000u         /* a scan takes longer than what time-outs are learned from */
#define BACKOFF_FROM 2u        /* tries; from then on each waits twice as long as the one before */
#define BACKOFF_MOST 4u
#define TRIES_MOST 3u  /* who lets so many time-outs pass is not counted on by this operation */
#define LAG_US 100000u /* a tick that came so late says that we slept, and nothing about others */
#define LAG_GRACE_US 20000u
#define STAMP_SLACK_MS \
    1500u /* a stamp may have been with gossip for a second before we heard of it */
#define REPAIRS_A_SECOND 1000u

bool coordinator_open_quorum (coordinator_t *self, operation_t *operation, effects_t *effects)
{
    quorum_t *quorum = &operation->quorum;
    quorum_init (quorum, self->ring, operation->partition, operation->id);
    suspicion_order (&self->suspicion, ring_self (self->ring), quorum);
    /* Who could stand in is only worked out where somebody has to. */
    if (quorum_count (quorum, QUORUM_PENDING, true) >= operation->need)
        return true;
    size_t reachable = quorum_available (quorum, self->ring, operation->strict);
    if (reachable >= operation->need)
        return true;
    answer_failure (self, operation, effects, STATUS_UNAVAILABLE,
                    "%u nodes are asked for and %zu that hold this %s%s are reachable; try again "
                    "when more nodes are up%s",
                    operation->need, reachable, operation->op == OP_KEYS ? "partition" : "key",
                    operation->strict ? "" : ", or could stand in,",
                    operation->op == OP_KEYS  ? ""
                    : operation->op == OP_GET ? ", or with a smaller r"
                                              : ", or with a smaller w");
    return false;
}

bool coordinator_is_elsewhere (const coordinator_t *self, const operation_t *operation,
                               const attempt_state_t *attempt)
{
    uint64_t owner = ring_slot (self->ring, operation->partition, attempt->slot)->owner;
    return attempt->hint ? owner == attempt->node : owner != attempt->node;
}

void coordinator_follow (const coordinator_t *self, operation_t *operation)
{
    quorum_t *quorum = &operation->quorum;
    uint8_t n = ring_charter (self->ring)->n;
    for (uint8_t slot = 0; slot < n; slot++) {
        uint64_t owner = ring_slot (self->ring, operation->partition, slot)->owner;
        if (owner == 0 || quorum_has (quorum, slot, QUORUM_STORED | QUORUM_READ))
            continue;
        attempt_state_t *attempt = quorum_find (quorum, slot, owner);
        if (attempt != NULL && !attempt->hint)
            continue;
        if (attempt == NULL)
            attempt = quorum_add (quorum, slot, owner, false);
        else /* it was to keep a hint, and now the slot is its own */
            *attempt = (attempt_state_t){.slot = slot, .node = owner, .due_us = UINT64_MAX};
        if (attempt != NULL)
            attempt->result = ring_reachable (self->ring, owner) ? RESULT_PENDING : RESULT_DOWN;
    }
}

/* ---- what is kept ---- */

void coordinator_keep (coordinator_t *self, operation_t *operation, bytes_t *place, bytes_t *bytes)
{
    *place = bytes_take (bytes);
    operation->bytes += place->size;
    self->bytes += place->size;
}

void coordinator_drop (coordinator_t *self, operation_t *operation, bytes_t *place)
{
    operation->bytes -= place->size;
    self->bytes -= place->size;
    bytes_clear (place);
}

/* ---- to the replicas ---- */

void coordinator_send (const coordinator_t *self, uint64_t node, message_t **message_p,
                       effects_t *effects)
{
    uint64_t to = node == ring_self (self->ring) ? 0 : node;
    effects_send (effects, (address_t){.node = to, .role = ROLE_REPLICA}, message_p);
}

/*  How long an acknowledgement may take. */
static uint64_t s_flush_timeout (const coordinator_t *self, uint64_t node)
{
    return suspicion_timeout (&self->suspicion, node, PACE_FLUSH, FIRST_WRITE_US);
}

/*  How long an answer to this may take. */
static uint64_t s_timeout (const coordinator_t *self, uint64_t node, const message_t *message)
{
    bool mint = message->type == MESSAGE_mint;
    if (message->type == MESSAGE_replicate || (mint && !message->mint.state_wanted))
        return s_flush_timeout (self, node);
    uint64_t timeout_us = suspicion_timeout (&self->suspicion, node, PACE_QUICK,
                                             mint ? FIRST_MINT_US : FIRST_READ_US);
    return message->type == MESSAGE_scan && timeout_us < SCAN_US ? SCAN_US : timeout_us;
}

void coordinator_ask (const coordinator_t *self, operation_t *operation, attempt_state_t *attempt,
                      message_t **message_p, uint64_t now_us, effects_t *effects)
{
    uint64_t timeout_us = s_timeout (self, attempt->node, *message_p);
    if (attempt->tries > BACKOFF_FROM) {
        unsigned more = attempt->tries - BACKOFF_FROM;
        timeout_us <<= more < BACKOFF_MOST ? more : BACKOFF_MOST;
    }
    if (!attempt->asked)
        attempt->asked_us = now_us; /* `took` counts from the first try */
    attempt->asked = true;
    attempt->tries++;
    attempt->late = attempt->late || suspicion_suspects (&self->suspicion, attempt->node);
    attempt->sent_us = now_us;
    attempt->due_us = now_us + timeout_us;
    operation_wake (operation, attempt->due_us);
    coordinator_send (self, attempt->node, message_p, effects);
}

void coordinator_wait (const coordinator_t *self, operation_t *operation, attempt_state_t *attempt,
                       uint64_t now_us)
{
    attempt->result = RESULT_PENDING;
    attempt->late = false;
    attempt->sent_us = now_us;
    attempt->due_us = now_us + s_flush_timeout (self, attempt->node);
    operation_wake (operation, attempt->due_us);
}

stamp_t coordinator_stamp (const coordinator_t *self, const operation_t *operation, uint64_t node,
                           uint64_t now_us, uint32_t *patience_ms)
{
    uint32_t age_ms;
    stamp_t stamp = ring_stamp (self->ring, node, now_us, &age_ms);
    if (patience_ms != NULL) {
        uint64_t patience =
            (operation->deadline_us - operation->began_us) / 1000 + STAMP_SLACK_MS + age_ms;
        *patience_ms = patience < UINT32_MAX ? (uint32_t) patience : UINT32_MAX;
    }
    /* The stamp may be from after the operation began: clocks run alike, so its like of that time is worked out. */
    uint64_t since_ms = (now_us - operation->began_us + 999) / 1000;
    if (stamp.clock_ms < since_ms)
        return (stamp_t){0};
    stamp.clock_ms -= since_ms;
    return stamp;
}

bool coordinator_counts_on (const coordinator_t *self, const attempt_state_t *attempt)
{
    return attempt->result == RESULT_PENDING && attempt->tries < TRIES_MOST &&
           !suspicion_suspects (&self->suspicion, attempt->node);
}

/* ---- from the replicas ---- */

attempt_state_t *coordinator_attempt (const coordinator_t *self, operation_t *operation,
                                      const message_t *message, uint8_t slot, uint64_t now_us)
{
    uint64_t node = message->from.node == 0 ? ring_self (self->ring) : message->from.node;
    return operation_attempt (operation, node, slot, now_us);
}

bool coordinator_overdue (coordinator_t *self, attempt_state_t *attempt, uint64_t now_us,
                          effects_t *effects)
{
    if (!attempt->asked || attempt->result != RESULT_PENDING || now_us < attempt->due_us)
        return false;
    if (self->lag_us > LAG_US) { /* answers may be waiting for us, not we for them */
        attempt->due_us = now_us + LAG_GRACE_US;
        return false;
    }
    attempt->due_us = UINT64_MAX;
    attempt->late = true;
    if (suspicion_miss (&self->suspicion, attempt->node, attempt->sent_us, now_us) &&
        attempt->node != ring_self (self->ring)) {
        message_t *message = message_new (MESSAGE_accuse);
        message->accuse.node = attempt->node;
        effects_send_here (effects, ROLE_GOSSIP, &message);
    }
    return true;
}

void coordinator_note_overdue (coordinator_t *self, operation_t *operation, uint64_t now_us,
                               effects_t *effects)
{
    for (size_t i = 0; i < operation->quorum.count; i++)
        coordinator_overdue (self, &operation->quorum.items[i], now_us, effects);
}

/* ---- read repair ---- */

bool coordinator_may_repair (coordinator_t *self, uint64_t node, uint64_t now_us)
{
    uint64_t more = (now_us - self->repairs_us) * REPAIRS_A_SECOND / 1000000;
    if (more >= REPAIRS_A_SECOND || self->repairs + more > REPAIRS_A_SECOND) {
        self->repairs = REPAIRS_A_SECOND;
        self->repairs_us = now_us;
    } else if (more > 0) {
        self->repairs += more;
        self->repairs_us += more * 1000000 / REPAIRS_A_SECOND;
    }
    if (self->repairs == 0)
        return false;
    self->repairs--;
    regard_t *regard = suspicion_regard (&self->suspicion, node);
    if (regard != NULL)
        regard->repaired++;
    return true;
}

void coordinator_publish_repairs (coordinator_t *self, uint64_t wall_ms, effects_t *effects)
{
    for (size_t i = 0; i < self->suspicion.count; i++) {
        regard_t *regard = &self->suspicion.items[i];
        if (regard->repaired == 0)
            continue;
        repair_event_t event = {0};
        GIVE (repair_event, &event, node, bytes_text (self->settings.name));
        GIVE (repair_event, &event, time, wall_ms);
        GIVE (repair_event, &event, kind, bytes_text ("read"));
        GIVE (repair_event, &event, peer, answer_node_name (self, regard->node));
        GIVE (repair_event, &event, keys, regard->repaired);
        regard->repaired = 0;
        effects_publish (effects, "repair", &repair_event_schema, &event);
    }
}

/* ---- who is reachable ---- */

/*  Nobody waits for who cannot be reached: such attempts are down, and their operations looked at at once. */
static void s_reconsider (coordinator_t *self, operation_t *operation, uint64_t now_us)
{
    for (size_t i = 0; i < operation->quorum.count; i++) {
        attempt_state_t *attempt = &operation->quorum.items[i];
        if (attempt->result != RESULT_PENDING || ring_reachable (self->ring, attempt->node))
            continue;
        attempt->result = RESULT_DOWN;
        operation_wake (operation, now_us);
    }
    if (operation->holders_count > 0)
        operation_wake (operation, now_us);
    if (operation->due_us < self->next_due_us)
        self->next_due_us = operation->due_us;
}

/*  Whether somebody who was reachable is not any more; forgives who is again. */
static bool s_lost_sight (coordinator_t *self, const peers_t *peers)
{
    bool lost = false;
    for (size_t i = 0; i < peers->peers.count; i++) {
        const sight_t *sight = &peers->peers.items[i];
        bool before = ring_reachable (self->ring, sight->node);
        lost = lost || (before && !sight->reachable);
        if (!before && sight->reachable)
            suspicion_forgive (&self->suspicion, sight->node);
    }
    return lost;
}

void coordinator_hear (coordinator_t *self, const event_t *event, effects_t *effects)
{
    const message_t *message = event->message;
    bool look = true;
    if (message->type == MESSAGE_snapshot) {
        ring_follow (&self->ring, message, effects);
        if (self->ring != NULL)
            suspicion_follow (&self->suspicion, self->ring);
    } else if (self->ring != NULL) {
        look = s_lost_sight (self, &message->peers);
        ring_hear (self->ring, &message->peers, event->now_us);
    }
    for (size_t i = 0; i < self->capacity && look && self->ring != NULL; i++)
        if (self->table[i] != NULL)
            s_reconsider (self, self->table[i], event->now_us);
}
