/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pulse: a thread with a connection of its own that asks the database, so that nobody else has to when somebody wants
 * to know how the server is. Every two seconds whether it is there and fits; every half minute for the figures of the
 * house, less often where they take long. What it heard last is kept, and copied out under a lock that is never held
 * while it asks.
 */
#ifndef TAGIH_ENGINE_PULSE_H
#define TAGIH_ENGINE_PULSE_H

#include "store/db.h"
#include "store/figure.h"

struct pulse;

/** What the pulse last heard. Times are CLOCK_MONOTONIC. */
struct pulse_heard {
    tagih_err err;      /* of the last asking; OK: the database answered */
    int64_t asked_us;   /* when that was answered or given up */
    int schema_version; /* as the database said last */
    bool has_figures;
    int64_t figures_us;   /* when they were read */
    bool figures_failing; /* the last reading did; the figures are of an earlier one */
    struct figures figures;
};

/** Start the thread; it has asked once when this returns. @return OK · as db_open · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err pulse_open(const struct db_options *database, struct pulse **out);

/** Copy what it heard. Any thread; waits for nothing but another copy. */
void pulse_hear(struct pulse *pulse, struct pulse_heard *out);

/** Stop it, after what it asks. NULL is nothing to do. */
void pulse_close(struct pulse *pulse);

#endif
