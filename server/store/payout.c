/* SPDX-License-Identifier: Apache-2.0 */
/* Payout runs: columns in and out. */
#include "store/payout.h"

#include "store_statements.h"

tagih_err payout_send_lock(struct tx *tx, struct arena *arena) {
    struct params p;
    tx_params(&p, tx, arena, STMT_payout_lock, 0);
    return tx_send(tx, &p);
}

tagih_err payout_send_books(struct tx *tx, struct arena *arena, civil_date through) {
    struct params p;
    tx_params(&p, tx, arena, STMT_payout_books, 0);
    params_one_date(&p, through);
    return tx_send(tx, &p);
}

tagih_err payout_take_books(struct tx *tx, struct payout_books *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    if (result_count(&r) != 1) return FAIL(NOT_PERMITTED);
    *out = (struct payout_books){.run_no = result_int4(&r, 0, COL_payout_books_run_no),
                                 .closed = result_bool(&r, 0, COL_payout_books_closed),
                                 .rules = {result_int4(&r, 0, COL_payout_books_tax_bp), result_int4(&r, 0, COL_payout_books_deduct_max_bp)}};
    out->currency = result_currency(&r, 0, COL_payout_books_currency);
    return TAGIH_OK;
}

/* ---- what a run holds ----------------------------------------------------------------------------------------- */

static tagih_err send_through(struct tx *tx, struct arena *arena, const struct statement *statement, civil_date through, currency in,
                              int32_t run_no) {
    struct params p;
    tx_params(&p, tx, arena, statement, 0);
    params_one_date(&p, through);
    params_one_text(&p, bytes_text(in.code));
    params_one_int4(&p, run_no);
    return tx_send(tx, &p);
}

tagih_err payout_send_preview(struct tx *tx, struct arena *arena, civil_date through, currency in, int32_t run_no) {
    return send_through(tx, arena, STMT_payout_preview, through, in, run_no);
}

tagih_err payout_send_groups(struct tx *tx, struct arena *arena, struct bytes in, int32_t run_no) {
    struct params p;
    tx_params(&p, tx, arena, STMT_payout_groups, 0);
    params_one_int4(&p, run_no);
    params_one_text(&p, in);
    return tx_send(tx, &p);
}

tagih_err payout_send_lines(struct tx *tx, struct arena *arena, civil_date through, currency in, int32_t run_no) {
    TRY(send_through(tx, arena, STMT_payout_lines_insert, through, in, run_no));
    struct params p;
    tx_params(&p, tx, arena, STMT_payout_months_done, 0);
    params_one_int4(&p, run_no);
    params_one_text(&p, bytes_text(in.code));
    TRY(tx_send(tx, &p));
    return payout_send_groups(tx, arena, bytes_text(in.code), run_no);
}

/* Of payout_preview and payout_groups, whose columns are the same. */
#define COL(name) COL_payout_groups_##name
tagih_err payout_take_groups(struct tx *tx, struct arena *arena, struct payout_group **out, size_t *n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct payout_group);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i] = (struct payout_group){
            .collector.u = result_uuid(&r, i, COL(collector_id)), .amount_minor = result_int8(&r, i, COL(amount_minor)),
            .lines = result_int8(&r, i, COL(lines)), .digest = result_hash(&r, i, COL(digest)),
            .carried_in_minor = result_int8(&r, i, COL(carried_in_minor))};
    }
    return TAGIH_OK;
}
#undef COL

/* ---- facts ---------------------------------------------------------------------------------------------------- */

void payout_run_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct payout_run *row) {
    const size_t s = sizeof *row;
    tx_params(p, tx, arena, STMT_bonus_payout_insert, 1);
    params_int4(p, &row->run_no, s);
    params_uuid(p, &row->posting, s);
    params_date(p, &row->through, s);
    params_text(p, &row->currency, s);
    params_int4(p, &row->rules.tax_bp, s);
    params_int4(p, &row->rules.deduct_max_bp, s);
    params_int4(p, &row->collectors, s);
    params_int8(p, &row->paid_minor, s);
    params_hash(p, &row->digest, s);
    params_int8(p, &row->at.us, s);
    params_uuid(p, &row->made_by, s);
    params_uuid(p, &row->approved_by, s);
}

void payout_shares_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct payout_share *rows, size_t n) {
    const size_t s = sizeof *rows;
    const struct payout *a = &rows[0].payout;
    const int64_t *const figures[] = {&a->carried_in_minor, &a->earned_minor, &a->owed_minor, &a->deducted_minor,
                                      &a->paid_minor, &a->tax_minor, &a->net_minor, &a->carried_out_minor};
    tx_params(p, tx, arena, STMT_bonus_payout_share_insert, n);
    params_uuid(p, &rows[0].collector, s);
    params_text(p, &rows[0].currency, s);
    params_int4(p, &rows[0].run_no, s);
    params_uuid(p, &rows[0].posting, s);
    params_int8(p, &rows[0].lines, s);
    params_hash(p, &rows[0].digest, s);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) params_int8(p, figures[i], s);
}

void payout_paid_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct payout_paid *row) {
    const size_t s = sizeof *row;
    tx_params(p, tx, arena, STMT_bonus_payout_paid_insert, 1);
    params_int4(p, &row->run_no, s);
    params_uuid(p, &row->posting, s);
    params_text(p, &row->bank_reference, s);
    params_int8(p, &row->at.us, s);
    params_uuid(p, &row->made_by, s);
    params_uuid(p, &row->approved_by, s);
}

void payout_leaving_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct payout_leaving *row) {
    const size_t s = sizeof *row;
    tx_params(p, tx, arena, STMT_bonus_leaving_insert, 1);
    params_uuid(p, &row->posting, s);
    params_uuid(p, &row->collector, s);
    params_text(p, &row->currency, s);
    params_int8(p, &row->amount_minor, s);
    params_int4(p, &row->after_run, s);
    params_int8(p, &row->at.us, s);
    params_uuid(p, &row->made_by, s);
    params_uuid(p, &row->approved_by, s);
}

/* ---- read back ------------------------------------------------------------------------------------------------ */

#define COL(name) COL_payout_get_##name
tagih_err payout_send_get(struct tx *tx, struct arena *arena, int32_t run_no) {
    struct params p;
    tx_params(&p, tx, arena, STMT_payout_get, 0);
    params_one_int4(&p, run_no);
    return tx_send(tx, &p);
}

tagih_err payout_take_get(struct tx *tx, struct arena *arena, struct payout_run *out, bool *found) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *found = result_count(&r) == 1;
    *out = (struct payout_run){.run_no = 0};
    if (!*found) return TAGIH_OK;
    *out = (struct payout_run){
        .posting = result_uuid(&r, 0, COL(posting_id)), .through = result_date(&r, 0, COL(through_on)),
        .currency = arena_copy(arena, result_text(&r, 0, COL(currency))),
        .rules = {result_int4(&r, 0, COL(tax_bp)), result_int4(&r, 0, COL(deduct_max_bp))},
        .collectors = result_int4(&r, 0, COL(collectors)), .paid_minor = result_int8(&r, 0, COL(paid_minor)),
        .digest = result_hash(&r, 0, COL(digest)), .at = {result_int8(&r, 0, COL(at_us))},
        .made_by.u = result_uuid(&r, 0, COL(made_by)), .approved_by.u = result_uuid(&r, 0, COL(approved_by)),
        .paid = !result_is_null(&r, 0, COL(paid_us)), .paid_at = {result_int8_or(&r, 0, COL(paid_us), 0)}};
    out->bank_reference = out->paid ? arena_copy(arena, result_text(&r, 0, COL(bank_reference))) : bytes_text("");
    return out->currency.data && out->bank_reference.data ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
}
#undef COL

tagih_err payout_send_shares(struct tx *tx, struct arena *arena, int32_t run_no, user_id after, int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_payout_get_shares, 0);
    params_one_int4(&p, run_no);
    params_one_uuid(&p, &after);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

#define COL(name) COL_payout_get_shares_##name
tagih_err payout_take_shares(struct tx *tx, struct arena *arena, struct payout_share **out, size_t *n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct payout_share);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i] = (struct payout_share){
            .collector.u = result_uuid(&r, i, COL(collector_id)), .login = arena_copy(arena, result_text(&r, i, COL(login))),
            .lines = result_int8(&r, i, COL(lines)), .digest = result_hash(&r, i, COL(lines_digest)),
            .payout = {.carried_in_minor = result_int8(&r, i, COL(carried_in_minor)),
                       .earned_minor = result_int8(&r, i, COL(earned_minor)), .owed_minor = result_int8(&r, i, COL(owed_minor)),
                       .deducted_minor = result_int8(&r, i, COL(deducted_minor)), .paid_minor = result_int8(&r, i, COL(paid_minor)),
                       .tax_minor = result_int8(&r, i, COL(tax_minor)), .net_minor = result_int8(&r, i, COL(net_minor)),
                       .carried_out_minor = result_int8(&r, i, COL(carried_out_minor))}};
        if (!(*out)[i].login.data) return FAIL(OUT_OF_MEMORY);
    }
    return TAGIH_OK;
}
#undef COL

tagih_err payout_send_hindered(struct tx *tx, struct arena *arena, int32_t run_no) {
    struct params p;
    tx_params(&p, tx, arena, STMT_payout_hindered, 0);
    params_one_int4(&p, run_no);
    return tx_send(tx, &p);
}

int64_t payout_take_hindered(struct tx *tx) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    return result_int8(&r, 0, COL_payout_hindered_lines);
}
