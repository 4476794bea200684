/* SPDX-License-Identifier: Apache-2.0 */
/* Who is credited for a payment, in the database (R-BON-8): lines on hold, splits, own accounts. */
#ifndef TAGIH_STORE_BONUS_CREDIT_H
#define TAGIH_STORE_BONUS_CREDIT_H

#include "store/tx.h"
#include "tagih/bonus.h"

/* ---- lines on hold -------------------------------------------------------------------------------------------- */

struct bonus_credit_loaded {
    bool found;
    bool is_held, is_reversed;
    bool is_kept;  /* the line on hold is the collector's already */
    bool may_earn; /* he is an active collector or officer */
    bool is_own;   /* it is his own account */
};
TAGIH_MUST_USE tagih_err bonus_credit_send_load(struct tx *tx, struct arena *arena, payment_id payment, user_id collector);
void bonus_credit_take_load(struct tx *tx, struct bonus_credit_loaded *out);

struct bonus_hold_row {
    payment_id payment;
    uuid posting;
    bool kept;
    user_id collector;
    instant at;
    user_id made_by, decided_by;
};
/** The insert, as a fact of its posting. */
void bonus_hold_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct bonus_hold_row *row);

struct bonus_held {
    uuid line_id;
    payment_id payment;
    account_id account;
    user_id collector, assigned; /* assigned: nil: nobody */
    civil_date value_on;
    int64_t amount_minor;
    currency currency;
};
/** Queue and take lines on hold behind a place, by value date and id. */
TAGIH_MUST_USE tagih_err bonus_held_send(struct tx *tx, struct arena *arena, civil_date after_on, uuid after_line, int32_t limit);
TAGIH_MUST_USE tagih_err bonus_held_take(struct tx *tx, struct arena *arena, struct bonus_held **out, size_t *n);

/* ---- splits --------------------------------------------------------------------------------------------------- */

struct bonus_split_loaded {
    bool found;           /* the account */
    int32_t version;      /* the newest; 0: none */
    civil_date open_from; /* INT32_MIN: every month is open */
    size_t may_earn;      /* how many of the named are active collectors or officers */
};
TAGIH_MUST_USE tagih_err bonus_split_send_load(struct tx *tx, struct arena *arena, account_id account, const struct bonus_share *shares,
                                               size_t n);
void bonus_split_take_load(struct tx *tx, struct bonus_split_loaded *out);

struct bonus_split_row {
    account_id account;
    int32_t version;
    uuid posting;
    civil_date from, until;
    bool has_until;
    int32_t n;
    const struct bonus_share *shares;
    instant at;
    user_id made_by, approved_by;
    struct bytes reason;
};
/** The inserts, as facts of their posting: one, or two when there are shares. @return how many; 0: no memory */
size_t bonus_split_facts(struct params p[2], const struct tx *tx, struct arena *arena, const struct bonus_split_row *row);

/** A version, or one share of it. */
struct bonus_split_read {
    struct bonus_split_row row; /* shares, n and posting are not read */
    bool has_share;
    struct bonus_share share;
};
/** Queue and take all versions of an account, the newest first, a row for each share. Texts live in the arena. */
TAGIH_MUST_USE tagih_err bonus_split_send_list(struct tx *tx, struct arena *arena, account_id account);
TAGIH_MUST_USE tagih_err bonus_split_take_list(struct tx *tx, struct arena *arena, struct bonus_split_read **out, size_t *n);

/* ---- own accounts --------------------------------------------------------------------------------------------- */

struct own_customer_row {
    user_id user;
    customer_id customer;
    int32_t n;
    uuid posting;
    bool is_own;
    instant at;
    user_id actor;
    struct bytes reason;
};
/** Queue the lock, one answer to be dropped, and what was said before. */
TAGIH_MUST_USE tagih_err own_customer_send_load(struct tx *tx, struct arena *arena, user_id user, struct bytes customer_no);
/** @param out  [out] customer, n of the newest and is_own. @return are there such a customer and such a person? */
bool own_customer_take_load(struct tx *tx, struct own_customer_row *out);
/** The insert, as a fact of its posting. */
void own_customer_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct own_customer_row *row);

#endif
