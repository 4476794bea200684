/* SPDX-License-Identifier: Apache-2.0 */
/* What an adjustment's maker looks at. */
#ifndef TAGIH_STORE_ADJUSTMENT_H
#define TAGIH_STORE_ADJUSTMENT_H

#include "store/tx.h"
#include "tagih/allocation.h"
#include "tagih/money.h"

struct adjustment_account {
    bool found;
    currency currency;
    int64_t open_minor[COMPONENT_COUNT], credit_minor;
};

TAGIH_MUST_USE tagih_err adjustment_send_account(struct tx *tx, struct arena *arena, account_id account);
void adjustment_take_account(struct tx *tx, struct adjustment_account *out);

#endif
