/* SPDX-License-Identifier: Apache-2.0 */
/* Between entries_cash.c and entries_handover.c. */
#ifndef TAGIH_RPC_ENTRIES_HANDOVER_H
#define TAGIH_RPC_ENTRIES_HANDOVER_H

#include "rpc/entries_cash.h"

/** An entry of cash, and what it leaves when it takes effect. */
struct cash_entry {
    struct sealed *sealed;
    struct params *facts;
    struct deposit_row deposit;
    struct shortage_row shortage;
    struct settlement_row *settlements;
    size_t n_settlements;
    struct handover_live *handover;
    bool counterpart_is_field;
    bool is_behind; /* of earlier epochs of its phone something is missing */
    hash256 waited; /* of a woken one: the entry that waited */
};

/** Room for one more row of facts of its post; NULL: the arena is exhausted. */
struct params *cash__fact(struct entries *entries, struct sealed *sealed);
/** Amount and currency as reasons of fates. */
void cash__flag_amount(struct sealed *sealed, int64_t amount_minor, currency in);

/** Are entries before it in its epoch missing, also after this batch? */
bool cash__has_gap(const struct entries *entries, const struct sealed *sealed);

/** What becomes of a half that waited. @param why  it is quarantined for; 0: it takes effect. Pure. */
struct fate_row handover_fate(const hash256 *hash, int64_t waited_flags, enum fate_reason why);
void handover__plan(struct entries *entries, struct sealed *sealed);
TAGIH_MUST_USE tagih_err handovers__load(struct entries *entries);
void handover__decide(struct entries *entries, struct sealed *sealed);
void handovers__settle(struct entries *entries);
TAGIH_MUST_USE tagih_err handovers__save(struct entries *entries);

#endif
