/* SPDX-License-Identifier: Apache-2.0 */
/* Entries that wait for a person, and gaps of chains: columns in, columns out. */
#include "store/entry.h"

#include <string.h>

#include "domain/big_endian.h"
#include "store_statements.h"

/* ---- entries -------------------------------------------------------------------------------------------------- */

tagih_err entry_send_list(struct tx *tx, struct arena *arena, int16_t fate, int64_t after_us, const hash256 *after, int32_t limit) {
    struct params p;
    tx_params(&p, tx, arena, STMT_entry_list, 0);
    params_one_int2(&p, fate);
    params_one_int8(&p, after_us);
    params_one_bytea(&p, BYTES_OF(after));
    params_one_int4(&p, limit);
    return tx_send(tx, &p);
}

tagih_err entry_send_get(struct tx *tx, struct arena *arena, const hash256 *hash) {
    struct params p;
    tx_params(&p, tx, arena, STMT_entry_get, 0);
    params_one_bytea(&p, BYTES_OF(hash));
    return tx_send(tx, &p);
}

#define COL(name) COL_entry_get_##name
/* entry_get and entry_list have the same columns. */
void entry_read_row(const struct result *r, size_t i, struct entry_read *out) {
    *out = (struct entry_read){
        .hash = result_hash(r, i, COL(entry_hash)), .id = result_uuid(r, i, COL(entry_id)),
        .device.u = result_uuid(r, i, COL(device_id)), .epoch = result_int4(r, i, COL(epoch)), .seq = result_int8(r, i, COL(seq)),
        .kind = result_int2(r, i, COL(kind)), .fate = result_int2(r, i, COL(fate)), .flags = result_int8(r, i, COL(flags)),
        .received_us = result_int8(r, i, COL(received_us)), .value_us = result_int8(r, i, COL(value_us)),
        .body = result_bytes(r, i, COL(body)), .collector.u = result_uuid(r, i, COL(collector_id)),
        .owns_id = result_bool(r, i, COL(owns_id)), .has_money = result_bool(r, i, COL(has_money))};
    if (!out->has_money) return;
    out->money.account = (enum ledger_account)result_int2(r, i, COL(money_account));
    out->money.owner = result_uuid_or_nil(r, i, COL(money_owner));
}

tagih_err entry_send_device_lock(struct tx *tx, struct arena *arena, const hash256 *hash, uuid receipt) {
    struct params p;
    tx_params(&p, tx, arena, STMT_entry_device_lock, 0);
    params_one_bytea(&p, BYTES_OF(hash));
    params_one_uuid(&p, &receipt);
    return tx_send(tx, &p);
}

tagih_err entry_send_fate_of(struct tx *tx, struct arena *arena, uuid id) {
    struct params p;
    tx_params(&p, tx, arena, STMT_entry_fate_of, 0);
    params_one_uuid(&p, &id);
    return tx_send(tx, &p);
}

int16_t entry_take_fate_of(struct tx *tx) {
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    return result_count(&r) == 1 ? result_int2(&r, 0, COL_entry_fate_of_fate) : 0;
}

void entry_decision_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct entry_decision_row *row) {
    tx_params(p, tx, arena, STMT_entry_decision_insert, 1);
    params_hash(p, &row->hash, sizeof *row);
    params_uuid(p, &row->posting, sizeof *row);
    params_uuid(p, &row->proposal, sizeof *row);
    params_int2(p, &row->action, sizeof *row);
    params_uuid_opt(p, &row->account, &row->has_account, sizeof *row);
    params_int2(p, &row->fate, sizeof *row);
    params_int8(p, &row->flags, sizeof *row);
    params_int8(p, &row->at_us, sizeof *row);
}

tagih_err entry_send_decided(struct tx *tx, struct arena *arena, const struct entry_decision_row *row, user_id actor,
                             struct bytes reason) {
    struct params p;
    tx_params(&p, tx, arena, STMT_entry_decided, 0);
    params_one_bytea(&p, BYTES_OF(&row->hash));
    params_one_int2(&p, row->fate);
    params_one_int8(&p, row->flags);
    params_one_int8(&p, row->at_us);
    params_one_uuid(&p, &actor);
    params_one_text(&p, reason);
    return tx_send(tx, &p);
}

/* ---- gaps ----------------------------------------------------------------------------------------------------- */

#define GAP_BYTES 16

static int64_t read_seq(const uint8_t in[8]) {
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value = value << 8 | in[i];
    return (int64_t)value;
}

size_t gaps_read(struct bytes stored, struct chain_gap out[CHAIN_GAPS_MAX]) {
    size_t n = stored.len / GAP_BYTES < CHAIN_GAPS_MAX ? stored.len / GAP_BYTES : CHAIN_GAPS_MAX;
    for (size_t i = 0; i < n; i++) {
        out[i].first = read_seq(stored.data + i * GAP_BYTES);
        out[i].last = read_seq(stored.data + i * GAP_BYTES + 8);
    }
    return n;
}

tagih_err gap_send_load(struct tx *tx, struct arena *arena, const struct gap_row *gap) {
    struct params p;
    tx_params(&p, tx, arena, STMT_gap_device_lock, 0);
    params_one_uuid(&p, &gap->device);
    TRY(tx_send(tx, &p));
    tx_params(&p, tx, arena, STMT_gap_load, 0);
    params_one_uuid(&p, &gap->device);
    params_one_int4(&p, gap->epoch);
    params_one_int8(&p, gap->first_seq);
    params_one_int8(&p, gap->last_seq);
    return tx_send(tx, &p);
}

#undef COL
#define COL(name) COL_gap_load_##name
tagih_err gap_take_load(struct tx *tx, struct gap_chain *out) {
    DEFER(result) struct result locked = {0}, r = {0};
    tx_take(tx, &locked);
    tx_take(tx, &r);
    *out = (struct gap_chain){.known = result_count(&r) == 1};
    if (!out->known) return TAGIH_OK;
    out->chain.contiguous_seq = result_int8(&r, 0, COL(contiguous_seq));
    out->chain.head_hash = result_hash(&r, 0, COL(head_hash));
    out->n_gaps = gaps_read(result_bytes(&r, 0, COL(gaps_accepted)), out->gaps);
    out->some_are_here = result_bool(&r, 0, COL(some_are_here));
    out->next_is_here = result_bool(&r, 0, COL(next_is_here));
    return TAGIH_OK;
}

#undef COL
#define COL(name) COL_gap_links_##name
tagih_err gap_load_links(struct tx *tx, struct arena *arena, const struct gap_row *gap, struct gap_chain *chain) {
    struct params p;
    tx_params(&p, tx, arena, STMT_gap_links, 0);
    params_one_uuid(&p, &gap->device);
    params_one_int4(&p, gap->epoch);
    params_one_int8(&p, chain->chain.contiguous_seq);
    TRY(tx_send(tx, &p));
    TRY(tx_sync(tx));
    DEFER(result) struct result r = {0};
    tx_take(tx, &r);
    chain->chain.link_count = chain->chain.link_max = result_count(&r);
    chain->chain.links = ARENA_ARRAY(arena, chain->chain.link_max + 1, struct chain_link);
    if (!chain->chain.links) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < chain->chain.link_count; i++) {
        chain->chain.links[i] = (struct chain_link){.seq = result_int8(&r, i, COL(seq)), .hash = result_hash(&r, i, COL(entry_hash)),
                                                    .prev_hash = result_hash(&r, i, COL(prev_hash))};
    }
    return TAGIH_OK;
}

void gap_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct gap_row *row) {
    tx_params(p, tx, arena, STMT_gap_accepted_insert, 1);
    params_uuid(p, &row->device, sizeof *row);
    params_int4(p, &row->epoch, sizeof *row);
    params_int8(p, &row->first_seq, sizeof *row);
    params_int8(p, &row->last_seq, sizeof *row);
    params_uuid(p, &row->posting, sizeof *row);
    params_int8(p, &row->at_us, sizeof *row);
    params_uuid(p, &row->actor, sizeof *row);
    params_text(p, &row->reason, sizeof *row);
}

tagih_err gap_send_save(struct tx *tx, struct arena *arena, const struct gap_row *gap, const struct gap_chain *chain) {
    uint8_t stored[CHAIN_GAPS_MAX * GAP_BYTES];
    for (size_t i = 0; i < chain->n_gaps; i++) {
        put_be64(stored + i * GAP_BYTES, (uint64_t)chain->gaps[i].first);
        put_be64(stored + i * GAP_BYTES + 8, (uint64_t)chain->gaps[i].last);
    }
    struct params p;
    tx_params(&p, tx, arena, STMT_gap_save, 0);
    params_one_uuid(&p, &gap->device);
    params_one_int4(&p, gap->epoch);
    params_one_int8(&p, chain->chain.contiguous_seq);
    params_one_bytea(&p, BYTES_OF(&chain->chain.head_hash));
    params_one_bytea(&p, bytes_make(stored, chain->n_gaps * GAP_BYTES));
    return tx_send(tx, &p);
}
