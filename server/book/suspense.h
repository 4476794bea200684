/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Money in suspense, for whoever brings money: a call, a file, a bank's line (R-PAY-2). A post of a book becomes an item:
 *
 *     book_begin … book_take_load → suspense_post(&book, &posts[i], &in) → book_decide → book_save
 *
 * whatever it was before, so that a payment that its account may not take turns into one in place. The item's id is the
 * post's. Reversals whose money stays with us become items by themselves (posting.c).
 */
#ifndef TAGIH_BOOK_SUSPENSE_H
#define TAGIH_BOOK_SUSPENSE_H

#include "book/posting.h"
#include "store/suspense.h"

#define SUSPENSE_PAYER_MAX 100
#define SUSPENSE_NOTE_MAX 500

/** What is said of money beside its post, which has source, reference, tag, amount, currency, value and actor. */
struct suspense_in {
    enum suspense_origin origin;
    struct bytes payer, note; /* may be empty */
    bool has_account;
    account_id account;       /* that its sender named */
    bool has_trigger;
    uuid trigger;             /* the bank's line, the payment taken back */
    struct ledger_side money; /* what it debits: bank, or transfer clearing until its bank line comes */
};

/**
 * Let a post be money received into suspense (J20). After book_take_load, before book_decide. Its identity must be free
 * and locked (payment_send_identity_lock), in payments and in suspense alike; its reference not empty.
 *
 * @return OK · OUT_OF_MEMORY
 */
TAGIH_MUST_USE tagih_err suspense_post(struct book *book, struct post *post, const struct suspense_in *in);

/** The debit side of money of a source: the bank has what its own line brought, all else is on its way. Pure. */
struct ledger_side suspense_money_side(enum payment_source source);

#endif
