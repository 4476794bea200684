/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Money for specs: accounts that a creditor really sent (so that the ledger knows them), payments by call, reversals,
 * and what became of them. Days count from today in the agency's zone: -3 is three days ago.
 */
#ifndef TAGIH_TESTS_TELLER_H
#define TAGIH_TESTS_TELLER_H

#include <limits.h>

#include "contract.h"
#include "tagih/allocation.h"
#include "tagih/ledger.h"
#include "tests/support/rig.h"

#define MINOR(rupiah) (INT64_C(100) * (rupiah))

struct teller {
    struct rig *rig;
    agency_id agency;
    user_id admin, supervisor, second, cashier, gateway; /* second: another supervisor; gateway: the integration */
    const char *rule_set; /* that rows which are imported name; NULL: none */
    int64_t export_seq; /* of the snapshots that are imported; 0: they name none */
};

/** People of an agency. */
void teller_open(struct teller *teller, struct rig *rig, agency_id agency);

#define TODAY INT_MAX

struct debt {
    int due_in;                      /* days from today; 0 means -20, TODAY today */
    int64_t due_minor[COMPONENT_COUNT];
};

/** The debt of J1, past due: fees 40 000, penalty 60 000, interest 400 000, principal 3 500 000. */
extern const struct debt debt_j1;

/** Import an account of this schedule, as of 60 days ago, and assign it (nil: to nobody). */
account_id teller_account(struct teller *teller, user_id collector, const struct debt *debts, size_t n);
/** The same for a customer of this number. */
account_id teller_account_of(struct teller *teller, const char *customer_no, user_id collector, const struct debt *debts, size_t n);
/** Import it again with other figures, as of yesterday or any other day. */
void teller_snapshot(struct teller *teller, account_id account, int as_of_in, const struct debt *debts, size_t n);

/** Today in Jakarta. */
civil_date teller_today(void);
/** A day as text, in one of 64 static buffers used in turn. */
char *teller_day(int in_days);
/** Noon of a day in Jakarta, or now for today. */
instant teller_noon(int in_days);

struct paid {
    Tagih__V1__PaymentSource source; /* 0: GATEWAY */
    Tagih__V1__PaymentTag tag;       /* 0: the source's own */
    const char *reference;           /* NULL: a new one */
    int64_t amount_minor;
    instant value;                   /* 0: a minute ago */
    const char *currency;            /* NULL: IDR */
    const char *token;               /* NULL: the integration's */
};
struct rig_answer teller_post(struct teller *teller, account_id account, const struct paid *paid);
/** Post and answer the payment's id; fails the test when refused. */
payment_id teller_paid(struct teller *teller, account_id account, const struct paid *paid);
struct rig_answer teller_get(struct teller *teller, const char *token, payment_id payment);
/** Reverse with the etag that GetPayment gives now, as the supervisor. */
struct rig_answer teller_reverse(struct teller *teller, payment_id payment, Tagih__V1__ReversalReason reason);

/** Decide a proposal with the etag that GetProposal gives now. */
struct rig_answer teller_decide(struct teller *teller, user_id decider, const char *proposal_id, bool approve);

/** The proposal that a call made; every response that has one begins with it. The test fails when the call was refused. */
const char *teller_proposal(const struct rig_answer *answer);
/** Let the second supervisor approve what was proposed. */
struct rig_answer teller_approve(struct teller *teller, const struct rig_answer *proposal);
/** The posting that an approved decision made; fails the test when it was refused. */
uuid teller_posting(const struct rig_answer *decided);

/** Import one line of the bank's statement, booked today, in a file of its own; the test fails when the call is refused.
 *  @param line_reference  the bank's own; NULL: a new one */
const Tagih__V1__BankRowResult *teller_bank_line(struct teller *teller, const char *line_reference, const char *amount,
                                                 const char *reference);

/** rig_number() of its rig. */
int64_t teller_number(struct teller *teller, const char *sql, uuid id);
/** Suspense in the ledger is what stands open as an item (R-PAY-2). */
void assert_suspense_holds(struct rig *rig);
/** What the posting triggered by a payment, of a kind (1 payment, 2 reversal), moved on a ledger account. */
int64_t teller_line(struct teller *teller, payment_id payment, int kind, enum ledger_account account);
/** What the postings of a trigger (a payment, an account …), of a kind, wrote, account by account: exactly this and no more. */
struct teller_amount {
    enum ledger_account account;
    int64_t rupiah; /* debit > 0 */
};
void teller_assert_moved(struct teller *teller, uuid trigger, int kind, const struct teller_amount *lines, size_t n);
#define assert_moved(trigger, kind, ...)                                                                      \
    teller_assert_moved(&teller, (trigger), (kind), (const struct teller_amount[]){__VA_ARGS__},              \
                        sizeof((const struct teller_amount[]){__VA_ARGS__}) / sizeof(struct teller_amount))
int64_t teller_open_minor(struct teller *teller, account_id account);
int64_t teller_credit_minor(struct teller *teller, account_id account);
/** A payment's newest allocation of an instalment (0: what became credit). */
int64_t teller_allocated(struct teller *teller, payment_id payment, int instalment_no);

#endif
