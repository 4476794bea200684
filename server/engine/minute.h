/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The minute's thread: what the clock asks for and no call does, as the server's table of chores says. A thread and
 * a connection of its own: a slow round must not keep anybody waiting.
 */
#ifndef TAGIH_ENGINE_MINUTE_H
#define TAGIH_ENGINE_MINUTE_H

#include "store/db.h"

struct feed;
struct minute;
struct rpc_server;

/**
 * Start the thread; its first round comes at once. A round that fails (a database that is down, a standby) is
 * logged when that begins and when it ends, and tried again a minute later.
 *
 * @param database  how it connects
 * @param server    its chores; keys and installation for what is signed; outlives the minute
 * @param feed      is told of changes; outlives the minute; NULL: nobody is
 * @return OK · as db_open · OUT_OF_MEMORY
 */
TAGIH_MUST_USE tagih_err minute_open(const struct db_options *database, const struct rpc_server *server, struct feed *feed,
                                     struct minute **out);

/** The last round of the chore with this place in the table failed. Any thread; never blocks. */
bool minute_is_failing(const struct minute *minute, size_t chore);

/** When it last went through all chores, CLOCK_MONOTONIC; until then, when it was opened. Any thread; never blocks. */
int64_t minute_went_round_us(const struct minute *minute);

/** Stop it, after the transaction that runs. NULL is nothing to do. Before feed_close. */
void minute_close(struct minute *minute);

#endif
