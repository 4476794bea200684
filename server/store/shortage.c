/* SPDX-License-Identifier: Apache-2.0 */
/* Shortages: columns in, columns out. */
#include "store/shortage.h"

#include "store_statements.h"

void shortage_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct shortage_row *rows, size_t n) {
    const size_t s = sizeof *rows;
    tx_params(p, tx, arena, STMT_shortage_insert, n);
    params_uuid(p, &rows[0].id, s);
    params_uuid(p, &rows[0].posting, s);
    params_uuid(p, &rows[0].collector, s);
    params_int2(p, &rows[0].kind, s);
    params_int8(p, &rows[0].amount_minor, s);
    params_text(p, &rows[0].currency, s);
    params_int8(p, &rows[0].value_us, s);
    params_date(p, &rows[0].value_on, s);
    params_int8(p, &rows[0].received_us, s);
    params_text(p, &rows[0].report, s);
    params_text(p, &rows[0].police_reference, s);
}

void shortage_event_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct shortage_event_row *rows,
                         size_t n) {
    const size_t s = sizeof *rows;
    tx_params(p, tx, arena, STMT_shortage_event_insert, n);
    params_uuid(p, &rows[0].shortage, s);
    params_int4(p, &rows[0].version, s);
    params_uuid(p, &rows[0].posting, s);
    params_int2(p, &rows[0].event, s);
    params_int8(p, &rows[0].amount_minor, s);
    params_int8(p, &rows[0].at_us, s);
    params_uuid(p, &rows[0].actor, s);
    params_uuid_opt(p, &rows[0].proposal, &rows[0].has_proposal, s);
    params_text(p, &rows[0].reason, s);
}

tagih_err shortage_send_new(struct tx *tx, struct arena *arena, const struct shortage_row *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_shortage_state_new, n);
    params_uuid(&p, &rows[0].id, s);
    params_uuid(&p, &rows[0].collector, s);
    params_text(&p, &rows[0].currency, s);
    params_int8(&p, &rows[0].value_us, s);
    params_date(&p, &rows[0].value_on, s);
    params_int8(&p, &rows[0].amount_minor, s);
    return tx_send(tx, &p);
}

tagih_err shortage_send_state(struct tx *tx, struct arena *arena, uuid id, int32_t version, int64_t open_minor) {
    struct params p;
    tx_params(&p, tx, arena, STMT_shortage_state_save, 0);
    params_one_uuid(&p, &id);
    params_one_int4(&p, version);
    params_one_int8(&p, open_minor);
    return tx_send(tx, &p);
}

tagih_err shortage_send_lock(struct tx *tx, struct arena *arena, uuid id) {
    struct params p;
    tx_params(&p, tx, arena, STMT_shortage_lock, 0);
    params_one_uuid(&p, &id);
    return tx_send(tx, &p);
}

tagih_err shortage_send_get(struct tx *tx, struct arena *arena, const uuid *ids, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_shortage_get, n);
    params_uuid(&p, ids, sizeof *ids);
    return tx_send(tx, &p);
}

#define COL(name) COL_shortage_get_##name
void shortage_read_row(const struct result *r, size_t row, struct shortage_read *out) {
    *out = (struct shortage_read){
        .id = result_uuid(r, row, COL(shortage_id)), .collector.u = result_uuid(r, row, COL(collector_id)),
        .kind = result_int2(r, row, COL(kind)), .amount_minor = result_int8(r, row, COL(amount_minor)),
        .value_us = result_int8(r, row, COL(value_us)), .value_on = result_date(r, row, COL(value_on)),
        .report = result_text(r, row, COL(report)), .police_reference = result_text(r, row, COL(police_reference)),
        .open_minor = result_int8(r, row, COL(open_minor)), .version = result_int4(r, row, COL(version))};
    out->currency = result_currency(r, row, COL(currency));
}

tagih_err shortage_send_list(struct tx *tx, struct arena *arena, user_id collector, bool with_settled, int64_t after_us,
                             uuid after, int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_shortage_list, 0);
    if (uuid_is_nil(collector.u)) params_one_null(&p);
    else params_one_uuid(&p, &collector);
    params_one_bool(&p, with_settled);
    params_one_int8(&p, after_us);
    params_one_uuid(&p, &after);
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}
