/* SPDX-License-Identifier: Apache-2.0 */
/* tagihd serve: open the service (server/service.c), then wait. SIGTERM and SIGINT drain and end it, SIGHUP reads the
 * TLS certificate again. */
#include <signal.h>

#include "run/log.h"
#include "run/notify.h"
#include "server/cli/commands.h"
#include "server/cli/dev.h"
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
    notify_send("READY=1\nSTATUS=serving");
    while (sigwait(signals, &got) == 0 && got == SIGHUP) {
        notify_send("RELOADING=1");
        tagih_err err = service_reload(service);
        log_event(err_is_ok(err) ? LOG_INFO : LOG_ERROR, "server.reload", "%s", err_text(err));
        notify_send("READY=1");
    }
    notify_send("STOPPING=1\nSTATUS=draining");
    log_event(LOG_INFO, "server.draining", "signal %d", got);
    service_drain(service);
}

/* Open, wait, close. `dev` is NULL outside --dev. */
static enum cli_exit serve(const struct config *config, const sigset_t *signals, const struct dev *dev) {
    struct service *service;
    tagih_err err = service_open(config, &service);
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    if (dev) dev_tell(dev, service_port(service));
    wait_for_end(service, signals);
    service_close(service);
    log_event(LOG_INFO, "server.stopped", "every call was answered");
    return CLI_OK;
}

static enum cli_exit serve_dev(const struct config *config, const sigset_t *signals) {
    struct dev dev;
    enum cli_exit ended = dev_open(config, &dev);
    if (ended == CLI_OK) ended = serve(&dev.config, signals, &dev);
    dev_close(&dev);
    return ended;
}

static enum cli_exit run(const struct cli *cli) {
    if (cli->n_args) return cli_usage("serve takes no words");
    sigset_t signals;
    if (cli->config->dev) {
        block_signals(&signals);
        return serve_dev(cli->config, &signals);
    }
    if (!*cli->config->database_url) return cli_usage("serve needs --database-url (TAGIH_DATABASE_URL), or --dev");
    if (!*cli->config->listen && !*cli->config->socket) return cli_usage("serve needs --listen or --socket");
    block_signals(&signals);
    return serve(cli->config, &signals, NULL);
}

const struct cli_command cli_serve = {
    .name = "serve",
    .words = "[--listen ADDRESS] [--socket PATH] [--dev]",
    .summary = "Serve phones and the office",
    .text = "SIGTERM drains: calls that run are answered, new ones are sent away. SIGHUP reads the TLS certificate again.\n"
            "--dev makes and starts what is missing (PostgreSQL, schema, keys, CA, two people to log in as) in --state-dir\n"
            "or ~/" DEV_FOLDER ", listens on " DEV_LISTEN ", and prints how to call it.",
    .run = run};
