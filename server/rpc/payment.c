/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PaymentService: money that is no entry comes in and is taken back, through the same book as receipts (posting.h);
 * payments and statements are read. Payments post many at a time: every waiting call of an agency is one book.
 */
#include "rpc/payment_view.h"

#include <string.h>

#include "domain/bank.h"
#include "engine/page.h"
#include "rpc/gateway.h"
#include "rpc/paying.h"
#include "rpc/payment_import.h"
#include "rpc/payment_retag.h"
#include "rpc/services.h"
#include "run/random.h"

/* ---- answers -------------------------------------------------------------------------------------------------- */

/* Payments read back, in the order of `ids`, each with its newest allocation. */
struct views {
    struct payment_read *reads;
    struct payment_part *parts;
    size_t n, n_parts;
};

static tagih_err take_parts(struct tx *tx, struct arena *arena, struct views *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    out->n_parts = result_count(&r);
    out->parts = ARENA_ARRAY(arena, out->n_parts + 1, struct payment_part);
    if (!out->parts) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < out->n_parts; i++) payment_read_part(&r, i, &out->parts[i]);
    return TAGIH_OK;
}

static Tagih__V1__Payment *view_of(struct rpc_item *item, const struct views *views, const struct payment_read *read, size_t i) {
    size_t first = 0, n = 0;
    while (first < views->n_parts && views->parts[first].payment < i) first++;
    while (first + n < views->n_parts && views->parts[first + n].payment == i) n++;
    return payment_view(item, read, views->parts + first, n);
}

/* Collectors see payments of accounts assigned to them, and those that they took. */
static bool may_see(const struct rpc_item *item, const struct payment_read *read) {
    if (item->caller.roles & ROLES_OFFICE) return true;
    return (read->has_assigned && uuid_equal(read->assigned.u, item->caller.user.u)) ||
           (read->has_collector && uuid_equal(read->collector.u, item->caller.user.u));
}

/* ---- PostPayment ---------------------------------------------------------------------------------------------- */

static void check_source(struct rpc_item *item, Tagih__V1__PaymentSource source, Tagih__V1__PaymentTag tag, struct paying *out) {
    if (!payment_source_is_brought((enum payment_source)source)) {
        rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "source");
        return;
    }
    out->identity.source = (int16_t)source;
    out->tag = payment_tag_of_source((enum payment_source)source, TENDER_NONE);
    if (!tag) return;
    tagih_err err = payment_tag_check((enum payment_source)source, TENDER_NONE, (enum payment_tag)tag);
    if (!err_is_ok(err)) rpc_problem(item, err, "tag");
    out->tag = (enum payment_tag)tag;
}

static tagih_err post_request(struct rpc_item *item) {
    const Tagih__V1__PostPaymentRequest *request = item->request;
    struct paying *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    *out = (struct paying){.value = {request->value_us}, .has_actor = true, .actor = item->caller.user,
                           .identity.reference = bytes_text(request->source_reference)};
    rpc_check_uuid(item, "account_id", request->account_id, &out->account.u);
    check_source(item, request->source, request->tag, out);
    rpc_check_text(item, "source_reference", request->source_reference, 1, PAYMENT_REFERENCE_MAX);
    rpc_check_money(item, "amount", request->amount, 1, FAIL(PAYMENT_AMOUNT), &out->currency, &out->amount_minor);
    paying_check_value(item, "value_us", request->value_us);
    return item->err;
}

static bool may_post(const struct rpc_item *item, const struct paying *p) {
    if (item->caller.roles & (ROLE_INTEGRATION | ROLE_ADMIN)) return true;
    return p->identity.source == SOURCE_BRANCH; /* a cashier's own counter */
}

static tagih_err answer_posts(struct rpc_batch *batch, const struct paying *payings) {
    payment_id *ids = ARENA_ARRAY(batch->arena, batch->n, payment_id);
    size_t *asked = ARENA_ARRAY(batch->arena, batch->n, size_t), n = 0;
    if (!ids || !asked) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < batch->n; i++) {
        if (!rpc_ok(batch->items[i])) continue;
        if (payings[i].suspense) {
            Tagih__V1__PostPaymentResponse *out = batch->items[i]->response;
            out->suspense_item_id = rpc_uuid(batch->items[i], payings[i].payment.u);
            continue;
        }
        asked[n] = i;
        ids[n++] = payings[i].payment;
    }
    if (n == 0) return TAGIH_OK;
    TRY(tx_sync(batch->tx)); /* the answers of what was saved are nobody's: the next sending drops them */
    TRY(payment_send_get(batch->tx, batch->arena, ids, n));
    TRY(payment_send_allocations(batch->tx, batch->arena, ids, n));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    struct views views = {.n = n};
    tx_take(batch->tx, &r);
    TRY(take_parts(batch->tx, batch->arena, &views));
    if (result_count(&r) != n) return FAIL(INTERNAL);
    for (size_t i = 0; i < n; i++) {
        struct rpc_item *item = batch->items[asked[i]];
        struct payment_read read;
        payment_read_row(&r, i, &read);
        ((Tagih__V1__PostPaymentResponse *)item->response)->payment = view_of(item, &views, &read, i);
    }
    return TAGIH_OK;
}

/* All waiting calls of a batch. */
static tagih_err post_payment(struct rpc_batch *batch) {
    struct paying *payings = ARENA_ARRAY(batch->arena, batch->n, struct paying);
    if (!payings) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < batch->n; i++) payings[i] = *(const struct paying *)batch->items[i]->checked;
    struct paying_book all;
    TRY(paying_begin(&all, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, payings, batch->n, NULL));
    TRY(paying_send_load(&all));
    TRY(rpc_load(batch));
    TRY(paying_take_load(&all));
    for (size_t i = 0; i < batch->n; i++) {
        struct rpc_item *item = batch->items[i];
        if (rpc_ok(item) && !may_post(item, &payings[i])) rpc_fail(item, FAIL(NOT_PERMITTED));
        payings[i].err = item->err;
    }
    TRY(paying_decide(&all));
    for (size_t i = 0; i < batch->n; i++) batch->items[i]->err = payings[i].err;
    TRY(paying_save(&all));
    return answer_posts(batch, payings);
}

/* ---- ReversePayment ------------------------------------------------------------------------------------------- */

struct reversing {
    payment_id payment;
    enum reversal_reason reason;
};

static tagih_err reverse_request(struct rpc_item *item) {
    const Tagih__V1__ReversePaymentRequest *request = item->request;
    struct reversing *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    rpc_check_uuid(item, "payment_id", request->payment_id, &out->payment.u);
    out->reason = (enum reversal_reason)request->reason;
    if (out->reason < REVERSAL_VOID || out->reason >= REVERSAL_END) rpc_problem(item, FAIL(REQUEST_FIELD_MISSING), "reason");
    rpc_check_text(item, "etag", request->etag, 1, 64);
    return item->err;
}

/* R-PAY-4: cash held is never below zero; what left the collector's bag is not voided out of it. */
static bool cash_is_gone(struct book *book, const struct payment_read *read, enum reversal_reason reason, bool settled) {
    if (reason != REVERSAL_VOID || settled || read->tender != TENDER_CASH) return false;
    currency in = {{0}};
    memcpy(in.code, read->currency.data, 3);
    const struct posting_collector *c = book_collector(book, read->collector, in);
    return !c || c->cash_held_minor < read->amount_minor;
}

static tagih_err judge_reversal(struct rpc_item *item, struct book *book, const struct payment_read *read, bool settled) {
    const struct reversing *r = item->checked;
    const Tagih__V1__ReversePaymentRequest *request = item->request;
    if (read->reversed) return FAIL(PAYMENT_REVERSED);
    if (strcmp(request->etag, payment_etag(item, read)) != 0) return FAIL(PAYMENT_CHANGED);
    if (read->source == SOURCE_AUCTION) return FAIL(PAYMENT_OF_SALE); /* its costs and surplus would stay (R-RPO-7b) */
    TRY(payment_reversal_check(r->reason, (enum payment_source)read->source, (enum tender)read->tender));
    const struct posting_reversed *at = &book->loaded.reversed[0];
    if (r->reason == REVERSAL_NEVER_RECEIVED && at->at_bank && at->bank_state == EXPECTED_SETTLED) return FAIL(PAYMENT_AT_BANK);
    if (r->reason == REVERSAL_BOUNCE && at->at_bank && at->bank_state == EXPECTED_NOT_SENT) return FAIL(CHEQUE_IN_HAND);
    return cash_is_gone(book, read, r->reason, settled) ? FAIL(PAYMENT_CASH_GONE) : TAGIH_OK;
}

static tagih_err load_reversal(struct rpc_batch *batch, struct book *book, struct result *found, bool *settled) {
    const struct reversing *r = batch->items[0]->checked;
    TRY(payment_send_device_lock(batch->tx, batch->arena, r->payment));
    TRY(book_send_lock(book));
    TRY(book_send_load(book));
    TRY(payment_send_get(batch->tx, batch->arena, &r->payment, 1));
    TRY(payment_send_settled(batch->tx, batch->arena, r->payment));
    TRY(rpc_load(batch));
    DEFER(result) struct result locked = {0};
    tx_take(batch->tx, &locked);
    book_take_lock(book);
    TRY(book_take_load(book));
    tx_take(batch->tx, found);
    *settled = payment_take_settled(batch->tx);
    return TAGIH_OK;
}

static tagih_err answer_one(struct rpc_batch *batch, payment_id id, Tagih__V1__Payment **out) {
    TRY(tx_sync(batch->tx));
    TRY(payment_send_get(batch->tx, batch->arena, &id, 1));
    TRY(payment_send_allocations(batch->tx, batch->arena, &id, 1));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    struct views views = {.n = 1};
    tx_take(batch->tx, &r);
    TRY(take_parts(batch->tx, batch->arena, &views));
    struct payment_read read;
    if (result_count(&r) != 1) return FAIL(INTERNAL);
    payment_read_row(&r, 0, &read);
    *out = view_of(batch->items[0], &views, &read, 0);
    return TAGIH_OK;
}

static tagih_err reverse_payment(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct reversing *r = item->checked;
    struct post post = {.what = POST_REVERSAL, .id = random_id(), .payment = r->payment, .received = batch->now,
                        .value = batch->now, .has_actor = true, .actor = item->caller.user, .reason = r->reason};
    struct book book;
    TRY(book_begin(&book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &post, 1, 0));
    DEFER(result) struct result found = {0};
    TRY(load_reversal(batch, &book, &found, &post.settled));
    if (!rpc_ok(item)) return TAGIH_OK;
    struct payment_read read = {0};
    if (result_count(&found) == 1) payment_read_row(&found, 0, &read);
    tagih_err err = result_count(&found) == 1 ? judge_reversal(item, &book, &read, post.settled) : FAIL(NOT_PERMITTED);
    if (!err_is_ok(err)) {
        rpc_fail(item, err);
        return TAGIH_OK;
    }
    TRY(book_decide(&book));
    TRY(book_save(&book));
    return answer_one(batch, r->payment, &((Tagih__V1__ReversePaymentResponse *)item->response)->payment);
}

/* ---- GetPayment ----------------------------------------------------------------------------------------------- */

static tagih_err get_request(struct rpc_item *item) {
    const Tagih__V1__GetPaymentRequest *request = item->request;
    payment_id *id = rpc_alloc(item, sizeof *id);
    item->checked = id;
    if (id) rpc_check_uuid(item, "payment_id", request->payment_id, &id->u);
    return item->err;
}

static tagih_err get_payment(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const payment_id *id = item->checked;
    TRY(payment_send_get(batch->tx, batch->arena, id, 1));
    TRY(payment_send_allocations(batch->tx, batch->arena, id, 1));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    struct views views = {.n = 1};
    tx_take(batch->tx, &r);
    TRY(take_parts(batch->tx, batch->arena, &views));
    if (!rpc_ok(item)) return TAGIH_OK;
    struct payment_read read = {0};
    if (result_count(&r) == 1) payment_read_row(&r, 0, &read);
    if (result_count(&r) != 1 || !may_see(item, &read)) {
        rpc_fail(item, FAIL(NOT_PERMITTED));
        return TAGIH_OK;
    }
    ((Tagih__V1__GetPaymentResponse *)item->response)->payment = view_of(item, &views, &read, 0);
    return TAGIH_OK;
}

/* ---- ListStatement -------------------------------------------------------------------------------------------- */

struct statement_of {
    account_id account;
    struct page page;
};

static tagih_err statement_request(struct rpc_item *item) {
    const Tagih__V1__ListStatementRequest *request = item->request;
    struct statement_of *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    *list = (struct statement_of){.page = {.after = {.at_us = INT64_MIN}}};
    rpc_check_uuid(item, "account_id", request->account_id, &list->account.u);
    rpc_check_list(item, request->page_size, request->page_token, BYTES_OF(&list->account), &list->page);
    return item->err;
}

static tagih_err answer_statement(struct rpc_batch *batch, const struct result *r) {
    struct rpc_item *item = batch->items[0];
    const struct statement_of *list = item->checked;
    Tagih__V1__ListStatementResponse *out = item->response;
    struct views views = {.n = rpc_page_rows(r, list->page.size)};
    payment_id *ids = ARENA_ARRAY(batch->arena, views.n + 1, payment_id);
    views.reads = ARENA_ARRAY(batch->arena, views.n + 1, struct payment_read);
    out->payments = rpc_alloc(item, (views.n + 1) * sizeof *out->payments);
    if (!ids || !views.reads || !out->payments) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < views.n; i++) {
        payment_read_row(r, i, &views.reads[i]);
        ids[i] = views.reads[i].id;
    }
    TRY(payment_send_allocations(batch->tx, batch->arena, ids, views.n));
    TRY(tx_sync(batch->tx));
    TRY(take_parts(batch->tx, batch->arena, &views));
    for (size_t i = 0; i < views.n; i++) {
        out->payments[i] = view_of(item, &views, &views.reads[i], i);
        if (!out->payments[i]) return TAGIH_OK;
        out->n_payments++;
    }
    if (!rpc_page_more(r, list->page.size)) return TAGIH_OK;
    struct page_place last = {views.reads[views.n - 1].value_us, ids[views.n - 1].u};
    out->next_page_token = rpc_page_token(item, BYTES_OF(&list->account), BYTES_OF(&last));
    return TAGIH_OK;
}

static tagih_err list_statement(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct statement_of *list = item->checked;
    TRY(payment_send_account(batch->tx, batch->arena, list->account));
    TRY(payment_send_list(batch->tx, batch->arena, list->account, list->page.after.at_us, (payment_id){list->page.after.id},
                          list->page.size + 1));
    TRY(rpc_load(batch));
    struct payment_account account;
    DEFER(result) struct result r = {0};
    payment_take_account(batch->tx, &account);
    tx_take(batch->tx, &r);
    if (!rpc_ok(item)) return TAGIH_OK;
    bool his = account.has_collector && uuid_equal(account.collector.u, item->caller.user.u);
    if (!account.found || (!his && !(item->caller.roles & ROLES_OFFICE))) {
        rpc_fail(item, FAIL(NOT_PERMITTED));
        return TAGIH_OK;
    }
    Tagih__V1__ListStatementResponse *out = item->response;
    out->open = components_view(item, account.open_minor);
    out->credit_minor = account.credit_minor;
    return answer_statement(batch, &r);
}

#define READERS (ROLES_FIELD | ROLES_OFFICE)

const struct rpc_service payment_service = {
    .proto = &tagih__v1__payment_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("PostPayment", post_payment, PostPaymentRequest, PostPaymentResponse), .check = post_request,
         .kind = RPC_BATCH, .roles = ROLE_INTEGRATION | ROLE_CASHIER | ROLE_ADMIN, .writes = true},
        {RPC_METHOD("ImportPayments", payment_import, ImportPaymentsRequest, ImportPaymentsResponse),
         .check = payment_import_check, .kind = RPC_OWN, .roles = ROLE_INTEGRATION | ROLE_CASHIER | ROLE_ADMIN, .writes = true,
         .deadline_ms_max = 30000},
        {RPC_METHOD("ReversePayment", reverse_payment, ReversePaymentRequest, ReversePaymentResponse),
         .check = reverse_request, .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("NotifyGatewayPayment", gateway_notify, NotifyGatewayPaymentRequest, NotifyGatewayPaymentResponse),
         .check = gateway_notify_request, .kind = RPC_OWN, .open = true, .writes = true},
        {RPC_METHOD("RetagPayment", payment_retag, RetagPaymentRequest, RetagPaymentResponse), .check = payment_retag_request,
         .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("GetPayment", get_payment, GetPaymentRequest, GetPaymentResponse), .check = get_request, .roles = READERS},
        {RPC_METHOD("ListStatement", list_statement, ListStatementRequest, ListStatementResponse),
         .check = statement_request, .roles = READERS},
        {0}}};
