/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts from slips: columns in, columns out. */
#include "store/slip.h"

#include <string.h>

#include "store_statements.h"

tagih_err slip_send_lock(struct tx *tx, struct arena *arena, device_id device) {
    struct params p;
    tx_params(&p, tx, arena, STMT_slip_device_lock, 0);
    params_one_uuid(&p, &device);
    return tx_send(tx, &p);
}

tagih_err slip_send_load(struct tx *tx, struct arena *arena, uuid entry, device_id device) {
    struct params p;
    tx_params(&p, tx, arena, STMT_slip_load, 0);
    params_one_uuid(&p, &entry);
    params_one_uuid(&p, &device);
    return tx_send(tx, &p);
}

#define COL(name) COL_slip_load_##name
void slip_take_load(struct tx *tx, struct slip_known *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *out = (struct slip_known){.has_device = result_count(&r) == 1};
    if (!out->has_device) return;
    *out = (struct slip_known){
        .has_device = true, .user.u = result_uuid(&r, 0, COL(user_id)), .has_entry = result_bool(&r, 0, COL(has_entry)),
        .has_slip = result_bool(&r, 0, COL(has_slip)), .restored = result_bool(&r, 0, COL(restored)),
        .in_suspense = result_bool(&r, 0, COL(in_suspense)), .has_payment = result_bool(&r, 0, COL(has_payment)),
        .field = result_bool(&r, 0, COL(field)), .voided = result_bool(&r, 0, COL(voided)),
        .account.u = result_uuid_or_nil(&r, 0, COL(account_id)), .amount_minor = result_int8_or(&r, 0, COL(amount_minor), 0),
        .value_us = result_int8_or(&r, 0, COL(value_us), 0), .collector.u = result_uuid_or_nil(&r, 0, COL(collector_id)),
        .device.u = result_uuid_or_nil(&r, 0, COL(receipt_device_id))};
    if (!out->has_payment) return;
    out->tender = result_int2(&r, 0, COL(tender));
    memcpy(out->currency.code, result_text(&r, 0, COL(currency)).data, 3);
}

void slip_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct slip_row *row) {
    const size_t s = sizeof *row;
    tx_params(p, tx, arena, STMT_receipt_slip_insert, 1);
    params_uuid(p, &row->entry, s);
    params_bool(p, &row->restores, s);
    params_uuid(p, &row->posting, s);
    params_uuid(p, &row->payment, s);
    params_uuid(p, &row->device, s);
    params_uuid(p, &row->account, s);
    params_uuid(p, &row->collector, s);
    params_int8(p, &row->amount_minor, s);
    params_text(p, &row->currency, s);
    params_int2(p, &row->tender, s);
    params_text(p, &row->reference, s);
    params_int8(p, &row->receipt_no, s);
    params_int8(p, &row->taken_us, s);
    params_hash(p, &row->slip_hash, s);
    params_text(p, &row->reason, s);
    params_int8(p, &row->at_us, s);
    params_uuid(p, &row->made_by, s);
    params_uuid(p, &row->decided_by, s);
}
