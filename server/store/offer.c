/* SPDX-License-Identifier: Apache-2.0 */
/* Offers to settle: columns in, columns out. */
#include "store/offer.h"

#include "store_statements.h"

/* ---- facts ---------------------------------------------------------------------------------------------------- */

void offer_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct offer_row *row) {
    tx_params(p, tx, arena, STMT_settlement_offer_insert, 1);
    params_uuid(p, &row->id, sizeof *row);
    params_uuid(p, &row->posting, sizeof *row);
    params_uuid(p, &row->account, sizeof *row);
    params_int8(p, &row->sum_minor, sizeof *row);
    params_text(p, &row->currency, sizeof *row);
    params_date(p, &row->by_on, sizeof *row);
    for (int c = 0; c < COMPONENT_COUNT; c++) params_int8(p, &row->waived_minor[c], sizeof *row);
    params_bool(p, &row->creditor_bears, sizeof *row);
    params_uuid(p, &row->made_by, sizeof *row);
    params_int8(p, &row->made_us, sizeof *row);
}

void offer_event_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct offer_event_row *row) {
    tx_params(p, tx, arena, STMT_settlement_offer_event_insert, 1);
    params_uuid(p, &row->offer, sizeof *row);
    params_int4(p, &row->n, sizeof *row);
    params_uuid(p, &row->posting, sizeof *row);
    params_int2(p, &row->state, sizeof *row);
    params_int8(p, &row->at_us, sizeof *row);
    params_int8(p, &row->paid_minor, sizeof *row);
    params_uuid_opt(p, &row->actor, &row->has_actor, sizeof *row);
}

void offer_waivers_fact(struct params *p, const struct tx *tx, struct arena *arena, uuid offer, uuid posting, const uuid *facts, size_t n) {
    tx_params(p, tx, arena, STMT_settlement_offer_waiver_insert, n);
    params_uuid(p, &offer, 0); /* the same for each row */
    params_uuid(p, facts, sizeof *facts);
    params_uuid(p, &posting, 0);
}

/* ---- state ---------------------------------------------------------------------------------------------------- */

tagih_err offer_send_state(struct tx *tx, struct arena *arena, uuid offer, account_id account) {
    struct params p;
    tx_params(&p, tx, arena, STMT_offer_state_insert, 0);
    params_one_uuid(&p, &offer);
    params_one_uuid(&p, &account);
    return tx_send(tx, &p);
}

tagih_err offer_send_steps(struct tx *tx, struct arena *arena, const struct offer_step *steps, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_offer_state_save, n);
    params_uuid(&p, &steps[0].offer, sizeof *steps);
    params_int2(&p, &steps[0].state, sizeof *steps);
    params_int4(&p, &steps[0].n, sizeof *steps);
    params_int8_opt(&p, &steps[0].from_us, &steps[0].has_from, sizeof *steps);
    params_bool(&p, &steps[0].bounced, sizeof *steps);
    return tx_send(tx, &p);
}

tagih_err offer_send_of_account(struct tx *tx, struct arena *arena, account_id account, uuid offer) {
    struct params p;
    tx_params(&p, tx, arena, STMT_offer_account_save, 0);
    params_one_uuid(&p, &account);
    params_one_uuid(&p, &offer);
    return tx_send(tx, &p);
}

/* ---- what is looked at ---------------------------------------------------------------------------------------- */

tagih_err offer_send_account(struct tx *tx, struct arena *arena, account_id account) {
    return tx_send_id(tx, arena, STMT_offer_account, account.u);
}

#define COL(name) COL_offer_account_##name
void offer_take_account(struct tx *tx, struct offer_account *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *out = (struct offer_account){.found = result_count(&r) == 1};
    if (!out->found) return;
    out->currency = result_currency(&r, 0, COL(currency));
    out->status = result_int2(&r, 0, COL(status));
    for (int c = 0; c < COMPONENT_COUNT; c++) out->open_minor[c] = result_int8(&r, 0, COL(fees_minor) + c);
    out->today = result_date(&r, 0, COL(today));
}

tagih_err offer_send_load(struct tx *tx, struct arena *arena, const account_id *accounts, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_offer_load, n);
    params_uuid(&p, accounts, sizeof *accounts);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_offer_load_##name
static void read_now(const struct result *r, size_t i, struct offer_now *out) {
    *out = (struct offer_now){
        .account.u = result_uuid(r, i, COL(account_id)),
        .at = {.offer = result_uuid(r, i, COL(offer_id)), .n = result_int4(r, i, COL(n)), .state = result_int2(r, i, COL(state)),
               .bounced = result_bool(r, i, COL(bounced)), .has_from = !result_is_null(r, i, COL(from_us)),
               .from_us = result_int8_or(r, i, COL(from_us), 0)},
        .sum_minor = result_int8(r, i, COL(sum_minor)), .by_on = result_date(r, i, COL(by_on)),
        .creditor_bears = result_bool(r, i, COL(creditor_bears)), .day_minor = result_int8_or(r, i, COL(day_minor), 0),
        .paid_minor = result_int8(r, i, COL(paid_minor)),
        .full = !result_is_null(r, i, COL(reached_us)), .full_at.us = result_int8_or(r, i, COL(reached_us), 0)};
    out->currency = result_currency(r, i, COL(currency));
    for (int c = 0; c < COMPONENT_COUNT; c++) out->waived_minor[c] = result_int8(r, i, COL(fees_minor) + c);
    if (out->full) out->full_on = result_date(r, i, COL(reached_on));
}

tagih_err offer_take_load(struct tx *tx, struct arena *arena, struct offer_now **out, size_t *n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct offer_now);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) read_now(&r, i, &(*out)[i]);
    return TAGIH_OK;
}

tagih_err offer_send_lines(struct tx *tx, struct arena *arena, account_id account, civil_date full_on) {
    struct params p;
    tx_params(&p, tx, arena, STMT_offer_lines, 0);
    params_one_uuid(&p, &account);
    params_one_date(&p, full_on);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_offer_lines_##name
tagih_err offer_take_lines(struct tx *tx, struct arena *arena, struct offer_line **out, size_t *n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct offer_line);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i].instalment_no = result_int4(&r, i, COL(instalment_no));
        for (int c = 0; c < COMPONENT_COUNT; c++) (*out)[i].open_minor[c] = result_int8(&r, i, COL(fees_minor) + c);
    }
    return TAGIH_OK;
}

tagih_err offer_send_waivers(struct tx *tx, struct arena *arena, uuid offer) {
    return tx_send_id(tx, arena, STMT_offer_waivers, offer);
}

#undef COL
#define COL(name) COL_offer_waivers_##name
tagih_err offer_take_waivers(struct tx *tx, struct arena *arena, struct offer_made **out, size_t *n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct offer_made);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i] = (struct offer_made){.fact = result_uuid(&r, i, COL(fact_id)), .kind = result_int2(&r, i, COL(kind)),
                                        .amount_minor = result_int8(&r, i, COL(amount_minor)),
                                        .instalment_no = result_int4(&r, i, COL(instalment_no)),
                                        .component = result_int2(&r, i, COL(component))};
    }
    return TAGIH_OK;
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

tagih_err offer_send_get(struct tx *tx, struct arena *arena, uuid offer) {
    return tx_send_id(tx, arena, STMT_offer_get, offer);
}

tagih_err offer_send_list(struct tx *tx, struct arena *arena, account_id account, int64_t before_us, uuid before, int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_offer_list, 0);
    params_one_uuid(&p, &account);
    params_one_int8(&p, before_us);
    params_one_uuid(&p, &before);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_offer_get_##name
/* offer_get and offer_list have the same columns. */
void offer_read_row(const struct result *r, size_t i, struct offer_read *out) {
    *out = (struct offer_read){
        .row = {.id = result_uuid(r, i, COL(offer_id)), .account.u = result_uuid(r, i, COL(account_id)),
                .sum_minor = result_int8(r, i, COL(sum_minor)), .currency = result_text(r, i, COL(currency)),
                .by_on = result_date(r, i, COL(by_on)), .creditor_bears = result_bool(r, i, COL(creditor_bears)),
                .made_by.u = result_uuid(r, i, COL(made_by)), .made_us = result_int8(r, i, COL(made_us))},
        .state = result_int2(r, i, COL(state)), .paid_minor = result_int8(r, i, COL(paid_minor)),
        .today = result_date(r, i, COL(today))};
    for (int c = 0; c < COMPONENT_COUNT; c++) out->row.waived_minor[c] = result_int8(r, i, COL(fees_minor) + c);
}
