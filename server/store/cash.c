/* SPDX-License-Identifier: Apache-2.0 */
/* Limits, exposures and the watch over cash: columns in, columns out. */
#include "store/cash.h"

#include "store_statements.h"

/* ---- limits --------------------------------------------------------------------------------------------------------- */

tagih_err cash_limit_send_get(struct tx *tx, struct arena *arena, user_id collector, currency in) {
    struct params p;
    struct bytes code = bytes_text(in.code);
    tx_params(&p, tx, arena, STMT_cash_limit_get, 1);
    params_uuid(&p, &collector, sizeof collector);
    params_text(&p, &code, sizeof code);
    return tx_send(tx, &p);
}

#define COL(name) COL_cash_limit_get_##name
void cash_limit_take(struct tx *tx, struct cash_limit_read *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *out = (struct cash_limit_read){.is_set = !result_is_null(&r, 0, COL(owner_id)),
                                    .owner.u = result_uuid_or_nil(&r, 0, COL(owner_id)),
                                    .currency = result_currency(&r, 0, COL(currency)),
                                    .version = result_int4_or(&r, 0, COL(version), 0),
                                    .limits = {.soft_minor = result_int8_or(&r, 0, COL(soft_minor), 0),
                                               .hard_minor = result_int8_or(&r, 0, COL(hard_minor), 0),
                                               .receipt_minor = result_int8_or(&r, 0, COL(receipt_minor), 0)}};
}

tagih_err cash_limit_send_lock(struct tx *tx, struct arena *arena) {
    struct params p;
    tx_params(&p, tx, arena, STMT_cash_limit_lock, 0);
    return tx_send(tx, &p);
}

tagih_err cash_limit_send_set(struct tx *tx, struct arena *arena, const struct cash_limit_row *row) {
    struct params p;
    tx_params(&p, tx, arena, STMT_cash_limit_set, 0);
    params_one_uuid(&p, &row->collector);
    params_one_text(&p, bytes_text(row->currency.code));
    params_one_int4(&p, row->version);
    params_one_int8(&p, row->limits.soft_minor);
    params_one_int8(&p, row->limits.hard_minor);
    params_one_int8(&p, row->limits.receipt_minor);
    params_one_int8(&p, row->at.us);
    params_one_uuid(&p, &row->actor);
    params_one_text(&p, row->reason);
    return tx_send(tx, &p);
}

tagih_err cash_send_terms(struct tx *tx, struct arena *arena, const user_id *collectors, size_t n, instant now) {
    struct params p;
    tx_params(&p, tx, arena, STMT_cash_terms, n);
    params_uuid(&p, collectors, sizeof *collectors);
    params_one_int8(&p, now.us);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_cash_terms_##name
void cash_take_terms(struct tx *tx, struct cash_terms *out, size_t n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct cash_terms){.currency = result_currency(&r, i, COL(currency)), .until.us = result_int8(&r, i, COL(until_us)),
                                     .has_limits = !result_is_null(&r, i, COL(hard_minor)),
                                     .limits = {.hard_minor = result_int8_or(&r, i, COL(hard_minor), 0),
                                                .receipt_minor = result_int8_or(&r, i, COL(receipt_minor), 0)},
                                     .aged_minor = result_int8(&r, i, COL(aged_minor))};
    }
}

/* ---- exposure ------------------------------------------------------------------------------------------------------- */

tagih_err exposure_send_collectors(struct tx *tx, struct arena *arena, user_id collector, const struct exposure_after *after,
                                   int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_exposure_collectors, 0);
    if (uuid_is_nil(collector.u)) params_one_null(&p);
    else params_one_uuid(&p, &collector);
    params_one_uuid(&p, &after->collector);
    params_one_text(&p, bytes_text(after->currency.code));
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_exposure_collectors_##name
void exposure_read_row(const struct result *r, size_t row, struct exposure_read *out) {
    *out = (struct exposure_read){.collector.u = result_uuid(r, row, COL(collector_id)),
                                  .currency = result_currency(r, row, COL(currency)),
                                  .held_minor = result_int8(r, row, COL(cash_held_minor)),
                                  .transit_minor = result_int8(r, row, COL(deposit_in_transit_minor)),
                                  .receivable_minor = result_int8(r, row, COL(collector_receivable_minor))};
}

static struct bytes *currencies(struct arena *arena, const currency *first, size_t n, size_t stride) {
    struct bytes *out = ARENA_ARRAY(arena, n + 1, struct bytes);
    for (size_t i = 0; out && i < n; i++) out[i] = bytes_text(((const currency *)((const char *)first + i * stride))->code);
    return out;
}

tagih_err exposure_send_ages(struct tx *tx, struct arena *arena, const struct exposure_read *rows, size_t n, instant now) {
    struct bytes *codes = currencies(arena, &rows[0].currency, n, sizeof *rows);
    if (!codes) return FAIL(OUT_OF_MEMORY);
    struct params p;
    tx_params(&p, tx, arena, STMT_exposure_ages, n);
    params_uuid(&p, &rows[0].collector, sizeof *rows);
    params_text(&p, codes, sizeof *codes);
    params_one_int8(&p, now.us);
    return tx_send(tx, &p);
}

tagih_err exposure_send_house(struct tx *tx, struct arena *arena, instant now) {
    struct params p;
    tx_params(&p, tx, arena, STMT_exposure_house, 0);
    params_one_int8(&p, now.us);
    return tx_send(tx, &p);
}

/* ---- watch ---------------------------------------------------------------------------------------------------------- */

tagih_err cash_watch_agencies(struct db *db, struct arena *arena, instant now, int64_t deadline_us, agency_id *out, size_t room,
                              size_t *n) {
    struct params p;
    params_init(&p, arena, STMT_cash_watch_agencies, 0);
    params_one_int8(&p, now.us);
    params_one_int4(&p, (int32_t)room);
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, deadline_us, &r));
    for (*n = 0; *n < result_count(&r) && *n < room; ++*n) {
        out[*n].u = result_uuid(&r, *n, COL_cash_watch_agencies_agency_id);
    }
    return TAGIH_OK;
}

static tagih_err watch_find(struct tx *tx, struct arena *arena, instant now, int32_t limit, struct cash_watched **out, size_t *n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_cash_watch_find, 0);
    params_one_int8(&p, now.us);
    params_one_int4(&p, limit);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct cash_watched);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i] = (struct cash_watched){.collector.u = result_uuid(&r, i, COL_cash_watch_find_collector_id),
                                          .currency = result_currency(&r, i, COL_cash_watch_find_currency)};
    }
    return TAGIH_OK;
}

static tagih_err watch_send_keys(struct tx *tx, struct arena *arena, const struct statement *statement,
                                 const struct cash_watched *rows, size_t n, const instant *now) {
    struct bytes *codes = currencies(arena, &rows[0].currency, n, sizeof *rows);
    if (!codes) return FAIL(OUT_OF_MEMORY);
    struct params p;
    tx_params(&p, tx, arena, statement, n);
    params_uuid(&p, &rows[0].collector, sizeof *rows);
    params_text(&p, codes, sizeof *codes);
    if (now) params_one_int8(&p, now->us);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_cash_watch_load_##name
static void watch_read(const struct result *locked, const struct result *r, size_t i, struct cash_watched *out) {
    for (size_t k = 0; k < result_count(locked); k++) { /* the lock's answer has an order of its own */
        currency in = result_currency(locked, k, COL_cash_watch_lock_currency);
        uuid id = result_uuid(locked, k, COL_cash_watch_lock_collector_id);
        if (!uuid_equal(id, out->collector.u) || !currency_equal(in, out->currency)) continue;
        out->breaches = result_int2(locked, k, COL_cash_watch_lock_breaches);
        out->n = result_int4(locked, k, COL_cash_watch_lock_n);
    }
    out->held_minor = result_int8(r, i, COL(cash_held_minor));
    out->aged_minor = result_int8(r, i, COL(aged_minor));
    out->has_limits = !result_is_null(r, i, COL(soft_minor));
    out->limits = (struct cash_limits){result_int8_or(r, i, COL(soft_minor), 0), result_int8_or(r, i, COL(hard_minor), 0),
                                       result_int8_or(r, i, COL(receipt_minor), 0)};
    out->limits_us = result_int8(r, i, COL(limits_us));
    out->due_before = result_date(r, i, COL(due_before_on));
}

tagih_err cash_watch_load(struct tx *tx, struct arena *arena, instant now, int32_t limit, struct cash_watched **out, size_t *n) {
    TRY(watch_find(tx, arena, now, limit, out, n));
    if (*n == 0) return TAGIH_OK;
    TRY(watch_send_keys(tx, arena, STMT_cash_watch_lock, *out, *n, NULL));
    TRY(watch_send_keys(tx, arena, STMT_cash_watch_load, *out, *n, &now));
    TRY(tx_sync(tx));
    DEFER(result) struct result locked = {0}, r = {0};
    tx_take(tx, &locked);
    tx_take(tx, &r);
    for (size_t i = 0; i < *n; i++) watch_read(&locked, &r, i, &(*out)[i]);
    return TAGIH_OK;
}

tagih_err cash_watch_send(struct tx *tx, struct arena *arena, const struct cash_watched *rows, size_t n) {
    struct bytes *codes = currencies(arena, &rows[0].currency, n, sizeof *rows);
    if (!codes) return FAIL(OUT_OF_MEMORY);
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_cash_watch_save, n);
    params_uuid(&p, &rows[0].collector, s);
    params_text(&p, codes, sizeof *codes);
    params_int2(&p, &rows[0].breaches, s);
    params_int8(&p, &rows[0].held_minor, s);
    params_int8(&p, &rows[0].aged_minor, s);
    params_date(&p, &rows[0].due_before, s);
    params_int8(&p, &rows[0].limits_us, s);
    params_int4(&p, &rows[0].n, s);
    return tx_send(tx, &p);
}

tagih_err cash_breach_send(struct tx *tx, struct arena *arena, const struct cash_breach_row *rows, size_t n, instant at) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_cash_breach_add, n);
    params_uuid(&p, &rows[0].collector, s);
    params_text(&p, &rows[0].currency, s);
    params_int4(&p, &rows[0].n, s);
    params_int2(&p, &rows[0].before, s);
    params_int2(&p, &rows[0].after, s);
    params_int8(&p, &rows[0].held_minor, s);
    params_int8(&p, &rows[0].aged_minor, s);
    params_int8(&p, &rows[0].soft_minor, s);
    params_int8(&p, &rows[0].hard_minor, s);
    params_one_int8(&p, at.us);
    return tx_send(tx, &p);
}
