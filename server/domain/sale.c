/* SPDX-License-Identifier: Apache-2.0 */
/* Proceeds of a sale are poured in one order (R-RPO-7), and its steps follow one table. */
#include "domain/sale.h"

#include "tagih/money.h"

const char *sale_state_name(enum sale_state state) {
    static const char *const names[] = {"?", "HAMMERED", "SETTLED", "TAKEN_BACK"};
    return (unsigned)state < SALE_STATE_END ? names[state] : "?";
}

const char *sale_event_name(enum sale_event event) {
    static const char *const names[] = {"?", "settle", "receive", "pay_surplus", "take_back"};
    return (unsigned)event < SALE_EVENT_END ? names[event] : "?";
}

/* ---- the waterfall -------------------------------------------------------------------------------------------- */

/* As much of a claim as there is. */
static int64_t pour(int64_t *left_minor, int64_t claim_minor) {
    int64_t part_minor = claim_minor < *left_minor ? claim_minor : *left_minor;
    *left_minor -= part_minor;
    return part_minor;
}

tagih_err sale_waterfall(const struct sale_claims *claims, struct sale_shares *out) {
    bool valid = claims->hammer_minor > 0 && claims->sale_costs_minor >= 0 && claims->taking_costs_minor >= 0 && claims->debt_minor >= 0;
    if (!valid) return FAIL(SALE_AMOUNT);
    if (claims->sale_costs_minor > claims->hammer_minor) return FAIL(SALE_COSTS);
    int64_t left_minor = claims->hammer_minor, owed_minor;
    TRY(minor_add(claims->taking_costs_minor, claims->debt_minor, &owed_minor));
    struct sale_shares shares = {.sale_costs_minor = pour(&left_minor, claims->sale_costs_minor)};
    shares.taking_costs_minor = pour(&left_minor, claims->taking_costs_minor);
    shares.debt_minor = pour(&left_minor, claims->debt_minor);
    shares.surplus_minor = left_minor;
    shares.shortfall_minor = owed_minor - shares.taking_costs_minor - shares.debt_minor;
    *out = shares;
    return TAGIH_OK;
}

/* ---- steps ---------------------------------------------------------------------------------------------------- */

typedef tagih_err guard(const struct sale_now *now, int64_t amount_minor);

static tagih_err always(const struct sale_now *now, int64_t amount_minor) {
    (void)now, (void)amount_minor;
    return TAGIH_OK;
}

/* Once, and exactly what the house owes. */
static tagih_err is_net(const struct sale_now *now, int64_t amount_minor) {
    if (now->received) return FAIL(SALE_STEP);
    return amount_minor == now->hammer_minor - now->shares.sale_costs_minor ? TAGIH_OK : FAIL(SALE_NET);
}

static tagih_err is_owed(const struct sale_now *now, int64_t amount_minor) {
    bool owed = amount_minor > 0 && amount_minor <= now->shares.surplus_minor - now->surplus_paid_minor;
    return owed ? TAGIH_OK : FAIL(SALE_SURPLUS);
}

static tagih_err untouched(const struct sale_now *now, int64_t amount_minor) {
    (void)amount_minor;
    return now->received || now->surplus_paid_minor > 0 ? FAIL(SALE_MONEY_MOVED) : TAGIH_OK;
}

static const struct {
    enum sale_state from;
    enum sale_event event;
    enum sale_state to;
    guard *guard;
} edges[] = {
    {SALE_HAMMERED, SALE_SETTLE, SALE_SETTLED, always},          /* the house's bill is here */
    {SALE_HAMMERED, SALE_TAKE_BACK, SALE_TAKEN_BACK, always},    /* it never was */
    {SALE_SETTLED, SALE_RECEIVE, SALE_SETTLED, is_net},          /* the house pays */
    {SALE_SETTLED, SALE_PAY_SURPLUS, SALE_SETTLED, is_owed},     /* the debtor gets his */
    {SALE_SETTLED, SALE_TAKE_BACK, SALE_HAMMERED, untouched},    /* the bill was wrong */
};

tagih_err sale_apply(const struct sale_now *now, enum sale_event event, int64_t amount_minor, enum sale_state *to) {
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        if (edges[i].from != now->state || edges[i].event != event) continue;
        TRY(edges[i].guard(now, amount_minor));
        *to = edges[i].to;
        return TAGIH_OK;
    }
    return FAIL(SALE_STEP);
}
