/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CostService: what taking collateral costs (J28). One person records a bill that was paid, another approves; from then on a sale's
 * proceeds bring it back before the debt. One bill is booked once, as such a cost or as a fee (R-RPO-7a).
 */
#include "rpc/cost.h"

#include "domain/change.h"
#include "engine/page.h"
#include "rpc/adjustment.h"
#include "rpc/paying.h"
#include "rpc/payment_view.h"
#include "rpc/services.h"
#include "run/random.h"
#include "store/account.h"
#include "store/adjustment.h"

#define REASON_MAX 500

/* ---- fields --------------------------------------------------------------------------------------------------- */

static bool has_letter_or_digit(const char *text) {
    for (const char *c = text; *c; c++) {
        if ((*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z')) return true;
    }
    return false;
}

bool cost_check_reference(struct rpc_item *item, const char *field, const char *text) {
    if (!rpc_check_text(item, field, text, 1, COST_REFERENCE_MAX)) return false;
    if (has_letter_or_digit(text)) return true;
    rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "%s", field);
    return false;
}

bool cost_check_digest(struct rpc_item *item, const char *field, ProtobufCBinaryData digest) {
    if (digest.len == sizeof(hash256)) return true;
    rpc_problem(item, digest.len ? FAIL(REQUEST_FIELD_RANGE) : FAIL(REQUEST_FIELD_MISSING), "%s", field);
    return false;
}

tagih_err cost_once(enum cost_use used) {
    if (used == COST_UNUSED) return TAGIH_OK;
    return used == COST_AS_FEE ? FAIL(COST_CHARGED) : FAIL(COST_SPENT);
}

/* ---- RecordTakingCost ----------------------------------------------------------------------------------------- */

struct recording {
    account_id account;
    currency currency;
    int64_t amount_minor;
};

static tagih_err record_request(struct rpc_item *item) {
    const Tagih__V1__RecordTakingCostRequest *request = item->request;
    struct recording *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    *out = (struct recording){0};
    rpc_check_uuid(item, "account_id", request->account_id, &out->account.u);
    rpc_check_money(item, "amount", request->amount, 1, FAIL(ADJUSTMENT_AMOUNT), &out->currency, &out->amount_minor);
    cost_check_reference(item, "reference", request->reference);
    cost_check_digest(item, "evidence_sha256", request->evidence_sha256);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    bool known = request->kind > TAGIH__V1__TAKING_COST_KIND__TAKING_COST_KIND_UNSPECIFIED &&
                 request->kind <= TAGIH__V1__TAKING_COST_KIND__TAKING_COST_KIND_OTHER;
    if (!known) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "kind");
    paying_check_value(item, "value_us", request->value_us);
    return item->err;
}

/* One open proposal a bill. */
static uuid subject_of(account_id account, const char *reference) {
    return approval_subject((const struct bytes[]){BYTES_OF(&account), bytes_text(reference)}, 2);
}

static tagih_err record_taking_cost(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__RecordTakingCostRequest *request = item->request;
    const struct recording *r = item->checked;
    struct adjustment_account account;
    TRY(adjustment_send_account(batch->tx, batch->arena, r->account));
    TRY(cost_send_used(batch->tx, batch->arena, r->account, bytes_text(request->reference)));
    TRY(rpc_load(batch));
    adjustment_take_account(batch->tx, &account);
    enum cost_use used = cost_take_used(batch->tx);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (!account.found) return FAIL(NOT_PERMITTED);
    if (!currency_equal(account.currency, r->currency)) return FAIL(ACCOUNT_CURRENCY);
    TRY(cost_once(used));
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_TAKING_COST,
                                     .subject = subject_of(r->account, request->reference), .account = r->account, .has_amount = true,
                                     .amount_minor = r->amount_minor, .currency = r->currency, .reason = request->reason};
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__RecordTakingCostResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

/* ---- the second person ---------------------------------------------------------------------------------------- */

static struct cost_row row_of(const struct rpc_batch *batch, const struct approval *proposal, uuid id) {
    const Tagih__V1__RecordTakingCostRequest *request = proposal->request;
    return (struct cost_row){
        .id = id, .posting = id, .account = proposal->account, .used_as = COST_OF_TAKING, .kind = (int16_t)request->kind,
        .amount_minor = proposal->amount_minor, .currency = bytes_text(proposal->currency.code),
        .reference = bytes_text(request->reference),
        .evidence = bytes_make(request->evidence_sha256.data, request->evidence_sha256.len), .value_us = request->value_us,
        .at_us = batch->now.us, .made_by = proposal->made_by, .decided_by = proposal->decided_by};
}

/* LOCK and LOAD: what the bill was booked as is read behind the account's lock. */
static tagih_err open_book(struct rpc_batch *batch, struct book *book, struct post *post, struct bytes reference) {
    TRY(book_begin(book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, post, 1, 0));
    TRY(book_send_lock(book));
    TRY(book_send_load(book));
    TRY(cost_send_used(batch->tx, batch->arena, post->account, reference));
    TRY(tx_sync(batch->tx));
    book_take_lock(book);
    TRY(book_take_load(book));
    return cost_once(cost_take_used(batch->tx));
}

static tagih_err execute_cost(struct rpc_batch *batch, struct approval *proposal) {
    struct cost_row row = row_of(batch, proposal, random_id());
    struct params *fact = ARENA_ARRAY(batch->arena, 1, struct params);
    if (!fact) return FAIL(OUT_OF_MEMORY);
    cost_fact(fact, batch->tx, batch->arena, &row);
    struct post post = {.what = POST_MOVE, .kind = POSTING_OF_COST, .id = row.id, .payment.u = row.id, .account = row.account,
                        .amount_minor = row.amount_minor, .currency = proposal->currency, .value = {row.value_us},
                        .received = batch->now, .has_actor = true, .actor = proposal->decided_by, .change = CHANGE_COST_SPENT,
                        .facts = fact, .n_facts = 1};
    struct book book;
    TRY(open_book(batch, &book, &post, row.reference));
    book_move_begin(&post);
    ledger_move(&post.ledger, (struct ledger_side){LEDGER_RECOVERABLE_COSTS, row.account.u}, LEDGER_SIDE(BANK), row.amount_minor);
    TRY(approval_join(batch, proposal, &post));
    TRY(book_decide(&book));
    TRY(book_save(&book));
    return book_expect_line(&book, &post, EXPECTED_COST, row.id, &row.reference, -row.amount_minor);
}

/* ---- ListTakingCosts ------------------------------------------------------------------------------------------ */

struct costs_of {
    account_id account;
    struct page page;
};

static tagih_err list_request(struct rpc_item *item) {
    const Tagih__V1__ListTakingCostsRequest *request = item->request;
    struct costs_of *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    *list = (struct costs_of){.page = {.after = {.at_us = INT64_MAX}}};
    rpc_check_uuid(item, "account_id", request->account_id, &list->account.u);
    rpc_check_list(item, request->page_size, request->page_token, BYTES_OF(&list->account), &list->page);
    return item->err;
}

static Tagih__V1__TakingCost *view_of(struct rpc_item *item, const struct cost_row *row) {
    Tagih__V1__TakingCost *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__taking_cost__init(out);
    out->cost_id = rpc_uuid(item, row->id);
    out->account_id = rpc_uuid(item, row->account.u);
    out->kind = (Tagih__V1__TakingCostKind)row->kind;
    out->amount = money_view(item, row->amount_minor, row->currency);
    out->reference = rpc_text(item, row->reference);
    struct bytes evidence = arena_copy(&item->call->arena, row->evidence);
    if (evidence.data) out->evidence_sha256 = (ProtobufCBinaryData){evidence.len, (uint8_t *)(uintptr_t)evidence.data};
    out->value_us = row->value_us;
    out->booked_us = row->at_us;
    out->made_by = rpc_uuid(item, row->made_by.u);
    out->decided_by = rpc_uuid(item, row->decided_by.u);
    out->reversed_us = row->reversed_us;
    return out;
}

static tagih_err answer_list(struct rpc_item *item, const struct result *r) {
    const struct costs_of *list = item->checked;
    Tagih__V1__ListTakingCostsResponse *out = item->response;
    size_t n = rpc_page_rows(r, list->page.size);
    struct page_place last = {0};
    out->costs = rpc_alloc(item, (n + 1) * sizeof *out->costs);
    if (!out->costs) return TAGIH_OK;
    for (size_t i = 0; i < n; i++) {
        struct cost_row row;
        cost_read_row(r, i, &row);
        if (!(out->costs[i] = view_of(item, &row))) return TAGIH_OK;
        out->n_costs++;
        last = (struct page_place){row.at_us, row.id};
    }
    out->next_page_token = rpc_page_next(item, r, list->page.size, BYTES_OF(&list->account), BYTES_OF(&last));
    return TAGIH_OK;
}

static tagih_err list_taking_costs(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct costs_of *list = item->checked;
    struct account_owner owner;
    TRY(account_send_owner(batch->tx, batch->arena, list->account));
    TRY(cost_send_open(batch->tx, batch->arena, list->account));
    TRY(cost_send_list(batch->tx, batch->arena, list->account, list->page.after.at_us, list->page.after.id,
                       list->page.size + 1));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    account_take_owner(batch->tx, &owner);
    int64_t open_minor = cost_take_open(batch->tx);
    tx_take(batch->tx, &r);
    if (rpc_ok(item) && !owner.found) rpc_fail(item, FAIL(NOT_PERMITTED));
    if (!rpc_ok(item)) return TAGIH_OK;
    ((Tagih__V1__ListTakingCostsResponse *)item->response)->open_minor = open_minor;
    return answer_list(item, &r);
}

/* ---- tables --------------------------------------------------------------------------------------------------- */

const struct approval_kind taking_cost_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_TAKING_COST, .name = "cost of taking",
                                               .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
                                               .request = &tagih__v1__record_taking_cost_request__descriptor,
                                               .execute = execute_cost};

const struct rpc_service cost_service = {
    .proto = &tagih__v1__cost_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("RecordTakingCost", record_taking_cost, RecordTakingCostRequest, RecordTakingCostResponse),
         .check = record_request, .roles = ROLE_SUPERVISOR | ROLE_CASHIER | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("ReverseTakingCost", reverse_taking_cost, ReverseTakingCostRequest, ReverseTakingCostResponse),
         .check = cost_reversal_check, .roles = ROLE_SUPERVISOR | ROLE_CASHIER | ROLE_ADMIN, .writes = true,
         .request_id = true},
        {RPC_METHOD("ListTakingCosts", list_taking_costs, ListTakingCostsRequest, ListTakingCostsResponse),
         .check = list_request, .roles = ROLES_OFFICE},
        {0}}};
