/* SPDX-License-Identifier: Apache-2.0 */
/* Phones: columns in, columns out. */
#include "store/device.h"

#include <string.h>

#include "store/change.h"
#include "store_statements.h"

static void read_key(const struct result *r, size_t row, int col, bool *has, public_key *out) {
    *has = !result_is_null(r, row, col);
    if (!*has) return;
    hash256 bytes = result_hash(r, row, col);
    memcpy(out->b, bytes.b, sizeof out->b);
}

static bool is_active(const struct result *r, int col) {
    return !result_is_null(r, 0, col) && result_int2(r, 0, col) == 1;
}

/* A statement about one phone, begun: agency and device. */
static void begin(struct params *p, struct tx *tx, struct arena *arena, const struct statement *statement, device_id device) {
    params_init(p, arena, statement, 0);
    params_one_uuid(p, &tx->options->agency);
    params_one_uuid(p, &device);
}

static tagih_err send_lock(struct tx *tx, struct arena *arena, device_id device) {
    struct params p;
    params_init(&p, arena, STMT_device_lock, 1);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, &device, sizeof device);
    return tx_send(tx, &p);
}

static tagih_err send_change(struct tx *tx, struct arena *arena, device_id device, instant at) {
    struct change_row row = {.kind = CHANGE_DEVICE_CHANGED, .object = device.u};
    return change_send(tx, arena, &row, 1, at);
}

tagih_err enrol_code_find(struct db *db, struct arena *arena, const hash256 *code, int64_t deadline_us, agency_id *out) {
    struct params p;
    params_init(&p, arena, STMT_enrol_code_by_hash, 0);
    params_one_bytea(&p, BYTES_OF(code));
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, deadline_us, &r));
    *out = (agency_id){0};
    if (result_count(&r) == 1) out->u = result_uuid(&r, 0, COL_enrol_code_by_hash_agency_id);
    return TAGIH_OK;
}

tagih_err device_find(struct db *db, struct arena *arena, device_id device, int64_t deadline_us, agency_id *out) {
    struct params p;
    params_init(&p, arena, STMT_device_by_id, 0);
    params_one_uuid(&p, &device);
    DEFER(result) struct result r = {0};
    TRY(db_exec_one(db, &p, deadline_us, &r));
    *out = (agency_id){0};
    if (result_count(&r) == 1) out->u = result_uuid(&r, 0, COL_device_by_id_agency_id);
    return TAGIH_OK;
}

/* ---- codes ---------------------------------------------------------------------------------------------------- */

tagih_err enrol_send_user(struct tx *tx, struct arena *arena, user_id user) {
    struct params p;
    params_init(&p, arena, STMT_enrol_user, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_uuid(&p, &user);
    return tx_send(tx, &p);
}

tagih_err enrol_send_code(struct tx *tx, struct arena *arena, const struct enrol_code_row *row) {
    struct params p;
    params_init(&p, arena, STMT_enrol_code_put, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_bytea(&p, BYTES_OF(&row->code));
    params_one_uuid(&p, &row->user);
    if (row->has_maker) params_one_uuid(&p, &row->maker);
    else params_one_null(&p);
    params_one_int8(&p, row->made.us);
    params_one_int8(&p, row->expires.us);
    return tx_send(tx, &p);
}

/* ---- enrolment ------------------------------------------------------------------------------------------------ */

tagih_err enrol_send_load(struct tx *tx, struct arena *arena, const hash256 *code, const public_key *key) {
    struct params p;
    params_init(&p, arena, STMT_enrol_lock, 0);
    params_one_bytea(&p, BYTES_OF(key));
    TRY(tx_send(tx, &p));
    params_init(&p, arena, STMT_enrol_load, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_bytea(&p, BYTES_OF(code));
    params_one_bytea(&p, BYTES_OF(key));
    return tx_send(tx, &p);
}

#define COL(name) COL_enrol_load_##name

bool enrol_take_load(struct tx *tx, struct enrol_loaded *out) {
    DEFER(result) struct result locked = {0}, r = {0};
    tx_take(tx, &locked);
    tx_take(tx, &r);
    if (result_count(&r) != 1) return false;
    *out = (struct enrol_loaded){
        .user.u = result_uuid(&r, 0, COL(user_id)),
        .expires = {result_int8(&r, 0, COL(expires_us))},
        .used = result_bool(&r, 0, COL(used)),
        .device.u = result_uuid_or_nil(&r, 0, COL(device_id)),
        .same_key = result_bool_or(&r, 0, COL(same_key), false),
        .key_seen = result_bool(&r, 0, COL(key_seen)),
        .staff_active = is_active(&r, COL(staff_state))};
    return true;
}

tagih_err enrol_send_save(struct tx *tx, struct arena *arena, const struct enrol_row *row, instant at) {
    struct params p;
    params_init(&p, arena, STMT_enrol_save, 0);
    params_one_uuid(&p, &tx->options->agency);
    params_one_bytea(&p, BYTES_OF(&row->code));
    params_one_uuid(&p, &row->device);
    params_one_uuid(&p, &row->user);
    params_one_bytea(&p, BYTES_OF(&row->key));
    params_one_text(&p, row->model);
    params_one_int8(&p, at.us);
    TRY(tx_send(tx, &p));
    return send_change(tx, arena, row->device, at);
}

/* ---- decisions ------------------------------------------------------------------------------------------------ */

tagih_err device_send_load(struct tx *tx, struct arena *arena, device_id device) {
    struct params p;
    TRY(send_lock(tx, arena, device));
    begin(&p, tx, arena, STMT_device_load, device);
    return tx_send(tx, &p);
}

bool device_take_load(struct tx *tx, struct device_loaded *out) {
    DEFER(result) struct result locked = {0}, r = {0};
    tx_take(tx, &locked);
    tx_take(tx, &r);
    if (result_count(&r) != 1) return false;
    *out = (struct device_loaded){.user.u = result_uuid(&r, 0, COL_device_load_user_id),
                                  .state = result_int2(&r, 0, COL_device_load_state)};
    read_key(&r, 0, COL_device_load_public_key, &out->has_key, &out->key);
    return true;
}

tagih_err device_send_confirm(struct tx *tx, struct arena *arena, const struct device_confirmed *row, instant at) {
    struct params p;
    begin(&p, tx, arena, STMT_device_confirm, row->device);
    params_one_int4(&p, (int32_t)row->epoch);
    params_one_uuid(&p, &row->user);
    params_one_bytea(&p, BYTES_OF(&row->key));
    params_one_bytea(&p, row->certificate);
    params_one_bytea(&p, BYTES_OF(&row->certificate_hash));
    params_one_uuid(&p, &row->actor);
    params_one_int8(&p, at.us);
    TRY(tx_send(tx, &p));
    return send_change(tx, arena, row->device, at);
}

tagih_err device_send_keys(struct tx *tx, struct arena *arena, const public_key *keys, size_t n) {
    struct bytes *rows = ARENA_ARRAY(arena, n, struct bytes);
    if (!rows) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) rows[i] = BYTES_OF(&keys[i]);
    struct params p;
    params_init(&p, arena, STMT_device_keys_lock, n);
    params_bytea(&p, rows, sizeof *rows);
    TRY(tx_send(tx, &p));
    params_init(&p, arena, STMT_device_keys_seen, n);
    params_bytea(&p, rows, sizeof *rows);
    return tx_send(tx, &p);
}

void device_take_keys(struct tx *tx, bool *seen, size_t n) {
    DEFER(result) struct result locked = {0}, r = {0};
    tx_take(tx, &locked);
    tx_take(tx, &r);
    for (size_t i = 0; i < n; i++) seen[i] = result_bool(&r, i, COL_device_keys_seen_seen);
}

tagih_err device_send_rotate(struct tx *tx, struct arena *arena, const struct device_confirmed *row, int64_t closed_seq,
                             instant at) {
    struct params p;
    begin(&p, tx, arena, STMT_device_rotate, row->device);
    params_one_int4(&p, (int32_t)row->epoch);
    params_one_uuid(&p, &row->user);
    params_one_bytea(&p, BYTES_OF(&row->key));
    params_one_bytea(&p, row->certificate);
    params_one_bytea(&p, BYTES_OF(&row->certificate_hash));
    params_one_uuid(&p, &row->actor);
    params_one_int8(&p, closed_seq);
    params_one_int8(&p, at.us);
    TRY(tx_send(tx, &p));
    return send_change(tx, arena, row->device, at);
}

tagih_err device_send_end(struct tx *tx, struct arena *arena, device_id device, const char *kind, user_id actor,
                          struct bytes reason, instant at) {
    struct params p;
    begin(&p, tx, arena, STMT_device_end, device);
    params_one_text(&p, bytes_text(kind));
    params_one_uuid(&p, &actor);
    params_one_text(&p, reason);
    params_one_int8(&p, at.us);
    TRY(tx_send(tx, &p));
    return send_change(tx, arena, device, at);
}

/* ---- proof ---------------------------------------------------------------------------------------------------- */

tagih_err device_send_proof(struct tx *tx, struct arena *arena, device_id device) {
    struct params p;
    TRY(send_lock(tx, arena, device));
    begin(&p, tx, arena, STMT_device_proof_load, device);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_device_proof_load_##name

bool device_take_proof(struct tx *tx, struct arena *arena, struct device_proof *out) {
    DEFER(result) struct result locked = {0}, r = {0};
    tx_take(tx, &locked);
    tx_take(tx, &r);
    if (result_count(&r) != 1) return false;
    *out = (struct device_proof){.user.u = result_uuid(&r, 0, COL(user_id)),
                                 .state = result_int2(&r, 0, COL(state)),
                                 .epoch = (uint32_t)result_int4(&r, 0, COL(epoch)),
                                 .staff_active = is_active(&r, COL(staff_state))};
    read_key(&r, 0, COL(public_key), &out->has_key, &out->key);
    if (!result_is_null(&r, 0, COL(certificate))) out->certificate = arena_copy(arena, result_bytes(&r, 0, COL(certificate)));
    return true;
}

tagih_err device_send_seen(struct tx *tx, struct arena *arena, device_id device, instant at) {
    struct params p;
    begin(&p, tx, arena, STMT_device_seen, device);
    params_one_int8(&p, at.us);
    return tx_send(tx, &p);
}

/* ---- list ----------------------------------------------------------------------------------------------------- */

tagih_err device_send_list(struct tx *tx, struct arena *arena, const device_id *before, int32_t n_max) {
    struct params p;
    params_init(&p, arena, STMT_device_list, 0);
    params_one_uuid(&p, &tx->options->agency);
    if (before) params_one_uuid(&p, before);
    else params_one_null(&p);
    params_one_int4(&p, n_max);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_device_list_##name

void device_read_listed(const struct result *r, size_t row, struct device_listed *out) {
    *out = (struct device_listed){.device.u = result_uuid(r, row, COL(device_id)),
                                  .user.u = result_uuid(r, row, COL(user_id)),
                                  .state = result_int2(r, row, COL(state)),
                                  .epoch = (uint32_t)result_int4(r, row, COL(epoch)),
                                  .model = result_text(r, row, COL(model))};
    read_key(r, row, COL(public_key), &out->has_key, &out->key);
}
