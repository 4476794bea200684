/* SPDX-License-Identifier: Apache-2.0 */
/* What a phone holds and what of it changed (pull.sql). Many collectors at a time; a row says whose it is. */
#ifndef TAGIH_STORE_PULL_H
#define TAGIH_STORE_PULL_H

#include "store/account.h"
#include "store/feed.h"
#include "store/visit.h"

/** One collector's question. */
struct pull_ask {
    int32_t row; /* comes back with each answer; ascending */
    user_id collector;
    uuid after;              /* the whole: behind this visit; nil: from the first */
    struct feed_place place; /* changes: behind this one */
    int32_t limit;
};

/** One answer. Text and bytes live in the result. */
struct pull_row {
    int32_t row;
    struct feed_place place; /* of the change; (0, 0) in the whole */
    int16_t kind;            /* enum change_kind; 0 in the whole */
    uuid object;
    bool has_visit, has_account, has_fate;
    struct visit_read visit;
    bool mine; /* the collector has an open or today's visit to the account */
    struct account_read account;
    bool has_due;
    civil_date oldest_due_on;
    struct bytes entry_hash;
    int16_t fate;
    int64_t flags;
};

/** Queue: open and today's visits with their accounts, by collector, in the order of their ids. */
TAGIH_MUST_USE tagih_err pull_send_whole(struct tx *tx, struct arena *arena, const struct pull_ask *asks, size_t n,
                                         instant now);
/** Queue: settled changes of each collector, in the order of their places, with what they speak of as it is now. */
TAGIH_MUST_USE tagih_err pull_send_changes(struct tx *tx, struct arena *arena, const struct pull_ask *asks, size_t n,
                                           instant now);
/** Read an answer to either. */
void pull_read(const struct result *r, size_t row, struct pull_row *out);

#endif
