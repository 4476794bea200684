/* SPDX-License-Identifier: Apache-2.0 */
/*
 * BonusService: a collector's month, and every line of a payment explained: each factor with its source, and the line
 * computed again from its stored context alone (R-BON-4).
 */
#include "store/bonus.h"

#include <stdio.h>
#include <string.h>

#include "rpc/bonus_credit.h"
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

struct explained_of {
    payment_id payment; /* nil: a month */
    struct summary_of month;
};

static tagih_err explain_request(struct rpc_item *item) {
    const Tagih__V1__ExplainBonusRequest *request = item->request;
    struct explained_of *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    *out = (struct explained_of){.month.has_collector = *request->collector_id != 0};
    if (*request->payment_id || !*request->month) {
        rpc_check_uuid(item, "payment_id", request->payment_id, &out->payment.u);
        return item->err;
    }
    if (out->month.has_collector) rpc_check_uuid(item, "collector_id", request->collector_id, &out->month.collector.u);
    check_month(item, request->month, &out->month);
    return item->err;
}

/* What a line is computed again from: its own part of what was loaded. */
static tagih_err context_of(struct arena *arena, const struct bonus_history *history, const struct bonus_record *record,
                            struct bonus_context *out) {
    struct bonus_taken *taken = ARENA_ARRAY(arena, history->n_named + 1, struct bonus_taken);
    struct bonus_closing *parts = ARENA_ARRAY(arena, history->n_parts + 1, struct bonus_closing);
    if (!taken || !parts) return FAIL(OUT_OF_MEMORY);
    *out = (struct bonus_context){.taken = taken, .parts = parts};
    for (size_t i = 0; i < history->n_named; i++) {
        if (uuid_equal(history->named[i].line_id, record->line_id)) taken[out->n_taken++] = history->named[i].taken;
    }
    for (size_t i = 0; i < history->n_parts; i++) {
        if (uuid_equal(history->parts[i].line_id, record->line_id)) parts[out->n_parts++] = history->parts[i].closing;
    }
    return TAGIH_OK;
}

/* What a line names is what stands there: the line's own amount and base, or the payment's part. */
static bool names_what_is(const struct bonus_history *history, const struct bonus_context *context) {
    size_t found = 0;
    for (size_t i = 0; i < context->n_taken; i++) {
        const struct bonus_taken *t = &context->taken[i];
        for (size_t k = 0; k < history->n_lines; k++) {
            const struct bonus_record *r = &history->lines[k].record;
            found += uuid_equal(r->line_id, t->line_id) && r->result.amount_minor == t->amount_minor &&
                     r->inputs.base_minor == t->base_minor;
        }
        for (size_t k = 0; k < history->n_parts; k++) {
            const struct bonus_part *p = &history->parts[k];
            found += uuid_equal(p->line_id, t->line_id) && p->closing.part_minor == t->amount_minor && t->base_minor == 0;
        }
    }
    return found == context->n_taken;
}

/* A share of a payment that was split; NULL: it was not. */
static const struct bonus_share *share_of(const struct bonus_history *history, const struct bonus_record *record) {
    for (size_t i = 0; i < history->n_shares; i++) {
        if (uuid_equal(history->shares[i].collector.u, record->collector.u)) return &history->shares[i];
    }
    return NULL;
}

static int64_t whole_base(const struct bonus_history *history) {
    int64_t sum_minor = 0;
    for (size_t i = 0; i < history->n_shares; i++) sum_minor += history->shares[i].base_minor;
    return sum_minor;
}

/* R-BON-8a: the shares are the split of their sum, and the line's base is its collector's share. */
static bool is_split_so(const struct bonus_history *history, const struct bonus_record *record) {
    const struct bonus_share *share = share_of(history, record);
    struct bonus_share again[BONUS_SHARES_MAX];
    bool own = record->kind == BONUS_LINE || record->kind == BONUS_LATE || record->kind == BONUS_RETAG;
    if (!share || !own) return true;
    if (history->n_shares > BONUS_SHARES_MAX || share->base_minor != record->inputs.base_minor) return false;
    for (size_t i = 0; i < history->n_shares; i++) again[i] = history->shares[i];
    if (!err_is_ok(bonus_split(whole_base(history), again, history->n_shares))) return false;
    for (size_t i = 0; i < history->n_shares; i++) {
        if (again[i].base_minor != history->shares[i].base_minor) return false;
    }
    return true;
}

/* The line once more, from its record and what it names; true when record, hash and computation say the same. */
static bool recompute(const struct bonus_history *history, const struct bonus_stored *line, const struct bonus_context *context,
                      int64_t *amount_minor) {
    hash256 hash;
    bool same = err_is_ok(bonus_record_hash(&line->record, &hash)) && hash256_equal(&hash, &line->hash);
    bool named = names_what_is(history, context) && is_split_so(history, &line->record);
    return bonus_again(&line->record, context, amount_minor) && same && named;
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

static void explain_true_up(struct rpc_item *item, const struct bonus_record *record, Tagih__V1__BonusLine *line) {
    add_factor(item, line, "base", record->inputs.base_minor, "debt that the month's payments covered, as it stood at the close");
    add_factor(item, line, "tier", record->result.factors.tier, "by what all payments of countable tags brought in");
    add_factor(item, line, "target", record->result.factors.target, "by the same sum and the month's target");
    add_factor(item, line, "amount", record->result.amount_minor,
               "for each payment, what it earns with the whole month's factors less what was written before");
}

static void explain_back(struct rpc_item *item, const struct bonus_record *record, Tagih__V1__BonusLine *line) {
    add_factor(item, line, "base", record->inputs.base_minor, "minus the base of all lines that it takes back");
    add_factor(item, line, "amount", record->result.amount_minor,
               record->kind == BONUS_CLAWBACK ? "taken back after its month had closed: minus everything that was written for it"
                                              : "taken back: minus everything that was written for it");
}

static tagih_err explain_line(struct rpc_item *item, const struct bonus_record *record, Tagih__V1__BonusLine *line) {
    line->factors = rpc_alloc(item, BONUS_REASONS_MAX * sizeof *line->factors);
    if (!line->factors) return FAIL(OUT_OF_MEMORY);
    if (record->kind == BONUS_TRUE_UP) explain_true_up(item, record, line);
    if (record->kind == BONUS_REVERSAL || record->kind == BONUS_CLAWBACK) explain_back(item, record, line);
    if (line->n_factors) return TAGIH_OK;
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

static char *month_text(struct rpc_item *item, civil_date month) {
    char text[DATE_TEXT_SIZE];
    date_format(month, text);
    return rpc_text(item, bytes_make((const uint8_t *)text, 7));
}

static tagih_err answer_names(struct rpc_item *item, const struct bonus_context *context, Tagih__V1__BonusLine *line) {
    line->takes_back = rpc_alloc(item, (context->n_taken + 1) * sizeof *line->takes_back);
    if (!line->takes_back) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < context->n_taken; i++) line->takes_back[line->n_takes_back++] = rpc_uuid(item, context->taken[i].line_id);
    return TAGIH_OK;
}

/* R-BON-6: how far it is, and what its money lacks. */
static void answer_standing(struct rpc_item *item, const struct bonus_standing *standing, Tagih__V1__BonusLine *line) {
    line->state = (char *)(uintptr_t)bonus_state_name(standing->state);
    line->confirmed = standing->why == BONUS_CONFIRMED;
    line->on_hold = standing->on_hold;
    const char *text = bonus_unconfirmed_text(standing->why);
    line->unconfirmed = (char *)(uintptr_t)text;
    if (standing->n_unconfirmed < 2) return;
    char *many = arena_printf(&item->call->arena, "of %lld payments the money has not been seen; of one: %s",
                              (long long)standing->n_unconfirmed, text);
    if (many) line->unconfirmed = many;
    else rpc_fail(item, FAIL(OUT_OF_MEMORY));
}

static void answer_share(struct rpc_item *item, const struct bonus_history *history, const struct bonus_record *record,
                         Tagih__V1__BonusLine *line) {
    const struct bonus_share *share = share_of(history, record);
    if (!share) return;
    line->share_bp = share->share_bp;
    line->whole_base = money_view(item, whole_base(history), bytes_text(record->inputs.currency.code));
}

static tagih_err answer_line(struct rpc_batch *batch, const struct bonus_history *history, size_t at,
                             const struct bonus_standing *standing, Tagih__V1__BonusLine **out) {
    struct rpc_item *item = batch->items[0];
    const struct bonus_record *record = &history->lines[at].record;
    Tagih__V1__BonusLine *line = *out = rpc_alloc(item, sizeof *line);
    if (!line) return FAIL(OUT_OF_MEMORY);
    tagih__v1__bonus_line__init(line);
    struct bytes in = bytes_text(record->inputs.currency.code);
    struct bonus_context context;
    int64_t again_minor;
    TRY(context_of(batch->arena, history, record, &context));
    line->number = (uint32_t)history->lines[at].line_no;
    line->kind = (char *)(uintptr_t)kind_name(record->kind);
    line->collector_id = rpc_uuid(item, record->collector.u);
    line->line_id = rpc_uuid(item, record->line_id);
    line->month = month_text(item, record->month);
    line->amount = money_view(item, record->result.amount_minor, in);
    line->same = recompute(history, &history->lines[at], &context, &again_minor);
    line->recomputed = money_view(item, again_minor, in);
    answer_standing(item, standing, line);
    answer_share(item, history, record, line);
    TRY(answer_names(item, &context, line));
    return explain_line(item, record, line);
}

static void answer_part(struct rpc_item *item, const struct bonus_part *part, struct bytes in, Tagih__V1__BonusPart **out) {
    Tagih__V1__BonusPart *view = *out = rpc_alloc(item, sizeof *view);
    if (!view) return;
    tagih__v1__bonus_part__init(view);
    view->line_id = rpc_uuid(item, part->line_id);
    view->collector_id = rpc_uuid(item, part->collector.u);
    view->covered = money_view(item, part->closing.base_minor, in);
    view->written = money_view(item, part->closing.written_minor, in);
    view->final = money_view(item, part->closing.final_minor, in);
    view->part = money_view(item, part->closing.part_minor, in);
}

/* What a colleague earned is nobody else's business: a collector gets his own lines. */
static bool is_shown(const struct rpc_item *item, user_id collector) {
    return (item->caller.roles & ROLES_OFFICE) || uuid_equal(collector.u, item->caller.user.u);
}

static tagih_err answer_history(struct rpc_batch *batch, const struct bonus_history *history, bool parts) {
    struct rpc_item *item = batch->items[0];
    Tagih__V1__ExplainBonusResponse *out = item->response;
    out->lines = rpc_alloc(item, (history->n_lines + 1) * sizeof *out->lines);
    out->parts = rpc_alloc(item, (parts ? history->n_parts + 1 : 1) * sizeof *out->parts);
    struct bonus_standing *standings = ARENA_ARRAY(batch->arena, history->n_lines + 1, struct bonus_standing);
    if (!out->lines || !out->parts) return TAGIH_OK;
    if (!standings) return FAIL(OUT_OF_MEMORY);
    if (history->n_lines) {
        TRY(bonus_send_standings(batch->tx, batch->arena, history->lines, history->n_lines));
        TRY(tx_sync(batch->tx));
        bonus_take_standings(batch->tx, standings, history->n_lines);
    }
    for (size_t i = 0; i < history->n_lines; i++) {
        if (!is_shown(item, history->lines[i].record.collector)) continue;
        TRY(answer_line(batch, history, i, &standings[i], &out->lines[out->n_lines]));
        out->n_lines++;
    }
    for (size_t i = 0; parts && i < history->n_parts; i++) {
        if (!is_shown(item, history->parts[i].collector)) continue;
        answer_part(item, &history->parts[i], bytes_text(history->lines[0].record.inputs.currency.code), &out->parts[out->n_parts++]);
    }
    return TAGIH_OK;
}

static tagih_err explain_month(struct rpc_batch *batch, const struct summary_of *of) {
    struct rpc_item *item = batch->items[0];
    user_id collector = of->has_collector ? of->collector : item->caller.user;
    struct bonus_history history;
    TRY(bonus_send_true_ups(batch->tx, batch->arena, collector, of->month_on));
    TRY(rpc_load(batch));
    TRY(bonus_take_true_ups(batch->tx, batch->arena, &history));
    if (rpc_ok(item) && !is_shown(item, collector)) rpc_fail(item, FAIL(NOT_PERMITTED));
    return rpc_ok(item) ? answer_history(batch, &history, false) : TAGIH_OK;
}

static tagih_err explain_payment(struct rpc_batch *batch, payment_id payment) {
    struct rpc_item *item = batch->items[0];
    struct bonus_history history = {.lines = NULL};
    bool there;
    TRY(bonus_send_lines(batch->tx, batch->arena, payment));
    TRY(rpc_load(batch));
    TRY(bonus_take_lines(batch->tx, batch->arena, &there, &history));
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(answer_history(batch, &history, true));
    bool office = item->caller.roles & ROLES_OFFICE;
    bool nothing = ((const Tagih__V1__ExplainBonusResponse *)item->response)->n_lines == 0;
    if (!there || (!office && nothing)) rpc_fail(item, FAIL(NOT_PERMITTED));
    return TAGIH_OK;
}

static tagih_err explain_bonus(struct rpc_batch *batch) {
    const struct explained_of *of = batch->items[0]->checked;
    return uuid_is_nil(of->payment.u) ? explain_month(batch, &of->month) : explain_payment(batch, of->payment);
}

const struct rpc_service bonus_service = {
    .proto = &tagih__v1__bonus_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("GetBonusSummary", get_bonus_summary, GetBonusSummaryRequest, GetBonusSummaryResponse),
         .check = summary_request, .roles = ROLES_FIELD | ROLES_OFFICE},
        {RPC_METHOD("ExplainBonus", explain_bonus, ExplainBonusRequest, ExplainBonusResponse), .check = explain_request,
         .roles = ROLES_FIELD | ROLES_OFFICE},
        {RPC_METHOD("ListHeld", bonus_held, ListHeldRequest, ListHeldResponse), .check = bonus_held_request,
         .roles = ROLE_SUPERVISOR | ROLE_ADMIN | ROLE_AUDITOR},
        {RPC_METHOD("ChooseCredit", bonus_credit, ChooseCreditRequest, ChooseCreditResponse), .check = bonus_credit_request,
         .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("ProposeSplit", bonus_split_propose, ProposeSplitRequest, ProposeSplitResponse), .check = bonus_split_request,
         .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("ListSplits", bonus_splits, ListSplitsRequest, ListSplitsResponse), .check = bonus_splits_request,
         .roles = ROLES_OFFICE},
        {RPC_METHOD("SetOwnCustomer", own_customer_set, SetOwnCustomerRequest, SetOwnCustomerResponse), .check = own_customer_request,
         .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true, .request_id = true},
        {0}}};
