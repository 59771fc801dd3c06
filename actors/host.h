/*  host.h - what a role may not ask for itself: the clocks, entropy, and the machine's memory and disk.
 *
 *  The roles in core/ are pure, so the shell asks here and puts the answer into an event. The steady clock is
 *  CLOCK_BOOTTIME: it goes on while a machine sleeps, and a deadline that passed meanwhile has passed.
 */
#ifndef CARTWHEEL_HOST_H
#define CARTWHEEL_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "../core/rng.h"

/*  Microseconds since the machine started; never goes back. */
uint64_t host_now_us (void);
/*  Milliseconds since 1970; may jump. */
uint64_t host_wall_ms (void);

/*  Fills `data` from the kernel's generator; ends the process when there is none. */
void host_random (void *data, size_t size);
/*  A generator that no other one repeats: its whole state is the kernel's. */
rng_t host_rng (void);

/*  Bytes of memory that this process has resident; 0 when the kernel does not say. */
uint64_t host_rss (void);
/*  Bytes that the files in `folder` and its folders take on the disk; what cannot be read counts as 0. */
uint64_t host_disk (const char *folder);
/*  Bytes that an unprivileged process may still write on the file system of `folder`; UINT64_MAX when unknown, so
 *  that a failing question is never taken for a full disk. */
uint64_t host_disk_free (const char *folder);

/*  Creates `folder`, for its owner alone, and what is missing above it. 0, or -1 with errno. */
int host_make_folder (const char *folder);

#endif
