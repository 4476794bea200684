/* SPDX-License-Identifier: Apache-2.0 */
/* The day's runs over accounts: find a page, lock it, look again, decide, save; then the next. */
#include <string.h>

#include "rpc/lifecycle.h"
#include "run/clock.h"

#define BATCH_US_MAX (60 * US_PER_S)
#define LATE_DAYS 60 /* a fact that comes later than this after a takeover is nobody's concern any more */

/* One page on its way. */
struct work {
    struct lifecycle_run *run;
    struct lifecycle_found found;
    civil_date until_on;
    account_id after;
    struct lifecycle_step *steps; /* of the last transaction */
    size_t n_steps;
    instant now;
    /* What to do with locked accounts: into `steps`. */
    tagih_err (*decide)(struct work *work, struct tx *tx, struct lifecycle_account *accounts, size_t n);
};

static struct tx_options options_of(const struct lifecycle_run *run, const char *name, bool read_only) {
    return (struct tx_options){.agency = run->agency, .name = name, .read_only = read_only,
                               .deadline_us = clock_monotonic_us() + BATCH_US_MAX};
}

static void add_step(struct work *work, const struct lifecycle_step *step) {
    work->steps[work->n_steps++] = *step;
}

static void count_step(struct lifecycle_run *run, const struct lifecycle_step *step) {
    switch (step->act) {
        case ACCOUNT_ACT_TAKE_OVER: run->taken++; break;
        case ACCOUNT_ACT_EXTEND: run->extended++; break;
        case ACCOUNT_ACT_PAY_OFF: run->paid++; break;
        case ACCOUNT_ACT_SETTLE: run->settled++; break;
        default:
            if (strcmp(step->kind, "LATE_FACT") == 0) run->late++;
            else run->warned++;
    }
}

/* What was committed is counted and told. */
static void tell(struct lifecycle_run *run, const struct lifecycle_step *steps, size_t n) {
    for (size_t i = 0; i < n; i++) {
        count_step(run, &steps[i]);
        if (run->told) run->told(run->context, &steps[i]);
    }
}

/* ---- what a page does ----------------------------------------------------------------------------------------- */

static tagih_err page_range(struct tx *tx, void *context, size_t first, size_t count) {
    struct work *work = context;
    struct arena *arena = work->run->arena;
    arena_reset(arena);
    struct lifecycle_account *accounts = ARENA_ARRAY(arena, count, struct lifecycle_account);
    struct lifecycle_posting *posting = ARENA_ARRAY(arena, 1, struct lifecycle_posting);
    visit_id *visits;
    size_t n_visits;
    if (!accounts || !posting) return FAIL(OUT_OF_MEMORY);
    work->n_steps = 0;
    work->now = clock_now();
    TRY(lifecycle_begin(posting, tx, arena, work->run->writer, work->now));
    TRY(lifecycle_send(posting, work->found.ids + first, count));
    TRY(tx_sync(tx));
    TRY(lifecycle_take(posting, accounts, count, &visits, &n_visits));
    TRY(work->decide(work, tx, accounts, count));
    TRY(lifecycle_end_leases(tx, arena, work->steps, work->n_steps, visits, n_visits, NULL, work->now));
    TRY(lifecycle_save(posting, work->steps, work->n_steps, NULL));
    TRY(tx_commit(tx));
    tell(work->run, work->steps, work->n_steps);
    return TAGIH_OK;
}

static void page_failed(void *context, size_t i, tagih_err err) {
    struct work *work = context;
    (void)i;
    (void)err;
    work->run->failed++;
}

/* The ids outlive the arena, which every transaction empties. */
static void keep(struct work *work, account_id ids[LIFECYCLE_BATCH]) {
    for (size_t i = 0; i < work->found.n; i++) ids[i] = work->found.ids[i];
    work->found.ids = ids;
}

/* ---- takeovers ------------------------------------------------------------------------------------------------ */

static struct hold_facts facts_of(const struct lifecycle_account *account, civil_date until_on,
                                  const struct lifecycle_extending *by, size_t row) {
    struct hold_facts facts = {.until_on = until_on, .promise_days = account->promise_days};
    for (size_t i = 0; i < by->n_promises; i++) { /* by row, then due date: the last one that counts is the latest */
        if (by->promises[i].row != row || !hold_promise_counts(until_on, by->promises[i].due_on)) continue;
        facts.has_promise = true;
        facts.promise_due_on = by->promises[i].due_on;
    }
    for (size_t i = 0; i < by->n_plans; i++) {
        if (by->plans[i].row != row) continue;
        facts.has_plan = true;
        facts.plan_due_on = by->plans[i].due_on;
    }
    return facts;
}

static tagih_err end_of_hold(const struct lifecycle_account *account, struct hold_verdict verdict, struct lifecycle_step *out) {
    struct account_facts facts = {.hold_over = verdict.reason == HOLD_ENDS};
    enum account_act act = facts.hold_over ? ACCOUNT_ACT_TAKE_OVER : ACCOUNT_ACT_EXTEND;
    TRY(lifecycle_step(account, act, &facts, hold_reason_text(verdict.reason), account->ends, out));
    if (facts.hold_over) return TAGIH_OK;
    out->after.hold_until_on = verdict.until_on;
    out->after.promise_days = (int16_t)verdict.promise_days;
    out->after.warnings = 0;
    return TAGIH_OK;
}

static size_t only_ended(const struct work *work, struct lifecycle_account *accounts, size_t n, civil_date *until_on) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool ended = accounts[i].found && accounts[i].status == ACCOUNT_HELD && accounts[i].has_hold &&
                     accounts[i].hold_until_on.days <= work->until_on.days;
        if (!ended) continue;
        until_on[kept] = accounts[i].hold_until_on;
        accounts[kept++] = accounts[i];
    }
    return kept;
}

static tagih_err decide_ended(struct work *work, struct tx *tx, struct lifecycle_account *accounts, size_t n) {
    struct arena *arena = work->run->arena;
    civil_date *until_on = ARENA_ARRAY(arena, n, civil_date);
    work->steps = ARENA_ARRAY(arena, n, struct lifecycle_step);
    if (!until_on || !work->steps) return FAIL(OUT_OF_MEMORY);
    n = only_ended(work, accounts, n, until_on);
    if (n == 0) return TAGIH_OK;
    struct lifecycle_extending by;
    TRY(lifecycle_load_extending(tx, arena, accounts, until_on, n, &by));
    for (size_t i = 0; i < n; i++) {
        struct hold_facts facts = facts_of(&accounts[i], until_on[i], &by, i);
        struct lifecycle_step step;
        TRY(end_of_hold(&accounts[i], hold_judge(&facts), &step));
        add_step(work, &step);
    }
    return TAGIH_OK;
}

static tagih_err find_ended(struct tx *tx, void *context) {
    struct work *work = context;
    arena_reset(work->run->arena);
    return lifecycle_find_ended(tx, work->run->arena, work->until_on, LIFECYCLE_BATCH, &work->found);
}

/* Page after page: found without a lock, worked on under it. Stops when nothing is found, or nothing can be done. */
static tagih_err work_off(struct work *work, const char *name, tx_body_fn find) {
    account_id ids[LIFECYCLE_BATCH];
    struct lifecycle_run *run = work->run;
    for (;;) {
        size_t failed = run->failed, committed = 0;
        struct tx_options read = options_of(run, name, true), write = options_of(run, name, false);
        TRY(tx_run(run->db, &read, find, work));
        if (work->found.n == 0) return TAGIH_OK;
        keep(work, ids);
        TRY(tx_run_halving(run->db, &write, work->found.n, page_range, page_failed, work, &committed));
        if (committed == 0 && run->failed > failed) return FAIL(BATCH_BROKEN);
        work->after = ids[work->found.n - 1];
    }
}


/* ---- a dry run of them: read only, and from place to place ---------------------------------------------------- */

#define DRY_STEPS_MAX 20 /* of one hold: extensions are told until there */

struct dry {
    struct work work;
    civil_date after_on;
    account_id after;
};

/* When would these holds end? The agency's zone knows. */
static tagih_err load_ends(struct tx *tx, struct arena *arena, struct lifecycle_account *accounts, const civil_date *until_on,
                           size_t n) {
    account_id *ids = ARENA_ARRAY(arena, n, account_id);
    struct lifecycle_account *now = ARENA_ARRAY(arena, n, struct lifecycle_account);
    if (!ids || !now) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) ids[i] = accounts[i].id;
    TRY(lifecycle_send_load(tx, arena, ids, until_on, n));
    TRY(tx_sync(tx));
    TRY(lifecycle_take_load(tx, arena, now, n));
    for (size_t i = 0; i < n; i++) accounts[i].ends = now[i].ends;
    return TAGIH_OK;
}

/* One judgement of each; those that are extended and end again come out in front. */
static tagih_err dry_round(struct tx *tx, struct dry *dry, struct lifecycle_account *accounts, civil_date *until_on, size_t *n) {
    struct arena *arena = dry->work.run->arena;
    struct lifecycle_extending by;
    size_t on = 0;
    TRY(load_ends(tx, arena, accounts, until_on, *n));
    TRY(lifecycle_load_extending(tx, arena, accounts, until_on, *n, &by));
    for (size_t i = 0; i < *n; i++) {
        struct hold_facts facts = facts_of(&accounts[i], until_on[i], &by, i);
        struct lifecycle_step step;
        TRY(end_of_hold(&accounts[i], hold_judge(&facts), &step));
        add_step(&dry->work, &step);
        bool again = step.act == ACCOUNT_ACT_EXTEND && step.after.hold_until_on.days <= dry->work.until_on.days;
        if (!again) continue;
        until_on[on] = step.after.hold_until_on;
        accounts[on++] = step.after;
    }
    *n = on;
    return TAGIH_OK;
}

static tagih_err dry_page(struct tx *tx, void *context) {
    struct dry *dry = context;
    struct work *work = &dry->work;
    struct arena *arena = work->run->arena;
    arena_reset(arena);
    work->n_steps = 0;
    TRY(lifecycle_page_ended(tx, arena, work->until_on, dry->after_on, dry->after, LIFECYCLE_BATCH, &work->found));
    size_t n = work->found.n;
    if (n == 0) return TAGIH_OK;
    struct lifecycle_account *accounts = ARENA_ARRAY(arena, n, struct lifecycle_account);
    civil_date *until_on = ARENA_ARRAY(arena, n, civil_date);
    work->steps = ARENA_ARRAY(arena, n * DRY_STEPS_MAX, struct lifecycle_step);
    if (!accounts || !until_on || !work->steps) return FAIL(OUT_OF_MEMORY);
    TRY(lifecycle_send_load(tx, arena, work->found.ids, NULL, n));
    TRY(tx_sync(tx));
    TRY(lifecycle_take_load(tx, arena, accounts, n));
    n = only_ended(work, accounts, n, until_on);
    for (int round = 0; round < DRY_STEPS_MAX && n > 0; round++) TRY(dry_round(tx, dry, accounts, until_on, &n));
    return TAGIH_OK;
}

static tagih_err mark_dry(struct lifecycle_run *run, civil_date until_on) {
    struct dry dry = {.work = {.run = run, .until_on = until_on}};
    dry.after_on = date_make(1, 1, 1); /* before every hold */
    for (;;) {
        struct tx_options options = options_of(run, "mark-takeover", true);
        TRY(tx_run(run->db, &options, dry_page, &dry));
        if (dry.work.found.n == 0) return TAGIH_OK;
        tell(run, dry.work.steps, dry.work.n_steps);
        dry.after_on = dry.work.found.until_on[dry.work.found.n - 1];
        dry.after = dry.work.found.ids[dry.work.found.n - 1];
    }
}

tagih_err lifecycle_mark_takeover(struct lifecycle_run *run, civil_date until_on) {
    if (run->dry) return mark_dry(run, until_on);
    struct work work = {.run = run, .until_on = until_on, .decide = decide_ended};
    return work_off(&work, "mark-takeover", find_ended);
}

/* ---- what is paid --------------------------------------------------------------------------------------------- */

static tagih_err find_paid(struct tx *tx, void *context) {
    struct work *work = context;
    arena_reset(work->run->arena);
    return lifecycle_find_paid(tx, work->run->arena, work->after, LIFECYCLE_BATCH, &work->found);
}

/* R-LIF-1: posting never closes; the day's run does. Looked at again under the lock: a payment may have been reversed. */
static tagih_err decide_paid(struct work *work, struct tx *tx, struct lifecycle_account *accounts, size_t n) {
    (void)tx;
    work->steps = ARENA_ARRAY(work->run->arena, n, struct lifecycle_step);
    if (!work->steps) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        bool nothing = accounts[i].found && accounts[i].open_minor == 0;
        struct account_facts facts = {.paid = nothing, .settled = nothing && accounts[i].settled};
        enum account_act act = facts.settled ? ACCOUNT_ACT_SETTLE : ACCOUNT_ACT_PAY_OFF;
        const char *why = facts.settled ? "its offer to settle is fulfilled" : "nothing is open any more";
        struct lifecycle_step step;
        tagih_err err = lifecycle_step(&accounts[i], act, &facts, why, work->now, &step);
        if (err_is_ok(err)) add_step(work, &step);
    }
    return TAGIH_OK;
}

/* ---- warnings ------------------------------------------------------------------------------------------------- */

static tagih_err find_ending(struct tx *tx, void *context) {
    struct work *work = context;
    arena_reset(work->run->arena);
    return lifecycle_find_ending(tx, work->run->arena, work->run->today, hold_warning_days[0], work->after, LIFECYCLE_BATCH,
                                 &work->found);
}

/* One event a run and account, however many were missed: it says what is left now. */
static tagih_err decide_ending(struct work *work, struct tx *tx, struct lifecycle_account *accounts, size_t n) {
    (void)tx;
    struct arena *arena = work->run->arena;
    work->steps = ARENA_ARRAY(arena, n, struct lifecycle_step);
    if (!work->steps) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        const struct lifecycle_account *account = &accounts[i];
        if (!account->found || account->status != ACCOUNT_HELD || !account->has_hold) continue;
        int due = hold_warnings_due(account->hold_until_on, work->run->today);
        if (due <= account->warnings) continue;
        int32_t left = account->hold_until_on.days - work->run->today.days;
        struct lifecycle_step step = {.before = *account, .after = *account, .act = ACCOUNT_ACT_COUNT,
                                      .kind = "TAKEOVER_WARNING", .at = work->now,
                                      .reason = arena_printf(arena, "the hold ends in %d day%s", left, left == 1 ? "" : "s")};
        if (!step.reason) return FAIL(OUT_OF_MEMORY);
        step.after.warnings = (int16_t)due;
        add_step(work, &step);
    }
    return TAGIH_OK;
}

/* ---- facts that came too late --------------------------------------------------------------------------------- */

static instant late_since(void) {
    return (instant){clock_now().us - LATE_DAYS * US_PER_DAY};
}

static tagih_err find_late(struct tx *tx, void *context) {
    struct work *work = context;
    struct arena *arena = work->run->arena;
    struct lifecycle_late *late;
    arena_reset(arena);
    TRY(lifecycle_find_late(tx, arena, late_since(), LIFECYCLE_BATCH, &late, &work->found.n));
    work->found.ids = ARENA_ARRAY(arena, work->found.n + 1, account_id);
    if (!work->found.ids) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < work->found.n; i++) work->found.ids[i] = late[i].account;
    return TAGIH_OK;
}

static const struct lifecycle_account *account_of(const struct lifecycle_account *accounts, size_t n, account_id id) {
    for (size_t i = 0; i < n; i++) {
        if (accounts[i].found && uuid_equal(accounts[i].id.u, id.u)) return &accounts[i];
    }
    return NULL;
}

/* The takeover stands (R-LIF-3, R-LIF-4); a person is told, once a fact. Looked for again under the locks. */
static tagih_err decide_late(struct work *work, struct tx *tx, struct lifecycle_account *accounts, size_t n) {
    struct lifecycle_late *late;
    size_t n_late;
    TRY(lifecycle_find_late(tx, work->run->arena, late_since(), LIFECYCLE_BATCH, &late, &n_late));
    work->steps = ARENA_ARRAY(work->run->arena, n_late + 1, struct lifecycle_step);
    if (!work->steps) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n_late; i++) {
        const struct lifecycle_account *account = account_of(accounts, n, late[i].account);
        if (!account) continue;
        struct lifecycle_step step = {.before = *account, .after = *account, .act = ACCOUNT_ACT_COUNT, .kind = "LATE_FACT",
                                      .at = work->now, .has_object = true, .object = late[i].object,
                                      .reason = late[i].is_payment ? "money from before the takeover came after it"
                                                                   : "a promise from before the takeover came after it"};
        add_step(work, &step);
    }
    return TAGIH_OK;
}

/* ---- the day -------------------------------------------------------------------------------------------------- */

tagih_err lifecycle_run_day(struct lifecycle_run *run) {
    struct work paid = {.run = run, .decide = decide_paid}, ending = {.run = run, .decide = decide_ending},
                late = {.run = run, .decide = decide_late};
    TRY(work_off(&paid, "lifecycle paid", find_paid));
    TRY(work_off(&ending, "lifecycle warnings", find_ending));
    return work_off(&late, "lifecycle late", find_late);
}
