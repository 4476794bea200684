/* SPDX-License-Identifier: Apache-2.0 */
/* The bank: columns in, columns out. */
#include "store/bank.h"

#include <string.h>

#include "store_statements.h"

/* ---- what is expected ----------------------------------------------------------------------------------------- */

tagih_err bank_send_expected(struct tx *tx, struct arena *arena, const struct bank_expected_row *rows, size_t n) {
    struct params p;
    if (n == 0) return TAGIH_OK;
    tx_params(&p, tx, arena, STMT_bank_expected_insert, n);
    params_uuid(&p, &rows[0].id, sizeof *rows);
    params_int2(&p, &rows[0].kind, sizeof *rows);
    params_uuid(&p, &rows[0].object, sizeof *rows);
    params_text_opt(&p, &rows[0].reference, &rows[0].has_reference, sizeof *rows);
    params_int8(&p, &rows[0].amount_minor, sizeof *rows);
    params_text(&p, &rows[0].currency, sizeof *rows);
    params_int2(&p, &rows[0].ledger_account, sizeof *rows);
    params_uuid_opt(&p, &rows[0].owner, &rows[0].has_owner, sizeof *rows);
    params_uuid_opt(&p, &rows[0].account, &rows[0].has_account, sizeof *rows);
    params_int8(&p, &rows[0].since_us, sizeof *rows);
    params_date(&p, &rows[0].since_on, sizeof *rows);
    params_int2(&p, &rows[0].state, sizeof *rows);
    return tx_send(tx, &p);
}

tagih_err bank_send_withdraw(struct tx *tx, struct arena *arena, const uuid *ids, size_t n) {
    return n ? tx_send_ids(tx, arena, STMT_bank_expected_withdraw, ids, n) : TAGIH_OK;
}

/* ---- lines ---------------------------------------------------------------------------------------------------- */

tagih_err bank_send_lock(struct tx *tx, struct arena *arena, struct bytes bank_account) {
    struct params p;
    tx_params(&p, tx, arena, STMT_bank_lock, 0);
    params_one_text(&p, bank_account);
    return tx_send(tx, &p);
}

tagih_err bank_send_lines(struct tx *tx, struct arena *arena, const struct bank_line_row *lines, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_bank_line_known, n);
    params_uuid(&p, &lines[0].id, sizeof *lines);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, arena, STMT_bank_line_dates, n);
    params_date(&p, &lines[0].booked_on, sizeof *lines);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, arena, STMT_bank_candidates, n);
    params_text(&p, &lines[0].reference, sizeof *lines);
    params_text(&p, &lines[0].line_reference, sizeof *lines);
    params_int8(&p, &lines[0].amount_minor, sizeof *lines);
    params_text(&p, &lines[0].currency, sizeof *lines);
    return tx_send(tx, &p);
}

#define COL(name) COL_bank_line_known_##name
static void take_known(struct tx *tx, struct bank_known *known, size_t n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    memset(known, 0, n * sizeof *known);
    for (size_t i = 0; i < result_count(&r); i++) {
        known[result_int4(&r, i, COL(row))] = (struct bank_known){
            .known = true, .amount_minor = result_int8(&r, i, COL(amount_minor)), .booked_on = result_date(&r, i, COL(booked_on)),
            .outcome = result_int2(&r, i, COL(outcome))};
    }
}

#undef COL
#define COL(name) COL_bank_candidates_##name
tagih_err bank_take_lines(struct tx *tx, struct arena *arena, size_t n, struct bank_known *known, int64_t *value_us,
                          struct bank_candidate **candidates, size_t *n_candidates) {
    DEFER(result) struct result days = {0}, r = {0};
    take_known(tx, known, n);
    tx_take(tx, &days);
    for (size_t i = 0; i < n; i++) value_us[i] = result_int8(&days, i, COL_bank_line_dates_value_us);
    tx_take(tx, &r);
    *n_candidates = result_count(&r);
    *candidates = ARENA_ARRAY(arena, *n_candidates + 1, struct bank_candidate);
    if (!*candidates) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n_candidates; i++) {
        (*candidates)[i] = (struct bank_candidate){
            .line = (size_t)result_int4(&r, i, COL(row)), .id = result_uuid(&r, i, COL(expected_id)), .kind = result_int2(&r, i, COL(kind)),
            .object = result_uuid(&r, i, COL(object_id)), .ledger_account = result_int2(&r, i, COL(ledger_account)),
            .owner = result_uuid_or_nil(&r, i, COL(owner_id)), .account.u = result_uuid_or_nil(&r, i, COL(account_id))};
    }
    return TAGIH_OK;
}

tagih_err bank_send_expected_lock(struct tx *tx, struct arena *arena, const uuid *ids, size_t n) {
    return tx_send_ids(tx, arena, STMT_bank_expected_lock, ids, n);
}

#undef COL
#define COL(name) COL_bank_expected_lock_##name
void bank_take_expected_lock(struct tx *tx, const uuid *ids, size_t n, enum bank_expected_state state, bool *in_state) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    memset(in_state, 0, n * sizeof *in_state);
    for (size_t i = 0; i < result_count(&r); i++) {
        uuid id = result_uuid(&r, i, COL(expected_id));
        bool is = result_int2(&r, i, COL(state)) == (int16_t)state;
        for (size_t k = 0; k < n; k++) {
            if (uuid_equal(ids[k], id)) in_state[k] = is;
        }
    }
}

/* ---- facts ---------------------------------------------------------------------------------------------------- */

void bank_line_params(struct params *p, const struct tx *tx, struct arena *arena, const struct bank_line_row *row) {
    tx_params(p, tx, arena, STMT_bank_line_insert, 1);
    params_uuid(p, &row->id, sizeof *row);
    params_uuid(p, &row->posting, sizeof *row);
    params_hash(p, &row->file_hash, sizeof *row);
    params_int4(p, &row->row_no, sizeof *row);
    params_text(p, &row->bank_account, sizeof *row);
    params_text(p, &row->line_reference, sizeof *row);
    params_date(p, &row->booked_on, sizeof *row);
    params_int8(p, &row->amount_minor, sizeof *row);
    params_text(p, &row->currency, sizeof *row);
    params_text(p, &row->reference, sizeof *row);
    params_text(p, &row->payer, sizeof *row);
    params_text(p, &row->note, sizeof *row);
    params_int2(p, &row->outcome, sizeof *row);
    params_uuid_opt(p, &row->expected, &row->has_expected, sizeof *row);
    params_int8(p, &row->received_us, sizeof *row);
    params_uuid_opt(p, &row->actor, &row->has_actor, sizeof *row);
}

void bank_match_params(struct params *p, const struct tx *tx, struct arena *arena, const uuid *line, const uuid *posting,
                       const uuid *expected, instant at, const user_id *actor) {
    const bool has_actor = actor != NULL;
    const user_id by = actor ? *actor : (user_id){{{0}}};
    tx_params(p, tx, arena, STMT_bank_match_insert, 1);
    params_uuid(p, line, sizeof *line);
    params_uuid(p, posting, sizeof *posting);
    params_uuid(p, expected, sizeof *expected);
    params_int8(p, &at.us, sizeof at.us);
    params_uuid_opt(p, &by, &has_actor, sizeof by);
}

void payment_settled_params(struct params *p, const struct tx *tx, struct arena *arena, const uuid *payment, const uuid *posting,
                            const uuid *line, instant at) {
    tx_params(p, tx, arena, STMT_payment_settled_insert, 1);
    params_uuid(p, payment, sizeof *payment);
    params_uuid(p, posting, sizeof *posting);
    params_uuid(p, line, sizeof *line);
    params_int8(p, &at.us, sizeof at.us);
}

void cheque_event_params(struct params *p, const struct tx *tx, struct arena *arena, const struct cheque_event_row *row) {
    tx_params(p, tx, arena, STMT_cheque_event_insert, 1);
    params_uuid(p, &row->payment, sizeof *row);
    params_int2(p, &row->kind, sizeof *row);
    params_uuid(p, &row->posting, sizeof *row);
    params_int8(p, &row->fee_minor, sizeof *row);
    params_bool(p, &row->charged, sizeof *row);
    params_text(p, &row->reason, sizeof *row);
    params_int8(p, &row->at.us, sizeof *row);
    params_uuid(p, &row->actor, sizeof *row);
}

/* ---- what came too early -------------------------------------------------------------------------------------- */

tagih_err bank_send_late(struct tx *tx, struct arena *arena, uuid thing, int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_bank_late, 0);
    if (uuid_is_nil(thing)) params_one_null(&p);
    else params_one_uuid(&p, &thing);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

tagih_err bank_take_late(struct tx *tx, struct arena *arena, struct bank_pair **pairs, size_t *n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *pairs = ARENA_ARRAY(arena, *n + 1, struct bank_pair);
    if (!*pairs) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        (*pairs)[i] = (struct bank_pair){.line = result_uuid(&r, i, COL_bank_late_line_id),
                                         .expected = result_uuid(&r, i, COL_bank_late_expected_id)};
    }
    return TAGIH_OK;
}

tagih_err bank_send_pairs(struct tx *tx, struct arena *arena, const struct bank_pair *pairs, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_bank_pair_load, n);
    params_uuid(&p, &pairs[0].line, sizeof *pairs);
    params_uuid(&p, &pairs[0].expected, sizeof *pairs);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_bank_pair_load_##name
void bank_take_pairs(struct tx *tx, struct bank_pair *pairs, size_t n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    for (size_t i = 0; i < n; i++) pairs[i].found = false;
    for (size_t i = 0; i < result_count(&r); i++) {
        struct bank_pair *pair = &pairs[result_int4(&r, i, COL(row))];
        pair->found = true;
        pair->amount_minor = result_int8(&r, i, COL(amount_minor));
        pair->value.us = result_int8(&r, i, COL(value_us));
        pair->in_suspense = result_bool(&r, i, COL(in_suspense));
        pair->currency = result_currency(&r, i, COL(currency));
        pair->thing = (struct bank_candidate){
            .id = pair->expected, .kind = result_int2(&r, i, COL(kind)), .object = result_uuid(&r, i, COL(object_id)),
            .ledger_account = result_int2(&r, i, COL(ledger_account)), .owner = result_uuid_or_nil(&r, i, COL(owner_id)),
            .account.u = result_uuid_or_nil(&r, i, COL(account_id))};
    }
}

tagih_err bank_send_open_lock(struct tx *tx, struct arena *arena, const struct bank_pair *pairs, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_bank_line_open_lock, n);
    params_uuid(&p, &pairs[0].line, sizeof *pairs);
    return tx_send(tx, &p);
}

size_t bank_take_open_lock(struct tx *tx, uuid *ids) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    for (size_t i = 0; i < result_count(&r); i++) ids[i] = result_uuid(&r, i, COL_bank_line_open_lock_line_id);
    return result_count(&r);
}

/* ---- by hand -------------------------------------------------------------------------------------------------- */

tagih_err bank_send_judge(struct tx *tx, struct arena *arena, uuid line, uuid thing) {
    struct params p;
    tx_params(&p, tx, arena, STMT_bank_match_judge, 0);
    params_one_uuid(&p, &line);
    params_one_uuid(&p, &thing);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_bank_match_judge_##name
void bank_take_judge(struct tx *tx, struct bank_match_judged *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *out = (struct bank_match_judged){
        .has_line = result_bool(&r, 0, COL(has_line)), .has_thing = result_bool(&r, 0, COL(has_thing)),
        .line_waits = result_bool(&r, 0, COL(line_waits)), .thing_waits = result_bool(&r, 0, COL(thing_waits)),
        .same_money = result_bool(&r, 0, COL(same_money)), .amount_minor = result_int8_or(&r, 0, COL(amount_minor), 0),
        .account.u = result_uuid_or_nil(&r, 0, COL(account_id))};
    if (out->has_line) out->currency = result_currency(&r, 0, COL(currency));
}

tagih_err bank_send_confirm(struct tx *tx, struct arena *arena, uuid thing) {
    struct params p;
    tx_params(&p, tx, arena, STMT_bank_expected_confirm, 0);
    params_one_uuid(&p, &thing);
    return tx_send(tx, &p);
}
