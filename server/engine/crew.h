/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The crew: the threads that work, and how calls reach them.
 *
 *   submit → ring (bounded) → PREPARE on any worker → ready list of (method, agency) → a worker takes all of it
 *
 * No timer and no artificial delay: at most two batches of a list are at work, so while the database works the next batch
 * gathers by itself; alone, a call is a batch of one. Ready lists are served round robin, and once two agencies have called
 * one worker is always left by each for the others.
 */
#ifndef TAGIH_ENGINE_CREW_H
#define TAGIH_ENGINE_CREW_H

#include "engine/bind.h"

struct crew;

struct crew_options {
    const struct rpc_server *server;
    const struct rpc_table *table;
    struct db_options database; /* each worker opens one */
    int workers;                /* 1–64 */
    int ring_max;               /* calls waiting for PREPARE or a batch; one more is refused */
    int parked_max;             /* waiting long polls and streams */
};

/** Open the workers' databases and start them. @return OK · as db_open · OUT_OF_MEMORY */
TAGIH_MUST_USE tagih_err crew_open(const struct crew_options *options, struct crew **out);

/** For the doors: context is the crew. */
struct call_sink crew_sink(struct crew *crew);

/** Something changed in an agency (NULL: in any): its parked calls look again. Any thread. */
void crew_wake_parked(struct crew *crew, const agency_id *agency);

/** Wake parked calls whose time has come; called now and then. Any thread. @return how many are parked */
size_t crew_tick(struct crew *crew, int64_t now_us);

/** crew_drain was called: this server wants no more work. Any thread; never blocks. */
bool crew_is_draining(const struct crew *crew);

/** How much there is to do, for who watches. */
struct crew_load {
    size_t waiting, waiting_max; /* calls that wait for a worker: the ring's depth */
    size_t parked, parked_max;   /* long polls and streams; up to 250 ms old */
    int workers, busy;
    int64_t busy_us_max; /* for so long the slowest of them has had its batch */
    struct db_stats db;  /* of all workers' connections together */
    int64_t refused_us, written_us; /* the newest of theirs (store/db.h); 0: never */
};

/** Each number as of about now. Any thread; takes no lock. */
void crew_load(const struct crew *crew, int64_t now_us, struct crew_load *out);

/** Finish what waits (parked calls end with CALL_DRAINING) and stop taking parked ones. Does not block. */
void crew_drain(struct crew *crew);

/** Stop the workers after the last call and free everything. The doors must be closed. */
void crew_close(struct crew *crew);

#endif
