/* SPDX-License-Identifier: Apache-2.0 */
/* The minute's table of contents. A new chore: its functions in a file of its own, a line here. */
#include "engine/chores.h"

#include "rpc/bank_overdue.h"
#include "rpc/bank_pair.h"
#include "rpc/cash_limit.h"
#include "rpc/handover_due.h"
#include "rpc/heads.h"
#include "rpc/partition.h"
#include "rpc/promise_due.h"
#include "rpc/services.h"
#include "rpc/visit_expire.h"

const struct chore rpc_chores[] = {
    {"leases_over", "leases ended with nothing reported", visit_overdue_agencies, visits_expire, VISIT_EXPIRE_MAX},
    {"bank_late", "lines of banks that found their reason", bank_late_find, bank_late_work, BANK_LATE_MAX},
    {"bank_overdue", "payments that the bank has not shown in three working days", bank_overdue_find, bank_overdue_tell,
     BANK_OVERDUE_MAX},
    {"cash_watched", "collectors' cash looked at", cash_watch_agencies, cash_watch, CASH_WATCH_MAX},
    {"handovers", "handovers whose giver's cash was waited for", handover_uncovered_agencies, handovers_due,
     HANDOVER_DUE_MAX},
    {"promises", "accounts whose promises or plans the time moved", promise_due_agencies, promises_due, PROMISE_DUE_MAX},
    {.name = "heads",
     .what = "heads of digest chains signed",
     .find = heads_due,
     .work_signed = heads_sign,
     .batch = HEADS_MAX},
    {.name = "partitions", .what = "tables of months made", .house = partitions_care},
    {0},
};

_Static_assert(sizeof rpc_chores / sizeof *rpc_chores - 1 <= CHORES_MAX, "the minute has no mark for each chore");
