/* SPDX-License-Identifier: Apache-2.0 */
/* Gateways: columns out. */
#include "store/gateway.h"

#include <string.h>

#include "store_statements.h"

static tagih_err send_text(struct tx *tx, struct arena *arena, const struct statement *statement, struct bytes text) {
    struct params p;
    tx_params(&p, tx, arena, statement, 0);
    params_one_text(&p, text);
    return tx_send(tx, &p);
}

tagih_err gateway_send_keys(struct tx *tx, struct arena *arena, struct bytes gateway) {
    return send_text(tx, arena, STMT_gateway_keys, gateway);
}

void gateway_take_keys(struct tx *tx, struct gateway_key *out, size_t *n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r) < GATEWAY_KEYS_MAX ? result_count(&r) : GATEWAY_KEYS_MAX;
    for (size_t i = 0; i < *n; i++) {
        out[i].algorithm = result_int2(&r, i, COL_gateway_keys_algorithm);
        memcpy(out[i].key, result_bytes(&r, i, COL_gateway_keys_key).data, GATEWAY_KEY_BYTES); /* the table holds no other length */
    }
}

tagih_err gateway_send_account(struct tx *tx, struct arena *arena, struct bytes account_no) {
    return send_text(tx, arena, STMT_gateway_account, account_no);
}

void gateway_take_account(struct tx *tx, account_id *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *out = (account_id){{{0}}};
    if (result_count(&r) == 1) out->u = result_uuid(&r, 0, COL_gateway_account_account_id);
}
