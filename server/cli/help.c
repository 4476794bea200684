/* SPDX-License-Identifier: Apache-2.0 */
/* tagihd help [COMMAND] */
#include "server/cli/commands.h"

static enum cli_exit run(const struct cli *cli) {
    if (cli->n_args == 0) {
        cli_print_commands(stdout);
        return CLI_OK;
    }
    const struct cli_command *command = cli_find(cli->args[0]);
    if (!command) return cli_usage("there is no command '%.64s'; `tagihd help` lists them", cli->args[0]);
    cli_print_help(stdout, command);
    return CLI_OK;
}

const struct cli_command cli_help = {
    .name = "help", .words = "[COMMAND]", .summary = "List the commands, or explain one", .run = run};
