/* SPDX-License-Identifier: Apache-2.0 */
/* Proposals and decisions: rows as the database has them. Who may decide what is said in server/rpc/approval.c. */
#ifndef TAGIH_STORE_APPROVAL_H
#define TAGIH_STORE_APPROVAL_H

#include "store/tx.h"

/** Stored in proposal_state.state, and in proposal_decision.verdict. */
enum proposal_state { PROPOSAL_OPEN = 1, PROPOSAL_APPROVED, PROPOSAL_REFUSED, PROPOSAL_WITHDRAWN };

struct proposal_row {
    uuid id, posting;
    int16_t kind;
    uuid subject;
    bool has_account, has_amount;
    account_id account;
    int64_t amount_minor;
    struct bytes currency, request, reason;
    user_id made_by;
    int64_t made_us, expires_us;
};

struct decision_row {
    uuid proposal, posting;
    int16_t verdict;
    user_id decided_by;
    int64_t decided_us;
    struct bytes reason;
};

/** A proposal read back; texts point into the result. */
struct proposal_read {
    struct proposal_row row; /* posting: nil */
    int16_t state;
    bool decided;
    struct decision_row decision;
};

struct proposal_filter {
    int16_t state, kind_min, kind_max;
    int64_t expires_after_us, expires_until_us; /* (after, until] */
    int64_t after_us;                           /* the last row of the page before */
    uuid after;
    int32_t limit;
};

/** Queue the lock of (kind, subject) and the question for an open proposal: two answers. */
TAGIH_MUST_USE tagih_err proposal_send_open(struct tx *tx, struct arena *arena, int16_t kind, uuid subject, instant now);
/** Take both. Is there one? */
bool proposal_take_open(struct tx *tx);

/** The insert of a proposal as a fact of its posting. */
void proposal_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct proposal_row *row);
/** The insert of a decision. */
void decision_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct decision_row *row);

TAGIH_MUST_USE tagih_err proposal_send_state(struct tx *tx, struct arena *arena, const struct proposal_row *row);
TAGIH_MUST_USE tagih_err proposal_send_decided(struct tx *tx, struct arena *arena, uuid proposal, enum proposal_state state);

/** Queue the LOCK of a proposal: one answer, to be dropped. */
TAGIH_MUST_USE tagih_err proposal_send_lock(struct tx *tx, struct arena *arena, uuid proposal);
TAGIH_MUST_USE tagih_err proposal_send_get(struct tx *tx, struct arena *arena, uuid proposal);
TAGIH_MUST_USE tagih_err proposal_send_list(struct tx *tx, struct arena *arena, const struct proposal_filter *filter);
/** Read a row of either. */
void proposal_read_row(const struct result *r, size_t row, struct proposal_read *out);

#endif
