/* SPDX-License-Identifier: Apache-2.0 */
/* Posts that become items of suspense (J20), and reversals that leave their money there (R-PAY-4). */
#include "book/suspense.h"

#include "domain/change.h"

struct ledger_side suspense_money_side(enum payment_source source) {
    return source == SOURCE_BANK ? LEDGER_SIDE(BANK) : LEDGER_SIDE(TRANSFER_CLEARING);
}

/* The row of an item, as a fact of its posting. */
static struct params *item_fact(struct book *book, const struct post *post, const struct suspense_in *in, struct bytes reference) {
    struct params *fact = ARENA_ARRAY(book->arena, 1, struct params);
    if (!fact) return NULL;
    struct suspense_row row = {
        .id = post->id, .posting = post->id, .origin = (int16_t)in->origin, .source = post->source, .tag = post->tag,
        .money_account = (int16_t)in->money.account, .reference = reference, .payer = in->payer, .note = in->note,
        .currency = bytes_text(post->currency.code), .has_trigger = in->has_trigger, .trigger = in->trigger,
        .has_account = in->has_account, .account = in->account, .amount_minor = post->amount_minor,
        .value_us = post->value.us, .value_on = post->value_on, .received_us = post->received.us,
        .has_actor = post->has_actor, .actor = post->actor};
    suspense_row_params(fact, book->tx, book->arena, &row);
    return fact;
}

tagih_err suspense_post(struct book *book, struct post *post, const struct suspense_in *in) {
    post->what = POST_MOVE;
    post->kind = POSTING_OF_SUSPENSE_IN;
    post->change = CHANGE_SUSPENSE_RECEIVED;
    post->payment.u = post->id;
    post->skip = false;
    book_move_begin(post);
    ledger_move(&post->ledger, in->money, LEDGER_SIDE(SUSPENSE), post->amount_minor);
    post->facts = item_fact(book, post, in, post->reference);
    post->n_facts = 1;
    return post->facts ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
}

/* R-PAY-4: MISPOST, or VOID of what is settled. The item is a fact of the reversal's own posting; its identity is its id,
 * because the payment that was taken back keeps its own (R-PAY-2b). */
tagih_err book__suspend(struct book *book, const struct post *post, struct posted *posted,
                        const struct posting_reversed *payment) {
    struct post item = {.id = post->id, .source = SOURCE_SUSPENSE, .tag = payment->tag, .amount_minor = payment->amount_minor,
                        .currency = payment->currency, .value = payment->value, .value_on = payment->value_on,
                        .received = book->now, .has_actor = post->has_actor, .actor = post->actor};
    struct suspense_in in = {.origin = SUSPENSE_OF_REVERSAL, .has_account = true, .account = payment->account,
                             .has_trigger = true, .trigger = post->payment.u, .money = LEDGER_SIDE(SUSPENSE)};
    char text[UUID_TEXT_SIZE];
    uuid_format(post->id, text);
    struct params *fact = item_fact(book, &item, &in, arena_copy(book->arena, bytes_text(text)));
    if (!fact) return FAIL(OUT_OF_MEMORY);
    posted->facts[posted->n_facts++] = fact;
    return TAGIH_OK;
}
