/* SPDX-License-Identifier: Apache-2.0 */
/* Deposits on their way to a bank (R-CSH-2): rows in, rows out. */
#ifndef TAGIH_STORE_DEPOSIT_H
#define TAGIH_STORE_DEPOSIT_H

#include "store/settlement.h"

/** Stored: add, never renumber. */
enum deposit_event { DEPOSIT_MADE = 1, DEPOSIT_MATCHED = 2 };
enum deposit_state { DEPOSIT_IN_TRANSIT = 1, DEPOSIT_BANK_MATCHED = 2 };

struct deposit_row {
    uuid id, posting;
    bool has_collector, has_cashier; /* one of them */
    user_id collector, cashier;
    int64_t amount_minor;
    struct bytes currency, bank_reference;
    int64_t value_us, received_us;
    civil_date value_on;
};

struct deposit_event_row {
    uuid deposit, posting;
    int32_t version;
    int16_t event;
    int64_t at_us;
    bool has_actor, has_line;
    user_id actor;
    uuid line; /* of a bank's statement */
    struct bytes reason;
};

/** Rows of one posting, sorted by deposit. */
void deposit_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct deposit_row *rows, size_t n);
void deposit_event_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct deposit_event_row *rows,
                        size_t n);
TAGIH_MUST_USE tagih_err deposit_send_new(struct tx *tx, struct arena *arena, const struct deposit_row *rows, size_t n);

/** A deposit as it is. Texts live in the result. */
struct deposit_read {
    uuid id;
    bool has_collector, has_cashier;
    user_id collector, cashier;
    int64_t amount_minor;
    currency currency;
    struct bytes bank_reference;
    int64_t value_us;
    civil_date value_on;
    int16_t state;
    int32_t version;
};

TAGIH_MUST_USE tagih_err deposit_send_lock(struct tx *tx, struct arena *arena, const uuid *ids, size_t n);
TAGIH_MUST_USE tagih_err deposit_send_get(struct tx *tx, struct arena *arena, const uuid *ids, size_t n);
void deposit_read_row(const struct result *r, size_t row, struct deposit_read *out);
TAGIH_MUST_USE tagih_err deposit_send_list(struct tx *tx, struct arena *arena, bool in_transit_only, int64_t after_us,
                                           uuid after, int32_t limit);

/** Lock the settlements that deposits took to a bank, and read them: two answers. Behind the deposits' lock. */
TAGIH_MUST_USE tagih_err deposit_send_settlements(struct tx *tx, struct arena *arena, const uuid *deposits, size_t n);
/** @param out  [out] *n settlements, sorted by id. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err deposit_take_settlements(struct tx *tx, struct arena *arena, struct settlement_now **out, size_t *n);

struct deposit_now {
    uuid id;
    int32_t version; /* raised already */
};
TAGIH_MUST_USE tagih_err deposit_send_matched(struct tx *tx, struct arena *arena, const struct deposit_now *rows, size_t n);

#endif
