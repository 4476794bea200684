/* SPDX-License-Identifier: Apache-2.0 */
/* What collectors owe for cash that is missing (R-CSH-2, R-CSH-4): rows in, rows out. */
#ifndef TAGIH_STORE_SHORTAGE_H
#define TAGIH_STORE_SHORTAGE_H

#include "store/tx.h"
#include "tagih/money.h"

/** Stored, and the numbers of ShortageKind in cash.proto: add, never renumber. */
enum shortage_kind {
    SHORTAGE_OF_SETTLEMENT = 1,
    SHORTAGE_ROBBERY = 2,
    SHORTAGE_COUNTERFEIT = 3,
    SHORTAGE_LOSS = 4,
    SHORTAGE_OTHER = 5
};
/** Stored: add, never renumber. */
enum shortage_event { SHORTAGE_FOUND = 1, SHORTAGE_REPAID = 2, SHORTAGE_WRITTEN_OFF = 3 };

struct shortage_row {
    uuid id, posting;
    user_id collector;
    int16_t kind;
    int64_t amount_minor;
    struct bytes currency;
    int64_t value_us, received_us;
    civil_date value_on;
    struct bytes report, police_reference;
};

struct shortage_event_row {
    uuid shortage, posting;
    int32_t version;
    int16_t event;
    int64_t amount_minor, at_us;
    user_id actor;
    bool has_proposal;
    uuid proposal;
    struct bytes reason;
};

/** Rows of one posting, sorted by shortage. */
void shortage_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct shortage_row *rows, size_t n);
void shortage_event_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct shortage_event_row *rows,
                         size_t n);
TAGIH_MUST_USE tagih_err shortage_send_new(struct tx *tx, struct arena *arena, const struct shortage_row *rows, size_t n);
/** @param version  raised already */
TAGIH_MUST_USE tagih_err shortage_send_state(struct tx *tx, struct arena *arena, uuid id, int32_t version, int64_t open_minor);

/** A shortage as it is. Texts live in the result. */
struct shortage_read {
    uuid id;
    user_id collector;
    int16_t kind;
    int64_t amount_minor;
    currency currency;
    int64_t value_us;
    civil_date value_on;
    struct bytes report, police_reference;
    int64_t open_minor;
    int32_t version;
};

TAGIH_MUST_USE tagih_err shortage_send_lock(struct tx *tx, struct arena *arena, uuid id);
TAGIH_MUST_USE tagih_err shortage_send_get(struct tx *tx, struct arena *arena, const uuid *ids, size_t n);
void shortage_read_row(const struct result *r, size_t row, struct shortage_read *out);
/** @param collector  nil: all */
TAGIH_MUST_USE tagih_err shortage_send_list(struct tx *tx, struct arena *arena, user_id collector, bool with_settled,
                                            int64_t after_us, uuid after, int32_t limit);

#endif
