/* SPDX-License-Identifier: Apache-2.0 */
/* Shrinking: a try takes some events away, and is kept when the run still breaks the same invariant. */
#include "tests/sim/sim_shrink.h"

#include <stdlib.h>
#include <time.h>

struct shrink {
    struct plan *plan;
    struct sim_options *options;
    enum sim_invariant invariant;
    struct timespec until;
    shrink_told_fn told;
    size_t tries;
};

size_t sim_left(const struct plan *plan) {
    size_t n = 0;
    for (size_t i = 0; i < plan->n; i++) n += !plan->events[i].off;
    return n;
}

static bool is_over(const struct shrink *shrink) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return sim_stop || now.tv_sec > shrink->until.tv_sec ||
           (now.tv_sec == shrink->until.tv_sec && now.tv_nsec > shrink->until.tv_nsec);
}

static bool still_fails(struct shrink *shrink) {
    struct sim_result result;
    char *story;
    world_run(shrink->plan, shrink->options, &result, &story);
    free(story);
    shrink->tries++;
    if (shrink->told) shrink->told(sim_left(shrink->plan), shrink->tries);
    return result.failed && result.invariant == shrink->invariant;
}

/* Which: a number of something, or events from one index up to another. */
struct which {
    int64_t of;
    size_t from, to;
};

typedef bool (*chosen_fn)(const struct plan *plan, const struct event *event, size_t index, struct which which);

/* Take away what is chosen, unless the failure goes with it. @return something is gone */
static bool take_away(struct shrink *shrink, chosen_fn chosen, struct which which) {
    struct plan *plan = shrink->plan;
    size_t n = 0, *taken = calloc(plan->n ? plan->n : 1, sizeof *taken);
    for (size_t i = 0; taken && i < plan->n; i++) {
        if (plan->events[i].off || !chosen(plan, &plan->events[i], i, which)) continue;
        plan->events[i].off = true;
        taken[n++] = i;
    }
    bool good = n > 0 && !is_over(shrink) && still_fails(shrink);
    for (size_t i = 0; i < n && !good; i++) plan->events[taken[i]].off = false;
    free(taken);
    return good;
}

static bool is_between(const struct plan *plan, const struct event *event, size_t index, struct which which) {
    (void)plan, (void)event;
    return index >= which.from && index < which.to;
}

static bool is_of_phone(const struct plan *plan, const struct event *event, size_t index, struct which which) {
    (void)plan, (void)index;
    return event->phone == which.of;
}

static bool is_of_act(const struct plan *plan, const struct event *event, size_t index, struct which which) {
    (void)plan, (void)index;
    return event->act == which.of;
}

static bool is_of_day(const struct plan *plan, const struct event *event, size_t index, struct which which) {
    (void)index;
    return (event->at_us - plan->start_us) / US_PER_DAY == which.of;
}

/* Where the n-th event of those that are left stands; behind all, when there are not so many. */
static size_t place_of(const struct plan *plan, size_t n) {
    size_t i = 0;
    while (i < plan->n && (plan->events[i].off || n-- > 0)) i++;
    return i;
}

static void take_events(struct shrink *shrink) {
    for (size_t size = sim_left(shrink->plan) / 2; size >= 1 && !is_over(shrink); size /= 2) {
        for (size_t first = 0; first < sim_left(shrink->plan) && !is_over(shrink);) {
            struct which chunk = {.from = place_of(shrink->plan, first), .to = place_of(shrink->plan, first + size)};
            if (!take_away(shrink, is_between, chunk)) first += size;
        }
    }
}

static void take_faults(struct shrink *shrink) {
    for (int fault = 0; fault < FAULT_COUNT && !is_over(shrink); fault++) {
        uint32_t bit = UINT32_C(1) << fault, before = shrink->options->faults;
        if (!(before & bit)) continue;
        shrink->options->faults &= ~bit;
        if (!still_fails(shrink)) shrink->options->faults = before;
    }
}

void sim_shrink(struct plan *plan, struct sim_options *options, const struct sim_result *failed, double seconds,
                shrink_told_fn told) {
    struct shrink shrink = {.plan = plan, .options = options, .invariant = failed->invariant, .told = told};
    clock_gettime(CLOCK_MONOTONIC, &shrink.until);
    shrink.until.tv_sec += (time_t)seconds;
    if (failed->failed_at < plan->n) {
        take_away(&shrink, is_between, (struct which){.from = failed->failed_at + 1, .to = plan->n});
    }
    for (int phone = plan->phones - 1; phone >= 0; phone--) take_away(&shrink, is_of_phone, (struct which){.of = phone});
    take_faults(&shrink);
    for (int act = 0; act < ACT_COUNT; act++) take_away(&shrink, is_of_act, (struct which){.of = act});
    for (int day = plan->days - 1; day >= 0; day--) take_away(&shrink, is_of_day, (struct which){.of = day});
    take_events(&shrink);
    take_faults(&shrink);
}
