/* SPDX-License-Identifier: Apache-2.0 */
/* Sales of collateral: columns in, columns out. */
#include "store/sale.h"

#include "store_statements.h"

void sale_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct sale_row *row) {
    const size_t s = sizeof *row;
    tx_params(p, tx, arena, STMT_sale_insert, 1);
    params_uuid(p, &row->id, s);
    params_uuid(p, &row->posting, s);
    params_uuid(p, &row->account, s);
    params_text(p, &row->asset_reference, s);
    params_text(p, &row->house, s);
    params_text(p, &row->lot, s);
    params_int8(p, &row->hammer_minor, s);
    params_text(p, &row->currency, s);
    params_bytea(p, &row->protocol, s);
    params_int8(p, &row->value_us, s);
    params_int8(p, &row->at_us, s);
    params_uuid(p, &row->made_by, s);
    params_uuid(p, &row->decided_by, s);
}

void sale_event_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct sale_event_row *row) {
    const size_t s = sizeof *row;
    tx_params(p, tx, arena, STMT_sale_event_insert, 1);
    params_uuid(p, &row->sale, s);
    params_int4(p, &row->n, s);
    params_uuid(p, &row->posting, s);
    params_int2(p, &row->event, s);
    params_int2(p, &row->state, s);
    params_int8(p, &row->amount_minor, s);
    params_int8(p, &row->shares.sale_costs_minor, s);
    params_int8(p, &row->shares.taking_costs_minor, s);
    params_int8(p, &row->shares.debt_minor, s);
    params_int8(p, &row->shares.surplus_minor, s);
    params_int8(p, &row->shares.shortfall_minor, s);
    params_uuid_opt(p, &row->payment, &row->has_payment, s);
    params_date_opt(p, &row->due_on, &row->has_due, s);
    params_text(p, &row->reference, s);
    params_int8(p, &row->value_us, s);
    params_int8(p, &row->at_us, s);
    params_uuid(p, &row->made_by, s);
    params_uuid(p, &row->decided_by, s);
}

tagih_err sale_send_lot_lock(struct tx *tx, struct arena *arena, struct bytes lot) {
    struct params p;
    tx_params(&p, tx, arena, STMT_sale_lot_lock, 0);
    params_one_text(&p, lot);
    return tx_send(tx, &p);
}

tagih_err sale_send_twice(struct tx *tx, struct arena *arena, const struct sale_row *row) {
    struct params p;
    tx_params(&p, tx, arena, STMT_sale_twice, 0);
    params_one_uuid(&p, &row->account);
    params_one_text(&p, row->asset_reference);
    params_one_text(&p, row->house);
    params_one_text(&p, row->lot);
    return tx_send(tx, &p);
}

bool sale_take_twice(struct tx *tx) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    return result_bool(&r, 0, COL_sale_twice_twice);
}

tagih_err sale_send_get(struct tx *tx, struct arena *arena, const uuid *ids, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_sale_get, n);
    params_uuid(&p, ids, sizeof *ids);
    return tx_send(tx, &p);
}

#define COL(name) COL_sale_get_##name
static struct sale_row row_of(const struct result *r, size_t row) {
    return (struct sale_row){
        .id = result_uuid(r, row, COL(sale_id)), .account.u = result_uuid(r, row, COL(account_id)),
        .asset_reference = result_text(r, row, COL(asset_reference)), .house = result_text(r, row, COL(house)),
        .lot = result_text(r, row, COL(lot)), .hammer_minor = result_int8(r, row, COL(hammer_minor)),
        .currency = result_text(r, row, COL(currency)), .protocol = result_bytes(r, row, COL(protocol)),
        .value_us = result_int8(r, row, COL(value_us)), .at_us = result_int8(r, row, COL(at_us)),
        .made_by.u = result_uuid(r, row, COL(made_by)), .decided_by.u = result_uuid(r, row, COL(decided_by))};
}

static struct sale_now now_of(const struct result *r, size_t row) {
    return (struct sale_now){
        .state = (enum sale_state)result_int2(r, row, COL(state)), .hammer_minor = result_int8(r, row, COL(hammer_minor)),
        .shares = {.sale_costs_minor = result_int8(r, row, COL(sale_costs_minor)),
                   .taking_costs_minor = result_int8(r, row, COL(taking_costs_minor)),
                   .debt_minor = result_int8(r, row, COL(debt_minor)), .surplus_minor = result_int8(r, row, COL(surplus_minor)),
                   .shortfall_minor = result_int8(r, row, COL(shortfall_minor))},
        .received = result_bool(r, row, COL(received)), .surplus_paid_minor = result_int8(r, row, COL(surplus_paid_minor))};
}

void sale_read_row(const struct result *r, size_t row, struct sale_read *out) {
    *out = (struct sale_read){.row = row_of(r, row), .now = now_of(r, row), .n = result_int4(r, row, COL(n)),
                              .has_payment = !result_is_null(r, row, COL(payment_id)),
                              .payment.u = result_uuid_or_nil(r, row, COL(payment_id)),
                              .has_due = !result_is_null(r, row, COL(due_on))};
    if (out->has_due) out->due_on = result_date(r, row, COL(due_on));
}

tagih_err sale_send_list(struct tx *tx, struct arena *arena, account_id account, bool surplus_open, int64_t before_us, uuid before,
                         int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_sale_list, 0);
    if (uuid_is_nil(account.u)) params_one_null(&p);
    else params_one_uuid(&p, &account);
    params_one_bool(&p, surplus_open);
    params_one_int8(&p, before_us);
    params_one_uuid(&p, &before);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

uuid sale_listed(const struct result *r, size_t row) {
    return result_uuid(r, row, COL_sale_list_sale_id);
}
