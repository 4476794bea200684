/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time alone does to promises and plans, once a minute (chores.h): promises that are over, plans whose first day has
 * come or that nobody decided in time, and the reminders of the day (R-PTP-1..3).
 */
#ifndef TAGIH_RPC_PROMISE_DUE_H
#define TAGIH_RPC_PROMISE_DUE_H

#include "store/promise.h"

/** The most accounts in one transaction. */
#define PROMISE_DUE_MAX 100

/** Reminders are written from this minute of the agency's day on, while its pack permits contact (R-PTP-1b). */
#define PROMISE_REMINDER_FROM_MINUTE (9 * 60)

/** May reminders be written at this minute of this local day? Pure. */
bool promise_reminder_hour(civil_date today, int32_t minute_of_day);

/** Look at up to PROMISE_DUE_MAX accounts of one agency. *n [out] how many were found. @return OK · as tx_run */
TAGIH_MUST_USE tagih_err promises_due(struct db *db, struct arena *arena, agency_id agency, instant now, int64_t deadline_us,
                                      size_t *n);

#endif
