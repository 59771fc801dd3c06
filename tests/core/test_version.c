/*  test_version.c - contexts against sets of dots: three actors, counters of 1 to 6, so that each context is a set of 18
 *  bits that is computed here without the code under test. Then the blob: cut, flipped, foreign, forged.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "core/hash.h"
#include "core/rng.h"
#include "core/version.h"
#include "messages/memory.h"

#define ACTORS 3u
#define COUNTERS 6u
#define DOTS (ACTORS * COUNTERS)
#define CASES 20000u

static const uint64_t s_actors[ACTORS] = {0, 7, UINT64_MAX};

/*  The dot of a bit. */
static dot_t s_dot (unsigned bit)
{
    return (dot_t){.actor = s_actors[bit / COUNTERS], .counter = bit % COUNTERS + 1};
}

/*  What the context covers, read off its lists from end to end. */
static uint32_t s_set (const context_t *context)
{
    uint32_t set = 0;
    for (unsigned bit = 0; bit < DOTS; bit++) {
        dot_t dot = s_dot (bit);
        bool covered = false;
        for (size_t i = 0; i < context->vv.count; i++)
            covered |= context->vv.items[i].actor == dot.actor &&
                       context->vv.items[i].counter >= dot.counter;
        for (size_t i = 0; i < context->ex.count; i++)
            covered &= context->ex.items[i].actor != dot.actor ||
                       context->ex.items[i].counter != dot.counter;
        set |= (uint32_t) covered << bit;
    }
    return set;
}

static void s_append (dot_list_t *list, dot_t dot)
{
    list->items = memory_resize (list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = dot;
}

/*  A valid context: any counters, any of what they reach excepted. */
static context_t s_random (rng_t *rng)
{
    context_t context = {0};
    for (unsigned actor = 0; actor < ACTORS; actor++) {
        uint64_t reach = rng_below (rng, COUNTERS + 1);
        if (reach == 0)
            continue;
        s_append (&context.vv, (dot_t){.actor = s_actors[actor], .counter = reach});
        for (uint64_t counter = 1; counter <= reach; counter++)
            if (rng_below (rng, 4) == 0)
                s_append (&context.ex, (dot_t){.actor = s_actors[actor], .counter = counter});
    }
    return context;
}

static context_t s_copy (const context_t *context)
{
    context_t copy;
    codec_copy (&context_schema, context, &copy);
    return copy;
}

Test (version, dots_are_ordered_by_actor_then_counter)
{
    for (unsigned i = 0; i < DOTS; i++)
        for (unsigned j = 0; j < DOTS; j++) {
            int order = dot_compare (s_dot (i), s_dot (j));
            cr_assert_eq ((order > 0) - (order < 0), (i > j) - (i < j));
        }
}

Test (version, a_dot_is_found_where_it_is)
{
    rng_t rng;
    rng_seed (&rng, 11);
    for (unsigned i = 0; i < 2000; i++) {
        context_t context = s_random (&rng);
        for (unsigned bit = 0; bit < DOTS; bit++) {
            ptrdiff_t wanted = -1;
            for (size_t at = 0; at < context.ex.count; at++)
                if (dot_compare (context.ex.items[at], s_dot (bit)) == 0)
                    wanted = (ptrdiff_t) at;
            cr_assert_eq (dot_find (&context.ex, s_dot (bit)), wanted);
        }
        context_clear (&context);
    }
}

Test (version, covers_and_counter)
{
    rng_t rng;
    rng_seed (&rng, 1);
    for (unsigned i = 0; i < CASES; i++) {
        context_t context = s_random (&rng);
        uint32_t set = s_set (&context);
        for (unsigned bit = 0; bit < DOTS; bit++)
            cr_assert_eq (context_covers (&context, s_dot (bit)), (set >> bit & 1) == 1);
        for (unsigned actor = 0; actor < ACTORS; actor++) {
            uint64_t reach = 0;
            for (size_t at = 0; at < context.vv.count; at++)
                if (context.vv.items[at].actor == s_actors[actor])
                    reach = context.vv.items[at].counter;
            cr_assert_eq (context_counter (&context, s_actors[actor]), reach);
        }
        cr_assert_eq (context_counter (&context, 8), 0);
        cr_assert_not (context_covers (&context, (dot_t){.actor = 8, .counter = 1}));
        context_clear (&context);
    }
}

Test (version, includes_is_superset)
{
    rng_t rng;
    rng_seed (&rng, 2);
    unsigned included = 0;
    for (unsigned i = 0; i < CASES; i++) {
        context_t a = s_random (&rng);
        context_t b = s_random (&rng);
        if (i % 2 == 0) { /* two at random hardly ever include each other */
            context_t both;
            context_join (&a, &b, &both);
            context_clear (&a);
            a = both;
            if (i % 4 == 0)
                context_except (&a, s_dot ((unsigned) rng_below (&rng, DOTS)));
        }
        bool wanted = (s_set (&b) & ~s_set (&a)) == 0;
        cr_assert_eq (context_includes (&a, &b), wanted);
        cr_assert (context_includes (&a, &a));
        included += wanted;
        context_clear (&a);
        context_clear (&b);
    }
    cr_assert_gt (included, CASES / 8);
    cr_assert_lt (included, CASES - CASES / 8);
}

Test (version, what_lies_past_the_vector_may_be_excepted)
{
    /* The other reaches further, but only to what it excepts: it covers no more. */
    context_t mine = {0};
    context_t other = {0};
    s_append (&mine.vv, (dot_t){.actor = 7, .counter = 2});
    s_append (&other.vv, (dot_t){.actor = 7, .counter = 4});
    s_append (&other.ex, (dot_t){.actor = 7, .counter = 3});
    s_append (&other.ex, (dot_t){.actor = 7, .counter = 4});
    cr_assert (context_includes (&mine, &other));
    other.ex.count = 1;
    cr_assert_not (context_includes (&mine, &other));
    other.vv.items[0].counter = UINT64_MAX; /* counted, never walked */
    cr_assert_not (context_includes (&mine, &other));
    context_clear (&mine);
    context_clear (&other);
}

Test (version, join_is_union_in_one_form)
{
    rng_t rng;
    rng_seed (&rng, 3);
    for (unsigned i = 0; i < CASES; i++) {
        context_t a = s_random (&rng), b = s_random (&rng), c = s_random (&rng);
        context_t ab, ba, bc, ab_c, a_bc, aa;
        context_join (&a, &b, &ab);
        context_join (&b, &a, &ba);
        context_join (&b, &c, &bc);
        context_join (&ab, &c, &ab_c);
        context_join (&a, &bc, &a_bc);
        context_join (&a, &a, &aa);
        cr_assert_eq (s_set (&ab), s_set (&a) | s_set (&b));
        cr_assert_eq (s_set (&ab_c), s_set (&a) | s_set (&b) | s_set (&c));
        cr_assert (context_valid (&ab));
        cr_assert (codec_equal (&context_schema, &ab, &ba));
        cr_assert (codec_equal (&context_schema, &ab_c, &a_bc));
        cr_assert (codec_equal (&context_schema, &aa, &a));
        context_t *const all[] = {&a, &b, &c, &ab, &ba, &bc, &ab_c, &a_bc, &aa};
        for (size_t at = 0; at < sizeof all / sizeof *all; at++)
            context_clear (all[at]);
    }
}

Test (version, add_covers_the_dot_and_what_the_vector_newly_reaches)
{
    rng_t rng;
    rng_seed (&rng, 4);
    for (unsigned i = 0; i < CASES; i++) {
        context_t context = s_random (&rng);
        unsigned bit = (unsigned) rng_below (&rng, DOTS);
        dot_t dot = s_dot (bit);
        uint32_t wanted = s_set (&context) | (uint32_t) 1 << bit;
        for (uint64_t counter = context_counter (&context, dot.actor) + 1; counter < dot.counter;
             counter++)
            wanted |= (uint32_t) 1 << (bit - (unsigned) (dot.counter - counter));
        context_add (&context, dot);
        cr_assert_eq (s_set (&context), wanted);
        cr_assert (context_valid (&context));
        context_clear (&context);
    }
}

Test (version, except_takes_out_one_dot)
{
    rng_t rng;
    rng_seed (&rng, 5);
    for (unsigned i = 0; i < CASES; i++) {
        context_t context = s_random (&rng);
        uint32_t before = s_set (&context);
        unsigned bit = (unsigned) rng_below (&rng, DOTS);
        context_except (&context, s_dot (bit));
        cr_assert_eq (s_set (&context), before & ~((uint32_t) 1 << bit));
        cr_assert (context_valid (&context));
        context_t once = s_copy (&context);
        context_except (&context, s_dot (bit));
        cr_assert (codec_equal (&context_schema, &once, &context));
        context_clear (&once);
        context_clear (&context);
    }
}

/*  Validity as the header has it: sorted, nothing twice, each exception within the vector's reach. */
static bool s_valid (const context_t *context)
{
    bool valid = true;
    for (size_t i = 0; i + 1 < context->vv.count; i++)
        valid &= context->vv.items[i].actor < context->vv.items[i + 1].actor;
    for (size_t i = 0; i + 1 < context->ex.count; i++)
        valid &= dot_compare (context->ex.items[i], context->ex.items[i + 1]) < 0;
    for (size_t i = 0; i < context->ex.count; i++) {
        bool reached = false;
        for (size_t j = 0; j < context->vv.count; j++)
            reached |= context->vv.items[j].actor == context->ex.items[i].actor &&
                       context->vv.items[j].counter >= context->ex.items[i].counter;
        valid &= reached;
    }
    return valid;
}

Test (version, valid_is_sorted_once_and_reached)
{
    rng_t rng;
    rng_seed (&rng, 6);
    unsigned valid = 0;
    for (unsigned i = 0; i < CASES; i++) {
        context_t context = s_random (&rng);
        cr_assert (context_valid (&context));
        /* One change at one place: another dot, or two that stand the wrong way round. */
        dot_list_t *list = rng_below (&rng, 2) ? &context.vv : &context.ex;
        if (list->count > 0)
            list->items[rng_below (&rng, list->count)] = s_dot ((unsigned) rng_below (&rng, DOTS));
        cr_assert_eq (context_valid (&context), s_valid (&context));
        valid += s_valid (&context);
        context_clear (&context);
    }
    cr_assert_gt (valid, CASES / 20);
    cr_assert_lt (valid, CASES - CASES / 20);
}

/* ---- the blob ---- */

#define KEY_HASH 0x1122334455667788u
#define HLC 0xfedcba9876543210u

static int s_open (bytes_t blob, uint64_t key_hash)
{
    context_t context;
    uint64_t hlc;
    int rc = context_open (blob, key_hash, &context, &hlc);
    if (rc != 0) {
        cr_assert_eq (context.vv.count + context.ex.count, 0, "a refused blob leaves something");
        cr_assert_eq (hlc, 0);
    }
    context_clear (&context);
    return rc;
}

/*  A blob on the heap with exactly its size. */
static bytes_t s_sealed (uint64_t seed)
{
    rng_t rng;
    rng_seed (&rng, seed);
    context_t context = s_random (&rng);
    bytes_t blob = context_seal (&context, KEY_HASH, HLC);
    bytes_t exact = bytes_copy (blob.data, blob.size);
    bytes_clear (&blob);
    context_clear (&context);
    return exact;
}

/*  Writes the right checksum over whatever the blob now says. */
static void s_forge (bytes_t blob)
{
    uint64_t checksum = hash_bytes (bytes_view (blob.data, blob.size - 8));
    for (unsigned i = 0; i < 8; i++)
        blob.data[blob.size - 8 + i] = (uint8_t) (checksum >> (56 - 8 * i));
}

Test (version, what_was_sealed_is_opened)
{
    rng_t rng;
    rng_seed (&rng, 7);
    for (unsigned i = 0; i < 2000; i++) {
        context_t context = s_random (&rng), opened;
        uint64_t hlc, hash = rng_next (&rng), clock = rng_next (&rng);
        bytes_t blob = context_seal (&context, hash, clock);
        cr_assert_eq (context_open (blob, hash, &opened, &hlc), 0);
        cr_assert (codec_equal (&context_schema, &context, &opened));
        cr_assert_eq (hlc, clock);
        cr_assert_eq (s_open (blob, hash ^ (uint64_t) 1 << rng_below (&rng, 64)), -1);
        context_clear (&context);
        context_clear (&opened);
        bytes_clear (&blob);
    }
}

Test (version, no_bytes_cover_nothing)
{
    context_t context;
    uint64_t hlc = 5;
    cr_assert_eq (context_open (bytes_view (NULL, 0), KEY_HASH, &context, &hlc), 0);
    cr_assert_eq (context.vv.count + context.ex.count, 0);
    cr_assert_eq (hlc, 0);
    context_t nothing = {0};
    bytes_t blob = context_seal (&nothing, KEY_HASH, 0);
    cr_assert_eq (s_open (blob, KEY_HASH), 0);
    cr_assert_eq (s_open (blob, KEY_HASH + 1), -1, "an empty context of another key");
    bytes_clear (&blob);
}

Test (version, every_truncation_is_refused)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        bytes_t blob = s_sealed (seed);
        cr_assert_eq (s_open (blob, KEY_HASH), 0);
        for (size_t size = 1; size < blob.size; size++) {
            bytes_t cut = bytes_copy (blob.data, size);
            cr_assert_eq (s_open (cut, KEY_HASH), -1, "cut to %zu of %zu", size, blob.size);
            if (size > 8) {
                s_forge (cut);
                cr_assert_eq (s_open (cut, KEY_HASH), -1, "cut and forged, %zu", size);
            }
            bytes_clear (&cut);
        }
        buffer_t longer;
        buffer_init (&longer, SIZE_MAX);
        buffer_append (&longer, blob.data, blob.size);
        buffer_append (&longer, "", 1);
        cr_assert_eq (s_open (buffer_view (&longer), KEY_HASH), -1);
        s_forge (buffer_view (&longer));
        cr_assert_eq (s_open (buffer_view (&longer), KEY_HASH), -1);
        buffer_clear (&longer);
        bytes_clear (&blob);
    }
}

Test (version, every_flipped_byte_is_refused)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        bytes_t blob = s_sealed (seed);
        for (size_t at = 0; at < blob.size; at++)
            for (unsigned flip = 1; flip < 256; flip++) {
                blob.data[at] ^= (uint8_t) flip;
                cr_assert_eq (s_open (blob, KEY_HASH), -1, "byte %zu ^ %02x", at, flip);
                blob.data[at] ^= (uint8_t) flip;
            }
        bytes_clear (&blob);
    }
}

Test (version, a_forged_checksum_helps_nothing)
{
    bytes_t blob = s_sealed (3);
    cr_assert_eq (blob.data[1], 1, "where the format stands");
    blob.data[1] = 2;
    s_forge (blob);
    cr_assert_eq (s_open (blob, KEY_HASH), -1, "another format");
    blob.data[1] = 1;
    s_forge (blob);
    cr_assert_eq (s_open (blob, KEY_HASH), 0, "the forging itself");
    bytes_clear (&blob);

    dot_t twice[] = {{.actor = 9, .counter = 1}, {.actor = 9, .counter = 2}};
    context_t unsound = {.vv = {twice, 2}};
    blob = context_seal (&unsound, KEY_HASH, HLC);
    cr_assert_eq (s_open (blob, KEY_HASH), -1, "an actor twice");
    bytes_clear (&blob);
    unsound = (context_t){.vv = {twice, 1}, .ex = {twice + 1, 1}};
    blob = context_seal (&unsound, KEY_HASH, HLC);
    cr_assert_eq (s_open (blob, KEY_HASH), -1, "an exception that nothing reaches");
    bytes_clear (&blob);
}

Test (version, a_blob_past_its_limit_is_refused_unread)
{
    bytes_t large = bytes_own (memory_new (LIMIT_CONTEXT_BYTES + 1, 1), LIMIT_CONTEXT_BYTES + 1);
    s_forge (large);
    cr_assert_eq (s_open (large, KEY_HASH), -1);
    bytes_clear (&large);
}
