/*  test_log.c - a line is one line, whatever stands in it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "actors/log.h"

typedef struct {
    log_t log;
    int reader;
} rig_t;

static rig_t s_rig (level_t level)
{
    int ends[2];
    cr_assert_eq (pipe (ends), 0);
    rig_t rig = {.reader = ends[0]};
    log_init (&rig.log, "node1", level);
    rig.log.fd = ends[1];
    return rig;
}

static void s_read (rig_t *rig, char *text, size_t size)
{
    close (rig->log.fd);
    ssize_t got = read (rig->reader, text, size - 1);
    cr_assert_geq (got, 0);
    text[got] = '\0';
    close (rig->reader);
}

Test (log, a_line_has_time_level_node_role_and_text)
{
    rig_t rig = s_rig (LEVEL_NOTICE);
    log_write (&rig.log, "replica", LEVEL_WARNING, "the disk is full");
    char text[512];
    s_read (&rig, text, sizeof text);
    int length = 0;
    cr_assert_eq (sscanf (text, "%*4d-%*2d-%*2dT%*2d:%*2d:%*2d.%*3dZ warning%n", &length), 0);
    cr_assert_str_eq (text + length, " node1 replica the disk is full\n");
}

Test (log, less_urgent_lines_are_not_written)
{
    rig_t rig = s_rig (LEVEL_WARNING);
    log_write (&rig.log, "replica", LEVEL_NOTICE, "hello");
    char text[64];
    s_read (&rig, text, sizeof text);
    cr_assert_str_eq (text, "");
}

Test (log, control_characters_and_length_are_bounded)
{
    rig_t rig = s_rig (LEVEL_NOTICE);
    char long_text[4 * LIMIT_SENTENCE_BYTES];
    memset (long_text, 'x', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    memcpy (long_text, "a\nb\033[2Jc\x7f", 9);
    log_write (&rig.log, "replica", LEVEL_ERROR, long_text);
    char text[8 * LIMIT_SENTENCE_BYTES];
    s_read (&rig, text, sizeof text);
    cr_assert_eq (strchr (text, '\n'), text + strlen (text) - 1);
    cr_assert_null (strchr (text, '\033'));
    cr_assert_not_null (strstr (text, "a b [2Jc x"));
    cr_assert_lt (strlen (text), LIMIT_SENTENCE_BYTES + 200);
}

Test (log, the_event_is_the_line)
{
    log_t log;
    log_init (&log, "node1", LEVEL_DEBUG);
    bytes_t event = log_event (&log, LEVEL_NOTICE, "ready");
    log_event_t read;
    cr_assert_eq (codec_decode (&log_event_schema, event, &read, NULL), 0);
    cr_assert (bytes_equal (read.node, bytes_text ("node1")));
    cr_assert (bytes_equal (read.level, bytes_text ("notice")));
    cr_assert (bytes_equal (read.message, bytes_text ("ready")));
    cr_assert_gt (read.time, 1600000000000u);
    codec_clear (&log_event_schema, &read);
    bytes_clear (&event);
}

Test (log, the_stream_carries_what_the_log_says_from_notice_on)
{
    log_t log;
    log_init (&log, "node1", LEVEL_DEBUG);
    cr_assert_eq (log_event (&log, LEVEL_INFO, "x").size, 0);
    log_init (&log, "node1", LEVEL_ERROR);
    cr_assert_eq (log_event (&log, LEVEL_NOTICE, "x").size, 0);
}
