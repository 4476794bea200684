/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payments that are no entries, many at a time, whoever brings them: a call, a batch file, a gateway (R-PAY-5). Their
 * identity is (source, reference): what is there already is answered and not posted again, other content is refused.
 *
 *     paying_begin → paying_send_load → sync → paying_take_load → paying_decide → paying_save
 *
 * A set may bring one event of its own, a POST_MOVE whose rows of facts tell what became of the payments.
 */
#ifndef TAGIH_RPC_PAYING_H
#define TAGIH_RPC_PAYING_H

#include "book/posting.h"
#include "domain/payment_row.h"
#include "engine/rpc.h"
#include "store/payment.h"
#include "store/suspense.h"

/** One payment. */
struct paying {
    /* in */
    struct payment_identity identity;
    enum payment_tag tag;
    account_id account; /* nil: its sender names none that is here, so that it waits in suspense */
    int64_t amount_minor;
    currency currency;
    instant value;
    bool has_actor;
    user_id actor;
    struct bytes note; /* kept in suspense: what may tell a person whose it is, such as a number that no account has */
    /* in and out */
    tagih_err err; /* refused, before or by paying_decide */
    /* out */
    bool repeat;   /* it had come before, just so */
    bool suspense; /* no account may take it: it waits in suspense, and `payment` is the item's id (R-PAY-2, R-LIF-1) */
    payment_id payment;
};

struct paying_book {
    struct book book;
    struct paying *payings;
    struct post *posts;
    struct payment_identity *identities;
    struct payment_known *known;
    struct suspense_known *held; /* what came into suspense under the identity */
    size_t n;
    struct post *event; /* NULL: none */
};

/** May this much have been paid at this instant? @return OK · PAYMENT_AMOUNT · REQUEST_TIME · PAYMENT_FUTURE. Pure. */
TAGIH_MUST_USE tagih_err paying_amount_check(int64_t amount_minor);
TAGIH_MUST_USE tagih_err paying_value_check(instant value, instant now);
/** The same of a field of a request, told as its problem. */
bool paying_check_value(struct rpc_item *item, const char *field, int64_t value_us);

/**
 * Begin with n payments; those with an `err` are passed over. They outlive the book.
 *
 * @param event  one more post, copied to all->event, whose facts may be set until paying_save; NULL: none, then n > 0
 */
TAGIH_MUST_USE tagih_err paying_begin(struct paying_book *all, struct tx *tx, struct arena *arena, agency_id agency,
                                      int64_t writer, instant now, struct paying *payings, size_t n,
                                      const struct post *event);

/** Queue LOCK and LOAD. */
TAGIH_MUST_USE tagih_err paying_send_load(struct paying_book *all);
/** Take it: the caller has synced. */
TAGIH_MUST_USE tagih_err paying_take_load(struct paying_book *all);

/**
 * Decide about each: `err`, `repeat`, `suspense` and `payment` are set.
 *
 * err: NOT_PERMITTED an account is named that is not there · ACCOUNT_CURRENCY · PAYMENT_IDENTITY_REUSED
 */
TAGIH_MUST_USE tagih_err paying_decide(struct paying_book *all);

/** Post what was not refused, and queue SAVE. */
TAGIH_MUST_USE tagih_err paying_save(struct paying_book *all);

#endif
