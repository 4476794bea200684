/* SPDX-License-Identifier: Apache-2.0 */
/* Keys first, in a transaction that only reads; then the body; then one payment like any other (paying.h). */
#include "rpc/gateway.h"

#include <jansson.h>
#include <sodium.h>
#include <string.h>

#include "contract.h"
#include "domain/payment_row.h"
#include "engine/feed.h"
#include "engine/server.h"
#include "rpc/paying.h"
#include "run/clock.h"
#include "store/gateway.h"

#define SIGNATURE_MAX crypto_sign_BYTES

/* One notification on its way. */
struct notice {
    struct rpc_batch *batch;
    struct rpc_item *item;
    agency_id agency;
    struct gateway_key keys[GATEWAY_KEYS_MAX];
    size_t n_keys;
    struct payment_row_read row;
    currency currency;
    char *reference; /* with the gateway's name: two gateways may use one reference */
    struct paying paying;
};

tagih_err gateway_notify_request(struct rpc_item *item) {
    const Tagih__V1__NotifyGatewayPaymentRequest *request = item->request;
    agency_id *agency = rpc_alloc(item, sizeof *agency);
    item->checked = agency;
    if (!agency) return item->err;
    rpc_check_uuid(item, "agency_id", request->agency_id, &agency->u);
    rpc_check_text(item, "gateway", request->gateway, 1, GATEWAY_NAME_MAX);
    if (request->body.len < 2 || request->body.len > GATEWAY_BODY_MAX) rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "body");
    if (request->signature.len < 1 || request->signature.len > SIGNATURE_MAX) {
        rpc_problem(item, FAIL(REQUEST_FIELD_RANGE), "signature");
    }
    return item->err;
}

static tagih_err run_in(struct notice *notice, bool read_only, tx_body_fn body) {
    struct tx_options options = {.agency = notice->agency, .deadline_us = notice->item->call->deadline_us,
                                 .read_only = read_only, .name = "NotifyGatewayPayment"};
    return tx_run(notice->batch->db, &options, body, notice);
}

/* ---- who ------------------------------------------------------------------------------------------------------ */

static bool key_fits(const struct gateway_key *key, ProtobufCBinaryData body, ProtobufCBinaryData signature) {
    if (key->algorithm == GATEWAY_ED25519) {
        return signature.len == crypto_sign_BYTES && crypto_sign_verify_detached(signature.data, body.data, body.len, key->key) == 0;
    }
    return signature.len == crypto_auth_hmacsha256_BYTES &&
           crypto_auth_hmacsha256_verify(signature.data, body.data, body.len, key->key) == 0;
}

static tagih_err load_keys(struct tx *tx, void *context) {
    struct notice *notice = context;
    const Tagih__V1__NotifyGatewayPaymentRequest *request = notice->item->request;
    arena_reset(notice->batch->arena);
    TRY(gateway_send_keys(tx, notice->batch->arena, bytes_text(request->gateway)));
    TRY(tx_sync(tx));
    gateway_take_keys(tx, notice->keys, &notice->n_keys);
    return TAGIH_OK;
}

/* An agency or gateway that does not exist answers as a wrong signature does. */
static tagih_err check_signature(struct notice *notice) {
    const Tagih__V1__NotifyGatewayPaymentRequest *request = notice->item->request;
    tagih_err err = run_in(notice, true, load_keys);
    bool fits = false;
    for (size_t i = 0; i < notice->n_keys; i++) fits |= key_fits(&notice->keys[i], request->body, request->signature);
    sodium_memzero(notice->keys, sizeof notice->keys);
    TRY(err);
    return fits ? TAGIH_OK : FAIL(GATEWAY_SIGNATURE);
}

/* ---- what ----------------------------------------------------------------------------------------------------- */

static struct bytes text_of(struct rpc_item *item, const json_t *body, const char *name) {
    const json_t *value = json_object_get(body, name);
    if (!json_is_string(value)) return (struct bytes){NULL, 0};
    return arena_copy(&item->call->arena, bytes_make(json_string_value(value), json_string_length(value)));
}

static tagih_err read_fields(struct notice *notice, const json_t *body) {
    struct rpc_item *item = notice->item;
    struct bytes code = text_of(item, body, "currency");
    tagih_err err = currency_parse(code, &notice->currency);
    if (!err_is_ok(err)) {
        rpc_problem(item, code.len ? err : FAIL(REQUEST_FIELD_MISSING), "body.currency");
        return item->err;
    }
    struct payment_text text = {{[PAYMENT_COLUMN_ACCOUNT_NO] = text_of(item, body, "account_no"),
                                 [PAYMENT_COLUMN_REFERENCE] = text_of(item, body, "reference"),
                                 [PAYMENT_COLUMN_AMOUNT] = text_of(item, body, "amount"),
                                 [PAYMENT_COLUMN_PAID_AT] = text_of(item, body, "paid_at")}};
    enum payment_column column;
    err = payment_row_parse(&text, SOURCE_GATEWAY, notice->currency, &notice->row, &column);
    if (err_is_ok(err) && notice->row.paid_at.is_local) { /* whose wall clock would it be? */
        err = FAIL(DATE_SYNTAX);
        column = PAYMENT_COLUMN_PAID_AT;
    }
    if (err_is_ok(err)) {
        column = PAYMENT_COLUMN_PAID_AT;
        err = paying_value_check((instant){notice->row.paid_at.us}, notice->batch->now);
    }
    if (!err_is_ok(err)) rpc_problem(item, err, "body.%s", payment_column_name(column));
    return item->err;
}

static tagih_err read_body(struct notice *notice) {
    struct rpc_item *item = notice->item;
    const Tagih__V1__NotifyGatewayPaymentRequest *request = item->request;
    json_t *body = json_loadb((const char *)request->body.data, request->body.len, JSON_REJECT_DUPLICATES, NULL);
    tagih_err err = json_is_object(body) ? read_fields(notice, body) : FAIL(GATEWAY_BODY);
    json_decref(body);
    TRY(err);
    notice->reference = arena_printf(&item->call->arena, "%s:%.*s", request->gateway, (int)notice->row.reference.len,
                                     (const char *)notice->row.reference.data);
    if (!notice->reference) return FAIL(OUT_OF_MEMORY);
    if (strlen(notice->reference) <= PAYMENT_REFERENCE_MAX) return TAGIH_OK;
    rpc_problem(item, FAIL(TEXT_INVALID), "body.reference");
    return item->err;
}

/* ---- the payment ---------------------------------------------------------------------------------------------- */

static tagih_err post(struct tx *tx, void *context) {
    struct notice *notice = context;
    struct rpc_batch *batch = notice->batch;
    arena_reset(batch->arena);
    notice->paying = (struct paying){.identity = {SOURCE_GATEWAY, bytes_text(notice->reference)}, .tag = notice->row.tag,
                                     .amount_minor = notice->row.amount_minor, .currency = notice->currency,
                                     .value = {notice->row.paid_at.us}, .note = notice->row.account_no};
    TRY(gateway_send_account(tx, batch->arena, notice->row.account_no));
    TRY(tx_sync(tx));
    gateway_take_account(tx, &notice->paying.account);
    struct paying_book all;
    TRY(paying_begin(&all, tx, batch->arena, notice->agency, batch->writer, batch->now, &notice->paying, 1, NULL));
    TRY(paying_send_load(&all));
    TRY(tx_sync(tx));
    TRY(paying_take_load(&all));
    TRY(paying_decide(&all));
    TRY(notice->paying.err);
    return paying_save(&all);
}

static void answer(struct notice *notice) {
    Tagih__V1__NotifyGatewayPaymentResponse *out = notice->item->response;
    char *id = rpc_uuid(notice->item, notice->paying.payment.u);
    if (notice->paying.suspense) out->suspense_item_id = id;
    else out->payment_id = id;
}

static tagih_err notify_one(struct rpc_batch *batch, struct rpc_item *item) {
    struct notice notice = {.batch = batch, .item = item, .agency = *(const agency_id *)item->checked};
    if (item->call->deadline_us <= clock_monotonic_us()) return FAIL(DEADLINE_SHORT);
    TRY(check_signature(&notice));
    TRY(read_body(&notice));
    TRY(run_in(&notice, false, post));
    feed_dirty(batch->server->feed, notice.agency);
    answer(&notice);
    return item->err;
}

tagih_err gateway_notify(struct rpc_batch *batch) {
    for (size_t i = 0; i < batch->n; i++) rpc_fail(batch->items[i], notify_one(batch, batch->items[i]));
    return TAGIH_OK;
}
