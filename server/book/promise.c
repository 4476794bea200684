/* SPDX-License-Identifier: Apache-2.0 */
/* The book's promises: one account's facts together, one evaluation, and the differences as events, states and changes. */
#include "book/promise.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "domain/repayment.h"
#include "book/posting.h"
#include "store/change.h"
#include "store/promise.h"

#define PLAN_STEPS_MAX 4 /* of one plan in one transaction: a decision, and what follows from it */

struct promises {
    struct promise_known *known; /* by account, then by id */
    size_t n_known;
    struct promise_state_row *states;
    struct plan_state_row *plans;
    struct change_row *changes;
    size_t n_states, n_plans, n_changes;
};

/* A plan of the account at work. */
struct plan_work {
    plan_id id;
    enum plan_state state;
    int32_t version;
    instant expires, starts;
    user_id actor;
    bool changed;
};

/* One account at work. */
struct work {
    struct book *book;
    struct posting_account *account;
    struct posted *posted; /* the last posting on it: what follows stands under its digest */
    const struct promise_known *known;
    size_t n_known, n_deeds;
    struct promise_known *all; /* by id: the known ones and those that are made here */
    size_t n_all;
    struct plan_work *plans;
    size_t n_plans;
    struct promise_fact *facts; /* those that count … */
    size_t *of;                 /* … and which of `all` each is */
    size_t n;
    struct promise_payment *payments;
    size_t m;
    struct promise_event_row *events;
    struct plan_event_row *plan_events;
    struct promise_reminder_row *reminders;
    size_t n_events, n_plan_events, n_reminders;
};

/* ---- load ----------------------------------------------------------------------------------------------------- */

tagih_err promises__send(struct book *book) {
    account_id *accounts = ARENA_ARRAY(book->arena, book->n, account_id);
    payment_id *payments = ARENA_ARRAY(book->arena, book->n, payment_id);
    size_t n = 0, n_payments = 0;
    if (!accounts || !payments) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < book->n; i++) {
        const struct posting_key *key = &book->keys[i];
        if (!uuid_is_nil(key->account.u)) accounts[n++] = key->account;
        if (!uuid_is_nil(key->reverses.u)) payments[n_payments++] = key->reverses;
    }
    return promise_send_load(book->tx, book->arena, accounts, n, payments, n_payments);
}

tagih_err promises__take(struct book *book) {
    book->promises = ARENA_NEW(book->arena, struct promises);
    if (!book->promises) return FAIL(OUT_OF_MEMORY);
    return promise_take_load(book->tx, book->arena, &book->promises->known, &book->promises->n_known);
}

static bool has_deed(const struct post *post, account_id account) {
    return post->deed && !post->skip && uuid_equal(post->account.u, account.u);
}

static int by_promise(const void *left, const void *right) {
    return uuid_compare(((const struct promise_known *)left)->fact.id.u, ((const struct promise_known *)right)->fact.id.u);
}

/* Everything that is known of the account's promises, and what is made here, by id. */
static tagih_err gather(struct work *w) {
    w->all = ARENA_ARRAY(w->book->arena, w->n_known + w->n_deeds, struct promise_known);
    if (!w->all) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < w->n_known; i++) w->all[w->n_all++] = w->known[i];
    for (size_t i = 0; i < w->book->n && w->n_deeds; i++) {
        const struct post *post = w->book->posts[i];
        if (!has_deed(post, w->account->id) || post->deed->kind != DEED_MAKE) continue;
        w->all[w->n_all++] = (struct promise_known){.account = w->account->id, .fact = post->deed->fact};
    }
    qsort(w->all, w->n_all, sizeof *w->all, by_promise);
    return TAGIH_OK;
}

static struct posted *last_posted(struct book *book, account_id account) {
    for (size_t i = book->n_posted; i > 0; i--) {
        struct posted *posted = &book->posted[i - 1];
        if (posted->has_account && uuid_equal(posted->account.u, account.u)) return posted;
    }
    return NULL;
}

static size_t deeds_on(const struct book *book, account_id account) {
    size_t n = 0;
    for (size_t i = 0; i < book->n; i++) n += has_deed(book->posts[i], account);
    return n;
}

static bool any_deed(const struct book *book) {
    for (size_t i = 0; i < book->n; i++) {
        if (book->posts[i]->deed) return true;
    }
    return false;
}

/* The accounts that were posted on and have promises, or get their first one. Accounts and what is known of them are in
 * the same order. */
static tagih_err find_work(struct book *book, struct work *out, size_t *n) {
    const struct promises *promises = book->promises;
    bool deeds = any_deed(book);
    size_t at = 0;
    *n = 0;
    for (size_t a = 0; a < book->loaded.n_accounts && (deeds || at < promises->n_known); a++) {
        struct posting_account *account = &book->loaded.accounts[a];
        struct work w = {.book = book, .account = account, .known = promises->known + at};
        while (at < promises->n_known && uuid_equal(promises->known[at].account.u, account->id.u)) at++, w.n_known++;
        if (deeds) w.n_deeds = deeds_on(book, account->id);
        if (w.n_known + w.n_deeds == 0) continue;
        w.posted = last_posted(book, account->id);
        if (!w.posted) continue;
        TRY(gather(&w));
        out[(*n)++] = w;
    }
    return TAGIH_OK;
}

/* ---- payments ------------------------------------------------------------------------------------------------- */

static int64_t first_made_us(const struct work *w) {
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < w->n_all; i++) first = w->all[i].fact.made.us < first ? w->all[i].fact.made.us : first;
    return first;
}

static size_t paid_here(const struct work *w) {
    size_t n = 0;
    for (size_t i = 0; i < w->book->n_payments; i++) n += uuid_equal(w->book->payments[i].account.u, w->account->id.u);
    return n;
}

/* What this very book does to the account's payments. */
static void payments_of_book(struct work *w) {
    const struct book *book = w->book;
    for (size_t i = 0; i < book->n_payments; i++) {
        const struct payment_row *p = &book->payments[i];
        if (!uuid_equal(p->account.u, w->account->id.u)) continue;
        w->payments[w->m++] = (struct promise_payment){.id = p->id, .amount_minor = p->amount_minor, .value_on = p->value_on,
                                                       .value.us = p->value_us, .tag = (enum payment_tag)p->tag};
    }
    for (size_t i = 0; i < w->m; i++) {
        for (size_t k = 0; k < book->n_reversals; k++) {
            w->payments[i].reversed |= uuid_equal(book->reversals[k].payment.u, w->payments[i].id.u);
        }
        for (size_t k = 0; k < book->n; k++) { /* R-TAG-1: the new tag decides */
            const struct post *post = book->posts[k];
            bool retag = post->what == POST_MOVE && post->kind == POSTING_OF_RETAG && !post->skip;
            if (retag && uuid_equal(post->payment.u, w->payments[i].id.u)) w->payments[i].tag = (enum payment_tag)post->tag;
        }
    }
}

static tagih_err load_payments(struct book *book, struct work *work, size_t n) {
    account_id *accounts = ARENA_ARRAY(book->arena, n, account_id);
    int64_t *after_us = ARENA_ARRAY(book->arena, n, int64_t);
    struct promise_paid *paid;
    size_t n_paid;
    if (!accounts || !after_us) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        accounts[i] = work[i].account->id;
        after_us[i] = first_made_us(&work[i]);
    }
    TRY(promise_send_payments(book->tx, book->arena, accounts, after_us, n));
    TRY(tx_sync(book->tx));
    TRY(promise_take_payments(book->tx, book->arena, &paid, &n_paid));
    for (size_t i = 0, at = 0; i < n; i++) { /* both are in the order asked */
        size_t end = at;
        while (end < n_paid && paid[end].row == i) end++;
        work[i].payments = ARENA_ARRAY(book->arena, end - at + paid_here(&work[i]), struct promise_payment);
        if (!work[i].payments) return FAIL(OUT_OF_MEMORY);
        for (; at < end; at++) work[i].payments[work[i].m++] = paid[at].payment;
        payments_of_book(&work[i]);
    }
    return TAGIH_OK;
}

/* ---- plans ---------------------------------------------------------------------------------------------------- */

static struct plan_work *plan_of(struct work *w, plan_id id) {
    for (size_t i = 0; i < w->n_plans; i++) {
        if (uuid_equal(w->plans[i].id.u, id.u)) return &w->plans[i];
    }
    return NULL;
}

static tagih_err plans_open(struct work *w) {
    size_t most = w->n_all + w->n_deeds;
    w->plans = ARENA_ARRAY(w->book->arena, most, struct plan_work);
    w->plan_events = ARENA_ARRAY(w->book->arena, PLAN_STEPS_MAX * most, struct plan_event_row);
    if (!w->plans || !w->plan_events) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < w->n_all; i++) {
        const struct promise_known *k = &w->all[i];
        if (k->plan_state == 0 || plan_of(w, k->fact.plan)) continue;
        w->plans[w->n_plans++] = (struct plan_work){.id = k->fact.plan, .state = (enum plan_state)k->plan_state,
                                                    .version = k->plan_version, .expires = k->plan_expires,
                                                    .starts = k->plan_starts, .actor = k->plan_actor};
    }
    return TAGIH_OK;
}

static void change(struct work *w, int16_t kind, uuid object) {
    struct promises *promises = w->book->promises;
    promises->changes[promises->n_changes++] = (struct change_row){
        .kind = kind, .object = object, .has_account = true, .account = w->account->id,
        .for_phone = w->account->has_collector, .collector = w->account->collector};
}

static void plan_moved(struct work *w, struct plan_work *plan, int16_t step, enum plan_state to, const struct post *by) {
    static const int16_t kinds[PLAN_STATE_END] = {
        [PLAN_PROPOSED] = CHANGE_PLAN_PROPOSED, [PLAN_APPROVED] = CHANGE_PLAN_APPROVED, [PLAN_ACTIVE] = CHANGE_PLAN_ACTIVE,
        [PLAN_COMPLETED] = CHANGE_PLAN_COMPLETED, [PLAN_BROKEN] = CHANGE_PLAN_BROKEN, [PLAN_REJECTED] = CHANGE_PLAN_REJECTED};
    w->plan_events[w->n_plan_events++] = (struct plan_event_row){
        .id = plan->id, .n = ++plan->version, .posting = w->posted->post->id, .account = w->account->id,
        .at_us = w->book->now.us, .step = step, .before = (int16_t)plan->state, .after = (int16_t)to,
        .has_actor = by && by->has_actor, .actor = by ? by->actor : (user_id){{{0}}},
        .reason = by ? by->deed->reason : bytes_text("")};
    plan->state = to;
    plan->changed = true;
    change(w, kinds[to], plan->id.u);
}

static bool is_live(enum plan_state state) {
    return state == PLAN_PROPOSED || state == PLAN_APPROVED || state == PLAN_ACTIVE;
}

static tagih_err propose(struct work *w, const struct post *post) {
    for (size_t i = 0; i < w->n_plans; i++) {
        bool expired = w->plans[i].state == PLAN_PROPOSED && w->book->now.us >= w->plans[i].expires.us;
        if (is_live(w->plans[i].state) && !expired) return FAIL(PLAN_EXISTS);
    }
    struct plan_work *plan = &w->plans[w->n_plans++];
    *plan = (struct plan_work){.id = post->deed->fact.plan, .expires = post->deed->expires, .starts = post->deed->starts};
    plan_moved(w, plan, 0, PLAN_PROPOSED, post);
    return TAGIH_OK;
}

static tagih_err decide_plan(struct work *w, const struct post *post) {
    struct plan_work *plan = plan_of(w, post->deed->fact.plan);
    enum plan_step step = post->deed->approve ? PLAN_APPROVE : PLAN_REJECT;
    if (!plan) return FAIL(NOT_PERMITTED);
    struct plan_facts facts = {.second_person = post->has_actor && !uuid_equal(post->actor.u, plan->actor.u)};
    enum plan_state to;
    TRY(plan_apply(plan->state, step, &facts, &to));
    plan_moved(w, plan, (int16_t)step, to, post);
    return TAGIH_OK;
}

/* What the instalments say of each plan, until nothing more follows. */
static tagih_err plans_follow(struct work *w, const struct promise_outcome *outcome) {
    enum promise_state *states = ARENA_ARRAY(w->book->arena, w->n, enum promise_state);
    if (!states) return FAIL(OUT_OF_MEMORY);
    for (size_t p = 0; p < w->n_plans; p++) {
        struct plan_work *plan = &w->plans[p];
        size_t n = 0;
        for (size_t i = 0; i < w->n; i++) {
            if (uuid_equal(w->facts[i].plan.u, plan->id.u)) states[n++] = outcome->results[i].state;
        }
        struct plan_facts facts = {.expired = w->book->now.us >= plan->expires.us,
                                   .started = w->book->now.us >= plan->starts.us};
        plan_facts_of(states, n, &facts);
        enum plan_step step;
        while ((step = plan_next(plan->state, &facts)) != 0) {
            enum plan_state to;
            TRY(plan_apply(plan->state, step, &facts, &to));
            plan_moved(w, plan, (int16_t)step, to, NULL);
        }
    }
    return TAGIH_OK;
}

/* ---- deeds ---------------------------------------------------------------------------------------------------- */

static struct promise_known *promise_find(struct work *w, promise_id id) {
    for (size_t i = 0; i < w->n_all; i++) {
        if (uuid_equal(w->all[i].fact.id.u, id.u)) return &w->all[i];
    }
    return NULL;
}

static tagih_err withdraw(struct work *w, struct promise_deed *deed) {
    struct promise_known *known = promise_find(w, deed->fact.id);
    if (!known) return FAIL(NOT_PERMITTED);
    deed->version = known->version;
    if (!uuid_is_nil(known->fact.plan.u)) return FAIL(PROMISE_OF_PLAN);
    if (known->fact.withdrawn) return FAIL(PROMISE_NOT_OPEN);
    known->fact.withdrawn = true;
    known->fact.withdrawn_at = w->book->now;
    return TAGIH_OK;
}

/* What can be done before anything is evaluated. */
static void begin_deeds(struct work *w) {
    for (size_t i = 0; i < w->book->n; i++) {
        struct post *post = w->book->posts[i];
        if (!has_deed(post, w->account->id)) continue;
        post->deed->err = TAGIH_OK;
        if (post->deed->kind == DEED_WITHDRAW) post->deed->err = withdraw(w, post->deed);
        if (post->deed->kind == DEED_PROPOSE) post->deed->err = propose(w, post);
        if (post->deed->kind == DEED_DECIDE) post->deed->err = decide_plan(w, post);
    }
}

/* Promises that count: single ones, and the instalments of plans that somebody agreed to. */
static tagih_err count_in(struct work *w) {
    w->facts = ARENA_ARRAY(w->book->arena, w->n_all, struct promise_fact);
    w->of = ARENA_ARRAY(w->book->arena, w->n_all, size_t);
    if (!w->facts || !w->of) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < w->n_all; i++) {
        const struct plan_work *plan = plan_of(w, w->all[i].fact.plan);
        if (plan && (plan->state == PLAN_PROPOSED || plan->state == PLAN_REJECTED)) continue;
        w->of[w->n] = i;
        w->facts[w->n++] = w->all[i].fact;
    }
    return TAGIH_OK;
}

static int64_t arrears_minor(const struct posting_account *account, civil_date on) {
    int64_t sum = 0;
    for (size_t i = 0; i < account->n_lines; i++) {
        for (int c = 0; c < COMPONENT_COUNT && account->lines[i].due_on.days < on.days; c++) {
            sum += account->lines[i].open_minor[c];
        }
    }
    return sum;
}

static tagih_err judge_terms(struct work *w) {
    for (size_t i = 0; i < w->book->n; i++) {
        struct post *post = w->book->posts[i];
        if (!has_deed(post, w->account->id) || post->deed->kind != DEED_MAKE) continue;
        const struct promise_fact *fact = &post->deed->fact;
        struct promise_offer offer = {.amount_minor = fact->amount_minor, .due_on = fact->due_on, .made = fact->made,
                                      .made_on = post->value_on, .arrears_minor = arrears_minor(w->account, post->value_on)};
        TRY(promise_terms(&promise_settings_default, &offer, w->facts, w->n, w->payments, w->m, w->book->arena,
                          &post->deed->refused));
        struct promise_known *known = promise_find(w, fact->id);
        if (known) known->refused = (int16_t)post->deed->refused;
    }
    return TAGIH_OK;
}

/* What the evaluation says of them. */
static void end_deeds(struct work *w, const struct promise_outcome *outcome) {
    for (size_t i = 0; i < w->book->n; i++) {
        struct post *post = w->book->posts[i];
        if (!has_deed(post, w->account->id) || !err_is_ok(post->deed->err)) continue;
        for (size_t k = 0; k < w->n; k++) {
            if (uuid_equal(w->facts[k].id.u, post->deed->fact.id.u)) post->deed->state = outcome->results[k].state;
        }
        if (post->deed->kind == DEED_WITHDRAW && post->deed->state != PROMISE_WITHDRAWN) post->deed->err = FAIL(PROMISE_NOT_OPEN);
        const struct plan_work *plan = post->deed->kind == DEED_DECIDE ? plan_of(w, post->deed->fact.plan) : NULL;
        if (plan && plan->state == PLAN_BROKEN) post->deed->err = FAIL(PLAN_STALE);
    }
}

/* ---- differences ---------------------------------------------------------------------------------------------- */

/* Money that comes to a promise is an event too, also where it does not change the state: so facts alone tell how far it
 * is. The feed speaks of states only. */
static void promise_moved(struct work *w, struct promise_known *known, const struct promise_result *result) {
    bool other_state = known->state != (int16_t)result->state;
    static const int16_t kinds[PROMISE_STATE_END] = {
        [PROMISE_OPEN] = CHANGE_PROMISE_REOPENED, [PROMISE_KEPT] = CHANGE_PROMISE_KEPT,
        [PROMISE_PARTIAL] = CHANGE_PROMISE_PARTIAL, [PROMISE_BROKEN] = CHANGE_PROMISE_BROKEN,
        [PROMISE_SUPERSEDED] = CHANGE_PROMISE_SUPERSEDED, [PROMISE_WITHDRAWN] = CHANGE_PROMISE_WITHDRAWN,
        [PROMISE_LAPSED] = CHANGE_PROMISE_LAPSED};
    w->events[w->n_events++] = (struct promise_event_row){
        .id = known->fact.id, .n = ++known->version, .posting = w->posted->post->id, .account = w->account->id,
        .at_us = w->book->now.us, .before = known->state, .after = (int16_t)result->state,
        .received_minor = result->received_minor, .has_by = !uuid_is_nil(result->by), .by = result->by};
    if (other_state && (known->state || result->state != PROMISE_OPEN)) change(w, kinds[result->state], known->fact.id.u);
}

static void state_row(struct work *w, const struct promise_known *known, const struct promise_result *result) {
    struct promises *promises = w->book->promises;
    promises->states[promises->n_states++] = (struct promise_state_row){
        .id = known->fact.id, .account = w->account->id, .has_plan = !uuid_is_nil(known->fact.plan.u), .plan = known->fact.plan,
        .due_on = known->fact.due_on, .closes_us = known->fact.closes.us, .refused = known->refused,
        .state = (int16_t)result->state, .received_minor = result->received_minor, .has_by = !uuid_is_nil(result->by),
        .by = result->by, .version = known->version};
}

static void differ(struct work *w, const struct promise_outcome *outcome) {
    for (size_t i = 0; i < w->n; i++) {
        struct promise_known *known = &w->all[w->of[i]];
        const struct promise_result *result = &outcome->results[i];
        bool same = known->state == (int16_t)result->state && known->received_minor == result->received_minor;
        if (same && uuid_equal(known->by, result->by)) continue;
        promise_moved(w, known, result);
        state_row(w, known, result);
    }
}

/* R-PTP-1: one on the day before and one on the day, to those that are still open now. */
static void remind(struct work *w, const struct promise_outcome *outcome) {
    const struct promise_deed *deed = w->posted->post->deed;
    if (!deed || !deed->remind) return;
    for (size_t i = 0; i < w->n; i++) {
        const struct promise_known *known = &w->all[w->of[i]];
        int slot = promise_reminder_slot(outcome->results[i].state, known->fact.due_on, w->book->loaded.today);
        if (slot < 0 || known->reminded >> slot & 1) continue;
        w->reminders[w->n_reminders++] = (struct promise_reminder_row){
            .id = known->fact.id, .slot = (int16_t)slot, .posting = w->posted->post->id, .account = w->account->id,
            .at_us = w->book->now.us};
        change(w, CHANGE_PROMISE_REMINDER, known->fact.id.u);
    }
}

static int by_plan(const void *left, const void *right) {
    const struct plan_event_row *a = left, *b = right;
    int order = uuid_compare(a->id.u, b->id.u);
    return order ? order : a->n - b->n;
}

static struct params *fact_slot(struct work *w) {
    struct params *p = ARENA_NEW(w->book->arena, struct params);
    assert(w->posted->n_facts < sizeof w->posted->facts / sizeof w->posted->facts[0]);
    if (p) w->posted->facts[w->posted->n_facts++] = p;
    return p;
}

static tagih_err attach(struct work *w) {
    struct book *book = w->book;
    struct params *events = w->n_events ? fact_slot(w) : NULL, *plans = w->n_plan_events ? fact_slot(w) : NULL;
    struct params *reminders = w->n_reminders ? fact_slot(w) : NULL;
    if (book->arena->exhausted) return FAIL(OUT_OF_MEMORY);
    if (events) promise_insert_events(events, book->tx, book->arena, w->events, w->n_events);
    qsort(w->plan_events, w->n_plan_events, sizeof *w->plan_events, by_plan);
    if (plans) plan_insert_events(plans, book->tx, book->arena, w->plan_events, w->n_plan_events);
    if (reminders) promise_insert_reminders(reminders, book->tx, book->arena, w->reminders, w->n_reminders);
    for (size_t i = 0; i < w->n_plans; i++) {
        const struct plan_work *plan = &w->plans[i];
        if (!plan->changed) continue;
        book->promises->plans[book->promises->n_plans++] = (struct plan_state_row){
            .id = plan->id, .account = w->account->id, .state = (int16_t)plan->state, .expires_us = plan->expires.us,
            .starts_us = plan->starts.us, .version = plan->version};
    }
    return TAGIH_OK;
}

/* ---- one account, and all ------------------------------------------------------------------------------------- */

static tagih_err work_on(struct work *w) {
    struct promise_outcome outcome;
    w->events = ARENA_ARRAY(w->book->arena, w->n_all, struct promise_event_row);
    w->reminders = ARENA_ARRAY(w->book->arena, w->n_all, struct promise_reminder_row);
    if (!w->events || !w->reminders) return FAIL(OUT_OF_MEMORY);
    TRY(plans_open(w));
    begin_deeds(w);
    TRY(count_in(w));
    TRY(judge_terms(w));
    TRY(promise_evaluate(&promise_settings_default, w->facts, w->n, w->payments, w->m, w->book->now, w->book->arena, &outcome));
    TRY(plans_follow(w, &outcome));
    end_deeds(w, &outcome);
    differ(w, &outcome);
    remind(w, &outcome);
    return attach(w);
}

static tagih_err rows_open(struct book *book, const struct work *work, size_t n) {
    struct promises *promises = book->promises;
    size_t rows = 0;
    for (size_t i = 0; i < n; i++) rows += work[i].n_all + work[i].n_deeds;
    promises->states = ARENA_ARRAY(book->arena, rows, struct promise_state_row);
    promises->plans = ARENA_ARRAY(book->arena, rows, struct plan_state_row);
    promises->changes = ARENA_ARRAY(book->arena, (PLAN_STEPS_MAX + 2) * rows, struct change_row);
    bool full = !promises->states || !promises->plans || !promises->changes;
    return full ? FAIL(OUT_OF_MEMORY) : TAGIH_OK;
}

/* Somebody else looked first: a look that found nothing is no posting. */
static void forget_looks(struct book *book) {
    size_t kept = 0;
    for (size_t i = 0; i < book->n_posted; i++) {
        const struct posted *posted = &book->posted[i];
        const struct promise_deed *deed = posted->post->deed;
        if (deed && deed->kind == DEED_LOOK && posted->n_facts == 0) continue;
        if (kept != i) book->posted[kept] = *posted;
        kept++;
    }
    book->n_posted = kept;
}

tagih_err promises__decide(struct book *book) {
    size_t n;
    struct work *work = ARENA_ARRAY(book->arena, book->loaded.n_accounts, struct work);
    if (!work) return FAIL(OUT_OF_MEMORY);
    TRY(find_work(book, work, &n));
    if (n == 0) return TAGIH_OK;
    TRY(rows_open(book, work, n));
    TRY(load_payments(book, work, n));
    for (size_t i = 0; i < n; i++) TRY(work_on(&work[i]));
    forget_looks(book);
    return TAGIH_OK;
}

tagih_err promises__save(struct book *book) {
    struct promises *promises = book->promises;
    TRY(promise_send_states(book->tx, book->arena, promises->states, promises->n_states));
    TRY(plan_send_states(book->tx, book->arena, promises->plans, promises->n_plans));
    return change_send(book->tx, book->arena, promises->changes, promises->n_changes, book->now);
}
