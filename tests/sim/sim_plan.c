/* SPDX-License-Identifier: Apache-2.0 */
/* Days in the field and what goes wrong in them, as the seed has it. */
#include "tests/sim/sim_plan.h"

#include <assert.h>
#include <stdlib.h>

#include "tagih/time.h"

#define JAKARTA_US (7 * 60 * US_PER_MINUTE)
#define FIRST_DAY 20454 /* 2026-01-01; the year's working days are drawn from here on */

/* Streams of chance: one for the run, one a phone, one for the server. */
enum { STREAM_RUN = 1, STREAM_SERVER = 2, STREAM_PHONES = 100 };

static struct event *add(struct plan *plan, struct chance *chance, int64_t at_us, enum act act, int phone) {
    if (plan->n == plan->room) {
        plan->room = plan->room ? 2 * plan->room : 4096;
        plan->events = realloc(plan->events, plan->room * sizeof *plan->events);
        assert(plan->events);
    }
    struct event *event = &plan->events[plan->n++];
    *event =
        (struct event){.at_us = at_us, .salt = (uint32_t)chance_next(chance), .act = (uint8_t)act, .phone = (uint8_t)phone};
    return event;
}

static int64_t at_hour(const struct plan *plan, int day, int64_t minute) {
    return plan->start_us + day * US_PER_DAY + minute * US_PER_MINUTE;
}

/* An instant of a random working hour of the run. */
static int64_t some_time(const struct plan *plan, struct chance *chance) {
    return at_hour(plan, (int)chance_below(chance, plan->days), chance_between(chance, 8 * 60, 19 * 60)) +
           chance_below(chance, US_PER_MINUTE);
}

/* ---- a day's work --------------------------------------------------------------------------------------------- */

static void add_visit(struct plan *plan, struct chance *chance, int phone, int64_t at_us) {
    if (chance_percent(chance, 25)) add(plan, chance, at_us - 4 * US_PER_MINUTE, ACT_CHECK_IN, phone);
    add(plan, chance, at_us, ACT_RECEIPT, phone);
    if (chance_percent(chance, 4)) add(plan, chance, at_us + 2 * US_PER_MINUTE, ACT_VOID, phone);
    if (chance_percent(chance, 2)) add(plan, chance, at_us + 90 * US_PER_MINUTE, ACT_VOID, phone);
    if (chance_percent(chance, 3)) add(plan, chance, at_us + US_PER_MINUTE, ACT_REPRINT, phone);
    if (chance_percent(chance, 20)) add(plan, chance, at_us + 3 * US_PER_MINUTE, ACT_OUTCOME, phone);
    if (chance_percent(chance, 8)) add(plan, chance, at_us + 4 * US_PER_MINUTE, ACT_PROMISE, phone);
}

static void add_bag(struct plan *plan, struct chance *chance, int phone, int day) {
    if (chance_percent(chance, 10)) add(plan, chance, at_hour(plan, day, 15 * 60), ACT_DEPOSIT, phone);
    if (chance_percent(chance, 8)) {
        struct event *event = add(plan, chance, at_hour(plan, day, 16 * 60), ACT_HANDOVER, phone);
        event->other = (uint8_t)chance_below(chance, plan->phones);
    }
    if (chance_percent(chance, 2)) add(plan, chance, at_hour(plan, day, 16 * 60 + 10), ACT_INCIDENT, phone);
    if (chance_percent(chance, 3)) add(plan, chance, at_hour(plan, day, 12 * 60), ACT_NUMBER_LOST, phone);
    if (chance_percent(chance, 70)) add(plan, chance, at_hour(plan, day, 17 * 60 + 30), ACT_DAY_CLOSE, phone);
}

static void add_day(struct plan *plan, struct chance *chance, int phone, int day) {
    int64_t n = chance_between(chance, plan->receipts_a_day * 3 / 4, plan->receipts_a_day * 5 / 4);
    for (int64_t i = 0; i < n; i++) {
        int64_t minute = 8 * 60 + 5 + i * 540 / n;
        add_visit(plan, chance, phone, at_hour(plan, day, minute) + chance_below(chance, 5 * US_PER_MINUTE));
    }
    add_bag(plan, chance, phone, day);
    for (int hour = 9; hour <= 17; hour++) {
        if (chance_percent(chance, 45)) add(plan, chance, at_hour(plan, day, hour * 60), ACT_SYNC, phone);
    }
    add(plan, chance, at_hour(plan, day, 18 * 60), ACT_SYNC, phone);
    if (chance_percent(chance, 30)) add(plan, chance, at_hour(plan, day, 18 * 60 + 20), ACT_SYNC, phone);
}

/* ---- what goes wrong ------------------------------------------------------------------------------------------ */

static void add_clock(struct plan *plan, struct chance *chance, int phone) {
    static const int64_t ten_years = 10 * 365 * 24 * 60;
    struct event *jump = add(plan, chance, some_time(plan, chance), ACT_CLOCK, phone);
    int64_t draw = chance_below(chance, 100);
    jump->arg = (int32_t)(draw < 50   ? chance_between(chance, -90, 90)
                          : draw < 70 ? chance_between(chance, -3 * 1440, 3 * 1440)
                                      : chance_between(chance, -ten_years, ten_years));
    if (!chance_percent(chance, 60)) return;
    int64_t after_us = chance_between(chance, 5, 600) * US_PER_MINUTE;
    add(plan, chance, jump->at_us + after_us, ACT_CLOCK, phone)->arg = 0;
}

static void add_backup(struct plan *plan, struct chance *chance, int phone) {
    struct event *backup = add(plan, chance, some_time(plan, chance), ACT_BACKUP, phone);
    int64_t at_us = backup->at_us, span_us = plan->start_us + plan->days * US_PER_DAY - at_us;
    add(plan, chance, at_us + 1 + chance_below(chance, span_us), ACT_RESTORE, phone);
}

static void add_phone_trouble(struct plan *plan, struct chance *chance, int phone) {
    if (chance_percent(chance, 45)) {
        int64_t draw = chance_below(chance, 100), longest = draw < 60 ? 1440 : draw < 85 ? 4 * 1440 : 21 * 1440;
        add(plan, chance, some_time(plan, chance), ACT_OFFLINE, phone)->arg = (int32_t)chance_between(chance, 30, longest);
    }
    for (int day = 0; day < plan->days; day++) {
        if (chance_percent(chance, 15)) add_clock(plan, chance, phone);
        if (chance_percent(chance, 15)) add(plan, chance, some_time(plan, chance), ACT_REBOOT, phone);
        if (chance_percent(chance, 15)) add(plan, chance, some_time(plan, chance), ACT_LATE_COPY, phone);
        if (chance_percent(chance, 15)) {
            add(plan, chance, some_time(plan, chance), ACT_LEASE, phone)->other =
                (uint8_t)chance_below(chance, plan->phones);
        }
    }
    if (chance_percent(chance, 12)) add_backup(plan, chance, phone);
    if (chance_percent(chance, 7)) add(plan, chance, some_time(plan, chance), ACT_CLONE, phone);
    if (chance_percent(chance, 15)) add(plan, chance, some_time(plan, chance), ACT_ROTATE, phone);
    if (chance_percent(chance, 5)) add(plan, chance, some_time(plan, chance), ACT_REVOKE, phone);
    if (!chance_percent(chance, 6)) return;
    struct event *suspend = add(plan, chance, some_time(plan, chance), ACT_SUSPEND, phone);
    int64_t at_us = suspend->at_us;
    if (chance_percent(chance, 60))
        add(plan, chance, at_us + chance_between(chance, 30, 2880) * US_PER_MINUTE, ACT_REACTIVATE, phone);
}

/* A trouble is armed shortly before many phones sync, and strikes at some ask of the database after that. */
static void add_trouble(struct plan *plan, struct chance *chance, enum act act, enum sim_fault fault, int day) {
    int64_t at_us = at_hour(plan, day, (int64_t)chance_between(chance, 9, 18) * 60) - US_PER_S;
    struct event *event = add(plan, chance, at_us, act, 0);
    event->other = (uint8_t)fault;
    event->arg = (int32_t)chance_between(chance, 1, 120);
}

static void add_server_trouble(struct plan *plan) {
    static const struct {
        enum act act;
        enum sim_fault fault;
        int a_day_max;
    } rows[] = {{ACT_CRASH, FAULT_SERVER_CRASH, 3},    {ACT_TROUBLE, FAULT_SERIALIZATION, 6},
                {ACT_TROUBLE, FAULT_DEADLOCK, 4},      {ACT_TROUBLE, FAULT_LOST_COMMIT, 4},
                {ACT_TROUBLE, FAULT_DISK_FULL, 1},     {ACT_TROUBLE, FAULT_POISON, 1},
                {ACT_RESTART, FAULT_SERVER_RESTART, 1}};
    struct chance chance = chance_of(plan->seed, STREAM_SERVER);
    for (int day = 0; day < plan->days; day++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            int64_t n = chance_between(&chance, 0, rows[i].a_day_max);
            for (; n > 0; n--) add_trouble(plan, &chance, rows[i].act, rows[i].fault, day);
        }
    }
}

enum sim_fault plan_fault_of(const struct event *event) {
    switch ((enum act)event->act) {
        case ACT_OFFLINE:
            return FAULT_OFFLINE;
        case ACT_LATE_COPY:
            return FAULT_LATE_COPY;
        case ACT_REBOOT:
            return FAULT_PHONE_CRASH;
        case ACT_BACKUP:
        case ACT_RESTORE:
            return FAULT_RESTORE;
        case ACT_CLONE:
            return FAULT_CLONE;
        case ACT_CLOCK:
            return FAULT_CLOCK;
        case ACT_REVOKE:
            return FAULT_REVOKE;
        case ACT_SUSPEND:
        case ACT_REACTIVATE:
            return FAULT_SUSPEND;
        case ACT_LEASE:
            return FAULT_LEASE;
        case ACT_ROTATE:
            return FAULT_ROTATE;
        case ACT_CRASH:
            return FAULT_SERVER_CRASH;
        case ACT_RESTART:
            return FAULT_SERVER_RESTART;
        case ACT_TROUBLE:
            return (enum sim_fault)event->other;
        default:
            return FAULT_COUNT;
    }
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

/* Sorted by time; events of one instant stay in the order in which they were drawn, which their place keeps. */
static int by_time(const void *left, const void *right) {
    const struct event *a = left, *b = right;
    if (a->at_us != b->at_us) return a->at_us < b->at_us ? -1 : 1;
    if (a->phone != b->phone) return a->phone < b->phone ? -1 : 1;
    if (a->act != b->act) return a->act < b->act ? -1 : 1;
    return (a->salt > b->salt) - (a->salt < b->salt);
}

static int draw_days(struct chance *chance) {
    int64_t draw = chance_below(chance, 100);
    return (int)(draw < 75   ? chance_between(chance, 1, 4)
                 : draw < 95 ? chance_between(chance, 5, 9)
                             : chance_between(chance, 10, 25));
}

void plan_make(struct plan *plan, uint64_t seed, int days, int phones, int receipts) {
    struct chance chance = chance_of(seed, STREAM_RUN);
    int drawn = draw_days(&chance);
    *plan = (struct plan){.seed = seed,
                          .days = days ? days : drawn,
                          .phones = phones ? phones : SIM_PHONES_MAX,
                          .receipts_a_day = receipts ? receipts : 40};
    plan->start_us = (FIRST_DAY + chance_below(&chance, 300)) * US_PER_DAY - JAKARTA_US;
    plan->weather = (struct weather){.loss = (int)chance_between(&chance, 0, 30),
                                     .no_answer = (int)chance_between(&chance, 0, 30),
                                     .duplicate = (int)chance_between(&chance, 0, 50),
                                     .reorder = (int)chance_between(&chance, 0, 60),
                                     .damage = (int)chance_between(&chance, 0, 8),
                                     .crash_in_sync = (int)chance_between(&chance, 0, 4)};
    for (int phone = 0; phone < plan->phones; phone++) {
        struct chance own = chance_of(seed, STREAM_PHONES + (uint64_t)phone);
        for (int day = 0; day < plan->days; day++) add_day(plan, &own, phone, day);
        add_phone_trouble(plan, &own, phone);
    }
    add_server_trouble(plan);
    qsort(plan->events, plan->n, sizeof *plan->events, by_time);
}

void plan_release(struct plan *plan) {
    free(plan->events);
    plan->events = NULL;
    plan->n = plan->room = 0;
}
