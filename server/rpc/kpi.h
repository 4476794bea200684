/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of a month's figures (R-KPI-1). A month's first snapshot writes its figures; another one writes what facts
 * known since have changed, with those facts as its causes, or nothing. Either way the digest is that of the month as the
 * facts say it is: a re-run gives the same bytes.
 *
 * Whoever closes a month takes the snapshot in the transaction of the close, under its lock:
 *
 *     struct kpi_taken kpi;
 *     TRY(kpi_take(tx, arena, month, now, &kpi));                  // a few round trips; writes the rows
 *     if (kpi.changed) kpi_taken_fact(&params, tx, arena, &kpi, posting_id, actor);   // → post->facts of the closing post
 *     … kpi.version.digest is the close's
 */
#ifndef TAGIH_RPC_KPI_H
#define TAGIH_RPC_KPI_H

#include "store/kpi.h"

struct kpi_taken {
    civil_date month;
    bool changed;               /* a new version: its row must be sent with a posting */
    struct kpi_version version; /* the new one, or the newest there is */
    struct kpi_row *rows;       /* the month as it stands, sorted; in the arena */
    size_t n;
};

/**
 * Work out a month's figures and write what is new of them. Nobody else makes the same month until the transaction ends.
 *
 * @param month  its first day; whether the month is over is the caller's to know
 * @return OK · OUT_OF_MEMORY · as tx_sync
 */
TAGIH_MUST_USE tagih_err kpi_take(struct tx *tx, struct arena *arena, civil_date month, instant now, struct kpi_taken *out);

/** The row of a new version, as a fact of the posting that it comes with. @param actor  NULL: nobody */
void kpi_taken_fact(struct params *p, const struct tx *tx, struct arena *arena, const struct kpi_taken *taken, uuid posting,
                    const user_id *actor);

/** Take a snapshot in a posting of its own. `writer` names the chain of postings. @return as kpi_take · as book_save */
TAGIH_MUST_USE tagih_err kpi_generate(struct tx *tx, struct arena *arena, int64_t writer, civil_date month, instant now,
                                      struct kpi_taken *out);

#endif
