/* SPDX-License-Identifier: Apache-2.0 */
/* From a failing run to its shortest story. */
#ifndef TAGIH_SIM_SHRINK_H
#define TAGIH_SIM_SHRINK_H

#include "tests/sim/world.h"

/** How far it has come; `left`: events of the story. */
typedef void (*shrink_told_fn)(size_t left, size_t tries);

/**
 * Take away from a failing plan whatever it does not need to fail in the same way: what comes after the failure, phones,
 * kinds of faults, kinds of events, days, then single events (delta debugging, Zeller and Hildebrandt 2002, without its
 * complements, which a list of causes seldom needs).
 *
 * @param options  in: those of the failing run; out: without the faults that it can do without
 * @param failed   what it failed with
 * @param seconds  how long it may take
 */
void sim_shrink(struct plan *plan, struct sim_options *options, const struct sim_result *failed, double seconds,
                shrink_told_fn told);

/** Events that are still there. */
size_t sim_left(const struct plan *plan);

#endif
