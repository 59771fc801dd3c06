/*  config_table.c - every name that a configuration may have; see config_table.h. */
#include "config_table.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define KB ((uint64_t) 1024)
#define MB (KB * 1024)
#define GB (MB * 1024)
#define DAY_S ((uint64_t) 86400)

#define FIELD(field) .offset = offsetof (config_t, field), .size = sizeof (((config_t *) 0)->field)
#define ROW(the_section, the_name, the_kind, field, ...)                                   \
    {                                                                                      \
        .section = the_section, .name = the_name, .kind = VALUE_##the_kind, FIELD (field), \
        __VA_ARGS__                                                                        \
    }

/* clang-format off */
static const config_row_t s_rows[] = {
    ROW ("node", "name", TEXT, settings.name, .required = true, .example = "node1"),
    ROW ("node", "data", PATH, data, .required = true, .example = "/var/lib/cartwheel/node1"),
    ROW ("node", "zone", TEXT, settings.zone, .initial = ""),
    ROW ("node", "weight", WEIGHT, settings.weight, .initial = "1.0", .least = 1, .most = 10000),
    ROW ("listen", "client", LISTEN, client, .required = true, .example = "tcp://127.0.0.1:7101"),
    ROW ("listen", "peer", LISTEN, peer, .required = true, .example = "tcp://127.0.0.1:7102"),
    ROW ("listen", "gossip", LISTEN, gossip, .required = true, .example = "tcp://127.0.0.1:7103"),
    ROW ("listen", "monitor", LISTEN, monitor, .initial = "", .example = "tcp://127.0.0.1:7104"),
    ROW ("advertise", "client", ADVERTISE, settings.client, .example = "tcp://10.0.0.1:7101"),
    ROW ("advertise", "peer", ADVERTISE, settings.peer, .example = "tcp://10.0.0.1:7102"),
    ROW ("advertise", "gossip", ADVERTISE, settings.gossip, .example = "tcp://10.0.0.1:7103"),
    ROW ("cluster", "name", TEXT, settings.cluster, .required = true, .example = "demo"),
    ROW ("cluster", "seeds", SEEDS, seeds, .initial = "", .example = "tcp://127.0.0.1:7103"),
    ROW ("cluster", "join", CHOICE, settings.join_manual, .initial = "auto",
         .choices = "auto manual"),
    ROW ("cluster", "partitions", NUMBER, settings.partitions, .initial = "256", .doubling = true,
         .least = 1, .most = LIMIT_PARTITIONS_COUNT),
    ROW ("cluster", "n", NUMBER, settings.n, .initial = "3", .least = 1, .most = LIMIT_N),
    ROW ("cluster", "r", NUMBER, settings.r, .initial = "2", .least = 1, .most = LIMIT_N),
    ROW ("cluster", "w", NUMBER, settings.w, .initial = "2", .least = 1, .most = LIMIT_N),
    ROW ("request", "timeout", NUMBER, settings.timeout_ms, .initial = "1000", .unit = "ms",
         .least = 1, .most = LIMIT_TIMEOUT_MS),
    ROW ("store", "engine", CHOICE, engine, .initial = "bdb", .choices = "bdb memory"),
    ROW ("store", "durability", CHOICE, settings.durability, .initial = "batch",
         .choices = "batch periodic none"),
    ROW ("store", "sync", NUMBER, settings.sync_ms, .initial = "100", .unit = "ms", .least = 1,
         .most = 10000),
    ROW ("store", "cache", SIZE, cache_bytes, .initial = "64MB", .least = MB, .most = 1024 * GB),
    ROW ("store", "page", SIZE, page_bytes, .initial = "4KB", .doubling = true, .least = 512,
         .most = 64 * KB),
    ROW ("conflict", "policy", CHOICE, settings.policy, .initial = "siblings",
         .choices = "siblings last-write-wins"),
    ROW ("limits", "value", SIZE, settings.value_bytes, .initial = "1MB", .least = KB,
         .most = LIMIT_VALUE_BYTES),
    ROW ("limits", "siblings", NUMBER, settings.siblings_count, .initial = "100", .least = 1,
         .most = 1000),
    ROW ("limits", "hints", SIZE, settings.hints_bytes, .initial = "1GB", .least = 1,
         .most = 1024 * 1024 * GB),
    ROW ("limits", "in_flight", NUMBER, settings.in_flight_count, .initial = "4096", .least = 1,
         .most = 1000000),
    ROW ("log", "level", CHOICE, level, .initial = "notice",
         .choices = "error warning notice info debug"),
    ROW ("delete", "grace", NUMBER, settings.grace_s, .initial = "86400", .unit = "s", .least = 1,
         .most = 36500 * DAY_S),
    ROW ("repair", "interval", NUMBER, settings.repair_s, .initial = "600", .unit = "s", .least = 1,
         .most = 365 * DAY_S),
    ROW ("monitor", "interval", NUMBER, settings.monitor_ms, .initial = "1000", .unit = "ms",
         .least = 100, .most = 1000 * DAY_S),
    ROW ("security", "curve", CHOICE, curve, .initial = "no", .choices = "no yes"),
    ROW ("security", "trusted", CHOICE, trusted, .initial = "no", .choices = "no yes"),
    ROW ("security", "certificate", PATH, certificate, .initial = "node1.cert"),
    ROW ("security", "nodes", PATH, nodes, .initial = "nodes/"),
    ROW ("security", "clients", PATH, clients, .initial = "clients/"),
    ROW ("security", "operators", PATH, operators, .initial = "operators/"),
};
/* clang-format on */

static const char *const s_sections[] = {"node",   "listen",   "advertise", "cluster", "request",
                                         "store",  "conflict", "limits",    "log",     "delete",
                                         "repair", "monitor",  "security"};

#define ROWS (sizeof s_rows / sizeof *s_rows)
#define SECTIONS (sizeof s_sections / sizeof *s_sections)

_Static_assert(ROWS <= CONFIG_ROWS_MAXIMUM, "raise CONFIG_ROWS_MAXIMUM");
_Static_assert(SECTIONS <= CONFIG_SECTIONS_MAXIMUM, "raise CONFIG_SECTIONS_MAXIMUM");

size_t config_rows (void)
{
    return ROWS;
}

const config_row_t *config_row (size_t row)
{
    assert (row < ROWS);
    return &s_rows[row];
}

size_t config_sections (void)
{
    return SECTIONS;
}

const char *config_section (size_t section)
{
    assert (section < SECTIONS);
    return s_sections[section];
}

size_t config_find (const char *section, const char *name)
{
    size_t row = 0;
    while (row < ROWS &&
           (strcmp (s_rows[row].section, section) != 0 || strcmp (s_rows[row].name, name) != 0))
        row++;
    return row;
}

size_t config_find_section (const char *section)
{
    size_t i = 0;
    while (i < SECTIONS && strcmp (s_sections[i], section) != 0)
        i++;
    return i;
}

#define GUESS_BYTES 31u /* the longest "section/name" has 19 */

static size_t s_least (size_t a, size_t b)
{
    return a < b ? a : b;
}

/*  How many letters to insert, drop, change, or swap with their neighbours, to get from one word to the other, without
 *  regard to case (the "optimal string alignment" distance). */
static size_t s_distance (const char *a, const char *b)
{
    size_t rows[3][GUESS_BYTES + 1];
    size_t a_size = strlen (a), b_size = strlen (b);
    if (a_size > GUESS_BYTES || b_size > GUESS_BYTES)
        return GUESS_BYTES;
    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        size_t *now = rows[i % 3], *above = rows[(i + 2) % 3], *twice = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            int x = tolower ((unsigned char) a[i - 1]), y = tolower ((unsigned char) b[j - 1]);
            now[j] = s_least (s_least (now[j - 1], above[j]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower ((unsigned char) b[j - 2]) &&
                y == tolower ((unsigned char) a[i - 2]))
                now[j] = s_least (now[j], twice[j - 2] + 1);
        }
    }
    return rows[a_size % 3][b_size];
}

/*  Whether `distance` is a slip of the pen in a word of that length: about one letter in three, two at most. */
static bool s_near (size_t distance, const char *word)
{
    return distance <= s_least ((strlen (word) + 1) / 3, 2);
}

size_t config_guess (const char *section, const char *name)
{
    size_t best = ROWS, best_distance = SIZE_MAX;
    for (size_t row = 0; row < ROWS; row++) {
        char whole[GUESS_BYTES + 1];
        snprintf (whole, sizeof whole, "%s/%s", s_rows[row].section, s_rows[row].name);
        if (section && strcmp (section, s_rows[row].section) != 0)
            continue;
        const char *word = section ? s_rows[row].name : whole;
        size_t distance = s_distance (name, word);
        if (distance < best_distance && s_near (distance, word)) {
            best = row;
            best_distance = distance;
        }
    }
    return best;
}

size_t config_guess_section (const char *section)
{
    size_t best = SECTIONS, best_distance = SIZE_MAX;
    for (size_t i = 0; i < SECTIONS; i++) {
        size_t distance = s_distance (section, s_sections[i]);
        if (distance < best_distance && s_near (distance, s_sections[i])) {
            best = i;
            best_distance = distance;
        }
    }
    return best;
}
