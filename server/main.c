/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tagihd: one binary, many commands. main finds the command, reads the settings from the one table
 * (run/config.def), and lets it work; what a command does is in cli/<command>.c. Begin reading at cli/serve.c
 * for the server itself.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "server/cli/commands.h"
#include "server/run/log.h"
#include "server/run/random.h"

static bool wants_help(char **args, int n_args) {
    for (int i = 0; i < n_args && strcmp(args[i], "--") != 0; i++) {
        if (strcmp(args[i], "--help") == 0 || strcmp(args[i], "-h") == 0) return true;
    }
    return false;
}

static enum cli_exit refuse_command(const char *name) {
    const char *names[64];
    size_t n = 0;
    while (cli_commands[n] && n < 64) {
        names[n] = cli_commands[n]->name;
        n++;
    }
    const char *nearest = config_nearest(name, names, n);
    if (nearest) return cli_usage("there is no command '%.64s'; did you mean %s?", name, nearest);
    return cli_usage("there is no command '%.64s'; `tagihd help` lists them", name);
}

static enum cli_exit run_command(const struct cli_command *command, char **args, int n_args) {
    if (wants_help(args, n_args)) {
        cli_print_help(stdout, command);
        return CLI_OK;
    }
    struct config config;
    struct config_problem problem;
    if (!err_is_ok(config_read(args, &n_args, environ, command->flags, &config, &problem))) {
        return cli_usage("%s", problem.text);
    }
    enum log_level level;
    if (!log_level_parse(config.log, &level)) return cli_usage("--log is debug, info, warn or error");
    log_open(STDERR_FILENO, level);
    if (!err_is_ok(random_open())) return cli_failed("this machine gives no random bytes");
    return command->run(&(struct cli){.config = &config, .args = args, .n_args = n_args});
}

int main(int argc, char **argv) {
    signal(SIGPIPE, SIG_IGN); /* a peer that went away is an error of its write, not our end */
    if (argc < 2) {
        cli_print_commands(stderr);
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = "help";
    if (strcmp(name, "--version") == 0) name = "version";
    const struct cli_command *command = cli_find(name);
    if (!command) return (int)refuse_command(name);
    enum cli_exit ended = run_command(command, argv + 2, argc - 2);
    return fflush(stdout) == 0 || ended != CLI_OK ? (int)ended : CLI_FAILED;
}
