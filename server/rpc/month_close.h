/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closing a month (R-CLS-1), in one transaction under the agency's close lock: for each collector the TRUE_UP line with
 * its parts (R-BON-7), what later comers need to know of the month (R-BON-10), the readiness that was seen, and the row
 * that closes it, with the snapshot of its figures (R-KPI-1). Whoever posts waits meanwhile; what comes after finds the month closed.
 *
 * Collectors are worked on one after the other, their payments ordered by id, so that memory follows the busiest of them
 * and never the month: about 200 bytes a payment.
 */
#ifndef TAGIH_RPC_MONTH_CLOSE_H
#define TAGIH_RPC_MONTH_CLOSE_H

#include "book/posting.h"
#include "store/month.h"

/** The most payments of one collector in a month: more than a person takes in a month, and what memory allows. */
#define MONTH_PAYMENTS_MAX 500000

struct month_closing {
    /* in */
    struct tx *tx;
    struct arena *arena;
    agency_id agency;
    int64_t writer;
    instant now;
    civil_date month;
    uuid posting; /* of the close */
    user_id made_by, approved_by;
    /** Let the close's posting carry more: an approval. NULL: nothing. */
    tagih_err (*join)(void *context, struct post *post);
    void *join_context;
    /* out */
    struct month_close_row row;
};

/**
 * Close a month. Nothing may be queued.
 *
 * @return OK · MONTH_CLOSED · MONTH_ORDER · MONTH_EARLY · MONTH_PAYMENTS one collector has too many · OUT_OF_MEMORY · as
 *         tx_sync. After an error the transaction must not be committed.
 */
TAGIH_MUST_USE tagih_err month_close(struct month_closing *closing);

#endif
