/* SPDX-License-Identifier: Apache-2.0 */
/* The message of a payment. Called by whoever answers with one. */
#include "rpc/payment_view.h"

#include "tagih/payment.h"

Tagih__V1__Components *components_view(struct rpc_item *item, const int64_t minor[COMPONENT_COUNT]) {
    Tagih__V1__Components *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__components__init(out);
    out->fees_minor = minor[COMPONENT_FEES];
    out->penalty_minor = minor[COMPONENT_PENALTY];
    out->interest_minor = minor[COMPONENT_INTEREST];
    out->principal_minor = minor[COMPONENT_PRINCIPAL];
    return out;
}

void components_read(const Tagih__V1__Components *message, int64_t out_minor[COMPONENT_COUNT]) {
    out_minor[COMPONENT_FEES] = message->fees_minor;
    out_minor[COMPONENT_PENALTY] = message->penalty_minor;
    out_minor[COMPONENT_INTEREST] = message->interest_minor;
    out_minor[COMPONENT_PRINCIPAL] = message->principal_minor;
}

Tagih__V1__Money *money_view(struct rpc_item *item, int64_t minor, struct bytes in) {
    Tagih__V1__Money *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__money__init(out);
    out->minor = minor;
    out->currency = rpc_text(item, in);
    return out;
}

char *payment_etag(struct rpc_item *item, const struct payment_read *read) {
    struct arena *arena = &item->call->arena;
    const char *end = read->reversed ? "r" : "";
    char *etag = read->retags ? arena_printf(arena, "p%dt%d%s", read->version, read->retags, end)
                              : arena_printf(arena, "p%d%s", read->version, end);
    if (etag) return etag;
    rpc_fail(item, FAIL(OUT_OF_MEMORY));
    return (char *)(uintptr_t)protobuf_c_empty_string;
}

static void allocation_view(struct rpc_item *item, const struct payment_part *parts, size_t n, Tagih__V1__Payment *out) {
    out->allocation = rpc_alloc(item, (n + 1) * sizeof *out->allocation);
    for (size_t i = 0; out->allocation && i < n; i++) {
        Tagih__V1__AllocationPart *part = rpc_alloc(item, sizeof *part);
        if (!part) return;
        tagih__v1__allocation_part__init(part);
        part->instalment = parts[i].instalment_no;
        part->parts = components_view(item, parts[i].component_minor);
        part->credit_minor = parts[i].credit_minor;
        out->allocation[out->n_allocation++] = part;
    }
}

Tagih__V1__Payment *payment_view(struct rpc_item *item, const struct payment_read *read, const struct payment_part *parts,
                                 size_t n_parts) {
    Tagih__V1__Payment *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__payment__init(out);
    out->payment_id = rpc_uuid(item, read->id.u);
    out->account_id = rpc_uuid(item, read->account.u);
    out->source = (Tagih__V1__PaymentSource)read->source; /* the numbers are the same: payment_spec */
    out->source_reference = rpc_text(item, read->reference);
    out->tender = (Tagih__V1__Tender)read->tender;
    out->tag = (char *)(uintptr_t)payment_tag_name((enum payment_tag)read->tag);
    out->amount = money_view(item, read->amount_minor, read->currency);
    out->value_us = read->value_us;
    out->value_on = rpc_date(item, read->value_on);
    out->posting_on = rpc_date(item, read->posting_on);
    if (read->has_collector) out->collector_id = rpc_uuid(item, read->collector.u);
    out->reversed = read->reversed;
    out->etag = payment_etag(item, read);
    allocation_view(item, parts, n_parts, out);
    return out;
}
