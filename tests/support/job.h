/* SPDX-License-Identifier: Apache-2.0 */
/* What a run of the server's own brings (the minute's, the day's, the month's): a connection as the app, memory, a writer. */
#ifndef TAGIH_TESTS_JOB_H
#define TAGIH_TESTS_JOB_H

#include "server/run/clock.h"
#include "server/run/grow.h"
#include "server/run/random.h"
#include "server/store/db.h"
#include "store_statements.h"
#include "tests/support/case.h"
#include "tests/support/rig.h"

struct job {
    struct db db;
    struct arena arena;
    int64_t writer;
};

static inline void job_open(struct job *job, const struct rig *of) {
    *job = (struct job){0};
    struct db_options options = {.conninfo = of->app_conninfo, .worker = "spec", .statements = &store_statements};
    assert_ok(db_open(&job->db, &options));
    assert_true(grow_arena_open(&job->arena));
    random_bytes(&job->writer, sizeof job->writer);
    job->writer &= INT64_MAX;
}

static inline void job_close(struct job *job) {
    db_release(&job->db);
    grow_arena_close(&job->arena);
}

/** One round of a chore of the minute, as the server does it at an instant; its own thread may have been first. */
static inline void job_chore(const struct rig *of, agency_id agency, instant now,
                             tagih_err (*work)(struct db *db, struct arena *arena, agency_id agency, instant now,
                                               int64_t deadline_us, size_t *n)) {
    struct job job;
    size_t n;
    job_open(&job, of);
    assert_ok(work(&job.db, &job.arena, agency, now, clock_monotonic_us() + 20 * US_PER_S, &n));
    job_close(&job);
}

#endif
