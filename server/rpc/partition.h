/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The minute's care for tables that are cut by month (store/partition.h): months to come are made before they come, and
 * rows that had come outside of those at hand are brought home, with a word in the log.
 */
#ifndef TAGIH_RPC_PARTITION_H
#define TAGIH_RPC_PARTITION_H

#include "store/db.h"

/** @param n  [out] how many tables of months were made. @return OK · as db_exec_one */
TAGIH_MUST_USE tagih_err partitions_care(struct db *db, struct arena *arena, int64_t deadline_us, size_t *n);

#endif
