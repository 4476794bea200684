/* SPDX-License-Identifier: Apache-2.0 */
/* ReconciliationService: what the import of a file found to differ (R-IMP-3). */
#include "store/reconciliation.h"

#include <string.h>

#include "contract.h"
#include "engine/page.h"
#include "rpc/services.h"

struct listing {
    hash256 file;
    int32_t page_size, after_row;
    bool has_after;
};

static tagih_err list_request(struct rpc_item *item) {
    const Tagih__V1__ListReconciliationRequest *request = item->request;
    struct listing *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    *list = (struct listing){.after_row = INT32_MIN};
    if (request->file_hash.len != sizeof list->file.b) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "file_hash");
    else memcpy(list->file.b, request->file_hash.data, sizeof list->file.b);
    rpc_check_page(item, request->page_size, &list->page_size);
    rpc_check_page_token(item, request->page_token, BYTES_OF(&list->file), &list->after_row, sizeof list->after_row, &list->has_after);
    return item->err;
}

static Tagih__V1__Reconciliation *view_of(struct rpc_item *item, const struct reconciliation_read *read) {
    Tagih__V1__Reconciliation *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__reconciliation__init(out);
    out->row = read->row.row_no;
    out->account_id = rpc_uuid(item, read->row.account.u);
    out->account_no = rpc_text(item, read->account_no);
    out->ours_minor = read->row.ours_minor;
    out->theirs_minor = read->row.theirs_minor;
    out->difference_minor = read->row.theirs_minor - read->row.ours_minor; /* both of sums that were added within 64 bits */
    out->currency = rpc_text(item, read->row.currency);
    out->absorbed = read->row.absorbed;
    out->absorbed_minor = read->row.absorbed_minor;
    out->replayed = read->row.replayed;
    out->posting_id = rpc_uuid(item, read->row.posting);
    return out;
}

static tagih_err answer(struct rpc_item *item, const struct result *r) {
    const struct listing *list = item->checked;
    Tagih__V1__ListReconciliationResponse *out = item->response;
    size_t n = rpc_page_rows(r, list->page_size);
    int32_t last = 0;
    out->rows = rpc_alloc(item, (n + 1) * sizeof *out->rows);
    if (!out->rows) return TAGIH_OK;
    for (size_t i = 0; i < n; i++) {
        struct reconciliation_read read;
        reconciliation_read_row(r, i, &read);
        out->rows[i] = view_of(item, &read);
        if (!out->rows[i]) return TAGIH_OK;
        out->n_rows++;
        last = read.row.row_no;
    }
    out->next_page_token = rpc_page_next(item, r, list->page_size, BYTES_OF(&list->file), BYTES_OF(&last));
    return TAGIH_OK;
}

static tagih_err list_reconciliation(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct listing *list = item->checked;
    TRY(reconciliation_send_list(batch->tx, batch->arena, &list->file, list->after_row, list->page_size + 1));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    return rpc_ok(item) ? answer(item, &r) : TAGIH_OK;
}

const struct rpc_service reconciliation_service = {
    .proto = &tagih__v1__reconciliation_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("ListReconciliation", list_reconciliation, ListReconciliationRequest, ListReconciliationResponse),
         .check = list_request, .roles = ROLES_OFFICE},
        {0}}};
