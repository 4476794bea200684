/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SaleService: the money of a sale of collateral (R-RPO-7). Every call of it but the reading ones is a proposal; it is judged when it
 * is made and, under the account's lock, when a second person approves (sale_decide.c).
 */
#include "rpc/sale.h"

#include <string.h>

#include "engine/page.h"
#include "rpc/adjustment.h"
#include "rpc/cost.h"
#include "rpc/paying.h"
#include "rpc/payment_view.h"
#include "rpc/services.h"
#include "store/account.h"
#include "store/adjustment.h"

#define REASON_MAX 500
#define NAME_MAX_BYTES 100
#define ETAG_SIZE 16

/* ---- etags ---------------------------------------------------------------------------------------------------- */

static void etag_format(int32_t n, char out[ETAG_SIZE]) {
    snprintf(out, ETAG_SIZE, "s%d", n);
}

bool sale_etag_is(const char *etag, int32_t n) {
    char now[ETAG_SIZE];
    etag_format(n, now);
    return strcmp(etag, now) == 0;
}

/* ---- RecordSale ----------------------------------------------------------------------------------------------- */

struct recording {
    account_id account;
    currency currency;
    int64_t hammer_minor;
};

static tagih_err record_request(struct rpc_item *item) {
    const Tagih__V1__RecordSaleRequest *request = item->request;
    struct recording *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    *out = (struct recording){0};
    rpc_check_uuid(item, "account_id", request->account_id, &out->account.u);
    cost_check_reference(item, "asset_reference", request->asset_reference);
    rpc_check_text(item, "house", request->house, 1, NAME_MAX_BYTES);
    cost_check_reference(item, "lot", request->lot);
    rpc_check_money(item, "hammer", request->hammer, 1, FAIL(ADJUSTMENT_AMOUNT), &out->currency, &out->hammer_minor);
    cost_check_digest(item, "protocol_sha256", request->protocol_sha256);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    paying_check_value(item, "sold_us", request->sold_us);
    return item->err;
}

static tagih_err record_sale(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__RecordSaleRequest *request = item->request;
    const struct recording *r = item->checked;
    struct sale_row row = {.account = r->account, .asset_reference = bytes_text(request->asset_reference),
                           .house = bytes_text(request->house), .lot = bytes_text(request->lot)};
    struct adjustment_account account;
    TRY(adjustment_send_account(batch->tx, batch->arena, r->account));
    TRY(sale_send_twice(batch->tx, batch->arena, &row));
    TRY(rpc_load(batch));
    adjustment_take_account(batch->tx, &account);
    bool twice = sale_take_twice(batch->tx);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (!account.found) return FAIL(NOT_PERMITTED);
    if (!currency_equal(account.currency, r->currency)) return FAIL(ACCOUNT_CURRENCY);
    if (twice) return FAIL(SALE_EXISTS);
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SALE, .subject = r->account.u,
                                     .account = r->account, .has_amount = true, .amount_minor = r->hammer_minor,
                                     .currency = r->currency, .reason = request->reason};
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__RecordSaleResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

/* ---- steps ---------------------------------------------------------------------------------------------------- */

static void read_money(const Tagih__V1__Money *money, struct sale_step *out) {
    out->has_amount = true;
    if (!money) return;
    out->amount_minor = money->minor;
    tagih_err unknown = currency_parse(bytes_text(money->currency), &out->currency); /* check() has told of it */
    (void)unknown;
}

struct sale_step sale_step_of(enum sale_event event, const void *request) {
    struct sale_step out = {.event = event, .reference = bytes_text("")};
    if (event == SALE_SETTLE) {
        const Tagih__V1__SettleSaleRequest *r = request;
        out.etag = r->etag, out.reason = r->reason;
        read_money(r->sale_costs, &out);
    } else if (event == SALE_TAKE_BACK) {
        const Tagih__V1__TakeBackSaleRequest *r = request;
        out.etag = r->etag, out.reason = r->reason;
    } else if (event == SALE_RECEIVE) {
        const Tagih__V1__ReceiveSaleProceedsRequest *r = request;
        out.etag = r->etag, out.reason = r->reason, out.reference = bytes_text(r->reference), out.value_us = r->value_us;
        read_money(r->amount, &out);
    } else {
        const Tagih__V1__PaySurplusRequest *r = request;
        out.etag = r->etag, out.reason = r->reason, out.reference = bytes_text(r->reference), out.value_us = r->value_us;
        read_money(r->amount, &out);
    }
    return out;
}

tagih_err sale_judge(const struct sale_step *step, const struct sale_read *read, enum sale_state *to) {
    if (!sale_etag_is(step->etag, read->n)) return FAIL(SALE_CHANGED);
    bool mixed = step->has_amount && !bytes_equal(read->row.currency, bytes_text(step->currency.code));
    if (mixed) return FAIL(MONEY_CURRENCY_MIXED);
    if (step->event == SALE_SETTLE && step->amount_minor > read->now.hammer_minor) return FAIL(SALE_COSTS);
    return sale_apply(&read->now, step->event, step->amount_minor, to);
}

/* A bill may be nothing, and so may what a house pays that keeps all of it. */
static void check_money(struct rpc_item *item, const char *field, const Tagih__V1__Money *money) {
    struct sale_step *step = item->checked;
    rpc_check_money(item, field, money, 0, FAIL(SALE_AMOUNT), &step->currency, &step->amount_minor);
}

static struct sale_step *check_step(struct rpc_item *item, enum sale_event event, const char *sale_id) {
    struct sale_step *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return NULL;
    *out = sale_step_of(event, item->request);
    rpc_check_uuid(item, "sale_id", sale_id, &out->sale);
    rpc_check_text(item, "etag", out->etag, 1, 64);
    rpc_check_text(item, "reason", out->reason, 1, REASON_MAX);
    return out;
}

static void check_moved(struct rpc_item *item, const Tagih__V1__Money *amount, const char *reference, int64_t value_us) {
    check_money(item, "amount", amount);
    cost_check_reference(item, "reference", reference);
    paying_check_value(item, "value_us", value_us);
}

static tagih_err settle_request(struct rpc_item *item) {
    const Tagih__V1__SettleSaleRequest *request = item->request;
    if (check_step(item, SALE_SETTLE, request->sale_id)) check_money(item, "sale_costs", request->sale_costs);
    return item->err;
}

static tagih_err take_back_request(struct rpc_item *item) {
    check_step(item, SALE_TAKE_BACK, ((const Tagih__V1__TakeBackSaleRequest *)item->request)->sale_id);
    return item->err;
}

static tagih_err receive_request(struct rpc_item *item) {
    const Tagih__V1__ReceiveSaleProceedsRequest *request = item->request;
    if (check_step(item, SALE_RECEIVE, request->sale_id)) check_moved(item, request->amount, request->reference, request->value_us);
    return item->err;
}

static tagih_err surplus_request(struct rpc_item *item) {
    const Tagih__V1__PaySurplusRequest *request = item->request;
    if (check_step(item, SALE_PAY_SURPLUS, request->sale_id)) check_moved(item, request->amount, request->reference, request->value_us);
    return item->err;
}

static tagih_err propose(struct rpc_batch *batch, Tagih__V1__ProposalKind kind, char **out) {
    struct rpc_item *item = batch->items[0];
    const struct sale_step *step = item->checked;
    TRY(sale_send_get(batch->tx, batch->arena, &step->sale, 1));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (result_count(&r) != 1) return FAIL(NOT_PERMITTED);
    struct sale_read read;
    enum sale_state to;
    sale_read_row(&r, 0, &read);
    TRY(sale_judge(step, &read, &to));
    struct approval_making making = {.kind = kind, .subject = step->sale, .account = read.row.account, .has_amount = true,
                                     .amount_minor = step->has_amount ? step->amount_minor : read.now.hammer_minor,
                                     .reason = step->reason};
    memcpy(making.currency.code, read.row.currency.data, 3);
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    *out = rpc_uuid(item, id);
    return TAGIH_OK;
}

static tagih_err settle_sale(struct rpc_batch *batch) {
    return propose(batch, TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SALE_SETTLEMENT,
                   &((Tagih__V1__SettleSaleResponse *)batch->items[0]->response)->proposal_id);
}

static tagih_err take_back_sale(struct rpc_batch *batch) {
    return propose(batch, TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SALE_TAKE_BACK,
                   &((Tagih__V1__TakeBackSaleResponse *)batch->items[0]->response)->proposal_id);
}

static tagih_err receive_proceeds(struct rpc_batch *batch) {
    return propose(batch, TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SALE_PROCEEDS,
                   &((Tagih__V1__ReceiveSaleProceedsResponse *)batch->items[0]->response)->proposal_id);
}

static tagih_err pay_surplus(struct rpc_batch *batch) {
    return propose(batch, TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SURPLUS,
                   &((Tagih__V1__PaySurplusResponse *)batch->items[0]->response)->proposal_id);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static void shares_view(const struct sale_now *now, Tagih__V1__Sale *out) {
    out->sale_costs_minor = now->shares.sale_costs_minor;
    out->taking_costs_minor = now->shares.taking_costs_minor;
    out->debt_minor = now->shares.debt_minor;
    out->surplus_minor = now->shares.surplus_minor;
    out->shortfall_minor = now->shares.shortfall_minor;
    out->surplus_paid_minor = now->surplus_paid_minor;
    out->received = now->received;
}

static Tagih__V1__Sale *view_of(struct rpc_item *item, const struct sale_read *read) {
    Tagih__V1__Sale *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__sale__init(out);
    out->sale_id = rpc_uuid(item, read->row.id);
    out->account_id = rpc_uuid(item, read->row.account.u);
    out->asset_reference = rpc_text(item, read->row.asset_reference);
    out->house = rpc_text(item, read->row.house);
    out->lot = rpc_text(item, read->row.lot);
    out->hammer = money_view(item, read->row.hammer_minor, read->row.currency);
    struct bytes protocol = arena_copy(&item->call->arena, read->row.protocol);
    if (protocol.data) out->protocol_sha256 = (ProtobufCBinaryData){protocol.len, (uint8_t *)(uintptr_t)protocol.data};
    out->sold_us = read->row.value_us;
    out->state = (Tagih__V1__SaleState)read->now.state;
    shares_view(&read->now, out);
    if (read->has_payment) out->payment_id = rpc_uuid(item, read->payment.u);
    if (read->has_due) out->surplus_due_on = rpc_date(item, read->due_on);
    out->made_by = rpc_uuid(item, read->row.made_by.u);
    out->decided_by = rpc_uuid(item, read->row.decided_by.u);
    char etag[ETAG_SIZE];
    etag_format(read->n, etag);
    out->etag = rpc_text(item, bytes_text(etag));
    return out;
}

static tagih_err get_request(struct rpc_item *item) {
    const Tagih__V1__GetSaleRequest *request = item->request;
    uuid *id = rpc_alloc(item, sizeof *id);
    item->checked = id;
    if (id) rpc_check_uuid(item, "sale_id", request->sale_id, id);
    return item->err;
}

static tagih_err get_sale(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    TRY(sale_send_get(batch->tx, batch->arena, item->checked, 1));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (result_count(&r) != 1) return FAIL(NOT_PERMITTED);
    struct sale_read read;
    sale_read_row(&r, 0, &read);
    ((Tagih__V1__GetSaleResponse *)item->response)->sale = view_of(item, &read);
    return TAGIH_OK;
}

struct listing {
    struct {
        account_id account; /* nil: all */
        int32_t surplus_open;
    } filter;
    struct page page;
};

static tagih_err list_request(struct rpc_item *item) {
    const Tagih__V1__ListSalesRequest *request = item->request;
    struct listing *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    *list = (struct listing){.filter = {.surplus_open = request->surplus_open}, .page = {.after = {.at_us = INT64_MAX}}};
    if (*request->account_id) rpc_check_uuid(item, "account_id", request->account_id, &list->filter.account.u);
    rpc_check_list(item, request->page_size, request->page_token, BYTES_OF(&list->filter), &list->page);
    return item->err;
}

static tagih_err answer_list(struct rpc_batch *batch, const struct result *page) {
    struct rpc_item *item = batch->items[0];
    const struct listing *list = item->checked;
    Tagih__V1__ListSalesResponse *out = item->response;
    size_t n = rpc_page_rows(page, list->page.size);
    uuid *ids = ARENA_ARRAY(batch->arena, n + 1, uuid);
    out->sales = rpc_alloc(item, (n + 1) * sizeof *out->sales);
    if (!ids || !out->sales) return FAIL(OUT_OF_MEMORY);
    if (n == 0) return TAGIH_OK;
    for (size_t i = 0; i < n; i++) ids[i] = sale_listed(page, i);
    TRY(sale_send_get(batch->tx, batch->arena, ids, n));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    struct sale_read read = {.n = 0};
    tx_take(batch->tx, &r);
    for (size_t i = 0; i < result_count(&r); i++) {
        sale_read_row(&r, i, &read);
        if (!(out->sales[i] = view_of(item, &read))) return TAGIH_OK;
        out->n_sales++;
    }
    struct page_place last = {read.row.at_us, read.row.id};
    out->next_page_token = rpc_page_next(item, page, list->page.size, BYTES_OF(&list->filter), BYTES_OF(&last));
    return TAGIH_OK;
}

static tagih_err list_sales(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct listing *list = item->checked;
    struct account_owner owner;
    TRY(account_send_owner(batch->tx, batch->arena, list->filter.account));
    TRY(sale_send_list(batch->tx, batch->arena, list->filter.account, list->filter.surplus_open, list->page.after.at_us,
                       list->page.after.id, list->page.size + 1));
    TRY(rpc_load(batch));
    DEFER(result) struct result page = {0};
    account_take_owner(batch->tx, &owner);
    tx_take(batch->tx, &page);
    bool all = uuid_is_nil(list->filter.account.u);
    if (rpc_ok(item) && !all && !owner.found) rpc_fail(item, FAIL(NOT_PERMITTED));
    return rpc_ok(item) ? answer_list(batch, &page) : TAGIH_OK;
}

/* ---- the table ------------------------------------------------------------------------------------------------ */

#define MAKERS (ROLE_SUPERVISOR | ROLE_CASHIER | ROLE_ADMIN)

const struct rpc_service sale_service = {
    .proto = &tagih__v1__sale_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("RecordSale", record_sale, RecordSaleRequest, RecordSaleResponse), .check = record_request,
         .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("SettleSale", settle_sale, SettleSaleRequest, SettleSaleResponse), .check = settle_request,
         .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("TakeBackSale", take_back_sale, TakeBackSaleRequest, TakeBackSaleResponse), .check = take_back_request,
         .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("ReceiveSaleProceeds", receive_proceeds, ReceiveSaleProceedsRequest, ReceiveSaleProceedsResponse),
         .check = receive_request, .roles = MAKERS, .writes = true, .request_id = true},
        {RPC_METHOD("PaySurplus", pay_surplus, PaySurplusRequest, PaySurplusResponse), .check = surplus_request, .roles = MAKERS,
         .writes = true, .request_id = true},
        {RPC_METHOD("GetSale", get_sale, GetSaleRequest, GetSaleResponse), .check = get_request, .roles = ROLES_OFFICE},
        {RPC_METHOD("ListSales", list_sales, ListSalesRequest, ListSalesResponse), .check = list_request, .roles = ROLES_OFFICE},
        {0}}};
