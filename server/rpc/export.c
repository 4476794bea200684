/* SPDX-License-Identifier: Apache-2.0 */
/* ExportService: numbering, reading by range, acknowledging. */
#include "rpc/export.h"

#include "rpc/payment_view.h"
#include "rpc/services.h"
#include "run/random.h"

#define PAGE_MAX 1000
#define PAGE_DEFAULT 200

/* ---- numbering ------------------------------------------------------------------------------------------------ */

tagih_err export_number_send(struct tx *tx, struct arena *arena) {
    return export_send_pending(tx, arena, EXPORT_ROWS_MAX);
}

/* An event without money, with these rows under its digest. */
static tagih_err post_event(struct tx *tx, struct arena *arena, const struct export_by *by, instant now, struct post *post) {
    struct book book;
    post->what = POST_MOVE;
    post->kind = POSTING_OF_EXPORT;
    post->value = post->received = now;
    post->has_actor = by->has_actor;
    post->actor = by->actor;
    TRY(book_begin(&book, tx, arena, by->agency, by->writer, now, post, 1, 0));
    TRY(book_open(&book));
    TRY(book_decide(&book));
    return book_save(&book);
}

tagih_err export_number(struct tx *tx, struct arena *arena, const struct export_by *by, instant now, struct export_mark *mark,
                        bool *more) {
    struct feed_position position;
    struct export_row *rows;
    size_t n;
    TRY(export_take_pending(tx, arena, mark, &position, &rows, &n));
    *more = n == EXPORT_ROWS_MAX;
    if (n == 0) return TAGIH_OK;
    struct post post = {.id = random_id()};
    struct params *facts = ARENA_NEW(arena, struct params);
    if (!facts) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) rows[i].seq = ++mark->seq;
    export_rows(facts, tx, arena, &post.id, rows, n);
    post.facts = facts;
    post.n_facts = 1;
    TRY(post_event(tx, arena, by, now, &post));
    struct feed_place place = *more ? rows[n - 1].place : (struct feed_place){position.xid_min, 0};
    return export_send_advance(tx, arena, mark->seq, place, position.system_id);
}

tagih_err export_ack_send(struct tx *tx, struct arena *arena) {
    return export_send_lock(tx, arena);
}

tagih_err export_ack_take(struct tx *tx, struct arena *arena, const struct export_by *by, int64_t seq, instant now,
                          struct export_mark *mark) {
    export_take_lock(tx, mark);
    if (seq > mark->seq) return FAIL(EXPORT_SEQ);
    if (seq <= mark->acked_seq) return TAGIH_OK;
    struct post post = {.id = random_id()};
    struct params *facts = ARENA_NEW(arena, struct params);
    if (!facts) return FAIL(OUT_OF_MEMORY);
    export_ack(facts, tx, arena, &post.id, seq, now, by->has_actor ? &by->actor : NULL);
    post.facts = facts;
    post.n_facts = 1;
    mark->acked_seq = seq;
    return post_event(tx, arena, by, now, &post);
}

/* ---- ListExport ----------------------------------------------------------------------------------------------- */

static struct export_by by_of(const struct rpc_batch *batch) {
    return (struct export_by){batch->agency, batch->writer, true, batch->items[0]->caller.user};
}

static tagih_err list_request(struct rpc_item *item) {
    const Tagih__V1__ListExportRequest *request = item->request;
    if (request->after_seq < 0) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "after_seq");
    if (request->until_seq < 0) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "until_seq");
    if (request->page_size < 0 || request->page_size > PAGE_MAX) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "page_size");
    return item->err;
}

static char *date_text(struct rpc_item *item, civil_date date) {
    char text[DATE_TEXT_SIZE];
    date_format(date, text);
    return rpc_text(item, bytes_text(text));
}

static Tagih__V1__ExportRow *row_view(struct rpc_item *item, const struct export_read *read) {
    Tagih__V1__ExportRow *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__export_row__init(out);
    out->seq = read->seq;
    out->kind = (Tagih__V1__ExportKind)read->kind; /* the numbers are the same: export_spec */
    out->payment_id = rpc_uuid(item, read->payment.u);
    out->account_no = rpc_text(item, read->account_no);
    out->source = (Tagih__V1__PaymentSource)read->source;
    out->source_reference = rpc_text(item, read->reference);
    out->tender = (Tagih__V1__Tender)read->tender;
    out->tag = (char *)(uintptr_t)payment_tag_name((enum payment_tag)read->tag);
    out->amount = money_view(item, read->amount_minor, read->currency);
    out->value_us = read->value_us;
    out->value_on = date_text(item, read->value_on);
    out->posting_on = date_text(item, read->posting_on);
    out->reason = (Tagih__V1__ReversalReason)read->reason;
    return out;
}

static tagih_err answer_list(struct rpc_batch *batch, const struct export_mark *mark) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__ListExportRequest *request = item->request;
    Tagih__V1__ListExportResponse *out = item->response;
    int64_t until = request->until_seq ? request->until_seq : mark->seq;
    TRY(tx_sync(batch->tx)); /* the answers of what was saved are nobody's: the next sending drops them */
    TRY(export_send_list(batch->tx, batch->arena, request->after_seq, until, request->page_size ? request->page_size : PAGE_DEFAULT));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    out->rows = rpc_alloc(item, (result_count(&r) + 1) * sizeof *out->rows);
    for (size_t i = 0; out->rows && i < result_count(&r); i++) {
        struct export_read read;
        export_read_row(&r, i, &read);
        out->rows[out->n_rows++] = row_view(item, &read);
    }
    out->highest_seq = mark->seq;
    out->acked_seq = mark->acked_seq;
    return TAGIH_OK;
}

static tagih_err list_export(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    struct export_by by = by_of(batch);
    struct export_mark mark;
    bool more;
    TRY(export_number_send(batch->tx, batch->arena));
    TRY(rpc_load(batch));
    if (!rpc_ok(item)) return item->err;
    TRY(export_number(batch->tx, batch->arena, &by, batch->now, &mark, &more));
    return answer_list(batch, &mark);
}

/* ---- AckExport ------------------------------------------------------------------------------------------------ */

static tagih_err ack_request(struct rpc_item *item) {
    const Tagih__V1__AckExportRequest *request = item->request;
    if (request->seq < 1) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "seq");
    return item->err;
}

static tagih_err ack_export(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__AckExportRequest *request = item->request;
    Tagih__V1__AckExportResponse *out = item->response;
    struct export_by by = by_of(batch);
    struct export_mark mark;
    TRY(export_ack_send(batch->tx, batch->arena));
    TRY(rpc_load(batch));
    if (!rpc_ok(item)) return item->err;
    TRY(export_ack_take(batch->tx, batch->arena, &by, request->seq, batch->now, &mark));
    out->acked_seq = mark.acked_seq;
    return TAGIH_OK;
}

#define READERS (ROLE_INTEGRATION | ROLE_ADMIN)

const struct rpc_service export_service = {
    .proto = &tagih__v1__export_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("ListExport", list_export, ListExportRequest, ListExportResponse), .check = list_request, .roles = READERS,
         .writes = true},
        {RPC_METHOD("AckExport", ack_export, AckExportRequest, AckExportResponse), .check = ack_request, .roles = READERS,
         .writes = true},
        {0}}};
