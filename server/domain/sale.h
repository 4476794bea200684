/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The money of a sale of collateral (R-RPO-7): who gets what of the proceeds, and which step may follow which. All of it is pure.
 */
#ifndef TAGIH_DOMAIN_SALE_H
#define TAGIH_DOMAIN_SALE_H

#include <stdbool.h>
#include <stdint.h>

#include "tagih/err.h"

/** The debtor's surplus is due to him so many days after the proceeds were shared (R-RPO-7c). */
#define SALE_SURPLUS_DAYS 30

/** What is claimed of the proceeds; nothing is below zero. */
struct sale_claims {
    int64_t hammer_minor;       /* what the buyer pays */
    int64_t sale_costs_minor;   /* the house's bill */
    int64_t taking_costs_minor; /* spent, and not recovered yet */
    int64_t debt_minor;         /* all that is open, due or not, less customer credit */
};

/** Who gets what. The first four are the hammer price. */
struct sale_shares {
    int64_t sale_costs_minor, taking_costs_minor, debt_minor;
    int64_t surplus_minor;   /* the debtor's */
    int64_t shortfall_minor; /* of costs of taking and debt: still owed */
};

/**
 * Pour the proceeds: sale costs → taking costs → debt → surplus, or shortfall still owed.
 *
 * @param out  [out] untouched on error
 * @return OK · SALE_AMOUNT a claim below zero, or no hammer price above it · SALE_COSTS the house's bill is above it · MONEY_OVERFLOW.
 *         Pure.
 */
TAGIH_MUST_USE tagih_err sale_waterfall(const struct sale_claims *claims, struct sale_shares *out);

/** Stored by number, and the numbers of SaleState in sale.proto: add, never renumber. */
enum sale_state { SALE_HAMMERED = 1, SALE_SETTLED = 2, SALE_TAKEN_BACK = 3, SALE_STATE_END };

/** Stored by number as well. */
enum sale_event { SALE_SETTLE = 1, SALE_RECEIVE = 2, SALE_PAY_SURPLUS = 3, SALE_TAKE_BACK = 4, SALE_EVENT_END };

/** "SETTLED", "settle"; "?" outside the list. Never NULL. */
const char *sale_state_name(enum sale_state state);
const char *sale_event_name(enum sale_event event);

/** A sale as its events left it. */
struct sale_now {
    enum sale_state state;
    int64_t hammer_minor;
    struct sale_shares shares; /* zeros while HAMMERED */
    bool received;             /* the house has paid */
    int64_t surplus_paid_minor;
};

/**
 * May a step follow, and where does it lead?
 *
 * HAMMERED: settle → SETTLED, take_back → TAKEN_BACK. SETTLED: receive and pay_surplus stay, take_back → HAMMERED while no money
 * has moved. TAKEN_BACK is the end.
 *
 * @param amount_minor  of receive: what the house paid; of pay_surplus: what goes to the debtor; else unused
 * @param to  [out] untouched on error
 * @return OK · SALE_STEP this step cannot be taken in this state, or was · SALE_NET not the hammer price less the house's bill ·
 *         SALE_SURPLUS more than is owed to the debtor, or nothing · SALE_MONEY_MOVED. Pure.
 */
TAGIH_MUST_USE tagih_err sale_apply(const struct sale_now *now, enum sale_event event, int64_t amount_minor, enum sale_state *to);

#endif
