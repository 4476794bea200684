/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a payout run pays one collector (R-BON-9, R-MON-4). Sums of lines come in as groups, one for each
 * bonus month and one for each month's CLAWBACK lines: a group above zero is earned, one below is owed back.
 * What was owed before, and the part of a rupiah that could not be paid, come along as `carried`.
 *
 *     owed     = -(Σ groups below zero) + what was carried, if below zero
 *     deducted = min( owed, earned x deduct_max )
 *     paid     = earned - deducted, in whole rupiah, rounded down
 *     tax      = paid x tax, in whole rupiah, rounded once, half to even
 *     carried  = earned - owed - paid           (below zero: still owed; above: less than a rupiah)
 */
#ifndef TAGIH_DOMAIN_BONUS_PAYOUT_H
#define TAGIH_DOMAIN_BONUS_PAYOUT_H

#include "tagih/money.h"

#define PAYOUT_TAX_BP_DEFAULT 500
#define PAYOUT_DEDUCT_BP_DEFAULT 5000

struct payout_rules {
    int32_t tax_bp;        /* 0..10 000 */
    int32_t deduct_max_bp; /* 0..10 000, of what a run earns */
};

struct payout {
    int64_t carried_in_minor; /* in */
    int64_t earned_minor, owed_minor, deducted_minor, paid_minor, tax_minor, net_minor, carried_out_minor;
};

/**
 * Work out one collector's share of a run.
 *
 * @param groups  n sums of lines, in minor units of `in`
 * @param payout  [in, out] carried_in_minor comes in, the rest goes out; untouched on error
 * @return OK · MONEY_OVERFLOW · BONUS_RANGE a rate outside its bounds
 *
 * Pure. J17: -120 000 owed, 1 000 000 earned → 880 000 paid. J18: 1 000 000 paid at 500 bp → 950 000 and tax
 * 50 000.
 */
TAGIH_MUST_USE tagih_err payout_work_out(currency in, const struct payout_rules *rules, const int64_t *groups,
                                         size_t n, struct payout *payout);

#endif
