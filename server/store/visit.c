/* SPDX-License-Identifier: Apache-2.0 */
/* Visits: columns in, columns out. */
#include "store/visit.h"

#include "store_statements.h"

/* ---- planning ------------------------------------------------------------------------------------------------- */

tagih_err visit_send_plan_load(struct tx *tx, struct arena *arena, const struct visit_key *keys, size_t n, instant now) {
    const size_t s = sizeof *keys;
    struct params p;
    tx_params(&p, tx, arena, STMT_visit_account_lock, n);
    params_uuid(&p, &keys[0].account, s);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, arena, STMT_visit_plan_load, n);
    params_uuid(&p, &keys[0].id, s);
    params_uuid(&p, &keys[0].account, s);
    params_uuid(&p, &keys[0].collector, s);
    params_int2(&p, &keys[0].purpose, s);
    params_date(&p, &keys[0].planned_on, s);
    params_one_int8(&p, now.us);
    return tx_send(tx, &p);
}

#define COL(name) COL_visit_plan_load_##name

static void take_known(const struct result *r, size_t i, struct visit_plan_loaded *out) {
    out->known = !result_is_null(r, i, COL(known_account));
    if (!out->known) return;
    out->as_planned.account.u = result_uuid(r, i, COL(known_account));
    out->as_planned.collector.u = result_uuid(r, i, COL(known_collector));
    out->as_planned.purpose = result_int2(r, i, COL(known_purpose));
    out->as_planned.planned_on = result_date(r, i, COL(known_on));
}

static void take_planned_account(const struct result *r, size_t i, struct visit_plan_loaded *out) {
    out->has_account = !result_is_null(r, i, COL(status));
    if (!out->has_account) return;
    out->status = result_int2(r, i, COL(status));
    out->has_holder = !result_is_null(r, i, COL(holder));
    out->holder.u = result_uuid_or_nil(r, i, COL(holder));
    out->has_hold = !result_is_null(r, i, COL(hold_until_on));
    if (out->has_hold) out->hold_until_on = result_date(r, i, COL(hold_until_on));
    out->lat_e7 = result_int4(r, i, COL(lat_e7));
    out->lon_e7 = result_int4(r, i, COL(lon_e7));
    out->address_quality = result_int2(r, i, COL(address_quality));
}

void visit_take_plan(struct tx *tx, struct visit_plan_loaded *out, size_t n) {
    DEFER(result) struct result lock = {0}, r = {0};
    tx_take(tx, &lock);
    tx_take(tx, &r);
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct visit_plan_loaded){.leased = !result_is_null(&r, i, COL(leased_visit)),
                                            .lease_from_us = result_int8(&r, i, COL(lease_from_us)),
                                            .lease_until_us = result_int8(&r, i, COL(lease_until_us)),
                                            .today = result_date(&r, i, COL(today_on)),
                                            .has_staff = !result_is_null(&r, i, COL(staff_state))};
        if (out[i].has_staff) out[i].staff_state = result_int2(&r, i, COL(staff_state));
        if (out[i].has_staff) out[i].roles = result_int4(&r, i, COL(roles));
        out[i].has_silence = !result_is_null(&r, i, COL(silent_until_on));
        if (out[i].has_silence) out[i].silent_until_on = result_date(&r, i, COL(silent_until_on));
        take_known(&r, i, &out[i]);
        take_planned_account(&r, i, &out[i]);
    }
}

static tagih_err send_states(struct tx *tx, struct arena *arena, const struct visit_row *rows, size_t n) {
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_visit_state_insert, n);
    params_uuid(&p, &rows[0].key.id, s);
    params_uuid(&p, &rows[0].key.account, s);
    params_int2(&p, &rows[0].key.purpose, s);
    params_uuid(&p, &rows[0].key.collector, s);
    params_date(&p, &rows[0].key.planned_on, s);
    params_int8(&p, &rows[0].lease_from_us, s);
    params_int8(&p, &rows[0].lease_until_us, s);
    return tx_send(tx, &p);
}

tagih_err visit_send_rows(struct tx *tx, struct arena *arena, const struct visit_row *rows, size_t n, const user_id *by,
                          instant at) {
    if (n == 0) return TAGIH_OK;
    static const user_id nobody;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_visit_insert, n);
    params_uuid(&p, &rows[0].key.id, s);
    params_uuid(&p, &rows[0].key.account, s);
    params_int2(&p, &rows[0].key.purpose, s);
    params_date(&p, &rows[0].key.planned_on, s);
    params_int4(&p, &rows[0].lat_e7, s);
    params_int4(&p, &rows[0].lon_e7, s);
    params_int2(&p, &rows[0].address_quality, s);
    params_int4(&p, &rows[0].radius_mm, s);
    params_int2(&p, &rows[0].policy, s);
    params_text(&p, &rows[0].gate_verdict, s);
    params_one_int8(&p, at.us);
    params_one_uuid(&p, by ? by : &nobody);
    TRY(tx_send(tx, &p));
    return send_states(tx, arena, rows, n);
}

tagih_err visit_send_events(struct tx *tx, struct arena *arena, const struct visit_event_row *rows, size_t n,
                            const user_id *actor, instant at) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_visit_event_insert, n);
    params_uuid(&p, &rows[0].visit, s);
    params_int4(&p, &rows[0].version, s);
    params_text(&p, &rows[0].kind, s);
    params_one_int8(&p, at.us);
    if (actor) params_one_uuid(&p, actor);
    else params_one_null(&p);
    params_uuid(&p, &rows[0].collector, s);
    params_int8(&p, &rows[0].lease_from_us, s);
    params_int8(&p, &rows[0].lease_until_us, s);
    params_text(&p, &rows[0].reason, s);
    return tx_send(tx, &p);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

tagih_err visit_send_lock(struct tx *tx, struct arena *arena, const visit_id *ids, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_visit_lock, n);
    params_uuid(&p, ids, sizeof *ids);
    return tx_send(tx, &p);
}

void visit_take_lock(struct tx *tx) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
}

tagih_err visit_send_load(struct tx *tx, struct arena *arena, const visit_id *ids, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_visit_load, n);
    params_uuid(&p, ids, sizeof *ids);
    return tx_send(tx, &p);
}

/* visit_day has visit_load's columns behind the id. */
#undef COL
#define COL(name) (COL_visit_load_##name + shift)

static void take_visit(const struct result *r, size_t i, int shift, struct visit_read *out) {
    out->account.u = result_uuid(r, i, COL(account_id));
    out->collector.u = result_uuid(r, i, COL(collector_id));
    out->planned_on = result_date(r, i, COL(planned_on));
    out->purpose = result_int2(r, i, COL(purpose));
    out->policy = result_int2(r, i, COL(policy));
    out->state = result_int2(r, i, COL(state));
    out->version = result_int4(r, i, COL(version));
    out->live = result_bool(r, i, COL(live));
    out->lease_from_us = result_int8(r, i, COL(lease_from_us));
    out->lease_until_us = result_int8(r, i, COL(lease_until_us));
    out->lat_e7 = result_int4(r, i, COL(lat_e7));
    out->lon_e7 = result_int4(r, i, COL(lon_e7));
    out->radius_mm = result_int4(r, i, COL(radius_mm));
    out->presence = result_is_null(r, i, COL(presence)) ? PRESENCE_UNKNOWN : result_int2(r, i, COL(presence));
    out->outcome = result_is_null(r, i, COL(outcome)) ? 0 : result_int2(r, i, COL(outcome));
    out->outcome_list = result_is_null(r, i, COL(outcome_list)) ? 0 : result_int2(r, i, COL(outcome_list));
}

void visit_take(struct tx *tx, const visit_id *ids, struct visit_read *out, bool *found, size_t n) {
    const int shift = 0;
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    for (size_t i = 0; i < n; i++) {
        found[i] = !result_is_null(&r, i, COL(account_id));
        out[i] = (struct visit_read){.id = ids[i]};
        if (found[i]) take_visit(&r, i, shift, &out[i]);
    }
}

tagih_err visit_send_day(struct tx *tx, struct arena *arena, user_id collector, civil_date day, visit_id after, int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_visit_day, 0);
    params_one_uuid(&p, &collector);
    params_one_date(&p, day);
    params_one_uuid(&p, &after);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

void visit_read_day(const struct result *r, size_t row, struct visit_read *out) {
    *out = (struct visit_read){.id.u = result_uuid(r, row, COL_visit_day_visit_id)};
    take_visit(r, row, 1, out);
}

/* ---- changes -------------------------------------------------------------------------------------------------- */

tagih_err visit_send_hand_over(struct tx *tx, struct arena *arena, visit_id visit, user_id collector, instant now) {
    struct params p;
    tx_params(&p, tx, arena, STMT_visit_hand_over, 0);
    params_one_uuid(&p, &visit);
    params_one_uuid(&p, &collector);
    params_one_int8(&p, now.us);
    return tx_send(tx, &p);
}

tagih_err visit_send_ended(struct tx *tx, struct arena *arena, const struct visit_ended *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    struct params p;
    tx_params(&p, tx, arena, STMT_visit_end, n);
    params_uuid(&p, &rows[0].visit, sizeof *rows);
    params_int2(&p, &rows[0].state, sizeof *rows);
    return tx_send(tx, &p);
}

tagih_err visit_overdue_agencies(struct db *db, struct arena *arena, instant now, int64_t deadline_us, agency_id *out,
                                 size_t room, size_t *n) {
    struct params p;
    params_init(&p, arena, STMT_visit_overdue_agencies, 0);
    params_one_int8(&p, now.us);
    params_one_int4(&p, (int32_t)room);
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, deadline_us, &r));
    for (*n = 0; *n < result_count(&r) && *n < room; ++*n) {
        out[*n].u = result_uuid(&r, *n, COL_visit_overdue_agencies_agency_id);
    }
    return TAGIH_OK;
}

tagih_err visit_send_staff(struct tx *tx, struct arena *arena, user_id user) {
    struct params p;
    tx_params(&p, tx, arena, STMT_visit_staff, 0);
    params_one_uuid(&p, &user);
    return tx_send(tx, &p);
}

/* ---- outcomes ------------------------------------------------------------------------------------------------- */

tagih_err outcome_send_load(struct tx *tx, struct arena *arena, const struct outcome_key *keys, size_t n) {
    const size_t s = sizeof *keys;
    struct params p;
    tx_params(&p, tx, arena, STMT_outcome_load, n);
    params_uuid(&p, &keys[0].id, s);
    params_uuid(&p, &keys[0].visit, s);
    params_uuid(&p, &keys[0].collector, s);
    params_int8(&p, &keys[0].value_us, s);
    params_uuid(&p, &keys[0].receipt, s);
    params_uuid(&p, &keys[0].promise, s);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_outcome_load_##name

static void take_known_outcome(const struct result *r, size_t i, struct bytes note, struct outcome_loaded *out) {
    out->known = !result_is_null(r, i, COL(known_visit));
    if (!out->known) return;
    out->known_visit.u = result_uuid(r, i, COL(known_visit));
    out->known_collector.u = result_uuid(r, i, COL(known_collector));
    out->known_code = result_int2(r, i, COL(known_code));
    out->known_list = result_int2(r, i, COL(known_list));
    out->known_has_next = !result_is_null(r, i, COL(known_next));
    if (out->known_has_next) out->known_next = result_int2(r, i, COL(known_next));
    out->known_same_note = bytes_equal(result_bytes(r, i, COL(known_note)), note);
}

void outcome_take(struct tx *tx, const struct bytes *notes, struct outcome_loaded *out, size_t n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct outcome_loaded){.under_lease = result_bool(&r, i, COL(under_lease)),
                                         .held = result_bool(&r, i, COL(held)),
                                         .receipt_known = result_bool(&r, i, COL(receipt_known)),
                                         .promise_known = result_bool(&r, i, COL(promise_known))};
        take_known_outcome(&r, i, notes[i], &out[i]);
    }
}

tagih_err outcome_send_rows(struct tx *tx, struct arena *arena, const struct outcome_row *rows, size_t n, instant at) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_outcome_insert, n);
    params_uuid(&p, &rows[0].key.id, s);
    params_uuid(&p, &rows[0].key.visit, s);
    params_uuid(&p, &rows[0].account, s);
    params_uuid(&p, &rows[0].key.collector, s);
    params_int2(&p, &rows[0].code, s);
    params_int2(&p, &rows[0].list, s);
    params_int2_opt(&p, &rows[0].next, &rows[0].has_next, s);
    params_bytea(&p, &rows[0].note, s);
    params_int8(&p, &rows[0].key.value_us, s);
    params_one_int8(&p, at.us);
    params_int8(&p, &rows[0].flags, s);
    return tx_send(tx, &p);
}

tagih_err visit_send_finished(struct tx *tx, struct arena *arena, const struct visit_finished *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_visit_finish, n);
    params_uuid(&p, &rows[0].visit, s);
    params_int2(&p, &rows[0].outcome, s);
    params_int2(&p, &rows[0].list, s);
    params_int8(&p, &rows[0].at_us, s);
    return tx_send(tx, &p);
}
