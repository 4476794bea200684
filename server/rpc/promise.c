/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PromiseService (R-PTP-1, R-PTP-2): the office makes and withdraws promises and reads them all. Whatever is done to one
 * is a move of the book with a deed (book/promise.h), so that the account's promises are looked at as one.
 */
#include "rpc/promise_view.h"

#include <string.h>

#include "engine/page.h"
#include "rpc/services.h"
#include "run/random.h"
#include "store/change.h"

#define NAME_MAX_BYTES 100
#define NOTE_MAX_BYTES 500

/* ---- MakePromise ---------------------------------------------------------------------------------------------- */

struct making {
    account_id account;
    int64_t amount_minor;
    currency currency;
    civil_date due_on;
};

static tagih_err make_request(struct rpc_item *item) {
    const Tagih__V1__MakePromiseRequest *request = item->request;
    struct making *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    rpc_check_uuid(item, "account_id", request->account_id, &out->account.u);
    rpc_check_money(item, "amount", request->amount, 1, FAIL(PROMISE_AMOUNT), &out->currency, &out->amount_minor);
    rpc_check_date(item, "due_on", request->due_on, &out->due_on);
    if (!request->promiser) rpc_problem(item, FAIL(REQUEST_FIELD_MISSING), "promiser");
    if (!request->channel) rpc_problem(item, FAIL(REQUEST_FIELD_MISSING), "channel");
    rpc_check_text(item, "promiser_name", request->promiser_name, 0, NAME_MAX_BYTES);
    rpc_check_text(item, "note", request->note, 0, NOTE_MAX_BYTES);
    return item->err;
}

/* Its row: who heard it stands in it as a collector, or as one of the office. */
static struct promise_row row_of(const struct rpc_batch *batch, const struct post *post) {
    const struct rpc_item *item = batch->items[0];
    const Tagih__V1__MakePromiseRequest *request = item->request;
    const struct promise_fact *fact = &post->deed->fact;
    bool office = item->caller.roles & ROLES_OFFICE;
    return (struct promise_row){
        .id = fact->id, .posting = post->id, .account = post->account, .has_collector = !office, .has_actor = office,
        .collector = item->caller.user, .actor = item->caller.user, .amount_minor = fact->amount_minor,
        .currency = bytes_text(post->currency.code), .due_on = fact->due_on, .closes_us = fact->closes.us,
        .promiser = (int16_t)request->promiser, .promiser_name = bytes_text(request->promiser_name),
        .channel = (int16_t)request->channel, .note = bytes_text(request->note), .made_us = fact->made.us,
        .received_us = batch->now.us};
}

static tagih_err load_one(struct rpc_batch *batch, struct book *book, const civil_date *over_on, instant *over) {
    TRY(book_send_lock(book));
    TRY(book_send_load(book));
    TRY(promise_send_midnights(batch->tx, batch->arena, over_on, 1));
    TRY(rpc_load(batch));
    book_take_lock(book);
    TRY(book_take_load(book));
    promise_take_midnights(batch->tx, over, 1);
    return TAGIH_OK;
}

static tagih_err answer(struct rpc_batch *batch, promise_id id, Tagih__V1__Promise **out) {
    TRY(tx_sync(batch->tx));
    TRY(promise_send_get(batch->tx, batch->arena, id));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    struct promise_read read;
    tx_take(batch->tx, &r);
    if (result_count(&r) != 1) return FAIL(INTERNAL);
    promise_read_row(&r, 0, &read);
    *out = promise_view(batch->items[0], &read);
    return TAGIH_OK;
}

static tagih_err make_promise(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct making *m = item->checked;
    uuid id = random_id();
    struct params insert;
    struct promise_deed deed = {.kind = DEED_MAKE, .fact = {.id = {id}, .amount_minor = m->amount_minor, .due_on = m->due_on,
                                                            .made = batch->now}};
    struct post post = {.what = POST_MOVE, .kind = POSTING_OF_PROMISE, .id = id, .account = m->account, .currency = m->currency,
                        .value = batch->now, .received = batch->now, .has_actor = true, .actor = item->caller.user,
                        .change = CHANGE_PROMISE_MADE, .facts = &insert, .n_facts = 1, .deed = &deed};
    civil_date over_on = promise_over_on(m->due_on);
    struct book book;
    book_move_begin(&post);
    TRY(book_begin(&book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &post, 1, 0));
    TRY(load_one(batch, &book, &over_on, &deed.fact.closes));
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(promise_account_check(item, book_account(&book, m->account), m->currency));
    TRY(book_decide(&book));
    TRY(promise_refusal_error(deed.refused));
    struct promise_row row = row_of(batch, &post);
    promise_insert(&insert, batch->tx, batch->arena, &row, 1);
    TRY(book_save(&book));
    return answer(batch, deed.fact.id, &((Tagih__V1__MakePromiseResponse *)item->response)->promise);
}

/* ---- WithdrawPromise ------------------------------------------------------------------------------------------ */

static tagih_err withdraw_request(struct rpc_item *item) {
    const Tagih__V1__WithdrawPromiseRequest *request = item->request;
    promise_id *id = rpc_alloc(item, sizeof *id);
    item->checked = id;
    if (!id) return item->err;
    rpc_check_uuid(item, "promise_id", request->promise_id, &id->u);
    rpc_check_text(item, "reason", request->reason, 1, NOTE_MAX_BYTES);
    rpc_check_text(item, "etag", request->etag, 1, 64);
    return item->err;
}

/* Whose account it is never changes, so it is read before the lock; where it stands is judged under it. */
static tagih_err find_promise(struct rpc_batch *batch, promise_id id, account_id *account, currency *in) {
    TRY(promise_send_get(batch->tx, batch->arena, id));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    struct promise_read read;
    tx_take(batch->tx, &r);
    if (!rpc_ok(batch->items[0])) return TAGIH_OK;
    if (result_count(&r) != 1) return FAIL(NOT_PERMITTED);
    promise_read_row(&r, 0, &read);
    *account = read.account;
    return currency_parse(read.currency, in);
}

static tagih_err withdraw(struct rpc_batch *batch, struct post *post, const Tagih__V1__WithdrawPromiseRequest *request) {
    struct params insert;
    struct book book;
    struct promise_withdrawal_row row = {.id = post->deed->fact.id, .posting = post->id, .at_us = batch->now.us,
                                         .actor = post->actor, .reason = bytes_text(request->reason)};
    promise_insert_withdrawal(&insert, batch->tx, batch->arena, &row);
    post->facts = &insert;
    post->n_facts = 1;
    book_move_begin(post);
    TRY(book_begin(&book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, post, 1, 0));
    TRY(book_open(&book));
    TRY(book_decide(&book));
    TRY(post->deed->err);
    if (strcmp(request->etag, promise_etag(batch->items[0], post->deed->version)) != 0) return FAIL(PROMISE_CHANGED);
    return book_save(&book);
}

static tagih_err withdraw_promise(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const promise_id *id = item->checked;
    account_id account;
    currency in;
    TRY(find_promise(batch, *id, &account, &in));
    if (!rpc_ok(item)) return TAGIH_OK;
    struct promise_deed deed = {.kind = DEED_WITHDRAW, .fact = {.id = *id}};
    struct post post = {.what = POST_MOVE, .kind = POSTING_OF_PROMISE, .id = random_id(), .account = account, .currency = in,
                        .value = batch->now, .received = batch->now, .has_actor = true, .actor = item->caller.user,
                        .deed = &deed};
    TRY(withdraw(batch, &post, item->request));
    return answer(batch, *id, &((Tagih__V1__WithdrawPromiseResponse *)item->response)->promise);
}

/* ---- GetPromise ----------------------------------------------------------------------------------------------- */

static tagih_err get_request(struct rpc_item *item) {
    const Tagih__V1__GetPromiseRequest *request = item->request;
    promise_id *id = rpc_alloc(item, sizeof *id);
    item->checked = id;
    if (id) rpc_check_uuid(item, "promise_id", request->promise_id, &id->u);
    return item->err;
}

static Tagih__V1__PromiseEvent *event_view(struct rpc_item *item, const struct promise_event_row *row) {
    Tagih__V1__PromiseEvent *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__promise_event__init(out);
    out->at_us = row->at_us;
    out->before = (Tagih__V1__PromiseState)row->before;
    out->after = (Tagih__V1__PromiseState)row->after;
    out->received_minor = row->received_minor;
    if (row->has_by) out->by_id = rpc_uuid(item, row->by);
    out->posting_id = rpc_uuid(item, row->posting);
    return out;
}

static void history_view(struct rpc_item *item, const struct result *events, Tagih__V1__GetPromiseResponse *out) {
    size_t n = result_count(events);
    struct promise_event_row row;
    out->events = rpc_alloc(item, (n + 1) * sizeof *out->events);
    for (size_t i = 0; out->events && i < n; i++) {
        promise_read_event(events, i, &row);
        out->events[i] = event_view(item, &row);
        if (!out->events[i]) return;
        out->n_events++;
    }
}

static tagih_err get_promise(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const promise_id *id = item->checked;
    Tagih__V1__GetPromiseResponse *out = item->response;
    TRY(promise_send_get(batch->tx, batch->arena, *id));
    TRY(promise_send_events(batch->tx, batch->arena, *id));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0}, events = {0};
    struct promise_read read = {0};
    tx_take(batch->tx, &r);
    tx_take(batch->tx, &events);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (result_count(&r) == 1) promise_read_row(&r, 0, &read);
    if (result_count(&r) != 1 || !promise_may_see(item, read.has_assigned, read.assigned)) return FAIL(NOT_PERMITTED);
    out->promise = promise_view(item, &read);
    history_view(item, &events, out);
    return TAGIH_OK;
}

/* ---- ListPromises --------------------------------------------------------------------------------------------- */

struct list_key {
    civil_date due_on;
    promise_id promise;
};

struct listing {
    struct { /* what pages are bound to */
        account_id account; /* nil: of the agency */
        int32_t state;
        civil_date until_on;
    } of;
    int32_t page_size;
    bool has_after;
    struct list_key after;
};

static tagih_err list_request(struct rpc_item *item) {
    const Tagih__V1__ListPromisesRequest *request = item->request;
    struct listing *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    memset(list, 0, sizeof *list);
    list->of.state = (int32_t)request->state;
    list->of.until_on = date_make(2199, 12, 31);
    list->after.due_on = date_make(1900, 1, 1);
    if (*request->account_id) rpc_check_uuid(item, "account_id", request->account_id, &list->of.account.u);
    if (*request->due_from) rpc_check_date(item, "due_from", request->due_from, &list->after.due_on);
    if (*request->due_until) rpc_check_date(item, "due_until", request->due_until, &list->of.until_on);
    rpc_check_page(item, request->page_size, &list->page_size);
    rpc_check_page_token(item, request->page_token, BYTES_OF(&list->of), &list->after, sizeof list->after, &list->has_after);
    return item->err;
}

static tagih_err answer_list(struct rpc_item *item, const struct result *r) {
    const struct listing *list = item->checked;
    Tagih__V1__ListPromisesResponse *out = item->response;
    size_t n = rpc_page_rows(r, list->page_size);
    struct promise_read read = {0};
    out->promises = rpc_alloc(item, (n + 1) * sizeof *out->promises);
    for (size_t i = 0; out->promises && i < n; i++) {
        promise_read_row(r, i, &read);
        out->promises[i] = promise_view(item, &read);
        if (!out->promises[i]) return TAGIH_OK;
        out->n_promises++;
    }
    if (!rpc_page_more(r, list->page_size)) return TAGIH_OK;
    struct list_key last = {read.due_on, read.id};
    out->next_page_token = rpc_page_token(item, BYTES_OF(&list->of), BYTES_OF(&last));
    return TAGIH_OK;
}

static tagih_err list_promises(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct listing *list = item->checked;
    struct promise_account account;
    TRY(promise_send_account(batch->tx, batch->arena, list->of.account));
    TRY(promise_send_list(batch->tx, batch->arena, list->of.account, list->after.due_on, list->after.promise,
                          (int16_t)list->of.state, list->of.until_on, list->page_size + 1));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    promise_take_account(batch->tx, &account);
    tx_take(batch->tx, &r);
    if (!rpc_ok(item)) return TAGIH_OK;
    bool all = uuid_is_nil(list->of.account.u);
    bool may = promise_may_see(item, account.has_collector, account.collector) && (all || account.found);
    return may ? answer_list(item, &r) : FAIL(NOT_PERMITTED);
}

/* ---- table ---------------------------------------------------------------------------------------------------- */

#define READERS (ROLES_FIELD | ROLES_OFFICE)
#define MAKERS (ROLES_FIELD | ROLE_SUPERVISOR | ROLE_CASHIER | ROLE_ADMIN)

const struct rpc_service promise_service = {
    .proto = &tagih__v1__promise_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("MakePromise", make_promise, MakePromiseRequest, MakePromiseResponse), .check = make_request,
         .roles = MAKERS, .writes = true, .request_id = true},
        {RPC_METHOD("WithdrawPromise", withdraw_promise, WithdrawPromiseRequest, WithdrawPromiseResponse),
         .check = withdraw_request, .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("GetPromise", get_promise, GetPromiseRequest, GetPromiseResponse), .check = get_request, .roles = READERS},
        {RPC_METHOD("ListPromises", list_promises, ListPromisesRequest, ListPromisesResponse), .check = list_request,
         .roles = READERS},
        {0}}};
