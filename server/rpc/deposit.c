/* SPDX-License-Identifier: Apache-2.0 */
/* DepositCash, ListDeposits, MatchDeposit: from the vault to the bank (J15). */
#include "rpc/deposit.h"

#include <stdlib.h>
#include <string.h>

#include "domain/change.h"
#include "engine/page.h"
#include "rpc/bank_pair.h"
#include "rpc/cash.h"
#include "store_statements.h"

#define COVERED_MAX 100
#define REFERENCE_MAX 100
#define REASON_MAX 500

/* ---- DepositCash ---------------------------------------------------------------------------------------------------- */

struct depositing {
    struct money amount;
    uuid *settlements; /* sorted */
    size_t n;
};

static int by_uuid(const void *a, const void *b) {
    return uuid_compare(*(const uuid *)a, *(const uuid *)b);
}

static void check_settlements(struct rpc_item *item, char *const *texts, size_t n, struct depositing *out) {
    if (n > COVERED_MAX) rpc_problem(item, FAIL(REQUEST_TOO_MANY), "settlement_ids");
    out->settlements = rpc_ok(item) ? rpc_alloc(item, (n + 1) * sizeof *out->settlements) : NULL;
    for (size_t i = 0; out->settlements && i < n; i++) {
        tagih_err err = uuid_parse(texts[i], &out->settlements[out->n++]);
        if (!err_is_ok(err)) rpc_problem(item, err, "settlement_ids[%zu]", i);
    }
    if (out->settlements && out->n) qsort(out->settlements, out->n, sizeof *out->settlements, by_uuid);
    for (size_t i = 1; i < out->n; i++) {
        if (uuid_equal(out->settlements[i - 1], out->settlements[i])) rpc_problem(item, FAIL(DEPOSIT_COVERS), "settlement_ids");
    }
}

tagih_err deposit_cash_check(struct rpc_item *item) {
    const Tagih__V1__DepositCashRequest *request = item->request;
    struct depositing *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    *out = (struct depositing){.n = 0};
    cash_check_money(item, "amount", request->amount, 1, &out->amount);
    rpc_check_text(item, "bank_reference", request->bank_reference, 1, REFERENCE_MAX);
    check_settlements(item, request->settlement_ids, request->n_settlement_ids, out);
    return item->err;
}

/* R-CSH-2c: accepted, in this cashier's vault, of this currency, and with all of their counted cash. */
static tagih_err judge_deposit(const struct rpc_item *item, const struct settlement_read *covered, size_t n) {
    const struct depositing *d = item->checked;
    int64_t sum_minor = 0;
    if (n != d->n) return FAIL(NOT_PERMITTED);
    for (size_t i = 0; i < n; i++) {
        enum settlement_state to;
        TRY(settlement_apply((enum settlement_state)covered[i].now.state, SETTLEMENT_DEPOSIT,
                             &(struct settlement_facts){.own = false}, &to));
        bool fits = uuid_equal(covered[i].now.cashier.u, item->caller.user.u) &&
                    currency_equal(covered[i].currency, d->amount.currency);
        if (!fits) return FAIL(DEPOSIT_COVERS);
        TRY(minor_add(sum_minor, covered[i].now.counted_minor, &sum_minor));
    }
    return sum_minor > d->amount.minor ? FAIL(DEPOSIT_COVERS) : TAGIH_OK;
}

static tagih_err take_covered(struct rpc_batch *batch, struct settlement_read **out, size_t *n) {
    DEFER(result) struct result locked = {0}, r = {0};
    tx_take(batch->tx, &locked);
    tx_take(batch->tx, &r);
    *n = result_count(&r);
    *out = ARENA_ARRAY(batch->arena, *n + 1, struct settlement_read);
    if (!*out) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < *n; i++) {
        settlement_read_row(&r, i, &(*out)[i]);
        (*out)[i].reason = bytes_text(""); /* it lived in the result */
    }
    return TAGIH_OK;
}

static tagih_err cover(struct rpc_batch *batch, struct cash_move *move, const struct settlement_read *covered, size_t n,
                       struct settlement_now *now) {
    struct settlement_event_row *rows = ARENA_ARRAY(batch->arena, n + 1, struct settlement_event_row);
    if (!rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        now[i] = covered[i].now;
        now[i].state = SETTLEMENT_DEPOSITED;
        now[i].version++;
        now[i].has_deposit = true;
        now[i].deposit = move->post.id;
        rows[i] = (struct settlement_event_row){.settlement = now[i].id, .posting = move->post.id, .version = now[i].version,
                                                .event = SETTLEMENT_DEPOSIT, .state = now[i].state, .at_us = batch->now.us,
                                                .actor = move->post.actor, .has_deposit = true, .deposit = move->post.id,
                                                .reason = bytes_text("")};
    }
    if (n) settlement_event_fact(cash_move_fact(move), batch->tx, batch->arena, rows, n);
    return TAGIH_OK;
}

static struct deposit_row row_of(const struct rpc_batch *batch, const struct cash_move *move) {
    const Tagih__V1__DepositCashRequest *request = batch->items[0]->request;
    const struct depositing *d = batch->items[0]->checked;
    return (struct deposit_row){.id = move->post.id, .posting = move->post.id, .has_cashier = true, .cashier = move->post.actor,
                                .amount_minor = d->amount.minor, .currency = bytes_text(d->amount.currency.code),
                                .bank_reference = bytes_text(request->bank_reference), .value_us = batch->now.us,
                                .received_us = batch->now.us, .value_on = move->post.value_on};
}

static tagih_err save_deposit(struct rpc_batch *batch, struct cash_move *move, const struct settlement_read *covered, size_t n,
                              int64_t vault_minor) {
    const struct depositing *d = batch->items[0]->checked;
    struct settlement_now *now = ARENA_ARRAY(batch->arena, n + 1, struct settlement_now);
    struct deposit_row row = row_of(batch, move);
    struct deposit_event_row made = {.deposit = row.id, .posting = row.posting, .version = 1, .event = DEPOSIT_MADE,
                                     .at_us = batch->now.us, .has_actor = true, .actor = row.cashier, .reason = bytes_text("")};
    if (!now) return FAIL(OUT_OF_MEMORY);
    ledger_move(&move->post.ledger, LEDGER_SIDE(DEPOSIT_IN_TRANSIT), (struct ledger_side){LEDGER_VAULT, row.cashier.u},
                row.amount_minor);
    deposit_fact(cash_move_fact(move), batch->tx, batch->arena, &row, 1);
    deposit_event_fact(cash_move_fact(move), batch->tx, batch->arena, &made, 1);
    TRY(cover(batch, move, covered, n, now));
    TRY(cash_move_post(move, CHANGE_DEPOSIT_MADE));
    TRY(deposit_send_new(batch->tx, batch->arena, &row, 1));
    TRY(settlement_send_states(batch->tx, batch->arena, now, n));
    return vault_send_save(batch->tx, batch->arena, row.cashier, d->amount.currency, vault_minor - row.amount_minor);
}

static void answer_deposit(struct rpc_item *item, const struct deposit_row *row, currency in, Tagih__V1__Deposit **out) {
    struct deposit_read read = {.id = row->id, .has_cashier = true, .cashier = row->cashier, .amount_minor = row->amount_minor,
                                .currency = in, .bank_reference = row->bank_reference, .value_us = row->value_us,
                                .value_on = row->value_on, .state = DEPOSIT_IN_TRANSIT, .version = 1};
    *out = deposit_view(item, &read);
}

tagih_err deposit_cash(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct depositing *d = item->checked;
    TRY(settlement_send_lock(batch->tx, batch->arena, d->settlements, d->n));
    TRY(settlement_send_get(batch->tx, batch->arena, d->settlements, d->n));
    TRY(rpc_load(batch));
    struct settlement_read *covered;
    size_t n;
    TRY(take_covered(batch, &covered, &n));
    if (rpc_ok(item)) rpc_fail(item, judge_deposit(item, covered, n));
    if (!rpc_ok(item)) return TAGIH_OK;
    struct cash_move move;
    TRY(cash_move_begin(batch, &move, POSTING_OF_DEPOSIT, (uuid){{0}}, (user_id){{{0}}}, d->amount.currency, item->caller.user));
    TRY(vault_send_lock(batch->tx, batch->arena, item->caller.user, d->amount.currency));
    TRY(tx_sync(batch->tx));
    TRY(cash_move_take(&move));
    int64_t vault_minor = vault_take(batch->tx);
    if (vault_minor < d->amount.minor) {
        rpc_fail(item, FAIL(VAULT_SHORT));
        return TAGIH_OK;
    }
    TRY(save_deposit(batch, &move, covered, n, vault_minor));
    struct deposit_row row = row_of(batch, &move);
    answer_deposit(item, &row, d->amount.currency, &((Tagih__V1__DepositCashResponse *)item->response)->deposit);
    return TAGIH_OK;
}

/* ---- ListDeposits --------------------------------------------------------------------------------------------------- */

struct deposits_of {
    uint8_t in_transit_only;
    struct page page;
};

tagih_err list_deposits_check(struct rpc_item *item) {
    const Tagih__V1__ListDepositsRequest *request = item->request;
    struct deposits_of *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    *list = (struct deposits_of){.in_transit_only = request->in_transit_only != 0, .page = {.after = {.at_us = INT64_MIN}}};
    rpc_check_list(item, request->page_size, request->page_token, BYTES_OF(&list->in_transit_only), &list->page);
    return item->err;
}

static tagih_err answer_deposits(struct rpc_batch *batch, const struct deposits_of *list, const struct result *page) {
    struct rpc_item *item = batch->items[0];
    Tagih__V1__ListDepositsResponse *out = item->response;
    size_t n = rpc_page_rows(page, list->page.size);
    uuid *ids = ARENA_ARRAY(batch->arena, n + 1, uuid);
    out->deposits = rpc_alloc(item, (n + 1) * sizeof *out->deposits);
    if (!ids || !out->deposits) return FAIL(OUT_OF_MEMORY);
    if (n == 0) return TAGIH_OK;
    for (size_t i = 0; i < n; i++) ids[i] = result_uuid(page, i, COL_deposit_list_deposit_id);
    TRY(deposit_send_get(batch->tx, batch->arena, ids, n));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    struct deposit_read read = {.value_us = 0};
    tx_take(batch->tx, &r);
    for (size_t i = 0; i < result_count(&r); i++) {
        deposit_read_row(&r, i, &read);
        if (!(out->deposits[i] = deposit_view(item, &read))) return TAGIH_OK;
        out->n_deposits++;
    }
    struct page_place last = {read.value_us, read.id};
    out->next_page_token = rpc_page_next(item, page, list->page.size, BYTES_OF(&list->in_transit_only), BYTES_OF(&last));
    return TAGIH_OK;
}

tagih_err list_deposits(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct deposits_of *list = item->checked;
    TRY(deposit_send_list(batch->tx, batch->arena, list->in_transit_only, list->page.after.at_us, list->page.after.id,
                          list->page.size + 1));
    TRY(rpc_load(batch));
    DEFER(result) struct result page = {0};
    tx_take(batch->tx, &page);
    return rpc_ok(item) ? answer_deposits(batch, list, &page) : TAGIH_OK;
}

/* ---- MatchDeposit --------------------------------------------------------------------------------------------------- */

tagih_err match_deposit_check(struct rpc_item *item) {
    const Tagih__V1__MatchDepositRequest *request = item->request;
    uuid *id = rpc_alloc(item, sizeof *id);
    item->checked = id;
    if (!id) return item->err;
    rpc_check_uuid(item, "deposit_id", request->deposit_id, id);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    rpc_check_text(item, "etag", request->etag, 1, 64);
    return item->err;
}

static tagih_err judge_match(const struct rpc_item *item, const struct deposit_match *match) {
    const Tagih__V1__MatchDepositRequest *request = item->request;
    if (!match->found) return FAIL(NOT_PERMITTED);
    if (match->deposit.state != DEPOSIT_IN_TRANSIT) return FAIL(DEPOSIT_SETTLED);
    bool own = (match->deposit.has_cashier && uuid_equal(match->deposit.cashier.u, item->caller.user.u)) ||
               (match->deposit.has_collector && uuid_equal(match->deposit.collector.u, item->caller.user.u));
    if (own) return FAIL(SETTLEMENT_OWN);
    return cash_etag_is(request->etag, 'd', match->deposit.version) ? TAGIH_OK : FAIL(DEPOSIT_CHANGED);
}

/* Its line is here already, under this reference, in suspense: the bank has booked it once. Several of them: the oldest. */
static tagih_err join_line(struct rpc_batch *batch, struct deposit_match *match, bool *joined) {
    struct bank_pair *pairs;
    struct bank_word word = {.has_actor = true, .actor = match->actor, .reason = match->reason};
    size_t n, done = 0;
    TRY(bank_send_late(batch->tx, batch->arena, match->id, 1));
    TRY(tx_sync(batch->tx));
    TRY(bank_take_late(batch->tx, batch->arena, &pairs, &n));
    TRY(bank_pairs_settle(batch->tx, batch->arena, batch->writer, batch->now, pairs, n, &word, &done));
    *joined = done == 1;
    if (!*joined) return TAGIH_OK;
    match->deposit.state = DEPOSIT_BANK_MATCHED; /* as it is queued to be saved */
    match->deposit.version++;
    return TAGIH_OK;
}

/* On the person's word alone; the line that comes confirms it and books nothing (R-CSH-2e). */
static tagih_err match_without_line(struct rpc_batch *batch, struct deposit_match *match) {
    struct post post;
    struct book book;
    deposit_match_post(match, batch->now, &post);
    TRY(book_begin(&book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &post, 1, 0));
    TRY(book_open(&book));
    TRY(deposit_match_build(batch->tx, batch->arena, match, &post, batch->now));
    TRY(book_decide(&book));
    TRY(book_save(&book));
    TRY(deposits_matched(batch->tx, batch->arena, match, 1));
    return bank_send_confirm(batch->tx, batch->arena, match->id);
}

/* By hand, by somebody else than who brought it. */
tagih_err match_deposit(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__MatchDepositRequest *request = item->request;
    bool joined = false;
    TRY(rpc_load(batch));
    if (!rpc_ok(item)) return TAGIH_OK;
    struct deposit_match match = {.id = *(const uuid *)item->checked, .has_actor = true, .actor = item->caller.user,
                                  .reason = bytes_text(request->reason)};
    TRY(deposits_lock(batch->tx, batch->arena, &match, 1));
    rpc_fail(item, judge_match(item, &match));
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(join_line(batch, &match, &joined));
    if (!joined) TRY(match_without_line(batch, &match));
    ((Tagih__V1__MatchDepositResponse *)item->response)->deposit = deposit_view(item, &match.deposit);
    return TAGIH_OK;
}
