/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a row of a payment file does, whether a call brings it or `tagihd import-payments` reads it (R-PAY-5f). Many rows
 * at a time: load, decide, save, in one transaction; the caller halves what the database refuses down to the row
 * (store/tx.h), so that one bad row never stops the good ones. Each set of rows is one posting beside those of its
 * payments: under its digest stands what became of every row, refused ones included.
 */
#ifndef TAGIH_RPC_PAYMENT_FILE_H
#define TAGIH_RPC_PAYMENT_FILE_H

#include "domain/payment_row.h"
#include "rpc/paying.h"
#include "store/payment_file.h"

/** Rows of one transaction. */
#define PAYMENT_FILE_ROWS_MAX 500

/** The file that rows are of: one source, one currency. */
struct payment_file {
    hash256 hash;
    struct bytes name;
    enum payment_source source;
    currency currency;
    bool has_actor; /* false: the command line */
    user_id actor;
    int64_t writer; /* this worker's chain of postings */
};

struct payment_file_item {
    /* in */
    int32_t row_no;
    struct payment_row_read row;
    tagih_err unreadable; /* not OK: the row could not be read … */
    enum payment_column column; /* … because of this one */
    /* out */
    tagih_err err;
    bool repeat;         /* this row of this file was here before: nothing changed */
    struct bytes result; /* POSTED, SUSPENSE, SAME, or an error's token; lives as long as the arena */
    uuid payment;        /* what it was posted as, or its item of suspense; nil: refused */
    bool suspended;
    /* between */
    struct payment_file_loaded loaded;
    size_t paying; /* index + 1; 0: none */
};

/** Read a row: from text to a checked item. @param item  row_no set; unreadable and column say what is wrong */
void payment_file_read(const struct payment_text *text, const struct payment_file *file, struct payment_file_item *item);

/** Queue LOCK and LOAD of 1 to PAYMENT_FILE_ROWS_MAX rows. */
TAGIH_MUST_USE tagih_err payment_file_send(struct tx *tx, struct arena *arena, const struct payment_file *file,
                                           const struct payment_file_item *items, size_t n);

/**
 * Take what was loaded (the caller has synced), decide, queue SAVE. One more round trip for the accounts.
 *
 * @return OK, every item has its result · OUT_OF_MEMORY · as tx_sync, book_decide
 */
TAGIH_MUST_USE tagih_err payment_file_decide(struct tx *tx, struct arena *arena, const struct payment_file *file,
                                             struct payment_file_item *items, size_t n, instant now);

/**
 * The file's end: compare its control totals and keep it, once.
 *
 * @param said   what its sender says it holds; NULL: he says nothing
 * @param found  [out] what it holds
 * @return OK, whether the totals match or not · as tx_sync, book_decide
 */
TAGIH_MUST_USE tagih_err payment_file_finish(struct tx *tx, struct arena *arena, const struct payment_file *file,
                                             const struct payment_totals *said, instant now, struct payment_file_found *found);

#endif
