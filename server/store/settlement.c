/* SPDX-License-Identifier: Apache-2.0 */
/* Settlements and vaults: columns in, columns out. */
#include "store/settlement.h"

#include "store_statements.h"

/* ---- facts ---------------------------------------------------------------------------------------------------------- */

void settlement_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct settlement_row *rows, size_t n) {
    const size_t s = sizeof *rows;
    const bool *journal = &rows[0].has_journal;
    tx_params(p, tx, arena, STMT_settlement_insert, n);
    params_uuid(p, &rows[0].id, s);
    params_uuid(p, &rows[0].posting, s);
    params_uuid(p, &rows[0].collector, s);
    params_bytea_fixed_opt(p, rows[0].entry_hash.b, sizeof rows[0].entry_hash.b, journal, s);
    params_uuid_opt(p, &rows[0].device, journal, s);
    params_int4_opt(p, &rows[0].epoch, journal, s);
    params_int8_opt(p, &rows[0].first_seq, journal, s);
    params_int8_opt(p, &rows[0].last_seq, journal, s);
    params_text(p, &rows[0].currency, s);
    params_int8(p, &rows[0].receipts, s);
    params_int8(p, &rows[0].voids, s);
    params_int8(p, &rows[0].cash_minor, s);
    params_int8(p, &rows[0].other_minor, s);
    params_int8(p, &rows[0].declared_minor, s);
    params_int8(p, &rows[0].value_us, s);
    params_date(p, &rows[0].value_on, s);
    params_int8(p, &rows[0].received_us, s);
    params_uuid(p, &rows[0].actor, s);
    params_text(p, &rows[0].reason, s);
}

void settlement_note_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct settlement_note_row *rows,
                          size_t n) {
    const size_t s = sizeof *rows;
    tx_params(p, tx, arena, STMT_settlement_note_insert, n);
    params_uuid(p, &rows[0].settlement, s);
    params_int4(p, &rows[0].version, s);
    params_int8(p, &rows[0].value_minor, s);
    params_int8(p, &rows[0].pieces, s);
    params_uuid(p, &rows[0].posting, s);
}

void settlement_event_fact(struct params *p, const struct tx *tx, struct arena *arena,
                           const struct settlement_event_row *rows, size_t n) {
    const size_t s = sizeof *rows;
    tx_params(p, tx, arena, STMT_settlement_event_insert, n);
    params_uuid(p, &rows[0].settlement, s);
    params_int4(p, &rows[0].version, s);
    params_uuid(p, &rows[0].posting, s);
    params_int2(p, &rows[0].event, s);
    params_int2(p, &rows[0].state, s);
    params_int8(p, &rows[0].at_us, s);
    params_uuid(p, &rows[0].actor, s);
    params_int8_opt(p, &rows[0].counted_minor, &rows[0].has_counted, s);
    params_int8_opt(p, &rows[0].expected_minor, &rows[0].has_expected, s);
    params_uuid_opt(p, &rows[0].deposit, &rows[0].has_deposit, s);
    params_uuid_opt(p, &rows[0].proposal, &rows[0].has_proposal, s);
    params_text(p, &rows[0].reason, s);
}

/* ---- state ---------------------------------------------------------------------------------------------------------- */

tagih_err settlement_send_new(struct tx *tx, struct arena *arena, const struct settlement_row *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_settlement_state_new, n);
    params_uuid(&p, &rows[0].id, s);
    params_uuid(&p, &rows[0].collector, s);
    params_text(&p, &rows[0].currency, s);
    params_int8(&p, &rows[0].value_us, s);
    return tx_send(tx, &p);
}

tagih_err settlement_send_states(struct tx *tx, struct arena *arena, const struct settlement_now *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_settlement_state_save, n);
    params_uuid(&p, &rows[0].id, s);
    params_int2(&p, &rows[0].state, s);
    params_int4(&p, &rows[0].version, s);
    params_uuid_opt(&p, &rows[0].cashier, &rows[0].has_cashier, s);
    params_int8_opt(&p, &rows[0].counted_minor, &rows[0].has_counted, s);
    params_int8_opt(&p, &rows[0].expected_minor, &rows[0].has_expected, s);
    params_uuid_opt(&p, &rows[0].deposit, &rows[0].has_deposit, s);
    return tx_send(tx, &p);
}

/* ---- reading -------------------------------------------------------------------------------------------------------- */

tagih_err settlement_send_lock(struct tx *tx, struct arena *arena, const uuid *ids, size_t n) {
    return tx_send_ids(tx, arena, STMT_settlement_lock, ids, n);
}

tagih_err settlement_send_get(struct tx *tx, struct arena *arena, const uuid *ids, size_t n) {
    return tx_send_ids(tx, arena, STMT_settlement_get, ids, n);
}

#define COL(name) COL_settlement_get_##name
void settlement_read_row(const struct result *r, size_t row, struct settlement_read *out) {
    *out = (struct settlement_read){
        .now = {.id = result_uuid(r, row, COL(settlement_id)), .state = result_int2(r, row, COL(state)),
                .version = result_int4(r, row, COL(version)), .has_cashier = !result_is_null(r, row, COL(cashier_id)),
                .has_counted = !result_is_null(r, row, COL(counted_minor)),
                .has_expected = !result_is_null(r, row, COL(expected_minor)),
                .has_deposit = !result_is_null(r, row, COL(deposit_id)),
                .cashier.u = result_uuid_or_nil(r, row, COL(cashier_id)),
                .counted_minor = result_int8_or(r, row, COL(counted_minor), 0),
                .expected_minor = result_int8_or(r, row, COL(expected_minor), 0),
                .deposit = result_uuid_or_nil(r, row, COL(deposit_id))},
        .collector.u = result_uuid(r, row, COL(collector_id)), .has_journal = !result_is_null(r, row, COL(entry_hash)),
        .device.u = result_uuid_or_nil(r, row, COL(device_id)), .epoch = result_int4_or(r, row, COL(epoch), 0),
        .first_seq = result_int8_or(r, row, COL(first_seq), 0), .last_seq = result_int8_or(r, row, COL(last_seq), 0),
        .receipts = result_int8(r, row, COL(receipts)), .voids = result_int8(r, row, COL(voids)),
        .cash_minor = result_int8(r, row, COL(cash_minor)), .other_minor = result_int8(r, row, COL(other_minor)),
        .declared_minor = result_int8(r, row, COL(declared_minor)), .value_us = result_int8(r, row, COL(value_us)),
        .actor.u = result_uuid(r, row, COL(actor_id)), .reason = result_text(r, row, COL(reason)),
        .has_gap = result_bool(r, row, COL(has_gap))};
    if (out->has_journal) out->entry_hash = result_hash(r, row, COL(entry_hash));
    out->currency = result_currency(r, row, COL(currency));
}

tagih_err settlement_send_list(struct tx *tx, struct arena *arena, const struct settlement_filter *filter, int64_t after_us,
                               uuid after, int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_settlement_list, 0);
    if (uuid_is_nil(filter->collector.u)) params_one_null(&p);
    else params_one_uuid(&p, &filter->collector);
    params_one_int2(&p, filter->state);
    params_one_bool(&p, filter->open_only);
    params_one_int8(&p, after_us);
    params_one_uuid(&p, &after);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

tagih_err settlement_send_day_declared(struct tx *tx, struct arena *arena, device_id device, int32_t epoch,
                                       int64_t last_seq) {
    struct params p;
    tx_params(&p, tx, arena, STMT_settlement_day_declared, 0);
    params_one_uuid(&p, &device);
    params_one_int4(&p, epoch);
    params_one_int8(&p, last_seq);
    return tx_send(tx, &p);
}

tagih_err settlement_send_earlier(struct tx *tx, struct arena *arena, uuid id) {
    return tx_send_id(tx, arena, STMT_settlement_earlier, id);
}

bool settlement_take_earlier(struct tx *tx) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    return result_count(&r) == 1 && result_bool(&r, 0, COL_settlement_earlier_is);
}

tagih_err settlement_send_notes(struct tx *tx, struct arena *arena, uuid id) {
    return tx_send_id(tx, arena, STMT_settlement_notes, id);
}

/* ---- a supervisor's declaration -------------------------------------------------------------------------------------- */

tagih_err settlement_send_devices(struct tx *tx, struct arena *arena, user_id collector) {
    return tx_send_id(tx, arena, STMT_settlement_devices, collector.u);
}

tagih_err settlement_send_declared(struct tx *tx, struct arena *arena, const struct result *devices) {
    size_t n = result_count(devices);
    uuid *ids = ARENA_ARRAY(arena, n + 1, uuid);
    if (!ids) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) ids[i] = result_uuid(devices, i, COL_settlement_devices_device_id);
    return tx_send_ids(tx, arena, STMT_settlement_devices_declared, ids, n);
}

tagih_err settlement_send_collector(struct tx *tx, struct arena *arena, user_id collector, instant now) {
    struct params p;
    tx_params(&p, tx, arena, STMT_settlement_collector, 0);
    params_one_uuid(&p, &collector);
    params_one_int8(&p, now.us);
    return tx_send(tx, &p);
}

void settlement_take_collector(struct tx *tx, struct settlement_collector *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *out = (struct settlement_collector){.found = result_count(&r) == 1};
    if (!out->found) return;
    out->roles = (uint32_t)result_int4(&r, 0, COL_settlement_collector_roles);
    out->today = result_date(&r, 0, COL_settlement_collector_today_on);
}

/* ---- vaults --------------------------------------------------------------------------------------------------------- */

tagih_err vault_send_lock(struct tx *tx, struct arena *arena, user_id cashier, currency in) {
    struct params p;
    tx_params(&p, tx, arena, STMT_vault_lock, 0);
    params_one_uuid(&p, &cashier);
    params_one_text(&p, bytes_text(in.code));
    return tx_send(tx, &p);
}

int64_t vault_take(struct tx *tx) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    return result_int8(&r, 0, COL_vault_lock_vault_minor);
}

tagih_err vault_send_save(struct tx *tx, struct arena *arena, user_id cashier, currency in, int64_t minor) {
    struct params p;
    tx_params(&p, tx, arena, STMT_vault_save, 0);
    params_one_uuid(&p, &cashier);
    params_one_text(&p, bytes_text(in.code));
    params_one_int8(&p, minor);
    return tx_send(tx, &p);
}
