/* SPDX-License-Identifier: Apache-2.0 */
/* The thread behind minute.h. */
#include "rpc/minute.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "rpc/feed.h"
#include "rpc/visit_expire.h"
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
    int end; /* eventfd */
    atomic_bool stopping;
    bool failing; /* the last round did */
    agency_id agencies[AGENCIES_MAX];
};

static int64_t soon(void) {
    return clock_monotonic_us() + DATABASE_US_MAX;
}

static tagih_err expire_agency(struct minute *minute, agency_id agency, size_t *ended) {
    size_t n = VISIT_EXPIRE_MAX;
    for (int i = 0; i < BATCHES_MAX && n == VISIT_EXPIRE_MAX && !atomic_load(&minute->stopping); i++) {
        TRY(visits_expire(&minute->db, &minute->arena, agency, clock_now(), soon(), &n));
        *ended += n;
        if (n) feed_dirty(minute->feed, agency);
    }
    return TAGIH_OK;
}

/* One agency's trouble is not another's: all are tried, the first error is told. */
static tagih_err expire_all(struct minute *minute, size_t *ended) {
    size_t n = 0;
    arena_reset(&minute->arena);
    TRY(visit_overdue_agencies(&minute->db, &minute->arena, clock_now(), soon(), minute->agencies,
                               AGENCIES_MAX, &n));
    tagih_err first = TAGIH_OK;
    for (size_t i = 0; i < n && !atomic_load(&minute->stopping); i++) {
        tagih_err err = expire_agency(minute, minute->agencies[i], ended);
        if (err_is_ok(first)) first = err;
    }
    return first;
}

static void round_of(struct minute *minute) {
    size_t ended = 0;
    tagih_err err = expire_all(minute, &ended);
    if (ended) log_event(LOG_INFO, "minute.leases_over", "%zu leases ended with nothing reported", ended);
    bool failing = !err_is_ok(err);
    if (failing == minute->failing) return;
    minute->failing = failing;
    log_event(failing ? LOG_WARN : LOG_INFO, failing ? "minute.failing" : "minute.works", "%s",
              err_text(err));
}

static void *run(void *context) {
    struct minute *minute = context;
    struct pollfd end = {.fd = minute->end, .events = POLLIN};
    while (!atomic_load(&minute->stopping)) {
        round_of(minute);
        poll(&end, 1, (int)(US_PER_MINUTE / US_PER_MS));
    }
    return NULL;
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

tagih_err minute_open(const struct db_options *database, struct feed *feed, struct minute **out) {
    *out = NULL;
    struct minute *minute = calloc(1, sizeof *minute);
    if (!minute) return FAIL(OUT_OF_MEMORY);
    minute->feed = feed;
    minute->end = -1;
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
