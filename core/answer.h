/*  answer.h - replies to clients: a status, the request's id, and the op's own fields (docs/protocol.md, Replies).
 */
#ifndef CARTWHEEL_ANSWER_H
#define CARTWHEEL_ANSWER_H

#include "coordinator.h"

/*  A reply that is neither `ok` nor `not_found`, with a sentence for a person. To the operation's client, which is then
 *  answered; `acks` is told for a time-out and for `unknown`. */
void answer_failure (coordinator_t *self, operation_t *operation, effects_t *effects,
                     status_t status, const char *format, ...)
    __attribute__ ((format (printf, 5, 6)));

/*  The same for a request that never became an operation. `id` is RAW and may be empty. */
void answer_refusal (coordinator_t *self, bytes_t client, bytes_t id, effects_t *effects,
                     status_t status, const char *format, ...)
    __attribute__ ((format (printf, 6, 7)));

/*  Sends a reply of the op's own record; the operation is then answered. ANSWER gives it `status` and `id` first:
 *  ANSWER (self, operation, got, &reply, STATUS_OK, effects). */
#define ANSWER(self, operation, record, reply, outcome, effects)                     \
    do {                                                                             \
        bytes_t answer_id_ = (operation)->reply_id;                                  \
        GIVE (record, reply, status, bytes_text (status_name (outcome)));            \
        if (answer_id_.size > 0)                                                     \
            GIVE (record, reply, id, bytes_view (answer_id_.data, answer_id_.size)); \
        answer_send (self, operation, outcome, &record##_schema, reply, effects);    \
    } while (0)

void answer_send (coordinator_t *self, operation_t *operation, status_t status,
                  const schema_t *schema, const void *reply, effects_t *effects);

/*  What each replica that was asked said, for `explain`: an owned list. */
attempt_list_t answer_explain (const coordinator_t *self, const operation_t *operation,
                               uint64_t now_us);

/*  A member's name, lent by the ring. */
bytes_t answer_node_name (const coordinator_t *self, uint64_t node);

#endif
