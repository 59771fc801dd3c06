/*  call.c - see call.h.
 *
 *  The time of a call is shared out evenly: one try for each of up to three nodes, and one more for a write. A write that
 *  got no answer goes to the same node first (which knows its put_id), a read goes to the next node at once. A node that
 *  answers "not me, not now" is asked once; a call ends when each has said so, with an answer that settles it, or with
 *  its time.
 */
#include "call.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "messages/memory.h"
#include "turn.h"

/*  Shares are for so many nodes at most: with more of them a try would be too short for a cluster in trouble. */
#define CALL_SHARES 3u
/*  And while there are others, no node is waited for longer than this at first: it is what a node takes at most unless it
 *  is configured otherwise. Later tries have their whole share, for a cluster that is slow as a whole. */
#define CALL_TRY_MS 1000u
/*  With another node to go to, nobody waits longer than this for a connection; it is made all the same, and the node's
 *  turn comes again. */
#define CALL_CONNECT_MS 100u
/*  But for a write that may be known there, if the node still lives: ZeroMQ connects again after 100 to 200 ms. */
#define CALL_CONNECT_AGAIN_MS 250u
/*  The node is asked to answer so much earlier than we stop waiting, that its "timeout" arrives. */
#define CALL_MARGIN_MS 10u

typedef struct {
    uint64_t deadline_ms; /* of the call */
    uint64_t share_ms;    /* of one try */
    unsigned tries;
    bool brief;          /* this try has less than its share */
    size_t node;         /* index of the link */
    unsigned unanswered; /* tries at this node without an answer, one after the other */
    size_t inconclusive; /* answers so far that did not settle the call */
    bool sent;           /* some try left this process */
    bool doubtful;       /* a write whose outcome is not known left this process */
    bool lost;           /* a connection broke while its answer was awaited */
    cw_status_t status;  /* of the last answer; CW_NO_NODE: there was none */
    char message[LIMIT_SENTENCE_BYTES + 1];
} plan_t;

cw_status_t call_fail (cw_client_t *client, cw_status_t status, const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (client->error, sizeof client->error, format, arguments);
    va_end (arguments);
    return status;
}

/*  A node's sentence as text that is safe to log: one line, no control bytes. */
static void s_keep_message (plan_t *plan, bytes_t message)
{
    size_t size = message.size < sizeof plan->message ? message.size : sizeof plan->message - 1;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = message.data[i];
        plan->message[i] = (char) (byte < 0x20 || byte == 0x7f ? ' ' : byte);
    }
    plan->message[size] = 0;
}

/*  Gives the request the id and the time of one try. `wire` is what the reply will repeat. */
static void s_number (cw_client_t *client, call_t *call, uint64_t time_ms,
                      uint8_t wire[LINK_ID_BYTES])
{
    uint64_t id = ++client->id;
    wire[0] = 0xc4; /* MessagePack: bin of up to 255 bytes, here 8 */
    wire[1] = 8;
    for (size_t i = 0; i < 8; i++)
        wire[2 + i] = (uint8_t) (id >> (56 - 8 * i));
    uint64_t least_ms = time_ms > 2 * CALL_MARGIN_MS ? time_ms - CALL_MARGIN_MS : 1 + time_ms / 2;
    uint32_t limit_ms = least_ms < LIMIT_TIMEOUT_MS ? (uint32_t) least_ms : LIMIT_TIMEOUT_MS;
    GIVE (request, &call->request, id, bytes_view (wire, LINK_ID_BYTES));
    GIVE (request, &call->request, timeout, limit_ms);
}

/*  One try at plan->node. */
static link_outcome_t s_try (cw_client_t *client, call_t *call, plan_t *plan)
{
    link_t *link = &client->links[plan->node];
    turn_asked (client, plan->node);
    uint64_t now_ms = link_now_ms ();
    plan->brief = client->count > 1 && plan->tries++ <= CALL_SHARES && plan->share_ms > CALL_TRY_MS;
    uint64_t until_ms = now_ms + (plan->brief ? CALL_TRY_MS : plan->share_ms);
    if (until_ms > plan->deadline_ms)
        until_ms = plan->deadline_ms;
    uint64_t connect_ms = until_ms;
    unsigned most_ms = plan->unanswered ? CALL_CONNECT_AGAIN_MS : CALL_CONNECT_MS;
    if (client->count > 1 && now_ms + most_ms < connect_ms)
        connect_ms = now_ms + most_ms;
    if (link_wait_connected (link, connect_ms))
        return LINK_UNSENT;

    uint8_t id[LINK_ID_BYTES];
    now_ms = link_now_ms ();
    s_number (client, call, until_ms > now_ms ? until_ms - now_ms : 0, id);
    buffer_t buffer;
    /* Each part is within its own limit, so that the whole cannot pass this one. */
    buffer_init (&buffer, LIMIT_PEER_FRAME_BYTES);
    if (codec_encode (&request_schema, &call->request, &buffer)) {
        buffer_clear (&buffer);
        return LINK_UNSENT;
    }
    if (plan->sent)
        client->traffic.resends++;
    link_outcome_t outcome = link_exchange (link, buffer_view (&buffer), id, until_ms, &call->frame,
                                            &client->traffic.late, &client->traffic.refused);
    buffer_clear (&buffer);
    if (outcome != LINK_UNSENT)
        plan->sent = true;
    return outcome;
}

/*  Reads the reply in call->frame. CW_INTERNAL with plan->message set for one that is none of this op. */
static cw_status_t s_read (call_t *call, plan_t *plan, bool (*check) (const void *reply))
{
    failure_t head;
    const char *why = "it is not a map";
    if (codec_decode (&failure_schema, call->frame, &head, &why)) {
        snprintf (plan->message, sizeof plan->message, "the reply is malformed: %s", why);
        return CW_INTERNAL;
    }
    s_keep_message (plan, head.message);
    char *name = memory_text (head.status.data, head.status.size);
    status_t found = status_find (name);
    free (name);
    bool known = found != STATUS_COUNT && HAS (failure, &head, status);
    codec_clear (&failure_schema, &head);
    if (!known) {
        snprintf (plan->message, sizeof plan->message,
                  "the reply has no status that is known here");
        return CW_INTERNAL;
    }
    if (found != STATUS_OK && found != STATUS_NOT_FOUND)
        return (cw_status_t) found;
    why = "a field is missing";
    if (codec_decode (call->schema, call->frame, call->reply, &why) == 0) {
        if (!check || check (call->reply))
            return (cw_status_t) found;
        codec_clear (call->schema, call->reply);
    }
    snprintf (plan->message, sizeof plan->message, "the reply is malformed: %s", why);
    return CW_INTERNAL;
}

static void s_next_node (cw_client_t *client, plan_t *plan)
{
    plan->unanswered = 0;
    if (client->count < 2)
        return;
    uint64_t now_ms = link_now_ms ();
    turn_failed (client, plan->node, now_ms);
    plan->node = turn_next (client, plan->node, now_ms);
    client->traffic.failovers++;
}

/*  Whether an answer ends the call whatever other nodes might say. */
static bool s_settles (cw_status_t status, bool write)
{
    switch (status) {
    case CW_OK:
    case CW_NOT_FOUND:
    case CW_BAD_REQUEST:
    case CW_BAD_CONTEXT:
    case CW_TOO_LARGE:
    case CW_TOO_MANY_SIBLINGS:
    case CW_FORBIDDEN: return true;
    case CW_INTERNAL: return write;
    case CW_UNAVAILABLE:
    case CW_TIMEOUT:
    case CW_UNKNOWN:
    case CW_OVERLOADED:
    case CW_READ_ONLY:
    case CW_NO_NODE: return false;
    }
    return false;
}

/*  Takes an answer in; true when the call has ended. */
static bool s_answered (cw_client_t *client, call_t *call, plan_t *plan,
                        bool (*check) (const void *reply))
{
    plan->status = s_read (call, plan, check);
    if (plan->status == CW_OK || plan->status == CW_NOT_FOUND) {
        turn_served (client, plan->node);
        return true;
    }
    bytes_clear (&call->frame);
    bool in_doubt = plan->status == CW_UNKNOWN || plan->status == CW_INTERNAL;
    if (call->write && in_doubt)
        plan->doubtful = true;
    if (s_settles (plan->status, call->write))
        return true;
    /* Two words a node and one more: enough for a resend after `unknown`, and an end to any loop. What ran out of a brief
     * try's time is tried again at length. */
    plan->inconclusive +=
        !plan->brief || (plan->status != CW_TIMEOUT && plan->status != CW_UNKNOWN);
    if (call->write && in_doubt && plan->unanswered++ == 0)
        return plan->inconclusive > client->count;
    s_next_node (client, plan);
    return plan->inconclusive >= client->count + (plan->doubtful ? 1 : 0);
}

/*  The end of a write that left in doubt whether it was stored. */
static cw_status_t s_doubt (cw_client_t *client, const call_t *call, const plan_t *plan)
{
    bool answered = plan->status != CW_NO_NODE;
    /* A node's transport closes the connection on a message over twice its limits/value, without a word. */
    bool large = plan->lost && call->request.value.size > 1024 * 1024;
    return call_fail (client, CW_UNKNOWN,
                      "the write may or may not have been stored: %s%s%s; read the key, or send it "
                      "again with the same put_id",
                      answered ? "the last answer was: " : "no answer came in time",
                      answered ? plan->message : "",
                      large ? " (the value may be over the node's limits/value)" : "");
}

/*  How the call ends, and the sentence for it. */
static cw_status_t s_conclude (cw_client_t *client, const call_t *call, const plan_t *plan,
                               int timeout_ms)
{
    const char *endpoint = client->links[plan->node].endpoint;
    switch (plan->status) {
    case CW_OK: client->error[0] = 0; return CW_OK;
    case CW_NOT_FOUND: return call_fail (client, CW_NOT_FOUND, "the key has no value");
    case CW_BAD_REQUEST: /* an earlier try was refused for the same reason */
    case CW_BAD_CONTEXT:
    case CW_TOO_LARGE:
    case CW_INTERNAL: break;
    case CW_TOO_MANY_SIBLINGS:
    case CW_UNAVAILABLE:
    case CW_TIMEOUT:
    case CW_UNKNOWN:
    case CW_OVERLOADED:
    case CW_READ_ONLY:
    case CW_FORBIDDEN:
    case CW_NO_NODE:
        if (plan->doubtful)
            return s_doubt (client, call, plan);
        break;
    }
    if (plan->status != CW_NO_NODE)
        return call_fail (client, plan->status, "%s",
                          plan->message[0] ? plan->message : cw_status_name (plan->status));
    if (plan->sent)
        return call_fail (client, CW_TIMEOUT,
                          "%s did not answer within %d ms; try again, or with a longer time-out",
                          endpoint, timeout_ms);
    return call_fail (
        client, CW_NO_NODE,
        "no node could be reached at %s%s within %d ms; is it running, and is this its "
        "listen/client endpoint?",
        endpoint, client->count > 1 ? " or the other endpoints" : "", timeout_ms);
}

cw_status_t call_run (cw_client_t *client, call_t *call, bool (*check) (const void *reply))
{
    int timeout_ms = call->timeout_ms > 0 ? call->timeout_ms : client->timeout_ms;
    uint64_t now_ms = link_now_ms ();
    size_t shares = (client->count < CALL_SHARES ? client->count : CALL_SHARES) + call->write;
    plan_t plan = {
        .deadline_ms = now_ms + (uint64_t) timeout_ms,
        .share_ms = (uint64_t) timeout_ms / shares + 1,
        .node = turn_first (client, now_ms),
        .status = CW_NO_NODE,
    };
    client->traffic.requests++;
    bool ended = false;
    while (!ended && link_now_ms () < plan.deadline_ms) {
        switch (s_try (client, call, &plan)) {
        case LINK_ANSWERED: ended = s_answered (client, call, &plan, check); break;
        case LINK_UNSENT: s_next_node (client, &plan); break;
        case LINK_LOST: plan.lost = true; /* fallthrough */
        case LINK_SILENT:
            plan.doubtful = call->write;
            if (!call->write || plan.unanswered++ > 0)
                s_next_node (client, &plan);
            break;
        }
    }
    return s_conclude (client, call, &plan, timeout_ms);
}
