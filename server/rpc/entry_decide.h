/* SPDX-License-Identifier: Apache-2.0 */
/* Between entry_decide.c and entry_decide_cash.c: what two people decided about a waiting entry. */
#ifndef TAGIH_RPC_ENTRY_DECIDE_H
#define TAGIH_RPC_ENTRY_DECIDE_H

#include "rpc/entries_handover.h"
#include "rpc/entry.h"

/* One decision on its way. */
struct settling {
    struct rpc_batch *batch;
    struct approval *proposal;
    int16_t action;
    struct entry_read read;
    const struct journal_entry *entry;
    struct post post;
    struct params *facts; /* the decision's, this entry's, which is filled when its fate is known, and those of its kind */
    struct book book;
    struct entry_decision_row row;
    /* of a half of a handover, under its lock */
    struct handover_known handover;
    struct handover_uncovered uncovered; /* both halves; if that is its state */
    bool has_row;                        /* its own row is there */
};

/* The entry as it would come in today, had nothing held it back: what flagged it stays. */
struct again {
    struct entries entries;
    struct sealed sealed;
    struct sealed_by by;
    struct journal_entry entry;
    struct cash_entry cash;
    struct promise_deed deed;
    instant midnight;
};

/** NULL: the arena is exhausted. */
struct again *settling__again(struct settling *s);

/** The id that its rows and postings have: its own, or one made of its hash when another entry owns that. */
uuid settling__subject(const struct settling *s);
/** The post with both facts; what it is, is the caller's. */
TAGIH_MUST_USE tagih_err settling__begin(struct settling *s, struct post post);
TAGIH_MUST_USE tagih_err settling__lock_and_load(struct settling *s);
/** After book_decide: the fate, its fact, its event, and the news for the phone. */
TAGIH_MUST_USE tagih_err settling__close(struct settling *s, enum fate fate, fate_bits flags);
/** It took effect: what flagged it stays, what held it back does not. */
TAGIH_MUST_USE tagih_err settling__released(struct settling *s, fate_bits more);

/** A deposit or an incident. */
TAGIH_MUST_USE tagih_err settling__release_cash(struct settling *s, enum posting_kind kind, currency in);
TAGIH_MUST_USE tagih_err settling__release_handover(struct settling *s);
TAGIH_MUST_USE tagih_err settling__release_day_close(struct settling *s);
/** Queue LOCK and LOAD of a half's handover, behind the phones: four answers. */
TAGIH_MUST_USE tagih_err settling__send_handover(struct settling *s);
void settling__take_handover(struct settling *s);
/** A half was dropped: what waited for it waits for a person now. */
TAGIH_MUST_USE tagih_err settling__handover_dropped(struct settling *s);

#endif
