/* SPDX-License-Identifier: Apache-2.0 */
/* Settlements and vaults (R-CSH-2): rows in, rows out. What they mean is decided in server/rpc/settlement.c. */
#ifndef TAGIH_STORE_SETTLEMENT_H
#define TAGIH_STORE_SETTLEMENT_H

#include "domain/settlement.h"
#include "store/tx.h"
#include "tagih/money.h"

/* ---- facts: parameters of their inserts, for a post ----------------------------------------------------------------- */

struct settlement_row {
    uuid id, posting;
    user_id collector;
    bool has_journal; /* hash, device, epoch and places are there */
    hash256 entry_hash;
    device_id device;
    int32_t epoch;
    int64_t first_seq, last_seq;
    struct bytes currency;
    int64_t receipts, voids, cash_minor, other_minor, declared_minor, value_us, received_us;
    civil_date value_on;
    user_id actor;
    struct bytes reason;
};

struct settlement_note_row {
    uuid settlement, posting;
    int32_t version;
    int64_t value_minor, pieces;
};

struct settlement_event_row {
    uuid settlement, posting;
    int32_t version;
    int16_t event, state;
    int64_t at_us;
    user_id actor;
    bool has_counted, has_expected, has_deposit, has_proposal;
    int64_t counted_minor, expected_minor;
    uuid deposit, proposal;
    struct bytes reason;
};

/** Rows of one posting, sorted by settlement (and version, value). */
void settlement_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct settlement_row *rows, size_t n);
void settlement_note_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct settlement_note_row *rows,
                          size_t n);
void settlement_event_fact(struct params *p, const struct tx *tx, struct arena *arena,
                           const struct settlement_event_row *rows, size_t n);

/* ---- state ---------------------------------------------------------------------------------------------------------- */

/** What changes of a settlement. */
struct settlement_now {
    uuid id;
    int16_t state; /* enum settlement_state */
    int32_t version;
    bool has_cashier, has_counted, has_expected, has_deposit;
    user_id cashier;
    int64_t counted_minor, expected_minor;
    uuid deposit;
};

/** A day close that was released declares its phone's receipts up to a seq. Under the phone's lock. */
TAGIH_MUST_USE tagih_err settlement_send_day_declared(struct tx *tx, struct arena *arena, device_id device, int32_t epoch,
                                                      int64_t last_seq);
/** Settlements that were just declared. */
TAGIH_MUST_USE tagih_err settlement_send_new(struct tx *tx, struct arena *arena, const struct settlement_row *rows, size_t n);
/** Each with its version already raised. */
TAGIH_MUST_USE tagih_err settlement_send_states(struct tx *tx, struct arena *arena, const struct settlement_now *rows, size_t n);

/* ---- reading -------------------------------------------------------------------------------------------------------- */

/** A settlement as it is. Texts live in the result. */
struct settlement_read {
    struct settlement_now now; /* until it is accepted, expected_minor is what is expected at this moment */
    user_id collector;
    bool has_journal;
    hash256 entry_hash;
    device_id device;
    int32_t epoch;
    int64_t first_seq, last_seq;
    currency currency;
    int64_t receipts, voids, cash_minor, other_minor, declared_minor, value_us;
    user_id actor;
    struct bytes reason;
    bool has_gap;
};

TAGIH_MUST_USE tagih_err settlement_send_lock(struct tx *tx, struct arena *arena, const uuid *ids, size_t n);
TAGIH_MUST_USE tagih_err settlement_send_get(struct tx *tx, struct arena *arena, const uuid *ids, size_t n);
void settlement_read_row(const struct result *r, size_t row, struct settlement_read *out);

struct settlement_filter {
    user_id collector; /* nil: all */
    int16_t state;     /* 0: all */
    bool open_only;
};
/** A page of ids behind (after_us, after). */
TAGIH_MUST_USE tagih_err settlement_send_list(struct tx *tx, struct arena *arena, const struct settlement_filter *filter,
                                              int64_t after_us, uuid after, int32_t limit);
/** Is an earlier one of the same collector and currency still open? One answer, settlement_take_earlier. */
TAGIH_MUST_USE tagih_err settlement_send_earlier(struct tx *tx, struct arena *arena, uuid id);
bool settlement_take_earlier(struct tx *tx);
/** Notes and coins, one answer: value_minor, pieces. */
TAGIH_MUST_USE tagih_err settlement_send_notes(struct tx *tx, struct arena *arena, uuid id);

/* ---- a supervisor's declaration -------------------------------------------------------------------------------------- */

/** Lock a collector's phones: one answer, to be handed to settlement_send_declared. */
TAGIH_MUST_USE tagih_err settlement_send_devices(struct tx *tx, struct arena *arena, user_id collector);
/** What those phones wrote until now is declared. */
TAGIH_MUST_USE tagih_err settlement_send_declared(struct tx *tx, struct arena *arena, const struct result *devices);
struct settlement_collector {
    bool found;
    uint32_t roles;
    civil_date today;
};
TAGIH_MUST_USE tagih_err settlement_send_collector(struct tx *tx, struct arena *arena, user_id collector, instant now);
void settlement_take_collector(struct tx *tx, struct settlement_collector *out);

/* ---- vaults --------------------------------------------------------------------------------------------------------- */

/** Lock and read a cashier's vault; behind the collectors. */
TAGIH_MUST_USE tagih_err vault_send_lock(struct tx *tx, struct arena *arena, user_id cashier, currency in);
int64_t vault_take(struct tx *tx);
TAGIH_MUST_USE tagih_err vault_send_save(struct tx *tx, struct arena *arena, user_id cashier, currency in, int64_t minor);

#endif
