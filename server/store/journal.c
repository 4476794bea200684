/* SPDX-License-Identifier: Apache-2.0 */
/* The journal: lock and load. */
#include "store/journal.h"

#include <sodium.h>

#include "store/entry.h"
#include "store_statements.h"

tagih_err journal_send_lock(struct tx *tx, struct arena *arena, const struct chain_key *chains, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_device_lock, n);
    params_uuid(&p, &chains[0].device, sizeof *chains);
    return tx_send(tx, &p);
}

void journal_take_lock(struct tx *tx) {
    DEFER(result) struct result locked = {0};
    tx_take(tx, &locked);
}

static tagih_err send_chains(struct tx *tx, struct arena *arena, const struct chain_key *chains, size_t n) {
    struct params p;
    tx_params(&p, tx, arena, STMT_device_chain_load, n);
    params_uuid(&p, &chains[0].device, sizeof *chains);
    params_int4(&p, &chains[0].epoch, sizeof *chains);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, arena, STMT_device_links_load, n);
    params_uuid(&p, &chains[0].device, sizeof *chains);
    params_int4(&p, &chains[0].epoch, sizeof *chains);
    params_int8(&p, &chains[0].seq_from, sizeof *chains);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, arena, STMT_device_totals_load, n);
    params_uuid(&p, &chains[0].device, sizeof *chains);
    params_int4(&p, &chains[0].epoch, sizeof *chains);
    return tx_send(tx, &p);
}

/* A void waits for its receipt, cash that left a bag for whatever is missing of its phone's journal. */
static tagih_err send_waiting(struct tx *tx, struct arena *arena, const struct chain_key *chains, size_t n_chains,
                              const entry_id *ids, size_t n) {
    uuid *all = ARENA_ARRAY(arena, n + n_chains, uuid);
    struct params p;
    if (!all) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) all[i] = ids[i].u;
    for (size_t i = 0; i < n_chains; i++) all[n + i] = chains[i].device.u;
    tx_params(&p, tx, arena, STMT_waiting_load, n ? n + n_chains : 0);
    params_uuid(&p, all, sizeof *all);
    return tx_send(tx, &p);
}

tagih_err journal_send_load(struct tx *tx, struct arena *arena, const struct chain_key *chains, size_t n_chains,
                            const hash256 *hashes, const entry_id *ids, size_t n, const entry_id *referents,
                            size_t n_referents, bool has_receipts) {
    TRY(send_chains(tx, arena, chains, n_chains));
    struct params p;
    tx_params(&p, tx, arena, STMT_journal_known, n);
    params_hash(&p, hashes, sizeof *hashes);
    params_uuid(&p, ids, sizeof *ids);
    TRY(tx_send(tx, &p));
    TRY(send_waiting(tx, arena, chains, n_chains, ids, has_receipts ? n : 0));
    tx_params(&p, tx, arena, STMT_void_referent_load, n_referents);
    params_uuid(&p, referents, sizeof *referents);
    return tx_send(tx, &p);
}

/* ---- take ----------------------------------------------------------------------------------------------------- */

#define COL(name) COL_device_chain_load_##name
static void take_chains(struct tx *tx, const struct chain_key *keys, size_t n, struct chain_state *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct chain_state){.key = keys[i], .known = !result_is_null(&r, i, COL(contiguous_seq))};
        if (!result_is_null(&r, i, COL(device_state))) out[i].device_state = result_int2(&r, i, COL(device_state));
        out[i].device_epoch = result_int4_or(&r, i, COL(device_epoch), 0);
        out[i].revoked = !result_is_null(&r, i, COL(revoked_us));
        out[i].revoked_at.us = result_int8_or(&r, i, COL(revoked_us), 0);
        if (!out[i].known) continue;
        out[i].chain.contiguous_seq = result_int8(&r, i, COL(contiguous_seq));
        out[i].chain.head_hash = result_hash(&r, i, COL(head_hash));
        out[i].seq_max = result_int8(&r, i, COL(seq_max));
        out[i].declared_seq = result_int8(&r, i, COL(declared_seq));
        out[i].closed_seq = result_int8_or(&r, i, COL(closed_seq), 0);
        out[i].n_gaps = gaps_read(result_bytes(&r, i, COL(gaps_accepted)), out[i].gaps);
    }
}
#undef COL

static tagih_err take_links(struct tx *tx, struct arena *arena, size_t n, size_t room, struct chain_state *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    size_t count = result_count(&r), at = 0;
    for (size_t i = 0; i < n; i++) {
        size_t first = at;
        while (at < count && (size_t)result_int4(&r, at, COL_device_links_load_row) == i) at++;
        struct chain *chain = &out[i].chain;
        chain->link_max = at - first + room;
        chain->links = ARENA_ARRAY(arena, chain->link_max, struct chain_link);
        if (!chain->links) return FAIL(OUT_OF_MEMORY);
        for (size_t k = first; k < at; k++) {
            chain->links[chain->link_count++] = (struct chain_link){
                .seq = result_int8(&r, k, COL_device_links_load_seq),
                .hash = result_hash(&r, k, COL_device_links_load_entry_hash),
                .prev_hash = result_hash(&r, k, COL_device_links_load_prev_hash)};
        }
    }
    return TAGIH_OK;
}

static void take_totals(struct tx *tx, struct chain_state *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    for (size_t i = 0; i < result_count(&r); i++) {
        struct chain_state *chain = &out[result_int4(&r, i, COL_device_totals_load_row)];
        if (chain->n_totals == CHAIN_CURRENCIES_MAX) continue;
        int64_t seq = result_int8(&r, i, COL_device_totals_load_seq);
        chain->totals[chain->n_totals++] = (struct chain_total){
            .currency = result_currency(&r, i, COL_device_totals_load_currency),
            .fresh = seq >= 0,
            .point = {.seq = seq, .is_money = true,
                      .cum_count = (uint64_t)result_int8(&r, i, COL_device_totals_load_cum_count),
                      .cum_total_minor = result_int8(&r, i, COL_device_totals_load_cum_total_minor)}};
    }
}

#define COL(name) COL_journal_known_##name
static void take_slip(const struct result *r, size_t i, struct journal_known *out) {
    out->has_slip = !result_is_null(r, i, COL(slip_device_id));
    if (!out->has_slip) return;
    out->slip_device.u = result_uuid(r, i, COL(slip_device_id));
    out->slip_account.u = result_uuid(r, i, COL(slip_account_id));
    out->slip_amount_minor = result_int8(r, i, COL(slip_amount_minor));
    memcpy(out->slip_currency.code, result_text(r, i, COL(slip_currency)).data, 3);
    out->slip_tender = result_int2(r, i, COL(slip_tender));
}

static tagih_err take_known(struct tx *tx, struct arena *arena, size_t n, struct journal_known *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct journal_known){.known = !result_is_null(&r, i, COL(fate)),
                                        .id_taken = !result_is_null(&r, i, COL(id_hash))};
        take_slip(&r, i, &out[i]);
        if (!out[i].known) continue;
        out[i].fate = (uint16_t)result_int2(&r, i, COL(fate));
        out[i].flags = (uint64_t)result_int8(&r, i, COL(flags));
        out[i].received.us = result_int8(&r, i, COL(received_us));
        out[i].ack = arena_copy(arena, result_bytes(&r, i, COL(ack)));
        if (!out[i].ack.data) return FAIL(OUT_OF_MEMORY);
    }
    return TAGIH_OK;
}
#undef COL

static tagih_err take_waiting(struct tx *tx, struct arena *arena, struct journal_loaded *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    out->n_waiting = result_count(&r);
    out->waiting = ARENA_ARRAY(arena, out->n_waiting, struct waiting_entry);
    if (!out->waiting) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < out->n_waiting; i++) {
        out->waiting[i] = (struct waiting_entry){
            .hash = result_hash(&r, i, COL_waiting_load_entry_hash),
            .body = arena_copy(arena, result_bytes(&r, i, COL_waiting_load_body)),
            .received = {result_int8(&r, i, COL_waiting_load_received_us)},
            .value = {result_int8(&r, i, COL_waiting_load_value_us)},
            .value_on = result_date(&r, i, COL_waiting_load_value_on),
            .flags = result_int8(&r, i, COL_waiting_load_flags)};
    }
    return TAGIH_OK;
}

#define COL(name) COL_void_referent_load_##name
static void take_referents(struct tx *tx, size_t n, struct void_referent *out) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    for (size_t i = 0; i < n; i++) {
        out[i] = (struct void_referent){.entry = !result_is_null(&r, i, COL(kind)),
                                        .receipt = result_bool(&r, i, COL(is_receipt))};
        if (out[i].entry) {
            out[i].kind = (uint16_t)result_int2(&r, i, COL(kind));
            out[i].fate = (uint16_t)result_int2(&r, i, COL(fate));
        }
        if (!out[i].receipt) continue;
        out[i].device.u = result_uuid(&r, i, COL(device_id));
        out[i].epoch = result_int4(&r, i, COL(epoch));
        out[i].seq = result_int8(&r, i, COL(seq));
        out[i].collector.u = result_uuid(&r, i, COL(collector_id));
        out[i].amount_minor = result_int8(&r, i, COL(amount_minor));
        out[i].currency = result_currency(&r, i, COL(currency));
        out[i].value.us = result_int8(&r, i, COL(value_us));
        out[i].declared = result_bool(&r, i, COL(declared));
    }
}
#undef COL

tagih_err journal_take_load(struct tx *tx, struct arena *arena, const struct chain_key *chains, size_t n_chains, size_t n,
                            size_t n_referents, size_t room, struct journal_loaded *out) {
    *out = (struct journal_loaded){.chains = ARENA_ARRAY(arena, n_chains, struct chain_state),
                                   .known = ARENA_ARRAY(arena, n, struct journal_known),
                                   .referents = ARENA_ARRAY(arena, n_referents, struct void_referent)};
    if (!out->chains || !out->known || !out->referents) return FAIL(OUT_OF_MEMORY);
    take_chains(tx, chains, n_chains, out->chains);
    TRY(take_links(tx, arena, n_chains, room, out->chains));
    take_totals(tx, out->chains);
    TRY(take_known(tx, arena, n, out->known));
    TRY(take_waiting(tx, arena, out));
    take_referents(tx, n_referents, out->referents);
    return TAGIH_OK;
}

/* ---- evidence ------------------------------------------------------------------------------------------------- */

#define EVIDENCE_ROWS_MAX 100000

tagih_err evidence_keep(struct db *db, struct arena *arena, const struct bytes *bodies, const struct bytes *reasons,
                        size_t n, struct bytes peer, instant received) {
    hash256 *hashes = ARENA_ARRAY(arena, n, hash256);
    if (!hashes) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) crypto_hash_sha256(hashes[i].b, bodies[i].data, bodies[i].len);
    struct params p;
    params_init(&p, arena, STMT_evidence_insert, n);
    params_hash(&p, hashes, sizeof *hashes);
    params_one_int8(&p, received.us);
    params_text(&p, reasons, sizeof *reasons);
    params_one_text(&p, peer);
    params_bytea(&p, bodies, sizeof *bodies);
    params_one_int8(&p, EVIDENCE_ROWS_MAX);
    DEFER(result) struct result r = {0};
    return db_exec_one(db, &p, db__now_us() + 5 * US_PER_S, &r);
}
