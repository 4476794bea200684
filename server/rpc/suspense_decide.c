/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Release and return of money in suspense (R-PAY-2, J21). The maker's call looks whether it could be done now; the second
 * person's does it, by the world as it is then: the item is read before the book is opened, because the payment that it
 * becomes is valued when it was received, and read again under its lock, behind the account's.
 */
#include "rpc/suspense_decide.h"

#include "domain/change.h"
#include "book/suspense.h"
#include "run/random.h"

#define REASON_MAX 500

/* ---- both ----------------------------------------------------------------------------------------------------- */

/* An item and what is done with it. */
struct deciding {
    uuid id;
    enum money_event event;
    account_id account; /* of a release */
    struct suspense_read read;
    struct result rows; /* what `read` points into */
    struct book book;
    struct post post;
};

static void deciding_release(struct deciding *d) {
    result_release(&d->rows);
}

static tagih_err take_item(struct tx *tx, struct deciding *d) {
    result_release(&d->rows);
    tx_take(tx, &d->rows);
    if (result_count(&d->rows) != 1) return FAIL(NOT_PERMITTED);
    suspense_read_row(&d->rows, 0, &d->read);
    return TAGIH_OK;
}

/* The post that it becomes. */
static tagih_err make_post(struct rpc_batch *batch, struct deciding *d, user_id actor) {
    uuid id = random_id();
    bool release = d->event == MONEY_RELEASE;
    d->post = (struct post){
        .what = release ? POST_PAYMENT : POST_MOVE, .id = id, .payment.u = id, .account = d->account, .source = d->read.source,
        .tag = d->read.tag, .amount_minor = d->read.amount_minor, .value = d->read.value, .received = batch->now,
        .has_actor = true, .actor = actor, .reference = arena_copy(batch->arena, d->read.reference), .has_money = true,
        .money = LEDGER_SIDE(SUSPENSE), .kind = POSTING_OF_SUSPENSE_OUT, .change = release ? 0 : CHANGE_SUSPENSE_RETURNED};
    if (!release) d->post.payment.u = d->id;
    return currency_parse(d->read.currency, &d->post.currency);
}

/* LOCK and LOAD of the whole event: the item's lock comes behind those of the book. */
static tagih_err open_book(struct rpc_batch *batch, struct deciding *d) {
    TRY(book_begin(&d->book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &d->post, 1, 0));
    TRY(book_send_lock(&d->book));
    TRY(book_send_load(&d->book));
    TRY(suspense_send_lock(batch->tx, batch->arena, &d->id, 1));
    TRY(suspense_send_get(batch->tx, batch->arena, &d->id, 1));
    TRY(tx_sync(batch->tx));
    book_take_lock(&d->book);
    TRY(book_take_load(&d->book));
    DEFER(result) struct result locked = {0};
    tx_take(batch->tx, &locked);
    return take_item(batch->tx, d);
}

/* May it be done now? */
static tagih_err judge(struct deciding *d, bool second_person) {
    enum money_state to;
    struct money_facts facts = {.by_second_person = second_person};
    if (d->event == MONEY_RELEASE) facts.account_takes_it = book_hindrance(&d->book, &d->post) == 0;
    return money_apply((enum money_state)d->read.state, d->event, &facts, &to);
}

static tagih_err load(struct rpc_batch *batch, struct deciding *d, user_id actor) {
    TRY(take_item(batch->tx, d));
    TRY(make_post(batch, d, actor));
    return open_book(batch, d);
}

/* ---- the maker ------------------------------------------------------------------------------------------------ */

/* Everything as a second person would do it, but doing it. */
static tagih_err propose(struct rpc_batch *batch, struct deciding *d, Tagih__V1__ProposalKind kind, const char *reason, char **proposal_id) {
    struct rpc_item *item = batch->items[0];
    TRY(suspense_send_get(batch->tx, batch->arena, &d->id, 1));
    TRY(rpc_load(batch));
    if (!rpc_ok(item)) return TAGIH_OK;
    tagih_err err = load(batch, d, item->caller.user);
    if (err_is_ok(err)) err = judge(d, true);
    if (!err_is_ok(err)) return err;
    struct approval_making making = {.kind = kind, .subject = d->id, .account = d->account, .has_amount = true,
                                     .amount_minor = d->read.amount_minor, .currency = d->post.currency, .reason = reason};
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    *proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

tagih_err release_request(struct rpc_item *item) {
    const Tagih__V1__ReleaseSuspenseRequest *request = item->request;
    struct deciding *d = rpc_alloc(item, sizeof *d);
    item->checked = d;
    if (!d) return item->err;
    *d = (struct deciding){.event = MONEY_RELEASE};
    rpc_check_uuid(item, "item_id", request->item_id, &d->id);
    rpc_check_uuid(item, "account_id", request->account_id, &d->account.u);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    return item->err;
}

tagih_err release_suspense(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    struct deciding d = *(const struct deciding *)item->checked;
    Tagih__V1__ReleaseSuspenseResponse *out = item->response;
    tagih_err err = propose(batch, &d, TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SUSPENSE_RELEASE,
                            ((const Tagih__V1__ReleaseSuspenseRequest *)item->request)->reason, &out->proposal_id);
    deciding_release(&d);
    return err;
}

tagih_err return_request(struct rpc_item *item) {
    const Tagih__V1__ReturnSuspenseRequest *request = item->request;
    struct deciding *d = rpc_alloc(item, sizeof *d);
    item->checked = d;
    if (!d) return item->err;
    *d = (struct deciding){.event = MONEY_RETURN};
    rpc_check_uuid(item, "item_id", request->item_id, &d->id);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    return item->err;
}

tagih_err return_suspense(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    struct deciding d = *(const struct deciding *)item->checked;
    Tagih__V1__ReturnSuspenseResponse *out = item->response;
    tagih_err err = propose(batch, &d, TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SUSPENSE_RETURN,
                            ((const Tagih__V1__ReturnSuspenseRequest *)item->request)->reason, &out->proposal_id);
    deciding_release(&d);
    return err;
}

/* ---- the second person ---------------------------------------------------------------------------------------- */

static const struct params *decision_fact(struct rpc_batch *batch, const struct deciding *d, const struct approval *proposal) {
    struct params *fact = ARENA_ARRAY(batch->arena, 1, struct params);
    if (!fact) return NULL;
    bool release = d->event == MONEY_RELEASE;
    struct suspense_decision_row row = {
        .item = d->id, .posting = d->post.id, .outcome = release ? MONEY_POSTED : MONEY_RETURNED, .has_payment = release,
        .payment = d->post.payment, .has_account = release, .account = d->account, .reason = proposal->made_reason,
        .at = batch->now, .has_made = true, .made_by = proposal->made_by, .has_decided = true, .decided_by = proposal->decided_by};
    suspense_decision_params(fact, batch->tx, batch->arena, &row);
    return fact;
}

static tagih_err carry_out(struct rpc_batch *batch, struct deciding *d, struct approval *proposal) {
    TRY(suspense_send_get(batch->tx, batch->arena, &d->id, 1));
    TRY(tx_sync(batch->tx));
    TRY(load(batch, d, proposal->decided_by));
    TRY(judge(d, !uuid_equal(proposal->made_by.u, proposal->decided_by.u)));
    if (d->event == MONEY_RETURN) {
        book_move_begin(&d->post);
        ledger_move(&d->post.ledger, LEDGER_SIDE(SUSPENSE), LEDGER_SIDE(BANK), d->post.amount_minor);
    }
    d->post.facts = decision_fact(batch, d, proposal);
    d->post.n_facts = 1;
    if (!d->post.facts) return FAIL(OUT_OF_MEMORY);
    TRY(approval_join(batch, proposal, &d->post));
    TRY(book_decide(&d->book));
    TRY(book_save(&d->book));
    if (d->event != MONEY_RETURN) return TAGIH_OK;
    return book_expect_line(&d->book, &d->post, EXPECTED_SUSPENSE_RETURN, d->id, &d->post.reference, -d->post.amount_minor);
}

static tagih_err execute(struct rpc_batch *batch, struct deciding *d, struct approval *proposal) {
    tagih_err err = carry_out(batch, d, proposal);
    deciding_release(d);
    return err;
}

static tagih_err execute_release(struct rpc_batch *batch, struct approval *proposal) {
    struct deciding d = {.id = proposal->subject, .event = MONEY_RELEASE, .account = proposal->account};
    return execute(batch, &d, proposal);
}

static tagih_err execute_return(struct rpc_batch *batch, struct approval *proposal) {
    struct deciding d = {.id = proposal->subject, .event = MONEY_RETURN};
    return execute(batch, &d, proposal);
}

#define DECIDERS (ROLE_SUPERVISOR | ROLE_ADMIN)

const struct approval_kind suspense_release_kind = {
    .number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SUSPENSE_RELEASE, .name = "suspense_release", .roles_decide = DECIDERS,
    .request = &tagih__v1__release_suspense_request__descriptor, .execute = execute_release};

const struct approval_kind suspense_return_kind = {
    .number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SUSPENSE_RETURN, .name = "suspense_return", .roles_decide = DECIDERS,
    .request = &tagih__v1__return_suspense_request__descriptor, .execute = execute_return};
