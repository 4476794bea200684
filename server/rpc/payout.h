/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payout runs (R-BON-6, R-BON-9): worked out in payout_run.c, served in payout.c. What a run would hold is worked out twice,
 * when it is looked at and when it is made, and the digest says whether it is the same.
 */
#ifndef TAGIH_RPC_PAYOUT_H
#define TAGIH_RPC_PAYOUT_H

#include "rpc/approval.h"
#include "store/payout.h"

extern const struct approval_kind payout_approve_kind, payout_pay_kind, leaving_kind;

/** A run as it would be, or is being made. */
struct payout_work {
    struct payout_books books;
    civil_date through;
    int32_t run_no;
    struct payout_share *shares; /* by collector */
    size_t n;
    int64_t paid_minor;
    hash256 digest;
};

/** The most collectors of a run. */
#define PAYOUT_COLLECTORS_MAX 20480

/**
 * Work shares out of groups.
 *
 * @param work  [in, out] books, through and run_no come in
 * @return OK · PAYOUT_EMPTY · PAYOUT_TOO_LARGE · MONEY_OVERFLOW · OUT_OF_MEMORY
 */
TAGIH_MUST_USE tagih_err payout_work(struct arena *arena, const struct payout_group *groups, size_t n, struct payout_work *work);

#endif
