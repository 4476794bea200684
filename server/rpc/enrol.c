/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of a phone that has no token yet: hand in a key, get a nonce, sign it (R-JRN-1). A signature proves the
 * key, the code or the phone's row tell the agency, and the rest happens in a transaction of that agency.
 */
#include "rpc/enrol.h"

#include <string.h>

#include "domain/enrol_code.h"
#include "rpc/issue.h"
#include "run/random.h"
#include "store/device.h"
#include "store/guess.h"

#define MODEL_LEN_MAX 100

/* ---- Enrol ---------------------------------------------------------------------------------------------------- */

struct enrolment {
    struct rpc_batch *batch;
    struct rpc_item *item;
    struct enrol_row row;
    struct bytes proof;
};

tagih_err enrol_request(struct rpc_item *item) {
    const Tagih__V1__EnrolRequest *request = item->request;
    struct enrolment *e = rpc_alloc(item, sizeof *e);
    if (!e) return item->err;
    item->checked = e;
    tagih_err code = enrol_code_hash(bytes_text(request->code), &e->row.code);
    if (!err_is_ok(code)) rpc_fail(item, code);
    rpc_check_text(item, "model", request->model, 0, MODEL_LEN_MAX);
    e->row.model = bytes_text(request->model);
    e->proof = bytes_make(request->proof.data, request->proof.len);
    if (request->public_key.len != sizeof e->row.key.b) {
        rpc_problem(item, FAIL(ENVELOPE_KEY), "public_key");
        return item->err;
    }
    memcpy(e->row.key.b, request->public_key.data, sizeof e->row.key.b);
    tagih_err key = public_key_check(&e->row.key);
    if (!err_is_ok(key)) rpc_problem(item, key, "public_key");
    return item->err;
}

/* Whoever signs knows the code and holds the key. */
static tagih_err check_proof(const struct rpc_server *server, const struct enrolment *e) {
    struct enrolment_proof proof;
    struct envelope envelope;
    if (!err_is_ok(enrolment_proof_open(e->proof, server->installation, &proof, &envelope))) return FAIL(ENROL_PROOF);
    bool fits = memcmp(proof.key.b, e->row.key.b, sizeof proof.key.b) == 0 && hash256_equal(&proof.code_hash, &e->row.code) &&
                key_id_equal(envelope.kid, key_id_of(&e->row.key)) && err_is_ok(envelope_verify(&envelope, &e->row.key));
    return fits ? TAGIH_OK : FAIL(ENROL_PROOF);
}

static tagih_err judge_code(const struct enrol_loaded *at, instant now) {
    if (at->used) return FAIL(ENROL_CODE_USED);
    if (now.us >= at->expires.us) return FAIL(ENROL_CODE_EXPIRED);
    if (!at->staff_active) return FAIL(CALLER_REVOKED);
    return at->key_seen ? FAIL(DEVICE_KEY_SEEN) : TAGIH_OK;
}

static tagih_err enrol_in(struct tx *tx, void *context) {
    struct enrolment *e = context;
    struct enrol_loaded at;
    TRY(enrol_send_load(tx, e->batch->arena, &e->row.code, &e->row.key));
    TRY(tx_sync(tx));
    if (!enrol_take_load(tx, &at)) return FAIL(ENROL_CODE_UNKNOWN);
    e->item->caller.user = e->row.user = at.user;
    if (at.used && at.same_key) { /* the reply was lost */
        e->row.device = at.device;
        return TAGIH_OK;
    }
    TRY(judge_code(&at, e->batch->now));
    return enrol_send_save(tx, e->batch->arena, &e->row, e->batch->now);
}

static void answer_enrol(struct rpc_item *item, const struct rpc_server *server, const struct enrol_row *row) {
    Tagih__V1__EnrolResponse *out = item->response;
    out->device_id = rpc_uuid(item, row->device.u);
    out->installation_id.data = rpc_alloc(item, sizeof server->installation.b);
    out->fingerprint = rpc_alloc(item, 5);
    if (!rpc_ok(item)) return;
    out->installation_id.len = sizeof server->installation.b;
    memcpy(out->installation_id.data, server->installation.b, sizeof server->installation.b);
    issue_fingerprint(&row->key, out->fingerprint);
}

/* Codes that do not exist are counted by who tries them; a phone that has the code is no guess. */
static tagih_err enrol_one(struct rpc_batch *batch, struct rpc_item *item) {
    struct enrolment *e = item->checked;
    int64_t until = item->call->deadline_us;
    agency_id agency;
    hash256 guess = guess_key("enrol", item->call->peer);
    TRY(check_proof(batch->server, e));
    TRY(guess_take(batch->db, batch->arena, &guess, batch->now, until, &item->retry_after_us));
    TRY(enrol_code_find(batch->db, batch->arena, &e->row.code, until, &agency));
    if (uuid_is_nil(agency.u)) return FAIL(ENROL_CODE_UNKNOWN);
    TRY(guess_forgive(batch->db, batch->arena, &guess, false, until));
    item->caller.agency = agency;
    e->batch = batch;
    e->item = item;
    e->row.device.u = random_id();
    TRY(tx_run(batch->db, &(struct tx_options){.agency = agency, .deadline_us = until, .name = "Enrol"}, enrol_in, e));
    answer_enrol(item, batch->server, &e->row);
    return item->err;
}

tagih_err enrol(struct rpc_batch *batch) {
    for (size_t i = 0; i < batch->n; i++) rpc_fail(batch->items[i], enrol_one(batch, batch->items[i]));
    return TAGIH_OK;
}

/* ---- GetNonce ------------------------------------------------------------------------------------------------- */

static tagih_err check_device(struct rpc_item *item, const char *text) {
    device_id *device = rpc_alloc(item, sizeof *device);
    item->checked = device;
    if (device) rpc_check_uuid(item, "device_id", text, &device->u);
    return item->err;
}

tagih_err get_nonce_request(struct rpc_item *item) {
    return check_device(item, ((const Tagih__V1__GetNonceRequest *)item->request)->device_id);
}

/* Nothing is looked up: a phone that does not exist gets a nonce as well, and learns nothing. */
tagih_err get_nonce(struct rpc_batch *batch) {
    for (size_t i = 0; i < batch->n; i++) {
        struct rpc_item *item = batch->items[i];
        Tagih__V1__GetNonceResponse *out = item->response;
        out->nonce.data = rpc_alloc(item, 32);
        if (!out->nonce.data) continue;
        out->nonce.len = 32;
        issue_nonce(batch->server, *(const device_id *)item->checked, batch->now, out->nonce.data);
    }
    return TAGIH_OK;
}

/* ---- Authenticate --------------------------------------------------------------------------------------------- */

struct authentication {
    struct rpc_batch *batch;
    struct rpc_item *item;
    device_id device;
    struct nonce_proof proof;
    struct envelope envelope;
    struct device_proof at;
    struct cash_terms terms; /* of the allowance */
};

tagih_err authenticate_request(struct rpc_item *item) {
    return check_device(item, ((const Tagih__V1__AuthenticateRequest *)item->request)->device_id);
}

/* The key first: only who holds it learns what became of the phone. */
static tagih_err judge_proof(const struct authentication *a) {
    const struct device_proof *at = &a->at;
    if (!at->has_key || a->proof.epoch != at->epoch || !key_id_equal(a->envelope.kid, key_id_of(&at->key)) ||
        !err_is_ok(envelope_verify(&a->envelope, &at->key))) {
        return FAIL(DEVICE_PROOF);
    }
    if (at->state == DEVICE_STATE_PENDING) return FAIL(DEVICE_PENDING);
    return at->state == DEVICE_STATE_ACTIVE && at->staff_active ? TAGIH_OK : FAIL(CALLER_REVOKED);
}

static tagih_err authenticate_in(struct tx *tx, void *context) {
    struct authentication *a = context;
    struct arena *arena = a->batch->arena;
    TRY(device_send_proof(tx, arena, a->device));
    TRY(tx_sync(tx));
    if (!device_take_proof(tx, arena, &a->at)) return FAIL(DEVICE_PROOF);
    TRY(judge_proof(a));
    TRY(cash_send_terms(tx, arena, &a->at.user, 1, a->batch->now));
    TRY(tx_sync(tx));
    cash_take_terms(tx, &a->terms, 1);
    return device_send_seen(tx, arena, a->device, a->batch->now);
}

static ProtobufCBinaryData binary(struct rpc_item *item, struct bytes in) {
    struct bytes copy = arena_copy(&item->call->arena, in);
    if (!copy.data) rpc_fail(item, FAIL(OUT_OF_MEMORY));
    return (ProtobufCBinaryData){copy.len, (uint8_t *)(uintptr_t)copy.data};
}

/* Every key that ever signed a document of ours: a phone may hold old ones. */
static void answer_keys(struct rpc_item *item, const struct keyring *keys, Tagih__V1__AuthenticateResponse *out) {
    out->server_keys = rpc_alloc(item, (keys->count + 1) * sizeof *out->server_keys);
    for (size_t i = 0; out->server_keys && i < keys->count; i++) {
        if (keys->keys[i].purpose == KEY_TOKEN) continue;
        out->server_keys[out->n_server_keys++] = binary(item, BYTES_OF(&keys->keys[i].public_key));
    }
}

static tagih_err answer_authenticate(const struct authentication *a, agency_id agency) {
    struct rpc_item *item = a->item;
    const struct rpc_server *server = a->batch->server;
    Tagih__V1__AuthenticateResponse *out = item->response;
    struct bytes allowance;
    TRY(issue_token(server, item, agency, a->at.user, &a->device, a->batch->now, &out->access_token, &out->access_expires_us));
    TRY(issue_allowance(server, &item->call->arena, a->device, a->at.user, &a->terms, a->batch->now, &allowance));
    out->certificate = binary(item, a->at.certificate);
    out->allowance = (ProtobufCBinaryData){allowance.len, (uint8_t *)(uintptr_t)allowance.data};
    answer_keys(item, server->keys, out);
    return item->err;
}

static tagih_err open_proof(struct authentication *a) {
    const Tagih__V1__AuthenticateRequest *request = a->item->request;
    const struct rpc_server *server = a->batch->server;
    struct bytes in = bytes_make(request->proof.data, request->proof.len);
    if (!err_is_ok(nonce_proof_open(in, server->installation, &a->proof, &a->envelope))) return FAIL(DEVICE_PROOF);
    if (!uuid_equal(a->proof.device.u, a->device.u)) return FAIL(DEVICE_PROOF);
    return nonce_check(server, a->device, a->proof.nonce, a->batch->now);
}

static tagih_err authenticate_one(struct rpc_batch *batch, struct rpc_item *item) {
    struct authentication a = {.batch = batch, .item = item, .device = *(const device_id *)item->checked};
    int64_t until = item->call->deadline_us;
    agency_id agency;
    TRY(open_proof(&a));
    TRY(device_find(batch->db, batch->arena, a.device, until, &agency));
    if (uuid_is_nil(agency.u)) return FAIL(DEVICE_PROOF);
    item->caller.agency = agency;
    item->caller.device = a.device;
    TRY(tx_run(batch->db, &(struct tx_options){.agency = agency, .deadline_us = until, .name = "Authenticate"},
               authenticate_in, &a));
    item->caller.user = a.at.user;
    return answer_authenticate(&a, agency);
}

tagih_err authenticate(struct rpc_batch *batch) {
    for (size_t i = 0; i < batch->n; i++) rpc_fail(batch->items[i], authenticate_one(batch, batch->items[i]));
    return TAGIH_OK;
}
