/* SPDX-License-Identifier: Apache-2.0 */
/* The thread behind pulse.h. */
#include "engine/pulse.h"

#include <pthread.h>
#include <stdlib.h>

#include "run/clock.h"
#include "run/grow.h"
#include "run/log.h"
#include "run/rounds.h"

#define ASK_US (2 * US_PER_S)
#define ASK_US_MAX (2 * US_PER_S)
#define FIGURES_US (30 * US_PER_S)
#define FIGURES_US_MAX (5 * US_PER_S) /* meanwhile nobody asks: short of what /readyz takes for silence */
#define FIGURES_SHARE 20              /* one part of so many of the time is spent on them, and not more */

struct pulse {
    struct db db;
    struct arena arena;
    bool arena_open;
    struct rounds rounds;
    pthread_mutex_t lock; /* guards heard; held for a copy, never while the database is asked */
    struct pulse_heard heard;
    int64_t figures_due_us;
};

void pulse_hear(struct pulse *pulse, struct pulse_heard *out) {
    pthread_mutex_lock(&pulse->lock);
    *out = pulse->heard;
    pthread_mutex_unlock(&pulse->lock);
}

static void keep(struct pulse *pulse, const struct pulse_heard *heard) {
    pthread_mutex_lock(&pulse->lock);
    pulse->heard = *heard;
    pthread_mutex_unlock(&pulse->lock);
}

/* Only the thread writes `heard`, so it may read it without the lock. */
static void ask(struct pulse *pulse) {
    struct pulse_heard heard = pulse->heard;
    arena_reset(&pulse->arena);
    heard.err = figure_probe(&pulse->db, &pulse->arena, clock_monotonic_us() + ASK_US_MAX, &heard.schema_version);
    heard.asked_us = clock_monotonic_us();
    if (heard.err.reason != pulse->heard.err.reason) {
        bool well = err_is_ok(heard.err);
        log_event(well ? LOG_INFO : LOG_WARN, well ? "pulse.well" : "pulse.missed", "%s", err_text(heard.err));
    }
    keep(pulse, &heard);
}

static void read_figures(struct pulse *pulse) {
    struct pulse_heard heard = pulse->heard;
    struct figures figures;
    if (!err_is_ok(heard.err) || clock_monotonic_us() < pulse->figures_due_us) return;
    int64_t began_us = clock_monotonic_us();
    arena_reset(&pulse->arena);
    tagih_err err = figures_read(&pulse->db, &pulse->arena, clock_now(), began_us + FIGURES_US_MAX, &figures);
    int64_t now_us = clock_monotonic_us(), rest_us = (now_us - began_us) * FIGURES_SHARE;
    pulse->figures_due_us = now_us + (rest_us > FIGURES_US ? rest_us : FIGURES_US);
    heard.figures_failing = !err_is_ok(err);
    if (heard.figures_failing && !pulse->heard.figures_failing) log_event(LOG_WARN, "pulse.figures", "%s", err_text(err));
    if (err_is_ok(err)) {
        heard.has_figures = true;
        heard.figures_us = now_us;
        heard.figures = figures;
    }
    keep(pulse, &heard);
}

static void *run(void *context) {
    struct pulse *pulse = context;
    while (!rounds_are_over(&pulse->rounds)) {
        read_figures(pulse);
        if (rounds_rest(&pulse->rounds, ASK_US, -1)) ask(pulse);
    }
    return NULL;
}

static tagih_err open_all(struct pulse *pulse, const struct db_options *database) {
    pulse->arena_open = grow_arena_open(&pulse->arena);
    if (!pulse->arena_open) return FAIL(OUT_OF_MEMORY);
    struct db_options options = *database;
    options.worker = "pulse";
    options.log = NULL; /* a database that is away is told once, not every two seconds */
    TRY(db_open(&pulse->db, &options));
    ask(pulse);
    return rounds_begin(&pulse->rounds, run, pulse);
}

static void release(struct pulse *pulse) {
    db_release(&pulse->db);
    if (pulse->arena_open) grow_arena_close(&pulse->arena);
    pthread_mutex_destroy(&pulse->lock);
    free(pulse);
}

tagih_err pulse_open(const struct db_options *database, struct pulse **out) {
    *out = NULL;
    struct pulse *pulse = calloc(1, sizeof *pulse);
    if (!pulse) return FAIL(OUT_OF_MEMORY);
    pthread_mutex_init(&pulse->lock, NULL);
    tagih_err err = open_all(pulse, database);
    if (err_is_ok(err)) *out = pulse;
    else release(pulse);
    return err;
}

void pulse_close(struct pulse *pulse) {
    if (!pulse) return;
    rounds_end(&pulse->rounds);
    release(pulse);
}
