/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What will happen in a run, drawn from its seed before anything happens: a list of events. Each event has a salt of its
 * own, from which it draws whatever it needs, so that taking one away leaves all others as they were: that is what makes
 * a failing run shrink to a story (sim_shrink.c).
 */
#ifndef TAGIH_SIM_PLAN_H
#define TAGIH_SIM_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/sim/chance.h"
#include "tests/sim/sim_list.h"

#define SIM_PHONES_MAX 20
#define SIM_DAYS_MAX 31

/** What can happen. The first ones are entries that a phone writes; ACTS in sim_acts.c says what each does. */
enum act {
    ACT_RECEIPT,
    ACT_VOID,
    ACT_CHECK_IN,
    ACT_OUTCOME,
    ACT_PROMISE,
    ACT_REPRINT,
    ACT_NUMBER_LOST,
    ACT_DEPOSIT,
    ACT_HANDOVER,
    ACT_INCIDENT,
    ACT_DAY_CLOSE,
    ACT_ROTATE,
    ACT_SYNC,
    ACT_OFFLINE, /* arg: minutes */
    ACT_LATE_COPY,
    ACT_REBOOT,
    ACT_BACKUP,
    ACT_RESTORE,
    ACT_CLONE,
    ACT_CLOCK, /* arg: minutes ahead of the truth, from now on */
    ACT_REVOKE,
    ACT_SUSPEND,
    ACT_REACTIVATE,
    ACT_LEASE,
    ACT_CRASH, /* arg: at so many asks of the database from now */
    ACT_RESTART,
    ACT_TROUBLE, /* other: enum sim_fault; arg: likewise */
    ACT_COUNT
};

struct event {
    int64_t at_us;
    uint32_t salt;
    int32_t arg;
    uint8_t act, phone, other;
    bool off; /* taken away */
};

/** The weather of a run: how bad its network is, in percent. */
struct weather {
    int loss, no_answer, duplicate, reorder, damage, crash_in_sync;
};

struct plan {
    uint64_t seed;
    int days, phones, receipts_a_day;
    int64_t start_us; /* 00:00 of the first day, Jakarta */
    struct weather weather;
    struct event *events; /* by time */
    size_t n, room;
};

/** Draw a plan. @param days 0: by the seed, 1 to 9, now and then up to 25. phones 0: 20. receipts 0: about 40 a day and
 * phone */
void plan_make(struct plan *plan, uint64_t seed, int days, int phones, int receipts);
void plan_release(struct plan *plan);

/** The fault that an act is, FAULT_COUNT: none, it is a day's work. Pure. */
enum sim_fault plan_fault_of(const struct event *event);

#endif
