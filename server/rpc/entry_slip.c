/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PostSlip (R-REC-8): two people post a receipt from its verified slip. Of a lost phone: the payment has the entry's own id,
 * so the original is its replay (entries.c). Of a receipt that was voided: the slip in the debtor's hand beats the void, and
 * it is posted anew. The phone is locked first, so that its entry does not come in meanwhile.
 */
#include <string.h>

#include "rpc/entry.h"
#include "rpc/entry_slip.h"
#include "rpc/paying.h"
#include "run/random.h"
#include "store/slip.h"

#define REFERENCE_MAX 100
#define REASON_MAX 500

struct slip {
    uuid entry;
    device_id device;
    account_id account;
    currency currency;
    int64_t amount_minor;
    instant taken;
    hash256 hash;
};

static void check_tender(struct rpc_item *item, const Tagih__V1__PostSlipRequest *request) {
    bool named = request->tender >= TAGIH__V1__TENDER__TENDER_CASH && request->tender <= TAGIH__V1__TENDER__TENDER_CHEQUE;
    if (!named) rpc_problem(item, FAIL(REQUEST_FIELD_MISSING), "tender");
    rpc_check_text(item, "tender_reference", request->tender_reference, request->tender == TAGIH__V1__TENDER__TENDER_CASH ? 0 : 1, REFERENCE_MAX);
}

tagih_err post_slip_check(struct rpc_item *item) {
    const Tagih__V1__PostSlipRequest *request = item->request;
    struct slip *slip = rpc_alloc(item, sizeof *slip);
    item->checked = slip;
    if (!slip) return item->err;
    *slip = (struct slip){.taken = {request->taken_us}};
    rpc_check_uuid(item, "entry_id", request->entry_id, &slip->entry);
    rpc_check_uuid(item, "device_id", request->device_id, &slip->device.u);
    rpc_check_uuid(item, "account_id", request->account_id, &slip->account.u);
    rpc_check_money(item, "amount", request->amount, 1, FAIL(ADJUSTMENT_AMOUNT), &slip->currency, &slip->amount_minor);
    check_tender(item, request);
    if (request->receipt_no < 1) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "receipt_no");
    paying_check_value(item, "taken_us", request->taken_us);
    if (request->slip_sha256.len != sizeof slip->hash.b) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "slip_sha256");
    else memcpy(slip->hash.b, request->slip_sha256.data, sizeof slip->hash.b);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    return item->err;
}

/* A receipt that was voided, and whose money went back to where it came from, is posted anew; one that nobody knows, first. */
static tagih_err judge(const struct slip *slip, const Tagih__V1__PostSlipRequest *request, const struct slip_known *known, bool *restores) {
    *restores = known->has_payment;
    if (!known->has_device) return FAIL(NOT_PERMITTED);
    if (!known->has_payment) return known->has_entry ? FAIL(SLIP_WAITS) : TAGIH_OK;
    if (!known->field || !known->voided || known->restored) return FAIL(SLIP_POSTED);
    if (known->in_suspense) return FAIL(SLIP_SUSPENSE);
    bool same = uuid_equal(known->account.u, slip->account.u) && known->amount_minor == slip->amount_minor &&
                currency_equal(known->currency, slip->currency) && known->tender == (int16_t)request->tender &&
                uuid_equal(known->device.u, slip->device.u);
    return same ? TAGIH_OK : FAIL(SLIP_DIFFERS);
}

tagih_err post_slip(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__PostSlipRequest *request = item->request;
    const struct slip *slip = item->checked;
    struct slip_known known;
    bool restores;
    uuid id;
    TRY(slip_send_load(batch->tx, batch->arena, slip->entry, slip->device));
    TRY(rpc_load(batch));
    slip_take_load(batch->tx, &known);
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(judge(slip, request, &known, &restores));
    TRY(entry_judge_account(batch, slip->account, slip->currency));
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_RECEIPT_SLIP, .subject = slip->entry,
                                     .account = slip->account, .has_amount = true, .amount_minor = slip->amount_minor,
                                     .currency = slip->currency, .reason = request->reason};
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__PostSlipResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

/* ---- the second person ---------------------------------------------------------------------------------------- */

static tagih_err read_slip(const struct approval *proposal, struct slip *slip) {
    const Tagih__V1__PostSlipRequest *request = proposal->request;
    *slip = (struct slip){.entry = proposal->subject, .account = proposal->account, .currency = proposal->currency,
                          .amount_minor = proposal->amount_minor, .taken = {request->taken_us}};
    memcpy(slip->hash.b, request->slip_sha256.data, sizeof slip->hash.b);
    return uuid_parse(request->device_id, &slip->device.u);
}

static struct post post_of(const struct rpc_batch *batch, const struct approval *proposal, const struct slip *slip, const struct slip_known *known,
                           bool restores) {
    const Tagih__V1__PostSlipRequest *request = proposal->request;
    enum tender tender = (enum tender)request->tender;
    uuid anew = random_id();
    return (struct post){.what = POST_PAYMENT, .id = random_id(), .payment.u = restores ? anew : slip->entry, .account = slip->account,
                         .source = SOURCE_FIELD, .tender = (int16_t)tender, .tag = (int16_t)payment_tag_of_tender(tender),
                         .amount_minor = slip->amount_minor, .currency = slip->currency,
                         .value = restores ? (instant){known->value_us} : slip->taken, .received = batch->now,
                         .collector = restores ? known->collector : known->user, .has_actor = true, .actor = proposal->decided_by};
}

static struct slip_row row_of(const struct rpc_batch *batch, const struct approval *proposal, const struct slip *slip, const struct post *post,
                              bool restores) {
    const Tagih__V1__PostSlipRequest *request = proposal->request;
    return (struct slip_row){.entry = slip->entry, .posting = post->id, .payment = post->payment.u, .restores = restores,
                             .device = slip->device, .account = slip->account, .collector = post->collector,
                             .amount_minor = slip->amount_minor, .currency = bytes_text(post->currency.code),
                             .reference = bytes_text(request->tender_reference), .reason = proposal->made_reason,
                             .tender = post->tender, .receipt_no = request->receipt_no, .taken_us = slip->taken.us,
                             .at_us = batch->now.us, .slip_hash = slip->hash, .made_by = proposal->made_by,
                             .decided_by = proposal->decided_by};
}

static tagih_err load(struct rpc_batch *batch, const struct slip *slip, struct slip_known *known) {
    TRY(slip_send_lock(batch->tx, batch->arena, slip->device));
    TRY(slip_send_load(batch->tx, batch->arena, slip->entry, slip->device));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result locked = {0};
    tx_take(batch->tx, &locked);
    slip_take_load(batch->tx, known);
    return TAGIH_OK;
}

static tagih_err book_it(struct rpc_batch *batch, struct book *book, struct post *post) {
    TRY(book_begin(book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, post, 1, 0));
    TRY(book_open(book));
    TRY(entry_why_not(book_hindrance(book, post)));
    TRY(book_decide(book));
    if (post->outcome != POST_DONE) return FAIL(INTERNAL);
    return book_save(book);
}

static tagih_err execute(struct rpc_batch *batch, struct approval *proposal) {
    struct slip slip;
    struct slip_known known;
    struct book book;
    bool restores;
    TRY(read_slip(proposal, &slip));
    TRY(load(batch, &slip, &known));
    TRY(judge(&slip, proposal->request, &known, &restores));
    struct post post = post_of(batch, proposal, &slip, &known, restores);
    struct slip_row row = row_of(batch, proposal, &slip, &post, restores);
    struct params *fact = ARENA_NEW(batch->arena, struct params);
    if (!fact) return FAIL(OUT_OF_MEMORY);
    slip_fact(fact, batch->tx, batch->arena, &row);
    post.facts = fact;
    post.n_facts = 1;
    TRY(approval_join(batch, proposal, &post));
    return book_it(batch, &book, &post);
}

const struct approval_kind slip_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_RECEIPT_SLIP, .name = "receipt from a slip",
                                        .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
                                        .request = &tagih__v1__post_slip_request__descriptor, .execute = execute};
