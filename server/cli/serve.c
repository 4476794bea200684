/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd serve: the server itself, put together. config → keys → database → rows → crew → doors; then it waits for a
 * signal. SIGTERM and SIGINT drain and end it, SIGHUP reads the TLS certificate again.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "net/server.h"
#include "rpc/auth.h"
#include "rpc/crew.h"
#include "rpc/server.h"
#include "rpc/services.h"
#include "run/devca.h"
#include "run/grow.h"
#include "run/keys.h"
#include "run/log.h"
#include "server/cli/commands.h"
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
    struct net_server *net;
};

static struct db_options database_options(const struct config *config) {
    return (struct db_options){.conninfo = config->database_url, .worker = "start", .statements = &store_statements,
                               .schema_version = migrate_version(&migrations_embedded), .log = log_line,
                               .log_context = (void *)(uintptr_t) "database"};
}

static tagih_err open_shared(struct service *s) {
    struct keys_problem problem;
    tagih_err err = keys_load(s->config->keys_dir, &s->keys, &problem);
    if (!err_is_ok(err)) {
        log_event(LOG_ERROR, "keys", "%s", problem.text);
        return err;
    }
    struct db_options options = database_options(s->config);
    DEFER(db) struct db db = {0};
    TRY(db_open(&db, &options));
    TRY(installation_get(&db, &s->shared.installation));
    s->shared.keys = &s->keys;
    s->shared.services = rpc_services;
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
    struct crew_options options = {.server = &s->shared, .table = &s->table, .database = database_options(s->config),
                                   .workers = (int)s->config->workers, .ring_max = (int)s->config->ring, .parked_max = PARKED_MAX};
    TRY(crew_open(&options, &s->crew));
    s->shared.crew = s->crew;
    return TAGIH_OK;
}

static tagih_err open_doors(struct service *s) {
    const struct config *config = s->config;
    struct net_options options = {
        .tcp_address = *config->listen ? config->listen : NULL, .unix_path = *config->socket ? config->socket : NULL,
        .tls_cert_path = config->tls_cert, .tls_key_path = config->tls_key, .rows = s->table.rows,
        .row_count = s->table.count, .sink = crew_sink(s->crew), .arena_open = grow_arena_open,
        .arena_close = grow_arena_close, .calls_in_flight_max = (int)config->calls_max,
        .drain_delay_us = config->drain_delay_ms * US_PER_MS, .drain_us_max = config->drain_ms * US_PER_MS};
    struct devca_paths paths;
    if (options.tcp_address && !*config->tls_cert) {
        TRY(devca_ensure(config->state_dir, NULL, 0, &paths));
        options.tls_cert_path = paths.cert;
        options.tls_key_path = paths.key;
    }
    TRY(net_server_open(&options, &s->net));
    log_event(LOG_INFO, "server.listening", "port %d, socket %s", net_server_port(s->net),
              options.unix_path ? options.unix_path : "none");
    return TAGIH_OK;
}

static void close_service(struct service *s) {
    if (s->net) net_server_close(s->net);
    crew_close(s->crew);
    bind_release(&s->table);
    token_cache_free(s->shared.tokens);
    rate_limits_free(s->shared.rates);
    keyring_release(&s->keys);
    grow_forget();
}

/* Signals are taken here and nowhere else: every thread of the process inherits the mask. */
static void wait_for_end(struct service *s, const sigset_t *signals) {
    int got = 0;
    while (sigwait(signals, &got) == 0 && got == SIGHUP) {
        tagih_err err = net_server_reload_tls(s->net);
        log_event(err_is_ok(err) ? LOG_INFO : LOG_ERROR, "server.reload", "%s", err_text(err));
    }
    log_event(LOG_INFO, "server.draining", "signal %d", got);
    crew_drain(s->crew);
    net_server_drain(s->net);
}

static enum cli_exit run(const struct cli *cli) {
    if (cli->n_args) return cli_usage("serve takes no words");
    if (!*cli->config->database_url) return cli_usage("serve needs --database-url (TAGIH_DATABASE_URL), or --dev");
    if (!*cli->config->listen && !*cli->config->socket) return cli_usage("serve needs --listen or --socket");
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    struct service service = {.config = cli->config};
    tagih_err err = open_shared(&service);
    if (err_is_ok(err)) err = open_crew(&service);
    if (err_is_ok(err)) err = open_doors(&service);
    if (err_is_ok(err)) wait_for_end(&service, &signals);
    close_service(&service);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    log_event(LOG_INFO, "server.stopped", "every call was answered");
    return CLI_OK;
}

const struct cli_command cli_serve = {
    .name = "serve",
    .words = "",
    .summary = "Serve phones and the office",
    .text = "SIGTERM drains: calls that run are answered, new ones are sent away. SIGHUP reads the TLS certificate again.",
    .run = run};
