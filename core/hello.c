/*  hello.c - see hello.h. */
#include "hello.h"

#include <stdio.h>
#include <string.h>

#include "gossip.h"

static bool s_printable (bytes_t text)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < ' ' || text.data[i] == 0x7f)
            return false;
    return true;
}

bool hello_valid (const hello_t *hello)
{
    return hello->node != 0 && hello->name.size > 0 && hello->gossip.size > 0 &&
           s_printable (hello->name) && s_printable (hello->gossip) &&
           s_printable (hello->cluster_name);
}

static void s_sentence (const settings_t *settings, const hello_t *hello, const char *what,
                        const char *ours, const char *theirs, char *why)
{
    snprintf (why, LIMIT_SENTENCE_BYTES,
              "%s differs: %s (%s) has %s, %.*s (%.*s) has %s; nodes of one cluster must agree, "
              "so change one of the two configurations",
              what, settings->name, settings->gossip, ours, HELLO_TEXT (hello->name),
              HELLO_TEXT (hello->gossip), theirs);
}

static bool s_number_differs (const settings_t *settings, const hello_t *hello, const char *what,
                              uint32_t ours, uint32_t theirs, char *why)
{
    char one[16], other[16];
    if (ours == theirs)
        return false;
    snprintf (one, sizeof one, "%u", ours);
    snprintf (other, sizeof other, "%u", theirs);
    s_sentence (settings, hello, what, one, other, why);
    return true;
}

static const char *s_policy (unsigned policy)
{
    static const char *const names[] = {"siblings", "last-write-wins"};
    return policy <= POLICY_LAST_WRITE_WINS ? names[policy] : "another";
}

bool hello_differs (const settings_t *settings, const hello_t *hello, char *why)
{
    if (s_number_differs (settings, hello, "the protocol's version", GOSSIP_PROTOCOL,
                          hello->protocol, why))
        return true;
    if (!bytes_equal (hello->cluster_name, bytes_text (settings->cluster))) {
        char theirs[LIMIT_NAME_BYTES + 1];
        snprintf (theirs, sizeof theirs, "%.*s", HELLO_TEXT (hello->cluster_name));
        s_sentence (settings, hello, "cluster/name", settings->cluster, theirs, why);
        return true;
    }
    if (s_number_differs (settings, hello, "cluster/partitions", settings->partitions,
                          hello->partitions, why) ||
        s_number_differs (settings, hello, "cluster/n", settings->n, hello->n, why))
        return true;
    if (hello->policy == (unsigned) settings->policy)
        return false;
    s_sentence (settings, hello, "conflict/policy", s_policy (settings->policy),
                s_policy (hello->policy), why);
    return true;
}

const char *hello_clean (bytes_t said, char *text)
{
    size_t size = said.size < LIMIT_SENTENCE_BYTES ? said.size : LIMIT_SENTENCE_BYTES - 1;
    for (size_t i = 0; i < size; i++)
        text[i] = said.data[i] < ' ' || said.data[i] == 0x7f ? '?' : (char) said.data[i];
    text[size] = 0;
    return text;
}
