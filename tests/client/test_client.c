/*  test_client.c - libcartwheel against a node that is silent, late, broken or lying. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/cartwheel.h"
#include "messages/memory.h"
#include "server.h"

#define TIMEOUT_MS 400
/*  For calls that are expected to be answered: long, so that a slow machine does not fail them. */
#define PATIENCE_MS 20000

static const uint8_t s_put_id[CW_PUT_ID_BYTES] = "0123456789abcde";

static uint64_t s_now_ms (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (uint64_t) now.tv_sec * 1000 + (uint64_t) now.tv_nsec / 1000000;
}

static bool s_is (cw_bytes_t run, const char *text)
{
    return run.size == strlen (text) && !memcmp (run.data, text, run.size);
}

static cw_status_t s_get (cw_client_t *client, cw_result_t *result)
{
    return cw_get (client, "key", 3, NULL, result);
}

static cw_status_t s_put (cw_client_t *client, cw_result_t *result)
{
    return cw_put (client, "key", 3, "value", 5, NULL, result);
}

/* ---- what is sent and what comes back ---- */

Test (client, refuses_what_is_no_list_of_endpoints)
{
    cr_expect_null (cw_new ("", 1000));
    cr_expect_null (cw_new (NULL, 1000));
    cr_expect_null (cw_new ("  ", 1000));
    cr_expect_null (cw_new ("127.0.0.1:7101", 1000));
    cr_expect_null (cw_new ("tcp://127.0.0.1:7101 nonsense", 1000));
    cr_expect_null (cw_new ("tcp://127.0.0.1:7101", 0));
    cr_expect_null (cw_new ("tcp://127.0.0.1:7101", -1));
    cw_client_t *client = cw_new (" tcp://127.0.0.1:7101  tcp://127.0.0.1:7201 ", 1000);
    cr_assert_not_null (client);
    cr_expect_str_eq (cw_error (client), "");
    cw_destroy (&client);
    cr_expect_null (client);
    cw_destroy (&client);
}

Test (client, names_each_status)
{
    cr_expect_str_eq (cw_status_name (CW_OK), "ok");
    cr_expect_str_eq (cw_status_name (CW_TOO_MANY_SIBLINGS), "too_many_siblings");
    cr_expect_str_eq (cw_status_name (CW_INTERNAL), "internal");
    cr_expect_str_eq (cw_status_name (CW_NO_NODE), "no_node");
}

Test (client, get_answers_every_sibling_and_the_context)
{
    server_t *server = server_new (STEPS (STEP_SIBLINGS, STEP_NOT_FOUND));
    cw_client_t *client = cw_new (server->endpoint, PATIENCE_MS);
    cw_result_t result = {0};
    cr_assert_eq (s_get (client, &result), CW_OK);
    cr_assert_eq (result.count, 3);
    cr_expect (s_is (result.values[0], "v1"));
    cr_expect_eq (result.values[1].size, 0);
    cr_expect (result.values[2].size == 2 && !memcmp (result.values[2].data, "\0\xff", 2));
    cr_expect (s_is (result.context, "context of a get"));
    cr_expect_str_eq (cw_error (client), "");

    cr_assert_eq (s_get (client, &result), CW_NOT_FOUND);
    cr_expect_eq (result.count, 0);
    cr_expect (s_is (result.context, "context of a get"));
    cw_result_clear (&result);
    cw_result_clear (&result);
    cw_destroy (&client);
    server_destroy (&server);
}

Test (client, sends_each_option_as_the_contract_names_it)
{
    server_t *server = server_new (STEPS (STEP_OK, STEP_OK, STEP_OK));
    cw_client_t *client = cw_new (server->endpoint, PATIENCE_MS);
    cw_result_t result = {0};
    cw_options_t get = {.r = 2, .strict = true, .explain = true, .floor = {"floor", 5}};
    cw_options_t put = {.w = 3, .context = {"ctx", 3}, .put_id = s_put_id, .timeout_ms = 5000};
    cr_assert_eq (cw_get (client, "a\0b", 3, &get, &result), CW_OK);
    cr_assert_eq (cw_put (client, "key", 3, "", 0, &put, &result), CW_OK);
    cr_expect_eq (result.acks, 2);
    cr_expect (s_is (result.context, "context of a put"));
    cr_assert_eq (cw_delete (client, "key", 3, NULL, NULL), CW_OK);
    server_stop (server);

    cr_assert_eq (server->count, 3);
    const request_t *sent = &server->requests[0];
    cr_expect (bytes_equal (sent->op, bytes_text ("get")));
    cr_expect (bytes_equal (sent->key, bytes_view ("a\0b", 3)));
    cr_expect (HAS (request, sent, r) && sent->r == 2 && sent->strict && sent->explain);
    cr_expect (bytes_equal (sent->floor, bytes_text ("floor")));
    cr_expect (!HAS (request, sent, w) && !HAS (request, sent, put_id));
    cr_expect (HAS (request, sent, timeout) && sent->timeout <= LIMIT_TIMEOUT_MS);
    sent = &server->requests[1];
    cr_expect (bytes_equal (sent->op, bytes_text ("put")));
    cr_expect (HAS (request, sent, value) && sent->value.size == 0);
    cr_expect (bytes_equal (sent->context, bytes_text ("ctx")));
    cr_expect (bytes_equal (sent->put_id, bytes_view (s_put_id, CW_PUT_ID_BYTES)));
    cr_expect (sent->w == 3 && !HAS (request, sent, strict));
    cr_expect (sent->timeout > 1000 && sent->timeout < 5000);
    sent = &server->requests[2];
    cr_expect (bytes_equal (sent->op, bytes_text ("delete")));
    cr_expect (HAS (request, sent, context) && sent->context.size == 0);
    cw_result_clear (&result);
    cw_destroy (&client);
    server_destroy (&server);
}

Test (client, a_result_may_feed_the_next_request)
{
    server_t *server = server_new (STEPS (STEP_OK));
    cw_client_t *client = cw_new (server->endpoint, PATIENCE_MS);
    cw_result_t result = {0};
    cr_assert_eq (s_get (client, &result), CW_OK);
    cw_options_t options = {.context = result.context};
    cr_assert_eq (
        cw_put (client, "key", 3, result.values[0].data, result.values[0].size, &options, &result),
        CW_OK);
    options.context = result.context;
    cr_assert_eq (cw_put (client, "key", 3, "x", 1, &options, &result), CW_OK);
    server_stop (server);
    cr_expect (bytes_equal (server->requests[1].context, bytes_text ("context of a get")));
    cr_expect (bytes_equal (server->requests[1].value, bytes_text ("v1")));
    cr_expect (bytes_equal (server->requests[2].context, bytes_text ("context of a put")));
    /* Each of them has an id of its own for its retries. */
    cr_expect (!bytes_equal (server->requests[1].put_id, server->requests[2].put_id));
    cw_result_clear (&result);
    cw_destroy (&client);
    server_destroy (&server);
}

Test (client, pages_through_keys)
{
    server_t *server = server_new (STEPS (STEP_OK));
    cw_client_t *client = cw_new (server->endpoint, PATIENCE_MS);
    cw_page_t page = {0};
    cr_assert_eq (cw_keys (client, 7, (cw_bytes_t){0}, 2, &page), CW_OK);
    cr_assert_eq (page.count, 2);
    cr_expect (s_is (page.keys[0], "k1"));
    cr_expect (page.keys[1].size == 2 && page.next.size == 2);
    cr_assert_eq (cw_keys (client, 7, page.next, 0, &page), CW_OK);
    cr_expect_eq (page.count, 0);
    cr_expect_eq (page.next.size, 0);
    server_stop (server);
    cr_expect (server->requests[0].partition == 7 && server->requests[0].limit == 2);
    cr_expect (bytes_equal (server->requests[1].after, bytes_view ("k\0", 2)));
    cw_page_clear (&page);
    cw_destroy (&client);
    server_destroy (&server);
}

Test (client, hands_other_replies_over_whole)
{
    server_t *server = server_new (STEPS (STEP_OK));
    cw_client_t *client = cw_new (server->endpoint, PATIENCE_MS);
    cw_reply_t reply = {0};
    failure_t head;
    cr_assert_eq (cw_ping (client, &reply), CW_OK);
    cr_assert_eq (codec_decode (&failure_schema, bytes_view (reply.data, reply.size), &head, NULL),
                  0);
    cr_expect (bytes_equal (head.status, bytes_text ("ok")));
    codec_clear (&failure_schema, &head);
    cr_expect_eq (cw_status (client, &reply), CW_OK);
    cr_expect_eq (cw_ring (client, &reply), CW_OK);
    cr_expect_eq (cw_stats (client, &reply), CW_OK);
    cr_expect_eq (cw_inspect (client, "key", 3, &reply), CW_OK);
    cr_expect_eq (cw_inspect (client, "", 0, &reply), CW_BAD_REQUEST);
    cr_expect_null (reply.data);
    server_stop (server);
    const char *const ops[] = {"ping", "status", "ring", "stats", "inspect"};
    cr_assert_eq (server->count, 5);
    for (size_t i = 0; i < 5; i++)
        cr_expect (bytes_equal (server->requests[i].op, bytes_text (ops[i])));
    cw_reply_clear (&reply);
    cw_destroy (&client);
    server_destroy (&server);
}

Test (client, refuses_sizes_that_no_node_takes_without_asking)
{
    server_t *server = server_new (STEPS (STEP_OK));
    cw_client_t *client = cw_new (server->endpoint, PATIENCE_MS);
    cw_result_t result = {0};
    char *large = memory_new (LIMIT_VALUE_BYTES + 1, 1);
    cr_expect_eq (cw_get (client, "", 0, NULL, &result), CW_BAD_REQUEST);
    cr_expect_neq (cw_error (client)[0], 0);
    cr_expect_eq (cw_get (client, large, LIMIT_KEY_BYTES + 1, NULL, &result), CW_TOO_LARGE);
    cr_expect_eq (cw_put (client, "k", 1, large, LIMIT_VALUE_BYTES + 1, NULL, &result),
                  CW_TOO_LARGE);
    cr_expect_eq (cw_delete (client, large, LIMIT_KEY_BYTES + 1, NULL, NULL), CW_TOO_LARGE);
    free (large);
    server_stop (server);
    cr_expect_eq (server->count, 0);
    cw_destroy (&client);
    server_destroy (&server);
}

/* ---- silence, lateness, lies ---- */

Test (client, resends_a_put_with_the_same_put_id_and_context)
{
    server_t *server = server_new (STEPS (STEP_SILENT, STEP_OK));
    cw_client_t *client = cw_new (server->endpoint, 2000);
    cw_options_t options = {.context = {"ctx", 3}};
    cr_assert_eq (cw_put (client, "key", 3, "value", 5, &options, NULL), CW_OK);
    cw_traffic_t traffic;
    cw_traffic (client, &traffic);
    cr_expect (traffic.requests == 1 && traffic.resends == 1 && traffic.failovers == 0);
    server_stop (server);
    cr_assert_eq (server->count, 2);
    const request_t *sent = server->requests;
    cr_expect_eq (sent[0].put_id.size, CW_PUT_ID_BYTES);
    cr_expect (bytes_equal (sent[0].put_id, sent[1].put_id));
    cr_expect (bytes_equal (sent[0].context, sent[1].context));
    cr_expect (bytes_equal (sent[0].value, sent[1].value));
    cr_expect (!bytes_equal (sent[0].id, sent[1].id), "each try has an id of its own");
    cw_destroy (&client);
    server_destroy (&server);
}

Test (client, drops_a_late_reply_to_an_earlier_try)
{
    server_t *server = server_new (STEPS (STEP_LATE, STEP_OK));
    cw_client_t *client = cw_new (server->endpoint, TIMEOUT_MS);
    cw_result_t result = {0};
    cr_assert_eq (s_get (client, &result), CW_TIMEOUT);
    cw_options_t options = {.timeout_ms = PATIENCE_MS};
    cr_assert_eq (cw_get (client, "key", 3, &options, &result), CW_OK);
    cr_expect (s_is (result.values[0], "v2"), "not v1, which was for the first request");
    cw_traffic_t traffic;
    cw_traffic (client, &traffic);
    cr_expect_eq (traffic.late, 1);
    cw_result_clear (&result);
    cw_destroy (&client);
    server_destroy (&server);
}

Test (client, drops_a_second_reply)
{
    server_t *server = server_new (STEPS (STEP_TWICE, STEP_TWICE, STEP_OK));
    cw_client_t *client = cw_new (server->endpoint, PATIENCE_MS);
    cw_result_t result = {0};
    const char *const expected[] = {"v1", "v2", "v3"};
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq (s_get (client, &result), CW_OK);
        cr_expect (s_is (result.values[0], expected[i]));
    }
    cw_traffic_t traffic;
    cw_traffic (client, &traffic);
    cr_expect_eq (traffic.late, 2);
    cw_result_clear (&result);
    cw_destroy (&client);
    server_destroy (&server);
}

Test (client, drops_garbage_and_waits_on)
{
    server_t *server = server_new (STEPS (STEP_GARBAGE));
    cw_client_t *client = cw_new (server->endpoint, PATIENCE_MS);
    cw_result_t result = {0};
    cr_assert_eq (s_get (client, &result), CW_OK);
    cr_expect (s_is (result.values[0], "v1"));
    cw_traffic_t traffic;
    cw_traffic (client, &traffic);
    cr_expect_eq (traffic.refused, 5);
    cr_expect_eq (traffic.resends, 0);
    cw_result_clear (&result);
    cw_destroy (&client);
    server_destroy (&server);
}

Test (client, a_flood_of_other_replies_does_not_keep_it)
{
    server_t *server = server_new (STEPS (STEP_FLOOD));
    cw_client_t *client = cw_new (server->endpoint, TIMEOUT_MS);
    cw_result_t result = {0};
    cr_expect_eq (s_get (client, &result), CW_TIMEOUT);
    cw_traffic_t traffic;
    cw_traffic (client, &traffic);
    cr_expect_gt (traffic.late, 0);
    cw_destroy (&client);
    server_destroy (&server);
}

Test (client, refuses_a_reply_that_lacks_what_it_promises)
{
    const step_t steps[] = {STEP_NO_STATUS, STEP_ODD_STATUS, STEP_NO_FIELDS};
    for (size_t i = 0; i < 3; i++) {
        server_t *server = server_new (STEPS (steps[i], steps[i]));
        cw_client_t *client = cw_new (server->endpoint, PATIENCE_MS);
        cw_result_t result = {0};
        cr_expect_eq (s_get (client, &result), CW_INTERNAL, "step %zu", i);
        cr_expect_neq (cw_error (client)[0], 0);
        cr_expect_null (result.values);
        cr_expect_eq (s_put (client, &result), CW_INTERNAL, "step %zu", i);
        cw_destroy (&client);
        server_destroy (&server);
    }
}

Test (client, tells_silence_from_doubt)
{
    server_t *server = server_new (
        STEPS (STEP_SILENT, STEP_SILENT, STEP_SILENT, STEP_SILENT, STEP_SILENT, STEP_SILENT));
    cw_client_t *client = cw_new (server->endpoint, TIMEOUT_MS);
    cw_result_t result = {0};
    uint64_t began_ms = s_now_ms ();
    cr_expect_eq (s_get (client, &result), CW_TIMEOUT);
    cr_expect_eq (s_put (client, &result), CW_UNKNOWN);
    cr_expect_eq (cw_delete (client, "key", 3, NULL, NULL), CW_UNKNOWN);
    cr_expect_neq (cw_error (client)[0], 0);
    uint64_t took_ms = s_now_ms () - began_ms;
    cr_expect_geq (took_ms, 3 * TIMEOUT_MS);
    cr_expect_lt (took_ms, 3 * TIMEOUT_MS + 5000);
    cw_destroy (&client);
    server_destroy (&server);
}

Test (client, a_refusal_after_a_silent_try_leaves_the_doubt)
{
    server_t *server = server_new (STEPS (STEP_SILENT, STEP_UNAVAILABLE, STEP_UNAVAILABLE));
    cw_client_t *client = cw_new (server->endpoint, TIMEOUT_MS);
    cr_expect_eq (s_put (client, NULL), CW_UNKNOWN);
    cw_destroy (&client);
    server_destroy (&server);
    /* And what can only be wrong from the beginning is no doubt. */
    server = server_new (STEPS (STEP_SILENT, STEP_BAD_CONTEXT));
    client = cw_new (server->endpoint, TIMEOUT_MS);
    cr_expect_eq (s_put (client, NULL), CW_BAD_CONTEXT);
    cw_destroy (&client);
    server_destroy (&server);
}

Test (client, sends_again_at_once_when_the_connection_breaks)
{
    server_t *server = server_new (STEPS (STEP_CLOSE, STEP_OK));
    cw_client_t *client = cw_new (server->endpoint, PATIENCE_MS);
    uint64_t began_ms = s_now_ms ();
    cr_assert_eq (s_put (client, NULL), CW_OK);
    /* A try has half of the time; a silent node would have taken all of that. */
    cr_expect_lt (s_now_ms () - began_ms, PATIENCE_MS / 2);
    server_stop (server);
    cr_assert_eq (server->count, 2);
    cr_expect (bytes_equal (server->requests[0].put_id, server->requests[1].put_id));
    cw_destroy (&client);
    server_destroy (&server);
}

/* ---- statuses ---- */

Test (client, reports_each_status_with_its_sentence)
{
    for (step_t step = STEP_BAD_REQUEST; step <= STEP_INTERNAL; step++) {
        cw_status_t expected = (cw_status_t) (CW_BAD_REQUEST + (step - STEP_BAD_REQUEST));
        server_t *server = server_new (STEPS (step, step));
        cw_client_t *client = cw_new (server->endpoint, PATIENCE_MS);
        cw_result_t result = {0};
        cr_expect_eq (s_get (client, &result), expected, "%s", cw_status_name (expected));
        cr_expect_str_eq (cw_error (client), "do [31m this instead");
        cw_destroy (&client);
        server_destroy (&server);
    }
}

Test (client, sends_an_unknown_write_once_more)
{
    server_t *server = server_new (STEPS (STEP_UNKNOWN, STEP_OK, STEP_UNKNOWN, STEP_UNKNOWN));
    cw_client_t *client = cw_new (server->endpoint, PATIENCE_MS);
    cr_expect_eq (s_put (client, NULL), CW_OK);
    cr_expect_eq (s_put (client, NULL), CW_UNKNOWN);
    server_stop (server);
    cr_assert_eq (server->count, 4);
    cr_expect (bytes_equal (server->requests[0].put_id, server->requests[1].put_id));
    cw_destroy (&client);
    server_destroy (&server);
}

/* ---- several nodes ---- */

static cw_client_t *s_client_of (const char *first, const char *second, int timeout_ms)
{
    char endpoints[160];
    snprintf (endpoints, sizeof endpoints, "%s %s", first, second);
    return cw_new (endpoints, timeout_ms);
}

Test (client, goes_on_to_the_next_node_and_stays_there)
{
    server_t *first = server_new (STEPS (STEP_SILENT));
    server_t *second = server_new (STEPS (STEP_OK));
    cw_client_t *client = s_client_of (first->endpoint, second->endpoint, 2000);
    cw_result_t result = {0};
    cr_assert_eq (s_get (client, &result), CW_OK);
    cr_assert_eq (s_get (client, &result), CW_OK);
    cw_traffic_t traffic;
    cw_traffic (client, &traffic);
    cr_expect_eq (traffic.failovers, 1);
    server_stop (first);
    server_stop (second);
    cr_expect_eq (first->count, 1);
    cr_expect_eq (second->count, 2);
    cw_result_clear (&result);
    cw_destroy (&client);
    server_destroy (&first);
    server_destroy (&second);
}

Test (client, a_put_goes_to_the_same_node_first_and_then_to_the_next)
{
    server_t *first = server_new (STEPS (STEP_SILENT, STEP_SILENT));
    server_t *second = server_new (STEPS (STEP_OK));
    cw_client_t *client = s_client_of (first->endpoint, second->endpoint, 3000);
    cr_assert_eq (s_put (client, NULL), CW_OK);
    server_stop (first);
    server_stop (second);
    cr_assert_eq (first->count, 2);
    cr_assert_eq (second->count, 1);
    cr_expect (bytes_equal (first->requests[0].put_id, first->requests[1].put_id));
    cr_expect (bytes_equal (first->requests[0].put_id, second->requests[0].put_id));
    cw_destroy (&client);
    server_destroy (&first);
    server_destroy (&second);
}

Test (client, asks_each_node_once_when_they_refuse)
{
    const step_t steps[] = {STEP_UNAVAILABLE, STEP_OVERLOADED, STEP_READ_ONLY};
    const cw_status_t expected[] = {CW_UNAVAILABLE, CW_OVERLOADED, CW_READ_ONLY};
    for (size_t i = 0; i < 3; i++) {
        server_t *first = server_new (STEPS (steps[i], steps[i]));
        server_t *second = server_new (STEPS (steps[i], STEP_OK));
        cw_client_t *client = s_client_of (first->endpoint, second->endpoint, PATIENCE_MS);
        cr_expect_eq (s_put (client, NULL), expected[i]);
        cr_expect_eq (s_put (client, NULL), CW_OK);
        server_stop (first);
        server_stop (second);
        cr_expect_eq (first->count, 2);
        cr_expect_eq (second->count, 2);
        cw_destroy (&client);
        server_destroy (&first);
        server_destroy (&second);
    }
}

Test (client, says_that_no_node_was_reached)
{
    server_t *server = server_new (STEPS (STEP_OK));
    char endpoint[64];
    snprintf (endpoint, sizeof endpoint, "%s", server->endpoint);
    server_destroy (&server);
    cw_client_t *client = cw_new (endpoint, TIMEOUT_MS);
    cw_result_t result = {0};
    cr_expect_eq (s_get (client, &result), CW_NO_NODE);
    cr_expect_eq (s_put (client, &result), CW_NO_NODE, "nothing was sent, so there is no doubt");
    cr_expect_not_null (strstr (cw_error (client), endpoint));
    cw_destroy (&client);
    /* A node that is there makes up for it. */
    server = server_new (STEPS (STEP_OK));
    client = s_client_of (endpoint, server->endpoint, PATIENCE_MS);
    cr_expect_eq (s_put (client, NULL), CW_OK);
    cw_destroy (&client);
    server_destroy (&server);
}
