/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables that are cut by the month of reception (migrations/0024_partition.sql): bytes of entries, kept for ever, and raw
 * fixes, kept as long as the house says (R-JRN-7a, R-CHK-2c). Months are made before they come; what comes outside of those
 * at hand lands in a default table, so that nothing is ever refused for want of a month, and goes home from there.
 */
#ifndef TAGIH_STORE_PARTITION_H
#define TAGIH_STORE_PARTITION_H

#include "store/db.h"
#include "tagih/time.h"

/** Retention takes nothing that is younger: disputes and a month's close look at it. */
#define PARTITION_KEEP_MONTHS_MIN 3

struct partitions_kept {
    int made;      /* tables of months */
    int64_t moved; /* rows, out of the default tables */
    int busy;      /* tables that somebody held for too long; the next time */
};

/** As the role that serves: waits for no table longer than half a second. @return OK · as db_exec_one */
TAGIH_MUST_USE tagih_err partition_chore(struct db *db, struct arena *arena, int64_t deadline_us,
                                         struct partitions_kept *out);

/** As the owner: waits as long as it takes. For connections without prepared statements, too. @return OK · as db__exec_text
 */
TAGIH_MUST_USE tagih_err partitions_keep(struct db *db, struct partitions_kept *out);

struct partition_figures {
    int64_t months_ahead; /* every table is ready for so many to come; -1: not even for this one */
    int64_t rows_astray;  /* in default tables */
};

/** For connections without prepared statements, too. @return OK · as db__exec_text */
TAGIH_MUST_USE tagih_err partition_figures(struct db *db, struct partition_figures *out);

struct partition_due {
    char table[64];
    civil_date month_on;
    int64_t rows, bytes;
};

/**
 * Whole months that retention would take now, the oldest first. As the owner.
 * @param out  [out] up to `room`
 * @return OK · OUT_OF_MEMORY · as db_exec_one
 */
TAGIH_MUST_USE tagih_err partitions_due(struct db *db, struct arena *arena, int keep_months, struct partition_due *out,
                                        size_t room, size_t *n);

/**
 * Take one. As the owner; waits five seconds for the table at most. What may not be taken is refused by the database.
 * @param rows  [out] how many went; -1: somebody else took it just before
 */
TAGIH_MUST_USE tagih_err partition_prune(struct db *db, struct arena *arena, const struct partition_due *due,
                                         int keep_months, int64_t *rows);

#endif
