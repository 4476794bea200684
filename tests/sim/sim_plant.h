/* SPDX-License-Identifier: Apache-2.0 */
/* Bugs that are planted into a run, each of which one invariant must find: a checker that cannot fail is worth nothing. */
#ifndef TAGIH_SIM_PLANT_H
#define TAGIH_SIM_PLANT_H

#include "tests/sim/world.h"

struct sim_plant {
    const char *name;
    enum sim_invariant invariant; /* that must report it */
    const char *what;
    const char *sql; /* what a hand does in the database when everything is quiet; NULL: the world does it */
};

extern const struct sim_plant sim_plants[];
extern const size_t sim_plant_count;

/** Do what this run's options ask for. */
void sim_plant(struct world *world);
bool sim_plant_is(const struct world *world, const char *name);

#endif
