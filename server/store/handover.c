/* SPDX-License-Identifier: Apache-2.0 */
/* Handovers: columns in, columns out. */
#include "store/handover.h"

#include "store_statements.h"

tagih_err handover_send_lock(struct tx *tx, struct arena *arena, const struct handover_key *keys, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_handover_lock, n);
    params_uuid(&p, &keys[0].handover, sizeof *keys);
    return tx_send(tx, &p);
}

tagih_err handover_send_load(struct tx *tx, struct arena *arena, const struct handover_key *keys, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_handover_load, n);
    params_uuid(&p, &keys[0].handover, sizeof *keys);
    params_uuid(&p, &keys[0].counterpart, sizeof *keys);
    params_uuid(&p, &keys[0].device, sizeof *keys);
    params_int4(&p, &keys[0].epoch, sizeof *keys);
    return tx_send(tx, &p);
}

#define COL(name) COL_handover_load_##name
void handover_take(struct tx *tx, struct handover_known *out, size_t n) {
    DEFER(result) struct result locked = {0}, r = {0};
    tx_take(tx, &locked);
    tx_take(tx, &r);
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct handover_known){.state = result_int2(&r, i, COL(state)),
                                         .counterpart_is_field = result_bool(&r, i, COL(is_field)),
                                         .is_behind = result_bool(&r, i, COL(is_behind)),
                                         .first_is_behind = result_bool(&r, i, COL(first_is_behind)),
                                         .has_half = !result_is_null(&r, i, COL(entry_id))};
        if (!out[i].has_half) continue;
        out[i].entry.u = result_uuid(&r, i, COL(entry_id));
        out[i].hash = result_hash(&r, i, COL(entry_hash));
        out[i].flags = result_int8_or(&r, i, COL(flags), 0);
        out[i].half = (struct cash_half){.user.u = result_uuid(&r, i, COL(user_id)),
                                         .counterpart.u = result_uuid(&r, i, COL(counterpart_id)),
                                         .side = (uint16_t)result_int2(&r, i, COL(side)),
                                         .amount_minor = result_int8(&r, i, COL(amount_minor))};
        out[i].half.currency = result_currency(&r, i, COL(currency));
    }
}

void handover_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct handover_row *row) {
    const size_t s = sizeof *row;
    tx_params(p, tx, arena, STMT_handover_insert, 1);
    params_uuid(p, &row->entry, s);
    params_uuid(p, &row->posting, s);
    params_uuid(p, &row->handover, s);
    params_int2(p, &row->side, s);
    params_uuid(p, &row->user, s);
    params_uuid(p, &row->counterpart, s);
    params_int8(p, &row->amount_minor, s);
    params_text(p, &row->currency, s);
    params_hash(p, &row->hash, s);
    params_uuid(p, &row->device, s);
    params_int4(p, &row->epoch, s);
    params_int8(p, &row->seq, s);
    params_int8(p, &row->value_us, s);
    params_date(p, &row->value_on, s);
}

tagih_err handover_send_states(struct tx *tx, struct arena *arena, const struct handover_now *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    struct params p;
    tx_params(&p, tx, arena, STMT_handover_state_save, n);
    params_uuid(&p, &rows[0].id, sizeof *rows);
    params_int2(&p, &rows[0].state, sizeof *rows);
    params_uuid(&p, &rows[0].entry, sizeof *rows);
    return tx_send(tx, &p);
}

/* ---- for the giver's cash ------------------------------------------------------------------------------------------- */

tagih_err handover_send_uncovered(struct tx *tx, struct arena *arena, const uuid *ids, size_t n, size_t room) {
    struct params p;
    tx_params(&p, tx, arena, STMT_handover_uncovered, n);
    params_one_bool(&p, n > 0);
    params_uuid(&p, ids, sizeof *ids);
    params_one_int4(&p, (int32_t)room);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_handover_uncovered_##name
static void uncovered_row(const struct result *r, size_t i, struct handover_uncovered *out) {
    *out = (struct handover_uncovered){.id = result_uuid(r, i, COL(handover_id)),
                                       .first.u = result_uuid(r, i, COL(first_id)),
                                       .first_hash = result_hash(r, i, COL(first_hash)),
                                       .first_flags = result_int8(r, i, COL(first_flags)),
                                       .entry.u = result_uuid(r, i, COL(entry_id)),
                                       .hash = result_hash(r, i, COL(entry_hash)),
                                       .device.u = result_uuid(r, i, COL(device_id)),
                                       .epoch = result_int4(r, i, COL(epoch)),
                                       .seq = result_int8(r, i, COL(seq)),
                                       .value_us = result_int8(r, i, COL(value_us)),
                                       .flags = result_int8(r, i, COL(flags)),
                                       .is_complete = result_bool(r, i, COL(is_complete))};
    out->half = (struct cash_half){.user.u = result_uuid(r, i, COL(user_id)),
                                   .counterpart.u = result_uuid(r, i, COL(counterpart_id)),
                                   .side = (uint16_t)result_int2(r, i, COL(side)),
                                   .amount_minor = result_int8(r, i, COL(amount_minor)),
                                   .currency = result_currency(r, i, COL(currency))};
}

size_t handover_take_uncovered(struct tx *tx, struct handover_uncovered *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    for (size_t i = 0; i < result_count(&r); i++) uncovered_row(&r, i, &out[i]);
    return result_count(&r);
}

tagih_err handover_send_devices_lock(struct tx *tx, struct arena *arena, const uuid *ids, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_handover_devices_lock, n);
    params_uuid(&p, ids, sizeof *ids);
    return tx_send(tx, &p);
}

tagih_err handover_uncovered_agencies(struct db *db, struct arena *arena, instant now, int64_t deadline_us, agency_id *out,
                                      size_t room, size_t *n) {
    struct params p;
    DEFER(result) struct result r = {0};
    (void)now;
    params_init(&p, arena, STMT_handover_uncovered_agencies, 0);
    params_one_int4(&p, (int32_t)room);
    TRY(db_exec_one(db, &p, deadline_us, &r));
    for (*n = 0; *n < result_count(&r) && *n < room; ++*n)
        out[*n].u = result_uuid(&r, *n, COL_handover_uncovered_agencies_agency_id);
    return TAGIH_OK;
}

tagih_err handover_send_has_row(struct tx *tx, struct arena *arena, uuid entry) {
    return tx_send_id(tx, arena, STMT_handover_has_row, entry);
}

bool handover_take_has_row(struct tx *tx) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    return result_count(&r) == 1 && result_bool(&r, 0, COL_handover_has_row_has_row);
}
