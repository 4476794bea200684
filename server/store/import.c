/* SPDX-License-Identifier: Apache-2.0 */
/* A file's rows: columns in, columns out. */
#include "store/import.h"

#include <string.h>

#include "store_statements.h"

/* Four columns in the order that all statements have: fees, penalty, interest, principal. */
static void components(struct params *p, const int64_t first[COMPONENT_COUNT], size_t stride) {
    for (int c = 0; c < COMPONENT_COUNT; c++) params_int8(p, &first[c], stride);
}

static tagih_err send_locks(struct tx *tx, struct arena *arena, const struct import_key *keys, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_posting_close_lock, 0);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, arena, STMT_import_lock, 0);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, arena, STMT_import_account_lock, n);
    params_text(&p, &keys[0].account_no, sizeof *keys);
    return tx_send(tx, &p);
}

/* The highest number of the export that the creditor's figures contain; NULL: he does not say. */
static void one_seq(struct params *p, const int64_t *export_seq) {
    if (export_seq) params_one_int8(p, *export_seq);
    else params_one_null(p);
}

tagih_err import_send_load(struct tx *tx, struct arena *arena, const hash256 *file, civil_date as_of,
                           const struct import_key *keys, size_t n, instant now, int64_t writer, const int64_t *export_seq) {
    struct params p;
    TRY(send_locks(tx, arena, keys, n));
    tx_params(&p, tx, arena, STMT_import_today, 0);
    params_one_int8(&p, now.us);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, arena, STMT_posting_writer_lock, 0);
    params_one_int8(&p, writer);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, arena, STMT_import_load, n);
    params_one_bytea(&p, BYTES_OF(file));
    params_one_date(&p, as_of);
    params_int4(&p, &keys[0].row_no, sizeof *keys);
    params_text(&p, &keys[0].account_no, sizeof *keys);
    params_text(&p, &keys[0].customer_no, sizeof *keys);
    one_seq(&p, export_seq);
    return tx_send(tx, &p);
}

#define COL(name) COL_import_load_##name

static void take_account(const struct result *r, size_t i, struct arena *arena, const hash256 *file,
                         struct import_loaded *out) {
    out->account.u = result_uuid(r, i, COL(account_id));
    out->account_customer.u = result_uuid(r, i, COL(account_customer));
    out->currency = result_currency(r, i, COL(currency));
    out->product = arena_copy(arena, result_text(r, i, COL(product)));
    out->status = result_int2(r, i, COL(status));
    out->has_hold = !result_is_null(r, i, COL(hold_from_on));
    if (out->has_hold) out->hold_from_on = result_date(r, i, COL(hold_from_on));
    if (out->has_hold) out->hold_until_on = result_date(r, i, COL(hold_until_on));
    out->has_collector = !result_is_null(r, i, COL(collector_id));
    out->collector.u = result_uuid_or_nil(r, i, COL(collector_id));
    out->open_minor[COMPONENT_FEES] = result_int8(r, i, COL(fees_minor));
    out->open_minor[COMPONENT_PENALTY] = result_int8(r, i, COL(penalty_minor));
    out->open_minor[COMPONENT_INTEREST] = result_int8(r, i, COL(interest_minor));
    out->open_minor[COMPONENT_PRINCIPAL] = result_int8(r, i, COL(principal_minor));
    out->credit_minor = result_int8(r, i, COL(credit_minor));
    out->snapshot_on = result_date(r, i, COL(snapshot_on));
    out->snapshot.us = result_int8(r, i, COL(snapshot_us));
    out->assumed = result_bool_or(r, i, COL(assumed), false);
    out->has_later = result_bool(r, i, COL(has_later));
    out->in_this_file = !result_is_null(r, i, COL(last_file)) &&
                        bytes_equal(result_bytes(r, i, COL(last_file)), BYTES_OF(file));
}

static void take_row(const struct result *r, size_t i, struct arena *arena, const hash256 *file, struct import_loaded *out) {
    *out = (struct import_loaded){.known = !result_is_null(r, i, COL(known_result)),
                                  .seen = !result_is_null(r, i, COL(account_id)),
                                  .has_customer = !result_is_null(r, i, COL(customer_id)),
                                  .customer.u = result_uuid_or_nil(r, i, COL(customer_id))};
    if (out->known) {
        out->known_result = arena_copy(arena, result_text(r, i, COL(known_result)));
        out->known_account.u = result_uuid_or_nil(r, i, COL(known_account));
    }
    if (out->seen) take_account(r, i, arena, file, out);
}

static void take_chain(struct tx *tx, struct import_chain *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    struct bytes head = result_bytes(&r, 0, COL_posting_writer_lock_head);
    out->n = result_int8(&r, 0, COL_posting_writer_lock_n);
    out->begun = head.len == sizeof out->head.b;
    if (out->begun) memcpy(out->head.b, head.data, head.len);
}

tagih_err import_take_load(struct tx *tx, struct arena *arena, const hash256 *file, struct import_loaded *out, size_t n,
                           struct import_days *days, struct import_chain *chain) {
    DEFER(result) struct result month = {0}, lock = {0}, accounts = {0}, day = {0}, rows = {0};
    tx_take(tx, &month);
    tx_take(tx, &lock);
    tx_take(tx, &accounts);
    tx_take(tx, &day);
    if (result_count(&day) != 1) return FAIL(NOT_PERMITTED);
    days->today = result_date(&day, 0, COL_import_today_today_on);
    days->open_from.days = INT32_MIN;
    if (!result_is_null(&day, 0, COL_import_today_open_from)) days->open_from = result_date(&day, 0, COL_import_today_open_from);
    take_chain(tx, chain);
    tx_take(tx, &rows);
    for (size_t i = 0; i < n; i++) take_row(&rows, i, arena, file, &out[i]);
    return arena->exhausted ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}

#undef COL
#define COL(name) COL_import_fact_load_##name

tagih_err import_load_facts(struct tx *tx, struct arena *arena, const account_id *accounts, size_t n, civil_date as_of, const int64_t *export_seq,
                            struct import_fact **out, size_t *n_out) {
    struct params p;
    tx_params(&p, tx, arena, STMT_import_fact_load, n);
    params_uuid(&p, accounts, sizeof *accounts);
    params_one_date(&p, as_of);
    one_seq(&p, export_seq);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    *n_out = result_count(&r);
    *out = ARENA_ARRAY(arena, *n_out + 1, struct import_fact);
    for (size_t i = 0; *out && i < *n_out; i++) {
        (*out)[i] = (struct import_fact){
            .account.u = result_uuid(&r, i, COL(account_id)),
            .fact = {.id = result_uuid(&r, i, COL(fact_id)), .kind = (enum fact_kind)result_int2(&r, i, COL(kind)),
                     .instalment_no = result_int4(&r, i, COL(instalment_no)),
                     .component = (enum component)result_int2(&r, i, COL(component)),
                     .value_on = result_date(&r, i, COL(value_on)), .value = {result_int8(&r, i, COL(value_us))},
                     .amount_minor = result_int8(&r, i, COL(amount_minor))},
            .version = result_int4_or(&r, i, COL(version), 0)};
    }
    return *out ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
}

/* ---- SAVE ----------------------------------------------------------------------------------------------------- */

tagih_err import_send_customers(struct tx *tx, struct arena *arena, const struct import_customer *rows, size_t n,
                                instant at) {
    if (n == 0) return TAGIH_OK;
    struct params p;
    tx_params(&p, tx, arena, STMT_import_customer_insert, n);
    params_uuid(&p, &rows[0].customer, sizeof *rows);
    params_text(&p, &rows[0].customer_no, sizeof *rows);
    params_one_int8(&p, at.us);
    return tx_send(tx, &p);
}

static tagih_err send_accounts(struct tx *tx, struct arena *arena, const struct import_state *rows, size_t n, instant at) {
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_import_account_insert, n);
    params_uuid(&p, &rows[0].account, s);
    params_text(&p, &rows[0].account_no, s);
    params_uuid(&p, &rows[0].customer, s);
    params_text(&p, &rows[0].product, s);
    params_text(&p, &rows[0].currency, s);
    params_text(&p, &rows[0].plate, s);
    params_one_int8(&p, at.us);
    return tx_send(tx, &p);
}

static void place_columns(struct params *p, const struct import_state *rows) {
    const size_t s = sizeof *rows;
    params_text(p, &rows[0].district, s);
    params_text(p, &rows[0].regency, s);
    params_text(p, &rows[0].phone, s);
}

static void hold_columns(struct params *p, const struct import_state *rows) {
    const size_t s = sizeof *rows;
    params_uuid(p, &rows[0].account, s);
    params_int2(p, &rows[0].status, s);
    params_date_opt(p, &rows[0].hold_from_on, &rows[0].has_hold, s);
    params_date_opt(p, &rows[0].hold_until_on, &rows[0].has_hold, s);
}

tagih_err import_send_new(struct tx *tx, struct arena *arena, const struct import_state *rows, size_t n, civil_date as_of,
                          instant at) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    TRY(send_accounts(tx, arena, rows, n, at));
    struct params p;
    tx_params(&p, tx, arena, STMT_import_state_insert, n);
    hold_columns(&p, rows);
    params_bool(&p, &rows[0].no_schedule, s);
    components(&p, rows[0].open_minor, s);
    params_date_opt(&p, &rows[0].oldest_due_on, &rows[0].has_oldest_due, s);
    params_one_date(&p, as_of);
    params_int4(&p, &rows[0].lat_e7, s);
    params_int4(&p, &rows[0].lon_e7, s);
    params_one_int2(&p, ADDRESS_STREET);
    place_columns(&p, rows);
    params_one_int8(&p, at.us);
    return tx_send(tx, &p);
}

static tagih_err send_clear(struct tx *tx, struct arena *arena, const struct import_state *rows, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_import_instalment_clear, n);
    params_uuid(&p, &rows[0].account, sizeof *rows);
    params_int4(&p, &rows[0].first_no, sizeof *rows);
    params_int4(&p, &rows[0].last_no, sizeof *rows);
    return tx_send(tx, &p);
}

tagih_err import_send_updated(struct tx *tx, struct arena *arena, const struct import_state *rows, size_t n,
                              civil_date as_of, instant at) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_import_state_update, n);
    hold_columns(&p, rows);
    params_bool(&p, &rows[0].placed_anew, s);
    params_bool(&p, &rows[0].no_schedule, s);
    components(&p, rows[0].open_minor, s);
    params_int8(&p, &rows[0].credit_minor, s);
    params_int8(&p, &rows[0].debt_allocated_minor, s);
    params_date_opt(&p, &rows[0].oldest_due_on, &rows[0].has_oldest_due, s);
    params_one_date(&p, as_of);
    params_bool(&p, &rows[0].assumed, s);
    params_int4(&p, &rows[0].lat_e7, s);
    params_int4(&p, &rows[0].lon_e7, s);
    place_columns(&p, rows);
    params_one_int8(&p, at.us);
    TRY(tx_send(tx, &p));
    return send_clear(tx, arena, rows, n);
}

tagih_err import_send_snapshots(struct tx *tx, struct arena *arena, const struct import_snapshot *rows, size_t n,
                                const hash256 *file, civil_date as_of, instant at, const int64_t *export_seq) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_import_snapshot_insert, n);
    params_uuid(&p, &rows[0].account, s);
    params_one_date(&p, as_of);
    params_one_bytea(&p, BYTES_OF(file));
    params_int4(&p, &rows[0].row_no, s);
    params_int2(&p, &rows[0].load_type, s);
    params_text(&p, &rows[0].load_reason, s);
    components(&p, rows[0].due_minor, s);
    params_one_int8(&p, at.us);
    one_seq(&p, export_seq);
    return tx_send(tx, &p);
}

static tagih_err send_instalment_states(struct tx *tx, struct arena *arena, const struct import_instalment *rows, size_t n) {
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_import_instalment_state, n);
    params_uuid(&p, &rows[0].account, s);
    params_int4(&p, &rows[0].no, s);
    params_date(&p, &rows[0].due_on, s);
    params_int2(&p, &rows[0].state, s);
    components(&p, rows[0].open_minor, s);
    return tx_send(tx, &p);
}

tagih_err import_send_instalments(struct tx *tx, struct arena *arena, const struct import_instalment *rows, size_t n,
                                  civil_date as_of, instant at) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_import_instalment_insert, n);
    params_uuid(&p, &rows[0].account, s);
    params_one_date(&p, as_of);
    params_one_int8(&p, at.us);
    params_int4(&p, &rows[0].no, s);
    params_date(&p, &rows[0].due_on, s);
    components(&p, rows[0].due_minor, s);
    TRY(tx_send(tx, &p));
    return send_instalment_states(tx, arena, rows, n);
}

tagih_err import_send_results(struct tx *tx, struct arena *arena, const struct import_result *rows, size_t n,
                              const hash256 *file) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_import_row_insert, n);
    params_one_bytea(&p, BYTES_OF(file));
    params_int4(&p, &rows[0].row_no, s);
    params_text(&p, &rows[0].account_no, s);
    params_uuid_opt(&p, &rows[0].account, &rows[0].has_account, s);
    params_text(&p, &rows[0].result, s);
    params_text(&p, &rows[0].warning, s);
    return tx_send(tx, &p);
}

tagih_err import_send_chain(struct tx *tx, struct arena *arena, const struct import_chain *chain) {
    struct params p;
    tx_params(&p, tx, arena, STMT_posting_writer_save, 0);
    params_one_int8(&p, chain->writer);
    params_one_int8(&p, chain->n);
    params_one_bytea(&p, BYTES_OF(&chain->head));
    return tx_send(tx, &p);
}

tagih_err import_send_file(struct tx *tx, struct arena *arena, const struct import_file_row *row) {
    struct params p;
    tx_params(&p, tx, arena, STMT_import_file_insert, 0);
    params_one_bytea(&p, BYTES_OF(&row->hash));
    params_one_text(&p, bytes_text(row->mode));
    params_one_text(&p, bytes_text(row->name));
    params_one_date(&p, row->as_of_on);
    params_one_int4(&p, row->shifted_days);
    params_one_int4(&p, row->rows_total);
    params_one_int4(&p, row->rows_good);
    params_one_text(&p, bytes_text(row->sum_minor));
    params_one_int8(&p, row->started.us);
    return tx_send(tx, &p);
}
