/* SPDX-License-Identifier: Apache-2.0 */
/* Posting: what is saved. Facts are inserted, states are written once a row. */
#include <string.h>

#include "store/posting.h"
#include "store_statements.h"

tagih_err posting_send_payments(struct tx *tx, struct arena *arena, const struct payment_row *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_payment_insert, n);
    params_uuid(&p, &rows[0].id, s);
    params_uuid(&p, &rows[0].account, s);
    params_int2(&p, &rows[0].source, s);
    params_text_opt(&p, &rows[0].reference, &rows[0].has_reference, s);
    params_int2(&p, &rows[0].tender, s);
    params_int2(&p, &rows[0].tag, s);
    params_int8(&p, &rows[0].amount_minor, s);
    params_text(&p, &rows[0].currency, s);
    params_int8(&p, &rows[0].value_us, s);
    params_date(&p, &rows[0].value_on, s);
    params_date(&p, &rows[0].posting_on, s);
    params_int8(&p, &rows[0].received_us, s);
    params_uuid_opt(&p, &rows[0].collector, &rows[0].has_collector, s);
    params_uuid_opt(&p, &rows[0].actor, &rows[0].has_actor, s);
    return tx_send(tx, &p);
}

tagih_err posting_send_reversals(struct tx *tx, struct arena *arena, const struct reversal_row *rows, size_t n, instant at) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_reversal_insert, n);
    params_uuid(&p, &rows[0].payment, s);
    params_uuid(&p, &rows[0].id, s);
    params_int2(&p, &rows[0].reason, s);
    params_date(&p, &rows[0].value_on, s);
    params_date(&p, &rows[0].posting_on, s);
    params_one_int8(&p, at.us);
    params_uuid_opt(&p, &rows[0].actor, &rows[0].has_actor, s);
    return tx_send(tx, &p);
}

tagih_err posting_send_allocations(struct tx *tx, struct arena *arena, const struct allocation_row *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_allocation_insert, n);
    params_uuid(&p, &rows[0].payment, s);
    params_int4(&p, &rows[0].version, s);
    params_int4(&p, &rows[0].instalment_no, s);
    params_int8(&p, &rows[0].component_minor[COMPONENT_FEES], s);
    params_int8(&p, &rows[0].component_minor[COMPONENT_PENALTY], s);
    params_int8(&p, &rows[0].component_minor[COMPONENT_INTEREST], s);
    params_int8(&p, &rows[0].component_minor[COMPONENT_PRINCIPAL], s);
    params_int8(&p, &rows[0].credit_minor, s);
    params_int8(&p, &rows[0].debt_minor, s);
    params_uuid(&p, &rows[0].posting, s);
    return tx_send(tx, &p);
}

tagih_err posting_send_postings(struct tx *tx, struct arena *arena, const struct posting_head_row *rows, size_t n, instant at,
                                int64_t writer) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_posting_insert, n);
    params_uuid(&p, &rows[0].id, s);
    params_int2(&p, &rows[0].kind, s);
    params_uuid(&p, &rows[0].trigger, s);
    params_uuid_opt(&p, &rows[0].account, &rows[0].has_account, s);
    params_date(&p, &rows[0].value_on, s);
    params_date(&p, &rows[0].posting_on, s);
    params_one_int8(&p, at.us);
    params_one_int8(&p, writer);
    params_int8(&p, &rows[0].writer_n, s);
    params_hash(&p, &rows[0].digest, s);
    return tx_send(tx, &p);
}

tagih_err posting_send_lines(struct tx *tx, struct arena *arena, const struct line_row *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_ledger_line_insert, n);
    params_uuid(&p, &rows[0].posting, s);
    params_int2(&p, &rows[0].no, s);
    params_int2(&p, &rows[0].account, s);
    params_uuid_opt(&p, &rows[0].owner, &rows[0].has_owner, s);
    params_text(&p, &rows[0].currency, s);
    params_int8(&p, &rows[0].amount_minor, s);
    return tx_send(tx, &p);
}

tagih_err posting_send_bonus(struct tx *tx, struct arena *arena, const struct bonus_row *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    const struct bonus_record *r = &rows[0].record;
    struct params p;
    tx_params(&p, tx, arena, STMT_bonus_line_insert, n);
    params_uuid_opt(&p, &r->payment, &rows[0].has_payment, s);
    params_int2(&p, &rows[0].line_no, s);
    params_uuid(&p, &r->line_id, s);
    params_int2(&p, &rows[0].kind, s);
    params_uuid(&p, &r->collector, s);
    params_uuid_opt(&p, &r->team, &rows[0].has_team, s);
    params_date(&p, &r->month, s);
    params_text(&p, &rows[0].currency, s);
    params_uuid_opt(&p, &r->account, &rows[0].has_account, s);
    params_date(&p, &r->value_on, s);
    params_text(&p, &rows[0].scheme, s);
    params_int4(&p, &r->scheme_version, s);
    params_int8(&p, &r->inputs.base_minor, s);
    params_int8(&p, &rows[0].amount_minor, s);
    params_int2(&p, &rows[0].bucket, s);
    params_int4(&p, &r->result.factors.bucket, s);
    params_int4(&p, &r->result.factors.tier, s);
    params_int4(&p, &r->result.factors.target, s);
    params_int4(&p, &r->result.factors.tag, s);
    params_int2(&p, &rows[0].tag, s);
    params_int8(&p, &r->inputs.mtd_minor, s);
    params_int8_opt(&p, &r->inputs.target_minor, &r->inputs.has_target, s);
    params_int4_opt(&p, &r->inputs.target_version, &r->inputs.has_target, s);
    params_bool(&p, &r->result.capped, s);
    params_bool(&p, &rows[0].on_hold, s);
    params_date_opt(&p, &rows[0].hold_from, &rows[0].has_hold, s);
    params_hash(&p, &r->allocation, s);
    params_int8(&p, &rows[0].chain_n, s);
    params_hash(&p, &r->previous, s);
    params_hash(&p, &rows[0].hash, s);
    params_uuid(&p, &rows[0].posting, s);
    return tx_send(tx, &p);
}

void posting_bonus_taken(struct params *p, const struct tx *tx, struct arena *arena, const struct bonus_taken_row *rows, size_t n) {
    const size_t s = sizeof *rows;
    tx_params(p, tx, arena, STMT_bonus_taken_insert, n);
    params_uuid(p, &rows[0].posting, s);
    params_uuid(p, &rows[0].line, s);
    params_uuid(p, &rows[0].taken.line_id, s);
    params_int8(p, &rows[0].taken.amount_minor, s);
    params_int8(p, &rows[0].taken.base_minor, s);
}

void posting_bonus_shares(struct params *p, const struct tx *tx, struct arena *arena, const struct bonus_share_row *rows, size_t n) {
    const size_t s = sizeof *rows;
    tx_params(p, tx, arena, STMT_bonus_share_insert, n);
    params_uuid(p, &rows[0].payment, s);
    params_uuid(p, &rows[0].share.collector, s);
    params_uuid(p, &rows[0].posting, s);
    params_date(p, &rows[0].month, s);
    params_int4(p, &rows[0].version, s);
    params_int4(p, &rows[0].share.share_bp, s);
    params_int8(p, &rows[0].share.base_minor, s);
}

void posting_account_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct account_fact_row *row) {
    const struct allocation_fact *fact = &row->fact;
    int16_t kind = (int16_t)fact->kind, component = (int16_t)fact->component;
    const size_t s = sizeof *row;
    tx_params(p, tx, arena, STMT_account_fact_insert, 1);
    params_uuid(p, &fact->id, s);
    params_uuid(p, &row->posting, s);
    params_uuid(p, &row->account, s);
    params_int2(p, &kind, s);
    params_int8(p, &fact->amount_minor, s);
    params_text(p, &row->currency, s);
    params_int4(p, &fact->instalment_no, s);
    params_int2(p, &component, s);
    params_int8(p, &fact->value.us, s);
    params_date(p, &fact->value_on, s);
    params_int8(p, &row->received.us, s);
    params_text(p, &row->reason, s);
    params_uuid_opt(p, &row->actor, &row->has_actor, s);
}

void posting_withdrawal(struct params *p, const struct tx *tx, struct arena *arena, const struct withdrawal_row *row) {
    const size_t s = sizeof *row;
    tx_params(p, tx, arena, STMT_account_fact_withdrawal_insert, 1);
    params_uuid(p, &row->fact, s);
    params_uuid(p, &row->posting, s);
    params_int8(p, &row->at.us, s);
    params_text(p, &row->reason, s);
    params_uuid_opt(p, &row->actor, &row->has_actor, s);
}

/* ---- states --------------------------------------------------------------------------------------------------- */

struct account_out {
    account_id id;
    int64_t open_minor[COMPONENT_COUNT], credit_minor, recoverable_minor, debt_allocated_minor, last_us;
    struct day oldest, last, day, month;
    payment_id last_payment;
    int16_t day_bucket, month_bucket;
};

struct line_out {
    account_id account;
    int32_t no;
    int16_t state;
    int64_t open_minor[COMPONENT_COUNT];
};

static int16_t line_state(const struct instalment_open *line) {
    int64_t open = 0;
    for (int c = 0; c < COMPONENT_COUNT; c++) open |= line->open_minor[c];
    return (int16_t)(open == 0 ? INSTALMENT_PAID : instalment_state_of(line));
}

static tagih_err account_out(const struct posting_account *a, struct account_out *out) {
    *out = (struct account_out){.id = a->id, .credit_minor = a->credit_minor, .last_us = a->last_value.us, .last = a->last_on,
                                .debt_allocated_minor = a->debt_allocated_minor, .day = a->day_on, .month = a->month_on,
                                .last_payment = a->last_payment, .day_bucket = a->day_bucket,
                                .month_bucket = a->month_bucket, .recoverable_minor = a->recoverable_minor};
    out->oldest.is = bucket_oldest_due(a->lines, a->n_lines, 0, (civil_date){INT32_MAX}, &out->oldest.on);
    return allocation_balance(a->lines, a->n_lines, out->open_minor);
}

static tagih_err send_accounts(struct tx *tx, struct arena *arena, const struct account_out *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_posting_account_save, n);
    params_uuid(&p, &rows[0].id, s);
    for (int c = 0; c < COMPONENT_COUNT; c++) params_int8(&p, &rows[0].open_minor[c], s);
    params_int8(&p, &rows[0].credit_minor, s);
    params_int8(&p, &rows[0].debt_allocated_minor, s);
    params_date_opt(&p, &rows[0].oldest.on, &rows[0].oldest.is, s);
    params_date_opt(&p, &rows[0].last.on, &rows[0].last.is, s);
    params_int8_opt(&p, &rows[0].last_us, &rows[0].last.is, s);
    params_uuid_opt(&p, &rows[0].last_payment, &rows[0].last.is, s);
    params_date_opt(&p, &rows[0].day.on, &rows[0].day.is, s);
    params_int2_opt(&p, &rows[0].day_bucket, &rows[0].day.is, s);
    params_date_opt(&p, &rows[0].month.on, &rows[0].month.is, s);
    params_int2_opt(&p, &rows[0].month_bucket, &rows[0].month.is, s);
    params_int8(&p, &rows[0].recoverable_minor, s);
    return tx_send(tx, &p);
}

static tagih_err send_instalments(struct tx *tx, struct arena *arena, const struct line_out *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    struct params p;
    tx_params(&p, tx, arena, STMT_posting_instalment_save, n);
    params_uuid(&p, &rows[0].account, sizeof *rows);
    params_int4(&p, &rows[0].no, sizeof *rows);
    params_int2(&p, &rows[0].state, sizeof *rows);
    for (int c = 0; c < COMPONENT_COUNT; c++) params_int8(&p, &rows[0].open_minor[c], sizeof *rows);
    return tx_send(tx, &p);
}

static tagih_err save_accounts(struct tx *tx, struct arena *arena, const struct posting_loaded *l) {
    size_t n = 0, n_lines = 0, lines_max = 0;
    for (size_t i = 0; i < l->n_accounts; i++) lines_max += l->accounts[i].n_lines;
    struct account_out *rows = ARENA_ARRAY(arena, l->n_accounts, struct account_out);
    struct line_out *lines = ARENA_ARRAY(arena, lines_max, struct line_out);
    if (!rows || !lines) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < l->n_accounts; i++) {
        const struct posting_account *a = &l->accounts[i];
        if (!a->dirty) continue;
        TRY(account_out(a, &rows[n++]));
        for (size_t k = 0; k < a->n_lines; k++) {
            if (!a->touched[k]) continue;
            struct line_out *line = &lines[n_lines++];
            *line = (struct line_out){.account = a->id, .no = a->lines[k].no, .state = line_state(&a->lines[k])};
            memcpy(line->open_minor, a->lines[k].open_minor, sizeof line->open_minor);
        }
    }
    TRY(send_accounts(tx, arena, rows, n));
    return send_instalments(tx, arena, lines, n_lines);
}

static tagih_err save_collectors(struct tx *tx, struct arena *arena, const struct posting_loaded *l) {
    struct posting_collector *rows = ARENA_ARRAY(arena, l->n_collectors, struct posting_collector);
    struct bytes *currencies = ARENA_ARRAY(arena, l->n_collectors, struct bytes);
    if (!rows || !currencies) return FAIL(OUT_OF_MEMORY);
    size_t n = 0;
    for (size_t i = 0; i < l->n_collectors; i++) {
        if (!l->collectors[i].dirty) continue;
        currencies[n] = bytes_text(l->collectors[i].currency.code);
        rows[n++] = l->collectors[i];
    }
    if (n == 0) return TAGIH_OK;
    struct params p;
    tx_params(&p, tx, arena, STMT_posting_collector_save, n);
    params_uuid(&p, &rows[0].id, sizeof *rows);
    params_text(&p, currencies, sizeof *currencies);
    params_int8(&p, &rows[0].bonus_n, sizeof *rows);
    params_hash(&p, &rows[0].bonus_head, sizeof *rows);
    params_int8(&p, &rows[0].cash_held_minor, sizeof *rows);
    params_int8(&p, &rows[0].cheques_in_hand_minor, sizeof *rows);
    params_int8(&p, &rows[0].deposit_in_transit_minor, sizeof *rows);
    params_int8(&p, &rows[0].collector_receivable_minor, sizeof *rows);
    params_int8(&p, &rows[0].bonus_payable_minor, sizeof *rows);
    return tx_send(tx, &p);
}

static tagih_err save_months(struct tx *tx, struct arena *arena, const struct posting_loaded *l) {
    struct posting_month *rows = ARENA_ARRAY(arena, l->n_months, struct posting_month);
    struct bytes *currencies = ARENA_ARRAY(arena, l->n_months, struct bytes);
    if (!rows || !currencies) return FAIL(OUT_OF_MEMORY);
    size_t n = 0;
    for (size_t i = 0; i < l->n_months; i++) {
        if (!l->months[i].dirty) continue;
        currencies[n] = bytes_text(l->months[i].currency.code);
        rows[n++] = l->months[i];
    }
    if (n == 0) return TAGIH_OK;
    struct params p;
    tx_params(&p, tx, arena, STMT_posting_month_save, n);
    params_uuid(&p, &rows[0].collector, sizeof *rows);
    params_date(&p, &rows[0].month_on, sizeof *rows);
    params_text(&p, currencies, sizeof *currencies);
    params_int8(&p, &rows[0].mtd_minor, sizeof *rows);
    params_int8(&p, &rows[0].bonus_minor, sizeof *rows);
    return tx_send(tx, &p);
}

tagih_err posting_send_reopened(struct tx *tx, struct arena *arena, const struct posting_loaded *l) {
    struct posting_account *rows = ARENA_ARRAY(arena, l->n_accounts, struct posting_account);
    size_t n = 0;
    if (!rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < l->n_accounts; i++) {
        if (l->accounts[i].reopened) rows[n++] = l->accounts[i];
    }
    if (n == 0) return TAGIH_OK;
    struct params p;
    tx_params(&p, tx, arena, STMT_posting_account_reopen, n);
    params_uuid(&p, &rows[0].id, sizeof *rows);
    params_int2(&p, &rows[0].status, sizeof *rows);
    params_uuid_opt(&p, &rows[0].collector, &rows[0].has_collector, sizeof *rows);
    return tx_send(tx, &p);
}

tagih_err posting_send_states(struct tx *tx, struct arena *arena, const struct posting_loaded *l) {
    TRY(save_accounts(tx, arena, l));
    TRY(save_collectors(tx, arena, l));
    TRY(save_months(tx, arena, l));
    struct params p;
    tx_params(&p, tx, arena, STMT_posting_writer_save, 0);
    params_one_int8(&p, l->writer.id);
    params_one_int8(&p, l->writer.n);
    params_one_bytea(&p, BYTES_OF(&l->writer.head));
    return tx_send(tx, &p);
}
