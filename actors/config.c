/*  config.c - the configuration of one node; see config.h.
 *
 *  In this order: the --set strings find their rows; each line of the file is read by its row; the --set values and the
 *  defaults follow; then what concerns more than one row is checked, among the rows whose own values are good, so that
 *  one mistake is not told twice. config_table.c has the rows.
 */
#include "config.h"
#include "config_table.h"
#include "config_value.h"
#include "endpoint.h"
#include "mistakes.h"
#include "zpl.h"
#include "../messages/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNKNOWN_BYTES 64u

/*  What is known of a row. */
typedef struct {
    unsigned line; /* where the file has it first; 0: nowhere */
    place_t set;   /* the last --set of it; set.override is NULL when there is none */
    bool
        attempted; /* something stands for it that is a mistake already, so it is not missing as well */
    bool good;     /* its value was read */
} given_t;

typedef struct {
    config_t *config;
    mistakes_t mistakes;
    char folder[LIMIT_PATH_BYTES + 1]; /* of the file, with a / at its end; or empty */
    unsigned last_line;
    unsigned section_lines[CONFIG_SECTIONS_MAXIMUM]; /* as given_t.line */
    unsigned
        guess_lines[CONFIG_SECTIONS_MAXIMUM]; /* where a misspelt name stands for the section */
    given_t given[CONFIG_ROWS_MAXIMUM];
    size_t section; /* of the line that is read now; config_sections () in an unknown one */
    char unknown[UNKNOWN_BYTES + 1]; /* what that one is called, or how it begins */
} loader_t;

static void s_mistake (loader_t *self, place_t place, const char *subject, const char *format, ...)
    __attribute__ ((format (printf, 4, 5)));

static void s_mistake (loader_t *self, place_t place, const char *subject, const char *format, ...)
{
    char sentence[LIMIT_SENTENCE_BYTES];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (sentence, sizeof sentence, format, arguments);
    va_end (arguments);
    mistakes_add (&self->mistakes, place, subject, sentence);
}

static place_t s_line (unsigned line)
{
    return (place_t){.line = line};
}

/*  "section/name" of a row, into a text of SUBJECT_BYTES. */
#define SUBJECT_BYTES 32u
static const char *s_subject (size_t row, char *subject)
{
    snprintf (subject, SUBJECT_BYTES, "%s/%s", config_row (row)->section, config_row (row)->name);
    return subject;
}

/* ---- names that nobody knows ---- */

/*  The names of a section, or all sections where it is NULL: "name, data, zone". */
static char *s_list (const char *section, char *list)
{
    size_t size = 0;
    size_t count = section ? config_rows () : config_sections ();
    for (size_t i = 0; i < count; i++) {
        if (section && strcmp (config_row (i)->section, section) != 0)
            continue;
        size += (size_t) snprintf (list + size, LIMIT_SENTENCE_BYTES / 2 - size, "%s%s",
                                   size ? ", " : "",
                                   section ? config_row (i)->name : config_section (i));
    }
    return list;
}

/*  The sections that have such a name, as "node or cluster"; "" when none has. */
static char *s_homes (const char *name, char *list)
{
    size_t size = 0;
    list[0] = '\0';
    for (size_t row = 0; row < config_rows (); row++)
        if (strcmp (config_row (row)->name, name) == 0)
            size += (size_t) snprintf (list + size, LIMIT_SENTENCE_BYTES / 2 - size, "%s`%s`",
                                       size ? " or " : "", config_row (row)->section);
    return list;
}

static void s_unknown_name (loader_t *self, place_t place, const char *section, const char *name)
{
    char subject[LIMIT_CONFIG_LINE_BYTES + SUBJECT_BYTES], list[LIMIT_SENTENCE_BYTES / 2];
    snprintf (subject, sizeof subject, "%s/%s", section, name);
    size_t guess = config_guess (section, name);
    if (guess < config_rows ()) {
        s_mistake (self, place, subject, "no such name; did you mean `%s`?",
                   config_row (guess)->name);
        self->given[guess].attempted = true;
    } else if (*s_homes (name, list))
        s_mistake (self, place, subject, "no such name in this section; it belongs to %s", list);
    else
        s_mistake (self, place, subject, "no such name; `%s` has %s", section,
                   s_list (section, list));
}

/* ---- lines of the file ---- */

static void s_read_section (loader_t *self, const zpl_line_t *line)
{
    char list[LIMIT_SENTENCE_BYTES / 2];
    place_t place = s_line (line->number);
    size_t section = config_find_section (line->name);
    size_t guess = config_guess_section (line->name);
    if (section < config_sections ()) {
        if (line->assigned)
            s_mistake (self, place, line->name,
                       "a section has no value; write its names below it, "
                       "indented by four spaces");
        if (self->section_lines[section])
            s_mistake (self, place, line->name,
                       "the section is given twice, on line %u first; "
                       "write its names there",
                       self->section_lines[section]);
        else
            self->section_lines[section] = line->number;
        self->section = section;
    } else if (guess < config_sections () && !line->assigned) {
        s_mistake (self, place, line->name, "no such section; did you mean `%s`?",
                   config_section (guess));
        self->guess_lines[guess] = line->number;
        self->section = guess;
    } else if (*s_homes (line->name, list)) {
        /* An unindented name: the section goes on. */
        s_mistake (self, place, line->name,
                   "a value outside a section; write it below %s, indented by four spaces", list);
        size_t row = self->section < config_sections ()
                         ? config_find (config_section (self->section), line->name)
                         : config_rows ();
        if (row < config_rows ())
            self->given[row].attempted = true;
    } else {
        s_mistake (self, place, line->name, "no such section; the sections are %s",
                   s_list (NULL, list));
        self->section = config_sections ();
        snprintf (self->unknown, sizeof self->unknown, "%.*s", (int) UNKNOWN_BYTES, line->name);
    }
}

/*  Reads a value by its row. */
static void s_read_value (loader_t *self, size_t row, place_t place, const char *value)
{
    char subject[SUBJECT_BYTES], why[LIMIT_SENTENCE_BYTES];
    given_t *given = &self->given[row];
    given->good = config_value_read (self->config, config_row (row), value, self->folder, why);
    given->attempted = !given->good;
    if (!given->good)
        s_mistake (self, place, s_subject (row, subject), "%s", why);
}

static void s_read_name (loader_t *self, const zpl_line_t *line)
{
    char subject[SUBJECT_BYTES];
    if (self->section == config_sections () && !self->unknown[0])
        return; /* no section yet: the scanner has said so */
    if (self->section == config_sections ()) {
        char unknown[2 * UNKNOWN_BYTES + 2];
        snprintf (unknown, sizeof unknown, "%s/%.*s", self->unknown, (int) UNKNOWN_BYTES,
                  line->name);
        s_mistake (self, s_line (line->number), unknown,
                   "no such section, so no such name; write it below a section that has it");
        return;
    }
    const char *section = config_section (self->section);
    size_t row = config_find (section, line->name);
    if (row == config_rows ()) {
        s_unknown_name (self, s_line (line->number), section, line->name);
        return;
    }
    given_t *given = &self->given[row];
    if (given->line)
        s_mistake (self, s_line (line->number), s_subject (row, subject),
                   "the name is given twice, on line %u first; keep one", given->line);
    else
        given->line = line->number;
    if (given->set.override) /* then what stands here needs not be right */
        return;
    if (!line->usable)
        given->attempted = true;
    else if (!line->assigned) {
        given->attempted = true;
        s_mistake (self, s_line (line->number), s_subject (row, subject),
                   "the name has no value; write `%s = value`", line->name);
    } else
        s_read_value (self, row, s_line (line->number), line->value);
}

/*  What a syntax error is about: its name as far as it can be told. */
static const char *s_line_subject (const loader_t *self, const zpl_line_t *line, char *subject)
{
    const char *section =
        self->section < config_sections () ? config_section (self->section) : NULL;
    if (line->level == 0 || !section)
        snprintf (subject, LIMIT_CONFIG_LINE_BYTES + SUBJECT_BYTES, "%s",
                  line->name[0] ? line->name : "file");
    else
        snprintf (subject, LIMIT_CONFIG_LINE_BYTES + SUBJECT_BYTES, "%s%s%s", section,
                  line->name[0] ? "/" : "", line->name);
    return subject;
}

static void s_read_lines (loader_t *self, bytes_t text)
{
    zpl_t zpl;
    zpl_line_t line;
    char subject[LIMIT_CONFIG_LINE_BYTES + SUBJECT_BYTES];
    self->section = config_sections ();
    zpl_init (&zpl, text.data, text.size);
    while (zpl_next (&zpl, &line)) {
        s_line_subject (self, &line, subject);
        for (size_t i = 0; i < line.mistakes_count; i++)
            s_mistake (self, s_line (line.number), subject, "%s", line.mistakes[i]);
        if (line.name[0] && line.level == 0)
            s_read_section (self, &line);
        else if (line.name[0] && line.level == 1)
            s_read_name (self, &line);
        else if (line.name[0])
            s_mistake (self, s_line (line.number), subject,
                       "a name below a name; indent it by four spaces, below its section");
    }
    self->last_line = zpl.number > 0 ? zpl.number : 1;
}

/*  Reads what `descriptor` has into `text`, which has room for one byte more than a file may have. The size, or -1 with
 *  errno. */
static ssize_t s_read_all (int descriptor, uint8_t *text)
{
    struct stat status;
    if (descriptor < 0 || fstat (descriptor, &status) < 0)
        return -1;
    if (S_ISDIR (status.st_mode)) {
        errno = EISDIR;
        return -1;
    }
    size_t size = 0;
    while (size <= LIMIT_CONFIG_BYTES) {
        ssize_t got = read (descriptor, text + size, LIMIT_CONFIG_BYTES + 1 - size);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return -1;
        size += got > 0 ? (size_t) got : 0;
    }
    return (ssize_t) size;
}

/*  The whole file, owned by the result; false, after a mistake, where there is none. */
static bool s_read_file (loader_t *self, const char *file, bytes_t *text)
{
    uint8_t *data = memory_new (LIMIT_CONFIG_BYTES + 1, 1);
    int descriptor = open (file, O_RDONLY | O_CLOEXEC);
    ssize_t size = s_read_all (descriptor, data);
    if (size < 0)
        s_mistake (self, s_line (1), "file",
                   "it cannot be read (%s); name a configuration file that this user may read",
                   strerror (errno));
    else if (size > LIMIT_CONFIG_BYTES)
        s_mistake (self, s_line (1), "file", "it has more than 1 MB; name a configuration file");
    if (descriptor >= 0)
        close (descriptor);
    bool whole = size >= 0 && size <= LIMIT_CONFIG_BYTES;
    *text = bytes_own (data, whole ? (size_t) size : 0);
    return whole;
}

/* ---- --set ---- */

/*  Notes for each row the last --set of it; the others are not read. */
static void s_note_overrides (loader_t *self, char *const *overrides, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char name[LIMIT_CONFIG_LINE_BYTES + 1], list[LIMIT_SENTENCE_BYTES / 2];
        place_t place = {.line = (unsigned) (i + 1), .override = overrides[i]};
        size_t size = strcspn (overrides[i], "=");
        snprintf (name, sizeof name, "%.*s", (int) (size < sizeof name ? size : sizeof name - 1),
                  overrides[i]);
        const char *subject = name[0] ? name : "name";
        char *slash = strchr (name, '/');
        if (overrides[i][size] == '\0' || !slash) {
            s_mistake (self, place, subject,
                       "not of the form section/name=value; write for example "
                       "--set cluster/n=1");
            continue;
        }
        size_t guess = config_guess (NULL, name);
        *slash = '\0';
        size_t section = config_find_section (name);
        size_t row = config_find (name, slash + 1);
        if (row < config_rows ())
            self->given[row].set = place;
        else if (section < config_sections ())
            s_unknown_name (self, place, name, slash + 1);
        else {
            *slash = '/';
            if (guess < config_rows ())
                s_mistake (self, place, subject, "no such name; did you mean `%s/%s`?",
                           config_row (guess)->section, config_row (guess)->name);
            else
                s_mistake (self, place, subject, "no such section; the sections are %s",
                           s_list (NULL, list));
        }
    }
}

/*  Gives the rows that the file did not what --set or the defaults say. */
static void s_fill (loader_t *self)
{
    char why[LIMIT_SENTENCE_BYTES];
    for (size_t row = 0; row < config_rows (); row++) {
        given_t *given = &self->given[row];
        const char *initial = config_row (row)->initial;
        if (given->set.override)
            s_read_value (self, row, given->set, strchr (given->set.override, '=') + 1);
        else if (!given->line && !given->attempted && initial) {
            given->good =
                config_value_read (self->config, config_row (row), initial, self->folder, why);
            if (!given->good) /* a path, in a folder whose own is too long */
                s_mistake (self, s_line (self->last_line), config_row (row)->section, "%s", why);
        }
    }
}

/* ---- what concerns more than one row ---- */

static size_t s_row (const char *section, const char *name)
{
    size_t row = config_find (section, name);
    assert (row < config_rows ());
    return row;
}

static bool s_is_given (const loader_t *self, size_t row)
{
    return self->given[row].set.override || self->given[row].line;
}

static place_t s_place (const loader_t *self, size_t row)
{
    const given_t *given = &self->given[row];
    if (given->set.override)
        return given->set;
    return s_line (given->line ? given->line : self->last_line);
}

static void s_check_missing (loader_t *self)
{
    char subject[SUBJECT_BYTES];
    for (size_t row = 0; row < config_rows (); row++) {
        size_t section = config_find_section (config_row (row)->section);
        if (!config_row (row)->required || self->given[row].attempted || s_is_given (self, row))
            continue;
        unsigned line = self->section_lines[section] ? self->section_lines[section]
                        : self->guess_lines[section] ? self->guess_lines[section]
                                                     : self->last_line;
        s_mistake (self, s_line (line), s_subject (row, subject),
                   "it is required, and missing; add to section `%s`, for example: %s = %s",
                   config_row (row)->section, config_row (row)->name, config_row (row)->example);
    }
}

/*  r and w are at most n; where they are not given, they make room for a smaller one. */
static void s_check_quorum (loader_t *self)
{
    settings_t *settings = &self->config->settings;
    size_t n = s_row ("cluster", "n");
    if (!self->given[n].good)
        return;
    for (size_t i = 0; i < 2; i++) {
        size_t row = s_row ("cluster", i == 0 ? "r" : "w");
        uint8_t *quorum = i == 0 ? &settings->r : &settings->w;
        char subject[SUBJECT_BYTES];
        if (!self->given[row].good || *quorum <= settings->n)
            continue;
        if (!s_is_given (self, row))
            *quorum = settings->n;
        else
            s_mistake (
                self, s_place (self, row), s_subject (row, subject),
                "%s = %u is more than n = %u; write a number from 1 to %u, or raise cluster/n",
                config_row (row)->name, *quorum, settings->n, settings->n);
    }
}

/*  The endpoint of a row; false when there is none, or none that could be read. */
static bool s_endpoint (const loader_t *self, size_t row, endpoint_t *endpoint)
{
    const char *text = (const char *) self->config + config_row (row)->offset;
    return self->given[row].good && text[0] && !endpoint_parse (text, endpoint);
}

static const char *const s_sockets[] = {"client", "peer", "gossip", "monitor"};

/*  What a node binds: no wildcard that is not advertised as something else, nothing twice, and nothing in the open. */
static void s_check_listen (loader_t *self)
{
    const config_t *config = self->config;
    bool sheltered_only = self->given[s_row ("security", "trusted")].good && !config->trusted &&
                          self->given[s_row ("security", "curve")].good && !config->curve;
    for (size_t i = 0; i < 4; i++) {
        endpoint_t mine, other;
        char subject[SUBJECT_BYTES];
        size_t row = s_row ("listen", s_sockets[i]);
        const char *text = (const char *) config + config_row (row)->offset;
        place_t place = s_place (self, row);
        if (!s_endpoint (self, row, &mine))
            continue;
        s_subject (row, subject);
        /* Nobody is told of `monitor`, so any advertised socket shows that the addresses were thought of. */
        bool advertised = false;
        for (size_t j = 0; j < 3; j++)
            advertised = advertised || ((i == j || i == 3) &&
                                        s_is_given (self, s_row ("advertise", s_sockets[j])));
        for (size_t j = 0; j < i; j++) {
            size_t earlier = s_row ("listen", s_sockets[j]);
            if (s_endpoint (self, earlier, &other) && endpoint_clash (&mine, &other))
                s_mistake (self, place, subject,
                           "`%s` takes the place of listen/%s; give each socket "
                           "a port of its own",
                           text, s_sockets[j]);
        }
        bool exposed = sheltered_only && !endpoint_sheltered (&mine);
        if (endpoint_wildcard (&mine) && !advertised)
            s_mistake (self, place, subject,
                       "`%s` is a wildcard that nobody can connect to; write one "
                       "address, or what others connect to as advertise/%s%s",
                       text, s_sockets[i % 3], exposed ? ", and security/trusted = yes" : "");
        else if (exposed)
            s_mistake (
                self, place, subject,
                "`%s` is neither a loopback nor a private address, and without CURVE anybody "
                "there may read and write; write a private address, or security/trusted = yes",
                text);
    }
}

/*  What others are told: three different endpoints, `listen` where nothing else is given. */
static void s_check_advertise (loader_t *self)
{
    bool known[3];
    endpoint_t endpoints[3];
    size_t rows[3];
    for (size_t i = 0; i < 3; i++) {
        char subject[SUBJECT_BYTES];
        rows[i] = s_row ("advertise", s_sockets[i]);
        size_t from = s_is_given (self, rows[i]) ? rows[i] : s_row ("listen", s_sockets[i]);
        known[i] = s_endpoint (self, from, &endpoints[i]);
        if (known[i] && from != rows[i])
            memcpy ((char *) self->config + config_row (rows[i])->offset,
                    (char *) self->config + config_row (from)->offset, config_row (from)->size);
        for (size_t j = 0; j < i; j++) {
            size_t later = s_is_given (self, rows[i]) ? i : j;
            if (known[i] && known[j] && s_is_given (self, rows[later]) &&
                endpoint_same (&endpoints[i], &endpoints[j]))
                s_mistake (
                    self, s_place (self, rows[later]), s_subject (rows[later], subject),
                    "`%s` is also where others would look for %s; write an endpoint for each",
                    (char *) self->config + config_row (rows[i])->offset,
                    s_sockets[later == i ? j : i]);
        }
    }
}

/*  What this version cannot do yet, where going on would be something else than was asked for. */
static void s_check_version (loader_t *self)
{
    config_t *config = self->config;
    size_t curve = s_row ("security", "curve"), policy = s_row ("conflict", "policy");
    if (config->curve)
        s_mistake (
            self, s_place (self, curve), "security/curve",
            "this version has no CURVE yet; write no, and keep the node on a trusted network");
    if (config->settings.policy == POLICY_LAST_WRITE_WINS)
        s_mistake (self, s_place (self, policy), "conflict/policy",
                   "this version has no last-write-wins yet; write siblings");
}

/*  Hands the seeds on. The node's own, bound or advertised, is written as others know it: so it is told by its text. */
static void s_settle_seeds (loader_t *self)
{
    config_t *config = self->config;
    settings_t *settings = &config->settings;
    endpoint_t seed, bound, told;
    bool is_bound = s_endpoint (self, s_row ("listen", "gossip"), &bound);
    bool is_told = !endpoint_parse (settings->gossip, &told);
    settings->seeds = config->seeds;
    while (settings->seeds_count < LIMIT_SEEDS_COUNT && config->seeds[settings->seeds_count][0]) {
        char *text = config->seeds[settings->seeds_count++];
        if (is_told && !endpoint_parse (text, &seed) &&
            (endpoint_same (&seed, &told) || (is_bound && endpoint_same (&seed, &bound))))
            memcpy (text, settings->gossip, sizeof settings->gossip);
    }
}

/* ---- the whole ---- */

config_t *config_load (const char *file, char *const *overrides, size_t count, buffer_t *mistakes)
{
    loader_t *self = memory_new (1, sizeof *self);
    self->config = memory_new (1, sizeof *self->config);
    self->last_line = 1;
    mistakes_init (&self->mistakes);
    const char *slash = strrchr (file, '/');
    size_t folder = slash ? (size_t) (slash - file) + 1 : 0;
    if (folder <= LIMIT_PATH_BYTES)
        memcpy (self->folder, file, folder);

    s_note_overrides (self, overrides, count);
    bytes_t text;
    bool read = s_read_file (self, file, &text);
    if (read)
        s_read_lines (self, text);
    bytes_clear (&text);
    s_fill (self);
    if (read)
        s_check_missing (self);
    s_check_quorum (self);
    s_check_listen (self);
    s_check_advertise (self);
    s_check_version (self);
    s_settle_seeds (self);

    mistakes_print (&self->mistakes, file, mistakes);
    if (self->mistakes.count > 0)
        config_destroy (&self->config);
    config_t *config = self->config;
    mistakes_clear (&self->mistakes);
    free (self);
    return config;
}

void config_destroy (config_t **self_p)
{
    free (*self_p);
    *self_p = NULL;
}
