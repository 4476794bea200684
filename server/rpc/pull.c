/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pull: the phone's view of the feed. Without a cursor it gets the whole, page by page: the outcomes, its allowance, and
 * its open and today's visits with their accounts. With one it gets what changed, each thing once and as it is now, or
 * that it is gone. The place in the feed is taken before the first page of a whole, so what changes while the pages are
 * read comes again as a change. Many collectors' pulls are one set of statements.
 */
#include "rpc/pull.h"

#include "contract.h"
#include "domain/change.h"
#include "domain/fate_bits.h"
#include "engine/cursor.h"
#include "engine/server.h"
#include "rpc/account_view.h"
#include "rpc/issue.h"
#include "rpc/visit_view.h"
#include "store/cash.h"
#include "store/pull.h"

#define PAGE_DEFAULT 200
#define PAGE_MAX 500

/* One collector's page. */
struct page {
    struct rpc_item *item;
    struct cursor cursor;
    int32_t size;
    bool whole, resync;
    bool wants_terms, told_allowance;
};

struct pulls {
    struct rpc_batch *batch;
    struct page *pages;
    struct pull_ask *asks;
    struct feed_position position;
    struct cash_terms *terms; /* per page; of those that want them */
};

tagih_err pull_check(struct rpc_item *item) {
    const Tagih__V1__PullRequest *request = item->request;
    if (request->page_size < 0 || request->page_size > PAGE_MAX) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "page_size");
    return item->err;
}

/* ---- what goes into the response ------------------------------------------------------------------------------ */

static Tagih__V1__PullChange *change_add(struct rpc_item *item, Tagih__V1__PullChange__ItemCase what) {
    Tagih__V1__PullResponse *out = item->response;
    Tagih__V1__PullChange *change = rpc_alloc(item, sizeof *change);
    if (!change) return NULL;
    tagih__v1__pull_change__init(change);
    change->item_case = what;
    out->changes[out->n_changes++] = change;
    return change;
}

static void add_visit(struct rpc_item *item, const struct visit_read *visit) {
    Tagih__V1__PullChange *change = change_add(item, TAGIH__V1__PULL_CHANGE__ITEM_VISIT);
    if (!change || !(change->visit = rpc_alloc(item, sizeof *change->visit))) return;
    visit_view(item, visit, change->visit);
}

static void add_account(struct rpc_item *item, const struct pull_row *row) {
    Tagih__V1__PullChange *change = change_add(item, TAGIH__V1__PULL_CHANGE__ITEM_ACCOUNT);
    if (!change || !(change->account = rpc_alloc(item, sizeof *change->account))) return;
    int32_t age = row->has_due ? row->account.today.days - row->oldest_due_on.days : 0;
    account_view(item, &row->account, age > 0 ? age : 0, change->account);
}

static void add_visit_gone(struct rpc_item *item, uuid id) {
    Tagih__V1__PullChange *change = change_add(item, TAGIH__V1__PULL_CHANGE__ITEM_VISIT_GONE);
    if (change) change->visit_gone = rpc_uuid(item, id);
}

static void add_account_gone(struct rpc_item *item, uuid id) {
    Tagih__V1__PullChange *change = change_add(item, TAGIH__V1__PULL_CHANGE__ITEM_ACCOUNT_GONE);
    if (change) change->account_gone = rpc_uuid(item, id);
}

static void fill_flags(struct rpc_item *item, uint64_t flags, Tagih__V1__FateChange *out) {
    out->flags = rpc_alloc(item, 64 * sizeof *out->flags);
    for (unsigned bit = 0; out->flags && bit < 64; bit++) {
        const char *name = flags >> bit & 1 ? fate_reason_name(fate_bit_reason(bit)) : NULL;
        if (name) out->flags[out->n_flags++] = (char *)(uintptr_t)name;
    }
}

static void add_fate(struct rpc_item *item, const struct pull_row *row) {
    Tagih__V1__PullChange *change = change_add(item, TAGIH__V1__PULL_CHANGE__ITEM_FATE);
    if (!change || !(change->fate = rpc_alloc(item, sizeof *change->fate))) return;
    tagih__v1__fate_change__init(change->fate);
    struct bytes hash = arena_copy(&item->call->arena, row->entry_hash);
    if (!hash.data) rpc_fail(item, FAIL(OUT_OF_MEMORY));
    change->fate->entry_hash = (ProtobufCBinaryData){hash.data ? hash.len : 0, (uint8_t *)(uintptr_t)hash.data};
    change->fate->entry_id = rpc_uuid(item, row->object);
    const char *name = fate_name((uint16_t)row->fate);
    change->fate->fate = (char *)(uintptr_t)(name ? name : protobuf_c_empty_string);
    fill_flags(item, (uint64_t)row->flags, change->fate);
}

/* One a page: it says how things are now. */
static tagih_err add_allowance(const struct pulls *pulls, struct page *page) {
    struct rpc_item *item = page->item;
    if (page->told_allowance) return item->err;
    page->told_allowance = true;
    struct bytes document;
    TRY(issue_allowance(pulls->batch->server, &item->call->arena, item->caller.device, item->caller.user,
                        &pulls->terms[page - pulls->pages], pulls->batch->now, &document));
    Tagih__V1__PullChange *change = change_add(item, TAGIH__V1__PULL_CHANGE__ITEM_ALLOWANCE);
    if (change) change->allowance = (ProtobufCBinaryData){document.len, (uint8_t *)(uintptr_t)document.data};
    return item->err;
}

/* What does not belong to a collector but to every phone; at the head of a whole. */
static tagih_err add_lists(const struct pulls *pulls, struct page *page) {
    struct rpc_item *item = page->item;
    Tagih__V1__PullChange *change = change_add(item, TAGIH__V1__PULL_CHANGE__ITEM_OUTCOMES);
    if (!change || !(change->outcomes = rpc_alloc(item, sizeof *change->outcomes))) return item->err;
    tagih__v1__list_outcomes_response__init(change->outcomes);
    TRY(outcomes_view(item, 0, change->outcomes));
    return add_allowance(pulls, page);
}

/* ---- a row becomes changes ------------------------------------------------------------------------------------ */

/* Every row says how its things are now, so the first row of a thing on a page says all. */
static bool is_told(const struct pull_row *rows, size_t i, uuid id, bool (*speaks_of)(const struct pull_row *, uuid)) {
    for (size_t k = 0; k < i; k++) {
        if (speaks_of(&rows[k], id)) return true;
    }
    return false;
}

static bool speaks_of_object(const struct pull_row *row, uuid id) {
    return uuid_equal(row->object, id);
}

static bool speaks_of_visit(const struct pull_row *row, uuid id) {
    return row->has_visit && uuid_equal(row->visit.id.u, id);
}

static bool speaks_of_account(const struct pull_row *row, uuid id) {
    return row->has_account && uuid_equal(row->account.id.u, id);
}

static void take_account(struct rpc_item *item, const struct pull_row *rows, size_t i) {
    const struct pull_row *row = &rows[i];
    if (!row->has_account || is_told(rows, i, row->account.id.u, speaks_of_account)) return;
    if (row->mine) add_account(item, row);
    else add_account_gone(item, row->account.id.u);
}

static void take_visit(struct rpc_item *item, const struct pull_row *rows, size_t i) {
    const struct pull_row *row = &rows[i];
    if (is_told(rows, i, row->visit.id.u, speaks_of_visit)) return;
    if (uuid_equal(row->visit.collector.u, item->caller.user.u)) add_visit(item, &row->visit);
    else add_visit_gone(item, row->visit.id.u);
}

/* R-CSH-2, R-CSH-3: the allowance refills at the acknowledged deposit, and whatever else moves what he holds tells it anew. */
static bool moves_allowance(const struct rpc_item *item, const struct pull_row *row) {
    switch (row->kind) {
    case CHANGE_DEVICE_CHANGED: return uuid_equal(row->object, item->caller.device.u);
    case CHANGE_DEPOSIT_MADE:
    case CHANGE_SETTLEMENT_ACCEPTED:
    case CHANGE_SHORTAGE_FOUND:
    case CHANGE_HANDOVER_DONE:
    case CHANGE_CASH_ALLOWANCE: return true;
    default: return false;
    }
}

/* The account comes before its visit, and goes after it. */
static tagih_err take_row(const struct pulls *pulls, struct page *page, const struct pull_row *rows, size_t i) {
    struct rpc_item *item = page->item;
    const struct pull_row *row = &rows[i];
    if (row->mine) take_account(item, rows, i);
    if (row->has_visit) take_visit(item, rows, i);
    if (!row->mine) take_account(item, rows, i);
    bool told = row->kind == 0 || is_told(rows, i, row->object, speaks_of_object);
    if (row->has_fate && !told) add_fate(item, row);
    return moves_allowance(item, row) ? add_allowance(pulls, page) : item->err;
}

/* ---- pages ---------------------------------------------------------------------------------------------------- */

static struct cursor_audience audience_of(const struct rpc_batch *batch, const struct rpc_item *item) {
    return (struct cursor_audience){.name = "pull", .installation = batch->server->installation,
                                    .agency = item->caller.agency, .holder = item->caller.user};
}

static void page_begin(struct rpc_batch *batch, struct rpc_item *item, struct page *page) {
    const Tagih__V1__PullRequest *request = item->request;
    struct cursor_audience audience = audience_of(batch, item);
    *page = (struct page){.item = item, .size = request->page_size ? request->page_size : PAGE_DEFAULT};
    cursor_read(&audience, bytes_make(request->cursor.data, request->cursor.len), &page->cursor);
    page->resync = page->cursor.given && !page->cursor.placed;
    page->whole = !page->cursor.placed || !uuid_is_nil(page->cursor.after);
}

static size_t collect(const struct pulls *pulls, bool whole) {
    size_t n = 0;
    for (size_t i = 0; i < pulls->batch->n; i++) {
        const struct page *page = &pulls->pages[i];
        if (page->whole != whole) continue;
        pulls->asks[n++] = (struct pull_ask){.row = (int32_t)i, .collector = page->item->caller.user,
                                             .after = page->cursor.after, .place = page->cursor.place,
                                             .limit = page->size + 1};
    }
    return n;
}

static tagih_err send_rows(const struct pulls *pulls, bool whole) {
    size_t n = collect(pulls, whole);
    if (n == 0) return TAGIH_OK;
    struct rpc_batch *batch = pulls->batch;
    return whole ? pull_send_whole(batch->tx, batch->arena, pulls->asks, n, batch->now)
                 : pull_send_changes(batch->tx, batch->arena, pulls->asks, n, batch->now);
}

static tagih_err page_fill(const struct pulls *pulls, struct page *page, const struct pull_row *rows, size_t n) {
    struct rpc_item *item = page->item;
    Tagih__V1__PullResponse *out = item->response;
    bool first = page->whole && uuid_is_nil(page->cursor.after);
    size_t taken = n > (size_t)page->size ? (size_t)page->size : n;
    out->more = n > taken;
    out->changes = rpc_alloc(item, (3 * taken + 2) * sizeof *out->changes);
    if (!out->changes) return item->err;
    if (first) page->cursor = cursor_now(&pulls->position);
    if (first) TRY(add_lists(pulls, page));
    for (size_t i = 0; i < taken; i++) TRY(take_row(pulls, page, rows, i));
    if (page->whole) page->cursor.after = out->more ? rows[taken - 1].visit.id.u : (uuid){{0}};
    else if (taken) page->cursor.place = rows[taken - 1].place;
    return item->err;
}

static void page_answer(const struct pulls *pulls, struct page *page, const struct pull_row *rows, size_t n) {
    struct rpc_item *item = page->item;
    Tagih__V1__PullResponse *out = item->response;
    if (!rpc_ok(item)) return;
    tagih_err err = page_fill(pulls, page, rows, n);
    uint8_t *cursor = rpc_alloc(item, CURSOR_BYTES);
    if (!err_is_ok(err)) rpc_fail(item, err);
    if (!cursor || !rpc_ok(item)) return;
    struct cursor_audience audience = audience_of(pulls->batch, item);
    cursor_write(&audience, &page->cursor, cursor);
    out->cursor = (ProtobufCBinaryData){CURSOR_BYTES, cursor};
    out->resync = page->resync;
    out->server_us = pulls->batch->now.us;
}

/* The rows of one statement, sorted by their row; their texts live in the result. */
struct answer {
    struct result result;
    struct pull_row *rows;
    size_t n;
};

static void answer_release(struct answer *answer) {
    result_release(&answer->result);
}

static tagih_err take_rows(const struct pulls *pulls, bool whole, struct answer *out) {
    struct rpc_batch *batch = pulls->batch;
    if (collect(pulls, whole) == 0) return TAGIH_OK;
    tx_take(batch->tx, &out->result);
    out->n = result_count(&out->result);
    out->rows = ARENA_ARRAY(batch->arena, out->n, struct pull_row);
    if (!out->rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < out->n; i++) pull_read(&out->result, i, &out->rows[i]);
    return TAGIH_OK;
}

/* Each page that asked gets its own rows. */
static void answer_pages(const struct pulls *pulls, bool whole, const struct answer *answer) {
    size_t at = 0;
    for (size_t i = 0; i < pulls->batch->n; i++) {
        size_t first = at;
        while (at < answer->n && answer->rows[at].row == (int32_t)i) at++;
        if (pulls->pages[i].whole == whole) page_answer(pulls, &pulls->pages[i], answer->rows + first, at - first);
    }
}

/* What an allowance says is looked up for those who get one alone: at the head of a whole, or when something moved it. */
static tagih_err load_terms(struct pulls *pulls, const struct answer *changes) {
    struct rpc_batch *batch = pulls->batch;
    user_id *users = ARENA_ARRAY(batch->arena, batch->n, user_id);
    struct cash_terms *terms = ARENA_ARRAY(batch->arena, batch->n, struct cash_terms);
    size_t n = 0, at = 0;
    if (!users || !terms) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < changes->n; i++) {
        struct page *page = &pulls->pages[changes->rows[i].row];
        page->wants_terms |= moves_allowance(page->item, &changes->rows[i]);
    }
    for (size_t i = 0; i < batch->n; i++) {
        struct page *page = &pulls->pages[i];
        page->wants_terms |= page->whole && uuid_is_nil(page->cursor.after);
        if (page->wants_terms) users[n++] = page->item->caller.user;
    }
    if (n == 0) return TAGIH_OK;
    TRY(cash_send_terms(batch->tx, batch->arena, users, n, batch->now));
    TRY(tx_sync(batch->tx));
    cash_take_terms(batch->tx, terms, n);
    for (size_t i = 0; i < batch->n; i++) {
        if (pulls->pages[i].wants_terms) pulls->terms[i] = terms[at++];
    }
    return TAGIH_OK;
}

/* A cursor of another history starts over. */
static bool find_foreign(struct pulls *pulls) {
    bool found = false;
    for (size_t i = 0; i < pulls->batch->n; i++) {
        struct page *page = &pulls->pages[i];
        if (!page->cursor.placed || cursor_holds(&page->cursor, &pulls->position)) continue;
        page->cursor = (struct cursor){.given = true};
        page->whole = page->resync = found = true;
    }
    return found;
}

/* Where the feed stands is known only with the answers; that somebody's cursor does not fit is rare, and then all rows
 * are read again. */
static tagih_err load(struct pulls *pulls) {
    struct rpc_batch *batch = pulls->batch;
    TRY(feed_send_position(batch->tx, batch->arena));
    TRY(send_rows(pulls, true));
    TRY(send_rows(pulls, false));
    TRY(rpc_load(batch));
    feed_take_position(batch->tx, &pulls->position);
    if (!find_foreign(pulls)) return TAGIH_OK;
    TRY(send_rows(pulls, true));
    TRY(send_rows(pulls, false));
    return tx_sync(batch->tx);
}

tagih_err pull(struct rpc_batch *batch) {
    struct pulls pulls = {.batch = batch, .pages = ARENA_ARRAY(batch->arena, batch->n, struct page),
                          .asks = ARENA_ARRAY(batch->arena, batch->n, struct pull_ask),
                          .terms = ARENA_ARRAY(batch->arena, batch->n, struct cash_terms)};
    if (!pulls.pages || !pulls.asks || !pulls.terms) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < batch->n; i++) page_begin(batch, batch->items[i], &pulls.pages[i]);
    TRY(load(&pulls));
    DEFER(answer) struct answer whole = {.n = 0}, changes = {.n = 0};
    TRY(take_rows(&pulls, true, &whole));
    TRY(take_rows(&pulls, false, &changes));
    TRY(load_terms(&pulls, &changes));
    answer_pages(&pulls, true, &whole);
    answer_pages(&pulls, false, &changes);
    return TAGIH_OK;
}
