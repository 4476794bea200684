/* SPDX-License-Identifier: Apache-2.0 */
/* Identity first, then the account, then the book: one way in for all money that no phone signed. */
#include "rpc/paying.h"

#include "book/suspense.h"
#include "run/random.h"

#define FUTURE_MAX_US (5 * US_PER_MINUTE) /* clocks of others may be ahead by this much (R-TIM-3) */

tagih_err paying_amount_check(int64_t amount_minor) {
    return amount_minor > 0 && amount_minor <= MONEY_AMOUNT_MAX_MINOR ? TAGIH_OK : FAIL(PAYMENT_AMOUNT);
}

tagih_err paying_value_check(instant value, instant now) {
    if (!instant_is_sane(value)) return FAIL(REQUEST_TIME);
    return value.us > now.us + FUTURE_MAX_US ? FAIL(PAYMENT_FUTURE) : TAGIH_OK;
}

bool paying_check_value(struct rpc_item *item, const char *field, int64_t value_us) {
    tagih_err err = paying_value_check((instant){value_us}, item->now);
    if (!err_is_ok(err)) rpc_problem(item, err, "%s", field);
    return err_is_ok(err);
}

static struct post post_of(const struct paying *p, instant now) {
    return (struct post){.id = p->payment.u, .payment = p->payment, .account = p->account, .source = p->identity.source,
                         .tag = (int16_t)p->tag, .amount_minor = p->amount_minor, .currency = p->currency, .value = p->value,
                         .received = now, .has_actor = p->has_actor, .actor = p->actor, .reference = p->identity.reference};
}

tagih_err paying_begin(struct paying_book *all, struct tx *tx, struct arena *arena, agency_id agency, int64_t writer,
                       instant now, struct paying *payings, size_t n, const struct post *event) {
    *all = (struct paying_book){.payings = payings, .n = n, .posts = ARENA_ARRAY(arena, n + 1, struct post),
                                .identities = ARENA_ARRAY(arena, n + 1, struct payment_identity),
                                .known = ARENA_ARRAY(arena, n + 1, struct payment_known),
                                .held = ARENA_ARRAY(arena, n + 1, struct suspense_known)};
    if (!all->posts || !all->identities || !all->known || !all->held) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        payings[i].payment.u = random_id();
        all->identities[i] = payings[i].identity;
        all->posts[i] = post_of(&payings[i], now);
    }
    if (event) {
        all->event = &all->posts[n];
        *all->event = *event;
    }
    return book_begin(&all->book, tx, arena, agency, writer, now, all->posts, n + (event != NULL), 0);
}

tagih_err paying_send_load(struct paying_book *all) {
    struct book *book = &all->book;
    TRY(payment_send_identity_lock(book->tx, book->arena, all->identities, all->n));
    TRY(book_send_lock(book));
    TRY(book_send_load(book));
    TRY(payment_send_identities(book->tx, book->arena, all->identities, all->n));
    return suspense_send_identities(book->tx, book->arena, all->identities, all->n);
}

tagih_err paying_take_load(struct paying_book *all) {
    DEFER(result) struct result locked = {0};
    tx_take(all->book.tx, &locked);
    book_take_lock(&all->book);
    TRY(book_take_load(&all->book));
    payment_take_identities(all->book.tx, all->known, all->n);
    suspense_take_identities(all->book.tx, all->held, all->n);
    return TAGIH_OK;
}

static bool same_content(const struct paying *p, const struct payment_known *known) {
    return uuid_equal(known->account.u, p->account.u) && known->amount_minor == p->amount_minor && known->tag == p->tag &&
           currency_equal(known->currency, p->currency) && known->value.us == p->value.us;
}

static bool same_held(const struct paying *p, const struct suspense_known *held) {
    bool same_account = held->has_account ? uuid_equal(held->account.u, p->account.u) : uuid_is_nil(p->account.u);
    return same_account && held->amount_minor == p->amount_minor &&
           held->tag == p->tag && currency_equal(held->currency, p->currency) && held->value.us == p->value.us;
}

/* The same identity earlier in this very set counts as known; one that was refused does not. */
static void find_twin(const struct paying_book *all, size_t i) {
    const struct payment_identity *mine = &all->identities[i];
    for (size_t k = 0; k < i && !all->known[i].known && !all->held[i].known; k++) {
        const struct paying *p = &all->payings[k];
        if (all->posts[k].skip || p->identity.source != mine->source || !bytes_equal(p->identity.reference, mine->reference)) continue;
        if (p->suspense) {
            all->held[i] = (struct suspense_known){.known = true, .item = p->payment.u,
                                                   .has_account = !uuid_is_nil(p->account.u), .account = p->account,
                                                   .tag = p->tag, .amount_minor = p->amount_minor, .currency = p->currency,
                                                   .value = p->value};
        } else {
            all->known[i] = (struct payment_known){.known = true, .payment = p->payment, .account = p->account,
                                                   .tag = p->tag, .amount_minor = p->amount_minor, .currency = p->currency,
                                                   .value = p->value};
        }
    }
}

static tagih_err refusal(fate_bits hindrance) {
    if (hindrance & fate_bit(REASON_UNKNOWN_ACCOUNT)) return FAIL(NOT_PERMITTED);
    if (hindrance & fate_bit(REASON_WRONG_CURRENCY)) return FAIL(ACCOUNT_CURRENCY);
    return hindrance ? FAIL(PAYMENT_AMOUNT) : TAGIH_OK;
}

/* What came before under this identity is answered again, whatever became of it since: posted, or still in suspense. */
static void decide_known(struct paying *p, const struct payment_known *known, const struct suspense_known *held) {
    p->repeat = held->known ? same_held(p, held) : same_content(p, known);
    p->suspense = held->known && !known->known;
    p->payment = known->known ? known->payment : (payment_id){held->item};
    p->err = p->repeat ? TAGIH_OK : FAIL(PAYMENT_IDENTITY_REUSED);
}

/* R-PAY-2, R-LIF-1: money of nobody known, or for an account that was closed before, otherwise than by payment, waits for a
 * person. */
static tagih_err suspend(struct paying_book *all, struct paying *p, struct post *post) {
    bool named = !uuid_is_nil(p->account.u);
    struct suspense_in in = {.origin = named ? SUSPENSE_OF_ACCOUNT : SUSPENSE_OF_CALL, .note = p->note, .has_account = named,
                             .account = p->account,
                             .money = suspense_money_side((enum payment_source)p->identity.source)};
    p->suspense = true;
    return suspense_post(&all->book, post, &in);
}

static tagih_err decide_one(struct paying_book *all, size_t i) {
    struct paying *p = &all->payings[i];
    struct post *post = &all->posts[i];
    post->skip = true;
    if (!err_is_ok(p->err)) return TAGIH_OK;
    find_twin(all, i);
    if (all->known[i].known || all->held[i].known) {
        decide_known(p, &all->known[i], &all->held[i]);
        return TAGIH_OK;
    }
    fate_bits hindrance = book_hindrance(&all->book, post);
    bool nobodys = uuid_is_nil(p->account.u) && hindrance == fate_bit(REASON_UNKNOWN_ACCOUNT);
    if (nobodys || hindrance == fate_bit(REASON_ACCOUNT_CLOSED)) return suspend(all, p, post);
    p->err = refusal(hindrance);
    post->skip = !err_is_ok(p->err);
    return TAGIH_OK;
}

tagih_err paying_decide(struct paying_book *all) {
    for (size_t i = 0; i < all->n; i++) TRY(decide_one(all, i));
    return TAGIH_OK;
}

tagih_err paying_save(struct paying_book *all) {
    TRY(book_decide(&all->book));
    return book_save(&all->book);
}
