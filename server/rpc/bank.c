/* SPDX-License-Identifier: Apache-2.0 */
/* BankService: statements come in (bank_import.c), and what is missing in them is listed. */
#include <string.h>

#include "contract.h"
#include "domain/change.h"
#include "engine/page.h"
#include "rpc/bank_import.h"
#include "rpc/bank_match.h"
#include "rpc/bank_overdue.h"
#include "rpc/bank_pair.h"
#include "rpc/payment_view.h"
#include "rpc/services.h"
#include "store_statements.h"

/* ---- ImportStatement ------------------------------------------------------------------------------------------ */

struct importing {
    struct bank_file file;
    struct bank_item *items;
    size_t n, late;
};

static void read_row(const Tagih__V1__BankRow *row, const struct bank_file *file, struct bank_item *item) {
    struct bank_text text = {.field = {
        [BANK_COLUMN_LINE_REFERENCE] = bytes_text(row->line_reference), [BANK_COLUMN_BOOKED_ON] = bytes_text(row->booked_on),
        [BANK_COLUMN_AMOUNT] = bytes_text(row->amount), [BANK_COLUMN_CURRENCY] = bytes_text(""),
        [BANK_COLUMN_REFERENCE] = bytes_text(row->reference), [BANK_COLUMN_PAYER] = bytes_text(row->payer),
        [BANK_COLUMN_NOTE] = bytes_text(row->note)}};
    *item = (struct bank_item){.row_no = row->row, .column = BANK_COLUMN_COUNT};
    bank_import_read(&text, file, item);
}

static void check_rows(struct rpc_item *item, const Tagih__V1__ImportStatementRequest *request, struct importing *s) {
    if (request->n_rows < 1 || request->n_rows > BANK_ROWS_MAX) {
        rpc_problem(item, FAIL(REQUEST_TOO_MANY), "rows");
        return;
    }
    s->items = rpc_alloc(item, request->n_rows * sizeof *s->items);
    if (!s->items) return;
    for (size_t i = 0; i < request->n_rows; i++) {
        bool ascends = request->rows[i]->row > (i ? request->rows[i - 1]->row : 0);
        if (!ascends) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "rows[%zu].row", i);
        read_row(request->rows[i], &s->file, &s->items[i]);
    }
    s->n = request->n_rows;
    bank_import_name(&s->file, s->items, s->n);
}

/* A file that was cut is not taken at all: what is missing in it would seem to have never come. */
static void check_totals(struct rpc_item *item, const Tagih__V1__BankTotals *totals, const struct importing *s) {
    int64_t sum_minor = 0;
    if (!totals) return;
    for (size_t i = 0; i < s->n; i++) sum_minor += s->items[i].row.amount_minor; /* 500 of at most 10^13 */
    bool fits = totals->rows == (int64_t)s->n && totals->sum_minor == sum_minor;
    if (!fits) rpc_problem(item, FAIL(BANK_TOTALS), "totals");
}

static tagih_err import_request(struct rpc_item *item) {
    const Tagih__V1__ImportStatementRequest *request = item->request;
    struct importing *s = rpc_alloc(item, sizeof *s);
    item->checked = s;
    if (!s) return item->err;
    *s = (struct importing){.file = {.bank_account = bytes_text(request->bank_account), .has_actor = true, .actor = item->caller.user}};
    if (request->file_hash.len != sizeof s->file.hash.b) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "file_hash");
    else memcpy(s->file.hash.b, request->file_hash.data, sizeof s->file.hash.b);
    rpc_check_text(item, "bank_account", request->bank_account, 1, BANK_ACCOUNT_MAX);
    tagih_err err = currency_parse(bytes_text(request->currency), &s->file.currency);
    if (!err_is_ok(err)) rpc_problem(item, err, "currency");
    if (rpc_ok(item)) check_rows(item, request, s);
    if (rpc_ok(item)) check_totals(item, request->totals, s);
    return item->err;
}

static tagih_err import_range(struct tx *tx, void *context, size_t first, size_t count) {
    struct rpc_batch *batch = context;
    struct rpc_item *item = batch->items[0];
    struct importing *s = item->checked;
    arena_reset(batch->arena);
    batch->tx = tx;
    TRY(rpc_send_callers(batch));
    TRY(bank_import_send(tx, batch->arena, &s->file, s->items + first, count));
    TRY(rpc_load(batch));
    if (!rpc_ok(item)) return item->err;
    return bank_import_decide(tx, batch->arena, &s->file, s->items + first, count, batch->now);
}

static void import_failed(void *context, size_t i, tagih_err err) {
    struct rpc_item *item = ((struct rpc_batch *)context)->items[0];
    if (!err_is(err, ERR_BATCH_BROKEN)) rpc_fail(item, err);
    ((struct importing *)item->checked)->items[i].err = err;
}

static tagih_err settle_late(struct tx *tx, void *context) {
    struct rpc_batch *batch = context;
    struct importing *s = batch->items[0]->checked;
    arena_reset(batch->arena);
    return bank_late_settle(tx, batch->arena, batch->writer, batch->now, &s->late);
}

static char *text_of(struct rpc_item *item, const struct bank_item *row) {
    if (err_is_ok(row->err)) return rpc_text(item, bytes_text(""));
    const char *column = err_is_ok(row->unreadable) ? NULL : bank_column_name(row->column);
    char *text = arena_printf(&item->call->arena, "%s%s%s", column ? column : "", column ? ": " : "", err_text(row->err));
    return text ? text : rpc_text(item, bytes_text(""));
}

static void answer_import(struct rpc_item *item) {
    const struct importing *s = item->checked;
    Tagih__V1__ImportStatementResponse *out = item->response;
    out->late = (int32_t)s->late;
    out->results = rpc_alloc(item, s->n * sizeof *out->results);
    for (size_t i = 0; out->results && i < s->n; i++) {
        Tagih__V1__BankRowResult *row = rpc_alloc(item, sizeof *row);
        if (!row) return;
        tagih__v1__bank_row_result__init(row);
        row->row = s->items[i].row_no;
        row->result = (char *)(uintptr_t)bank_item_result(&s->items[i]);
        row->text = text_of(item, &s->items[i]);
        if (err_is_ok(s->items[i].err)) row->line_id = rpc_uuid(item, s->items[i].line);
        if (!uuid_is_nil(s->items[i].expected)) row->expected_id = rpc_uuid(item, s->items[i].expected);
        out->results[out->n_results++] = row;
    }
}

/* Each call is a batch of rows already: it has transactions of its own, halved down to the row. */
static tagih_err import_statement(struct rpc_batch *batch) {
    struct rpc_item **items = batch->items;
    size_t n = batch->n;
    for (size_t i = 0; i < n; i++) {
        struct importing *s = items[i]->checked;
        struct tx_options options = {.agency = batch->agency, .deadline_us = batch->deadline_us, .name = "ImportStatement"};
        batch->items = &items[i];
        batch->n = 1;
        s->file.writer = batch->writer;
        rpc_fail(items[i], tx_run_halving(batch->db, &options, s->n, import_range, import_failed, batch, NULL));
        if (rpc_ok(items[i])) rpc_fail(items[i], tx_run(batch->db, &options, settle_late, batch));
        if (rpc_ok(items[i])) answer_import(items[i]);
    }
    batch->items = items;
    batch->n = n;
    batch->tx = NULL;
    return TAGIH_OK;
}

/* ---- ListUnmatched -------------------------------------------------------------------------------------------- */

#define LINES_MAX 200

struct listing {
    bool all;
    struct page page;
};

static tagih_err list_request(struct rpc_item *item) {
    const Tagih__V1__ListUnmatchedRequest *request = item->request;
    struct listing *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    *list = (struct listing){.all = request->all, .page = {.after = {.at_us = INT64_MIN}}};
    rpc_check_list(item, request->page_size, request->page_token, BYTES_OF(&list->all), &list->page);
    return item->err;
}

static char *date_view(struct rpc_item *item, civil_date date) {
    char text[DATE_TEXT_SIZE];
    date_format(date, text);
    return rpc_text(item, bytes_text(text));
}

#define COL(name) COL_bank_unmatched_##name
static Tagih__V1__Unmatched *unmatched_view(struct rpc_item *item, const struct result *r, size_t i) {
    Tagih__V1__Unmatched *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__unmatched__init(out);
    out->expected_id = rpc_uuid(item, result_uuid(r, i, COL(expected_id)));
    out->kind = (Tagih__V1__BankExpectedKind)result_int2(r, i, COL(kind)); /* the numbers are the same: bank_spec */
    out->reference = rpc_text(item, result_text(r, i, COL(reference)));
    out->amount = money_view(item, result_int8(r, i, COL(amount_minor)), result_text(r, i, COL(currency)));
    out->since_us = result_int8(r, i, COL(since_us));
    if (!result_is_null(r, i, COL(account_id))) out->account_id = rpc_uuid(item, result_uuid(r, i, COL(account_id)));
    if (!result_is_null(r, i, COL(owner_id))) out->collector_id = rpc_uuid(item, result_uuid(r, i, COL(owner_id)));
    return out;
}

static void answer_unmatched(struct rpc_item *item, const struct result *r) {
    const struct listing *list = item->checked;
    Tagih__V1__ListUnmatchedResponse *out = item->response;
    size_t n = rpc_page_rows(r, list->page.size);
    out->expected = rpc_alloc(item, (n + 1) * sizeof *out->expected);
    for (size_t i = 0; out->expected && i < n; i++) {
        out->expected[i] = unmatched_view(item, r, i);
        if (!out->expected[i]) return;
        out->n_expected++;
    }
    if (!rpc_page_more(r, list->page.size)) return;
    struct page_place last = {result_int8(r, n - 1, COL(since_us)), result_uuid(r, n - 1, COL(expected_id))};
    out->next_page_token = rpc_page_token(item, BYTES_OF(&list->all), BYTES_OF(&last));
}

#undef COL
#define COL(name) COL_bank_open_lines_##name
static void answer_lines(struct rpc_item *item, const struct result *r) {
    Tagih__V1__ListUnmatchedResponse *out = item->response;
    out->lines = rpc_alloc(item, (result_count(r) + 1) * sizeof *out->lines);
    for (size_t i = 0; out->lines && i < result_count(r); i++) {
        Tagih__V1__OpenLine *line = rpc_alloc(item, sizeof *line);
        if (!line) return;
        tagih__v1__open_line__init(line);
        line->line_id = rpc_uuid(item, result_uuid(r, i, COL(line_id)));
        line->booked_on = date_view(item, result_date(r, i, COL(booked_on)));
        line->amount = money_view(item, result_int8(r, i, COL(amount_minor)), result_text(r, i, COL(currency)));
        line->reference = rpc_text(item, result_text(r, i, COL(reference)));
        line->payer = rpc_text(item, result_text(r, i, COL(payer)));
        line->note = rpc_text(item, result_text(r, i, COL(note)));
        out->lines[out->n_lines++] = line;
    }
}

static tagih_err send_list(struct rpc_batch *batch, const struct listing *list, civil_date today) {
    struct params p;
    tx_params(&p, batch->tx, batch->arena, STMT_bank_unmatched, 0);
    params_one_date(&p, list->all ? (civil_date){today.days + 1} : bank_overdue_before(today));
    params_one_int8(&p, list->page.after.at_us);
    params_one_uuid(&p, &list->page.after.id);
    params_one_int4(&p, list->page.size + 1);
    TRY(tx_send(batch->tx, &p));
    tx_params(&p, batch->tx, batch->arena, STMT_bank_open_lines, 0);
    params_one_int4(&p, list->page.has_after ? 0 : LINES_MAX);
    return tx_send(batch->tx, &p);
}

static tagih_err list_unmatched(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    struct params p;
    tx_params(&p, batch->tx, batch->arena, STMT_bank_today, 0);
    params_one_int8(&p, batch->now.us);
    TRY(tx_send(batch->tx, &p));
    TRY(rpc_load(batch));
    DEFER(result) struct result day = {0}, things = {0}, lines = {0};
    tx_take(batch->tx, &day);
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(send_list(batch, item->checked, result_date(&day, 0, COL_bank_today_today)));
    TRY(tx_sync(batch->tx));
    tx_take(batch->tx, &things);
    tx_take(batch->tx, &lines);
    answer_unmatched(item, &things);
    answer_lines(item, &lines);
    return TAGIH_OK;
}

const struct rpc_service bank_service = {
    .proto = &tagih__v1__bank_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("ImportStatement", import_statement, ImportStatementRequest, ImportStatementResponse), .check = import_request,
         .kind = RPC_OWN, .roles = ROLE_INTEGRATION | ROLE_CASHIER | ROLE_ADMIN, .writes = true, .deadline_ms_max = 30000},
        {RPC_METHOD("MatchLine", match_line, MatchLineRequest, MatchLineResponse), .check = match_line_check,
         .roles = ROLE_SUPERVISOR | ROLE_CASHIER | ROLE_ADMIN, .writes = true, .request_id = true},
        {RPC_METHOD("ListUnmatched", list_unmatched, ListUnmatchedRequest, ListUnmatchedResponse), .check = list_request,
         .roles = ROLE_SUPERVISOR | ROLE_CASHIER | ROLE_AUDITOR | ROLE_ADMIN},
        {0}}};
