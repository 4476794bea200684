/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watchdog: a thread that knocks at the server's own listeners and looks at its workers, and says so to the service
 * manager as long as all is well. When it falls silent the process must be restarted: nothing but that helps a listener
 * that accepts no more, or a worker that never comes back. It needs neither a worker nor the database, so it does not take
 * a server that is busy, or one whose database is away, for a dead one.
 */
#ifndef TAGIH_WATCHDOG_H
#define TAGIH_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "tagih/err.h"

struct crew;
struct net_server;
struct watchdog;

/**
 * Start the thread.
 *
 * @param net, crew      outlive it
 * @param worker_us_max  who has had one batch for so long does not come back: far beyond the longest deadline of a call
 *                       (30 s), at which a transaction ends
 * @return OK · OUT_OF_MEMORY
 */
TAGIH_MUST_USE tagih_err watchdog_open(struct net_server *net, const struct crew *crew, int64_t worker_us_max,
                                       struct watchdog **out);

/** @param why  [out] what is wrong, when something is. @return false: restart the process. Any thread; never blocks. */
bool watchdog_is_well(const struct watchdog *watchdog, const char **why);

/** The server drains: its listeners close by design. From here on it says that all is well. */
void watchdog_rest(struct watchdog *watchdog);

/** NULL is nothing to do. Before the server and the crew are closed. */
void watchdog_close(struct watchdog *watchdog);

#endif
