/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settlements (R-CSH-2): declared by a DAY_CLOSE entry or, for a phone that is dead, by a supervisor; counted by a
 * cashier who is not the collector; accepted against what the ledger expects. Ledger lines are written at the acceptance
 * alone. Each step is a posting whose digest covers its rows.
 */
#include "rpc/settlement.h"

#include "domain/change.h"
#include "engine/page.h"
#include "rpc/cash.h"
#include "store_statements.h"

#define REASON_MAX 500
#define ETAG_MAX 64

/* ---- reading -------------------------------------------------------------------------------------------------------- */

/* One settlement under its lock, read in a statement of its own. */
static tagih_err send_locked(struct rpc_batch *batch, uuid id) {
    TRY(settlement_send_lock(batch->tx, batch->arena, &id, 1));
    return settlement_send_get(batch->tx, batch->arena, &id, 1);
}

/* Texts of `out` live in `kept`. */
static void take_get(struct rpc_batch *batch, struct result *kept, struct settlement_read *out, bool *found) {
    tx_take(batch->tx, kept);
    *found = result_count(kept) == 1;
    if (*found) settlement_read_row(kept, 0, out);
}

static void take_locked(struct rpc_batch *batch, struct result *kept, struct settlement_read *out, bool *found) {
    DEFER(result) struct result locked = {0};
    tx_take(batch->tx, &locked);
    take_get(batch, kept, out, found);
}

static bool may_see(const struct rpc_item *item, user_id collector) {
    return (item->caller.roles & ROLES_OFFICE) || uuid_equal(item->caller.user.u, collector.u);
}

tagih_err get_settlement_check(struct rpc_item *item) {
    const Tagih__V1__GetSettlementRequest *request = item->request;
    uuid *id = rpc_alloc(item, sizeof *id);
    item->checked = id;
    if (id) rpc_check_uuid(item, "settlement_id", request->settlement_id, id);
    return item->err;
}

static void view_notes(struct rpc_item *item, const struct result *r, Tagih__V1__Settlement *out) {
    size_t n = result_count(r);
    Tagih__V1__CashPieces *pieces = rpc_alloc(item, (n + 1) * sizeof *pieces);
    out->pieces = rpc_alloc(item, (n + 1) * sizeof *out->pieces);
    for (size_t i = 0; pieces && out->pieces && i < n; i++) {
        tagih__v1__cash_pieces__init(&pieces[i]);
        pieces[i].value_minor = result_int8(r, i, COL_settlement_notes_value_minor);
        pieces[i].pieces = result_int8(r, i, COL_settlement_notes_pieces);
        out->pieces[out->n_pieces++] = &pieces[i];
    }
}

tagih_err get_settlement(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const uuid *id = item->checked;
    TRY(settlement_send_get(batch->tx, batch->arena, id, 1));
    TRY(settlement_send_notes(batch->tx, batch->arena, *id));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0}, notes = {0};
    struct settlement_read read;
    bool found;
    take_get(batch, &r, &read, &found);
    tx_take(batch->tx, &notes);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (!found || !may_see(item, read.collector)) {
        rpc_fail(item, FAIL(NOT_PERMITTED));
        return TAGIH_OK;
    }
    Tagih__V1__Settlement *out = settlement_view(item, &read);
    if (out) view_notes(item, &notes, out);
    ((Tagih__V1__GetSettlementResponse *)item->response)->settlement = out;
    return TAGIH_OK;
}

/* ---- ListSettlements ------------------------------------------------------------------------------------------------ */

struct list_of {
    struct settlement_filter filter;
    struct page page;
};

tagih_err list_settlements_check(struct rpc_item *item) {
    const Tagih__V1__ListSettlementsRequest *request = item->request;
    struct list_of *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    *list = (struct list_of){.page = {.after = {.at_us = INT64_MIN}}};
    if (*request->collector_id) rpc_check_uuid(item, "collector_id", request->collector_id, &list->filter.collector.u);
    list->filter.state = (int16_t)request->state;
    list->filter.open_only = request->open_only;
    rpc_check_list(item, request->page_size, request->page_token, BYTES_OF(&list->filter), &list->page);
    return item->err;
}

static tagih_err answer_list(struct rpc_batch *batch, const struct list_of *list, const struct result *page) {
    struct rpc_item *item = batch->items[0];
    Tagih__V1__ListSettlementsResponse *out = item->response;
    size_t n = rpc_page_rows(page, list->page.size);
    uuid *ids = ARENA_ARRAY(batch->arena, n + 1, uuid);
    out->settlements = rpc_alloc(item, (n + 1) * sizeof *out->settlements);
    if (!ids || !out->settlements) return FAIL(OUT_OF_MEMORY);
    if (n == 0) return TAGIH_OK;
    for (size_t i = 0; i < n; i++) ids[i] = result_uuid(page, i, COL_settlement_list_settlement_id);
    TRY(settlement_send_get(batch->tx, batch->arena, ids, n));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    struct settlement_read read = {.value_us = 0};
    tx_take(batch->tx, &r);
    for (size_t i = 0; i < result_count(&r); i++) {
        settlement_read_row(&r, i, &read);
        if (!(out->settlements[i] = settlement_view(item, &read))) return TAGIH_OK;
        out->n_settlements++;
    }
    struct page_place last = {read.value_us, read.now.id};
    out->next_page_token = rpc_page_next(item, page, list->page.size, BYTES_OF(&list->filter), BYTES_OF(&last));
    return TAGIH_OK;
}

tagih_err list_settlements(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct list_of *list = item->checked;
    struct settlement_filter filter = list->filter;
    TRY(rpc_load(batch));
    if (!rpc_ok(item)) return TAGIH_OK;
    if (!(item->caller.roles & ROLES_OFFICE)) { /* his own, whatever he asks for */
        bool own = uuid_is_nil(filter.collector.u) || uuid_equal(filter.collector.u, item->caller.user.u);
        if (!own) rpc_fail(item, FAIL(NOT_PERMITTED));
        filter.collector = item->caller.user;
    }
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(settlement_send_list(batch->tx, batch->arena, &filter, list->page.after.at_us, list->page.after.id,
                             list->page.size + 1));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result page = {0};
    tx_take(batch->tx, &page);
    return answer_list(batch, list, &page);
}

/* ---- DeclareSettlement ---------------------------------------------------------------------------------------------- */

struct declaring {
    user_id collector;
    struct money declared;
    struct cash_pieces *pieces;
};

tagih_err declare_settlement_check(struct rpc_item *item) {
    const Tagih__V1__DeclareSettlementRequest *request = item->request;
    struct declaring *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    rpc_check_uuid(item, "collector_id", request->collector_id, &out->collector.u);
    rpc_check_text(item, "reason", request->reason, 1, REASON_MAX);
    bool money = cash_check_money(item, "declared", request->declared, 0, &out->declared);
    if (money && request->n_pieces) cash_check_pieces(item, request->pieces, request->n_pieces, out->declared, &out->pieces);
    return item->err;
}

static tagih_err send_notes_fact(struct rpc_batch *batch, struct cash_move *move, uuid settlement, int32_t version,
                                 const struct cash_pieces *pieces, size_t n) {
    struct settlement_note_row *rows = ARENA_ARRAY(batch->arena, n + 1, struct settlement_note_row);
    if (!rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        rows[i] = (struct settlement_note_row){.settlement = settlement, .posting = move->post.id, .version = version,
                                               .value_minor = pieces[i].value_minor, .pieces = pieces[i].pieces};
    }
    if (n) settlement_note_fact(cash_move_fact(move), batch->tx, batch->arena, rows, n);
    return TAGIH_OK;
}

/* The row of a declaration that no phone made. */
static struct settlement_row declaration(struct rpc_batch *batch, const struct cash_move *move) {
    const struct rpc_item *item = batch->items[0];
    const Tagih__V1__DeclareSettlementRequest *request = item->request;
    const struct declaring *d = item->checked;
    return (struct settlement_row){.id = move->post.id, .posting = move->post.id, .collector = d->collector,
                                   .currency = bytes_text(d->declared.currency.code), .declared_minor = d->declared.minor,
                                   .value_us = batch->now.us, .received_us = batch->now.us, .value_on = move->post.value_on,
                                   .actor = item->caller.user, .reason = bytes_text(request->reason)};
}

static tagih_err save_declaration(struct rpc_batch *batch, struct cash_move *move) {
    const Tagih__V1__DeclareSettlementRequest *request = batch->items[0]->request;
    const struct declaring *d = batch->items[0]->checked;
    struct settlement_row row = declaration(batch, move);
    struct settlement_event_row event = {.settlement = row.id, .posting = row.posting, .version = 1,
                                         .event = SETTLEMENT_DECLARE, .state = SETTLEMENT_DECLARED, .at_us = batch->now.us,
                                         .actor = row.actor, .reason = row.reason};
    settlement_fact(cash_move_fact(move), batch->tx, batch->arena, &row, 1);
    settlement_event_fact(cash_move_fact(move), batch->tx, batch->arena, &event, 1);
    TRY(send_notes_fact(batch, move, row.id, 1, d->pieces, d->pieces ? request->n_pieces : 0));
    TRY(cash_move_post(move, CHANGE_SETTLEMENT_DECLARED));
    return settlement_send_new(batch->tx, batch->arena, &row, 1);
}

static tagih_err answer_one(struct rpc_batch *batch, uuid id, Tagih__V1__Settlement **out) {
    TRY(tx_sync(batch->tx));
    TRY(settlement_send_get(batch->tx, batch->arena, &id, 1));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    struct settlement_read read;
    bool found;
    take_get(batch, &r, &read, &found);
    if (!found) return FAIL(INTERNAL);
    *out = settlement_view(batch->items[0], &read);
    return TAGIH_OK;
}

/* What his phones wrote until now is in the settlement: later voids need approval (R-REC-2). */
tagih_err declare_settlement(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct declaring *d = item->checked;
    TRY(settlement_send_devices(batch->tx, batch->arena, d->collector));
    TRY(settlement_send_collector(batch->tx, batch->arena, d->collector, batch->now));
    TRY(rpc_load(batch));
    DEFER(result) struct result devices = {0};
    struct settlement_collector collector;
    tx_take(batch->tx, &devices);
    settlement_take_collector(batch->tx, &collector);
    if (!rpc_ok(item)) return TAGIH_OK;
    if (!collector.found || !(collector.roles & ROLES_FIELD)) rpc_fail(item, FAIL(NOT_PERMITTED));
    if (uuid_equal(d->collector.u, item->caller.user.u)) rpc_fail(item, FAIL(SETTLEMENT_OWN));
    if (!rpc_ok(item)) return TAGIH_OK;
    struct cash_move move;
    TRY(cash_move_begin(batch, &move, POSTING_OF_SETTLEMENT, (uuid){{0}}, (user_id){{{0}}}, d->declared.currency, item->caller.user));
    TRY(tx_sync(batch->tx));
    TRY(cash_move_take(&move));
    TRY(settlement_send_declared(batch->tx, batch->arena, &devices));
    TRY(save_declaration(batch, &move));
    return answer_one(batch, move.post.id, &((Tagih__V1__DeclareSettlementResponse *)item->response)->settlement);
}

/* ---- CountSettlement ------------------------------------------------------------------------------------------------ */

struct counting {
    uuid settlement;
    struct money counted;
    struct cash_pieces *pieces;
};

tagih_err count_settlement_check(struct rpc_item *item) {
    const Tagih__V1__CountSettlementRequest *request = item->request;
    struct counting *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    rpc_check_uuid(item, "settlement_id", request->settlement_id, &out->settlement);
    rpc_check_text(item, "etag", request->etag, 1, ETAG_MAX);
    if (cash_check_money(item, "counted", request->counted, 0, &out->counted)) {
        cash_check_pieces(item, request->pieces, request->n_pieces, out->counted, &out->pieces);
    }
    return item->err;
}

static tagih_err judge_count(const struct rpc_item *item, const struct settlement_read *read, enum settlement_state *to) {
    const Tagih__V1__CountSettlementRequest *request = item->request;
    const struct counting *c = item->checked;
    struct settlement_facts facts = {.own = uuid_equal(read->collector.u, item->caller.user.u)};
    TRY(settlement_apply((enum settlement_state)read->now.state, SETTLEMENT_COUNT, &facts, to));
    if (!settlement_etag_version(request->etag, read->now.version)) return FAIL(SETTLEMENT_CHANGED);
    return currency_equal(read->currency, c->counted.currency) ? TAGIH_OK : FAIL(MONEY_CURRENCY_MIXED);
}

static tagih_err save_count(struct rpc_batch *batch, struct settlement_read *read, enum settlement_state to) {
    const struct rpc_item *item = batch->items[0];
    const Tagih__V1__CountSettlementRequest *request = item->request;
    const struct counting *c = item->checked;
    struct cash_move move;
    TRY(cash_move_begin(batch, &move, POSTING_OF_SETTLEMENT, read->now.id, (user_id){{{0}}}, read->currency, item->caller.user));
    TRY(tx_sync(batch->tx));
    TRY(cash_move_take(&move));
    read->now.state = (int16_t)to;
    read->now.version++;
    read->now.has_cashier = read->now.has_counted = true;
    read->now.cashier = item->caller.user;
    read->now.counted_minor = c->counted.minor;
    struct settlement_event_row event = {.settlement = read->now.id, .posting = move.post.id, .version = read->now.version,
                                         .event = SETTLEMENT_COUNT, .state = read->now.state, .at_us = batch->now.us,
                                         .actor = item->caller.user, .has_counted = true, .counted_minor = c->counted.minor,
                                         .reason = bytes_text("")};
    settlement_event_fact(cash_move_fact(&move), batch->tx, batch->arena, &event, 1);
    TRY(send_notes_fact(batch, &move, read->now.id, read->now.version, c->pieces, request->n_pieces));
    TRY(cash_move_post(&move, CHANGE_SETTLEMENT_COUNTED));
    struct settlement_now saved = read->now;
    saved.has_expected = false; /* until the acceptance it is nobody's figure but the moment's */
    return settlement_send_states(batch->tx, batch->arena, &saved, 1);
}

tagih_err count_settlement(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct counting *c = item->checked;
    TRY(send_locked(batch, c->settlement));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    struct settlement_read read;
    enum settlement_state to = SETTLEMENT_OPEN;
    bool found;
    take_locked(batch, &r, &read, &found);
    if (!rpc_ok(item)) return TAGIH_OK;
    rpc_fail(item, found ? judge_count(item, &read, &to) : FAIL(NOT_PERMITTED));
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(save_count(batch, &read, to));
    return answer_one(batch, read.now.id, &((Tagih__V1__CountSettlementResponse *)item->response)->settlement);
}

/* ---- AcceptSettlement ----------------------------------------------------------------------------------------------- */

tagih_err accept_settlement_check(struct rpc_item *item) {
    const Tagih__V1__AcceptSettlementRequest *request = item->request;
    uuid *id = rpc_alloc(item, sizeof *id);
    item->checked = id;
    if (!id) return item->err;
    rpc_check_uuid(item, "settlement_id", request->settlement_id, id);
    rpc_check_text(item, "etag", request->etag, 1, ETAG_MAX);
    rpc_check_text(item, "reason", request->reason, 0, REASON_MAX);
    return item->err;
}

/* J12, J14: the vault takes what was counted, the collector owes what is missing, what is too much is nobody's. */
static void accept_lines(struct ledger_txn *ledger, const struct settlement_read *read, int64_t expected_minor) {
    struct ledger_side vault = {LEDGER_VAULT, read->now.cashier.u}, held = {LEDGER_CASH_HELD, read->collector.u},
                       owes = {LEDGER_COLLECTOR_RECEIVABLE, read->collector.u};
    int64_t counted_minor = read->now.counted_minor;
    int64_t both_minor = counted_minor < expected_minor ? counted_minor : expected_minor;
    ledger_move(ledger, vault, held, both_minor);
    if (counted_minor < expected_minor) ledger_move(ledger, owes, held, expected_minor - counted_minor);
    if (counted_minor > expected_minor) ledger_move(ledger, vault, LEDGER_SIDE(CASH_OVER), counted_minor - expected_minor);
}

static tagih_err add_shortage(struct rpc_batch *batch, struct cash_move *move, const struct settlement_read *read,
                              const struct acceptance *a, struct shortage_row *row) {
    *row = (struct shortage_row){.id = read->now.id, .posting = move->post.id, .collector = read->collector,
                                 .kind = SHORTAGE_OF_SETTLEMENT,
                                 .amount_minor = read->now.expected_minor - read->now.counted_minor,
                                 .currency = bytes_text(read->currency.code), .value_us = batch->now.us,
                                 .received_us = batch->now.us, .value_on = move->post.value_on, .report = bytes_text(""),
                                 .police_reference = bytes_text("")};
    struct shortage_event_row event = {.shortage = row->id, .posting = row->posting, .version = 1, .event = SHORTAGE_FOUND,
                                       .amount_minor = row->amount_minor, .at_us = batch->now.us, .actor = a->actor,
                                       .reason = bytes_text("")};
    shortage_fact(cash_move_fact(move), batch->tx, batch->arena, row, 1);
    shortage_event_fact(cash_move_fact(move), batch->tx, batch->arena, &event, 1);
    return shortage_send_new(batch->tx, batch->arena, row, 1);
}

static tagih_err save_acceptance(struct rpc_batch *batch, struct cash_move *move, struct settlement_read *read,
                                 const struct acceptance *a, enum settlement_state to, int64_t vault_minor) {
    read->now.state = (int16_t)to;
    read->now.version++;
    read->now.has_expected = true;
    accept_lines(&move->post.ledger, read, read->now.expected_minor);
    struct settlement_event_row event = {
        .settlement = read->now.id, .posting = move->post.id, .version = read->now.version, .event = SETTLEMENT_ACCEPT,
        .state = read->now.state, .at_us = batch->now.us, .actor = a->actor, .has_counted = true, .has_expected = true,
        .counted_minor = read->now.counted_minor, .expected_minor = read->now.expected_minor,
        .has_proposal = a->proposal != NULL, .proposal = a->proposal ? *a->proposal : (uuid){{0}}, .reason = a->reason};
    settlement_event_fact(cash_move_fact(move), batch->tx, batch->arena, &event, 1);
    struct shortage_row shortage;
    if (to == SETTLEMENT_SHORT) TRY(add_shortage(batch, move, read, a, &shortage));
    if (a->decision) TRY(approval_join(batch, a->decision, &move->post));
    TRY(cash_move_post(move, CHANGE_SETTLEMENT_ACCEPTED));
    TRY(minor_add(vault_minor, read->now.counted_minor, &vault_minor));
    TRY(vault_send_save(batch->tx, batch->arena, read->now.cashier, read->currency, vault_minor));
    return settlement_send_states(batch->tx, batch->arena, &read->now, 1);
}

/* Under the settlement's lock; then the collector's and the vault's. What is expected is read behind them. */
tagih_err settlement_accept(struct rpc_batch *batch, const struct settlement_read *seen, const struct acceptance *a) {
    struct cash_move move;
    TRY(cash_move_begin(batch, &move, POSTING_OF_SETTLEMENT, seen->now.id, seen->collector, seen->currency, a->actor));
    TRY(vault_send_lock(batch->tx, batch->arena, seen->now.cashier, seen->currency));
    TRY(settlement_send_get(batch->tx, batch->arena, &seen->now.id, 1));
    TRY(settlement_send_earlier(batch->tx, batch->arena, seen->now.id));
    TRY(tx_sync(batch->tx));
    TRY(cash_move_take(&move));
    DEFER(result) struct result r = {0};
    struct settlement_read read;
    enum settlement_state to;
    bool found;
    int64_t vault_minor = vault_take(batch->tx);
    take_get(batch, &r, &read, &found);
    if (settlement_take_earlier(batch->tx)) return FAIL(SETTLEMENT_ORDER);
    if (!found) return FAIL(INTERNAL);
    if (a->has_expected && read.now.expected_minor != a->expected_minor) return FAIL(SETTLEMENT_CHANGED);
    struct settlement_facts facts = {.own = uuid_equal(read.collector.u, a->actor.u), .gap = read.has_gap,
                                     .gap_decided = a->proposal != NULL, .expected_minor = read.now.expected_minor,
                                     .counted_minor = read.now.counted_minor};
    TRY(settlement_apply((enum settlement_state)read.now.state, SETTLEMENT_ACCEPT, &facts, &to));
    return save_acceptance(batch, &move, &read, a, to, vault_minor);
}

static tagih_err judge_accept(const struct rpc_item *item, const struct settlement_read *read) {
    const Tagih__V1__AcceptSettlementRequest *request = item->request;
    enum settlement_state to;
    struct settlement_facts facts = {.own = uuid_equal(read->collector.u, item->caller.user.u), .gap = read->has_gap,
                                     .expected_minor = read->now.expected_minor, .counted_minor = read->now.counted_minor};
    if (!settlement_etag_is(request->etag, read)) {
        bool counted = read->now.state == SETTLEMENT_COUNTED; /* of another state the machine speaks first */
        if (counted) return FAIL(SETTLEMENT_CHANGED);
    }
    return settlement_apply((enum settlement_state)read->now.state, SETTLEMENT_ACCEPT, &facts, &to);
}

tagih_err accept_settlement(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__AcceptSettlementRequest *request = item->request;
    Tagih__V1__AcceptSettlementResponse *out = item->response;
    const uuid *id = item->checked;
    TRY(send_locked(batch, *id));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    struct settlement_read read;
    bool found;
    take_locked(batch, &r, &read, &found);
    if (!rpc_ok(item)) return TAGIH_OK;
    tagih_err err = found ? judge_accept(item, &read) : FAIL(NOT_PERMITTED);
    if (err_is(err, ERR_SETTLEMENT_GAP)) return settlement_gap_propose(batch, &read, out);
    rpc_fail(item, err);
    if (!rpc_ok(item)) return TAGIH_OK;
    struct acceptance a = {.actor = item->caller.user, .reason = bytes_text(request->reason), .has_expected = true,
                           .expected_minor = read.now.expected_minor};
    TRY(settlement_accept(batch, &read, &a));
    return answer_one(batch, *id, &out->settlement);
}
