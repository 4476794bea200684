/* SPDX-License-Identifier: Apache-2.0 */
/* MonthService: whether a month may be closed, and what became of it (R-CLS-1). The closing itself: month_close.c. */
#include "rpc/month.h"

#include <stdio.h>
#include <string.h>

#include "rpc/month_close.h"
#include "rpc/payment_view.h"
#include "domain/big_endian.h"
#include "rpc/services.h"
#include "run/random.h"

#define REASON_MAX 500

bool rpc_check_month(struct rpc_item *item, const char *field, const char *text, civil_date *out) {
    char first[DATE_TEXT_SIZE];
    bool form = strlen(text) == 7 && snprintf(first, sizeof first, "%s-01", text) == 10;
    if (form && err_is_ok(date_parse(first, out))) return true;
    rpc_problem(item, FAIL(DATE_SYNTAX), "%s", field);
    return false;
}

static Tagih__V1__MonthOpen *open_view(struct rpc_item *item, const struct month_open *open, struct bytes in) {
    Tagih__V1__MonthOpen *view = rpc_alloc(item, sizeof *view);
    if (!view) return NULL;
    tagih__v1__month_open__init(view);
    view->gaps = (uint64_t)open->gaps;
    view->waiting = (uint64_t)open->waiting;
    view->quarantined = (uint64_t)open->quarantined;
    view->suspense_items = (uint64_t)open->suspense;
    view->suspense = money_view(item, open->suspense_minor, in);
    view->cash_collectors = (uint64_t)open->cash_collectors;
    view->cash = money_view(item, open->cash_minor, in);
    view->phones_silent = (uint64_t)open->phones_silent;
    return view;
}

/* ---- GetReadiness --------------------------------------------------------------------------------------------- */

static tagih_err readiness_request(struct rpc_item *item) {
    const Tagih__V1__GetReadinessRequest *request = item->request;
    civil_date *month = rpc_alloc(item, sizeof *month);
    item->checked = month;
    if (month) rpc_check_month(item, "month", request->month, month);
    return item->err;
}

static char *date_text(struct rpc_item *item, civil_date on) {
    char text[DATE_TEXT_SIZE];
    date_format(on, text);
    return rpc_text(item, bytes_text(text));
}

static tagih_err get_readiness(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const civil_date *month = item->checked;
    struct month_now now;
    struct month_open open;
    TRY(month_send_now(batch->tx, batch->arena, *month, batch->now));
    TRY(rpc_load(batch));
    TRY(month_take_now(batch->tx, &now));
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(month_send_open(batch->tx, batch->arena, *month, now.last));
    TRY(tx_sync(batch->tx));
    month_take_open(batch->tx, &open);
    Tagih__V1__GetReadinessResponse *out = item->response;
    tagih_err err = month_close_check(*month, &now.books);
    out->ready = err_is_ok(err);
    out->hindrance = (char *)(uintptr_t)(out->ready ? "" : err_token(err));
    out->closes_from = date_text(item, month_close_from(*month, MONTH_CLOSE_WORKING_DAY));
    out->open = open_view(item, &open, bytes_text(now.currency));
    return TAGIH_OK;
}

/* ---- ProposeClose, and closing -------------------------------------------------------------------------------- */

static tagih_err propose_request(struct rpc_item *item) {
    const Tagih__V1__ProposeCloseRequest *request = item->request;
    civil_date *month = rpc_alloc(item, sizeof *month);
    item->checked = month;
    if (!month) return item->err;
    rpc_check_month(item, "month", request->month, month);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    return item->err;
}

/* What a proposal about a month is about: two open ones cannot be. */
static uuid month_subject(civil_date month) {
    uuid subject = {{0}};
    put_be32(subject.b + 12, (uint32_t)month.days);
    return subject;
}

static tagih_err propose_close(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__ProposeCloseRequest *request = item->request;
    const civil_date *month = item->checked;
    struct month_now now;
    TRY(month_send_now(batch->tx, batch->arena, *month, batch->now));
    TRY(rpc_load(batch));
    TRY(month_take_now(batch->tx, &now));
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(month_close_check(*month, &now.books));
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_MONTH_CLOSE,
                                     .subject = month_subject(*month), .reason = request->reason};
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__ProposeCloseResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

struct joining {
    struct rpc_batch *batch;
    struct approval *proposal;
};

static tagih_err join_close(void *context, struct post *post) {
    const struct joining *joining = context;
    return approval_join(joining->batch, joining->proposal, post);
}

static tagih_err execute_close(struct rpc_batch *batch, struct approval *proposal) {
    const Tagih__V1__ProposeCloseRequest *request = proposal->request;
    struct joining joining = {batch, proposal};
    struct month_closing closing = {.tx = batch->tx, .arena = batch->arena, .agency = batch->agency, .writer = batch->writer,
                                    .now = batch->now, .posting = random_id(), .made_by = proposal->made_by,
                                    .approved_by = proposal->decided_by, .join = join_close, .join_context = &joining};
    if (!rpc_check_month(batch->items[0], "month", request->month, &closing.month)) return FAIL(DATE_SYNTAX);
    return month_close(&closing);
}

const struct approval_kind month_close_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_MONTH_CLOSE,
                                               .name = "month_close", .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
                                               .request = &tagih__v1__propose_close_request__descriptor,
                                               .execute = execute_close};

/* ---- GetMonth ------------------------------------------------------------------------------------------------- */

static tagih_err month_request(struct rpc_item *item) {
    const Tagih__V1__GetMonthRequest *request = item->request;
    civil_date *month = rpc_alloc(item, sizeof *month);
    item->checked = month;
    if (month) rpc_check_month(item, "month", request->month, month);
    return item->err;
}

static tagih_err get_month(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const civil_date *month = item->checked;
    struct month_close_row row;
    struct month_now now;
    TRY(month_send_get(batch->tx, batch->arena, *month));
    TRY(month_send_now(batch->tx, batch->arena, *month, batch->now));
    TRY(rpc_load(batch));
    bool closed = month_take_get(batch->tx, &row);
    TRY(month_take_now(batch->tx, &now));
    Tagih__V1__GetMonthResponse *out = item->response;
    if (!rpc_ok(item) || !closed) return TAGIH_OK;
    struct bytes in = bytes_text(now.currency), digest = arena_copy(&item->call->arena, BYTES_OF(&row.digest));
    out->closed = true;
    out->closed_us = row.closed.us;
    out->made_by = rpc_uuid(item, row.made_by.u);
    out->approved_by = rpc_uuid(item, row.approved_by.u);
    if (digest.data) out->digest = (ProtobufCBinaryData){digest.len, (uint8_t *)(uintptr_t)digest.data};
    out->true_ups = (uint64_t)row.true_ups;
    out->true_up = money_view(item, row.true_up_minor, in);
    out->payments = (uint64_t)row.payments;
    out->open = open_view(item, &row.open, in);
    return TAGIH_OK;
}

const struct rpc_service month_service = {
    .proto = &tagih__v1__month_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("GetReadiness", get_readiness, GetReadinessRequest, GetReadinessResponse), .check = readiness_request,
         .roles = ROLES_OFFICE},
        {RPC_METHOD("ProposeClose", propose_close, ProposeCloseRequest, ProposeCloseResponse), .check = propose_request,
         .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("GetMonth", get_month, GetMonthRequest, GetMonthResponse), .check = month_request, .roles = ROLES_OFFICE},
        {0}}};
