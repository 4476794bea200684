/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries that move cash without being receipts (R-CSH-2, R-CSH-4): DEPOSIT, DAY_CLOSE, HANDOVER, INCIDENT. Each is one
 * post of the book with rows of facts of its own; what a collector does not hold, he cannot give away.
 */
#ifndef TAGIH_RPC_ENTRIES_CASH_H
#define TAGIH_RPC_ENTRIES_CASH_H

#include "rpc/entries.h"
#include "store/deposit.h"
#include "store/handover.h"
#include "store/settlement.h"
#include "store/shortage.h"

/** A handover that entries of this batch speak of. */
struct handover_live {
    struct handover_key key;
    struct handover_known known;
    int16_t state;         /* enum handover_state, as this batch leaves it */
    struct sealed *first;  /* the half that came first, if in this batch */
    struct cash_half half; /* its content, wherever it came from */
    struct sealed *second; /* the half that met it here */
    enum fate_reason why;  /* of a dispute */
    bool changed;
};

/** Is this a kind of this file? */
bool cash__is(const struct sealed *sealed);
/** Room for `n` entries. @return OK · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err cash__begin(struct entries *entries);
/** Plan its post. */
void cash__plan(struct entries *entries, struct sealed *sealed);
/** Lock and load the handovers of the batch, in a round trip of its own; behind the devices, before everything else.
 *  Nothing for none. */
TAGIH_MUST_USE tagih_err cash__load(struct entries *entries);
/** An entry that waited for its phone's receipts: into the book again. `post` is its own. Before book_decide. */
TAGIH_MUST_USE tagih_err cash__wake(struct entries *entries, const struct waiting_entry *waiting, struct sealed *sealed,
                                    struct post *post);
/** What an entry of cash waits for: its handover (the other half of it, or the cash), or the rest of its phone's journal. */
uuid cash__missing(const struct sealed *sealed);
/** Its lines and facts, or why it has none. */
void cash__decide(struct entries *entries, struct sealed *sealed);
/** The rows of a decided entry; texts are borrowed. Pure, but that a sum which does not fit flags the day close. */
struct deposit_row cash__deposit_row(const struct sealed *sealed, instant received);
struct shortage_row cash__shortage_row(const struct sealed *sealed, instant received);
struct handover_row handover__row(const struct sealed *sealed);
/** Of a day close: does its i-th currency settle, and how; the first that does has the entry's id. Up to which seq. */
bool cash__settles(const struct sealed *sealed, size_t i);
struct settlement_row cash__settlement_row(struct sealed *sealed, size_t i, bool first, instant received);
/** Notes and coins of that currency behind those before, at most JOURNAL_DAY_NOTES_MAX; sorted, as they are stored. */
void cash__add_notes(struct sealed *sealed, size_t i, const struct settlement_row *row, struct settlement_note_row *notes, size_t *n);
void cash__sort_notes(struct settlement_note_row *notes, size_t n);
int64_t cash__declared(const struct sealed *sealed);
/** After the book decided: what that means for halves of handovers, and for what was not there yet. */
void cash__settle(struct entries *entries);
/** Queue the states of what took effect, and the fates of halves that waited. */
TAGIH_MUST_USE tagih_err cash__save(struct entries *entries);

#endif
