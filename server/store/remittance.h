/* SPDX-License-Identifier: Apache-2.0 */
/* What goes to the creditors (R-LED-1b): rows in, rows out. */
#ifndef TAGIH_STORE_REMITTANCE_H
#define TAGIH_STORE_REMITTANCE_H

#include "store/tx.h"
#include "tagih/money.h"

struct remittance_row {
    uuid id, posting;
    struct bytes creditor, currency, reference;
    int64_t amount_minor, value_us, at_us;
    user_id made_by, decided_by;
};

/** A fact of its posting. */
void remittance_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct remittance_row *row);

/** One answer, to be dropped. */
TAGIH_MUST_USE tagih_err remittance_send_lock(struct tx *tx, struct arena *arena);
TAGIH_MUST_USE tagih_err remittance_send_used(struct tx *tx, struct arena *arena, struct bytes creditor, struct bytes reference);
bool remittance_take_used(struct tx *tx);

/** What is the creditors' by now, a row a currency. */
TAGIH_MUST_USE tagih_err remittance_send_owed(struct tx *tx, struct arena *arena);
struct bytes remittance_owed_row(const struct result *r, size_t row, int64_t *out_minor);
/** In one currency; 0 where there is none. */
int64_t remittance_owed_in(const struct result *r, currency in);

/** @param creditor  empty: all */
TAGIH_MUST_USE tagih_err remittance_send_list(struct tx *tx, struct arena *arena, struct bytes creditor, int64_t before_us, uuid before,
                                              int32_t limit);
/** Texts live in the result; posting is not read. */
void remittance_read_row(const struct result *r, size_t row, struct remittance_row *out);

#endif
