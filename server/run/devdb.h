/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private PostgreSQL for `serve --dev`. The work is done by the same script that the tests use
 * (tests/support/pg_cluster.sh), whose text is inside the binary; it needs Debian's postgresql-15 and nothing
 * else.
 */
#ifndef TAGIH_RUN_DEVDB_H
#define TAGIH_RUN_DEVDB_H

#include "tagih/err.h"

#define DEVDB_TEXT_MAX 512

/**
 * Start the private database, made when absent; its data stays between runs.
 *
 * @param state_dir  absolute; the data is in <state_dir>/pg, or, for root, in /var/tmp/tagih-<hash of
 * state_dir>, because PostgreSQL does not run as root. TAGIH_PG_ROOT in the environment overrides both
 * @param out        [out] libpq's form, for the superuser `postgres` over the cluster's own socket
 * @return OK · DEVDB_FAILED the script said why on stderr
 *
 * Forks: call it before the first thread. A cluster whose process was killed is found and taken up again.
 */
TAGIH_MUST_USE tagih_err devdb_start(const char *state_dir, char out[DEVDB_TEXT_MAX]);

/** Stop it. Also after a failed start. @return OK · DEVDB_FAILED */
TAGIH_MUST_USE tagih_err devdb_stop(const char *state_dir);

#endif
