/*  handover.h - what ThreadSanitizer has to be told about memory that passes through ZeroMQ.
 *
 *  libzmq moves a pointer from one thread to another through pipes that ThreadSanitizer does not understand, so it
 *  would call every hand-over a race. The giver releases, the taker acquires; without the sanitizer both are nothing.
 */
#ifndef CARTWHEEL_HANDOVER_H
#define CARTWHEEL_HANDOVER_H

#if defined(__SANITIZE_THREAD__)
#define HANDOVER_CHECKED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HANDOVER_CHECKED 1
#endif
#endif

#ifdef HANDOVER_CHECKED
#include <sanitizer/tsan_interface.h>
#define HANDOVER_GIVE(pointer) __tsan_release ((void *) (pointer))
#define HANDOVER_TAKE(pointer) __tsan_acquire ((void *) (pointer))
#else
#define HANDOVER_GIVE(pointer) ((void) (pointer))
#define HANDOVER_TAKE(pointer) ((void) (pointer))
#endif

#endif
