/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a second person's approval does to a sale of collateral: the hammer (J25), its waterfall (J26), the house's and the debtor's money
 * (J27), and taking back a step. The sale is read once to know which post it will be, and judged again behind the account's lock.
 */
#include "domain/change.h"
#include "book/posting.h"
#include "rpc/sale.h"
#include "run/random.h"
#include "store/cost.h"

static struct ledger_side of_account(enum ledger_account account, account_id owner) {
    return (struct ledger_side){account, owner.u};
}

static tagih_err save(struct rpc_batch *batch, struct approval *proposal, struct book *book, struct post *post, uuid sale) {
    TRY(approval_join(batch, proposal, post));
    TRY(book_decide(book));
    if (post->outcome != POST_DONE) return FAIL(INTERNAL);
    TRY(book_save(book));
    struct change_row change = {.kind = CHANGE_SALE_CHANGED, .object = sale, .has_account = true, .account = proposal->account};
    return change_send(batch->tx, batch->arena, &change, 1, batch->now);
}

static tagih_err take_book(struct book *book) {
    book_take_lock(book);
    return book_take_load(book);
}

/* ---- the hammer ----------------------------------------------------------------------------------------------- */

static struct sale_row row_of(const struct rpc_batch *batch, const struct approval *proposal, uuid id) {
    const Tagih__V1__RecordSaleRequest *request = proposal->request;
    return (struct sale_row){
        .id = id, .posting = id, .account = proposal->account, .asset_reference = bytes_text(request->asset_reference),
        .house = bytes_text(request->house), .lot = bytes_text(request->lot), .hammer_minor = proposal->amount_minor,
        .currency = bytes_text(proposal->currency.code), .value_us = request->sold_us, .at_us = batch->now.us,
        .protocol = bytes_make(request->protocol_sha256.data, request->protocol_sha256.len), .made_by = proposal->made_by,
        .decided_by = proposal->decided_by};
}

static tagih_err open_hammer(struct rpc_batch *batch, struct book *book, struct post *post, const struct sale_row *row) {
    TRY(sale_send_lot_lock(batch->tx, batch->arena, row->lot));
    TRY(book_begin(book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, post, 1, 0));
    TRY(book_send_lock(book));
    TRY(book_send_load(book));
    TRY(sale_send_twice(batch->tx, batch->arena, row));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result locked = {0};
    tx_take(batch->tx, &locked);
    TRY(take_book(book));
    return sale_take_twice(batch->tx) ? FAIL(SALE_EXISTS) : TAGIH_OK;
}

/* J25 */
static tagih_err execute_sale(struct rpc_batch *batch, struct approval *proposal) {
    struct sale_row row = row_of(batch, proposal, random_id());
    struct params *fact = ARENA_ARRAY(batch->arena, 1, struct params);
    if (!fact) return FAIL(OUT_OF_MEMORY);
    sale_fact(fact, batch->tx, batch->arena, &row);
    struct post post = {.what = POST_MOVE, .kind = POSTING_OF_SALE, .id = row.id, .payment.u = row.id, .account = row.account,
                        .amount_minor = row.hammer_minor, .currency = proposal->currency, .value = {row.value_us},
                        .received = batch->now, .has_actor = true, .actor = proposal->decided_by, .facts = fact, .n_facts = 1};
    struct book book;
    TRY(open_hammer(batch, &book, &post, &row));
    book_move_begin(&post);
    ledger_move(&post.ledger, LEDGER_SIDE(AUCTION_CLEARING), LEDGER_SIDE(SALE_PROCEEDS), row.hammer_minor);
    return save(batch, proposal, &book, &post, row.id);
}

/* ---- steps ---------------------------------------------------------------------------------------------------- */

/* A step under way. */
struct stepping {
    struct sale_step step;
    struct sale_read read;
    struct result rows; /* what `read` points into */
    enum sale_state to;
    struct book book;
    struct post post;
    struct sale_event_row event;
    struct params fact;
    int64_t taking_costs_minor; /* spent, and not recovered yet */
};

static void stepping_release(struct stepping *s) {
    result_release(&s->rows);
}

static tagih_err take_sale(struct tx *tx, struct stepping *s) {
    result_release(&s->rows);
    tx_take(tx, &s->rows);
    if (result_count(&s->rows) != 1) return FAIL(NOT_PERMITTED);
    sale_read_row(&s->rows, 0, &s->read);
    return TAGIH_OK;
}

/* Which post it is. What becomes of the debt is valued when the asset was sold; money that moves, when it moved. */
static void begin_post(struct rpc_batch *batch, const struct approval *proposal, struct stepping *s) {
    bool back = s->step.event == SALE_TAKE_BACK, moved = s->step.value_us != 0;
    s->post = (struct post){
        .what = POST_MOVE, .kind = POSTING_OF_SALE, .id = random_id(), .account = s->read.row.account, .payment.u = s->read.row.id,
        .source = SOURCE_AUCTION, .tag = TAG_AUCTION, .currency = proposal->currency, .received = batch->now, .has_actor = true,
        .value.us = moved ? s->step.value_us : s->read.row.value_us, .actor = proposal->decided_by, .reason = REVERSAL_MISPOST};
    if (s->step.event == SALE_SETTLE) {
        s->post.what = POST_PAYMENT;
        s->post.payment.u = s->post.id;
    } else if (back && s->read.has_payment) {
        s->post.what = POST_REVERSAL;
        s->post.payment = s->read.payment;
    }
    book_move_begin(&s->post);
}

static tagih_err open_step(struct rpc_batch *batch, struct stepping *s) {
    TRY(book_begin(&s->book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &s->post, 1, 0));
    TRY(book_send_lock(&s->book));
    TRY(book_send_load(&s->book));
    TRY(cost_send_open(batch->tx, batch->arena, s->read.row.account));
    TRY(sale_send_get(batch->tx, batch->arena, &s->step.sale, 1));
    TRY(tx_sync(batch->tx));
    TRY(take_book(&s->book));
    s->taking_costs_minor = cost_take_open(batch->tx);
    return take_sale(batch->tx, s);
}

/* The proceeds, and everything that they become but the debt: taking back moves it back. */
static void move_shares(struct stepping *s, const struct sale_shares *shares) {
    account_id account = s->read.row.account;
    ledger_move(&s->post.ledger, LEDGER_SIDE(SALE_PROCEEDS), LEDGER_SIDE(SALE_COSTS_PAYABLE), shares->sale_costs_minor);
    ledger_move(&s->post.ledger, LEDGER_SIDE(SALE_PROCEEDS), of_account(LEDGER_RECOVERABLE_COSTS, account), shares->taking_costs_minor);
    ledger_move(&s->post.ledger, LEDGER_SIDE(SALE_PROCEEDS), of_account(LEDGER_SURPLUS_OWED, account), shares->surplus_minor);
}

/* All that is open, due or not: what is not due yet finds its share as customer credit. */
static tagih_err debt_of(const struct posting_account *account, int64_t *out_minor) {
    int64_t open_minor[COMPONENT_COUNT], all_minor = 0;
    TRY(allocation_balance(account->lines, account->n_lines, open_minor));
    for (int c = 0; c < COMPONENT_COUNT; c++) TRY(minor_add(all_minor, open_minor[c], &all_minor));
    *out_minor = all_minor > account->credit_minor ? all_minor - account->credit_minor : 0;
    return TAGIH_OK;
}

/* The payment that the debt gets; without debt it is a move. */
static tagih_err pay_debt(struct rpc_batch *batch, struct stepping *s, int64_t debt_minor) {
    if (debt_minor == 0) {
        s->post.what = POST_MOVE;
        s->post.payment.u = s->read.row.id;
        return TAGIH_OK;
    }
    char id[UUID_TEXT_SIZE];
    uuid_format(s->read.row.id, id);
    char *reference = arena_printf(batch->arena, "%s/%d", id, s->read.n + 1);
    if (!reference) return FAIL(OUT_OF_MEMORY);
    s->post.reference = bytes_text(reference);
    s->post.amount_minor = debt_minor;
    s->event.has_payment = true;
    s->event.payment = s->post.payment;
    return book_hindrance(&s->book, &s->post) ? FAIL(SALE_ACCOUNT) : TAGIH_OK;
}

/* J26 */
static tagih_err settle(struct rpc_batch *batch, struct stepping *s) {
    const struct posting_account *account = book_account(&s->book, s->read.row.account);
    if (!account) return FAIL(INTERNAL);
    struct sale_claims claims = {.hammer_minor = s->read.now.hammer_minor, .sale_costs_minor = s->step.amount_minor,
                                 .taking_costs_minor = s->taking_costs_minor};
    TRY(debt_of(account, &claims.debt_minor));
    TRY(sale_waterfall(&claims, &s->event.shares));
    move_shares(s, &s->event.shares);
    s->event.has_due = s->event.shares.surplus_minor > 0;
    s->event.due_on.days = s->book.loaded.today.days + SALE_SURPLUS_DAYS;
    return pay_debt(batch, s, s->event.shares.debt_minor);
}

/* What a settlement gave, below zero; of the hammer itself, J25 the other way round. */
static void take_back(struct stepping *s) {
    const struct sale_shares *shares = &s->read.now.shares;
    if (s->to == SALE_TAKEN_BACK) {
        ledger_move(&s->post.ledger, LEDGER_SIDE(SALE_PROCEEDS), LEDGER_SIDE(AUCTION_CLEARING), s->read.now.hammer_minor);
        return;
    }
    s->event.shares = (struct sale_shares){-shares->sale_costs_minor, -shares->taking_costs_minor, -shares->debt_minor,
                                           -shares->surplus_minor, -shares->shortfall_minor};
    s->event.has_payment = s->read.has_payment;
    s->event.payment = s->read.payment;
    move_shares(s, &s->event.shares);
}

/* J27 */
static void receive(struct stepping *s) {
    ledger_move(&s->post.ledger, LEDGER_SIDE(BANK), LEDGER_SIDE(AUCTION_CLEARING), s->step.amount_minor);
    ledger_move(&s->post.ledger, LEDGER_SIDE(SALE_COSTS_PAYABLE), LEDGER_SIDE(AUCTION_CLEARING), s->read.now.shares.sale_costs_minor);
}

static void pay_surplus(struct stepping *s) {
    ledger_move(&s->post.ledger, of_account(LEDGER_SURPLUS_OWED, s->read.row.account), LEDGER_SIDE(BANK), s->step.amount_minor);
}

static tagih_err build(struct rpc_batch *batch, struct stepping *s) {
    switch (s->step.event) {
    case SALE_SETTLE: return settle(batch, s);
    case SALE_TAKE_BACK: take_back(s); return TAGIH_OK;
    case SALE_RECEIVE: receive(s); return TAGIH_OK;
    case SALE_PAY_SURPLUS: pay_surplus(s); return TAGIH_OK;
    case SALE_EVENT_END: break;
    }
    return FAIL(INTERNAL);
}

static void begin_event(struct rpc_batch *batch, const struct approval *proposal, struct stepping *s) {
    s->event = (struct sale_event_row){
        .sale = s->read.row.id, .posting = s->post.id, .n = s->read.n + 1, .event = (int16_t)s->step.event, .state = (int16_t)s->to,
        .amount_minor = s->step.amount_minor, .reference = s->step.reference, .value_us = s->post.value.us, .at_us = batch->now.us,
        .made_by = proposal->made_by, .decided_by = proposal->decided_by};
}

static tagih_err expect(struct stepping *s) {
    bool in = s->step.event == SALE_RECEIVE, out = s->step.event == SALE_PAY_SURPLUS;
    if ((!in && !out) || s->step.amount_minor == 0) return TAGIH_OK;
    return book_expect_line(&s->book, &s->post, in ? EXPECTED_SALE : EXPECTED_SURPLUS, s->read.row.id, &s->step.reference,
                            in ? s->step.amount_minor : -s->step.amount_minor);
}

static tagih_err carry_out(struct rpc_batch *batch, struct stepping *s, struct approval *proposal) {
    TRY(sale_send_get(batch->tx, batch->arena, &s->step.sale, 1));
    TRY(tx_sync(batch->tx));
    TRY(take_sale(batch->tx, s));
    TRY(sale_judge(&s->step, &s->read, &s->to)); /* a changed sale would be another kind of post */
    begin_post(batch, proposal, s);
    TRY(open_step(batch, s));
    TRY(sale_judge(&s->step, &s->read, &s->to));
    begin_event(batch, proposal, s);
    TRY(build(batch, s));
    sale_event_fact(&s->fact, batch->tx, batch->arena, &s->event);
    s->post.facts = &s->fact;
    s->post.n_facts = 1;
    TRY(save(batch, proposal, &s->book, &s->post, s->read.row.id));
    return expect(s);
}

static tagih_err execute(struct rpc_batch *batch, struct approval *proposal, enum sale_event event) {
    struct stepping *s = ARENA_NEW(batch->arena, struct stepping);
    if (!s) return FAIL(OUT_OF_MEMORY);
    s->step = sale_step_of(event, proposal->request);
    s->step.sale = proposal->subject;
    tagih_err err = carry_out(batch, s, proposal);
    stepping_release(s);
    return err;
}

static tagih_err execute_settlement(struct rpc_batch *batch, struct approval *proposal) {
    return execute(batch, proposal, SALE_SETTLE);
}

static tagih_err execute_take_back(struct rpc_batch *batch, struct approval *proposal) {
    return execute(batch, proposal, SALE_TAKE_BACK);
}

static tagih_err execute_proceeds(struct rpc_batch *batch, struct approval *proposal) {
    return execute(batch, proposal, SALE_RECEIVE);
}

static tagih_err execute_surplus(struct rpc_batch *batch, struct approval *proposal) {
    return execute(batch, proposal, SALE_PAY_SURPLUS);
}

/* ---- tables --------------------------------------------------------------------------------------------------- */

#define DECIDERS (ROLE_SUPERVISOR | ROLE_ADMIN)

const struct approval_kind sale_kind = {.number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SALE, .name = "sale", .roles_decide = DECIDERS,
                                        .request = &tagih__v1__record_sale_request__descriptor, .execute = execute_sale};
const struct approval_kind sale_settlement_kind = {
    .number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SALE_SETTLEMENT, .name = "sale shared", .roles_decide = DECIDERS,
    .request = &tagih__v1__settle_sale_request__descriptor, .execute = execute_settlement};
const struct approval_kind sale_take_back_kind = {
    .number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SALE_TAKE_BACK, .name = "sale taken back", .roles_decide = DECIDERS,
    .request = &tagih__v1__take_back_sale_request__descriptor, .execute = execute_take_back};
const struct approval_kind sale_proceeds_kind = {
    .number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SALE_PROCEEDS, .name = "proceeds of a sale", .roles_decide = DECIDERS,
    .request = &tagih__v1__receive_sale_proceeds_request__descriptor, .execute = execute_proceeds};
const struct approval_kind surplus_kind = {
    .number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SURPLUS, .name = "surplus", .roles_decide = DECIDERS,
    .request = &tagih__v1__pay_surplus_request__descriptor, .execute = execute_surplus};
