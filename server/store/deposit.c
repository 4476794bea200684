/* SPDX-License-Identifier: Apache-2.0 */
/* Deposits: columns in, columns out. */
#include "store/deposit.h"

#include "store_statements.h"

void deposit_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct deposit_row *rows, size_t n) {
    const size_t s = sizeof *rows;
    tx_params(p, tx, arena, STMT_deposit_insert, n);
    params_uuid(p, &rows[0].id, s);
    params_uuid(p, &rows[0].posting, s);
    params_uuid_opt(p, &rows[0].collector, &rows[0].has_collector, s);
    params_uuid_opt(p, &rows[0].cashier, &rows[0].has_cashier, s);
    params_int8(p, &rows[0].amount_minor, s);
    params_text(p, &rows[0].currency, s);
    params_text(p, &rows[0].bank_reference, s);
    params_int8(p, &rows[0].value_us, s);
    params_date(p, &rows[0].value_on, s);
    params_int8(p, &rows[0].received_us, s);
}

void deposit_event_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct deposit_event_row *rows,
                        size_t n) {
    const size_t s = sizeof *rows;
    tx_params(p, tx, arena, STMT_deposit_event_insert, n);
    params_uuid(p, &rows[0].deposit, s);
    params_int4(p, &rows[0].version, s);
    params_uuid(p, &rows[0].posting, s);
    params_int2(p, &rows[0].event, s);
    params_int8(p, &rows[0].at_us, s);
    params_uuid_opt(p, &rows[0].actor, &rows[0].has_actor, s);
    params_uuid_opt(p, &rows[0].line, &rows[0].has_line, s);
    params_text(p, &rows[0].reason, s);
}

tagih_err deposit_send_new(struct tx *tx, struct arena *arena, const struct deposit_row *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_deposit_state_new, n);
    params_uuid(&p, &rows[0].id, s);
    params_uuid_opt(&p, &rows[0].collector, &rows[0].has_collector, s);
    params_text(&p, &rows[0].currency, s);
    params_int8(&p, &rows[0].amount_minor, s);
    params_text(&p, &rows[0].bank_reference, s);
    params_int8(&p, &rows[0].value_us, s);
    params_date(&p, &rows[0].value_on, s);
    return tx_send(tx, &p);
}

tagih_err deposit_send_lock(struct tx *tx, struct arena *arena, const uuid *ids, size_t n) {
    return tx_send_ids(tx, arena, STMT_deposit_lock, ids, n);
}

tagih_err deposit_send_get(struct tx *tx, struct arena *arena, const uuid *ids, size_t n) {
    return tx_send_ids(tx, arena, STMT_deposit_get, ids, n);
}

#define COL(name) COL_deposit_get_##name
void deposit_read_row(const struct result *r, size_t row, struct deposit_read *out) {
    *out = (struct deposit_read){
        .id = result_uuid(r, row, COL(deposit_id)), .has_collector = !result_is_null(r, row, COL(collector_id)),
        .has_cashier = !result_is_null(r, row, COL(cashier_id)), .collector.u = result_uuid_or_nil(r, row, COL(collector_id)),
        .cashier.u = result_uuid_or_nil(r, row, COL(cashier_id)), .amount_minor = result_int8(r, row, COL(amount_minor)),
        .bank_reference = result_text(r, row, COL(bank_reference)), .value_us = result_int8(r, row, COL(value_us)),
        .value_on = result_date(r, row, COL(value_on)), .state = result_int2(r, row, COL(state)),
        .version = result_int4(r, row, COL(version))};
    out->currency = result_currency(r, row, COL(currency));
}

tagih_err deposit_send_list(struct tx *tx, struct arena *arena, bool in_transit_only, int64_t after_us, uuid after,
                            int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_deposit_list, 0);
    params_one_bool(&p, in_transit_only);
    params_one_int8(&p, after_us);
    params_one_uuid(&p, &after);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

tagih_err deposit_send_settlements(struct tx *tx, struct arena *arena, const uuid *deposits, size_t n) {
    TRY(tx_send_ids(tx, arena, STMT_settlement_of_deposit_lock, deposits, n));
    return tx_send_ids(tx, arena, STMT_deposit_settlements, deposits, n);
}

#undef COL
#define COL(name) COL_deposit_settlements_##name
tagih_err deposit_take_settlements(struct tx *tx, struct arena *arena, struct settlement_now **out, size_t *n) {
    DEFER(result) struct result locked = {0}, r = {0};
    tx_take(tx, &locked);
    tx_take(tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct settlement_now);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i] = (struct settlement_now){
            .id = result_uuid(&r, i, COL(settlement_id)), .state = result_int2(&r, i, COL(state)),
            .version = result_int4(&r, i, COL(version)), .has_cashier = !result_is_null(&r, i, COL(cashier_id)),
            .has_counted = !result_is_null(&r, i, COL(counted_minor)),
            .has_expected = !result_is_null(&r, i, COL(expected_minor)), .has_deposit = true,
            .cashier.u = result_uuid_or_nil(&r, i, COL(cashier_id)),
            .counted_minor = result_int8_or(&r, i, COL(counted_minor), 0),
            .expected_minor = result_int8_or(&r, i, COL(expected_minor), 0), .deposit = result_uuid(&r, i, COL(deposit_id))};
    }
    return TAGIH_OK;
}

tagih_err deposit_send_matched(struct tx *tx, struct arena *arena, const struct deposit_now *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    struct params p;
    tx_params(&p, tx, arena, STMT_deposit_state_matched, n);
    params_uuid(&p, &rows[0].id, sizeof *rows);
    params_int4(&p, &rows[0].version, sizeof *rows);
    return tx_send(tx, &p);
}
