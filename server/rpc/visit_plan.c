/* SPDX-License-Identifier: Apache-2.0 */
/* Decide about a set of visits to plan, in the order given: of two for one account and purpose the first gets the lease. */
#include "rpc/visit_plan.h"

#include <stdlib.h>
#include <string.h>

#include "domain/account.h"
#include "domain/role.h"
#include "run/random.h"
#include "store/account.h"
#include "store/change.h"

enum { STAFF_ACTIVE = 1 };

tagih_err plans_send_load(struct tx *tx, struct arena *arena, const struct visit_plan *plans, size_t n, instant now) {
    struct visit_key *keys = ARENA_ARRAY(arena, n, struct visit_key);
    if (!keys) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) keys[i] = plans[i].key;
    return visit_send_plan_load(tx, arena, keys, n, now);
}

/* ---- one visit ------------------------------------------------------------------------------------------------ */

static bool is_as_planned(const struct visit_plan *plan) {
    const struct visit_key *was = &plan->loaded.as_planned;
    return uuid_equal(was->account.u, plan->key.account.u) && uuid_equal(was->collector.u, plan->key.collector.u) &&
           was->purpose == plan->key.purpose && was->planned_on.days == plan->key.planned_on.days;
}

static tagih_err check_account(const struct visit_plan *plan) {
    const struct visit_plan_loaded *at = &plan->loaded;
    if (!at->has_account) return FAIL(NOT_PERMITTED);
    bool field = at->has_staff && at->staff_state == STAFF_ACTIVE && ((uint32_t)at->roles & ROLES_FIELD);
    if (!field) return FAIL(VISIT_COLLECTOR);
    if (plan->key.planned_on.days < at->today.days) return FAIL(VISIT_DAY_PAST);
    bool held = at->status == ACCOUNT_HELD && at->has_hold && plan->key.planned_on.days < at->hold_until_on.days;
    if (!held) return FAIL(ACCOUNT_NOT_HELD);
    return at->leased ? FAIL(VISIT_LEASED) : TAGIH_OK;
}

static tagih_err check_gate(struct visit_plan *plan) {
    const struct visit_plan_loaded *at = &plan->loaded;
    struct gate_facts facts = {.on = plan->key.planned_on, .minute_of_day = GATE_ANY_MINUTE, .place = GATE_PLACE_BILLING,
                               .person = GATE_PERSON_DEBTOR, .consent = plan->consent,
                               .silenced = at->has_silence && plan->key.planned_on.days <= at->silent_until_on.days};
    plan->verdict = gate_judge(gate_pack_find(VISIT_GATE_PACK), &facts);
    if (facts.silenced) return FAIL(GATE_SILENCE);
    return plan->verdict.allow ? TAGIH_OK : FAIL(GATE_DENIED);
}

static tagih_err check_one(struct visit_plan *plan) {
    plan->same = plan->loaded.known && is_as_planned(plan);
    if (plan->same) return TAGIH_OK;
    if (plan->loaded.known) return FAIL(REQUEST_ID_REUSED);
    TRY(check_account(plan));
    return check_gate(plan);
}

/* ---- visits beside each other --------------------------------------------------------------------------------- */

struct placed {
    struct visit_plan *plan;
    size_t i;
};

static int by_id(const void *left, const void *right) {
    const struct placed *a = left, *b = right;
    int order = uuid_compare(a->plan->key.id.u, b->plan->key.id.u);
    return order ? order : (a->i > b->i) - (a->i < b->i);
}

static int by_account(const void *left, const void *right) {
    const struct placed *a = left, *b = right;
    int order = uuid_compare(a->plan->key.account.u, b->plan->key.account.u);
    if (order) return order;
    if (a->plan->key.purpose != b->plan->key.purpose) return a->plan->key.purpose < b->plan->key.purpose ? -1 : 1;
    return (a->i > b->i) - (a->i < b->i);
}

static size_t collect(struct visit_plan *plans, size_t n, struct placed *out, int (*order)(const void *, const void *)) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (err_is_ok(plans[i].err) && !plans[i].same) out[count++] = (struct placed){&plans[i], i};
    }
    qsort(out, count, sizeof *out, order);
    return count;
}

/* The same id again in this very set is the same visit, or a reuse. */
static void settle_ids(struct placed *sorted, size_t n) {
    for (size_t i = 1; i < n; i++) {
        struct visit_plan *plan = sorted[i].plan;
        if (!uuid_equal(plan->key.id.u, sorted[i - 1].plan->key.id.u)) continue;
        plan->loaded.as_planned = sorted[i - 1].plan->key;
        plan->same = is_as_planned(plan);
        if (!plan->same) plan->err = FAIL(REQUEST_ID_REUSED);
        sorted[i].plan = sorted[i - 1].plan;
    }
}

static void settle_leases(struct placed *sorted, size_t n) {
    for (size_t i = 1; i < n; i++) {
        const struct visit_key *a = &sorted[i - 1].plan->key, *b = &sorted[i].plan->key;
        if (uuid_equal(a->account.u, b->account.u) && a->purpose == b->purpose) sorted[i].plan->err = FAIL(VISIT_LEASED);
    }
}

/* ---- save ----------------------------------------------------------------------------------------------------- */

static struct visit_row row_of(const struct visit_plan *plan) {
    const struct visit_plan_loaded *at = &plan->loaded;
    return (struct visit_row){.key = plan->key, .lat_e7 = at->lat_e7, .lon_e7 = at->lon_e7, .radius_mm = plan->radius_mm,
                              .address_quality = at->address_quality, .policy = plan->policy,
                              .gate_verdict = bytes_text(plan->verdict.rule), .lease_from_us = at->lease_from_us,
                              .lease_until_us = at->lease_until_us};
}

static tagih_err save_visits(struct tx *tx, struct arena *arena, const struct placed *sorted, size_t n, const user_id *by,
                             instant now) {
    struct visit_row *rows = ARENA_ARRAY(arena, n, struct visit_row);
    struct visit_event_row *events = ARENA_ARRAY(arena, n, struct visit_event_row);
    struct change_row *changes = ARENA_ARRAY(arena, n, struct change_row);
    if (!rows || !events || !changes) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        rows[i] = row_of(sorted[i].plan);
        events[i] = (struct visit_event_row){.visit = rows[i].key.id, .version = 1, .kind = bytes_text("PLANNED"),
                                             .reason = bytes_text(""), .collector = rows[i].key.collector,
                                             .lease_from_us = rows[i].lease_from_us, .lease_until_us = rows[i].lease_until_us};
        changes[i] = (struct change_row){.kind = CHANGE_VISIT_PLANNED, .object = rows[i].key.id.u, .has_account = true,
                                         .account = rows[i].key.account, .for_phone = true, .collector = rows[i].key.collector};
    }
    TRY(visit_send_rows(tx, arena, rows, n, by, now));
    TRY(visit_send_events(tx, arena, events, n, by, now));
    return change_send(tx, arena, changes, n, now);
}

/* Accounts that nobody works become the first visitor's. `sorted` is by account. */
static tagih_err assign(struct tx *tx, struct arena *arena, const struct placed *sorted, size_t n, const user_id *by,
                        instant now) {
    struct account_assignment *rows = ARENA_ARRAY(arena, n, struct account_assignment);
    struct account_event_row *events = ARENA_ARRAY(arena, n, struct account_event_row);
    struct change_row *changes = ARENA_ARRAY(arena, n, struct change_row);
    size_t count = 0;
    if (!rows || !events || !changes) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        const struct visit_key *key = &sorted[i].plan->key;
        bool again = count && uuid_equal(rows[count - 1].account.u, key->account.u);
        if (again || sorted[i].plan->loaded.has_holder) continue;
        rows[count] = (struct account_assignment){key->account, key->collector};
        events[count] = (struct account_event_row){
            .event = random_id(), .account = key->account, .kind = bytes_text("REASSIGNED"),
            .reason = bytes_text("a visit was planned"), .has_after = true, .collector_after = key->collector,
            .has_status_before = true, .status_before = ACCOUNT_HELD, .status_after = ACCOUNT_HELD};
        changes[count++] = (struct change_row){.kind = CHANGE_ACCOUNT_ASSIGNED, .object = key->account.u,
                                               .has_account = true, .account = key->account, .for_phone = true,
                                               .collector = key->collector};
    }
    TRY(account_send_assign(tx, arena, rows, count));
    TRY(account_send_events(tx, arena, events, count, by, now));
    return change_send(tx, arena, changes, count, now);
}

tagih_err plans_decide(struct tx *tx, struct arena *arena, struct visit_plan *plans, size_t n, const user_id *by, instant now) {
    struct visit_plan_loaded *loaded = ARENA_ARRAY(arena, n, struct visit_plan_loaded);
    struct placed *sorted = ARENA_ARRAY(arena, n, struct placed);
    if (!loaded || !sorted) return FAIL(OUT_OF_MEMORY);
    visit_take_plan(tx, loaded, n);
    for (size_t i = 0; i < n; i++) {
        plans[i].loaded = loaded[i];
        if (err_is_ok(plans[i].err)) plans[i].err = check_one(&plans[i]);
    }
    settle_ids(sorted, collect(plans, n, sorted, by_id));
    settle_leases(sorted, collect(plans, n, sorted, by_account));
    size_t good = collect(plans, n, sorted, by_account);
    TRY(assign(tx, arena, sorted, good, by, now));
    good = collect(plans, n, sorted, by_id);
    return save_visits(tx, arena, sorted, good, by, now);
}
