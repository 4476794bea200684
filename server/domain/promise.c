/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of an account's promises, told once from its facts (R-PTP-2). Invariants between two events:
 * received is never above the amount; what has ended takes nothing more; a payment never gives more than it
 * is.
 */
#include "tagih/promise.h"

#include "domain/sort.h"
#include "tagih/money.h"

const struct promise_settings promise_settings_default = {.days_max = 14,
                                                          .arrears_bp_min = 1000,
                                                          .open_max = 1,
                                                          .broken_refused = 3,
                                                          .broken_window_days = 90,
                                                          .grace_days = 2};

static const char *const state_names[PROMISE_STATE_END] = {[PROMISE_OPEN] = "OPEN",
                                                           [PROMISE_KEPT] = "KEPT",
                                                           [PROMISE_PARTIAL] = "PARTIAL",
                                                           [PROMISE_BROKEN] = "BROKEN",
                                                           [PROMISE_SUPERSEDED] = "SUPERSEDED",
                                                           [PROMISE_WITHDRAWN] = "WITHDRAWN",
                                                           [PROMISE_LAPSED] = "LAPSED"};

const char *promise_state_name(enum promise_state state) {
    bool known = (unsigned)state < PROMISE_STATE_END && state_names[state];
    return known ? state_names[state] : "?";
}

/* ---- orders
 * --------------------------------------------------------------------------------------------------- */

static int compare_i64(int64_t a, int64_t b) {
    return (a > b) - (a < b);
}

static int compare_made(const void *items, uint32_t a, uint32_t b) {
    const struct promise_fact *p = items;
    int order = compare_i64(p[a].made.us, p[b].made.us);
    return order ? order : uuid_compare(p[a].id.u, p[b].id.u);
}

static int compare_due(const void *items, uint32_t a, uint32_t b) {
    const struct promise_fact *p = items;
    int order = compare_i64(p[a].due_on.days, p[b].due_on.days);
    return order ? order : compare_made(items, a, b);
}

static int compare_closes(const void *items, uint32_t a, uint32_t b) {
    const struct promise_fact *p = items;
    int order = compare_i64(p[a].closes.us, p[b].closes.us);
    return order ? order : compare_made(items, a, b);
}

static int compare_ids(const void *items, uint32_t a, uint32_t b) {
    const struct promise_fact *p = items;
    return uuid_compare(p[a].id.u, p[b].id.u);
}

/* Fact order (R-ALL-6). */
static int compare_payments(const void *items, uint32_t a, uint32_t b) {
    const struct promise_payment *p = items;
    int order = compare_i64(p[a].value_on.days, p[b].value_on.days);
    if (order == 0) order = compare_i64(p[a].value.us, p[b].value.us);
    return order ? order : uuid_compare(p[a].id.u, p[b].id.u);
}

/* ---- the walk
 * ------------------------------------------------------------------------------------------------- */

struct walk {
    const struct promise_settings *settings;
    const struct promise_fact *promises;
    size_t n;
    struct promise_outcome *out;
    const uint32_t *by_made, *by_due, *by_closes;
    size_t next_made, next_closes; /* how far the walk has come */
    bool *begun;                   /* per promise: its instant has passed */
    bool *short_of;                /* per promise: the instalment that broke its plan */
};

/* Still waiting for money at an instant, as far as the walk has come. */
static bool is_live(const struct walk *w, size_t i, instant at) {
    const struct promise_fact *p = &w->promises[i];
    const struct promise_result *r = &w->out->results[i];
    if (!w->begun[i] || r->state != PROMISE_OPEN || r->received_minor == p->amount_minor) return false;
    return at.us < p->closes.us && !(p->withdrawn && p->withdrawn_at.us <= at.us);
}

/* May a new promise take the place of this one? A single promise that of single ones, a plan that of everything else. */
static bool is_in_the_way(const struct walk *w, size_t i, const struct promise_fact *newer) {
    bool single = uuid_is_nil(w->promises[i].plan.u);
    bool same_plan = !single && uuid_equal(w->promises[i].plan.u, newer->plan.u);
    bool may_be = uuid_is_nil(newer->plan.u) ? single : !same_plan;
    return may_be && is_live(w, i, newer->made);
}

/* R-PTP-2a */
static void supersede(struct walk *w, const struct promise_fact *newer) {
    size_t open = 0, may_stay = 0;
    if (uuid_is_nil(newer->plan.u) && w->settings->open_max > 0) may_stay = (size_t)w->settings->open_max - 1;
    for (size_t i = 0; i < w->n; i++) open += is_in_the_way(w, i, newer);
    for (size_t k = 0; k < w->n && open > may_stay; k++) {
        size_t older = w->by_made[k];
        if (!is_in_the_way(w, older, newer)) continue;
        w->out->results[older].state = PROMISE_SUPERSEDED;
        w->out->results[older].by = newer->id.u;
        open--;
    }
}

/* A plan is one word: nothing of it stands when an instalment was missed (R-PTP-3a). */
static void close(struct walk *w, size_t i) {
    const struct promise_fact *p = &w->promises[i];
    const struct promise_result *r = &w->out->results[i];
    if (uuid_is_nil(p->plan.u) || !w->begun[i] || r->state != PROMISE_OPEN ||
        r->received_minor == p->amount_minor)
        return;
    w->short_of[i] = true;
    for (size_t k = 0; k < w->n; k++) {
        const struct promise_fact *other = &w->promises[k];
        struct promise_result *result = &w->out->results[k];
        bool open =
            !w->short_of[k] && result->state == PROMISE_OPEN && result->received_minor < other->amount_minor;
        if (!uuid_equal(other->plan.u, p->plan.u) || !open || other->closes.us == p->closes.us) continue;
        result->state = PROMISE_LAPSED;
        result->by = p->id.u;
    }
}

/* Bring the walk to an instant: what was made before it has begun, what closes by then is over. */
static void advance(struct walk *w, int64_t before_us, int64_t closed_by_us) {
    for (;;) {
        const struct promise_fact *made = w->next_made < w->n ? &w->promises[w->by_made[w->next_made]] : NULL;
        const struct promise_fact *over =
            w->next_closes < w->n ? &w->promises[w->by_closes[w->next_closes]] : NULL;
        if (made && made->made.us >= before_us) made = NULL;
        if (over && over->closes.us > closed_by_us) over = NULL;
        if (!made && !over) return;
        if (over && (!made || over->closes.us <= made->made.us)) {
            close(w, w->by_closes[w->next_closes++]);
        } else {
            size_t i = w->by_made[w->next_made++];
            supersede(w, &w->promises[i]);
            w->begun[i] = true;
        }
    }
}

static void pay(struct walk *w, const struct promise_payment *payment, size_t index) {
    int64_t left = payment->amount_minor;
    for (size_t k = 0; k < w->n && left > 0; k++) {
        size_t i = w->by_due[k];
        struct promise_result *result = &w->out->results[i];
        if (!is_live(w, i, payment->value)) continue;
        int64_t open = w->promises[i].amount_minor - result->received_minor;
        int64_t part = open < left ? open : left;
        left -= part;
        result->received_minor += part;
        w->out->fills[w->out->n_fills++] = (struct promise_fill){i, index, part};
        if (part == open) result->by = payment->id.u;
    }
}

static enum promise_state ended(const struct promise_fact *p, const struct promise_result *r, instant now) {
    if (r->received_minor == p->amount_minor) return PROMISE_KEPT;
    if (r->state != PROMISE_OPEN) return r->state;
    if (p->withdrawn && p->withdrawn_at.us < p->closes.us) return PROMISE_WITHDRAWN;
    if (now.us < p->closes.us) return PROMISE_OPEN;
    return r->received_minor > 0 ? PROMISE_PARTIAL : PROMISE_BROKEN;
}

/* ---- in
 * ------------------------------------------------------------------------------------------------------- */

static tagih_err check_promises(const struct promise_fact *promises, size_t n, struct arena *arena) {
    const uint32_t *by_id = sort_indices(promises, n, compare_ids, arena);
    if (!by_id) return FAIL(OUT_OF_MEMORY);
    for (size_t i = 0; i < n; i++) {
        if (promises[i].amount_minor <= 0) return FAIL(PROMISE_AMOUNT);
        if (i > 0 && compare_ids(promises, by_id[i - 1], by_id[i]) == 0) return FAIL(PROMISE_FACT_TWICE);
    }
    return TAGIH_OK;
}

static tagih_err check_payments(const struct promise_payment *payments, const uint32_t *order, size_t m) {
    for (size_t i = 0; i < m; i++) {
        if (payments[i].amount_minor <= 0) return FAIL(PROMISE_AMOUNT);
        if (i > 0 && compare_payments(payments, order[i - 1], order[i]) == 0) return FAIL(PROMISE_FACT_TWICE);
    }
    return TAGIH_OK;
}

static tagih_err walk_open(struct walk *w, size_t m, struct arena *arena) {
    struct promise_outcome *out = w->out;
    TRY(check_promises(w->promises, w->n, arena));
    w->by_made = sort_indices(w->promises, w->n, compare_made, arena);
    w->by_due = sort_indices(w->promises, w->n, compare_due, arena);
    w->by_closes = sort_indices(w->promises, w->n, compare_closes, arena);
    w->begun = ARENA_ARRAY(arena, w->n, bool);
    w->short_of = ARENA_ARRAY(arena, w->n, bool);
    *out = (struct promise_outcome){.results = ARENA_ARRAY(arena, w->n, struct promise_result),
                                    /* each one ends a payment or reaches a promise */
                                    .fills = ARENA_ARRAY(arena, w->n + m, struct promise_fill)};
    if (!w->by_made || !w->by_due || !w->by_closes || !w->begun || !w->short_of || !out->results ||
        !out->fills) {
        return FAIL(OUT_OF_MEMORY);
    }
    for (size_t i = 0; i < w->n; i++) out->results[i].state = PROMISE_OPEN;
    return TAGIH_OK;
}

tagih_err promise_evaluate(const struct promise_settings *settings, const struct promise_fact *promises,
                           size_t n, const struct promise_payment *payments, size_t m, instant now,
                           struct arena *arena, struct promise_outcome *out) {
    struct walk w = {.settings = settings, .promises = promises, .n = n, .out = out};
    const uint32_t *order = sort_indices(payments, m, compare_payments, arena);
    if (!order) return FAIL(OUT_OF_MEMORY);
    TRY(check_payments(payments, order, m));
    TRY(walk_open(&w, m, arena));
    for (size_t i = 0; i < m; i++) {
        const struct promise_payment *payment = &payments[order[i]];
        if (payment->reversed || !payment_tag_fills_promise(payment->tag)) continue;
        advance(&w, payment->value.us, payment->value.us);
        pay(&w, payment, order[i]);
    }
    advance(&w, INT64_MAX, now.us);
    for (size_t i = 0; i < n; i++) out->results[i].state = ended(&promises[i], &out->results[i], now);
    return TAGIH_OK;
}

/* ---- terms
 * ---------------------------------------------------------------------------------------------------- */

/* Is amount below the part of the arrears that must be promised? Compared by cross-multiplication: nothing is
 * rounded. */
static bool is_small(const struct promise_settings *settings, const struct promise_offer *offer) {
    return (__int128)offer->amount_minor * BP_ONE < (__int128)offer->arrears_minor * settings->arrears_bp_min;
}

static unsigned refused_by_story(const struct promise_settings *settings, const struct promise_offer *offer,
                                 const struct promise_fact *promises, const struct promise_outcome *story,
                                 size_t n) {
    int64_t open = 1, broken = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t over_on = (int64_t)promises[i].due_on.days + settings->grace_days + 1;
        bool recent = over_on >= (int64_t)offer->made_on.days - settings->broken_window_days;
        open += story->results[i].state == PROMISE_OPEN;
        broken += story->results[i].state == PROMISE_BROKEN && recent;
    }
    return (open > settings->open_max ? PROMISE_REFUSED_OPEN : 0u) |
           (broken >= settings->broken_refused ? PROMISE_REFUSED_BROKEN : 0u);
}

/* What was known of the account at an instant, had everything arrived. */
static size_t promises_until(const struct promise_fact *promises, size_t n, instant at,
                             struct promise_fact *out) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (promises[i].made.us >= at.us) continue;
        out[count] = promises[i];
        if (out[count].withdrawn_at.us > at.us) out[count].withdrawn = false;
        count++;
    }
    return count;
}

static size_t payments_until(const struct promise_payment *payments, size_t m, instant at,
                             struct promise_payment *out) {
    size_t count = 0;
    for (size_t i = 0; i < m; i++) {
        if (payments[i].value.us <= at.us) out[count++] = payments[i];
    }
    return count;
}

tagih_err promise_terms(const struct promise_settings *settings, const struct promise_offer *offer,
                        const struct promise_fact *promises, size_t n, const struct promise_payment *payments,
                        size_t m, struct arena *arena, unsigned *refused) {
    struct promise_fact *earlier = ARENA_ARRAY(arena, n, struct promise_fact);
    struct promise_payment *paid = ARENA_ARRAY(arena, m, struct promise_payment);
    struct promise_outcome story;
    if (!earlier || !paid) return FAIL(OUT_OF_MEMORY);
    n = promises_until(promises, n, offer->made, earlier);
    m = payments_until(payments, m, offer->made, paid);
    TRY(promise_evaluate(settings, earlier, n, paid, m, offer->made, arena, &story));
    unsigned bits = refused_by_story(settings, offer, earlier, &story, n);
    int64_t days = (int64_t)offer->due_on.days - offer->made_on.days;
    if (days < 0) bits |= PROMISE_REFUSED_PAST;
    if (days > settings->days_max) bits |= PROMISE_REFUSED_BEYOND;
    if (is_small(settings, offer)) bits |= PROMISE_REFUSED_SMALL;
    *refused = bits;
    return TAGIH_OK;
}

tagih_err promise_refusal_error(unsigned refused) {
    if (refused & PROMISE_REFUSED_PAST) return FAIL(PROMISE_PAST);
    if (refused & PROMISE_REFUSED_BEYOND) return FAIL(PROMISE_BEYOND);
    if (refused & PROMISE_REFUSED_SMALL) return FAIL(PROMISE_SMALL);
    if (refused & PROMISE_REFUSED_OPEN) return FAIL(PROMISE_OPEN);
    return refused ? FAIL(PROMISE_BROKEN) : TAGIH_OK;
}

int promise_reminder_slot(enum promise_state state, civil_date due_on, civil_date today) {
    int64_t days = (int64_t)due_on.days - today.days;
    return state == PROMISE_OPEN && days >= 0 && days < PROMISE_REMINDERS ? (int)days : -1;
}
