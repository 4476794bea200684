/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subcommands of the binary: one file each, one row each in cli/commands.c. A command gets the settings
 * and the words that are left; it writes what was asked for to stdout, everything else to stderr, and ends
 * with one of four exit codes.
 */
#ifndef TAGIH_CLI_CLI_H
#define TAGIH_CLI_CLI_H

#include "server/run/config.h"
#include "tagih/err.h"

/** What a process says to its caller when it ends. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1, /* it was tried, and did not work */
    CLI_USAGE = 2,  /* it was asked for wrongly; nothing was tried */
    CLI_PARTLY = 3  /* it was done, and parts of it were refused and reported */
};

struct cli {
    const struct config *config;
    char **args; /* what is neither a setting nor a flag */
    int n_args;
};

struct cli_command {
    const char *name;
    const char *words;   /* what stands behind the name, for the usage line: "new PURPOSE | list" */
    const char *summary; /* one line */
    const char *text;    /* what --help says besides; NULL: nothing */
    const struct config_flag *flags; /* its own, ended by a zeroed one; NULL: none */
    enum cli_exit (*run)(const struct cli *cli);
};

/** All of them, in the order of the help; ends with NULL. */
extern const struct cli_command *const cli_commands[];

/** The command of a name; NULL: there is none. */
const struct cli_command *cli_find(const char *name);

/** The list of commands, for people. */
void cli_print_commands(FILE *to);

/** One command's usage, flags and settings, for people. */
void cli_print_help(FILE *to, const struct cli_command *command);

/** "tagihd: …" on stderr, for a command that was asked for wrongly. @return CLI_USAGE */
enum cli_exit cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** The same for one that did not work. @return CLI_FAILED */
enum cli_exit cli_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
