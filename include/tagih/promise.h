/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Promises to pay (R-PTP-1, R-PTP-2). Two questions, both answered without a clock, memory of its own or a
 * database, so that a phone comes to the server's answers:
 *
 *   promise_terms()    may this promise be accepted?
 *   promise_evaluate() where does every promise of an account stand, and which payment went into which?
 *
 * The second walks all facts of the account in the order of their value instants, whatever order they arrived
 * in:
 *
 *   - a promise is made; made while as many are open as may be, it supersedes the earliest of them
 * (R-PTP-2a);
 *   - a payment fills the promises made before it and not over at its instant, by (due date, instant made,
 * id); what is left flows to the next, and each rupiah goes into one promise at most;
 *   - a promise is over at the end of the local day of due date + grace; when a plan's instalment is over and
 * short, the plan is broken, and its other instalments end with it (R-PTP-3a).
 *
 * Local days come in as instants: the caller asks its time zone, nothing here knows one.
 */
#ifndef TAGIH_PROMISE_H
#define TAGIH_PROMISE_H

#include <stddef.h>
#include <stdint.h>

#include "tagih/arena.h"
#include "tagih/err.h"
#include "tagih/id.h"
#include "tagih/payment.h"
#include "tagih/time.h"

ID_TYPE(promise_id);
ID_TYPE(plan_id);

/** The figures of R-PTP-1 and R-PTP-2. */
struct promise_settings {
    int32_t days_max;           /* a due date lies at most this many days after the day it is promised on */
    int32_t arrears_bp_min;     /* the least part of the arrears, in 1/10 000 */
    int32_t open_max;           /* open at a time, the new one among them */
    int32_t broken_refused;     /* this many broken ones … */
    int32_t broken_window_days; /* … in so many days before refuse the next */
    int32_t grace_days;         /* after the due date, until the end of that local day */
};

/** The **default** figures: 14 days, 10 %, 1 open, 3 broken in 90 days, 2 days of grace. */
extern const struct promise_settings promise_settings_default;

/** Stored by number: add, never renumber. */
enum promise_state {
    PROMISE_OPEN = 1,
    PROMISE_KEPT,       /* reached */
    PROMISE_PARTIAL,    /* over, and something came */
    PROMISE_BROKEN,     /* over, and nothing came */
    PROMISE_SUPERSEDED, /* a later one took its place while it was open */
    PROMISE_WITHDRAWN,  /* taken back by the office while it was open */
    PROMISE_LAPSED,     /* an instalment that ended with its broken plan */
    PROMISE_STATE_END
};

/** "KEPT"; "?" for a number outside the list. Never NULL. */
const char *promise_state_name(enum promise_state state);

/** A promise as the debtor made it, with what a person did to it since. */
struct promise_fact {
    promise_id id;
    int64_t amount_minor;
    civil_date due_on;
    instant made;   /* value instant */
    instant closes; /* 00:00 of the local day after due date + grace: the first instant that is too late */
    bool withdrawn;
    instant withdrawn_at;
    plan_id plan; /* nil: none. The instalments of one plan are made at one instant */
};

/** A payment of the account, of its promises' currency. */
struct promise_payment {
    payment_id id;
    int64_t amount_minor;
    civil_date value_on;
    instant value;
    enum payment_tag tag;
    bool reversed;
};

struct promise_result {
    enum promise_state state;
    int64_t received_minor; /* 0 … amount */
    uuid by; /* what decided: the payment that reached it, the promise that superseded it; else nil */
};

/** Money that went from a payment into a promise. */
struct promise_fill {
    size_t promise, payment; /* indices */
    int64_t amount_minor;
};

struct promise_outcome {
    struct promise_result *results; /* per promise, in the order given */
    struct promise_fill *fills;     /* in the order in which it happened */
    size_t n_fills;
};

/**
 * Where every promise of an account stands at an instant.
 *
 * @param promises all of one account in one currency, those of approved plans among them, in any order; ids
 * are unique, amounts positive, due dates and `closes` of one zone
 * @param payments all of the account, in any order; those that do not fill promises (R-PTP-2) and those that
 * are reversed may be among them
 * @param now      decides alone what is over; facts after it count as well
 * @param out      [out] in the arena
 * @return OK · PROMISE_FACT_TWICE a promise or payment stands there twice · PROMISE_AMOUNT an amount is not
 * above 0 · OUT_OF_MEMORY
 *
 * Pure. O((n + m) · n) for n promises and m payments. Rule R-PTP-2.
 * Example: 500 000 due on the 10th; 300 000 valued on the 12th, 23:59 local → PARTIAL from the 13th on, and
 * KEPT if 200 000 valued on the 9th turn up later (tests/domain/promise_spec.c).
 */
TAGIH_MUST_USE tagih_err promise_evaluate(const struct promise_settings *settings,
                                          const struct promise_fact *promises, size_t n,
                                          const struct promise_payment *payments, size_t m, instant now,
                                          struct arena *arena, struct promise_outcome *out);

/** Why a promise is not accepted, as bits: all that apply. */
enum promise_refusal {
    PROMISE_REFUSED_BEYOND = 1, /* due too late */
    PROMISE_REFUSED_SMALL = 2,  /* too little of the arrears */
    PROMISE_REFUSED_OPEN = 4,   /* another one is open */
    PROMISE_REFUSED_BROKEN = 8, /* too many were broken */
    PROMISE_REFUSED_PAST = 16   /* due before the day it is made on */
};

/** A promise that is to be judged. */
struct promise_offer {
    int64_t amount_minor;
    civil_date due_on;
    instant made;
    civil_date made_on;    /* its local day */
    int64_t arrears_minor; /* what is past due on that day, all components */
};

/**
 * Judge a promise by the account's story until its instant (R-PTP-1): promises and payments after that are
 * left out.
 *
 * @param promises, payments as for promise_evaluate; the offered promise is not among them
 * @param refused [out] bits of enum promise_refusal; 0: accepted
 * @return as promise_evaluate
 *
 * Pure.
 */
TAGIH_MUST_USE tagih_err promise_terms(const struct promise_settings *settings,
                                       const struct promise_offer *offer, const struct promise_fact *promises,
                                       size_t n, const struct promise_payment *payments, size_t m,
                                       struct arena *arena, unsigned *refused);

/** The error that tells of the first of some bits: what an office call is answered with. OK for none. */
TAGIH_MUST_USE tagih_err promise_refusal_error(unsigned refused);

/** Days before the due date on which the debtor is reminded: the day before, and the day itself (R-PTP-1). */
#define PROMISE_REMINDERS 2

/** Which reminder an open promise gets on a local day: 0 on the day it is due, 1 on the day before; -1: none.
 * Pure. */
int promise_reminder_slot(enum promise_state state, civil_date due_on, civil_date today);

#endif
