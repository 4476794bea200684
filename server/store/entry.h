/* SPDX-License-Identifier: Apache-2.0 */
/* Entries that wait for a person, and gaps of chains: rows as the database has them. */
#ifndef TAGIH_STORE_ENTRY_H
#define TAGIH_STORE_ENTRY_H

#include "store/tx.h"
#include "tagih/chain.h"
#include "tagih/ledger.h"

/** Stored in entry_decision.action. */
enum entry_action { ENTRY_RELEASE = 1, ENTRY_DROP };

struct entry_read {
    hash256 hash;
    uuid id;
    device_id device;
    int32_t epoch;
    int64_t seq;
    int16_t kind, fate;
    int64_t flags, received_us, value_us;
    struct bytes body; /* points into the result */
    user_id collector; /* of the phone now */
    bool owns_id, has_money;
    struct ledger_side money; /* what its posting into quarantine debited */
};

struct entry_decision_row {
    hash256 hash;
    uuid posting, proposal;
    int16_t action;
    bool has_account;
    account_id account;
    int16_t fate;
    int64_t flags, at_us;
};

struct gap_row {
    device_id device;
    int32_t epoch;
    int64_t first_seq, last_seq;
    uuid posting;
    int64_t at_us;
    user_id actor;
    struct bytes reason;
};

/** A chain as a gap finds it. */
struct gap_chain {
    bool known;
    struct chain chain;
    struct chain_gap gaps[CHAIN_GAPS_MAX];
    size_t n_gaps;
    bool some_are_here, next_is_here;
};

TAGIH_MUST_USE tagih_err entry_send_list(struct tx *tx, struct arena *arena, int16_t fate, int64_t after_us, const hash256 *after, int32_t limit);
TAGIH_MUST_USE tagih_err entry_send_get(struct tx *tx, struct arena *arena, const hash256 *hash);
/** Read a row of either. */
void entry_read_row(const struct result *r, size_t row, struct entry_read *out);

/** Queue the LOCK of the phones of an entry and of the receipt that it voids (nil: none): one answer, to be dropped. */
TAGIH_MUST_USE tagih_err entry_send_device_lock(struct tx *tx, struct arena *arena, const hash256 *hash, uuid receipt);
/** Queue the question for the newest fate of an id's owner. */
TAGIH_MUST_USE tagih_err entry_send_fate_of(struct tx *tx, struct arena *arena, uuid id);
/** 0: there is no such entry. */
int16_t entry_take_fate_of(struct tx *tx);

void entry_decision_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct entry_decision_row *row);
TAGIH_MUST_USE tagih_err entry_send_decided(struct tx *tx, struct arena *arena, const struct entry_decision_row *row, user_id actor,
                                            struct bytes reason);

/* Gaps. gaps_accepted: 16 bytes a gap, first and last seq, big-endian, ascending. */
TAGIH_MUST_USE tagih_err gap_send_load(struct tx *tx, struct arena *arena, const struct gap_row *gap);
TAGIH_MUST_USE tagih_err gap_take_load(struct tx *tx, struct gap_chain *out);
/** The links behind the contiguous part: a round trip of its own. */
TAGIH_MUST_USE tagih_err gap_load_links(struct tx *tx, struct arena *arena, const struct gap_row *gap, struct gap_chain *chain);
void gap_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct gap_row *row);
TAGIH_MUST_USE tagih_err gap_send_save(struct tx *tx, struct arena *arena, const struct gap_row *gap, const struct gap_chain *chain);
/** Read device_epoch.gaps_accepted; more than CHAIN_GAPS_MAX are cut off. Pure. */
size_t gaps_read(struct bytes stored, struct chain_gap out[CHAIN_GAPS_MAX]);

#endif
