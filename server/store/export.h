/* SPDX-License-Identifier: Apache-2.0 */
/* The export's sequence in the database (R-OUT-1). */
#ifndef TAGIH_STORE_EXPORT_H
#define TAGIH_STORE_EXPORT_H

#include "store/feed.h"
#include "store/tx.h"

/** Stored in payment_export.kind: add, never renumber. */
enum export_kind { EXPORT_PAYMENT = 1, EXPORT_REVERSAL = 2 };

struct export_mark {
    int64_t seq, acked_seq; /* the highest number, and the highest that was acknowledged */
};

/** One row that has no number yet, or just got it. */
struct export_row {
    int64_t seq;
    int16_t kind;
    payment_id payment;
    struct feed_place place;
};

/** Queue the sequence's lock, where the feed stands, and what has no number: three answers. */
TAGIH_MUST_USE tagih_err export_send_pending(struct tx *tx, struct arena *arena, int32_t limit);
TAGIH_MUST_USE tagih_err export_take_pending(struct tx *tx, struct arena *arena, struct export_mark *mark,
                                             struct feed_position *position, struct export_row **rows, size_t *n);
/** The rows with their numbers, as parameters for the book. */
void export_rows(struct params *out, struct tx *tx, struct arena *arena, const uuid *posting, const struct export_row *rows, size_t n);
TAGIH_MUST_USE tagih_err export_send_advance(struct tx *tx, struct arena *arena, int64_t seq, struct feed_place place,
                                             int64_t system_id);

/** Queue the lock alone: one answer. */
TAGIH_MUST_USE tagih_err export_send_lock(struct tx *tx, struct arena *arena);
void export_take_lock(struct tx *tx, struct export_mark *mark);
/** An acknowledgement, as parameters for the book. @param actor  NULL: the command line */
void export_ack(struct params *out, struct tx *tx, struct arena *arena, const uuid *posting, int64_t seq, instant at,
                const user_id *actor);

/** A row as the receiver reads it. Text lives in the result. */
struct export_read {
    int64_t seq;
    int16_t kind, source, tender, tag, reason; /* reason: of a reversal, else 0 */
    payment_id payment;
    struct bytes account_no, reference, currency; /* a receipt has no reference */
    int64_t amount_minor, value_us;
    civil_date value_on, posting_on;
};
TAGIH_MUST_USE tagih_err export_send_list(struct tx *tx, struct arena *arena, int64_t after_seq, int64_t until_seq, int32_t limit);
void export_read_row(const struct result *r, size_t row, struct export_read *out);

#endif
