/* SPDX-License-Identifier: Apache-2.0 */
/* Promises and plans: columns out. What is written is in promise_save.c. */
#include "store/promise.h"

#include "store_statements.h"

/* ---- what the book needs -------------------------------------------------------------------------------------- */

tagih_err promise_send_load(struct tx *tx, struct arena *arena, const account_id *accounts, size_t n,
                            const payment_id *payments, size_t n_payments) {
    struct params p;
    tx_params(&p, tx, arena, STMT_promise_load, n);
    params_uuid(&p, accounts, sizeof *accounts);
    p.n_rows = n_payments;
    params_uuid(&p, payments, sizeof *payments);
    return tx_send(tx, &p);
}

#define COL(name) COL_promise_load_##name
static struct promise_known read_known(const struct result *r, size_t i) {
    struct promise_known out = {
        .account.u = result_uuid(r, i, COL(account_id)),
        .fact = {.id.u = result_uuid(r, i, COL(promise_id)), .amount_minor = result_int8(r, i, COL(amount_minor)),
                 .due_on = result_date(r, i, COL(due_on)), .made.us = result_int8(r, i, COL(value_us)),
                 .closes.us = result_int8(r, i, COL(closes_us)), .withdrawn = !result_is_null(r, i, COL(withdrawn_us)),
                 .withdrawn_at.us = result_int8_or(r, i, COL(withdrawn_us), 0),
                 .plan.u = result_uuid_or_nil(r, i, COL(plan_id))},
        .refused = result_int2(r, i, COL(refused)), .reminded = result_int4(r, i, COL(reminded)),
        .received_minor = result_int8_or(r, i, COL(received_minor), 0), .by = result_uuid_or_nil(r, i, COL(by_id)),
        .version = result_int4_or(r, i, COL(version), 0), .plan_version = result_int4_or(r, i, COL(plan_version), 0),
        .plan_expires.us = result_int8_or(r, i, COL(expires_us), 0),
        .plan_starts.us = result_int8_or(r, i, COL(starts_us), 0), .plan_actor.u = result_uuid_or_nil(r, i, COL(plan_actor))};
    if (!result_is_null(r, i, COL(state))) out.state = result_int2(r, i, COL(state));
    if (!result_is_null(r, i, COL(plan_state))) out.plan_state = result_int2(r, i, COL(plan_state));
    return out;
}
#undef COL

tagih_err promise_take_load(struct tx *tx, struct arena *arena, struct promise_known **out, size_t *n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n, struct promise_known);
    for (size_t i = 0; *out && i < *n; i++) (*out)[i] = read_known(&r, i);
    return *out ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
}

tagih_err promise_send_midnights(struct tx *tx, struct arena *arena, const civil_date *days, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_promise_midnights, n);
    params_date(&p, days, sizeof *days);
    return tx_send(tx, &p);
}

void promise_take_midnights(struct tx *tx, instant *out, size_t n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    for (size_t i = 0; i < n; i++) out[i].us = result_int8(&r, i, COL_promise_midnights_at_us);
}

tagih_err promise_send_payments(struct tx *tx, struct arena *arena, const account_id *accounts, const int64_t *after_us,
                                size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_promise_payments, n);
    params_uuid(&p, accounts, sizeof *accounts);
    params_int8(&p, after_us, sizeof *after_us);
    return tx_send(tx, &p);
}

#define COL(name) COL_promise_payments_##name
tagih_err promise_take_payments(struct tx *tx, struct arena *arena, struct promise_paid **out, size_t *n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n, struct promise_paid);
    for (size_t i = 0; *out && i < *n; i++) {
        (*out)[i] = (struct promise_paid){
            .row = (size_t)result_int4(&r, i, COL(row)),
            .payment = {.id.u = result_uuid(&r, i, COL(payment_id)), .amount_minor = result_int8(&r, i, COL(amount_minor)),
                        .value_on = result_date(&r, i, COL(value_on)), .value.us = result_int8(&r, i, COL(value_us)),
                        .tag = (enum payment_tag)result_int2(&r, i, COL(tag)), .reversed = result_bool(&r, i, COL(reversed))}};
    }
    return *out ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
}
#undef COL

/* ---- the minute's work ---------------------------------------------------------------------------------------- */

tagih_err promise_due_agencies(struct db *db, struct arena *arena, instant now, int64_t deadline_us, agency_id *out,
                               size_t room, size_t *n) {
    struct params p;
    params_init(&p, arena, STMT_promise_due_agencies, 0);
    params_one_int8(&p, now.us);
    params_one_int4(&p, (int32_t)room);
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, deadline_us, &r));
    for (*n = 0; *n < result_count(&r) && *n < room; ++*n) {
        out[*n].u = result_uuid(&r, *n, COL_promise_due_agencies_agency_id);
    }
    return TAGIH_OK;
}

tagih_err promise_local_time(struct tx *tx, struct arena *arena, instant now, civil_date *today, int32_t *minute) {
    struct params p;
    tx_params(&p, tx, arena, STMT_promise_local_time, 0);
    params_one_int8(&p, now.us);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    if (result_count(&r) != 1) return FAIL(INTERNAL);
    *today = result_date(&r, 0, COL_promise_local_time_today_on);
    *minute = result_int4(&r, 0, COL_promise_local_time_minute_of_day);
    return TAGIH_OK;
}

tagih_err promise_due(struct tx *tx, struct arena *arena, instant now, civil_date today, bool remind, account_id *out,
                      size_t room, size_t *n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_promise_due, 0);
    params_one_int8(&p, now.us);
    params_one_date(&p, today);
    params_one_bool(&p, remind);
    params_one_int4(&p, (int32_t)room);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    for (*n = 0; *n < result_count(&r) && *n < room; ++*n) out[*n].u = result_uuid(&r, *n, COL_promise_due_account_id);
    return TAGIH_OK;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

tagih_err promise_send_get(struct tx *tx, struct arena *arena, promise_id id) {
    return tx_send_id(tx, arena, STMT_promise_get, id.u);
}

tagih_err promise_send_list(struct tx *tx, struct arena *arena, account_id account, civil_date after_on, promise_id after,
                            int16_t state, civil_date until_on, int32_t limit) {
    bool all = uuid_is_nil(account.u);
    struct params p;
    tx_params(&p, tx, arena, all ? STMT_promise_list_due : STMT_promise_list_account, 0);
    if (!all) params_one_uuid(&p, &account);
    params_one_date(&p, after_on);
    params_one_uuid(&p, &after);
    params_one_int2(&p, state);
    if (all) params_one_date(&p, until_on);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

#define COL(name) COL_promise_get_##name
/* promise_get and the lists have the same columns. */
void promise_read_row(const struct result *r, size_t i, struct promise_read *out) {
    *out = (struct promise_read){
        .id.u = result_uuid(r, i, COL(promise_id)), .account.u = result_uuid(r, i, COL(account_id)),
        .has_plan = !result_is_null(r, i, COL(plan_id)), .has_collector = !result_is_null(r, i, COL(collector_id)),
        .has_actor = !result_is_null(r, i, COL(actor_id)), .has_visit = !result_is_null(r, i, COL(visit_id)),
        .has_position = !result_is_null(r, i, COL(lat_e7)), .has_assigned = !result_is_null(r, i, COL(assigned_id)),
        .has_by = !result_is_null(r, i, COL(by_id)), .plan.u = result_uuid_or_nil(r, i, COL(plan_id)),
        .instalment_no = result_int4_or(r, i, COL(instalment_no), 0),
        .collector.u = result_uuid_or_nil(r, i, COL(collector_id)), .actor.u = result_uuid_or_nil(r, i, COL(actor_id)),
        .assigned.u = result_uuid_or_nil(r, i, COL(assigned_id)), .visit.u = result_uuid_or_nil(r, i, COL(visit_id)),
        .amount_minor = result_int8(r, i, COL(amount_minor)), .made_us = result_int8(r, i, COL(value_us)),
        .received_minor = result_int8_or(r, i, COL(received_minor), 0), .currency = result_text(r, i, COL(currency)),
        .promiser_name = result_text(r, i, COL(promiser_name)), .note = result_text(r, i, COL(note)),
        .due_on = result_date(r, i, COL(due_on)), .promiser = result_int2(r, i, COL(promiser)),
        .channel = result_int2(r, i, COL(channel)), .refused = result_int2(r, i, COL(refused)),
        .lat_e7 = result_int4_or(r, i, COL(lat_e7), 0), .lon_e7 = result_int4_or(r, i, COL(lon_e7), 0),
        .version = result_int4_or(r, i, COL(version), 0), .by = result_uuid_or_nil(r, i, COL(by_id))};
    if (!result_is_null(r, i, COL(state))) out->state = result_int2(r, i, COL(state));
}
#undef COL

tagih_err promise_send_events(struct tx *tx, struct arena *arena, promise_id id) {
    return tx_send_id(tx, arena, STMT_promise_events, id.u);
}

#define COL(name) COL_promise_events_##name
void promise_read_event(const struct result *r, size_t i, struct promise_event_row *out) {
    *out = (struct promise_event_row){
        .n = result_int4(r, i, COL(n)), .posting = result_uuid(r, i, COL(posting_id)), .at_us = result_int8(r, i, COL(at_us)),
        .before = result_int2(r, i, COL(state_before)), .after = result_int2(r, i, COL(state_after)),
        .received_minor = result_int8(r, i, COL(received_minor)), .has_by = !result_is_null(r, i, COL(by_id)),
        .by = result_uuid_or_nil(r, i, COL(by_id))};
}
#undef COL

tagih_err promise_send_account(struct tx *tx, struct arena *arena, account_id account) {
    return tx_send_id(tx, arena, STMT_promise_account, account.u);
}

void promise_take_account(struct tx *tx, struct promise_account *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *out = (struct promise_account){.found = result_count(&r) == 1};
    if (!out->found) return;
    out->has_collector = !result_is_null(&r, 0, COL_promise_account_collector_id);
    out->collector.u = result_uuid_or_nil(&r, 0, COL_promise_account_collector_id);
}

/* ---- plans ---------------------------------------------------------------------------------------------------- */

tagih_err plan_send_get(struct tx *tx, struct arena *arena, plan_id id) {
    return tx_send_id(tx, arena, STMT_plan_get, id.u);
}

tagih_err plan_send_list(struct tx *tx, struct arena *arena, account_id account) {
    return tx_send_id(tx, arena, STMT_plan_list, account.u);
}

#define COL(name) COL_plan_get_##name
/* plan_get and plan_list have the same columns. */
void plan_read_row(const struct result *r, size_t i, struct plan_read *out) {
    *out = (struct plan_read){
        .id.u = result_uuid(r, i, COL(plan_id)), .account.u = result_uuid(r, i, COL(account_id)),
        .currency = result_text(r, i, COL(currency)), .note = result_text(r, i, COL(note)),
        .total_minor = result_int8(r, i, COL(total_minor)), .made_us = result_int8(r, i, COL(made_us)),
        .starts_on = result_date(r, i, COL(starts_on)), .has_payment = !result_is_null(r, i, COL(payment_id)),
        .has_assigned = !result_is_null(r, i, COL(assigned_id)), .payment.u = result_uuid_or_nil(r, i, COL(payment_id)),
        .actor.u = result_uuid(r, i, COL(actor_id)), .assigned.u = result_uuid_or_nil(r, i, COL(assigned_id)),
        .state = result_int2(r, i, COL(state)), .version = result_int4(r, i, COL(version))};
}
#undef COL

tagih_err plan_send_instalments(struct tx *tx, struct arena *arena, const plan_id *ids, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_plan_instalments, n);
    params_uuid(&p, ids, sizeof *ids);
    return tx_send(tx, &p);
}

#define COL(name) COL_plan_instalments_##name
void plan_read_instalment(const struct result *r, size_t i, struct plan_instalment_read *out) {
    *out = (struct plan_instalment_read){
        .plan = (size_t)result_int4(r, i, COL(row)), .no = result_int4(r, i, COL(instalment_no)),
        .promise.u = result_uuid(r, i, COL(promise_id)), .due_on = result_date(r, i, COL(due_on)),
        .amount_minor = result_int8(r, i, COL(amount_minor)), .received_minor = result_int8_or(r, i, COL(received_minor), 0)};
    if (!result_is_null(r, i, COL(state))) out->state = result_int2(r, i, COL(state));
}
#undef COL

tagih_err plan_send_events(struct tx *tx, struct arena *arena, plan_id id) {
    return tx_send_id(tx, arena, STMT_plan_events, id.u);
}

#define COL(name) COL_plan_events_##name
void plan_read_event(const struct result *r, size_t i, struct plan_event_row *out) {
    *out = (struct plan_event_row){
        .n = result_int4(r, i, COL(n)), .at_us = result_int8(r, i, COL(at_us)), .step = result_int2(r, i, COL(step)),
        .before = result_int2(r, i, COL(state_before)), .after = result_int2(r, i, COL(state_after)),
        .has_actor = !result_is_null(r, i, COL(actor_id)), .actor.u = result_uuid_or_nil(r, i, COL(actor_id)),
        .reason = result_text(r, i, COL(reason))};
}
