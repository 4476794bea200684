/* SPDX-License-Identifier: Apache-2.0 */
/* Costs of taking: columns in, columns out. */
#include "store/cost.h"

#include "store_statements.h"

void cost_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct cost_row *row) {
    const size_t s = sizeof *row;
    tx_params(p, tx, arena, STMT_account_cost_insert, 1);
    params_uuid(p, &row->id, s);
    params_uuid(p, &row->posting, s);
    params_uuid(p, &row->account, s);
    params_int2(p, &row->used_as, s);
    params_int2(p, &row->kind, s);
    params_int8(p, &row->amount_minor, s);
    params_text(p, &row->currency, s);
    params_text(p, &row->reference, s);
    params_bytea(p, &row->evidence, s);
    params_int8(p, &row->value_us, s);
    params_int8(p, &row->at_us, s);
    params_uuid(p, &row->made_by, s);
    params_uuid(p, &row->decided_by, s);
}

void cost_reversal_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct cost_reversal_row *row) {
    const size_t s = sizeof *row;
    tx_params(p, tx, arena, STMT_account_cost_reversal_insert, 1);
    params_uuid(p, &row->cost, s);
    params_uuid(p, &row->posting, s);
    params_text(p, &row->reason, s);
    params_int8(p, &row->at_us, s);
    params_uuid(p, &row->made_by, s);
    params_uuid(p, &row->decided_by, s);
}

tagih_err cost_send_get(struct tx *tx, struct arena *arena, uuid cost) {
    return tx_send_id(tx, arena, STMT_cost_get, cost);
}

tagih_err cost_send_used(struct tx *tx, struct arena *arena, account_id account, struct bytes reference) {
    struct params p;
    tx_params(&p, tx, arena, STMT_cost_used, 0);
    params_one_uuid(&p, &account);
    params_one_text(&p, reference);
    return tx_send(tx, &p);
}

enum cost_use cost_take_used(struct tx *tx) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    return result_count(&r) ? (enum cost_use)result_int2(&r, 0, COL_cost_used_used_as) : COST_UNUSED;
}

tagih_err cost_send_open(struct tx *tx, struct arena *arena, account_id account) {
    struct params p;
    tx_params(&p, tx, arena, STMT_cost_open, 0);
    params_one_uuid(&p, &account);
    return tx_send(tx, &p);
}

int64_t cost_take_open(struct tx *tx) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    return result_int8(&r, 0, COL_cost_open_open_minor);
}

tagih_err cost_send_list(struct tx *tx, struct arena *arena, account_id account, int64_t before_us, uuid before, int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_cost_list, 0);
    params_one_uuid(&p, &account);
    params_one_int8(&p, before_us);
    params_one_uuid(&p, &before);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

#define COL(name) COL_cost_list_##name
void cost_read_row(const struct result *r, size_t row, struct cost_row *out) {
    *out = (struct cost_row){.id = result_uuid(r, row, COL(cost_id)),
                             .account.u = result_uuid(r, row, COL(account_id)),
                             .used_as = COST_OF_TAKING,
                             .kind = result_int2(r, row, COL(kind)),
                             .amount_minor = result_int8(r, row, COL(amount_minor)),
                             .currency = result_text(r, row, COL(currency)),
                             .reference = result_text(r, row, COL(reference)),
                             .evidence = result_bytes(r, row, COL(evidence)),
                             .value_us = result_int8(r, row, COL(value_us)),
                             .at_us = result_int8(r, row, COL(at_us)),
                             .made_by.u = result_uuid(r, row, COL(made_by)),
                             .decided_by.u = result_uuid(r, row, COL(decided_by)),
                             .reversed_us = result_int8_or(r, row, COL(reversed_us), 0)};
}
