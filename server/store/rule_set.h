/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule sets as rows (R-ALL-2): an agency's own, and the changes of accounts. Presets come from libtagih; whoever asks for a
 * rule set here gets either.
 */
#ifndef TAGIH_STORE_RULE_SET_H
#define TAGIH_STORE_RULE_SET_H

#include "store/tx.h"
#include "tagih/allocation.h"

/** A rule set by its name; version 0: the newest. */
struct rule_set_name {
    struct bytes name;
    int32_t version;
};

/** An agency's rule set: what it says, and who made it. */
struct rule_set_row {
    struct rule_set rules;
    uuid posting;
    struct bytes reason;
    user_id made_by, approved_by;
    instant made, approved;
};

/** A change of an account's rule set; its id is its posting's. */
struct account_rule_set_row {
    uuid posting;
    account_id account;
    const struct rule_set *rules;
    civil_date value_on;
    instant made, received;
    struct bytes reason;
    bool has_actor;
    user_id actor;
};

/** Changes of many accounts, by account. */
struct rule_changes {
    account_id *accounts; /* one a change */
    struct rule_change *changes;
    size_t n;
};

/** The insert of rows, to be digested and sent with their postings (store/fact.h). */
void rule_set_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct rule_set_row *row);
void rule_set_account_facts(struct params *p, const struct tx *tx, struct arena *arena, const struct account_rule_set_row *rows,
                            size_t n);

/** Queue the load of changes: of accounts, and of the accounts of payments. */
TAGIH_MUST_USE tagih_err rule_changes_send(struct tx *tx, struct arena *arena, const account_id *accounts, size_t n,
                                           const payment_id *payments, size_t n_payments);
/** Take them. A change whose rule set is not there, or says what no rule set may, has none. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err rule_changes_take(struct tx *tx, struct arena *arena, struct rule_changes *out);
/** The rule sets of one account; points into `all`. Pure, O(log changes). */
struct rule_history rule_history_of(const struct rule_changes *all, account_id account);

/** Queue the reading of one, version 0: the newest; or of a page behind (name, version), "" and 0 from the first. */
TAGIH_MUST_USE tagih_err rule_set_send_get(struct tx *tx, struct arena *arena, struct bytes name, int32_t version);
TAGIH_MUST_USE tagih_err rule_set_send_list(struct tx *tx, struct arena *arena, struct bytes after_name, int32_t after_version,
                                            int32_t limit);
/** Read a row of either. Text lives in the arena. @return OK · ALLOCATION_RULES · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err rule_set_read(const struct result *r, size_t row, struct arena *arena, struct rule_set_row *out);

/** Queue the reading of many of the agency's own, by name; take them, NULL where there is none such. */
TAGIH_MUST_USE tagih_err rule_set_send_named(struct tx *tx, struct arena *arena, const struct rule_set_name *names, size_t n);
TAGIH_MUST_USE tagih_err rule_set_take_named(struct tx *tx, struct arena *arena, const struct rule_set **out, size_t n);

/** Queue what somebody who changes an account's rule set looks at; take it. */
TAGIH_MUST_USE tagih_err rule_set_send_account(struct tx *tx, struct arena *arena, account_id account, instant now);
void rule_set_take_account(struct tx *tx, bool *known, civil_date *today);

#endif
