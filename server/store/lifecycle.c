/* SPDX-License-Identifier: Apache-2.0 */
/* The life of accounts: columns in, columns out. */
#include "store/lifecycle.h"

#include <string.h>

#include "store_statements.h"

/* ---- what the runs find --------------------------------------------------------------------------------------- */

/* Send, sync, and take ids, with a date beside each where the statement has one. */
static tagih_err find(struct tx *tx, struct arena *arena, const struct params *p, bool dated, struct lifecycle_found *out) {
    DEFER(result) struct result r = {0};
    TRY(tx_send(tx, p));
    TRY(tx_sync(tx));
    tx_take(tx, &r);
    out->n = result_count(&r);
    out->ids = ARENA_ARRAY(arena, out->n + 1, account_id);
    out->until_on = ARENA_ARRAY(arena, out->n + 1, civil_date);
    if (!out->ids || !out->until_on) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < out->n; i++) {
        out->ids[i].u = result_uuid(&r, i, 0);
        if (dated) out->until_on[i] = result_date(&r, i, 1);
    }
    return TAGIH_OK;
}

tagih_err lifecycle_find_ended(struct tx *tx, struct arena *arena, civil_date until_on, int32_t limit,
                               struct lifecycle_found *out) {
    struct params p;
    tx_params(&p, tx, arena, STMT_lifecycle_ended, 0);
    params_one_date(&p, until_on);
    params_one_int4(&p, limit);
    return find(tx, arena, &p, true, out);
}

tagih_err lifecycle_page_ended(struct tx *tx, struct arena *arena, civil_date until_on, civil_date after_on,
                               account_id after, int32_t limit, struct lifecycle_found *out) {
    struct params p;
    tx_params(&p, tx, arena, STMT_lifecycle_ended_page, 0);
    params_one_date(&p, until_on);
    params_one_date(&p, after_on);
    params_one_uuid(&p, &after);
    params_one_int4(&p, limit);
    return find(tx, arena, &p, true, out);
}

tagih_err lifecycle_find_ending(struct tx *tx, struct arena *arena, civil_date today, int32_t days, account_id after,
                                int32_t limit, struct lifecycle_found *out) {
    struct params p;
    tx_params(&p, tx, arena, STMT_lifecycle_ending, 0);
    params_one_date(&p, today);
    params_one_int4(&p, days);
    params_one_uuid(&p, &after);
    params_one_int4(&p, limit);
    return find(tx, arena, &p, false, out);
}

tagih_err lifecycle_find_paid(struct tx *tx, struct arena *arena, account_id after, int32_t limit, struct lifecycle_found *out) {
    struct params p;
    tx_params(&p, tx, arena, STMT_lifecycle_paid, 0);
    params_one_uuid(&p, &after);
    params_one_int4(&p, limit);
    return find(tx, arena, &p, false, out);
}

#define COL(name) COL_lifecycle_late_##name

tagih_err lifecycle_find_late(struct tx *tx, struct arena *arena, instant since, int32_t limit, struct lifecycle_late **out,
                              size_t *n) {
    struct params p;
    DEFER(result) struct result r = {0};
    tx_params(&p, tx, arena, STMT_lifecycle_late, 0);
    params_one_int8(&p, since.us);
    params_one_int4(&p, limit);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    tx_take(tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct lifecycle_late);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i] = (struct lifecycle_late){
            .account.u = result_uuid(&r, i, COL(account_id)), .object = result_uuid(&r, i, COL(object_id)),
            .is_payment = result_bool(&r, i, COL(is_payment)), .value = {result_int8(&r, i, COL(value_us))},
            .taken = {result_int8(&r, i, COL(taken_us))}};
    }
    return TAGIH_OK;
}

/* ---- under the lock ------------------------------------------------------------------------------------------- */

tagih_err lifecycle_send_lock(struct tx *tx, struct arena *arena, const account_id *ids, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_lifecycle_lock, n);
    params_uuid(&p, ids, sizeof *ids);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, arena, STMT_lifecycle_visit_lock, n);
    params_uuid(&p, ids, sizeof *ids);
    return tx_send(tx, &p);
}

tagih_err lifecycle_take_lock(struct tx *tx, struct arena *arena, visit_id **visits, size_t *n_visits) {
    DEFER(result) struct result accounts = {0}, r = {0};
    tx_take(tx, &accounts);
    tx_take(tx, &r);
    *n_visits = result_count(&r);
    *visits = ARENA_ARRAY(arena, *n_visits + 1, visit_id);
    if (!*visits) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n_visits; i++) (*visits)[i].u = result_uuid(&r, i, 0);
    return TAGIH_OK;
}

tagih_err lifecycle_send_load(struct tx *tx, struct arena *arena, const account_id *ids, const civil_date *until_on, size_t n) {
    struct day {
        bool is;
        civil_date on;
    } *days = ARENA_ARRAY(arena, n, struct day);
    if (!days) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) days[i] = (struct day){until_on != NULL, until_on ? until_on[i] : (civil_date){0}};
    struct params p;
    tx_params(&p, tx, arena, STMT_lifecycle_load, n);
    params_uuid(&p, ids, sizeof *ids);
    params_date_opt(&p, &days[0].on, &days[0].is, sizeof *days);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_lifecycle_load_##name

static void read_account(const struct result *r, size_t i, struct arena *arena, struct lifecycle_account *out) {
    *out = (struct lifecycle_account){.found = !result_is_null(r, i, COL(account_id))};
    if (!out->found) return;
    out->id.u = result_uuid(r, i, COL(account_id));
    out->account_no = arena_copy(arena, result_text(r, i, COL(account_no)));
    out->status = result_int2(r, i, COL(status));
    out->promise_days = result_int2(r, i, COL(promise_days));
    out->warnings = result_int2(r, i, COL(warnings));
    out->version = result_int4(r, i, COL(version));
    out->open_minor = result_int8(r, i, COL(open_minor));
    out->settled = result_bool(r, i, COL(settled));
    out->credit_minor = result_int8(r, i, COL(credit_minor));
    out->ends.us = result_int8_or(r, i, COL(ends_us), 0);
    out->newest.us = result_int8_or(r, i, COL(last_us), 0);
    out->has_hold = !result_is_null(r, i, COL(hold_from_on)) && !result_is_null(r, i, COL(hold_until_on));
    if (out->has_hold) {
        out->hold_from_on = result_date(r, i, COL(hold_from_on));
        out->hold_until_on = result_date(r, i, COL(hold_until_on));
    }
    out->has_collector = !result_is_null(r, i, COL(collector_id));
    out->collector.u = result_uuid_or_nil(r, i, COL(collector_id));
    if (result_is_null(r, i, COL(former_status))) return;
    out->former_status = result_int2(r, i, COL(former_status));
    out->has_former_collector = !result_is_null(r, i, COL(former_collector));
    out->former_collector.u = result_uuid_or_nil(r, i, COL(former_collector));
}

tagih_err lifecycle_take_load(struct tx *tx, struct arena *arena, struct lifecycle_account *out, size_t n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    if (result_count(&r) != n) return FAIL(INTERNAL);
    for (size_t i = 0; i < n; i++) read_account(&r, i, arena, &out[i]);
    return arena->exhausted ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}

/* Both statements answer a row and a due date. */
static tagih_err take_extending(struct tx *tx, struct arena *arena, struct lifecycle_promise **out, size_t *n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct lifecycle_promise);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) (*out)[i] = (struct lifecycle_promise){(size_t)result_int4(&r, i, 0), result_date(&r, i, 1)};
    return TAGIH_OK;
}

tagih_err lifecycle_load_extending(struct tx *tx, struct arena *arena, const struct lifecycle_account *accounts,
                                   const civil_date *until_on, size_t n, struct lifecycle_extending *out) {
    struct params p;
    tx_params(&p, tx, arena, STMT_lifecycle_promise_load, n);
    params_uuid(&p, &accounts[0].id, sizeof *accounts);
    params_date(&p, until_on, sizeof *until_on);
    params_int8(&p, &accounts[0].ends.us, sizeof *accounts);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, arena, STMT_lifecycle_plan_load, n);
    params_uuid(&p, &accounts[0].id, sizeof *accounts);
    params_int8(&p, &accounts[0].ends.us, sizeof *accounts);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    TRY(take_extending(tx, arena, &out->promises, &out->n_promises));
    return take_extending(tx, arena, &out->plans, &out->n_plans);
}

tagih_err lifecycle_send_save(struct tx *tx, struct arena *arena, const struct lifecycle_account *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_lifecycle_save, n);
    params_uuid(&p, &rows[0].id, s);
    params_int2(&p, &rows[0].status, s);
    params_date_opt(&p, &rows[0].hold_from_on, &rows[0].has_hold, s);
    params_date_opt(&p, &rows[0].hold_until_on, &rows[0].has_hold, s);
    params_uuid_opt(&p, &rows[0].collector, &rows[0].has_collector, s);
    params_int2(&p, &rows[0].promise_days, s);
    params_int2(&p, &rows[0].warnings, s);
    return tx_send(tx, &p);
}

tagih_err agency_ids(struct db *db, struct arena *arena, int64_t deadline_us, agency_id *out, size_t room, size_t *n) {
    struct params p;
    params_init(&p, arena, STMT_agency_ids, 0);
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, deadline_us, &r));
    for (*n = 0; *n < result_count(&r) && *n < room; ++*n) out[*n].u = result_uuid(&r, *n, COL_agency_ids_agency_id);
    return TAGIH_OK;
}
