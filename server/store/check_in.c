/* SPDX-License-Identifier: Apache-2.0 */
/* Check-ins: columns in, columns out. */
#include "store/check_in.h"

#include "store_statements.h"

tagih_err check_in_send_load(struct tx *tx, struct arena *arena, const struct check_in_key *keys, size_t n) {
    struct params p;
    params_init(&p, arena, STMT_device_lock, n);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, &keys[0].device, sizeof *keys);
    TRY(tx_send(tx, &p));
    params_init(&p, arena, STMT_visit_lock, n);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, &keys[0].visit, sizeof *keys);
    TRY(tx_send(tx, &p));
    params_init(&p, arena, STMT_check_in_load, n);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, &keys[0].id, sizeof *keys);
    params_uuid(&p, &keys[0].visit, sizeof *keys);
    params_uuid(&p, &keys[0].collector, sizeof *keys);
    params_int8(&p, &keys[0].value.us, sizeof *keys);
    return tx_send(tx, &p);
}

#define COL(name) COL_check_in_load_##name

static void take_visit(const struct result *r, size_t i, struct check_in_loaded *out) {
    out->account.u = result_uuid(r, i, COL(account_id));
    out->address = (struct check_in_address){
        .has_place = true,
        .place = {result_int4(r, i, COL(lat_e7)), result_int4(r, i, COL(lon_e7))},
        .quality = (enum address_quality)result_int2(r, i, COL(address_quality)),
        .radius_mm = result_int4(r, i, COL(radius_mm))};
    out->state = result_int2(r, i, COL(state));
    out->has_presence = !result_is_null(r, i, COL(presence));
    if (out->has_presence) out->presence = result_int2(r, i, COL(presence));
    out->holds = result_bool(r, i, COL(holds));
    out->held = result_bool(r, i, COL(held));
    out->lease_until.us = result_int8(r, i, COL(lease_until_us));
}

static void take_neighbours(const struct result *r, size_t i, struct check_in_loaded *out) {
    out->has_previous = !result_is_null(r, i, COL(previous_id));
    if (out->has_previous) {
        out->previous = (struct spoof_evidence){
            .check_in = result_uuid(r, i, COL(previous_id)),
            .value = {result_int8(r, i, COL(previous_value_us))},
            .has_fix = true,
            .fix = {.position = {result_int4(r, i, COL(previous_lat_e7)), result_int4(r, i, COL(previous_lon_e7))},
                    .accuracy_mm = result_int8(r, i, COL(previous_accuracy_mm)),
                    .at = {result_int8(r, i, COL(previous_fix_us))}}};
    }
    out->has_next = !result_is_null(r, i, COL(next_id));
    if (out->has_next) out->next = result_uuid(r, i, COL(next_id));
}

void check_in_take_load(struct tx *tx, struct check_in_loaded *out, size_t n) {
    DEFER(result) struct result devices = {0}, visits = {0}, r = {0};
    tx_take(tx, &devices);
    tx_take(tx, &visits);
    tx_take(tx, &r);
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct check_in_loaded){.has_visit = !result_is_null(&r, i, COL(account_id)) &&
                                                       !result_is_null(&r, i, COL(state))};
        if (out[i].has_visit) take_visit(&r, i, &out[i]);
        out[i].known = !result_is_null(&r, i, COL(known_digest));
        if (out[i].known) {
            out[i].known_collector.u = result_uuid(&r, i, COL(known_collector));
            out[i].known_digest = result_hash(&r, i, COL(known_digest));
        }
        take_neighbours(&r, i, &out[i]);
    }
}

#undef COL
#define COL(name) COL_check_in_get_##name

tagih_err check_in_send_get(struct tx *tx, struct arena *arena, const uuid *ids, size_t n) {
    struct params p;
    params_init(&p, arena, STMT_check_in_get, n);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, ids, sizeof *ids);
    return tx_send(tx, &p);
}

void check_in_read(const struct result *r, size_t i, uuid *id, struct check_in_stored *out) {
    *id = result_uuid(r, i, COL(check_in_id));
    *out = (struct check_in_stored){
        .visit.u = result_uuid(r, i, COL(visit_id)),
        .collector.u = result_uuid(r, i, COL(collector_id)),
        .evidence = {.check_in = *id,
                     .value = {result_int8(r, i, COL(value_us))},
                     .device = {result_int8(r, i, COL(device_us))},
                     .has_fix = result_bool(r, i, COL(has_fix)),
                     .fix = {.position = {result_int4(r, i, COL(lat_e7)), result_int4(r, i, COL(lon_e7))},
                             .accuracy_mm = result_int8(r, i, COL(accuracy_mm)),
                             .at = {result_int8(r, i, COL(fix_us))},
                             .mock = result_bool(r, i, COL(mock))}},
        .distance_mm = result_int8(r, i, COL(distance_mm)),
        .p_ppm = result_int4(r, i, COL(p_ppm)),
        .radius_mm = result_int4(r, i, COL(radius_mm)),
        .reasons = result_int4(r, i, COL(reasons)),
        .verdict = result_int2(r, i, COL(verdict)),
        .score = result_int2(r, i, COL(score)),
        .score_class = result_int2(r, i, COL(score_class)),
        .signals = result_bytes(r, i, COL(signals)),
        .flags = result_int8(r, i, COL(flags)),
        .assessments = result_int4(r, i, COL(assessments))};
}

/* Each fix behind the id of its check-in. */
static struct bytes packed_fixes(struct arena *arena, const struct check_in_row *rows, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += rows[i].fixes.len / CHECK_IN_FIX_BYTES;
    uint8_t *out = arena_alloc(arena, count * (sizeof(uuid) + CHECK_IN_FIX_BYTES)), *at = out;
    for (size_t i = 0; out && i < n; i++) {
        for (size_t k = 0; k + CHECK_IN_FIX_BYTES <= rows[i].fixes.len; k += CHECK_IN_FIX_BYTES) {
            memcpy(at, rows[i].key.id.u.b, sizeof(uuid));
            memcpy(at + sizeof(uuid), rows[i].fixes.data + k, CHECK_IN_FIX_BYTES);
            at += sizeof(uuid) + CHECK_IN_FIX_BYTES;
        }
    }
    return bytes_make(out, out ? (size_t)(at - out) : 0);
}

/* A row for each run of one instant of reception: what is served together was received together, so that is one row. */
static tagih_err send_fixes(struct tx *tx, struct arena *arena, const struct check_in_row *rows, size_t n) {
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && rows[end].received_us == rows[first].received_us;) end++;
        struct bytes fixes = packed_fixes(arena, &rows[first], end - first);
        if (!fixes.data) return FAIL(OUT_OF_MEMORY);
        struct params p;
        params_init(&p, arena, STMT_check_in_fix_insert, 0);
        params_one_uuid(&p, &tx->options->agency);
        params_one_int8(&p, rows[first].received_us);
        params_one_uuid(&p, &rows[first].key.id);
        params_one_bytea(&p, fixes);
        TRY(tx_send(tx, &p));
    }
    return TAGIH_OK;
}

tagih_err check_in_send_rows(struct tx *tx, struct arena *arena, const struct check_in_row *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    params_init(&p, arena, STMT_check_in_insert, n);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, &rows[0].key.id, s);
    params_uuid(&p, &rows[0].key.visit, s);
    params_uuid(&p, &rows[0].account, s);
    params_uuid(&p, &rows[0].key.collector, s);
    params_uuid(&p, &rows[0].key.device, s);
    params_int8(&p, &rows[0].received_us, s);
    params_int8(&p, &rows[0].device_us, s);
    params_int8(&p, &rows[0].value_us, s);
    params_int8(&p, &rows[0].mono_us, s);
    params_bytea_fixed(&p, rows[0].boot_id.b, sizeof rows[0].boot_id.b, s);
    params_bool(&p, &rows[0].has_fix, s);
    params_int4(&p, &rows[0].lat_e7, s);
    params_int4(&p, &rows[0].lon_e7, s);
    params_int8(&p, &rows[0].accuracy_mm, s);
    params_int8(&p, &rows[0].fix_us, s);
    params_bool(&p, &rows[0].mock, s);
    params_int8(&p, &rows[0].distance_mm, s);
    params_int8(&p, &rows[0].sigma_mm, s);
    params_int4(&p, &rows[0].p_ppm, s);
    params_int4(&p, &rows[0].radius_mm, s);
    params_int2(&p, &rows[0].verdict, s);
    params_int4(&p, &rows[0].reasons, s);
    params_int2(&p, &rows[0].score, s);
    params_int2(&p, &rows[0].score_class, s);
    params_int2(&p, &rows[0].weight_set, s);
    params_bytea(&p, &rows[0].signals, s);
    params_int8(&p, &rows[0].flags, s);
    params_hash(&p, &rows[0].digest, s);
    TRY(tx_send(tx, &p));
    return send_fixes(tx, arena, rows, n);
}

tagih_err check_in_send_assessed(struct tx *tx, struct arena *arena, const struct check_in_assessed *rows, size_t n,
                                 instant at) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    params_init(&p, arena, STMT_check_in_assess, n);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, &rows[0].id, s);
    params_int4(&p, &rows[0].n, s);
    params_one_int8(&p, at.us);
    params_int2(&p, &rows[0].score, s);
    params_int2(&p, &rows[0].score_class, s);
    params_int2(&p, &rows[0].weight_set, s);
    params_bytea(&p, &rows[0].signals, s);
    params_uuid(&p, &rows[0].cause, s);
    return tx_send(tx, &p);
}

tagih_err visit_send_arrived(struct tx *tx, struct arena *arena, const struct visit_arrived *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    struct params p;
    params_init(&p, arena, STMT_visit_arrive, n);
    params_one_uuid(&p, &tx->options->agency);
    params_uuid(&p, &rows[0].visit, sizeof *rows);
    params_int2(&p, &rows[0].state, sizeof *rows);
    params_int2(&p, &rows[0].presence, sizeof *rows);
    return tx_send(tx, &p);
}
