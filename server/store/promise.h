/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Promises and plans in the database. Facts are parameters of insert statements, so that the book digests and sends them
 * with their posting (store/fact.h); states are queued by the book itself; the rest is reading.
 */
#ifndef TAGIH_STORE_PROMISE_H
#define TAGIH_STORE_PROMISE_H

#include "store/tx.h"
#include "tagih/money.h"
#include "tagih/promise.h"

/* ---- facts ---------------------------------------------------------------------------------------------------- */

/** A promise as it was made. */
struct promise_row {
    promise_id id;
    uuid posting;
    account_id account;
    bool has_plan, has_collector, has_actor, has_visit, has_position;
    plan_id plan;
    int32_t instalment_no;
    user_id collector, actor;
    visit_id visit;
    int64_t amount_minor;
    struct bytes currency;
    civil_date due_on;
    int64_t closes_us;
    int16_t promiser;
    struct bytes promiser_name;
    int16_t channel;
    int32_t lat_e7, lon_e7;
    struct bytes note;
    int64_t made_us, received_us, flags;
    int16_t refused;
};

struct promise_withdrawal_row {
    promise_id id;
    uuid posting;
    int64_t at_us;
    user_id actor;
    struct bytes reason;
};

struct promise_event_row {
    promise_id id;
    int32_t n;
    uuid posting;
    account_id account;
    int64_t at_us;
    int16_t before, after;
    int64_t received_minor;
    bool has_by;
    uuid by;
};

struct promise_reminder_row {
    promise_id id;
    int16_t slot;
    uuid posting;
    account_id account;
    int64_t at_us;
};

struct plan_row {
    plan_id id;
    uuid posting;
    account_id account;
    struct bytes currency;
    int64_t total_minor;
    int32_t instalments;
    civil_date starts_on;
    int64_t starts_us;
    bool has_payment;
    payment_id payment;
    int64_t made_us;
    user_id actor;
    struct bytes note;
};

struct plan_event_row {
    plan_id id;
    int32_t n;
    uuid posting;
    account_id account;
    int64_t at_us;
    int16_t step, before, after;
    bool has_actor;
    user_id actor;
    struct bytes reason;
};

/* Begin and fill the parameters of `n` rows: those of a plan by instalment, events by (id, n), reminders by id. */
void promise_insert(struct params *p, const struct tx *tx, struct arena *arena, const struct promise_row *rows, size_t n);
void promise_insert_withdrawal(struct params *p, const struct tx *tx, struct arena *arena, const struct promise_withdrawal_row *row);
void promise_insert_events(struct params *p, const struct tx *tx, struct arena *arena, const struct promise_event_row *rows, size_t n);
void promise_insert_reminders(struct params *p, const struct tx *tx, struct arena *arena, const struct promise_reminder_row *rows, size_t n);
void plan_insert(struct params *p, const struct tx *tx, struct arena *arena, const struct plan_row *row);
void plan_insert_events(struct params *p, const struct tx *tx, struct arena *arena, const struct plan_event_row *rows, size_t n);

/* ---- what the book needs -------------------------------------------------------------------------------------- */

/** A promise with what its projection says. */
struct promise_known {
    account_id account;
    struct promise_fact fact;
    int16_t refused;
    int32_t reminded; /* bit 1 << slot */
    int16_t state;    /* 0: no row yet */
    int64_t received_minor;
    uuid by;
    int32_t version;
    int16_t plan_state; /* 0: no instalment */
    int32_t plan_version;
    instant plan_expires, plan_starts;
    user_id plan_actor;
};

/** Queue the load of all promises of accounts, and of the accounts of payments. */
TAGIH_MUST_USE tagih_err promise_send_load(struct tx *tx, struct arena *arena, const account_id *accounts, size_t n,
                                           const payment_id *payments, size_t n_payments);
/** Take it: by account, then by promise. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err promise_take_load(struct tx *tx, struct arena *arena, struct promise_known **out, size_t *n);

/** Queue where days begin. */
TAGIH_MUST_USE tagih_err promise_send_midnights(struct tx *tx, struct arena *arena, const civil_date *days, size_t n);
void promise_take_midnights(struct tx *tx, instant *out, size_t n);

/** A payment of the account asked for at `row`. */
struct promise_paid {
    size_t row;
    struct promise_payment payment;
};

/** Queue the load of what was paid to accounts after instants. */
TAGIH_MUST_USE tagih_err promise_send_payments(struct tx *tx, struct arena *arena, const account_id *accounts,
                                               const int64_t *after_us, size_t n);
TAGIH_MUST_USE tagih_err promise_take_payments(struct tx *tx, struct arena *arena, struct promise_paid **out, size_t *n);

struct promise_state_row {
    promise_id id;
    account_id account;
    bool has_plan, has_by;
    plan_id plan;
    civil_date due_on;
    int64_t closes_us;
    int16_t refused, state;
    int64_t received_minor;
    uuid by;
    int32_t version;
};

struct plan_state_row {
    plan_id id;
    account_id account;
    int16_t state;
    int64_t expires_us, starts_us;
    int32_t version;
};

TAGIH_MUST_USE tagih_err promise_send_states(struct tx *tx, struct arena *arena, const struct promise_state_row *rows, size_t n);
TAGIH_MUST_USE tagih_err plan_send_states(struct tx *tx, struct arena *arena, const struct plan_state_row *rows, size_t n);

/* ---- the minute's work ---------------------------------------------------------------------------------------- */

TAGIH_MUST_USE tagih_err promise_due_agencies(struct db *db, struct arena *arena, instant now, int64_t deadline_us,
                                              agency_id *out, size_t room, size_t *n);
/** The agency's civil date and minute of its day: one round trip. */
TAGIH_MUST_USE tagih_err promise_local_time(struct tx *tx, struct arena *arena, instant now, civil_date *today, int32_t *minute);
/** Accounts where time alone changes something: one round trip. */
TAGIH_MUST_USE tagih_err promise_due(struct tx *tx, struct arena *arena, instant now, civil_date today, bool remind,
                                     account_id *out, size_t room, size_t *n);

/* ---- reading -------------------------------------------------------------------------------------------------- */

/** A promise as people read it. Text lives in the result. */
struct promise_read {
    promise_id id;
    account_id account;
    bool has_plan, has_collector, has_actor, has_visit, has_position, has_assigned, has_by;
    plan_id plan;
    int32_t instalment_no;
    user_id collector, actor, assigned;
    visit_id visit;
    int64_t amount_minor, made_us, received_minor;
    struct bytes currency, promiser_name, note;
    civil_date due_on;
    int16_t promiser, channel, refused, state; /* state 0: of a plan not approved */
    int32_t lat_e7, lon_e7, version;
    uuid by;
};

TAGIH_MUST_USE tagih_err promise_send_get(struct tx *tx, struct arena *arena, promise_id id);
/** A page behind (after_on, after). `account` nil: the agency's, due until `until_on`. state 0: any. */
TAGIH_MUST_USE tagih_err promise_send_list(struct tx *tx, struct arena *arena, account_id account, civil_date after_on,
                                           promise_id after, int16_t state, civil_date until_on, int32_t limit);
/** Read a row of any of them. */
void promise_read_row(const struct result *r, size_t row, struct promise_read *out);

TAGIH_MUST_USE tagih_err promise_send_events(struct tx *tx, struct arena *arena, promise_id id);
/** Read a row of it; n and posting included. */
void promise_read_event(const struct result *r, size_t row, struct promise_event_row *out);

struct promise_account {
    bool found, has_collector;
    user_id collector;
};
TAGIH_MUST_USE tagih_err promise_send_account(struct tx *tx, struct arena *arena, account_id account);
void promise_take_account(struct tx *tx, struct promise_account *out);

struct plan_read {
    plan_id id;
    account_id account;
    struct bytes currency, note;
    int64_t total_minor, made_us;
    civil_date starts_on;
    bool has_payment, has_assigned;
    payment_id payment;
    user_id actor, assigned;
    int16_t state;
    int32_t version;
};

TAGIH_MUST_USE tagih_err plan_send_get(struct tx *tx, struct arena *arena, plan_id id);
TAGIH_MUST_USE tagih_err plan_send_list(struct tx *tx, struct arena *arena, account_id account);
void plan_read_row(const struct result *r, size_t row, struct plan_read *out);

struct plan_instalment_read {
    size_t plan; /* index of the plan asked about */
    int32_t no;
    promise_id promise;
    civil_date due_on;
    int64_t amount_minor, received_minor;
    int16_t state;
};
TAGIH_MUST_USE tagih_err plan_send_instalments(struct tx *tx, struct arena *arena, const plan_id *ids, size_t n);
void plan_read_instalment(const struct result *r, size_t row, struct plan_instalment_read *out);
TAGIH_MUST_USE tagih_err plan_send_events(struct tx *tx, struct arena *arena, plan_id id);
void plan_read_event(const struct result *r, size_t row, struct plan_event_row *out);

#endif
