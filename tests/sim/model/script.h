/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done to both stores, word for word: the one in memory and PostgreSQL. A script makes a world, pushes signed entries
 * through the real handlers, and tells every answer and in the end every row of every table, as text. All ids, keys and
 * times come from a seed, so two stores that do the same tell the same.
 */
#ifndef TAGIH_TESTS_SIM_MODEL_SCRIPT_H
#define TAGIH_TESTS_SIM_MODEL_SCRIPT_H

#include <stdio.h>

/** The scripts' names; NULL behind the last one. */
extern const char *const script_names[];

struct script_options {
    uint64_t seed;   /* of the random script */
    size_t entries;  /* of the random script */
    bool faults;     /* the store is to fail on the way (the model alone can) */
};

/** Run a script on the store that is linked, and tell it. */
void script_run(const char *name, const struct script_options *options, FILE *out);

#endif
