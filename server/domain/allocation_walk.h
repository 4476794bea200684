/* SPDX-License-Identifier: Apache-2.0 */
/* The one walk of money along a rule set's steps; private to allocation.c and replay.c. */
#ifndef TAGIH_DOMAIN_ALLOCATION_WALK_H
#define TAGIH_DOMAIN_ALLOCATION_WALK_H

#include "tagih/allocation.h"

struct allocation_walk {
    const struct rule_set *rules;
    struct instalment_open *lines; /* ascending by (due_on, no) */
    size_t n;
    civil_date value_on;
    bool from_credit;    /* credit pays debt that is due and nothing in advance */
    uint32_t fact;       /* copied into each part */
    int64_t left_minor;  /* the money; what stays is credit */
    struct allocation_part *parts; /* room for one part per open component */
    size_t n_parts;
};

/** Spend walk->left_minor. O(instalments due + parts). */
void allocation_walk_run(struct allocation_walk *walk);

#endif
