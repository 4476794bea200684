/* SPDX-License-Identifier: Apache-2.0 */
/* What the bank should have shown by now (R-PAY-5): unmatched after 3 working days, the supervisor is told, once. */
#ifndef TAGIH_RPC_BANK_OVERDUE_H
#define TAGIH_RPC_BANK_OVERDUE_H

#include "store/db.h"
#include "tagih/arena.h"
#include "tagih/id.h"
#include "tagih/time.h"

/** Things from before this day have had their 3 working days **(default)**. Pure. */
civil_date bank_overdue_before(civil_date today);

/* A chore of the minute (chores.h). */
#define BANK_OVERDUE_MAX 200
TAGIH_MUST_USE tagih_err bank_overdue_find(struct db *db, struct arena *arena, instant now, int64_t deadline_us, agency_id *out,
                                           size_t room, size_t *n);
TAGIH_MUST_USE tagih_err bank_overdue_tell(struct db *db, struct arena *arena, agency_id agency, instant now, int64_t deadline_us, size_t *n);

#endif
