/* SPDX-License-Identifier: Apache-2.0 */
/* PaymentService.ImportPayments: rows by call; rpc/payment_file.c does the work, the same as for `tagihd import-payments`. */
#include "rpc/payment_import.h"

#include <string.h>

#include "contract.h"
#include "rpc/payment_file.h"

struct import_call {
    struct payment_file file;
    struct payment_file_item *items;
    size_t n;
    bool has_end;
    struct payment_totals end;
    struct payment_file_found found;
};

static struct payment_text text_of(const Tagih__V1__PaymentFileRow *row) {
    return (struct payment_text){{[PAYMENT_COLUMN_ACCOUNT_NO] = bytes_text(row->account_no),
                                  [PAYMENT_COLUMN_REFERENCE] = bytes_text(row->reference),
                                  [PAYMENT_COLUMN_AMOUNT] = bytes_text(row->amount),
                                  [PAYMENT_COLUMN_PAID_AT] = bytes_text(row->paid_at),
                                  [PAYMENT_COLUMN_CURRENCY] = bytes_text(row->currency),
                                  [PAYMENT_COLUMN_TAG] = bytes_text(row->tag)}};
}

static void check_rows(struct rpc_item *item, const Tagih__V1__ImportPaymentsRequest *request, struct import_call *call) {
    if (request->n_rows > PAYMENT_FILE_ROWS_MAX || (request->n_rows == 0 && !call->has_end)) {
        rpc_problem(item, FAIL(REQUEST_TOO_MANY), "rows");
        return;
    }
    call->items = rpc_alloc(item, (request->n_rows + 1) * sizeof *call->items);
    for (size_t i = 0; call->items && i < request->n_rows; i++) {
        bool ascends = request->rows[i]->row > (i ? request->rows[i - 1]->row : 0);
        if (!ascends) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "rows[%zu].row", i);
        struct payment_text text = text_of(request->rows[i]);
        call->items[i] = (struct payment_file_item){.row_no = request->rows[i]->row};
        if (rpc_ok(item)) payment_file_read(&text, &call->file, &call->items[i]);
    }
    call->n = request->n_rows;
}

static void check_file(struct rpc_item *item, const Tagih__V1__ImportPaymentsRequest *request, struct payment_file *file) {
    if (request->file_hash.len != sizeof file->hash.b) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "file_hash");
    else memcpy(file->hash.b, request->file_hash.data, sizeof file->hash.b);
    rpc_check_text(item, "file_name", request->file_name, 0, 255);
    file->name = bytes_text(request->file_name);
    file->source = (enum payment_source)request->source;
    if (!payment_source_is_brought(file->source)) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "source");
    tagih_err err = currency_parse(bytes_text(request->currency), &file->currency);
    if (!err_is_ok(err)) rpc_problem(item, err, "currency");
}

tagih_err payment_import_check(struct rpc_item *item) {
    const Tagih__V1__ImportPaymentsRequest *request = item->request;
    struct import_call *call = rpc_alloc(item, sizeof *call);
    item->checked = call;
    if (!call) return item->err;
    *call = (struct import_call){.file = {.has_actor = true, .actor = item->caller.user}, .has_end = request->end != NULL};
    if (request->end) call->end = (struct payment_totals){request->end->rows, request->end->sum_minor};
    check_file(item, request, &call->file);
    check_rows(item, request, call);
    return item->err;
}

/* ---- work ----------------------------------------------------------------------------------------------------- */

static bool may_import(const struct rpc_item *item, const struct payment_file *file) {
    return (item->caller.roles & (ROLE_INTEGRATION | ROLE_ADMIN)) || file->source == SOURCE_BRANCH;
}

static tagih_err load(struct rpc_batch *batch, const struct import_call *call, size_t first, size_t count) {
    struct rpc_item *item = batch->items[0];
    TRY(rpc_send_callers(batch));
    TRY(payment_file_send(batch->tx, batch->arena, &call->file, call->items + first, count));
    TRY(rpc_load(batch));
    if (rpc_ok(item) && !may_import(item, &call->file)) rpc_fail(item, FAIL(NOT_PERMITTED));
    return item->err;
}

static tagih_err import_range(struct tx *tx, void *context, size_t first, size_t count) {
    struct rpc_batch *batch = context;
    struct rpc_item *item = batch->items[0];
    struct import_call *call = item->checked;
    struct payment_file_item *items = call->items + first;
    arena_reset(batch->arena);
    batch->tx = tx;
    TRY(load(batch, call, first, count));
    TRY(payment_file_decide(tx, batch->arena, &call->file, items, count, batch->now));
    for (size_t i = 0; i < count; i++) items[i].result = bytes_text(rpc_text(item, items[i].result)); /* the arena is emptied */
    return TAGIH_OK;
}

static void import_failed(void *context, size_t i, tagih_err err) {
    struct rpc_item *item = ((struct rpc_batch *)context)->items[0];
    struct payment_file_item *row = &((struct import_call *)item->checked)->items[i];
    if (!err_is(err, ERR_BATCH_BROKEN)) rpc_fail(item, err);
    row->err = err;
    row->payment = (uuid){{0}};
    row->result = bytes_text(err_token(err));
}

static tagih_err end_file(struct tx *tx, void *context) {
    struct rpc_batch *batch = context;
    struct rpc_item *item = batch->items[0];
    struct import_call *call = item->checked;
    arena_reset(batch->arena);
    batch->tx = tx;
    TRY(rpc_send_callers(batch));
    TRY(rpc_load(batch));
    if (rpc_ok(item) && !may_import(item, &call->file)) rpc_fail(item, FAIL(NOT_PERMITTED));
    if (!rpc_ok(item)) return item->err;
    return payment_file_finish(tx, batch->arena, &call->file, &call->end, batch->now, &call->found);
}

/* ---- answer --------------------------------------------------------------------------------------------------- */

static char *row_text(struct rpc_item *item, const struct payment_file_item *row) {
    if (!uuid_is_nil(row->payment)) return rpc_text(item, bytes_text(""));
    if (err_is_ok(row->err)) return rpc_text(item, bytes_text("this row was refused before"));
    const char *column = err_is_ok(row->unreadable) ? NULL : payment_column_name(row->column);
    char *text = arena_printf(&item->call->arena, "%s%s%s", column ? column : "", column ? ": " : "", err_text(row->err));
    return text ? text : rpc_text(item, bytes_text(""));
}

static void answer_end(struct rpc_item *item, const struct import_call *call, Tagih__V1__ImportPaymentsResponse *out) {
    struct payment_totals found = {call->found.rows, call->found.sum_minor};
    out->complete = err_is_ok(payment_totals_check(&call->end, &found));
    out->found = rpc_alloc(item, sizeof *out->found);
    if (!out->found) return;
    tagih__v1__payment_file_totals__init(out->found);
    out->found->rows = found.rows;
    out->found->sum_minor = found.sum_minor;
}

static void answer_import(struct rpc_item *item) {
    const struct import_call *call = item->checked;
    Tagih__V1__ImportPaymentsResponse *out = item->response;
    out->results = rpc_alloc(item, (call->n + 1) * sizeof *out->results);
    for (size_t i = 0; out->results && i < call->n; i++) {
        Tagih__V1__PaymentFileRowResult *row = rpc_alloc(item, sizeof *row);
        if (!row) return;
        tagih__v1__payment_file_row_result__init(row);
        row->row = call->items[i].row_no;
        row->result = rpc_text(item, call->items[i].result);
        row->text = row_text(item, &call->items[i]);
        char *id = uuid_is_nil(call->items[i].payment) ? NULL : rpc_uuid(item, call->items[i].payment);
        if (id && call->items[i].suspended) row->suspense_item_id = id;
        else if (id) row->payment_id = id;
        out->results[out->n_results++] = row;
    }
    if (call->has_end) answer_end(item, call, out);
}

static void import_one(struct rpc_batch *batch, struct rpc_item *item) {
    struct import_call *call = item->checked;
    struct tx_options options = {.agency = batch->agency, .deadline_us = batch->deadline_us, .name = "ImportPayments"};
    call->file.writer = batch->writer;
    if (call->n) rpc_fail(item, tx_run_halving(batch->db, &options, call->n, import_range, import_failed, batch, NULL));
    if (rpc_ok(item) && call->has_end) rpc_fail(item, tx_run(batch->db, &options, end_file, batch));
    if (rpc_ok(item)) answer_import(item);
}

tagih_err payment_import(struct rpc_batch *batch) {
    struct rpc_item **items = batch->items;
    size_t n = batch->n;
    for (size_t i = 0; i < n; i++) {
        batch->items = &items[i];
        batch->n = 1;
        import_one(batch, items[i]);
    }
    batch->items = items;
    batch->n = n;
    batch->tx = NULL;
    return TAGIH_OK;
}
