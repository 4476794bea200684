/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: save. */
#include "store/journal.h"
#include "store_statements.h"

tagih_err journal_send_rows(struct tx *tx, struct arena *arena, const struct journal_row *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_journal_insert, n);
    params_hash(&p, &rows[0].hash, s);
    params_uuid(&p, &rows[0].device, s);
    params_int4(&p, &rows[0].epoch, s);
    params_int8(&p, &rows[0].seq, s);
    params_uuid(&p, &rows[0].id, s);
    params_int2(&p, &rows[0].kind, s);
    params_bool(&p, &rows[0].owns_seq, s);
    params_bool(&p, &rows[0].owns_id, s);
    params_int2(&p, &rows[0].fate, s);
    params_int8(&p, &rows[0].flags, s);
    params_int8(&p, &rows[0].received_us, s);
    params_hash(&p, &rows[0].prev_hash, s);
    params_bytea(&p, &rows[0].ack, s);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, arena, STMT_journal_body_insert, n);
    params_hash(&p, &rows[0].hash, s);
    params_int8(&p, &rows[0].received_us, s);
    params_int8(&p, &rows[0].value_us, s);
    params_bytea(&p, &rows[0].body, s);
    return tx_send(tx, &p);
}

struct total_row {
    device_id device;
    int32_t epoch;
    struct bytes currency;
    int64_t seq, cum_count, cum_total_minor;
};

static tagih_err send_totals(struct tx *tx, struct arena *arena, const struct chain_state *chains, size_t n) {
    struct total_row *rows = ARENA_ARRAY(arena, n * CHAIN_CURRENCIES_MAX, struct total_row);
    if (!rows) return FAIL(OUT_OF_MEMORY);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < chains[i].n_totals; k++) {
            const struct chain_total *t = &chains[i].totals[k];
            if (!t->dirty) continue;
            rows[count] = (struct total_row){.device = chains[i].key.device, .epoch = chains[i].key.epoch,
                                             .currency = bytes_text(t->currency.code), .seq = -1};
            if (t->fresh) {
                rows[count].seq = t->point.seq;
                rows[count].cum_count = (int64_t)t->point.cum_count;
                rows[count].cum_total_minor = t->point.cum_total_minor;
            }
            count++;
        }
    }
    if (count == 0) return TAGIH_OK;
    struct params p;
    tx_params(&p, tx, arena, STMT_device_total_save, count);
    params_uuid(&p, &rows[0].device, sizeof *rows);
    params_int4(&p, &rows[0].epoch, sizeof *rows);
    params_text(&p, &rows[0].currency, sizeof *rows);
    params_int8(&p, &rows[0].seq, sizeof *rows);
    params_int8(&p, &rows[0].cum_count, sizeof *rows);
    params_int8(&p, &rows[0].cum_total_minor, sizeof *rows);
    return tx_send(tx, &p);
}

tagih_err journal_send_chains(struct tx *tx, struct arena *arena, const struct chain_state *chains, size_t n) {
    struct chain_state *rows = ARENA_ARRAY(arena, n, struct chain_state);
    if (!rows) return FAIL(OUT_OF_MEMORY);
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (chains[i].dirty) rows[count++] = chains[i];
    }
    if (count == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_device_chain_save, count);
    params_uuid(&p, &rows[0].key.device, s);
    params_int4(&p, &rows[0].key.epoch, s);
    params_int8(&p, &rows[0].chain.contiguous_seq, s);
    params_hash(&p, &rows[0].chain.head_hash, s);
    params_int8(&p, &rows[0].seq_max, s);
    params_int8(&p, &rows[0].declared_seq, s);
    TRY(tx_send(tx, &p));
    return send_totals(tx, arena, rows, count);
}

tagih_err journal_send_receipts(struct tx *tx, struct arena *arena, const struct receipt_row *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_receipt_insert, n);
    params_uuid(&p, &rows[0].id, s);
    params_hash(&p, &rows[0].hash, s);
    params_uuid(&p, &rows[0].device, s);
    params_int4(&p, &rows[0].epoch, s);
    params_int8(&p, &rows[0].seq, s);
    params_uuid_opt(&p, &rows[0].account, &rows[0].has_account, s);
    params_uuid(&p, &rows[0].collector, s);
    params_uuid_opt(&p, &rows[0].visit, &rows[0].has_visit, s);
    params_int8(&p, &rows[0].amount_minor, s);
    params_text(&p, &rows[0].currency, s);
    params_int2(&p, &rows[0].tender, s);
    params_int2(&p, &rows[0].tag, s);
    params_text(&p, &rows[0].reference, s);
    params_int8(&p, &rows[0].receipt_no, s);
    params_int8(&p, &rows[0].device_us, s);
    params_int8(&p, &rows[0].value_us, s);
    params_date(&p, &rows[0].value_on, s);
    return tx_send(tx, &p);
}

tagih_err journal_send_voids(struct tx *tx, struct arena *arena, const struct void_row *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    const size_t s = sizeof *rows;
    struct params p;
    tx_params(&p, tx, arena, STMT_void_insert, n);
    params_uuid(&p, &rows[0].id, s);
    params_uuid(&p, &rows[0].receipt, s);
    params_int8(&p, &rows[0].amount_minor, s);
    params_text(&p, &rows[0].currency, s);
    params_int2(&p, &rows[0].effect, s);
    params_int2(&p, &rows[0].reason, s);
    params_int8(&p, &rows[0].value_us, s);
    return tx_send(tx, &p);
}

tagih_err journal_send_fates(struct tx *tx, struct arena *arena, const struct fate_row *rows, size_t n, instant at) {
    if (n == 0) return TAGIH_OK;
    struct params p;
    tx_params(&p, tx, arena, STMT_entry_event_insert, n);
    params_hash(&p, &rows[0].hash, sizeof *rows);
    params_one_int8(&p, at.us);
    params_int2(&p, &rows[0].fate, sizeof *rows);
    params_int8(&p, &rows[0].flags, sizeof *rows);
    return tx_send(tx, &p);
}

tagih_err journal_send_waiting(struct tx *tx, struct arena *arena, const struct waiting_row *rows, size_t n) {
    if (n == 0) return TAGIH_OK;
    struct params p;
    tx_params(&p, tx, arena, STMT_waiting_insert, n);
    params_hash(&p, &rows[0].hash, sizeof *rows);
    params_uuid(&p, &rows[0].referent, sizeof *rows);
    return tx_send(tx, &p);
}

tagih_err journal_send_waited(struct tx *tx, struct arena *arena, const hash256 *hashes, size_t n) {
    if (n == 0) return TAGIH_OK;
    struct params p;
    tx_params(&p, tx, arena, STMT_waiting_done, n);
    params_hash(&p, hashes, sizeof *hashes);
    return tx_send(tx, &p);
}

tagih_err journal_send_flags(struct tx *tx, struct arena *arena, const uuid *ids, const int64_t *flags, size_t n, instant at) {
    if (n == 0) return TAGIH_OK;
    struct params p;
    tx_params(&p, tx, arena, STMT_entry_flag, n);
    params_uuid(&p, ids, sizeof *ids);
    params_int8(&p, flags, sizeof *flags);
    params_one_int8(&p, at.us);
    return tx_send(tx, &p);
}

tagih_err journal_send_filled(struct tx *tx, struct arena *arena, const struct chain_key *places, size_t n,
                              int64_t gap_flag, instant at) {
    if (n == 0) return TAGIH_OK;
    struct params p;
    tx_params(&p, tx, arena, STMT_gap_filled, n);
    params_uuid(&p, &places[0].device, sizeof *places);
    params_int4(&p, &places[0].epoch, sizeof *places);
    params_int8(&p, &places[0].seq_from, sizeof *places);
    params_one_int8(&p, gap_flag);
    params_one_int8(&p, at.us);
    return tx_send(tx, &p);
}

tagih_err journal_send_closed(struct tx *tx, struct arena *arena, device_id device, int32_t epoch, int64_t closed_seq,
                              int64_t flag, instant at) {
    struct params p;
    tx_params(&p, tx, arena, STMT_epoch_closed, 0);
    params_one_uuid(&p, &device);
    params_one_int4(&p, epoch);
    params_one_int8(&p, closed_seq);
    params_one_int8(&p, flag);
    params_one_int8(&p, at.us);
    return tx_send(tx, &p);
}

tagih_err journal_send_suspend(struct tx *tx, struct arena *arena, const device_id *devices, size_t n, instant at) {
    if (n == 0) return TAGIH_OK;
    struct params p;
    tx_params(&p, tx, arena, STMT_device_suspend, n);
    params_uuid(&p, devices, sizeof *devices);
    params_one_int8(&p, at.us);
    return tx_send(tx, &p);
}
