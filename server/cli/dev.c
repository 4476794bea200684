/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `serve --dev` makes by itself, from the folder outwards: each step finds what an earlier start left. Nothing
 * here is for production: the database trusts its own socket, and nobody vouches for the CA.
 */
#include "server/cli/dev.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/run/clock.h"
#include "server/run/keys.h"
#include "store/migrate.h"

/* The settings' own defaults: a folder of the system, which a server to try leaves alone. */
static bool is_system_folder(const char *path) {
    return strcmp(path, "/var/lib/tagih") == 0 || strcmp(path, "/etc/tagih/keys") == 0;
}

/* Absolute, because PostgreSQL works from another folder than we do. */
static enum cli_exit open_folder(const struct config *given, struct dev *dev) {
    char wanted[PATH_MAX];
    const char *home = getenv("HOME");
    bool own = !is_system_folder(given->state_dir);
    if (!own && !home) return cli_usage("serve --dev needs --state-dir where there is no home folder");
    int len = own ? snprintf(wanted, sizeof wanted, "%s", given->state_dir)
                  : snprintf(wanted, sizeof wanted, "%s/" DEV_FOLDER, home);
    if (len >= (int)sizeof wanted) return cli_usage("--state-dir is too long");
    if (mkdir(wanted, 0700) != 0 && errno != EEXIST) return cli_failed("%s: %s", wanted, strerror(errno));
    if (!realpath(wanted, dev->state_dir)) return cli_failed("%s: %s", wanted, strerror(errno));
    return CLI_OK;
}

static void complete_config(const struct config *given, struct dev *dev) {
    dev->config = *given;
    dev->config.state_dir = dev->state_dir;
    if (is_system_folder(given->keys_dir)) {
        snprintf(dev->keys_dir, sizeof dev->keys_dir, "%s/keys", dev->state_dir);
        dev->config.keys_dir = dev->keys_dir;
    }
    if (!*given->listen && !*given->socket) dev->config.listen = DEV_LISTEN;
}

static void report(void *context, const char *line) {
    (void)context;
    fprintf(stderr, "%s\n", line);
}

/* Migrations of a tree that is being worked on may change under a database that has them already. */
static enum cli_exit open_database(struct dev *dev) {
    if (!err_is_ok(devdb_start(dev->state_dir, dev->owner_url))) return cli_failed("the private PostgreSQL does not start");
    const struct migrate_options options = {.conninfo = dev->owner_url, .report = report};
    tagih_err err = migrate_run(&options);
    if (err.reason == ERR_MIGRATION_CHANGED || err.reason == ERR_MIGRATION_NEWER) {
        return cli_failed("%s; a database to try may be thrown away: remove it (./build.sh clean), or take another --state-dir",
                          err_text(err));
    }
    if (!err_is_ok(err)) return cli_failed("%s", err_text(err));
    snprintf(dev->app_url, sizeof dev->app_url, "%s user=tagih_app", dev->owner_url);
    dev->config.owner_url = dev->owner_url;
    dev->config.database_url = dev->app_url;
    return CLI_OK;
}

static enum cli_exit make_keys(const struct config *config) {
    struct keys_problem problem;
    struct keyring ring = {.count = 0};
    struct stat info;
    bool is_there = stat(config->keys_dir, &info) == 0;
    if (is_there && !err_is_ok(keys_load(config->keys_dir, &ring, &problem))) return cli_failed("%s", problem.text);
    for (int purpose = 0; purpose < KEY_PURPOSE_COUNT; purpose++) {
        struct key key;
        if (is_there && keyring_signing(&ring, (enum key_purpose)purpose)) continue;
        if (!err_is_ok(keys_create(config->keys_dir, (enum key_purpose)purpose, clock_now(), &key, &problem))) {
            keyring_release(&ring);
            return cli_failed("%s", problem.text);
        }
    }
    keyring_release(&ring);
    return CLI_OK;
}

enum cli_exit dev_open(const struct config *given, struct dev *out) {
    *out = (struct dev){0};
    if (*given->database_url) return cli_usage("serve --dev has its own database: leave --database-url away");
    enum cli_exit ended = open_folder(given, out);
    if (ended != CLI_OK) return ended;
    complete_config(given, out);
    ended = make_keys(&out->config);
    if (ended == CLI_OK) ended = open_database(out);
    return ended == CLI_OK ? dev_people(out) : ended;
}

void dev_tell(const struct dev *dev, int port) {
    const char *folder = dev->state_dir;
    printf("\nTagih %s, a server to try. Ctrl-C ends it; what it made stays in %s.\n\n", TAGIH_VERSION, folder);
    if (port) printf("  gRPC         https://localhost:%d\n  its CA       %s/ca.pem\n", port, folder);
    if (*dev->config.socket) printf("  edge         unix:%s\n", dev->config.socket);
    printf("  database     psql '%s'\n", dev->owner_url);
    printf("  first login  " DEV_SUPERVISOR " (supervisor) and " DEV_COLLECTOR " (collector); their password is in\n"
           "               %s\n", dev->login_path);
    if (port) {
        printf("\nCall it with buf (npm install @bufbuild/buf; it asks the server what there is). Paste:\n\n"
               "  npx buf curl --cacert %s/ca.pem --protocol grpc --data @%s \\\n"
               "      https://localhost:%d/tagih.v1.SessionService/Login\n\n",
               folder, dev->login_path, port);
    }
    fflush(stdout);
}

void dev_close(struct dev *dev) {
    if (*dev->state_dir && !err_is_ok(devdb_stop(dev->state_dir))) cli_failed("the private PostgreSQL did not stop");
}
