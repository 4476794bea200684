/* SPDX-License-Identifier: Apache-2.0 */
/* The thread behind minute.h. */
#include "engine/minute.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/chores.h"
#include "engine/feed.h"
#include "engine/server.h"
#include "run/clock.h"
#include "run/grow.h"
#include "run/log.h"

#define DATABASE_US_MAX (5 * US_PER_S)
#define AGENCIES_MAX 1000 /* in one round; the others come a minute later */
#define BATCHES_MAX 20    /* of one agency in one round */

struct minute {
    struct db db;
    struct arena arena;
    bool arena_open;
    pthread_t thread;
    struct feed *feed;
    const struct rpc_server *server;
    int end; /* eventfd */
    atomic_bool stopping;
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
    for (int i = 0; i < BATCHES_MAX && n == chore->batch && !atomic_load(&minute->stopping); i++) {
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
    for (size_t i = 0; i < n && !atomic_load(&minute->stopping); i++) {
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
    struct pollfd end = {.fd = minute->end, .events = POLLIN};
    while (!atomic_load(&minute->stopping)) {
        for (size_t i = 0; chores[i].name && !atomic_load(&minute->stopping); i++) {
            round_of(minute, &chores[i], &minute->failing[i]);
        }
        atomic_store(&minute->went_round_us, clock_monotonic_us());
        poll(&end, 1, (int)(US_PER_MINUTE / US_PER_MS));
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
    minute->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!minute->arena_open || minute->end < 0) return FAIL(OUT_OF_MEMORY);
    struct db_options options = *database;
    options.worker = "minute";
    TRY(db_open(&minute->db, &options));
    return pthread_create(&minute->thread, NULL, run, minute) == 0 ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
}

static void release(struct minute *minute) {
    db_release(&minute->db);
    if (minute->end >= 0) close(minute->end);
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
    minute->end = -1;
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
    atomic_store(&minute->stopping, true);
    uint64_t one = 1;
    ssize_t written = write(minute->end, &one, sizeof one);
    (void)written; /* full: then it is marked */
    pthread_join(minute->thread, NULL);
    release(minute);
}
