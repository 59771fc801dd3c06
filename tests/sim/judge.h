/*  judge.h - what a single reply must and must not say (docs/protocol.md, Replies), held against the history.
 *
 *  Checkers: `contract` (form, statuses, counts), `calm` (no failure where nothing went wrong), `invented` (a value that
 *  nobody put there), `stale-read` (a strict quorum that misses an acknowledged write), `floor`, `not-found` (said by
 *  fewer owners than r), `available` (what a node can do for itself, it does at once, when others have been gone for long),
 *  `no-double-count` (as many different nodes as a reply counts).
 */
#ifndef CARTWHEEL_SIM_JUDGE_H
#define CARTWHEEL_SIM_JUDGE_H

#include "sim.h"

/*  A node has answered: checks the reply, and notes what it promises. */
void judge_reply (sim_t *sim, uint32_t attempt, bytes_t frame);

/*  The client has got the reply: it keeps the context, and what came with it. The status. */
status_t judge_learn (sim_t *sim, uint32_t attempt, bytes_t frame);

/*  The events of the values, as a set to be freed; reports values that nobody put there. */
uint64_t *judge_values (sim_t *sim, uint32_t key, const got_t *got);

/*  Whether nodes and links were left alone for long enough before `since_us` that everyone has found out what they were
 *  like, and since. Only ever so in runs whose faults last. */
bool judge_quiet (const sim_t *sim, uint64_t since_us);

/*  The status of a reply, STATUS_COUNT when it has none. */
status_t judge_status (bytes_t frame);

#endif
