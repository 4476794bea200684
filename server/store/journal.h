/* SPDX-License-Identifier: Apache-2.0 */
/* The field journal in the database: chains, entries, their fates. Many at a time. */
#ifndef TAGIH_STORE_JOURNAL_H
#define TAGIH_STORE_JOURNAL_H

#include "store/tx.h"
#include "tagih/chain.h"
#include "tagih/journal.h"

/** A chain: one device and epoch. */
struct chain_key {
    device_id device;
    int32_t epoch;
    int64_t seq_from; /* links from here on are wanted */
};

#define CHAIN_CURRENCIES_MAX 4

struct chain_total {
    currency currency;
    struct running_point point;
    bool fresh;  /* speaks of the chain's contiguous end */
    bool dirty;
};

struct chain_state {
    struct chain_key key;
    bool known; /* the epoch has a row */
    int16_t device_state;
    int32_t device_epoch; /* the one in force */
    bool revoked;
    instant revoked_at;
    struct chain chain;
    int64_t seq_max, declared_seq;
    int64_t closed_seq; /* of the rotation that ended this epoch; 0: it is open */
    struct chain_gap gaps[CHAIN_GAPS_MAX]; /* accepted */
    size_t n_gaps;
    struct chain_total totals[CHAIN_CURRENCIES_MAX];
    size_t n_totals;
    bool dirty;
};

/** What the database says of an entry that comes in. */
struct journal_known {
    bool known;  /* this very entry was here */
    uint16_t fate;
    uint64_t flags;
    struct bytes ack;
    instant received;
    bool id_taken; /* by another entry */
    bool has_slip; /* two people posted a receipt of this id (R-REC-8): */
    device_id slip_device;
    account_id slip_account;
    int64_t slip_amount_minor;
    currency slip_currency;
    int16_t slip_tender;
};

/** What a void wants to void. */
struct void_referent {
    bool entry;      /* an entry of this id is here */
    uint16_t kind, fate;
    bool receipt;
    device_id device;
    int32_t epoch;
    int64_t seq;
    user_id collector;
    int64_t amount_minor;
    currency currency;
    instant value;
    bool declared;
};

struct waiting_entry {
    hash256 hash;
    struct bytes body;
    instant received, value;
    civil_date value_on;
    int64_t flags; /* of its fate so far */
};

struct journal_row {
    hash256 hash, prev_hash;
    device_id device;
    int32_t epoch;
    int64_t seq;
    entry_id id;
    int16_t kind, fate;
    bool owns_seq, owns_id;
    int64_t flags, received_us, value_us;
    struct bytes ack, body;
};

struct receipt_row {
    entry_id id;
    hash256 hash;
    device_id device;
    int32_t epoch;
    int64_t seq;
    bool has_account;
    account_id account;
    user_id collector;
    bool has_visit;
    visit_id visit;
    int64_t amount_minor;
    struct bytes currency;
    int16_t tender, tag;
    struct bytes reference;
    int64_t receipt_no, device_us, value_us;
    civil_date value_on;
};

struct void_row {
    entry_id id, receipt;
    int64_t amount_minor;
    struct bytes currency;
    int16_t effect, reason;
    int64_t value_us;
};

struct fate_row {
    hash256 hash;
    int16_t fate;
    int64_t flags;
};

struct waiting_row {
    hash256 hash;
    entry_id referent;
};

TAGIH_MUST_USE tagih_err journal_send_lock(struct tx *tx, struct arena *arena, const struct chain_key *chains, size_t n);
void journal_take_lock(struct tx *tx);

/** Queue LOAD of chains, of what is known of each entry, of what voids refer to, and of what waits for the receipts, if there are any. */
TAGIH_MUST_USE tagih_err journal_send_load(struct tx *tx, struct arena *arena, const struct chain_key *chains,
                                           size_t n_chains, const hash256 *hashes, const entry_id *ids, size_t n,
                                           const entry_id *referents, size_t n_referents, bool has_receipts);
struct journal_loaded {
    struct chain_state *chains;
    struct journal_known *known;     /* per entry */
    struct void_referent *referents; /* per referent asked */
    struct waiting_entry *waiting;
    size_t n_waiting;
};
/** `room` more links fit each chain than were loaded. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err journal_take_load(struct tx *tx, struct arena *arena, const struct chain_key *chains,
                                           size_t n_chains, size_t n, size_t n_referents, size_t room,
                                           struct journal_loaded *out);

/* SAVE: nothing for no rows. */
TAGIH_MUST_USE tagih_err journal_send_rows(struct tx *tx, struct arena *arena, const struct journal_row *rows, size_t n);
TAGIH_MUST_USE tagih_err journal_send_chains(struct tx *tx, struct arena *arena, const struct chain_state *chains, size_t n);
TAGIH_MUST_USE tagih_err journal_send_receipts(struct tx *tx, struct arena *arena, const struct receipt_row *rows, size_t n);
TAGIH_MUST_USE tagih_err journal_send_voids(struct tx *tx, struct arena *arena, const struct void_row *rows, size_t n);
TAGIH_MUST_USE tagih_err journal_send_fates(struct tx *tx, struct arena *arena, const struct fate_row *rows, size_t n, instant at);
TAGIH_MUST_USE tagih_err journal_send_waiting(struct tx *tx, struct arena *arena, const struct waiting_row *rows, size_t n);
TAGIH_MUST_USE tagih_err journal_send_waited(struct tx *tx, struct arena *arena, const hash256 *hashes, size_t n);
/** More flags for entries that took effect earlier. */
TAGIH_MUST_USE tagih_err journal_send_flags(struct tx *tx, struct arena *arena, const uuid *ids, const int64_t *flags, size_t n, instant at);
/** Places in chains behind which a gap was filled. */
TAGIH_MUST_USE tagih_err journal_send_filled(struct tx *tx, struct arena *arena, const struct chain_key *places, size_t n, int64_t gap_flag, instant at);
/** More flags for entries that came before the rotation which closed their epoch at a lower seq. */
TAGIH_MUST_USE tagih_err journal_send_closed(struct tx *tx, struct arena *arena, device_id device, int32_t epoch, int64_t closed_seq, int64_t flag, instant at);
TAGIH_MUST_USE tagih_err journal_send_suspend(struct tx *tx, struct arena *arena, const device_id *devices, size_t n, instant at);

/** Keep raw bytes of strangers, within the quota. Outside any transaction. @return OK · as db_exec_one */
TAGIH_MUST_USE tagih_err evidence_keep(struct db *db, struct arena *arena, const struct bytes *bodies,
                                       const struct bytes *reasons, size_t n, struct bytes peer, instant received);

#endif
