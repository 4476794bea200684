/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What posting reads and writes, many at a time. Rows are as the database has them; what they mean is decided in
 * server/book/posting.c. Everything lives in the transaction's arena.
 */
#ifndef TAGIH_STORE_POSTING_H
#define TAGIH_STORE_POSTING_H

#include "domain/cash.h"
#include "store/tx.h"
#include "tagih/allocation.h"
#include "tagih/bonus.h"
#include "tagih/ledger.h"
#include "tagih/payment.h"

/** An optional date. */
struct day {
    bool is;
    civil_date on;
};

/** An account under its lock. */
struct posting_account {
    account_id id;
    customer_id customer;
    currency currency;
    int16_t status;
    struct day hold_from, last_on, day_on, month_on, snapshot_on;
    bool has_collector;
    user_id collector; /* now */
    bool has_closed, has_offer;
    instant closed; /* of the newest closing */
    instant snapshot;                         /* when the newest one was received */
    int16_t former_status, hold_promise_days; /* before it; 0: none */
    bool has_former_collector, reopened;
    user_id former_collector;
    struct day hold_until;
    struct rule_history rules; /* all of them, whatever day it is (R-ALL-2) */
    int64_t credit_minor, recoverable_minor, debt_allocated_minor;
    instant last_value;
    payment_id last_payment;
    int16_t day_bucket, month_bucket;
    struct instalment_open *lines; /* all, ascending by (due_on, no); owed is what is open now */
    size_t n_lines;
    bool *touched;                 /* per line */
    bool dirty;
};

struct posting_collector {
    user_id id;
    currency currency;
    int64_t bonus_n;
    hash256 bonus_head; /* zeros for the first line */
    int64_t cash_held_minor, cheques_in_hand_minor, deposit_in_transit_minor, collector_receivable_minor, bonus_payable_minor;
    bool has_limits;
    struct cash_limits limits; /* soft is not loaded */
    bool dirty;
};

struct posting_month {
    user_id collector;
    civil_date month_on;
    currency currency;
    int64_t mtd_minor, bonus_minor;
    bool has_target;
    int64_t target_minor;
    int32_t target_version;
    int64_t closed_mtd_minor; /* of a closed month: what its T and G came from (R-BON-10); 0 where nobody paid */
    bool closed_has_target;
    int64_t closed_target_minor;
    int32_t closed_target_version;
    bool dirty;
};

/** A bonus line of a payment that is to be reversed, or, as BONUS_TRUE_UP, the payment's part of such a line. */
struct posting_bonus {
    size_t post; /* index of the post asked about */
    uuid line_id;
    enum bonus_kind kind;
    int16_t line_no; /* 0 of a part */
    user_id collector;
    team_id team;
    civil_date month_on;
    int64_t base_minor, amount_minor;
};

/** A share of how a payment's bonus is split (R-BON-8a). */
struct posting_split {
    size_t post; /* index of the post asked about */
    user_id collector;
    int32_t share_bp, version; /* of the account's split */
    team_id team;              /* nil: none */
    bool is_own;               /* it is his own account */
};

/** A payment of the same customer and day as a post. */
struct posting_sibling {
    size_t post; /* index of the post asked about */
    payment_id payment;
    account_id account;
    int64_t amount_minor;
    currency currency;
    int16_t source;
    bool reversed;
    bool has_bonus;
    user_id collector;
    int64_t mtd_minor;
};

/** A payment that is to be reversed. */
struct posting_reversed {
    bool found, reversed;
    account_id account;
    int16_t source, tender, tag;
    int64_t amount_minor;
    currency currency;
    instant value;
    civil_date value_on;
    bool has_collector;
    user_id collector;
    bool at_bank;       /* the bank is told of it, or will be: a transfer, a cheque, a call's payment */
    int16_t bank_state; /* enum bank_expected_state, when at_bank */
};

/** A fact on top of the newest snapshot: an unreversed payment, or a charge, waiver or refund not withdrawn. */
struct posting_fact {
    account_id account;
    struct allocation_fact fact;
    int32_t version; /* of a payment's newest allocation */
};

struct posting_due {
    account_id account;
    struct instalment instalment;
};

/** What is asked for. */
struct posting_key {
    account_id account;   /* nil: a reversal, whose account comes from its payment */
    payment_id reverses;  /* nil: not a reversal */
    user_id collector;    /* nil: none */
    user_id other;        /* another collector whose balances move; nil: none */
    bool assigned;        /* nobody took it: it credits the account's collector of that instant */
    bool is_payment;      /* its bonus may be split */
    currency currency;
    instant value;
};

struct posting_writer {
    int64_t id, n;
    hash256 head;
    bool is_new;
};

/** Everything that was loaded, keys in input order, the rest sorted by its own key. */
struct posting_loaded {
    struct posting_account *accounts;
    size_t n_accounts;
    struct posting_collector *collectors;
    size_t n_collectors;
    struct posting_month *months;
    size_t n_months;
    struct posting_sibling *siblings;
    size_t n_siblings;
    struct posting_reversed *reversed; /* per key */
    struct posting_bonus *bonus;       /* by key, then collector, month and line number */
    size_t n_bonus;
    bool *had_lease, *was_assigned;    /* per key, at the value instant; the second is asked without a lease only */
    user_id *credited;                 /* per key: whose the bonus is; nil: nobody's */
    bool *is_own;                      /* per key: the account is his own (R-BON-8b) */
    struct posting_split *splits;      /* by key, then collector */
    size_t n_splits;
    team_id *teams;                    /* per key */
    civil_date *value_on;              /* per key */
    civil_date today;
    civil_date open_from; /* the first day that is in no closed month; INT32_MIN: every month is open */
    struct posting_writer writer;
};

/** Queue the LOCK of the agency's months, shared, and of accounts: two answers, to be dropped. What locks visits comes between it and posting_send_load. */
TAGIH_MUST_USE tagih_err posting_send_lock(struct tx *tx, struct arena *arena, const struct posting_key *keys, size_t n);
/** Queue the LOCK of collectors and writer, and LOAD. `n` keys, at least one. */
TAGIH_MUST_USE tagih_err posting_send_load(struct tx *tx, struct arena *arena, const struct posting_key *keys, size_t n,
                                           int64_t writer, instant now);
/** Take what posting_send_load asked for. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err posting_take_load(struct tx *tx, struct arena *arena, size_t n, struct posting_loaded *out);

/** Schedules and facts of accounts that replay: a round trip of its own. */
TAGIH_MUST_USE tagih_err posting_load_replay(struct tx *tx, struct arena *arena, const account_id *accounts, size_t n,
                                             struct posting_due **dues, size_t *n_dues, struct posting_fact **facts,
                                             size_t *n_facts);

/* SAVE. Each is one statement, nothing for no rows. */

struct payment_row {
    payment_id id;
    account_id account;
    int16_t source, tender, tag;
    bool has_reference;
    struct bytes reference;
    int64_t amount_minor;
    struct bytes currency;
    int64_t value_us, received_us;
    civil_date value_on, posting_on;
    bool has_collector, has_actor;
    user_id collector, actor;
};

struct reversal_row {
    payment_id payment;
    uuid id;
    int16_t reason;
    civil_date value_on, posting_on;
    instant at;
    bool has_actor;
    user_id actor;
};

/** A charge, waiver or refund; its id is its posting's. */
struct account_fact_row {
    uuid posting;
    account_id account;
    struct allocation_fact fact;
    struct bytes currency, reason;
    instant received;
    bool has_actor;
    user_id actor;
};

/** A fact that is taken back. */
struct withdrawal_row {
    uuid fact, posting;
    instant at;
    struct bytes reason;
    bool has_actor;
    user_id actor;
};

struct allocation_row {
    uuid posting; /* that wrote it */
    payment_id payment;
    int32_t version, instalment_no;
    int64_t component_minor[COMPONENT_COUNT];
    int64_t credit_minor;
    int64_t debt_minor; /* what of it paid debt (R-BON-1a) */
};

struct posting_head_row {
    uuid id;
    int16_t kind;
    uuid trigger;
    bool has_account;
    account_id account;
    civil_date value_on, posting_on;
    instant at;
    int64_t writer_n;
    hash256 digest;
};

struct line_row {
    uuid posting;
    int16_t no, account;
    bool has_owner;
    uuid owner;
    struct bytes currency;
    int64_t amount_minor;
};

struct bonus_row {
    struct bonus_record record;
    customer_id customer; /* not stored: for the day's first mtd */
    uuid posting;
    bool has_payment, has_account; /* not of a TRUE_UP */
    int16_t line_no, kind;
    struct bytes currency, scheme;
    int16_t bucket, tag;
    int64_t amount_minor;
    bool has_team, on_hold, has_hold;
    civil_date hold_from;
    int64_t chain_n;
    hash256 hash;
};

TAGIH_MUST_USE tagih_err posting_send_payments(struct tx *tx, struct arena *arena, const struct payment_row *rows, size_t n);
TAGIH_MUST_USE tagih_err posting_send_reversals(struct tx *tx, struct arena *arena, const struct reversal_row *rows, size_t n, instant at);
TAGIH_MUST_USE tagih_err posting_send_allocations(struct tx *tx, struct arena *arena, const struct allocation_row *rows, size_t n);
TAGIH_MUST_USE tagih_err posting_send_postings(struct tx *tx, struct arena *arena, const struct posting_head_row *rows, size_t n, instant at, int64_t writer);
TAGIH_MUST_USE tagih_err posting_send_lines(struct tx *tx, struct arena *arena, const struct line_row *rows, size_t n);
/** What a line that takes back names (R-BON-5). */
struct bonus_taken_row {
    uuid posting, line;
    struct bonus_taken taken;
};
/** The insert of such rows, as facts of their posting. */
void posting_bonus_taken(struct params *p, const struct tx *tx, struct arena *arena, const struct bonus_taken_row *rows, size_t n);
/** How a payment's base was split (R-BON-8a). */
struct bonus_share_row {
    payment_id payment;
    uuid posting;
    civil_date month;
    int32_t version;
    struct bonus_share share;
};
/** The insert of such rows, as facts of their posting. */
void posting_bonus_shares(struct params *p, const struct tx *tx, struct arena *arena, const struct bonus_share_row *rows, size_t n);
TAGIH_MUST_USE tagih_err posting_send_bonus(struct tx *tx, struct arena *arena, const struct bonus_row *rows, size_t n);
/** The parameters of one row's insert statement, to be digested and sent with its posting (store/fact.h). */
void posting_account_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct account_fact_row *row);
void posting_withdrawal(struct params *p, const struct tx *tx, struct arena *arena, const struct withdrawal_row *row);
/** The reopened ones of what was loaded (R-LIF-1). */
TAGIH_MUST_USE tagih_err posting_send_reopened(struct tx *tx, struct arena *arena, const struct posting_loaded *loaded);
/** The dirty ones of what was loaded. */
TAGIH_MUST_USE tagih_err posting_send_states(struct tx *tx, struct arena *arena, const struct posting_loaded *loaded);

#endif
