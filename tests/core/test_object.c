/*  test_object.c - states of a key against what each dot has come to: unseen, live, or gone. A merge takes the later of
 *  the two for each dot; a mint and a delete are told in the same terms. Random sound states, and unsound ones that a
 *  decoder must refuse.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/hash.h"
#include "core/object.h"
#include "core/rng.h"
#include "messages/memory.h"

#define ACTORS 3u
#define COUNTERS 4u
#define DOTS (ACTORS * COUNTERS)
#define OWN 50u /* the actor that mints here; above the others */
#define CASES 10000u

typedef enum { UNSEEN, LIVE, GONE } fate_t;

static dot_t s_dot (unsigned bit)
{
    return (dot_t){.actor = 1 + bit / COUNTERS, .counter = 1 + bit % COUNTERS};
}

/*  The put that made a dot, the same wherever the dot is met. Every third put is one of few, so that it has twins. */
static bytes_t s_put_id (unsigned bit)
{
    static const char ids[][17] = {"one-of-the-first", "the-other-of-two"};
    return bit % 3 == 0 ? bytes_view (ids[bit / 3 % 2], 16) : bytes_view (NULL, 0);
}

static bytes_t s_value (unsigned bit)
{
    static const char values[] = "abcdefghijklmnopqrstuvwxyz";
    return bytes_view (values + bit, bit % 5);
}

static sibling_t s_sibling (unsigned bit)
{
    return (sibling_t){
        .dot = s_dot (bit), .put_id = s_put_id (bit), .hlc = 1000 + bit, .value = s_value (bit)};
}

/*  Writes a context that covers the dots of a set, reaching further with exceptions now and then. */
static context_t s_context (uint32_t set, rng_t *rng)
{
    context_t context = {0};
    context.vv.items = memory_new (ACTORS, sizeof (dot_t));
    context.ex.items = memory_new (DOTS, sizeof (dot_t));
    for (unsigned actor = 0; actor < ACTORS; actor++) {
        uint32_t own = set >> (actor * COUNTERS) & ((1u << COUNTERS) - 1);
        unsigned reach = own == 0 ? 0 : 32u - (unsigned) __builtin_clz (own);
        if (reach < COUNTERS && rng_below (rng, 4) == 0)
            reach++;
        if (reach == 0)
            continue;
        context.vv.items[context.vv.count++] = (dot_t){.actor = 1 + actor, .counter = reach};
        for (unsigned counter = 0; counter < reach; counter++)
            if (!(own >> counter & 1))
                context.ex.items[context.ex.count++] = s_dot (actor * COUNTERS + counter);
    }
    return context;
}

static uint32_t s_some (rng_t *rng)
{
    return (uint32_t) (rng_next (rng) & rng_next (rng) & ((1u << DOTS) - 1)) |
           (uint32_t) (rng_below (rng, 2) ? rng_next (rng) & ((1u << DOTS) - 1) : 0);
}

/*  A sound state: what it has seen, and which of that is live. */
static object_t s_random (rng_t *rng)
{
    uint32_t seen = s_some (rng);
    uint32_t live = seen & (uint32_t) rng_next (rng);
    object_t object = {.context = s_context (seen, rng)};
    object.siblings.items = memory_new (DOTS, sizeof (sibling_t));
    for (unsigned bit = 0; bit < DOTS; bit++)
        if (live >> bit & 1)
            object.siblings.items[object.siblings.count++] = s_sibling (bit);
    return object;
}

static bool s_covers (const context_t *context, dot_t dot)
{
    bool covered = false;
    for (size_t i = 0; i < context->vv.count; i++)
        covered |=
            context->vv.items[i].actor == dot.actor && context->vv.items[i].counter >= dot.counter;
    for (size_t i = 0; i < context->ex.count; i++)
        covered &=
            context->ex.items[i].actor != dot.actor || context->ex.items[i].counter != dot.counter;
    return covered;
}

static fate_t s_fate (const object_t *object, dot_t dot)
{
    for (size_t i = 0; i < object->siblings.count; i++)
        if (object->siblings.items[i].dot.actor == dot.actor &&
            object->siblings.items[i].dot.counter == dot.counter)
            return LIVE;
    return s_covers (&object->context, dot) ? GONE : UNSEEN;
}

static bool s_equal (const object_t *a, const object_t *b)
{
    bytes_t x = object_encode (a);
    bytes_t y = object_encode (b);
    bool equal = bytes_equal (x, y);
    cr_assert_eq (equal, codec_equal (&object_schema, a, b), "equal states, equal bytes");
    cr_assert_eq (equal, hash_bytes (x) == hash_bytes (y));
    bytes_clear (&x);
    bytes_clear (&y);
    return equal;
}

/*  Whatever comes out is a state that a decoder takes. */
static void s_check_sound (const object_t *object)
{
    object_t decoded;
    bytes_t bytes = object_encode (object);
    cr_assert_eq (object_decode (bytes, &decoded), 0);
    cr_assert (codec_equal (&object_schema, object, &decoded));
    object_clear (&decoded);
    bytes_clear (&bytes);
}

/* ---- merge ---- */

Test (object, merge_takes_the_later_fate_of_each_dot)
{
    rng_t rng;
    rng_seed (&rng, 1);
    for (unsigned i = 0; i < CASES; i++) {
        object_t a = s_random (&rng), b = s_random (&rng), merged;
        object_merge (&a, &b, &merged);
        for (unsigned bit = 0; bit < DOTS; bit++) {
            fate_t x = s_fate (&a, s_dot (bit)), y = s_fate (&b, s_dot (bit));
            cr_assert_eq (s_fate (&merged, s_dot (bit)), x > y ? x : y);
        }
        for (size_t at = 0; at < merged.siblings.count; at++) {
            dot_t dot = merged.siblings.items[at].dot;
            sibling_t whole = s_sibling ((unsigned) ((dot.actor - 1) * COUNTERS + dot.counter - 1));
            cr_assert (codec_equal (&sibling_schema, &merged.siblings.items[at], &whole));
        }
        s_check_sound (&merged);
        object_clear (&merged);
        object_clear (&a);
        object_clear (&b);
    }
}

Test (object, merge_is_commutative_associative_idempotent)
{
    rng_t rng;
    rng_seed (&rng, 2);
    object_t empty = {0};
    for (unsigned i = 0; i < CASES; i++) {
        object_t a = s_random (&rng), b = s_random (&rng), c = s_random (&rng);
        object_t ab, ba, bc, ab_c, a_bc, aa, ab_b, a_;
        object_merge (&a, &b, &ab);
        object_merge (&b, &a, &ba);
        object_merge (&b, &c, &bc);
        object_merge (&ab, &c, &ab_c);
        object_merge (&a, &bc, &a_bc);
        object_merge (&a, &a, &aa);
        object_merge (&ab, &b, &ab_b);
        object_merge (&empty, &a, &a_);
        cr_assert (s_equal (&ab, &ba));
        cr_assert (s_equal (&ab_c, &a_bc));
        cr_assert (s_equal (&aa, &a));
        cr_assert (s_equal (&ab_b, &ab));
        cr_assert (s_equal (&a_, &a), "no state merges as the empty one");
        object_t *const all[] = {&ab, &ba, &bc, &ab_c, &a_bc, &aa, &ab_b, &a_, &a, &b, &c};
        for (size_t at = 0; at < sizeof all / sizeof *all; at++)
            object_clear (all[at]);
    }
}

/* ---- mint and delete ---- */

/*  Whether the context covers the sibling or one that the same put made. */
static bool s_dropped (const object_t *local, size_t index, const context_t *context)
{
    const sibling_t *sibling = &local->siblings.items[index];
    for (size_t i = 0; i < local->siblings.count; i++) {
        const sibling_t *other = &local->siblings.items[i];
        bool twin =
            i == index || (other->put_id.size > 0 && bytes_equal (other->put_id, sibling->put_id));
        if (twin && s_covers (context, other->dot))
            return true;
    }
    return false;
}

/*  The state after a write of `made` (NULL: a delete) with `context`, and what its reply says. */
static void s_check_write (const object_t *local, const context_t *context, const dot_t *made,
                           const object_t *result, const context_t *reply)
{
    size_t kept = 0;
    for (size_t i = 0; i < local->siblings.count; i++) {
        bool dropped = s_dropped (local, i, context);
        cr_assert_eq (s_fate (result, local->siblings.items[i].dot), dropped ? GONE : LIVE);
        kept += !dropped;
    }
    cr_assert_eq (result->siblings.count, kept + (made != NULL));
    for (unsigned bit = 0; bit < DOTS; bit++) {
        dot_t dot = s_dot (bit);
        bool seen = s_covers (&local->context, dot) || s_covers (context, dot);
        cr_assert_eq (s_covers (&result->context, dot), seen);
        bool other = s_fate (result, dot) == LIVE && !s_covers (context, dot);
        cr_assert_eq (s_covers (reply, dot), seen && !other);
    }
    cr_assert (context_valid (reply));
    cr_assert (context_includes (reply, context), "a reply covers the request's context");
    if (made != NULL) {
        cr_assert_eq (s_fate (result, *made), LIVE);
        cr_assert (s_covers (reply, *made), "a reply covers the version that it made");
    }
    s_check_sound (result);
}

Test (object, mint_replaces_what_the_context_covers)
{
    rng_t rng;
    rng_seed (&rng, 3);
    bytes_t fresh = bytes_text ("not-made-so-far!");
    for (unsigned i = 0; i < CASES; i++) {
        object_t local = s_random (&rng), result;
        context_t context = s_context (s_some (&rng), &rng), reply;
        write_t write = {.context = &context,
                         .put_id = i % 2 ? fresh : bytes_view (NULL, 0),
                         .value = bytes_text ("new"),
                         .dot = {.actor = i % 3 ? OWN : 0, .counter = 1},
                         .hlc = 77};
        cr_assert (object_mint (&local, &write, &result, &reply));
        s_check_write (&local, &context, &write.dot, &result, &reply);
        const sibling_t *made = &result.siblings.items[i % 3 ? result.siblings.count - 1 : 0];
        cr_assert (bytes_equal (made->value, write.value));
        cr_assert (bytes_equal (made->put_id, write.put_id));
        cr_assert_eq (made->hlc, 77);
        context_clear (&reply);
        context_clear (&context);
        object_clear (&result);
        object_clear (&local);
    }
}

Test (object, a_put_that_comes_again_makes_nothing)
{
    rng_t rng;
    rng_seed (&rng, 4);
    bytes_t id = bytes_text ("not-made-so-far!");
    for (unsigned i = 0; i < CASES; i++) {
        object_t local = s_random (&rng), first, second;
        context_t context = s_context (s_some (&rng), &rng), reply, again;
        write_t write = {.context = &context,
                         .put_id = id,
                         .value = bytes_text ("new"),
                         .dot = {.actor = OWN, .counter = 1}};
        cr_assert (object_mint (&local, &write, &first, &reply));
        write_t resent = write;
        resent.value = bytes_text ("whatever comes with it");
        resent.dot.counter = 2;
        cr_assert_not (object_mint (&first, &resent, &second, &again));
        cr_assert (s_equal (&first, &second));
        cr_assert (codec_equal (&context_schema, &reply, &again), "the same reply");
        context_clear (&again);
        object_clear (&second);
        /* With another context the reply still covers that, the version, and no other sibling. */
        context_t other = s_context (s_some (&rng), &rng);
        resent.context = &other;
        cr_assert_not (object_mint (&first, &resent, &second, &again));
        cr_assert (s_equal (&first, &second));
        cr_assert (context_valid (&again));
        cr_assert (context_includes (&again, &other), "a reply covers the request's context");
        cr_assert (s_covers (&again, write.dot));
        for (size_t at = 0; at < second.siblings.count; at++) {
            dot_t dot = second.siblings.items[at].dot;
            if (dot.actor != OWN)
                cr_assert_eq (s_covers (&again, dot), s_covers (&other, dot));
        }
        context_t *const contexts[] = {&context, &reply, &again, &other};
        for (size_t at = 0; at < 4; at++)
            context_clear (contexts[at]);
        object_clear (&second);
        object_clear (&first);
        object_clear (&local);
    }
}

Test (object, delete_removes_what_the_context_covers)
{
    rng_t rng;
    rng_seed (&rng, 5);
    unsigned unchanged = 0;
    for (unsigned i = 0; i < CASES; i++) {
        object_t local = s_random (&rng), result;
        uint32_t set = s_some (&rng) & (uint32_t) (i % 4 ? rng_next (&rng) : 0);
        context_t context = s_context (set, &rng), reply;
        bool changed = object_delete (&local, &context, &result, &reply);
        s_check_write (&local, &context, NULL, &result, &reply);
        bool differs = false;
        for (unsigned bit = 0; bit < DOTS; bit++)
            differs |= s_fate (&local, s_dot (bit)) != s_fate (&result, s_dot (bit));
        cr_assert_eq (changed, differs);
        unchanged += !changed;
        context_clear (&reply);
        context_clear (&context);
        object_clear (&result);
        object_clear (&local);
    }
    cr_assert_gt (unchanged, CASES / 10);
}

Test (object, a_twin_goes_with_its_twin)
{
    sibling_t siblings[] = {s_sibling (0), s_sibling (1), s_sibling (6)};
    dot_t reach[] = {{.actor = 1, .counter = 2}, {.actor = 2, .counter = 3}};
    object_t local = {.context = {.vv = {reach, 2}}, .siblings = {siblings, 3}}, result;
    cr_assert (bytes_equal (siblings[0].put_id, siblings[2].put_id));
    dot_t first = {.actor = 1, .counter = 1};
    context_t context = {.vv = {&first, 1}}, reply;
    cr_assert (object_delete (&local, &context, &result, &reply));
    cr_assert_eq (result.siblings.count, 1);
    cr_assert_eq (dot_compare (result.siblings.items[0].dot, s_dot (1)), 0, "no twin of either");
    cr_assert (s_covers (&reply, s_dot (6)), "what is gone is covered");
    cr_assert_not (s_covers (&reply, s_dot (1)));
    context_clear (&reply);
    object_clear (&result);
}

/* ---- small things ---- */

Test (object, bytes_clock_and_put_are_found)
{
    object_t empty = {0};
    cr_assert_eq (object_value_bytes (&empty) + object_hlc (&empty), 0);
    cr_assert_null (object_find_put (&empty, s_put_id (0)));
    sibling_t siblings[] = {s_sibling (2), s_sibling (3), s_sibling (4)};
    object_t object = {.siblings = {siblings, 3}};
    siblings[0].hlc = 9000;
    cr_assert_eq (object_value_bytes (&object), 2 + 3 + 4);
    cr_assert_eq (object_hlc (&object), 9000);
    cr_assert_eq (object_find_put (&object, s_put_id (3)), &siblings[1]);
    cr_assert_null (object_find_put (&object, s_put_id (0)));
    cr_assert_null (object_find_put (&object, bytes_view (NULL, 0)), "no id is nobody's");
}

Test (object, the_clock_goes_on)
{
    cr_assert_eq (hlc_next (5, 0), (uint64_t) 5 << 16);
    cr_assert_eq (hlc_next (5, (uint64_t) 5 << 16), ((uint64_t) 5 << 16) + 1);
    cr_assert_eq (hlc_next (5, (uint64_t) 9 << 16), ((uint64_t) 9 << 16) + 1);
    cr_assert_eq (hlc_next (5, UINT64_MAX), UINT64_MAX);
}

/* ---- encoding ---- */

Test (object, cut_and_lengthened_states_are_refused)
{
    rng_t rng;
    rng_seed (&rng, 6);
    for (unsigned i = 0; i < 200; i++) {
        object_t object = s_random (&rng), decoded;
        bytes_t bytes = object_encode (&object);
        for (size_t size = 1; size < bytes.size; size++) {
            bytes_t cut = bytes_copy (bytes.data, size);
            cr_assert_eq (object_decode (cut, &decoded), -1);
            cr_assert_eq (decoded.siblings.count + decoded.context.vv.count, 0);
            bytes_clear (&cut);
        }
        buffer_t longer;
        buffer_init (&longer, SIZE_MAX);
        buffer_append (&longer, bytes.data, bytes.size);
        buffer_append (&longer, "", 1);
        cr_assert_eq (object_decode (buffer_view (&longer), &decoded), -1);
        buffer_clear (&longer);
        bytes_clear (&bytes);
        object_clear (&object);
    }
}

Test (object, no_bytes_are_the_empty_state)
{
    object_t object;
    cr_assert_eq (object_decode (bytes_view (NULL, 0), &object), 0);
    cr_assert_eq (object.siblings.count + object.context.vv.count + object.context.ex.count, 0);
}

/*  Encodes without asking whether the state is sound, and decodes. */
static int s_decode_raw (const object_t *object)
{
    buffer_t buffer;
    object_t decoded;
    buffer_init (&buffer, SIZE_MAX);
    cr_assert_eq (codec_encode (&object_schema, object, &buffer), 0);
    int rc = object_decode (buffer_view (&buffer), &decoded);
    object_clear (&decoded);
    buffer_clear (&buffer);
    return rc;
}

Test (object, unsound_states_are_refused)
{
    sibling_t siblings[] = {s_sibling (0), s_sibling (1)};
    dot_t reach[] = {{.actor = 1, .counter = 2}, {.actor = 2, .counter = 1}};
    dot_t except[] = {s_dot (0), s_dot (1)};
    object_t sound = {.context = {.vv = {reach, 2}}, .siblings = {siblings, 2}};
    cr_assert_eq (s_decode_raw (&sound), 0);

    object_t object = sound;
    sibling_t swapped[] = {siblings[1], siblings[0]};
    object.siblings.items = swapped;
    cr_assert_eq (s_decode_raw (&object), -1, "siblings out of order");
    sibling_t twice[] = {siblings[0], siblings[0]};
    object.siblings.items = twice;
    cr_assert_eq (s_decode_raw (&object), -1, "a dot twice");

    object = sound;
    object.context.vv = (dot_list_t){reach + 1, 1};
    cr_assert_eq (s_decode_raw (&object), -1, "a sibling that the context does not reach");
    object.context.vv = (dot_list_t){reach, 2};
    object.context.ex = (dot_list_t){except, 1};
    cr_assert_eq (s_decode_raw (&object), -1, "a sibling that the context excepts");
    object.siblings.count = 0;
    cr_assert_eq (s_decode_raw (&object), 0, "without it the same is sound");
    dot_t unsorted[] = {except[1], except[0]};
    object.context.ex = (dot_list_t){unsorted, 2};
    cr_assert_eq (s_decode_raw (&object), -1, "exceptions out of order");

    object = sound;
    siblings[0].put_id = bytes_text ("short");
    cr_assert_eq (s_decode_raw (&object), -1, "a put_id of 5 bytes");
    siblings[0].put_id = bytes_view (NULL, 0);
    siblings[0].dot.counter = 0;
    buffer_t buffer;
    buffer_init (&buffer, SIZE_MAX);
    cr_assert_neq (codec_encode (&object_schema, &object, &buffer), 0, "a counter of 0");
    buffer_clear (&buffer);
}

/* ---- limits ---- */

/*  Whether a state with lists of these lengths fits, which are only measured. */
static bool s_fits (size_t siblings, size_t entries, size_t exceptions, uint64_t value_bytes)
{
    static const sibling_t items[LIMIT_SIBLINGS_COUNT + 1];
    static const dot_t dots[LIMIT_ENTRIES_COUNT + 1];
    object_t object = {
        .context = {.vv = {(dot_t *) dots, entries}, .ex = {(dot_t *) dots, exceptions}},
        .siblings = {(sibling_t *) items, siblings}};
    sibling_t one = {.value = {.size = value_bytes}};
    if (siblings == 1)
        object.siblings.items = &one;
    return object_fits (&object);
}

Test (object, what_fits_is_bounded)
{
    cr_assert (s_fits (0, 0, 0, 0));
    cr_assert (s_fits (LIMIT_SIBLINGS_COUNT, 0, 0, 0));
    cr_assert (s_fits (0, LIMIT_ENTRIES_COUNT, 0, 0));
    cr_assert (s_fits (0, 0, LIMIT_SIBLINGS_COUNT, 0));
    cr_assert_not (s_fits (LIMIT_SIBLINGS_COUNT + 1, 0, 0, 0));
    cr_assert_not (s_fits (0, LIMIT_ENTRIES_COUNT + 1, 0, 0));
    cr_assert_not (s_fits (0, 0, LIMIT_SIBLINGS_COUNT + 1, 0));
    cr_assert_not (s_fits (1, 0, 0, LIMIT_STATE_BYTES));
}

Test (object, what_fits_can_be_stored)
{
    /* The largest fields that there are: what is encoded is never more than what was measured. */
    enum { COUNT = 50, VALUE = 70000 };
    sibling_t siblings[COUNT];
    dot_t dots[COUNT];
    uint8_t *value = memory_new (VALUE, 1);
    for (unsigned i = 0; i < COUNT; i++) {
        dots[i] = (dot_t){.actor = UINT64_MAX - COUNT + i, .counter = UINT64_MAX};
        siblings[i] = (sibling_t){.dot = dots[i],
                                  .put_id = bytes_text ("one-of-the-first"),
                                  .hlc = UINT64_MAX,
                                  .flags = UINT8_MAX,
                                  .value = bytes_view (value, VALUE)};
    }
    object_t object = {.context = {.vv = {dots, COUNT}, .ex = {dots, COUNT}},
                       .siblings = {siblings, COUNT}};
    bytes_t encoded = object_encode (&object);
    uint64_t room = LIMIT_STATE_BYTES;
    while (siblings[0].value.size = (size_t) room, !object_fits (&object))
        room--;
    cr_assert_leq (encoded.size - VALUE + room, LIMIT_STATE_BYTES);
    cr_assert_gt (encoded.size - VALUE + room, LIMIT_STATE_BYTES - 10000, "and not far below");
    bytes_clear (&encoded);
    free (value);
}

Test (object, what_fits_has_a_context_that_clients_can_carry)
{
    size_t count = LIMIT_ENTRIES_COUNT;
    size_t siblings = LIMIT_SIBLINGS_COUNT;
    while (siblings > 0 && !s_fits (siblings, count, 0, 0))
        siblings -= 64;
    cr_assert_gt (siblings, 1000);
    /* What a blind put at such a key is answered: each sibling excepted, in the largest of numbers. */
    dot_t *dots = memory_new (count, sizeof *dots);
    for (size_t i = 0; i < count; i++)
        dots[i] = (dot_t){.actor = UINT64_MAX - count + i, .counter = UINT64_MAX};
    context_t reply = {.vv = {dots, count}, .ex = {dots, siblings}}, opened;
    bytes_t blob = context_seal (&reply, 1, UINT64_MAX);
    uint64_t hlc;
    cr_assert_leq (blob.size, LIMIT_CONTEXT_BYTES);
    cr_assert_eq (context_open (blob, 1, &opened, &hlc), 0);
    cr_assert_eq (opened.ex.count, siblings);
    context_clear (&opened);
    bytes_clear (&blob);
    free (dots);
}
