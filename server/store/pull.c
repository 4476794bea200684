/* SPDX-License-Identifier: Apache-2.0 */
/* Pull's statements. The two that answer rows have the same columns in the same order; the compiler checks that below. */
#include "store/pull.h"

#include <assert.h>

#include "store_statements.h"

#define COL(column) COL_pull_changes_##column

static_assert((int)COL_pull_whole_flags == (int)COL_pull_changes_flags, "one reader for both statements");
static_assert((int)COL_pull_whole_account_id == (int)COL_pull_changes_account_id, "one reader for both statements");

tagih_err pull_send_whole(struct tx *tx, struct arena *arena, const struct pull_ask *asks, size_t n, instant now) {
    struct params p;
    params_init(&p, arena, STMT_pull_whole, n);
    params_one_uuid(&p, &tx->options->agency);
    params_int4(&p, &asks[0].row, sizeof *asks);
    params_uuid(&p, &asks[0].collector, sizeof *asks);
    params_uuid(&p, &asks[0].after, sizeof *asks);
    params_int4(&p, &asks[0].limit, sizeof *asks);
    params_one_int8(&p, now.us);
    return tx_send(tx, &p);
}

tagih_err pull_send_changes(struct tx *tx, struct arena *arena, const struct pull_ask *asks, size_t n, instant now) {
    struct params p;
    params_init(&p, arena, STMT_pull_changes, n);
    params_one_uuid(&p, &tx->options->agency);
    params_int4(&p, &asks[0].row, sizeof *asks);
    params_uuid(&p, &asks[0].collector, sizeof *asks);
    params_int8(&p, &asks[0].place.xid, sizeof *asks);
    params_int8(&p, &asks[0].place.n, sizeof *asks);
    params_int4(&p, &asks[0].limit, sizeof *asks);
    params_one_int8(&p, now.us);
    return tx_send(tx, &p);
}

static int16_t int2_or(const struct result *r, size_t row, int col, int16_t otherwise) {
    return result_is_null(r, row, col) ? otherwise : result_int2(r, row, col);
}

static void visit_read_row(const struct result *r, size_t i, struct visit_read *out) {
    *out = (struct visit_read){
        .id.u = result_uuid(r, i, COL(visit_id)), .account.u = result_uuid(r, i, COL(visit_account)),
        .collector.u = result_uuid(r, i, COL(visit_collector)), .planned_on = result_date(r, i, COL(planned_on)),
        .purpose = result_int2(r, i, COL(purpose)), .policy = result_int2(r, i, COL(policy)),
        .state = result_int2(r, i, COL(state)), .version = result_int4(r, i, COL(visit_version)),
        .lat_e7 = result_int4(r, i, COL(visit_lat_e7)), .lon_e7 = result_int4(r, i, COL(visit_lon_e7)),
        .radius_mm = result_int4(r, i, COL(radius_mm)), .lease_until_us = result_int8(r, i, COL(lease_until_us)),
        .presence = int2_or(r, i, COL(presence), PRESENCE_UNKNOWN), .outcome = int2_or(r, i, COL(outcome), 0),
        .outcome_list = int2_or(r, i, COL(outcome_list), 0)};
}

static void account_fill(const struct result *r, size_t i, struct account_read *out) {
    *out = (struct account_read){
        .id.u = result_uuid(r, i, COL(account_id)), .account_no = result_text(r, i, COL(account_no)),
        .customer_no = result_text(r, i, COL(customer_no)), .product = result_text(r, i, COL(product)),
        .currency = result_text(r, i, COL(currency)), .plate = result_text(r, i, COL(plate)),
        .district = result_text(r, i, COL(district)), .status = result_int2(r, i, COL(status)),
        .has_hold = !result_is_null(r, i, COL(hold_until_on)), .today = result_date(r, i, COL(today_on)),
        .has_collector = !result_is_null(r, i, COL(account_collector)),
        .collector.u = result_uuid_or_nil(r, i, COL(account_collector)),
        .credit_minor = result_int8(r, i, COL(credit_minor)), .no_schedule = result_bool(r, i, COL(no_schedule)),
        .lat_e7 = result_int4(r, i, COL(account_lat_e7)), .lon_e7 = result_int4(r, i, COL(account_lon_e7)),
        .version = result_int4(r, i, COL(account_version))};
    if (out->has_hold) out->hold_until_on = result_date(r, i, COL(hold_until_on));
    out->has_silence = !result_is_null(r, i, COL(silent_until_on));
    if (out->has_silence) out->silent_until_on = result_date(r, i, COL(silent_until_on));
    account_read_rules(r, i, COL(rule_set), COL(rule_set_version), COL(rule_set_since_on), out);
    out->open_minor[COMPONENT_FEES] = result_int8(r, i, COL(fees_minor));
    out->open_minor[COMPONENT_PENALTY] = result_int8(r, i, COL(penalty_minor));
    out->open_minor[COMPONENT_INTEREST] = result_int8(r, i, COL(interest_minor));
    out->open_minor[COMPONENT_PRINCIPAL] = result_int8(r, i, COL(principal_minor));
}

void pull_read(const struct result *r, size_t i, struct pull_row *out) {
    *out = (struct pull_row){
        .row = result_int4(r, i, COL(row)), .place.xid = result_int8_or(r, i, COL(xid), 0),
        .place.n = result_int8_or(r, i, COL(n), 0), .kind = int2_or(r, i, COL(kind), 0),
        .object = result_uuid_or_nil(r, i, COL(object_id)), .has_visit = !result_is_null(r, i, COL(visit_id)),
        .has_account = !result_is_null(r, i, COL(account_id)), .has_fate = !result_is_null(r, i, COL(entry_hash)),
        .mine = result_bool_or(r, i, COL(mine), false), .has_due = !result_is_null(r, i, COL(oldest_due_on))};
    if (out->has_visit) visit_read_row(r, i, &out->visit);
    if (out->has_account) account_fill(r, i, &out->account);
    if (out->has_due) out->oldest_due_on = result_date(r, i, COL(oldest_due_on));
    if (!out->has_fate) return;
    out->entry_hash = result_bytes(r, i, COL(entry_hash));
    out->fate = result_int2(r, i, COL(fate));
    out->flags = result_int8(r, i, COL(flags));
}
