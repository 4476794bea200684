/* SPDX-License-Identifier: Apache-2.0 */
/* A month's close: columns in and out. */
#include "store/month.h"

#include <string.h>

#include "store_statements.h"

tagih_err month_send_lock(struct tx *tx, struct arena *arena) {
    struct params p;
    tx_params(&p, tx, arena, STMT_month_close_lock, 0);
    return tx_send(tx, &p);
}

#define COL(name) COL_month_books_##name
tagih_err month_send_now(struct tx *tx, struct arena *arena, civil_date month, instant now) {
    struct params p;
    tx_params(&p, tx, arena, STMT_month_books, 0);
    params_one_date(&p, month);
    params_one_int8(&p, now.us);
    return tx_send(tx, &p);
}

tagih_err month_take_now(struct tx *tx, struct month_now *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    if (result_count(&r) != 1) return FAIL(NOT_PERMITTED);
    *out = (struct month_now){.last = {result_int8(&r, 0, COL(last_us))},
                              .books = {.any_closed = !result_is_null(&r, 0, COL(closed_on)),
                                        .any_posting = !result_is_null(&r, 0, COL(first_on)),
                                        .today = result_date(&r, 0, COL(today_on))}};
    if (out->books.any_closed) out->books.closed = result_date(&r, 0, COL(closed_on));
    if (out->books.any_posting) out->books.first = result_date(&r, 0, COL(first_on));
    memcpy(out->currency, result_text(&r, 0, COL(currency)).data, 3);
    return TAGIH_OK;
}
#undef COL

#define COL(name) COL_month_open_##name
tagih_err month_send_open(struct tx *tx, struct arena *arena, civil_date month, instant last) {
    struct params p;
    tx_params(&p, tx, arena, STMT_month_open, 0);
    params_one_date(&p, month);
    params_one_int8(&p, last.us);
    return tx_send(tx, &p);
}

void month_take_open(struct tx *tx, struct month_open *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *out = (struct month_open){
        .gaps = result_int8(&r, 0, COL(gaps)), .waiting = result_int8(&r, 0, COL(waiting)),
        .quarantined = result_int8(&r, 0, COL(quarantined)),
        .suspense = result_int8(&r, 0, COL(suspense)), .suspense_minor = result_int8(&r, 0, COL(suspense_minor)),
        .cash_collectors = result_int8(&r, 0, COL(cash_collectors)),
        .cash_minor = result_int8(&r, 0, COL(cash_minor)), .phones_silent = result_int8(&r, 0, COL(phones_silent))};
}
#undef COL

/* ---- collectors and their payments ---------------------------------------------------------------------------- */

tagih_err month_send_collectors(struct tx *tx, struct arena *arena, civil_date month) {
    struct params p;
    tx_params(&p, tx, arena, STMT_month_collectors, 0);
    params_one_date(&p, month);
    return tx_send(tx, &p);
}

tagih_err month_take_collectors(struct tx *tx, struct arena *arena, struct month_collector **out, size_t *n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct month_collector);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i] = (struct month_collector){.collector.u = result_uuid(&r, i, COL_month_collectors_collector_id),
                                             .currency = result_currency(&r, i, COL_month_collectors_currency),
                                             .team.u = result_uuid_or_nil(&r, i, COL_month_collectors_team_id)};
    }
    return TAGIH_OK;
}

tagih_err month_send_payments(struct tx *tx, struct arena *arena, const struct month_collector *of, civil_date month, size_t max) {
    struct params p;
    tx_params(&p, tx, arena, STMT_month_payments, 0);
    params_one_uuid(&p, &of->collector);
    params_one_date(&p, month);
    params_one_text(&p, bytes_text(of->currency.code));
    params_one_int4(&p, (int32_t)max);
    return tx_send(tx, &p);
}

#define COL(name) COL_month_payments_##name
tagih_err month_take_payments(struct tx *tx, struct arena *arena, struct bonus_closing **out, size_t *n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct bonus_closing);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i] = (struct bonus_closing){
            .payment.u = result_uuid(&r, i, COL(payment_id)), .base_minor = result_int8(&r, i, COL(base_minor)),
            .bucket = (enum bucket)result_int2(&r, i, COL(bucket)), .tag = (enum payment_tag)result_int2(&r, i, COL(tag)),
            .written_minor = result_int8(&r, i, COL(written_minor))};
    }
    return TAGIH_OK;
}
#undef COL

tagih_err month_send_shares(struct tx *tx, struct arena *arena, const struct month_collector *of, civil_date month) {
    struct params p;
    tx_params(&p, tx, arena, STMT_month_shares, 0);
    params_one_uuid(&p, &of->collector);
    params_one_date(&p, month);
    return tx_send(tx, &p);
}

#define COL(name) COL_month_shares_##name
tagih_err month_take_shares(struct tx *tx, struct arena *arena, struct month_share **out, size_t *n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct month_share);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i] = (struct month_share){.payment.u = result_uuid(&r, i, COL(payment_id)),
                                         .share = {.collector.u = result_uuid(&r, i, COL(collector_id)),
                                                   .share_bp = result_int4(&r, i, COL(share_bp))}};
    }
    return TAGIH_OK;
}
#undef COL

/* A part with the widths that its columns have. */
struct part_row {
    payment_id payment;
    int64_t base_minor, written_minor, final_minor;
    int16_t bucket, tag;
};

tagih_err month_send_parts(struct tx *tx, struct arena *arena, const struct month_collector *of, civil_date month, uuid line_id,
                           const struct bonus_closing *rows, size_t n) {
    struct part_row *parts = ARENA_ARRAY(arena, n, struct part_row);
    if (!parts) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        parts[i] = (struct part_row){rows[i].payment, rows[i].base_minor, rows[i].written_minor, rows[i].final_minor,
                                     (int16_t)rows[i].bucket, (int16_t)rows[i].tag};
    }
    struct params p;
    tx_params(&p, tx, arena, STMT_bonus_part_insert, n);
    params_one_uuid(&p, &of->collector);
    params_one_date(&p, month);
    params_one_text(&p, bytes_text(of->currency.code));
    params_one_uuid(&p, &line_id);
    params_uuid(&p, &parts[0].payment, sizeof *parts);
    params_int8(&p, &parts[0].base_minor, sizeof *parts);
    params_int2(&p, &parts[0].bucket, sizeof *parts);
    params_int2(&p, &parts[0].tag, sizeof *parts);
    params_int8(&p, &parts[0].written_minor, sizeof *parts);
    params_int8(&p, &parts[0].final_minor, sizeof *parts);
    return tx_send(tx, &p);
}

tagih_err month_send_closed(struct tx *tx, struct arena *arena, civil_date month, const struct month_closed *rows, size_t n) {
    struct bytes *currencies = ARENA_ARRAY(arena, n, struct bytes);
    if (!currencies) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) currencies[i] = bytes_text(rows[i].currency.code);
    struct params p;
    tx_params(&p, tx, arena, STMT_month_closed_save, n);
    params_one_date(&p, month);
    params_uuid(&p, &rows[0].collector, sizeof *rows);
    params_text(&p, currencies, sizeof *currencies);
    params_int8(&p, &rows[0].mtd_minor, sizeof *rows);
    params_int8_opt(&p, &rows[0].target_minor, &rows[0].has_target, sizeof *rows);
    params_int4_opt(&p, &rows[0].target_version, &rows[0].has_target, sizeof *rows);
    return tx_send(tx, &p);
}

/* ---- the close itself ----------------------------------------------------------------------------------------- */

void month_close_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct month_close_row *row) {
    const size_t s = sizeof *row;
    tx_params(p, tx, arena, STMT_month_close_insert, 1);
    params_date(p, &row->month, s);
    params_uuid(p, &row->posting, s);
    params_int8(p, &row->closed.us, s);
    params_uuid(p, &row->made_by, s);
    params_uuid(p, &row->approved_by, s);
    params_bytea_fixed(p, row->digest.b, sizeof row->digest.b, s);
}

void month_readiness_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct month_close_row *row) {
    const size_t s = sizeof *row;
    const struct month_open *open = &row->open;
    const int64_t *const counts[] = {&open->gaps, &open->waiting, &open->quarantined, &open->suspense, &open->suspense_minor,
                                     &open->cash_collectors, &open->cash_minor, &open->phones_silent, &row->true_ups,
                                     &row->true_up_minor, &row->payments};
    tx_params(p, tx, arena, STMT_month_readiness_insert, 1);
    params_date(p, &row->month, s);
    params_uuid(p, &row->posting, s);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) params_int8(p, counts[i], s);
}

#define COL(name) COL_month_get_##name
tagih_err month_send_get(struct tx *tx, struct arena *arena, civil_date month) {
    struct params p;
    tx_params(&p, tx, arena, STMT_month_get, 0);
    params_one_date(&p, month);
    return tx_send(tx, &p);
}

bool month_take_get(struct tx *tx, struct month_close_row *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *out = (struct month_close_row){.true_ups = 0};
    if (result_count(&r) == 0) return false;
    out->closed.us = result_int8(&r, 0, COL(closed_us));
    out->made_by.u = result_uuid_or_nil(&r, 0, COL(made_by));
    out->approved_by.u = result_uuid_or_nil(&r, 0, COL(approved_by));
    struct bytes digest = result_bytes(&r, 0, COL(digest));
    if (digest.len == sizeof out->digest.b) out->digest = result_hash(&r, 0, COL(digest));
    int64_t *const counts[] = {&out->open.gaps, &out->open.waiting, &out->open.quarantined, &out->open.suspense,
                               &out->open.suspense_minor, &out->open.cash_collectors, &out->open.cash_minor,
                               &out->open.phones_silent, &out->true_ups, &out->true_up_minor, &out->payments};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) *counts[i] = result_int8_or(&r, 0, COL(gaps) + (int)i, 0);
    return true;
}
#undef COL
