/* SPDX-License-Identifier: Apache-2.0 */
/* Bonus in the database: a collector's month, and lines read back into the records they were hashed from. */
#ifndef TAGIH_STORE_BONUS_H
#define TAGIH_STORE_BONUS_H

#include "domain/bonus_state.h"
#include "store/tx.h"
#include "tagih/bonus.h"

struct bonus_summary {
    bool found;
    currency currency;
    int64_t mtd_minor, bonus_minor;
    bool has_target;
    int64_t target_minor, n_lines, n_on_hold;
};

/** Queue a collector's month. @param month_on  NULL: the present one */
TAGIH_MUST_USE tagih_err bonus_send_summary(struct tx *tx, struct arena *arena, user_id collector,
                                            const civil_date *month_on, instant now);
void bonus_take_summary(struct tx *tx, struct bonus_summary *out);

/** A stored line: its record as it was hashed, and the hash that was stored. */
struct bonus_stored {
    int16_t line_no;
    struct bonus_record record;
    hash256 hash;
};

/** A part of a TRUE_UP line. */
struct bonus_part {
    user_id collector;
    uuid line_id;
    struct bonus_closing closing;
};

/** What a line names that it takes back. */
struct bonus_named {
    uuid line_id;
    struct bonus_taken taken;
};

/** How far a line is: nothing of its record, so asked for when it is shown (R-BON-6). */
struct bonus_standing {
    enum bonus_state state;
    enum bonus_unconfirmed why;
    int64_t n_unconfirmed; /* payments: of a TRUE_UP line all of its parts count */
    bool on_hold;
};

/** Lines with all that they are computed again from. */
struct bonus_history {
    struct bonus_stored *lines;
    size_t n_lines;
    struct bonus_named *named; /* by line */
    size_t n_named;
    struct bonus_part *parts; /* of a payment: its own; of months: all of each line, in the order of their digest */
    size_t n_parts;
    struct bonus_share *shares; /* of a payment that was split (R-BON-8a) */
    size_t n_shares;
};

/** Queue whether the payment exists, and its lines. */
TAGIH_MUST_USE tagih_err bonus_send_lines(struct tx *tx, struct arena *arena, payment_id payment);
/** Take all. The records' scheme names are static; a scheme nobody knows is INTERNAL. @return OK · OUT_OF_MEMORY · INTERNAL */
TAGIH_MUST_USE tagih_err bonus_take_lines(struct tx *tx, struct arena *arena, bool *payment_exists, struct bonus_history *out);

/** Queue and take the TRUE_UP lines of a collector's month, with all their parts. */
TAGIH_MUST_USE tagih_err bonus_send_true_ups(struct tx *tx, struct arena *arena, user_id collector, civil_date month_on);
TAGIH_MUST_USE tagih_err bonus_take_true_ups(struct tx *tx, struct arena *arena, struct bonus_history *out);

/** Queue and take how far lines are, one for each. */
TAGIH_MUST_USE tagih_err bonus_send_standings(struct tx *tx, struct arena *arena, const struct bonus_stored *lines, size_t n);
void bonus_take_standings(struct tx *tx, struct bonus_standing *out, size_t n);

/** Queue up to `limit_rows` lines of the agency behind a place in the order of (posting, line). */
TAGIH_MUST_USE tagih_err bonus_send_chunk(struct tx *tx, struct arena *arena, uuid after_posting, uuid after_line, int32_t limit_rows);
/** Take them, with their postings. A line of a scheme that nobody knows has an empty record and hash. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err bonus_take_chunk(struct tx *tx, struct arena *arena, struct bonus_stored **lines, uuid **postings, size_t *n);

#endif
