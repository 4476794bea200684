/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock of a simulated day. A file holds one number: how far simulated time is from real time, microseconds. The
 * simulator maps it and moves it; the server under test runs with tests/sim/shift_clock.c preloaded, which adds the
 * same number to what the C library says. The server itself knows nothing of it.
 */
#ifndef TAGIH_SIM_CLOCK_H
#define TAGIH_SIM_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/** Map the file. False: it cannot be opened. */
bool sim_clock_open(const char *path);

/** Simulated time, microseconds since 1970 UTC. */
int64_t sim_clock_now_us(void);

/** Move it: from here on simulated time runs from this instant. */
void sim_clock_set_us(int64_t now_us);

/** Real time that only runs forward, for rates. */
int64_t sim_clock_stopwatch_us(void);

#endif
