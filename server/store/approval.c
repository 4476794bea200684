/* SPDX-License-Identifier: Apache-2.0 */
/* Proposals and decisions: columns in, columns out. */
#include "store/approval.h"

#include "store_statements.h"

tagih_err proposal_send_open(struct tx *tx, struct arena *arena, int16_t kind, uuid subject, instant now) {
    struct params p;
    tx_params(&p, tx, arena, STMT_proposal_subject_lock, 0);
    params_one_int2(&p, kind);
    params_one_uuid(&p, &subject);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, arena, STMT_proposal_open_find, 0);
    params_one_int2(&p, kind);
    params_one_uuid(&p, &subject);
    params_one_int8(&p, now.us);
    return tx_send(tx, &p);
}

bool proposal_take_open(struct tx *tx) {
    DEFER(result) struct result lock = {0}, found = {0};
    tx_take(tx, &lock);
    tx_take(tx, &found);
    return result_count(&found) > 0;
}

/* ---- facts ---------------------------------------------------------------------------------------------------- */

void proposal_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct proposal_row *row) {
    tx_params(p, tx, arena, STMT_proposal_insert, 1);
    params_uuid(p, &row->id, sizeof *row);
    params_uuid(p, &row->posting, sizeof *row);
    params_int2(p, &row->kind, sizeof *row);
    params_uuid(p, &row->subject, sizeof *row);
    params_uuid_opt(p, &row->account, &row->has_account, sizeof *row);
    params_int8_opt(p, &row->amount_minor, &row->has_amount, sizeof *row);
    params_text_opt(p, &row->currency, &row->has_amount, sizeof *row);
    params_bytea(p, &row->request, sizeof *row);
    params_text(p, &row->reason, sizeof *row);
    params_uuid(p, &row->made_by, sizeof *row);
    params_int8(p, &row->made_us, sizeof *row);
    params_int8(p, &row->expires_us, sizeof *row);
}

void decision_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct decision_row *row) {
    tx_params(p, tx, arena, STMT_proposal_decision_insert, 1);
    params_uuid(p, &row->proposal, sizeof *row);
    params_uuid(p, &row->posting, sizeof *row);
    params_int2(p, &row->verdict, sizeof *row);
    params_uuid(p, &row->decided_by, sizeof *row);
    params_int8(p, &row->decided_us, sizeof *row);
    params_text(p, &row->reason, sizeof *row);
}

/* ---- state ---------------------------------------------------------------------------------------------------- */

tagih_err proposal_send_state(struct tx *tx, struct arena *arena, const struct proposal_row *row) {
    struct params p;
    tx_params(&p, tx, arena, STMT_proposal_state_insert, 0);
    params_one_uuid(&p, &row->id);
    params_one_int2(&p, row->kind);
    params_one_uuid(&p, &row->subject);
    params_one_int8(&p, row->made_us);
    params_one_int8(&p, row->expires_us);
    return tx_send(tx, &p);
}

tagih_err proposal_send_decided(struct tx *tx, struct arena *arena, uuid proposal, enum proposal_state state) {
    struct params p;
    tx_params(&p, tx, arena, STMT_proposal_state_decide, 0);
    params_one_uuid(&p, &proposal);
    params_one_int2(&p, (int16_t)state);
    return tx_send(tx, &p);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

tagih_err proposal_send_lock(struct tx *tx, struct arena *arena, uuid proposal) {
    return tx_send_id(tx, arena, STMT_proposal_lock, proposal);
}

tagih_err proposal_send_get(struct tx *tx, struct arena *arena, uuid proposal) {
    return tx_send_id(tx, arena, STMT_proposal_get, proposal);
}

tagih_err proposal_send_list(struct tx *tx, struct arena *arena, const struct proposal_filter *filter) {
    struct params p;
    tx_params(&p, tx, arena, STMT_proposal_list, 0);
    params_one_int2(&p, filter->state);
    params_one_int2(&p, filter->kind_min);
    params_one_int2(&p, filter->kind_max);
    params_one_int8(&p, filter->expires_after_us);
    params_one_int8(&p, filter->expires_until_us);
    params_one_int8(&p, filter->after_us);
    params_one_uuid(&p, &filter->after);
    params_one_int4(&p, filter->limit);
    return tx_send(tx, &p);
}

#define COL(name) COL_proposal_get_##name
/* proposal_get and proposal_list have the same columns. */
void proposal_read_row(const struct result *r, size_t i, struct proposal_read *out) {
    bool has_amount = !result_is_null(r, i, COL(amount_minor));
    *out = (struct proposal_read){
        .row = {.id = result_uuid(r, i, COL(proposal_id)), .kind = result_int2(r, i, COL(kind)),
                .subject = result_uuid(r, i, COL(subject_id)), .has_account = !result_is_null(r, i, COL(account_id)),
                .account.u = result_uuid_or_nil(r, i, COL(account_id)), .has_amount = has_amount,
                .amount_minor = result_int8_or(r, i, COL(amount_minor), 0),
                .currency = has_amount ? result_text(r, i, COL(currency)) : bytes_text(""),
                .request = result_bytes(r, i, COL(request)), .reason = result_text(r, i, COL(reason)),
                .made_by.u = result_uuid(r, i, COL(made_by)), .made_us = result_int8(r, i, COL(made_us)),
                .expires_us = result_int8(r, i, COL(expires_us))},
        .state = result_int2(r, i, COL(state)), .decided = !result_is_null(r, i, COL(decided_us))};
    if (!out->decided) return;
    out->decision = (struct decision_row){.proposal = out->row.id, .posting = result_uuid(r, i, COL(posting_id)),
                                          .verdict = out->state, .decided_by.u = result_uuid(r, i, COL(decided_by)),
                                          .decided_us = result_int8(r, i, COL(decided_us)),
                                          .reason = result_text(r, i, COL(decided_reason))};
}
