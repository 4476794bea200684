/* SPDX-License-Identifier: Apache-2.0 */
/* Costs of taking collateral, and bills that became fees instead (R-RPO-7a): rows in, rows out. */
#ifndef TAGIH_STORE_COST_H
#define TAGIH_STORE_COST_H

#include "store/tx.h"
#include "tagih/money.h"

/** What a bill was booked as, once. Stored: add, never renumber. */
enum cost_use { COST_UNUSED = 0, COST_OF_TAKING = 1, COST_AS_FEE = 2 };

struct cost_row {
    uuid id, posting;
    account_id account;
    int16_t used_as, kind; /* kind: 0 of a fee, else TakingCostKind of cost.proto */
    int64_t amount_minor;
    struct bytes currency, reference, evidence; /* evidence: 32 bytes, none of a fee */
    int64_t value_us, at_us;
    user_id made_by, decided_by;
    int64_t reversed_us; /* 0: it stands; read, never written */
};

/** A cost that was booked by mistake, taken back. */
struct cost_reversal_row {
    uuid cost, posting;
    struct bytes reason;
    int64_t at_us;
    user_id made_by, decided_by;
};

/** A fact of its posting. */
void cost_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct cost_row *row);

void cost_reversal_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct cost_reversal_row *row);

TAGIH_MUST_USE tagih_err cost_send_used(struct tx *tx, struct arena *arena, account_id account, struct bytes reference);
enum cost_use cost_take_used(struct tx *tx);

/** What was spent on taking and no sale has brought back. */
TAGIH_MUST_USE tagih_err cost_send_open(struct tx *tx, struct arena *arena, account_id account);
int64_t cost_take_open(struct tx *tx);

/** An account's costs of taking, the newest first. */
TAGIH_MUST_USE tagih_err cost_send_list(struct tx *tx, struct arena *arena, account_id account, int64_t before_us, uuid before,
                                        int32_t limit);
/** Texts live in the result; posting and used_as are not read. */
void cost_read_row(const struct result *r, size_t row, struct cost_row *out);

/** One cost of taking, in the columns of a list. */
TAGIH_MUST_USE tagih_err cost_send_get(struct tx *tx, struct arena *arena, uuid cost);

#endif
