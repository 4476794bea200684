/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `tagihd verify` inside a spec: what it finds of an agency, part by part in one snapshot, as tagih_read; the hand of
 * somebody who owns the database; and the minute's signing of heads.
 *
 *     verifier_open(&verifier, &rig, agency);
 *     verifier_assert_clean(&verifier);
 *     struct found found = verifier_look(&verifier, NULL);
 *     if (!found_names(&found, "receipt")) …
 */
#ifndef TAGIH_TESTS_VERIFIER_H
#define TAGIH_TESTS_VERIFIER_H

#include "server/domain/bank.h"
#include "server/store/db.h"
#include "tests/support/rig.h"

#define FOUND_MAX 64

struct found {
    struct {
        char table[64], key[160], column[600], stored[200], expected[200];
    } all[FOUND_MAX];
    size_t n; /* may be more than is kept */
};

/** The table itself, or among those that a digest covers: "digest (payment, allocation)". */
bool found_names(const struct found *found, const char *table);
/** This column of this table: "" is the row as a whole. */
bool found_tells(const struct found *found, const char *table, const char *column);
void found_print(const struct found *found);

struct verifier {
    struct rig *rig;
    agency_id agency;
    struct db db;
    struct arena arena;
    char conninfo[1100];
};

void verifier_open(struct verifier *verifier, struct rig *rig, agency_id agency);
void verifier_close(struct verifier *verifier);
/** All that differs; done when a difference names the table `until` (NULL: when everything was looked at). */
struct found verifier_look(struct verifier *verifier, const char *until);
/** Nothing differs; else it is printed, and the test fails. */
void verifier_assert_clean(struct verifier *verifier);

/** No trigger, no foreign key, no check stands in the way of rig.pg.admin any more. */
void verifier_take_off_the_gloves(struct verifier *verifier);
/** Sign the heads that are due `later_us` from now, as the minute does. @return how many came, of all agencies */
long long verifier_sign_heads(struct verifier *verifier, int64_t later_us);

/** All sums of R-LED-2 agree in the agency; else they are printed, and the test fails. For the end of a spec. */
void verifier_assert_identities(struct rig *rig, agency_id agency);

/**
 * Of these kinds of what the bank should show (enum bank_expected_kind) there are rows, all as their facts ask for; each of
 * them that is taken out, and each column that says another thing, is told by its key. For the end of a spec.
 */
void verifier_assert_bank(struct rig *rig, agency_id agency, const int *kinds, size_t n);
#define assert_bank_is_worked_out(rig, agency, ...) \
    verifier_assert_bank((rig), (agency), (const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

#endif
