/* SPDX-License-Identifier: Apache-2.0 */
/* Payments in the database as calls need them: identity, one, a statement. What posting writes is in store/posting.h. */
#ifndef TAGIH_STORE_PAYMENT_H
#define TAGIH_STORE_PAYMENT_H

#include "store/tx.h"
#include "tagih/allocation.h"
#include "tagih/money.h"
#include "tagih/payment.h"

/** R-PAY-5: what names a payment that is no entry. */
struct payment_identity {
    int16_t source;
    struct bytes reference;
};

/** The payment that has an identity already. */
struct payment_known {
    bool known;
    payment_id payment;
    account_id account;
    enum payment_tag tag; /* as it was posted */
    int64_t amount_minor;
    currency currency;
    instant value;
};

/** Queue the lock of identities, before everything else: one answer, to be dropped. */
TAGIH_MUST_USE tagih_err payment_send_identity_lock(struct tx *tx, struct arena *arena,
                                                    const struct payment_identity *identities, size_t n);
/** Queue their look-up. */
TAGIH_MUST_USE tagih_err payment_send_identities(struct tx *tx, struct arena *arena,
                                                 const struct payment_identity *identities, size_t n);
/** Take it: n rows of `out`. */
void payment_take_identities(struct tx *tx, struct payment_known *out, size_t n);

/** A payment as people read it. Text lives in the result. */
struct payment_read {
    payment_id id;
    account_id account;
    int16_t source, tender, tag;
    struct bytes reference, currency;
    int64_t amount_minor, value_us;
    civil_date value_on, posting_on;
    bool has_collector, has_assigned, reversed;
    user_id collector, assigned; /* who took it; who works the account now */
    int32_t version;             /* of its newest allocation */
    int32_t retags;              /* how often it got another tag */
};

TAGIH_MUST_USE tagih_err payment_send_get(struct tx *tx, struct arena *arena, const payment_id *ids, size_t n);
/** A page of an account's payments behind (after_us, after). */
TAGIH_MUST_USE tagih_err payment_send_list(struct tx *tx, struct arena *arena, account_id account, int64_t after_us,
                                           payment_id after, int32_t limit);
/** Read a row of either. */
void payment_read_row(const struct result *r, size_t row, struct payment_read *out);

/** One row of a payment's newest allocation; instalment 0 holds the credit. */
struct payment_part {
    size_t payment; /* index of the payment asked about */
    int32_t instalment_no;
    int64_t component_minor[COMPONENT_COUNT], credit_minor;
};

TAGIH_MUST_USE tagih_err payment_send_allocations(struct tx *tx, struct arena *arena, const payment_id *ids, size_t n);
void payment_read_part(const struct result *r, size_t row, struct payment_part *out);

struct payment_account {
    bool found, has_collector;
    user_id collector;
    int64_t open_minor[COMPONENT_COUNT], credit_minor;
};

TAGIH_MUST_USE tagih_err payment_send_account(struct tx *tx, struct arena *arena, account_id account);
void payment_take_account(struct tx *tx, struct payment_account *out);

/** Queue the lock of the phone whose receipt a payment is: one answer, to be dropped. */
TAGIH_MUST_USE tagih_err payment_send_device_lock(struct tx *tx, struct arena *arena, payment_id payment);
/** Queue the question whether its receipt is in a DECLARED settlement. */
TAGIH_MUST_USE tagih_err payment_send_settled(struct tx *tx, struct arena *arena, payment_id payment);
bool payment_take_settled(struct tx *tx);

#endif
