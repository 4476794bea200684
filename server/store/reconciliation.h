/* SPDX-License-Identifier: Apache-2.0 */
/* The reconciliation report of imports: rows as the database has them. */
#ifndef TAGIH_STORE_RECONCILIATION_H
#define TAGIH_STORE_RECONCILIATION_H

#include "store/tx.h"

struct reconciliation_row {
    uuid posting;
    hash256 file;
    int32_t row_no;
    account_id account;
    int64_t ours_minor, theirs_minor;
    struct bytes currency;
    int32_t absorbed;
    int64_t absorbed_minor;
    int32_t replayed;
};

struct reconciliation_read {
    struct reconciliation_row row; /* file: not set; texts point into the result */
    struct bytes account_no;
};

/** Payments of ours that a snapshot contains. */
struct reconciliation_absorbed {
    account_id account;
    int32_t n;
    int64_t sum_minor;
};

/** One round trip: what a snapshot contains of our payments, by account, ascending. @param export_seq  NULL: it names none */
TAGIH_MUST_USE tagih_err reconciliation_load(struct tx *tx, struct arena *arena, const account_id *accounts, size_t n, civil_date as_of,
                                             const int64_t *export_seq, struct reconciliation_absorbed **out, size_t *n_out);

/** The insert of rows; of one row, as a fact of its posting, to be digested. */
void reconciliation_insert(struct params *p, const struct tx *tx, struct arena *arena, const struct reconciliation_row *rows, size_t n);

TAGIH_MUST_USE tagih_err reconciliation_send_list(struct tx *tx, struct arena *arena, const hash256 *file, int32_t after_row, int32_t limit);
void reconciliation_read_row(const struct result *r, size_t row, struct reconciliation_read *out);

#endif
