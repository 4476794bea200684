/* SPDX-License-Identifier: Apache-2.0 */
/* Promises and plans as clients see them, and who may see and make them; one place for both services. */
#ifndef TAGIH_RPC_PROMISE_VIEW_H
#define TAGIH_RPC_PROMISE_VIEW_H

#include "book/posting.h"
#include "contract.h"
#include "engine/rpc.h"
#include "store/promise.h"

/** The message; what it points to is the call's. NULL: out of memory, the item fails. */
Tagih__V1__Promise *promise_view(struct rpc_item *item, const struct promise_read *read);
/** Changes with every change of its state. */
char *promise_etag(struct rpc_item *item, int32_t version);
/** YYYY-MM-DD in the call's memory. */
char *promise_date(struct rpc_item *item, civil_date on);

/** Everybody of the office, and whose account it is: what is assigned to him now. */
bool promise_may_see(const struct rpc_item *item, bool has_assigned, user_id assigned);

/** May this caller promise something on this account? @return OK · NOT_PERMITTED not there, or not his · ACCOUNT_CURRENCY ·
 *  PROMISE_ACCOUNT_CLOSED */
TAGIH_MUST_USE tagih_err promise_account_check(const struct rpc_item *item, const struct posting_account *account, currency in);

/** The first day that is too late for a promise due then. */
static inline civil_date promise_over_on(civil_date due_on) {
    return (civil_date){due_on.days + promise_settings_default.grace_days + 1};
}

#endif
