/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `serve --dev`: everything that a server needs, made where it is missing, in one folder: a private PostgreSQL, the
 * schema, signing keys, the dev CA, an agency with two people. Life: dev_open → a service on dev->config → dev_tell →
 * dev_close. A second start finds all of it again.
 */
#ifndef TAGIH_CLI_DEV_H
#define TAGIH_CLI_DEV_H

#include <limits.h>

#include "server/cli/cli.h"
#include "server/run/devdb.h"

/** The folder under the user's home when --state-dir names none. */
#define DEV_FOLDER ".tagih-dev"
/** Where it listens when neither --listen nor --socket says so. */
#define DEV_LISTEN "127.0.0.1:8443"
/** Who may log in at first. */
#define DEV_SUPERVISOR "sari"
#define DEV_COLLECTOR "budi"

struct dev {
    struct config config; /* what was given, completed; for service_open. Points into the rest */
    char state_dir[PATH_MAX], keys_dir[PATH_MAX + 8], login_path[PATH_MAX + 32];
    char owner_url[DEVDB_TEXT_MAX], app_url[DEVDB_TEXT_MAX + 32];
};

/**
 * Make and start what is missing.
 *
 * @param out  [out] to be closed whatever comes back; stays where it is while the service lives
 * @return CLI_OK, or what the process should end with; the reason was said on stderr
 *
 * Forks (run/devdb.h): call it before the first thread.
 */
enum cli_exit dev_open(const struct config *given, struct dev *out);

/** See that the first people are there, and their password in dev->login_path. For dev_open. */
enum cli_exit dev_people(struct dev *dev);

/** Say on stdout where everything is, and a call that works when pasted. @param port  0: no TCP */
void dev_tell(const struct dev *dev, int port);

/** Stop the private PostgreSQL; its data stays. */
void dev_close(struct dev *dev);

#endif
