/* SPDX-License-Identifier: Apache-2.0 */
/* tagihd version */
#include "server/cli/commands.h"
#include "store/migrate.h"

static enum cli_exit run(const struct cli *cli) {
    if (cli->n_args) return cli_usage("version takes no words");
    printf("tagihd %s (schema %d)\n", TAGIH_VERSION, migrate_version(&migrations_embedded));
    return CLI_OK;
}

const struct cli_command cli_version = {.name = "version",
                                        .words = "",
                                        .summary = "Print the version and the schema that goes with it",
                                        .run = run};
