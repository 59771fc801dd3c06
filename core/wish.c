/*  wish.c - see wish.h. */
#include "wish.h"

#include "answer.h"

bool wish_begin (operation_t *operation, const request_t *request, effects_t *effects)
{
    message_t *message = message_new (MESSAGE_admin);
    admin_t *admin = &message->admin;
    admin->request = operation->id;
    admin->op = (uint8_t) operation->op;
    if (HAS (request, request, seed))
        admin->seed = bytes_copy (request->seed.data, request->seed.size);
    if (HAS (request, request, node))
        admin->node = bytes_copy (request->node.data, request->node.size);
    effects_send_here (effects, ROLE_GOSSIP, &message);
    return false;
}

bool wish_reply (coordinator_t *self, operation_t *operation, const message_t *message,
                 effects_t *effects)
{
    const admin_reply_t *reply = &message->admin_reply;
    if (reply->status == STATUS_OK) {
        failure_t done = {0}; /* nothing but the head that every reply has */
        ANSWER (self, operation, failure, &done, STATUS_OK, effects);
    } else
        answer_failure (self, operation, effects, (status_t) reply->status, "%.*s",
                        (int) reply->message.size, (const char *) reply->message.data);
    return true;
}

bool wish_tick (coordinator_t *self, operation_t *operation, uint64_t now_us, effects_t *effects)
{
    if (now_us < operation->deadline_us)
        return false;
    answer_failure (self, operation, effects, STATUS_TIMEOUT,
                    "the change is not recorded yet; it goes on, and `status` shows it once it is; "
                    "asking again does no harm");
    return true;
}
