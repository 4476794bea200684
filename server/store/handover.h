/* SPDX-License-Identifier: Apache-2.0 */
/* Halves of handovers (R-CSH-4): rows in, rows out. */
#ifndef TAGIH_STORE_HANDOVER_H
#define TAGIH_STORE_HANDOVER_H

#include "domain/cash.h"
#include "store/tx.h"

/** Stored: add, never renumber. */
enum handover_state {
    HANDOVER_UNKNOWN = 0,
    HANDOVER_WAITING = 1, /* for the other half */
    HANDOVER_DONE = 2,
    HANDOVER_DISPUTED = 3,
    HANDOVER_UNCOVERED = 4, /* for the giver's cash, because not all of his journal is here */
};

/** What an entry asks about. */
struct handover_key {
    uuid handover;
    user_id counterpart;
    device_id device; /* of the phone that asks, and which of its epochs */
    int32_t epoch;
};

/** What is known of its handover, under its lock. */
struct handover_known {
    int16_t state;
    bool counterpart_is_field; /* he takes cash in this agency */
    bool is_behind;            /* of earlier epochs of the phone that asks not all is here */
    bool first_is_behind;      /* nor of the journal before the half that came first */
    bool has_half;             /* the one that came first */
    entry_id entry;
    hash256 hash;
    struct cash_half half;
    int64_t flags; /* its fate's so far */
};

struct handover_row {
    entry_id entry;
    uuid posting, handover;
    int16_t side;
    user_id user, counterpart;
    int64_t amount_minor;
    struct bytes currency;
    hash256 hash;
    device_id device;
    int32_t epoch;
    int64_t seq, value_us;
    civil_date value_on;
};

struct handover_now {
    uuid id;
    int16_t state;
    entry_id entry; /* the half that came first */
};

/** A handover whose halves are both here and that waits for the giver's cash. */
struct handover_uncovered {
    uuid id;
    struct cash_half half; /* of the half that came first */
    entry_id first;
    hash256 first_hash;
    int64_t first_flags;
    entry_id entry; /* the half that came second */
    hash256 hash;
    device_id device;
    int32_t epoch;
    int64_t seq, value_us, flags;
    bool is_complete; /* nothing of the giver's journal before his half is missing */
};

/** Queue the LOCK: one answer, to be dropped. Behind the devices, before the collectors. */
TAGIH_MUST_USE tagih_err handover_send_lock(struct tx *tx, struct arena *arena, const struct handover_key *keys, size_t n);
TAGIH_MUST_USE tagih_err handover_send_load(struct tx *tx, struct arena *arena, const struct handover_key *keys, size_t n);
/** @param out  [out] one per key */
void handover_take(struct tx *tx, struct handover_known *out, size_t n);
/** One row of its posting. */
void handover_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct handover_row *row);
/** Each handover once. */
TAGIH_MUST_USE tagih_err handover_send_states(struct tx *tx, struct arena *arena, const struct handover_now *rows, size_t n);

/** Queue a look at handovers that wait for the giver's cash: those that can be decided, or (n > 0) these. */
TAGIH_MUST_USE tagih_err handover_send_uncovered(struct tx *tx, struct arena *arena, const uuid *ids, size_t n, size_t room);
/** @param out  [out] at most as many as there was room for, by id */
size_t handover_take_uncovered(struct tx *tx, struct handover_uncovered *out);
/** Queue the lock of the phones of their halves, before all others: one answer, to be dropped. */
TAGIH_MUST_USE tagih_err handover_send_devices_lock(struct tx *tx, struct arena *arena, const uuid *ids, size_t n);

/** Queue: does this half have a row? */
TAGIH_MUST_USE tagih_err handover_send_has_row(struct tx *tx, struct arena *arena, uuid entry);
bool handover_take_has_row(struct tx *tx);

/* A chore's look (engine/chores.h). */
TAGIH_MUST_USE tagih_err handover_uncovered_agencies(struct db *db, struct arena *arena, instant now, int64_t deadline_us,
                                                     agency_id *out, size_t room, size_t *n);

#endif
