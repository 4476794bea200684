/* SPDX-License-Identifier: Apache-2.0 */
/* tagihd serve: open the service (server/service.c), then wait. SIGTERM and SIGINT drain and end it, SIGHUP reads the
 * TLS certificate again. */
#include <signal.h>

#include "run/log.h"
#include "server/cli/commands.h"
#include "server/service.h"

/* Signals are taken here and nowhere else: every thread of the process inherits the mask. */
static void block_signals(sigset_t *out) {
    sigemptyset(out);
    sigaddset(out, SIGTERM);
    sigaddset(out, SIGINT);
    sigaddset(out, SIGHUP);
    pthread_sigmask(SIG_BLOCK, out, NULL);
}

static void wait_for_end(struct service *service, const sigset_t *signals) {
    int got = 0;
    while (sigwait(signals, &got) == 0 && got == SIGHUP) {
        tagih_err err = service_reload(service);
        log_event(err_is_ok(err) ? LOG_INFO : LOG_ERROR, "server.reload", "%s", err_text(err));
    }
    log_event(LOG_INFO, "server.draining", "signal %d", got);
    service_drain(service);
}

static enum cli_exit run(const struct cli *cli) {
    if (cli->n_args) return cli_usage("serve takes no words");
    if (!*cli->config->database_url) return cli_usage("serve needs --database-url (TAGIH_DATABASE_URL), or --dev");
    if (!*cli->config->listen && !*cli->config->socket) return cli_usage("serve needs --listen or --socket");
    sigset_t signals;
    block_signals(&signals);
    struct service *service;
    tagih_err err = service_open(cli->config, &service);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    wait_for_end(service, &signals);
    service_close(service);
    log_event(LOG_INFO, "server.stopped", "every call was answered");
    return CLI_OK;
}

const struct cli_command cli_serve = {
    .name = "serve",
    .words = "",
    .summary = "Serve phones and the office",
    .text = "SIGTERM drains: calls that run are answered, new ones are sent away. SIGHUP reads the TLS certificate again.",
    .run = run};
