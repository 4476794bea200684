/* SPDX-License-Identifier: Apache-2.0 */
/* What the life of accounts reads and writes (R-LIF-1..5), many accounts at a time. What it means is decided in
 * server/rpc/lifecycle.c. */
#ifndef TAGIH_STORE_LIFECYCLE_H
#define TAGIH_STORE_LIFECYCLE_H

#include "domain/lifecycle.h"
#include "store/tx.h"

/** An account as it stands, under its lock or not. Text lives in the arena. */
struct lifecycle_account {
    account_id id;
    bool found;
    struct bytes account_no;
    int16_t status, promise_days, warnings, former_status; /* former_*: before the newest closing; 0: none */
    bool has_hold, has_collector, has_former_collector;
    civil_date hold_from_on, hold_until_on;
    user_id collector, former_collector;
    int32_t version;
    int64_t open_minor, credit_minor;
    bool settled; /* its offer to settle is fulfilled (R-WAI-1) */
    instant ends;   /* 00:00 of the day on which the hold ends */
    instant newest; /* of its newest event: nothing takes effect before it any more */
};

/** Where a page of candidates begins, and what was found. */
struct lifecycle_found {
    account_id *ids;
    civil_date *until_on; /* of takeovers alone */
    size_t n;
};

/** Holds that are over by `until_on`, of the earliest day that has any. @return as tx_sync · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err lifecycle_find_ended(struct tx *tx, struct arena *arena, civil_date until_on, int32_t limit,
                                              struct lifecycle_found *out);
/** The same behind a place, whatever the day: for dry runs. */
TAGIH_MUST_USE tagih_err lifecycle_page_ended(struct tx *tx, struct arena *arena, civil_date until_on, civil_date after_on,
                                              account_id after, int32_t limit, struct lifecycle_found *out);
/** Holds that end within `days`, of holders who have not had all warnings. */
TAGIH_MUST_USE tagih_err lifecycle_find_ending(struct tx *tx, struct arena *arena, civil_date today, int32_t days,
                                               account_id after, int32_t limit, struct lifecycle_found *out);
/** Live accounts on which nothing is open. */
TAGIH_MUST_USE tagih_err lifecycle_find_paid(struct tx *tx, struct arena *arena, account_id after, int32_t limit,
                                             struct lifecycle_found *out);

/** A fact from before a takeover that came after it. */
struct lifecycle_late {
    account_id account;
    uuid object;
    bool is_payment;
    instant value, taken;
};
TAGIH_MUST_USE tagih_err lifecycle_find_late(struct tx *tx, struct arena *arena, instant since, int32_t limit,
                                             struct lifecycle_late **out, size_t *n);

/** Queue the LOCK of accounts and of their visits with a live lease. */
TAGIH_MUST_USE tagih_err lifecycle_send_lock(struct tx *tx, struct arena *arena, const account_id *ids, size_t n);
/** Take its answers: the visits that were locked. */
TAGIH_MUST_USE tagih_err lifecycle_take_lock(struct tx *tx, struct arena *arena, visit_id **visits, size_t *n_visits);
/** Queue the LOAD. @param until_on  judge holds as though they ended then; NULL: when they do */
TAGIH_MUST_USE tagih_err lifecycle_send_load(struct tx *tx, struct arena *arena, const account_id *ids,
                                             const civil_date *until_on, size_t n);
TAGIH_MUST_USE tagih_err lifecycle_take_load(struct tx *tx, struct arena *arena, struct lifecycle_account *out, size_t n);

/** A promise, or an instalment of a plan, that may extend a hold. */
struct lifecycle_promise {
    size_t row; /* of the account asked about */
    civil_date due_on;
};
/** What could extend holds: promises, and the next open instalment of active plans; each by row. */
struct lifecycle_extending {
    struct lifecycle_promise *promises, *plans;
    size_t n_promises, n_plans;
};
/** What could extend these holds, known when they end: a round trip of its own. */
TAGIH_MUST_USE tagih_err lifecycle_load_extending(struct tx *tx, struct arena *arena, const struct lifecycle_account *accounts,
                                                  const civil_date *until_on, size_t n, struct lifecycle_extending *out);

/** Queue the new states; under the accounts' locks. Of each the hold, the collector, status, promise_days, warnings. */
TAGIH_MUST_USE tagih_err lifecycle_send_save(struct tx *tx, struct arena *arena, const struct lifecycle_account *rows, size_t n);

/** The ids of all agencies, at most `room`. Without agency. @return as db_exec_one */
TAGIH_MUST_USE tagih_err agency_ids(struct db *db, struct arena *arena, int64_t deadline_us, agency_id *out, size_t room,
                                    size_t *n);

#endif
