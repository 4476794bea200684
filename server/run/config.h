/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings: one table (config.def), read from flags and from the environment. Nothing has a second name and
 * nothing unknown is passed over: a misspelt setting that quietly keeps its default is worse than a refusal
 * to start.
 */
#ifndef TAGIH_RUN_CONFIG_H
#define TAGIH_RUN_CONFIG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tagih/err.h"

#define CONFIG_TYPE_TEXT const char *
#define CONFIG_TYPE_NUMBER int64_t
#define CONFIG_TYPE_SWITCH int64_t

/** One member a setting, named as in config.def. Text points into argv, the environment or constants. */
struct config {
#define SETTING(member, type, flag, name, otherwise, min, max, help) CONFIG_TYPE_##type member;
#include "server/run/config.def"
#undef SETTING
};

/** A flag that one subcommand has besides the settings. An array of them ends with a zeroed one. */
struct config_flag {
    const char *flag; /* "--as-of" */
    const char
        *meta; /* what its value is called in the help, "DATE"; NULL: a switch, its value becomes "1" */
    const char *help;
    const char **value; /* [out] set when the flag was given */
};

/** What was wrong, in one line for people. Never holds the value of a setting that may be secret. */
struct config_problem {
    char text[320];
};

/**
 * Read the settings of one run.
 *
 * @param args     argv behind the subcommand; reordered: what is neither a setting nor a flag comes first.
 *                 "--flag value" and "--flag=value"; "--" ends the flags
 * @param n_args   [in, out] how many; afterwards how many are left
 * @param env      "NAME=value" strings, ended by NULL; names that do not begin with TAGIH_ are not looked at
 * @param flags    the subcommand's own, or NULL
 * @param out      [out] undefined on error
 * @param problem  [out] set on error
 * @return OK · CONFIG_UNKNOWN a flag or a TAGIH_ name that does not exist; the nearest one is named ·
 *         CONFIG_VALUE a value is missing, of another type or out of range
 *
 * No globals, no allocation, no I/O.
 */
TAGIH_MUST_USE tagih_err config_read(char **args, int *n_args, char *const *env,
                                     const struct config_flag *flags, struct config *out,
                                     struct config_problem *problem);

/** Print the table of settings: flag, name, default, help. */
void config_print_help(FILE *to);

/** Print a subcommand's own flags. NULL prints nothing. */
void config_print_flags(FILE *to, const struct config_flag *flags);

/**
 * The candidate that is spelt most like `word` by edit distance; NULL when none is near enough to be worth
 * naming.
 *
 * @param candidates  `count` texts, of which NULLs are passed over
 */
const char *config_nearest(const char *word, const char *const *candidates, size_t count);

#endif
