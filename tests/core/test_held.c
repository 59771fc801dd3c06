/*  test_held.c - replies in a queue: in their order, each with the commit that it belongs to. */
#include <criterion/criterion.h>

#include "core/held.h"

static void s_add (held_list_t *list, uint64_t request, bool flush)
{
    message_t *message = message_new (MESSAGE_replicate_reply);
    message->replicate_reply.request = request;
    held_add (list, (address_t){.node = request + 1, .role = ROLE_COORDINATOR}, &message, flush);
    cr_assert_null (message);
}

static uint64_t s_take (held_list_t *list, uint64_t *sequence)
{
    held_t held = held_take (list);
    uint64_t request = held.message->replicate_reply.request;
    cr_assert_eq (held.to.node, request + 1);
    *sequence = held.sequence;
    message_destroy (&held.message);
    return request;
}

Test (held, replies_leave_in_order_with_their_commit)
{
    held_list_t list = {0};
    cr_assert_null (held_first (&list));
    uint64_t added = 0, taken = 0, sequence;
    for (uint64_t round = 1; round <= 300; round++) {
        for (uint64_t i = 0; i < round % 7; i++)
            s_add (&list, added++, false);
        held_commit (&list, round);
        for (uint64_t i = 0; i < round % 5 && list.count > 0; i++) {
            cr_assert_eq (s_take (&list, &sequence), taken++);
            cr_assert_leq (sequence, round);
        }
    }
    uint64_t last = 0;
    for (; list.count > 0; last = sequence) {
        cr_assert_eq (s_take (&list, &sequence), taken++);
        cr_assert_geq (sequence, last);
    }
    cr_assert_eq (taken, added);
    held_clear (&list);
}

Test (held, a_commit_covers_what_was_queued_before_it_alone)
{
    held_list_t list = {0};
    s_add (&list, 1, false);
    s_add (&list, 2, true);
    cr_assert_eq (held_first (&list)->sequence, HELD_NOT_COMMITTED);
    held_commit (&list, 5);
    s_add (&list, 3, false);
    cr_assert_eq (held_first (&list)->sequence, 5);
    cr_assert_not (held_first (&list)->flush);
    uint64_t sequence;
    s_take (&list, &sequence);
    cr_assert (held_first (&list)->flush);
    s_take (&list, &sequence);
    cr_assert_eq (sequence, 5);
    held_commit (&list, 6);
    cr_assert_eq (held_first (&list)->sequence, 6);
    held_clear (&list);
    held_clear (&list);
    cr_assert_null (held_first (&list));
}
