/* SPDX-License-Identifier: Apache-2.0 */
/* The minute's table of contents. A new chore: its functions in a file of its own, a line here. */
#include "rpc/chores.h"

#include "rpc/visit_expire.h"

const struct chore chores[] = {
    {"leases_over", "leases ended with nothing reported", visit_overdue_agencies, visits_expire,
     VISIT_EXPIRE_MAX},
    {0},
};

_Static_assert(sizeof chores / sizeof *chores - 1 <= CHORES_MAX, "the minute has no mark for each chore");
