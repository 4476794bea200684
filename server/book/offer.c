/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Offers to settle follow the money (R-WAI-1): whenever a book has moved an account that has an offer, the offer is
 * judged by the payments as they are now, in the same transaction and under the same lock. What follows is a book of its
 * own behind the first: one event, and the waivers that it makes or takes back.
 */
#include <stdlib.h>

#include "domain/change.h"
#include "book/posting.h"
#include "run/random.h"
#include "store/offer.h"

/* The posts of one offer's step: its event first, then facts of the account. */
struct following {
    struct book *book;
    const struct offer_now *offer;
    struct offer_step next;
    struct post *posts;
    size_t n;
    struct params *facts; /* of the event */
    size_t n_facts;
};

static struct post fact_post(const struct following *f, enum fact_kind kind, uuid id, instant value) {
    return (struct post){.what = POST_FACT, .id = id, .account = f->offer->account, .fact = kind,
                         .currency = f->offer->currency, .value = value, .received = f->book->now,
                         .note = bytes_text("settlement offer")};
}

static tagih_err begin(struct following *f, size_t n_facts) {
    f->posts = ARENA_ARRAY(f->book->arena, n_facts + 1, struct post);
    f->facts = ARENA_ARRAY(f->book->arena, 2, struct params);
    if (!f->posts || !f->facts) return FAIL(OUT_OF_MEMORY);
    struct post *event = &f->posts[f->n++];
    *event = (struct post){.what = POST_MOVE, .kind = POSTING_OF_OFFER, .id = random_id(), .account = f->offer->account,
                           .payment.u = f->offer->at.offer, .change = CHANGE_OFFER_CHANGED, .value = f->book->now,
                           .received = f->book->now, .currency = f->offer->currency, .facts = f->facts};
    book_move_begin(event);
    struct offer_event_row row = {.offer = f->offer->at.offer, .n = f->next.n, .posting = event->id, .state = f->next.state,
                                  .at_us = f->book->now.us, .paid_minor = f->offer->paid_minor};
    offer_event_fact(&f->facts[f->n_facts++], f->book->tx, f->book->arena, &row);
    return TAGIH_OK;
}

static int by_id(const void *left, const void *right) {
    return uuid_compare(*(const uuid *)left, *(const uuid *)right);
}

/* Ids in the order in which the rows that name them are read back. */
static uuid *sorted_ids(struct arena *arena, size_t n) {
    uuid *ids = ARENA_ARRAY(arena, n + 1, uuid);
    for (size_t i = 0; ids && i < n; i++) ids[i] = random_id();
    if (ids) qsort(ids, n, sizeof *ids, by_id);
    return ids;
}

/* What was open behind the payment that made the sum full, whatever has come since; at most what was offered. */
static int64_t needed(const struct offer_now *offer, const struct offer_line *lines, size_t n_lines) {
    int64_t waived_minor = 0, open_minor = -offer->day_minor;
    for (int c = 0; c < COMPONENT_COUNT; c++) {
        waived_minor += offer->waived_minor[c];
        for (size_t i = 0; i < n_lines; i++) open_minor += lines[i].open_minor[c];
    }
    if (open_minor < 0) open_minor = 0;
    return open_minor < waived_minor ? open_minor : waived_minor;
}

/* Paid in full in time: the rest is waived on the day on which the sum was full. */
static tagih_err fulfil(struct following *f) {
    struct arena *arena = f->book->arena;
    const struct offer_now *offer = f->offer;
    struct offer_line *lines;
    size_t n_lines;
    TRY(offer_send_lines(f->book->tx, arena, offer->account, offer->full_on));
    TRY(tx_sync(f->book->tx));
    TRY(offer_take_lines(f->book->tx, arena, &lines, &n_lines));
    struct offer_waiver *waivers = ARENA_ARRAY(arena, offer_waivers_max(n_lines) + 1, struct offer_waiver);
    if (!waivers) return FAIL(OUT_OF_MEMORY);
    size_t n = offer_waivers(lines, n_lines, offer->waived_minor, needed(offer, lines, n_lines), waivers);
    uuid *ids = sorted_ids(arena, n);
    if (!ids) return FAIL(OUT_OF_MEMORY);
    TRY(begin(f, n));
    for (size_t i = 0; i < n; i++) {
        struct post *post = &f->posts[f->n++];
        *post = fact_post(f, offer->creditor_bears ? FACT_CREDITOR_RELIEF : FACT_WAIVER, ids[i], offer->full_at);
        post->amount_minor = waivers[i].amount_minor;
        post->instalment_no = waivers[i].instalment_no;
        post->component = waivers[i].component;
    }
    if (n) offer_waivers_fact(&f->facts[f->n_facts++], f->book->tx, arena, offer->at.offer, f->posts[0].id, ids, n);
    return TAGIH_OK;
}

/* The money did not stay: nothing was waived. */
static tagih_err take_back(struct following *f) {
    struct offer_made *made;
    size_t n;
    TRY(offer_send_waivers(f->book->tx, f->book->arena, f->offer->at.offer));
    TRY(tx_sync(f->book->tx));
    TRY(offer_take_waivers(f->book->tx, f->book->arena, &made, &n));
    f->next.bounced = true;
    TRY(begin(f, n));
    for (size_t i = 0; i < n; i++) {
        struct post *post = &f->posts[f->n++];
        *post = fact_post(f, (enum fact_kind)made[i].kind, random_id(), f->book->now);
        post->amount_minor = made[i].amount_minor;
        post->instalment_no = made[i].instalment_no;
        post->component = (enum component)made[i].component;
        post->withdraw = true;
        post->withdrawn = made[i].fact;
    }
    return TAGIH_OK;
}

static tagih_err write_step(struct following *f) {
    struct book *first = f->book, own;
    f->posts[0].n_facts = f->n_facts;
    TRY(book_begin(&own, first->tx, first->arena, first->agency, first->writer, first->now, f->posts, f->n, 0));
    own.no_offers = true;
    TRY(book_open(&own));
    TRY(book_decide(&own));
    TRY(book_save(&own));
    TRY(offer_send_steps(own.tx, own.arena, &f->next, 1));
    return tx_sync(own.tx);
}

static tagih_err follow(struct book *book, const struct offer_now *offer) {
    struct offer_facts facts = {.full = offer->full, .over = offer->by_on.days < book->loaded.today.days,
                                .bounced = offer->at.bounced};
    struct following f = {.book = book, .offer = offer, .next = offer->at};
    f.next.state = (int16_t)offer_next((enum offer_state)offer->at.state, &facts);
    f.next.n++;
    if (f.next.state == offer->at.state) return TAGIH_OK;
    if (f.next.state == OFFER_FULFILLED) TRY(fulfil(&f));
    else if (offer->at.state == OFFER_FULFILLED) TRY(take_back(&f));
    else TRY(begin(&f, 0));
    return write_step(&f);
}

tagih_err book__offers(struct book *book) {
    size_t n = 0;
    for (size_t i = 0; i < book->loaded.n_accounts; i++) n += book->loaded.accounts[i].dirty && book->loaded.accounts[i].has_offer;
    if (n == 0 || book->no_offers) return TAGIH_OK;
    account_id *ids = ARENA_ARRAY(book->arena, n, account_id);
    struct offer_now *offers;
    if (!ids) return FAIL(OUT_OF_MEMORY);
    n = 0;
    for (size_t i = 0; i < book->loaded.n_accounts; i++) {
        const struct posting_account *account = &book->loaded.accounts[i];
        if (account->dirty && account->has_offer) ids[n++] = account->id;
    }
    TRY(tx_sync(book->tx)); /* the answers of what was saved are nobody's: the next sending drops them */
    TRY(offer_send_load(book->tx, book->arena, ids, n));
    TRY(tx_sync(book->tx));
    TRY(offer_take_load(book->tx, book->arena, &offers, &n));
    for (size_t i = 0; i < n; i++) TRY(follow(book, &offers[i]));
    return TAGIH_OK;
}
