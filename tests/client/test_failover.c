/*  test_failover.c - libcartwheel among several nodes, of which some are dead, slow, or unable to serve. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

#include "client/cartwheel.h"
#include "server.h"

#define TIMEOUT_MS 6000
/*  What a call takes at most that waits for no time-out, on a slow machine. A share of the time is longer. */
#define PROMPT_MS 1000

static uint64_t s_now_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}

static cw_status_t s_put (cw_client_t *client)
{
    return cw_put (client, "key", 3, "value", 5, NULL, NULL);
}

static cw_status_t s_get (cw_client_t *client)
{
    cw_result_t result = {0};
    cw_status_t status = cw_get (client, "key", 3, NULL, &result);
    cw_result_clear (&result);
    return status;
}

/*  An endpoint where nobody listens. */
static void s_nowhere (char endpoint[64])
{
    server_t *server = server_new (STEPS (STEP_OK));
    snprintf (endpoint, 64, "%s", server->endpoint);
    server_destroy (&server);
}

static cw_client_t *s_client_of (const char *first, const char *second, const char *third)
{
    char endpoints[256];
    snprintf (endpoints, sizeof endpoints, "%s %s %s", first, second, third);
    return cw_new (endpoints, TIMEOUT_MS);
}

Test (failover, one_dead_and_one_slow_node_cost_one_call)
{
    char dead[64];
    s_nowhere (dead);
    server_t *slow = server_new (STEPS (STEP_SILENT, STEP_SILENT, STEP_SILENT));
    server_t *good = server_new (STEPS (STEP_OK));
    cw_client_t *client = s_client_of (dead, slow->endpoint, good->endpoint);
    cr_expect_eq (s_get (client), CW_OK);
    for (int i = 0; i < 10; i++) {
        uint64_t began_ms = s_now_ms ();
        cr_expect_eq (s_put (client), CW_OK);
        cr_expect_lt (s_now_ms () - began_ms, PROMPT_MS);
    }
    server_stop (slow);
    server_stop (good);
    cr_expect_eq (slow->count, 1);
    cr_expect_eq (good->count, 11);
    cw_traffic_t traffic;
    cw_traffic (client, &traffic);
    cr_expect_eq (traffic.failovers, 2);
    cw_destroy (&client);
    server_destroy (&slow);
    server_destroy (&good);
}

/*  However much time the call has. */
Test (failover, a_silent_node_is_not_waited_for_long)
{
    server_t *silent = server_new (STEPS (STEP_SILENT, STEP_SILENT, STEP_SILENT));
    server_t *good = server_new (STEPS (STEP_OK));
    cw_client_t *client = s_client_of (silent->endpoint, good->endpoint, "");
    cw_options_t options = {.timeout_ms = 60000};
    uint64_t began_ms = s_now_ms ();
    cr_expect_eq (cw_put (client, "key", 3, "value", 5, &options, NULL), CW_OK);
    uint64_t took_ms = s_now_ms () - began_ms;
    cr_expect_geq (took_ms, 2000, "two tries at the silent one");
    cr_expect_lt (took_ms, 2000 + 2 * PROMPT_MS);
    server_stop (silent);
    cr_expect_eq (silent->count, 2);
    cw_destroy (&client);
    server_destroy (&silent);
    server_destroy (&good);
}

/*  A cluster that is slow as a whole gets the time that the caller allows it. */
Test (failover, later_tries_are_longer)
{
    server_t *server = server_new (STEPS (STEP_SILENT, STEP_SILENT, STEP_SILENT, STEP_SILENT,
                                          STEP_SILENT, STEP_SILENT, STEP_SILENT));
    cw_client_t *client = s_client_of (server->endpoint, server->endpoint, "");
    cw_options_t options = {.timeout_ms = 7000};
    cr_expect_eq (cw_put (client, "key", 3, "value", 5, &options, NULL), CW_UNKNOWN);
    server_stop (server);
    cr_assert_eq (server->count, 6);
    cr_expect_lt (server->requests[3].timeout, 1000);
    cr_expect_gt (server->requests[4].timeout, 2000);
    cw_destroy (&client);
    server_destroy (&server);
}

/*  Nodes that say so are as slow as those that say nothing. */
Test (failover, what_a_brief_try_did_not_settle_is_tried_at_length)
{
    for (int write = 0; write < 2; write++) {
        step_t slow = write ? STEP_UNKNOWN : STEP_TIMEOUT;
        server_t *server = server_new (STEPS (slow, slow, slow, slow));
        cw_client_t *client = s_client_of (server->endpoint, server->endpoint, "");
        cw_options_t options = {.timeout_ms = 7000};
        cw_result_t result = {0};
        cr_expect_eq (write ? cw_put (client, "key", 3, "value", 5, &options, &result)
                            : cw_get (client, "key", 3, &options, &result),
                      CW_OK);
        server_stop (server);
        cr_assert_eq (server->count, 5);
        cr_expect_lt (server->requests[3].timeout, 1000);
        cr_expect_gt (server->requests[4].timeout, 2000);
        cw_result_clear (&result);
        cw_destroy (&client);
        server_destroy (&server);
    }
}

Test (failover, a_node_that_dies_in_the_middle_costs_no_error)
{
    server_t *first = server_new (STEPS (STEP_OK, STEP_CLOSE));
    server_t *second = server_new (STEPS (STEP_OK));
    server_t *third = server_new (STEPS (STEP_OK));
    cw_client_t *client = s_client_of (first->endpoint, second->endpoint, third->endpoint);
    cr_expect_eq (s_put (client), CW_OK);
    server_destroy (&first);
    uint64_t began_ms = s_now_ms ();
    cr_expect_eq (s_put (client), CW_OK);
    cr_expect_eq (s_put (client), CW_OK);
    cr_expect_lt (s_now_ms () - began_ms, 2 * PROMPT_MS);
    server_destroy (&second);
    cr_expect_eq (s_put (client), CW_OK);
    server_stop (third);
    cr_expect_eq (third->count, 1);
    cw_destroy (&client);
    server_destroy (&third);
}

/*  Whatever a node answers that only concerns itself, the next one is asked, with the same put_id. */
Test (failover, a_node_that_cannot_serve_is_left)
{
    const step_t steps[] = {STEP_UNAVAILABLE, STEP_OVERLOADED, STEP_READ_ONLY};
    for (size_t i = 0; i < 3; i++) {
        server_t *first = server_new (STEPS (steps[i]));
        server_t *second = server_new (STEPS (steps[i]));
        server_t *third = server_new (STEPS (STEP_OK));
        cw_client_t *client = s_client_of (first->endpoint, second->endpoint, third->endpoint);
        uint64_t began_ms = s_now_ms ();
        cr_expect_eq (s_put (client), CW_OK);
        cr_expect_lt (s_now_ms () - began_ms, 2 * PROMPT_MS);
        cr_expect_eq (s_put (client), CW_OK);
        server_stop (first);
        server_stop (second);
        server_stop (third);
        cr_assert_eq (first->count, 1);
        cr_assert_eq (second->count, 1);
        cr_assert_eq (third->count, 2);
        cr_expect (bytes_equal (first->requests[0].put_id, third->requests[0].put_id));
        cw_destroy (&client);
        server_destroy (&first);
        server_destroy (&second);
        server_destroy (&third);
    }
}

/*  The node may know the put_id, so it is asked once more before anyone else is. */
Test (failover, an_unknown_write_goes_to_the_same_node_once_more)
{
    server_t *first = server_new (STEPS (STEP_UNKNOWN, STEP_UNKNOWN));
    server_t *second = server_new (STEPS (STEP_OVERLOADED));
    server_t *third = server_new (STEPS (STEP_OK));
    cw_client_t *client = s_client_of (first->endpoint, second->endpoint, third->endpoint);
    cw_options_t options = {.context = {"ctx", 3}};
    cr_expect_eq (cw_put (client, "key", 3, "value", 5, &options, NULL), CW_OK);
    server_stop (first);
    server_stop (second);
    server_stop (third);
    cr_assert_eq (first->count, 2);
    cr_assert_eq (second->count, 1);
    cr_assert_eq (third->count, 1);
    const request_t *sent = &third->requests[0];
    cr_expect (bytes_equal (sent->put_id, first->requests[0].put_id));
    cr_expect (bytes_equal (sent->put_id, first->requests[1].put_id));
    cr_expect (bytes_equal (sent->context, bytes_text ("ctx")));
    cw_destroy (&client);
    server_destroy (&first);
    server_destroy (&second);
    server_destroy (&third);
}

/*  The first node may have stored it: that the others refuse says nothing about that. */
Test (failover, refusals_elsewhere_do_not_end_a_doubt)
{
    server_t *first = server_new (STEPS (STEP_CLOSE, STEP_CLOSE, STEP_CLOSE, STEP_CLOSE));
    server_t *second = server_new (STEPS (STEP_UNAVAILABLE, STEP_UNAVAILABLE, STEP_UNAVAILABLE));
    server_t *third = server_new (STEPS (STEP_UNAVAILABLE, STEP_UNAVAILABLE, STEP_UNAVAILABLE));
    cw_client_t *client = s_client_of (first->endpoint, second->endpoint, third->endpoint);
    cr_expect_eq (s_put (client), CW_UNKNOWN);
    cw_destroy (&client);
    server_destroy (&first);
    server_destroy (&second);
    server_destroy (&third);
}
