/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What two people released (R-JRN-6, R-REC-2), beside what its entry says: a receipt's payment, and the reversal that a void
 * became. Cash, promises and outcomes that were released stand with those that arrived in order (decoded.c).
 */
#include <string.h>

#include "rpc/entry.h"
#include "verify/entries.h"
#include "store_statements.h"

uuid verify__subject(const struct opened *o) {
    return o->sealed.owns_id ? o->entry.id.u : entry_subject(&o->sealed.envelope.hash);
}

/* ---- receipts ------------------------------------------------------------------------------------------------------- */

#define COL(name) COL_verify_posting_payments_##name

static void check_payment(struct verify *v, const struct opened *o, const struct result *r, size_t i) {
    uuid id = verify__subject(o);
    const struct verify_row row = {v, "payment", verify__key(v, BYTES_OF(&id))};
    struct post made = entry_released_payment(&o->entry.body.receipt, id, o->release.account, o->sealed.value.value,
                                              o->by.certificate.user);
    verify__uuid(&row, "account_id", result_uuid(r, i, COL(account_id)), made.account.u);
    verify__int(&row, "source", result_int2(r, i, COL(source)), made.source);
    verify__bool(&row, "source_reference", !result_is_null(r, i, COL(source_reference)), false);
    verify__int(&row, "tender", result_int2(r, i, COL(tender)), made.tender);
    verify__int(&row, "tag", result_int2(r, i, COL(tag)), made.tag);
    verify__int(&row, "amount_minor", result_int8(r, i, COL(amount_minor)), made.amount_minor);
    verify__text(&row, "currency", result_text(r, i, COL(currency)), bytes_text(made.currency.code));
    verify__int(&row, "value_us", result_int8(r, i, COL(value_us)), made.value.us);
    verify__date(&row, "value_on", result_date(r, i, COL(value_on)), o->sealed.value_on);
    verify__int(&row, "received_us", result_int8(r, i, COL(received_us)), o->release.at.us);
    verify__uuid(&row, "collector_id", result_uuid_or_nil(r, i, COL(collector_id)), made.collector.u);
}

#undef COL

/* ---- voids ----------------------------------------------------------------------------------------------------------- */

#define COL(name) COL_verify_posting_reversals_##name

static void check_reversal(struct verify *v, const struct opened *o, const struct result *r, size_t i) {
    const struct verify_row row = {v, "payment_reversal", verify__key(v, BYTES_OF(&o->entry.body.voided.receipt))};
    verify__int(&row, "reason", result_int2(r, i, COL(reason)), REVERSAL_VOID);
    verify__int(&row, "at_us", result_int8(r, i, COL(at_us)), o->release.at.us);
}

#undef COL

/* ---- a chunk --------------------------------------------------------------------------------------------------------- */

static bool has_payment(const struct opened *o) {
    return o->is && o->released && o->entry.kind == JOURNAL_RECEIPT;
}

/* One that found its receipt taken back, or dropped, had nothing left to do. */
static bool has_reversal(const struct opened *o) {
    return o->is && o->released && o->entry.kind == JOURNAL_VOID && !(o->release.flags & fate_bit(REASON_NO_EFFECT));
}

struct released {
    const struct opened **all; /* of one kind */
    uuid *postings, *payments;
    size_t n;
};

static tagih_err choose(struct verify *v, const struct opened *all, size_t n, bool (*is)(const struct opened *o),
                        struct released *out) {
    *out = (struct released){.all = ARENA_ARRAY(v->arena, n, const struct opened *),
                             .postings = ARENA_ARRAY(v->arena, n, uuid),
                             .payments = ARENA_ARRAY(v->arena, n, uuid)};
    if (!out->all || !out->postings || !out->payments) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        if (!is(&all[i])) continue;
        out->all[out->n] = &all[i];
        out->postings[out->n] = all[i].release.posting;
        out->payments[out->n++] =
            all[i].entry.kind == JOURNAL_VOID ? all[i].entry.body.voided.receipt.u : verify__subject(&all[i]);
    }
    return TAGIH_OK;
}

/* The rows have the number of what was asked about first. */
static void compare(struct verify *v, const struct released *released, const char *table, const struct result *r,
                    void (*check)(struct verify *v, const struct opened *o, const struct result *r, size_t i)) {
    size_t at = 0;
    for (size_t i = 0; i < released->n; i++) {
        const struct verify_row row = {v, table, verify__key(v, BYTES_OF(&released->payments[i]))};
        bool there = at < result_count(r) && (size_t)result_int4(r, at, 0) == i;
        if (there) check(v, released->all[i], r, at++);
        else verify__differs(&row, "", "no row", "the row that its entry became when it was released");
    }
}

static tagih_err check_payments(struct verify *v, const struct opened *all, size_t n) {
    struct released released;
    DEFER(result) struct result r = {0};
    TRY(choose(v, all, n, has_payment, &released));
    if (released.n == 0) return TAGIH_OK;
    TRY(verify__send_ids(v, STMT_verify_posting_payments, released.payments, released.n));
    TRY(tx_sync(v->tx));
    tx_take(v->tx, &r);
    compare(v, &released, "payment", &r, check_payment);
    return TAGIH_OK;
}

static tagih_err check_reversals(struct verify *v, const struct opened *all, size_t n) {
    struct released released;
    struct params p;
    DEFER(result) struct result r = {0};
    TRY(choose(v, all, n, has_reversal, &released));
    if (released.n == 0) return TAGIH_OK;
    tx_params(&p, v->tx, v->arena, STMT_verify_posting_reversals, released.n);
    params_uuid(&p, released.postings, sizeof *released.postings);
    params_uuid(&p, released.payments, sizeof *released.payments);
    TRY(tx_send(v->tx, &p));
    TRY(tx_sync(v->tx));
    tx_take(v->tx, &r);
    compare(v, &released, "payment_reversal", &r, check_reversal);
    return TAGIH_OK;
}

tagih_err verify__released(struct verify *v, const struct opened *all, size_t n) {
    TRY(check_payments(v, all, n));
    return check_reversals(v, all, n);
}
