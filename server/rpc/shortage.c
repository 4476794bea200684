/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What collectors owe (R-CSH-2, R-CSH-4, J13): a shortage of a settlement or the sum of an incident is repaid in cash, or
 * becomes expense when a second person approves.
 */
#include "rpc/shortage.h"

#include "domain/change.h"
#include "engine/page.h"
#include "rpc/cash.h"
#include "store_statements.h"

#define REASON_MAX 500

/* ---- ListShortages -------------------------------------------------------------------------------------------------- */

struct shortages_of {
    struct {
        user_id collector; /* nil: all */
        int32_t with_settled;
    } filter;
    struct page page;
};

tagih_err list_shortages_check(struct rpc_item *item) {
    const Tagih__V1__ListShortagesRequest *request = item->request;
    struct shortages_of *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    *list =
        (struct shortages_of){.filter = {.with_settled = request->with_settled}, .page = {.after = {.at_us = INT64_MIN}}};
    if (*request->collector_id) rpc_check_uuid(item, "collector_id", request->collector_id, &list->filter.collector.u);
    rpc_check_list(item, request->page_size, request->page_token, BYTES_OF(&list->filter), &list->page);
    return item->err;
}

static tagih_err answer_shortages(struct rpc_batch *batch, const struct shortages_of *list, const struct result *page) {
    struct rpc_item *item = batch->items[0];
    Tagih__V1__ListShortagesResponse *out = item->response;
    size_t n = rpc_page_rows(page, list->page.size);
    uuid *ids = ARENA_ARRAY(batch->arena, n + 1, uuid);
    out->shortages = rpc_alloc(item, (n + 1) * sizeof *out->shortages);
    if (!ids || !out->shortages) return FAIL(OUT_OF_MEMORY);
    if (n == 0) return TAGIH_OK;
    for (size_t i = 0; i < n; i++) ids[i] = result_uuid(page, i, COL_shortage_list_shortage_id);
    TRY(shortage_send_get(batch->tx, batch->arena, ids, n));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    struct shortage_read read = {.value_us = 0};
    tx_take(batch->tx, &r);
    for (size_t i = 0; i < result_count(&r); i++) {
        shortage_read_row(&r, i, &read);
        if (!(out->shortages[i] = shortage_view(item, &read))) return TAGIH_OK;
        out->n_shortages++;
    }
    struct page_place last = {read.value_us, read.id};
    out->next_page_token = rpc_page_next(item, page, list->page.size, BYTES_OF(&list->filter), BYTES_OF(&last));
    return TAGIH_OK;
}

tagih_err list_shortages(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct shortages_of *list = item->checked;
    user_id collector = list->filter.collector;
    TRY(rpc_load(batch));
    if (!rpc_ok(item)) return TAGIH_OK;
    if (!(item->caller.roles & ROLES_OFFICE)) {
        bool own = uuid_is_nil(collector.u) || uuid_equal(collector.u, item->caller.user.u);
        if (!own) rpc_fail(item, FAIL(NOT_PERMITTED));
        collector = item->caller.user;
    }
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(shortage_send_list(batch->tx, batch->arena, collector, list->filter.with_settled, list->page.after.at_us,
                           list->page.after.id, list->page.size + 1));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result page = {0};
    tx_take(batch->tx, &page);
    return answer_shortages(batch, list, &page);
}

/* ---- one shortage --------------------------------------------------------------------------------------------------- */

static tagih_err send_locked(struct rpc_batch *batch, uuid id) {
    TRY(shortage_send_lock(batch->tx, batch->arena, id));
    return shortage_send_get(batch->tx, batch->arena, &id, 1);
}

/* Texts of `out` live in `kept`. */
static void take_locked(struct rpc_batch *batch, struct result *kept, struct shortage_read *out, bool *found) {
    DEFER(result) struct result locked = {0};
    tx_take(batch->tx, &locked);
    tx_take(batch->tx, kept);
    *found = result_count(kept) == 1;
    if (*found) shortage_read_row(kept, 0, out);
}

/* The step itself, as rows of the move; `read` is as it is afterwards. */
static tagih_err settle(struct rpc_batch *batch, struct cash_move *move, struct shortage_read *read, enum shortage_event what,
                        int64_t amount_minor, const struct approval *decision) {
    read->open_minor -= amount_minor;
    read->version++;
    struct shortage_event_row event = {.shortage = read->id, .posting = move->post.id, .version = read->version,
                                       .event = (int16_t)what, .amount_minor = amount_minor, .at_us = batch->now.us,
                                       .actor = move->post.actor, .has_proposal = decision != NULL,
                                       .proposal = decision ? decision->id : (uuid){{0}},
                                       .reason = decision ? decision->reason : bytes_text("")};
    shortage_event_fact(cash_move_fact(move), batch->tx, batch->arena, &event, 1);
    return shortage_send_state(batch->tx, batch->arena, read->id, read->version, read->open_minor);
}

static struct ledger_side owed_by(const struct shortage_read *read) {
    return (struct ledger_side){LEDGER_COLLECTOR_RECEIVABLE, read->collector.u};
}

/* ---- RepayShortage -------------------------------------------------------------------------------------------------- */

struct repaying {
    uuid shortage;
    struct money amount;
};

tagih_err repay_shortage_check(struct rpc_item *item) {
    const Tagih__V1__RepayShortageRequest *request = item->request;
    struct repaying *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    rpc_check_uuid(item, "shortage_id", request->shortage_id, &out->shortage);
    cash_check_money(item, "amount", request->amount, 1, &out->amount);
    rpc_check_text(item, "etag", request->etag, 1, 64);
    return item->err;
}

static tagih_err judge_repay(const struct rpc_item *item, const struct shortage_read *read) {
    const Tagih__V1__RepayShortageRequest *request = item->request;
    const struct repaying *r = item->checked;
    if (uuid_equal(read->collector.u, item->caller.user.u)) return FAIL(SETTLEMENT_OWN);
    if (!cash_etag_is(request->etag, 'h', read->version)) return FAIL(SHORTAGE_CHANGED);
    if (!currency_equal(read->currency, r->amount.currency)) return FAIL(MONEY_CURRENCY_MIXED);
    return r->amount.minor > read->open_minor ? FAIL(SHORTAGE_AMOUNT) : TAGIH_OK;
}

static tagih_err save_repayment(struct rpc_batch *batch, struct shortage_read *read) {
    const struct rpc_item *item = batch->items[0];
    const struct repaying *r = item->checked;
    user_id cashier = item->caller.user;
    struct cash_move move;
    TRY(cash_move_begin(batch, &move, POSTING_OF_SHORTAGE, read->id, read->collector, read->currency, cashier));
    TRY(vault_send_lock(batch->tx, batch->arena, cashier, read->currency));
    TRY(tx_sync(batch->tx));
    TRY(cash_move_take(&move));
    int64_t vault_minor = vault_take(batch->tx);
    ledger_move(&move.post.ledger, (struct ledger_side){LEDGER_VAULT, cashier.u}, owed_by(read), r->amount.minor);
    TRY(minor_add(vault_minor, r->amount.minor, &vault_minor));
    TRY(settle(batch, &move, read, SHORTAGE_REPAID, r->amount.minor, NULL));
    TRY(cash_move_post(&move, CHANGE_SHORTAGE_SETTLED));
    return vault_send_save(batch->tx, batch->arena, cashier, read->currency, vault_minor);
}

tagih_err repay_shortage(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct repaying *r = item->checked;
    TRY(send_locked(batch, r->shortage));
    TRY(rpc_load(batch));
    DEFER(result) struct result kept = {0};
    struct shortage_read read;
    bool found;
    take_locked(batch, &kept, &read, &found);
    if (rpc_ok(item)) rpc_fail(item, found ? judge_repay(item, &read) : FAIL(NOT_PERMITTED));
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(save_repayment(batch, &read));
    ((Tagih__V1__RepayShortageResponse *)item->response)->shortage = shortage_view(item, &read);
    return TAGIH_OK;
}

/* ---- WriteOffShortage ----------------------------------------------------------------------------------------------- */

tagih_err write_off_shortage_check(struct rpc_item *item) {
    const Tagih__V1__WriteOffShortageRequest *request = item->request;
    uuid *id = rpc_alloc(item, sizeof *id);
    item->checked = id;
    if (!id) return item->err;
    rpc_check_uuid(item, "shortage_id", request->shortage_id, id);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    rpc_check_text(item, "etag", request->etag, 1, 64);
    return item->err;
}

static tagih_err judge_write_off(user_id who, const char *etag, const struct shortage_read *read) {
    if (uuid_equal(read->collector.u, who.u)) return FAIL(SETTLEMENT_OWN);
    if (!cash_etag_is(etag, 'h', read->version)) return FAIL(SHORTAGE_CHANGED);
    return read->open_minor == 0 ? FAIL(SHORTAGE_AMOUNT) : TAGIH_OK;
}

tagih_err write_off_shortage(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__WriteOffShortageRequest *request = item->request;
    TRY(send_locked(batch, *(const uuid *)item->checked));
    TRY(rpc_load(batch));
    DEFER(result) struct result kept = {0};
    struct shortage_read read;
    bool found;
    take_locked(batch, &kept, &read, &found);
    if (rpc_ok(item)) rpc_fail(item, found ? judge_write_off(item->caller.user, request->etag, &read) : FAIL(NOT_PERMITTED));
    if (!rpc_ok(item)) return TAGIH_OK;
    bool settlement = read.kind == SHORTAGE_OF_SETTLEMENT;
    struct approval_making making = {.kind = settlement ? shortage_write_off_kind.number : incident_decision_kind.number,
                                     .subject = read.id, .has_amount = true, .amount_minor = read.open_minor,
                                     .currency = read.currency, .reason = request->reason};
    uuid id;
    TRY(approval_propose(batch, item, &making, &id));
    ((Tagih__V1__WriteOffShortageResponse *)item->response)->proposal_id = rpc_uuid(item, id);
    return TAGIH_OK;
}

/* J13: what is left becomes expense. The collector himself decides nothing, nor does anything repaid since go by unseen. */
static tagih_err execute(struct rpc_batch *batch, struct approval *proposal) {
    const Tagih__V1__WriteOffShortageRequest *request = proposal->request;
    TRY(send_locked(batch, proposal->subject));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result kept = {0};
    struct shortage_read read;
    bool found;
    take_locked(batch, &kept, &read, &found);
    if (!found) return FAIL(INTERNAL);
    TRY(judge_write_off(proposal->decided_by, request->etag, &read));
    struct cash_move move;
    int64_t left_minor = read.open_minor;
    TRY(cash_move_begin(batch, &move, POSTING_OF_SHORTAGE, read.id, read.collector, read.currency, proposal->decided_by));
    TRY(tx_sync(batch->tx));
    TRY(cash_move_take(&move));
    ledger_move(&move.post.ledger, LEDGER_SIDE(CASH_SHORT), owed_by(&read), left_minor);
    TRY(settle(batch, &move, &read, SHORTAGE_WRITTEN_OFF, left_minor, proposal));
    TRY(approval_join(batch, proposal, &move.post));
    return cash_move_post(&move, CHANGE_SHORTAGE_SETTLED);
}

const struct approval_kind shortage_write_off_kind = {
    .number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_SHORTAGE_WRITE_OFF,
    .name = "shortage written off",
    .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
    .request = &tagih__v1__write_off_shortage_request__descriptor,
    .execute = execute,
};

const struct approval_kind incident_decision_kind = {
    .number = TAGIH__V1__PROPOSAL_KIND__PROPOSAL_KIND_INCIDENT_DECISION,
    .name = "incident written off",
    .roles_decide = ROLE_SUPERVISOR | ROLE_ADMIN,
    .request = &tagih__v1__write_off_shortage_request__descriptor,
    .execute = execute,
};
