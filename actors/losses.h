/*  losses.h - what an actor had to drop or refuse, counted by kind and logged at a bounded rate.
 *
 *  A full queue is a lost message and hostile bytes are a refused one: the protocols survive both, so neither may cost
 *  more than a count. One line a kind every LOSSES_QUIET_US says how many there were.
 */
#ifndef CARTWHEEL_LOSSES_H
#define CARTWHEEL_LOSSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOSSES_QUIET_US 10000000u

/*  LOSS (NAME, what a person reads after the number) */
#define LOSSES(LOSS)                                                                          \
    LOSS (MAILBOX, "lost: the mailbox of another role is full or closed")                     \
    LOSS (PEER, "lost: the peer is not connected or does not keep up")                        \
    LOSS (ADDRESS, "lost: nobody is known at the address")                                    \
    LOSS (SIZE, "lost: too large for a frame between nodes")                                  \
    LOSS (EFFECTS, "lost: a step wanted more done than its list holds")                       \
    LOSS (REPLIES, "lost: replies to clients that are gone or do not keep up")                \
    LOSS (FRAMES, "refused: malformed frames at the sockets for peers")                       \
    LOSS (STRANGERS, "refused: frames from a node that is not a member")                      \
    LOSS (FOREIGN, "refused: frames from a node of another cluster")                          \
    LOSS (MISDIRECTED, "refused: frames with a message that this role does not take outside") \
    LOSS (UNDELIMITED, "dropped: client messages without an empty frame in front")

#define LOSS(name, text) LOSS_##name,
typedef enum { LOSSES (LOSS) LOSS_COUNT } loss_t;
#undef LOSS

typedef struct {
    uint64_t count[LOSS_COUNT];   /* since the start; only rises */
    uint64_t told[LOSS_COUNT];    /* of those, already in a line */
    uint64_t next_us[LOSS_COUNT]; /* no line before this time */
    const char *detail[LOSS_COUNT];
    bool news; /* something was counted since losses_line last found nothing to say */
} losses_t;

/*  Counts `count` more; `detail` is a constant sentence about the last of them, or NULL. */
void losses_add (losses_t *self, loss_t loss, uint64_t count, const char *detail);

/*  The next line that is due, into `text`; false when none is. */
bool losses_line (losses_t *self, uint64_t now_us, char *text, size_t size);

#endif
