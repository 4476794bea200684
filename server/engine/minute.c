/* SPDX-License-Identifier: Apache-2.0 */
/* The thread behind minute.h. */
#include "engine/minute.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/chores.h"
#include "engine/feed.h"
#include "engine/server.h"
#include "run/clock.h"
#include "run/grow.h"
#include "run/log.h"
#include "run/rounds.h"

#define DATABASE_US_MAX (5 * US_PER_S)
#define AGENCIES_MAX 1000 /* in one round; the others come a minute later */
#define BATCHES_MAX 20    /* of one agency in one round */

struct minute {
    struct db db;
    struct arena arena;
    bool arena_open;
    struct rounds rounds;
    struct feed *feed;
    const struct rpc_server *server;
    atomic_bool failing[CHORES_MAX]; /* the last round of each chore did; read by anyone */
    _Atomic int64_t went_round_us;   /* CLOCK_MONOTONIC */
    agency_id agencies[AGENCIES_MAX];
};

static int64_t soon(void) {
    return clock_monotonic_us() + DATABASE_US_MAX;
}

static tagih_err work_agency(struct minute *minute, const struct chore *chore, agency_id agency,
                             size_t *done) {
    size_t n = chore->batch;
    for (int i = 0; i < BATCHES_MAX && n == chore->batch && !rounds_are_over(&minute->rounds); i++) {
        struct db *db = &minute->db;
        TRY(chore->work ? chore->work(db, &minute->arena, agency, clock_now(), soon(), &n)
                        : chore->work_signed(minute->server, db, &minute->arena, agency, clock_now(), soon(), &n));
        *done += n;
        if (n) feed_dirty(minute->feed, agency);
    }
    return TAGIH_OK;
}

/* One agency's trouble is not another's: all are tried, the first error is told. */
static tagih_err work_all(struct minute *minute, const struct chore *chore, size_t *done) {
    size_t n = 0;
    arena_reset(&minute->arena);
    if (chore->house) return chore->house(&minute->db, &minute->arena, soon(), done);
    TRY(chore->find(&minute->db, &minute->arena, clock_now(), soon(), minute->agencies, AGENCIES_MAX, &n));
    tagih_err first = TAGIH_OK;
    for (size_t i = 0; i < n && !rounds_are_over(&minute->rounds); i++) {
        tagih_err err = work_agency(minute, chore, minute->agencies[i], done);
        if (err_is_ok(first)) first = err;
    }
    return first;
}

/* Nor is one chore's trouble another's. */
static void round_of(struct minute *minute, const struct chore *chore, atomic_bool *failed) {
    size_t done = 0;
    char event[64];
    snprintf(event, sizeof event, "minute.%s", chore->name);
    tagih_err err = work_all(minute, chore, &done);
    if (done) log_event(LOG_INFO, event, "%zu %s", done, chore->what);
    bool failing = !err_is_ok(err);
    if (failing == *failed) return;
    *failed = failing;
    log_event(failing ? LOG_WARN : LOG_INFO, failing ? "minute.failing" : "minute.works", "%s: %s",
              chore->name, err_text(err));
}

static void *run(void *context) {
    struct minute *minute = context;
    const struct chore *chores = minute->server->chores;
    while (!rounds_are_over(&minute->rounds)) {
        for (size_t i = 0; chores[i].name && !rounds_are_over(&minute->rounds); i++) {
            round_of(minute, &chores[i], &minute->failing[i]);
        }
        atomic_store(&minute->went_round_us, clock_monotonic_us());
        rounds_rest(&minute->rounds, US_PER_MINUTE, -1);
    }
    return NULL;
}

bool minute_is_failing(const struct minute *minute, size_t chore) {
    return atomic_load(&minute->failing[chore]);
}

int64_t minute_went_round_us(const struct minute *minute) {
    return atomic_load(&minute->went_round_us);
}

static tagih_err open_all(struct minute *minute, const struct db_options *database) {
    minute->arena_open = grow_arena_open(&minute->arena);
    if (!minute->arena_open) return FAIL(OUT_OF_MEMORY);
    struct db_options options = *database;
    options.worker = "minute";
    TRY(db_open(&minute->db, &options));
    return rounds_begin(&minute->rounds, run, minute);
}

static void release(struct minute *minute) {
    db_release(&minute->db);
    if (minute->arena_open) grow_arena_close(&minute->arena);
    free(minute);
}

tagih_err minute_open(const struct db_options *database, const struct rpc_server *server, struct feed *feed,
                      struct minute **out) {
    *out = NULL;
    struct minute *minute = calloc(1, sizeof *minute);
    if (!minute) return FAIL(OUT_OF_MEMORY);
    minute->feed = feed;
    minute->server = server;
    atomic_store(&minute->went_round_us, clock_monotonic_us());
    tagih_err err = open_all(minute, database);
    if (err_is_ok(err))
        *out = minute;
    else
        release(minute);
    return err;
}

void minute_close(struct minute *minute) {
    if (!minute) return;
    rounds_end(&minute->rounds);
    release(minute);
}
