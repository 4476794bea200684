/* SPDX-License-Identifier: Apache-2.0 */
/* Writing to the feed of changes, in the transaction of what changed. */
#ifndef TAGIH_STORE_CHANGE_H
#define TAGIH_STORE_CHANGE_H

#include "domain/change.h"
#include "store/tx.h"

struct change_row {
    int16_t kind; /* enum change_kind */
    uuid object;
    bool has_account;
    account_id account;
    bool for_phone; /* Pull shows it to the collector's phone */
    user_id collector;
};

/** Queue the insertion of `n` changes. @return OK · as tx_send */
TAGIH_MUST_USE tagih_err change_send(struct tx *tx, struct arena *arena, const struct change_row *rows, size_t n,
                                     instant at);

#endif
