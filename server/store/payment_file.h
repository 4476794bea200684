/* SPDX-License-Identifier: Apache-2.0 */
/* Payment files in the database: what of a file was here before, and rows of facts for the book. */
#ifndef TAGIH_STORE_PAYMENT_FILE_H
#define TAGIH_STORE_PAYMENT_FILE_H

#include "store/tx.h"
#include "tagih/bytes.h"

struct payment_file_key {
    int32_t row_no;
    struct bytes account_no; /* may be empty: finds none */
    int64_t paid_us;         /* struct moment */
    bool is_local;
};

struct payment_file_loaded {
    bool known;          /* this row of this file was here before … */
    struct bytes result; /* … with this result; lives in the arena */
    uuid payment;        /* and this payment, or item of suspense, or nil */
    bool suspended;      /* it is an item */
    bool has_account;
    account_id account;
    instant value;
};

/** Queue the file's lock and the look-up of n rows, n > 0: two answers, taken by payment_file_take_load. */
TAGIH_MUST_USE tagih_err payment_file_send_load(struct tx *tx, struct arena *arena, const hash256 *file,
                                                const struct payment_file_key *keys, size_t n);
TAGIH_MUST_USE tagih_err payment_file_take_load(struct tx *tx, struct arena *arena, struct payment_file_loaded *out, size_t n);

/** One row as it is kept. Empty text and an amount of 0 are kept as null, as is a nil payment. */
struct payment_file_row {
    int32_t row_no;
    struct bytes reference, account_no, result;
    int64_t amount_minor;
    uuid payment; /* or the item of suspense */
    bool suspended;
    bool has_reference, has_account_no, has_amount, has_payment, has_item; /* set by payment_file_rows */
};

/** The rows of a posting, as parameters for the book (store/fact.h). */
void payment_file_rows(struct params *out, struct tx *tx, struct arena *arena, const uuid *posting, const hash256 *file,
                       int16_t source, struct payment_file_row *rows, size_t n);

struct payment_file_found {
    int64_t rows, good, sum_minor;
    bool ended; /* its end is kept already */
};

/** Queue the lock and what the file holds: two answers. */
TAGIH_MUST_USE tagih_err payment_file_send_totals(struct tx *tx, struct arena *arena, const hash256 *file);
void payment_file_take_totals(struct tx *tx, struct payment_file_found *out);

struct payment_file_end {
    hash256 file;
    struct bytes name, currency;
    int16_t source;
    struct payment_file_found found;
    bool has_said;
    int64_t said_rows, said_sum_minor;
    instant at;
    bool has_actor;
    user_id actor;
};

/** A file's end, as parameters for the book. */
void payment_file_end(struct params *out, struct tx *tx, struct arena *arena, const uuid *posting,
                      const struct payment_file_end *end);

#endif
