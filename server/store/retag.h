/* SPDX-License-Identifier: Apache-2.0 */
/* Payments that get another tag, in the database (R-TAG-1). */
#ifndef TAGIH_STORE_RETAG_H
#define TAGIH_STORE_RETAG_H

#include "store/tx.h"

struct retag_loaded {
    bool found, closed; /* closed: the month of its value date */
    int32_t retags;     /* so far */
};

TAGIH_MUST_USE tagih_err retag_send_load(struct tx *tx, struct arena *arena, payment_id payment);
void retag_take_load(struct tx *tx, struct retag_loaded *out);

struct retag_row {
    payment_id payment;
    int32_t n;
    uuid posting;
    int16_t tag_before, tag;
    instant at;
    user_id made_by, decided_by;
    struct bytes reason;
};

/** As parameters for the book (store/fact.h). */
void retag_fact(struct params *out, struct tx *tx, struct arena *arena, const struct retag_row *row);

#endif
