/* SPDX-License-Identifier: Apache-2.0 */
/* The clocks, in microseconds. */
#include "server/run/clock.h"

#include <time.h>

static int64_t read_us(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t); /* cannot fail for the two clocks below */
    return (int64_t)t.tv_sec * US_PER_S + t.tv_nsec / 1000;
}

instant clock_now(void) {
    return (instant){read_us(CLOCK_REALTIME)};
}

int64_t clock_monotonic_us(void) {
    return read_us(CLOCK_MONOTONIC);
}
