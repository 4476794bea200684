/* SPDX-License-Identifier: Apache-2.0 */
/* Called by the service, which opens it last and closes it first. */
#include "server/admin.h"

#include <stdlib.h>

#include "net/pages.h"
#include "net/server.h"
#include "run/clock.h"
#include "server/watchdog.h"

/* The database is asked every two seconds; when that is so long ago, it does not come back from asking. */
#define SILENCE_US_MAX (15 * US_PER_S)

/* A refused write is told for so long, unless one has gone through since: who is not sent any calls would never learn. */
#define REFUSED_US_MAX (30 * US_PER_S)

struct admin {
    struct admin_options options;
    struct net_pages *pages;
};

static int say(FILE *to, const char *what_is_wrong) {
    fprintf(to, "%s\n", what_is_wrong ? what_is_wrong : "ok");
    return what_is_wrong ? 503 : 200;
}

static int metrics(void *context, FILE *to) {
    const struct admin *admin = context;
    struct metrics_of of = admin->options.of;
    of.calls_in_flight = net_server_in_flight(admin->options.net);
    metrics_write(to, &of);
    return 200;
}

static int livez(void *context, FILE *to) {
    const struct admin *admin = context;
    const char *why;
    watchdog_is_well(admin->options.watchdog, &why);
    return say(to, why);
}

/*
 * A newer schema alone is none of our business: migrations only add what the running version does not mind, and taking all
 * servers away at once for it would be the outage that an upgrade must not be. But a connection that breaks is not made
 * anew then; once a worker has lost its own, this server must be replaced by one of the new version.
 */
static bool schema_fits(const struct admin *admin, const struct crew_load *load, int version) {
    if (version == admin->options.of.schema_version) return true;
    return version > admin->options.of.schema_version && load->db.refused_schemas == 0;
}

/* Reads may go well all the time while its disk is full. */
static bool takes_writes(const struct crew_load *load, int64_t now_us) {
    return load->refused_us <= load->written_us || now_us - load->refused_us > REFUSED_US_MAX;
}

static const char *not_ready(const struct admin *admin) {
    struct pulse_heard heard;
    struct crew_load load;
    int64_t now_us = clock_monotonic_us();
    crew_load(admin->options.of.crew, now_us, &load);
    pulse_hear(admin->options.of.pulse, &heard);
    if (crew_is_draining(admin->options.of.crew)) return "this server is draining";
    if (err_is(heard.err, ERR_STORE_SCHEMA)) return err_text(heard.err);
    if (!err_is_ok(heard.err)) return "the database is away";
    if (now_us - heard.asked_us > SILENCE_US_MAX) return "the database does not answer";
    if (!takes_writes(&load, now_us)) return "the database takes no writes";
    return schema_fits(admin, &load, heard.schema_version) ? NULL : err_text(FAIL(STORE_SCHEMA));
}

static int readyz(void *context, FILE *to) {
    return say(to, not_ready(context));
}

static const struct net_page pages[] = {{"/metrics", "text/plain; version=0.0.4; charset=utf-8", metrics},
                                        {"/livez", "text/plain; charset=utf-8", livez},
                                        {"/readyz", "text/plain; charset=utf-8", readyz},
                                        {0}};

tagih_err admin_open(const struct admin_options *options, struct admin **out) {
    *out = NULL;
    struct admin *admin = calloc(1, sizeof *admin);
    if (!admin) return FAIL(OUT_OF_MEMORY);
    admin->options = *options;
    tagih_err err = net_pages_open(
        &(struct net_pages_options){.address = options->address, .pages = pages, .context = admin}, &admin->pages);
    if (err_is_ok(err)) *out = admin;
    else free(admin);
    return err;
}

int admin_port(const struct admin *admin) {
    return net_pages_port(admin->pages);
}

void admin_close(struct admin *admin) {
    if (!admin) return;
    net_pages_close(admin->pages);
    free(admin);
}
