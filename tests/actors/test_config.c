/*  test_config.c - configurations: every mistake in its own words, every bound, every field.
 *
 *  tests/actors/config/ has a file a topic, NAME.cfg, with what is to be said of it in NAME.expected, which is empty
 *  for a good one, and sometimes --set strings in NAME.set, one a line.
 */
#include "actors/config.h"
#include "actors/config_table.h"
#include "actors/endpoint.h"
#include "actors/zpl.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_BYTES (2u * 1024 * 1024)
#define MISTAKES_BYTES (512u * 1024)

#define MINIMAL                                                                            \
    "node\n    name = node1\n    data = data\nlisten\n    client = tcp://127.0.0.1:7101\n" \
    "    peer = tcp://127.0.0.1:7102\n    gossip = tcp://127.0.0.1:7103\n"                 \
    "cluster\n    name = demo\n"

/* ---- helpers ---- */

static void s_go_to_source (void)
{
    const char *source = getenv ("CARTWHEEL_SOURCE");
    if (source)
        cr_assert_eq (chdir (source), 0);
}

/*  A whole file; the caller frees it. NULL when there is none. */
static char *s_slurp (const char *path, size_t *size)
{
    FILE *file = fopen (path, "rb");
    if (!file)
        return NULL;
    char *text = calloc (TEXT_BYTES, 1);
    *size = fread (text, 1, TEXT_BYTES - 1, file);
    fclose (file);
    return text;
}

static void s_spill (const char *path, const char *text, size_t size)
{
    FILE *file = fopen (path, "wb");
    cr_assert_not_null (file);
    cr_assert_eq (fwrite (text, 1, size, file), size);
    cr_assert_eq (fclose (file), 0);
}

/*  A folder of its own for each test, removed with its only file, "t.cfg", which is the path that it returns. */
static char s_folder[256];
static char s_path[300];

static void s_setup (void)
{
    const char *tmp = getenv ("TMPDIR");
    snprintf (s_folder, sizeof s_folder, "%s/cartwheel-config.XXXXXX", tmp ? tmp : "/tmp");
    cr_assert_not_null (mkdtemp (s_folder));
    snprintf (s_path, sizeof s_path, "%s/t.cfg", s_folder);
}

static void s_teardown (void)
{
    unlink (s_path);
    rmdir (s_folder);
}

/*  Loads a file; what is said of it as a string into `said`. */
static config_t *s_load (const char *path, char *const *overrides, size_t count, char *said)
{
    buffer_t buffer;
    buffer_init (&buffer, MISTAKES_BYTES - 1);
    config_t *config = config_load (path, overrides, count, &buffer);
    cr_assert_not (buffer.overflowed);
    snprintf (said, MISTAKES_BYTES, "%.*s", (int) buffer.size, (const char *) buffer.data);
    cr_assert_eq (config == NULL, buffer.size > 0, "a configuration or mistakes: %s", said);
    buffer_clear (&buffer);
    return config;
}

static config_t *s_load_text (const char *text, size_t size, char *said)
{
    s_spill (s_path, text, size);
    return s_load (s_path, NULL, 0, said);
}

/*  The minimal file with one --set; whether it is taken. */
static bool s_takes (const char *set, char *said)
{
    char copy[2048];
    snprintf (copy, sizeof copy, "%s", set);
    char *overrides[] = {copy};
    s_spill (s_path, MINIMAL, strlen (MINIMAL));
    config_t *config = s_load (s_path, overrides, 1, said);
    bool taken = config != NULL;
    config_destroy (&config);
    return taken;
}

/*  Every line is FILE:LINE: SUBJECT: WRONG; RIGHT, or the like of a --set; lines of the file come first and rise. */
static size_t s_check_form (const char *path, char *said)
{
    size_t count = 0;
    unsigned long last = 0;
    bool sets = false;
    for (char *line = said, *end; *line; line = end + 1, count++) {
        end = strchr (line, '\n');
        cr_assert_not_null (end);
        *end = '\0';
        if (strncmp (line, "--set ", 6) == 0) {
            cr_assert (strstr (line, ": ") && strchr (line, ';'), "%s", line);
            sets = true;
        } else {
            cr_assert_eq (strncmp (line, path, strlen (path)), 0, "%s", line);
            cr_assert_eq (line[strlen (path)], ':');
            char *at;
            unsigned long number = strtoul (line + strlen (path) + 1, &at, 10);
            cr_assert (!sets && number >= last && number > 0, "%s", line);
            last = number;
            cr_assert (strncmp (at, ": ", 2) == 0 && strchr (at, ';'), "%s", line);
        }
        *end = '\n';
    }
    return count;
}

/* ---- the files ---- */

static size_t s_read_sets (const char *name, char **lines, char **text)
{
    char path[256];
    size_t size, count = 0;
    snprintf (path, sizeof path, "%s.set", name);
    *text = s_slurp (path, &size);
    char *rest = *text;
    for (char *line = rest ? strsep (&rest, "\n") : NULL; line && *line;
         line = strsep (&rest, "\n"))
        lines[count++] = line;
    return count;
}

Test (config, says_what_is_wrong_with_each_file)
{
    s_go_to_source ();
    cr_assert_eq (chdir ("tests/actors/config"), 0);
    DIR *folder = opendir (".");
    size_t files = 0;
    for (struct dirent *entry = readdir (folder); entry; entry = readdir (folder)) {
        char name[128], path[160], *sets[32], *set_text;
        char *dot = strstr (entry->d_name, ".cfg");
        if (!dot || dot[4] != '\0')
            continue;
        snprintf (name, sizeof name, "%.*s", (int) (dot - entry->d_name), entry->d_name);
        snprintf (path, sizeof path, "%s.expected", name);
        size_t size, count = s_read_sets (name, sets, &set_text);
        char *expected = s_slurp (path, &size);
        cr_assert_not_null (expected, "%s is missing", path);
        char *said = calloc (MISTAKES_BYTES, 1);
        config_t *config = s_load (entry->d_name, sets, count, said);
        cr_expect_str_eq (said, expected, "%s", name);
        s_check_form (entry->d_name, said);
        config_destroy (&config);
        free (said);
        free (expected);
        free (set_text);
        files++;
    }
    closedir (folder);
    cr_assert_geq (files, 20);
}

Test (config, tells_twelve_mistakes_at_once)
{
    s_go_to_source ();
    char *said = calloc (MISTAKES_BYTES, 1);
    cr_assert_null (s_load ("tests/actors/config/twelve.cfg", NULL, 0, said));
    cr_assert_eq (s_check_form ("tests/actors/config/twelve.cfg", said), 12);
    free (said);
}

Test (config, node_cfg_has_every_setting_at_its_default)
{
    s_go_to_source ();
    char *said = calloc (MISTAKES_BYTES, 1);
    config_t *config = s_load ("config/node.cfg", NULL, 0, said);
    cr_assert_not_null (config, "%s", said);
    cr_assert_str_eq (config->data, "config/data/node1");
    cr_assert_str_eq (config->monitor, "tcp://127.0.0.1:7104");
    cr_assert (config->settings.n == 1 && config->settings.r == 1 && config->settings.w == 1);
    config_destroy (&config);

    size_t size, known = 0;
    char *text = s_slurp ("config/node.cfg", &size), section[1024] = "";
    bool seen[CONFIG_ROWS_MAXIMUM] = {false};
    zpl_t zpl;
    zpl_line_t line;
    zpl_init (&zpl, text, size);
    while (zpl_next (&zpl, &line)) {
        if (line.level == 0)
            snprintf (section, sizeof section, "%s", line.name);
        else {
            size_t row = config_find (section, line.name);
            cr_assert_lt (row, config_rows ());
            seen[row] = true;
            known++;
            const char *initial = config_row (row)->initial;
            bool same = initial && strcmp (initial, line.value) == 0;
            bool other =
                strcmp (line.name, "monitor") == 0 || strlen (line.name) == 1; /* n, r, w */
            cr_expect (same || !initial || other, "%s/%s is not at its default", section,
                       line.name);
        }
    }
    for (size_t row = 0; row < config_rows (); row++)
        cr_expect (seen[row], "%s/%s is not explained", config_row (row)->section,
                   config_row (row)->name);
    cr_assert_eq (known, config_rows ());
    free (text);
    free (said);
}

Test (config, manual_page_has_every_setting)
{
    s_go_to_source ();
    size_t size;
    char *text = s_slurp ("docs/man/cartwheel.cfg.5", &size);
    cr_assert_not_null (text);
    for (size_t row = 0; row < config_rows (); row++) {
        char item[64];
        snprintf (item, sizeof item, "\n.It Sy %s/%s\n", config_row (row)->section,
                  config_row (row)->name);
        cr_expect_not_null (strstr (text, item), "%s", item);
    }
    free (text);
}

/* ---- values ---- */

TestSuite (load, .init = s_setup, .fini = s_teardown);

Test (load, defaults_are_those_of_the_contract)
{
    char *said = calloc (MISTAKES_BYTES, 1), data[300];
    config_t *config = s_load_text (MINIMAL, strlen (MINIMAL), said);
    cr_assert_not_null (config, "%s", said);
    const settings_t *settings = &config->settings;
    snprintf (data, sizeof data, "%s/data", s_folder);
    cr_assert_str_eq (config->data, data);
    cr_assert_str_eq (settings->name, "node1");
    cr_assert_str_eq (settings->cluster, "demo");
    cr_assert (!settings->zone[0] && !config->monitor[0] && settings->seeds_count == 0);
    cr_assert_str_eq (config->client, "tcp://127.0.0.1:7101");
    cr_assert_str_eq (settings->client, config->client);
    cr_assert_str_eq (settings->peer, config->peer);
    cr_assert_str_eq (settings->gossip, config->gossip);
    cr_assert (settings->n == 3 && settings->r == 2 && settings->w == 2);
    cr_assert (settings->weight == 1.0 && settings->partitions == 256 &&
               settings->monitor_ms == 1000);
    cr_assert (settings->timeout_ms == 1000 && settings->sync_ms == 100);
    cr_assert (settings->policy == POLICY_SIBLINGS && settings->durability == DURABILITY_BATCH);
    cr_assert (settings->value_bytes == 1048576 && settings->siblings_count == 100);
    cr_assert (settings->hints_bytes == 1073741824 && settings->in_flight_count == 4096);
    cr_assert (settings->grace_s == 86400 && settings->repair_s == 600);
    cr_assert (config->engine == ENGINE_BDB && config->level == LEVEL_NOTICE);
    cr_assert (config->cache_bytes == 67108864 && config->page_bytes == 4096);
    cr_assert (!settings->join_manual && !config->curve && !config->trusted);
    config_destroy (&config);
    config_destroy (&config);
    free (said);
}

Test (load, every_setting_reaches_its_field)
{
    static const char text[] =
        "node\n    name = n\n    data = /d\n    zone = z\n    weight = 2.75\n"
        "listen\n    client = tcp://10.0.0.1:1\n    peer = tcp://10.0.0.1:2\n"
        "    gossip = tcp://10.0.0.1:3\n    monitor = tcp://10.0.0.1:4\n"
        "advertise\n    client = tcp://a:5\n    peer = tcp://a:6\n    gossip = tcp://a:7\n"
        "cluster\n    name = c\n    seeds = \"tcp://b:7 tcp://10.0.0.1:3 tcp://A:7\"\n"
        "    join = manual\n    partitions = 65536\n"
        "    n = 7\n    r = 5\n    w = 4\nrequest\n    timeout = 20000\n"
        "store\n    engine = memory\n    durability = none\n    sync = 7\n    cache = 2GB\n"
        "    page = 512\nlimits\n    value = 16MB\n    siblings = 8\n    hints = 5\n    in_flight "
        "= 9\n"
        "log\n    level = debug\ndelete\n    grace = 11\nrepair\n    interval = 12\n"
        "monitor\n    interval = 113\nsecurity\n    trusted = yes\n    certificate = x\n"
        "    nodes = /y\n    clients = z/\n    operators = ../o\n";
    char *said = calloc (MISTAKES_BYTES, 1), path[300];
    config_t *config = s_load_text (text, strlen (text), said);
    cr_assert_not_null (config, "%s", said);
    const settings_t *settings = &config->settings;
    cr_assert_str_eq (config->data, "/d");
    cr_assert_str_eq (settings->zone, "z");
    cr_assert_str_eq (config->client, "tcp://10.0.0.1:1");
    cr_assert_str_eq (config->peer, "tcp://10.0.0.1:2");
    cr_assert_str_eq (config->gossip, "tcp://10.0.0.1:3");
    cr_assert_str_eq (config->monitor, "tcp://10.0.0.1:4");
    cr_assert_str_eq (settings->client, "tcp://a:5");
    cr_assert_str_eq (settings->peer, "tcp://a:6");
    cr_assert_str_eq (settings->gossip, "tcp://a:7");
    cr_assert (settings->seeds_count == 3 && strcmp (settings->seeds[0], "tcp://b:7") == 0);
    for (size_t i = 1; i < 3; i++) /* its own, bound and advertised: told by their text */
        cr_assert_str_eq (settings->seeds[i], settings->gossip);
    cr_assert (settings->weight == 2.75 && settings->join_manual && settings->partitions == 65536);
    cr_assert (settings->n == 7 && settings->r == 5 && settings->w == 4);
    cr_assert (settings->timeout_ms == 20000 && settings->sync_ms == 7 &&
               config->page_bytes == 512);
    cr_assert (config->engine == ENGINE_MEMORY && settings->durability == DURABILITY_NONE);
    cr_assert (config->cache_bytes == 2147483648 && settings->value_bytes == 16777216);
    cr_assert (settings->siblings_count == 8 && settings->hints_bytes == 5);
    cr_assert (settings->in_flight_count == 9 && config->level == LEVEL_DEBUG);
    cr_assert (settings->grace_s == 11 && settings->repair_s == 12 && settings->monitor_ms == 113);
    cr_assert (config->trusted && !config->curve);
    snprintf (path, sizeof path, "%s/x", s_folder);
    cr_assert_str_eq (config->certificate, path);
    cr_assert_str_eq (config->nodes, "/y");
    snprintf (path, sizeof path, "%s/z/", s_folder);
    cr_assert_str_eq (config->clients, path);
    snprintf (path, sizeof path, "%s/../o", s_folder);
    cr_assert_str_eq (config->operators, path);
    config_destroy (&config);
    free (said);
}

/*  Each number and size at both of its bounds, and one past them. */
Test (load, bounds_hold_for_each_row)
{
    char *said = calloc (MISTAKES_BYTES, 1);
    for (size_t i = 0; i < config_rows (); i++) {
        const config_row_t *row = config_row (i);
        char set[128];
        bool quorum = strcmp (row->name, "r") == 0 || strcmp (row->name, "w") == 0;
        if ((row->kind != VALUE_NUMBER && row->kind != VALUE_SIZE) || quorum)
            continue;
        const uint64_t tries[] = {row->least, row->most, row->least - 1, row->most + 1};
        for (size_t j = 0; j < 4; j++) {
            snprintf (set, sizeof set, "%s/%s=%llu", row->section, row->name,
                      (unsigned long long) tries[j]);
            cr_expect_eq (s_takes (set, said), j < 2, "%s", set);
        }
    }
    free (said);
}

static const char *const s_taken[] = {"cluster/n=1",
                                      "cluster/n=01",
                                      "store/page=64KB",
                                      "limits/value=1024",
                                      "node/weight=0.01",
                                      "node/weight=100",
                                      "node/weight=1.50",
                                      "listen/monitor=",
                                      "node/zone=",
                                      "cluster/seeds=",
                                      "cluster/seeds=tcp://127.0.0.1:7103",
                                      "cluster/seeds=tcp://a:1 tcp://127.0.0.1:7103",
                                      "node/name=a=b",
                                      "listen/client=tcp://[fd00::1]:1",
                                      "listen/client=tcp://[::ffff:127.0.0.1]:65535",
                                      "listen/client=tcp://169.254.0.1:1",
                                      "advertise/gossip=tcp://Node_1.example:7103",
                                      "node/name=\xe2\x82\xac"};
static const char *const s_refused[] = {"cluster/n=",
                                        "cluster/n= 1",
                                        "cluster/n=+1",
                                        "cluster/n=1.0",
                                        "cluster/partitions=0",
                                        "store/page=4kb",
                                        "store/cache=18446744073709551617MB",
                                        "store/cache=1048576.5",
                                        "store/cache=",
                                        "node/weight=-1",
                                        "node/weight=1.",
                                        "node/weight=inf",
                                        "node/weight=nan",
                                        "node/weight=0.009",
                                        "node/weight=100.01",
                                        "node/weight=.5",
                                        "node/weight=1e0",
                                        "node/weight=1,5",
                                        "node/weight=1.0000000000000000000000001",
                                        "node/name=",
                                        "node/name=a\tb",
                                        "node/name=\xff",
                                        "node/name=\xed\xa0\x80",
                                        "node/name=\xc0\xaf",
                                        "node/data=",
                                        "node/data=a\nb",
                                        "listen/client=",
                                        "listen/client=tcp://127.0.0.1:65536",
                                        "listen/client=tcp://127.0.0.1:-1",
                                        "listen/client=tcp://127.0.0.1:7102",
                                        "listen/client=tcp://127.0.0.1:07101",
                                        "listen/client=TCP://127.0.0.1:7101",
                                        "listen/client=tcp://127.0.0.1:7101 ",
                                        "listen/client=tcp://lo:7101",
                                        "listen/client=tcp://127.1:7101",
                                        "listen/client=tcp://",
                                        "listen/client=tcp://:",
                                        "listen/client=tcp://[",
                                        "listen/client=tcp://[:1",
                                        "listen/client=tcp://[]:1",
                                        "listen/client=tcp://[::]:7101",
                                        "listen/client=tcp://0.0.0.0:1",
                                        "listen/client=tcp://[::ffff:0.0.0.0]:1",
                                        "listen/client=tcp://[::ffff:8.8.8.8]:1",
                                        "listen/client=tcp://9.9.9.9:7101",
                                        "advertise/client=tcp://a;b:1",
                                        "advertise/client=",
                                        "cluster/seeds=tcp://127.0.0.1:7103,tcp://127.0.0.1:7203",
                                        "cluster/seeds=tcp://127.0.0.1:7103 tcp://127.0.0.1:7103",
                                        "security/curve=yes",
                                        "conflict/policy=last-write-wins",
                                        "cluster/r=4",
                                        "cluster/w=4",
                                        "security/trusted=1"};

Test (load, values_that_are_taken_and_refused)
{
    char *said = calloc (MISTAKES_BYTES, 1);
    for (size_t i = 0; i < sizeof s_taken / sizeof *s_taken; i++)
        cr_expect (s_takes (s_taken[i], said), "%s: %s", s_taken[i], said);
    for (size_t i = 0; i < sizeof s_refused / sizeof *s_refused; i++) {
        cr_expect (!s_takes (s_refused[i], said), "%s", s_refused[i]);
        cr_expect_eq (s_check_form (s_path, said), 1, "%s", said);
    }
    free (said);
}

Test (load, too_long_for_its_field)
{
    static const char *const names[] = {
        "node/name=", "cluster/name=", "node/zone=", "cluster/seeds=tcp://"};
    char *said = calloc (MISTAKES_BYTES, 1);
    for (size_t i = 0; i < 4; i++) {
        char set[512];
        int size = snprintf (set, sizeof set, "%s", names[i]);
        memset (set + size, 'x', 256);
        set[size + 256] = '\0';
        cr_expect (!s_takes (set, said), "%s", set);
        set[size + 255] = '\0';
        cr_expect_eq (s_takes (set, said), i < 3, "%s", set);
    }
    char seeds[LIMIT_CONFIG_LINE_BYTES * 2] = "cluster/seeds=";
    for (size_t i = 0, at = strlen (seeds); i <= LIMIT_SEEDS_COUNT; i++)
        at += (size_t) snprintf (seeds + at, sizeof seeds - at, "tcp://a:%zu ", i + 1);
    cr_expect (!s_takes (seeds, said));
    cr_expect_not_null (strstr (said, "64 seeds"));
    char *path = calloc (LIMIT_PATH_BYTES + 64, 1);
    memcpy (path, "node/data=/", 11);
    memset (path + 11, 'x', LIMIT_PATH_BYTES);
    char *overrides[] = {path};
    cr_expect_null (s_load (s_path, overrides, 1, said));
    cr_expect_not_null (strstr (said, "too long a path"));
    path[10 + LIMIT_PATH_BYTES] = '\0';
    config_t *config = s_load (s_path, overrides, 1, said);
    cr_expect_not_null (config, "%s", said);
    config_destroy (&config);
    free (path);
    free (said);
}

Test (load, small_n_takes_r_and_w_with_it)
{
    char *said = calloc (MISTAKES_BYTES, 1);
    char one[] = "cluster/n=1", r[] = "cluster/r=1", w[] = "cluster/w=3";
    char *sets[] = {one, r};
    s_spill (s_path, MINIMAL, strlen (MINIMAL));
    config_t *config = s_load (s_path, sets, 1, said);
    cr_assert (config && config->settings.r == 1 && config->settings.w == 1, "%s", said);
    config_destroy (&config);
    sets[0] = r;
    sets[1] = w;
    config = s_load (s_path, sets, 2, said);
    cr_assert (config && config->settings.r == 1 && config->settings.w == 3, "%s", said);
    config_destroy (&config);
    free (said);
}

Test (load, the_last_set_wins_over_the_file_and_the_others)
{
    static const char text[] = MINIMAL "    n = ninety\n    r = 2\n";
    char *said = calloc (MISTAKES_BYTES, 1), data[300];
    char *sets[] = {"cluster/n=bad", "cluster/n=2", "cluster/n=4", "node/data=a/b", "cluster/w=4"};
    s_spill (s_path, text, strlen (text));
    config_t *config = s_load (s_path, sets, 5, said);
    cr_assert_not_null (config, "%s", said);
    cr_assert (config->settings.n == 4 && config->settings.r == 2 && config->settings.w == 4);
    snprintf (data, sizeof data, "%s/a/b", s_folder);
    cr_assert_str_eq (config->data, data);
    config_destroy (&config);
    /* Taken from the command line alone, where the file has nothing. */
    char *all[] = {"node/name=x",
                   "node/data=/x",
                   "listen/client=tcp://127.0.0.1:1",
                   "cluster/name=c",
                   "listen/peer=tcp://127.0.0.1:2",
                   "listen/gossip=tcp://127.0.0.1:3"};
    config = s_load_text ("", 0, said);
    cr_assert_null (config);
    config = s_load (s_path, all, 6, said);
    cr_assert_not_null (config, "%s", said);
    config_destroy (&config);
    free (said);
}

/* ---- files that are none ---- */

static void s_expect_said (const char *text, size_t size, const char *line)
{
    char *said = calloc (MISTAKES_BYTES, 1), expected[1024];
    config_t *config = s_load_text (text, size, said);
    cr_expect_null (config);
    snprintf (expected, sizeof expected, "%s%s\n", s_path, line);
    cr_expect_str_eq (said, expected);
    free (said);
}

Test (load, what_is_no_configuration_file)
{
    char *said = calloc (MISTAKES_BYTES, 1), *large = malloc (TEXT_BYTES);
    cr_assert_null (s_load (s_path, NULL, 0, said));
    cr_assert_not_null (strstr (said, "t.cfg:1: file: it cannot be read (No such file"), "%s",
                        said);
    cr_assert_null (s_load (s_folder, NULL, 0, said));
    cr_assert_not_null (strstr (said, ":1: file: it cannot be read (Is a directory)"), "%s", said);
    cr_assert_null (s_load ("", NULL, 0, said));
    s_spill (s_path, MINIMAL, strlen (MINIMAL));
    cr_assert_eq (chmod (s_path, 0), 0);
    if (geteuid () != 0) { /* root may read everything */
        cr_assert_null (s_load (s_path, NULL, 0, said));
        cr_assert_not_null (strstr (said, "Permission denied"), "%s", said);
    }
    chmod (s_path, 0600);

    memset (large, '\n', TEXT_BYTES);
    memcpy (large, MINIMAL, strlen (MINIMAL));
    config_t *config = s_load_text (large, LIMIT_CONFIG_BYTES, said);
    cr_assert_not_null (config, "%s", said);
    config_destroy (&config);
    s_expect_said (large, LIMIT_CONFIG_BYTES + 1,
                   ":1: file: it has more than 1 MB; name a configuration file");
    free (large);
    free (said);
}

Test (load, bytes_that_are_no_text)
{
    static const char nul[] = MINIMAL "    n = 1\0 # no\n    r = 1\n";
    s_expect_said (nul, sizeof nul - 1,
                   ":10: cluster/n: the line has a NUL byte; save the file as plain text");
    static const char mark[] = "\xef\xbb\xbf" MINIMAL;
    s_expect_said (
        mark, sizeof mark - 1,
        ":1: node: the file begins with a byte-order mark; save it as UTF-8 without one");
    static const char control[] = MINIMAL "    n\v= 1\n";
    s_expect_said (control, sizeof control - 1,
                   ":10: cluster/n: the line has a control byte; save the file as plain text");
    char *text = calloc (TEXT_BYTES, 1), *said = calloc (MISTAKES_BYTES, 1);
    size_t size = (size_t) snprintf (text, TEXT_BYTES, "%s    join = ", MINIMAL);
    memset (text + size, 'x', 2000);
    s_expect_said (text, size + 2000,
                   ":10: cluster/join: the line has more than 1023 bytes; make it shorter");
    /* A Windows file is read; the last line needs no end. */
    size = 0;
    for (const char *at = MINIMAL; *at; at++) {
        if (*at == '\n')
            text[size++] = '\r';
        text[size++] = *at;
    }
    config_t *config = s_load_text (text, size - 2, said);
    cr_assert_not_null (config, "%s", said);
    cr_assert_str_eq (config->settings.cluster, "demo");
    config_destroy (&config);
    free (said);
    free (text);
}

Test (load, lists_a_thousand_mistakes_and_counts_the_rest)
{
    char *text = malloc (TEXT_BYTES), *said = calloc (MISTAKES_BYTES, 1);
    memset (text, '/', TEXT_BYTES);
    for (size_t i = 1; i < LIMIT_CONFIG_BYTES; i += 2)
        text[i] = '\n';
    cr_assert_null (s_load_text (text, LIMIT_CONFIG_BYTES, said));
    char expected[400];
    snprintf (expected, sizeof expected,
              "%s:1: file: %zu more mistakes are not listed; mend these first\n", s_path,
              (size_t) LIMIT_CONFIG_BYTES / 2 + 6 - LIMIT_MISTAKES_COUNT);
    cr_assert_str_eq (said + strlen (said) - strlen (expected), expected);
    free (text);
    free (said);
}
