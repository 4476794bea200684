/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the parts of a server know each other. Opened from the inside out, so that the doors open last, and closed in
 * the other direction, so that nothing is called after it is gone.
 */
#include "server/service.h"

#include <stdlib.h>

#include "contract.h"
#include "engine/auth.h"
#include "engine/crew.h"
#include "engine/feed.h"
#include "engine/minute.h"
#include "engine/pulse.h"
#include "engine/server.h"
#include "engine/tally.h"
#include "net/server.h"
#include "rpc/reflection.h"
#include "rpc/services.h"
#include "run/clock.h"
#include "run/devca.h"
#include "run/grow.h"
#include "run/keys.h"
#include "run/log.h"
#include "run/notify.h"
#include "server/admin.h"
#include "server/watchdog.h"
#include "store/installation.h"
#include "store/migrate.h"
#include "store_statements.h"

#define PARKED_MAX 10000

struct service {
    const struct config *config;
    struct keyring keys;
    struct rpc_server shared;
    struct rpc_table table;
    struct crew *crew;
    struct minute *minute;
    struct reflection *reflection;
    struct devca_paths paths; /* the door reads them again on reload */
    struct net_server *net;
    struct watchdog *watchdog;
    struct pulse *pulse;
    struct admin *admin;
};

static struct db_options database_options(const struct config *config) {
    return (struct db_options){.conninfo = config->database_url, .worker = "start", .statements = &store_statements,
                               .schema_version = migrate_version(&migrations_embedded), .log = log_line,
                               .log_context = (void *)(uintptr_t) "database"};
}

/* A server without a signing key would take phones' evidence and be unable to answer for it. */
static tagih_err open_keys(struct service *s) {
    struct keys_problem problem;
    tagih_err err = keys_load(s->config->keys_dir, &s->keys, &problem);
    if (!err_is_ok(err)) {
        log_event(LOG_ERROR, "keys", "%s", problem.text);
        return err;
    }
    s->shared.keys = &s->keys;
    for (int purpose = 0; purpose < KEY_PURPOSE_COUNT; purpose++) {
        if (purpose == KEY_DOCUMENT || keyring_signing(&s->keys, (enum key_purpose)purpose)) continue;
        log_event(LOG_ERROR, "keys", "no key signs for '%s': run tagihd key new %s",
                  key_purpose_name((enum key_purpose)purpose), key_purpose_name((enum key_purpose)purpose));
        return FAIL(KEYS_UNREADABLE);
    }
    return TAGIH_OK;
}

static tagih_err open_shared(struct service *s) {
    TRY(open_keys(s));
    struct db_options options = database_options(s->config);
    DEFER(db) struct db db = {0};
    TRY(db_open(&db, &options));
    TRY(installation_get(&db, &s->shared.installation));
    s->shared.services = rpc_services;
    s->shared.chores = rpc_chores;
    TRY(reflection_open(bytes_make(contract_descriptors, contract_descriptors_size), &s->reflection));
    s->shared.reflection = s->reflection;
    s->shared.tokens = token_cache_new();
    s->shared.rates = rate_limits_new((int)s->config->calls_per_s, (int)s->config->calls_burst);
    return s->shared.tokens && s->shared.rates ? TAGIH_OK : FAIL(OUT_OF_MEMORY);
}

static tagih_err open_crew(struct service *s) {
    char report[256] = "";
    tagih_err err = bind_services(rpc_services, &s->table, report, sizeof report);
    if (!err_is_ok(err)) {
        log_event(LOG_ERROR, "rpc.table", "%s", report);
        return err;
    }
    s->shared.tally = tally_new(s->table.count);
    if (!s->shared.tally) return FAIL(OUT_OF_MEMORY);
    struct crew_options options = {.server = &s->shared, .table = &s->table, .database = database_options(s->config),
                                   .workers = (int)s->config->workers, .ring_max = (int)s->config->ring,
                                   .parked_max = PARKED_MAX};
    TRY(crew_open(&options, &s->crew));
    s->shared.crew = s->crew;
    TRY(feed_open(&options.database, s->crew, &s->shared.feed));
    return minute_open(&options.database, &s->shared, s->shared.feed, &s->minute);
}

static tagih_err open_doors(struct service *s) {
    const struct config *config = s->config;
    struct net_options options = {
        .tcp_address = *config->listen ? config->listen : NULL, .unix_path = *config->socket ? config->socket : NULL,
        .tls_cert_path = config->tls_cert, .tls_key_path = config->tls_key, .rows = s->table.rows,
        .row_count = s->table.count, .sink = crew_sink(s->crew), .arena_open = grow_arena_open,
        .arena_close = grow_arena_close, .calls_in_flight_max = (int)config->calls_max,
        .drain_delay_us = config->drain_delay_ms * US_PER_MS, .drain_us_max = config->drain_ms * US_PER_MS};
    if (options.tcp_address && !*config->tls_cert) {
        TRY(devca_ensure(config->state_dir, NULL, 0, &s->paths));
        options.tls_cert_path = s->paths.cert;
        options.tls_key_path = s->paths.key;
    }
    TRY(net_server_open(&options, &s->net));
    log_event(LOG_INFO, "server.listening", "port %d, socket %s", net_server_port(s->net),
              options.unix_path ? options.unix_path : "none");
    return TAGIH_OK;
}

/* Who is not watched needs neither: no thread, no connection, no port that nobody asked for. */
static tagih_err open_watch(struct service *s) {
    const struct config *config = s->config;
    if (*config->admin || notify_watchdog_us()) {
        TRY(watchdog_open(s->net, s->crew, config->worker_s_max * US_PER_S, &s->watchdog));
    }
    if (!*config->admin) return TAGIH_OK;
    struct db_options database = database_options(config);
    TRY(pulse_open(&database, &s->pulse));
    struct admin_options options = {.address = config->admin,
                                    .net = s->net,
                                    .watchdog = s->watchdog,
                                    .of = {.table = &s->table,
                                           .tally = s->shared.tally,
                                           .crew = s->crew,
                                           .minute = s->minute, .chores = rpc_chores,
                                           .pulse = s->pulse,
                                           .calls_in_flight_max = (int)config->calls_max,
                                           .schema_version = database.schema_version,
                                           .started = clock_now()}};
    tagih_err err = admin_open(&options, &s->admin);
    if (err_is_ok(err)) log_event(LOG_INFO, "admin.listening", "port %d", admin_port(s->admin));
    else log_event(LOG_ERROR, "admin.address", "%s: %s", config->admin, err_text(err));
    return err;
}

tagih_err service_open(const struct config *config, struct service **out) {
    *out = NULL;
    struct service *s = calloc(1, sizeof *s);
    if (!s) return FAIL(OUT_OF_MEMORY);
    s->config = config;
    tagih_err err = open_shared(s);
    if (err_is_ok(err)) err = open_crew(s);
    if (err_is_ok(err)) err = open_doors(s);
    if (err_is_ok(err)) err = open_watch(s);
    if (err_is_ok(err)) *out = s;
    else service_close(s);
    return err;
}

int service_port(const struct service *service) {
    return net_server_port(service->net);
}

int service_admin_port(const struct service *service) {
    return service->admin ? admin_port(service->admin) : 0;
}

tagih_err service_reload(struct service *service) {
    return net_server_reload_tls(service->net);
}

/* The pages stay to the end: who asks /readyz is told why. The crew first: parked calls and streams end by themselves, and
 * the doors need not wait for them. */
void service_drain(struct service *service) {
    watchdog_rest(service->watchdog);
    crew_drain(service->crew);
    net_server_drain(service->net);
}

void service_close(struct service *service) {
    if (!service) return;
    admin_close(service->admin);
    pulse_close(service->pulse);
    watchdog_close(service->watchdog);
    if (service->net) net_server_close(service->net);
    minute_close(service->minute);
    feed_close(service->shared.feed);
    if (service->crew) crew_close(service->crew);
    bind_release(&service->table);
    reflection_close(service->reflection);
    token_cache_free(service->shared.tokens);
    rate_limits_free(service->shared.rates);
    tally_free(service->shared.tally);
    keyring_release(&service->keys);
    grow_forget();
    free(service);
}
