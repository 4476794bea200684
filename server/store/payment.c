/* SPDX-License-Identifier: Apache-2.0 */
/* Payments: columns in, columns out. */
#include "store/payment.h"

#include <string.h>

#include "store_statements.h"

/* ---- identity ------------------------------------------------------------------------------------------------- */

static tagih_err send_identities(struct tx *tx, struct arena *arena, const struct statement *statement,
                                 const struct payment_identity *identities, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, statement, n);
    params_int2(&p, &identities[0].source, sizeof *identities);
    params_text(&p, &identities[0].reference, sizeof *identities);
    return tx_send(tx, &p);
}

tagih_err payment_send_identity_lock(struct tx *tx, struct arena *arena, const struct payment_identity *identities, size_t n) {
    return send_identities(tx, arena, STMT_payment_identity_lock, identities, n);
}

tagih_err payment_send_identities(struct tx *tx, struct arena *arena, const struct payment_identity *identities, size_t n) {
    return send_identities(tx, arena, STMT_payment_identity_load, identities, n);
}

#define COL(name) COL_payment_identity_load_##name
void payment_take_identities(struct tx *tx, struct payment_known *out, size_t n) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    memset(out, 0, n * sizeof *out);
    for (size_t i = 0; i < result_count(&r); i++) {
        struct payment_known *known = &out[result_int4(&r, i, COL(row))];
        *known = (struct payment_known){.known = true, .payment.u = result_uuid(&r, i, COL(payment_id)),
                                        .account.u = result_uuid(&r, i, COL(account_id)),
                                        .tag = (enum payment_tag)result_int2(&r, i, COL(tag)),
                                        .amount_minor = result_int8(&r, i, COL(amount_minor)),
                                        .value.us = result_int8(&r, i, COL(value_us))};
        known->currency = result_currency(&r, i, COL(currency));
    }
}

/* ---- one and many --------------------------------------------------------------------------------------------- */

tagih_err payment_send_get(struct tx *tx, struct arena *arena, const payment_id *ids, size_t n) {
    return tx_send_ids(tx, arena, STMT_payment_get, &ids->u, n);
}

tagih_err payment_send_allocations(struct tx *tx, struct arena *arena, const payment_id *ids, size_t n) {
    return tx_send_ids(tx, arena, STMT_payment_allocations, &ids->u, n);
}

tagih_err payment_send_list(struct tx *tx, struct arena *arena, account_id account, int64_t after_us, payment_id after,
                            int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_payment_list, 0);
    params_one_uuid(&p, &account);
    params_one_int8(&p, after_us);
    params_one_uuid(&p, &after);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_payment_get_##name
/* payment_get and payment_list have the same columns. */
void payment_read_row(const struct result *r, size_t i, struct payment_read *out) {
    *out = (struct payment_read){
        .id.u = result_uuid(r, i, COL(payment_id)), .account.u = result_uuid(r, i, COL(account_id)),
        .source = result_int2(r, i, COL(source)), .tender = result_int2(r, i, COL(tender)), .tag = result_int2(r, i, COL(tag)),
        .currency = result_text(r, i, COL(currency)), .amount_minor = result_int8(r, i, COL(amount_minor)),
        .value_us = result_int8(r, i, COL(value_us)), .value_on = result_date(r, i, COL(value_on)),
        .posting_on = result_date(r, i, COL(posting_on)), .has_collector = !result_is_null(r, i, COL(collector_id)),
        .has_assigned = !result_is_null(r, i, COL(assigned_id)), .reversed = result_bool(r, i, COL(reversed)),
        .collector.u = result_uuid_or_nil(r, i, COL(collector_id)), .assigned.u = result_uuid_or_nil(r, i, COL(assigned_id)),
        .version = result_int4_or(r, i, COL(version), 0), .retags = result_int4_or(r, i, COL(retags), 0)};
    out->reference = result_is_null(r, i, COL(source_reference)) ? bytes_text("") : result_text(r, i, COL(source_reference));
}

#undef COL
#define COL(name) COL_payment_allocations_##name
void payment_read_part(const struct result *r, size_t i, struct payment_part *out) {
    *out = (struct payment_part){
        .payment = (size_t)result_int4(r, i, COL(row)), .instalment_no = result_int4(r, i, COL(instalment_no)),
        .component_minor = {[COMPONENT_FEES] = result_int8(r, i, COL(fees_minor)),
                            [COMPONENT_PENALTY] = result_int8(r, i, COL(penalty_minor)),
                            [COMPONENT_INTEREST] = result_int8(r, i, COL(interest_minor)),
                            [COMPONENT_PRINCIPAL] = result_int8(r, i, COL(principal_minor))},
        .credit_minor = result_int8(r, i, COL(credit_minor))};
}

/* ---- account and receipt -------------------------------------------------------------------------------------- */

tagih_err payment_send_account(struct tx *tx, struct arena *arena, account_id account) {
    struct params p;
    tx_params(&p, tx, arena, STMT_payment_account, 0);
    params_one_uuid(&p, &account);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_payment_account_##name
void payment_take_account(struct tx *tx, struct payment_account *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *out = (struct payment_account){.found = result_count(&r) == 1};
    if (!out->found) return;
    out->has_collector = !result_is_null(&r, 0, COL(collector_id));
    out->collector.u = result_uuid_or_nil(&r, 0, COL(collector_id));
    out->open_minor[COMPONENT_FEES] = result_int8(&r, 0, COL(fees_minor));
    out->open_minor[COMPONENT_PENALTY] = result_int8(&r, 0, COL(penalty_minor));
    out->open_minor[COMPONENT_INTEREST] = result_int8(&r, 0, COL(interest_minor));
    out->open_minor[COMPONENT_PRINCIPAL] = result_int8(&r, 0, COL(principal_minor));
    out->credit_minor = result_int8(&r, 0, COL(credit_minor));
}

tagih_err payment_send_device_lock(struct tx *tx, struct arena *arena, payment_id payment) {
    return tx_send_id(tx, arena, STMT_payment_device_lock, payment.u);
}

tagih_err payment_send_settled(struct tx *tx, struct arena *arena, payment_id payment) {
    return tx_send_id(tx, arena, STMT_payment_settled, payment.u);
}

bool payment_take_settled(struct tx *tx) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    return result_count(&r) == 1 && result_bool(&r, 0, COL_payment_settled_settled);
}
