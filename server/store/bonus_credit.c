/* SPDX-License-Identifier: Apache-2.0 */
/* Who is credited: columns in, columns out. */
#include "store/bonus_credit.h"

#include <stdlib.h>

#include "store_statements.h"

/* ---- lines on hold -------------------------------------------------------------------------------------------- */

tagih_err bonus_credit_send_load(struct tx *tx, struct arena *arena, payment_id payment, user_id collector) {
    struct params p;
    tx_params(&p, tx, arena, STMT_bonus_credit_load, 0);
    params_one_uuid(&p, &payment);
    params_one_uuid(&p, &collector);
    return tx_send(tx, &p);
}

#define COL(name) COL_bonus_credit_load_##name
void bonus_credit_take_load(struct tx *tx, struct bonus_credit_loaded *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *out = (struct bonus_credit_loaded){.found = result_count(&r) == 1};
    if (!out->found) return;
    out->is_held = result_bool(&r, 0, COL(is_held));
    out->is_reversed = result_bool(&r, 0, COL(is_reversed));
    out->is_kept = result_bool(&r, 0, COL(is_kept));
    out->may_earn = result_bool(&r, 0, COL(may_earn));
    out->is_own = result_bool(&r, 0, COL(is_own));
}
#undef COL

void bonus_hold_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct bonus_hold_row *row) {
    tx_params(p, tx, arena, STMT_bonus_hold_decision_insert, 0);
    params_one_uuid(p, &row->payment);
    params_one_uuid(p, &row->posting);
    params_one_bool(p, row->kept);
    params_one_uuid(p, &row->collector);
    params_one_int8(p, row->at.us);
    params_one_uuid(p, &row->made_by);
    params_one_uuid(p, &row->decided_by);
}

tagih_err bonus_held_send(struct tx *tx, struct arena *arena, civil_date after_on, uuid after_line, int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_bonus_held_list, 0);
    params_one_date(&p, after_on);
    params_one_uuid(&p, &after_line);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

#define COL(name) COL_bonus_held_list_##name
tagih_err bonus_held_take(struct tx *tx, struct arena *arena, struct bonus_held **out, size_t *n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct bonus_held);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        (*out)[i] = (struct bonus_held){
            .line_id = result_uuid(&r, i, COL(line_id)), .payment.u = result_uuid(&r, i, COL(payment_id)),
            .account.u = result_uuid(&r, i, COL(account_id)), .collector.u = result_uuid(&r, i, COL(collector_id)),
            .assigned.u = result_uuid_or_nil(&r, i, COL(assigned_id)), .value_on = result_date(&r, i, COL(value_on)),
            .amount_minor = result_int8(&r, i, COL(amount_minor)), .currency = result_currency(&r, i, COL(currency))};
    }
    return TAGIH_OK;
}
#undef COL

/* ---- splits --------------------------------------------------------------------------------------------------- */

tagih_err bonus_split_send_load(struct tx *tx, struct arena *arena, account_id account, const struct bonus_share *shares, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_bonus_split_load, n);
    params_one_uuid(&p, &account);
    params_uuid(&p, &shares[0].collector, sizeof *shares);
    return tx_send(tx, &p);
}

#define COL(name) COL_bonus_split_load_##name
void bonus_split_take_load(struct tx *tx, struct bonus_split_loaded *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *out = (struct bonus_split_loaded){.found = result_count(&r) == 1, .open_from = {INT32_MIN}};
    if (!out->found) return;
    out->version = result_int4_or(&r, 0, COL(version), 0);
    if (!result_is_null(&r, 0, COL(open_from))) out->open_from = result_date(&r, 0, COL(open_from));
    out->may_earn = (size_t)result_int8(&r, 0, COL(may_earn));
}
#undef COL

static void split_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct bonus_split_row *row) {
    tx_params(p, tx, arena, STMT_bonus_split_insert, 0);
    params_one_uuid(p, &row->account);
    params_one_int4(p, row->version);
    params_one_uuid(p, &row->posting);
    params_one_date(p, row->from);
    if (row->has_until) params_one_date(p, row->until);
    else params_one_null(p);
    params_one_int4(p, row->n);
    params_one_int8(p, row->at.us);
    params_one_uuid(p, &row->made_by);
    params_one_uuid(p, &row->approved_by);
    params_one_text(p, row->reason);
}

/* A share with what each of its rows says again. */
struct share_row {
    account_id account;
    int32_t version;
    uuid posting;
    struct bonus_share share;
};

static int by_collector(const void *left, const void *right) {
    return uuid_compare(((const struct share_row *)left)->share.collector.u, ((const struct share_row *)right)->share.collector.u);
}

size_t bonus_split_facts(struct params p[2], const struct tx *tx, struct arena *arena, const struct bonus_split_row *row) {
    split_fact(&p[0], tx, arena, row);
    if (row->n == 0) return 1;
    size_t n = (size_t)row->n;
    struct share_row *rows = ARENA_ARRAY(arena, n, struct share_row);
    if (!rows) return 0;
    for (size_t i = 0; i < n; i++) rows[i] = (struct share_row){row->account, row->version, row->posting, row->shares[i]};
    qsort(rows, n, sizeof *rows, by_collector); /* as they are read back */
    const size_t s = sizeof *rows;
    tx_params(&p[1], tx, arena, STMT_bonus_split_share_insert, n);
    params_uuid(&p[1], &rows[0].account, s);
    params_int4(&p[1], &rows[0].version, s);
    params_uuid(&p[1], &rows[0].share.collector, s);
    params_uuid(&p[1], &rows[0].posting, s);
    params_int4(&p[1], &rows[0].share.share_bp, s);
    return 2;
}

tagih_err bonus_split_send_list(struct tx *tx, struct arena *arena, account_id account) {
    struct params p;
    tx_params(&p, tx, arena, STMT_bonus_split_list, 0);
    params_one_uuid(&p, &account);
    return tx_send(tx, &p);
}

#define COL(name) COL_bonus_split_list_##name
tagih_err bonus_split_take_list(struct tx *tx, struct arena *arena, struct bonus_split_read **out, size_t *n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(arena, *n + 1, struct bonus_split_read);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        bool until = !result_is_null(&r, i, COL(valid_until_on)), share = !result_is_null(&r, i, COL(collector_id));
        (*out)[i] = (struct bonus_split_read){
            .row = {.version = result_int4(&r, i, COL(version)), .from = result_date(&r, i, COL(valid_from_on)), .has_until = until,
                    .at.us = result_int8(&r, i, COL(at_us)), .made_by.u = result_uuid(&r, i, COL(made_by)),
                    .approved_by.u = result_uuid(&r, i, COL(approved_by)), .reason = arena_copy(arena, result_text(&r, i, COL(reason)))},
            .has_share = share,
            .share = {.collector.u = result_uuid_or_nil(&r, i, COL(collector_id)), .share_bp = result_int4_or(&r, i, COL(share_bp), 0)}};
        if (until) (*out)[i].row.until = result_date(&r, i, COL(valid_until_on));
    }
    return TAGIH_OK;
}
#undef COL

/* ---- own accounts --------------------------------------------------------------------------------------------- */

tagih_err own_customer_send_load(struct tx *tx, struct arena *arena, user_id user, struct bytes customer_no) {
    struct params p;
    tx_params(&p, tx, arena, STMT_own_customer_lock, 0);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, arena, STMT_own_customer_load, 0);
    params_one_uuid(&p, &user);
    params_one_text(&p, customer_no);
    return tx_send(tx, &p);
}

#define COL(name) COL_own_customer_load_##name
bool own_customer_take_load(struct tx *tx, struct own_customer_row *out) {
    DEFER(result) struct result locked = {0}, r = {0};
    tx_take(tx, &locked);
    tx_take(tx, &r);
    if (result_count(&r) != 1 || !result_bool(&r, 0, COL(is_staff))) return false;
    out->customer.u = result_uuid(&r, 0, COL(customer_id));
    out->n = result_int4_or(&r, 0, COL(n), 0);
    out->is_own = result_bool(&r, 0, COL(is_own));
    return true;
}
#undef COL

void own_customer_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct own_customer_row *row) {
    tx_params(p, tx, arena, STMT_own_customer_insert, 0);
    params_one_uuid(p, &row->user);
    params_one_uuid(p, &row->customer);
    params_one_int4(p, row->n);
    params_one_uuid(p, &row->posting);
    params_one_bool(p, row->is_own);
    params_one_int8(p, row->at.us);
    params_one_uuid(p, &row->actor);
    params_one_text(p, row->reason);
}
