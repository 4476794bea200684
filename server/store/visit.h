/* SPDX-License-Identifier: Apache-2.0 */
/* Visits and outcomes in the database: lock, load and save, many at a time. */
#ifndef TAGIH_STORE_VISIT_H
#define TAGIH_STORE_VISIT_H

#include "store/tx.h"
#include "tagih/presence.h"

/* ---- planning ------------------------------------------------------------------------------------------------- */

struct visit_key {
    visit_id id;
    account_id account;
    user_id collector;
    int16_t purpose;
    civil_date planned_on;
};

struct visit_plan_loaded {
    bool known; /* this id is a visit already … */
    struct visit_key as_planned; /* … planned like this */
    bool has_account;
    int16_t status; /* enum account_status */
    bool has_holder, has_hold;
    user_id holder; /* the account's collector */
    civil_date hold_until_on;
    int32_t lat_e7, lon_e7;
    int16_t address_quality;
    bool has_staff;
    int16_t staff_state;
    int32_t roles;
    bool leased; /* somebody has a live lease of this account and purpose */
    int64_t lease_from_us, lease_until_us;
    civil_date today;
    bool has_silence;
    civil_date silent_until_on; /* the customer paid: the last day without contact (R-PAY-2) */
};

/** Queue LOCK of the accounts and LOAD: two answers, taken by visit_take_plan. */
TAGIH_MUST_USE tagih_err visit_send_plan_load(struct tx *tx, struct arena *arena, const struct visit_key *keys, size_t n,
                                              instant now);
void visit_take_plan(struct tx *tx, struct visit_plan_loaded *out, size_t n);

struct visit_row {
    struct visit_key key;
    int32_t lat_e7, lon_e7, radius_mm;
    int16_t address_quality, policy;
    struct bytes gate_verdict;
    int64_t lease_from_us, lease_until_us;
};
/** Queue the insertion of visits and their states. @param by  NULL: the command line */
TAGIH_MUST_USE tagih_err visit_send_rows(struct tx *tx, struct arena *arena, const struct visit_row *rows, size_t n,
                                         const user_id *by, instant at);

struct visit_event_row {
    visit_id visit;
    int32_t version;
    struct bytes kind, reason;
    user_id collector;
    int64_t lease_from_us, lease_until_us;
};
/** @param actor  NULL: the system itself */
TAGIH_MUST_USE tagih_err visit_send_events(struct tx *tx, struct arena *arena, const struct visit_event_row *rows,
                                           size_t n, const user_id *actor, instant at);

/* ---- reading -------------------------------------------------------------------------------------------------- */

/** A visit as it stands. */
struct visit_read {
    visit_id id;
    account_id account;
    user_id collector;
    civil_date planned_on;
    int16_t purpose, policy, state;
    int32_t version;
    bool live;
    int64_t lease_from_us, lease_until_us;
    int32_t lat_e7, lon_e7, radius_mm;
    int16_t presence; /* PRESENCE_UNKNOWN without a check-in */
    int16_t outcome;  /* 0: none */
    int16_t outcome_list;
};

/** Queue LOCK of visits; its answer is taken with visit_take_lock. */
TAGIH_MUST_USE tagih_err visit_send_lock(struct tx *tx, struct arena *arena, const visit_id *ids, size_t n);
void visit_take_lock(struct tx *tx);
/** Queue the reading; visit_take gives one place an id, false where there is no such visit. */
TAGIH_MUST_USE tagih_err visit_send_load(struct tx *tx, struct arena *arena, const visit_id *ids, size_t n);
void visit_take(struct tx *tx, const visit_id *ids, struct visit_read *out, bool *found, size_t n);

/** Queue a page of a collector's day behind `after`. */
TAGIH_MUST_USE tagih_err visit_send_day(struct tx *tx, struct arena *arena, user_id collector, civil_date day,
                                        visit_id after, int32_t limit);
void visit_read_day(const struct result *r, size_t row, struct visit_read *out);

/* ---- changes -------------------------------------------------------------------------------------------------- */

TAGIH_MUST_USE tagih_err visit_send_hand_over(struct tx *tx, struct arena *arena, visit_id visit, user_id collector,
                                              instant now);

struct visit_ended {
    visit_id visit;
    int16_t state; /* CANCELLED or EXPIRED */
};
/** Queue the end of leases; each visit's version rises. */
TAGIH_MUST_USE tagih_err visit_send_ended(struct tx *tx, struct arena *arena, const struct visit_ended *rows, size_t n);

/** Queue the look-up of a user's state and roles. */
TAGIH_MUST_USE tagih_err visit_send_staff(struct tx *tx, struct arena *arena, user_id user);

/* ---- outcomes ------------------------------------------------------------------------------------------------- */

struct outcome_key {
    uuid id;
    visit_id visit;
    user_id collector;
    int64_t value_us;
    uuid receipt, promise; /* nil: none */
};

struct outcome_loaded {
    bool known;
    visit_id known_visit;
    user_id known_collector;
    int16_t known_code, known_list;
    bool known_has_next;
    int16_t known_next;
    bool known_same_note;
    bool under_lease, held;
    bool receipt_known, promise_known;
};

/** Agencies with live leases that are over, at most `room`. Without agency. @return as db_exec_one */
TAGIH_MUST_USE tagih_err visit_overdue_agencies(struct db *db, struct arena *arena, instant now, int64_t deadline_us,
                                                agency_id *out, size_t room, size_t *n);

TAGIH_MUST_USE tagih_err outcome_send_load(struct tx *tx, struct arena *arena, const struct outcome_key *keys, size_t n);
/** @param notes  what is compared with the stored notes; n of them */
void outcome_take(struct tx *tx, const struct bytes *notes, struct outcome_loaded *out, size_t n);

struct outcome_row {
    struct outcome_key key;
    account_id account;
    int16_t code, list;
    bool has_next;
    int16_t next;
    struct bytes note;
    int64_t flags;
};
TAGIH_MUST_USE tagih_err outcome_send_rows(struct tx *tx, struct arena *arena, const struct outcome_row *rows, size_t n,
                                           instant at);

struct visit_finished {
    visit_id visit;
    int16_t outcome, list;
    int64_t at_us;
};
TAGIH_MUST_USE tagih_err visit_send_finished(struct tx *tx, struct arena *arena, const struct visit_finished *rows, size_t n);

#endif
