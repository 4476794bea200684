/* SPDX-License-Identifier: Apache-2.0 */
/* SuspenseService: money of nobody known comes in, and is listed with whose it may be and how old it is (R-PAY-2). What
 * becomes of it needs two people: suspense_decide.c. */
#include "book/suspense.h"

#include "engine/page.h"
#include "rpc/payment_view.h"
#include "rpc/services.h"
#include "rpc/suspense_decide.h"
#include "run/random.h"

#define FUTURE_MAX_US (5 * US_PER_MINUTE) /* clocks of others may be ahead by this much (R-TIM-3) */
#define REFERENCE_MAX 100
#define MATCHES_MAX 5

/* ---- answers -------------------------------------------------------------------------------------------------- */

static void match_view(struct rpc_item *item, const struct suspense_match *match, Tagih__V1__SuspenseItem *out) {
    Tagih__V1__SuspenseMatch *message = rpc_alloc(item, sizeof *message);
    if (!message) return;
    tagih__v1__suspense_match__init(message);
    message->account_id = rpc_uuid(item, match->account.u);
    message->points = match->points;
    message->reasons = rpc_alloc(item, HINT_KIND_COUNT * sizeof *message->reasons);
    for (int k = 0; message->reasons && k < HINT_KIND_COUNT; k++) {
        if (!(match->kinds & (1U << k))) continue;
        message->reasons[message->n_reasons++] = (char *)(uintptr_t)suspense_hint_reason((enum suspense_hint_kind)k);
    }
    out->matches[out->n_matches++] = message;
}

static void matches_view(struct rpc_item *item, const struct suspense_hint *hints, size_t n, Tagih__V1__SuspenseItem *out) {
    struct suspense_match matches[MATCHES_MAX];
    size_t n_matches = suspense_rank(hints, n, matches, MATCHES_MAX);
    out->matches = rpc_alloc(item, (n_matches + 1) * sizeof *out->matches);
    for (size_t i = 0; out->matches && i < n_matches; i++) match_view(item, &matches[i], out);
}

static Tagih__V1__SuspenseItem *item_view(struct rpc_item *item, const struct suspense_read *read) {
    Tagih__V1__SuspenseItem *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__suspense_item__init(out);
    out->item_id = rpc_uuid(item, read->id);
    out->state = (Tagih__V1__SuspenseState)read->state; /* the numbers are the same: suspense_spec */
    out->origin = (Tagih__V1__SuspenseOrigin)read->origin;
    out->source = (Tagih__V1__PaymentSource)read->source;
    out->source_reference = rpc_text(item, read->reference);
    out->payer = rpc_text(item, read->payer);
    out->note = rpc_text(item, read->note);
    out->amount = money_view(item, read->amount_minor, read->currency);
    out->value_us = read->value.us;
    out->value_on = rpc_date(item, read->value_on);
    if (read->has_account) out->account_id = rpc_uuid(item, read->account.u);
    if (read->has_trigger) out->origin_id = rpc_uuid(item, read->trigger);
    if (read->has_payment) out->payment_id = rpc_uuid(item, read->payment.u);
    return out;
}

/* ---- ReceiveSuspense ------------------------------------------------------------------------------------------ */

struct receiving {
    struct payment_identity identity;
    int64_t amount_minor;
    currency currency;
    instant value;
    struct bytes payer, note;
};

static bool may_come(Tagih__V1__PaymentSource source) {
    return source > TAGIH__V1__PAYMENT_SOURCE__PAYMENT_SOURCE_FIELD && (int)source < SOURCE_END &&
           (int)source != SOURCE_AUCTION && (int)source != SOURCE_SUSPENSE;
}

static tagih_err receive_request(struct rpc_item *item) {
    const Tagih__V1__ReceiveSuspenseRequest *request = item->request;
    struct receiving *out = rpc_alloc(item, sizeof *out);
    item->checked = out;
    if (!out) return item->err;
    *out = (struct receiving){.value = {request->value_us}, .payer = bytes_text(request->payer), .note = bytes_text(request->note)};
    if (!may_come(request->source)) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "source");
    out->identity = (struct payment_identity){(int16_t)request->source, bytes_text(request->source_reference)};
    rpc_check_text(item, "source_reference", request->source_reference, 1, REFERENCE_MAX);
    rpc_check_text(item, "payer", request->payer, 0, SUSPENSE_PAYER_MAX);
    rpc_check_text(item, "note", request->note, 0, SUSPENSE_NOTE_MAX);
    rpc_check_money(item, "amount", request->amount, 1, FAIL(PAYMENT_AMOUNT), &out->currency, &out->amount_minor);
    if (!instant_is_sane(out->value)) rpc_problem(item, FAIL(REQUEST_TIME), "value_us");
    else if (out->value.us > item->now.us + FUTURE_MAX_US) rpc_problem(item, FAIL(PAYMENT_FUTURE), "value_us");
    return item->err;
}

static bool is_same(const struct receiving *r, const struct suspense_known *known) {
    return !known->has_account && known->amount_minor == r->amount_minor &&
           currency_equal(known->currency, r->currency) && known->value.us == r->value.us;
}

static tagih_err answer_item(struct rpc_batch *batch, uuid id, Tagih__V1__SuspenseItem **out) {
    TRY(tx_sync(batch->tx)); /* what was saved answers nobody */
    TRY(suspense_send_get(batch->tx, batch->arena, &id, 1));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    if (result_count(&r) != 1) return FAIL(INTERNAL);
    struct suspense_read read;
    suspense_read_row(&r, 0, &read);
    *out = item_view(batch->items[0], &read);
    return TAGIH_OK;
}

/* The identity under its lock: is it free, the same item, or something else? */
struct found {
    struct payment_known payment;
    struct suspense_known item;
};

static tagih_err load_receiving(struct rpc_batch *batch, struct book *book, const struct receiving *r, struct found *found) {
    TRY(payment_send_identity_lock(batch->tx, batch->arena, &r->identity, 1));
    TRY(book_send_lock(book));
    TRY(book_send_load(book));
    TRY(payment_send_identities(batch->tx, batch->arena, &r->identity, 1));
    TRY(suspense_send_identities(batch->tx, batch->arena, &r->identity, 1));
    TRY(rpc_load(batch));
    DEFER(result) struct result locked = {0};
    tx_take(batch->tx, &locked);
    book_take_lock(book);
    TRY(book_take_load(book));
    payment_take_identities(batch->tx, &found->payment, 1);
    suspense_take_identities(batch->tx, &found->item, 1);
    return TAGIH_OK;
}

static tagih_err receive_suspense(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct receiving *r = item->checked;
    enum payment_source source = (enum payment_source)r->identity.source;
    struct post post = {.what = POST_MOVE, .id = random_id(), .source = r->identity.source,
                        .tag = (int16_t)payment_tag_of_source(source, TENDER_NONE), .amount_minor = r->amount_minor,
                        .currency = r->currency, .value = r->value, .received = batch->now, .has_actor = true,
                        .actor = item->caller.user, .reference = r->identity.reference};
    Tagih__V1__ReceiveSuspenseResponse *out = item->response;
    struct book book;
    struct found found;
    TRY(book_begin(&book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &post, 1, 0));
    TRY(load_receiving(batch, &book, r, &found));
    if (!rpc_ok(item)) return TAGIH_OK;
    if (found.item.known && is_same(r, &found.item)) return answer_item(batch, found.item.item, &out->item);
    if (found.item.known || found.payment.known) {
        rpc_fail(item, FAIL(PAYMENT_IDENTITY_REUSED));
        return TAGIH_OK;
    }
    struct suspense_in in = {.origin = SUSPENSE_OF_CALL, .payer = r->payer, .note = r->note, .money = suspense_money_side(source)};
    TRY(suspense_post(&book, &post, &in));
    TRY(book_decide(&book));
    TRY(book_save(&book));
    return answer_item(batch, post.id, &out->item);
}

/* ---- ListSuspense --------------------------------------------------------------------------------------------- */

struct listing {
    struct page page;
};

static tagih_err list_request(struct rpc_item *item) {
    const Tagih__V1__ListSuspenseRequest *request = item->request;
    struct listing *list = rpc_alloc(item, sizeof *list);
    item->checked = list;
    if (!list) return item->err;
    *list = (struct listing){.page = {.after = {.at_us = INT64_MIN}}};
    rpc_check_list(item, request->page_size, request->page_token, bytes_text(""), &list->page);
    return item->err;
}

static tagih_err answer_list(struct rpc_batch *batch, const struct result *r) {
    struct rpc_item *item = batch->items[0];
    const struct listing *list = item->checked;
    Tagih__V1__ListSuspenseResponse *out = item->response;
    size_t n = rpc_page_rows(r, list->page.size);
    struct suspense_read *reads = ARENA_ARRAY(batch->arena, n + 1, struct suspense_read);
    struct suspense_hint **hints = ARENA_ARRAY(batch->arena, n + 1, struct suspense_hint *);
    size_t *n_hints = ARENA_ARRAY(batch->arena, n + 1, size_t);
    out->items = rpc_alloc(item, (n + 1) * sizeof *out->items);
    if (!reads || !hints || !n_hints || !out->items) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) suspense_read_row(r, i, &reads[i]);
    TRY(suspense_load_hints(batch->tx, batch->arena, reads, n, hints, n_hints));
    for (size_t i = 0; i < n; i++) {
        Tagih__V1__SuspenseItem *each = item_view(item, &reads[i]);
        if (!each) return TAGIH_OK;
        bool named = reads[i].has_account && reads[i].origin != SUSPENSE_OF_REVERSAL; /* taken back from there: not there */
        if (named) hints[i][n_hints[i]++] = (struct suspense_hint){reads[i].account, HINT_NAMED};
        matches_view(item, hints[i], n_hints[i], each);
        out->items[out->n_items++] = each;
    }
    if (!rpc_page_more(r, list->page.size)) return TAGIH_OK;
    struct page_place last = {reads[n - 1].value.us, reads[n - 1].id};
    out->next_page_token = rpc_page_token(item, bytes_text(""), BYTES_OF(&last));
    return TAGIH_OK;
}

static tagih_err list_suspense(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct listing *list = item->checked;
    TRY(suspense_send_list(batch->tx, batch->arena, list->page.after.at_us, list->page.after.id, list->page.size + 1));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    return rpc_ok(item) ? answer_list(batch, &r) : TAGIH_OK;
}

/* ---- ReportSuspenseAges --------------------------------------------------------------------------------------- */

static Tagih__V1__SuspenseAge *age_view(struct rpc_item *item, const struct suspense_age_row *row) {
    Tagih__V1__SuspenseAge *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__suspense_age__init(out);
    out->currency = rpc_text(item, row->currency);
    out->days_from = row->age > 0 ? suspense_age_from[row->age - 1] : 0;
    out->days_to = row->age < SUSPENSE_AGES - 1 ? suspense_age_from[row->age] - 1 : 0;
    out->items = row->items;
    out->amount = money_view(item, row->amount_minor, row->currency);
    return out;
}

/* Rows come by currency. */
static tagih_err add_total(struct rpc_item *item, const struct suspense_age_row *row, Tagih__V1__ReportSuspenseAgesResponse *out) {
    Tagih__V1__Money *last = out->n_totals ? out->totals[out->n_totals - 1] : NULL;
    if (last && bytes_equal(bytes_text(last->currency), row->currency)) return minor_add(last->minor, row->amount_minor, &last->minor);
    Tagih__V1__Money *total = money_view(item, row->amount_minor, row->currency);
    if (total) out->totals[out->n_totals++] = total;
    return TAGIH_OK;
}

static tagih_err report_ages(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    TRY(suspense_send_ages(batch->tx, batch->arena, batch->now));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    if (!rpc_ok(item)) return TAGIH_OK;
    Tagih__V1__ReportSuspenseAgesResponse *out = item->response;
    size_t n = result_count(&r);
    out->ages = rpc_alloc(item, (n + 1) * sizeof *out->ages);
    out->totals = rpc_alloc(item, (n + 1) * sizeof *out->totals);
    for (size_t i = 0; out->ages && out->totals && i < n; i++) {
        struct suspense_age_row row;
        suspense_read_age(&r, i, &row);
        Tagih__V1__SuspenseAge *age = age_view(item, &row);
        if (!age) return TAGIH_OK;
        out->ages[out->n_ages++] = age;
        TRY(add_total(item, &row, out));
    }
    return TAGIH_OK;
}

#define MAKERS (ROLE_SUPERVISOR | ROLE_CASHIER | ROLE_ADMIN)
#define OFFICE (ROLE_SUPERVISOR | ROLE_CASHIER | ROLE_AUDITOR | ROLE_ADMIN)

const struct rpc_service suspense_service = {
    .proto = &tagih__v1__suspense_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("ReceiveSuspense", receive_suspense, ReceiveSuspenseRequest, ReceiveSuspenseResponse),
         .check = receive_request, .roles = ROLE_INTEGRATION | ROLE_CASHIER | ROLE_ADMIN, .writes = true},
        {RPC_METHOD("ListSuspense", list_suspense, ListSuspenseRequest, ListSuspenseResponse), .check = list_request, .roles = OFFICE},
        {RPC_METHOD("ReportSuspenseAges", report_ages, ReportSuspenseAgesRequest, ReportSuspenseAgesResponse), .roles = OFFICE},
        {RPC_METHOD("ReleaseSuspense", release_suspense, ReleaseSuspenseRequest, ReleaseSuspenseResponse),
         .check = release_request, .roles = MAKERS, .writes = true, .request_id = true},
        {RPC_METHOD("ReturnSuspense", return_suspense, ReturnSuspenseRequest, ReturnSuspenseResponse),
         .check = return_request, .roles = MAKERS, .writes = true, .request_id = true},
        {0}}};
