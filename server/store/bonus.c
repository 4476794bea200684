/* SPDX-License-Identifier: Apache-2.0 */
/* Bonus: columns out. What a record holds and the table does not follows from what the table holds. */
#include "store/bonus.h"

#include "store_statements.h"

#define COL(name) COL_bonus_summary_##name

tagih_err bonus_send_summary(struct tx *tx, struct arena *arena, user_id collector, const civil_date *month_on, instant now) {
    struct params p;
    params_init(&p, arena, STMT_bonus_summary, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_uuid(&p, &collector);
    if (month_on) params_one_date(&p, *month_on);
    else params_one_null(&p);
    params_one_int8(&p, now.us);
    return tx_send(tx, &p);
}

void bonus_take_summary(struct tx *tx, struct bonus_summary *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *out = (struct bonus_summary){.found = result_count(&r) == 1};
    if (!out->found) return;
    out->currency = result_currency(&r, 0, COL(currency));
    out->mtd_minor = result_int8_or(&r, 0, COL(mtd_minor), 0);
    out->bonus_minor = result_int8_or(&r, 0, COL(bonus_minor), 0);
    out->has_target = !result_is_null(&r, 0, COL(target_minor));
    out->target_minor = result_int8_or(&r, 0, COL(target_minor), 0);
    out->n_lines = result_int8(&r, 0, COL(n_lines));
    out->n_on_hold = result_int8(&r, 0, COL(n_on_hold));
}

/* ---- lines ---------------------------------------------------------------------------------------------------- */

tagih_err bonus_send_lines(struct tx *tx, struct arena *arena, payment_id payment) {
    const struct statement *const statements[] = {STMT_bonus_payment, STMT_bonus_lines, STMT_bonus_taken, STMT_bonus_payment_parts,
                                                  STMT_bonus_shares};
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        struct params p;
        tx_params(&p, tx, arena, statements[i], 0);
        params_one_uuid(&p, &payment);
        TRY(tx_send(tx, &p));
    }
    return TAGIH_OK;
}

tagih_err bonus_send_true_ups(struct tx *tx, struct arena *arena, user_id collector, civil_date month_on) {
    const struct statement *const statements[] = {STMT_bonus_true_ups, STMT_bonus_parts};
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        struct params p;
        tx_params(&p, tx, arena, statements[i], 0);
        params_one_uuid(&p, &collector);
        params_one_date(&p, month_on);
        TRY(tx_send(tx, &p));
    }
    return TAGIH_OK;
}

#undef COL
#define COL(name) COL_bonus_lines_##name

static struct bonus_inputs read_inputs(const struct result *r, size_t i) {
    return (struct bonus_inputs){
        .base_minor = result_int8(r, i, COL(base_minor)), .currency = result_currency(r, i, COL(currency)),
        .bucket = (enum bucket)result_int2(r, i, COL(bucket)), .tag = (enum payment_tag)result_int2(r, i, COL(tag)),
        .mtd_minor = result_int8(r, i, COL(mtd_minor)), .has_target = !result_is_null(r, i, COL(target_minor)),
        .target_minor = result_int8_or(r, i, COL(target_minor), 0),
        .target_version = result_int4_or(r, i, COL(target_version), 0)};
}

/* A line that takes back has no factors, and says neither "no target" nor "no tier". */
static bool has_factors(enum bonus_kind kind) {
    return kind != BONUS_REVERSAL && kind != BONUS_CLAWBACK;
}

static struct bonus_result read_result(const struct result *r, size_t i, const struct bonus_scheme *scheme,
                                       const struct bonus_inputs *inputs, enum bonus_kind kind) {
    return (struct bonus_result){
        .factors = {.bucket = result_int4(r, i, COL(bucket_factor)), .tier = result_int4(r, i, COL(tier_factor)),
                    .target = result_int4(r, i, COL(target_factor)), .tag = result_int4(r, i, COL(tag_factor))},
        .no_target = has_factors(kind) && !inputs->has_target,
        .no_tier = has_factors(kind) && !currency_equal(inputs->currency, scheme->currency),
        .capped = result_bool(r, i, COL(capped)), .amount_minor = result_int8(r, i, COL(amount_minor))};
}

/* Of bonus_lines and bonus_true_ups, whose columns are the same. */
static tagih_err read_line(const struct result *r, size_t i, struct bonus_stored *out) {
    civil_date value_on = result_date(r, i, COL(value_on));
    const struct bonus_scheme *scheme = bonus_scheme_find((const char *)result_text(r, i, COL(scheme)).data, value_on);
    if (!scheme || scheme->version != result_int4(r, i, COL(scheme_version))) return FAIL(INTERNAL);
    enum bonus_kind kind = (enum bonus_kind)result_int2(r, i, COL(kind));
    *out = (struct bonus_stored){
        .line_no = result_int2(r, i, COL(line_no)), .hash = result_hash(r, i, COL(hash)),
        .record = {.kind = kind, .line_id = result_uuid(r, i, COL(line_id)), .payment.u = result_uuid_or_nil(r, i, COL(payment_id)),
                   .account.u = result_uuid_or_nil(r, i, COL(account_id)), .collector.u = result_uuid(r, i, COL(collector_id)),
                   .team.u = result_uuid_or_nil(r, i, COL(team_id)), .month = result_date(r, i, COL(month_on)),
                   .value_on = value_on, .inputs = read_inputs(r, i), .scheme_name = scheme->name,
                   .scheme_version = scheme->version, .rate_bp = scheme->rate_bp, .cap_bp = scheme->cap_bp,
                   .allocation = result_hash(r, i, COL(allocation_digest)), .previous = result_hash(r, i, COL(prev_hash))}};
    out->record.result = read_result(r, i, scheme, &out->record.inputs, kind);
    return TAGIH_OK;
}

static tagih_err take_lines(struct tx *tx, struct arena *arena, struct bonus_history *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    out->n_lines = result_count(&r);
    out->lines = ARENA_ARRAY(arena, out->n_lines + 1, struct bonus_stored);
    if (!out->lines) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < out->n_lines; i++) TRY(read_line(&r, i, &out->lines[i]));
    return TAGIH_OK;
}

#undef COL
#define COL(name) COL_bonus_taken_##name

static tagih_err take_named(struct tx *tx, struct arena *arena, struct bonus_history *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    out->n_named = result_count(&r);
    out->named = ARENA_ARRAY(arena, out->n_named + 1, struct bonus_named);
    if (!out->named) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < out->n_named; i++) {
        out->named[i] = (struct bonus_named){
            .line_id = result_uuid(&r, i, COL(line_id)),
            .taken = {.line_id = result_uuid(&r, i, COL(taken_line_id)), .amount_minor = result_int8(&r, i, COL(amount_minor)),
                      .base_minor = result_int8(&r, i, COL(base_minor))}};
    }
    return TAGIH_OK;
}

#undef COL
#define COL(name) COL_bonus_parts_##name

/* Of bonus_parts and bonus_payment_parts, whose columns are the same. */
static tagih_err take_parts(struct tx *tx, struct arena *arena, struct bonus_history *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    out->n_parts = result_count(&r);
    out->parts = ARENA_ARRAY(arena, out->n_parts + 1, struct bonus_part);
    if (!out->parts) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < out->n_parts; i++) {
        int64_t written_minor = result_int8(&r, i, COL(written_minor)), final_minor = result_int8(&r, i, COL(final_minor));
        out->parts[i] = (struct bonus_part){
            .collector.u = result_uuid(&r, i, COL(collector_id)), .line_id = result_uuid(&r, i, COL(line_id)),
            .closing = {.payment.u = result_uuid(&r, i, COL(payment_id)), .base_minor = result_int8(&r, i, COL(base_minor)),
                        .bucket = (enum bucket)result_int2(&r, i, COL(bucket)),
                        .tag = (enum payment_tag)result_int2(&r, i, COL(tag)), .written_minor = written_minor,
                        .final_minor = final_minor, .part_minor = final_minor - written_minor}};
    }
    return TAGIH_OK;
}

static tagih_err take_shares(struct tx *tx, struct arena *arena, struct bonus_history *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    out->n_shares = result_count(&r);
    out->shares = ARENA_ARRAY(arena, out->n_shares + 1, struct bonus_share);
    if (!out->shares) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < out->n_shares; i++) {
        out->shares[i] = (struct bonus_share){.collector.u = result_uuid(&r, i, COL_bonus_shares_collector_id),
                                              .share_bp = result_int4(&r, i, COL_bonus_shares_share_bp),
                                              .base_minor = result_int8(&r, i, COL_bonus_shares_base_minor)};
    }
    return TAGIH_OK;
}

tagih_err bonus_take_lines(struct tx *tx, struct arena *arena, bool *payment_exists, struct bonus_history *out) {
    DEFER(result) struct result there = {0};
    tx_take(tx, &there);
    *payment_exists = result_count(&there) == 1;
    TRY(take_lines(tx, arena, out));
    TRY(take_named(tx, arena, out));
    TRY(take_parts(tx, arena, out));
    return take_shares(tx, arena, out);
}

tagih_err bonus_take_true_ups(struct tx *tx, struct arena *arena, struct bonus_history *out) {
    *out = (struct bonus_history){.named = NULL};
    TRY(take_lines(tx, arena, out));
    return take_parts(tx, arena, out);
}

#undef COL
#define COL(name) COL_bonus_lines_##name

/* ---- how far they are ------------------------------------------------------------------------------------------ */

/* What is asked about a line. */
struct line_asked {
    uuid line_id;
    payment_id payment;
    bool has_payment;
    user_id collector;
    civil_date month;
    struct bytes currency;
};

tagih_err bonus_send_standings(struct tx *tx, struct arena *arena, const struct bonus_stored *lines, size_t n) {
    struct line_asked *asked = ARENA_ARRAY(arena, n + 1, struct line_asked);
    const size_t s = sizeof *asked;
    struct params p;
    if (!asked) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        const struct bonus_record *r = &lines[i].record;
        asked[i] = (struct line_asked){r->line_id, r->payment, !uuid_is_nil(r->payment.u), r->collector, r->month,
                                       bytes_text(r->inputs.currency.code)};
    }
    tx_params(&p, tx, arena, STMT_bonus_states, n);
    params_uuid(&p, &asked[0].line_id, s);
    params_uuid_opt(&p, &asked[0].payment, &asked[0].has_payment, s);
    params_uuid(&p, &asked[0].collector, s);
    params_date(&p, &asked[0].month, s);
    params_text(&p, &asked[0].currency, s);
    return tx_send(tx, &p);
}

void bonus_take_standings(struct tx *tx, struct bonus_standing *out, size_t n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct bonus_standing){.state = (enum bonus_state)result_int2(&r, i, COL_bonus_states_state),
                                         .why = (enum bonus_unconfirmed)result_int2(&r, i, COL_bonus_states_unconfirmed),
                                         .n_unconfirmed = result_int8(&r, i, COL_bonus_states_n_unconfirmed),
                                         .on_hold = result_bool(&r, i, COL_bonus_states_on_hold)};
    }
}

/* ---- all lines, for verify ---------------------------------------------------------------------------------------- */

tagih_err bonus_send_chunk(struct tx *tx, struct arena *arena, uuid after_posting, uuid after_line, int32_t limit_rows) {
    struct params p;
    tx_params(&p, tx, arena, STMT_verify_bonus_lines, 0);
    params_one_uuid(&p, &after_posting);
    params_one_uuid(&p, &after_line);
    params_one_int4(&p, limit_rows);
    return tx_send(tx, &p);
}

/* The statement answers the columns of bonus_lines at the same places. */
tagih_err bonus_take_chunk(struct tx *tx, struct arena *arena, struct bonus_stored **lines, uuid **postings, size_t *n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n = result_count(&r);
    *lines = ARENA_ARRAY(arena, *n, struct bonus_stored);
    *postings = ARENA_ARRAY(arena, *n, uuid);
    if (!*lines || !*postings) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        struct bonus_stored *line = &(*lines)[i];
        (*postings)[i] = result_uuid(&r, i, COL_verify_bonus_lines_posting_id);
        if (err_is_ok(read_line(&r, i, line))) continue;
        *line = (struct bonus_stored){.line_no = result_int2(&r, i, COL(line_no)),
                                      .record = {.line_id = result_uuid(&r, i, COL(line_id)), .scheme_name = ""}};
    }
    return TAGIH_OK;
}
