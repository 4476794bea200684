/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A row of a payment file, whether a call brings it or `tagihd import-payments` reads it: from text to a payment that
 * could be posted (R-PAY-5f).
 */
#ifndef TAGIH_DOMAIN_PAYMENT_ROW_H
#define TAGIH_DOMAIN_PAYMENT_ROW_H

#include "domain/moment.h"
#include "tagih/payment.h"

/** The source's own reference, bytes. */
#define PAYMENT_REFERENCE_MAX 100

enum payment_column {
    PAYMENT_COLUMN_ACCOUNT_NO,
    PAYMENT_COLUMN_REFERENCE,
    PAYMENT_COLUMN_AMOUNT,
    PAYMENT_COLUMN_PAID_AT,
    PAYMENT_COLUMN_CURRENCY, /* may be left out: the file's */
    PAYMENT_COLUMN_TAG,      /* may be left out: the source's */
    PAYMENT_COLUMN_COUNT
};

/** The column's name, as in the file's head and in the contract. NULL outside the list. Pure. */
const char *payment_column_name(size_t column);

/** A row as it stands in the file. Fields may hold any bytes. */
struct payment_text {
    struct bytes field[PAYMENT_COLUMN_COUNT];
};

/** A row that is good. Text is borrowed from the payment_text. */
struct payment_row_read {
    struct bytes account_no, reference;
    int64_t amount_minor;
    struct moment paid_at;
    enum payment_tag tag;
};

/**
 * Read a row of a file that is of one source and one currency.
 *
 * Account number and reference are 1 to 64 and 1 to 100 bytes of text; the amount is decimal major units above 0 and at
 * most 10^13 minor units; a currency must be the file's; a tag is a name such as LAWYER and must fit the source.
 *
 * @param out     [out] on error only amount_minor, account_no and reference, each 0 or empty where it is not good: a
 *                control total counts what a refused row says
 * @param column  [out] on error: which column is wrong
 * @return OK · REQUEST_FIELD_MISSING · TEXT_INVALID · MONEY_SYNTAX · MONEY_NEGATIVE · PAYMENT_AMOUNT · DATE_SYNTAX ·
 *         PAYMENT_FILE_CURRENCY · PAYMENT_TAG. Pure.
 */
TAGIH_MUST_USE tagih_err payment_row_parse(const struct payment_text *text, enum payment_source source, currency in,
                                           struct payment_row_read *out, enum payment_column *column);

/** What a file should hold, as its sender says, and what it holds. */
struct payment_totals {
    int64_t rows;
    int64_t sum_minor;
};

/** @return OK · PAYMENT_FILE_TOTALS: rows are missing, or too many, or their sum is another one. Pure. */
TAGIH_MUST_USE tagih_err payment_totals_check(const struct payment_totals *said, const struct payment_totals *found);

#endif
