/* SPDX-License-Identifier: Apache-2.0 */
/* What a run of the server's own brings (the minute's, the day's, the month's): a connection as the app, memory, a writer. */
#ifndef TAGIH_TESTS_JOB_H
#define TAGIH_TESTS_JOB_H

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

static inline void job_open(struct job *job, const struct rig *rig) {
    *job = (struct job){0};
    struct db_options options = {.conninfo = rig->app_conninfo, .worker = "spec", .statements = &store_statements};
    assert_ok(db_open(&job->db, &options));
    assert_true(grow_arena_open(&job->arena));
    random_bytes(&job->writer, sizeof job->writer);
    job->writer &= INT64_MAX;
}

static inline void job_close(struct job *job) {
    db_release(&job->db);
    grow_arena_close(&job->arena);
}

#endif
