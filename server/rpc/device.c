/* SPDX-License-Identifier: Apache-2.0 */
/* DeviceService: what the office does with phones, and the rows of all its calls (a phone's own are in enrol.c). */
#include <string.h>

#include "contract.h"
#include "domain/enrol_code.h"
#include "engine/page.h"
#include "rpc/enrol.h"
#include "rpc/issue.h"
#include "rpc/services.h"
#include "store/device.h"
#include "store_statements.h"

#define REASON_LEN_MAX 500

/* ---- CreateEnrolCode ------------------------------------------------------------------------------------------ */

struct code_asked {
    user_id user;
    uuid id;
};

static tagih_err create_enrol_code_request(struct rpc_item *item) {
    const Tagih__V1__CreateEnrolCodeRequest *request = item->request;
    struct code_asked *asked = rpc_alloc(item, sizeof *asked);
    item->checked = asked;
    if (!asked) return item->err;
    rpc_check_uuid(item, "user_id", request->user_id, &asked->user.u);
    rpc_check_uuid(item, "code_id", request->code_id, &asked->id);
    return item->err;
}

static bool user_is_active(struct tx *tx) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    return result_count(&r) == 1 && result_int2(&r, 0, COL_enrol_user_state) == 1;
}

static tagih_err save_code(struct rpc_batch *batch, const struct enrol_code_row *row, int64_t *expires_us) {
    TRY(enrol_send_code(batch->tx, batch->arena, row));
    TRY(tx_sync(batch->tx));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    *expires_us = result_int8(&r, 0, COL_enrol_code_put_expires_us);
    return TAGIH_OK;
}

static tagih_err create_enrol_code(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct code_asked *asked = item->checked;
    Tagih__V1__CreateEnrolCodeResponse *out = item->response;
    TRY(enrol_send_user(batch->tx, batch->arena, asked->user));
    TRY(rpc_load(batch));
    bool active = user_is_active(batch->tx);
    if (rpc_ok(item) && !active) rpc_fail(item, FAIL(NOT_PERMITTED));
    if (!rpc_ok(item)) return TAGIH_OK;
    uint8_t drawn[ENROL_CODE_CHARACTERS];
    struct enrol_code_row row = {.user = asked->user, .has_maker = true, .maker = item->caller.user, .made = batch->now,
                                 .expires = {batch->now.us + ENROL_CODE_LASTS_US}};
    issue_code_bytes(batch->server, batch->agency, item->caller.user, asked->user, asked->id, drawn);
    out->code = rpc_alloc(item, ENROL_CODE_TEXT_SIZE);
    if (!out->code) return TAGIH_OK;
    enrol_code_make(drawn, out->code);
    TRY(enrol_code_hash(bytes_text(out->code), &row.code));
    return save_code(batch, &row, &out->expires_us);
}

/* ---- ConfirmDevice -------------------------------------------------------------------------------------------- */

static tagih_err check_device(struct rpc_item *item, const char *text) {
    device_id *device = rpc_alloc(item, sizeof *device);
    item->checked = device;
    if (device) rpc_check_uuid(item, "device_id", text, &device->u);
    return item->err;
}

static tagih_err confirm_device_request(struct rpc_item *item) {
    return check_device(item, ((const Tagih__V1__ConfirmDeviceRequest *)item->request)->device_id);
}

static tagih_err accept(struct rpc_batch *batch, device_id device, const struct device_loaded *at) {
    struct device_certificate certificate = {.agency = batch->agency, .device = device, .key = at->key, .epoch = 1,
                                             .user = at->user, .valid_from = batch->now};
    struct device_confirmed row = {.device = device, .epoch = 1, .user = at->user, .key = at->key,
                                   .actor = batch->items[0]->caller.user};
    TRY(issue_certificate(batch->server, batch->arena, &certificate, &row.certificate, &row.certificate_hash));
    return device_send_confirm(batch->tx, batch->arena, &row, batch->now);
}

/* The same decision again changes nothing; the opposite one is refused: an active phone is revoked, not refused. */
static tagih_err decide(struct rpc_batch *batch, device_id device, const struct device_loaded *at, bool accepted) {
    struct rpc_item *item = batch->items[0];
    int16_t wanted = accepted ? DEVICE_STATE_ACTIVE : DEVICE_STATE_REVOKED;
    if (uuid_equal(at->user.u, item->caller.user.u)) rpc_fail(item, FAIL(DEVICE_OWN));
    else if (at->state == wanted) return TAGIH_OK;
    else if (at->state != DEVICE_STATE_PENDING || !at->has_key) rpc_fail(item, FAIL(DEVICE_DECIDED));
    if (!rpc_ok(item)) return TAGIH_OK;
    if (accepted) return accept(batch, device, at);
    return device_send_end(batch->tx, batch->arena, device, "REFUSED", item->caller.user, bytes_text(""), batch->now);
}

/* Load the request's phone; the item fails when the caller has none such. */
static tagih_err load_device(struct rpc_batch *batch, device_id *device, struct device_loaded *at) {
    struct rpc_item *item = batch->items[0];
    *device = *(const device_id *)item->checked;
    TRY(device_send_load(batch->tx, batch->arena, *device));
    TRY(rpc_load(batch));
    bool found = device_take_load(batch->tx, at);
    if (!found) rpc_fail(item, FAIL(NOT_PERMITTED));
    return TAGIH_OK;
}

static tagih_err confirm_device(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__ConfirmDeviceRequest *request = item->request;
    device_id device;
    struct device_loaded at;
    TRY(load_device(batch, &device, &at));
    if (!rpc_ok(item)) return TAGIH_OK;
    TRY(decide(batch, device, &at, request->accept));
    ((Tagih__V1__ConfirmDeviceResponse *)item->response)->state =
        rpc_text(item, bytes_text(request->accept ? "active" : "refused"));
    return TAGIH_OK;
}

/* ---- RevokeDevice --------------------------------------------------------------------------------------------- */

static tagih_err revoke_device_request(struct rpc_item *item) {
    const Tagih__V1__RevokeDeviceRequest *request = item->request;
    rpc_check_text(item, "reason", request->reason, 1, REASON_LEN_MAX);
    return check_device(item, request->device_id);
}

static tagih_err revoke_device(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const Tagih__V1__RevokeDeviceRequest *request = item->request;
    device_id device;
    struct device_loaded at;
    TRY(load_device(batch, &device, &at));
    if (!rpc_ok(item) || at.state == DEVICE_STATE_REVOKED) return TAGIH_OK;
    return device_send_end(batch->tx, batch->arena, device, "REVOKED", item->caller.user, bytes_text(request->reason),
                           batch->now);
}

/* ---- ListDevices ---------------------------------------------------------------------------------------------- */

struct page_asked {
    int32_t size;
    bool has_before;
    device_id before;
};

static tagih_err list_devices_request(struct rpc_item *item) {
    const Tagih__V1__ListDevicesRequest *request = item->request;
    struct page_asked *asked = rpc_alloc(item, sizeof *asked);
    item->checked = asked;
    if (!asked) return item->err;
    rpc_check_page(item, request->page_size, &asked->size);
    rpc_check_page_token(item, request->page_token, bytes_text(""), &asked->before, sizeof asked->before, &asked->has_before);
    return item->err;
}

static const char *state_name(int16_t state) {
    static const char *const names[] = {"unknown", "pending", "active", "suspended", "revoked"};
    return names[state >= DEVICE_STATE_PENDING && state <= DEVICE_STATE_REVOKED ? state : 0];
}

static Tagih__V1__Device *device_message(struct rpc_item *item, const struct device_listed *row) {
    Tagih__V1__Device *out = rpc_alloc(item, sizeof *out);
    char fingerprint[5] = "";
    if (!out) return NULL;
    tagih__v1__device__init(out);
    if (row->has_key) issue_fingerprint(&row->key, fingerprint);
    out->device_id = rpc_uuid(item, row->device.u);
    out->user_id = rpc_uuid(item, row->user.u);
    out->state = rpc_text(item, bytes_text(state_name(row->state)));
    out->epoch = row->epoch;
    out->model = rpc_text(item, row->model);
    out->fingerprint = rpc_text(item, bytes_text(fingerprint));
    return out;
}

static tagih_err list_devices(struct rpc_batch *batch) {
    struct rpc_item *item = batch->items[0];
    const struct page_asked *asked = item->checked;
    Tagih__V1__ListDevicesResponse *out = item->response;
    TRY(device_send_list(batch->tx, batch->arena, asked->has_before ? &asked->before : NULL, asked->size + 1));
    TRY(rpc_load(batch));
    DEFER(result) struct result r = {0};
    tx_take(batch->tx, &r);
    if (!rpc_ok(item)) return TAGIH_OK;
    size_t n = result_count(&r), shown = n > (size_t)asked->size ? (size_t)asked->size : n;
    struct device_listed row = {0};
    out->devices = rpc_alloc(item, (shown + 1) * sizeof *out->devices);
    for (size_t i = 0; i < shown && rpc_ok(item); i++) {
        device_read_listed(&r, i, &row);
        out->devices[out->n_devices++] = device_message(item, &row);
    }
    if (n > shown) out->next_page_token = rpc_page_token(item, bytes_text(""), BYTES_OF(&row.device));
    return TAGIH_OK;
}

const struct rpc_service device_service = {
    .proto = &tagih__v1__device_service__descriptor,
    .methods = (const struct rpc_method[]){
        {RPC_METHOD("CreateEnrolCode", create_enrol_code, CreateEnrolCodeRequest, CreateEnrolCodeResponse),
         .check = create_enrol_code_request, .kind = RPC_ONE, .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true},
        {RPC_METHOD("Enrol", enrol, EnrolRequest, EnrolResponse), .check = enrol_request, .kind = RPC_OWN, .open = true,
         .writes = true},
        {RPC_METHOD("ConfirmDevice", confirm_device, ConfirmDeviceRequest, ConfirmDeviceResponse),
         .check = confirm_device_request, .kind = RPC_ONE, .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true},
        {RPC_METHOD("GetNonce", get_nonce, GetNonceRequest, GetNonceResponse), .check = get_nonce_request, .kind = RPC_OWN,
         .open = true},
        {RPC_METHOD("Authenticate", authenticate, AuthenticateRequest, AuthenticateResponse), .check = authenticate_request,
         .kind = RPC_OWN, .open = true, .writes = true},
        {RPC_METHOD("RevokeDevice", revoke_device, RevokeDeviceRequest, RevokeDeviceResponse),
         .check = revoke_device_request, .kind = RPC_ONE, .roles = ROLE_SUPERVISOR | ROLE_ADMIN, .writes = true},
        {RPC_METHOD("ListDevices", list_devices, ListDevicesRequest, ListDevicesResponse), .check = list_devices_request,
         .kind = RPC_ONE, .roles = ROLE_SUPERVISOR | ROLE_AUDITOR | ROLE_ADMIN},
        {0}}};
