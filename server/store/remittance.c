/* SPDX-License-Identifier: Apache-2.0 */
/* Remittances: columns in, columns out. */
#include "store/remittance.h"

#include "store_statements.h"

void remittance_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct remittance_row *row) {
    const size_t s = sizeof *row;
    tx_params(p, tx, arena, STMT_remittance_insert, 1);
    params_uuid(p, &row->id, s);
    params_uuid(p, &row->posting, s);
    params_text(p, &row->creditor, s);
    params_int8(p, &row->amount_minor, s);
    params_text(p, &row->currency, s);
    params_text(p, &row->reference, s);
    params_int8(p, &row->value_us, s);
    params_int8(p, &row->at_us, s);
    params_uuid(p, &row->made_by, s);
    params_uuid(p, &row->decided_by, s);
}

static tagih_err send_plain(struct tx *tx, struct arena *arena, const struct statement *statement) {
    struct params p;
    tx_params(&p, tx, arena, statement, 0);
    return tx_send(tx, &p);
}

tagih_err remittance_send_lock(struct tx *tx, struct arena *arena) {
    return send_plain(tx, arena, STMT_remittance_lock);
}

tagih_err remittance_send_used(struct tx *tx, struct arena *arena, struct bytes creditor, struct bytes reference) {
    struct params p;
    tx_params(&p, tx, arena, STMT_remittance_used, 0);
    params_one_text(&p, creditor);
    params_one_text(&p, reference);
    return tx_send(tx, &p);
}

bool remittance_take_used(struct tx *tx) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    return result_bool(&r, 0, COL_remittance_used_used);
}

tagih_err remittance_send_owed(struct tx *tx, struct arena *arena) {
    return send_plain(tx, arena, STMT_remittance_owed);
}

struct bytes remittance_owed_row(const struct result *r, size_t row, int64_t *out_minor) {
    *out_minor = result_int8(r, row, COL_remittance_owed_owed_minor);
    return result_text(r, row, COL_remittance_owed_currency);
}

int64_t remittance_owed_in(const struct result *r, currency in) {
    int64_t owed_minor;
    for (size_t i = 0; i < result_count(r); i++) {
        if (bytes_equal(remittance_owed_row(r, i, &owed_minor), bytes_text(in.code))) return owed_minor;
    }
    return 0;
}

tagih_err remittance_send_list(struct tx *tx, struct arena *arena, struct bytes creditor, int64_t before_us, uuid before, int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_remittance_list, 0);
    params_one_text(&p, creditor);
    params_one_int8(&p, before_us);
    params_one_uuid(&p, &before);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

#define COL(name) COL_remittance_list_##name
void remittance_read_row(const struct result *r, size_t row, struct remittance_row *out) {
    *out = (struct remittance_row){
        .id = result_uuid(r, row, COL(remittance_id)), .creditor = result_text(r, row, COL(creditor)),
        .amount_minor = result_int8(r, row, COL(amount_minor)), .currency = result_text(r, row, COL(currency)),
        .reference = result_text(r, row, COL(reference)), .value_us = result_int8(r, row, COL(value_us)),
        .at_us = result_int8(r, row, COL(at_us)), .made_by.u = result_uuid(r, row, COL(made_by)),
        .decided_by.u = result_uuid(r, row, COL(decided_by))};
}
