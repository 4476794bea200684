/* SPDX-License-Identifier: Apache-2.0 */
/* A collector's share of a payout run (R-BON-9). Invariant: earned - owed = paid + carried out, to the minor
 * unit. */
#include "domain/bonus_payout.h"

static int64_t major_unit(currency in) {
    int64_t unit = 1;
    for (int i = currency_exponent(in); i > 0; i--) unit *= 10;
    return unit;
}

/* amount x bp in whole units, rounded once, half to even (R-MON-2). */
static int64_t whole_share(int64_t amount_minor, int32_t bp, int64_t unit) {
    __int128 product = (__int128)amount_minor * bp, divisor = (__int128)BP_ONE * unit;
    __int128 whole = product / divisor, twice_rest = product % divisor * 2;
    bool up = twice_rest > divisor || (twice_rest == divisor && whole % 2 != 0);
    return (int64_t)(whole + up) * unit;
}

static tagih_err add_up(const int64_t *groups, size_t n, struct payout *payout) {
    for (size_t i = 0; i < n; i++) {
        if (groups[i] >= 0)
            TRY(minor_add(payout->earned_minor, groups[i], &payout->earned_minor));
        else
            TRY(minor_sub(payout->owed_minor, groups[i], &payout->owed_minor));
    }
    if (payout->carried_in_minor >= 0) {
        return minor_add(payout->earned_minor, payout->carried_in_minor, &payout->earned_minor);
    }
    return minor_sub(payout->owed_minor, payout->carried_in_minor, &payout->owed_minor);
}

static bool is_share(int32_t bp) {
    return bp >= 0 && bp <= BP_ONE;
}

tagih_err payout_work_out(currency in, const struct payout_rules *rules, const int64_t *groups, size_t n,
                          struct payout *payout) {
    if (!is_share(rules->tax_bp) || !is_share(rules->deduct_max_bp)) return FAIL(BONUS_RANGE);
    struct payout out = {.carried_in_minor = payout->carried_in_minor};
    int64_t unit = major_unit(in);
    TRY(add_up(groups, n, &out));
    int64_t most_minor = (int64_t)((__int128)out.earned_minor * rules->deduct_max_bp / BP_ONE);
    out.deducted_minor = out.owed_minor < most_minor ? out.owed_minor : most_minor;
    int64_t left_minor = out.earned_minor - out.deducted_minor;
    out.paid_minor = left_minor - left_minor % unit;
    out.tax_minor = whole_share(out.paid_minor, rules->tax_bp, unit);
    out.net_minor = out.paid_minor - out.tax_minor;
    TRY(minor_sub(out.earned_minor - out.paid_minor, out.owed_minor, &out.carried_out_minor));
    *payout = out;
    return TAGIH_OK;
}
