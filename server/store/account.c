/* SPDX-License-Identifier: Apache-2.0 */
/* Accounts: columns in, columns out. */
#include "store/account.h"

#include <stdlib.h>
#include <string.h>

#include "store_statements.h"

static int by_event(const void *left, const void *right) {
    return uuid_compare(((const struct account_event_row *)left)->event, ((const struct account_event_row *)right)->event);
}

void account_event_params(struct params *p, const struct tx *tx, struct arena *arena, const struct account_event_row *rows,
                          size_t n, const user_id *actor, instant at) {
    const size_t s = sizeof *rows;
    struct account_event_row *sorted = ARENA_ARRAY(arena, n, struct account_event_row);
    tx_params(p, tx, arena, STMT_account_event_insert, n);
    if (!sorted) {
        p->exhausted = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        sorted[i] = rows[i];
        if (!rows[i].has_at) sorted[i].at_us = at.us;
    }
    qsort(sorted, n, s, by_event);
    params_uuid(p, &sorted[0].event, s);
    params_uuid(p, &sorted[0].account, s);
    params_int8(p, &sorted[0].at_us, s);
    params_text(p, &sorted[0].kind, s);
    if (actor) params_one_uuid(p, actor);
    else params_one_null(p);
    params_text(p, &sorted[0].reason, s);
    params_uuid_opt(p, &sorted[0].collector_before, &sorted[0].has_before, s);
    params_uuid_opt(p, &sorted[0].collector_after, &sorted[0].has_after, s);
    params_int2_opt(p, &sorted[0].status_before, &sorted[0].has_status_before, s);
    params_int2(p, &sorted[0].status_after, s);
    params_one_int8(p, at.us);
    params_date_opt(p, &sorted[0].hold_from_on, &sorted[0].has_hold, s);
    params_date_opt(p, &sorted[0].until_before_on, &sorted[0].has_until_before, s);
    params_date_opt(p, &sorted[0].until_after_on, &sorted[0].has_until_after, s);
    params_int2(p, &sorted[0].promise_days, s);
    params_uuid_opt(p, &sorted[0].object, &sorted[0].has_object, s);
    params_uuid_opt(p, &sorted[0].posting, &sorted[0].has_posting, s);
}

tagih_err account_send_events(struct tx *tx, struct arena *arena, const struct account_event_row *rows, size_t n,
                              const user_id *actor, instant at) {
    if (n == 0) return TAGIH_OK;
    struct params p;
    account_event_params(&p, tx, arena, rows, n, actor, at);
    return tx_send(tx, &p);
}

tagih_err account_send_assign(struct tx *tx, struct arena *arena, const struct account_assignment *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    struct params p;
    params_init(&p, arena, STMT_account_assign, n);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, &rows[0].account, sizeof *rows);
    params_uuid(&p, &rows[0].collector, sizeof *rows);
    return tx_send(tx, &p);
}

tagih_err account_send_get(struct tx *tx, struct arena *arena, const account_id *id, struct bytes number, instant now) {
    struct params p;
    params_init(&p, arena, STMT_account_get, 0);
    params_one_uuid(&p, &tx->options->agency);
    if (id) params_one_uuid(&p, id);
    else params_one_null(&p);
    params_one_text(&p, number);
    params_one_int8(&p, now.us);
    return tx_send(tx, &p);
}

tagih_err account_send_list(struct tx *tx, struct arena *arena, const user_id *collector, account_id after, int32_t limit,
                            instant now) {
    struct params p;
    params_init(&p, arena, collector ? STMT_account_list_of : STMT_account_list, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_uuid(&p, &after);
    params_one_int4(&p, limit);
    params_one_int8(&p, now.us);
    if (collector) params_one_uuid(&p, collector);
    return tx_send(tx, &p);
}

/* account_get, account_list and account_list_of have the same columns. */
#define COL(name) COL_account_get_##name

void account_read_rules(const struct result *r, size_t i, int name, int version, int since_on, struct account_read *out) {
    if (result_is_null(r, i, name)) return;
    out->rule_set = result_text(r, i, name);
    out->rule_set_version = result_int4(r, i, version);
    out->rule_set_since_on = result_date(r, i, since_on);
}

void account_read_row(const struct result *r, size_t i, struct account_read *out) {
    *out = (struct account_read){
        .id.u = result_uuid(r, i, COL(account_id)), .account_no = result_text(r, i, COL(account_no)),
        .customer_no = result_text(r, i, COL(customer_no)), .product = result_text(r, i, COL(product)),
        .currency = result_text(r, i, COL(currency)), .plate = result_text(r, i, COL(plate)),
        .district = result_text(r, i, COL(district)), .status = result_int2(r, i, COL(status)),
        .has_hold = !result_is_null(r, i, COL(hold_until_on)), .has_collector = !result_is_null(r, i, COL(collector_id)),
        .today = result_date(r, i, COL(today_on)), .collector.u = result_uuid_or_nil(r, i, COL(collector_id)),
        .open_minor = {[COMPONENT_FEES] = result_int8(r, i, COL(fees_minor)),
                       [COMPONENT_PENALTY] = result_int8(r, i, COL(penalty_minor)),
                       [COMPONENT_INTEREST] = result_int8(r, i, COL(interest_minor)),
                       [COMPONENT_PRINCIPAL] = result_int8(r, i, COL(principal_minor))},
        .credit_minor = result_int8(r, i, COL(credit_minor)), .no_schedule = result_bool(r, i, COL(no_schedule)),
        .lat_e7 = result_int4(r, i, COL(lat_e7)), .lon_e7 = result_int4(r, i, COL(lon_e7)),
        .version = result_int4(r, i, COL(version))};
    if (out->has_hold) out->hold_until_on = result_date(r, i, COL(hold_until_on));
    out->has_silence = !result_is_null(r, i, COL(silent_until_on));
    if (out->has_silence) out->silent_until_on = result_date(r, i, COL(silent_until_on));
    account_read_rules(r, i, COL(rule_set), COL(rule_set_version), COL(rule_set_since_on), out);
}

#undef COL
#define COL(name) COL_account_dues_##name

tagih_err account_send_dues(struct tx *tx, struct arena *arena, const account_id *ids, size_t n) {
    struct params p;
    params_init(&p, arena, STMT_account_dues, n);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, ids, sizeof *ids);
    return tx_send(tx, &p);
}

void account_read_due(const struct result *r, size_t i, account_id *account, struct instalment_open *out) {
    account->u = result_uuid(r, i, COL(account_id));
    *out = (struct instalment_open){
        .no = result_int4(r, i, COL(instalment_no)), .due_on = result_date(r, i, COL(due_on)),
        .open_minor = {[COMPONENT_FEES] = result_int8(r, i, COL(fees_minor)),
                       [COMPONENT_PENALTY] = result_int8(r, i, COL(penalty_minor)),
                       [COMPONENT_INTEREST] = result_int8(r, i, COL(interest_minor)),
                       [COMPONENT_PRINCIPAL] = result_int8(r, i, COL(principal_minor))}};
    memcpy(out->owed_minor, out->open_minor, sizeof out->owed_minor);
}

tagih_err account_send_owner(struct tx *tx, struct arena *arena, account_id account) {
    return tx_send_id(tx, arena, STMT_account_owner, account.u);
}

void account_take_owner(struct tx *tx, struct account_owner *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *out = (struct account_owner){.found = result_count(&r) == 1};
    if (!out->found || result_is_null(&r, 0, COL_account_owner_collector_id)) return;
    out->has_collector = true;
    out->collector.u = result_uuid(&r, 0, COL_account_owner_collector_id);
}
