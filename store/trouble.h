/*  trouble.h - what went wrong with a folder, and what its operator is to do, in one sentence. */
#ifndef CARTWHEEL_TROUBLE_H
#define CARTWHEEL_TROUBLE_H

/*  Writes to `sentence` (LIMIT_SENTENCE_BYTES) what happened to `folder` while `doing` ("opening", "committing"):
 *  `error` is an errno or one of Berkeley DB's numbers, `said` what Berkeley DB itself said of it ("" when nothing). */
void trouble_explain (char *sentence, const char *folder, const char *doing, int error,
                      const char *said);

#endif
