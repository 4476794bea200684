/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bank's statement (R-PAY-5, R-PAY-5a): a row of its file made into a line, what names a line, and which of the things
 * that we expect a line settles. All of it is pure.
 */
#ifndef TAGIH_DOMAIN_BANK_H
#define TAGIH_DOMAIN_BANK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tagih/bytes.h"
#include "tagih/err.h"
#include "tagih/id.h"
#include "tagih/money.h"
#include "tagih/time.h"

/* ---- what is expected ----------------------------------------------------------------------------------------- */

/** What a line may settle. Stored by number: add, never renumber. */
enum bank_expected_kind {
    EXPECTED_TRANSFER = 1,        /* a receipt by transfer or QR (J11) */
    EXPECTED_PAYMENT = 2,         /* a payment of a gateway, branch, lawyer … (J31) */
    EXPECTED_CHEQUE = 3,          /* a cheque in collection (J9) */
    EXPECTED_DEPOSIT = 4,         /* cash on its way to the bank (J15) */
    EXPECTED_SUSPENSE = 5,        /* money that was received into suspense (J20) */
    EXPECTED_SUSPENSE_RETURN = 6, /* and went back (J21) */
    EXPECTED_CHEQUE_FEE = 7,      /* what the bank takes for a bounce (J10) */
    EXPECTED_CHEQUE_RETURN = 8,   /* a cheque that had been cleared before it bounced */
    EXPECTED_COST = 20,           /* a bill for taking collateral (J28) */
    EXPECTED_SALE = 21,           /* what an auction house pays (J27) */
    EXPECTED_SURPLUS = 22,        /* and the debtor gets of it */
    EXPECTED_REMITTANCE = 23,     /* what a creditor gets (J30) */
    EXPECTED_KIND_END
};

/** "transfer", "cheque_fee"; "?" outside the list. */
const char *bank_expected_name(int kind);

/** Stored by number: add, never renumber. */
enum bank_expected_state { EXPECTED_NOT_SENT = 0, EXPECTED_OPEN = 1, EXPECTED_SETTLED = 2, EXPECTED_WITHDRAWN = 3 };

/** What became of a line when it came. Stored by number: add, never renumber. */
enum bank_outcome {
    BANK_SETTLED = 1,   /* it is what was expected */
    BANK_SUSPENSE = 2,  /* money that nothing expected */
    BANK_AMBIGUOUS = 3, /* money that several things expected: nothing is settled, it waits in suspense */
    BANK_OPEN = 4       /* money went out, and nothing says why */
};

/** "SETTLED", "SUSPENSE", "AMBIGUOUS", "OPEN"; "?" outside the list. */
const char *bank_outcome_name(int outcome);

/**
 * Which of the candidates a line settles: the only one that nothing else settled.
 *
 * @param taken  of each candidate: another line of this very set settles it
 * @param at     [out] the candidate's place, when BANK_SETTLED
 * @return BANK_SETTLED · BANK_AMBIGUOUS more than one is left · else BANK_SUSPENSE or, when money went out, BANK_OPEN. Pure.
 */
enum bank_outcome bank_decide(int64_t amount_minor, const bool *taken, size_t n, size_t *at);

/* ---- a row ---------------------------------------------------------------------------------------------------- */

#define BANK_ACCOUNT_MAX 64
#define BANK_REFERENCE_MAX 100
#define BANK_NOTE_MAX 500

enum bank_column {
    BANK_COLUMN_LINE_REFERENCE, /* the bank's own name of the line; may be left out */
    BANK_COLUMN_BOOKED_ON,
    BANK_COLUMN_AMOUNT, /* decimal major units; money that went out begins with "-" */
    BANK_COLUMN_CURRENCY,
    BANK_COLUMN_REFERENCE, /* what the payer gave; may be empty */
    BANK_COLUMN_PAYER,     /* may be empty */
    BANK_COLUMN_NOTE,      /* may be empty */
    BANK_COLUMN_COUNT
};

/** The column's name, as in the file's head and in the contract. NULL outside the list. Pure. */
const char *bank_column_name(size_t column);

struct bank_text {
    struct bytes field[BANK_COLUMN_COUNT];
};

/** A row that is good. Text is borrowed from the bank_text. */
struct bank_row {
    struct bytes line_reference, reference, payer, note;
    civil_date booked_on;
    int64_t amount_minor; /* not 0; < 0: it went out */
};

/**
 * Read a row of a statement in one currency.
 *
 * @param out     [out] on error only amount_minor, 0 where it cannot be read: control totals count what a refused row says
 * @param column  [out] on error: which column is wrong
 * @return OK · REQUEST_FIELD_MISSING · TEXT_INVALID · DATE_SYNTAX · MONEY_SYNTAX · PAYMENT_AMOUNT zero or beyond 10^13 minor
 *         units · MONEY_CURRENCY_MIXED. Pure.
 */
TAGIH_MUST_USE tagih_err bank_row_parse(const struct bank_text *text, currency in, struct bank_row *out, enum bank_column *column);

/**
 * What names a line, for ever: the head of SHA-256("tagih.bank_line.1" 00 ‖ bank account ‖ what names it there), which is
 * the bank's own reference, or, where it has none, all of the row and how many rows just like it stand before it in its
 * file: banks do book the same sum twice a day.
 */
uuid bank_line_id(struct bytes bank_account, const struct bank_row *row, uint32_t twin);

#endif
