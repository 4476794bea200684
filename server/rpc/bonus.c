/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BonusService: a collector's month, and every line of a payment explained: each factor with its source, and the line
 * computed again from its stored context alone (R-BON-4).
 */
#include "store/bonus.h"

#include <stdio.h>
#include <string.h>

#include "rpc/payment_view.h"
#include "rpc/services.h"

/* ---- GetBonusSummary ------------------------------------------------------------------------------------------ */

struct summary_of {
    bool has_collector, has_month;
    user_id collector;
    civil_date month_on;
};

static void check_month(struct rpc_item *item, const char *text, struct summary_of *out) {
    char first[DATE_TEXT_SIZE];
    out->has_month = *text != 0;
    if (!out->has_month) return;
    bool form = strlen(text) == 7 && snprintf(first, sizeof first, "%s-01", text) == 10;
    if (!form || !err_is_ok(date_parse(first, &out->month_on))) rpc_problem(item, FAIL(DATE_SYNTAX), "month");
}

static tagih_err summary_request(struct rpc_item *item) {
    const Tagih__V1__GetBonusSummaryRequest *request = item->request;
    struct summary_of *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    out->has_collector = *request->collector_id != 0;
    if (out->has_collector) rpc_check_uuid(item, "collector_id", request->collector_id, &out->collector.u);
    check_month(item, request->month, out);
    return item->err;
}

static void answer_summary(struct rpc_item *item, const struct bonus_summary *month) {
    Tagih__V1__GetBonusSummaryResponse *out = item->response;
    struct bytes in = bytes_text(month->currency.code);
    out->base_sum = money_view(item, month->mtd_minor, in);
    out->bonus = money_view(item, month->bonus_minor, in);
    if (month->has_target) out->target = money_view(item, month->target_minor, in);
    out->lines = (uint32_t)month->n_lines;
    out->lines_on_hold = (uint32_t)month->n_on_hold;
}

static tagih_err get_bonus_summary(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct summary_of *asked = item->checked;
    user_id collector = asked->has_collector ? asked->collector : item->caller.user;
    TRY(bonus_send_summary(batch->tx, batch->arena, collector, asked->has_month ? &asked->month_on : NULL, batch->now));
    TRY(rpc_load(batch));
    struct bonus_summary month;
    bonus_take_summary(batch->tx, &month);
    if (!rpc_ok(item)) return TAGIH_OK;
    bool own = uuid_equal(collector.u, item->caller.user.u);
    if (month.found && (own || (item->caller.roles & ROLES_OFFICE))) answer_summary(item, &month);
    else rpc_fail(item, FAIL(NOT_PERMITTED));
    return TAGIH_OK;
}

/* ---- ExplainBonus --------------------------------------------------------------------------------------------- */

static tagih_err explain_request(struct rpc_item *item) {
    const Tagih__V1__ExplainBonusRequest *request = item->request;
    payment_id *id = rpc_alloc(item, sizeof *id);
    item->checked = id;
    if (id) rpc_check_uuid(item, "payment_id", request->payment_id, &id->u);
    return item->err;
}

/* The line once more, from what stands in its record and in the lines before it; true when record and hash say the same. */
static bool recompute(const struct bonus_stored *lines, size_t at, int64_t *amount_minor) {
    const struct bonus_record *record = &lines[at].record;
    hash256 hash;
    bool same = err_is_ok(bonus_record_hash(record, &hash)) && hash256_equal(&hash, &lines[at].hash);
    *amount_minor = 0;
    if (record->kind != BONUS_LINE) { /* R-BON-5: minus all that was written before */
        int64_t base_minor = 0;
        for (size_t i = 0; i < at; i++) {
            *amount_minor -= lines[i].record.result.amount_minor;
            base_minor -= lines[i].record.inputs.base_minor;
        }
        return same && *amount_minor == record->result.amount_minor && base_minor == record->inputs.base_minor;
    }
    struct bonus_result again = {0};
    const struct bonus_scheme *scheme = bonus_scheme_find(record->scheme_name, record->value_on);
    if (!scheme || !err_is_ok(bonus_write(scheme, &record->inputs, &again))) return false;
    *amount_minor = again.amount_minor;
    const struct bonus_factors *a = &again.factors, *b = &record->result.factors;
    return same && again.amount_minor == record->result.amount_minor && again.capped == record->result.capped &&
           a->bucket == b->bucket && a->tier == b->tier && a->target == b->target && a->tag == b->tag;
}

static int64_t factor_value(const struct bonus_record *record, const char *name) {
    const struct bonus_factors *factors = &record->result.factors;
    const struct { const char *name; int64_t value; } all[] = {
        {"base", record->inputs.base_minor}, {"rate", record->rate_bp}, {"bucket", factors->bucket},
        {"tier", factors->tier}, {"target", factors->target}, {"tag", factors->tag}, {"cap", record->cap_bp},
        {"amount", record->result.amount_minor}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (strcmp(all[i].name, name) == 0) return all[i].value;
    }
    return 0;
}

static void add_factor(struct rpc_item *item, Tagih__V1__BonusLine *line, const char *name, int64_t value, const char *source) {
    Tagih__V1__BonusFactor *factor = rpc_alloc(item, sizeof *factor);
    if (!factor) return;
    tagih__v1__bonus_factor__init(factor);
    factor->name = (char *)(uintptr_t)name;
    factor->value = value;
    factor->source = (char *)(uintptr_t)source;
    line->factors[line->n_factors++] = factor;
}

static tagih_err explain_line(struct rpc_item *item, const struct bonus_record *record, Tagih__V1__BonusLine *line) {
    line->factors = rpc_alloc(item, BONUS_REASONS_MAX * sizeof *line->factors);
    if (!line->factors) return FAIL(OUT_OF_MEMORY);
    if (record->kind != BONUS_LINE) {
        add_factor(item, line, "base", record->inputs.base_minor, "minus the base of all lines before it");
        add_factor(item, line, "amount", record->result.amount_minor,
                   "the payment was reversed: minus everything that was written for it");
        return TAGIH_OK;
    }
    struct bonus_reason reasons[BONUS_REASONS_MAX];
    size_t n;
    TRY(bonus_explain(record, &item->call->arena, reasons, &n));
    for (size_t i = 0; i < n; i++) add_factor(item, line, reasons[i].name, factor_value(record, reasons[i].name), reasons[i].source);
    return TAGIH_OK;
}

static const char *kind_name(enum bonus_kind kind) {
    static const char *const names[BONUS_KIND_END] = {
        [BONUS_LINE] = "ACCRUAL", [BONUS_REVERSAL] = "REVERSAL", [BONUS_CLAWBACK] = "CLAWBACK",
        [BONUS_RETAG] = "RETAG", [BONUS_TRUE_UP] = "TRUE_UP", [BONUS_LATE] = "LATE"};
    return (unsigned)kind < BONUS_KIND_END && names[kind] ? names[kind] : "unknown";
}

static tagih_err answer_line(struct rpc_item *item, const struct bonus_stored *lines, size_t at, Tagih__V1__BonusLine **out) {
    const struct bonus_record *record = &lines[at].record;
    Tagih__V1__BonusLine *line = *out = rpc_alloc(item, sizeof *line);
    if (!line) return FAIL(OUT_OF_MEMORY);
    tagih__v1__bonus_line__init(line);
    struct bytes in = bytes_text(record->inputs.currency.code);
    int64_t again_minor;
    line->number = (uint32_t)lines[at].line_no;
    line->kind = (char *)(uintptr_t)kind_name(record->kind);
    line->collector_id = rpc_uuid(item, record->collector.u);
    line->amount = money_view(item, record->result.amount_minor, in);
    line->same = recompute(lines, at, &again_minor);
    line->recomputed = money_view(item, again_minor, in);
    return explain_line(item, record, line);
}

/* What a colleague earned is nobody else's business: a collector gets his own lines. */
static bool is_shown(const struct rpc_item *item, const struct bonus_record *record) {
    return (item->caller.roles & ROLES_OFFICE) || uuid_equal(record->collector.u, item->caller.user.u);
}

static tagih_err explain_bonus(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const payment_id *id = item->checked;
    TRY(bonus_send_lines(batch->tx, batch->arena, *id));
    TRY(rpc_load(batch));
    struct bonus_stored *lines;
    bool there;
    size_t n;
    TRY(bonus_take_lines(batch->tx, batch->arena, *id, &there, &lines, &n));
    if (!rpc_ok(item)) return TAGIH_OK;
    Tagih__V1__ExplainBonusResponse *out = item->response;
    out->lines = rpc_alloc(item, (n + 1) * sizeof *out->lines);
    if (!out->lines) return TAGIH_OK;
    for (size_t i = 0; i < n; i++) {
        if (!is_shown(item, &lines[i].record)) continue;
        TRY(answer_line(item, lines, i, &out->lines[out->n_lines]));
        out->n_lines++;
    }
    bool office = item->caller.roles & ROLES_OFFICE;
    if (!there || (!office && out->n_lines == 0)) rpc_fail(item, FAIL(NOT_PERMITTED));
    return TAGIH_OK;
}

const struct rpc_service bonus_service = {
    .proto = &tagih__v1__bonus_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("GetBonusSummary", get_bonus_summary, GetBonusSummaryRequest, GetBonusSummaryResponse),
         .check = summary_request, .roles = ROLES_FIELD | ROLES_OFFICE},
        {RPC_METHOD("ExplainBonus", explain_bonus, ExplainBonusRequest, ExplainBonusResponse), .check = explain_request,
         .roles = ROLES_FIELD | ROLES_OFFICE},
        {0}}};
