/* SPDX-License-Identifier: Apache-2.0 */
/* The silence that follows a receipt of money, whether it was posted or not (R-PAY-2). Plans and phones read it. */
#ifndef TAGIH_STORE_SILENCE_H
#define TAGIH_STORE_SILENCE_H

#include "store/tx.h"

struct silence_row {
    account_id account;
    civil_date until_on; /* the last silent day: gate_silence_until() */
};

/** Queue it; an account may stand there twice. Under the accounts' locks. @return OK · as tx_send */
TAGIH_MUST_USE tagih_err silence_send(struct tx *tx, struct arena *arena, const struct silence_row *rows, size_t n);

#endif
