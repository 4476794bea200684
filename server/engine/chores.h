/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chores: what the clock asks for and no call does. The minute's thread (minute.c) goes through the server's
 * table (rpc/chores.c) once a minute: for each chore it asks which agencies have something to do, and works on
 * each of them in transactions of its own. A new chore is a line there; the thread is not touched.
 *
 * Any number of servers of one database may do it at once, and a round may be killed anywhere: a chore takes
 * each of its things under a lock and leaves it so that it is not found again.
 */
#ifndef TAGIH_ENGINE_CHORES_H
#define TAGIH_ENGINE_CHORES_H

#include "store/db.h"
#include "tagih/arena.h"
#include "tagih/id.h"
#include "tagih/time.h"

struct rpc_server;

struct chore {
    const char *name; /* in the log: "minute.<name>"; NULL ends the table */
    const char *what; /* how many of what: "leases ended with nothing reported" */
    /** Which agencies have something to do, without a transaction of an agency. @return OK · as db_exec_one
     */
    tagih_err (*find)(struct db *db, struct arena *arena, instant now, int64_t deadline_us, agency_id *out,
                      size_t room, size_t *n);
    /** Do up to `batch` things of one agency in one transaction. *n [out] how many were found. @return OK ·
     * as tx_run */
    tagih_err (*work)(struct db *db, struct arena *arena, agency_id agency, instant now, int64_t deadline_us,
                      size_t *n);
    size_t batch; /* as many found: there may be more, it is called again */
    /** Instead of `find` and `work`: what is no agency's. *n [out] how many things were done. */
    tagih_err (*house)(struct db *db, struct arena *arena, int64_t deadline_us, size_t *n);
    /** Instead of `work`, for what is signed. */
    tagih_err (*work_signed)(const struct rpc_server *server, struct db *db, struct arena *arena, agency_id agency, instant now,
                             int64_t deadline_us, size_t *n);
};

/** The chain of postings that the clock writes: one for all servers, under its lock. */
#define CLOCK_WRITER 1

/** How many: the minute keeps a mark for each. */
#define CHORES_MAX 16

#endif
