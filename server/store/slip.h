/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts that two people post from their slips (R-REC-8): rows in, rows out. */
#ifndef TAGIH_STORE_SLIP_H
#define TAGIH_STORE_SLIP_H

#include "store/tx.h"
#include "tagih/money.h"

struct slip_row {
    uuid entry, posting, payment;
    bool restores;
    device_id device;
    account_id account;
    user_id collector;
    int64_t amount_minor;
    struct bytes currency, reference, reason;
    int16_t tender;
    int64_t receipt_no, taken_us, at_us;
    hash256 slip_hash;
    user_id made_by, decided_by;
};

/** What is known of a receipt by its entry's id. */
struct slip_known {
    bool has_device;
    user_id user;     /* of the phone */
    bool has_entry;   /* the journal brought it */
    bool has_slip, restored;
    bool in_suspense; /* what was taken back left its money there */
    bool has_payment, field, voided;
    account_id account; /* of the payment, like all below */
    int64_t amount_minor, value_us;
    currency currency;
    int16_t tender;
    user_id collector;
    device_id device; /* of the receipt or its slip */
};

/** Queue the LOCK: one answer, to be dropped. */
TAGIH_MUST_USE tagih_err slip_send_lock(struct tx *tx, struct arena *arena, device_id device);
TAGIH_MUST_USE tagih_err slip_send_load(struct tx *tx, struct arena *arena, uuid entry, device_id device);
void slip_take_load(struct tx *tx, struct slip_known *out);
/** As parameters for the book (store/fact.h). */
void slip_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct slip_row *row);

#endif
