/* SPDX-License-Identifier: Apache-2.0 */
/* Sales of collateral (R-RPO-7): rows in, rows out. */
#ifndef TAGIH_STORE_SALE_H
#define TAGIH_STORE_SALE_H

#include "domain/sale.h"
#include "store/tx.h"
#include "tagih/money.h"

struct sale_row {
    uuid id, posting;
    account_id account;
    struct bytes asset_reference, house, lot, currency, protocol;
    int64_t hammer_minor, value_us, at_us;
    user_id made_by, decided_by;
};

struct sale_event_row {
    uuid sale, posting;
    int32_t n;
    int16_t event, state; /* enum sale_event, enum sale_state after it */
    int64_t amount_minor;
    struct sale_shares shares; /* signed: what a settlement gives, and what taking it back takes */
    bool has_payment, has_due;
    payment_id payment;
    civil_date due_on;
    struct bytes reference;
    int64_t value_us, at_us;
    user_id made_by, decided_by;
};

/* Facts of their postings. */
void sale_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct sale_row *row);
void sale_event_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct sale_event_row *row);

/** One answer, to be dropped. */
TAGIH_MUST_USE tagih_err sale_send_lot_lock(struct tx *tx, struct arena *arena, struct bytes lot);
/** Is the asset, or the lot, sold already? */
TAGIH_MUST_USE tagih_err sale_send_twice(struct tx *tx, struct arena *arena, const struct sale_row *row);
bool sale_take_twice(struct tx *tx);

/** A sale as it is. Texts live in the result; its row's posting is not read. */
struct sale_read {
    struct sale_row row;
    struct sale_now now;
    int32_t n; /* events so far */
    bool has_payment, has_due;
    payment_id payment;
    civil_date due_on;
};
TAGIH_MUST_USE tagih_err sale_send_get(struct tx *tx, struct arena *arena, const uuid *ids, size_t n);
void sale_read_row(const struct result *r, size_t row, struct sale_read *out);

/** @param account  nil: all */
TAGIH_MUST_USE tagih_err sale_send_list(struct tx *tx, struct arena *arena, account_id account, bool surplus_open, int64_t before_us,
                                        uuid before, int32_t limit);
uuid sale_listed(const struct result *r, size_t row);

#endif
