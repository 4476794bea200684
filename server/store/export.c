/* SPDX-License-Identifier: Apache-2.0 */
/* The export: columns in, columns out. */
#include "store/export.h"

#include "store_statements.h"

tagih_err export_send_lock(struct tx *tx, struct arena *arena) {
    struct params p;
    tx_params(&p, tx, arena, STMT_export_lock, 0);
    return tx_send(tx, &p);
}

void export_take_lock(struct tx *tx, struct export_mark *mark) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *mark = (struct export_mark){result_int8(&r, 0, COL_export_lock_seq), result_int8(&r, 0, COL_export_lock_acked_seq)};
}

tagih_err export_send_pending(struct tx *tx, struct arena *arena, int32_t limit) {
    TRY(export_send_lock(tx, arena));
    TRY(feed_send_position(tx, arena)); /* before the rows: what is below its xid_min is among them */
    struct params p;
    tx_params(&p, tx, arena, STMT_export_pending, 0);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

tagih_err export_take_pending(struct tx *tx, struct arena *arena, struct export_mark *mark, struct feed_position *position,
                              struct export_row **rows, size_t *n) {
    export_take_lock(tx, mark);
    feed_take_position(tx, position);
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *rows = ARENA_ARRAY(arena, *n + 1, struct export_row);
    if (!*rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        (*rows)[i] = (struct export_row){.kind = result_int2(&r, i, COL_export_pending_kind),
                                         .payment.u = result_uuid(&r, i, COL_export_pending_payment_id),
                                         .place = {result_int8(&r, i, COL_export_pending_xid), result_int8(&r, i, COL_export_pending_n)}};
    }
    return TAGIH_OK;
}

void export_rows(struct params *out, struct tx *tx, struct arena *arena, const uuid *posting, const struct export_row *rows, size_t n) {
    tx_params(out, tx, arena, STMT_payment_export_insert, n);
    params_one_uuid(out, posting);
    params_int8(out, &rows[0].seq, sizeof *rows);
    params_int2(out, &rows[0].kind, sizeof *rows);
    params_uuid(out, &rows[0].payment, sizeof *rows);
}

tagih_err export_send_advance(struct tx *tx, struct arena *arena, int64_t seq, struct feed_place place, int64_t system_id) {
    struct params p;
    tx_params(&p, tx, arena, STMT_export_advance, 0);
    params_one_int8(&p, seq);
    params_one_int8(&p, place.xid);
    params_one_int8(&p, place.n);
    params_one_int8(&p, system_id);
    return tx_send(tx, &p);
}

void export_ack(struct params *out, struct tx *tx, struct arena *arena, const uuid *posting, int64_t seq, instant at,
                const user_id *actor) {
    tx_params(out, tx, arena, STMT_payment_export_ack_insert, 0);
    params_one_uuid(out, posting);
    params_one_int8(out, seq);
    params_one_int8(out, at.us);
    if (actor) params_one_uuid(out, actor);
    else params_one_null(out);
}

tagih_err export_send_list(struct tx *tx, struct arena *arena, int64_t after_seq, int64_t until_seq, int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_export_list, 0);
    params_one_int8(&p, after_seq);
    params_one_int8(&p, until_seq);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

#define COL(name) COL_export_list_##name
void export_read_row(const struct result *r, size_t i, struct export_read *out) {
    *out = (struct export_read){
        .seq = result_int8(r, i, COL(seq)), .kind = result_int2(r, i, COL(kind)), .source = result_int2(r, i, COL(source)),
        .tender = result_int2(r, i, COL(tender)), .tag = result_int2(r, i, COL(tag)), .payment.u = result_uuid(r, i, COL(payment_id)),
        .account_no = result_text(r, i, COL(account_no)), .reference = bytes_text(""), .currency = result_text(r, i, COL(currency)),
        .amount_minor = result_int8(r, i, COL(amount_minor)), .value_us = result_int8(r, i, COL(value_us)),
        .value_on = result_date(r, i, COL(value_on)), .posting_on = result_date(r, i, COL(posting_on))};
    if (!result_is_null(r, i, COL(source_reference))) out->reference = result_text(r, i, COL(source_reference));
    if (!result_is_null(r, i, COL(reason))) out->reason = result_int2(r, i, COL(reason));
}
