/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts in the database: events, reading, and who works them. */
#ifndef TAGIH_STORE_ACCOUNT_H
#define TAGIH_STORE_ACCOUNT_H

#include "domain/account.h"
#include "store/tx.h"

/** R-LIF-5: one thing that happened to an account's owner or state. */
struct account_event_row {
    uuid event;
    account_id account;
    struct bytes kind, reason;
    bool has_before, has_after; /* collectors */
    user_id collector_before, collector_after;
    bool has_status_before;
    int16_t status_before, status_after;
    bool has_at; /* it took effect at another time than it is written down */
    int64_t at_us;
    bool has_hold, has_until_before, has_until_after;
    civil_date hold_from_on, until_before_on, until_after_on;
    int16_t promise_days; /* by which promises have extended the hold */
    bool has_object;
    uuid object; /* the fact that it speaks of */
    bool has_posting;
    uuid posting; /* under whose digest it stands */
};

/** The parameters of the insertion, rows by their id: to be sent, or to be a fact of a posting (store/fact.h). At least one
 *  row. @param actor  NULL: the system itself */
void account_event_params(struct params *p, const struct tx *tx, struct arena *arena, const struct account_event_row *rows,
                          size_t n, const user_id *actor, instant at);
/** Queue the insertion of events that stand under no posting. @param actor  NULL: the system itself */
TAGIH_MUST_USE tagih_err account_send_events(struct tx *tx, struct arena *arena, const struct account_event_row *rows,
                                             size_t n, const user_id *actor, instant at);

struct account_assignment {
    account_id account;
    user_id collector;
};
/** Queue the change of who works accounts; under their locks. */
TAGIH_MUST_USE tagih_err account_send_assign(struct tx *tx, struct arena *arena, const struct account_assignment *rows,
                                             size_t n);

/** An account as people read it. Text lives in the result. */
struct account_read {
    account_id id;
    struct bytes account_no, customer_no, product, currency, plate, district;
    int16_t status;
    bool has_hold, has_collector, has_silence;
    civil_date hold_until_on, today;
    civil_date silent_until_on; /* the newest silence's last day (R-PAY-2); it may be over */
    user_id collector;
    int64_t open_minor[COMPONENT_COUNT];
    int64_t credit_minor;
    bool no_schedule;
    int32_t lat_e7, lon_e7, version;
    struct bytes rule_set; /* of the newest change valued up to today (R-ALL-2); none: there was none */
    int32_t rule_set_version;
    civil_date rule_set_since_on;
};

/** Queue the reading of one: by id, or by number when `id` is NULL. No row: there is none. */
TAGIH_MUST_USE tagih_err account_send_get(struct tx *tx, struct arena *arena, const account_id *id, struct bytes number,
                                          instant now);
/** Queue a page of all accounts, or of one collector's (not NULL), behind `after` (nil: from the first). */
TAGIH_MUST_USE tagih_err account_send_list(struct tx *tx, struct arena *arena, const user_id *collector,
                                           account_id after, int32_t limit, instant now);
/** The rule set in force of a row whose columns these are; null: none but the default. */
void account_read_rules(const struct result *r, size_t row, int name, int version, int since_on, struct account_read *out);
/** Read a row of any of them. */
void account_read_row(const struct result *r, size_t row, struct account_read *out);

/** Queue the reading of open instalments; rows come by account in the order given. */
TAGIH_MUST_USE tagih_err account_send_dues(struct tx *tx, struct arena *arena, const account_id *ids, size_t n);
/** Read one: `out` has what is open. */
void account_read_due(const struct result *r, size_t row, account_id *account, struct instalment_open *out);

/** Who works an account, for lists of what is an account's own. */
struct account_owner {
    bool found; /* there is such an account */
    bool has_collector;
    user_id collector;
};

TAGIH_MUST_USE tagih_err account_send_owner(struct tx *tx, struct arena *arena, account_id account);
void account_take_owner(struct tx *tx, struct account_owner *out);

#endif
