/*  mistakes.h - what is wrong with a configuration: collected in any order, printed by line. */
#ifndef CARTWHEEL_MISTAKES_H
#define CARTWHEEL_MISTAKES_H

#include "../messages/bytes.h"
#include "../messages/limits.h"

/*  Where a mistake stands: a line of the file or, where `override` is not NULL, that --set, `line` being its number
 *  among them. */
typedef struct {
    unsigned line;
    const char *override;
} place_t;

typedef struct {
    place_t place;
    size_t order; /* of its coming, within a line */
    char *text;
} mistake_t;

typedef struct {
    mistake_t *items;
    size_t count;
    size_t lost; /* beyond LIMIT_MISTAKES_COUNT */
} mistakes_t;

void mistakes_init (mistakes_t *self);
void mistakes_clear (mistakes_t *self);

/*  `sentence` is "what is wrong; what would be right"; `subject` is what it is about, cut where it is very long. */
void mistakes_add (mistakes_t *self, place_t place, const char *subject, const char *sentence);
void mistakes_print (mistakes_t *self, const char *file, buffer_t *buffer);

/*  A text of the user's for a mistake: control bytes and bytes that are not UTF-8 as \xNN, cut after some 60 bytes. `out`
 *  has MISTAKES_QUOTE_BYTES; returned. */
#define MISTAKES_QUOTE_BYTES 80u
char *mistakes_quote (const char *text, char *out);

/*  The length in bytes of the UTF-8 character that begins a text; 0 when none does. */
size_t mistakes_character (const char *text);

#endif
