/*  test_losses.c - what is dropped is counted, and told at a bounded rate. */
#include <criterion/criterion.h>
#include <string.h>

#include "actors/losses.h"

Test (losses, one_line_a_kind_and_quiet_time)
{
    losses_t losses = {.news = false};
    char line[512];
    cr_assert_not (losses_line (&losses, 5, line, sizeof line));
    losses_add (&losses, LOSS_MAILBOX, 3, "replica");
    losses_add (&losses, LOSS_FRAMES, 1, NULL);
    cr_assert (losses_line (&losses, 5, line, sizeof line));
    cr_assert_eq (strncmp (line, "3 lost", 6), 0, "%s", line);
    cr_assert_not_null (strstr (line, "(replica)"), "%s", line);
    cr_assert (losses_line (&losses, 5, line, sizeof line));
    cr_assert_eq (strncmp (line, "1 refused", 9), 0, "%s", line);
    cr_assert_not (losses_line (&losses, 5, line, sizeof line));

    for (int i = 0; i < 1000; i++)
        losses_add (&losses, LOSS_MAILBOX, 1, "gossip");
    cr_assert_not (losses_line (&losses, 4 + LOSSES_QUIET_US, line, sizeof line));
    cr_assert (losses_line (&losses, 5 + LOSSES_QUIET_US, line, sizeof line));
    cr_assert_eq (strncmp (line, "1000 lost", 9), 0, "%s", line);
    cr_assert_not (losses_line (&losses, 5 + LOSSES_QUIET_US, line, sizeof line));
    cr_assert_eq (losses.count[LOSS_MAILBOX], 1003);
}

Test (losses, nothing_is_no_news)
{
    losses_t losses = {.news = false};
    losses_add (&losses, LOSS_PEER, 0, NULL);
    cr_assert_not (losses.news);
}
