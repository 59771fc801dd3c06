/*  losses.c - see losses.h. */
#include "losses.h"

#include <inttypes.h>
#include <stdio.h>

#define LOSS(name, text) text,
static const char *const texts[] = {LOSSES (LOSS)};
#undef LOSS

void losses_add (losses_t *self, loss_t loss, uint64_t count, const char *detail)
{
    if (count == 0)
        return;
    self->count[loss] += count;
    self->detail[loss] = detail;
    self->news = true;
}

bool losses_line (losses_t *self, uint64_t now_us, char *text, size_t size)
{
    if (!self->news)
        return false;
    bool later = false;
    for (int i = 0; i < LOSS_COUNT; i++) {
        uint64_t fresh = self->count[i] - self->told[i];
        if (fresh == 0)
            continue;
        if (now_us < self->next_us[i]) {
            later = true;
            continue;
        }
        const char *detail = self->detail[i];
        snprintf (text, size, "%" PRIu64 " %s%s%s%s", fresh, texts[i], detail ? " (" : "",
                  detail ? detail : "", detail ? ")" : "");
        self->told[i] = self->count[i];
        self->next_us[i] = now_us + LOSSES_QUIET_US;
        return true;
    }
    self->news = later;
    return false;
}
