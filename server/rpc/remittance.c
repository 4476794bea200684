/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RemittanceService: what was collected goes to the creditors (J30). One person proposes, another approves; both times it is judged
 * whether so much is theirs by now, the second time with the agency's other remittances locked out.
 */
#include "rpc/remittance.h"

#include <string.h>

#include "domain/change.h"
#include "engine/page.h"
#include "rpc/adjustment.h"
#include "rpc/cost.h"
#include "rpc/paying.h"
#include "rpc/payment_view.h"
#include "rpc/services.h"
#include "run/random.h"
#include "store/remittance.h"

#define REASON_MAX 500
#define CREDITOR_MAX 100
#define CURRENCIES_MAX 256 /* there are fewer in ISO 4217 */

/* ---- both ----------------------------------------------------------------------------------------------------- */

static tagih_err send_looks(struct rpc_batch *batch, const Tagih__V1__RemitToCreditorRequest *request) {
    TRY(remittance_send_used(batch->tx, batch->arena, bytes_text(request->creditor), bytes_text(request->reference)));
    return remittance_send_owed(batch->tx, batch->arena);
}

/* R-LED-1b: once a reference, and never more than is theirs. Both looks are taken in any case. */
static tagih_err take_looks(struct rpc_batch *batch, int64_t amount_minor, currency in) {
    DEFER(result) struct result owed = {0};
    bool used = remittance_take_used(batch->tx);
    tx_take(batch->tx, &owed);
    if (used) return FAIL(REMITTANCE_EXISTS);
    return amount_minor > remittance_owed_in(&owed, in) ? FAIL(REMITTANCE_AMOUNT) : TAGIH_OK;
}

/* ---- RemitToCreditor ------------------------------------------------------------------------------------------ */

struct remitting {
    currency currency;
    int64_t amount_minor;
};

static tagih_err remit_request(struct rpc_item *item) {
    const Tagih__V1__RemitToCreditorRequest *request = item->request;
    struct remitting *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    *out = (struct remitting){0};
    rpc_check_text(item, "creditor", request->creditor, 1, CREDITOR_MAX);
    rpc_check_money(item, "amount", request->amount, 1, FAIL(ADJUSTMENT_AMOUNT), &out->currency, &out->amount_minor);
    cost_check_reference(item, "reference", request->reference);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    paying_check_value(item, "value_us", request->value_us);
    return item->err;
}

/* One open proposal a creditor and reference. */
static uuid subject_of(const Tagih__V1__RemitToCreditorRequest *request) {
    struct bytes creditor = bytes_make(request->creditor, strlen(request->creditor) + 1); /* its end keeps the two apart */
    return approval_subject((const struct bytes[]){creditor, bytes_text(request->reference)}, 2);
}

static tagih_err remit_to_creditor(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__RemitToCreditorRequest *request = item->request;
    const struct remitting *r = item->checked;
    TRY(send_looks(batch, request));
    TRY(rpc_load(batch));
    tagih_err err = take_looks(batch, r->amount_minor, r->currency);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (!err_is_ok(err)) return err;
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_REMITTANCE, .subject = subject_of(request),
                                     .has_amount = true, .amount_minor = r->amount_minor, .currency = r->currency,
                                     .reason = request->reason};
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__RemitToCreditorResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

/* ---- the second person ---------------------------------------------------------------------------------------- */

static struct remittance_row row_of(const struct rpc_batch *batch, const struct approval *proposal, uuid id) {
    const Tagih__V1__RemitToCreditorRequest *request = proposal->request;
    return (struct remittance_row){
        .id = id, .posting = id, .creditor = bytes_text(request->creditor), .amount_minor = proposal->amount_minor,
        .currency = bytes_text(proposal->currency.code), .reference = bytes_text(request->reference), .value_us = request->value_us,
        .at_us = batch->now.us, .made_by = proposal->made_by, .decided_by = proposal->decided_by};
}

/* Locked before it is looked at: two statements, so that the second one sees what the remittance before this one left. */
static tagih_err open_book(struct rpc_batch *batch, struct approval *proposal, struct book *book, struct post *post) {
    TRY(remittance_send_lock(batch->tx, batch->arena));
    TRY(book_begin(book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, post, 1, 0));
    TRY(book_send_lock(book));
    TRY(book_send_load(book));
    TRY(send_looks(batch, proposal->request));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result locked = {0};
    tx_take(batch->tx, &locked);
    book_take_lock(book);
    TRY(book_take_load(book));
    return take_looks(batch, proposal->amount_minor, proposal->currency);
}

static tagih_err execute_remittance(struct rpc_batch *batch, struct approval *proposal) {
    struct remittance_row row = row_of(batch, proposal, random_id());
    struct params *fact = ARENA_ARRAY(batch->arena, 1, struct params);
    if (!fact) return FAIL(OUT_OF_MEMORY);
    remittance_fact(fact, batch->tx, batch->arena, &row);
    struct post post = {.what = POST_MOVE, .kind = POSTING_OF_REMITTANCE, .id = row.id, .payment.u = row.id,
                        .amount_minor = row.amount_minor, .currency = proposal->currency, .value = {row.value_us},
                        .received = batch->now, .has_actor = true, .actor = proposal->decided_by,
                        .change = CHANGE_CREDITOR_REMITTED, .facts = fact, .n_facts = 1};
    struct book book;
    TRY(open_book(batch, proposal, &book, &post));
    book_move_begin(&post);
    ledger_move(&post.ledger, LEDGER_SIDE(CREDITOR_CONTROL), LEDGER_SIDE(BANK), row.amount_minor);
    TRY(approval_join(batch, proposal, &post));
    TRY(book_decide(&book));
    TRY(book_save(&book));
    return book_expect_line(&book, &post, EXPECTED_REMITTANCE, row.id, &row.reference, -row.amount_minor);
}

/* ---- ListRemittances ------------------------------------------------------------------------------------------ */

struct listing {
    struct bytes creditor; /* empty: all */
    struct page page;
};

static tagih_err list_request(struct rpc_item *item) {
    const Tagih__V1__ListRemittancesRequest *request = item->request;
    struct listing *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    *list = (struct listing){.creditor = bytes_text(request->creditor), .page = {.after = {.at_us = INT64_MAX}}};
    rpc_check_text(item, "creditor", request->creditor, 0, CREDITOR_MAX);
    rpc_check_list(item, request->page_size, request->page_token, list->creditor, &list->page);
    return item->err;
}

static Tagih__V1__Remittance *view_of(struct rpc_item *item, const struct remittance_row *row) {
    Tagih__V1__Remittance *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__remittance__init(out);
    out->remittance_id = rpc_uuid(item, row->id);
    out->creditor = rpc_text(item, row->creditor);
    out->amount = money_view(item, row->amount_minor, row->currency);
    out->reference = rpc_text(item, row->reference);
    out->value_us = row->value_us;
    out->booked_us = row->at_us;
    out->made_by = rpc_uuid(item, row->made_by.u);
    out->decided_by = rpc_uuid(item, row->decided_by.u);
    return out;
}

static void answer_owed(struct rpc_item *item, const struct result *owed, Tagih__V1__ListRemittancesResponse *out) {
    size_t n = result_count(owed) < CURRENCIES_MAX ? result_count(owed) : CURRENCIES_MAX;
    out->owed = rpc_alloc(item, (n + 1) * sizeof *out->owed);
    for (size_t i = 0; out->owed && i < n; i++) {
        int64_t owed_minor;
        struct bytes in = remittance_owed_row(owed, i, &owed_minor);
        if (!(out->owed[i] = money_view(item, owed_minor, in))) return;
        out->n_owed++;
    }
}

static tagih_err answer_list(struct rpc_item *item, const struct result *r) {
    const struct listing *list = item->checked;
    Tagih__V1__ListRemittancesResponse *out = item->response;
    size_t n = rpc_page_rows(r, list->page.size);
    struct page_place last = {0};
    out->remittances = rpc_alloc(item, (n + 1) * sizeof *out->remittances);
    if (!out->remittances) return TAGIH_OK;
    for (size_t i = 0; i < n; i++) {
        struct remittance_row row;
        remittance_read_row(r, i, &row);
        if (!(out->remittances[i] = view_of(item, &row))) return TAGIH_OK;
        out->n_remittances++;
        last = (struct page_place){row.at_us, row.id};
    }
    out->next_page_token = rpc_page_next(item, r, list->page.size, list->creditor, BYTES_OF(&last));
    return TAGIH_OK;
}

static tagih_err list_remittances(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct listing *list = item->checked;
    TRY(remittance_send_owed(batch->tx, batch->arena));
    TRY(remittance_send_list(batch->tx, batch->arena, list->creditor, list->page.after.at_us, list->page.after.id,
                             list->page.size + 1));
    TRY(rpc_load(batch));
    DEFER(result) struct result owed = {0}, r = {0};
    tx_take(batch->tx, &owed);
    tx_take(batch->tx, &r);
    if (!rpc_ok(item)) return TAGIH_OK;
    answer_owed(item, &owed, item->response);
    return answer_list(item, &r);
}

/* ---- tables --------------------------------------------------------------------------------------------------- */

const struct approval_kind remittance_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_REMITTANCE, .name = "remittance",
                                              .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
                                              .request = &tagih__v1__remit_to_creditor_request__descriptor,
                                              .execute = execute_remittance};

const struct rpc_service remittance_service = {
    .proto = &tagih__v1__remittance_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("RemitToCreditor", remit_to_creditor, RemitToCreditorRequest, RemitToCreditorResponse), .check = remit_request,
         .roles = ROLE_SUPERVISOR | ROLE_CASHIER | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("ListRemittances", list_remittances, ListRemittancesRequest, ListRemittancesResponse), .check = list_request,
         .roles = ROLES_OFFICE},
        {0}}};
