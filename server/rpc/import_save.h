/* SPDX-License-Identifier: Apache-2.0 */
/* What import.c decided becomes rows. Its own, for nobody else. */
#ifndef TAGIH_RPC_IMPORT_SAVE_H
#define TAGIH_RPC_IMPORT_SAVE_H

#include "rpc/import.h"

struct import_saving {
    const struct import_file *file;
    instant now;
    struct import_days days;
    struct import_chain chain;
    struct tx *tx; /* while postings are made */
    struct arena *arena;
};

/** Queue everything that good rows change: accounts, snapshots, dues, events, changes, postings. */
TAGIH_MUST_USE tagih_err import_save_accounts(struct tx *tx, struct arena *arena, struct import_saving *saving,
                                              struct import_item *const *good, size_t n);

/** Queue the result of each row that has not been here before. */
TAGIH_MUST_USE tagih_err import_save_results(struct tx *tx, struct arena *arena, const struct import_saving *saving,
                                             const struct import_item *items, size_t n);

/** Queue the postings (J1, J33) of good rows; moves the chain on. */
TAGIH_MUST_USE tagih_err import_post(struct tx *tx, struct arena *arena, struct import_saving *saving,
                                     struct import_item *const *good, size_t n);

/** Which rows give their account another rule set; one round trip when any names one (import_rules.c). */
TAGIH_MUST_USE tagih_err import_rules(struct tx *tx, struct arena *arena, const struct import_file *file,
                                      struct import_item *items, size_t n, instant now);
/** Add the row's own change to its account's. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err import_rules_with(struct arena *arena, const struct import_item *item, struct rule_history *history);

/** An account's figures after its row. */
struct import_figures {
    int64_t open_minor[COMPONENT_COUNT];
    int64_t credit_minor, debt_allocated_minor;
};
TAGIH_MUST_USE tagih_err import_figures(const struct import_item *item, struct import_figures *out);

#endif
