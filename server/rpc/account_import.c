/* SPDX-License-Identifier: Apache-2.0 */
/* AccountService.ImportAccounts: rows by call; rpc/import.c does the work, the same as for `tagihd import`. */
#include "rpc/account_import.h"

#include <string.h>

#include "contract.h"
#include "rpc/import.h"

struct import_call {
    struct import_file file;
    struct import_item *items;
    size_t n;
};

static void fields_of(const Tagih__V1__AccountRow *row, struct account_text *out) {
    const char *const texts[ACCOUNT_COLUMN_COUNT] = {
        [ACCOUNT_COLUMN_ACCOUNT_NO] = row->account_no, [ACCOUNT_COLUMN_CUSTOMER_NO] = row->customer_no,
        [ACCOUNT_COLUMN_PRODUCT] = row->product,       [ACCOUNT_COLUMN_CURRENCY] = row->currency,
        [ACCOUNT_COLUMN_PRINCIPAL] = row->principal,   [ACCOUNT_COLUMN_INTEREST] = row->interest,
        [ACCOUNT_COLUMN_PENALTY] = row->penalty,       [ACCOUNT_COLUMN_FEES] = row->fees,
        [ACCOUNT_COLUMN_DPD] = row->dpd,               [ACCOUNT_COLUMN_OLDEST_DUE_ON] = row->oldest_due_on,
        [ACCOUNT_COLUMN_PLATE] = row->plate,           [ACCOUNT_COLUMN_LAT] = row->lat,
        [ACCOUNT_COLUMN_LON] = row->lon,               [ACCOUNT_COLUMN_DISTRICT] = row->district,
        [ACCOUNT_COLUMN_REGENCY] = row->regency,       [ACCOUNT_COLUMN_PHONE] = row->phone,
        [ACCOUNT_COLUMN_RULE_SET] = row->rule_set};
    for (size_t c = 0; c < ACCOUNT_COLUMN_COUNT; c++) out->field[c] = bytes_text(texts[c]);
}

static tagih_err read_instalment(const Tagih__V1__Instalment *in, const struct instalment *before, struct instalment *out) {
    *out = (struct instalment){.no = in->number};
    if (in->number < 1 || (before && in->number != before->no + 1)) return FAIL(REQUEST_FIELD_RANGE);
    TRY(date_parse(in->due_on, &out->due_on));
    if (before && out->due_on.days < before->due_on.days) return FAIL(REQUEST_FIELD_RANGE);
    if (!in->dues) return FAIL(REQUEST_FIELD_MISSING);
    const int64_t dues[COMPONENT_COUNT] = {in->dues->fees_minor, in->dues->penalty_minor, in->dues->interest_minor,
                                           in->dues->principal_minor};
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        if (dues[c] < 0) return FAIL(MONEY_NEGATIVE);
        if (dues[c] > ACCOUNT_DUE_MAX_MINOR) return FAIL(MONEY_OVERFLOW);
        out->due_minor[c] = dues[c];
    }
    return TAGIH_OK;
}

/* The schedule says the same as the row's balances, per component. */
static bool sums_to_row(const struct instalment *schedule, size_t n, const struct account_row *row) {
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        int64_t sum = 0;
        for (size_t k = 0; k < n; k++) sum += schedule[k].due_minor[c];
        if (sum != row->due_minor[c]) return false;
    }
    return true;
}

static tagih_err read_schedule(struct rpc_item *call, const Tagih__V1__AccountRow *row, struct import_item *item) {
    size_t n = row->n_instalments;
    if (n == 0) return TAGIH_OK;
    if (n > IMPORT_INSTALMENTS_MAX) return FAIL(REQUEST_TOO_MANY);
    struct instalment *schedule = rpc_alloc(call, n * sizeof *schedule);
    if (!schedule) return FAIL(OUT_OF_MEMORY);
    for (size_t k = 0; k < n; k++) TRY(read_instalment(row->instalments[k], k ? &schedule[k - 1] : NULL, &schedule[k]));
    if (!sums_to_row(schedule, n, &item->row)) return FAIL(IMPORT_SUM);
    item->schedule = schedule;
    item->n_schedule = n;
    return TAGIH_OK;
}

static void read_row(struct rpc_item *call, const struct import_file *file, const Tagih__V1__AccountRow *row,
                     struct import_item *item) {
    struct account_text text;
    fields_of(row, &text);
    *item = (struct import_item){.row_no = row->row, .column = ACCOUNT_COLUMN_COUNT};
    import_read(&text, file, item);
    if (!err_is_ok(item->err)) return;
    item->err = read_schedule(call, row, item);
    if (!err_is_ok(item->err)) item->column = ACCOUNT_COLUMN_COUNT;
}

static void check_rows(struct rpc_item *item, const Tagih__V1__ImportAccountsRequest *request, struct import_call *call) {
    if (request->n_rows < 1 || request->n_rows > IMPORT_ROWS_MAX) {
        rpc_problem(item, FAIL(REQUEST_TOO_MANY), "rows");
        return;
    }
    call->items = rpc_alloc(item, request->n_rows * sizeof *call->items);
    for (size_t i = 0; call->items && i < request->n_rows; i++) {
        bool ascends = request->rows[i]->row > (i ? request->rows[i - 1]->row : 0);
        if (!ascends) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "rows[%zu].row", i);
        read_row(item, &call->file, request->rows[i], &call->items[i]);
    }
    call->n = request->n_rows;
}

tagih_err account_import_check(struct rpc_item *item) {
    const Tagih__V1__ImportAccountsRequest *request = item->request;
    struct import_call *call = rpc_alloc(item, sizeof *call);
    if (!call) return item->err;
    if (request->file_hash.len != sizeof call->file.hash.b) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "file_hash");
    else memcpy(call->file.hash.b, request->file_hash.data, sizeof call->file.hash.b);
    rpc_check_text(item, "file_name", request->file_name, 0, 255);
    rpc_check_date(item, "as_of_on", request->as_of_on, &call->file.as_of_on);
    call->file.actor = &item->caller.user;
    call->file.export_seq = request->export_seq;
    if (request->export_seq < 0) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "export_seq");
    check_rows(item, request, call);
    item->checked = call;
    return item->err;
}

/* The answer of rows that have their result; its texts live in the call. */
static void keep_results(struct rpc_item *item, struct import_item *items, size_t n) {
    for (size_t i = 0; i < n; i++) {
        items[i].result = bytes_text(rpc_text(item, items[i].result));
        items[i].warning = bytes_text(rpc_text(item, items[i].warning));
    }
}

static tagih_err import_range(struct tx *tx, void *context, size_t first, size_t count) {
    struct rpc_batch *batch = context;
    struct rpc_item *item = batch->items[0];
    struct import_call *call = item->checked;
    arena_reset(batch->arena);
    batch->tx = tx;
    TRY(rpc_send_callers(batch));
    TRY(import_send(tx, batch->arena, &call->file, call->items + first, count, batch->now));
    TRY(rpc_load(batch));
    if (!rpc_ok(item)) return item->err;
    TRY(import_decide(tx, batch->arena, &call->file, call->items + first, count, batch->now));
    keep_results(item, call->items + first, count);
    return TAGIH_OK;
}

static void import_failed(void *context, size_t i, tagih_err err) {
    struct rpc_item *item = ((struct rpc_batch *)context)->items[0];
    struct import_item *row = &((struct import_call *)item->checked)->items[i];
    if (!err_is(err, ERR_BATCH_BROKEN)) rpc_fail(item, err);
    row->err = err;
    row->account = (account_id){0};
    row->result = bytes_text(err_token(err));
}

static char *row_text(struct rpc_item *item, const struct import_item *row) {
    if (!uuid_is_nil(row->account.u)) return rpc_text(item, row->warning);
    if (err_is_ok(row->err)) return rpc_text(item, bytes_text("this row was refused before"));
    const char *column = account_column_name(row->column);
    char *text = arena_printf(&item->call->arena, "%s%s%s", column ? column : "", column ? ": " : "", err_text(row->err));
    return text ? text : rpc_text(item, bytes_text(""));
}

static void answer_import(struct rpc_item *item) {
    const struct import_call *call = item->checked;
    Tagih__V1__ImportAccountsResponse *out = item->response;
    out->results = rpc_alloc(item, call->n * sizeof *out->results);
    for (size_t i = 0; out->results && i < call->n; i++) {
        Tagih__V1__ImportRowResult *row = rpc_alloc(item, sizeof *row);
        if (!row) return;
        tagih__v1__import_row_result__init(row);
        row->row = call->items[i].row_no;
        row->result = rpc_text(item, call->items[i].result);
        row->text = row_text(item, &call->items[i]);
        row->account_id = rpc_uuid(item, call->items[i].account.u);
        out->results[out->n_results++] = row;
    }
}

/* Each call is a batch of rows already: it has transactions of its own, halved down to the row. */
tagih_err account_import(struct rpc_batch *batch) {
    struct rpc_item **items = batch->items;
    size_t n = batch->n;
    for (size_t i = 0; i < n; i++) {
        struct import_call *call = items[i]->checked;
        struct tx_options options = {.agency = batch->agency, .deadline_us = batch->deadline_us, .name = "ImportAccounts"};
        batch->items = &items[i];
        batch->n = 1;
        call->file.writer = batch->writer;
        tagih_err err = tx_run_halving(batch->db, &options, call->n, import_range, import_failed, batch, NULL);
        rpc_fail(items[i], err);
        if (rpc_ok(items[i])) answer_import(items[i]);
    }
    batch->items = items;
    batch->n = n;
    batch->tx = NULL;
    return TAGIH_OK;
}
