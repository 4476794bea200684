/* SPDX-License-Identifier: Apache-2.0 */
/* Payment files: columns in, columns out. */
#include "store/payment_file.h"

#include "store_statements.h"

static tagih_err send_file(struct tx *tx, struct arena *arena, const struct statement *statement, const hash256 *file) {
    struct params p;
    tx_params(&p, tx, arena, statement, 0);
    params_one_bytea(&p, BYTES_OF(file));
    return tx_send(tx, &p);
}

tagih_err payment_file_send_load(struct tx *tx, struct arena *arena, const hash256 *file, const struct payment_file_key *keys,
                                 size_t n) {
    TRY(send_file(tx, arena, STMT_payment_file_lock, file));
    struct params p;
    tx_params(&p, tx, arena, STMT_payment_file_load, n);
    params_one_bytea(&p, BYTES_OF(file));
    params_int4(&p, &keys[0].row_no, sizeof *keys);
    params_text(&p, &keys[0].account_no, sizeof *keys);
    params_int8(&p, &keys[0].paid_us, sizeof *keys);
    params_bool(&p, &keys[0].is_local, sizeof *keys);
    return tx_send(tx, &p);
}

#define COL(name) COL_payment_file_load_##name
tagih_err payment_file_take_load(struct tx *tx, struct arena *arena, struct payment_file_loaded *out, size_t n) {
    DEFER(result) struct result lock = {0}, r = {0};
    tx_take(tx, &lock);
    tx_take(tx, &r);
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct payment_file_loaded){.known = !result_is_null(&r, i, COL(known_result)),
                                              .payment = result_uuid_or_nil(&r, i, COL(known_payment)),
                                              .suspended = !result_is_null(&r, i, COL(known_item)),
                                              .has_account = !result_is_null(&r, i, COL(account_id)),
                                              .account.u = result_uuid_or_nil(&r, i, COL(account_id)),
                                              .value.us = result_int8(&r, i, COL(value_us))};
        if (out[i].suspended) out[i].payment = result_uuid(&r, i, COL(known_item));
        if (!out[i].known) continue;
        out[i].result = arena_copy(arena, result_text(&r, i, COL(known_result)));
        if (!out[i].result.data) return FAIL(OUT_OF_MEMORY);
    }
    return TAGIH_OK;
}

void payment_file_rows(struct params *out, struct tx *tx, struct arena *arena, const uuid *posting, const hash256 *file,
                       int16_t source, struct payment_file_row *rows, size_t n) {
    const size_t s = sizeof *rows;
    for (size_t i = 0; i < n; i++) {
        rows[i].has_reference = rows[i].reference.len > 0;
        rows[i].has_account_no = rows[i].account_no.len > 0;
        rows[i].has_amount = rows[i].amount_minor != 0;
        rows[i].has_item = rows[i].suspended && !uuid_is_nil(rows[i].payment);
        rows[i].has_payment = !rows[i].suspended && !uuid_is_nil(rows[i].payment);
    }
    tx_params(out, tx, arena, STMT_payment_file_row_insert, n);
    params_one_uuid(out, posting);
    params_one_bytea(out, BYTES_OF(file));
    params_int4(out, &rows[0].row_no, s);
    params_one_int2(out, source);
    params_text_opt(out, &rows[0].reference, &rows[0].has_reference, s);
    params_text_opt(out, &rows[0].account_no, &rows[0].has_account_no, s);
    params_int8_opt(out, &rows[0].amount_minor, &rows[0].has_amount, s);
    params_uuid_opt(out, &rows[0].payment, &rows[0].has_payment, s);
    params_uuid_opt(out, &rows[0].payment, &rows[0].has_item, s);
    params_text(out, &rows[0].result, s);
}

tagih_err payment_file_send_totals(struct tx *tx, struct arena *arena, const hash256 *file) {
    TRY(send_file(tx, arena, STMT_payment_file_lock, file));
    return send_file(tx, arena, STMT_payment_file_totals, file);
}

void payment_file_take_totals(struct tx *tx, struct payment_file_found *out) {
    DEFER(result) struct result lock = {0}, r = {0};
    tx_take(tx, &lock);
    tx_take(tx, &r);
    *out = (struct payment_file_found){.rows = result_int8(&r, 0, COL_payment_file_totals_rows_total),
                                       .good = result_int8(&r, 0, COL_payment_file_totals_rows_good),
                                       .sum_minor = result_int8(&r, 0, COL_payment_file_totals_sum_minor),
                                       .ended = result_bool(&r, 0, COL_payment_file_totals_ended)};
}

void payment_file_end(struct params *out, struct tx *tx, struct arena *arena, const uuid *posting,
                      const struct payment_file_end *end) {
    tx_params(out, tx, arena, STMT_payment_file_insert, 0);
    params_one_uuid(out, posting);
    params_one_bytea(out, BYTES_OF(&end->file));
    params_one_text(out, end->name);
    params_one_int2(out, end->source);
    params_one_text(out, end->currency);
    params_one_int8(out, end->found.rows);
    params_one_int8(out, end->found.good);
    params_one_int8(out, end->found.sum_minor);
    if (end->has_said) params_one_int8(out, end->said_rows);
    else params_one_null(out);
    if (end->has_said) params_one_int8(out, end->said_sum_minor);
    else params_one_null(out);
    params_one_int8(out, end->at.us);
    if (end->has_actor) params_one_uuid(out, &end->actor);
    else params_one_null(out);
}
