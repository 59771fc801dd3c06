/*  test_keys.c - pages of several owners merged into one, in order, without a key passed over; and each replica's state of
 *  a key side by side, with nil for what nobody told.
 */
#include "coordinator_rig.h"

#include <stdio.h>

#define COUNT 12u

typedef struct {
    char text[COUNT][16];
    bytes_t keys[COUNT]; /* in the order of (hash, key) */
} names_t;

static int s_compare (const void *a, const void *b)
{
    uint64_t x = hash_bytes (*(const bytes_t *) a);
    uint64_t y = hash_bytes (*(const bytes_t *) b);
    return (x > y) - (x < y);
}

static void s_names (names_t *names)
{
    for (unsigned i = 0; i < COUNT; i++) {
        snprintf (names->text[i], sizeof names->text[i], "key %u", i);
        names->keys[i] = bytes_text (names->text[i]);
    }
    qsort (names->keys, COUNT, sizeof *names->keys, s_compare);
}

static void s_ask (rig_t *rig, uint32_t limit, bytes_t after)
{
    request_t request = rig_request ("keys");
    GIVE (request, &request, partition, 0);
    GIVE (request, &request, limit, limit);
    if (after.size > 0)
        GIVE (request, &request, after, after);
    rig_ask (rig, &request);
}

/*  A page with the keys whose bits are in `which`, that ends at key number `end`, or with the partition (-1). */
static void s_page (rig_t *rig, uint64_t node, const names_t *names, unsigned which, int end)
{
    message_t *message = message_new (MESSAGE_scan_reply);
    scan_reply_t *reply = &message->scan_reply;
    reply->request = rig->request;
    reply->slot = (uint8_t) (node - 1);
    reply->result = RESULT_FOUND;
    reply->keys.items = memory_new (COUNT, sizeof (name_t));
    for (unsigned i = 0; i < COUNT; i++)
        if (which >> i & 1)
            reply->keys.items[reply->keys.count++].bytes =
                bytes_copy (names->keys[i].data, names->keys[i].size);
    if (end >= 0)
        reply->next = bytes_copy (names->keys[end].data, names->keys[end].size);
    rig_from (rig, node, message);
}

/*  The reply has the keys in `which`, and its `next` is key number `end`, or nil (-1). */
static void s_listed (rig_t *rig, const names_t *names, unsigned which, int end)
{
    listed_t listed;
    rig_reply (rig, &listed_schema, &listed, "ok");
    size_t at = 0;
    for (unsigned i = 0; i < COUNT; i++)
        if (which >> i & 1) {
            cr_assert_lt (at, listed.keys.count, "key %u is missing", i);
            cr_assert (bytes_equal (listed.keys.items[at].bytes, names->keys[i]), "key %u", i);
            at++;
        }
    cr_assert_eq (at, listed.keys.count);
    cr_assert (HAS (listed, &listed, next));
    if (end < 0)
        cr_assert (listed.next.size == 0 || listed.next.data[0] == 0xc0, "nil at the end");
    else {
        cr_assert_eq (listed.next.data[0], 0xc4, "bin");
        bytes_t next = bytes_view (listed.next.data + 2, listed.next.size - 2);
        cr_assert (bytes_equal (next, names->keys[end]));
    }
    codec_clear (&listed_schema, &listed);
}

static void s_refuse (rig_t *rig, uint64_t node)
{
    message_t *message = message_new (MESSAGE_scan_reply);
    message->scan_reply.request = rig->request;
    message->scan_reply.slot = (uint8_t) (node - 1);
    message->scan_reply.result = RESULT_REFUSED;
    message->scan_reply.status = STATUS_UNAVAILABLE;
    rig_from (rig, node, message);
}

Test (keys, a_page_is_what_any_of_r_owners_has)
{
    names_t names;
    s_names (&names);
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    s_ask (&rig, 100, bytes_view (NULL, 0));
    cr_assert_eq (rig_asked (&rig, MESSAGE_scan), NODE (1) | NODE (2));
    const scan_t *scan = &drive_sent (&rig.drive, MESSAGE_scan, 0)->message->scan;
    cr_assert_eq (scan->limit, 100);
    cr_assert_eq (scan->after.size, 0);
    s_page (&rig, 1, &names, 0x0a5, -1);
    cr_assert_not (rig_answered (&rig));
    s_page (&rig, 2, &names, 0xc21, -1);
    s_listed (&rig, &names, 0xca5, -1);
    cr_assert_not (drive_busy (&rig.drive));
    rig_close (&rig);
}

/*  The bound of a merged page, worked out from the header's promise alone. */
static void s_check_bounds (rig_t *rig, const names_t *names, const unsigned *held, const int *ends,
                            uint32_t limit)
{
    s_ask (rig, limit, bytes_view (NULL, 0));
    unsigned all = 0;
    int bound = -1;
    for (uint64_t node = 1; node <= 2; node++) {
        unsigned own = held[node - 1];
        int end = ends[node - 1];
        if (end >= 0) {
            own &= (2u << end) - 1;
            bound = bound < 0 || end < bound ? end : bound;
        }
        all |= own;
        s_page (rig, node, names, own, end);
    }
    if (bound >= 0)
        all &= (2u << bound) - 1;
    unsigned page = 0;
    uint32_t count = 0;
    int last = -1;
    for (int i = 0; i < (int) COUNT; i++) {
        if (!(all >> i & 1))
            continue;
        if (count++ == limit) {
            bound = last;
            break;
        }
        page |= 1u << i;
        last = i;
    }
    s_listed (rig, names, page, bound);
}

Test (keys, a_merged_page_ends_where_the_first_of_its_pages_ends)
{
    names_t names;
    s_names (&names);
    rig_t rig;
    rig_open (&rig, 2, 2, 2);
    rng_t rng;
    rng_seed (&rng, 1);
    for (unsigned i = 0; i < 5000; i++) {
        unsigned held[2];
        int ends[2];
        for (int j = 0; j < 2; j++) {
            held[j] = (unsigned) rng_below (&rng, 1u << COUNT);
            ends[j] = (int) rng_below (&rng, COUNT + 4);
            if (ends[j] >= (int) COUNT)
                ends[j] = -1;
        }
        s_check_bounds (&rig, &names, held, ends, 1 + (uint32_t) rng_below (&rng, COUNT + 2));
    }
    rig_close (&rig);
}

Test (keys, next_is_taken_up_again)
{
    names_t names;
    s_names (&names);
    rig_t rig;
    rig_open (&rig, 1, 1, 1);
    s_ask (&rig, 2, names.keys[4]);
    const scan_t *scan = &drive_sent (&rig.drive, MESSAGE_scan, 0)->message->scan;
    cr_assert (bytes_equal (scan->after, names.keys[4]));
    cr_assert_eq (scan->limit, 2);
    s_page (&rig, 1, &names, 0x060, 6);
    s_listed (&rig, &names, 0x060, 6);
    request_t request = rig_request ("keys");
    GIVE (request, &request, partition, 0);
    rig_ask (&rig, &request);
    cr_assert_eq (drive_sent (&rig.drive, MESSAGE_scan, 0)->message->scan.limit, 1000);
    rig_close (&rig);
}

Test (keys, fields_that_do_not_fit_are_refused)
{
    rig_t rig;
    settings_t settings = drive_settings (4, 1, 1, 1);
    rig_open_with (&rig, &settings, 1, 0);
    request_t request = rig_request ("keys");
    GIVE (request, &request, partition, 4);
    rig_ask (&rig, &request);
    failure_t failure = rig_failure (&rig, "bad_request");
    cr_assert_eq (memcmp (failure.message.data, "partition", 9), 0);
    uint32_t other = (ring_partition (4, hash_bytes (bytes_text (KEY))) + 1) % 4;
    GIVE (request, &request, partition, other);
    GIVE (request, &request, after, bytes_text (KEY));
    rig_ask (&rig, &request);
    failure = rig_failure (&rig, "bad_request");
    cr_assert_eq (memcmp (failure.message.data, "after", 5), 0);
    cr_assert_eq (rig.drive.effects.count, 1);
    rig_close (&rig);
}

Test (keys, owners_that_refuse_or_are_slow_are_replaced)
{
    names_t names;
    s_names (&names);
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    s_ask (&rig, 10, bytes_view (NULL, 0));
    s_refuse (&rig, 2);
    cr_assert_eq (rig_asked (&rig, MESSAGE_scan), NODE (3));
    s_page (&rig, 1, &names, 1, -1);
    s_page (&rig, 3, &names, 2, -1);
    s_listed (&rig, &names, 3, -1);

    s_ask (&rig, 10, bytes_view (NULL, 0));
    s_page (&rig, 1, &names, 1, -1);
    drive_tick (&rig.drive, 60 * MS);
    cr_assert_eq (rig_asked (&rig, MESSAGE_scan), NODE (3));
    s_page (&rig, 3, &names, 2, -1);
    s_listed (&rig, &names, 3, -1);
    s_page (&rig, 2, &names, 4, -1);
    rig_silent (&rig);
    rig_close (&rig);
}

Test (keys, too_few_owners_are_told)
{
    names_t names;
    s_names (&names);
    rig_t rig;
    rig_open (&rig, 3, 2, 2);
    s_ask (&rig, 10, bytes_view (NULL, 0));
    s_page (&rig, 1, &names, 1, -1);
    s_refuse (&rig, 2);
    s_refuse (&rig, 3);
    rig_failure (&rig, "unavailable");

    uint64_t deadline_us = rig.drive.now_us + rig.settings.timeout_ms * MS;
    s_ask (&rig, 10, bytes_view (NULL, 0));
    s_page (&rig, 1, &names, 1, -1);
    while (!rig_answered (&rig))
        drive_tick (&rig.drive, 10 * MS);
    cr_assert_eq (rig.drive.now_us, deadline_us);
    cr_assert_eq (rig_failure (&rig, "timeout").acks, 1);

    rig_ring (&rig, 3, NODE (2) | NODE (3));
    s_ask (&rig, 10, bytes_view (NULL, 0));
    rig_failure (&rig, "unavailable");
    rig_close (&rig);
}

Test (keys, only_owners_are_asked)
{
    names_t names;
    s_names (&names);
    rig_t rig;
    settings_t settings = drive_settings (1, 3, 2, 2);
    rig_open_with (&rig, &settings, 5, NODE (2) | NODE (3));
    s_ask (&rig, 10, bytes_view (NULL, 0));
    rig_failure (&rig, "unavailable");
    rig_ring (&rig, 5, NODE (2));
    s_ask (&rig, 10, bytes_view (NULL, 0));
    cr_assert_eq (rig_asked (&rig, MESSAGE_scan), NODE (1) | NODE (3));
    s_page (&rig, 1, &names, 1, -1);
    rig_peers (&rig, 5, NODE (2) | NODE (3), 100);
    drive_tick (&rig.drive, 0);
    rig_failure (&rig, "unavailable");
    rig_close (&rig);
}

/* ---- inspect ---- */

static bool s_nil (bytes_t raw)
{
    return raw.size == 0 || (raw.size == 1 && raw.data[0] == 0xc0);
}

static const holding_t *s_holding (const inspected_t *inspected, uint32_t slot)
{
    for (size_t i = 0; i < inspected->replicas.count; i++)
        if (inspected->replicas.items[i].slot == slot)
            return &inspected->replicas.items[i];
    cr_assert_fail ("no slot %u", slot);
    return NULL;
}

/*  Each of these nodes says that it holds no hint for any slot of another. */
static void s_no_hints (rig_t *rig, unsigned nodes)
{
    for (uint64_t node = 1; node <= rig->settings.n; node++)
        for (uint8_t slot = 0; slot < rig->settings.n; slot++)
            if ((nodes >> node & 1) && slot != node - 1) {
                cr_assert_not (rig_answered (rig));
                rig_found_hint (rig, node, slot, bytes_view (NULL, 0));
            }
}

#define ALL (NODE (1) | NODE (2) | NODE (3) | NODE (4))

/*  The nodes (a bit each) that were asked for their hint of a slot in this step. */
static unsigned s_asked_hint (rig_t *rig, uint8_t slot)
{
    unsigned nodes = 0;
    for (size_t i = 0; i < drive_sent_count (&rig->drive, MESSAGE_read); i++) {
        const effect_t *effect = drive_sent (&rig->drive, MESSAGE_read, i);
        const read_t *read = &effect->message->read;
        if (read->hint && read->slot == slot)
            nodes |= 1u << (effect->to.node == 0 ? 1 : effect->to.node);
    }
    return nodes;
}

Test (inspect, states_stand_side_by_side)
{
    static const uint64_t both[] = {10, 11};
    dot_t seen = {.actor = 10, .counter = 3};
    object_t tombstone = {.context = {.vv = {&seen, 1}}};
    rig_t rig;
    rig_open (&rig, 4, 2, 2);
    request_t request = rig_about ("inspect");
    rig_ask (&rig, &request);
    cr_assert_eq (rig_asked (&rig, MESSAGE_read), ALL);
    for (uint8_t slot = 0; slot < 4; slot++)
        cr_assert_eq (s_asked_hint (&rig, slot), ALL & ~NODE (slot + 1));
    s_no_hints (&rig, ALL);
    rig_found (&rig, 1, drive_state (both, 2, bytes_text ("milk")));
    rig_found (&rig, 2, drive_state (both, 2, bytes_text ("milk")));
    rig_found (&rig, 3, object_encode (&tombstone));
    cr_assert_not (rig_answered (&rig), "it waits for all");
    rig_absent (&rig, 4);
    inspected_t inspected;
    rig_reply (&rig, &inspected_schema, &inspected, "ok");
    cr_assert_eq (inspected.partition, 0);
    cr_assert_eq (inspected.replicas.count, 4);
    const holding_t *holdings[4];
    for (uint32_t slot = 0; slot < 4; slot++) {
        holdings[slot] = s_holding (&inspected, slot);
        cr_assert (holdings[slot]->reachable);
        cr_assert (bytes_equal (holdings[slot]->role, bytes_text ("owner")));
        cr_assert_eq (holdings[slot]->node.data[4], '1' + slot);
    }
    cr_assert_eq (holdings[0]->digest.data[0], 0xc4);
    cr_assert (bytes_equal (holdings[0]->digest, holdings[1]->digest));
    cr_assert_not (bytes_equal (holdings[0]->digest, holdings[2]->digest));
    cr_assert_not (bytes_equal (holdings[2]->digest, holdings[3]->digest));
    static const uint8_t values[] = {2, 2, 0, 0}, bytes[] = {8, 8, 0, 0};
    static const uint8_t tombstones[] = {0xc2, 0xc2, 0xc3, 0xc2};
    for (uint32_t slot = 0; slot < 4; slot++) {
        cr_assert_eq (holdings[slot]->values.data[0], values[slot]);
        cr_assert_eq (holdings[slot]->bytes.data[0], bytes[slot]);
        cr_assert_eq (holdings[slot]->tombstone.data[0], tombstones[slot]);
    }
    codec_clear (&inspected_schema, &inspected);
    rig_close (&rig);
}

Test (inspect, what_nobody_told_is_nil)
{
    rig_t rig;
    settings_t settings = drive_settings (1, 3, 2, 2);
    rig_open_with (&rig, &settings, 3, NODE (2));
    request_t request = rig_about ("inspect");
    uint64_t deadline_us = rig.drive.now_us + rig.settings.timeout_ms * MS;
    rig_ask (&rig, &request);
    cr_assert_eq (rig_asked (&rig, MESSAGE_read), NODE (1) | NODE (3));
    cr_assert_eq (s_asked_hint (&rig, 1), NODE (1) | NODE (3), "for the one that is down");
    rig_absent (&rig, 1);
    while (!rig_answered (&rig))
        drive_tick (&rig.drive, 10 * MS);
    cr_assert_eq (rig.drive.now_us, deadline_us);
    inspected_t inspected;
    rig_reply (&rig, &inspected_schema, &inspected, "ok");
    for (uint32_t slot = 0; slot < 3; slot++) {
        const holding_t *holding = s_holding (&inspected, slot);
        cr_assert_eq (holding->reachable, slot != 1);
        cr_assert_eq (s_nil (holding->digest), slot != 0);
        cr_assert_eq (s_nil (holding->values), slot != 0);
        cr_assert_eq (s_nil (holding->bytes), slot != 0);
        cr_assert_eq (s_nil (holding->tombstone), slot != 0);
    }
    codec_clear (&inspected_schema, &inspected);
    rig_absent (&rig, 3);
    cr_assert_not (rig_answered (&rig), "late");
    rig_close (&rig);
}

Test (inspect, it_is_always_ok)
{
    rig_t rig;
    rig_open (&rig, 2, 2, 2);
    request_t request = rig_about ("inspect");
    rig_ask (&rig, &request);
    rig_refused (&rig, 1, STATUS_INTERNAL);
    rig_refused (&rig, 2, STATUS_UNAVAILABLE);
    s_no_hints (&rig, ALL);
    inspected_t inspected;
    rig_reply (&rig, &inspected_schema, &inspected, "ok");
    for (uint32_t slot = 0; slot < 2; slot++) {
        cr_assert (s_nil (s_holding (&inspected, slot)->digest));
        cr_assert (s_holding (&inspected, slot)->reachable);
    }
    codec_clear (&inspected_schema, &inspected);
    rig_close (&rig);
}

Test (inspect, holders_of_hints_are_listed)
{
    static const uint64_t actors[] = {10};
    rig_t rig;
    settings_t settings = drive_settings (1, 2, 2, 2);
    rig_open_with (&rig, &settings, 4, NODE (2));
    request_t request = rig_about ("inspect");
    rig_ask (&rig, &request);
    cr_assert_eq (rig_asked (&rig, MESSAGE_read), NODE (1));
    cr_assert_eq (s_asked_hint (&rig, 0), NODE (3) | NODE (4));
    cr_assert_eq (s_asked_hint (&rig, 1), NODE (1) | NODE (3) | NODE (4));
    rig_found (&rig, 1, drive_state (actors, 1, bytes_text ("milk")));
    for (uint64_t node = 3; node <= 4; node++)
        rig_found_hint (&rig, node, 0, bytes_view (NULL, 0));
    rig_found_hint (&rig, 1, 1, bytes_view (NULL, 0));
    rig_found_hint (&rig, 3, 1, bytes_copy ("nonsense", 8));
    cr_assert_not (rig_answered (&rig));
    rig_found_hint (&rig, 4, 1, drive_state (actors, 1, bytes_text ("milk")));
    inspected_t inspected;
    rig_reply (&rig, &inspected_schema, &inspected, "ok");
    cr_assert_eq (inspected.replicas.count, 3);
    const holding_t *owner = s_holding (&inspected, 0), *hint = &inspected.replicas.items[2];
    cr_assert_eq (s_holding (&inspected, 1)->reachable, false);
    cr_assert (bytes_equal (hint->role, bytes_text ("fallback")));
    cr_assert_eq (hint->slot, 1);
    cr_assert_eq (hint->node.data[4], '4');
    cr_assert (hint->reachable);
    cr_assert (bytes_equal (hint->digest, owner->digest));
    codec_clear (&inspected_schema, &inspected);
    rig_close (&rig);
}

Test (inspect, who_is_lost_on_the_way_is_not_waited_for)
{
    rig_t rig;
    rig_open (&rig, 2, 2, 2);
    request_t request = rig_about ("inspect");
    rig_ask (&rig, &request);
    rig_absent (&rig, 1);
    rig_found_hint (&rig, 1, 1, bytes_view (NULL, 0));
    rig_peers (&rig, 2, NODE (2), 100);
    drive_tick (&rig.drive, 0);
    inspected_t inspected;
    rig_reply (&rig, &inspected_schema, &inspected, "ok");
    cr_assert_not (s_holding (&inspected, 1)->reachable);
    codec_clear (&inspected_schema, &inspected);
    rig_close (&rig);
}
