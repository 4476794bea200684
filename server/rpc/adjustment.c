/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AdjustmentService: refunds of credit (R-PAY-6), waivers and write-offs, charges of the creditor. Each is a fact of its
 * account that replays it (posting.h, POST_FACT). What costs money is proposed by one person and done when another one
 * approves; both times it is judged, the second time under the account's lock.
 */
#include "rpc/adjustment.h"

#include "rpc/cost.h"
#include "rpc/payment_view.h"
#include "rpc/services.h"
#include "run/random.h"
#include "store/adjustment.h"

#define REASON_MAX 500
#define FUTURE_MAX_US (5 * US_PER_MINUTE) /* clocks of others may be ahead by this much (R-TIM-3) */
#define PARTS_MAX 64                      /* facts that one waiver may become: instalments times components */

/* What a request asks for. */
struct adjusting {
    account_id account;
    currency currency;
    int64_t part_minor[COMPONENT_COUNT]; /* of a waiver or write-off */
    int64_t amount_minor;                /* in all */
    instant value;                       /* of a charge */
};

/* ---- fields --------------------------------------------------------------------------------------------------- */

static struct adjusting *begin(struct rpc_item *item, const char *account, const char *reason) {
    struct adjusting *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return NULL;
    *out = (struct adjusting){0};
    rpc_check_uuid(item, "account_id", account, &out->account.u);
    rpc_check_text(item, "reason", reason, 1, REASON_MAX);
    return out;
}

static void check_currency(struct rpc_item *item, const char *field, const char *text, currency *out) {
    tagih_err err = currency_parse(bytes_text(text), out);
    if (!err_is_ok(err)) rpc_problem(item, err, "%s", field);
}

void adjustment_check_parts(struct rpc_item *item, const char *field, const Tagih__V1__Components *parts,
                            int64_t out_minor[COMPONENT_COUNT], int64_t *sum_minor) {
    *sum_minor = 0;
    if (!parts) {
        rpc_problem(item, FAIL(REQUEST_FIELD_MISSING), "%s", field);
        return;
    }
    components_read(parts, out_minor);
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        bool valid = out_minor[c] >= 0 && out_minor[c] <= MONEY_AMOUNT_MAX_MINOR;
        if (!valid) rpc_problem(item, FAIL(ADJUSTMENT_AMOUNT), "%s.%s_minor", field, component_name((enum component)c));
        else *sum_minor += out_minor[c];
    }
    if (rpc_ok(item) && *sum_minor == 0) rpc_problem(item, FAIL(ADJUSTMENT_AMOUNT), "%s", field);
}

static tagih_err refund_request(struct rpc_item *item) {
    const Tagih__V1__RefundCreditRequest *request = item->request;
    struct adjusting *out = begin(item, request->account_id, request->reason);
    if (out) rpc_check_money(item, "amount", request->amount, 1, FAIL(ADJUSTMENT_AMOUNT), &out->currency, &out->amount_minor);
    return item->err;
}

static tagih_err waive_request(struct rpc_item *item) {
    const Tagih__V1__WaiveDebtRequest *request = item->request;
    struct adjusting *out = begin(item, request->account_id, request->reason);
    if (!out) return item->err;
    adjustment_check_parts(item, "parts", request->parts, out->part_minor, &out->amount_minor);
    check_currency(item, "currency", request->currency, &out->currency);
    return item->err;
}

static tagih_err write_off_request(struct rpc_item *item) {
    const Tagih__V1__WriteOffDebtRequest *request = item->request;
    struct adjusting *out = begin(item, request->account_id, request->reason);
    if (!out) return item->err;
    adjustment_check_parts(item, "parts", request->parts, out->part_minor, &out->amount_minor);
    check_currency(item, "currency", request->currency, &out->currency);
    return item->err;
}

static tagih_err charge_request(struct rpc_item *item) {
    const Tagih__V1__ChargeAccountRequest *request = item->request;
    struct adjusting *out = begin(item, request->account_id, request->reason);
    if (!out) return item->err;
    rpc_check_money(item, "amount", request->amount, 1, FAIL(ADJUSTMENT_AMOUNT), &out->currency, &out->amount_minor);
    out->value.us = request->value_us;
    if (request->component == TAGIH__V1__DEBT_COMPONENT__DEBT_COMPONENT_UNSPECIFIED) {
        rpc_problem(item, FAIL(REQUEST_FIELD_MISSING), "component");
    }
    if (*request->reference) cost_check_reference(item, "reference", request->reference);
    if (request->instalment < 0) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "instalment");
    if (!instant_is_sane(out->value)) rpc_problem(item, FAIL(REQUEST_TIME), "value_us");
    else if (out->value.us > item->now.us + FUTURE_MAX_US) rpc_problem(item, FAIL(ADJUSTMENT_FUTURE), "value_us");
    return item->err;
}

/* ---- proposing ------------------------------------------------------------------------------------------------ */

static tagih_err judge(Tagih__V1__ProposalKind kind, const struct adjusting *a, const struct adjustment_account *account) {
    if (!account->found) return FAIL(NOT_PERMITTED);
    if (!currency_equal(account->currency, a->currency)) return FAIL(ACCOUNT_CURRENCY);
    bool refund = kind == TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_REFUND;
    if (refund) return account->credit_minor < a->amount_minor ? FAIL(ADJUSTMENT_CREDIT) : TAGIH_OK;
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        if (account->open_minor[c] < a->part_minor[c]) return FAIL(ADJUSTMENT_OPEN);
    }
    return TAGIH_OK;
}

static tagih_err propose(struct rpc_batch *batch, Tagih__V1__ProposalKind kind, const char *reason, char **out) {
    struct rpc_item *item = batch->items[0];
    const struct adjusting *a = item->checked;
    struct adjustment_account account;
    TRY(adjustment_send_account(batch->tx, batch->arena, a->account));
    TRY(rpc_load(batch));
    adjustment_take_account(batch->tx, &account);
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(judge(kind, a, &account));
    struct approval_making making = {.kind = kind, .subject = a->account.u, .account = a->account, .has_amount = true,
                                     .amount_minor = a->amount_minor, .currency = a->currency, .reason = reason};
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    *out = rpc_uuid(item, id);
    return TAGIH_OK;
}

static tagih_err refund_credit(struct rpc_batch *batch) {
    const Tagih__V1__RefundCreditRequest *request = batch->items[0]->request;
    return propose(batch, TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_REFUND, request->reason,
                   &((Tagih__V1__RefundCreditResponse *)batch->items[0]->response)->proposal_id);
}

static tagih_err waive_debt(struct rpc_batch *batch) {
    const Tagih__V1__WaiveDebtRequest *request = batch->items[0]->request;
    return propose(batch, TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_WAIVER, request->reason,
                   &((Tagih__V1__WaiveDebtResponse *)batch->items[0]->response)->proposal_id);
}

static tagih_err write_off_debt(struct rpc_batch *batch) {
    const Tagih__V1__WriteOffDebtRequest *request = batch->items[0]->request;
    return propose(batch, TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_WRITE_OFF, request->reason,
                   &((Tagih__V1__WriteOffDebtResponse *)batch->items[0]->response)->proposal_id);
}

/* ---- doing ---------------------------------------------------------------------------------------------------- */

/* One fact of an account, as a post; more of the same event are added under the lock (book_add). */
static struct post fact_post(const struct rpc_batch *batch, const struct approval *proposal, enum fact_kind kind) {
    return (struct post){.what = POST_FACT, .fact = kind, .id = random_id(), .account = proposal->account,
                         .amount_minor = proposal->amount_minor, .currency = proposal->currency, .value = batch->now,
                         .received = batch->now, .has_actor = true, .actor = proposal->decided_by,
                         .note = proposal->made_reason};
}

static tagih_err send_book(struct rpc_batch *batch, struct book *book, struct post *post, size_t n_more) {
    TRY(book_begin(book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, post, 1, n_more));
    TRY(book_send_lock(book));
    return book_send_load(book);
}

static tagih_err take_book(struct book *book) {
    book_take_lock(book);
    return book_take_load(book);
}

static tagih_err open_book(struct rpc_batch *batch, struct approval *proposal, struct book *book, struct post *post,
                           size_t n_more) {
    TRY(approval_join(batch, proposal, post));
    TRY(send_book(batch, book, post, n_more));
    TRY(tx_sync(batch->tx));
    return take_book(book);
}

static bool is_recoverable(const struct posted *posted) {
    for (size_t i = 0; i < posted->ledger.n; i++) {
        if (posted->ledger.lines[i].account == LEDGER_REFUND_RECOVERABLE) return true;
    }
    return false;
}

/* Credit may have met a due since anybody looked: what the replay finds missing would be recoverable at once. */
static tagih_err execute_refund(struct rpc_batch *batch, struct approval *proposal) {
    struct post post = fact_post(batch, proposal, FACT_REFUND);
    struct book book;
    TRY(open_book(batch, proposal, &book, &post, 0));
    const struct posting_account *account = book_account(&book, proposal->account);
    if (!account || account->credit_minor < proposal->amount_minor) return FAIL(ADJUSTMENT_CREDIT);
    TRY(book_decide(&book));
    if (post.outcome != POST_DONE) return FAIL(INTERNAL);
    if (is_recoverable(&book.posted[0])) return FAIL(ADJUSTMENT_CREDIT);
    return book_save(&book);
}

/* The next part's post: the first one is in the book already. */
static tagih_err next_part(struct book *book, struct post *first, struct post *more, size_t n, struct post **out) {
    *out = n == 0 ? first : &more[n];
    if (n == 0) return TAGIH_OK;
    if (n == PARTS_MAX) return FAIL(ADJUSTMENT_PARTS);
    **out = *first;
    (*out)->id = random_id();
    (*out)->facts = NULL;
    (*out)->n_facts = 0;
    book_add(book, *out);
    return TAGIH_OK;
}

/* Oldest instalments first; each part is a fact of its own. */
static tagih_err add_parts(struct book *book, struct post *first, const struct posting_account *account,
                           int64_t left_minor[COMPONENT_COUNT]) {
    struct post *more = ARENA_ARRAY(book->arena, PARTS_MAX, struct post);
    size_t n = 0;
    if (!more) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < account->n_lines; i++) {
        for (int c = 0; c < COMPONENT_COUNT; c++) {
            int64_t open_minor = account->lines[i].open_minor[c];
            if (open_minor == 0 || left_minor[c] == 0) continue;
            struct post *part;
            TRY(next_part(book, first, more, n++, &part));
            part->instalment_no = account->lines[i].no;
            part->component = (enum component)c;
            part->amount_minor = open_minor < left_minor[c] ? open_minor : left_minor[c];
            left_minor[c] -= part->amount_minor;
        }
    }
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        if (left_minor[c] > 0) return FAIL(ADJUSTMENT_OPEN);
    }
    return TAGIH_OK;
}

static tagih_err execute_parts(struct rpc_batch *batch, struct approval *proposal, enum fact_kind kind,
                               const Tagih__V1__Components *parts) {
    int64_t left_minor[COMPONENT_COUNT];
    components_read(parts, left_minor);
    struct post post = fact_post(batch, proposal, kind);
    struct book book;
    TRY(open_book(batch, proposal, &book, &post, PARTS_MAX));
    const struct posting_account *account = book_account(&book, proposal->account);
    if (!account) return FAIL(ADJUSTMENT_OPEN);
    TRY(add_parts(&book, &post, account, left_minor));
    TRY(book_decide(&book));
    for (size_t i = 0; i < book.n; i++) {
        if (book.posts[i]->outcome != POST_DONE) return FAIL(ADJUSTMENT_OPEN);
    }
    return book_save(&book);
}

static tagih_err execute_waiver(struct rpc_batch *batch, struct approval *proposal) {
    const Tagih__V1__WaiveDebtRequest *request = proposal->request;
    return execute_parts(batch, proposal, request->creditor_bears ? FACT_CREDITOR_RELIEF : FACT_WAIVER, request->parts);
}

static tagih_err execute_write_off(struct rpc_batch *batch, struct approval *proposal) {
    const Tagih__V1__WriteOffDebtRequest *request = proposal->request;
    return execute_parts(batch, proposal, request->creditor_bears ? FACT_CREDITOR_RELIEF : FACT_WRITE_OFF, request->parts);
}

/* ---- charges -------------------------------------------------------------------------------------------------- */

/* The newest instalment that was due by then, else the first. */
static int32_t instalment_of(const struct posting_account *account, civil_date value_on) {
    int32_t no = account->n_lines ? account->lines[0].no : 0;
    for (size_t i = 0; i < account->n_lines && account->lines[i].due_on.days <= value_on.days; i++) no = account->lines[i].no;
    return no;
}

/* A bill that is passed on: once, and never one that was booked as a cost of taking (R-RPO-7a). */
static tagih_err add_bill(struct rpc_batch *batch, struct post *post) {
    const Tagih__V1__ChargeAccountRequest *request = batch->items[0]->request;
    struct params *fact = ARENA_ARRAY(batch->arena, 1, struct params);
    if (!fact) return FAIL(OUT_OF_MEMORY);
    struct cost_row row = {.id = post->id, .posting = post->id, .account = post->account, .used_as = COST_AS_FEE,
                           .amount_minor = post->amount_minor, .currency = bytes_text(post->currency.code),
                           .reference = bytes_text(request->reference), .value_us = post->value.us, .at_us = batch->now.us,
                           .made_by = post->actor, .decided_by = post->actor};
    cost_fact(fact, batch->tx, batch->arena, &row);
    post->facts = fact;
    post->n_facts = 1;
    return TAGIH_OK;
}

static tagih_err post_charge(struct rpc_batch *batch, struct book *book, struct post *post) {
    const Tagih__V1__ChargeAccountRequest *request = batch->items[0]->request;
    const struct posting_account *account = book_account(book, post->account);
    if (!account) return FAIL(NOT_PERMITTED);
    if (!currency_equal(account->currency, post->currency)) return FAIL(ACCOUNT_CURRENCY);
    post->instalment_no = request->instalment ? request->instalment : instalment_of(account, post->value_on);
    TRY(book_decide(book));
    if (post->outcome != POST_DONE) return FAIL(ALLOCATION_INSTALMENT);
    return book_save(book);
}

static tagih_err charge_account(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__ChargeAccountRequest *request = item->request;
    const struct adjusting *a = item->checked;
    struct post post = {.what = POST_FACT, .fact = FACT_CHARGE, .id = random_id(), .account = a->account,
                        .amount_minor = a->amount_minor, .currency = a->currency, .value = a->value, .received = batch->now,
                        .component = (enum component)(request->component - 1), .has_actor = true,
                        .actor = item->caller.user, .note = bytes_text(request->reason)};
    struct book book;
    TRY(send_book(batch, &book, &post, 0));
    TRY(cost_send_used(batch->tx, batch->arena, a->account, bytes_text(request->reference)));
    TRY(rpc_load(batch));
    TRY(take_book(&book));
    enum cost_use used = cost_take_used(batch->tx);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (*request->reference) {
        TRY(cost_once(used));
        TRY(add_bill(batch, &post));
    }
    TRY(post_charge(batch, &book, &post));
    ((Tagih__V1__ChargeAccountResponse *)item->response)->fact_id = rpc_uuid(item, post.id);
    return TAGIH_OK;
}

/* ---- tables --------------------------------------------------------------------------------------------------- */

#define DECIDERS (ROLE_SUPERVISOR | ROLE_ADMIN)

const struct approval_kind refund_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_REFUND, .name = "refund",
                                          .roles_decide = DECIDERS,
                                          .request = &tagih__v1__refund_credit_request__descriptor,
                                          .execute = execute_refund};
const struct approval_kind waiver_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_WAIVER, .name = "waiver",
                                          .roles_decide = DECIDERS,
                                          .request = &tagih__v1__waive_debt_request__descriptor,
                                          .execute = execute_waiver};
const struct approval_kind write_off_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_WRITE_OFF,
                                             .name = "write-off", .roles_decide = DECIDERS,
                                             .request = &tagih__v1__write_off_debt_request__descriptor,
                                             .execute = execute_write_off};

const struct rpc_service adjustment_service = {
    .proto = &tagih__v1__adjustment_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("RefundCredit", refund_credit, RefundCreditRequest, RefundCreditResponse), .check = refund_request,
         .roles = ROLE_SUPERVISOR | ROLE_CASHIER | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("WaiveDebt", waive_debt, WaiveDebtRequest, WaiveDebtResponse), .check = waive_request,
         .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("WriteOffDebt", write_off_debt, WriteOffDebtRequest, WriteOffDebtResponse),
         .check = write_off_request, .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("ChargeAccount", charge_account, ChargeAccountRequest, ChargeAccountResponse),
         .check = charge_request, .roles = ROLE_INTEGRATION | ROLE_ADMIN, .writes = true, .request_id = true},
        {0}}};
