/* SPDX-License-Identifier: Apache-2.0 */
/* Money in suspense in the database: what comes, what waits, what hints at its account, what became of it (R-PAY-2). */
#ifndef TAGIH_STORE_SUSPENSE_H
#define TAGIH_STORE_SUSPENSE_H

#include "domain/suspense.h"
#include "store/payment.h"
#include "store/tx.h"

/** The insert of one item, as a fact of its posting. */
struct suspense_row {
    uuid id, posting;
    int16_t origin, source, tag, money_account;
    struct bytes reference, payer, note, currency;
    bool has_trigger, has_account, has_actor;
    uuid trigger;
    account_id account;
    int64_t amount_minor, value_us, received_us;
    civil_date value_on;
    user_id actor;
};
void suspense_row_params(struct params *p, const struct tx *tx, struct arena *arena, const struct suspense_row *row);

/** The insert of what became of it, as a fact of its posting. */
struct suspense_decision_row {
    uuid item, posting;
    int16_t outcome; /* MONEY_POSTED, MONEY_RETURNED */
    bool has_payment, has_account, has_made, has_decided;
    payment_id payment;
    account_id account;
    struct bytes reason;
    instant at;
    user_id made_by, decided_by;
};
void suspense_decision_params(struct params *p, const struct tx *tx, struct arena *arena, const struct suspense_decision_row *row);

/** Money of an identity that came into suspense before. */
struct suspense_known {
    bool known, has_account;
    uuid item;
    account_id account; /* that its sender named */
    enum payment_tag tag;
    int64_t amount_minor;
    currency currency;
    instant value;
};
/** Queue the look-up of identities, under payment_send_identity_lock; take n rows. */
TAGIH_MUST_USE tagih_err suspense_send_identities(struct tx *tx, struct arena *arena, const struct payment_identity *identities, size_t n);
void suspense_take_identities(struct tx *tx, struct suspense_known *out, size_t n);

/** An item as people read it. Text lives in the result. */
struct suspense_read {
    uuid id;
    int16_t state, origin, source, tag, money_account;
    struct bytes reference, payer, note, currency;
    bool has_trigger, has_account, has_payment;
    uuid trigger;
    account_id account;
    payment_id payment; /* what it was posted as */
    int64_t amount_minor;
    instant value, received;
    civil_date value_on;
};

/** Queue the lock of items: one answer, to be dropped. */
TAGIH_MUST_USE tagih_err suspense_send_lock(struct tx *tx, struct arena *arena, const uuid *ids, size_t n);
TAGIH_MUST_USE tagih_err suspense_send_get(struct tx *tx, struct arena *arena, const uuid *ids, size_t n);
/** A page of what waits behind (after_us, after). */
TAGIH_MUST_USE tagih_err suspense_send_list(struct tx *tx, struct arena *arena, int64_t after_us, uuid after, int32_t limit);
/** Read a row of either. */
void suspense_read_row(const struct result *r, size_t row, struct suspense_read *out);

/** What waits, of one age and currency. */
struct suspense_age_row {
    int32_t age; /* 0 to SUSPENSE_AGES - 1 */
    struct bytes currency;
    int64_t items, amount_minor;
};
TAGIH_MUST_USE tagih_err suspense_send_ages(struct tx *tx, struct arena *arena, instant now);
void suspense_read_age(const struct result *r, size_t row, struct suspense_age_row *out);

/** Accounts that a promise or an instalment of the same amount may name; more of a kind name nobody in particular. */
#define SUSPENSE_SAME_AMOUNT_MAX 5

/** Hints for `n` items, but for the accounts that their senders named: a round trip of its own. `hints[i]` and
 *  `n_hints[i]` are item i's. @return OK · OUT_OF_MEMORY · as tx_sync */
TAGIH_MUST_USE tagih_err suspense_load_hints(struct tx *tx, struct arena *arena, const struct suspense_read *items, size_t n,
                                             struct suspense_hint **hints, size_t *n_hints);

#endif
