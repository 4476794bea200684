/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose a bonus on hold is (R-BON-8, R-BON-8c): one person proposes who is credited, another decides, once. Kept, it is a
 * fact alone; else the lines are taken back and one is written for who is named (book/bonus.c). No money of the debtor moves.
 */
#include "rpc/bonus_credit.h"

#include <string.h>

#include "engine/page.h"
#include "rpc/payment_view.h"
#include "run/random.h"
#include "store/bonus.h"
#include "store/bonus_credit.h"

#define REASON_MAX 500

/* ---- ListHeld ------------------------------------------------------------------------------------------------- */

struct place {
    civil_date on;
    uuid line;
};

struct listing {
    struct place after;
    bool has_after;
    int32_t page_size;
};

tagih_err bonus_held_request(struct rpc_item *item) {
    const Tagih__V1__ListHeldRequest *request = item->request;
    struct listing *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    *out = (struct listing){.has_after = false}; /* behind 1970 */
    rpc_check_page(item, request->page_size, &out->page_size);
    rpc_check_page_token(item, request->page_token, bytes_make(NULL, 0), &out->after, sizeof out->after, &out->has_after);
    return item->err;
}

static Tagih__V1__HeldBonus *held_view(struct rpc_item *item, const struct bonus_held *held) {
    Tagih__V1__HeldBonus *view = rpc_alloc(item, sizeof *view);
    if (!view) return NULL;
    tagih__v1__held_bonus__init(view);
    view->line_id = rpc_uuid(item, held->line_id);
    view->payment_id = rpc_uuid(item, held->payment.u);
    view->account_id = rpc_uuid(item, held->account.u);
    view->collector_id = rpc_uuid(item, held->collector.u);
    if (!uuid_is_nil(held->assigned.u)) view->assigned_id = rpc_uuid(item, held->assigned.u);
    view->value_on = rpc_date(item, held->value_on);
    view->amount = money_view(item, held->amount_minor, bytes_text(held->currency.code));
    return view;
}

tagih_err bonus_held(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct listing *list = item->checked;
    struct bonus_held *held;
    size_t n;
    TRY(bonus_held_send(batch->tx, batch->arena, list->after.on, list->after.line, list->page_size + 1));
    TRY(rpc_load(batch));
    TRY(bonus_held_take(batch->tx, batch->arena, &held, &n));
    if (!rpc_ok(item)) return TAGIH_OK;
    Tagih__V1__ListHeldResponse *out = item->response;
    bool more = n > (size_t)list->page_size;
    if (more) n = (size_t)list->page_size;
    out->lines = rpc_alloc(item, (n + 1) * sizeof *out->lines);
    for (size_t i = 0; out->lines && i < n; i++) {
        out->lines[i] = held_view(item, &held[i]);
        if (!out->lines[i]) return TAGIH_OK;
        out->n_lines = i + 1;
    }
    struct place last = {.on = {0}};
    if (more) last = (struct place){held[n - 1].value_on, held[n - 1].line_id};
    if (more) out->next_page_token = rpc_page_token(item, bytes_make(NULL, 0), BYTES_OF(&last));
    return TAGIH_OK;
}

/* ---- ChooseCredit --------------------------------------------------------------------------------------------- */

struct choosing {
    payment_id payment;
    user_id collector;
};

tagih_err bonus_credit_request(struct rpc_item *item) {
    const Tagih__V1__ChooseCreditRequest *request = item->request;
    struct choosing *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    rpc_check_uuid(item, "payment_id", request->payment_id, &out->payment.u);
    rpc_check_uuid(item, "collector_id", request->collector_id, &out->collector.u);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    return item->err;
}

/* The same when it is proposed and when it is done. Whoever has the line may keep it, also when he has left since. */
static tagih_err judge(const struct bonus_credit_loaded *loaded) {
    if (!loaded->found) return FAIL(NOT_PERMITTED);
    if (loaded->is_reversed) return FAIL(PAYMENT_REVERSED);
    if (!loaded->is_held) return FAIL(BONUS_NOT_HELD);
    if (loaded->is_own) return FAIL(BONUS_OWN_ACCOUNT);
    return loaded->is_kept || loaded->may_earn ? TAGIH_OK : FAIL(BONUS_COLLECTOR);
}

static bool read_payment(struct tx *tx, struct result *found, struct payment_read *out) {
    tx_take(tx, found);
    if (result_count(found) != 1) return false;
    payment_read_row(found, 0, out);
    return true;
}

tagih_err bonus_credit(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct choosing *c = item->checked;
    const Tagih__V1__ChooseCreditRequest *request = item->request;
    DEFER(result) struct result found = {0};
    struct bonus_credit_loaded loaded;
    struct payment_read read;
    TRY(payment_send_get(batch->tx, batch->arena, &c->payment, 1));
    TRY(bonus_credit_send_load(batch->tx, batch->arena, c->payment, c->collector));
    TRY(rpc_load(batch));
    bool there = read_payment(batch->tx, &found, &read);
    bonus_credit_take_load(batch->tx, &loaded);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (!there) return FAIL(NOT_PERMITTED);
    TRY(judge(&loaded));
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_BONUS_HOLD, .subject = c->payment.u,
                                     .account = read.account, .has_amount = true, .amount_minor = read.amount_minor,
                                     .reason = request->reason};
    memcpy(making.currency.code, read.currency.data, 3);
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__ChooseCreditResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

/* ---- doing ---------------------------------------------------------------------------------------------------- */

struct doing {
    struct post post;
    struct post_credit credit;
    struct book book;
    struct bonus_history history;
    struct bonus_credit_loaded loaded;
};

/* A payment never changes: when it was valued is read before the book asks for the months of that day. */
static tagih_err value_of(struct rpc_batch *batch, payment_id payment, instant *out) {
    DEFER(result) struct result found = {0};
    struct payment_read read;
    TRY(payment_send_get(batch->tx, batch->arena, &payment, 1));
    TRY(tx_sync(batch->tx));
    if (!read_payment(batch->tx, &found, &read)) return FAIL(NOT_PERMITTED);
    *out = (instant){read.value_us};
    return TAGIH_OK;
}

static tagih_err load(struct rpc_batch *batch, struct doing *d) {
    bool exists;
    TRY(book_begin(&d->book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &d->post, 1, 0));
    TRY(book_send_lock(&d->book));
    TRY(book_send_load(&d->book));
    TRY(bonus_credit_send_load(batch->tx, batch->arena, d->post.payment, d->post.collector));
    TRY(bonus_send_lines(batch->tx, batch->arena, d->post.payment));
    TRY(tx_sync(batch->tx));
    book_take_lock(&d->book);
    TRY(book_take_load(&d->book));
    bonus_credit_take_load(batch->tx, &d->loaded);
    return bonus_take_lines(batch->tx, batch->arena, &exists, &d->history);
}

static tagih_err keep(struct rpc_batch *batch, struct approval *proposal, struct doing *d) {
    struct params *fact = ARENA_NEW(batch->arena, struct params);
    if (!fact) return FAIL(OUT_OF_MEMORY);
    bonus_hold_fact(fact, batch->tx, batch->arena, &(struct bonus_hold_row){
        .payment = d->post.payment, .posting = d->post.id, .kept = d->credit.kept, .collector = d->post.collector, .at = batch->now,
        .made_by = proposal->made_by, .decided_by = proposal->decided_by});
    d->post.facts = fact;
    d->post.n_facts = 1;
    return approval_join(batch, proposal, &d->post);
}

static tagih_err execute(struct rpc_batch *batch, struct approval *proposal) {
    const Tagih__V1__ChooseCreditRequest *request = proposal->request;
    struct doing *d = ARENA_NEW(batch->arena, struct doing);
    if (!d) return FAIL(OUT_OF_MEMORY);
    *d = (struct doing){.post = {.what = POST_MOVE, .kind = POSTING_OF_BONUS_CREDIT, .id = random_id(), .payment = {proposal->subject},
                                 .account = proposal->account, .currency = proposal->currency, .received = batch->now,
                                 .has_actor = true, .actor = proposal->decided_by, .credit = &d->credit}};
    TRY(uuid_parse(request->collector_id, &d->post.collector.u));
    TRY(value_of(batch, d->post.payment, &d->post.value));
    book_move_begin(&d->post);
    TRY(load(batch, d));
    TRY(judge(&d->loaded));
    d->credit = (struct post_credit){.kept = d->loaded.is_kept, .history = &d->history};
    TRY(keep(batch, proposal, d));
    TRY(book_decide(&d->book));
    return book_save(&d->book);
}

const struct approval_kind bonus_hold_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_BONUS_HOLD, .name = "bonus_hold",
                                              .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
                                              .request = &tagih__v1__choose_credit_request__descriptor,
                                              .execute = execute};
