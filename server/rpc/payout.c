/* SPDX-License-Identifier: Apache-2.0 */
/* PayoutService: runs looked at, proposed and read back (R-BON-6, R-BON-9). What approvals do stands in payout_run.c. */
#include "rpc/payout.h"

#include <string.h>

#include "domain/big_endian.h"
#include "engine/page.h"
#include "rpc/month.h"
#include "rpc/payment_view.h"
#include "rpc/services.h"
#include "store/settlement.h"

#define REASON_MAX 500
#define REFERENCE_MAX 100
#define PREVIEW_MAX 1000

/* What a request asks for. */
struct asked {
    civil_date through;
    int32_t run_no, page_size;
    user_id collector, after;
    bool has_after;
};

static struct asked *begin(struct rpc_item *item) {
    struct asked *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (out) *out = (struct asked){0};
    return out;
}

static void check_run(struct rpc_item *item, uint32_t run_no, struct asked *out) {
    if (run_no == 0 || run_no > INT32_MAX) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "run_no");
    out->run_no = (int32_t)run_no;
}

/* ---- views ---------------------------------------------------------------------------------------------------- */

static Tagih__V1__PayoutShare *share_view(struct rpc_item *item, const struct payout_share *share, struct bytes in) {
    Tagih__V1__PayoutShare *view = rpc_alloc(item, sizeof *view);
    if (!view) return NULL;
    tagih__v1__payout_share__init(view);
    const struct payout *p = &share->payout;
    view->collector_id = rpc_uuid(item, share->collector.u);
    view->lines = (uint64_t)share->lines;
    view->carried_in = money_view(item, p->carried_in_minor, in);
    view->earned = money_view(item, p->earned_minor, in);
    view->owed = money_view(item, p->owed_minor, in);
    view->deducted = money_view(item, p->deducted_minor, in);
    view->paid = money_view(item, p->paid_minor, in);
    view->tax = money_view(item, p->tax_minor, in);
    view->net = money_view(item, p->net_minor, in);
    view->carried_out = money_view(item, p->carried_out_minor, in);
    return view;
}

static Tagih__V1__PayoutShare **share_views(struct rpc_item *item, const struct payout_share *shares, size_t n, struct bytes in, size_t *n_out) {
    Tagih__V1__PayoutShare **views = rpc_alloc(item, (n + 1) * sizeof *views);
    *n_out = 0;
    for (size_t i = 0; views && i < n; i++) {
        views[i] = share_view(item, &shares[i], in);
        if (!views[i]) return views;
        *n_out = i + 1;
    }
    return views;
}

static ProtobufCBinaryData digest_view(struct rpc_item *item, const hash256 *digest) {
    struct bytes copy = arena_copy(&item->call->arena, BYTES_OF(digest));
    return copy.data ? (ProtobufCBinaryData){copy.len, (uint8_t *)(uintptr_t)copy.data} : (ProtobufCBinaryData){0, NULL};
}

/* ---- PreviewPayout -------------------------------------------------------------------------------------------- */

static tagih_err preview_request(struct rpc_item *item) {
    const Tagih__V1__PreviewPayoutRequest *request = item->request;
    struct asked *out = begin(item);
    if (out) rpc_check_month(item, "through_month", request->through_month, &out->through);
    return item->err;
}

/* The run as it would be made now. */
static tagih_err look(struct rpc_batch *batch, struct payout_work *work) {
    struct payout_group *groups;
    size_t n;
    if (!work->books.closed) return FAIL(MONTH_OPEN);
    work->run_no = work->books.run_no + 1;
    TRY(payout_send_preview(batch->tx, batch->arena, work->through, work->books.currency, work->run_no));
    TRY(tx_sync(batch->tx));
    TRY(payout_take_groups(batch->tx, batch->arena, &groups, &n));
    return payout_work(batch->arena, groups, n, work);
}

static tagih_err preview_payout(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    struct payout_work work = {.through = ((const struct asked *)item->checked)->through};
    TRY(payout_send_books(batch->tx, batch->arena, work.through));
    TRY(rpc_load(batch));
    TRY(payout_take_books(batch->tx, &work.books));
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(look(batch, &work));
    Tagih__V1__PreviewPayoutResponse *out = item->response;
    struct bytes in = bytes_text(work.books.currency.code);
    out->run_no = (uint32_t)work.run_no;
    out->shares = share_views(item, work.shares, work.n < PREVIEW_MAX ? work.n : PREVIEW_MAX, in, &out->n_shares);
    out->collectors = (uint32_t)work.n;
    out->paid = money_view(item, work.paid_minor, in);
    out->digest = digest_view(item, &work.digest);
    return TAGIH_OK;
}

/* ---- ProposePayout -------------------------------------------------------------------------------------------- */

static tagih_err propose_request(struct rpc_item *item) {
    const Tagih__V1__ProposePayoutRequest *request = item->request;
    struct asked *out = begin(item);
    if (!out) return item->err;
    rpc_check_month(item, "through_month", request->through_month, &out->through);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    if (request->digest.len != sizeof(hash256)) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "digest");
    return item->err;
}

/* What a proposal about a run is about: two open ones cannot be. */
static uuid run_subject(int32_t run_no) {
    uuid subject = {{0}};
    put_be32(subject.b + 12, (uint32_t)run_no);
    return subject;
}

static tagih_err propose_payout(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__ProposePayoutRequest *request = item->request;
    struct payout_work work = {.through = ((const struct asked *)item->checked)->through};
    TRY(payout_send_books(batch->tx, batch->arena, work.through));
    TRY(rpc_load(batch));
    TRY(payout_take_books(batch->tx, &work.books));
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(look(batch, &work));
    if (memcmp(request->digest.data, work.digest.b, sizeof work.digest.b) != 0) return FAIL(PAYOUT_CHANGED);
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_BONUS_APPROVE, .subject = run_subject(work.run_no),
                                     .has_amount = true, .amount_minor = work.paid_minor, .currency = work.books.currency,
                                     .reason = request->reason};
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__ProposePayoutResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

/* ---- GetPayout ------------------------------------------------------------------------------------------------ */

static struct bytes run_filter(const struct asked *asked) {
    return BYTES_OF(&asked->run_no);
}

static tagih_err get_request(struct rpc_item *item) {
    const Tagih__V1__GetPayoutRequest *request = item->request;
    struct asked *out = begin(item);
    if (!out) return item->err;
    check_run(item, request->run_no, out);
    rpc_check_page(item, request->page_size, &out->page_size);
    rpc_check_page_token(item, request->page_token, run_filter(out), &out->after, sizeof out->after, &out->has_after);
    return item->err;
}

static void answer_run(struct rpc_item *item, const struct payout_run *run, Tagih__V1__GetPayoutResponse *out) {
    char month[DATE_TEXT_SIZE];
    date_format(run->through, month);
    out->state = (char *)(uintptr_t)(run->paid ? "PAID" : "APPROVED");
    out->through_month = rpc_text(item, bytes_make((const uint8_t *)month, 7));
    out->tax_bp = run->rules.tax_bp;
    out->deduct_max_bp = run->rules.deduct_max_bp;
    out->collectors = (uint32_t)run->collectors;
    out->paid = money_view(item, run->paid_minor, run->currency);
    out->digest = digest_view(item, &run->digest);
    out->made_by = rpc_uuid(item, run->made_by.u);
    out->approved_by = rpc_uuid(item, run->approved_by.u);
    out->approved_us = run->at.us;
    out->paid_us = run->paid_at.us;
    out->bank_reference = rpc_text(item, run->bank_reference);
}

static tagih_err get_payout(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct asked *asked = item->checked;
    struct payout_run run;
    struct payout_share *shares;
    size_t n;
    bool found;
    TRY(payout_send_get(batch->tx, batch->arena, asked->run_no));
    TRY(payout_send_shares(batch->tx, batch->arena, asked->run_no, asked->after, asked->page_size + 1));
    TRY(rpc_load(batch));
    TRY(payout_take_get(batch->tx, batch->arena, &run, &found));
    TRY(payout_take_shares(batch->tx, batch->arena, &shares, &n));
    if (!rpc_ok(item)) return TAGIH_OK;
    if (!found) return FAIL(PAYOUT_UNKNOWN);
    Tagih__V1__GetPayoutResponse *out = item->response;
    answer_run(item, &run, out);
    bool more = n > (size_t)asked->page_size;
    if (more) n = (size_t)asked->page_size;
    out->shares = share_views(item, shares, n, run.currency, &out->n_shares);
    if (more) out->next_page_token = rpc_page_token(item, run_filter(asked), BYTES_OF(&shares[n - 1].collector));
    return TAGIH_OK;
}

/* ---- ProposePayoutPayment and ProposeLeaving ------------------------------------------------------------------ */

static tagih_err payment_request(struct rpc_item *item) {
    const Tagih__V1__ProposePayoutPaymentRequest *request = item->request;
    struct asked *out = begin(item);
    if (!out) return item->err;
    check_run(item, request->run_no, out);
    rpc_check_text(item, "bank_reference", request->bank_reference, 1, REFERENCE_MAX);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    return item->err;
}

static tagih_err propose_payment(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__ProposePayoutPaymentRequest *request = item->request;
    const struct asked *asked = item->checked;
    struct payout_run run;
    bool found;
    TRY(payout_send_get(batch->tx, batch->arena, asked->run_no));
    TRY(rpc_load(batch));
    TRY(payout_take_get(batch->tx, batch->arena, &run, &found));
    if (!rpc_ok(item)) return TAGIH_OK;
    if (!found || run.paid) return found ? FAIL(PAYOUT_PAID) : FAIL(PAYOUT_UNKNOWN);
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_BONUS_PAY, .subject = run_subject(asked->run_no),
                                     .has_amount = true, .amount_minor = run.paid_minor, .reason = request->reason};
    memcpy(making.currency.code, run.currency.data, 3);
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__ProposePayoutPaymentResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

static tagih_err leaving_request(struct rpc_item *item) {
    const Tagih__V1__ProposeLeavingRequest *request = item->request;
    struct asked *out = begin(item);
    if (!out) return item->err;
    rpc_check_uuid(item, "collector_id", request->collector_id, &out->collector.u);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    return item->err;
}

static tagih_err propose_leaving(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__ProposeLeavingRequest *request = item->request;
    user_id leaver = ((const struct asked *)item->checked)->collector;
    struct settlement_collector known;
    TRY(settlement_send_collector(batch->tx, batch->arena, leaver, batch->now));
    TRY(rpc_load(batch));
    settlement_take_collector(batch->tx, &known);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (!known.found) return FAIL(NOT_PERMITTED);
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_BONUS_LEAVING, .subject = leaver.u,
                                     .reason = request->reason};
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__ProposeLeavingResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

#define MAKERS (ROLE_SUPERVISOR | ROLE_CASHIER | ROLE_ADMIN)

const struct rpc_service payout_service = {
    .proto = &tagih__v1__payout_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("PreviewPayout", preview_payout, PreviewPayoutRequest, PreviewPayoutResponse), .check = preview_request,
         .roles = MAKERS | ROLE_AUDITOR},
        {RPC_METHOD("ProposePayout", propose_payout, ProposePayoutRequest, ProposePayoutResponse), .check = propose_request,
         .roles = MAKERS, .writes = true, .request_id = true},
        {RPC_METHOD("GetPayout", get_payout, GetPayoutRequest, GetPayoutResponse), .check = get_request, .roles = MAKERS | ROLE_AUDITOR},
        {RPC_METHOD("ProposePayoutPayment", propose_payment, ProposePayoutPaymentRequest, ProposePayoutPaymentResponse),
         .check = payment_request, .roles = MAKERS, .writes = true, .request_id = true},
        {RPC_METHOD("ProposeLeaving", propose_leaving, ProposeLeavingRequest, ProposeLeavingResponse), .check = leaving_request,
         .roles = MAKERS, .writes = true, .request_id = true},
        {0}}};
