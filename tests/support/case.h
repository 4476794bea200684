/* SPDX-License-Identifier: Apache-2.0 */
/* What unit specs share: cmocka with its preamble, errors compared by name, and cheap repeatable random numbers. */
#ifndef TAGIH_TESTS_CASE_H
#define TAGIH_TESTS_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tagih/err.h"

/** The call fails with exactly this reason of err.def. */
#define assert_fails(expr, NAME) assert_string_equal(err_name(expr), #NAME)

/** The call succeeds; a failure prints its reason. */
#define assert_ok(expr) assert_string_equal(err_name(expr), "OK")

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/** A number from a small repeatable stream (xorshift64*), below `bound`. */
static inline uint64_t random_below(uint64_t *state, uint64_t bound) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (*state * UINT64_C(0x2545F4914F6CDD1D) >> 16) % bound;
}

/** Open a file of tests/vectors; meson names the source root. */
#ifdef TAGIH_SOURCE
static inline FILE *vectors_open(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/tests/vectors/%s", TAGIH_SOURCE, name);
    FILE *file = fopen(path, "r");
    if (!file) fail_msg("%s is missing", path);
    return file;
}

/** An independent program computes all books of a database again (tests/sim/books.py). */
static inline void assert_books_hold(const char *conninfo) {
    char command[1400];
    snprintf(command, sizeof command, "/usr/bin/python3 '%s/tests/sim/books.py' --database '%s'", TAGIH_SOURCE, conninfo);
    assert_int_equal(system(command), 0);
}
#endif

#endif
