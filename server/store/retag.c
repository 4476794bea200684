/* SPDX-License-Identifier: Apache-2.0 */
/* Retags: columns in, columns out. */
#include "store/retag.h"

#include "store_statements.h"

tagih_err retag_send_load(struct tx *tx, struct arena *arena, payment_id payment) {
    struct params p;
    tx_params(&p, tx, arena, STMT_retag_load, 0);
    params_one_uuid(&p, &payment);
    return tx_send(tx, &p);
}

void retag_take_load(struct tx *tx, struct retag_loaded *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *out = (struct retag_loaded){.found = result_count(&r) == 1};
    if (!out->found) return;
    out->retags = result_int4_or(&r, 0, COL_retag_load_retags, 0);
    out->closed = result_bool(&r, 0, COL_retag_load_closed);
}

void retag_fact(struct params *out, struct tx *tx, struct arena *arena, const struct retag_row *row) {
    tx_params(out, tx, arena, STMT_payment_retag_insert, 0);
    params_one_uuid(out, &row->payment);
    params_one_int4(out, row->n);
    params_one_uuid(out, &row->posting);
    params_one_int2(out, row->tag_before);
    params_one_int2(out, row->tag);
    params_one_int8(out, row->at.us);
    params_one_uuid(out, &row->made_by);
    params_one_uuid(out, &row->decided_by);
    params_one_text(out, row->reason);
}
