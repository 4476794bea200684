/* SPDX-License-Identifier: Apache-2.0 */
/* The message of an account. Called by whoever answers with one. */
#include "rpc/account_view.h"

#include "tagih/bucket.h"

static Tagih__V1__Components *open_view(struct rpc_item *item, const int64_t open_minor[COMPONENT_COUNT]) {
    Tagih__V1__Components *open = rpc_alloc(item, sizeof *open);
    if (!open) return NULL;
    tagih__v1__components__init(open);
    open->fees_minor = open_minor[COMPONENT_FEES];
    open->penalty_minor = open_minor[COMPONENT_PENALTY];
    open->interest_minor = open_minor[COMPONENT_INTEREST];
    open->principal_minor = open_minor[COMPONENT_PRINCIPAL];
    return open;
}

/* The row's version rises with every change of it, and so does nothing else. */
static char *etag_view(struct rpc_item *item, int32_t version) {
    char *etag = arena_printf(&item->call->arena, "a%d", version);
    if (etag) return etag;
    rpc_fail(item, FAIL(OUT_OF_MEMORY));
    return (char *)(uintptr_t)protobuf_c_empty_string;
}

/* R-ALL-2: until somebody says otherwise it is under the default one. */
static void rule_set_view(struct rpc_item *item, const struct account_read *account, Tagih__V1__Account *out) {
    const struct rule_set *first = rule_set_find(RULE_SET_DEFAULT);
    bool changed = account->rule_set.len > 0;
    out->rule_set = rpc_text(item, changed ? account->rule_set : bytes_text(first->name));
    out->rule_set_version = changed ? account->rule_set_version : first->version;
    if (changed) out->rule_set_since_on = rpc_date(item, account->rule_set_since_on);
}

void account_view(struct rpc_item *item, const struct account_read *account, int32_t days_past_due,
                  Tagih__V1__Account *out) {
    tagih__v1__account__init(out);
    out->account_id = rpc_uuid(item, account->id.u);
    out->account_no = rpc_text(item, account->account_no);
    out->customer_no = rpc_text(item, account->customer_no);
    out->product = rpc_text(item, account->product);
    out->currency = rpc_text(item, account->currency);
    out->plate = rpc_text(item, account->plate);
    out->district = rpc_text(item, account->district);
    out->open = open_view(item, account->open_minor);
    out->credit_minor = account->credit_minor;
    out->days_past_due = days_past_due;
    out->bucket = (char *)(uintptr_t)bucket_name(bucket_of(&bucket_scheme_default, days_past_due));
    out->status = (char *)(uintptr_t)account_status_name(account->status);
    if (account->has_hold && account->status == ACCOUNT_HELD) out->hold_until_on = rpc_date(item, account->hold_until_on);
    if (account->has_collector) out->collector_id = rpc_uuid(item, account->collector.u);
    bool silent = account->has_silence && account->silent_until_on.days >= account->today.days;
    if (silent) out->silent_until_on = rpc_date(item, account->silent_until_on);
    out->lat_e7 = account->lat_e7;
    out->lon_e7 = account->lon_e7;
    out->no_schedule = account->no_schedule;
    rule_set_view(item, account, out);
    out->etag = etag_view(item, account->version);
}
