/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Payments collected here, in one gapless sequence an agency (R-OUT-1), for calls and for `tagihd export-payments`.
 * Numbering is a step of its own: what was posted and is settled gets the next numbers, under one lock, in the order of
 * the feed; postings never wait for it, and a number once given stays.
 */
#ifndef TAGIH_RPC_EXPORT_H
#define TAGIH_RPC_EXPORT_H

#include "book/posting.h"
#include "store/export.h"

/** Rows that one transaction numbers. */
#define EXPORT_ROWS_MAX 1000

/** Who asks. */
struct export_by {
    agency_id agency;
    int64_t writer;
    bool has_actor; /* false: the command line */
    user_id actor;
};

/** Queue LOCK and LOAD of what waits for a number. */
TAGIH_MUST_USE tagih_err export_number_send(struct tx *tx, struct arena *arena);
/**
 * Take it (the caller has synced) and queue SAVE of the numbers; one more round trip when there are any.
 *
 * @param mark  [out] with the new numbers
 * @param more  [out] rows may be left: call again, in another transaction
 */
TAGIH_MUST_USE tagih_err export_number(struct tx *tx, struct arena *arena, const struct export_by *by, instant now,
                                       struct export_mark *mark, bool *more);

/** Queue the lock for an acknowledgement. */
TAGIH_MUST_USE tagih_err export_ack_send(struct tx *tx, struct arena *arena);
/** Keep it. A lower one than before changes nothing. @param mark  [out] @return OK · EXPORT_SEQ not given out yet */
TAGIH_MUST_USE tagih_err export_ack_take(struct tx *tx, struct arena *arena, const struct export_by *by, int64_t seq, instant now,
                                         struct export_mark *mark);

#endif
