/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of what they have the specs send (TAGIH_HOSTILE_EVERY=n: every n-th; 1: all), and what they did, as a row of the
 * table of proofs (TAGIH_REPORT names the file that it is appended to).
 */
#ifndef TAGIH_TESTS_REPORT_H
#define TAGIH_TESTS_REPORT_H

#include <stdio.h>
#include <stdlib.h>

static inline size_t hostile_every(size_t usual) {
    const char *every = getenv("TAGIH_HOSTILE_EVERY");
    size_t n = every ? (size_t)strtoull(every, NULL, 10) : 0;
    return n ? n : usual;
}

static inline void report_row(const char *test, size_t count, const char *unit, size_t faults, size_t checks,
                              size_t failures) {
    const char *path = getenv("TAGIH_REPORT");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file) return;
    fprintf(file,
            "{\"test\": \"%s\", \"count\": %zu, \"unit\": \"%s\", \"faults\": %zu, \"checks\": %zu, \"invariants\": \"\", \"failures\": %zu}\n",
            test, count, unit, faults, checks, failures);
    fclose(file);
}

#endif
