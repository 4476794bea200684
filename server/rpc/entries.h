/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries of field journals on their way into the database: every one gets a fate and an acknowledgement (R-JRN-4..7).
 * PREPARE opened and verified them (push.c); here they meet what the server knows, in one transaction for many:
 *
 *     lock devices → accounts → visits → collectors; load; judge each chain; decide money and presence; acknowledge; save
 *
 * The same entry again gets the first acknowledgement again, byte for byte.
 */
#ifndef TAGIH_RPC_ENTRIES_H
#define TAGIH_RPC_ENTRIES_H

#include "rpc/arrival.h"
#include "rpc/outcome.h"
#include "book/posting.h"
#include "store/journal.h"
#include "store/promise.h"
#include "tagih/document.h"

/** A device certificate that came along, verified. */
struct sealed_by {
    struct device_certificate certificate;
    hash256 hash;
    key_id kid;
};

/** A new key that an entry asks for. */
struct rotation {
    struct sealed *sealed;
    bool seen;    /* somebody handed in this key before */
    bool granted;
};

/** One entry. */
struct sealed {
    /* PREPARE */
    struct bytes raw;
    struct envelope envelope;
    struct journal_entry *entry;    /* decoded; NULL for evidence */
    const struct sealed_by *by;
    enum fate_reason evidence;      /* not 0: kept as raw bytes, no acknowledgement */
    struct sealed *twin;            /* the same entry earlier in this batch; NULL: none */
    bool broken;                    /* the database refused it: only store it, quarantined (NOT_STORED) */
    /* decided; set anew in each run */
    bool owns_seq, owns_id, known;
    bool filled; /* it closed a gap: what lies behind loses its flag */
    bool replays_slip; /* two people posted it before (R-REC-8) */
    struct entry_instant value;
    civil_date value_on;
    fate_bits flags;
    enum fate fate;
    struct post *post;              /* money */
    struct arrival *arrival;
    struct outcome_entry *outcome;
    struct rotation *rotation;
    struct promise_deed *deed;      /* a promise: what its post does, … */
    struct params *insert;          /* … its row … */
    size_t midnight;                /* … and the index of the day on which it is over */
    struct cash_entry *cash;        /* cash that is no receipt: entries_cash.c */
    size_t chain;                   /* index of its chain */
    size_t referent;                /* index of what was asked for; SIZE_MAX: nothing */
    struct bytes ack;
    /* result, in memory that outlives the transaction */
    uint8_t ack_bytes[256];
    size_t ack_len;
};

/** Where a chain stands after the transaction, for its certificate. */
struct chain_end {
    device_id device;
    int32_t epoch;
    int64_t contiguous_seq;
    hash256 head_hash;
    struct chain_gap gaps[CHAIN_GAPS_MAX]; /* accepted ones (R-JRN-6) */
    size_t n_gaps;
};

/* What the entries of cash leave behind: entries_cash.c. */
struct cash_entries {
    struct handover_live *handovers;
    size_t n_handovers;
    struct cash_entry *all; /* in the order of entries */
    size_t n;
    struct cash_entry **woken; /* that waited for their phone's receipts, some of which are here */
    size_t n_woken;
};

struct entries {
    /* in */
    struct tx *tx;
    struct arena *arena;
    const struct rpc_server *server;
    agency_id agency;
    int64_t writer;
    instant now;
    struct sealed **all; /* sorted by (device, epoch, seq), no twins, no evidence */
    size_t n;
    /* between */
    struct chain_key *chains;
    size_t n_chains;
    struct journal_loaded loaded;
    struct book book;
    struct cash_entries cash;
    struct post *posts;
    size_t n_posts;
    struct arrival *arrivals;
    size_t n_arrivals;
    struct outcome_entry *outcomes;
    size_t n_outcomes;
    struct rotation *rotations;
    public_key *new_keys; /* of the rotations, in their order */
    size_t n_rotations;
    entry_id *referents;
    size_t n_referents;
    civil_date *over_on; /* of promises: the first days that are too late */
    instant *midnights;  /* where those begin */
    size_t n_promises;
    civil_date *dates; /* per entry */
    struct sealed **woken; /* voids that waited for a receipt of this batch */
    size_t n_woken;
    /* out: room for n_chains of the whole batch */
    struct chain_end *ends;
    size_t n_ends;
};

/** Store entries in an open transaction. Sets all results anew. @return OK · OUT_OF_MEMORY · INTERNAL · as tx_sync */
TAGIH_MUST_USE tagih_err entries_store(struct entries *entries);

/* Between entries.c and its parts. */

/** Reasons that make an entry wait for a person. REVOKED_KEY flags or quarantines (R-JRN-7): `revoked` says which. */
bool entry__is_quarantined(const struct sealed *sealed);
void entry__flag(struct sealed *sealed, enum fate_reason reason);
/** The value instant of an entry, from itself, its certificate and when it was first seen (R-TIM-3). Pure. */
struct entry_instant entry__value(const struct journal_entry *entry, instant certificate_issued, instant received);
/** What is acknowledged of a decided entry. Pure. */
struct acknowledgement entry__acknowledgement(const struct sealed *sealed, instant received);
/** The rows of a decided receipt or void; texts are borrowed. Pure. */
struct receipt_row entry__receipt_row(const struct sealed *sealed);
struct void_row entry__void_row(const struct sealed *sealed);
/** What the entry says of a promise's row; closes, received, flags and refused are the server's. */
struct promise_row entry__promise_row(const struct sealed *sealed);
/** A check-in as the entry brings it. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err entry__arrival(struct arena *arena, const struct sealed *sealed, instant received, struct arrival *out);
/** What a kind needs loaded: posts, arrivals, referents, accounts. */
TAGIH_MUST_USE tagih_err entry__plan(struct entries *entries, struct sealed *sealed);
/** A visit's outcome as the entry reports it. */
struct outcome_entry entry__outcome(const struct journal_entry *entry, user_id collector, instant value);
/** The first day that is too late for a promise, whose midnight is asked for; a day that nobody can name: the epoch's. Pure. */
civil_date entry__promise_over_on(const struct journal_promise *promise);
/** A decided promise's row, into `insert`: it goes with its posting, under its digest. */
void entry__fill_promise(struct entries *entries, const struct sealed *sealed);
/** What can be decided of a kind before money moves. */
void entry__decide(struct entries *entries, struct sealed *sealed);
/** What the money decided. */
void entry__settle(struct sealed *sealed);
/** Voids that waited and whose receipt is here now. */
TAGIH_MUST_USE tagih_err entries__wake(struct entries *entries);
/** Rotations of keys (entries_rotation.c): what they ask, whether the key is certified, and what that leaves. */
void rotation__plan(struct entries *entries, struct sealed *sealed);
TAGIH_MUST_USE tagih_err rotations__send(struct entries *entries);
TAGIH_MUST_USE tagih_err rotations__take(struct entries *entries);
void rotation__decide(struct entries *entries, struct sealed *sealed);
TAGIH_MUST_USE tagih_err rotations__save(struct entries *entries);
/** Queue the rows of all kinds. */
TAGIH_MUST_USE tagih_err entries__save_kinds(struct entries *entries);

#endif
