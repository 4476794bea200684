/* SPDX-License-Identifier: Apache-2.0 */
/* The two clocks of a process. Rules never look at a clock: they are told `now`. */
#ifndef TAGIH_RUN_CLOCK_H
#define TAGIH_RUN_CLOCK_H

#include <stdint.h>

#include "tagih/time.h"

/** The time of day, UTC; it may jump when the machine's clock is set. */
instant clock_now(void);

/** Microseconds that only go forward, for deadlines and durations (CLOCK_MONOTONIC). */
int64_t clock_monotonic_us(void);

#endif
