/* SPDX-License-Identifier: Apache-2.0 */
/* CashService: its rows, who answers for how much, and how much anybody may hold (R-CSH-3). */
#include "rpc/cash.h"

#include <string.h>

#include "engine/page.h"
#include "rpc/cash_limit.h"
#include "rpc/payment_view.h"
#include "rpc/services.h"
#include "store_statements.h"

#define REASON_MAX 500

/* ---- exposure ------------------------------------------------------------------------------------------------------- */

struct exposure_of {
    user_id collector; /* nil: all */
    int32_t page_size;
    bool has_after;
    struct exposure_after after;
};

tagih_err get_exposure_check(struct rpc_item *item) {
    const Tagih__V1__GetExposureRequest *request = item->request;
    struct exposure_of *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    *out = (struct exposure_of){.page_size = 0};
    if (*request->collector_id) rpc_check_uuid(item, "collector_id", request->collector_id, &out->collector.u);
    rpc_check_page(item, request->page_size, &out->page_size);
    rpc_check_page_token(item, request->page_token, BYTES_OF(&out->collector), &out->after, sizeof out->after, &out->has_after);
    return item->err;
}

/* What of one owner is how old. */
struct ages {
    int64_t held[CASH_AGES], transit[CASH_AGES], receivable[CASH_AGES];
    struct cash_day *days;
    size_t n_days;
};

static Tagih__V1__AgedMoney *aged_view(struct rpc_item *item, const int64_t by_age[CASH_AGES]) {
    Tagih__V1__AgedMoney *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__aged_money__init(out);
    for (size_t i = 0; i < CASH_AGES; i++) out->total_minor += by_age[i];
    out->today_minor = by_age[0];
    out->yesterday_minor = by_age[1];
    out->days_2_to_3_minor = by_age[2];
    out->days_4_to_7_minor = by_age[3];
    out->older_minor = by_age[4];
    return out;
}

static Tagih__V1__Exposure *exposure_view(struct rpc_item *item, user_id collector, currency in, const struct ages *ages) {
    Tagih__V1__Exposure *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__exposure__init(out);
    if (!uuid_is_nil(collector.u)) out->collector_id = rpc_uuid(item, collector.u);
    out->currency = rpc_text(item, bytes_text(in.code));
    out->cash_held = aged_view(item, ages->held);
    out->in_transit = aged_view(item, ages->transit);
    out->receivable = aged_view(item, ages->receivable);
    for (size_t i = 0; i < CASH_AGES; i++) out->exposure_minor += ages->held[i] + ages->transit[i];
    return out;
}

/* Rows of exposure_ages become ages of each owner; inflows wait until all of an owner's are there. */
static tagih_err take_ages(struct rpc_batch *batch, const struct exposure_read *rows, size_t n, struct ages *out) {
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    struct cash_day *days = ARENA_ARRAY(batch->arena, result_count(&r) + 1, struct cash_day);
    civil_date today = {0};
    if (!days) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < result_count(&r); i++) {
        struct ages *ages = &out[result_int4(&r, i, COL_exposure_ages_row)];
        civil_date on = result_date(&r, i, COL_exposure_ages_value_on);
        int64_t minor = result_int8(&r, i, COL_exposure_ages_amount_minor);
        int16_t what = result_int2(&r, i, COL_exposure_ages_what);
        today = result_date(&r, i, COL_exposure_ages_today_on);
        if (what == 2) ages->transit[cash_age(on, today)] += minor;
        if (what == 3) ages->receivable[cash_age(on, today)] += minor;
        if (what != 1) continue;
        if (!ages->days) ages->days = &days[i]; /* of one owner they come together */
        ages->days[ages->n_days++] = (struct cash_day){on, minor};
    }
    for (size_t i = 0; i < n; i++) {
        cash_split_by_age(rows[i].held_minor, out[i].days, out[i].n_days, today, out[i].held);
    }
    return TAGIH_OK;
}

static tagih_err ages_of(struct rpc_batch *batch, const struct exposure_read *rows, size_t n, struct ages **out) {
    *out = ARENA_ARRAY(batch->arena, n + 1, struct ages);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    memset(*out, 0, (n + 1) * sizeof **out);
    if (n == 0) return TAGIH_OK;
    TRY(exposure_send_ages(batch->tx, batch->arena, rows, n, batch->now));
    TRY(tx_sync(batch->tx));
    return take_ages(batch, rows, n, *out);
}

static tagih_err read_rows(struct rpc_batch *batch, const struct exposure_of *asked, const struct exposure_after *after,
                           int32_t limit, struct exposure_read **rows, size_t *n) {
    TRY(exposure_send_collectors(batch->tx, batch->arena, asked->collector, after, limit));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    *n = result_count(&r);
    *rows = ARENA_ARRAY(batch->arena, *n + 1, struct exposure_read);
    if (!*rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) exposure_read_row(&r, i, &(*rows)[i]);
    return TAGIH_OK;
}

static tagih_err answer_collectors(struct rpc_batch *batch, const struct exposure_of *asked) {
    struct rpc_item *item = batch->items[0];
    Tagih__V1__GetExposureResponse *out = item->response;
    struct exposure_read *rows;
    struct ages *ages;
    size_t n;
    TRY(read_rows(batch, asked, &asked->after, asked->page_size + 1, &rows, &n));
    bool more = n > (size_t)asked->page_size;
    if (more) n = (size_t)asked->page_size;
    TRY(ages_of(batch, rows, n, &ages));
    out->collectors = rpc_alloc(item, (n + 1) * sizeof *out->collectors);
    if (!out->collectors) return TAGIH_OK;
    for (size_t i = 0; i < n; i++) {
        if (!(out->collectors[i] = exposure_view(item, rows[i].collector, rows[i].currency, &ages[i]))) return TAGIH_OK;
        out->n_collectors++;
    }
    if (!more) return TAGIH_OK;
    struct exposure_after last = {rows[n - 1].collector.u, rows[n - 1].currency};
    out->next_page_token = rpc_page_token(item, BYTES_OF(&asked->collector), BYTES_OF(&last));
    return TAGIH_OK;
}

/* ---- of the agency -------------------------------------------------------------------------------------------------- */

#define CURRENCIES_MAX 32
#define COLLECTORS_AT_ONCE 500

struct agency_sums {
    struct {
        currency currency;
        struct ages ages;
        int64_t vault_minor;
    } of[CURRENCIES_MAX];
    size_t n;
};

static size_t place_of(struct agency_sums *sums, currency in) {
    for (size_t i = 0; i < sums->n; i++) {
        if (currency_equal(sums->of[i].currency, in)) return i;
    }
    if (sums->n == CURRENCIES_MAX) return CURRENCIES_MAX - 1; /* more than Tagih knows */
    sums->of[sums->n].currency = in;
    return sums->n++;
}

static void add_ages(int64_t sum[CASH_AGES], const int64_t more[CASH_AGES]) {
    for (size_t i = 0; i < CASH_AGES; i++) sum[i] += more[i];
}

/* Derived from all collectors, never kept: part by part. */
static tagih_err sum_collectors(struct rpc_batch *batch, struct agency_sums *sums) {
    struct exposure_of all = {.page_size = COLLECTORS_AT_ONCE};
    struct exposure_after after = {.collector = {{0}}};
    size_t n = COLLECTORS_AT_ONCE;
    while (n == COLLECTORS_AT_ONCE) {
        struct exposure_read *rows;
        struct ages *ages;
        TRY(read_rows(batch, &all, &after, COLLECTORS_AT_ONCE, &rows, &n));
        TRY(ages_of(batch, rows, n, &ages));
        for (size_t i = 0; i < n; i++) {
            struct ages *sum = &sums->of[place_of(sums, rows[i].currency)].ages;
            add_ages(sum->held, ages[i].held);
            add_ages(sum->transit, ages[i].transit);
            add_ages(sum->receivable, ages[i].receivable);
            after = (struct exposure_after){rows[i].collector.u, rows[i].currency};
        }
    }
    return TAGIH_OK;
}

static tagih_err sum_house(struct rpc_batch *batch, struct agency_sums *sums) {
    TRY(exposure_send_house(batch->tx, batch->arena, batch->now));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    for (size_t i = 0; i < result_count(&r); i++) {
        currency in = {{0}};
        in = result_currency(&r, i, COL_exposure_house_currency);
        size_t at = place_of(sums, in);
        sums->of[at].vault_minor = result_int8(&r, i, COL_exposure_house_vault_minor);
        if (result_is_null(&r, i, COL_exposure_house_value_on)) continue;
        size_t age = cash_age(result_date(&r, i, COL_exposure_house_value_on), result_date(&r, i, COL_exposure_house_today_on));
        sums->of[at].ages.transit[age] += result_int8(&r, i, COL_exposure_house_amount_minor);
    }
    return TAGIH_OK;
}

static tagih_err answer_agency(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    Tagih__V1__GetExposureResponse *out = item->response;
    struct agency_sums *sums = ARENA_NEW(batch->arena, struct agency_sums);
    if (!sums) return FAIL(OUT_OF_MEMORY);
    TRY(sum_collectors(batch, sums));
    TRY(sum_house(batch, sums));
    out->agency = rpc_alloc(item, (sums->n + 1) * sizeof *out->agency);
    for (size_t i = 0; out->agency && i < sums->n; i++) {
        out->agency[i] = exposure_view(item, (user_id){{{0}}}, sums->of[i].currency, &sums->of[i].ages);
        if (!out->agency[i]) return TAGIH_OK;
        out->agency[i]->vault_minor = sums->of[i].vault_minor;
        out->n_agency++;
    }
    return TAGIH_OK;
}

tagih_err get_exposure(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    struct exposure_of asked = *(const struct exposure_of *)item->checked;
    TRY(rpc_load(batch));
    if (!rpc_ok(item)) return TAGIH_OK;
    bool office = item->caller.roles & ROLES_OFFICE;
    if (!office && !uuid_equal(asked.collector.u, item->caller.user.u)) rpc_fail(item, FAIL(NOT_PERMITTED));
    if (!rpc_ok(item)) return TAGIH_OK;
    if (uuid_is_nil(asked.collector.u) && !asked.has_after) TRY(answer_agency(batch));
    return answer_collectors(batch, &asked);
}

/* ---- limits --------------------------------------------------------------------------------------------------------- */

tagih_err get_cash_limits_check(struct rpc_item *item) {
    const Tagih__V1__GetCashLimitsRequest *request = item->request;
    user_id *id = rpc_alloc(item, sizeof *id);
    item->checked = id;
    if (!id) return item->err;
    *id = (user_id){{{0}}};
    if (*request->collector_id) rpc_check_uuid(item, "collector_id", request->collector_id, &id->u);
    return item->err;
}

/* The etag names whose setting it is: setting a collector's own for the first time follows the agency's. */
static char *limit_etag(struct rpc_item *item, user_id asked, const struct cash_limit_read *read) {
    return cash_etag(item, 'l', read->is_set && uuid_equal(read->owner.u, asked.u) ? read->version : 0);
}

static Tagih__V1__CashLimits *limits_view(struct rpc_item *item, user_id asked, const struct cash_limit_read *read) {
    Tagih__V1__CashLimits *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    struct cash_limits limits = read->is_set ? read->limits : cash_limits_default(read->currency);
    tagih__v1__cash_limits__init(out);
    if (!uuid_is_nil(asked.u)) out->collector_id = rpc_uuid(item, asked.u);
    out->currency = rpc_text(item, bytes_text(read->currency.code));
    out->soft_minor = limits.soft_minor;
    out->hard_minor = limits.hard_minor;
    out->receipt_minor = limits.receipt_minor;
    out->etag = limit_etag(item, asked, read);
    return out;
}

tagih_err get_cash_limits(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    user_id asked = *(const user_id *)item->checked;
    struct cash_limit_read read;
    TRY(cash_limit_send_get(batch->tx, batch->arena, asked, (currency){{0}}));
    TRY(rpc_load(batch));
    cash_limit_take(batch->tx, &read);
    bool own = uuid_equal(asked.u, item->caller.user.u);
    if (rpc_ok(item) && !own && !(item->caller.roles & ROLES_OFFICE)) rpc_fail(item, FAIL(NOT_PERMITTED));
    if (rpc_ok(item)) ((Tagih__V1__GetCashLimitsResponse *)item->response)->limits = limits_view(item, asked, &read);
    return TAGIH_OK;
}

struct limiting {
    user_id collector;
    currency currency; /* empty: the agency's */
    struct cash_limits limits;
};

static void check_limits(struct rpc_item *item, const Tagih__V1__CashLimits *in, struct limiting *out) {
    if (*in->collector_id) rpc_check_uuid(item, "limits.collector_id", in->collector_id, &out->collector.u);
    if (*in->currency) {
        tagih_err err = currency_parse(bytes_text(in->currency), &out->currency);
        if (!err_is_ok(err)) rpc_problem(item, err, "limits.currency");
    }
    out->limits = (struct cash_limits){in->soft_minor, in->hard_minor, in->receipt_minor};
    if (in->soft_minor < 0 || in->soft_minor > in->hard_minor) rpc_problem(item, FAIL(CASH_LIMITS), "limits.soft_minor");
    if (in->hard_minor > MONEY_AMOUNT_MAX_MINOR) rpc_problem(item, FAIL(CASH_LIMITS), "limits.hard_minor");
    bool receipt = in->receipt_minor >= 0 && in->receipt_minor <= MONEY_AMOUNT_MAX_MINOR;
    if (!receipt) rpc_problem(item, FAIL(CASH_LIMITS), "limits.receipt_minor");
    rpc_check_text(item, "limits.etag", in->etag, 1, 64);
}

tagih_err set_cash_limits_check(struct rpc_item *item) {
    const Tagih__V1__SetCashLimitsRequest *request = item->request;
    struct limiting *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    *out = (struct limiting){.currency = {{0}}};
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    if (!request->limits) rpc_problem(item, FAIL(REQUEST_FIELD_MISSING), "limits");
    else check_limits(item, request->limits, out);
    return item->err;
}

static tagih_err judge_limits(const struct rpc_item *item, const struct limiting *l, const struct cash_limit_read *now,
                              const struct settlement_collector *collector) {
    const Tagih__V1__SetCashLimitsRequest *request = item->request;
    bool known = uuid_is_nil(l->collector.u) || (collector->found && (collector->roles & ROLES_FIELD));
    if (!known) return FAIL(NOT_PERMITTED);
    if (uuid_equal(l->collector.u, item->caller.user.u)) return FAIL(SETTLEMENT_OWN);
    bool set = now->is_set && uuid_equal(now->owner.u, l->collector.u);
    return cash_etag_is(request->limits->etag, 'l', set ? now->version : 0) ? TAGIH_OK : FAIL(CASH_LIMITS_CHANGED);
}

tagih_err set_cash_limits(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__SetCashLimitsRequest *request = item->request;
    const struct limiting *l = item->checked;
    struct cash_limit_read now;
    struct settlement_collector collector;
    TRY(cash_limit_send_lock(batch->tx, batch->arena));
    TRY(cash_limit_send_get(batch->tx, batch->arena, l->collector, l->currency));
    TRY(settlement_send_collector(batch->tx, batch->arena, l->collector, batch->now));
    TRY(rpc_load(batch));
    DEFER(result) struct result locked = {0};
    tx_take(batch->tx, &locked);
    cash_limit_take(batch->tx, &now);
    settlement_take_collector(batch->tx, &collector);
    if (rpc_ok(item)) rpc_fail(item, judge_limits(item, l, &now, &collector));
    if (!rpc_ok(item)) return TAGIH_OK;
    bool set = now.is_set && uuid_equal(now.owner.u, l->collector.u);
    struct cash_limit_row row = {.collector = l->collector, .currency = now.currency, .version = set ? now.version + 1 : 1,
                                 .limits = l->limits, .at = batch->now, .actor = item->caller.user,
                                 .reason = bytes_text(request->reason)};
    TRY(cash_limit_send_set(batch->tx, batch->arena, &row));
    now = (struct cash_limit_read){true, l->collector, row.currency, row.version, l->limits};
    ((Tagih__V1__SetCashLimitsResponse *)item->response)->limits = limits_view(item, l->collector, &now);
    return TAGIH_OK;
}

/* ---- the rows ------------------------------------------------------------------------------------------------------- */

#define READERS (ROLES_FIELD | ROLES_OFFICE)
#define COUNTERS ((uint32_t)ROLE_CASHIER)
#define ACCEPTERS (ROLE_CASHIER | ROLE_SUPERVISOR | ROLE_ADMIN)
#define RPC_OF(name, handler, type) \
    RPC_METHOD(name, handler, type##Request, type##Response), .check = handler##_check

const struct rpc_service cash_service = {
    .proto = &tagih__v1__cash_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_OF("ListSettlements", list_settlements, ListSettlements), .roles = READERS},
        {RPC_OF("GetSettlement", get_settlement, GetSettlement), .roles = READERS},
        {RPC_OF("DeclareSettlement", declare_settlement, DeclareSettlement), .roles = ROLE_SUPERVISOR | ROLE_ADMIN,
         .writes = true, .request_id = true},
        {RPC_OF("CountSettlement", count_settlement, CountSettlement), .roles = COUNTERS, .writes = true, .request_id = true},
        {RPC_OF("AcceptSettlement", accept_settlement, AcceptSettlement), .roles = ACCEPTERS, .writes = true,
         .request_id = true},
        {RPC_OF("ListShortages", list_shortages, ListShortages), .roles = READERS},
        {RPC_OF("RepayShortage", repay_shortage, RepayShortage), .roles = COUNTERS, .writes = true, .request_id = true},
        {RPC_OF("WriteOffShortage", write_off_shortage, WriteOffShortage), .roles = ACCEPTERS, .writes = true,
         .request_id = true},
        {RPC_OF("DepositCash", deposit_cash, DepositCash), .roles = COUNTERS, .writes = true, .request_id = true},
        {RPC_OF("ListDeposits", list_deposits, ListDeposits), .roles = ROLES_OFFICE},
        {RPC_OF("MatchDeposit", match_deposit, MatchDeposit), .roles = ACCEPTERS, .writes = true, .request_id = true},
        {RPC_OF("GetExposure", get_exposure, GetExposure), .roles = READERS},
        {RPC_OF("GetCashLimits", get_cash_limits, GetCashLimits), .roles = READERS},
        {RPC_OF("SetCashLimits", set_cash_limits, SetCashLimits), .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true,
         .request_id = true},
        {0}}};
