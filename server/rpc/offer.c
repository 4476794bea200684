/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OfferService: settlement with discount (R-WAI-1). One person offers, another approves; from then on the offer follows
 * the money by itself (book/offer.c).
 */
#include "rpc/offer.h"

#include <string.h>

#include "domain/account.h"
#include "domain/change.h"
#include "engine/page.h"
#include "rpc/adjustment.h"
#include "rpc/payment_view.h"
#include "rpc/services.h"
#include "run/random.h"
#include "store/account.h"
#include "store/offer.h"

#define REASON_MAX 500
#define DAYS_MAX 366

/* ---- OfferSettlement ------------------------------------------------------------------------------------------ */

struct offering {
    account_id account;
    currency currency;
    int64_t sum_minor, waived_minor[COMPONENT_COUNT], all_minor;
    civil_date by_on;
};

static tagih_err offer_request(struct rpc_item *item) {
    const Tagih__V1__OfferSettlementRequest *request = item->request;
    struct offering *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    *out = (struct offering){0};
    rpc_check_uuid(item, "account_id", request->account_id, &out->account.u);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    rpc_check_date(item, "by_on", request->by_on, &out->by_on);
    rpc_check_money(item, "sum", request->sum, 1, FAIL(ADJUSTMENT_AMOUNT), &out->currency, &out->sum_minor);
    adjustment_check_parts(item, "waived", request->waived, out->waived_minor, &out->all_minor);
    if (rpc_ok(item)) out->all_minor += out->sum_minor; /* at most 5 * 10^13 */
    return item->err;
}

static tagih_err judge_sum(const struct offering *o, const int64_t open_minor[COMPONENT_COUNT]) {
    int64_t all_minor = 0;
    for (int c = 0; c < COMPONENT_COUNT; c++) TRY(minor_add(all_minor, open_minor[c], &all_minor));
    return all_minor == o->all_minor ? TAGIH_OK : FAIL(OFFER_SUM);
}

static tagih_err judge(const struct offering *o, const struct offer_account *account) {
    if (!account->found) return FAIL(NOT_PERMITTED);
    if (!currency_equal(account->currency, o->currency)) return FAIL(ACCOUNT_CURRENCY);
    if (account_status_is_closed(account->status)) return FAIL(OFFER_CLOSED);
    int64_t days = (int64_t)o->by_on.days - account->today.days;
    if (days < 0 || days > DAYS_MAX) return FAIL(OFFER_DATE);
    return judge_sum(o, account->open_minor);
}

static tagih_err propose(struct rpc_batch *batch, const struct offering *o) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__OfferSettlementRequest *request = item->request;
    struct params *facts = ARENA_ARRAY(batch->arena, 2, struct params);
    if (!facts) return FAIL(OUT_OF_MEMORY);
    uuid id = random_id();
    struct offer_row row = {.id = id, .posting = id, .account = o->account, .sum_minor = o->sum_minor,
                            .currency = bytes_text(o->currency.code), .by_on = o->by_on,
                            .creditor_bears = request->creditor_bears, .made_by = item->caller.user, .made_us = batch->now.us};
    memcpy(row.waived_minor, o->waived_minor, sizeof row.waived_minor);
    struct offer_event_row event = {.offer = id, .n = 1, .posting = id, .state = OFFER_OFFERED, .at_us = batch->now.us,
                                    .has_actor = true, .actor = item->caller.user};
    offer_fact(&facts[0], batch->tx, batch->arena, &row);
    offer_event_fact(&facts[1], batch->tx, batch->arena, &event);
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SETTLEMENT_OFFER, .subject = o->account.u,
                                     .account = o->account, .has_amount = true, .amount_minor = o->sum_minor,
                                     .currency = o->currency, .reason = request->reason, .id = id, .facts = facts, .n_facts = 2};
    TRY(approval_propose(batch, item, &making, &id));
    TRY(offer_send_state(batch->tx, batch->arena, id, o->account));
    ((Tagih__V1__OfferSettlementResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

static tagih_err offer_settlement(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct offering *o = item->checked;
    struct offer_account account;
    TRY(offer_send_account(batch->tx, batch->arena, o->account));
    TRY(rpc_load(batch));
    offer_take_account(batch->tx, &account);
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(judge(o, &account));
    return propose(batch, o);
}

/* ---- the second person ---------------------------------------------------------------------------------------- */

/* A step of an offer as an event of its account; its facts are the caller's. */
static struct post step_post(const struct rpc_batch *batch, const struct approval *proposal, uuid offer, struct params *fact) {
    return (struct post){.what = POST_MOVE, .kind = POSTING_OF_OFFER, .id = random_id(), .account = proposal->account,
                         .payment.u = offer, .change = CHANGE_OFFER_CHANGED, .currency = proposal->currency,
                         .value = batch->now, .received = batch->now, .has_actor = true, .actor = proposal->decided_by,
                         .facts = fact, .n_facts = 1};
}

static void step_fact(const struct rpc_batch *batch, const struct approval *proposal, const struct offer_step *step,
                      int64_t paid_minor, uuid posting, struct params *out) {
    struct offer_event_row event = {.offer = step->offer, .n = step->n, .posting = posting, .state = step->state,
                                    .at_us = batch->now.us, .paid_minor = paid_minor, .has_actor = true,
                                    .actor = proposal->decided_by};
    offer_event_fact(out, batch->tx, batch->arena, &event);
}

/* What the proposal's own step and, when it takes its place, that of the account's former offer need. */
struct deciding {
    struct offer_step steps[2];
    struct params facts[2];
    struct post posts[2];
    struct book book;
    struct offer_now *former;
    size_t n_former;
};

static tagih_err open_book(struct rpc_batch *batch, struct approval *proposal, struct deciding *d, enum offer_state next) {
    d->steps[0] = (struct offer_step){.offer = proposal->id, .state = (int16_t)next, .n = 2, .has_from = next == OFFER_APPROVED,
                                      .from_us = batch->now.us};
    for (size_t i = 0; i < 2; i++) {
        d->posts[i] = step_post(batch, proposal, proposal->id, &d->facts[i]);
        d->posts[i].skip = i > 0;
        book_move_begin(&d->posts[i]);
    }
    step_fact(batch, proposal, &d->steps[0], 0, d->posts[0].id, &d->facts[0]);
    TRY(approval_join(batch, proposal, &d->posts[0]));
    TRY(book_begin(&d->book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, d->posts, 2, 0));
    TRY(book_send_lock(&d->book));
    TRY(book_send_load(&d->book));
    TRY(offer_send_load(batch->tx, batch->arena, &proposal->account, 1));
    TRY(tx_sync(batch->tx));
    book_take_lock(&d->book);
    TRY(book_take_load(&d->book));
    return offer_take_load(batch->tx, batch->arena, &d->former, &d->n_former);
}

/* One offer of an account is in force at most; one whose day is over makes room, and says so. */
static tagih_err replace_former(struct rpc_batch *batch, const struct approval *proposal, struct deciding *d) {
    if (d->n_former == 0) return TAGIH_OK;
    const struct offer_now *former = &d->former[0];
    if (former->at.state == OFFER_LAPSED) return TAGIH_OK;
    if (former->at.state == OFFER_FULFILLED || former->by_on.days >= d->book.loaded.today.days) return FAIL(OFFER_EXISTS);
    d->steps[1] = former->at;
    d->steps[1].state = OFFER_LAPSED;
    d->steps[1].n++;
    d->posts[1].skip = false;
    d->posts[1].payment.u = former->at.offer;
    step_fact(batch, proposal, &d->steps[1], former->paid_minor, d->posts[1].id, &d->facts[1]);
    return TAGIH_OK;
}

static tagih_err save(struct rpc_batch *batch, struct deciding *d) {
    TRY(book_decide(&d->book));
    TRY(book_save(&d->book));
    return offer_send_steps(batch->tx, batch->arena, d->steps, d->posts[1].skip ? 1 : 2);
}

static tagih_err judge_again(const struct offering *o, struct deciding *d, account_id id) {
    const struct posting_account *account = book_account(&d->book, id);
    int64_t open_minor[COMPONENT_COUNT];
    if (!account || account_status_is_closed(account->status)) return FAIL(OFFER_CLOSED);
    if (o->by_on.days < d->book.loaded.today.days) return FAIL(OFFER_DATE);
    TRY(allocation_balance(account->lines, account->n_lines, open_minor));
    return judge_sum(o, open_minor);
}

static tagih_err execute_offer(struct rpc_batch *batch, struct approval *proposal) {
    const Tagih__V1__OfferSettlementRequest *request = proposal->request;
    struct offering o = {.sum_minor = request->sum->minor, .all_minor = request->sum->minor};
    components_read(request->waived, o.waived_minor);
    for (int c = 0; c < COMPONENT_COUNT; c++) o.all_minor += o.waived_minor[c];
    TRY(date_parse(request->by_on, &o.by_on));
    struct deciding *d = ARENA_NEW(batch->arena, struct deciding);
    if (!d) return FAIL(OUT_OF_MEMORY);
    TRY(open_book(batch, proposal, d, OFFER_APPROVED));
    TRY(judge_again(&o, d, proposal->account));
    TRY(replace_former(batch, proposal, d));
    TRY(save(batch, d));
    return offer_send_of_account(batch->tx, batch->arena, proposal->account, proposal->id);
}

/* Refused or withdrawn: it lapses. */
static tagih_err refuse_offer(struct rpc_batch *batch, struct approval *proposal) {
    struct deciding *d = ARENA_NEW(batch->arena, struct deciding);
    if (!d) return FAIL(OUT_OF_MEMORY);
    TRY(open_book(batch, proposal, d, OFFER_LAPSED));
    return save(batch, d);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

/* Nobody writes at midnight: an offer whose day is over is told as lapsed. */
static Tagih__V1__OfferState state_of(const struct offer_read *read) {
    bool over = read->row.by_on.days < read->today.days;
    if (over && (read->state == OFFER_OFFERED || read->state == OFFER_APPROVED)) {
        return TAGIH__V1__OFFER_STATE__OFFER_STATE_LAPSED;
    }
    return (Tagih__V1__OfferState)read->state;
}

static Tagih__V1__Offer *view_of(struct rpc_item *item, const struct offer_read *read) {
    Tagih__V1__Offer *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__offer__init(out);
    out->offer_id = rpc_uuid(item, read->row.id);
    out->account_id = rpc_uuid(item, read->row.account.u);
    out->sum = money_view(item, read->row.sum_minor, read->row.currency);
    out->by_on = rpc_date(item, read->row.by_on);
    out->waived = components_view(item, read->row.waived_minor);
    out->creditor_bears = read->row.creditor_bears;
    out->state = state_of(read);
    out->paid_minor = read->paid_minor;
    out->made_by = rpc_uuid(item, read->row.made_by.u);
    out->made_us = read->row.made_us;
    return out;
}

static tagih_err get_request(struct rpc_item *item) {
    const Tagih__V1__GetOfferRequest *request = item->request;
    uuid *id = rpc_alloc(item, sizeof *id);
    item->checked = id;
    if (id) rpc_check_uuid(item, "offer_id", request->offer_id, id);
    return item->err;
}

static tagih_err get_offer(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const uuid *id = item->checked;
    TRY(offer_send_get(batch->tx, batch->arena, *id));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (result_count(&r) != 1) return FAIL(NOT_PERMITTED);
    struct offer_read read;
    offer_read_row(&r, 0, &read);
    ((Tagih__V1__GetOfferResponse *)item->response)->offer = view_of(item, &read);
    return TAGIH_OK;
}

struct listing {
    account_id account;
    struct page page;
};

static tagih_err list_request(struct rpc_item *item) {
    const Tagih__V1__ListOffersRequest *request = item->request;
    struct listing *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    *list = (struct listing){.page = {.after = {.at_us = INT64_MAX}}};
    rpc_check_uuid(item, "account_id", request->account_id, &list->account.u);
    rpc_check_list(item, request->page_size, request->page_token, BYTES_OF(&list->account), &list->page);
    return item->err;
}

static tagih_err answer_list(struct rpc_item *item, const struct result *r) {
    const struct listing *list = item->checked;
    Tagih__V1__ListOffersResponse *out = item->response;
    size_t n = rpc_page_rows(r, list->page.size);
    struct page_place last = {0};
    out->offers = rpc_alloc(item, (n + 1) * sizeof *out->offers);
    if (!out->offers) return TAGIH_OK;
    for (size_t i = 0; i < n; i++) {
        struct offer_read read;
        offer_read_row(r, i, &read);
        out->offers[i] = view_of(item, &read);
        if (!out->offers[i]) return TAGIH_OK;
        out->n_offers++;
        last = (struct page_place){read.row.made_us, read.row.id};
    }
    out->next_page_token = rpc_page_next(item, r, list->page.size, BYTES_OF(&list->account), BYTES_OF(&last));
    return TAGIH_OK;
}

static tagih_err list_offers(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct listing *list = item->checked;
    struct account_owner owner;
    TRY(account_send_owner(batch->tx, batch->arena, list->account));
    TRY(offer_send_list(batch->tx, batch->arena, list->account, list->page.after.at_us, list->page.after.id,
                        list->page.size + 1));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    account_take_owner(batch->tx, &owner);
    tx_take(batch->tx, &r);
    if (rpc_ok(item) && !owner.found) rpc_fail(item, FAIL(NOT_PERMITTED));
    return rpc_ok(item) ? answer_list(item, &r) : TAGIH_OK;
}

/* ---- tables --------------------------------------------------------------------------------------------------- */

const struct approval_kind offer_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SETTLEMENT_OFFER,
                                         .name = "settlement offer", .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
                                         .request = &tagih__v1__offer_settlement_request__descriptor,
                                         .execute = execute_offer, .refuse = refuse_offer};

const struct rpc_service offer_service = {
    .proto = &tagih__v1__offer_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("OfferSettlement", offer_settlement, OfferSettlementRequest, OfferSettlementResponse),
         .check = offer_request, .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("GetOffer", get_offer, GetOfferRequest, GetOfferResponse), .check = get_request, .roles = ROLES_OFFICE},
        {RPC_METHOD("ListOffers", list_offers, ListOffersRequest, ListOffersResponse), .check = list_request,
         .roles = ROLES_OFFICE},
        {0}}};
