/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operator's pages, and what they show:
 *
 *   /metrics  Prometheus' text format (engine/metrics.h)
 *   /livez    200, or 503 and why: restart the process, nothing else helps (watchdog.h)
 *   /readyz   200, or 503 and why: this server cannot serve now (it drains, its database is away or of another schema)
 *
 * All of it was found out before somebody asked, so a page never waits.
 */
#ifndef TAGIH_ADMIN_H
#define TAGIH_ADMIN_H

#include "engine/metrics.h"

struct admin;
struct net_server;
struct watchdog;

struct admin_options {
    const char *address;  /* as net_pages_options */
    struct metrics_of of; /* but for calls_in_flight */
    const struct net_server *net;
    const struct watchdog *watchdog;
};

/** Listen. All that the options point to outlives it. @return OK · as net_pages_open */
TAGIH_MUST_USE tagih_err admin_open(const struct admin_options *options, struct admin **out);

/** The port that is listened on. */
int admin_port(const struct admin *admin);

/** NULL is nothing to do. */
void admin_close(struct admin *admin);

#endif
