/*  hello.h - what a node says of itself when it meets another: what must agree, and where to answer.
 */
#ifndef CARTWHEEL_HELLO_H
#define CARTWHEEL_HELLO_H

#include "../messages/codec.h"
#include "settings.h"

/*  For printf's %.*s. */
#define HELLO_TEXT(bytes) (int) (bytes).size, (bytes).size > 0 ? (const char *) (bytes).data : ""

/*  Whether it names a node, and an endpoint to answer to, in texts that can be shown. */
bool hello_valid (const hello_t *hello);

/*  Whether whoever says this may not be in a cluster with us: `why` (LIMIT_SENTENCE_BYTES) then gets a sentence that names
 *  both nodes and both values, for both logs. */
bool hello_differs (const settings_t *settings, const hello_t *hello, char *why);

/*  What somebody said, on one line and without anything that could not be shown. `text` takes LIMIT_SENTENCE_BYTES. */
const char *hello_clean (bytes_t said, char *text);

#endif
