/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a row of the bank's statement does, whether a call brings it or `tagihd import-statement` reads it (R-PAY-5). Many
 * rows at a time, in one transaction; the caller halves what the database refuses down to the row (store/tx.h).
 *
 *     bank_import_send → sync → bank_import_decide (one more round trip) → … → bank_late_settle (bank_pair.h)
 *
 * A line settles the one thing that is expected with its reference and amount, and never posts a payment. Money that
 * nothing expects stands in suspense; what went out and nobody expected is kept open. What came before its reason (a bank
 * is faster than a phone without a network) is looked at again after every import and every minute (R-PAY-5a).
 */
#ifndef TAGIH_RPC_BANK_IMPORT_H
#define TAGIH_RPC_BANK_IMPORT_H

#include "book/posting.h"
#include "store/bank.h"

/** Rows of one transaction. */
#define BANK_ROWS_MAX 500

/** The statement: of one bank account, in one currency. */
struct bank_file {
    hash256 hash;
    struct bytes bank_account;
    currency currency;
    bool has_actor; /* false: the command line */
    user_id actor;
    int64_t writer;
};

struct bank_item {
    /* in */
    int32_t row_no;
    struct bank_row row;
    tagih_err unreadable;    /* not OK: the row could not be read … */
    enum bank_column column; /* … because of this one */
    uuid line;               /* its name: bank_import_name */
    /* out */
    tagih_err err;
    bool repeat;             /* it came before */
    enum bank_outcome outcome;
    uuid expected;           /* what it settles; nil: nothing */
};

/** Read a row: from text to a checked item. */
void bank_import_read(const struct bank_text *text, const struct bank_file *file, struct bank_item *item);

/** Name the lines of a whole file, before any of them is imported: twins are counted. */
void bank_import_name(const struct bank_file *file, struct bank_item *items, size_t n);

/** "SETTLED", "SUSPENSE", "AMBIGUOUS", "OPEN", "SAME", or an error's token. */
const char *bank_item_result(const struct bank_item *item);

/** Queue LOCK and LOAD of 1 to BANK_ROWS_MAX rows. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err bank_import_send(struct tx *tx, struct arena *arena, const struct bank_file *file, const struct bank_item *items, size_t n);
/** Take what was loaded (the caller has synced), decide, queue SAVE. */
TAGIH_MUST_USE tagih_err bank_import_decide(struct tx *tx, struct arena *arena, const struct bank_file *file, struct bank_item *items, size_t n, instant now);

#endif
