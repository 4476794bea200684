/* SPDX-License-Identifier: Apache-2.0 */
/* Bonus in the database: a collector's month, and lines read back into the records they were hashed from. */
#ifndef TAGIH_STORE_BONUS_H
#define TAGIH_STORE_BONUS_H

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

/** Queue whether the payment exists, and its lines. */
TAGIH_MUST_USE tagih_err bonus_send_lines(struct tx *tx, struct arena *arena, payment_id payment);
/** Take both. The records' scheme names are static; a scheme nobody knows is INTERNAL. @return OK · OUT_OF_MEMORY · INTERNAL */
TAGIH_MUST_USE tagih_err bonus_take_lines(struct tx *tx, struct arena *arena, payment_id payment, bool *payment_exists,
                                          struct bonus_stored **lines, size_t *n);

#endif
