/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ReverseTakingCost: a bill that was booked by mistake is taken back by two people (R-RPO-7c): its lines the other way
 * round, once, and the bill may be booked anew. Not when a sale has brought it back, nor when the bank shows that it was
 * paid.
 */
#include "domain/change.h"
#include "rpc/bank_pair.h"
#include "rpc/cost.h"
#include "run/random.h"

#define REASON_MAX 500

tagih_err cost_reversal_check(struct rpc_item *item) {
    const Tagih__V1__ReverseTakingCostRequest *request = item->request;
    uuid *cost = rpc_alloc(item, sizeof *cost);
    item->checked = cost;
    if (!cost) return item->err;
    rpc_check_uuid(item, "cost_id", request->cost_id, cost);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    return item->err;
}

/* Texts live in the result. @return OK · NOT_PERMITTED no such cost · COST_REVERSED */
static tagih_err read_cost(const struct result *r, struct cost_row *out) {
    if (result_count(r) != 1) return FAIL(NOT_PERMITTED);
    cost_read_row(r, 0, out);
    return out->reversed_us ? FAIL(COST_REVERSED) : TAGIH_OK;
}

tagih_err reverse_taking_cost(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__ReverseTakingCostRequest *request = item->request;
    const uuid *cost = item->checked;
    struct cost_row row;
    uuid id;
    TRY(cost_send_get(batch->tx, batch->arena, *cost));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(read_cost(&r, &row));
    struct approval_making making = {.kind = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_TAKING_COST_REVERSAL,
                                     .subject = *cost,
                                     .account = row.account,
                                     .has_amount = true,
                                     .amount_minor = row.amount_minor,
                                     .reason = request->reason};
    TRY(currency_parse(row.currency, &making.currency));
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__ReverseTakingCostResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

/* What became of it since is read behind the locks of its account and of what the bank should show. */
static tagih_err judge(struct rpc_batch *batch, const struct approval *proposal, bool bank_waits, struct cost_row *row) {
    TRY(cost_send_get(batch->tx, batch->arena, proposal->subject));
    TRY(cost_send_open(batch->tx, batch->arena, proposal->account));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    int64_t open_minor = cost_take_open(batch->tx);
    TRY(read_cost(&r, row));
    if (open_minor < row->amount_minor) return FAIL(COST_RECOVERED);
    return bank_waits ? TAGIH_OK : FAIL(COST_AT_BANK);
}

static tagih_err value_of(struct rpc_batch *batch, uuid cost, instant *out) {
    TRY(cost_send_get(batch->tx, batch->arena, cost));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    struct cost_row row;
    tx_take(batch->tx, &r);
    TRY(read_cost(&r, &row));
    out->us = row.value_us;
    return TAGIH_OK;
}

/* J37: valued as it was spent, booked in an open month (R-ALL-7). */
static tagih_err execute(struct rpc_batch *batch, struct approval *proposal) {
    struct params *fact = ARENA_ARRAY(batch->arena, 1, struct params);
    struct post post = {.what = POST_MOVE,
                        .kind = POSTING_OF_COST,
                        .id = random_id(),
                        .payment.u = proposal->subject,
                        .account = proposal->account,
                        .amount_minor = proposal->amount_minor,
                        .currency = proposal->currency,
                        .received = batch->now,
                        .has_actor = true,
                        .actor = proposal->decided_by,
                        .change = CHANGE_COST_REVERSED,
                        .facts = fact,
                        .n_facts = 1};
    struct cost_row row;
    struct book book;
    bool waits = false;
    if (!fact) return FAIL(OUT_OF_MEMORY);
    TRY(value_of(batch, proposal->subject, &post.value));
    TRY(book_begin(&book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &post, 1, 0));
    TRY(bank_book_open(&book, &proposal->subject, &waits, 1));
    TRY(judge(batch, proposal, waits, &row));
    struct cost_reversal_row reversal = {.cost = proposal->subject,
                                         .posting = post.id,
                                         .reason = proposal->made_reason,
                                         .at_us = batch->now.us,
                                         .made_by = proposal->made_by,
                                         .decided_by = proposal->decided_by};
    cost_reversal_fact(fact, batch->tx, batch->arena, &reversal);
    book_move_begin(&post);
    ledger_move(&post.ledger, LEDGER_SIDE(BANK), (struct ledger_side){LEDGER_RECOVERABLE_COSTS, proposal->account.u},
                proposal->amount_minor);
    TRY(approval_join(batch, proposal, &post));
    TRY(book_decide(&book));
    TRY(book_save(&book));
    return bank_send_withdraw(batch->tx, batch->arena, &proposal->subject, 1);
}

const struct approval_kind taking_cost_reversal_kind = {
    .number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_TAKING_COST_REVERSAL,
    .name = "cost of taking taken back",
    .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
    .request = &tagih__v1__reverse_taking_cost_request__descriptor,
    .execute = execute};
