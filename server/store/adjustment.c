/* SPDX-License-Identifier: Apache-2.0 */
/* What an adjustment's maker looks at: columns out. */
#include "store/adjustment.h"

#include "store_statements.h"

tagih_err adjustment_send_account(struct tx *tx, struct arena *arena, account_id account) {
    struct params p;
    tx_params(&p, tx, arena, STMT_adjustment_account, 0);
    params_one_uuid(&p, &account);
    return tx_send(tx, &p);
}

#define COL(name) COL_adjustment_account_##name
void adjustment_take_account(struct tx *tx, struct adjustment_account *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *out = (struct adjustment_account){.found = result_count(&r) == 1};
    if (!out->found) return;
    out->currency = result_currency(&r, 0, COL(currency));
    out->open_minor[COMPONENT_FEES] = result_int8(&r, 0, COL(fees_minor));
    out->open_minor[COMPONENT_PENALTY] = result_int8(&r, 0, COL(penalty_minor));
    out->open_minor[COMPONENT_INTEREST] = result_int8(&r, 0, COL(interest_minor));
    out->open_minor[COMPONENT_PRINCIPAL] = result_int8(&r, 0, COL(principal_minor));
    out->credit_minor = result_int8(&r, 0, COL(credit_minor));
}
