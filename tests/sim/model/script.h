/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is done to both stores, word for word: the one in memory and PostgreSQL. A script makes a world, pushes signed entries
 * through the real handlers, and tells every answer and in the end every row of every table, as text. All ids, keys and
 * times come from a seed, so two stores that do the same tell the same.
 */
#ifndef TAGIH_TESTS_SIM_MODEL_SCRIPT_H
#define TAGIH_TESTS_SIM_MODEL_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tagih/bytes.h"

/** The i-th script's name; NULL behind the last one. */
const char *script_name(size_t i);

struct script_options {
    uint64_t seed;   /* of the random script */
    size_t entries;  /* of the random script */
    /* what the model alone can: */
    bool faults;        /* it fails on the way */
    const char *tamper; /* what a hand changes in the end; NULL: nothing */
    hash256 *digest;    /* [out] of all in the end; NULL: not wanted */
};

/** Run a script on the store that is linked, and tell it. */
void script_run(const char *name, const struct script_options *options, FILE *out);

#endif
