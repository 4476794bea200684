/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feed's thread: the one who hears of changes and wakes the calls that wait for them. Three ways lead there:
 *
 *   a batch of this server committed → feed_dirty → at once, then at most every 50 ms: wake, and tell the other servers
 *   another server told (NOTIFY)     → wake
 *   every second                     → ask the database which agencies have something new, for whatever was not heard
 *
 * A NOTIFY inside a write transaction would serialise commits, so it is sent here, on a connection of its own.
 */
#ifndef TAGIH_ENGINE_FEED_H
#define TAGIH_ENGINE_FEED_H

#include "store/db.h"
#include "tagih/id.h"

struct crew;
struct feed;

/**
 * Start the thread.
 *
 * @param database  how it connects
 * @param crew      whose parked calls it wakes; outlives the feed
 * @return OK · as db_open · OUT_OF_MEMORY
 */
TAGIH_MUST_USE tagih_err feed_open(const struct db_options *database, struct crew *crew, struct feed **out);

/** Stop it. NULL is nothing to do. Before crew_close. */
void feed_close(struct feed *feed);

/** A transaction of this agency committed, and may have left changes. NULL feed: nobody listens. Any thread; never blocks. */
void feed_dirty(struct feed *feed, agency_id agency);

#endif
