/*  test_update.c - cw_update: the application's merge, and writers that come between. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cartwheel.h"
#include "messages/memory.h"
#include "server.h"

#define PATIENCE_MS 20000
#define TIMEOUT_MS 300
#define CALLS 8

typedef struct {
    size_t calls;
    size_t counts[CALLS]; /* of the siblings that each call saw */
    bool refuses;
    bool keeps; /* makes the first sibling again */
} merge_t;

/*  Makes "merged 1", "merged 2" ... */
static int s_merge (void *argument, const cw_bytes_t *siblings, size_t count, cw_bytes_t *merged)
{
    merge_t *self = argument;
    cr_assert_lt (self->calls, CALLS);
    self->counts[self->calls++] = count;
    if (self->refuses)
        return -1;
    char text[32];
    int size = snprintf (text, sizeof text, "merged %zu", self->calls);
    if (self->keeps)
        size = snprintf (text, sizeof text, "%.*s", (int) siblings[0].size,
                         (const char *) siblings[0].data);
    *merged = (cw_bytes_t){memory_string (text), (size_t) size};
    return 0;
}

static cw_status_t s_update (server_t *server, merge_t *merge, int timeout_ms, cw_result_t *result)
{
    cw_client_t *client = cw_new (server->endpoint, timeout_ms);
    cw_status_t status = cw_update (client, "key", 3, s_merge, merge, NULL, result);
    cr_expect_eq (status == CW_OK, cw_error (client)[0] == 0);
    cw_destroy (&client);
    server_stop (server);
    return status;
}

static bool s_is (const server_t *server, size_t at, const char *op)
{
    return at < server->count && bytes_equal (server->requests[at].op, bytes_text (op));
}

Test (update, merges_all_siblings_and_replaces_them)
{
    server_t *server = server_new (STEPS (STEP_SIBLINGS));
    merge_t merge = {0};
    cw_result_t result = {0};
    cr_expect_eq (s_update (server, &merge, PATIENCE_MS, &result), CW_OK);
    cr_expect_eq (merge.calls, 1);
    cr_expect_eq (merge.counts[0], 3);
    cr_assert_eq (server->count, 3);
    cr_expect (s_is (server, 0, "get") && s_is (server, 1, "put") && s_is (server, 2, "get"));
    cr_expect (bytes_equal (server->requests[1].context, bytes_text ("context of a get")));
    cr_expect (bytes_equal (server->requests[1].value, bytes_text ("merged 1")));
    cr_expect (bytes_equal (server->requests[2].floor, bytes_text ("context of a put")),
               "the read afterwards has to see the write");
    cr_expect_eq (result.count, 1);
    cw_result_clear (&result);
    server_destroy (&server);
}

Test (update, makes_the_first_value)
{
    server_t *server = server_new (STEPS (STEP_NOT_FOUND));
    merge_t merge = {0};
    cr_expect_eq (s_update (server, &merge, PATIENCE_MS, NULL), CW_OK);
    cr_expect_eq (merge.calls, 1);
    cr_expect_eq (merge.counts[0], 0);
    cr_assert_eq (server->count, 3);
    cr_expect (bytes_equal (server->requests[1].context, bytes_text ("context of a get")));
    server_destroy (&server);
}

Test (update, merges_again_when_another_came_between)
{
    server_t *server = server_new (STEPS (STEP_OK, STEP_OK, STEP_SIBLINGS));
    merge_t merge = {0};
    cr_expect_eq (s_update (server, &merge, PATIENCE_MS, NULL), CW_OK);
    cr_expect_eq (merge.calls, 2);
    cr_expect_eq (merge.counts[1], 3);
    cr_assert_eq (server->count, 5);
    cr_expect (s_is (server, 3, "put") && s_is (server, 4, "get"));
    cr_expect (bytes_equal (server->requests[3].value, bytes_text ("merged 2")));
    cr_expect (!bytes_equal (server->requests[1].put_id, server->requests[3].put_id),
               "another value is another put");
    server_destroy (&server);
}

Test (update, leaves_siblings_that_keep_coming)
{
    server_t *server =
        server_new (STEPS (STEP_SIBLINGS, STEP_OK, STEP_SIBLINGS, STEP_OK, STEP_SIBLINGS, STEP_OK,
                           STEP_SIBLINGS, STEP_OK, STEP_SIBLINGS));
    merge_t merge = {0};
    cw_result_t result = {0};
    cr_expect_eq (s_update (server, &merge, PATIENCE_MS, &result), CW_OK);
    cr_expect_eq (merge.calls, 4);
    cr_expect_eq (server->count, 8);
    cr_expect_eq (result.acks, 2, "the answer of the last put");
    cw_result_clear (&result);
    server_destroy (&server);
}

Test (update, reads_and_merges_when_there_are_too_many_siblings)
{
    server_t *server = server_new (STEPS (STEP_OK, STEP_TOO_MANY_SIBLINGS, STEP_SIBLINGS));
    merge_t merge = {0};
    cr_expect_eq (s_update (server, &merge, PATIENCE_MS, NULL), CW_OK);
    cr_expect_eq (merge.calls, 2);
    cr_expect_eq (server->count, 5);
    server_destroy (&server);

    server = server_new (STEPS (STEP_OK, STEP_TOO_MANY_SIBLINGS, STEP_OK, STEP_TOO_MANY_SIBLINGS,
                                STEP_OK, STEP_TOO_MANY_SIBLINGS, STEP_OK, STEP_TOO_MANY_SIBLINGS));
    merge = (merge_t){0};
    cw_result_t result = {0};
    cr_expect_eq (s_update (server, &merge, PATIENCE_MS, &result), CW_TOO_MANY_SIBLINGS);
    cr_expect_eq (server->count, 8);
    cr_expect_null (result.reply.data);
    server_destroy (&server);
}

Test (update, writes_nothing_where_nothing_changes)
{
    server_t *server = server_new (STEPS (STEP_OK));
    merge_t merge = {.keeps = true};
    cw_result_t result = {0};
    cr_expect_eq (s_update (server, &merge, PATIENCE_MS, &result), CW_OK);
    cr_expect_eq (server->count, 1);
    cr_expect_eq (result.count, 1);
    server_destroy (&server);

    server = server_new (STEPS (STEP_NOT_FOUND));
    merge = (merge_t){.refuses = true};
    cr_expect_eq (s_update (server, &merge, PATIENCE_MS, &result), CW_NOT_FOUND);
    cr_expect_eq (server->count, 1);
    cw_result_clear (&result);
    server_destroy (&server);
}

Test (update, a_write_that_was_acknowledged_stays_done)
{
    server_t *server = server_new (STEPS (STEP_OK, STEP_OK, STEP_UNAVAILABLE));
    merge_t merge = {0};
    cw_result_t result = {0};
    cr_expect_eq (s_update (server, &merge, PATIENCE_MS, &result), CW_OK);
    cr_expect_eq (result.acks, 2);
    cr_expect (result.context.size > 0);
    cw_result_clear (&result);
    server_destroy (&server);
}

/*  Somebody deleted it since, or the read reached only who does not have it yet. */
Test (update, a_write_that_is_not_found_afterwards_was_done_all_the_same)
{
    server_t *server = server_new (STEPS (STEP_OK, STEP_OK, STEP_NOT_FOUND));
    merge_t merge = {0};
    cw_result_t result = {0};
    cr_expect_eq (s_update (server, &merge, PATIENCE_MS, &result), CW_OK);
    cr_expect_eq (server->count, 3);
    cr_expect_eq (result.acks, 2, "the answer of the put");
    cw_result_clear (&result);
    server_destroy (&server);
}

Test (update, says_what_is_not_known)
{
    static const uint8_t put_id[CW_PUT_ID_BYTES] = "0123456789abcde";
    server_t *server = server_new (STEPS (STEP_OK, STEP_UNKNOWN, STEP_UNKNOWN));
    cw_client_t *client = cw_new (server->endpoint, PATIENCE_MS);
    merge_t merge = {0};
    cw_options_t options = {.put_id = put_id, .r = 2, .w = 3, .strict = true};
    cr_expect_eq (cw_update (client, "key", 3, s_merge, &merge, &options, NULL), CW_UNKNOWN);
    cw_destroy (&client);
    server_stop (server);
    cr_assert_eq (server->count, 3);
    const request_t *sent = server->requests;
    cr_expect (sent[0].r == 2 && sent[0].strict && !HAS (request, &sent[0], w));
    cr_expect (sent[1].w == 3 && sent[1].strict && !HAS (request, &sent[1], r));
    cr_expect (bytes_equal (sent[1].put_id, bytes_view (put_id, CW_PUT_ID_BYTES)));
    server_destroy (&server);
}

Test (update, ends_with_its_time)
{
    server_t *server = server_new (STEPS (STEP_SILENT));
    merge_t merge = {0};
    cr_expect_eq (s_update (server, &merge, TIMEOUT_MS, NULL), CW_TIMEOUT);
    cr_expect_eq (merge.calls, 0);
    server_destroy (&server);
}

Test (update, a_result_may_feed_the_next_one)
{
    server_t *server = server_new (STEPS (STEP_OK));
    cw_client_t *client = cw_new (server->endpoint, PATIENCE_MS);
    merge_t merge = {0};
    cw_result_t result = {0};
    cr_assert_eq (cw_update (client, "key", 3, s_merge, &merge, NULL, &result), CW_OK);
    cw_options_t options = {.floor = result.context};
    cr_assert_eq (cw_update (client, "key", 3, s_merge, &merge, &options, &result), CW_OK);
    cw_destroy (&client);
    server_stop (server);
    cr_expect (bytes_equal (server->requests[3].floor, bytes_text ("context of a get")));
    cw_result_clear (&result);
    server_destroy (&server);
}
