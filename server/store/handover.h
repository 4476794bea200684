/* SPDX-License-Identifier: Apache-2.0 */
/* Halves of handovers (R-CSH-4): rows in, rows out. */
#ifndef TAGIH_STORE_HANDOVER_H
#define TAGIH_STORE_HANDOVER_H

#include "domain/cash.h"
#include "store/tx.h"

/** Stored: add, never renumber. */
enum handover_state { HANDOVER_UNKNOWN = 0, HANDOVER_WAITING = 1, HANDOVER_DONE = 2, HANDOVER_DISPUTED = 3 };

/** What an entry asks about. */
struct handover_key {
    uuid handover;
    user_id counterpart;
};

/** What is known of its handover, under its lock. */
struct handover_known {
    int16_t state;
    bool counterpart_is_field; /* he takes cash in this agency */
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

/** Queue the LOCK: one answer, to be dropped. Behind the devices, before the collectors. */
TAGIH_MUST_USE tagih_err handover_send_lock(struct tx *tx, struct arena *arena, const struct handover_key *keys, size_t n);
TAGIH_MUST_USE tagih_err handover_send_load(struct tx *tx, struct arena *arena, const struct handover_key *keys, size_t n);
/** @param out  [out] one per key */
void handover_take(struct tx *tx, struct handover_known *out, size_t n);
/** One row of its posting. */
void handover_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct handover_row *row);
/** Each handover once. */
TAGIH_MUST_USE tagih_err handover_send_states(struct tx *tx, struct arena *arena, const struct handover_now *rows, size_t n);

#endif
