/* SPDX-License-Identifier: Apache-2.0 */
/* Entries that verify has opened, and the rows that were decoded from them. */
#ifndef TAGIH_VERIFY_VERIFY_ENTRIES_H
#define TAGIH_VERIFY_VERIFY_ENTRIES_H

#include "verify/verify.h"

/** One entry as it stands in the database, opened. */
struct opened {
    struct sealed sealed;
    struct sealed_by by;
    struct journal_entry entry;
    const char *key;
    instant received;
    bool is;    /* it opened and decoded, so its rows can be compared */
    bool woken; /* it had waited; fate and flags are those that it got then */
    bool released; /* by two people (R-JRN-6), who decided what follows */
    struct {
        uuid posting;       /* of its rows */
        account_id account; /* nil: the entry's own */
        instant at;
        enum fate fate;
        fate_bits flags;
    } release;
};

/** The id of the rows that an entry brought: its own, or, when that is another entry's, one made of its hash. */
uuid verify__subject(const struct opened *o);
/** Payments and reversals of entries that were released. @return OK · OUT_OF_MEMORY · as tx_sync */
TAGIH_MUST_USE tagih_err verify__released(struct verify *v, const struct opened *all, size_t n);

/** Promises, cash, check-ins and outcomes of a chunk of entries. @return OK · OUT_OF_MEMORY · as tx_sync */
TAGIH_MUST_USE tagih_err verify__decoded(struct verify *v, struct opened *all, size_t n);

#endif
