/* SPDX-License-Identifier: Apache-2.0 */
/* What promise_view.h says. */
#include "rpc/promise_view.h"

#include "domain/account.h"
#include "rpc/payment_view.h"

#define REFUSALS 5

char *promise_date(struct rpc_item *item, civil_date on) {
    char text[DATE_TEXT_SIZE];
    date_format(on, text);
    return rpc_text(item, bytes_text(text));
}

char *promise_etag(struct rpc_item *item, int32_t version) {
    char *etag = arena_printf(&item->call->arena, "s%d", version);
    if (etag) return etag;
    rpc_fail(item, FAIL(OUT_OF_MEMORY));
    return (char *)(uintptr_t)protobuf_c_empty_string;
}

static void refusals_view(struct rpc_item *item, int16_t refused, Tagih__V1__Promise *out) {
    out->refused = rpc_alloc(item, REFUSALS * sizeof *out->refused);
    for (int bit = 0; out->refused && bit < REFUSALS; bit++) {
        if (refused >> bit & 1) out->refused[out->n_refused++] = (Tagih__V1__PromiseRefusal)(bit + 1);
    }
}

static void origin_view(struct rpc_item *item, const struct promise_read *read, Tagih__V1__Promise *out) {
    if (read->has_collector) out->collector_id = rpc_uuid(item, read->collector.u);
    if (read->has_actor) out->made_by = rpc_uuid(item, read->actor.u);
    if (read->has_visit) out->visit_id = rpc_uuid(item, read->visit.u);
    out->has_position = read->has_position;
    out->lat_e7 = read->lat_e7;
    out->lon_e7 = read->lon_e7;
    out->made_us = read->made_us;
}

Tagih__V1__Promise *promise_view(struct rpc_item *item, const struct promise_read *read) {
    Tagih__V1__Promise *out = rpc_alloc(item, sizeof *out);
    if (!out) return NULL;
    tagih__v1__promise__init(out);
    out->promise_id = rpc_uuid(item, read->id.u);
    out->account_id = rpc_uuid(item, read->account.u);
    out->amount = money_view(item, read->amount_minor, read->currency);
    out->due_on = promise_date(item, read->due_on);
    out->promiser = (Tagih__V1__Promiser)read->promiser;
    out->promiser_name = rpc_text(item, read->promiser_name);
    out->channel = (Tagih__V1__PromiseChannel)read->channel;
    out->note = rpc_text(item, read->note);
    origin_view(item, read, out);
    out->state = (Tagih__V1__PromiseState)read->state; /* the numbers are the same: promise_spec */
    out->received_minor = read->received_minor;
    if (read->has_by) out->by_id = rpc_uuid(item, read->by);
    refusals_view(item, read->refused, out);
    if (read->has_plan) out->plan_id = rpc_uuid(item, read->plan.u);
    out->instalment = read->instalment_no;
    out->etag = promise_etag(item, read->version);
    return out;
}

bool promise_may_see(const struct rpc_item *item, bool has_assigned, user_id assigned) {
    if (item->caller.roles & ROLES_OFFICE) return true;
    return has_assigned && uuid_equal(assigned.u, item->caller.user.u);
}

tagih_err promise_account_check(const struct rpc_item *item, const struct posting_account *account, currency in) {
    if (!account || !promise_may_see(item, account->has_collector, account->collector)) return FAIL(NOT_PERMITTED);
    if (!currency_equal(account->currency, in)) return FAIL(ACCOUNT_CURRENCY);
    return account_status_is_closed(account->status) ? FAIL(PROMISE_ACCOUNT_CLOSED) : TAGIH_OK;
}
