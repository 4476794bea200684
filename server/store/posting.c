/* SPDX-License-Identifier: Apache-2.0 */
/* Posting: what is locked and loaded, in the one lock order: account → collector → writer. */
#include "store/posting.h"

#include <string.h>

#include "store/rule_set.h"
#include "store_statements.h"

/* ---- lock and load -------------------------------------------------------------------------------------------- */

struct asked {
    account_id *accounts;
    payment_id *reverses;
    user_id *collectors;
    struct bytes *currencies; /* of the collectors */
    account_id *paid;         /* accounts whose collectors of an instant may be asked for: by their split, */
    bool *assigned;           /* or to whom they were assigned */
    int64_t *paid_us;
    struct bytes *paid_currencies;
    size_t n_accounts, n_reverses, n_collectors, n_paid;
};

static void ask_collector(struct asked *asked, user_id id, const currency *in) {
    if (uuid_is_nil(id.u)) return;
    asked->currencies[asked->n_collectors] = bytes_text(in->code);
    asked->collectors[asked->n_collectors++] = id;
}

static tagih_err asked_split(struct arena *arena, const struct posting_key *keys, size_t n, struct asked *out) {
    *out = (struct asked){.accounts = ARENA_ARRAY(arena, n, account_id), .reverses = ARENA_ARRAY(arena, n, payment_id),
                          .collectors = ARENA_ARRAY(arena, 2 * n, user_id), .currencies = ARENA_ARRAY(arena, 2 * n, struct bytes),
                          .paid = ARENA_ARRAY(arena, n, account_id), .assigned = ARENA_ARRAY(arena, n, bool),
                          .paid_us = ARENA_ARRAY(arena, n, int64_t), .paid_currencies = ARENA_ARRAY(arena, n, struct bytes)};
    if (!out->accounts || !out->reverses || !out->collectors || !out->currencies || !out->paid || !out->assigned || !out->paid_us ||
        !out->paid_currencies) {
        return FAIL(OUT_OF_MEMORY);
    }
    for (size_t i = 0; i < n; i++) {
        if (!uuid_is_nil(keys[i].account.u)) out->accounts[out->n_accounts++] = keys[i].account;
        if (!uuid_is_nil(keys[i].reverses.u)) out->reverses[out->n_reverses++] = keys[i].reverses;
        if (keys[i].is_payment) {
            out->paid_currencies[out->n_paid] = bytes_text(keys[i].currency.code);
            out->paid_us[out->n_paid] = keys[i].value.us;
            out->assigned[out->n_paid] = keys[i].assigned;
            out->paid[out->n_paid++] = keys[i].account;
        }
        ask_collector(out, keys[i].collector, &keys[i].currency);
        ask_collector(out, keys[i].other, &keys[i].currency);
    }
    return TAGIH_OK;
}

/* A statement whose parameters are agency, ids, payments to reverse: two arrays of different length, so each has its
 * own params_init length; the second is given by hand. */
static tagih_err send_pair(struct tx *tx, struct arena *arena, const struct statement *statement, const void *ids,
                           size_t n_ids, const payment_id *reverses, size_t n_reverses) {
    struct params p;
    params_init(&p, arena, statement, n_ids);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, (const uuid *)ids, sizeof(uuid));
    p.n_rows = n_reverses;
    params_uuid(&p, reverses, sizeof *reverses);
    return tx_send(tx, &p);
}

static tagih_err send_collectors(struct tx *tx, struct arena *arena, const struct asked *asked) {
    struct params p;
    params_init(&p, arena, STMT_posting_collector_ensure, asked->n_collectors);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, asked->collectors, sizeof *asked->collectors);
    params_text(&p, asked->currencies, sizeof *asked->currencies);
    p.n_rows = asked->n_paid;
    params_uuid(&p, asked->paid, sizeof *asked->paid);
    params_int8(&p, asked->paid_us, sizeof *asked->paid_us);
    params_text(&p, asked->paid_currencies, sizeof *asked->paid_currencies);
    params_bool(&p, asked->assigned, sizeof *asked->assigned);
    TRY(tx_send(tx, &p));
    params_init(&p, arena, STMT_posting_collector_lock, asked->n_collectors);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, asked->collectors, sizeof *asked->collectors);
    p.n_rows = asked->n_reverses;
    params_uuid(&p, asked->reverses, sizeof *asked->reverses);
    p.n_rows = asked->n_paid;
    params_uuid(&p, asked->paid, sizeof *asked->paid);
    params_int8(&p, asked->paid_us, sizeof *asked->paid_us);
    params_bool(&p, asked->assigned, sizeof *asked->assigned);
    return tx_send(tx, &p);
}

static bool any_reversal(const struct posting_key *keys, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!uuid_is_nil(keys[i].reverses.u)) return true;
    }
    return false;
}

static tagih_err send_reversed(struct tx *tx, struct arena *arena, const struct posting_key *keys, size_t n) {
    const struct statement *const statements[] = {STMT_posting_payment_load, STMT_posting_bonus_load};
    for (size_t i = 0; i < 2; i++) {
        struct params p;
        params_init(&p, arena, statements[i], n);
        params_one_uuid(&p, &tx->options->agency);
        params_uuid(&p, &keys[0].reverses, sizeof *keys);
        TRY(tx_send(tx, &p));
    }
    return TAGIH_OK;
}

static tagih_err send_per_key(struct tx *tx, struct arena *arena, const struct posting_key *keys, size_t n, instant now) {
    const size_t s = sizeof *keys;
    struct bytes *currencies = ARENA_ARRAY(arena, n, struct bytes);
    int64_t *times = ARENA_ARRAY(arena, n + 1, int64_t);
    if (!currencies || !times) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        currencies[i] = bytes_text(keys[i].currency.code);
        times[i] = keys[i].value.us;
    }
    times[n] = now.us;
    size_t n_reverses = any_reversal(keys, n) ? n : 0; /* rows count places, so all or none are asked for */
    struct params p;
    params_init(&p, arena, STMT_posting_same_day, n);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, &keys[0].account, s);
    params_int8(&p, &keys[0].value.us, s);
    TRY(tx_send(tx, &p));
    params_init(&p, arena, STMT_posting_holder, n);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, &keys[0].account, s);
    params_uuid(&p, &keys[0].collector, s);
    params_int8(&p, &keys[0].value.us, s);
    params_bool(&p, &keys[0].assigned, s);
    TRY(tx_send(tx, &p));
    params_init(&p, arena, STMT_posting_split_load, n);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, &keys[0].account, s);
    params_int8(&p, &keys[0].value.us, s);
    params_bool(&p, &keys[0].is_payment, s);
    TRY(tx_send(tx, &p));
    params_init(&p, arena, STMT_posting_month_load, n);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, &keys[0].collector, s);
    params_int8(&p, &keys[0].value.us, s);
    params_text(&p, currencies, sizeof *currencies);
    params_uuid(&p, &keys[0].account, s);
    params_bool(&p, &keys[0].assigned, s);
    p.n_rows = n_reverses;
    params_uuid(&p, &keys[0].reverses, s);
    params_one_int8(&p, now.us);
    p.n_rows = n;
    params_bool(&p, &keys[0].is_payment, s);
    TRY(tx_send(tx, &p));
    TRY(send_reversed(tx, arena, keys, n_reverses));
    params_init(&p, arena, STMT_agency_dates, n + 1);
    params_one_uuid(&p, &tx->options->agency);
    params_int8(&p, times, sizeof *times);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, arena, STMT_posting_open_from, 0);
    return tx_send(tx, &p);
}

tagih_err posting_send_lock(struct tx *tx, struct arena *arena, const struct posting_key *keys, size_t n) {
    struct asked asked;
    TRY(asked_split(arena, keys, n, &asked));
    struct params p;
    tx_params(&p, tx, arena, STMT_posting_close_lock, 0);
    TRY(tx_send(tx, &p));
    return send_pair(tx, arena, STMT_posting_account_lock, asked.accounts, asked.n_accounts, asked.reverses,
                     asked.n_reverses);
}

tagih_err posting_send_load(struct tx *tx, struct arena *arena, const struct posting_key *keys, size_t n, int64_t writer,
                            instant now) {
    struct asked asked;
    TRY(asked_split(arena, keys, n, &asked));
    TRY(send_collectors(tx, arena, &asked));
    struct params p;
    params_init(&p, arena, STMT_posting_writer_lock, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_int8(&p, writer);
    TRY(tx_send(tx, &p));
    TRY(send_pair(tx, arena, STMT_posting_account_load, asked.accounts, asked.n_accounts, asked.reverses, asked.n_reverses));
    TRY(send_pair(tx, arena, STMT_posting_instalment_load, asked.accounts, asked.n_accounts, asked.reverses,
                  asked.n_reverses));
    TRY(rule_changes_send(tx, arena, asked.accounts, asked.n_accounts, asked.reverses, asked.n_reverses));
    return send_per_key(tx, arena, keys, n, now);
}

/* ---- take ----------------------------------------------------------------------------------------------------- */

static struct day day_of(const struct result *r, size_t row, int col) {
    struct day day = {.is = !result_is_null(r, row, col)};
    if (day.is) day.on = result_date(r, row, col);
    return day;
}

static hash256 hash_or_zero(const struct result *r, size_t row, int col) {
    return result_bytes(r, row, col).len == sizeof(hash256) ? result_hash(r, row, col) : (hash256){{0}};
}

#define COL(name) COL_posting_collector_lock_##name
static tagih_err take_collectors(struct tx *tx, struct arena *arena, struct posting_loaded *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    out->n_collectors = result_count(&r);
    out->collectors = ARENA_ARRAY(arena, out->n_collectors, struct posting_collector);
    if (!out->collectors) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < out->n_collectors; i++) {
        out->collectors[i] = (struct posting_collector){
            .id.u = result_uuid(&r, i, COL(collector_id)), .currency = result_currency(&r, i, COL(currency)),
            .bonus_n = result_int8(&r, i, COL(bonus_n)), .bonus_head = hash_or_zero(&r, i, COL(bonus_head)),
            .cash_held_minor = result_int8(&r, i, COL(cash_held_minor)),
            .cheques_in_hand_minor = result_int8(&r, i, COL(cheques_in_hand_minor)),
            .deposit_in_transit_minor = result_int8(&r, i, COL(deposit_in_transit_minor)),
            .has_limits = !result_is_null(&r, i, COL(hard_minor)),
            .limits = {.hard_minor = result_int8_or(&r, i, COL(hard_minor), 0),
                       .receipt_minor = result_int8_or(&r, i, COL(receipt_minor), 0)},
            .collector_receivable_minor = result_int8(&r, i, COL(collector_receivable_minor)),
            .bonus_payable_minor = result_int8(&r, i, COL(bonus_payable_minor))};
    }
    return TAGIH_OK;
}

#undef COL
#define COL(name) COL_posting_account_load_##name
static void read_account(const struct result *r, size_t i, struct posting_account *out) {
    *out = (struct posting_account){
        .id.u = result_uuid(r, i, COL(account_id)),
        .customer.u = result_uuid(r, i, COL(customer_id)),
        .currency = result_currency(r, i, COL(currency)),
        .status = result_int2(r, i, COL(status)),
        .hold_from = day_of(r, i, COL(hold_from_on)),
        .last_on = day_of(r, i, COL(last_value_on)),
        .day_on = day_of(r, i, COL(day_on)),
        .month_on = day_of(r, i, COL(month_on)),
        .snapshot_on = day_of(r, i, COL(snapshot_on)),
        .has_collector = !result_is_null(r, i, COL(collector_id)),
        .collector.u = result_uuid_or_nil(r, i, COL(collector_id)),
        .credit_minor = result_int8(r, i, COL(credit_minor)),
        .recoverable_minor = result_int8(r, i, COL(recoverable_minor)),
        .has_offer = !result_is_null(r, i, COL(offer_id)),
        .debt_allocated_minor = result_int8(r, i, COL(debt_allocated_minor)),
        .last_value.us = result_int8_or(r, i, COL(last_value_us), 0),
        .snapshot.us = result_int8(r, i, COL(snapshot_us)),
        .last_payment.u = result_uuid_or_nil(r, i, COL(last_payment_id)),
        .has_closed = !result_is_null(r, i, COL(closed_us)),
        .closed.us = result_int8_or(r, i, COL(closed_us), 0),
        .former_status = (int16_t)(result_is_null(r, i, COL(former_status)) ? 0 : result_int2(r, i, COL(former_status))),
        .has_former_collector = !result_is_null(r, i, COL(former_collector)),
        .former_collector.u = result_uuid_or_nil(r, i, COL(former_collector)),
        .hold_until = day_of(r, i, COL(hold_until_on)),
        .hold_promise_days = result_int2(r, i, COL(hold_promise_days))};
    if (out->day_on.is) out->day_bucket = result_int2(r, i, COL(day_bucket));
    if (out->month_on.is) out->month_bucket = result_int2(r, i, COL(month_bucket));
}

static tagih_err take_accounts(struct tx *tx, struct arena *arena, struct posting_loaded *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    out->n_accounts = result_count(&r);
    out->accounts = ARENA_ARRAY(arena, out->n_accounts, struct posting_account);
    if (!out->accounts) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < out->n_accounts; i++) read_account(&r, i, &out->accounts[i]);
    return TAGIH_OK;
}

#undef COL
#define COL(name) COL_posting_instalment_load_##name
static struct instalment_open read_line(const struct result *r, size_t i) {
    static const int columns[COMPONENT_COUNT] = {[COMPONENT_FEES] = COL(fees_minor), [COMPONENT_PENALTY] = COL(penalty_minor),
                                                 [COMPONENT_INTEREST] = COL(interest_minor),
                                                 [COMPONENT_PRINCIPAL] = COL(principal_minor)};
    struct instalment_open line = {.no = result_int4(r, i, COL(instalment_no)), .due_on = result_date(r, i, COL(due_on))};
    for (int c = 0; c < COMPONENT_COUNT; c++) line.open_minor[c] = line.owed_minor[c] = result_int8(r, i, columns[c]);
    return line;
}

/* Both results are in account order. */
static tagih_err take_instalments(struct tx *tx, struct arena *arena, struct posting_loaded *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    size_t n = result_count(&r), at = 0;
    struct instalment_open *lines = ARENA_ARRAY(arena, n, struct instalment_open);
    bool *touched = ARENA_ARRAY(arena, n, bool);
    if (!lines || !touched) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) lines[i] = read_line(&r, i);
    for (size_t a = 0; a < out->n_accounts; a++) {
        struct posting_account *account = &out->accounts[a];
        account->lines = lines + at;
        account->touched = touched + at;
        while (at < n && uuid_equal(result_uuid(&r, at, COL(account_id)), account->id.u)) at++, account->n_lines++;
    }
    return TAGIH_OK;
}

static tagih_err take_rules(struct tx *tx, struct arena *arena, struct posting_loaded *out) {
    struct rule_changes all;
    TRY(rule_changes_take(tx, arena, &all));
    for (size_t a = 0; a < out->n_accounts; a++) out->accounts[a].rules = rule_history_of(&all, out->accounts[a].id);
    return TAGIH_OK;
}

#undef COL
#define COL(name) COL_posting_same_day_##name
static tagih_err take_siblings(struct tx *tx, struct arena *arena, struct posting_loaded *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    out->n_siblings = result_count(&r);
    out->siblings = ARENA_ARRAY(arena, out->n_siblings, struct posting_sibling);
    if (!out->siblings) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < out->n_siblings; i++) {
        out->siblings[i] = (struct posting_sibling){
            .post = (size_t)result_int4(&r, i, COL(row)), .payment.u = result_uuid(&r, i, COL(payment_id)),
            .account.u = result_uuid(&r, i, COL(account_id)), .amount_minor = result_int8(&r, i, COL(amount_minor)),
            .currency = result_currency(&r, i, COL(currency)), .source = result_int2(&r, i, COL(source)),
            .reversed = result_bool(&r, i, COL(reversed)), .has_bonus = !result_is_null(&r, i, COL(mtd_minor)),
            .collector.u = result_uuid_or_nil(&r, i, COL(collector_id)),
            .mtd_minor = result_int8_or(&r, i, COL(mtd_minor), 0)};
    }
    return TAGIH_OK;
}

#undef COL
#define COL(name) COL_posting_holder_##name
static tagih_err take_holders(struct tx *tx, struct arena *arena, size_t n, struct posting_loaded *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    out->had_lease = ARENA_ARRAY(arena, n, bool);
    out->was_assigned = ARENA_ARRAY(arena, n, bool);
    out->credited = ARENA_ARRAY(arena, n, user_id);
    out->teams = ARENA_ARRAY(arena, n, team_id);
    out->is_own = ARENA_ARRAY(arena, n, bool);
    if (!out->had_lease || !out->was_assigned || !out->credited || !out->teams || !out->is_own) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        out->had_lease[i] = result_bool(&r, i, COL(had_lease));
        out->was_assigned[i] = result_bool(&r, i, COL(was_assigned));
        out->credited[i].u = result_uuid_or_nil(&r, i, COL(credited_id));
        out->teams[i].u = result_uuid_or_nil(&r, i, COL(team_id));
        out->is_own[i] = result_bool(&r, i, COL(is_own));
    }
    return TAGIH_OK;
}

#undef COL
#define COL(name) COL_posting_split_load_##name
static tagih_err take_splits(struct tx *tx, struct arena *arena, struct posting_loaded *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    out->n_splits = result_count(&r);
    out->splits = ARENA_ARRAY(arena, out->n_splits, struct posting_split);
    if (!out->splits) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < out->n_splits; i++) {
        out->splits[i] = (struct posting_split){
            .post = (size_t)result_int4(&r, i, COL(row)), .collector.u = result_uuid(&r, i, COL(collector_id)),
            .share_bp = result_int4(&r, i, COL(share_bp)), .version = result_int4(&r, i, COL(version)),
            .team.u = result_uuid_or_nil(&r, i, COL(team_id)), .is_own = result_bool(&r, i, COL(is_own))};
    }
    return TAGIH_OK;
}

#undef COL
#define COL(name) COL_posting_month_load_##name
static tagih_err take_months(struct tx *tx, struct arena *arena, struct posting_loaded *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    out->n_months = result_count(&r);
    out->months = ARENA_ARRAY(arena, out->n_months, struct posting_month);
    if (!out->months) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < out->n_months; i++) {
        out->months[i] = (struct posting_month){
            .collector.u = result_uuid(&r, i, COL(collector_id)), .month_on = result_date(&r, i, COL(month_on)),
            .currency = result_currency(&r, i, COL(currency)),
            .mtd_minor = result_int8_or(&r, i, COL(mtd_minor), 0), .bonus_minor = result_int8_or(&r, i, COL(bonus_minor), 0),
            .has_target = !result_is_null(&r, i, COL(target_minor)),
            .target_minor = result_int8_or(&r, i, COL(target_minor), 0),
            .target_version = result_int4_or(&r, i, COL(target_version), 0),
            .closed_mtd_minor = result_int8_or(&r, i, COL(closed_mtd_minor), 0),
            .closed_has_target = !result_is_null(&r, i, COL(closed_target_minor)),
            .closed_target_minor = result_int8_or(&r, i, COL(closed_target_minor), 0),
            .closed_target_version = result_int4_or(&r, i, COL(closed_target_version), 0)};
    }
    return TAGIH_OK;
}

#undef COL
#define COL(name) COL_posting_payment_load_##name
static tagih_err take_reversed(struct tx *tx, struct arena *arena, size_t n, struct posting_loaded *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    out->reversed = ARENA_ARRAY(arena, n, struct posting_reversed);
    if (!out->reversed) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < result_count(&r); i++) {
        struct posting_reversed *row = &out->reversed[result_int4(&r, i, COL(row))];
        *row = (struct posting_reversed){
            .found = true, .reversed = result_bool(&r, i, COL(reversed)), .account.u = result_uuid(&r, i, COL(account_id)),
            .source = result_int2(&r, i, COL(source)), .tender = result_int2(&r, i, COL(tender)),
            .tag = result_int2(&r, i, COL(tag)), .amount_minor = result_int8(&r, i, COL(amount_minor)),
            .currency = result_currency(&r, i, COL(currency)), .value.us = result_int8(&r, i, COL(value_us)),
            .value_on = result_date(&r, i, COL(value_on)), .has_collector = !result_is_null(&r, i, COL(collector_id)),
            .collector.u = result_uuid_or_nil(&r, i, COL(collector_id)), .at_bank = !result_is_null(&r, i, COL(bank_state))};
        if (row->at_bank) row->bank_state = result_int2(&r, i, COL(bank_state));
    }
    return TAGIH_OK;
}

#undef COL
#define COL(name) COL_posting_bonus_load_##name
static tagih_err take_bonus(struct tx *tx, struct arena *arena, struct posting_loaded *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    out->n_bonus = result_count(&r);
    out->bonus = ARENA_ARRAY(arena, out->n_bonus, struct posting_bonus);
    if (!out->bonus) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < out->n_bonus; i++) {
        out->bonus[i] = (struct posting_bonus){
            .post = (size_t)result_int4(&r, i, COL(row)), .line_id = result_uuid(&r, i, COL(line_id)),
            .kind = (enum bonus_kind)result_int2(&r, i, COL(kind)), .line_no = result_int2(&r, i, COL(line_no)),
            .collector.u = result_uuid(&r, i, COL(collector_id)), .team.u = result_uuid_or_nil(&r, i, COL(team_id)),
            .month_on = result_date(&r, i, COL(month_on)), .base_minor = result_int8(&r, i, COL(base_minor)),
            .amount_minor = result_int8(&r, i, COL(amount_minor))};
    }
    return TAGIH_OK;
}
#undef COL

static tagih_err take_dates(struct tx *tx, struct arena *arena, size_t n, struct posting_loaded *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    out->value_on = ARENA_ARRAY(arena, n, civil_date);
    if (!out->value_on) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) out->value_on[i] = result_date(&r, i, COL_agency_dates_at_on);
    out->today = result_date(&r, n, COL_agency_dates_at_on);
    return TAGIH_OK;
}

static void take_open_from(struct tx *tx, struct posting_loaded *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    struct day from = day_of(&r, 0, COL_posting_open_from_open_from);
    out->open_from = from.is ? from.on : (civil_date){INT32_MIN};
}

tagih_err posting_take_load(struct tx *tx, struct arena *arena, size_t n, struct posting_loaded *out) {
    *out = (struct posting_loaded){.n_accounts = 0};
    DEFER(result) struct result writer = {0};
    TRY(take_collectors(tx, arena, out));
    tx_take(tx, &writer);
    out->writer.n = result_int8(&writer, 0, COL_posting_writer_lock_n);
    out->writer.is_new = result_bytes(&writer, 0, COL_posting_writer_lock_head).len == 0;
    out->writer.head = hash_or_zero(&writer, 0, COL_posting_writer_lock_head);
    TRY(take_accounts(tx, arena, out));
    TRY(take_instalments(tx, arena, out));
    TRY(take_rules(tx, arena, out));
    TRY(take_siblings(tx, arena, out));
    TRY(take_holders(tx, arena, n, out));
    TRY(take_splits(tx, arena, out));
    TRY(take_months(tx, arena, out));
    TRY(take_reversed(tx, arena, n, out));
    TRY(take_bonus(tx, arena, out));
    TRY(take_dates(tx, arena, n, out));
    take_open_from(tx, out);
    return TAGIH_OK;
}

/* ---- replay --------------------------------------------------------------------------------------------------- */

static tagih_err take_dues(struct tx *tx, struct arena *arena, struct posting_due **dues, size_t *n_dues) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n_dues = result_count(&r);
    *dues = ARENA_ARRAY(arena, *n_dues, struct posting_due);
    if (!*dues) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n_dues; i++) {
        struct posting_due *due = &(*dues)[i];
        due->account.u = result_uuid(&r, i, COL_posting_schedule_load_account_id);
        due->instalment.no = result_int4(&r, i, COL_posting_schedule_load_instalment_no);
        due->instalment.due_on = result_date(&r, i, COL_posting_schedule_load_due_on);
        due->instalment.due_minor[COMPONENT_FEES] = result_int8(&r, i, COL_posting_schedule_load_fees_minor);
        due->instalment.due_minor[COMPONENT_PENALTY] = result_int8(&r, i, COL_posting_schedule_load_penalty_minor);
        due->instalment.due_minor[COMPONENT_INTEREST] = result_int8(&r, i, COL_posting_schedule_load_interest_minor);
        due->instalment.due_minor[COMPONENT_PRINCIPAL] = result_int8(&r, i, COL_posting_schedule_load_principal_minor);
    }
    return TAGIH_OK;
}

#define COL(name) COL_posting_fact_load_##name
static tagih_err take_facts(struct tx *tx, struct arena *arena, struct posting_fact **facts, size_t *n_facts) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n_facts = result_count(&r);
    *facts = ARENA_ARRAY(arena, *n_facts, struct posting_fact);
    if (!*facts) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n_facts; i++) {
        (*facts)[i] = (struct posting_fact){
            .account.u = result_uuid(&r, i, COL(account_id)), .version = result_int4_or(&r, i, COL(version), 0),
            .fact = {.id = result_uuid(&r, i, COL(fact_id)), .kind = (enum fact_kind)result_int2(&r, i, COL(kind)),
                     .value_on = result_date(&r, i, COL(value_on)), .value.us = result_int8(&r, i, COL(value_us)),
                     .amount_minor = result_int8(&r, i, COL(amount_minor)),
                     .instalment_no = result_int4(&r, i, COL(instalment_no)),
                     .component = (enum component)result_int2(&r, i, COL(component))}};
    }
    return TAGIH_OK;
}

#undef COL

tagih_err posting_load_replay(struct tx *tx, struct arena *arena, const account_id *accounts, size_t n,
                              struct posting_due **dues, size_t *n_dues, struct posting_fact **facts, size_t *n_facts) {
    struct params p;
    params_init(&p, arena, STMT_posting_schedule_load, n);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, accounts, sizeof *accounts);
    TRY(tx_send(tx, &p));
    params_init(&p, arena, STMT_posting_fact_load, n);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, accounts, sizeof *accounts);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    TRY(take_dues(tx, arena, dues, n_dues));
    return take_facts(tx, arena, facts, n_facts);
}
