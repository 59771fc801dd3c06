/*  test_turn.c - which node is asked next. */
#include <criterion/criterion.h>

#include "client/turn.h"

#define NODES 4
#define NOW_MS 1000000u

typedef struct {
    cw_client_t client;
    link_t links[NODES];
} fixture_t;

static void s_begin (fixture_t *self)
{
    *self = (fixture_t){.client = {.count = NODES}};
    self->client.links = self->links;
    self->client.traffic.requests = 1;
}

Test (turn, begins_with_the_node_that_answered_last)
{
    fixture_t self;
    s_begin (&self);
    cr_expect_eq (turn_first (&self.client, NOW_MS), 0);
    turn_served (&self.client, 2);
    cr_expect_eq (turn_first (&self.client, NOW_MS), 2);
    turn_failed (&self.client, 2, NOW_MS);
    cr_expect_eq (turn_first (&self.client, NOW_MS), 3);
    turn_failed (&self.client, 3, NOW_MS);
    cr_expect_eq (turn_first (&self.client, NOW_MS), 0);
    turn_failed (&self.client, 0, NOW_MS);
    turn_failed (&self.client, 1, NOW_MS);
    cr_expect_eq (turn_first (&self.client, NOW_MS), 2, "where all failed none is avoided");
    cr_expect_eq (turn_first (&self.client, NOW_MS + 500), 2);
}

Test (turn, goes_round)
{
    fixture_t self;
    s_begin (&self);
    for (size_t i = 0; i < 2 * NODES; i++) {
        turn_asked (&self.client, i % NODES);
        cr_expect_eq (turn_next (&self.client, i % NODES, NOW_MS), (i + 1) % NODES);
    }
    self.client.count = 1;
    cr_expect_eq (turn_next (&self.client, 0, NOW_MS), 0);
}

Test (turn, one_that_failed_comes_after_the_others)
{
    fixture_t self;
    s_begin (&self);
    turn_failed (&self.client, 1, NOW_MS);
    turn_asked (&self.client, 0);
    cr_expect_eq (turn_next (&self.client, 0, NOW_MS), 2);
    turn_asked (&self.client, 2);
    turn_asked (&self.client, 3);
    cr_expect_eq (turn_next (&self.client, 3, NOW_MS), 1, "it was not asked yet");
    turn_asked (&self.client, 1);
    cr_expect_eq (turn_next (&self.client, 0, NOW_MS), 2, "all were asked, and it failed");
    /* The next call asks anew. */
    self.client.traffic.requests++;
    turn_asked (&self.client, 0);
    cr_expect_eq (turn_next (&self.client, 0, NOW_MS + 500), 1, "its time is over");
}

/*  For how long the node is avoided. */
static uint64_t s_avoided_ms (const fixture_t *self, size_t node)
{
    return self->links[node].avoided_until_ms - NOW_MS;
}

Test (turn, who_fails_again_is_avoided_for_longer)
{
    fixture_t self;
    s_begin (&self);
    uint64_t expected_ms = 500;
    for (int i = 0; i < 10; i++) {
        turn_failed (&self.client, 0, NOW_MS);
        cr_expect_eq (s_avoided_ms (&self, 0), expected_ms);
        expected_ms = expected_ms < 16000 ? 2 * expected_ms : expected_ms;
    }
    turn_served (&self.client, 0);
    cr_expect_eq (turn_first (&self.client, NOW_MS), 0);
    turn_failed (&self.client, 0, NOW_MS);
    cr_expect_eq (s_avoided_ms (&self, 0), 500);
}
