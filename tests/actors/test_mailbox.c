/*  test_mailbox.c - batches of pointers: in order, bounded, never waiting, and nothing leaks (run it under ASan). */
#include "toys.h"

#include "actors/mailbox.h"

static void s_add (outbox_t *outbox, uint64_t sequence)
{
    message_t *message = toys_sync (sequence);
    cr_assert_eq (outbox_add (outbox, &message), 0);
    cr_assert_null (message);
}

/*  The next message, of this batch or the next one. */
static message_t *s_next (inbox_t *inbox)
{
    message_t *message = inbox_take (inbox);
    if (!message && inbox_receive (inbox))
        message = inbox_take (inbox);
    return message;
}

static void s_expect (inbox_t *inbox, uint64_t sequence)
{
    message_t *message = s_next (inbox);
    cr_assert_not_null (message);
    cr_assert_eq (message->sync.sequence, sequence);
    message_destroy (&message);
}

Test (mailbox, order_is_kept_over_batches)
{
    prefix_t prefix = prefix_new ();
    outbox_t *outbox = outbox_new (&prefix, ROLE_REPLICA); /* before the inbox is there */
    s_add (outbox, 1);
    cr_assert_eq (outbox_flush (outbox), 0);
    inbox_t *inbox = inbox_new (&prefix, ROLE_REPLICA);
    for (uint64_t i = 2; i <= 3 * LIMIT_BATCH_MESSAGES; i++)
        s_add (outbox, i);
    cr_assert_eq (outbox_flush (outbox), 0);
    cr_assert_eq (outbox_flush (outbox), 0, "nothing left to send");
    for (uint64_t i = 1; i <= 3 * LIMIT_BATCH_MESSAGES; i++)
        s_expect (inbox, i);
    cr_assert_null (s_next (inbox));
    outbox_destroy (&outbox);
    inbox_destroy (&inbox);
}

Test (mailbox, what_was_sent_outlives_the_sender)
{
    prefix_t prefix = prefix_new ();
    inbox_t *inbox = inbox_new (&prefix, ROLE_SYNCER);
    outbox_t *outbox = outbox_new (&prefix, ROLE_SYNCER);
    s_add (outbox, 7);
    outbox_flush (outbox);
    outbox_destroy (&outbox);
    cr_assert (toys_readable (inbox_handle (inbox), 5000));
    s_expect (inbox, 7);
    inbox_destroy (&inbox);
}

Test (mailbox, a_full_one_loses_and_counts_without_waiting)
{
    prefix_t prefix = prefix_new ();
    inbox_t *inbox = inbox_new (&prefix, ROLE_REPLICA);
    outbox_t *outbox = outbox_new (&prefix, ROLE_REPLICA);
    size_t sent = 0;
    size_t lost = 0;
    for (size_t i = 0; i < LIMIT_MAILBOX_FRAMES + 100; i++) {
        s_add (outbox, i);
        s_add (outbox, i);
        size_t now = outbox_flush (outbox);
        lost += now;
        sent += now == 0;
    }
    cr_assert_eq (sent, LIMIT_MAILBOX_FRAMES);
    cr_assert_eq (lost, 2 * 100);
    for (size_t i = 0; i < LIMIT_MAILBOX_FRAMES; i++) {
        s_expect (inbox, i);
        s_expect (inbox, i);
    }
    cr_assert_null (s_next (inbox));
    /* With room again, it takes again. */
    s_add (outbox, 5);
    AWAIT (outbox_flush (outbox) == 0);
    outbox_destroy (&outbox);
    inbox_destroy (&inbox);
}

Test (mailbox, nothing_leaks_when_ends_close_early)
{
    prefix_t prefix = prefix_new ();
    inbox_t *inbox = inbox_new (&prefix, ROLE_REPLICA);
    outbox_t *outbox = outbox_new (&prefix, ROLE_REPLICA);
    for (int batch = 0; batch < 3; batch++) {
        for (uint64_t i = 0; i < 10; i++)
            s_add (outbox, i);
        outbox_flush (outbox);
    }
    s_expect (inbox, 0); /* one is taken out, nine are in the frame at hand, twenty in the queue */
    inbox_destroy (&inbox);
    AWAIT ((s_add (outbox, 1), outbox_flush (outbox) == 1)); /* nobody is there any more */
    s_add (outbox, 2);
    outbox_destroy (&outbox);

    outbox = outbox_new (&prefix, ROLE_GOSSIP); /* its inbox never comes */
    s_add (outbox, 3);
    outbox_flush (outbox);
    outbox_destroy (&outbox);
}

Test (mailbox, prefixes_differ)
{
    prefix_t one = prefix_new ();
    prefix_t other = prefix_new ();
    cr_assert_str_neq (one.text, other.text);
    inbox_t *a = inbox_new (&one, ROLE_REPLICA);
    inbox_t *b = inbox_new (&other, ROLE_REPLICA);
    outbox_t *outbox = outbox_new (&one, ROLE_REPLICA);
    s_add (outbox, 1);
    outbox_flush (outbox);
    s_expect (a, 1);
    cr_assert_null (s_next (b));
    outbox_destroy (&outbox);
    inbox_destroy (&a);
    inbox_destroy (&b);
}
