/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outcomes: how a visit ended, whether a call or a journal reports it (as arrival.h for check-ins). Many at a time:
 *
 *     outcomes_send_lock → outcomes_send_load → sync → outcomes_take_lock → outcomes_decide (queues SAVE)
 *
 * Presence is judged by the visit as LOAD finds it: in a transaction that also stores check-ins, LOAD is queued behind
 * arrivals_decide(), so that it sees them. The office is refused what does not fit; a journal's outcome is kept, posted
 * and flagged, and only HARD presence holds it back (R-VIS-2, R-VIS-3, R-CHK-4). One visit ends once: of several
 * outcomes the first by value instant ends it, a later one is kept and flagged.
 */
#ifndef TAGIH_RPC_OUTCOME_H
#define TAGIH_RPC_OUTCOME_H

#include "domain/fate_bits.h"
#include "domain/outcome.h"
#include "store/visit.h"

enum report_fate {
    REPORT_TAKEN,      /* stored now; `flags` say what is odd, `ended` whether the visit is DONE by it */
    REPORT_REPEAT,     /* this very outcome was here before */
    REPORT_REUSED,     /* its id belongs to another outcome */
    REPORT_FOREIGN,    /* no such visit, or never this collector's */
    REPORT_REFUSED,    /* a call: `err` says why; nothing stored */
    REPORT_QUARANTINED /* a journal: HARD presence was not shown (REASON_PRESENCE); nothing stored but the entry */
};

struct outcome_entry {
    /* in */
    struct outcome_key key;
    struct outcome_report report;
    struct bytes note;
    bool barred;  /* the caller may not: ends as FOREIGN */
    bool journal; /* signed: flagged where a call is refused */
    bool waived;  /* a supervisor waived presence */
    fate_bits flags;
    /* between */
    struct outcome_loaded loaded;
    /* out */
    enum report_fate fate;
    bool ended;
    tagih_err err;
    uint32_t fields;         /* enum outcome_field bits, with OUTCOME_FIELD_MISSING and OUTCOME_FIELD_EXTRA */
    bool has_visit;
    struct visit_read visit; /* as it stands afterwards */
};

TAGIH_MUST_USE tagih_err outcomes_send_lock(struct tx *tx, struct arena *arena, const struct outcome_entry *entries, size_t n);
void outcomes_take_lock(struct tx *tx);
TAGIH_MUST_USE tagih_err outcomes_send_load(struct tx *tx, struct arena *arena, const struct outcome_entry *entries, size_t n);

/** Take what was loaded, decide, queue SAVE. @return OK, with a fate for each · OUT_OF_MEMORY · as tx_send */
TAGIH_MUST_USE tagih_err outcomes_decide(struct tx *tx, struct arena *arena, struct outcome_entry *entries, size_t n,
                                         instant now);

#endif
