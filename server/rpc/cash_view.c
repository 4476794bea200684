/* SPDX-License-Identifier: Apache-2.0 */
/* What the calls of CashService share: fields, messages, etags, and the move that each of them is. */
#include <stdlib.h>
#include <string.h>

#include "rpc/cash.h"
#include "rpc/payment_view.h"
#include "run/random.h"

/* ---- fields --------------------------------------------------------------------------------------------------------- */

bool cash_check_money(struct rpc_item *item, const char *field, const Tagih__V1__Money *money, int64_t min_minor,
                      struct money *out) {
    bool fine = rpc_check_money(item, field, money, min_minor, FAIL(CASH_AMOUNT), &out->currency, &out->minor);
    if (fine && !money_is_cash_unit(*out)) rpc_problem(item, FAIL(MONEY_CASH_UNIT), "%s.minor", field);
    return rpc_ok(item);
}

static int by_value(const void *a, const void *b) {
    int64_t left = ((const struct cash_pieces *)a)->value_minor, right = ((const struct cash_pieces *)b)->value_minor;
    return left < right ? -1 : left > right;
}

bool cash_check_pieces(struct rpc_item *item, Tagih__V1__CashPieces *const *pieces, size_t n, struct money sum,
                       struct cash_pieces **out) {
    if (!rpc_ok(item)) return false;
    if (n > CASH_KINDS_MAX) {
        rpc_problem(item, FAIL(REQUEST_TOO_MANY), "pieces");
        return false;
    }
    *out = rpc_alloc(item, (n + 1) * sizeof **out);
    if (!*out) return false;
    for (size_t i = 0; i < n; i++) (*out)[i] = (struct cash_pieces){pieces[i]->value_minor, pieces[i]->pieces};
    int64_t counted_minor = 0;
    size_t bad = 0;
    tagih_err err = cash_add_up(sum.currency, *out, n, &counted_minor, &bad);
    if (!err_is_ok(err) && bad < n) rpc_problem(item, err, "pieces[%zu]", bad);
    else if (!err_is_ok(err) || counted_minor != sum.minor) rpc_problem(item, FAIL(CASH_SUM), "pieces");
    qsort(*out, n, sizeof **out, by_value);
    return rpc_ok(item);
}

/* ---- etags ---------------------------------------------------------------------------------------------------------- */

static char *etag_text(struct rpc_item *item, char *etag) {
    if (etag) return etag;
    rpc_fail(item, FAIL(OUT_OF_MEMORY));
    return (char *)(uintptr_t)protobuf_c_empty_string;
}

char *settlement_etag(struct rpc_item *item, const struct settlement_read *read) {
    return etag_text(item, arena_printf(&item->call->arena, "s%d.%lld", read->now.version, (long long)read->now.expected_minor));
}

bool settlement_etag_version(const char *etag, int32_t version) {
    char head[16];
    size_t len = (size_t)snprintf(head, sizeof head, "s%d.", version);
    return strncmp(etag, head, len) == 0;
}

bool settlement_etag_is(const char *etag, const struct settlement_read *read) {
    char whole[40];
    snprintf(whole, sizeof whole, "s%d.%lld", read->now.version, (long long)read->now.expected_minor);
    return strcmp(etag, whole) == 0;
}

char *cash_etag(struct rpc_item *item, char letter, int32_t version) {
    return etag_text(item, arena_printf(&item->call->arena, "%c%d", letter, version));
}

bool cash_etag_is(const char *etag, char letter, int32_t version) {
    char whole[16];
    snprintf(whole, sizeof whole, "%c%d", letter, version);
    return strcmp(etag, whole) == 0;
}

/* ---- messages ------------------------------------------------------------------------------------------------------- */

static Tagih__V1__Money *money_of(struct rpc_item *item, int64_t minor, const currency *in) {
    return money_view(item, minor, bytes_text(in->code));
}

Tagih__V1__Settlement *settlement_view(struct rpc_item *item, const struct settlement_read *read) {
    Tagih__V1__Settlement *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__settlement__init(out);
    out->settlement_id = rpc_uuid(item, read->now.id);
    out->collector_id = rpc_uuid(item, read->collector.u);
    out->state = (Tagih__V1__SettlementState)read->now.state; /* the numbers are the same: cash_spec */
    out->declared = money_of(item, read->declared_minor, &read->currency);
    out->expected = money_of(item, read->now.expected_minor, &read->currency);
    if (read->now.has_counted) out->counted = money_of(item, read->now.counted_minor, &read->currency);
    if (read->now.has_cashier) out->cashier_id = rpc_uuid(item, read->now.cashier.u);
    if (read->now.has_deposit) out->deposit_id = rpc_uuid(item, read->now.deposit);
    if (read->has_journal) {
        struct bytes hash = arena_copy(&item->call->arena, bytes_make(read->entry_hash.b, sizeof read->entry_hash.b));
        out->device_id = rpc_uuid(item, read->device.u);
        out->epoch = read->epoch;
        out->first_seq = read->first_seq;
        out->last_seq = read->last_seq;
        out->entry_hash = (ProtobufCBinaryData){hash.data ? hash.len : 0, (uint8_t *)(uintptr_t)hash.data};
    }
    out->receipts = read->receipts;
    out->voids = read->voids;
    out->cash_minor = read->cash_minor;
    out->other_minor = read->other_minor;
    out->value_us = read->value_us;
    out->has_gap = read->has_gap;
    out->declared_by = rpc_uuid(item, read->actor.u);
    out->reason = rpc_text(item, read->reason);
    out->etag = settlement_etag(item, read);
    return out;
}

Tagih__V1__Shortage *shortage_view(struct rpc_item *item, const struct shortage_read *read) {
    Tagih__V1__Shortage *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__shortage__init(out);
    out->shortage_id = rpc_uuid(item, read->id);
    out->collector_id = rpc_uuid(item, read->collector.u);
    out->kind = (Tagih__V1__ShortageKind)read->kind; /* the numbers are the same: store/shortage.h */
    out->amount = money_of(item, read->amount_minor, &read->currency);
    out->open_minor = read->open_minor;
    out->value_us = read->value_us;
    out->value_on = rpc_date(item, read->value_on);
    out->report = rpc_text(item, read->report);
    out->police_reference = rpc_text(item, read->police_reference);
    out->etag = cash_etag(item, 'h', read->version);
    return out;
}

Tagih__V1__Deposit *deposit_view(struct rpc_item *item, const struct deposit_read *read) {
    Tagih__V1__Deposit *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__deposit__init(out);
    out->deposit_id = rpc_uuid(item, read->id);
    if (read->has_collector) out->collector_id = rpc_uuid(item, read->collector.u);
    if (read->has_cashier) out->cashier_id = rpc_uuid(item, read->cashier.u);
    out->amount = money_of(item, read->amount_minor, &read->currency);
    out->bank_reference = rpc_text(item, read->bank_reference);
    out->state = (Tagih__V1__DepositState)read->state; /* the numbers are the same: store/deposit.h */
    out->value_us = read->value_us;
    out->value_on = rpc_date(item, read->value_on);
    out->etag = cash_etag(item, 'd', read->version);
    return out;
}

/* ---- the book ------------------------------------------------------------------------------------------------------- */

tagih_err cash_move_begin(struct rpc_batch *batch, struct cash_move *move, enum posting_kind kind, uuid subject,
                          user_id collector, currency in, user_id actor) {
    *move = (struct cash_move){.post = {.what = POST_MOVE, .kind = kind, .id = random_id(), .payment = {subject},
                                        .collector = collector, .currency = in, .value = batch->now, .received = batch->now,
                                        .has_actor = true, .actor = actor}};
    move->post.facts = move->facts;
    book_move_begin(&move->post);
    TRY(book_begin(&move->book, batch->tx, batch->arena, batch->agency, batch->writer, batch->now, &move->post, 1, 0));
    TRY(book_send_lock(&move->book));
    return book_send_load(&move->book);
}

tagih_err cash_move_take(struct cash_move *move) {
    book_take_lock(&move->book);
    return book_take_load(&move->book);
}

struct params *cash_move_fact(struct cash_move *move) {
    return &move->facts[move->post.n_facts++];
}

tagih_err cash_move_post(struct cash_move *move, enum change_kind change) {
    move->post.change = (int16_t)change;
    TRY(book_decide(&move->book));
    if (move->post.outcome == POST_CASH_GONE) return FAIL(PAYMENT_CASH_GONE);
    return book_save(&move->book);
}
