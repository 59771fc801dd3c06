/*  test_zpl.c - the scanner beside CZMQ's zconfig, and a configuration that was damaged at random.
 *
 *  What the scanner takes, zconfig has to take too, with the same names and values; what zconfig refuses, the scanner
 *  thereby refuses. Texts come from our files, from a generator of well-formed ones, and from both with damage.
 */
#include "actors/config.h"
#include "actors/zpl.h"
#include "core/rng.h"

#include <criterion/criterion.h>
#include <czmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_BYTES (64u * 1024)
#define LEVELS 64u

static char *s_slurp (const char *path, size_t *size)
{
    const char *source = getenv ("CARTWHEEL_SOURCE");
    char whole[1024];
    snprintf (whole, sizeof whole, "%s/%s", source ? source : ".", path);
    FILE *file = fopen (whole, "rb");
    cr_assert_not_null (file, "%s", whole);
    char *text = calloc (TEXT_BYTES, 1);
    *size = fread (text, 1, TEXT_BYTES / 2, file);
    fclose (file);
    return text;
}

/*  Whether the scanner finds no mistake; then zconfig has to give the same names and values, in order and depth. */
static bool s_agrees (const char *text, size_t size)
{
    zpl_t zpl;
    zpl_line_t line;
    zpl_init (&zpl, text, size);
    while (zpl_next (&zpl, &line))
        if (line.mistakes_count > 0)
            return false;

    zchunk_t *chunk = zchunk_new (text, size);
    zconfig_t *root = zconfig_chunk_load (chunk);
    cr_assert_not_null (root, "zconfig refuses what the scanner takes:\n%.*s", (int) size, text);
    zconfig_t *last[LEVELS] = {root}; /* the last item of each level, below the one before it */
    size_t scanned = 0;
    zpl_init (&zpl, text, size);
    while (zpl_next (&zpl, &line)) {
        cr_assert_lt (line.level + 2, LEVELS);
        zconfig_t **at = &last[line.level + 1];
        *at = *at ? zconfig_next (*at) : zconfig_child (last[line.level]);
        cr_assert_not_null (*at, "zconfig has no line %u", line.number);
        cr_assert_str_eq (zconfig_name (*at), line.name);
        cr_assert_str_eq (zconfig_value (*at), line.value);
        memset (at + 1, 0, (size_t) (last + LEVELS - at - 1) * sizeof *at);
        scanned++;
    }
    for (size_t level = 1; level < LEVELS && last[level]; level++)
        cr_assert_null (zconfig_next (last[level]), "zconfig has more than %zu lines", scanned);
    zconfig_destroy (&root);
    zchunk_destroy (&chunk);
    return true;
}

Test (zpl, gives_what_zconfig_gives_for_our_files)
{
    static const char *const files[] = {"config/node.cfg",
                                        "tests/actors/config/minimal.cfg",
                                        "tests/actors/config/quoted.cfg",
                                        "tests/actors/config/wildcard.cfg",
                                        "tests/actors/config/sizes.cfg",
                                        "tests/actors/config/twice.cfg",
                                        "tests/actors/config/unknown.cfg"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        size_t size;
        char *text = s_slurp (files[i], &size);
        cr_assert (s_agrees (text, size), "%s", files[i]);
        free (text);
    }
}

#define PICK(rng, list) ((list)[rng_below (rng, sizeof (list) / sizeof *(list))])

/*  A well-formed text, made of pieces. */
static size_t s_compose (rng_t *rng, char *text)
{
    static const char *const names[] = {"a",   "section", "n-1", "$x", "_",
                                        "a.b", "a&b+c@d", "a/b", "0",  "name"};
    static const char *const values[] = {"",
                                         " = 1",
                                         "=x",
                                         " =  a b  c ",
                                         " = \"quoted # text\"",
                                         " = ''",
                                         " = 'it is \"so\"'",
                                         " = tcp://127.0.0.1:1",
                                         " = caf\xc3\xa9 \"x\"",
                                         " = a#b",
                                         " = =",
                                         " =",
                                         " = x'",
                                         " = [1, 2]"};
    static const char *const tails[] = {"", "", " ", "   ", "  \r"};
    static const char *const comments[] = {" # note", "  # \"note\" = 1", "#", "  ## 'x"};
    static const char *const lines[] = {"",   "    ", "# comment", "    # comment",
                                        "\r", "  ",   "#\t'"};
    size_t size = 0, depth = 0;
    for (size_t i = rng_below (rng, 20); i > 0; i--) {
        if (rng_below (rng, 4) == 0) {
            size += (size_t) snprintf (text + size, 64, "%s\n", PICK (rng, lines));
            continue;
        }
        size_t level = rng_below (rng, depth + 1);
        depth = level < 5 ? level + 1 : 5;
        const char *value = PICK (rng, values);
        bool commented = strcmp (value, " =") != 0 && rng_below (rng, 3) == 0;
        size += (size_t) snprintf (text + size, 128, "%*s%s%s%s\n", (int) (4 * level), "",
                                   PICK (rng, names), value,
                                   commented ? PICK (rng, comments) : PICK (rng, tails));
    }
    return size > 0 && rng_below (rng, 4) == 0 ? size - 1
                                               : size; /* the last line may lack its end */
}

/*  Changes, drops, doubles or moves a few bytes or lines. */
static size_t s_damage (rng_t *rng, char *text, size_t size)
{
    static const char letters[] = " \t\n\r\v#=\"'/ax0\\\x7f\x80\xff    ====\0";
    for (size_t i = 1 + rng_below (rng, 4); i > 0 && size > 0; i--) {
        size_t at = rng_below (rng, size), span = 1 + rng_below (rng, rng_below (rng, 8) ? 4 : 60);
        span = span < size - at ? span : size - at;
        switch (rng_below (rng, 4)) {
        case 0: text[at] = letters[rng_below (rng, sizeof letters - 1)]; break;
        case 1: text[at] = (char) rng_next (rng); break;
        case 2:
            memmove (text + at, text + at + span, size - at - span);
            size -= span;
            break;
        default:
            if (size + span < TEXT_BYTES) {
                memmove (text + at + span, text + at, size - at);
                size += span;
            }
        }
    }
    return size;
}

Test (zpl, gives_what_zconfig_gives_for_whatever_is_well_formed)
{
    char *text = calloc (TEXT_BYTES, 1);
    rng_t rng;
    rng_seed (&rng, 1);
    for (size_t i = 0; i < 5000; i++) {
        size_t size = s_compose (&rng, text);
        cr_assert (s_agrees (text, size), "%zu:\n%.*s", i, (int) size, text);
    }
    free (text);
}

Test (zpl, takes_nothing_that_zconfig_refuses)
{
    char *text = calloc (TEXT_BYTES, 1);
    size_t taken = 0;
    rng_t rng;
    rng_seed (&rng, 2);
    for (size_t i = 0; i < 20000; i++) {
        size_t size = s_compose (&rng, text);
        taken += s_agrees (text, s_damage (&rng, text, size));
    }
    cr_assert (taken > 1000 && taken < 19000, "%zu", taken);
    free (text);
}

Test (zpl, tells_what_a_comment_in_the_place_of_a_value_hides)
{
    /* zconfig reads "# note" as the value: hence a scanner that says so. */
    zconfig_t *root = zconfig_str_load ("name = # note\n");
    cr_assert_str_eq (zconfig_value (zconfig_child (root)), "# note");
    zconfig_destroy (&root);
    zpl_t zpl;
    zpl_line_t line;
    zpl_init (&zpl, "name = # note\n", 14);
    cr_assert (zpl_next (&zpl, &line));
    cr_assert (line.mistakes_count == 1 && !line.usable && line.assigned);
    cr_assert_not (zpl_next (&zpl, &line));
}

/*  Whatever is done to a good file: a configuration, or mistakes. */
Test (config, outlives_20000_damaged_files)
{
    char path[300];
    const char *tmp = getenv ("TMPDIR");
    snprintf (path, sizeof path, "%s/cartwheel-zpl.XXXXXX", tmp ? tmp : "/tmp");
    int descriptor = mkstemp (path);
    cr_assert_geq (descriptor, 0);
    size_t whole, good = 0;
    char *original = s_slurp ("config/node.cfg", &whole), *text = calloc (TEXT_BYTES, 1);
    rng_t rng;
    rng_seed (&rng, 3);
    for (size_t i = 0; i < 20000; i++) {
        memcpy (text, original, whole);
        size_t size = s_damage (&rng, text, whole);
        cr_assert_eq (pwrite (descriptor, text, size, 0), (ssize_t) size);
        cr_assert_eq (ftruncate (descriptor, (off_t) size), 0);
        buffer_t mistakes;
        buffer_init (&mistakes, 512 * 1024);
        config_t *config = config_load (path, NULL, 0, &mistakes);
        cr_assert_not (mistakes.overflowed);
        cr_assert_eq (config == NULL, mistakes.size > 0);
        cr_assert (!config || (config->settings.r <= config->settings.n && config->data[0]));
        good += config != NULL;
        config_destroy (&config);
        buffer_clear (&mistakes);
    }
    cr_assert (good > 1000 && good < 19000, "%zu", good);
    close (descriptor);
    unlink (path);
    free (original);
    free (text);
}
