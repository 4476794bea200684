/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Promises in the book (R-PTP-1..3): whatever is posted on an account that has promises, they are looked at again, in the
 * same transaction and under the same digest. What is done to promises themselves is a move with a deed:
 *
 *     struct promise_deed deed = {.kind = DEED_MAKE, .fact = {…}};
 *     struct post post = {.what = POST_MOVE, .kind = POSTING_OF_PROMISE, .account = …, .deed = &deed,
 *                         .facts = &insert, .n_facts = 1};
 *     book_begin … book_take_load → book_decide → look at deed.err, deed.refused → fill `insert` → book_save
 *
 * A deed with an error has done nothing, and its book must not be saved. For an account without promises all this is one
 * look at an index in the book's load.
 */
#ifndef TAGIH_BOOK_PROMISE_H
#define TAGIH_BOOK_PROMISE_H

#include "tagih/promise.h"

struct book;

enum promise_deed_kind {
    DEED_LOOK,     /* nothing but the time: what is over, what begins, what is to be reminded of */
    DEED_MAKE,     /* the promise `fact` */
    DEED_WITHDRAW, /* the promise `fact.id` */
    DEED_PROPOSE,  /* the plan `fact.plan`; its instalments count when it is approved */
    DEED_DECIDE    /* approve or reject the plan `fact.plan` */
};

struct promise_deed {
    /* in */
    enum promise_deed_kind kind;
    struct promise_fact fact;
    bool approve;        /* DECIDE */
    bool remind;         /* LOOK: it is an hour for reminders */
    instant expires;     /* PROPOSE: until then it may be decided */
    instant starts;      /* PROPOSE: 00:00 of the plan's first day */
    struct bytes reason; /* PROPOSE, DECIDE: kept with the plan's event */
    /* out, after book_decide */
    unsigned refused;         /* MAKE: bits of enum promise_refusal */
    int32_t version;          /* WITHDRAW: before it */
    enum promise_state state; /* MAKE, WITHDRAW: where it stands */
    tagih_err err;            /* OK · PROMISE_NOT_OPEN · PLAN_EXISTS · PLAN_STALE · as plan_apply */
};

/** What has been loaded and is to be written; opaque. */
struct promises;

/* Called by the book alone. */
TAGIH_MUST_USE tagih_err promises__send(struct book *book);
TAGIH_MUST_USE tagih_err promises__take(struct book *book);
/** Look at the accounts that were posted on. One more round trip when one of them has promises. */
TAGIH_MUST_USE tagih_err promises__decide(struct book *book);
TAGIH_MUST_USE tagih_err promises__save(struct book *book);

#endif
