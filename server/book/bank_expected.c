/* SPDX-License-Identifier: Apache-2.0 */
/* What postings make the bank's statement owe us (R-PAY-5): each transfer, cheque and payment by call is expected there once,
 * by its reference and amount, until it comes or is taken back. */
#include "book/posting.h"
#include "store/bank.h"

static bool brings_money(const struct posted *posted) {
    bool kind = posted->kind == POSTING_OF_PAYMENT || posted->kind == POSTING_OF_QUARANTINE;
    return kind && !posted->post->has_money;
}

static bool expect(const struct posted *posted, struct bank_expected_row *out) {
    const struct post *post = posted->post;
    enum ledger_account debited = book__money_side(post).account;
    bool cheque = debited == LEDGER_CHEQUES_IN_HAND, field = post->source == SOURCE_FIELD;
    uuid id = uuid_is_nil(post->payment.u) ? post->id : post->payment.u;
    if (!cheque && debited != LEDGER_TRANSFER_CLEARING) return false;
    *out = (struct bank_expected_row){
        .id = id, .kind = cheque ? EXPECTED_CHEQUE : field ? EXPECTED_TRANSFER : EXPECTED_PAYMENT, .object = id,
        .has_reference = !field, .reference = post->reference, .amount_minor = post->amount_minor,
        .currency = bytes_text(post->currency.code), .has_account = posted->has_account, .account = posted->account,
        .ledger_account = cheque ? LEDGER_CHEQUES_IN_COLLECTION : LEDGER_TRANSFER_CLEARING, .since_us = post->value.us,
        .since_on = post->value_on, .state = cheque ? EXPECTED_NOT_SENT : EXPECTED_OPEN};
    return true;
}

/* The money will not come: it never did, or the void handed it back, or the cheque bounced. */
static bool gives_up(const struct posted *posted) {
    const struct post *post = posted->post;
    if (posted->kind != POSTING_OF_REVERSAL) return false;
    return post->reason == REVERSAL_NEVER_RECEIVED || post->reason == REVERSAL_BOUNCE || (post->reason == REVERSAL_VOID && !post->settled);
}

/* A cheque that had been cleared comes back: the bank takes its sum out again. */
static bool comes_back(const struct book *book, const struct posted *posted, struct bank_expected_row *out) {
    const struct post *post = posted->post;
    if (posted->kind != POSTING_OF_REVERSAL || post->reason != REVERSAL_BOUNCE || post->index == SIZE_MAX) return false;
    const struct posting_reversed *payment = &book->loaded.reversed[post->index];
    if (!payment->at_bank || payment->bank_state != EXPECTED_SETTLED) return false;
    *out = (struct bank_expected_row){
        .id = post->id, .kind = EXPECTED_CHEQUE_RETURN, .object = post->payment.u, .amount_minor = -payment->amount_minor,
        .currency = bytes_text(post->currency.code), .has_account = true, .account = posted->account,
        .ledger_account = LEDGER_CHEQUES_IN_COLLECTION, .since_us = book->now.us, .since_on = book->loaded.today, .state = EXPECTED_OPEN};
    return true;
}

tagih_err book__expect(struct book *book) {
    struct bank_expected_row *rows = ARENA_ARRAY(book->arena, book->n_posted, struct bank_expected_row);
    uuid *gone = ARENA_ARRAY(book->arena, book->n_posted, uuid);
    size_t n = 0, n_gone = 0;
    if (!rows || !gone) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < book->n_posted; i++) {
        const struct posted *posted = &book->posted[i];
        n += (brings_money(posted) && expect(posted, &rows[n])) || comes_back(book, posted, &rows[n]);
        if (gives_up(posted)) gone[n_gone++] = posted->post->payment.u;
    }
    TRY(bank_send_expected(book->tx, book->arena, rows, n));
    return bank_send_withdraw(book->tx, book->arena, gone, n_gone);
}

tagih_err book_expect_line(struct book *book, const struct post *post, enum bank_expected_kind kind, uuid object,
                           const struct bytes *reference, int64_t amount_minor) {
    struct bank_expected_row row = {.id = post->id, .kind = (int16_t)kind, .object = object, .has_reference = reference != NULL,
                                    .amount_minor = amount_minor, .currency = bytes_text(post->currency.code),
                                    .ledger_account = LEDGER_BANK, .has_account = !uuid_is_nil(post->account.u),
                                    .account = post->account, .since_us = book->now.us, .since_on = book->loaded.today,
                                    .state = EXPECTED_OPEN};
    if (reference) row.reference = *reference;
    return bank_send_expected(book->tx, book->arena, &row, 1);
}

bool book__is_at_bank(const struct posting_reversed *payment) {
    bool cheque = payment->source == SOURCE_FIELD && payment->tender == TENDER_CHEQUE;
    if (!payment->at_bank) return false;
    return payment->bank_state == EXPECTED_SETTLED || (cheque && payment->bank_state == EXPECTED_OPEN);
}
