/*  coordinator.c - see coordinator.h. The order of checks is the contract's: the map, op, fields (request_decode), then
 *  sizes, context, permission, quorum.
 */
#include "coordinator.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../messages/memory.h"
#include "answer.h"
#include "get.h"
#include "hash.h"
#include "inspect.h"
#include "keys.h"
#include "put.h"
#include "report.h"
#include "version.h"
#include "wish.h"

#define TABLE_BITS 20u  /* an operation's id: generation, then its place in the table */
#define LINGER_SHARE 2u /* answered operations may take as many places again as unanswered ones */

/* ---- life ---- */

static void *coordinator_create (const setup_t *setup)
{
    coordinator_t *self = memory_new (1, sizeof *self);
    self->settings = *setup->settings;
    snprintf (self->version, sizeof self->version, "%s", setup->version);
    self->rng = setup->rng;
    /* Not from 0: an answer to the process before this one must not find an operation of ours. */
    self->generation = rng_next (&self->rng);
    self->next_due_us = UINT64_MAX;
    tally_init (&self->tally);
    return self;
}

static void coordinator_destroy (void **core_p)
{
    coordinator_t *self = *core_p;
    if (self == NULL)
        return;
    for (size_t i = 0; i < self->capacity; i++)
        operation_destroy (&self->table[i]);
    free (self->table);
    ring_destroy (&self->ring);
    suspicion_clear (&self->suspicion);
    free (self);
    *core_p = NULL;
}

static bool coordinator_busy (const void *core)
{
    return ((const coordinator_t *) core)->unanswered > 0;
}

/* ---- the table ---- */

/*  Puts the operation into a free place and gives it its id. False when the table is at its maximum. */
static bool s_enter (coordinator_t *self, operation_t *operation)
{
    bool own = operation->client.size == 0; /* for which there is always a place */
    size_t most = (size_t) self->settings.in_flight_count * LINGER_SHARE + own;
    if (self->used >= most || self->used >= (1u << TABLE_BITS))
        return false;
    if (self->used == self->capacity) {
        size_t capacity = self->capacity ? self->capacity * 2 : 64;
        self->table = memory_resize (self->table, capacity, sizeof (operation_t *));
        memset (self->table + self->capacity, 0,
                (capacity - self->capacity) * sizeof (operation_t *));
        self->free_hint = self->capacity;
        self->capacity = capacity;
    }
    while (self->table[self->free_hint] != NULL)
        self->free_hint = (self->free_hint + 1) % self->capacity;
    self->table[self->free_hint] = operation;
    operation->id = ++self->generation << TABLE_BITS | self->free_hint;
    self->used++;
    return true;
}

static operation_t *s_find (const coordinator_t *self, uint64_t id)
{
    size_t place = id & ((1u << TABLE_BITS) - 1);
    if (place >= self->capacity || self->table[place] == NULL || self->table[place]->id != id)
        return NULL;
    return self->table[place];
}

static void s_leave (coordinator_t *self, operation_t *operation)
{
    size_t place = operation->id & ((1u << TABLE_BITS) - 1);
    assert (self->table[place] == operation && operation->answered);
    self->bytes -= operation->bytes;
    operation_destroy (&self->table[place]);
    self->free_hint = place;
    self->used--;
}

/* ---- a request's checks ---- */

/*  The checks that come after request_decode and need no operation. True when the request may go on. */
static bool s_sizes_fit (coordinator_t *self, const request_t *request, bytes_t client,
                         effects_t *effects)
{
    if (HAS (request, request, key) && request->key.size > LIMIT_KEY_BYTES) {
        answer_refusal (self, client, request->id, effects, STATUS_TOO_LARGE,
                        "key: %zu bytes are more than the limit of %u", request->key.size,
                        LIMIT_KEY_BYTES);
        return false;
    }
    if (HAS (request, request, value) && request->value.size > self->settings.value_bytes) {
        answer_refusal (self, client, request->id, effects, STATUS_TOO_LARGE,
                        "value: %zu bytes are more than limits/value, %llu", request->value.size,
                        (unsigned long long) self->settings.value_bytes);
        return false;
    }
    return true;
}

/*  Opens the request's contexts into the operation. */
static bool s_contexts_open (coordinator_t *self, const request_t *request, operation_t *operation,
                             effects_t *effects)
{
    uint64_t floor_hlc;
    const char *bad = NULL;
    if (HAS (request, request, context) &&
        context_open (request->context, operation->hash, &operation->context, &operation->hlc))
        bad = "context";
    else if (HAS (request, request, floor) &&
             context_open (request->floor, operation->hash, &operation->floor, &floor_hlc))
        bad = "floor";
    if (bad == NULL)
        return true;
    answer_failure (self, operation, effects, STATUS_BAD_CONTEXT,
                    "%s: it is damaged, or belongs to another key; get the key and use the "
                    "context of that reply",
                    bad);
    return false;
}

static bool s_is_member (const coordinator_t *self)
{
    const member_t *own =
        self->ring != NULL ? ring_member (self->ring, ring_self (self->ring)) : NULL;
    return own != NULL && own->state <= MEMBER_LEAVING;
}

/*  r or w against n, and whether there is a ring at all. */
static bool s_quorum_fits (coordinator_t *self, const request_t *request, operation_t *operation,
                           effects_t *effects)
{
    bool writes = operation->op == OP_PUT || operation->op == OP_DELETE;
    uint32_t need = writes ? self->settings.w : self->settings.r;
    if (HAS (request, request, r))
        need = request->r;
    if (HAS (request, request, w))
        need = request->w;
    if (need > self->settings.n) {
        answer_failure (self, operation, effects, STATUS_BAD_REQUEST,
                        "%s: an integer from 1 to n=%u is needed", writes ? "w" : "r",
                        self->settings.n);
        return false;
    }
    if (!s_is_member (self)) {
        answer_failure (self, operation, effects, STATUS_UNAVAILABLE,
                        "this node is not a member of a cluster; try again, or ask another");
        return false;
    }
    operation->need = (uint8_t) need;
    return true;
}

/*  The fields of `keys`, which names its partition itself. */
static bool s_page_fits (coordinator_t *self, const request_t *request, operation_t *operation,
                         effects_t *effects)
{
    uint32_t partitions = self->settings.partitions;
    if (request->partition >= partitions) {
        answer_failure (self, operation, effects, STATUS_BAD_REQUEST,
                        "partition: an integer from 0 to %u is needed", partitions - 1);
        return false;
    }
    operation->partition = request->partition;
    operation->limit = HAS (request, request, limit) ? request->limit : 1000;
    if (!HAS (request, request, after) || request->after.size == 0)
        return true;
    if (ring_partition (partitions, hash_bytes (request->after)) != request->partition) {
        answer_failure (self, operation, effects, STATUS_BAD_REQUEST,
                        "after: the `next` of a former reply about this partition is needed");
        return false;
    }
    operation->after = bytes_copy (request->after.data, request->after.size);
    return true;
}

static bytes_t s_keep (bytes_t view)
{
    return bytes_copy (view.data, view.size);
}

static operation_t *s_operation (const coordinator_t *self, op_t op, const request_t *request,
                                 const event_t *event)
{
    operation_t *operation = operation_new (op);
    uint32_t timeout_ms =
        HAS (request, request, timeout) ? request->timeout : self->settings.timeout_ms;
    operation->client = s_keep (event->client);
    operation->reply_id = s_keep (request->id);
    operation->strict = HAS (request, request, strict) && request->strict;
    operation->explain = HAS (request, request, explain) && request->explain;
    operation->began_us = event->now_us;
    operation->deadline_us = event->now_us + timeout_ms * (uint64_t) 1000;
    operation->due_us = operation->deadline_us;
    operation->has_floor = HAS (request, request, floor);
    if (HAS (request, request, key)) {
        operation->key = s_keep (request->key);
        operation->hash = hash_bytes (operation->key);
        operation->partition = ring_partition (self->settings.partitions, operation->hash);
    }
    if (HAS (request, request, value))
        operation->value = s_keep (request->value);
    if (HAS (request, request, put_id) && op == OP_PUT)
        operation->put_id = s_keep (request->put_id);
    return operation;
}

/* ---- ops ---- */

/*  Starts the op's own state machine. Returns whether it is over already. */
static bool s_begin (coordinator_t *self, const request_t *request, operation_t *operation,
                     uint64_t now_us, effects_t *effects)
{
    /* clang-format off */
    switch ((int) operation->op) {
    case OP_STATUS: case OP_STATS:
        return report_begin (operation, effects);
    case OP_PING: report_ping (self, operation, effects); return true;
    case OP_JOIN: case OP_LEAVE: case OP_REMOVE:
        return wish_begin (operation, request, effects);
    default: break;
    }
    if (operation->op == OP_KEYS && !s_page_fits (self, request, operation, effects))
        return true;
    if (!s_contexts_open (self, request, operation, effects)
        || !s_quorum_fits (self, request, operation, effects))
        return true;
    switch ((int) operation->op) {
    case OP_GET: return get_begin (self, operation, now_us, effects);
    case OP_PUT: case OP_DELETE: return put_begin (self, operation, now_us, effects);
    case OP_KEYS: return keys_begin (self, operation, now_us, effects);
    case OP_INSPECT: return inspect_begin (self, operation, now_us, effects);
    default: report_ring (self, operation, effects); return true;
    }
    /* clang-format on */
}

/*  The next time that the shell must call. */
static void s_note_due (coordinator_t *self, uint64_t due_us)
{
    if (due_us < self->next_due_us)
        self->next_due_us = due_us;
}

static void s_start (coordinator_t *self, op_t op, const request_t *request, const event_t *event,
                     effects_t *effects)
{
    operation_t *operation = s_operation (self, op, request, event);
    if (self->unanswered >= self->settings.in_flight_count ||
        self->bytes + event->frame.size > LIMIT_IN_FLIGHT_BYTES || !s_enter (self, operation)) {
        answer_refusal (self, event->client, request->id, effects, STATUS_OVERLOADED,
                        "%zu requests of %llu MB are in progress here; try again later, or another "
                        "node",
                        self->unanswered, (unsigned long long) (self->bytes >> 20));
        operation_destroy (&operation);
        return;
    }
    self->unanswered++;
    operation->bytes = event->frame.size;
    self->bytes += operation->bytes;
    if (s_begin (self, request, operation, event->now_us, effects))
        s_leave (self, operation);
    else
        s_note_due (self, operation->due_us);
}

static void s_request (coordinator_t *self, const event_t *event, effects_t *effects)
{
    char why[LIMIT_SENTENCE_BYTES];
    request_t request;
    self->tally.bytes_in += event->frame.size;
    op_t op = request_decode (event->frame, &request, why, sizeof why);
    if (op == OP_COUNT)
        answer_refusal (self, event->client, request.id, effects, STATUS_BAD_REQUEST, "%s", why);
    else if (op == OP_PLAN || op == OP_BACKGROUND)
        answer_refusal (self, event->client, request.id, effects, STATUS_BAD_REQUEST,
                        "op: this version of Cartwheel does not have it yet");
    else if (s_sizes_fit (self, &request, event->client, effects))
        s_start (self, op, &request, event, effects);
    request_clear (&request);
}

/* ---- answers ---- */

static void s_answered (coordinator_t *self, uint64_t id, const event_t *event, effects_t *effects)
{
    operation_t *operation = s_find (self, id);
    message_t *message = event->message;
    /* A message of this node comes without its id: attempts are noted with it. */
    if (message->from.node == 0 && self->ring != NULL)
        message->from.node = ring_self (self->ring);
    if (self->ring != NULL)
        suspicion_heard (&self->suspicion, message->from.node);
    if (operation == NULL)
        return; /* late, or from before a restart */
    bool over = false;
    bool get = operation->op == OP_GET;
    bool put = operation->op == OP_PUT || operation->op == OP_DELETE;
    uint64_t now_us = event->now_us;
    if (message->type == MESSAGE_read_reply && get)
        over = get_reply (self, operation, message, now_us, effects);
    else if (message->type == MESSAGE_read_reply && operation->op == OP_INSPECT)
        over = inspect_reply (self, operation, message, now_us, effects);
    else if (message->type == MESSAGE_scan_reply && operation->op == OP_KEYS)
        over = keys_reply (self, operation, message, now_us, effects);
    else if (message->type == MESSAGE_survey_reply &&
             (operation->op == OP_STATUS || operation->op == OP_STATS))
        over = report_reply (self, operation, event, effects);
    else if (message->type == MESSAGE_admin_reply && operation->op >= OP_JOIN)
        over = wish_reply (self, operation, message, effects);
    else if (put &&
             (message->type == MESSAGE_mint_reply || message->type == MESSAGE_replicate_reply))
        over = put_reply (self, operation, message, now_us, effects);
    if (over)
        s_leave (self, operation);
    else
        s_note_due (self, operation->due_us);
}

static void s_message (coordinator_t *self, const event_t *event, effects_t *effects)
{
    const message_t *message = event->message;
    /* clang-format off */
    switch ((int) message->type) {
    case MESSAGE_read_reply:      s_answered (self, message->read_reply.request, event, effects); break;
    case MESSAGE_mint_reply:      s_answered (self, message->mint_reply.request, event, effects); break;
    case MESSAGE_replicate_reply: s_answered (self, message->replicate_reply.request, event, effects); break;
    case MESSAGE_scan_reply:      s_answered (self, message->scan_reply.request, event, effects); break;
    case MESSAGE_survey_reply:    s_answered (self, message->survey_reply.request, event, effects); break;
    case MESSAGE_admin_reply:     s_answered (self, message->admin_reply.request, event, effects); break;
    case MESSAGE_snapshot:        coordinator_hear (self, event, effects); break;
    case MESSAGE_peers:           coordinator_hear (self, event, effects); break;
    case MESSAGE_host:            self->host = message->host; break;
    default: break; /* not ours: someone else's mistake, and harmless */
    }
    /* clang-format on */
}

/* ---- the clock ---- */

static bool s_tick_one (coordinator_t *self, operation_t *operation, uint64_t now_us,
                        effects_t *effects)
{
    /* clang-format off */
    switch ((int) operation->op) {
    case OP_GET: return get_tick (self, operation, now_us, effects);
    case OP_PUT: case OP_DELETE: return put_tick (self, operation, now_us, effects);
    case OP_KEYS: return keys_tick (self, operation, now_us, effects);
    case OP_INSPECT: return inspect_tick (self, operation, now_us, effects);
    case OP_JOIN: case OP_LEAVE: case OP_REMOVE:
        return wish_tick (self, operation, now_us, effects);
    default: return report_tick (self, operation, now_us, effects);
    }
    /* clang-format on */
}

static bool s_look (coordinator_t *self, operation_t *operation, uint64_t now_us,
                    effects_t *effects)
{
    operation->due_us = now_us < operation->deadline_us ? operation->deadline_us : UINT64_MAX;
    if (s_tick_one (self, operation, now_us, effects))
        return true;
    for (size_t i = 0; i < operation->quorum.count; i++) {
        const attempt_state_t *attempt = &operation->quorum.items[i];
        if (attempt->result == RESULT_PENDING)
            operation_wake (operation, attempt->due_us);
    }
    return false;
}

/*  Looks at each operation whose time has come, and finds the next time. */
static void s_tick (coordinator_t *self, uint64_t now_us, effects_t *effects)
{
    if (now_us < self->next_due_us)
        return;
    self->lag_us = now_us - self->next_due_us;
    self->next_due_us = UINT64_MAX;
    for (size_t i = 0; i < self->capacity; i++) {
        operation_t *operation = self->table[i];
        if (operation == NULL)
            continue;
        if (operation->due_us <= now_us && s_look (self, operation, now_us, effects))
            s_leave (self, operation);
        else
            s_note_due (self, operation->due_us);
    }
}

/*  Publishes what was repaired, and has the `stats` event made: like a request for `stats` that comes from nobody. */
static void s_publish (coordinator_t *self, uint64_t now_us, uint64_t wall_ms, effects_t *effects)
{
    if (now_us < self->publish_us)
        return;
    uint64_t interval_us = self->settings.monitor_ms * (uint64_t) 1000;
    self->publish_us += interval_us;
    if (self->publish_us <= now_us) /* the machine slept */
        self->publish_us = now_us + interval_us;
    coordinator_publish_repairs (self, wall_ms, effects);
    operation_t *operation = operation_new (OP_STATS);
    operation->began_us = now_us;
    operation->deadline_us = now_us + interval_us;
    operation->due_us = operation->deadline_us;
    if (!s_enter (self, operation)) {
        operation_destroy (&operation);
        return;
    }
    report_begin (operation, effects);
    s_note_due (self, operation->due_us);
}

static void coordinator_step (void *core, const event_t *event, effects_t *effects)
{
    coordinator_t *self = core;
    if (event->kind == EVENT_START) {
        self->started_us = event->now_us;
        self->publish_us = event->now_us;
    } else if (event->kind == EVENT_MESSAGE)
        s_message (self, event, effects);
    else if (event->kind == EVENT_REQUEST)
        s_request (self, event, effects);
    else if (event->kind == EVENT_GARBAGE && event->client.size > 0)
        answer_refusal (self, event->client, bytes_view (NULL, 0), effects, STATUS_BAD_REQUEST,
                        "%s", event->text);
    else if (event->kind == EVENT_STOP)
        self->stopping = true;
    else if (event->kind == EVENT_TICK)
        s_tick (self, event->now_us, effects);
    if (!self->stopping && (event->kind == EVENT_START || event->kind == EVENT_TICK))
        s_publish (self, event->now_us, event->wall_ms, effects);
    effects_wake (effects, self->next_due_us);
    if (!self->stopping)
        effects_wake (effects, self->publish_us);
}

const role_t coordinator_role = {
    .id = ROLE_COORDINATOR,
    .create = coordinator_create,
    .step = coordinator_step,
    .busy = coordinator_busy,
    .destroy = coordinator_destroy,
};
