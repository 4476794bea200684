/* SPDX-License-Identifier: Apache-2.0 */
/* What all subcommands share: finding them, explaining them, and saying what went wrong. */
#include "server/cli/cli.h"

#include <stdarg.h>
#include <string.h>

const struct cli_command *cli_find(const char *name) {
    for (size_t i = 0; cli_commands[i]; i++) {
        if (strcmp(cli_commands[i]->name, name) == 0) return cli_commands[i];
    }
    return NULL;
}

void cli_print_commands(FILE *to) {
    fprintf(to, "Tagih: the server for field debt collection.\nusage: tagihd COMMAND [words] [flags]\n\n");
    for (size_t i = 0; cli_commands[i]; i++) {
        fprintf(to, "  %-16s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    }
    fprintf(to,
            "\n`tagihd COMMAND --help` explains one of them. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done in part.\n");
}

void cli_print_help(FILE *to, const struct cli_command *command) {
    fprintf(to, "usage: tagihd %s%s%s\n%s.\n", command->name, *command->words ? " " : "", command->words, command->summary);
    if (command->text) fprintf(to, "\n%s\n", command->text);
    if (command->flags) {
        fprintf(to, "\nFlags:\n");
        config_print_flags(to, command->flags);
    }
    fputc('\n', to);
    config_print_help(to);
}

__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list args) {
    fprintf(stderr, "tagihd: ");
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

enum cli_exit cli_usage(const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return CLI_USAGE;
}

enum cli_exit cli_failed(const char *format, ...) {
    va_list args;
    va_start(args, format);
    say(format, args);
    va_end(args);
    return CLI_FAILED;
}
