/* SPDX-License-Identifier: Apache-2.0 */
/* Promises and plans: rows into parameters. */
#include "store/promise.h"
#include "store_statements.h"

void promise_insert(struct params *p, const struct tx *tx, struct arena *arena, const struct promise_row *rows, size_t n) {
    const size_t s = sizeof *rows;
    tx_params(p, tx, arena, STMT_promise_insert, n);
    params_uuid(p, &rows[0].id, s);
    params_uuid(p, &rows[0].posting, s);
    params_uuid(p, &rows[0].account, s);
    params_uuid_opt(p, &rows[0].plan, &rows[0].has_plan, s);
    params_int4_opt(p, &rows[0].instalment_no, &rows[0].has_plan, s);
    params_uuid_opt(p, &rows[0].collector, &rows[0].has_collector, s);
    params_uuid_opt(p, &rows[0].actor, &rows[0].has_actor, s);
    params_uuid_opt(p, &rows[0].visit, &rows[0].has_visit, s);
    params_int8(p, &rows[0].amount_minor, s);
    params_text(p, &rows[0].currency, s);
    params_date(p, &rows[0].due_on, s);
    params_int8(p, &rows[0].closes_us, s);
    params_int2(p, &rows[0].promiser, s);
    params_text(p, &rows[0].promiser_name, s);
    params_int2(p, &rows[0].channel, s);
    params_int4_opt(p, &rows[0].lat_e7, &rows[0].has_position, s);
    params_int4_opt(p, &rows[0].lon_e7, &rows[0].has_position, s);
    params_text(p, &rows[0].note, s);
    params_int8(p, &rows[0].made_us, s);
    params_int8(p, &rows[0].received_us, s);
    params_int8(p, &rows[0].flags, s);
    params_int2(p, &rows[0].refused, s);
}

void promise_insert_withdrawal(struct params *p, const struct tx *tx, struct arena *arena,
                               const struct promise_withdrawal_row *row) {
    tx_params(p, tx, arena, STMT_promise_withdrawal_insert, 1);
    params_uuid(p, &row->id, sizeof *row);
    params_uuid(p, &row->posting, sizeof *row);
    params_int8(p, &row->at_us, sizeof *row);
    params_uuid(p, &row->actor, sizeof *row);
    params_text(p, &row->reason, sizeof *row);
}

void promise_insert_events(struct params *p, const struct tx *tx, struct arena *arena, const struct promise_event_row *rows,
                           size_t n) {
    const size_t s = sizeof *rows;
    tx_params(p, tx, arena, STMT_promise_event_insert, n);
    params_uuid(p, &rows[0].id, s);
    params_int4(p, &rows[0].n, s);
    params_uuid(p, &rows[0].posting, s);
    params_uuid(p, &rows[0].account, s);
    params_int8(p, &rows[0].at_us, s);
    params_int2(p, &rows[0].before, s);
    params_int2(p, &rows[0].after, s);
    params_int8(p, &rows[0].received_minor, s);
    params_uuid_opt(p, &rows[0].by, &rows[0].has_by, s);
}

void promise_insert_reminders(struct params *p, const struct tx *tx, struct arena *arena,
                              const struct promise_reminder_row *rows, size_t n) {
    const size_t s = sizeof *rows;
    tx_params(p, tx, arena, STMT_promise_reminder_insert, n);
    params_uuid(p, &rows[0].id, s);
    params_int2(p, &rows[0].slot, s);
    params_uuid(p, &rows[0].posting, s);
    params_uuid(p, &rows[0].account, s);
    params_int8(p, &rows[0].at_us, s);
}

void plan_insert(struct params *p, const struct tx *tx, struct arena *arena, const struct plan_row *row) {
    const size_t s = sizeof *row;
    tx_params(p, tx, arena, STMT_plan_insert, 1);
    params_uuid(p, &row->id, s);
    params_uuid(p, &row->posting, s);
    params_uuid(p, &row->account, s);
    params_text(p, &row->currency, s);
    params_int8(p, &row->total_minor, s);
    params_int4(p, &row->instalments, s);
    params_date(p, &row->starts_on, s);
    params_int8(p, &row->starts_us, s);
    params_uuid_opt(p, &row->payment, &row->has_payment, s);
    params_int8(p, &row->made_us, s);
    params_uuid(p, &row->actor, s);
    params_text(p, &row->note, s);
}

void plan_insert_events(struct params *p, const struct tx *tx, struct arena *arena, const struct plan_event_row *rows,
                        size_t n) {
    const size_t s = sizeof *rows;
    tx_params(p, tx, arena, STMT_plan_event_insert, n);
    params_uuid(p, &rows[0].id, s);
    params_int4(p, &rows[0].n, s);
    params_uuid(p, &rows[0].posting, s);
    params_uuid(p, &rows[0].account, s);
    params_int8(p, &rows[0].at_us, s);
    params_int2(p, &rows[0].step, s);
    params_int2(p, &rows[0].before, s);
    params_int2(p, &rows[0].after, s);
    params_uuid_opt(p, &rows[0].actor, &rows[0].has_actor, s);
    params_text(p, &rows[0].reason, s);
}

tagih_err promise_send_states(struct tx *tx, struct arena *arena, const struct promise_state_row *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_promise_state_save, n);
    params_uuid(&p, &rows[0].id, s);
    params_uuid(&p, &rows[0].account, s);
    params_uuid_opt(&p, &rows[0].plan, &rows[0].has_plan, s);
    params_date(&p, &rows[0].due_on, s);
    params_int8(&p, &rows[0].closes_us, s);
    params_int2(&p, &rows[0].refused, s);
    params_int2(&p, &rows[0].state, s);
    params_int8(&p, &rows[0].received_minor, s);
    params_uuid_opt(&p, &rows[0].by, &rows[0].has_by, s);
    params_int4(&p, &rows[0].version, s);
    return tx_send(tx, &p);
}

tagih_err plan_send_states(struct tx *tx, struct arena *arena, const struct plan_state_row *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_plan_state_save, n);
    params_uuid(&p, &rows[0].id, s);
    params_uuid(&p, &rows[0].account, s);
    params_int2(&p, &rows[0].state, s);
    params_int8(&p, &rows[0].expires_us, s);
    params_int8(&p, &rows[0].starts_us, s);
    params_int4(&p, &rows[0].version, s);
    return tx_send(tx, &p);
}
